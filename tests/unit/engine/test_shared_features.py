"""Features are asked for again only where nothing else can decide them."""

from typing import Any, ClassVar, Literal

import pytest
from pydantic import Field
from tests.fakes.decisions import Wander

from fanfold.engine.features import fields_of_features, sharing
from fanfold.errors import ConfigError
from fanfold.strategies import SMA, DonchianBreakout, Indicator, SmaCross, Strategy


class Cross(SmaCross):
    """A base for strategies that make their features in other ways."""

    band: float = 0.0
    kind: Literal["a", "b"] = "a"
    calls: ClassVar[list[int]] = []


class ByOneField(Cross):
    def features(self) -> tuple[Indicator, ...]:
        self.calls.append(self.fast)
        return (SMA(self.fast),)


class Counted(Cross):
    def features(self) -> tuple[Indicator, ...]:
        return (SMA(self.fast), SMA(count_and_double(self.fast)))


COUNTED: list[int] = []


def count_and_double(period: int) -> int:
    COUNTED.append(period)
    return 2 * period


class ByMethod(Cross):
    def features(self) -> tuple[Indicator, ...]:
        return (SMA(self.longest()),)

    def longest(self) -> int:
        return self.slow


class ByBase(Cross):
    def features(self) -> tuple[Indicator, ...]:
        return (*super().features(), SMA(self.fast))


class ByLoop(Cross):
    def features(self) -> tuple[Indicator, ...]:
        return tuple(SMA(self.fast + k) for k in range(2))


class ByName(Cross):
    def features(self) -> tuple[Indicator, ...]:
        return (SMA(getattr(self, "slow")),)  # noqa: B009  (the name is not in the byte code)


class ByLocals(Cross):
    def features(self) -> tuple[Indicator, ...]:
        return (SMA(self.fast), SMA(locals()["self"].slow))


class ByChoice(Cross):
    def features(self) -> tuple[Indicator, ...]:
        return (SMA(self.fast if self.kind == "a" else self.slow),)


class ByAlias(Cross):
    def features(self) -> tuple[Indicator, ...]:
        one = self
        return (SMA(one.slow),)


@pytest.mark.parametrize(
    ("strategy", "fields"),
    [
        (SmaCross, {"fast", "slow"}),
        (DonchianBreakout, {"entry_period", "exit_period", "atr_period"}),
        (Counted, {"fast"}),
        (Wander, set[str]()),
    ],
)
def test_fields_are_read_from_byte_code(strategy: type[Strategy], fields: set[str]) -> None:
    assert set(fields_of_features(strategy)) == fields


@pytest.mark.parametrize(
    "strategy", [ByOneField, ByMethod, ByBase, ByLoop, ByName, ByLocals, ByChoice, ByAlias]
)
def test_where_byte_code_leaves_a_doubt_no_field_is_named(strategy: type[Strategy]) -> None:
    assert fields_of_features(strategy) == ()
    one, same, other = (
        strategy.model_validate({"fast": 5, "slow": slow, "kind": kind})
        for slow, kind in ((20, "b"), (20, "b"), (30, "b"))
    )
    shared = sharing(strategy)
    assert shared(one) is shared(same)
    assert shared(other) == other.features()


def test_equal_fields_have_features_made_once() -> None:
    COUNTED.clear()
    shared = sharing(Counted)
    made = [
        shared(Counted(fast=fast, slow=50, band=band)) for fast in (3, 4) for band in (0.1, 0.2)
    ]
    assert COUNTED == [3, 4]
    assert made[0] is made[1]
    assert made[2] == (SMA(4), SMA(8))


class NoIndicators(Cross):
    period: int = Field(3)

    def features(self) -> Any:
        return (self.period,) if self.fast == 4 else (SMA(self.period),)


def test_what_is_no_indicator_is_refused_wherever_it_comes() -> None:
    shared = sharing(NoIndicators)
    assert shared(NoIndicators.model_validate({"fast": 3})) == (SMA(3),)
    with pytest.raises(ConfigError, match=r"NoIndicators.features must return indicators, was 3"):
        shared(NoIndicators.model_validate({"fast": 4}))
