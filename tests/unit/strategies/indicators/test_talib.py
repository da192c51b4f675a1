"""Every indicator against TA-Lib: warm-up, smoothing and deviation conventions.

Both add the same numbers in another order, so they differ by roundings only: 1e-9
relative leaves room for hundreds of them. TA-Lib's deviations come from a running
sum of squares of whole prices, which loses some five digits more: 1e-7.
"""

from typing import Any

import numpy as np
import pytest
import talib
from numpy.typing import NDArray
from tests.unit.strategies.indicators.conftest import market

from fanfold.strategies.indicators import (
    ATR,
    EMA,
    ROC,
    RSI,
    SMA,
    Bollinger,
    RealisedVolatility,
    batch,
)

PANEL = market(1_500)
HIGH, LOW, CLOSE = (np.ascontiguousarray(PANEL[field, :, 0]) for field in (1, 2, 3))
TALIB: Any = talib

periods = pytest.mark.parametrize("period", [2, 3, 14, 20, 200])


def assert_equal(ours: NDArray[np.float64], theirs: NDArray[np.float64], rtol: float) -> None:
    """Equal within `rtol`, and NaN at the same bars."""
    assert np.isfinite(theirs).sum() > 1_000
    np.testing.assert_allclose(ours, theirs, rtol=rtol, atol=0.0)


@periods
def test_sma(period: int) -> None:
    assert_equal(batch(SMA(period), PANEL)[0, :, 0], TALIB.SMA(CLOSE, period), 1e-9)


@periods
def test_ema(period: int) -> None:
    assert_equal(batch(EMA(period), PANEL)[0, :, 0], TALIB.EMA(CLOSE, period), 1e-9)


@periods
def test_rsi(period: int) -> None:
    assert_equal(batch(RSI(period), PANEL)[0, :, 0], TALIB.RSI(CLOSE, period), 1e-9)


@pytest.mark.parametrize("period", [1, 2, 14, 200])
def test_atr(period: int) -> None:
    assert_equal(batch(ATR(period), PANEL)[0, :, 0], TALIB.ATR(HIGH, LOW, CLOSE, period), 1e-9)


@periods
@pytest.mark.parametrize("width", [1.0, 2.5])
def test_bollinger(period: int, width: float) -> None:
    middle, upper, lower = batch(Bollinger(period, width), PANEL)[:, :, 0]
    their_upper, their_middle, their_lower = TALIB.BBANDS(CLOSE, period, width, width)
    assert_equal(middle, their_middle, 1e-9)
    assert_equal(upper, their_upper, 1e-7)
    assert_equal(lower, their_lower, 1e-7)


@periods
def test_roc_is_a_ratio(period: int) -> None:
    assert_equal(batch(ROC(period), PANEL)[0, :, 0], TALIB.ROCP(CLOSE, period), 1e-9)
    assert_equal(100 * batch(ROC(period), PANEL)[0, :, 0], TALIB.ROC(CLOSE, period), 1e-9)


@periods
def test_realised_volatility_is_the_sample_deviation_of_log_returns(period: int) -> None:
    log_returns = np.diff(np.log(CLOSE))
    population = TALIB.STDDEV(log_returns, period)
    expected = population * np.sqrt(period / (period - 1) * 365)
    ours = batch(RealisedVolatility(period, bars_per_year=365), PANEL)[0, :, 0]
    assert np.isnan(ours[0])
    assert_equal(ours[1:], expected, 1e-7)
