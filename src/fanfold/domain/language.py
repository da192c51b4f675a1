"""The subset of Python in which compiled and plain code agree to the last bit.

Allowed are ``+ - * / // %``, comparisons, `math`, numbers, loops over `range`, a
few builtins, fields and items of the arguments, and other compiled functions.
NumPy reductions and ufuncs, ``**`` and methods are refused: their compiled forms
round differently, or do not exist.

Read from byte code, because that is what runs: it is there for functions of
notebooks and of standard input too, and an edited file cannot disagree with it.
"""

import dis
import hashlib
import math
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any

from fanfold.errors import LanguageError


class Declared:
    """A function that was declared to be of the subset; others may call it.

    Attributes:
        function: The plain function.
        apart: Whether it stays out of line in its callers.
        checked: Whether a division by zero raises.
    """

    function: Callable[..., Any]
    apart: bool
    checked: bool


BUILTINS = {"abs", "bool", "float", "int", "len", "max", "min", "range", "round"}

MATHEMATICS = {
    *("pi", "e", "tau", "inf", "nan", "isnan", "isinf", "isfinite", "copysign", "fabs"),
    *("ceil", "floor", "trunc", "sqrt", "exp", "expm1", "log", "log1p", "log2", "log10"),
    *("sin", "cos", "tan", "asin", "acos", "atan", "atan2", "sinh", "cosh", "tanh"),
    *("asinh", "acosh", "atanh", "erf", "erfc", "degrees", "radians"),
}
"""What of `math` has the same bits in machine code; `pow`, `gamma`, `hypot` have not."""

_REFUSED_OPERATORS = {"**": "** (write a product)", "@": "@"}
_REFUSED_INSTRUCTIONS = {
    "BUILD_LIST": "a list",
    "BUILD_MAP": "a dict",
    "BUILD_SET": "a set",
    "BUILD_STRING": "an f-string",
    "FORMAT_VALUE": "an f-string",
    "FORMAT_SIMPLE": "an f-string",
    "FORMAT_WITH_SPEC": "an f-string",
    "LIST_APPEND": "a comprehension",
    "IMPORT_NAME": "import",
    "MAKE_FUNCTION": "a function inside a function",
    "PUSH_EXC_INFO": "try or with",
    "YIELD_VALUE": "yield",
    "STORE_GLOBAL": "global",
    "CALL_FUNCTION_EX": "a call with * or **",
}


def content_hash(function: Callable[..., Any]) -> str:
    """Hash a function of the subset and all compiled functions that it reaches.

    Returns:
        64 hexadecimal digits.

    Raises:
        LanguageError: The code is outside the subset; names function, file, line.
    """
    digest = hashlib.sha256()
    _add(function, digest, set())
    return digest.hexdigest()


def attributes_read(function: Callable[..., Any]) -> set[str]:
    """Names of all fields that a function, and compiled code that it reaches, reads."""
    return _attributes(function, _is_attribute)


def attributes_written(function: Callable[..., Any]) -> set[str]:
    """Names of all fields that a function, and compiled code that it reaches, writes."""
    return _attributes(function, lambda instruction: instruction.opname == "STORE_ATTR")


def _attributes(
    function: Callable[..., Any], wanted: Callable[[dis.Instruction], bool]
) -> set[str]:
    names: set[str] = set()
    waiting, seen = [function], set[int]()
    while waiting:
        current = waiting.pop()
        if id(current) in seen:
            continue
        seen.add(id(current))
        names |= {str(i.argval) for i in dis.get_instructions(current) if wanted(i)}
        inner = (_inner_function(value) for _, value in _reached(current))
        waiting += [found for found in inner if found is not None]
    return names


def plain_hash(function: Callable[..., Any]) -> str:
    """Hash the byte code and constants of any Python function, unchecked.

    What it calls is not followed: plain Python may reach anything.
    """
    digest = hashlib.sha256()
    for part in _code_parts(function.__code__):
        digest.update(part)
    return digest.hexdigest()


def _add(function: Callable[..., Any], digest: Any, seen: set[int]) -> None:
    if id(function) in seen:
        return
    seen.add(id(function))
    _check(function)
    for part in _code_parts(function.__code__):
        digest.update(part)
    digest.update(repr(function.__defaults__).encode())
    for name, value in _reached(function):
        digest.update(name.encode())
        inner = _inner_function(value)
        if inner is not None:
            digest.update(str(value.apart).encode())
            if not value.checked:
                digest.update(b"unchecked")
            _add(inner, digest, seen)
        elif isinstance(value, (types.ModuleType, type)) or callable(value):
            digest.update(value.__name__.encode())
        else:
            digest.update(repr(value).encode())


def _code_parts(code: types.CodeType) -> Iterator[bytes]:
    yield code.co_code
    yield repr((code.co_names, code.co_varnames, code.co_freevars, code.co_argcount)).encode()
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _code_parts(constant)
        else:
            yield repr(constant).encode()


def _reached(function: Callable[..., Any]) -> Iterator[tuple[str, Any]]:
    """Globals and closure variables that the code reads, with their values."""
    code = function.__code__
    for name in code.co_names:
        if name in function.__globals__:
            yield name, function.__globals__[name]
    for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
        yield name, cell.cell_contents


def _inner_function(value: Any) -> Callable[..., Any] | None:
    return value.function if isinstance(value, Declared) else None


def _check(function: Callable[..., Any]) -> None:
    code = function.__code__
    line = code.co_firstlineno
    before: dis.Instruction | None = None
    for instruction in dis.get_instructions(code):
        line = _line(instruction) or line
        found = _refusal(instruction, before, function)
        if found is not None:
            raise LanguageError(
                f"compiled function {function.__qualname__} may not use {found}: "
                f"{code.co_filename}, line {line}"
            )
        if instruction.opname not in ("PUSH_NULL", "CACHE"):
            before = instruction


def _line(instruction: dis.Instruction) -> int | None:
    return instruction.positions.lineno if instruction.positions else None


def _refusal(
    instruction: dis.Instruction, before: dis.Instruction | None, function: Callable[..., Any]
) -> str | None:
    """What the instruction does that the subset lacks, or None."""
    name = instruction.opname
    if name in _REFUSED_INSTRUCTIONS:
        return _REFUSED_INSTRUCTIONS[name]
    if name == "BINARY_OP":
        return _REFUSED_OPERATORS.get(instruction.argrepr.removesuffix("="))
    if name in ("LOAD_GLOBAL", "LOAD_DEREF"):
        return _refused_name(str(instruction.argval), function)
    if _is_attribute(instruction) and before is not None and _names_math(before, function):
        return None if instruction.argval in MATHEMATICS else f"math.{instruction.argval}"
    if _is_method(instruction):
        return f"the method .{instruction.argval}()"
    return None


def _is_attribute(instruction: dis.Instruction) -> bool:
    return instruction.opname in ("LOAD_ATTR", "LOAD_METHOD")


def _is_method(instruction: dis.Instruction) -> bool:
    if instruction.opname == "LOAD_METHOD":
        return True
    # From 3.12 on a method call is an attribute load with its lowest bit set.
    marked = sys.version_info >= (3, 12) and bool((instruction.arg or 0) & 1)
    return instruction.opname == "LOAD_ATTR" and marked


def _names_math(instruction: dis.Instruction, function: Callable[..., Any]) -> bool:
    return (
        instruction.opname == "LOAD_GLOBAL" and function.__globals__.get(instruction.argval) is math
    )


def _refused_name(name: str, function: Callable[..., Any]) -> str | None:
    values = dict(_reached(function))
    if name not in values:
        known = name in BUILTINS or _is_exception(name)
        return None if known else f"{name!r}, which is not defined here"
    value = values[name]
    if _is_allowed(value):
        return None
    if isinstance(value, types.ModuleType):
        return f"the module {value.__name__!r}"
    if getattr(value, "__module__", None) == "math":
        return f"{name!r}, which is math.{value.__name__}"
    return f"{name!r}, which is no number and no compiled function"


def _is_exception(name: str) -> bool:
    import builtins

    found = getattr(builtins, name, None)
    return isinstance(found, type) and issubclass(found, Exception)


def _is_allowed(value: Any) -> bool:
    if value is math or value is None or _inner_function(value) is not None:
        return True
    if isinstance(value, tuple):
        return all(_is_allowed(item) for item in value)  # pyright: ignore[reportUnknownVariableType]
    return isinstance(value, (bool, int, float, str)) or _is_math_function(value)


def _is_math_function(value: Any) -> bool:
    if getattr(value, "__module__", None) != "math":
        return False
    return getattr(value, "__name__", "") in MATHEMATICS
