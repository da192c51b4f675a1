"""What every tape offers: its ticks window by window, and what was known at an instant."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from fanfold.venue.market.history.past import Action, Minutes
from fanfold.venue.market.tapes.order import Strand


class Tape(Protocol):
    """Quotes, trades, bars and books of some assets over a period.

    What a window holds follows from the tape and the window's bounds alone, so windows can be
    asked for in any order, and those of equal bounds are equal.
    """

    @property
    def calendars(self) -> dict[str, str]:
        """The calendar of each symbol."""
        ...

    @property
    def spans(self) -> dict[str, tuple[int, int]]:
        """First and last instant of each calendar's ticks [ns UTC]."""
        ...

    def window(self, low: int, high: int, symbol: str | None = None) -> list[Strand]:
        """Ticks of [low, high), of one symbol or of all.

        Args:
            low: From when on, a whole minute [ns UTC].
            high: Until before when, a whole minute [ns UTC].
            symbol: Whose; None for all.
        """
        ...

    def minutes(self, symbol: str, low: int, high: int) -> Minutes:
        """An asset's minute bars that begin in [low, high), as late trades left them."""
        ...

    def day_bar(self, symbol: str, low: int, high: int) -> Minutes:
        """An asset's "d" bar of the date that is [low, high), as it is streamed last.

        One bar, or none.
        """
        ...

    def next_ts(self, ts: int) -> int | None:
        """No tick lies at or after `ts` and before this instant [ns UTC]; None if none comes."""
        ...

    def latest(self, ts: int) -> list[Strand]:
        """Ticks before an instant, among them each asset's last of every kind."""
        ...

    def days(self, symbol: str) -> NDArray[np.int64]:
        """Sessions with data of an asset [days since 1970-01-01], sorted; shape [day]."""
        ...

    def close_before(self, symbol: str, day: int) -> tuple[int, float] | None:
        """The last session before a day in which an asset traded, and its last price.

        None if there was none, or none in a stated number of sessions before.
        """
        ...

    def actions(self, symbol: str) -> Sequence[Action]:
        """Splits and dividends of an asset, by ex-day."""
        ...
