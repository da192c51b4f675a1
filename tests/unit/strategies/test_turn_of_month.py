"""The plain strategy enters late in the month and leaves early in the next."""

import math
from datetime import date

import pytest
from tests.unit.strategies.conftest import Decided

from fanfold.domain.compiled import Compiled
from fanfold.strategies import RealisedVolatility, TurnOfMonth
from fanfold.strategies.strategy import decision_of

STRATEGY = TurnOfMonth(first_day=26, last_day=3, target_volatility=0.2, period=10)


def days(text: str) -> int:
    return (date.fromisoformat(text) - date(1970, 1, 1)).days


@pytest.mark.parametrize(
    ("day", "share"),
    [
        ("2024-02-25", 0.0),
        ("2024-02-26", 1.0),
        ("2024-02-29", 1.0),
        ("2024-03-01", 1.0),
        ("2024-03-03", 1.0),
        ("2024-03-04", 0.0),
    ],
)
def test_assets_are_held_from_the_first_day_to_the_last(
    decided: Decided, day: str, share: float
) -> None:
    assert decided(STRATEGY, [[0.1]], session_day=days(day)) == [share]


def test_what_swings_more_gets_less(decided: Decided) -> None:
    calm_and_wild = [[0.1], [0.4]]
    assert decided(STRATEGY, calm_and_wild, session_day=days("2024-02-28")) == [0.5, 0.25]


def test_a_position_keeps_the_size_it_was_entered_with(decided: Decided) -> None:
    assert decided(STRATEGY, [[0.8]], targets=[0.5], session_day=days("2024-02-28")) == [0.5]


@pytest.mark.parametrize("volatility", [math.nan, 0.0])
def test_without_a_volatility_nothing_is_held(decided: Decided, volatility: float) -> None:
    assert decided(STRATEGY, [[volatility]], session_day=days("2024-02-28")) == [0.0]


def test_its_decision_is_plain_python() -> None:
    assert not isinstance(decision_of(STRATEGY), Compiled)


def test_feature_is_the_volatility_of_that_period() -> None:
    assert STRATEGY.features() == (RealisedVolatility(10),)
