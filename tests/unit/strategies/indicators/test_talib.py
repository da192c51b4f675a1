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
from tests.unit.strategies.indicators.conftest import context_of_days, market

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
    Donchian,
    Keltner,
    RatioZScore,
    RealisedVolatility,
    RollingBeta,
    Stochastic,
    ZScore,
    batch,
)

PANEL = market(1_500)
HIGH, LOW, CLOSE, VOLUME = (np.ascontiguousarray(PANEL[field, :, 0]) for field in (1, 2, 3, 4))
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


@periods
def test_wma(period: int) -> None:
    assert_equal(batch(WMA(period), PANEL)[0, :, 0], TALIB.WMA(CLOSE, period), 1e-9)


@pytest.mark.parametrize(("fast", "slow", "signal"), [(12, 26, 9), (2, 3, 1), (5, 200, 30)])
def test_macd(fast: int, slow: int, signal: int) -> None:
    theirs = TALIB.MACD(CLOSE, fast, slow, signal)
    for ours, expected in zip(batch(MACD(fast, slow, signal), PANEL)[:, :, 0], theirs, strict=True):
        assert np.isfinite(expected).sum() > 1_000
        # Differences of averages cross zero: the rounding of prices near 100 is what is left.
        np.testing.assert_allclose(ours, expected, rtol=0.0, atol=1e-9)


@periods
def test_donchian(period: int) -> None:
    upper, lower, middle = batch(Donchian(period), PANEL)[:, :, 0]
    # Nothing is reckoned, so nothing is rounded.
    np.testing.assert_array_equal(upper, TALIB.MAX(HIGH, period))
    np.testing.assert_array_equal(lower, TALIB.MIN(LOW, period))
    assert_equal(middle, (upper + lower) / 2, 1e-15)


@pytest.mark.parametrize(("period", "lag"), [(1, 1), (20, 1), (3, 7)])
def test_donchian_with_a_lag_is_the_channel_of_bars_before(period: int, lag: int) -> None:
    lagged = batch(Donchian(period, lag=lag), PANEL)[:, :, 0]
    np.testing.assert_array_equal(lagged[:, lag:], batch(Donchian(period), PANEL)[:, :-lag, 0])
    assert np.isnan(lagged[:, :lag]).all()


@pytest.mark.parametrize(("period", "atr_period"), [(20, 10), (2, 30), (14, 13)])
def test_keltner_is_an_average_and_average_true_ranges(period: int, atr_period: int) -> None:
    middle, upper, lower = batch(Keltner(period, 2.5, atr_period), PANEL)[:, :, 0]
    ema, atr = TALIB.EMA(CLOSE, period), TALIB.ATR(HIGH, LOW, CLOSE, atr_period)
    warm = np.where(np.isnan(ema + atr), np.nan, 0.0)
    assert_equal(middle, ema + warm, 1e-9)
    assert_equal(upper, ema + 2.5 * atr, 1e-9)
    assert_equal(lower, ema - 2.5 * atr, 1e-9)


@pytest.mark.parametrize(("period", "smooth", "signal"), [(14, 3, 3), (5, 1, 4), (200, 10, 1)])
def test_stochastic(period: int, smooth: int, signal: int) -> None:
    theirs = TALIB.STOCH(HIGH, LOW, CLOSE, period, smooth, 0, signal, 0)
    ours = batch(Stochastic(period, smooth, signal), PANEL)[:, :, 0]
    for one, expected in zip(ours, theirs, strict=True):
        assert_equal(one, expected, 1e-9)


@periods
def test_adx(period: int) -> None:
    adx, plus, minus = batch(ADX(period), PANEL)[:, :, 0]
    expected = TALIB.ADX(HIGH, LOW, CLOSE, period)
    assert_equal(adx, expected, 1e-9)
    warm = np.where(np.isnan(expected), np.nan, 0.0)
    assert_equal(plus, TALIB.PLUS_DI(HIGH, LOW, CLOSE, period) + warm, 1e-9)
    assert_equal(minus, TALIB.MINUS_DI(HIGH, LOW, CLOSE, period) + warm, 1e-9)


def test_obv() -> None:
    # Whole numbers of units add up exactly.
    np.testing.assert_array_equal(batch(OBV(), PANEL)[0, :, 0], TALIB.OBV(CLOSE, VOLUME))


@periods
def test_vwap(period: int) -> None:
    worth = TALIB.SUM(TALIB.TYPPRICE(HIGH, LOW, CLOSE) * VOLUME, period)
    assert_equal(batch(VWAP(period), PANEL)[0, :, 0], worth / TALIB.SUM(VOLUME, period), 1e-9)


@periods
def test_zscore_is_the_distance_from_the_mean_in_deviations(period: int) -> None:
    ours = batch(ZScore(period), PANEL)[0, :, 0]
    windows = np.lib.stride_tricks.sliding_window_view(CLOSE, period)
    assert np.isnan(ours[: period - 1]).all()
    expected = (CLOSE[period - 1 :] - windows.mean(axis=1)) / windows.std(axis=1)
    # A close near its mean is a difference of prices near 100 over a small deviation.
    np.testing.assert_allclose(ours[period - 1 :], expected, rtol=1e-9, atol=1e-9)


@periods
def test_rolling_beta(period: int) -> None:
    pair = np.concatenate([PANEL, market(1_500, seed=8)], axis=2)
    pair[:4, :, 0] *= pair[3, :, 1] / 100.0  # so that they move together
    slope = batch(RollingBeta(period, "B"), pair, context_of_days(1_500, ("A", "B")))[0]
    other, own = (np.ascontiguousarray(pair[3, :, asset]) for asset in (1, 0))
    assert np.isnan(slope[:period]).all()
    # TA-Lib's sums of squares lose digits where a window's returns hardly differ.
    np.testing.assert_allclose(
        slope[period:, 0], TALIB.BETA(other, own, period)[period:], rtol=1e-6, atol=1e-8
    )
    np.testing.assert_array_equal(slope[period:, 1], 1.0)


@periods
def test_ratio_zscore_is_the_score_of_a_ratio(period: int) -> None:
    pair = np.concatenate([PANEL, market(1_500, seed=8)], axis=2)
    context = context_of_days(1_500, ("A", "B"))
    scores = batch(RatioZScore(period, other="B"), pair, context)[0]
    ratio = pair.copy()
    ratio[3] = pair[3] / pair[3, :, 1:]
    np.testing.assert_array_equal(scores, batch(ZScore(period), ratio)[0])
    assert (scores[period - 1 :, 1] == 0.0).all()
