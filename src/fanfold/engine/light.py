"""Plain Python's own form of the step: records without memory to share, calls without detours.

Where no machine code reads the same bytes, a record is quickest as an object with slots, and
a compiled function as one that calls the plain functions it reaches directly. What they
compute is what they always compute: only how fields and functions are found is another.
"""

from collections.abc import Callable, Sequence
from functools import cache
from operator import attrgetter
from types import FunctionType
from typing import Any, Final, cast

from fanfold.domain.compiled import Compiled
from fanfold.domain.record import Record


@cache
def _form_of(record: type[Record]) -> tuple[type, Callable[[Any], Any]]:
    """A class with a record's fields as slots, and what reads them all."""
    names = record.dtype.names or ()
    return type(f"Light{record.__name__}", (), {"__slots__": names}), attrgetter(*names)


def light(record: type[Record], records: Any) -> list[Any]:
    """One object a record, of numbers only, with what stands in the array.

    An integer that a field of floats is given stays one until it is kept: no rule of the
    step tells the two apart.
    """
    kind, _ = _form_of(record)
    made: list[Any] = [kind() for _ in range(len(records))]
    take_over(record, records, made)
    return made


def copied(record: type[Record], one: Any) -> Any:
    """Another object that is what this one is."""
    kind, values_of = _form_of(record)
    made = kind()
    for name, value in zip(record.dtype.names or (), values_of(one), strict=True):
        setattr(made, name, value)
    return made


def take_over(record: type[Record], records: Any, objects: Sequence[Any]) -> None:
    """Let the objects be what stands in the array."""
    for values, one in zip(records.tolist(), objects, strict=True):
        for name, value in zip(record.dtype.names or (), values, strict=True):
            setattr(one, name, value)


def keep(record: type[Record], objects: Sequence[Any], records: Any) -> None:
    """Write down in the array what the objects are."""
    _, values_of = _form_of(record)
    for place, one in enumerate(objects):
        records[place] = values_of(one)


_linked: Final[dict[Compiled[..., Any], Callable[..., Any]]] = {}


def linked(function: Compiled[..., Any]) -> Callable[..., Any]:
    """The plain function, with the plain functions that it calls in place of compiled ones.

    It knows the names that it reads as they stand now: for functions of this project, whose
    modules do not change once they are imported.
    """
    if function in _linked:
        return _linked[function]
    own: Any = function.function
    names = own.__code__.co_names
    known = {name: own.__globals__[name] for name in names if name in own.__globals__}
    known["__builtins__"] = own.__globals__["__builtins__"]
    made = FunctionType(own.__code__, known, own.__name__, own.__defaults__, own.__closure__)
    made.__kwdefaults__ = own.__kwdefaults__
    _linked[function] = made  # names of fields may be names of functions, its own too
    for name, value in known.items():
        if isinstance(value, Compiled):
            known[name] = linked(cast("Compiled[..., Any]", value))
    return made
