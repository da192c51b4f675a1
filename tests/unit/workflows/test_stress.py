"""The job that sends a strategy, and what it holds, through crises and shocks."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.panels import wild_bars

import fanfold as ff
from fanfold.engine.backtest import run_backtest, terms_of
from fanfold.errors import ConfigError, FanfoldError
from fanfold.research.scenarios import windows_in
from fanfold.research.shocks import Gap, SpreadTimes
from fanfold.research.stress import stress_strategy
from fanfold.settings import Settings, check_settings
from fanfold.strategies import BuyAndHold, SmaCross
from fanfold.workflows.inputs import bars_for
from fanfold.workflows.job import Finished
from fanfold.workflows.stress import stress_job

BARS = wild_bars(8, 120, 2, absent_share=0.0, unknown_volume=False)
GAP = {"kind": "gap", "size": -0.2}


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FANFOLD_LEDGER", raising=False)


def settings_of(stress: dict[str, Any] | None = None, **changed: Any) -> Settings:
    content: dict[str, Any] = {
        "job": "stress",
        "data": {
            "source": "sample",
            "symbols": ["AAPL", "IBM"],
            "start": "2008-01-02",
            "end": "2008-12-31",
            "basis": "total_return",
        },
        "strategy": {"name": "BuyAndHold"},
        "stress": {"worst": [5], "shocks": [GAP], **(stress or {})},
        "run": {"workers": 0},
    }
    return check_settings({**content, **changed}, "job")


def tables(job: Finished) -> dict[str, Any]:
    told = json.loads(job.artifacts[0].read_text(encoding="utf-8"))
    return {table["subject"]: table for table in told["stress"]}


def done(stress: dict[str, Any] | None = None, **changed: Any) -> Finished:
    return stress_job(settings_of(stress, **changed), Path())


def test_a_job_tells_the_strategy_and_then_what_it_holds() -> None:
    job = done()
    assert job.status == "ok"
    assert job.problems == ()
    assert [file.name for file in job.artifacts] == ["risk.json"]
    names = ["credit crisis 2007-2009", "Lehman 2008", "worst 5 bars", "gap of -20 %"]
    assert {
        subject: [row["scenario"] for row in table["rows"]]
        for subject, table in tables(job).items()
    } == {"strategy": names, "positions": names}
    text = "\n".join(job.lines)
    assert "the strategy in crises and under shocks" in text
    assert "the positions in crises and under shocks" in text
    alone = ff.backtest(BuyAndHold(), bars_for(settings_of()))
    assert job.metrics == pytest.approx(alone.metrics, rel=0, abs=0, nan_ok=True)


def test_a_strategy_that_ends_flat_has_no_table_of_positions() -> None:
    job = done(strategy={"name": "SmaCross", "params": {"fast": 5, "slow": 60}})
    assert list(tables(job)) == ["strategy"]
    assert "the positions" not in "\n".join(job.lines)


def test_positions_that_are_stated_are_held() -> None:
    held = tables(done({"positions": {"IBM": -3.0}}))["positions"]
    (line,) = held["positions"]
    assert (line["symbol"], line["units"]) == ("IBM", -3.0)
    assert held["rows"][-1]["figures"]["pnl_currency"] == pytest.approx(
        -0.2 * line["exposure_currency"]
    )
    assert line["exposure_currency"] < 0.0


def test_only_the_windows_that_are_named_are_told() -> None:
    rows = tables(done({"windows": ["lehman 2008", "Covid 2020"], "shocks": []}))["strategy"]
    assert [row["scenario"] for row in rows["rows"]] == ["Lehman 2008", "worst 5 bars"]


def test_equal_jobs_have_equal_hashes_and_other_shocks_another() -> None:
    here = done().result_hash
    assert done().result_hash == here
    assert done({"shocks": [{**GAP, "size": -0.3}]}).result_hash != here


@pytest.mark.parametrize(
    ("stress", "message"),
    [
        ({"windows": ["Leman 2008"]}, "nearest: 'Lehman 2008'"),
        ({"positions": {"IBN": 1.0}}, "IBN"),
    ],
)
def test_what_is_not_known_is_refused(stress: dict[str, Any], message: str) -> None:
    with pytest.raises(FanfoldError, match=message):
        done(stress)


def test_one_call_is_the_table_of_its_arguments() -> None:
    strategy, costs = SmaCross(fast=3, slow=8), ff.Costs(slippage_bps=4.0)
    shocks = (Gap(-0.1), SpreadTimes(3.0))
    table = ff.stress(strategy, BARS, shocks=shocks, costs=costs, cash=20_000, venue="ideal")
    terms = terms_of(costs=costs, cash=20_000, venue="ideal")
    assert table == stress_strategy(strategy, BARS, terms, windows=windows_in(BARS), shocks=shocks)
    assert [row.scenario for row in table.rows] == ["rates 2022", "gap of -10 %", "spread × 3"]
    assert table.base["total_return"] == run_backtest(strategy, BARS, terms).metrics["total_return"]
    (only,) = ff.stress(strategy, BARS, windows=["Rates 2022"]).rows
    assert only.scenario == "rates 2022"


def test_a_window_that_nobody_knows_is_refused() -> None:
    with pytest.raises(ConfigError, match="window must be one of"):
        ff.stress(SmaCross(fast=3, slow=8), BARS, windows=["the end of the world"])
