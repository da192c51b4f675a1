"""What a run's returns, trips and holdings tell, part by part."""

from typing import Any

import numpy as np
import pytest
from tests.fakes.decisions import scripted
from tests.fakes.panels import flat_bars

import fanfold as ff
from fanfold.engine.result import Result
from fanfold.errors import ConfigError, DataError, FanfoldError
from fanfold.settings import StressSettings, ValueAtRiskSettings
from fanfold.simulation.gbm import GBM
from fanfold.strategies import BuyAndHold
from fanfold.workflows.risk import (
    asked,
    forecasts_of,
    session_returns,
    stress_of,
    trip_tests,
    usual_risk,
    windows_of,
)

RETURNS = GBM(drift=5e-4, volatility=[0.01, 0.01]).draw(bar_count=149, path_count=1, seed=8)[0]
CLOSES = np.vstack([[100.0, 50.0], 100.0 * np.cumprod(1.0 + RETURNS, axis=0) * [1.0, 0.5]])
QUIET: dict[str, Any] = {"windows": [], "worst": [], "shocks": []}


def run(*targets: Any, closes: Any = CLOSES, **how: Any) -> Result:
    """Targets of one bar after the other, the last one for all that are left."""
    return ff.backtest(scripted(*targets), flat_bars(closes), venue="ideal", **how)


def stressed(result: Result, **stated: Any) -> Any:
    return stress_of(result, StressSettings.model_validate(QUIET | stated))


def test_session_returns_are_those_of_the_equity() -> None:
    result = run(0.5)
    equity = result.equity.to_numpy()
    np.testing.assert_allclose(session_returns(result), equity[1:] / equity[:-1] - 1.0)


def test_what_fails_is_a_line_and_what_works_is_an_answer() -> None:
    def fail() -> Any:
        raise DataError("bars must be there, were not")

    problems: list[str] = []
    assert asked(lambda: 7, None, problems, "seven") == 7
    assert asked(fail, (), problems, "bars") == ()
    assert problems == ["bars: bars must be there, were not"]


def test_a_fault_of_the_code_itself_is_no_line() -> None:
    with pytest.raises(ZeroDivisionError):
        asked(lambda: 1 // 0, None, [], "division")


def test_every_method_is_tested_at_every_level() -> None:
    settings = ValueAtRiskSettings(window=50, levels=[0.9, 0.95], methods=["gaussian", "ewma"])
    found = forecasts_of(RETURNS[:, 0], settings)
    assert [(one.method, one.level) for one in found] == [
        ("gaussian", 0.9),
        ("ewma", 0.9),
        ("gaussian", 0.95),
        ("ewma", 0.95),
    ]
    assert {one.backtest.kupiec.bar_count for one in found} == {len(RETURNS) - 50}
    assert found[0].backtest.kupiec.expected_count == pytest.approx(0.1 * (len(RETURNS) - 50))


def test_a_window_longer_than_the_run_is_an_error_of_its_own() -> None:
    with pytest.raises(FanfoldError, match="150"):
        forecasts_of(RETURNS[:, 0], ValueAtRiskSettings(window=150))


def test_round_trips_are_tried_three_ways() -> None:
    tests = trip_tests(run(*([1.0, 1.0, 0.0] * 49)), seed=1)
    assert [test.test for test in tests] == ["shuffle", "block", "noise"]
    assert {test.trip_count for test in tests} == {98}
    assert all(test.distributions for test in tests)


def test_too_few_round_trips_are_told_and_no_error() -> None:
    for test in trip_tests(run(0.5), seed=1):
        assert test.distributions == {}
        assert test.reason


def test_a_strategy_that_ends_flat_has_no_table_of_positions() -> None:
    (table,) = stressed(run(*([0.5] * 100), 0.0), worst=[5])
    assert table.subject == "strategy"
    assert [row.scenario for row in table.rows] == ["worst 5 bars"]


def test_what_a_strategy_ends_with_is_held_through_the_same_scenarios() -> None:
    result = run([0.5, -0.2])
    ran, held = stressed(result, worst=[5], shocks=[{"kind": "gap", "size": -0.1}])
    assert (ran.subject, held.subject) == ("strategy", "positions")
    assert [row.scenario for row in held.rows] == [row.scenario for row in ran.rows]
    # What is held, and the cash beside it, are all that there is.
    assert held.base["equity_currency"] == pytest.approx(float(result.equity.iloc[-1]))
    worth = {one.symbol: one.exposure_currency for one in held.positions}
    assert held.rows[1].figures["pnl_currency"] == pytest.approx(-0.1 * sum(worth.values()))
    assert worth["A0"] > 0.0 > worth["A1"]


def test_positions_that_are_stated_are_held_instead() -> None:
    gap = {"kind": "gap", "size": -0.5}
    for result in (run(0.5), run(0.5, 0.0)):
        table = stressed(result, positions={"A1": 10.0}, shocks=[gap])[1]
        (line,) = table.positions
        assert (line.symbol, line.units) == ("A1", 10.0)
        assert table.base["equity_currency"] == pytest.approx(10.0 * CLOSES[-1, 1])
        assert table.rows[0].figures["pnl_currency"] == pytest.approx(-5.0 * CLOSES[-1, 1])


def test_a_ruined_strategy_holds_nothing_that_could_be_stressed() -> None:
    falling = np.full((30, 1), 100.0)
    falling[20:] = 1.0
    result = run(3.0, closes=falling, leverage=3.0)
    assert result.status == "ruined"
    (table,) = stressed(result, shocks=[{"kind": "gap", "size": -0.1}])
    assert table.base["total_return"] < 0.0


def test_windows_are_the_named_ones_in_the_order_of_time_then_the_worst() -> None:
    bars = flat_bars(CLOSES)  # of 2022
    named = StressSettings(windows=["RATES 2022", "Lehman 2008"], worst=[5, 1], shocks=[])
    assert [one.name for one in windows_of(bars, named)] == [
        "rates 2022",
        "worst 5 bars",
        "worst bar",
    ]
    held = windows_of(bars, StressSettings(worst=[]))
    assert [one.name for one in held] == ["rates 2022"]


@pytest.mark.parametrize(
    ("stated", "error", "message"),
    [
        ({"windows": ["Leman 2008"]}, ConfigError, "nearest: 'Lehman 2008'"),
        ({"positions": {"A7": 1.0}}, DataError, "A7"),
    ],
)
def test_what_is_not_known_is_an_error(
    stated: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        stressed(run(0.5), **stated)


def test_a_shock_that_hits_an_unknown_asset_is_a_row_with_its_reason() -> None:
    for table in stressed(run(0.5), shocks=[{"kind": "gap", "size": -0.1, "symbols": ["A7"]}]):
        (row,) = table.rows
        assert row.status == "failed"
        assert "A7" in row.reason


def test_a_tear_sheet_tells_the_usual_risk() -> None:
    found = usual_risk(run([0.5, 0.3]), seed=2)
    assert [one.name for one in found.horizons] == ["bootstrap", "gbm"]
    assert found.fitted_to == "149 session returns of Scripted"
    assert [table.subject for table in found.stress] == ["strategy", "positions"]
    assert len(found.trips) == 3
    assert found.forecasts == ()
    (note,) = found.notes
    assert note.startswith("forecasts: ")
    assert found.name == "Scripted"
    assert found.histories is None


@pytest.mark.parametrize("bar_count", [2, 3, 4])
def test_a_run_of_hardly_any_bars_has_a_tear_sheet_too(bar_count: int) -> None:
    found = usual_risk(ff.backtest(BuyAndHold(), flat_bars(CLOSES[:bar_count])), seed=2)
    assert "bootstrap" in found.refused
    assert found.forecasts == ()
    assert len(found.trips) == 3
