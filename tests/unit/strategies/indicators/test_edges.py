"""Prices at their edges: none, constant, huge, spiked; and periods that cannot be."""

import math
import statistics
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.strategies.indicators.conftest import SHORT, closes

from fanfold.errors import ConfigError
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
    Indicator,
    Keltner,
    RealisedVolatility,
    Stochastic,
    ZScore,
    batch,
    stream,
)


def values(indicator: Indicator, *prices: float) -> list[float]:
    """The first output at each bar."""
    return batch(indicator, closes(*prices))[0, :, 0].tolist()


@pytest.mark.parametrize("price", [0.1, 123.456, 1e9])
def test_constant_prices_have_their_average_and_no_spread(price: float) -> None:
    prices = [price] * 50
    assert values(EMA(7), *prices)[-1] == price
    # Seven equal prices added up and divided again may be one rounding away.
    assert values(SMA(7), *prices)[-1] == pytest.approx(price, rel=1e-15)
    assert batch(Bollinger(7), closes(*prices))[:, -1, 0].tolist() == [price] * 3
    for still in (ATR(7), ROC(7), RealisedVolatility(7)):
        assert values(still, *prices)[-1] == 0.0


def test_rsi_of_prices_that_never_moved_is_fifty() -> None:
    assert values(RSI(3), 5, 5, 5, 5, 5)[3:] == [50.0, 50.0]


def test_rsi_of_one_way_prices_is_at_its_ends() -> None:
    assert values(RSI(3), 1, 2, 3, 4, 5, 5)[3:] == [100.0] * 3
    assert values(RSI(3), 6, 5, 4, 3, 2, 2)[3:] == [0.0] * 3


def test_rsi_keeps_its_value_while_prices_stand_still() -> None:
    moving = [1.0, 2.0, 1.5, 2.5, 2.25]
    index = values(RSI(3), *moving, *[2.25] * 20)
    # Rises and falls fade alike; only roundings change their ratio.
    assert index[-1] == pytest.approx(index[4], rel=1e-14)


def test_atr_stretches_the_range_to_the_close_before() -> None:
    live = stream(ATR(1))
    assert math.isnan(live.push(10, 12, 9, 10, 1)[0])
    assert live.push(11, 12, 11, 11, 1) == (2.0,)  # 12 - 10: opened above the close
    assert live.push(9, 9, 8, 9, 1) == (3.0,)  # 11 - 8: opened below it
    assert live.push(9, 13, 7, 9, 1) == (6.0,)  # 13 - 7: the bar alone


def test_roc_from_a_price_of_zero_is_missing() -> None:
    change = values(ROC(1), 0, 2, 3)
    assert math.isnan(change[1])
    assert change[2] == 0.5


def test_volatility_is_missing_while_a_price_of_zero_is_in_its_window() -> None:
    missing = np.isnan(values(RealisedVolatility(2), 1, 2, 0, 1, 2, 3, 5))
    assert missing.tolist() == [True, True, True, True, True, False, False]


def test_average_forgets_a_spike_when_the_ring_has_wrapped() -> None:
    average = values(SMA(3), 1e15, *[0.1] * 9)
    assert average[-1] == pytest.approx(0.1, rel=1e-15)


def test_bands_forget_a_spike_at_once() -> None:
    bands = batch(Bollinger(3), closes(1e15, 0.1, 0.1, 0.1))[:, -1, 0]
    assert bands.tolist() == [0.1] * 3


@given(
    level=st.sampled_from([1e-6, 1.0, 1e6, 1e9]),
    steps=st.lists(st.integers(-1_000, 1_000), min_size=12, max_size=12),
)
def test_bands_keep_their_digits_at_any_level(level: float, steps: list[int]) -> None:
    prices = [level * (1.0 + step * 1e-7) for step in steps]
    middle, upper, _ = batch(Bollinger(12, 1.0), closes(*prices))[:, -1, 0]
    # `statistics` reckons in exact fractions. What remains is rounding of the band
    # itself (its ulp is some 1e-16 of the level), not of squared prices (1e-9 of it).
    exact = statistics.pstdev(prices)
    assert upper - middle == pytest.approx(exact, rel=1e-12, abs=4e-16 * level)


@given(
    prices=st.lists(st.floats(1e-3, 1e9), min_size=6, max_size=40),
    outlier=st.sampled_from([1e-9, 1e12]),
)
def test_bands_are_always_in_order(prices: list[float], outlier: float) -> None:
    middle, upper, lower = batch(Bollinger(5), closes(*prices, outlier, *prices))[:, 4:, 0]
    assert (lower <= middle).all()
    assert (middle <= upper).all()


@pytest.mark.parametrize("indicator", SHORT, ids=repr)
def test_no_bars_give_no_values(indicator: Indicator) -> None:
    assert batch(indicator, np.empty((5, 0, 2))).shape == (indicator.output_count, 0, 2)


@pytest.mark.parametrize(
    ("make", "least"),
    [
        *[(SMA, 1), (EMA, 2), (RSI, 2), (ATR, 1), (Bollinger, 1), (ROC, 1)],
        *[(RealisedVolatility, 2), (WMA, 1), (Donchian, 1), (Keltner, 2), (Stochastic, 1)],
        *[(ADX, 2), (VWAP, 1), (ZScore, 2), (MACD, 2)],
    ],
)
@pytest.mark.parametrize("beyond", ["below", 1_000_001, 2.5, "ten", True, None])
def test_a_period_that_cannot_be_is_refused_in_one_line(
    make: Callable[[Any], Indicator], least: int, beyond: Any
) -> None:
    period = least - 1 if beyond == "below" else beyond
    with pytest.raises(ConfigError, match=r"period must be .*, was ") as refused:
        make(period)
    assert "\n" not in str(refused.value)
    assert repr(period) in str(refused.value)


@pytest.mark.parametrize("scale", [0.0, -1.0, math.nan, math.inf, "2", True])
def test_a_scale_that_is_not_positive_is_refused(scale: Any) -> None:
    with pytest.raises(ConfigError, match=r"Bollinger width must be .*, was "):
        Bollinger(20, scale)
    with pytest.raises(ConfigError, match=r"bars_per_year must be .*, was "):
        RealisedVolatility(20, scale)
    with pytest.raises(ConfigError, match=r"Keltner width must be .*, was "):
        Keltner(20, scale)


@pytest.mark.parametrize("beyond", [-1, 1_000_001, 0.5, "one", None])
def test_a_second_period_that_cannot_be_is_refused(beyond: Any) -> None:
    makers = {
        "Donchian lag": lambda: Donchian(20, lag=beyond),
        "Keltner atr_period": lambda: Keltner(20, atr_period=beyond),
        "Stochastic smooth": lambda: Stochastic(14, smooth=beyond),
        "Stochastic signal": lambda: Stochastic(14, signal=beyond),
        "MACD slow": lambda: MACD(12, slow=beyond),
        "MACD signal": lambda: MACD(12, signal=beyond),
    }
    for name, make in makers.items():
        with pytest.raises(ConfigError, match=rf"{name}.* must be .*, was {beyond!r}"):
            make()


def test_macd_needs_a_fast_average_that_is_faster() -> None:
    with pytest.raises(ConfigError, match="fast must be shorter than slow, was 26 and 26"):
        MACD(26, 26)


def test_a_close_in_a_range_of_nothing_is_in_its_middle() -> None:
    assert batch(Stochastic(3, 2, 2), closes(*[5.0] * 8))[:, -1, 0].tolist() == [50.0, 50.0]


def test_prices_that_stand_still_have_no_direction() -> None:
    assert batch(ADX(3), closes(*[5.0] * 9))[:, -1, 0].tolist() == [0.0, 0.0, 0.0]


def test_a_close_that_has_not_moved_is_at_its_mean() -> None:
    assert values(ZScore(3), 5, 5, 5, 5)[2:] == [0.0, 0.0]


def test_a_breakout_is_above_the_channel_of_the_bars_before() -> None:
    prices = 1.0, 3.0, 2.0, 4.0, 3.0
    here = batch(Donchian(2), closes(*prices))[0, :, 0]
    before = batch(Donchian(2, lag=1), closes(*prices))[0, :, 0]
    assert (np.array(prices)[2:] <= here[2:]).all()
    assert (np.array(prices)[2:] > before[2:]).tolist() == [False, True, False]


@pytest.mark.parametrize("indicator", [WMA(3), VWAP(3), Donchian(3), ZScore(3)], ids=repr)
def test_a_spike_is_forgotten_as_it_leaves(indicator: Indicator) -> None:
    spiked = batch(indicator, closes(1e15, 0.1, 0.3, 0.2, 0.1))[:, 3:]
    assert spiked.tolist() == batch(indicator, closes(0.1, 0.1, 0.3, 0.2, 0.1))[:, 3:].tolist()


def test_unknown_volume_is_passed_over_by_obv_and_hides_vwap() -> None:
    panel = closes(1, 2, 3, 4, 5)
    panel[4, 2] = np.nan
    assert batch(OBV(), panel)[0, :, 0].tolist() == [1.0, 2.0, 2.0, 3.0, 4.0]
    assert np.isnan(batch(VWAP(2), panel)[0, :, 0]).tolist() == [True, False, True, True, False]


@given(prices=st.lists(st.floats(1e-3, 1e9), min_size=9, max_size=60), period=st.integers(1, 9))
def test_windows_hold_what_is_in_them(prices: list[float], period: int) -> None:
    panel = closes(*prices)
    channel = batch(Donchian(period), panel)[:2, :, 0]
    weighted = values(WMA(period), *prices)
    for end in range(period, len(prices) + 1):
        window = prices[end - period : end]
        assert channel[:, end - 1].tolist() == [max(window), min(window)]
        total = math.fsum(weight * price for weight, price in enumerate(window, start=1))
        # Sums of positive numbers lose a rounding each: a handful of 1e-16.
        assert weighted[end - 1] == pytest.approx(2 * total / (period * (period + 1)), rel=1e-14)
