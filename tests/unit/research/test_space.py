"""What may be searched: bounds of fields, stated values, and what is refused."""

from typing import Any, ClassVar, Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

import fanfold.strategies as shipped
from fanfold.errors import ConfigError
from fanfold.research import space as space_module
from fanfold.research.made import make
from fanfold.research.space import Dimension, Space, random_params, space_of
from fanfold.strategies import LearningStrategy, SmaCross, Strategy, decision


@decision
def rest(assets: Any, portfolio: Any, memory: Any) -> None:
    """Hold nothing."""
    for asset in assets:
        asset.target = 0.0


class Every(Strategy):
    """A field of every kind that has a space."""

    whole: int = Field(3, ge=2, le=9)
    open_whole: int = Field(3, gt=2, lt=9)
    even: int = Field(4, ge=3, le=11, multiple_of=2)
    number: float = Field(0.5, ge=0.25, le=2.0)
    stepped: float = Field(0.5, ge=0.25, le=2.0, multiple_of=0.25)
    side: Literal["long", "short"] = "long"
    enabled: bool = True
    decide: ClassVar[Any] = rest


class Unbounded(Strategy):
    """Fields that have no space."""

    lower: int = Field(3, ge=2)
    free: float = 1.0
    name: str = "A"
    decide: ClassVar[Any] = rest


SHIPPED = [
    kind
    for kind in vars(shipped).values()
    if isinstance(kind, type)
    and issubclass(kind, Strategy)
    and kind not in (Strategy, LearningStrategy)
]
SYMBOLS = {"first": "A", "second": "B"}


def dimension(name: str, space: Space) -> Dimension:
    (found,) = [one for one in space if one.name == name]
    return found


@pytest.mark.parametrize("kind", SHIPPED, ids=lambda kind: kind.__name__)
def test_every_shipped_strategy_can_be_searched_within_its_bounds(kind: type[Strategy]) -> None:
    fixed = {name: value for name, value in SYMBOLS.items() if kind.model_fields.get(name)}
    fixed = {name: v for name, v in fixed.items() if kind.model_fields[name].annotation is str}
    space = space_of(kind, fixed=fixed)
    assert [one.name for one in space] == [name for name in kind.model_fields if name not in fixed]
    rng = np.random.default_rng(5)
    made = [make(kind, fixed, random_params(space, rng)) for _ in range(100)]
    reasons = {one.reason for one in made if one.strategy is None}
    # Whatever is infeasible is so because two parameters do not go together.
    assert not any("Input should be" in reason for reason in reasons), reasons
    assert sum(one.strategy is not None for one in made) > 20
    for one in space:
        for end in one.ends:
            value = {**{each.name: kind.model_fields[each.name].default for each in space}}
            reason = make(kind, fixed, {**value, one.name: end}).reason
            assert "Input should be" not in reason, reason


def test_bounds_of_fields_are_the_space() -> None:
    space = space_of(Every)
    assert space == (
        Dimension(name="whole", kind="int", low=2, high=9, step=1),
        Dimension(name="open_whole", kind="int", low=3, high=8, step=1),
        Dimension(name="even", kind="int", low=4, high=11, step=2),
        Dimension(name="number", kind="float", low=0.25, high=2.0),
        Dimension(name="stepped", kind="float", low=0.25, high=2.0, step=0.25),
        Dimension(name="side", kind="choice", choices=("long", "short")),
        Dimension(name="enabled", kind="choice", choices=(False, True)),
    )
    assert [one.ends for one in space][:2] == [(2, 9), (3, 8)]
    assert dimension("side", space).ends == ("long", "short")


@given(seed=st.integers(0, 2**32 - 1))
def test_what_is_drawn_is_within_the_space(seed: int) -> None:
    drawn = random_params(space_of(Every), np.random.default_rng(seed))
    assert Every(**drawn).model_dump() == drawn  # nothing is coerced, all is in bounds
    assert type(drawn["whole"]) is int
    assert type(drawn["enabled"]) is bool
    assert drawn["even"] % 2 == 0
    assert drawn["stepped"] % 0.25 == 0.0


def test_every_value_of_a_small_space_is_drawn() -> None:
    rng = np.random.default_rng(1)
    drawn = [random_params(space_of(Every), rng) for _ in range(300)]
    assert {one["whole"] for one in drawn} == set(range(2, 10))
    assert {one["open_whole"] for one in drawn} == set(range(3, 9))
    assert {one["even"] for one in drawn} == {4, 6, 8, 10}
    assert {one["stepped"] for one in drawn} == {0.25 * k for k in range(1, 9)}
    assert {one["side"] for one in drawn} == {"long", "short"}
    assert {one["enabled"] for one in drawn} == {False, True}


@pytest.mark.parametrize(
    ("values", "values_drawn"),
    [
        (range(2, 9, 3), {2, 5, 8}),
        (range(9, 2, -3), {9, 6, 3}),
        (range(7, 8), {7}),
        ([2, 5, 3], {2, 5, 3}),
        ((2, 5), {2, 3, 4, 5}),
        ((4, 4), {4}),
        ((2, 5, 3), {2, 5, 3}),
        (7, {7}),
    ],
)
def test_stated_values_are_the_space(values: Any, values_drawn: set[int]) -> None:
    (fast, slow) = space_of(SmaCross, {"fast": values})
    assert slow == Dimension(name="slow", kind="int", low=5, high=250, step=1)
    rng = np.random.default_rng(2)
    assert {fast.draw(rng) for _ in range(200)} == values_drawn
    first, last = fast.ends
    assert {first, last} <= values_drawn


def test_a_pair_with_a_fraction_is_of_numbers() -> None:
    (lower, *_) = [one for one in space_of(Every, {"number": (0.5, 1)}) if one.name == "number"]
    assert (lower.kind, lower.ends) == ("float", (0.5, 1))
    assert 0.5 <= lower.draw(np.random.default_rng(0)) <= 1.0


def test_texts_are_one_choice_and_not_their_letters() -> None:
    (side,) = [one for one in space_of(Every, {"side": "short"}) if one.name == "side"]
    assert side.choices == ("short",)


def test_what_is_fixed_is_not_searched() -> None:
    assert [one.name for one in space_of(SmaCross, fixed={"fast": 3})] == ["slow"]
    with pytest.raises(ConfigError, match="at least one parameter of SmaCross free, left none"):
        space_of(SmaCross, fixed={"fast": 3, "slow": 9})


@pytest.mark.parametrize("name", ["lower", "free", "name"])
def test_a_parameter_without_bounds_must_be_stated_or_fixed(name: str) -> None:
    others = {key: [1] for key in Unbounded.model_fields if key != name}
    with pytest.raises(
        ConfigError,
        match=rf"Unbounded\.{name} must have bounds \(ge, le\) to be searched, has not: state",
    ):
        space_of(Unbounded, others)
    space = space_of(Unbounded, {"lower": (2, 4), "free": [1.0, 2.0], "name": ["A", "B"]})
    assert [one.kind for one in space] == ["int", "choice", "choice"]


@pytest.mark.parametrize(
    ("values", "text"),
    [
        (range(0), "fast must have 1 to 1,000,000 values, had 0"),
        ([], "fast must have 1 to 1,000,000 values, had 0"),
        ((5, 2), r"fast must go from a number to one not below it, was \(5, 2\)"),
        (("a", "b"), "fast must go from a number"),
        ((2, float("inf")), "fast must go from a number"),
        ((2, float("nan")), "fast must go from a number"),
        ((None, 3), "fast must go from a number"),
    ],
)
def test_values_that_are_no_space_are_refused(values: Any, text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        space_of(SmaCross, {"fast": values})


def test_axes_that_are_too_long_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(space_module, "AXIS_SIZE_MAX", 3)
    for values in (range(4), [1, 2, 3, 4]):
        with pytest.raises(ConfigError, match="fast must have 1 to 3 values, had 4"):
            space_of(SmaCross, {"fast": values})


@pytest.mark.parametrize("place", ["stated", "fixed"])
def test_an_unknown_parameter_is_refused_with_the_nearest_name(place: str) -> None:
    with pytest.raises(ConfigError, match="parameters fast, slow, not 'fsat', did you mean 'fast'"):
        space_of(SmaCross, **{place: {"fsat": 3}})


class OpenEnd(Strategy):
    """A field whose lower bound is not one of its values."""

    share: float = Field(0.5, gt=0.0, le=1.0, multiple_of=0.25)
    shifted: float = Field(0.5, ge=0.1, le=1.0, multiple_of=0.25)
    decide: ClassVar[Any] = rest


@pytest.mark.parametrize("name", ["share", "shifted"])
def test_steps_of_numbers_are_multiples_within_the_bounds(name: str) -> None:
    own = dimension(name, space_of(OpenEnd))
    rng = np.random.default_rng(0)
    assert {own.draw(rng) for _ in range(200)} == {0.25, 0.5, 0.75, 1.0}


def test_numbers_of_numpy_are_plain_ones() -> None:
    (fast, _) = space_of(SmaCross, {"fast": np.arange(2, 5)})
    assert [type(value) for value in fast.choices] == [int, int, int]
    (fast, _) = space_of(SmaCross, {"fast": (np.int64(2), np.int64(5))})
    assert (fast.kind, fast.ends) == ("int", (2, 5))


def test_a_pair_of_fractions_for_a_whole_parameter_is_refused_or_whole() -> None:
    try:
        (fast, _) = space_of(SmaCross, {"fast": (2.0, 10.0)})
    except ConfigError:
        return
    assert fast.kind == "int"


def test_a_pair_of_truths_is_a_choice() -> None:
    (own,) = [one for one in space_of(Every, {"enabled": (False, True)}) if one.name == "enabled"]
    assert own.draw(np.random.default_rng(0)) in (False, True)


def test_a_parameter_that_is_both_stated_and_fixed_is_refused() -> None:
    with pytest.raises(ConfigError, match="fast"):
        space_of(SmaCross, {"fast": (2, 5)}, {"fast": 3})
