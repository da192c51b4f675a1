"""`fanfold live` from up to down, against the local venue, with nothing made up in between."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

REPO = Path(__file__).parents[2]
CONFIG = REPO / "configs" / "live_paper.yaml"
SEEN_S = 90.0
KEYS = {"APCA_API_KEY_ID": "PKPLANTED", "APCA_API_SECRET_KEY": "planted-secret"}


@dataclass
class Command:
    """`fanfold live` with a home of its own."""

    home: Path
    hosts: str

    def run(self, *arguments: str, code: int = 0) -> dict[str, Any]:
        environ = {**os.environ, **KEYS, "FANFOLD_HOME": str(self.home)}
        done = subprocess.run(
            [sys.executable, "-m", "fanfold.cli", "live", *arguments, "--json"],
            capture_output=True,
            text=True,
            env=environ,
            cwd=REPO,
            timeout=300,
            check=False,
        )
        assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
        return json.loads(done.stdout.splitlines()[-1])

    def up(self, *more: str, code: int = 0) -> dict[str, Any]:
        return self.run(
            "up", str(CONFIG), "--set", f"live.host.hosts={self.hosts}", *more, code=code
        )

    def until(self, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        limit = time.monotonic() + SEEN_S
        while not holds(found := self.run("status")):
            assert time.monotonic() < limit, found
            time.sleep(0.2)
        return found


@pytest.fixture
def command(tmp_path: Path) -> Generator[Command]:
    made = Command(tmp_path, "processes")
    # What the sample is converted to is kept, since making it takes long.
    kept = Path(os.environ["FANFOLD_HOME"])
    for each in kept.iterdir() if kept.is_dir() else ():
        if each.name != "live":
            (tmp_path / each.name).symlink_to(each)
    yield made
    if (tmp_path / "live").is_dir():
        made.run("down")


def pid_of(found: dict[str, Any], name: str) -> int:
    return int(found["components"][name]["pid"])


def test_a_deployment_from_up_to_down(command: Command) -> None:
    up = command.up()
    assert up["status"] == "up"
    assert {one["state"] for name, one in up["components"].items() if name != "recorder"} == {
        "armed"
    }
    again = command.up(code=2)
    assert "must be down to be brought up" in again["error"]

    traded = command.until(
        lambda found: found["statistics"]["signal"]["counts"].get("steps", 0) > 2
    )
    assert traded["status"] == "up"
    assert traded["gate"] == "open"

    os.kill(pid_of(up, "risk"), signal.SIGKILL)
    back = command.until(lambda found: found["status"] == "up" and found["epoch"] > up["epoch"])
    assert back["components"]["risk"]["incarnation"] == 2
    assert back["components"]["signal"]["incarnation"] == 1

    killed = command.run("kill", "--reason", "a test")
    assert killed["flat"]
    assert killed["told"]["execution"] == "halted"
    halted = command.run("status")
    assert (halted["status"], halted["positions"], halted["open_orders"]) == ("halted", {}, [])

    asked = command.run("resume")
    (latch,) = asked["latches"]
    assert (latch["name"], latch["reason"]) == ("kill", "a test")
    wrong = command.run("resume", "--code", "nonsense", code=2)
    assert "code must be" in wrong["error"]
    assert command.run("resume", "--code", latch["code"])["status"] == "resumed"
    command.until(lambda found: found["status"] == "up")

    down = command.run("down")
    assert set(down["components"].values()) == {"stopped"}
    assert down["venue"] == "stopped"
    assert command.run("status")["status"] == "down"
    folder = Path(up["folder"])
    for file in (each for each in folder.rglob("*") if each.is_file()):
        assert b"planted" not in file.read_bytes().lower(), file

    further = command.up()
    assert further["epoch"] > back["epoch"]
    assert further["components"]["signal"]["incarnation"] == 2
    other = command.run("down")
    assert other["status"] == "down"
    changed = command.up("--set", "strategy.params.fast=6", code=2)
    assert "must go on with its strategy" in changed["error"]


def test_commands_without_a_deployment_say_so(command: Command) -> None:
    for name in ("status", "kill", "resume", "down"):
        found = command.run(name, code=2)
        assert "must be brought up first" in found["error"]


@pytest.mark.cluster
def test_the_same_on_actors(command: Command) -> None:
    command.hosts = "ray"
    up = command.up()
    assert up["status"] == "up"
    os.kill(pid_of(up, "execution"), signal.SIGKILL)
    back = command.until(lambda found: found["status"] == "up" and found["epoch"] > up["epoch"])
    assert back["components"]["execution"]["incarnation"] == 2
    assert set(command.run("down")["components"].values()) == {"stopped"}
