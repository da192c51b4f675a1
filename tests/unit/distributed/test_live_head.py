"""What a Ray head of a deployment is started with, and when it counts as gone."""

import stat
import subprocess
import sys
from pathlib import Path

import pytest
from tests.fakes.venue_process import eventually

from fanfold.distributed import live_head
from fanfold.distributed.live_head import environ, has_members
from fanfold.live.folder import Folder


def test_nobody_decides_about_ray_by_what_stands_in_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    monkeypatch.setenv("RAY_ADDRESS", "10.0.0.1:6379")
    monkeypatch.setenv("FANFOLD_HOME", str(tmp_path))
    found = environ()
    assert {name: text for name, text in found.items() if name.startswith("RAY_")} == {
        "RAY_AUTH_MODE": "disabled",
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S": "0",
        live_head.ONE_MACHINE: "0",
    }
    assert found["FANFOLD_HOME"] == str(tmp_path)
    assert (Path(found["PYTHONPATH"].partition(":")[0]) / "fanfold").is_dir()


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
