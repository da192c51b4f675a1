"""Order books of coins: levels in order of their prices, changed one by one.

A side is a list of (price, size) sorted by price, so its best levels are a slice. A change
sets a price's size, and size 0 takes it out: repeating one changes nothing. A change that is
older than the book, or one that leaves the best bid at or above the best ask, shows that
something was missed: from then on the book is told to nobody until its next whole.
"""

from bisect import bisect_left
from collections.abc import Sequence
from typing import Final

from fanfold.alpaca.wire.messages import Level

DEPTH_LEVELS: Final = 10
"""Levels of each side that are told."""

LEVELS_MAX: Final = 20_000
"""Levels of each side that a book holds; a longer one is damage."""

Levels = tuple[tuple[float, float], ...]
"""(price, size), the best first."""


class Book:
    """The order book of one asset.

    Attributes:
        ts: Of its last change [ns UTC].
        is_sound: Whether it is whole, as far as can be known.
    """

    __slots__ = ("_asks", "_bids", "is_sound", "ts")

    def __init__(self) -> None:
        self._bids: list[tuple[float, float]] = []
        self._asks: list[tuple[float, float]] = []
        self.ts = 0
        self.is_sound = False

    def apply(
        self, ts: int, bids: Sequence[Level], asks: Sequence[Level], *, is_whole: bool
    ) -> bool:
        """Take a change, or the whole of the book; whether it can be believed after it."""
        if is_whole:
            self._bids.clear()
            self._asks.clear()
            self.is_sound = True
        elif ts < self.ts:
            self.is_sound = False
        if not self.is_sound:
            return False
        self.ts = ts
        is_sound = _changed(self._bids, bids) and _changed(self._asks, asks)
        if self._bids and self._asks and self._bids[-1][0] >= self._asks[0][0]:
            is_sound = False
        self.is_sound = is_sound
        return is_sound

    def forget(self) -> None:
        """What is known is not to be believed until the next whole."""
        self._bids.clear()
        self._asks.clear()
        self.ts = 0
        self.is_sound = False

    @property
    def bids(self) -> Levels:
        """The best bids."""
        return tuple(self._bids[: -DEPTH_LEVELS - 1 : -1])

    @property
    def asks(self) -> Levels:
        """The best asks."""
        return tuple(self._asks[:DEPTH_LEVELS])


def _changed(side: list[tuple[float, float]], levels: Sequence[Level]) -> bool:
    """Change a side; whether all levels were prices and sizes."""
    for level in levels:
        price, size = level.price, level.size
        if not (0.0 < price < 1e15 and 0.0 <= size < 1e18):  # also refuses NaN  # noqa: PLR2004
            return False
        at = bisect_left(side, (price,))
        if at < len(side) and side[at][0] == price:
            if size:
                side[at] = (price, size)
            else:
                del side[at]
        elif size:
            side.insert(at, (price, size))
    return len(side) <= LEVELS_MAX
