"""What compiled code may use, what it may not, and what its hash hangs on."""

import math
import textwrap
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from fanfold.domain.compiled import compiled
from fanfold.domain.language import attributes_read, content_hash, plain_hash
from fanfold.errors import LanguageError

TABLE = [1.0, 2.0]
RATE = 0.25
PAIR = (1, 2.5)


def power(x: Any) -> Any:
    return x**2


def power_in_place(x: Any) -> Any:
    x **= 2
    return x


def matrix_product(x: Any) -> Any:
    return x @ x


def numpy_call(x: Any) -> Any:
    return np.sqrt(x)


def numpy_constant(x: Any) -> Any:
    return x * np.pi


def method(x: Any) -> Any:
    return x.copy()


def builds_a_list(x: Any) -> Any:
    return [x, x]


def builds_a_dict(x: Any) -> Any:
    return {"x": x}


def builds_a_set(x: Any) -> Any:
    return {x}


def comprehension(x: Any) -> Any:
    return [y for y in x]  # noqa: C416


def generator(x: Any) -> Any:
    yield x


def f_string(x: Any) -> Any:
    return f"{x} units"


def bare_f_string(x: Any) -> Any:
    return f"{x}"


def undefined(x: Any) -> Any:
    return mising(x)  # type: ignore[name-defined]  # noqa: F821


def tries(x: Any) -> Any:
    try:
        return 1.0 / x
    except ZeroDivisionError:
        return 0.0


def uses_with(x: Any) -> Any:
    with x:
        return 1


def imports(x: Any) -> Any:
    import os

    return os, x


def inner_function(x: Any) -> Any:
    inner = lambda y: y  # noqa: E731
    return inner(x)


def writes_a_global(x: Any) -> Any:
    global RATE  # noqa: PLW0603
    RATE = x


def star_call(x: Any) -> Any:
    return max(*x)


def reads_a_list(x: Any) -> Any:
    return TABLE[x]


def other_builtin(x: Any) -> Any:
    return sorted(x)


def plain_function(x: Any) -> Any:
    return power(x)


def unknown_mathematics(x: Any) -> Any:
    return math.logarithm(x)  # type: ignore[attr-defined]


REFUSED: dict[Callable[[Any], Any], str] = {
    power: r"\*\*",
    power_in_place: r"\*\*",
    matrix_product: "@",
    numpy_call: "module 'numpy'",
    numpy_constant: "module 'numpy'",
    method: r"method \.copy",
    builds_a_list: "a list",
    builds_a_dict: "a dict",
    builds_a_set: "a set",
    comprehension: "a comprehension|a list|a function inside",  # each Python builds it its way
    generator: "yield",
    f_string: "an f-string",
    bare_f_string: "an f-string",
    undefined: "'mising', which is not defined",
    tries: "try",
    uses_with: "with",
    imports: "import",
    inner_function: "a function inside",
    writes_a_global: "global",
    star_call: r"a call with \*",
    reads_a_list: "'TABLE', which is no number",
    other_builtin: "'sorted'",
    plain_function: "'power', which is no number and no compiled function",
    unknown_mathematics: "math.logarithm",
}


@pytest.mark.parametrize("function", REFUSED, ids=lambda function: function.__name__)
def test_code_outside_the_subset_is_refused_by_function_line_and_offence(
    function: Callable[[Any], Any],
) -> None:
    with pytest.raises(LanguageError, match=REFUSED[function]) as raised:
        content_hash(function)
    text = str(raised.value)
    assert text.startswith(f"compiled function {function.__name__} may not use ")
    first = function.__code__.co_firstlineno
    lines = {line for *_, line in function.__code__.co_lines() if line and line > first}
    assert f"{__file__}, line " in text
    assert int(text.rpartition("line ")[2]) in lines
    assert "\n" not in text


@pytest.mark.parametrize(
    "name",
    [
        "gamma", "lgamma", "hypot",  # round otherwise in machine code
        "pow",  # with a constant power of 2 machine code multiplies
        "fmod", "fsum", "comb", "dist", "isqrt", "nextafter", "prod",  # machine code has none
    ],
)  # fmt: skip
def test_mathematics_without_the_same_bits_in_machine_code_is_refused(name: str) -> None:
    whole = made_from(f"def decide(x):\n    return math.{name}(x)")
    alone = made_from("def decide(x):\n    return it(x)", it=getattr(math, name))
    for function in (whole, alone):
        with pytest.raises(LanguageError, match=name):
            content_hash(function)


@compiled
def helper(x: float) -> float:
    return math.exp(-x) * RATE + PAIR[1]


def made_with(factor: float) -> Callable[[float], float]:
    def closure(x: float) -> float:
        return helper(x) * factor

    return closure


def allowed(assets: Any, memory: Any) -> Any:
    total = 0.0
    for k in range(len(assets)):
        asset = assets[k]
        if asset.close > memory[0] and not math.isnan(asset.close):
            total += min(asset.close, 3.0) // 2 % 7 - abs(asset.open)
        elif k == 1:
            continue
        asset.target = helper(total) if total < math.inf else round(total)
    while total > 1e6:
        total /= 2
    if total < 0.0:
        raise ValueError("total must not be negative")
    return int(total), float(k), bool(k & 1)


@pytest.mark.parametrize("function", [allowed, helper.function, made_with(2.0)])
def test_the_subset_has_mathematics_loops_helpers_constants_and_closures(function: Any) -> None:
    assert len(content_hash(function)) == 64


def test_a_refused_helper_is_named_not_its_caller() -> None:
    wrong = compiled(power)

    def caller(x: float) -> float:
        return wrong(x)

    with pytest.raises(LanguageError, match="compiled function power may not use"):
        content_hash(caller)


def made_from(source: str, **scope: Any) -> Any:
    """The function `decide` of a text, as if it stood in a file of its own."""
    names: dict[str, Any] = {"math": math, **scope}
    exec(textwrap.dedent(source), names)  # noqa: S102
    return names["decide"]


PLAIN = """
def decide(x):
    return x * 2.0 + RATE
"""


def test_a_hash_does_not_hang_on_comments_or_places() -> None:
    commented = """

    # Why this is so.
    def decide(x):
        # It doubles.

        return (
            x * 2.0  # twice
            + RATE
        )
    """
    assert content_hash(made_from(commented, RATE=1)) == content_hash(made_from(PLAIN, RATE=1))


@pytest.mark.parametrize(
    ("source", "scope"),
    [
        (PLAIN.replace("2.0", "3.0"), {"RATE": 1}),
        (PLAIN.replace("*", "-"), {"RATE": 1}),
        (PLAIN.replace("(x)", "(x, y=1)"), {"RATE": 1}),
        (PLAIN, {"RATE": 2}),
        (PLAIN, {"RATE": 1.0}),
        # A docstring is a constant of the function: it counts.
        (PLAIN.replace(":\n", ":\n    '''Doubles.'''\n", 1), {"RATE": 1}),
    ],
)
def test_a_hash_hangs_on_code_and_constants(source: str, scope: dict[str, Any]) -> None:
    assert content_hash(made_from(source, **scope)) != content_hash(made_from(PLAIN, RATE=1))


def test_a_hash_hangs_on_the_code_of_helpers_and_of_their_helpers() -> None:
    def chain(constant: str) -> str:
        inner = compiled(made_from(f"def decide(x):\n    return x + {constant}"))
        middle = compiled(made_from("def decide(x):\n    return inner(x)", inner=inner))
        return content_hash(made_from("def decide(x):\n    return middle(x)", middle=middle))

    assert chain("1.5") == chain("1.5")
    assert chain("1.5") != chain("2.5")


def test_a_hash_hangs_on_the_values_of_closures() -> None:
    assert content_hash(made_with(2.0)) == content_hash(made_with(2.0))
    assert content_hash(made_with(2.0)) != content_hash(made_with(3.0))


def test_a_function_that_calls_itself_has_a_hash() -> None:
    @compiled
    def down(x: int) -> int:
        return down(x - 1) if x > 0 else x

    assert len(down.content_hash) == 64


def test_fields_read_are_found_through_helpers() -> None:
    @compiled
    def weight(asset: Any) -> float:
        return asset.weight

    def decide(assets: Any) -> None:
        for asset in assets:
            asset.target = weight(asset) * asset.close

    assert attributes_read(decide) >= {"weight", "close"}
    assert "target" not in attributes_read(decide)


def test_a_plain_function_has_a_hash_of_its_own_code() -> None:
    first, second = (made_from(PLAIN.replace("2.0", text), RATE=1) for text in ("2.0", "3.0"))
    assert plain_hash(first) != plain_hash(second)
    assert len(plain_hash(comprehension)) == 64
