"""What a run's data leaves in doubt: holdings without prices, and assets that went away."""

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.bars import Bars
from fanfold.domain.period import day_text
from fanfold.engine.timeline import delisting_bars

if TYPE_CHECKING:
    import pandas as pd

UNITS_MIN: Final = 1e-6
"""Smaller sums of fills are what rounding leaves of nothing [units]."""


def stale_equity_of(fills: "pd.DataFrame", bars: Bars, sessions_max: int) -> float:
    """Value at the end of what is held in assets absent for too long [currency].

    Args:
        fills: Those of the run.
        bars: The market.
        sessions_max: Longest absence that is nothing to report [sessions].
    """
    last = _last_bars(bars)
    absent = _sessions_absent(bars, last) > sessions_max
    held = _held_at_end(fills, bars)
    marks = bars.close[last, np.arange(bars.asset_count)]
    return float(np.sum(np.where(absent & (held != 0.0), held * np.nan_to_num(marks), 0.0)))


def findings_of(fills: "pd.DataFrame", bars: Bars, sessions_max: int) -> list[str]:
    """Sentences about assets that were traded and then had no bars, or were delisted."""
    last = _last_bars(bars)
    absent, held = _sessions_absent(bars, last), _held_at_end(fills, bars)
    found: list[str] = []
    for place, symbol in enumerate(bars.symbols):
        if held[place] != 0.0 and absent[place] > sessions_max:
            found.append(
                f"{symbol} has had no bar for {absent[place]} sessions, since "
                f"{day_text(int(bars.session_day[last[place]]))}, without a reason; its value is "
                f"counted at the last close"
            )
    gone = [one.endswith("-delisting") for one in fills["order_id"]]
    delisted = fills[np.array(gone, np.bool_)]
    for symbol, price in zip(delisted["symbol"], delisted["price"], strict=True):
        bar = int(delisting_bars(bars)[bars.symbols.index(symbol)])
        found.append(
            f"{symbol} was delisted on {day_text(int(bars.session_day[bar]))}; what was held was "
            f"paid out at {price:g}"
        )
    return found


def _held_at_end(fills: "pd.DataFrame", bars: Bars) -> NDArray[np.float64]:
    """Signed units after all fills and splits; shape [asset]."""
    held = np.zeros(bars.asset_count)
    places = {symbol: place for place, symbol in enumerate(bars.symbols)}
    ts: Any = fills["ts"].dt.as_unit("ns").astype("int64").to_numpy()
    at = np.searchsorted(bars.ts, np.asarray(ts, np.int64))
    signs = np.where(fills["side"] == "buy", 1.0, -1.0)
    for bar, symbol, units in zip(at, fills["symbol"], signs * fills["quantity"], strict=True):
        place = places[symbol]
        later = 1.0
        if bars.splits is not None:
            later = float(np.prod(bars.splits[bar + 1 :, place]))
        held[place] += units * later
    return np.where(np.abs(held) > UNITS_MIN, held, 0.0)


def _last_bars(bars: Bars) -> NDArray[np.int64]:
    """Each asset's last bar with prices; shape [asset]."""
    known = ~np.isnan(bars.close)
    return np.asarray(bars.bar_count - 1 - np.argmax(known[::-1], axis=0), np.int64)


def _sessions_absent(bars: Bars, last: NDArray[np.int64]) -> NDArray[np.int64]:
    """Sessions of the panel after each asset's last bar; shape [asset]."""
    number = np.cumsum(bars.closes_session)
    return np.asarray(number[-1] - number[last], np.int64)
