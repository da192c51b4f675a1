"""Panels that look like markets, and panels that hypothesis makes up."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from fanfold.strategies.indicators import (
    ADX,
    ATR,
    EMA,
    MACD,
    OBV,
    ROC,
    RSI,
    SMA,
    VWAP,
    WMA,
    Bollinger,
    Column,
    Context,
    Donchian,
    Indicator,
    Keltner,
    On,
    RatioZScore,
    RealisedVolatility,
    RollingBeta,
    SessionVWAP,
    Stochastic,
    ZScore,
)

SHORT: tuple[Indicator, ...] = (
    SMA(4),
    EMA(3),
    RSI(3),
    ATR(3),
    Bollinger(5, 1.5),
    ROC(2),
    RealisedVolatility(4),
    WMA(4),
    MACD(2, 4, 3),
    Donchian(3),
    Donchian(2, lag=3),
    Keltner(3, 1.5, 4),
    Stochastic(3, 2, 4),
    ADX(3),
    OBV(),
    VWAP(3),
    ZScore(4),
)
"""One of each kind, short enough for panels of a few dozen bars."""


def market(bar_count: int, seed: int = 7) -> NDArray[np.float64]:
    """A random walk with plausible bars, without gaps; shape [field, bar, 1]."""
    rng = np.random.default_rng(seed)
    close = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.02, bar_count)))
    open_ = close * np.exp(rng.normal(0.0, 0.01, bar_count))
    high = np.maximum(open_, close) * np.exp(np.abs(rng.normal(0.0, 0.01, bar_count)))
    low = np.minimum(open_, close) * np.exp(-np.abs(rng.normal(0.0, 0.01, bar_count)))
    volume = rng.integers(1, 10_000, bar_count).astype(float)
    return np.stack([open_, high, low, close, volume])[:, :, None]


def closes(*values: float) -> NDArray[np.float64]:
    """Bars whose open, high, low and close are one price; shape [field, bar, 1]."""
    panel = np.tile(np.array(values, dtype=float), (5, 1))
    panel[4] = 1.0
    return panel[:, :, None]


def own_bars(panel: NDArray[np.float64], asset: int) -> NDArray[np.bool_]:
    """Where the asset trades; shape [bar]."""
    return ~np.isnan(panel[3, :, asset]) & (panel[4, :, asset] != 0.0)


def same_bits(first: NDArray[np.float64], second: NDArray[np.float64]) -> bool:
    """Whether all bytes agree; one NaN is as good as another."""
    return _one_nan(first) == _one_nan(second)


def _one_nan(values: NDArray[np.float64]) -> bytes:
    return np.where(np.isnan(values), np.nan, values).tobytes()


@st.composite
def gappy_panels(
    draw: st.DrawFn, bar_count: int | None = None, asset_count: int | None = None
) -> NDArray[Any]:
    """A few assets with wild prices, bars without volume and bars that are missing."""
    bar_count = bar_count or draw(st.integers(1, 30))
    asset_count = asset_count or draw(st.integers(1, 2))
    price = st.one_of(st.floats(1e-3, 1e6), st.sampled_from([1.0, 1.0, 100.0, 0.0]))
    panel = np.empty((5, bar_count, asset_count))
    for bar in range(bar_count):
        for asset in range(asset_count):
            kind = draw(st.sampled_from(["bar"] * 5 + ["no volume", "unknown volume", "missing"]))
            prices = [draw(price) for _ in range(4)]
            volume = draw(st.floats(1.0, 1e9))
            panel[:, bar, asset] = [
                prices[0],
                max(prices),
                min(prices),
                prices[1],
                {"no volume": 0.0, "unknown volume": np.nan}.get(kind, volume),
            ]
            if kind == "missing":
                panel[:, bar, asset] = np.nan
    return panel


@st.composite
def gappy_sessions(draw: st.DrawFn) -> tuple[NDArray[Any], Context]:
    """Two assets in sessions of which quarter hours, closes and whole days may be missing.

    Sessions last from 14:30 to 21:00 UTC; bars may come after their close.
    """
    sessions = draw(
        st.lists(
            st.tuples(st.integers(1, 4), st.sets(st.integers(1, 30), min_size=1, max_size=6)),
            min_size=1,
            max_size=6,
        )
    )
    days = FIRST_MONDAY + np.cumsum([gap for gap, _ in sessions])
    clock = [
        (day, quarter)
        for day, (_, quarters) in zip(days.tolist(), sessions, strict=True)
        for quarter in sorted(quarters)
    ]
    panel = draw(gappy_panels(len(clock), 2))
    known = st.one_of(st.floats(-10, 10), st.just(np.nan))
    column = [[draw(known), draw(known)] for _ in clock]
    calendar = draw(st.sampled_from(["XNYS", "24/7"]))
    return panel, context_of_quarters(clock, calendar, {"x": np.array(column)})


MINUTE_NS = 60 * 10**9
DAY_NS = 24 * 60 * MINUTE_NS


def context_of_days(
    bar_count: int,
    symbols: tuple[str, ...] = ("A0",),
    extra: dict[str, NDArray[np.float64]] | None = None,
) -> Context:
    """Daily bars around the clock from Monday 2022-01-10 on."""
    day = np.arange(bar_count) + 19_002
    return Context(
        symbols=symbols,
        ts=(day + 1) * DAY_NS,
        session_day=day,
        minutes_to_close=np.zeros(bar_count),
        calendar="24/7",
        extra=extra or {},
    )


FIRST_MONDAY = 19_093  # 2022-04-11; that week's Friday is a holiday of the exchange
OPEN_NS = 14 * 60 * MINUTE_NS + 30 * MINUTE_NS
QUARTERS = 26


def context_of_quarters(
    clock: Sequence[tuple[int, int]],
    calendar: str = "XNYS",
    extra: dict[str, NDArray[np.float64]] | None = None,
) -> Context:
    """Bars of a quarter hour, each given by its date and its number in the session from 1."""
    day, quarter = np.array(clock).T
    return Context(
        symbols=("A0", "A1"),
        ts=day * DAY_NS + OPEN_NS + quarter * 15 * MINUTE_NS,
        session_day=day,
        minutes_to_close=(QUARTERS - quarter) * 15.0,
        calendar=calendar,
        extra=extra or {},
    )


def cut(context: Context, count: int) -> Context:
    """The first bars of a context, as if there were no others."""
    return Context(
        symbols=context.symbols,
        ts=context.ts[:count],
        session_day=context.session_day[:count],
        minutes_to_close=context.minutes_to_close[:count],
        calendar=context.calendar,
        extra={name: values[:count] for name, values in context.extra.items()},
    )


CONTEXTUAL: tuple[Indicator, ...] = (
    SessionVWAP(),
    Column("x"),
    RollingBeta(2, other="A1"),
    RatioZScore(2, other="A1"),
    On("15min", Stochastic(1, 1, 2)),
    On("1h", ATR(1)),
    On("1D", SMA(2)),
    On("1W", Bollinger(2)),
    On("1D", Donchian(1, lag=1)),
    On("1D", RatioZScore(2, other="A1")),
    On("2h", RollingBeta(2, other="A1")),
    On("1D", Column("x")),
    On("1h", SessionVWAP()),
)
"""One of each kind that needs a context."""
