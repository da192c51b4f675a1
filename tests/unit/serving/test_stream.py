"""Server-sent events, and who looks for all who listen."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator

import httpx
import pytest
from starlette.types import Message
from tests.fakes.served import halted, token_of

from fanfold.errors import LiveError
from fanfold.live.folder import Folder
from fanfold.serving.access import FILE, revoke_token
from fanfold.serving.limiting import Limits
from fanfold.serving.state import State
from fanfold.serving.stream import HEARTBEAT, EventStream, Poller
from fanfold.workflows.live.desk import DeploymentDesk

QUICK = Limits(poll_s=0.02, idle_s=0.02, heartbeat_s=0.1, slow_s=0.05)


def events(answer: httpx.Response) -> Iterator[dict[str, object]]:
    """Each event; the stream is left when nobody holds them any more."""
    return (
        json.loads(line.removeprefix("data: "))
        for line in answer.iter_lines()
        if line.startswith("data: ")
    )


def test_a_listener_hears_at_once_and_then_of_what_changes(
    client_for: Callable[[Limits], httpx.Client], folder: Folder
) -> None:
    client = client_for(QUICK)
    desk = token_of(folder, "desk", "trade")
    with client.stream("GET", "/api/v1/stream", headers=desk) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        found = events(answer)
        assert next(found)["status"] == "down"
        halted(folder)
        assert next(one for one in found if one["status"] == "halted")["latches"] == [
            {"name": "max_drawdown", "reason": "equity fell", "by": "risk", "at": 7}
        ]


def test_a_stream_ends_when_its_token_is_revoked(
    client_for: Callable[[Limits], httpx.Client], folder: Folder
) -> None:
    client = client_for(QUICK)
    phone = token_of(folder, "phone", "view")
    with client.stream("GET", "/api/v1/stream", headers=phone) as answer:
        found = events(answer)
        next(found)
        revoke_token(folder.path / FILE, "phone")
        assert len(list(found)) < 1_000  # it ends


def test_streams_are_bounded_and_let_go(
    client_for: Callable[[Limits], httpx.Client], folder: Folder
) -> None:
    client = client_for(Limits(listeners=2, listeners_per_token=1, reads_per_minute=10**6))
    tokens = [token_of(folder, name, "view") for name in ("a", "b", "c")]
    with client.stream("GET", "/api/v1/stream", headers=tokens[0]) as first:
        heard = events(first)
        next(heard)
        with client.stream("GET", "/api/v1/stream", headers=tokens[1]) as second:
            heard_too = events(second)
            next(heard_too)
            for token in (tokens[0], tokens[2]):
                refused = client.get("/api/v1/stream", headers=token)
                assert (refused.status_code, refused.headers["retry-after"]) == (429, "5")
            del heard, heard_too
    again = 429
    while again == 429:  # until the server has seen that they left
        with client.stream("GET", "/api/v1/stream", headers=tokens[2]) as answer:
            again = answer.status_code
    assert again == 200


class Looked:
    """A look that counts, and can be made to wait or to fail."""

    def __init__(self, state: State) -> None:
        self.state, self.count = state, 0
        self.may = threading.Event()
        self.may.set()
        self.error: Exception | None = None

    def __call__(self) -> State:
        self.may.wait(30.0)
        self.count += 1
        if self.error is not None:
            raise self.error
        return self.state.model_copy(update={"at": self.count})


@pytest.fixture
def looked(folder: Folder) -> Looked:
    return Looked(DeploymentDesk(folder).state())


def test_however_many_ask_at_once_one_looks(looked: Looked) -> None:
    async def run() -> None:
        poller = Poller(looked, Limits(idle_s=60.0))
        found = await asyncio.gather(*(poller.newest(30.0) for _ in range(50)))
        assert {one.at for one in found} == {1}
        await poller.close()

    asyncio.run(run())
    assert looked.count == 1


def test_a_look_that_takes_long_delays_nothing_else(looked: Looked) -> None:
    async def run() -> None:
        poller = Poller(looked, Limits())
        looked.may.clear()
        asks = asyncio.create_task(poller.newest())
        await asyncio.sleep(0.05)
        assert not asks.done()
        looked.may.set()
        assert (await asks).at == 1
        await poller.close()

    asyncio.run(run())


def test_a_look_that_fails_is_told_and_the_next_one_is_well(looked: Looked) -> None:
    async def run() -> None:
        poller = Poller(looked, Limits(idle_s=60.0))
        for error in (LiveError("it must be there"), ValueError("odd")):
            looked.error = error
            with pytest.raises(LiveError, match="must be"):
                await poller.newest(0.0)
        looked.error = None
        assert (await poller.newest(0.0)).deployment == "demo"
        await poller.close()

    asyncio.run(run())


def test_a_listener_that_takes_nothing_is_let_go(looked: Looked) -> None:
    sent: list[Message] = []

    async def run() -> None:
        poller = Poller(looked, QUICK)

        async def send(message: Message) -> None:
            sent.append(message)
            if len(sent) > 2:
                await asyncio.Event().wait()

        async def receive() -> Message:
            await asyncio.Event().wait()
            raise AssertionError

        await EventStream(poller, "desk", lambda: True, QUICK)({}, receive, send)
        assert poller.listeners.total() == 0
        await poller.close()

    asyncio.run(run())
    assert len(sent) == 3


def test_a_silent_stream_is_kept_open_and_ends_with_the_app(looked: Looked) -> None:
    sent: list[bytes] = []

    async def run() -> None:
        poller = Poller(looked, Limits(poll_s=60.0, idle_s=60.0, heartbeat_s=0.02))

        async def send(message: Message) -> None:
            sent.append(message.get("body", b""))
            if sent.count(HEARTBEAT) == 2:
                await poller.close()

        async def receive() -> Message:
            await asyncio.Event().wait()
            raise AssertionError

        await EventStream(poller, "desk", lambda: True, Limits())({}, receive, send)

    asyncio.run(run())
    assert sent.count(HEARTBEAT) == 2
    assert sent[-1] == b""
