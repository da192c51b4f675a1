"""The loop that drives a component: it waits, hands over what came, sends what comes back.

One thread, one poller, nothing asynchronous: a wake-up costs microseconds. What is asked
from outside goes first, whatever waits in the inbox. What a component sends is never
dropped: where a receiver takes nothing for `BACKLOG_S` the component is disarmed and a latch
says so, and what waits is kept.
"""

import time
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol, runtime_checkable

import msgspec
import zmq

from fanfold.errors import LiveError
from fanfold.live import control as requests
from fanfold.live.component import TICK_S, Component, Outgoing, Statistics
from fanfold.live.control import Control
from fanfold.live.folder import Folder
from fanfold.live.halts import KILL, Latch, Watch, latches, set_latch
from fanfold.live.messages import UNREADABLE, Envelope, Value, decode, encode
from fanfold.live.statistics import Latency
from fanfold.live.wires import Inbox, Outlet

BATCH: Final = 64
"""Envelopes that are taken before connections and time are looked at again."""

TURN_NS: Final = 10_000_000
"""How long envelopes are taken before that, however large they are [ns]."""

BACKLOG_S: Final = 0.5
"""How long a receiver may take nothing before the component is disarmed [s]."""

BACKLOG_ENVELOPES: Final = 10_000
"""Envelopes that are kept for such a receiver; one more ends the process."""

BACKLOG: Final = "backlog"
"""The latch of a receiver that takes nothing."""

_NS: Final = 1_000_000_000


@runtime_checkable
class Inspectable(Protocol):
    """A component that shows its state to people."""

    def inspect(self) -> dict[str, Any]:
        """What it holds, as plain values."""
        ...


@runtime_checkable
class InParts(Protocol):
    """A component that has something to send before it is done with an envelope."""

    @property
    def is_unfinished(self) -> bool:
        """Whether anything of the last envelope is left to do."""
        ...

    def begin(self, envelope: Envelope, raw: bytes, now: int) -> Sequence[Outgoing]:
        """An envelope, as far as the first that is to be sent."""
        ...

    def go_on(self) -> Sequence[Outgoing]:
        """Further, as far as the next that is to be sent."""
        ...


class Loop:
    """A component and its sockets.

    Args:
        component: What is driven; HALTED until it is armed.
        inbox: Where envelopes come from.
        outlets: Where they go, by receiver.
        control: Requests from outside.
        folder: Of the deployment, for its latches.
        incarnation: Of this process.
    """

    def __init__(
        self,
        component: Component,
        inbox: Inbox,
        outlets: Mapping[str, Outlet],
        control: Control,
        *,
        folder: Folder,
        incarnation: int,
    ) -> None:
        self._component = component
        self._in_parts = component if isinstance(component, InParts) else None
        self._inbox = inbox
        self._control = control
        self._folder = folder
        self._latches = Watch(folder)
        self._outbound = {
            name: Outbound(outlet, component.name, incarnation) for name, outlet in outlets.items()
        }
        self._seen: dict[tuple[str, int], int] = {}
        self._counts = {"envelopes": 0, "malformed": 0, "gaps": 0, "lost": 0, "unaddressed": 0}
        self._hop = Latency()
        self._armed = False
        self._stopped = False
        self._polled: dict[int, Any] = {}
        self._poller = zmq.Poller()
        self.woken_at = time.monotonic()

    def run(self) -> None:
        """Go on until it is told to stop.

        Raises:
            Exception: Whatever the component raised: it is to be started anew.
        """
        self._poller.register(self._inbox.socket, zmq.POLLIN)
        self._poller.register(self._control, zmq.POLLIN)
        next_tick = 0
        while not self._stopped:
            ready = self._wait(next_tick)
            self.woken_at = time.monotonic()
            self._look_at_latches()
            if self._control:
                self._control.serve(self._answer)
                continue
            for source in self._pollables_ready(ready):
                self._send(source.ready(time.time_ns()))
            now = self._take_some()
            if now >= next_tick:
                self._send(self._component.tick(now))
                next_tick = now + int(TICK_S * _NS)
            self._flush(now)

    def statistics(self) -> Statistics:
        """The component's, with what the loop has counted; from any thread."""
        own = self._component.statistics()
        hop = {"hop": self._hop.summary()} if self._hop.count else {}
        waiting = sum(len(one.waiting) for one in self._outbound.values())
        return msgspec.structs.replace(
            own,
            counts={**own.counts, **self._counts},
            gauges={**own.gauges, "backlog": waiting},
            latency={**own.latency, **hop},
        )

    @property
    def state(self) -> str:
        """Whether it is "armed", "halted" or "stopped"."""
        return "stopped" if self._stopped else "armed" if self._armed else "halted"

    def disarm(self, reason: str) -> None:
        """Act no more; from the loop's own thread."""
        self._armed = False
        self._send(self._component.disarm(reason, time.time_ns()))

    def _wait(self, next_tick: int) -> dict[Any, int]:
        self._watch(self._component.pollables())
        left_ms = -(-(next_tick - time.time_ns()) // 1_000_000)
        return dict(self._poller.poll(min(max(left_ms, 0), int(TICK_S * 1_000))))

    def _watch(self, pollables: Sequence[Any]) -> None:
        """Wait for these connections; they come and go."""
        wanted = {source.fileno(): source for source in pollables}
        if wanted.keys() == self._polled.keys():
            self._polled = wanted
            return
        for gone in self._polled.keys() - wanted.keys():
            self._poller.unregister(gone)
        for new in wanted.keys() - self._polled.keys():
            self._poller.register(new, zmq.POLLIN)
        self._polled = wanted

    def _pollables_ready(self, ready: dict[Any, int]) -> list[Any]:
        return [self._polled[place] for place in ready if place in self._polled]

    def _take_some(self) -> int:
        """Hand over what has come: a batch at most, and no more once somebody asks for us.

        Returns:
            The instant after it [ns UTC].
        """
        now = time.time_ns()
        until = now + TURN_NS
        for _ in range(BATCH):
            raw = self._inbox.take()
            if raw is None:
                break
            self._hand_over(raw, now)
            now = time.time_ns()
            if now > until or self._control:
                break
        return now

    def _hand_over(self, raw: bytes, now: int) -> None:
        try:
            envelope = decode(raw)
        except UNREADABLE:
            self._counts["malformed"] += 1
            return
        self._counts["envelopes"] += 1
        self._hop.record(now - envelope.sent_at)
        self._look_for_gap(envelope)
        if self._in_parts is None:
            outgoing = self._component.take(envelope, raw, now)
        else:
            outgoing = self._in_parts.begin(envelope, raw, now)
            while self._in_parts.is_unfinished:
                self._send(outgoing)
                outgoing = self._in_parts.go_on()
        if outgoing:
            self._send(outgoing)

    def _look_for_gap(self, envelope: Envelope) -> None:
        sender = (envelope.sender, envelope.incarnation)
        last = self._seen.get(sender)
        if last is None:
            for old in [known for known in self._seen if known[0] == sender[0]]:
                del self._seen[old]
        elif envelope.number != last + 1:
            self._counts["gaps"] += 1
            self._counts["lost"] += max(envelope.number - last - 1, 0)
        self._seen[sender] = envelope.number

    def _send(self, outgoing: Sequence[Outgoing]) -> None:
        if not outgoing:
            return
        by_receiver: dict[str, list[Value]] = {}
        for receiver, value in outgoing:
            by_receiver.setdefault(receiver, []).append(value)
        now = time.time_ns()
        for receiver, values in by_receiver.items():
            outbound = self._outbound.get(receiver)
            if outbound is None:
                self._counts["unaddressed"] += len(values)
            else:
                outbound.send(tuple(values), now)

    def _flush(self, now: int) -> None:
        for receiver, outbound in self._outbound.items():
            if not outbound.waiting or outbound.flush():
                continue
            held_s = (now - outbound.since) / _NS
            if held_s > BACKLOG_S and self._armed:
                reason = f"{receiver} took nothing of {self._component.name} for {held_s:.1f} s"
                self._latch(BACKLOG, reason)
                self.disarm(reason)

    def _look_at_latches(self) -> None:
        if self._armed and KILL in self._latches.names():
            reasons = [latch.reason for latch in latches(self._folder) if latch.name == KILL]
            self.disarm(f"{KILL}: {reasons[0] if reasons else 'its folder cannot be read'}")

    def _latch(self, name: str, reason: str) -> None:
        latch = Latch(name=name, reason=reason, by=self._component.name, at=time.time_ns())
        set_latch(self._folder, latch)

    def _answer(self, what: str, argument: Any) -> Any:
        match what:
            case requests.ARM:
                return self._arm(int(argument))
            case requests.DISARM:
                self.disarm(str(argument))
            case requests.INSPECT:
                return self._inspected()
            case _:
                self.disarm("stopped")
                self._stopped = True
        return self.state

    def _arm(self, epoch: int) -> str:
        if KILL in self._latches.names():
            return self.state
        self._armed = True
        self._send(self._component.arm(epoch, time.time_ns()))
        return self.state

    def _inspected(self) -> dict[str, Any]:
        shown = self._component.inspect() if isinstance(self._component, Inspectable) else {}
        return {"statistics": msgspec.to_builtins(self.statistics()), "state": shown}


class Outbound:
    """An outlet with its numbers, and what waits for room in it."""

    __slots__ = ("_incarnation", "_number", "_outlet", "_sender", "since", "waiting")

    def __init__(self, outlet: Outlet, sender: str, incarnation: int) -> None:
        self._outlet = outlet
        self._sender = sender
        self._incarnation = incarnation
        self._number = 0
        self.waiting: deque[bytes] = deque()
        self.since = 0

    def send(self, values: tuple[Value, ...], now: int) -> None:
        """Send an envelope, or keep it until there is room.

        Raises:
            LiveError: Too many wait already.
        """
        self._number += 1
        raw = encode(Envelope(self._sender, self._incarnation, self._number, now, values))
        if not self.waiting and self._outlet.send(raw):
            return
        if len(self.waiting) >= BACKLOG_ENVELOPES:
            raise LiveError(f"a receiver must take what is sent, {len(self.waiting):,} wait")
        if not self.waiting:
            self.since = now
        self.waiting.append(raw)

    def flush(self) -> bool:
        """Send what waits; whether nothing does any more."""
        while self.waiting and self._outlet.send(self.waiting[0]):
            self.waiting.popleft()
        return not self.waiting
