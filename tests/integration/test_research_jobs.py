"""The jobs that tune, walk forward and cross-validate, from the command to the stored run."""

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from fanfold.cli import main
from fanfold.tracking import fetch_artifacts, load_model

CONFIGS = Path(__file__).parents[2] / "configs"
HERE = ("--workers", 0, "--json")
SHORT = ("--set", "data.end=2006-12-31", "--set", "search.trials=8")
WALK = (*SHORT, "--set", "walk_forward.train=400", "--set", "walk_forward.test=200")
SIX = ("--set", "cross_validation.groups=4", "--set", "search.trials=6")


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.delenv("FANFOLD_LEDGER", raising=False)


def invoked(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


def closed(*words: object) -> dict[str, Any]:
    result = invoked(*words)
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout.strip().splitlines()[-1])


@pytest.mark.usefixtures("with_a_store")
def test_a_tuning_is_counted_drawn_tracked_and_asked(tmp_path: Path) -> None:
    job = closed("run", CONFIGS / "tune.yaml", *HERE, *SHORT)
    assert job["metrics"]["trial_count"] <= 8
    assert 0.0 <= job["metrics"]["deflated_sharpe"] <= 1.0
    table, report = (Path(file) for file in job["artifacts"])
    assert pq.read_table(table).num_rows == 8
    page = report.read_text(encoding="utf-8")
    for words in ("Is it luck?", "Deflated", "Hansen", "How the search went"):
        assert words.lower() in page.lower(), words
    run = job["mlflow_run_id"]
    kept = {file.name for file in fetch_artifacts(run, tmp_path / "kept").iterdir()}
    assert {"SmaCross", "explorer.html", "report.html", "config.json"} <= {
        name.removeprefix("tune-").removesuffix(".parquet") for name in kept
    }
    found = closed("trials", "status == 'ok'", "--run", run, "--sort=-sharpe", "--json")
    sharpes = [row["sharpe"] for row in found["rows"]]
    assert sharpes == sorted(sharpes, reverse=True)
    again = closed("run", CONFIGS / "tune.yaml", *HERE, *SHORT, "--no-track")
    assert again["result_hash"] == job["result_hash"]
    assert again["metrics"]["trial_count"] == job["metrics"]["trial_count"]


@pytest.mark.usefixtures("with_a_store")
def test_a_walk_forward_reports_its_folds_and_is_drawn_again_from_the_store(tmp_path: Path) -> None:
    job = closed("run", CONFIGS / "walk_forward.yaml", *HERE, *WALK)
    assert {"sharpe", "efficiency", "overfitting_probability"} <= job["metrics"].keys()
    report = Path(job["artifacts"][-1])
    assert "When each fold trains and tests" in report.read_text(encoding="utf-8")
    drawn = closed("report", job["mlflow_run_id"], "--folder", tmp_path / "again", "--json")
    assert Path(drawn["artifacts"][0]).read_bytes() == report.read_bytes()


def test_a_cross_validation_gives_a_distribution() -> None:
    job = closed("run", CONFIGS / "cross_validation.yaml", *HERE, *SHORT, *SIX, "--no-track")
    assert job["metrics"]["path_count"] == 3
    assert job["metrics"]["split_count"] == 6
    page = Path(job["artifacts"][-1]).read_text(encoding="utf-8")
    assert "Sharpe ratio over paths" in page


def test_a_sealed_holdout_is_read_once(tmp_path: Path) -> None:
    sealing = (*WALK, "--set", "walk_forward.holdout=2006-01-03", "--set", "report.html=false")
    closed("run", CONFIGS / "walk_forward.yaml", *HERE, *sealing, "--no-track")
    backtest = ("run", CONFIGS / "backtest.yaml", "--no-track")
    refused = invoked(*backtest)
    assert refused.exit_code == 2
    assert "fanfold unseal walk_forward-SmaCross-" in refused.stderr
    assert invoked(*backtest, "--set", "data.end=2005-12-30").exit_code == 0
    looked = closed("unseal", "walk_forward-SmaCross", "--json")
    assert looked["period"].startswith("2006-01-03")
    assert looked["results"]["SmaCross"]["metrics"]["return_count"] > 200
    again = invoked("unseal", "walk_forward-SmaCross")
    assert again.exit_code == 2
    assert "opened once" in again.stderr
    assert invoked(*backtest).exit_code == 0


@pytest.mark.usefixtures("with_a_store")
def test_a_model_is_kept_with_the_run_and_forecasts_the_same(tmp_path: Path) -> None:
    small = (
        *("--set", "search.trials=2", "--set", "search.generation=2"),
        *("--set", "strategy.params.rounds=10", "--set", "data.end=2004-12-31"),
        *("--set", "walk_forward.train=500", "--set", "walk_forward.test=250"),
    )
    job = closed("run", CONFIGS / "learning.yaml", *HERE, *small, "--set", "report.html=false")
    name = "model-walk_forward-GradientBoosting"
    loaded = load_model(f"runs:/{job['mlflow_run_id']}/{name}")
    beside = load_model((tmp_path / "runs").glob(f"*/{name}").__next__())
    assert loaded.learned() == beside.learned() != ""


def test_an_audit_fails_a_strategy_that_knows_tomorrow(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "import numpy as np\n"
        "from fanfold.strategies import Column, Strategy\n"
        "class Mine(Strategy):\n"
        "    def columns(self, bars):\n"
        "        return {'next': np.vstack([bars.close[1:], bars.close[-1:]])}\n"
        "    def features(self):\n"
        "        return (Column('next'),)\n"
        "    def decide(self, assets, portfolio, memory):\n"
        "        for asset in assets:\n"
        "            asset.target = 0.2 if asset.features[0] > asset.close else 0.0\n"
    )
    caught = invoked("audit", "lookahead", "mine.py:Mine", "--cuts", 4, "--json")
    assert caught.exit_code == 1
    found = json.loads(caught.stdout.strip().splitlines()[-1])
    assert found["status"] == "leak"
    assert any("1 bar ahead" in finding["kind"] for finding in found["findings"])
    clean = closed("audit", "lookahead", "SmaCross", "--param", "fast=5", "--cuts", 4, "--json")
    assert clean["findings"] == []
