"""What a Ray head of a deployment is started with, and when it counts as gone."""

import stat
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from tests.fakes.venue_process import eventually

from fanfold.distributed import live_head
from fanfold.distributed.live_head import (
    Cluster,
    cluster_of,
    end_head,
    entrance,
    environ,
    has_members,
)
from fanfold.live.folder import Folder
from fanfold.live.registry import Entry, born_of


def test_nobody_decides_about_ray_by_what_stands_in_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    monkeypatch.setenv("RAY_ADDRESS", "10.0.0.1:6379")
    monkeypatch.setenv("FANFOLD_HOME", str(tmp_path))
    folder = Folder(tmp_path / "live" / "deployment")
    folder.make()
    found = environ(folder)
    token = tmp_path / "live" / "ray.token"
    assert {name: text for name, text in found.items() if name.startswith("RAY_")} == {
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN_PATH": str(token),
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_agent_register_timeout_ms": "120000",
        "RAY_SERVE_PROXY_HEALTH_CHECK_PERIOD_S": "1",
        "RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S": "0",
        live_head.ONE_MACHINE: "0",
    }
    assert found["FANFOLD_HOME"] == str(tmp_path)
    assert (Path(found["PYTHONPATH"].partition(":")[0]) / "fanfold").is_dir()


def test_a_head_asks_for_a_token_that_is_its_owners_and_lasts(tmp_path: Path) -> None:
    first = Folder(tmp_path / "live" / "first")
    first.make()
    file = Path(entrance(first)["RAY_AUTH_TOKEN_PATH"])
    token = file.read_text()
    assert len(token) == 2 * 32
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    # A process knows one token, and may come to the heads of several deployments.
    assert entrance(Folder(tmp_path / "live" / "second")) == entrance(first)
    assert file.read_text() == token


def test_all_that_it_binds_is_on_the_loopback_address(tmp_path: Path) -> None:
    words = live_head._command(20_000, tmp_path)
    assert "--node-ip-address=127.0.0.1" in words
    assert "--dashboard-host=127.0.0.1" in words
    assert f"--num-cpus={live_head.WORKERS}" in words


def test_what_ray_opens_to_all_stands_in_a_folder_that_is_ours_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(live_head, "SOCKETS", tmp_path)
    place = live_head._temp_folder(Folder(tmp_path / "deployment"))
    assert stat.S_IMODE(place.parent.stat().st_mode) == 0o700
    place.mkdir()
    place.chmod(0o777)  # as Ray does
    assert live_head._temp_folder(Folder(tmp_path / "deployment")) == place


def test_what_has_ended_and_was_not_fetched_is_gone() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, start_new_session=True
    )
    assert has_members(process.pid)
    process.kill()
    eventually(lambda: not has_members(process.pid))
    process.communicate()


def test_what_a_killed_head_left_behind_is_ended_with_its_place(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(live_head, "SOCKETS", tmp_path)
    folder = Folder(tmp_path / "live" / "demo")
    folder.make()
    place = live_head._temp_folder(folder).parent
    leaves = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'input()']); input()"
    head = subprocess.Popen(
        [sys.executable, "-c", leaves], stdin=subprocess.PIPE, start_new_session=True
    )
    entry = Entry(pid=head.pid, born=born_of(head.pid) or 0, incarnation=1, started_at=0)
    (folder.path / "ray.json").write_bytes(
        msgspec.json.encode(Cluster(address="127.0.0.1:1", head=entry))
    )
    eventually(lambda: children_of(head.pid) > 0)
    head.kill()
    head.wait()
    assert has_members(head.pid)
    end_head(folder)
    assert not has_members(head.pid)
    assert not place.exists()
    assert cluster_of(folder) is None
    head.communicate()


def children_of(pid: int) -> int:
    return len(Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
