"""Lines about risk: each part under its heading, and what is missing with its reason."""

from typing import Any

import numpy as np
from tests.fakes.decisions import scripted
from tests.fakes.panels import flat_bars

import fanfold as ff
from fanfold.research.round_trips import shuffle_test
from fanfold.research.stress import StressRow, StressTable
from fanfold.settings import MonteCarloSettings, ValueAtRiskSettings
from fanfold.simulation.gbm import GBM
from fanfold.workflows.fleet import Fleet
from fanfold.workflows.histories import Histories
from fanfold.workflows.horizons import horizons_of
from fanfold.workflows.risk import RiskFound, forecasts_of
from fanfold.workflows.risk_terminal import SCENARIOS_SHOWN, risk_lines

RETURNS = GBM(drift=5e-4, volatility=0.01).draw(bar_count=149, path_count=1, seed=8)[0]
BARS = flat_bars(np.vstack([[100.0], 100.0 * np.cumprod(1.0 + RETURNS, axis=0)]))
RESULT = ff.backtest(scripted(1.0), BARS, venue="ideal")


def lines(**parts: Any) -> list[str]:
    """What is told beyond the run itself."""
    alone = risk_lines(RiskFound(result=RESULT))
    told = risk_lines(RiskFound(result=RESULT, **parts))
    assert told[: len(alone)] == alone
    return told[len(alone) :]


def stressed(*rows: StressRow) -> list[str]:
    return lines(stress=(StressTable(subject="positions", rows=rows, base={}),))[2:]


def row(**what: Any) -> StressRow:
    return StressRow(**{"scenario": "gap", "kind": "gap", **what})


def test_a_run_alone_is_told_by_its_metrics() -> None:
    head, name, *metrics = risk_lines(RiskFound(result=RESULT))
    assert (head, name) == ("", "Scripted as it was")
    assert any("sharpe" in line for line in metrics)


def test_each_model_is_a_line_and_those_left_out_say_why() -> None:
    settings = MonteCarloSettings(models=["gbm"], paths=300, bars=1_000, levels=[0.8, 0.975, 0.99])
    with Fleet(0, None) as fleet:
        found, _ = horizons_of(
            RETURNS, settings, seed=0, fleet=fleet, strategy=type(RESULT.strategy), shown=False
        )
    told = lines(horizons=tuple(found), refused={"heston": "too few bars"})
    assert told[1].startswith("the next 1,000 sessions on 300 paths a model")
    assert "VaR 97.5%" in told[2]
    risk = found[0].risk
    assert told[3].split()[:3] == ["geometric", "Brownian", "motion"]
    assert f"{risk.value_at_risk[0.975].value:.2%} [" in told[3]
    assert f"{risk.max_drawdown[0.975].value:.2%} [" in told[3]
    assert told[3].endswith(f"{risk.probability_of_goal.value:>10.2%}")
    assert told[4:] == ["  heston: not fitted, too few bars"]
    assert "the next 1,000 bars on" in lines(horizons=tuple(found), of_sessions=False)[1]


def test_histories_say_what_they_are_and_what_ended_otherwise() -> None:
    runs = ff.monte_carlo(RESULT.strategy, BARS, histories=5, workers=0, venue="ideal")
    told = lines(histories=Histories(prices="whole bars in blocks", runs=runs, workers=0))
    assert told[1] == ("5 histories of whole bars in blocks, in this process; selection ignored")
    standing = runs.standing("sharpe")
    assert f"p {standing.p_value:.3f}" in told[2]
    assert len(told) == 5
    runs.statuses[:2] = "failed"
    ended = lines(histories=Histories(prices="blocks", runs=runs, workers=3))
    assert "on 3 processors" in ended[1]
    assert ended[-1] == "  2 failed"


def test_forecasts_hold_or_fail() -> None:
    wild = np.where(np.arange(200) % 2, 0.01, -0.01) * np.where(np.arange(200) < 100, 1.0, 9.0)
    settings = ValueAtRiskSettings(window=90, levels=[0.95], methods=["gaussian"])
    calm = lines(forecasts=forecasts_of(RETURNS[:, 0], settings))[2]
    failed = lines(forecasts=forecasts_of(wild, settings))[2]
    assert calm.startswith("  gaussian             95.0%  exceeded ")
    assert calm.endswith(": holds")
    assert failed.endswith(": fails")


def test_round_trips_that_cannot_be_tested_say_why() -> None:
    assert lines(trips=(shuffle_test([0.1], seed=0),))[1].startswith(
        "shuffle test of round trips: "
    )
    told = lines(trips=(shuffle_test(RETURNS[:, 0], seed=0),))
    assert told[1] == "shuffle test of 149 round trips, 10,000 draws"
    assert told[2].startswith("  max drawdown ")


def test_a_scenario_that_failed_says_why() -> None:
    failed = row(status="failed", reason="a run must hold something, it held nothing")
    assert stressed(failed) == [f"  {'gap':<34} a run must hold something, it held nothing"]


def test_figures_are_told_beside_those_that_they_are_compared_with() -> None:
    told = stressed(
        row(figures={"total_return": -0.2, "cost_currency": 1234.5}, beside={"total_return": 0.1})
    )
    assert told == [f"  {'gap':<34} total return -20.00% (10.00%), cost 1,234"]


def test_hardly_a_loss_is_no_negative_nothing() -> None:
    assert stressed(row(figures={"pnl_currency": -0.2})) == [f"  {'gap':<34} pnl 0"]


def test_scenarios_beyond_what_a_screen_takes_are_counted() -> None:
    rows = [row(scenario=f"gap {k}") for k in range(SCENARIOS_SHOWN + 2)]
    told = stressed(*rows)
    assert len(told) == SCENARIOS_SHOWN + 1
    assert told[-1] == "  and 2 more in the report"
