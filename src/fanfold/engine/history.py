"""What limits and sizings look back at, learned bar by bar.

The same numbers as the facts of a backtest over the same bars: sums are added up in the
same order.
"""

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.sessions import ROUND_THE_CLOCK
from fanfold.engine.facts import WINDOW
from fanfold.engine.spec import Terms
from fanfold.engine.step.approve import SCRATCH_ROWS
from fanfold.engine.step.state import (
    AVERAGE_VOLUME,
    CLOSES_OWN,
    DAILY_VOLUME,
    DIVIDEND,
    FACT_ROWS,
    FORWARD,
    JUMP,
    SCALE,
    VOLATILITY,
)
from fanfold.engine.universe import Moment, Rows
from fanfold.risk.collar import RECENT, unconfirmed_jump
from fanfold.strategies.indicators.stream import Stream
from fanfold.strategies.sizing import scale_indicator

_SESSIONS_COUNTED: Final = 2
"""The sessions at the very beginning whose bars say how many make up a year."""

_DAY: Final = 0
_BEGUN: Final = 1
_BARS: Final = 2
_MOST: Final = 3
_COUNTED: Final = 4

_jump_of: Final = unconfirmed_jump.function

_WANTED: Final = 2
"""Place of a volatility scale's wanted deviation in its state."""


class History:
    """Facts of all assets at the newest bar, and returns of past sessions.

    Attributes:
        now: Rows of `fanfold.engine.step.state`; shape [row, asset].
        scratch: Working rows of the limits, then returns of sessions; shape [row, asset].
        reads_facts: Whether terms look at facts at all.
    """

    def __init__(self, terms: Terms, asset_count: int, calendar: str) -> None:
        """Begin before the first bar."""
        self.now: NDArray[np.float64] = np.ones((FACT_ROWS, asset_count))
        self.now[[DIVIDEND, VOLATILITY, AVERAGE_VOLUME, CLOSES_OWN]] = 0.0
        self.now[[SCALE, DAILY_VOLUME, JUMP]] = math.nan
        self._terms = terms
        self._per_year = 365 if calendar == ROUND_THE_CLOCK else 252
        limits = terms.limits
        self._averages = limits.max_volume_share is not None
        self._adds_days = limits.max_daily_volume_share is not None
        self._outlier = limits.outlier
        self._confirm = limits.confirm
        self._bounds = self._averages or self._adds_days or self._outlier is not None
        self.reads_facts = self._bounds or terms.scales
        window = limits.var_window if limits.max_var is not None else 0
        self._window = window
        self.scratch: NDArray[np.float64] = np.zeros((SCRATCH_ROWS + 2 * window, asset_count))
        self._sums: NDArray[np.float64] = np.zeros((asset_count, WINDOW + 1))
        self._volumes: NDArray[np.float64] = np.zeros(asset_count)
        self._total: NDArray[np.float64] = np.zeros(asset_count)
        self._day_sums: NDArray[np.float64] = np.zeros((asset_count, WINDOW + 1))
        self._days: NDArray[np.float64] = np.zeros(asset_count)
        self._beliefs: NDArray[np.float64] = np.zeros((asset_count, RECENT + limits.confirm_of))
        self._closes: NDArray[np.float64] = np.full((2, asset_count), math.nan)
        self._counts: NDArray[np.int64] = np.zeros(_COUNTED, np.int64)
        scale = scale_indicator(terms.sizing, float(self._per_year))
        self._scales = [] if scale is None else [Stream(scale) for _ in range(asset_count)]

    @property
    def states(self) -> list[NDArray[Any]]:
        """All that is remembered, in one order, to be changed in place."""
        own = [self.now, self.scratch, self._sums, self._volumes, self._closes, self._counts]
        own += [self._total, self._day_sums, self._days, self._beliefs]
        return [*own, *(scale.state for scale in self._scales)]

    def take(self, moment: Moment, rows: Rows, forward: Any) -> None:
        """Learn of a bar, whose session may be another than that of the bar before."""
        if self._scales:
            self._count_bars(moment.session_day)
        for asset, open_, high, low, close, volume in rows:
            ratio = 1.0 if forward is None else forward[asset]
            if close != close or volume == 0.0:  # noqa: PLR0124  (true for NaN)
                continue
            self._closes[1, asset] = close * ratio
            if self._bounds:
                self._learn(asset, close * ratio, volume / ratio)
            if self._scales:
                prices = open_ * ratio, high * ratio, low * ratio, close * ratio
                (self.now[SCALE, asset],) = self._scales[asset].push(*prices, volume)
        if self._bounds:
            self._show_volumes(moment)

    def _learn(self, asset: int, close: float, volume: float) -> None:
        """Take a close and a volume for the limits that look back."""
        if self._averages and volume > 0.0:
            self._average(asset, volume)
        if self._adds_days and volume > 0.0:
            self._total[asset] += volume
        if self._outlier is not None:
            belief = self._beliefs[asset]
            self.now[JUMP, asset] = _jump_of(belief, close, self._outlier, self._confirm)

    def _show_volumes(self, moment: Moment) -> None:
        if self._averages:
            latest = self._sums[:, WINDOW] - self._sums[:, 0]
            counts = np.clip(self._volumes, 1.0, WINDOW)
            self.now[AVERAGE_VOLUME] = latest / counts * self.now[FORWARD]
        if self._adds_days:
            if moment.closes_session:
                self._add_day()
            self._show_days()

    def note_close(self, asset: int, close: float) -> None:
        """Learn of an asset's last close alone, of a quote without volume."""
        self._closes[1, asset] = close

    def _average(self, asset: int, volume: float) -> None:
        """Keep the running sum before each of the last volumes, and after the last."""
        sums = self._sums[asset]
        total = sums[WINDOW] + volume
        sums[:WINDOW] = sums[1:]
        sums[WINDOW] = total
        self._volumes[asset] += 1.0

    def _add_day(self) -> None:
        """Keep the running sum of volumes after a session, where it was traded in."""
        sums = self._day_sums
        traded = self._total > sums[:, WINDOW]
        sums[traded, :WINDOW] = sums[traded, 1:]
        sums[traded, WINDOW] = self._total[traded]
        self._days[traded] += 1.0

    def _show_days(self) -> None:
        latest = self._day_sums[:, WINDOW] - self._day_sums[:, 0]
        average = latest / np.clip(self._days, 1.0, WINDOW) * self.now[FORWARD]
        self.now[DAILY_VOLUME] = np.where(self._days > 0.0, average, math.nan)

    def _count_bars(self, session_day: int) -> None:
        """Find out from the first sessions how many bars make up a year."""
        counts = self._counts
        if counts[_BEGUN] > _SESSIONS_COUNTED:
            return
        if counts[_BEGUN] == 0 or session_day != counts[_DAY]:
            counts[_BEGUN] += 1
            counts[_DAY] = session_day
            counts[_BARS] = 0
            if counts[_BEGUN] > _SESSIONS_COUNTED:
                return
        counts[_BARS] += 1
        counts[_MOST] = max(counts[_MOST], counts[_BARS])
        scale = scale_indicator(self._terms.sizing, float(self._per_year * int(counts[_MOST])))
        if scale is not None:
            for stream in self._scales:
                stream.state[_WANTED] = scale.start()[_WANTED]

    def close_session(self, sessions: int) -> int:
        """Note the returns of a session that has closed; sessions that are forgotten by it.

        Args:
            sessions: Those closed, this one included.
        """
        if self._adds_days:
            self._add_day()
        if self._window == 0:
            return 0
        forgotten = 0
        rows = self.scratch[SCRATCH_ROWS:]
        if sessions > len(rows):
            forgotten = sessions - 1 - self._window
            rows[: self._window] = rows[forgotten : sessions - 1].copy()
        rows[sessions - forgotten - 1] = self._closes[1] / self._closes[0] - 1.0
        self._closes[0] = self._closes[1]
        return forgotten

    def split(self, asset: int, ratio: float) -> None:
        """A unit of an asset has become `ratio` units."""
        self.now[FORWARD, asset] *= ratio

    def show_streams(self) -> None:
        """Let streams go on with the values that were put back beside their states."""
        for asset, scale in enumerate(self._scales):
            scale.latest[0] = self.now[SCALE, asset]
