"""The same prices for every engine: one file, read in each engine's own environment."""

from dataclasses import astuple, dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

NANOSECONDS_PER_MINUTE = 60 * 10**9
MINUTES_PER_YEAR = 525_600
SESSIONS_PER_YEAR = 252
YEARLY_VOLATILITY = 0.2
YEARLY_DRIFT = 0.08


@dataclass(frozen=True)
class Prices:
    """Bars of one asset, each array of shape [bar], or of several, of shape [bar, asset].

    Attributes:
        ts: Session date of a daily bar, end of a minute bar [ns UTC].
    """

    ts: NDArray[np.int64]
    open: NDArray[np.float64]
    high: NDArray[np.float64]
    low: NDArray[np.float64]
    close: NDArray[np.float64]
    volume: NDArray[np.float64]

    @property
    def are_daily(self) -> bool:
        """Whether a bar is a session."""
        return bool(self.ts[1] - self.ts[0] > 60 * NANOSECONDS_PER_MINUTE)

    @property
    def periods_per_year(self) -> float:
        """Bars of one year, for engines that annualise by the bar."""
        return SESSIONS_PER_YEAR if self.are_daily else MINUTES_PER_YEAR

    def write(self, file: Path) -> Path:
        """Store as a NumPy archive."""
        np.savez(file, **dict(zip((f.name for f in fields(self)), astuple(self), strict=True)))
        return file


def read_prices(file: str) -> Prices:
    """Prices as they were written."""
    with np.load(file) as stored:
        return Prices(**{name: stored[name] for name in stored.files})


def daily_walk(session_count: int, seed: int, gap: float = 0.25) -> Prices:
    """A random walk over the first sessions of the New York calendar since 2000.

    Args:
        session_count: Bars.
        seed: An equal one gives equal prices.
        gap: Deviation from a close to the next open [daily deviations].
    """
    import exchange_calendars

    sessions = exchange_calendars.get_calendar("XNYS", start="2000-01-01").sessions
    return _walk(sessions[:session_count].as_unit("ns").asi8, SESSIONS_PER_YEAR, seed, gap)


def daily_panel(session_count: int, seed: int, asset_count: int) -> Prices:
    """As many such walks side by side; the first is the one of the seed alone."""
    walks = [daily_walk(session_count, seed + place) for place in range(asset_count)]
    columns = list(zip(*(astuple(walk)[1:] for walk in walks), strict=True))
    return Prices(walks[0].ts, *(np.column_stack(column) for column in columns))


def minute_walk(bar_count: int, seed: int) -> Prices:
    """A random walk of minute bars, round the clock since 2020."""
    start = np.datetime64("2020-01-01", "ns").astype(np.int64)
    ts = start + np.arange(1, bar_count + 1) * NANOSECONDS_PER_MINUTE
    return _walk(ts, MINUTES_PER_YEAR, seed)


def real_goog() -> Prices:
    """GOOG of the packaged sample, daily."""
    import fanfold as ff

    bars = ff.load_bars("sample", symbols=["GOOG"])
    ts = bars.session_day.astype("datetime64[D]").astype("datetime64[ns]").astype(np.int64)
    return Prices(ts, *(np.ascontiguousarray(field[:, 0]) for field in bars.panel))


def _walk(ts: NDArray[np.int64], per_year: float, seed: int, gap_share: float = 0.25) -> Prices:
    # Prices are not rounded: two averages of whole cents can be equal, and which is
    # then above hangs on the order in which an engine added them up.
    draw = np.random.default_rng(seed)
    count, volatility = len(ts), YEARLY_VOLATILITY / per_year**0.5
    close = 100 * np.exp(np.cumsum(draw.normal(YEARLY_DRIFT / per_year, volatility, count)))
    gap = np.exp(draw.normal(0.0, volatility * gap_share, count))
    opened = np.concatenate([[100.0], close[:-1]]) * gap
    reach = np.abs(draw.normal(0.0, volatility / 2, (2, count)))
    return Prices(
        ts=ts,
        open=opened,
        high=np.maximum(opened, close) * (1 + reach[0]),
        low=np.minimum(opened, close) * (1 - reach[1]),
        close=close,
        volume=draw.integers(10_000, 1_000_000, count).astype(float),
    )
