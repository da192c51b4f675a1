"""A deployment on Ray: shown and kept up by an application of Serve, whatever of it dies."""

import http.client
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
from urllib.parse import urlsplit

import grpc
import pytest

from fanfold.distributed.live_head import Cluster, cluster_of, has_members
from fanfold.live.folder import Folder
from fanfold.live.host import venue_keys_file
from fanfold.live.messages import COMPONENTS, RECORDER
from fanfold.live.plan import read_plan
from fanfold.live.registry import entry_of, is_running
from fanfold.live.supervision import SUPERVISOR
from fanfold.serving.noted import noted_page
from fanfold.workflows.live.status import status_of

REPO = Path(__file__).parents[2]
CONFIG = REPO / "configs" / "live_paper.yaml"
NAMES = (*COMPONENTS, RECORDER, SUPERVISOR)
SEEN_S = 120.0
LISTENS = "0A"
"""State of a socket that listens, see proc_pid_net(5)."""


@dataclass
class Served:
    """`fanfold live` on a head of its own, with a home of its own."""

    home: Path

    @property
    def folder(self) -> Folder:
        return Folder(self.home / "live" / "demo")

    @property
    def cluster(self) -> Cluster:
        found = cluster_of(self.folder)
        assert found is not None
        assert found.head is not None
        return found

    def run(self, *arguments: str) -> dict[str, Any]:
        asked = [sys.executable, "-m", "fanfold.cli", "live", *arguments, "--json"]
        ran = subprocess.run(asked, capture_output=True, text=True, timeout=300, check=False)
        assert ran.returncode == 0, (ran.stdout, ran.stderr)
        return json.loads(ran.stdout.splitlines()[-1])

    def up(self) -> dict[str, Any]:
        return self.run("up", str(CONFIG))

    def until(self, holds: Callable[[], bool]) -> None:
        limit = time.monotonic() + SEEN_S
        while not holds():
            assert time.monotonic() < limit, status_of(self.folder)
            time.sleep(0.1)

    def pids(self) -> dict[str, int]:
        entries = {name: entry_of(self.folder, name) for name in NAMES}
        return {name: 0 if one is None else one.pid for name, one in entries.items()}

    def page_pid(self) -> int:
        page = noted_page(self.folder)
        return 0 if page is None else page.pid

    def get(self, url: str, path: str) -> tuple[int, dict[str, Any]]:
        """What the page answers to whoever came by the address that `up` showed."""
        where = urlsplit(url)
        line = http.client.HTTPConnection(where.hostname or "", where.port, timeout=5.0)
        token = where.fragment.removeprefix("token=")
        try:
            line.request("GET", path, headers={"Authorization": f"Bearer {token}"})
            answer = line.getresponse()
            return answer.status, json.loads(answer.read())
        except (OSError, http.client.HTTPException, ValueError):
            return 0, {}
        finally:
            line.close()


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Served]:
    # What the sample is converted to, and what was compiled, is kept: making it takes long.
    kept = Path(os.environ["FANFOLD_HOME"])
    for each in kept.iterdir() if kept.is_dir() else ():
        if each.name != "live":
            (tmp_path / each.name).symlink_to(each)
    monkeypatch.setenv("FANFOLD_HOME", str(tmp_path))
    monkeypatch.chdir(REPO)
    made = Served(tmp_path)
    yield made
    if made.folder.plan.is_file():
        made.run("down")


def listening(pid: int) -> set[tuple[bool, int]]:
    """Ports on which a process listens, and whether on the loopback address alone."""
    links = [str(each.readlink()) for each in Path(f"/proc/{pid}/fd").iterdir()]
    sockets = {each[len("socket:[") : -1] for each in links if each.startswith("socket:[")}
    found: set[tuple[bool, int]] = set()
    for table in ("tcp", "tcp6"):
        for row in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            _, local, _, state, *rest = row.split()
            address, _, port = local.partition(":")
            if state == LISTENS and rest[5] in sockets:
                found.add((address.endswith("0100007F"), int(port, 16)))
    return found


def refusal(port: int) -> grpc.StatusCode:
    """What a port of Serve's says to a call without the cluster's token."""
    with grpc.insecure_channel(f"127.0.0.1:{port}") as opened:
        channel: Any = opened
        call = channel.unary_unary("/ray.serve.ASGIService/HandleRequest")
        with pytest.raises(grpc.RpcError) as refused:
            call(b"", timeout=10.0)
    code: grpc.StatusCode = refused.value.code()  # pyright: ignore[reportAttributeAccessIssue]
    return code


@pytest.mark.cluster
def test_a_deployment_on_ray_is_shown_and_outlives_whatever_shows_it(served: Served) -> None:
    up = served.up()
    assert (up["status"], up["page"]) == ("up", "up")
    url = up["url"]
    assert is_shown(served, url)
    asks_for_a_token(served)
    outlives_its_replica(served, url)
    starts_anew_what_dies(served)
    leaves_nothing(served)


@pytest.mark.soak
@pytest.mark.cluster
def test_a_deployment_comes_back_after_its_head_where_it_was(served: Served) -> None:
    url = served.up()["url"]
    served.until(lambda: bool(status_of(served.folder)["positions"]))
    comes_back_after_its_head(served, url)
    leaves_nothing(served)


def is_shown(served: Served, url: str) -> bool:
    """Through Serve's proxy, to whoever has the token, with prices that move."""
    status, state = served.get(url, "/api/v1/state")
    assert status == 200
    assert (state["deployment"], state["status"]) == ("demo", "up")
    assert {one["name"]: one["pid"] for one in state["components"]} == {
        name: pid for name, pid in served.pids().items() if name != SUPERVISOR
    }
    assert served.get(url.partition("#")[0], "/api/v1/state")[0] == 401
    quotes = state["quotes"]
    served.until(lambda: served.get(url, "/api/v1/state")[1].get("quotes", quotes) != quotes)
    assert served.run("status")["url"] == url.partition("#")[0]
    return True


def asks_for_a_token(served: Served) -> None:
    """What Serve opens beyond the loopback address lets nobody in who has no token."""
    ports = listening(served.page_pid())
    outside = {port for is_loopback, port in ports if not is_loopback}
    assert len(ports) > len(outside)
    for port in outside:
        assert refusal(port) is grpc.StatusCode.UNAUTHENTICATED
    host, _, port = served.cluster.address.rpartition(":")
    assert (host, {is_loopback for is_loopback, _ in head_ports(served)}) == ("127.0.0.1", {True})
    assert int(port) in {one for _, one in head_ports(served)}


def head_ports(served: Served) -> set[tuple[bool, int]]:
    return listening(pid_of(served, "gcs_server")) | listening(pid_of(served, "raylet"))


def pid_of(served: Served, program: str) -> int:
    """The number of one of the head's own processes."""
    head = served.cluster.head
    assert head is not None
    for each in Path("/proc").glob("[0-9]*/cmdline"):
        pid = int(each.parent.name)
        try:
            words = each.read_bytes().split(b"\0")
            if words[0].endswith(program.encode()) and os.getsid(pid) == head.pid:
                return pid
        except (OSError, ProcessLookupError):
            continue  # it has ended
    raise AssertionError(program)


def outlives_its_replica(served: Served, url: str) -> None:
    before, page = served.pids(), served.page_pid()
    os.kill(page, signal.SIGKILL)
    served.until(lambda: served.page_pid() != page and served.get(url, "/healthz")[0] == 200)
    assert served.pids() == before
    assert served.get(url, "/api/v1/state")[1]["status"] == "up"


def starts_anew_what_dies(served: Served) -> None:
    """Ray does: a component HALTED and with what it knew, a supervisor who finds the others."""
    before = served.pids()
    for name in ("signal", SUPERVISOR):
        epoch = status_of(served.folder)["epoch"]
        os.kill(before[name], signal.SIGKILL)
        served.until(lambda epoch=epoch: is_up_since(served, epoch))
        after = served.pids()
        assert {one for one in NAMES if after[one] != before[one]} == {name}
        before = after
    lines = (served.folder.logs / "signal.jsonl").read_text().splitlines()
    opened = [one for one in map(json.loads, lines) if one["text"] == "signal is open"]
    assert [one["incarnation"] for one in opened] == [1, 2]


def is_up_since(served: Served, epoch: int) -> bool:
    found = status_of(served.folder)
    return bool(found["status"] == "up" and found["epoch"] > epoch)


def venue_positions(served: Served) -> dict[str, float]:
    """What the account holds, as the venue has it."""
    key, secret = json.loads(venue_keys_file(served.folder).read_bytes())
    where = urlsplit(read_plan(served.folder).addresses.rest_url)
    line = http.client.HTTPConnection(where.hostname or "", where.port, timeout=10.0)
    keys = {"APCA-API-KEY-ID": key, "APCA-API-SECRET-KEY": secret}
    line.request("GET", "/v2/positions", headers=keys)
    rows = json.loads(line.getresponse().read())
    line.close()
    return {one["symbol"]: float(one["qty"]) for one in rows}


def comes_back_after_its_head(served: Served, url: str) -> None:
    """A dead head takes all with it; the same command goes on where they were, at its place."""
    os.kill(pid_of(served, "gcs_server"), signal.SIGKILL)
    served.until(lambda: not any(is_running(entry_of(served.folder, name)) for name in NAMES))
    stopped = status_of(served.folder)
    assert stopped["status"] == "down"
    again = served.up()
    assert (again["status"], again["page"]) == ("up", "up")
    assert again["epoch"] > stopped["epoch"]
    served.until(lambda: status_of(served.folder)["positions"] == venue_positions(served))
    # The page is where it was; its former address is good no more, since each `up` gives a new one.
    assert again["url"].partition("#")[0] == url.partition("#")[0]
    assert served.get(url, "/api/v1/state")[0] == 401
    assert served.get(again["url"], "/api/v1/state")[0] == 200


def leaves_nothing(served: Served) -> None:
    head = served.cluster.head
    assert head is not None
    down = served.run("down")
    assert set(down["components"].values()) == {"stopped"}
    assert (down["page"], down["venue"]) == ("stopped", "stopped")
    for name in (*NAMES, "venue"):
        assert not is_running(entry_of(served.folder, name)), name
    assert not has_members(head.pid)
    assert served.run("status")["page"] == "none"
