"""The last bars of a run fed from outside, as the step reads them.

The step looks at a bar and at the one before. So its arrays are short, and when they are
full the last bars move to the front, with every bar's number in the state.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.panel import CLOSE, FIELDS, VOLUME
from fanfold.domain.record import view
from fanfold.engine.step.state import (
    BENCHMARK_RETURN,
    CLOCK_ROWS,
    CLOSES_SESSION,
    FACT_ROWS,
    IS_MONTH_END,
    MINUTES_TO_CLOSE,
    NIGHTS,
    PULSE_ROWS,
    SESSION_DAY,
    SESSIONS_CLOSED,
    TS,
)
from fanfold.engine.universe import Moment, Rows

BARS: Final = 64
"""Bars that a window holds before it slides [bars]."""


class Window:
    """Bars by their numbers within the window.

    Attributes:
        count: Bars in it; the number of the next one.
        sessions: Sessions that have closed so far.
    """

    def __init__(self, asset_count: int, value_count: int, lag: int, bars: int = BARS) -> None:
        """Make room.

        Args:
            asset_count: Assets.
            value_count: Feature values of an asset.
            lag: Bars by which orders are delayed; the window slides by multiples of it.
            bars: Bars that it holds beside those of the lag.
        """
        self.capacity = bars + lag
        self.count = 0
        self.sessions = 0
        self._lag = max(lag, 1)
        shape = self.capacity, asset_count
        self.panel = np.full((len(FIELDS), *shape), np.nan)
        self.seen = np.full((len(FIELDS), *shape), np.nan)
        self.marks = np.full(shape, np.nan)
        self.facts = np.ones((FACT_ROWS, *shape))
        self.bank = np.full((value_count, *shape), np.nan)
        self.clock: NDArray[np.int64] = np.zeros((CLOCK_ROWS, self.capacity), np.int64)
        self.pulse = np.full((PULSE_ROWS, self.capacity), np.nan)
        self.views: tuple[Any, ...] = tuple(map(view, self.arrays()))

    def arrays(self) -> tuple[NDArray[Any], ...]:
        """Arguments of the step from `panel` to `pulse`, without the columns."""
        prices = self.panel, self.seen, self.marks, self.facts
        return *prices, self.bank, self.clock, self.pulse

    def room(self, bars: int = 1) -> tuple[int, int]:
        """Make room for further bars, of which the last is to be written.

        Returns:
            Its number, and by how much the numbers of all bars before have become smaller.
        """
        t = self.count + bars - 1
        shift = 0
        if t >= self.capacity:
            shift = self.first_kept(t)
            self._slide(shift)
            t -= shift
        self.count = t + 1
        return t, shift

    def slide(self) -> int:
        """Move the last bars to the front; by how much all numbers have become smaller."""
        shift = self.first_kept(self.count)
        self._slide(shift)
        self.count -= shift
        return shift

    def first_kept(self, t: int) -> int:
        """First of the bars that the step at bar t may look at, by multiples of the lag."""
        return max(t - 1, 0) // self._lag * self._lag

    def _slide(self, shift: int) -> None:
        kept = self.count - shift
        if kept <= 0:
            return
        for array in (self.panel, self.seen, self.facts, self.bank):
            array[:, :kept] = array[:, shift : self.count].copy()
        self.marks[:kept] = self.marks[shift : self.count].copy()
        for array in (self.clock, self.pulse):
            array[:, :kept] = array[:, shift : self.count].copy()

    def write(self, t: int, moment: Moment, rows: Rows, facts: Any, forward: Any) -> None:
        """Write bar t.

        Args:
            t: From `room`.
            moment: Its end.
            rows: Bars of assets.
            facts: Facts of all assets at its end, None where none are read; [row, asset].
            forward: What a unit of each asset has become by splits; None for nothing.
        """
        self.panel[:, t] = np.nan
        self.seen[:, t] = np.nan
        self.marks[t] = np.nan
        panel, seen, marks, _, _, clock, pulse = self.views
        for asset, *prices in rows:
            ratio = 1.0 if forward is None else forward[asset]
            for field, price in enumerate(prices):
                panel[field, t, asset] = price
                seen[field, t, asset] = price * ratio if field != VOLUME else price / ratio
            if prices[VOLUME] != 0.0:
                marks[t, asset] = prices[CLOSE]
        if facts is not None:
            self.facts[:, t] = facts
        self.sessions += moment.closes_session
        clock[TS, t] = moment.ts
        clock[SESSION_DAY, t] = moment.session_day
        clock[IS_MONTH_END, t] = moment.is_month_end
        clock[CLOSES_SESSION, t] = moment.closes_session
        clock[SESSIONS_CLOSED, t] = self.sessions
        clock[NIGHTS, t] = moment.nights
        pulse[MINUTES_TO_CLOSE, t] = moment.minutes_to_close
        pulse[BENCHMARK_RETURN, t] = 0.0 if moment.closes_session else np.nan

    def ends_unclosed(self, session_day: int) -> bool:
        """Whether the last bar is of another session that no bar has closed."""
        if self.count == 0:
            return False
        last = self.clock[:, self.count - 1]
        return bool(last[SESSION_DAY] != session_day and last[CLOSES_SESSION] == 0)

    def close_last(self) -> None:
        """The last bar was its session's last, which only the next session shows."""
        self.sessions += 1
        self.clock[CLOSES_SESSION, self.count - 1] = 1
        self.clock[SESSIONS_CLOSED, self.count - 1] = self.sessions

    def forget_sessions(self, sessions: int) -> None:
        """Count sessions from a later one on."""
        self.sessions -= sessions
        self.clock[SESSIONS_CLOSED] -= sessions

    def kept(self) -> tuple[int, list[bytes]]:
        """What the next bar may look at: the number of its first bar, and its bytes."""
        first = self.first_kept(self.count)
        return first, [
            np.ascontiguousarray(array[:, first : self.count]).tobytes() for array in self._by_bar()
        ]

    def fits(self, parts: list[bytes], count: int) -> bool:
        """Whether `kept` gave these parts, of so many bars, for the same assets and features."""
        sizes = [array[:, :1].nbytes * count for array in self._by_bar()]
        return 0 <= count < self.capacity and [len(part) for part in parts] == sizes

    def put_back(self, parts: list[bytes], count: int) -> None:
        """Take over what `kept` gave, as the first bars."""
        for array, part in zip(self._by_bar(), parts, strict=True):
            shape = array.shape[0], count, *array.shape[2:]
            array[:, :count] = np.frombuffer(part, array.dtype).reshape(shape)
        self.count = count

    def _by_bar(self) -> tuple[NDArray[Any], ...]:
        """All arrays with the bar on their second axis."""
        prices = self.panel, self.seen, self.marks[np.newaxis], self.facts
        return *prices, self.bank, self.clock, self.pulse
