"""Small markets for the venue: shares of an exchange beside a coin, and how they are heard."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from fanfold.domain.bars import Bars
from fanfold.domain.panel import CLOSE, HIGH, LOW, OPEN, VOLUME
from fanfold.domain.sessions import sessions_between
from fanfold.venue.market.market import Market
from fanfold.venue.market.spread import Spread
from fanfold.venue.market.tapes.from_bars import BarTape
from fanfold.venue.market.values import Tick

DAY_NS = 86_400 * 10**9
COIN = "BTC/USD"
SHARES = ("AAPL", "SPY")
TICKS_MAX = 10**6


def day_of(text: str) -> int:
    return int(np.datetime64(text, "D").astype(int))


def at(text: str) -> int:
    """An instant as UTC text [ns UTC]."""
    return int(np.datetime64(text, "ns").astype(np.int64))


def daily(
    start: str = "2013-11-25", end: str = "2013-12-03", *, seed: int = 0, gaps: float = 0.0
) -> Bars:
    """Days of two shares and a coin around a half day; some are missing or without volume."""
    rng = np.random.default_rng(seed)
    days = {name: sessions_between(day_of(start), day_of(end), "XNYS") for name in SHARES}
    days[COIN] = np.arange(day_of(start), day_of(end) + 1)
    frames: list[pd.DataFrame] = []
    for name, dates in days.items():
        close = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.02, len(dates))))
        open_ = close * np.exp(rng.normal(0.0, 0.01, len(dates)))
        frame = pd.DataFrame(
            {
                "symbol": name,
                "ts": pd.to_datetime(dates.astype("datetime64[D]")),
                "open": open_,
                "high": np.maximum(open_, close) * np.exp(rng.uniform(0.0, 0.02, len(dates))),
                "low": np.minimum(open_, close) * np.exp(-rng.uniform(0.0, 0.02, len(dates))),
                "close": close,
                "volume": rng.integers(50_000, 90_000, len(dates)).astype(float),
            }
        )
        frame.loc[rng.random(len(dates)) < gaps / 2, "volume"] = 0.0
        kept = rng.random(len(dates)) >= gaps / 2
        kept[0] = True
        frames.append(frame[kept])
    calendar = {**dict.fromkeys(SHARES, "XNYS"), COIN: "24/7"}
    return Bars.from_frame(pd.concat(frames), stamp="session", calendar=calendar)


def minutely(days: list[str], *, seed: int = 0, pre: int = 5, kept: float = 0.9) -> Bars:
    """Minutes of a share, some before the open and after the close, some left out."""
    rng = np.random.default_rng(seed)
    starts: list[Any] = []
    for day in days:
        opens = pd.Timestamp(f"{day} 09:30", tz="America/New_York")
        first = opens - pd.Timedelta(minutes=pre)
        minute = pd.date_range(first, periods=390 + 2 * pre, freq="min")
        starts.append(minute[rng.random(len(minute)) < kept])
    ts = pd.DatetimeIndex(np.concatenate([one.tz_convert("UTC") for one in starts]))
    close = np.round(50.0 * np.exp(np.cumsum(rng.normal(0.0, 5e-4, len(ts)))), 2)
    open_ = np.round(close * np.exp(rng.normal(0.0, 2e-4, len(ts))), 2)
    frame = pd.DataFrame(
        {
            "symbol": "AAPL",
            "ts": pd.Series(ts).astype("datetime64[ns, UTC]"),
            "open": open_,
            "high": np.maximum(open_, close) + 0.02,
            "low": np.minimum(open_, close) - 0.02,
            "close": close,
            "volume": rng.integers(1, 5_000, len(ts)).astype(float),
        }
    )
    return Bars.from_frame(frame, stamp="start", calendar="XNYS", bar=pd.Timedelta("1min"))


def altered(bars: Bars, first: int) -> Bars:
    """Other prices and volumes from a bar on."""
    panel = bars.panel.copy()
    panel[[OPEN, HIGH, LOW, CLOSE], first:] *= 1.7
    panel[VOLUME, first:] += 100.0
    return replace(bars, panel=panel)


def market_of(bars: Bars, *, seed: int = 0, late_share: float = 0.0, **how: Any) -> Market:
    spread = how.pop("spread", Spread())
    return Market(BarTape.of(bars, seed=seed, spread=spread, late_share=late_share), **how)


def heard(market: Market, until: int | None = None) -> list[Tick]:
    """All ticks that are left, or those up to an instant."""
    return list(market.go(market.last_ts if until is None else until, ticks_max=TICKS_MAX))


def state_of(market: Market) -> dict[str, Any]:
    """All that can be asked about the present."""
    symbols = [asset.symbol for asset in market.assets]
    asked = (
        market.quote, market.trade, market.last, market.minute_bar, market.day_bar,
        market.book, market.previous_close, market.is_halted,
    )  # fmt: skip
    state: dict[str, Any] = {
        f"{ask.__name__} {symbol}": ask(symbol) for ask in asked for symbol in symbols
    }
    state |= {name: market.hours(name) for name in market.calendars}
    return state | {"now": market.now, "next": market.next_ts}
