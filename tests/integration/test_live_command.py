"""`fanfold live` from up to down, against the local venue, with nothing made up in between."""

import json
import os
import signal
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from fanfold.cli import main
from fanfold.live.folder import Folder
from fanfold.live.registry import entry_of, is_running
from fanfold.workflows.live.parity import parity_job
from fanfold.workflows.live.status import status_of

REPO = Path(__file__).parents[2]
CONFIG = REPO / "configs" / "live_paper.yaml"
SEEN_S = 90.0
# What outlives the command outlives this process' interest in it too.
pytestmark = pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")
KEYS = {"APCA_API_KEY_ID": "PKPLANTED", "APCA_API_SECRET_KEY": "planted-secret"}


@dataclass
class Command:
    """`fanfold live` with a home of its own; what it starts are processes all the same."""

    home: Path

    @property
    def folder(self) -> Folder:
        return Folder(self.home / "live" / "demo")

    def run(self, *arguments: str, code: int = 0) -> dict[str, Any]:
        words = ["live", *arguments, "--json"]
        done = CliRunner().invoke(main, words)
        assert done.exit_code == code, (done.exit_code, done.output)
        return json.loads(done.stdout.splitlines()[-1])

    def up(self, *more: str, code: int = 0) -> dict[str, Any]:
        return self.run("up", str(CONFIG), "--set", "live.host.hosts=processes", *more, code=code)

    def until(self, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        limit = time.monotonic() + SEEN_S
        while not holds(found := status_of(self.folder)):
            assert time.monotonic() < limit, found
            time.sleep(0.1)
        return found

    def runs(self, name: str) -> bool:
        return is_running(entry_of(self.folder, name))


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Command]:
    made = Command(tmp_path)
    # What the sample is converted to, and what was compiled, is kept: making it takes long.
    kept = Path(os.environ["FANFOLD_HOME"])
    for each in kept.iterdir() if kept.is_dir() else ():
        if each.name != "live":
            (tmp_path / each.name).symlink_to(each)
    monkeypatch.setenv("FANFOLD_HOME", str(tmp_path))
    for name, text in KEYS.items():
        monkeypatch.setenv(name, text)
    monkeypatch.chdir(REPO)
    yield made
    if made.folder.plan.is_file():
        made.run("down")


def pid_of(found: dict[str, Any], name: str) -> int:
    return int(found["components"][name]["pid"])


def test_a_deployment_from_up_to_down(command: Command) -> None:
    never = command.up("--set", "data.symbols=[NOSUCH]", code=2)
    assert "symbol must be one of" in never["error"]
    assert not command.folder.path.exists()
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

    audit = parity_job("demo", track=False, draw=False)
    verdicts = [leg["verdict"] for leg in audit.content["legs"]]
    assert (verdicts, audit.problems) == (["equal", "equal", "equal"], [])

    down = command.run("down")
    assert set(down["components"].values()) == {"stopped"}
    assert down["venue"] == "stopped"
    assert command.run("status")["status"] == "down"
    folder = Path(up["folder"])
    for file in (each for each in folder.rglob("*") if each.is_file()):
        assert b"planted" not in file.read_bytes().lower(), file

    changed = command.up("--set", "strategy.params.fast=6", code=2)
    assert "must go on with its strategy" in changed["error"]
    assert not command.runs("venue")
    further = command.up()
    assert further["epoch"] > back["epoch"]
    assert further["components"]["signal"]["incarnation"] == 2


def test_commands_without_a_deployment_say_so(command: Command) -> None:
    for name in ("status", "kill", "resume", "down"):
        found = command.run(name, code=2)
        assert "must be brought up first" in found["error"]
