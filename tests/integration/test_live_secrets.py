"""No key of an account is written down: not where all goes well, nor where all fails."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.venue_process import Venue, eventually, running

from fanfold.live.doors import ask, door_of
from fanfold.live.folder import Folder
from fanfold.live.messages import COMPONENTS, EXECUTION, MARKET_DATA
from fanfold.live.registry import entry_of, is_held
from fanfold.live.supervision import SUPERVISOR, report_of

REPO = Path(__file__).parents[2]
CONFIG = REPO / "configs" / "live_paper.yaml"
SEEN_S = 30.0
FAULTS: tuple[dict[str, Any], ...] = (
    {"kind": "rest_error", "status": 500, "count": 2},
    {"kind": "refuse_upgrade", "lasts_s": 0, "count": 1},
    {"kind": "disconnect", "count": 2},
)
KEY, SECRET = "PKPLANTEDNAME0001", "planted/secret+0001"
WRONG = {"APCA_API_KEY_ID": "PKPLANTEDNAME0002", "APCA_API_SECRET_KEY": "planted/secret+0002"}
PLANTED = (KEY, SECRET, *WRONG.values())
HIDDEN = ("APCA_API_KEY_ID", "APCA_API_SECRET_KEY", "ALPACA_API_KEY", "ALPACA_SECRET_KEY")


@dataclass
class Outsider:
    """Commands with a home of their own, and all that they said."""

    home: Path
    secrets: Path
    said: list[str] = field(default_factory=list[str])

    def run(self, *arguments: str, code: int | None = 0, **environ: str) -> dict[str, Any]:
        base = {name: text for name, text in os.environ.items() if name not in HIDDEN}
        given = environ or {"FANFOLD_SECRETS": str(self.secrets)}
        done = subprocess.run(
            [sys.executable, "-m", "fanfold.cli", "live", *arguments, "--json"],
            capture_output=True,
            text=True,
            env=base | given | {"FANFOLD_HOME": str(self.home)},
            cwd=REPO,
            timeout=120,
            check=False,
        )
        self.said += [done.stdout, done.stderr]
        assert code in (None, done.returncode), (done.stdout, done.stderr)
        return json.loads(done.stdout.splitlines()[-1]) if done.stdout else {}


@pytest.fixture
def venue(tmp_path: Path) -> Generator[Venue]:
    config = tmp_path / "venue.yaml"
    content: dict[str, Any] = {
        "accounts": [{"key": KEY, "secret": SECRET}],
        "replay": {"source": "sample", "symbols": ["AAPL"], "basis": "raw", "begin": "2012-03-07"},
        "speed": 60, "skip_nights": True, "port": 0, "journal": str(tmp_path / "venue.db"),
    }  # fmt: skip
    config.write_text(json.dumps(content))
    with running(tmp_path, "--config", str(config)) as made:
        made.session.headers.update({"APCA-API-KEY-ID": KEY, "APCA-API-SECRET-KEY": SECRET})
        yield made


@pytest.fixture
def outsider(tmp_path: Path) -> Generator[Outsider]:
    secrets = tmp_path / "keys"
    secrets.write_text(f"APCA_API_KEY_ID={KEY}\nAPCA_API_SECRET_KEY='{SECRET}'\n")
    secrets.chmod(0o600)
    home = tmp_path / "home"
    home.mkdir()
    made = Outsider(home, secrets)
    yield made
    folder = Folder(home / "live" / "demo")
    if is_held(folder, SUPERVISOR):
        made.run("down", code=None)


def shown_of(*processes: int) -> list[str]:
    """What everybody can see of processes."""
    return [Path(f"/proc/{pid}/cmdline").read_text() for pid in processes]


def is_armed_anew(folder: Folder, epoch: int) -> bool:
    report = report_of(folder)
    return report is not None and report.armed and report.epoch > epoch


def leaks(home: Path, said: list[str]) -> list[str]:
    """Where a planted key is, in files and in what was said."""
    found = [
        f"{file}: {planted}"
        for file in home.rglob("*")
        if file.is_file() and not file.is_symlink()
        for planted in PLANTED
        if planted.encode() in file.read_bytes()
    ]
    return found + [text for text in said if any(planted in text for planted in PLANTED)]


def test_no_key_is_written_or_shown_at_a_venue_of_somebody_elses(
    venue: Venue, outsider: Outsider
) -> None:
    streams = {
        "market_stream_url": venue.market_data_url,
        "trade_stream_url": venue.trade_updates_url,
    }
    places = {"rest_url": venue.rest_url, "data_url": venue.rest_url, **streams}
    sets = [f"live.broker.{name}={where}" for name, where in places.items()]
    sets += ["live.host.hosts=processes", "data.symbols=[AAPL]", "data.warm_up_bars=30"]
    arguments = ("up", str(CONFIG), *(part for one in sets for part in ("--set", one)))

    outsider.run(*arguments, "--debug", code=1, **WRONG)
    assert "Traceback" in outsider.said[-1]
    assert "are refused" in outsider.said[-1]
    assert not (outsider.home / "live" / "demo").exists()

    up = outsider.run(*arguments)
    assert up["status"] == "up"
    second = outsider.run(*arguments, "--set", "deployment=second", code=2)
    assert "an account must have one deployment, deployment demo" in second["error"]
    assert not (outsider.home / "live" / "second").exists()
    folder = Folder(Path(up["folder"]))
    pids = [entry.pid for name in COMPONENTS if (entry := entry_of(folder, name)) is not None]
    outsider.said += shown_of(*pids)
    for name in COMPONENTS:
        for what in ("inspect", "statistics", "ping"):
            outsider.said.append(json.dumps(ask(door_of(folder, name), what, seconds=5.0)))
    for fault in FAULTS:
        venue.control("faults", fault)
    for name in (EXECUTION, MARKET_DATA):
        entry = entry_of(folder, name)
        assert entry is not None
        os.kill(entry.pid, signal.SIGKILL)
    eventually(lambda: is_armed_anew(folder, up["epoch"]), SEEN_S)
    outsider.run("status")
    killed = outsider.run("kill", code=1, **WRONG)
    assert killed["troubles"] == ["status 401: the keys must be those of this account"]
    outsider.run("down")
    assert leaks(outsider.home, outsider.said) == []
