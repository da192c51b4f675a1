"""A real result is ranked among its equals, and what is unknown does not help it."""

import math

import numpy as np
import pytest

from fanfold.errors import ConfigError
from fanfold.research.simulated_runs import SimulatedRuns


def runs_of(real: float, drawn: list[float], metric: str = "sharpe") -> SimulatedRuns:
    values = {metric: np.array(drawn)}
    return SimulatedRuns(
        strategy="S",
        selection="selection ignored",
        seed=0,
        trials=({},),
        real={metric: real},
        real_trial=0,
        drawn=values,
        chosen=np.zeros(len(drawn), np.int64),
        statuses=np.full(len(drawn), "ok", object),
        reasons=("",) * len(drawn),
        hash="",
    )


def test_ranks_count_ties_by_half_and_the_real_result_itself() -> None:
    runs = runs_of(2.0, [1.0, 1.5, 2.0, 3.0])
    assert runs.percentile("sharpe") == 0.625
    assert runs.p_value("sharpe") == 0.6
    assert runs.standing("sharpe").exceedance.value == 0.5
    assert runs_of(2.0, [1.0, 1.5, 2.0, 3.0], "volatility").p_value("volatility") == 0.8


def test_what_is_unknown_counts_as_if_it_had_done_better() -> None:
    standing = runs_of(2.0, [1.0, math.nan, math.nan, 3.0]).standing("sharpe")
    assert standing.p_value == 0.8
    assert standing.percentile == 0.5
    assert (standing.known_count, standing.unknown_count) == (2, 2)


def test_a_real_result_without_a_value_has_no_rank() -> None:
    standing = runs_of(math.nan, [1.0, 3.0]).standing("sharpe")
    assert math.isnan(standing.p_value)
    assert math.isnan(standing.percentile)
    assert runs_of(1.0, [math.nan, math.nan]).p_value("sharpe") == 1.0


def test_a_metric_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigError, match="metric must be"):
        runs_of(1.0, [1.0]).standing("luck")
