"""The API over a deployment that trades: true figures, and what it is told with all else dead."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest
import requests
from tests.fakes.live_page import Trading, trading
from tests.fakes.served import written

from fanfold.live.keeping import KEEPER
from fanfold.live.messages import COMPONENTS
from fanfold.live.registry import is_held, seen_entry, signal_entry
from fanfold.live.supervision import SUPERVISOR
from fanfold.serving.access import FILE, add_token
from fanfold.serving.noted import noted_page, trouble_of

# What outlives the command outlives this process' interest in it too.
pytestmark = pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")
PATIENCE_S = 60.0


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Generator[Trading]:
    with trading(tmp_path_factory.mktemp("api")) as made:
        yield made


def until(holds: Callable[[], Any]) -> Any:
    limit = time.monotonic() + PATIENCE_S
    while not (found := holds()):
        assert time.monotonic() < limit
        time.sleep(0.05)
    return found


def post(deployment: Trading, path: str, body: dict[str, Any] | None = None) -> requests.Response:
    return deployment.api_line.post(f"{deployment.url}api/v1/{path}", json=body, timeout=90)


def test_figures_are_the_venues(deployment: Trading) -> None:
    deployment.until(lambda state: len(state["fills"]) > 1 and bool(state["positions"]))
    with deployment.frozen() as state:
        activities = deployment.venue("/v2/account/activities/FILL")
        told = {(one["order_id"], float(one["qty"]), float(one["price"])) for one in activities}
        assert len(told) == len(state["fills"])
        assert sorted(one["price"] for one in state["fills"]) == sorted(one[2] for one in told)
        for part in ("positions", "orders", "fills", "components"):
            assert len(deployment.api(part)) == len(state[part]), part
        assert deployment.api("positions") == state["positions"]
        assert deployment.api("fills?limit=1") == state["fills"][:1]
        values = {one["symbol"]: one["value"] for one in state["positions"]}
        held = sum(value for value in values.values())
        money = state["money"]
        assert money["equity"] == pytest.approx(money["cash"] + held, rel=1e-4)
        assert {one["symbol"] for one in state["quotes"]} == set(state["symbols"])
    curve = deployment.api("equity?points=50")
    assert 0 < len(curve["ts"]) <= 50
    assert curve["ts"] == sorted(curve["ts"])
    assert deployment.api("risk")["limits"]["live"]["orders_per_second"] > 0


def test_a_page_that_is_killed_is_back_where_it_was(deployment: Trading) -> None:
    before, page = deployment.api("state"), noted_page(deployment.folder)
    assert page is not None
    os.kill(page.pid, signal.SIGKILL)
    new = until(
        lambda: (found := noted_page(deployment.folder)) and found.pid != page.pid and found
    )
    until(lambda: not trouble_of(new))
    assert new.url == page.url
    after = deployment.api("state")
    assert [(one["name"], one["pid"]) for one in after["components"]] == [
        (one["name"], one["pid"]) for one in before["components"]
    ]
    assert deployment.api("equity?points=4000")["ts"][0] <= before["clock"]


def test_a_kill_works_with_every_component_dead_and_is_taken_back_in_two_steps(
    deployment: Trading,
) -> None:
    deployment.until(lambda state: bool(state["positions"]))
    for name in (KEEPER, SUPERVISOR, *COMPONENTS):
        assert signal_entry(seen_entry(deployment.folder, name), signal.SIGKILL), name
    until(lambda: not any(is_held(deployment.folder, one) for one in (SUPERVISOR, *COMPONENTS)))
    dead = deployment.until(lambda state: state["supervisor"] == "down")
    assert {one["state"] for one in dead["components"] if one["name"] in COMPONENTS} == {"down"}
    assert dead["positions"]

    wrong = post(deployment, "kill", {"code": "00000000", "reason": "a test"})
    assert (wrong.status_code, wrong.json()["detail"][:17]) == (409, "code must be the ")
    assert deployment.held()
    code = post(deployment, "kill/ask").json()["code"]
    killed = post(deployment, "kill", {"code": code, "reason": "a test"})
    assert killed.status_code == 200, killed.text
    assert killed.json()["flat"]
    assert (deployment.held(), deployment.venue("/v2/orders?status=open")) == ({}, [])

    halted = deployment.until(lambda state: state["status"] == "halted")
    (latch,) = halted["latches"]
    assert (latch["name"], latch["reason"], latch["by"]) == ("kill", "a test", "owner")
    asked = post(deployment, "resume/ask").json()
    assert post(deployment, "resume", {"codes": ["00000000"]}).status_code == 409
    resumed = post(deployment, "resume", {"codes": [asked["latches"][0]["code"]]})
    assert (resumed.json()["status"], resumed.json()["reset"]) == ("resumed", ["kill"])
    deployment.until(lambda state: state["latches"] == [])

    done = [(one["who"], one["what"], one["status"]) for one in deployment.api("audit")][:6]
    assert done == [
        ("owner", "POST /api/v1/resume", 200),
        ("owner", "POST /api/v1/resume", 409),
        ("owner", "POST /api/v1/resume/ask", 200),
        ("owner", "POST /api/v1/kill", 200),
        ("owner", "POST /api/v1/kill/ask", 200),
        ("owner", "POST /api/v1/kill", 409),
    ]
    kept = b"".join(
        file.read_bytes() for file in deployment.folder.path.rglob("*") if file.is_file()
    )
    assert deployment.token.encode() not in kept


def test_a_page_in_the_foreground_shows_what_is_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FANFOLD_HOME", str(tmp_path))
    folder = written(tmp_path / "live")
    token = add_token(folder.path / FILE, "phone", "view")
    command = [sys.executable, "-m", "fanfold.cli", "live", "serve", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as served:
        assert served.stdout is not None
        told = json.loads(served.stdout.readline())
        answer = requests.get(
            f"{told['url']}api/v1/state", headers={"Authorization": f"Bearer {token}"}, timeout=60
        )
        served.send_signal(signal.SIGINT)
        assert served.wait(30) == 0
    assert answer.json()["status"] == "down"
    assert answer.json()["positions"] == [
        {"symbol": "AAPL", "units": 2.0, "price": None, "value": None, "share": None}
    ]
