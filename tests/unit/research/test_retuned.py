"""One list of trials, and one way to choose among them."""

import math

import numpy as np
import pytest

from fanfold.errors import ConfigError
from fanfold.research.retuned import Retune, chosen_trial, drawn_trials
from fanfold.research.space import space_of
from fanfold.strategies import SmaCross


@pytest.mark.parametrize(
    ("values", "statuses", "objective", "chosen"),
    [
        ([1.0, 3.0, 3.0], ["ok", "ok", "ok"], "sharpe", 1),
        ([1.0, 3.0, 2.0], ["ok", "ok", "ok"], "max_drawdown", 0),
        ([1.0, 3.0, math.nan], ["ok", "ruined", "ok"], "sharpe", 0),
        ([math.nan, 3.0, math.nan], ["failed", "ruined", "ok"], "sharpe", 1),
        ([math.nan, math.nan], ["failed", "infeasible"], "sharpe", None),
    ],
)
def test_the_best_that_ended_well_is_chosen(
    values: list[float], statuses: list[str], objective: str, chosen: int | None
) -> None:
    metrics = {objective: np.array(values)}
    assert chosen_trial(metrics, np.array(statuses, object), objective) == chosen


def test_trials_are_distinct_can_be_run_and_more_begin_with_the_fewer() -> None:
    space = space_of(SmaCross, {"fast": (2, 6), "slow": (5, 8)})
    few, many = (
        [params for params, _ in drawn_trials(SmaCross, space, {}, trial_count=count, seed=3)]
        for count in (5, 60)
    )
    assert many[:5] == few
    # Of 5 × 4 pairs those with fast < slow.
    assert sorted(map(repr, many)) == sorted(
        repr({"fast": f, "slow": s}) for f in range(2, 7) for s in range(5, 9) if f < s
    )


def test_a_search_that_cannot_be_is_refused() -> None:
    with pytest.raises(ConfigError, match="trials must be"):
        Retune(trial_count=0)
    with pytest.raises(ConfigError, match="objective must be"):
        Retune(objective="luck")
