"""Questions to trials: what the terminal shows, and what a program gets."""

import json
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import fanfold.tracking
from fanfold.errors import ConfigError, DataError
from fanfold.tracking.ledger import append_trials
from fanfold.workflows.trials import LEDGER_SHOWN, trials_job

SWEPT = {
    "fast": [5, 10, 20],
    "sharpe": [1.23456, float("nan"), 0.5],
    "reason": ["", "no bar was left,\nsaid the engine, at great length", ""],
}


@pytest.fixture
def table(tmp_path: Path) -> Path:
    file = tmp_path / "SmaCross.parquet"
    pq.write_table(pa.table(SWEPT), file)
    return file


@pytest.fixture
def filled_ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "ledger"
    monkeypatch.setenv("FANFOLD_LEDGER", str(folder))
    row = {
        "code": "c0de",
        "family": "",
        "strategy": "SmaCross",
        "params": '{"fast": 5}',
        "symbols": ["AAPL", "MSFT"],
        "first_day": 15_340,
        "last_day": 15_705,
        "fingerprint": "f",
        "sharpe_per_period": 0.0512345,
        "return_count": 250,
        "skewness": 0.0,
        "kurtosis": float("inf"),
        "status": "ok",
        "job": "sweep",
        "study": "s",
        "at": 1_700_000_000_000_000_000,
    }
    for key in "ab":
        append_trials({"key": [key], **{name: [one] for name, one in row.items()}})
    return folder


def test_a_table_is_shown_in_columns_with_short_numbers(table: Path) -> None:
    lines, content = trials_job("fast < 20", table=table, sort="-sharpe")
    assert lines == [
        "  fast  sharpe  reason",
        "     5   1.235",
        "    10       -  no bar was left, said the engin…",
        "2 rows",
    ]
    assert content["columns"] == ["fast", "sharpe", "reason"]
    assert content["count"] == 2
    assert [row["sharpe"] for row in content["rows"]] == [1.23456, None]
    assert json.loads(json.dumps(content, allow_nan=False)) == content


def test_the_limit_cuts_the_rows_and_not_their_number(table: Path) -> None:
    lines, content = trials_job("", table=table, sort="-fast", limit=1, columns=["fast"])
    assert lines == ["  fast", "    20", "1 of 3 rows"]
    assert content == {"columns": ["fast"], "count": 3, "rows": [{"fast": 20}]}


def test_no_row_is_an_answer_too(table: Path) -> None:
    lines, content = trials_job("sharpe > 99", table=table.parent)
    assert lines == ["no row matches"]
    assert content == {"columns": list(SWEPT), "count": 0, "rows": []}


def test_the_ledger_is_asked_where_nothing_else_is_named(filled_ledger: Path) -> None:
    lines, content = trials_job("'AAPL' in symbols and key == 'a'")
    assert filled_ledger.is_dir()
    assert lines[0].split() == list(LEDGER_SHOWN)
    assert "2012-01-01  2012-12-31" in lines[1]
    assert "AAPL MSFT" in lines[1]
    assert lines[1].endswith("2023-11-14T22:13:20Z")
    (row,) = content["rows"]
    assert row["key"] == "a"
    assert row["first_day"] == 15_340
    assert row["symbols"] == ["AAPL", "MSFT"]
    assert row["kurtosis"] is None
    json.dumps(content, allow_nan=False)


def test_an_empty_ledger_answers_and_still_checks_the_query(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FANFOLD_LEDGER", str(tmp_path / "none"))
    assert trials_job("status == 'ok'", sort="-at")[1]["count"] == 0
    with pytest.raises(ConfigError, match="nearest: 'status'"):
        trials_job("statsu == 'ok'")


def test_the_tables_of_a_run_are_one_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def find(run: str) -> SimpleNamespace:
        return SimpleNamespace(run_id=f"id of {run}", name=run)

    def fetch(run_id: str, destination: Path) -> Path:
        (destination / "report.html").write_text(run_id, encoding="utf-8")
        if run_id == "id of sweep":
            (destination / "more").mkdir()
            pq.write_table(pa.table(SWEPT), destination / "SmaCross.parquet")
            pq.write_table(pa.table({"lookback": [9]}), destination / "more" / "Mean.parquet")
        return destination

    monkeypatch.setattr(fanfold.tracking, "find_run", find)
    monkeypatch.setattr(fanfold.tracking, "fetch_artifacts", fetch)
    _, content = trials_job("lookback == 9 or fast == 5", run="sweep", columns=["fast", "lookback"])
    assert content["rows"] == [{"fast": 5, "lookback": None}, {"fast": None, "lookback": 9}]
    with pytest.raises(DataError, match="run 'backtest' must have kept a table"):
        trials_job("", run="backtest")


def test_either_a_run_or_a_table_is_named(table: Path) -> None:
    with pytest.raises(ConfigError, match="were both"):
        trials_job("", run="sweep", table=table)


def test_values_that_json_does_not_know_are_texts(tmp_path: Path) -> None:
    stamps = pa.array([1_700_000_000], pa.timestamp("s", "UTC"))
    pq.write_table(pa.table({"ts": stamps, "whole": [True]}), tmp_path / "a.parquet")
    lines, content = trials_job("whole", table=tmp_path / "a.parquet")
    assert content["rows"] == [{"ts": "2023-11-14 22:13:20+00:00", "whole": True}]
    assert lines[1].split()[-1] == "True"
