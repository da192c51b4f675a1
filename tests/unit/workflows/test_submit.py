"""What is sent to a cluster, and what is made of a job's state and log; no cluster is asked."""

import json
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fanfold.distributed import JobState
from fanfold.errors import ConfigError, JobError
from fanfold.settings import read_settings
from fanfold.workflows import submit
from fanfold.workflows.submit import Following, ended_with, is_loopback, request_of, submit_job

HERE = "http://127.0.0.1:8265"
THERE = "https://cluster.example:8265"
CONFIG = Path("sweep.yaml")
TEXT = """
job: sweep
strategy: {name: SmaCross, params: {fast: {range: [2, 9]}, slow: 30}}
"""
CLOSED = {"status": "ok", "result_hash": "abc", "metrics": {"sharpe": 0.5}, "seconds": 1.5}
LAST = json.dumps(CLOSED)
OURS = "2026-11-24 22:00:52,582\tINFO job_manager.py:581 -- Runtime env is setting up.\n"


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("MLFLOW_TRACKING_URI", "FANFOLD_LEDGER", "RAY_AUTH_MODE"):
        monkeypatch.delenv(name, raising=False)
    CONFIG.write_text(TEXT, encoding="utf-8")


def asked(address: str = HERE, *overrides: str, config: Path = CONFIG, **how: Any) -> Any:
    settings = read_settings(config, overrides)
    return request_of(settings, config, overrides, address=address, **how)


def changes_of(request: Any) -> list[str]:
    words = shlex.split(request.entrypoint)
    return [words[k + 1] for k, word in enumerate(words) if word == "--set"]


@pytest.mark.parametrize(
    ("address", "own"),
    [
        (HERE, True),
        ("http://127.9.9.9", True),
        ("http://[::1]:8265", True),
        ("http://localhost:8265/", True),
        (THERE, False),
        ("http://192.0.2.7:8265", False),
        ("http://localhost.example:8265", False),
    ],
)
def test_a_loopback_address_is_this_machine(address: str, own: bool) -> None:  # noqa: FBT001
    assert is_loopback(address) is own


def test_a_job_here_writes_where_a_run_here_would(tmp_path: Path) -> None:
    request = asked(HERE, "strategy.params.fast={range: [5, 8]}")
    assert request.folder == tmp_path
    assert changes_of(request) == [
        "strategy.params.fast={range: [5, 8]}",
        "run.address=null",
        f'folder="{tmp_path}/runs"',
    ]
    assert request.env["MLFLOW_TRACKING_URI"] == f"sqlite:///{tmp_path}/mlruns/mlflow.db"
    assert request.env["FANFOLD_LEDGER"] == f"{tmp_path}/mlruns/ledger"
    assert Path(request.env["FANFOLD_HOME"]).is_absolute()
    assert "PYTHONPATH" not in request.env
    assert "RAY_AUTH_MODE" not in request.env


def test_a_job_elsewhere_gets_no_path_of_this_machine(tmp_path: Path) -> None:
    request = asked(THERE, "track.enabled=false", folder=Path("/shared/runs"))
    assert shlex.split(request.entrypoint)[:5] == [
        "python",
        "-m",
        "fanfold.cli",
        "run",
        "sweep.yaml",
    ]
    assert changes_of(request)[-1] == 'folder="/shared/runs"'
    assert str(tmp_path) not in request.entrypoint
    assert request.env.keys() == {"RAY_USAGE_STATS_ENABLED", "MLFLOW_DISABLE_TELEMETRY"}


def test_a_checkout_is_imported_from_its_own_sources(tmp_path: Path) -> None:
    (tmp_path / "src" / "fanfold").mkdir(parents=True)
    assert asked().env["PYTHONPATH"] == "src"


def test_no_secret_goes_with_a_job(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    monkeypatch.setenv("RAY_AUTH_TOKEN", "s3cret")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "s3cret")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://mlflow.example")
    request = asked(THERE)
    assert request.env["RAY_AUTH_MODE"] == "token"
    assert request.env["MLFLOW_TRACKING_URI"] == "https://mlflow.example"
    assert "s3cret" not in repr(request)
    assert {".env", "*.pem", "*.key", "*.secret"} <= set(request.excludes)


def test_an_address_with_a_password_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://me:s3cret@mlflow.example")
    with pytest.raises(ConfigError, match="MLFLOW_TRACKING_URI must carry no password") as caught:
        asked(THERE)
    assert "s3cret" not in str(caught.value)
    with pytest.raises(ConfigError, match="--set must carry no password"):
        asked(HERE, "data.source=postgresql://me:s3cret@host/db")


def test_a_database_of_this_machine_is_no_store_for_a_cluster() -> None:
    with pytest.raises(ConfigError, match="must name a server that the cluster at https://"):
        asked(THERE)


def test_results_stay_here_wherever_they_are(tmp_path: Path) -> None:
    assert "/out/tables" in asked(HERE, "folder=out/tables").excludes
    assert "/" not in asked(HERE, f"folder={tmp_path}").excludes


def test_a_configuration_must_travel_with_its_folder(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    outer = tmp_path / "sweep.yaml"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path / "inner")
        with pytest.raises(ConfigError, match=r"must lie in .*inner to be sent"):
            asked(config=outer)


def test_names_of_jobs_tell_what_they_are_and_differ() -> None:
    one, other = asked().submission_id, asked().submission_id
    assert one.startswith("sweep-SmaCross-")
    assert one != other
    assert one.split("-")[:3] == other.split("-")[:3]


@pytest.mark.parametrize("address", ["127.0.0.1:8265", "ray://127.0.0.1:10001", "auto", "http://"])
def test_an_address_that_is_none_is_refused_before_anything_is_asked(address: str) -> None:
    with pytest.raises(ConfigError, match="address must be that of a cluster's dashboard"):
        submit_job(CONFIG, address=address, say=print, warn=print)


class Scripted:
    """A job server that tells a story: states and logs in turn, or errors."""

    def __init__(self, *story: tuple[str, str] | Exception) -> None:
        self._story: Iterator[tuple[str, str] | Exception] = iter(story)
        self._log = ""
        self.sent: list[Any] = []

    def submit(self, request: Any) -> None:
        self.sent.append(request)

    def state(self, _name: str) -> JobState:
        now = next(self._story)
        if isinstance(now, Exception):
            raise now
        status, self._log = now
        return JobState(status, "Job entrypoint command failed")  # type: ignore[arg-type]

    def log(self, _name: str) -> str:
        return self._log


def followed(*story: tuple[str, str] | Exception, now: Any = lambda: 0.0) -> tuple[Any, list[str]]:
    shown: list[str] = []
    following = Following(
        Scripted(*story),  # type: ignore[arg-type]
        "job-1",
        lambda line: shown.append(f"say {line}"),
        lambda line: shown.append(f"warn {line}"),
        pause=lambda _seconds: None,
        now=now,
    )
    try:
        return following.result(), shown
    except JobError as error:
        return error, shown


def test_a_job_is_shown_line_by_line_as_it_comes() -> None:
    result, shown = followed(
        ("PENDING", ""),
        ("RUNNING", OURS + "fanfold: 10 of 20\nhalf of a li"),
        ("RUNNING", OURS + "fanfold: 10 of 20\nhalf of a line\n"),
        ("SUCCEEDED", OURS + f"fanfold: 10 of 20\nhalf of a line\nbest 0.5\n{LAST}"),
    )
    assert shown == ["warn 10 of 20", "say half of a line", "say best 0.5"]
    assert result == CLOSED


def test_a_look_that_fails_now_and_then_is_forgiven(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(submit, "MISSED_LOOKS_MAX", 2)
    lost = JobError("a job server must answer, did not")
    assert followed(lost, lost, ("RUNNING", ""), lost, lost, ("SUCCEEDED", LAST))[0] == CLOSED
    assert followed(lost, lost, lost)[0] is lost


def test_a_job_that_never_begins_is_given_up() -> None:
    times = iter(range(0, 10_000, 400))
    error, _ = followed(*[("PENDING", "")] * 20, now=lambda: next(times))
    assert "job-1 must begin in time" in str(error)


@pytest.mark.parametrize(
    ("status", "log", "message"),
    [
        ("STOPPED", "a line\n", "^job-1 must run to its end, was stopped$"),
        ("FAILED", '{"status": "failed", "error": "x must be 1, was 2"}\n',
         "^job-1 failed: x must be 1, was 2$"),
        ("FAILED", "/usr/bin/python: Error while finding module specification for 'fanfold.cli' "
         "(ModuleNotFoundError: No module named 'fanfold')\n",
         "^the Python that started the cluster must have fanfold .* has no module 'fanfold'$"),
        ("FAILED", "all well\nKilled\n\n", "^job-1 must end with its .*, ended failed: Killed$"),
        ("FAILED", OURS, "^job-1 must end with its result, ended failed: Job entrypoint"),
        ("SUCCEEDED", "{}\n", "^job-1 must end with its result, ended succeeded"),
    ],
)  # fmt: skip
def test_a_job_that_fails_says_why_in_one_line(status: str, log: str, message: str) -> None:
    error, _ = followed((status, log))
    with pytest.raises(JobError, match=message):
        raise error
    assert "\n" not in str(error)


def test_an_incomplete_job_still_has_its_result() -> None:
    log = json.dumps({**CLOSED, "status": "incomplete"}) + "\n(raylet) some chatter\n"
    assert ended_with("job-1", JobState("FAILED", ""), log)["result_hash"] == "abc"


def submitted(server: Scripted, monkeypatch: pytest.MonkeyPatch, **how: Any) -> Any:
    shown: list[str] = []
    monkeypatch.setattr(submit, "JobServer", lambda _address: server)
    result = submit_job(CONFIG, address=HERE + "/", say=shown.append, warn=shown.append, **how)
    return result, shown, server.sent[0].submission_id


def test_without_waiting_it_is_said_how_to_follow(monkeypatch: pytest.MonkeyPatch) -> None:
    result, shown, name = submitted(Scripted(), monkeypatch)
    follow = f"ray job logs --address {HERE} --follow {name}"
    assert result == {"status": "submitted", "submission_id": name, "follow": follow}
    assert shown == [f"job     {name}", f"follow  {follow}"]


def test_waiting_ends_with_what_the_job_ends_with(monkeypatch: pytest.MonkeyPatch) -> None:
    result, shown, name = submitted(Scripted(("SUCCEEDED", LAST)), monkeypatch, wait=True)
    assert result == {**CLOSED, "submission_id": name}
    assert shown == [f"job {name}"]


def test_ctrl_c_while_waiting_leaves_the_job_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    class Interrupted(Scripted):
        def state(self, _name: str) -> JobState:
            raise KeyboardInterrupt

    result, shown, name = submitted(Interrupted(), monkeypatch, wait=True)
    assert result["status"] == "running"
    assert f"{name} still runs; follow it: {result['follow']}" in shown


def test_bad_settings_are_refused_before_anything_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Scripted()
    with pytest.raises(ConfigError, match="did you mean 'strategy'"):
        submitted(server, monkeypatch, overrides=["strateg.name=SmaCross"])
    assert server.sent == []
