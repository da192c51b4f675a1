"""What was found is plain numbers: JSON without NaN, and equal where jobs are equal."""

import json
import math
from typing import Any

import numpy as np
import pytest
from tests.fakes.decisions import scripted
from tests.fakes.panels import flat_bars

import fanfold as ff
from fanfold.engine.result import Result
from fanfold.research.sizing_risk import sizing_risk
from fanfold.settings import MonteCarloSettings, StressSettings, ValueAtRiskSettings
from fanfold.simulation.bootstrap import BlockBootstrap
from fanfold.simulation.garch import GARCH
from fanfold.simulation.gbm import GBM
from fanfold.workflows.fleet import Fleet
from fanfold.workflows.histories import Histories
from fanfold.workflows.horizons import horizons_of
from fanfold.workflows.risk import RiskFound, forecasts_of, session_returns, stress_of, trip_tests
from fanfold.workflows.risk_figures import (
    STANDING_METRICS,
    figures_of,
    metrics_of_risk,
    parameters_of,
    plain,
)
from fanfold.workflows.risk_job import hash_of

MODEL = GBM(drift=5e-4, volatility=0.01)
RETURNS = MODEL.draw(bar_count=149, path_count=1, seed=8)[0]
BARS = flat_bars(np.vstack([[100.0], 100.0 * np.cumprod(1.0 + RETURNS, axis=0)]))
LEVELS = [0.9, 0.975, 0.9991, 0.9994]


def found_of(*targets: Any, seed: int = 1) -> RiskFound:
    """Everything that can be found about a run with these targets."""
    result = ff.backtest(scripted(*targets), BARS, venue="ideal")
    returns = session_returns(result)
    settings = MonteCarloSettings(models=["gbm", "garch"], paths=200, bars=10, levels=LEVELS)
    with Fleet(0, None) as fleet:
        horizons, refused = horizons_of(
            returns, settings, seed=seed, fleet=fleet, strategy=type(result.strategy), shown=False
        )
    runs = ff.monte_carlo(result.strategy, BARS, histories=4, workers=0, seed=seed, venue="ideal")
    return RiskFound(
        result=result,
        horizons=tuple(horizons),
        refused=refused,
        histories=Histories(prices="whole bars in blocks", runs=runs, workers=0),
        sizing=sizing_risk(MODEL, bar_count=10, path_count=200, kelly=[1.0], seed=seed),
        forecasts=forecasts_of(returns, ValueAtRiskSettings(window=60)),
        trips=trip_tests(result, seed=seed),
        stress=stress_of(result, StressSettings(worst=[5])),
    )


@pytest.fixture(scope="module")
def found() -> RiskFound:
    return found_of(1.0, 1.0, 0.0, 0.7)


def strict(figures: Any) -> str:
    return json.dumps(figures, allow_nan=False, sort_keys=True)


def test_everything_is_in_the_figures(found: RiskFound) -> None:
    figures = json.loads(strict(figures_of(found)))
    assert figures.keys() == {
        "strategy",
        "models",
        "histories",
        "sizing",
        "value_at_risk",
        "round_trips",
        "stress",
    }
    horizon = found.horizons[0]
    told = figures["models"]["gbm"]
    assert told["value_at_risk"]["0.975"]["value"] == horizon.risk.value_at_risk[0.975].value
    assert told["max_drawdown"]["mean"]["value"] == horizon.risk.max_drawdown.mean.value
    assert told["terminal_value"]["0.9"]["intervals"]["0.95"] == [
        horizon.risk.terminal_value[0.9].low,
        horizon.risk.terminal_value[0.9].high,
    ]
    assert told["parameters"]["volatility"] == list(horizon.model.volatility)
    assert figures["histories"]["path_count"] == 4
    assert figures["histories"]["standings"].keys() == set(STANDING_METRICS)
    assert [row["rule"] for row in figures["sizing"]] == ["kelly"] * 5 + ["fixed"] * 3
    assert [table["subject"] for table in figures["stress"]] == ["strategy", "positions"]
    assert len(figures["value_at_risk"]) == 10


def test_a_model_that_was_left_out_is_told_with_its_reason() -> None:
    few = RiskFound(
        result=ff.backtest(scripted(1.0), BARS, venue="ideal"), refused={"heston": "too few"}
    )
    figures = figures_of(few)
    assert figures == {"strategy": "Scripted", "not_fitted": {"heston": "too few"}}


def test_what_does_not_exist_is_null_and_not_nan() -> None:
    # Nothing was ever traded: no Sharpe ratio, no profit factor, no round trip.
    nothing = found_of(0.0)
    text = strict(figures_of(nothing))
    standings = json.loads(text)["histories"]["standings"]
    assert standings["sharpe"]["real"] is None
    assert standings["sharpe"]["p_value"] is None
    assert standings["total_return"]["real"] == 0.0
    metrics = metrics_of_risk(figures_of(nothing), nothing.result)
    assert "simulated_sharpe_p_value" not in metrics
    assert metrics["simulated_total_return_p_value"] == 1.0


def test_equal_jobs_have_equal_figures_and_another_seed_has_others(found: RiskFound) -> None:
    again, other = found_of(1.0, 1.0, 0.0, 0.7), found_of(1.0, 1.0, 0.0, 0.7, seed=2)
    assert strict(figures_of(again)) == strict(figures_of(found))
    same = hash_of(figures_of(found), found.result)
    assert hash_of(figures_of(again), again.result) == same
    assert hash_of(figures_of(other), other.result) != same
    assert hash_of(figures_of(found), other_run()) != same


def other_run() -> Result:
    return ff.backtest(scripted(0.3), BARS, venue="ideal")


def test_metrics_name_the_model_the_risk_and_the_level(found: RiskFound) -> None:
    metrics = metrics_of_risk(figures_of(found), found.result)
    risk = found.horizons[0].risk
    assert metrics["sharpe"] == found.result.metrics["sharpe"]
    assert metrics["gbm_value_at_risk_90"] == risk.value_at_risk[0.9].value
    assert metrics["gbm_expected_shortfall_97.5"] == risk.expected_shortfall[0.975].value
    assert metrics["gbm_probability_of_ruin"] == risk.probability_of_ruin.value
    assert found.histories is not None
    assert metrics["simulated_sharpe_p_value"] == found.histories.runs.p_value("sharpe")
    assert not any("mean" in name for name in metrics.keys() - found.result.metrics.keys())


def test_levels_that_are_near_each_other_are_metrics_of_their_own(found: RiskFound) -> None:
    metrics = metrics_of_risk(figures_of(found), found.result)
    for kind in ("value_at_risk", "expected_shortfall", "max_drawdown"):
        named = {name for name in metrics if name.startswith(f"gbm_{kind}_")}
        assert named == {f"gbm_{kind}_{level}" for level in ("90", "97.5", "99.91", "99.94")}


def test_parameters_are_told_by_name_and_a_history_by_its_length() -> None:
    assert parameters_of(MODEL) == {
        "drift": (5e-4,),
        "volatility": (0.01,),
        "correlation": ((1.0,),),
    }
    told = parameters_of(BlockBootstrap.fit(RETURNS, block_bars=7))
    assert told["block_bars"] == 7.0
    assert told["history_bars"] == len(RETURNS)
    assert json.dumps(plain(parameters_of(GARCH.fit(RETURNS, innovations="student"))))


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (math.nan, None),
        (math.inf, None),
        (np.float64(math.nan), None),
        (np.float64(0.5), 0.5),
        (np.int64(3), 3),
        (np.bool_(True), True),  # noqa: FBT003
        (np.array([[1.0, math.nan]]), [[1.0, None]]),
        ((1, [2.5, "x"], None), [1, [2.5, "x"], None]),
        ({0.95: {1: -math.inf}}, {"0.95": {"1": None}}),
    ],
)
def test_only_what_json_knows_is_left(value: Any, wanted: Any) -> None:
    made = plain(value)
    assert made == wanted
    assert type(made) is type(wanted)
    assert json.loads(json.dumps(made, allow_nan=False)) == wanted
