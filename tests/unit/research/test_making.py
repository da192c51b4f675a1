"""Combinations made together are those made one by one."""

from typing import Any

import numpy as np
import pytest
from tests.fakes.decisions import Wander
from tests.fakes.panels import wild_bars

from fanfold.errors import ConfigError
from fanfold.research.made import make, make_all
from fanfold.research.plan import Grid, Plan, Sample, axes_of, combinations
from fanfold.strategies import SmaCross, Strategy
from fanfold.workflows.sweep import sweep

AXES = axes_of(SmaCross, {"fast": [1, 2, 8, 60.5], "slow": range(4, 11)})


@pytest.mark.parametrize("plan", [Grid(AXES), Sample(axes=AXES, count=40, seed=3)])
@pytest.mark.parametrize("span", [(0, 0), (0, 5), (3, 28), (27, 28)])
def test_consecutive_combinations_are_those_at_each_index(
    plan: Plan, span: tuple[int, int]
) -> None:
    assert combinations(plan, *span) == [plan[index] for index in range(*span)]


def test_places_say_which_value_of_an_axis_it_is() -> None:
    places = Grid(AXES).places(6, 9)
    assert places.tolist() == [[0, 1, 1], [6, 0, 1]]
    assert places.dtype == np.int64


@pytest.mark.parametrize(
    ("strategy", "space"),
    [
        (SmaCross, {"fast": [1, 2, 8, 60.5], "slow": [4, 8, 9, "12"]}),
        (Wander, {"seed": [1, 2], "pace": [0.5, -1.0]}),
    ],
)
def test_made_together_they_equal_those_made_alone(
    strategy: type[Strategy], space: dict[str, Any]
) -> None:
    plan = Grid(axes_of(strategy, space))
    chosen = combinations(plan, 0, len(plan))
    assert make_all(strategy, {}, chosen) == [make(strategy, {}, params) for params in chosen]


def test_a_parameter_is_not_fixed_and_swept_at_once() -> None:
    with pytest.raises(ConfigError, match=r"^fast must be fixed or swept, was both$"):
        sweep(SmaCross, {"fast": [2, 3]}, wild_bars(3, 60, 2), fixed={"fast": 2})


def test_equal_features_are_one_object() -> None:
    one, other, different = make_all(
        Wander, {}, [{"seed": 1, "pace": 0.5}, {"seed": 2, "pace": 0.5}, {"seed": 1, "pace": 0.9}]
    )
    assert one.features is other.features
    assert different.features == Wander(seed=1, pace=0.9).features()
