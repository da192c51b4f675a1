"""The commands on market data from end to end: what they print, and how they end."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from fanfold.cli import main

REPO = Path(__file__).parents[2]
ROWS = """Day;Ticker;Open;High;Low;Last;Volume
2024-01-06;AAA;10;11;9;10.5;1000
2024-01-07;AAA;10.5;11;10;10.8;1100
2024-01-08;AAA;10.8;10.7;10;10.9;900
2024-01-06;BBB;20;21;19;20.5;500
2024-01-07;BBB;20.5;21;20;20.8;500
"""
MAP = ["--map", "ts=Day", "--map", "close=Last", "--calendar", "24/7"]


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bars.csv").write_text(ROWS, encoding="utf-8")


def invoked(*words: object) -> Result:
    return CliRunner().invoke(main, ["data", *(str(word) for word in words)])


def last_object(text: str) -> dict[str, Any]:
    return json.loads(text.strip().splitlines()[-1])


def ingested(*words: object) -> Result:
    return invoked("ingest", "--from", "bars.csv", "--store", "store", *MAP, *words)


def test_the_thin_job_ingests_a_file_in_a_process_of_its_own(tmp_path: Path) -> None:
    words = ["--from", "bars.csv", "--store", "store", *MAP, "--workers", "0", "--json"]
    done = subprocess.run(
        [sys.executable, REPO / "jobs" / "ingest.py", *words],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    told = last_object(done.stdout)
    assert (told["status"], told["store"]) == ("ok", "store")
    assert [(one["symbol"], one["added"], one["quarantined"]) for one in told["symbols"]] == [
        ("AAA", 2, 1),
        ("BBB", 2, 0),
    ]
    assert told["failed"] == []
    assert len(done.stdout.strip().splitlines()) == 1


def test_what_was_ingested_is_listed_checked_and_shown(tmp_path: Path) -> None:
    shown = ingested()
    assert shown.exit_code == 0, shown.stderr
    assert "4 added, 0 revised, 0 unchanged, 1 set aside" in shown.stdout
    assert last_object(ingested("--json").stdout)["unchanged"] == 4

    for option in ("--store", "--folder"):
        (listed,) = last_object(invoked("list", option, "store", "--json").stdout)["datasets"]
        assert (listed["kind"], listed["timeframe"], listed["row_count"]) == ("bars", "1D", 4)
        assert (listed["basis"], listed["calendar"], listed["quarantined"]) == ("raw", "24/7", 1)

    page = tmp_path / "check.html"
    checked = invoked("check", "--store", "store", "--html", page, "--json")
    assert checked.exit_code == 0
    (finding,) = [f for f in last_object(checked.stdout)["findings"] if f["severity"] == "error"]
    assert (finding["symbol"], finding["kind"]) == ("AAA", "ohlc")
    assert set(finding) == {"symbol", "ts", "kind", "severity", "detail", "timeframe"}
    assert "<svg" in page.read_text(encoding="utf-8")
    assert invoked("check", "--store", "store", "--strict").exit_code == 1
    assert invoked("check", "--store", "store", "--strict", "--symbols", "BBB").exit_code == 0

    rows = last_object(invoked("show", "AAA", "--store", "store", "--json").stdout)["rows"]
    assert [row["close"] for row in rows] == [10.5, 10.8]


def test_one_refused_symbol_leaves_the_others_and_exits_with_2() -> None:
    done = ingested("--strict", "--json")
    assert done.exit_code == 2
    told = last_object(done.stdout)
    assert told["status"] == "incomplete"
    assert [one["symbol"] for one in told["failed"]] == ["AAA"]
    assert [one["symbol"] for one in told["symbols"]] == ["BBB"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["ingest", "--from", "nowhere.csv"], "nowhere.csv is not there"),
        (["ingest", "--from", "yahooo"], "nearest: 'yahoo'"),
        (["ingest", "--from", "yahoo"], "yahoo must be asked for symbols"),
        (["ingest", "--from", "bars.csv", "--map", "Last"], "--map must look like close=Last"),
        (["ingest", "--from", "bars.csv", "--calendar", "24/7", "--calendar", "XNYS"],
         "--calendar must look like XNYS or BTCUSD=24/7"),
        (["ingest", "--from", "bars.csv", "--map", "ts=Date"], "Date"),
        (["ingest", "--from", "alpaca", "--symbols", "A", "--feed", "spi"], "nearest: 'sip'"),
        (["list", "--store", "nowhere"], "nowhere must be a store"),
        (["check", "--store", "nowhere"], "nowhere must be a store"),
        (["show", "AAA", "--store", "nowhere"], "nowhere must be a store"),
    ],
)  # fmt: skip
def test_bad_input_is_one_line_and_exit_code_2(words: list[object], message: str) -> None:
    store = [] if "--store" in words else ["--store", "store"]
    done = invoked(*words, *store, "--json")
    assert done.exit_code == 2
    (line,) = done.stderr.strip().splitlines()
    assert message in line
    assert last_object(done.stdout)["status"] == "failed"


def test_a_configuration_ingests_without_a_strategy(tmp_path: Path) -> None:
    config = tmp_path / "job.yaml"
    config.write_text(
        "job: ingest\n"
        "ingest:\n"
        "  {source: bars.csv, store: store, columns: {ts: Day, close: Last}, calendar: 24/7}\n"
        "run: {workers: 0}\n",
        encoding="utf-8",
    )
    done = CliRunner().invoke(main, ["run", str(config), "--json"])
    assert done.exit_code == 0, done.stderr
    assert last_object(done.stdout)["added"] == 4
    assert not (tmp_path / "mlruns").exists()


@pytest.mark.parametrize("command", ["ingest", "check", "list", "show"])
def test_help_teaches_by_examples(command: str) -> None:
    shown = invoked(command, "--help")
    assert shown.exit_code == 0
    assert "\\b" not in shown.stdout
    assert f"fanfold data {command} " in shown.stdout
