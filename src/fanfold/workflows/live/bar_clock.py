"""Bars counted by the calendar: how many have ended between two instants, and when one ends."""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import Final

from fanfold.errors import DataError
from fanfold.live.plan import Session

SECOND_NS: Final = 10**9
DAY_S: Final = 86_400
"""Bars of this length are sessions [s]."""


class BarClock:
    """Ends of bars, as a calendar's sessions have them.

    A session's bars begin with it, and its last one ends as it does, however short. Bars of a
    day are the sessions themselves.

    Args:
        sessions: In their order.
        bar_seconds: Length of a bar [s].

    Raises:
        DataError: There is no session.
    """

    def __init__(self, sessions: Sequence[Session], bar_seconds: int) -> None:
        if not sessions:
            raise DataError("bars are counted by sessions, there are none")
        self._opens = [one.open_ts for one in sessions]
        self._closes = [one.close_ts for one in sessions]
        self._bar_ns = bar_seconds * SECOND_NS if bar_seconds < DAY_S else 0
        self._counts = [
            1 if not self._bar_ns else -(-(one.close_ts - one.open_ts) // self._bar_ns)
            for one in sessions
        ]
        self._before = [0, *accumulate(self._counts)]

    def bars_between(self, start: int, end: int) -> int:
        """Bars that ended after one instant, up to and with another [ns UTC]."""
        return self._ended(end) - self._ended(start)

    def end_after(self, start: int, bars: int) -> int:
        """When the last of so many bars after an instant ends [ns UTC].

        Beyond the known sessions it is the last that is known.
        """
        number = min(self._ended(start) + bars, self._before[-1])
        place = min(bisect_right(self._before, number - 1) - 1, len(self._closes) - 1)
        within = number - self._before[place]
        if not self._bar_ns or within >= self._counts[place]:
            return self._closes[place]
        return self._opens[place] + within * self._bar_ns

    def _ended(self, ts: int) -> int:
        """Bars that have ended since the first session's open."""
        place = bisect_right(self._opens, ts) - 1
        if place < 0:
            return 0
        if ts >= self._closes[place]:
            return self._before[place + 1]
        within = (ts - self._opens[place]) // self._bar_ns if self._bar_ns else 0
        return self._before[place] + within
