"""One who looks for all who listen, and events to each of them.

However many pages are open, the deployment is looked at once a second, on a thread of its
own: what does not answer there delays no request. Every listener gets the newest state and
never an old one; who does not take it in time is let go.
"""

import asyncio
import contextlib
import logging
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from fanfold.errors import FanfoldError, LiveError
from fanfold.serving.limiting import Limits
from fanfold.serving.state import State

HEARTBEAT: Final = b": alive\n\n"
"""What keeps a silent stream known to be open: a comment."""

RETRY_MS: Final = 2_000
"""What a browser is told to wait before it connects again [ms]."""

_log = logging.getLogger(__name__)


class Poller:
    """Looks at the deployment, and tells who waits.

    Args:
        look: Reads the state; called from a thread, never twice at once.
        limits: How often.
    """

    def __init__(self, look: Callable[[], State], limits: Limits) -> None:
        self._look = look
        self._limits = limits
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="look")
        self._one = asyncio.Lock()
        self._news = asyncio.Event()
        self._wanted = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._state: State | None = None
        self._trouble: FanfoldError | None = None
        self._began_s = float("-inf")
        self.listeners: Counter[str] = Counter()
        self.is_closed = False

    def begin(self) -> None:
        """Look from now on; needs a running loop, and does nothing the second time."""
        if self._task is None and not self.is_closed:
            self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Look no more, and end every stream."""
        self.is_closed = True
        self._tell()
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def newest(self, age_s_max: float | None = None) -> State:
        """The newest state, not older than so many seconds.

        Raises:
            FanfoldError: The deployment cannot be looked at.
        """
        self.begin()
        oldest = time.monotonic() - (self._limits.poll_s if age_s_max is None else age_s_max)
        if self._began_s < oldest:
            await self._read(oldest)
        if self._trouble is not None or self._state is None:
            raise self._trouble or LiveError("the app must run to be asked, it is being closed")
        return self._state

    def hurry(self) -> None:
        """Look at once: something was done."""
        self._wanted.set()

    async def next(self, seen: State | None) -> State | None:
        """The next state that is another than the one seen; None after a silence."""
        self.begin()
        if not self.is_closed and (self._state is None or self._state is seen):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), self._limits.heartbeat_s)
        return None if self._state is seen else self._state

    async def _run(self) -> None:
        while not self.is_closed:
            began, hurries = time.monotonic(), self._wanted.is_set()
            self._wanted.clear()
            # Somebody who asked may just have looked: then this look is the next one.
            await self._read(began if hurries else began - self._limits.poll_s / 2.0)
            pause = self._limits.poll_s if self.listeners.total() else self._limits.idle_s
            with contextlib.suppress(TimeoutError):
                left = max(pause - (time.monotonic() - began), 0.0)
                await asyncio.wait_for(self._wanted.wait(), left)

    async def _read(self, oldest: float) -> None:
        async with self._one:
            if self._began_s >= oldest or self.is_closed:  # somebody else has looked meanwhile
                return
            began = time.monotonic()
            try:
                found = await asyncio.get_running_loop().run_in_executor(self._pool, self._look)
            except FanfoldError as error:
                self._trouble, self._began_s = error, began
                return
            except Exception as error:
                _log.exception("the deployment could not be looked at")
                text = f"the deployment must be readable, was not: {type(error).__name__}"
                self._trouble, self._began_s = LiveError(text), began
                return
            self._state, self._trouble, self._began_s = found, None, began
            self._tell()

    def _tell(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()


class EventStream(Response):
    """An answer that goes on: each new state as an event, until somebody leaves.

    Args:
        poller: Whose states.
        name: Of the token that listens.
        may: Whether it still may; asked before each event.
        limits: Its times.
    """

    def __init__(self, poller: Poller, name: str, may: Callable[[], bool], limits: Limits) -> None:
        super().__init__(media_type="text/event-stream", headers={"x-accel-buffering": "no"})
        del self.headers["content-length"]  # nobody knows yet
        self._poller = poller
        self._name = name
        self._may = may
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Speak ASGI."""
        self._poller.listeners[self._name] += 1
        self._poller.hurry()
        leaves = asyncio.create_task(_left(receive))
        speaks = asyncio.create_task(self._speak(send))
        try:
            await asyncio.wait({leaves, speaks}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._poller.listeners[self._name] -= 1
            for task in (leaves, speaks):
                task.cancel()
            ends = await asyncio.gather(leaves, speaks, return_exceptions=True)
        for end in ends:
            if isinstance(end, Exception) and not isinstance(end, TimeoutError | OSError):
                raise end

    async def _speak(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        await self._send(send, b"retry: %d\n\n" % RETRY_MS)
        seen: State | None = None
        while True:
            state = await self._poller.next(seen)
            if self._poller.is_closed or not self._may():
                break
            await self._send(send, HEARTBEAT if state is None else event(state))
            seen = state or seen
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _send(self, send: Send, content: bytes) -> None:
        """Say something; TimeoutError where it is not taken in time."""
        part = {"type": "http.response.body", "body": content, "more_body": True}
        await asyncio.wait_for(send(part), self._limits.slow_s)


def event(state: State) -> bytes:
    """A state as an event: one line of JSON."""
    return b"event: state\ndata: " + state.model_dump_json().encode() + b"\n\n"


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
