"""Jobs sent to a head that asks for a token; one head for all tests here."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.cluster import REPO, Head, token_head

from fanfold.distributed import JobServer, submission
from fanfold.errors import ConfigError, JobError
from fanfold.settings import read_settings
from fanfold.workflows.close import run_job

FIRST_PORT = 10_000 + 100 * (os.getpid() % 80)
"""Of the hundred ports of the head: two test runs on one machine rarely have the same."""

CLIENT = """
import json, sys
from pathlib import Path
from fanfold.errors import FanfoldError
from fanfold.workflows.submit import submit_job
try:
    result = submit_job(
        Path(sys.argv[1]), address=sys.argv[2], overrides=sys.argv[3:], wait=True,
        say=lambda line: print("say", line), warn=lambda line: print("warn", line),
    )
except FanfoldError as error:
    result = {"status": "failed", "error": str(error), "type": type(error).__name__}
print(json.dumps(result))
"""
"""Ray knows one token a process, so each client is one of its own."""

OWN = """
from fanfold.strategies import ROC, Strategy

class Steady(Strategy):
    lookback: int = 5

    def features(self):
        return (ROC(self.lookback),)

    def decide(self, assets, portfolio, memory):
        for asset in assets:
            asset.target = 0.5 if asset.features[0] > 0.0 else 0.0
"""

CONFIG = """
job: sweep
data: {source: prices.csv, calendar: XNYS}
strategy: {name: "own.py:Steady", params: {lookback: {range: [2, 8]}}}
track: {enabled: false}
report: {html: false}
"""


@pytest.fixture(scope="module")
def head() -> Iterator[Head]:
    with token_head(FIRST_PORT) as started:
        yield started


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's folder: a configuration, with a strategy and prices beside it."""
    monkeypatch.chdir(tmp_path)
    closes = [10, 11, 13, 12, 11, 10, 12, 14, 13, 12, 13, 14, 15, 13, 12]
    days = [f"2024-01-{day:02d}" for day in (2, 3, 4, 5, 8, 9, 10, 11, 12, 16, 17, 18, 19, 22, 23)]
    rows = [f"{day},AB,{close},{close + 1},{close - 1},{close},1000"
            for day, close in zip(days, closes, strict=True)]  # fmt: skip
    lines = ["date,symbol,open,high,low,close,volume", *rows]
    Path("prices.csv").write_text("\n".join(lines), encoding="utf-8")
    Path("own.py").write_text(OWN, encoding="utf-8")
    Path("own.yaml").write_text(CONFIG, encoding="utf-8")
    return tmp_path


def client(address: str, env: dict[str, str], *overrides: str) -> Any:
    return subprocess.Popen(
        [sys.executable, "-c", CLIENT, "own.yaml", address, *overrides],
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def said(process: Any) -> tuple[list[str], dict[str, Any]]:
    stdout, stderr = process.communicate(timeout=300)
    assert "Traceback" not in stderr, stderr
    *lines, last = stdout.splitlines()
    return lines, json.loads(last)


def run_here(*overrides: str) -> Any:
    return run_job(read_settings(Path("own.yaml"), ["run.workers=0", *overrides]), print, print)


def test_a_job_on_a_cluster_gives_what_it_gives_here_and_leaves_it_in_the_same_place(
    head: Head, folder: Path
) -> None:
    process = client(head.address, head.env, "run.workers=1")
    here = run_here("folder=elsewhere")
    lines, there = said(process)
    assert there["status"] == "ok", there
    assert there["result_hash"] == here.result_hash
    assert any(line.startswith("say own.py:Steady: 6 combinations on 1 proc") for line in lines)
    assert {"submission_id", "metrics", "mlflow_run_id", "seconds"} <= there.keys()
    (table,) = map(Path, there["artifacts"])
    assert table.is_relative_to(folder / "runs")
    parts = {part: part.stat().st_mtime_ns for part in table.parent.glob("*/part-*")}
    again = run_here()
    assert again.artifacts == [str(table)]
    assert again.result_hash == here.result_hash
    assert {part: part.stat().st_mtime_ns for part in parts} == parts


@pytest.mark.usefixtures("folder")
def test_a_missing_and_a_wrong_token_are_one_line_each(head: Head, tmp_path: Path) -> None:
    processes = [
        client(head.address, head.env | {"HOME": str(tmp_path)}),
        client(head.address, head.env | {"RAY_AUTH_TOKEN": "guessed"}),
    ]
    (no_lines, missing), (none, wrong) = map(said, processes)
    assert no_lines == none == []
    assert missing["type"] == wrong["type"] == "ConfigError"
    assert missing["error"].startswith(f"the cluster at {head.address} must be shown its token")
    assert wrong["error"].startswith(f"the token for the cluster at {head.address} must be the")
    assert "\n" not in missing["error"] + wrong["error"]


def test_the_address_that_is_asked_for_is_asked(
    head: Head, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "http://127.0.0.1:9")
    with pytest.raises(ConfigError, match=f"cluster at {head.address} must be shown its"):
        JobServer(head.address)
    assert os.environ["RAY_ADDRESS"] == "http://127.0.0.1:9"


@pytest.mark.soak
def test_rays_own_command_runs_the_same_job(head: Head, folder: Path) -> None:
    Path("jobs").mkdir()
    Path("jobs/sweep.py").write_text((REPO / "jobs" / "sweep.py").read_text(), encoding="utf-8")
    here = run_here("folder=elsewhere")
    done = subprocess.run(
        [Path(sys.executable).parent / "ray", "job", "submit", "--address", head.address,
         "--working-dir", ".", "--", "python", "jobs/sweep.py", "own.yaml", "--json"],
        env=head.env, capture_output=True, text=True, timeout=300, check=True,
    )  # fmt: skip
    (last,) = (line for line in done.stdout.splitlines() if line.startswith('{"status"'))
    assert json.loads(last)["result_hash"] == here.result_hash
    assert not (folder / "runs").exists()


def test_nobody_at_an_address_is_one_line() -> None:
    with pytest.raises(JobError, match=r"^a job server must answer at http://127.0.0.1:9, did not"):
        JobServer("http://127.0.0.1:9/")


def test_a_server_that_stays_silent_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(submission, "REQUEST_SECONDS_MAX", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(JobError, match=r"must answer at \S+ in time, did not$"):
            JobServer(f"http://127.0.0.1:{port}")


def test_what_is_too_large_to_send_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(submission, "UPLOAD_BYTES_MAX", 5 * 2**20)
    for name, size in (("data/one.bin", 3), ("data/two.bin", 2), ("runs/old.bin", 9), ("a.bin", 1)):
        file = folder / name
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(bytes(size * 2**20))
    with pytest.raises(ConfigError, match=r"below 5 MiB .* were 6 \(data 5, a.bin 1, [po]"):
        submission.check_upload(folder, ["/runs"])
    (folder / ".gitignore").write_text("two.bin\n", encoding="utf-8")
    submission.check_upload(folder, ["/runs"])
    monkeypatch.setattr(submission, "UPLOAD_FILES_MAX", 3)
    with pytest.raises(ConfigError, match="must hold at most 3 files to be sent"):
        submission.check_upload(folder, [])
