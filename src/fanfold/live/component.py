"""What a component is: a plain class that takes values and gives values back.

A component never sees a socket. `fanfold.live.loop` reads envelopes, hands their values
over one after the other, sends what comes back, and calls `tick` between them; the same
class is driven by a test with a list of values.
"""

from collections.abc import Sequence
from typing import Final, Protocol

from msgspec import Struct

from fanfold.live.messages import Envelope, Value

Outgoing = tuple[str, Value]
"""Receiver's name and what it is to be told."""

TICK_S: Final = 0.05
"""Longest time between two ticks [s]."""

Statistic = int | float | str | bool | None


class Statistics(Struct, frozen=True, kw_only=True):
    """A component at one instant; frozen, so that whoever asks can keep it.

    Attributes:
        component: Its name.
        incarnation: Rises with each start.
        state: "halted" until it is armed, "armed", or "stopped".
        at: When [ns UTC].
        counts: Since the start: messages by kind, orders by state, reconnects …
        gauges: Values of now: queue depth, equity, ages …
        latency: Of each stage: count, p50, p99, p999 and max [ns].
    """

    component: str
    incarnation: int
    state: str
    at: int
    counts: dict[str, int]
    gauges: dict[str, Statistic]
    latency: dict[str, dict[str, int]]


class Pollable(Protocol):
    """A source of bytes beside the inbox: a connection to the broker."""

    def fileno(self) -> int:
        """What to wait for."""
        ...

    def ready(self, now: int) -> Sequence[Outgoing]:
        """There is something to read."""
        ...


class Component(Protocol):
    """Signal, Risk or Execution, as `fanfold.live.loop` drives them.

    Instants are handed in, so a component asks no clock of its own: `now` is the system's
    [ns UTC]. Every method is called from the loop's thread, but `statistics`.
    """

    name: str

    def arm(self, epoch: int, now: int) -> Sequence[Outgoing]:
        """Begin to act: until then everything is taken in and nothing is asked or sent."""
        ...

    def disarm(self, reason: str, now: int) -> Sequence[Outgoing]:
        """Act no more, but go on taking in."""
        ...

    def take(self, envelope: Envelope, raw: bytes, now: int) -> Sequence[Outgoing]:
        """An envelope; `raw` are its bytes, for a tape."""
        ...

    def tick(self, now: int) -> Sequence[Outgoing]:
        """What is due by time; called at least every `TICK_S`."""
        ...

    def pollables(self) -> Sequence[Pollable]:
        """Connections to wait for beside the inbox; asked again before each wait."""
        ...

    def statistics(self) -> Statistics:
        """A snapshot; called from another thread."""
        ...

    def close(self) -> None:
        """Write down what must last, and let go of everything."""
        ...
