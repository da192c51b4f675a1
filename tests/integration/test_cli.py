"""The command from end to end: results, JSON, exit codes, resumed work, reports."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from fanfold.cli import main

REPO = Path(__file__).parents[2]
BACKTEST = REPO / "configs" / "backtest.yaml"
SWEEP = REPO / "configs" / "sweep.yaml"
SMALL = ["--set", "strategy.params.fast={range: [5, 8]}", "--set", "strategy.params.slow=30"]


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


def invoked(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


def last_object(result: Result) -> dict[str, Any]:
    return json.loads(result.stdout.strip().splitlines()[-1])


def test_a_backtest_shows_its_metrics_and_says_the_same_as_json() -> None:
    shown = invoked("run", BACKTEST, "--no-track")
    assert shown.exit_code == 0
    assert "sharpe" in shown.stdout
    first = last_object(invoked("run", BACKTEST, "--no-track", "--json"))
    again = last_object(invoked("run", BACKTEST, "--no-track", "--json"))
    assert first["status"] == "ok"
    assert first["result_hash"] == again["result_hash"]
    assert first["metrics"]["fill_count"] > 0
    assert first["mlflow_run_id"] is None


@pytest.mark.usefixtures("with_a_store")
def test_a_sweep_is_tracked_drawn_and_drawn_again(tmp_path: Path) -> None:
    result = invoked("run", SWEEP, "--workers", 0, *SMALL, "--json")
    assert result.exit_code == 0, result.stderr
    closed = last_object(result)
    table, report = (Path(path) for path in closed["artifacts"])
    assert table.suffix == ".parquet"
    assert "<html" in report.read_text(encoding="utf-8")
    again = invoked("report", closed["mlflow_run_id"][:8], "--folder", tmp_path / "again", "--json")
    assert again.exit_code == 0, again.stderr
    (drawn,) = last_object(again)["artifacts"]
    assert Path(drawn).read_bytes() == report.read_bytes()


def test_random_samples_of_a_space_go_by_their_seed() -> None:
    options = (SWEEP, "--workers", 0, "--no-track", "--json", "--set", "run.samples=5")
    hashes = [
        last_object(invoked("run", *options, "--set", f"run.seed={seed}", "--set", f"folder=f{k}"))
        for k, seed in enumerate((1, 1, 2))
    ]
    assert hashes[0]["result_hash"] == hashes[1]["result_hash"] != hashes[2]["result_hash"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["run", "nowhere.yaml"], "nowhere.yaml is not there"),
        (["run", BACKTEST, "--set", "strategy.name=SmaCros"], "did you mean 'SmaCross'"),
        (["run", BACKTEST, "--set", "strategy.params.fast=200"], "fast"),
        (["run", BACKTEST, "--set", "data.symbols=[IBN]"], "IBN"),
        (["run", BACKTEST, "--set", "data.source=nowhere"], "nowhere"),
        (["run", BACKTEST, "--set", "account.cash=-5"], "account.cash"),
        (["run", SWEEP, "--set", "strategy.params.fast=5", "--set", "strategy.params.slow=9"],
         "must vary a parameter"),
        (["run", SWEEP, "--set", "objective=luck"], "objective must be one of"),
        (["report", "nothing"], "a run must be stored"),
        (["data", "list", "--folder", "nowhere"], "nowhere"),
    ],
)  # fmt: skip
def test_bad_input_is_one_line_and_exit_code_2(words: list[object], message: str) -> None:
    result = invoked(*words, "--json")
    assert result.exit_code == 2
    (line,) = result.stderr.strip().splitlines()
    assert message in line
    assert last_object(result)["status"] == "failed"


def test_a_decision_that_fails_is_a_failure_not_bad_input(tmp_path: Path) -> None:
    own = tmp_path / "own.py"
    own.write_text(
        "from fanfold.strategies import Strategy\n"
        "class Nothing(Strategy):\n"
        "    def decide(self, assets, portfolio, memory):\n"
        "        assets[0].target = float('nan')\n",
        encoding="utf-8",
    )
    words = ["run", BACKTEST, "--set", f"strategy={{name: '{own}:Nothing'}}", "--no-track"]
    result = invoked(*words)
    assert result.exit_code == 1
    assert "target must be a finite number, was nan for AAPL" in result.stderr


def test_a_tracking_store_that_fails_takes_no_result_away(tmp_path: Path) -> None:
    (tmp_path / "mlruns").write_text("in the way")
    result = invoked("run", BACKTEST, "--json")
    assert result.exit_code == 1
    closed = last_object(result)
    assert closed["status"] == "incomplete"
    assert closed["metrics"]["fill_count"] > 0


def test_data_list_shows_the_sample() -> None:
    shown = invoked("data", "list")
    assert "AAPL, FB, GOOG, IBM, MSFT" in shown.stdout
    (sample,) = last_object(invoked("data", "list", "--json"))["datasets"]
    assert sample["bar_count"] == 3270


def test_help_imports_nothing_heavy() -> None:
    probe = (
        "import sys; from fanfold.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'numpy', 'pandas', 'numba', 'ray', 'mlflow', 'pydantic'} & set(sys.modules)\n"
        "print(sorted(heavy), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=True, env=os.environ
    )
    assert "Commands:" in done.stdout
    assert done.stderr.strip() == "[]"


@pytest.mark.parametrize("command", [[], ["run"], ["report"]])
def test_examples_of_help_stand_on_lines_of_their_own(command: list[str]) -> None:
    shown = invoked(*command, "--help").stdout
    assert "\\b" not in shown
    assert any(line.lstrip().startswith("fanfold ") for line in shown.splitlines())


def test_the_thin_jobs_run_the_command(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, REPO / "jobs" / "backtest.py", BACKTEST, "--no-track", "--json"],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    assert json.loads(done.stdout.strip().splitlines()[-1])["status"] == "ok"
