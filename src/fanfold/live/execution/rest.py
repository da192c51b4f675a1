"""Requests to the broker over lines that are open in advance; nothing here ever waits.

Requests queue by urgency while no line is free: cancels first, then orders, then questions.
What must hold at the very instant of writing (the lease, no latch) is asked by the request's
own guard, right before its first byte.
"""

import contextlib
import heapq
import itertools
import random
import selectors
import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import Final
from urllib.parse import urlsplit

from msgspec import Struct

from fanfold.errors import ConfigError, LiveError
from fanfold.live.component import Outgoing
from fanfold.live.execution.line import Answer, Line, Stage, Target
from fanfold.live.settings import BrokerSettings

QUEUE_MAX: Final = 4_096
"""Requests that may wait for a line."""

REOPEN_S: Final = 0.05
REOPEN_S_MAX: Final = 5.0
"""First and longest pause before a line is opened again [s]."""

PORTS: Final = {"http": 80, "https": 443}
LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})

Done = Callable[[Answer, int], Sequence[Outgoing]]
"""Is handed the answer, and the instant [ns UTC]; gives what is to be told."""

Guard = Callable[[], str]
"""Why a request must not leave now, "" where it may."""


class Urgency(IntEnum):
    """What goes first."""

    CANCEL = 0
    ORDER = 1
    QUESTION = 2
    LOOK = 3


class Errand(Struct, frozen=True, kw_only=True, eq=False):
    """A request and what becomes of its answer.

    Attributes:
        content: The whole request; it holds the keys.
        method: Of HTTP.
        urgency: Cancels go first.
        done: Is handed the answer.
        guard: Asked right before the first byte.
    """

    content: bytes
    method: str
    urgency: Urgency
    done: Done
    guard: Guard | None = None

    def __repr__(self) -> str:
        return f"Errand({self.method}, {self.urgency.name})"


class Lines:
    """All connections to one broker; pollable as one.

    Args:
        base_url: Of the broker.
        settings: How many lines, and their timeouts.
        permit: Takes a place in the rate's budget, told whether it is urgent; False to wait.

    Attributes:
        reconnects: Lines that were lost.
        wrote_at: When a request's bytes last left [monotonic ns].

    Raises:
        ConfigError: Plain HTTP to another machine: keys would be sent in the clear.
    """

    def __init__(
        self, base_url: str, settings: BrokerSettings, permit: Callable[[bool], bool]
    ) -> None:
        parts = urlsplit(base_url)
        self._host = parts.hostname or ""
        if parts.scheme not in PORTS or not self._host:
            raise ConfigError("the broker's address must be one of http or https, was another")
        if parts.scheme == "http" and self._host not in LOOPBACK:
            raise ConfigError(
                f"the broker's address must be https unless it is on this machine, "
                f"was http://{self._host}"
            )
        self._port = parts.port or PORTS[parts.scheme]
        context = ssl.create_default_context() if parts.scheme == "https" else None
        self._is_plain, self._settings, self._permit = context is None, settings, permit
        connect_s, read_s = settings.connect_timeout_s, settings.read_timeout_s
        self._slots = [_Slot(Line(context, connect_s, read_s)) for _ in range(settings.connections)]
        self._selector = selectors.DefaultSelector()
        self._descriptor = _descriptor_of(self._selector)
        self._queue: list[tuple[int, int, float, Errand]] = []
        self._order = itertools.count()
        self._names = _Names(self._host, self._port, self._is_plain)
        self.reconnects = 0
        self.wrote_at = 0

    def __repr__(self) -> str:
        return f"Lines({len(self._slots)} to {self._host})"

    def warm(self) -> None:
        """Open all lines, waiting no longer than a connection may take; for the start."""
        until = time.monotonic() + self._settings.connect_timeout_s
        while time.monotonic() < until and self.open_count < len(self._slots):
            self._keep_open()
            time.sleep(0.001)

    @property
    def open_count(self) -> int:
        """Lines that are open."""
        return sum(slot.line.stage in {Stage.IDLE, Stage.BUSY} for slot in self._slots)

    @property
    def waiting(self) -> int:
        """Requests that have not left."""
        return len(self._queue)

    @property
    def busy(self) -> int:
        """Requests that have left and are not answered."""
        return sum(slot.errand is not None for slot in self._slots)

    def send(self, errand: Errand) -> bool:
        """Write a request now, or let it wait; False where too many wait already."""
        if len(self._queue) >= QUEUE_MAX:
            return False
        until = time.monotonic() + self._settings.read_timeout_s
        heapq.heappush(self._queue, (errand.urgency, next(self._order), until, errand))
        return True

    def pump(self, now: int) -> list[Outgoing]:
        """Write what can be written; call it after `send`."""
        told: list[Outgoing] = []
        while self._queue:
            if (slot := self._free()) is None:
                break
            entry = heapq.heappop(self._queue)
            errand = entry[-1]
            if reason := errand.guard() if errand.guard is not None else "":
                told += errand.done(Answer(trouble=reason, sent=False), now)
                continue
            if not self._permit(errand.urgency != Urgency.ORDER):
                heapq.heappush(self._queue, entry)
                break
            slot.errand = errand
            if (answer := slot.line.send(errand.content, errand.method)) is None:
                self.wrote_at = time.monotonic_ns()
                self._watch(slot)
                continue
            slot.errand = None
            self._reopen_later(slot)
            if answer.sent:
                told += errand.done(answer, now)
            else:  # it surely has not left: another line may take it
                heapq.heappush(self._queue, entry)
        return told

    def fileno(self) -> int:
        """One descriptor for all lines."""
        return self._descriptor

    def ready(self, now: int) -> list[Outgoing]:
        """Read what has come on any line, and write what waits."""
        told: list[Outgoing] = []
        for key, _ in self._selector.select(0):
            told += self._turn(key.data, now)
        return told + self.pump(now)

    def tick(self, now: int) -> list[Outgoing]:
        """Time-outs, lines to be opened again, requests that waited too long."""
        told: list[Outgoing] = []
        for slot in self._slots:
            if slot.errand is None:
                continue
            # What came while this process stood still counts before its lateness does.
            if (answer := slot.line.receive() or slot.line.late()) is not None:
                told += self._finish(slot, answer, now)
        self._keep_open()
        told += self._give_up(now)
        return told + self.pump(now)

    def close(self) -> None:
        """Let go of everything; nobody is told."""
        for slot in self._slots:
            self._forget(slot)
            slot.line.close()
        self._queue.clear()
        self._selector.close()

    def _free(self) -> "_Slot | None":
        for slot in self._slots:
            if slot.line.stage is not Stage.IDLE:
                continue
            if slot.line.is_usable():
                return slot
            self._lose(slot)
            self._reopen(slot)  # closed while idle: no reason to wait
        return None

    def _turn(self, slot: "_Slot", now: int) -> list[Outgoing]:
        if slot.line.stage in {Stage.CONNECTING, Stage.GREETING}:
            self._advance(slot)
        elif slot.line.stage is Stage.IDLE:
            if not slot.line.is_usable():
                self._lose(slot)
                self._reopen(slot)
        elif slot.line.stage is Stage.BUSY:
            if (answer := slot.line.receive()) is not None:
                return self._finish(slot, answer, now)
            self._watch(slot)
        return []

    def _finish(self, slot: "_Slot", answer: Answer, now: int) -> list[Outgoing]:
        errand, slot.errand = slot.errand, None
        if slot.line.stage is Stage.CLOSED:
            self._forget(slot)
            self._reopen(slot)
        else:
            self._watch(slot)
        return list(errand.done(answer, now)) if errand is not None else []

    def _give_up(self, now: int) -> list[Outgoing]:
        clock = time.monotonic()
        old = [entry for entry in self._queue if entry[2] < clock]
        if not old:
            return []
        self._queue = [entry for entry in self._queue if entry[2] >= clock]
        heapq.heapify(self._queue)
        told: list[Outgoing] = []
        for *_, errand in sorted(old, key=lambda entry: entry[:2]):
            told += errand.done(Answer(trouble="no line was free in time", sent=False), now)
        return told

    def _keep_open(self) -> None:
        clock = time.monotonic()
        for slot in self._slots:
            if slot.line.stage is Stage.CLOSED and clock >= slot.again_at:
                self._reopen(slot)
            elif slot.line.stage in {Stage.CONNECTING, Stage.GREETING}:
                self._advance(slot)

    def _reopen(self, slot: "_Slot") -> None:
        if (target := self._names.target()) is None:
            slot.again_at = time.monotonic() + REOPEN_S
            return
        try:
            slot.line.open(target)
        except OSError:
            self._reopen_later(slot)
            return
        self._watch(slot)
        self._advance(slot)

    def _advance(self, slot: "_Slot") -> None:
        try:
            slot.line.advance()
        except OSError:
            self._names.missed()
            self._reopen_later(slot)
            return
        if slot.line.stage is Stage.IDLE:
            slot.pause_s = REOPEN_S
        self._watch(slot)

    def _lose(self, slot: "_Slot") -> None:
        self.reconnects += 1
        self._forget(slot)
        slot.line.close()

    def _reopen_later(self, slot: "_Slot") -> None:
        self._lose(slot)
        slot.again_at = time.monotonic() + slot.pause_s * random.uniform(0.5, 1.0)  # noqa: S311
        slot.pause_s = min(2 * slot.pause_s, REOPEN_S_MAX)

    def _watch(self, slot: "_Slot") -> None:
        held = slot.line.socket
        events = selectors.EVENT_READ
        if slot.line.is_writing:
            events |= selectors.EVENT_WRITE
        if held is slot.watched and events == slot.events:
            return
        self._forget(slot)
        if held is not None:
            self._selector.register(held, events, slot)
            slot.watched, slot.events = held, events

    def _forget(self, slot: "_Slot") -> None:
        if slot.watched is not None:
            with contextlib.suppress(KeyError, ValueError, OSError):
                self._selector.unregister(slot.watched)
            slot.watched = None


def _descriptor_of(selector: selectors.BaseSelector) -> int:
    """Epoll and kqueue have a descriptor of their own, which can be waited for like a socket."""
    fileno: Callable[[], int] | None = getattr(selector, "fileno", None)
    if fileno is None:
        raise LiveError("live trading needs epoll or kqueue, this system has neither")
    return fileno()


class _Slot:
    """A line, what it does, and when it is opened again."""

    __slots__ = ("again_at", "errand", "events", "line", "pause_s", "watched")

    def __init__(self, line: Line) -> None:
        self.line = line
        self.errand: Errand | None = None
        self.again_at, self.pause_s = 0.0, REOPEN_S
        self.watched: socket.socket | None = None
        self.events = 0


class _Names:
    """Addresses of the host, looked up on a thread of their own: that can take seconds."""

    def __init__(self, host: str, port: int, is_plain: bool) -> None:  # noqa: FBT001
        self._host, self._port, self._is_plain = host, port, is_plain
        self._found: list[Target] = []
        self._place = 0
        self._looking: threading.Thread | None = None

    def target(self) -> Target | None:
        """Where to connect to, None while nothing is known."""
        if not self._found:
            self._look()
            return None
        return self._found[self._place % len(self._found)]

    def missed(self) -> None:
        """The last one did not answer: the next, and look up again once all were tried."""
        self._place += 1
        if self._found and self._place % len(self._found) == 0:
            self._look()

    def _look(self) -> None:
        if self._looking is not None and self._looking.is_alive():
            return
        self._looking = threading.Thread(target=self._ask, name="names", daemon=True)
        self._looking.start()

    def _ask(self) -> None:
        with contextlib.suppress(OSError):
            rows = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
            name = "" if self._is_plain else self._host
            self._found = [Target(row[0], row[4], name) for row in rows]
