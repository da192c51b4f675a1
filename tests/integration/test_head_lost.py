"""Two machines with an own network each, started as the clusters start them; the head is lost.

The nodes are `cluster/node.sh` in two network namespaces, with a token, and with a Redis in
which the head keeps what it knows. It takes root, `ip` and `redis-server`, and minutes.
"""

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.cluster import REPO, until

from fanfold.live.doors import ask, door_of
from fanfold.live.folder import Folder
from fanfold.live.messages import COMPONENTS, RISK, SIGNAL
from fanfold.live.registry import entry_of, is_running
from fanfold.live.supervision import SUPERVISOR, report_of

BIN = Path(sys.executable).parent
HEAD, LIVE = "10.231.77.1", "10.231.77.2"
"""Addresses that exist in the two namespaces alone."""

ALONE = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc")
"""With numbers of processes of its own: Ray takes any node that it sees for one beside it."""

AGAIN = 'while :; do "$0" head; sleep 1; done'
"""As a container is: a head that does not come up, as on a busy machine, is started again."""

SEEN_S = 240.0
CHECK_S = 1.0
"""Time between two health checks [s]."""
NEEDED = ("ip", "unshare", "redis-server")
ACTORS = (*COMPONENTS, SUPERVISOR)
TOOLS = [tool for tool in NEEDED if shutil.which(tool) is None]

pytestmark = [
    pytest.mark.soak,
    pytest.mark.skipif(
        os.geteuid() != 0 or bool(TOOLS), reason=f"needs root and {', '.join(NEEDED)}"
    ),
]


class Machines:
    """Two network namespaces with a cable between them, and what runs in each."""

    def __init__(self, place: Path) -> None:
        self.place = place
        number = os.getpid()
        self.names = {HEAD: f"ffh{number}", LIVE: f"ffl{number}"}
        for name in ("token", "password"):
            (place / name).write_text(secrets.token_hex(16), encoding="ascii")
        self.env = {name: text for name, text in os.environ.items() if not name.startswith("RAY_")}
        self.env |= {
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "FANFOLD_HOME": str(place / "home"),
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN_PATH": str(place / "token"),
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_agent_register_timeout_ms": "120000",
            "RAY_TMPDIR": str(place / "r"),
            "STORE_BYTES": "100000000",
        }

    def start(self, where: str, *words: str | Path, **env: str) -> subprocess.Popen[bytes]:
        """Begin something on a machine."""
        with (self.place / f"{where}.log").open("ab") as log:
            return subprocess.Popen(
                ["ip", "netns", "exec", self.names[where], *map(str, words)],
                env=self.env | {"NODE_ADDRESS": where} | env, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip

    def run(self, where: str, *words: str) -> str:
        """Do something on a machine; what it printed."""
        done = subprocess.run(
            ["ip", "netns", "exec", self.names[where], *words],
            env=self.env, capture_output=True, text=True, timeout=SEEN_S, check=False,
        )  # fmt: skip
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return done.stdout

    def head(self) -> subprocess.Popen[bytes]:
        """A head, which reads from Redis what the last one knew."""
        return self.start(
            HEAD, *ALONE, "sh", "-c", AGAIN, REPO / "cluster" / "node.sh",
            RAY_REDIS_ADDRESS=f"{HEAD}:6399", REDIS_PASSWORD_FILE=str(self.place / "password"),
        )  # fmt: skip

    def lose(self, where: str, *, but: int) -> None:
        """Kill everything on a machine at once, but for one process."""
        listed = subprocess.run(
            ["ip", "netns", "pids", self.names[where]], capture_output=True, text=True, check=True
        )
        for pid in map(int, listed.stdout.split()):
            if pid != but:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def is_well(self, where: str, address: str) -> bool:
        """What a container's health check says, asked now and then as there."""
        time.sleep(CHECK_S)
        asked = ["ip", "netns", "exec", self.names[where], sys.executable]
        script = REPO / "cluster" / "healthy.py"
        words = [*asked, script, address]
        return subprocess.run(words, capture_output=True, check=False).returncode == 0


@contextmanager
def machines() -> Iterator[Machines]:
    with ExitStack() as stack:
        place = Path(tempfile.mkdtemp(prefix="ff", dir="/tmp"))  # sockets need a short path
        stack.callback(shutil.rmtree, place, ignore_errors=True)
        made = Machines(place)
        for name in made.names.values():
            command("ip", "netns", "add", name)
            stack.callback(command, "ip", "netns", "delete", name)
        head, live = made.names.values()
        command("ip", "link", "add", "cable", "netns", head, "type", "veth",
                "peer", "name", "cable", "netns", live)  # fmt: skip
        for address, name in made.names.items():
            for words in (
                f"addr add {address}/24 dev cable",
                "link set cable up",
                "link set lo up",
            ):
                command("ip", "-n", name, *words.split())
        yield made


def command(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True)


@contextmanager
def ended(process: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    try:
        yield process
    finally:
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(process.pid, number)
                process.wait(30.0)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                continue


def test_live_trading_goes_on_without_its_head_and_a_new_head_finds_it() -> None:
    with machines() as made, ExitStack() as stack:
        redis = made.place / "redis.conf"
        password = (made.place / "password").read_text(encoding="ascii")
        redis.write_text(f"requirepass {password}\nbind {HEAD}\nport 6399\ndir {made.place}\n")
        kept = stack.enter_context(ended(made.start(HEAD, "redis-server", redis)))
        heads = stack.enter_context(ExitStack())  # the last one ends after the deployment
        heads.enter_context(ended(made.head()))
        health = "http://127.0.0.1:8265/api/gcs_healthz"
        until(lambda: made.is_well(HEAD, health), seconds_max=SEEN_S, what="the head")
        node = made.start(
            LIVE, REPO / "cluster" / "node.sh", "live", f"{HEAD}:6379", PROCESSORS="2",
            RAY_gcs_rpc_server_reconnect_timeout_s="3600",
        )  # fmt: skip
        stack.enter_context(ended(node))
        agent = "http://127.0.0.1:52365/api/healthz"
        until(lambda: made.is_well(LIVE, agent), seconds_max=SEEN_S, what="the live node")
        live = ["fanfold", "live"]
        made.run(
            LIVE, *live, "up", str(REPO / "configs" / "live_paper.yaml"), "--json",
            "--address", f"{HEAD}:6379",
            "--set", "live.host.node=live", "--set", "live.page.enabled=false",
        )  # fmt: skip
        stack.callback(made.run, LIVE, *live, "down", "--json")
        folder = Folder(made.place / "home" / "live" / "demo")
        before, epoch = pids(folder), report_of(folder)
        made.lose(HEAD, but=kept.pid)
        began = time.monotonic()
        assert not made.is_well(HEAD, health)
        heard = counted(folder)
        until(lambda: counted(folder) > heard + 20, what="prices without a head")
        assert pids(folder) == before
        heads.enter_context(ended(made.head()))
        until(lambda: made.is_well(HEAD, health), seconds_max=SEEN_S, what="another head")
        sys.stderr.write(f"{time.monotonic() - began:.1f} s without a head\n")
        assert pids(folder) == before
        assert report_of(folder).epoch == epoch.epoch  # type: ignore[union-attr]
        # That it governs again: what dies is started anew by Ray, and armed.
        os.kill(before[RISK], signal.SIGKILL)
        began = time.monotonic()
        until(
            lambda: pids(folder).get(RISK) not in (None, before[RISK]),
            seconds_max=SEEN_S,
            what="risk",
        )
        until(lambda: armed_again(folder, epoch), seconds_max=SEEN_S, what="all armed")
        sys.stderr.write(f"{time.monotonic() - began:.1f} s until all were armed\n")
        assert {**pids(folder), RISK: 0} == {**before, RISK: 0}
        shown: dict[str, Any] = json.loads(made.run(LIVE, *live, "status", "--json"))
        assert shown["status"] == "up"


def pids(folder: Folder) -> dict[str, int]:
    found = {name: entry_of(folder, name) for name in ACTORS}
    return {name: entry.pid for name, entry in found.items() if is_running(entry) and entry}


def counted(folder: Folder) -> int:
    """What signal has heard."""
    statistics = ask(door_of(folder, SIGNAL), "statistics", seconds=5.0)
    return int(statistics["counts"]["envelopes"])


def armed_again(folder: Folder, before: Any) -> bool:
    report = report_of(folder)
    return report is not None and report.armed and report.epoch > before.epoch
