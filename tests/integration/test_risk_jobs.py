"""The jobs about risk, from the command to the stored run: here, and after a death."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result
from tests.fakes.cluster import REPO
from tests.fakes.panels import wild_bars
from tests.integration.test_faults import parts_in

import fanfold as ff
from fanfold.cli import main
from fanfold.research import chunks
from fanfold.strategies import SmaCross
from fanfold.tracking import fetch_artifacts, tracking_uri

CONFIGS = REPO / "configs"
AHEAD, STRESS = CONFIGS / "monte_carlo.yaml", CONFIGS / "stress.yaml"
SMALL = (
    *("--set", "data.end=2003-12-31", "--set", "monte_carlo.paths=3000"),
    *("--set", "monte_carlo.bars=40", "--set", "monte_carlo.histories=24"),
    *("--set", "monte_carlo.models=[bootstrap, gbm]"),
)
SHORT = ("--set", "data.end=2003-12-31")
NO_PAGE = ("--set", "report.html=false")

HISTORIES = 60

CHUNK_SECONDS = 0.005
"""A chunk so short that few histories have many [s]."""

KILLED_AT_PART = 3

CHILD = """
import sys
from pathlib import Path
from tests.integration.test_faults import die_at_part
from tests.integration.test_risk_jobs import hash_of
folder, deaths = sys.argv[1:]
die_at_part(int(deaths))
print(hash_of(Path(folder)))
"""


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.delenv("FANFOLD_LEDGER", raising=False)


def invoked(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


def last_object(result: Result) -> dict[str, Any]:
    return json.loads(result.stdout.strip().splitlines()[-1])


def closed(*words: object) -> dict[str, Any]:
    result = invoked(*words, "--json")
    assert result.exit_code == 0, result.stderr
    return last_object(result)


def hash_of(folder: Path | None = None) -> str:
    """The hash of histories that are run in this process, many chunks of them."""
    bars = wild_bars(3, 300, 2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunks, "CHUNK_SECONDS", CHUNK_SECONDS)
        runs = ff.monte_carlo(
            SmaCross(fast=3, slow=8), bars, histories=HISTORIES, seed=5, workers=0, folder=folder
        )
    return runs.hash


@pytest.mark.soak
def test_a_driver_that_is_killed_among_histories_goes_on_to_the_same_hash(tmp_path: Path) -> None:
    folder = tmp_path / "histories"
    words = [sys.executable, "-c", CHILD, folder, str(KILLED_AT_PART)]
    env = os.environ | {"PYTHONPATH": str(REPO)}
    with subprocess.Popen(words, cwd=REPO, env=env, stderr=subprocess.PIPE, text=True) as first:
        undisturbed = hash_of()
        stderr = first.communicate(timeout=300)[1]
    assert first.returncode == -signal.SIGKILL, stderr
    before = parts_in(folder)
    assert len(before) == KILLED_AT_PART - 1
    assert hash_of(folder) == undisturbed
    after = parts_in(folder)
    assert len(after) > len(before)
    assert {name: after[name] for name in before} == before
    assert hash_of(folder) == undisturbed
    assert parts_in(folder) == after


@pytest.mark.usefixtures("with_a_store")
def test_a_job_is_drawn_counted_and_tracked_with_a_child_a_model(tmp_path: Path) -> None:
    from mlflow import MlflowClient

    job = closed("run", AHEAD, "--workers", 0, *SMALL)
    assert job["status"] == "ok"
    risk, histories, report = (Path(file) for file in job["artifacts"])
    assert pq.read_table(histories).num_rows == 24
    page = report.read_text(encoding="utf-8")
    assert "<html" in page
    told = json.loads(risk.read_text(encoding="utf-8"))
    client: Any = MlflowClient(tracking_uri=tracking_uri(tmp_path / "mlruns"))
    run = client.get_run(job["mlflow_run_id"])
    assert run.info.status == "FINISHED"
    known = {name: value for name, value in job["metrics"].items() if value is not None}
    assert run.data.metrics == pytest.approx(known)
    assert {"sharpe", "gbm_value_at_risk_95", "simulated_sharpe_p_value"} <= known.keys()
    assert run.data.params["monte_carlo.histories"] == "24"
    children = client.search_runs(
        [run.info.experiment_id], f"tags.`mlflow.parentRunId` = '{run.info.run_id}'"
    )
    by_model = {child.data.params["model"]: child for child in children}
    assert set(by_model) == set(told["models"])
    for name, child in by_model.items():
        wanted = told["models"][name]["value_at_risk"]["0.95"]["value"]
        assert child.data.metrics["value_at_risk_0.95"] == pytest.approx(wanted)
        assert child.data.tags["paths"] == "3000"
    kept = {
        file.name for file in fetch_artifacts(job["mlflow_run_id"], tmp_path / "kept").iterdir()
    }
    assert {"risk.json", "histories.parquet", "report.html", "config.json"} <= kept
    again = closed("run", AHEAD, "--workers", 0, *SMALL, *NO_PAGE, "--no-track")
    assert again["result_hash"] == job["result_hash"]


@pytest.mark.usefixtures("with_a_store")
def test_a_stress_is_drawn_and_tracked_and_the_same_again() -> None:
    job = closed("run", STRESS, *SHORT)
    risk, report = (Path(file) for file in job["artifacts"])
    told = json.loads(risk.read_text(encoding="utf-8"))
    assert [table["subject"] for table in told["stress"]] == ["strategy", "positions"]
    assert "no liquidity for 5 bars" in report.read_text(encoding="utf-8")
    assert job["mlflow_run_id"] is not None
    again = closed("run", STRESS, *SHORT, *NO_PAGE, "--no-track")
    assert again["result_hash"] == job["result_hash"]


def test_a_part_that_fails_is_a_line_and_exit_code_1() -> None:
    words = ("run", AHEAD, "--workers", 0, *SMALL, *NO_PAGE, "--no-track", "--json")
    result = invoked(*words, "--set", "value_at_risk.window=5000")
    assert result.exit_code == 1
    assert "fanfold: forecasts: " in result.stderr
    job = last_object(result)
    assert job["status"] == "incomplete"
    assert "gbm_value_at_risk_95" in job["metrics"]


@pytest.mark.parametrize(
    ("config", "setting", "message"),
    [
        (STRESS, "stress.windows=[Leman 2008]", "nearest: 'Lehman 2008'"),
        (STRESS, "stress.shocks=[{kind: gapp, size: -0.2}]", "stress.shocks.0 tag 'gapp'"),
        (STRESS, "stress.shocks=[{kind: gap}]", "Gap must state 'size'"),
        (STRESS, "stress.shocks=[{kind: gap, size: -0.2, symbls: [IBM]}]", "mean 'symbols'"),
        (STRESS, "stress.positions={IBN: 1}", "IBN"),
        (STRESS, "stress.worst=[0]", "stress.worst.0"),
        (AHEAD, "stress.windows=[Leman 2008]", "nearest: 'Lehman 2008'"),
        (AHEAD, "monte_carlo.levels=[1.0]", "monte_carlo.levels.0 should be less than 1"),
        (AHEAD, "value_at_risk.levels=[95]", "value_at_risk.levels.0 should be less than 1"),
        (AHEAD, "monte_carlo.space={fast: {range: [5, 9]}}", "is what `retune` searches"),
        (AHEAD, "monte_carlo.models=[gbn]", "monte_carlo.models.0"),
        (AHEAD, "monte_carlo.prices=block", "monte_carlo.prices should be 'blocks'"),
        (AHEAD, "objective=luck", "objective must be one of"),
        (AHEAD, "strategies=[{name: SmaCross}]", "a monte_carlo needs `strategy`"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(config: Path, setting: str, message: str) -> None:
    result = invoked("run", config, "--set", setting, "--no-track", "--json")
    assert result.exit_code == 2
    (line,) = result.stderr.strip().splitlines()
    assert message in line
    assert last_object(result)["status"] == "failed"
