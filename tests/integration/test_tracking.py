"""Runs written to a real SQLite store and read back through MLflow's own client."""

import math
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fanfold.errors import ConfigError, JobError
from fanfold.tracking import (
    ChildRecord,
    JobRecord,
    fetch_artifacts,
    find_run,
    record_job,
    tracking_uri,
)

ANOTHER_PROCESS = """
import sys
from pathlib import Path
from fanfold.tracking import JobRecord, record_job
record = JobRecord(job="sweep", experiment="sma", name="theirs")
print(record_job(record, folder=Path(sys.argv[1])))
"""


@pytest.fixture(scope="module")
def meeting(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    """Two processes that start on one new store; it then serves all tests.

    Returns:
        The store, and what the other process said on stdout and stderr.
    """
    folder = tmp_path_factory.mktemp("store") / "mlruns"
    command = [sys.executable, "-c", ANOTHER_PROCESS, str(folder)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as other:
        record_job(job(name="ours"), folder=folder)
        said, complained = other.communicate(timeout=300)
    return folder, said, complained


@pytest.fixture(scope="module")
def folder(meeting: tuple[Path, str, str]) -> Path:
    return meeting[0]


@pytest.fixture
def client(folder: Path) -> Iterator[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from mlflow import MlflowClient

        yield MlflowClient(tracking_uri=tracking_uri(folder))


def job(**values: Any) -> JobRecord:
    return JobRecord(**{"job": "sweep", "experiment": "sma", "name": "a sweep", **values})


def children_of(client: Any, run_id: str) -> list[Any]:
    experiment = client.get_run(run_id).info.experiment_id
    return list(client.search_runs([experiment], f"tags.`mlflow.parentRunId` = '{run_id}'"))


def test_a_job_reads_back_as_it_was_recorded(client: Any, folder: Path, tmp_path: Path) -> None:
    table = tmp_path / "table.parquet"
    table.write_bytes(b"PAR1")
    record = job(
        params={"fast": 10, "data": {"symbols": ["AAPL"]}},
        metrics={"sharpe": 1.25, "fill_count": 12},
        tags={"seed": 7, "data_fingerprint": "abc"},
        artifacts=(table,),
    )
    run = client.get_run(record_job(record, folder=folder))
    assert run.info.status == "FINISHED"
    assert run.info.run_name == "a sweep"
    assert run.data.params == {"fast": "10", "data.symbols": "['AAPL']"}
    assert run.data.metrics == {"sharpe": 1.25, "fill_count": 12.0}
    assert run.data.tags["seed"] == "7"
    assert run.data.tags["fanfold.job"] == "sweep"
    kept = folder / "artifacts" / run.info.run_id / "artifacts" / "table.parquet"
    assert kept.read_bytes() == b"PAR1"


def test_children_hang_under_their_parent(client: Any, folder: Path) -> None:
    best = tuple(
        ChildRecord(name=f"best {place}", params={"fast": place}, metrics={"sharpe": 2.0 - place})
        for place in range(3)
    )
    run_id = record_job(job(children=best), folder=folder)
    found = {run.info.run_name: run for run in children_of(client, run_id)}
    assert found.keys() == {"best 0", "best 1", "best 2"}
    assert found["best 2"].data.params == {"fast": "2"}
    assert found["best 2"].data.metrics == {"sharpe": 0.0}
    assert all(run.info.status == "FINISHED" for run in found.values())


def test_metrics_that_are_not_finite_are_named_instead_of_logged(client: Any, folder: Path) -> None:
    metrics = {"sharpe": math.nan, "profit_factor": math.inf, "cagr": 0.1}
    run = client.get_run(record_job(job(metrics=metrics), folder=folder))
    assert run.data.metrics == {"cagr": 0.1}
    assert run.data.tags["fanfold.metrics_not_finite"] == "profit_factor, sharpe"


def test_more_values_than_one_request_takes_all_arrive(client: Any, folder: Path) -> None:
    record = job(
        params={f"p{place}": place for place in range(130)},
        metrics={f"m{place}": place for place in range(1_700)},
        tags={f"t{place}": place for place in range(130)},
    )
    data = client.get_run(record_job(record, folder=folder)).data
    assert len(data.params) == 130
    assert data.metrics == {f"m{place}": place for place in range(1_700)}
    assert {f"t{place}" for place in range(130)} <= data.tags.keys()


def test_a_value_too_long_for_the_store_is_cut_and_named(client: Any, folder: Path) -> None:
    data = client.get_run(record_job(job(params={"symbols": "A" * 6_001}), folder=folder)).data
    assert data.params == {"symbols": "A" * 6_000}
    assert data.tags["fanfold.params_cut"] == "symbols"


def test_a_run_that_fails_halfway_is_marked_failed(
    client: Any, folder: Path, tmp_path: Path
) -> None:
    lost = ChildRecord(name="lost", artifacts=(tmp_path / "missing.html",))
    good = ChildRecord(name="good")
    with pytest.raises(JobError, match=r"recording 'halfway' .* must work") as raised:
        record_job(job(name="halfway", children=(good, lost)), folder=folder)
    assert "\n" not in str(raised.value)
    run = find_run("halfway", folder=folder)
    assert run.status == "FAILED"
    statuses = {child.info.run_name: child.info.status for child in children_of(client, run.run_id)}
    assert statuses == {"good": "FINISHED", "lost": "FAILED"}


def test_a_store_that_cannot_be_opened_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").write_text("this is not a database " * 100)
    with pytest.raises(JobError, match=r"mlflow\.db must work, was stopped by") as raised:
        record_job(job(), folder=tmp_path)
    assert "\n" not in str(raised.value)


def test_an_error_does_not_show_the_password_of_an_address(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "nonsense://me:hunter2@127.0.0.1/x")
    with pytest.raises(JobError) as raised:
        record_job(job())
    assert "hunter2" not in str(raised.value)


def test_two_processes_that_meet_on_a_new_store_both_record_in_silence(
    client: Any, meeting: tuple[Path, str, str]
) -> None:
    folder, said, complained = meeting
    assert complained == ""  # not even the news of the first migration
    theirs = client.get_run(said.strip())
    ours = client.get_run(find_run("ours", folder=folder).run_id)
    assert (theirs.info.status, ours.info.status) == ("FINISHED", "FINISHED")
    assert theirs.info.experiment_id == ours.info.experiment_id


def test_a_run_is_found_by_id_by_its_start_and_by_name(folder: Path) -> None:
    run_id = record_job(job(name="it's here", metrics={"sharpe": 1.0}), folder=folder)
    for known_as in (run_id, run_id[:12], "it's here"):
        found = find_run(known_as, folder=folder)
        assert (found.run_id, found.job, found.metrics) == (run_id, "sweep", {"sharpe": 1.0})


def test_of_runs_with_one_name_the_latest_is_found(folder: Path) -> None:
    record_job(job(name="twice"), folder=folder)
    latest = record_job(job(name="twice"), folder=folder)
    assert find_run("twice", folder=folder).run_id == latest


def test_an_unknown_run_is_answered_with_the_latest_runs(folder: Path) -> None:
    children = (ChildRecord(name="a child"),)
    run_id = record_job(job(name="latest", children=children), folder=folder)
    for unknown in ("nobody", "0" * 32, "both ' and \"", "", "a%b"):
        with pytest.raises(ConfigError, match="the latest are") as raised:
            find_run(unknown, folder=folder)
        assert f"{run_id[:8]} 'latest'" in str(raised.value)
        assert "a child" not in str(raised.value)


def test_a_start_shared_by_several_ids_is_not_guessed(folder: Path) -> None:
    # Of seventeen ids, two start with the same of sixteen digits.
    ids = [record_job(job(name="many"), folder=folder) for _ in range(17)]
    starts = [run_id[0] for run_id in ids]
    shared = max(starts, key=starts.count)
    with pytest.raises(ConfigError, match="must be named clearly"):
        find_run(shared, folder=folder)


def test_looking_up_a_run_makes_no_store(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="does not exist"):
        find_run("anything", folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_files_of_a_run_are_fetched(folder: Path, tmp_path: Path) -> None:
    results = tmp_path / "results"
    results.mkdir()
    (results / "part-0.parquet").write_bytes(b"PAR1")
    run_id = record_job(job(artifacts=(results,)), folder=folder)
    everything = fetch_artifacts(run_id, tmp_path / "all", folder=folder)
    assert (everything / "results" / "part-0.parquet").read_bytes() == b"PAR1"
    one = fetch_artifacts(run_id, tmp_path / "one", name="results", folder=folder)
    assert [file.name for file in one.iterdir()] == ["part-0.parquet"]
    with pytest.raises(JobError, match=r"fetching nothing\.html"):
        fetch_artifacts(run_id, tmp_path / "none", name="nothing.html", folder=folder)
