"""Panels that look like markets, and panels that hypothesis makes up."""

from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from fanfold.strategies.indicators import (
    ATR,
    EMA,
    ROC,
    RSI,
    SMA,
    Bollinger,
    Indicator,
    RealisedVolatility,
)

SHORT: tuple[Indicator, ...] = (
    SMA(4),
    EMA(3),
    RSI(3),
    ATR(3),
    Bollinger(5, 1.5),
    ROC(2),
    RealisedVolatility(4),
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
def gappy_panels(draw: st.DrawFn) -> NDArray[Any]:
    """One or two assets with wild prices, bars without volume and bars that are missing."""
    bar_count, asset_count = draw(st.integers(1, 30)), draw(st.integers(1, 2))
    price = st.one_of(st.floats(1e-3, 1e6), st.sampled_from([1.0, 1.0, 100.0, 0.0]))
    panel = np.empty((5, bar_count, asset_count))
    for bar in range(bar_count):
        for asset in range(asset_count):
            kind = draw(st.sampled_from(["bar", "bar", "bar", "no volume", "missing"]))
            prices = [draw(price) for _ in range(4)]
            panel[:, bar, asset] = [
                prices[0],
                max(prices),
                min(prices),
                prices[1],
                0.0 if kind == "no volume" else 5.0,
            ]
            if kind == "missing":
                panel[:, bar, asset] = np.nan
    return panel
