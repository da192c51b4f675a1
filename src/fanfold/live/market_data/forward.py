"""What goes to the receivers: the same bytes to all that keep up.

An envelope's values are written once; in front of them goes a head with the receiver's own
number, which is everybody's as long as all take everything. For one that is full, what is
newest of each asset's quotes and books replaces what is older, and all else waits in its
order, up to a bound. So a gap in numbers is a loss on the way, and nothing else.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from fanfold.live.messages import MARKET_DATA, Depth, Quote, Trade, Value, encode

VALUES_MAX: Final = 1_000
"""Values in an envelope at most."""

ENVELOPES_AT_ONCE: Final = 64
"""Envelopes that a receiver which is free again is sent at once."""

_HEAD: Final = b"\x95" + encode(MARKET_DATA)
"""An array of five, and the sender: how msgpack writes `messages.Envelope`."""

_log = logging.getLogger(__name__)


class Sender(Protocol):
    """One receiver's outlet."""

    def send(self, raw: bytes) -> bool:
        """Hand over an envelope; whether there was room for it."""
        ...


class _Receiver:
    __slots__ = ("conflated", "lost", "name", "number", "outlet", "serial", "trades", "waiting")

    def __init__(self, name: str, outlet: Sender) -> None:
        self.name = name
        self.outlet = outlet
        self.number = 0
        self.serial = 0
        self.conflated = 0
        self.lost = 0
        self.trades = 0
        self.waiting: dict[tuple[int, int], Value] = {}


_QUOTE, _DEPTH, _OTHER, _TRADE = range(4)


class Forward:
    """Receivers of market data.

    Args:
        outlets: By name.
        incarnation: Of this process.
        pending_max: Values other than quotes and books that wait for each receiver at most.

    Attributes:
        is_broken: Whether something was lost that is no trade: only a new beginning mends it.
    """

    def __init__(self, outlets: Mapping[str, Sender], incarnation: int, pending_max: int) -> None:
        self._receivers = [_Receiver(name, outlet) for name, outlet in outlets.items()]
        self._head = _HEAD + encode(incarnation)
        self._pending_max = pending_max
        self.is_broken = False

    @property
    def waiting(self) -> int:
        """Values that wait for a receiver, of the one for which most do."""
        return max((len(one.waiting) for one in self._receivers), default=0)

    @property
    def conflated(self) -> int:
        """Values that newer ones replaced, of all receivers."""
        return sum(one.conflated for one in self._receivers)

    @property
    def lost(self) -> int:
        """Values that had no room, of all receivers."""
        return sum(one.lost for one in self._receivers)

    @property
    def sent(self) -> int:
        """Envelopes that were taken, of the receiver that took most."""
        return max((one.number for one in self._receivers), default=0)

    def send(self, values: Sequence[Value], now: int) -> None:
        """Send values to all, or let them wait; `now` is ours [ns UTC]."""
        for first in range(0, len(values), VALUES_MAX):
            some = values[first : first + VALUES_MAX] if len(values) > VALUES_MAX else values
            self._send(some, now)

    def flush(self, now: int) -> None:
        """Send what waits, as far as it is taken."""
        for one in self._receivers:
            for _ in range(ENVELOPES_AT_ONCE):
                if not one.waiting or not self._flush_some(one, now):
                    break

    def _send(self, values: Sequence[Value], now: int) -> None:
        body = encode(values)
        number, raw = -1, b""
        for one in self._receivers:
            if one.waiting:
                self._wait(one, values)
                self._flush_some(one, now)
                continue
            if one.number != number:
                number = one.number
                raw = self._head + encode(number + 1) + encode(now) + body
            if one.outlet.send(raw):
                one.number += 1
            else:
                self._wait(one, values)

    def _flush_some(self, one: _Receiver, now: int) -> bool:
        keys = [key for key, _ in zip(one.waiting, range(VALUES_MAX), strict=False)]
        body = encode([one.waiting[key] for key in keys])
        head = self._head + encode(one.number + 1) + encode(now)
        if not one.outlet.send(head + body):
            return False
        one.number += 1
        for key in keys:
            if key[0] == _TRADE:
                one.trades -= 1
            del one.waiting[key]
        return True

    def _wait(self, one: _Receiver, values: Sequence[Value]) -> None:
        for value in values:
            if isinstance(value, Quote | Depth):
                key = (_QUOTE if isinstance(value, Quote) else _DEPTH), value.asset
                if one.waiting.pop(key, None) is not None:
                    one.conflated += 1
            elif self._has_room(one):
                is_trade = isinstance(value, Trade)
                key = (_TRADE if is_trade else _OTHER), one.serial
                one.serial += 1
                one.trades += is_trade
            else:
                continue
            one.waiting[key] = value

    def _has_room(self, one: _Receiver) -> bool:
        """Whether one more value may wait; the oldest trade goes before anything else does."""
        if len(one.waiting) < self._pending_max:
            return True
        one.lost += 1
        if one.lost & (one.lost - 1) == 0:  # at each doubling: a flood must not fill the disk
            _log.error("%s takes nothing, values lost: %d", one.name, one.lost)
        if one.trades:
            del one.waiting[next(key for key in one.waiting if key[0] == _TRADE)]
            one.trades -= 1
            return True
        self.is_broken = True
        return False
