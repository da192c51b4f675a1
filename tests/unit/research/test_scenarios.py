"""Windows of the past against sums written out, and known dates against the index itself."""

from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.panels import bars_of, flat_bars, wild_bars, wild_markets

from fanfold.domain.adjustment import NEVER
from fanfold.domain.bars import Bars
from fanfold.errors import ConfigError, DataError
from fanfold.research.scenarios import (
    EPISODES,
    HistoricalWindow,
    day_bar,
    holding_growth,
    holding_returns,
    windows_in,
    worst_windows,
)

DAY_NS = 86_400 * 10**9


def daily(first: str, last: str, *, calendar: str = "XNYS", session_bars: int = 1) -> Bars:
    """Flat bars of one asset on all weekdays, or on all days round the clock."""
    days = np.arange(np.datetime64(first), np.datetime64(last) + 1)
    if calendar != "24/7":
        days = days[np.is_busday(days)]
    session_day = np.repeat(days.astype(np.int64), session_bars)
    bars = flat_bars(np.full(len(session_day), 10.0))
    place = np.tile(np.arange(1, session_bars + 1), len(days))
    return replace(
        bars,
        ts=session_day * DAY_NS + place * (DAY_NS // 2 // session_bars),
        session_day=session_day,
        calendar=calendar,
        calendars=(calendar,),
    )


def day(text: str) -> int:
    return date.fromisoformat(text).toordinal() - date(1970, 1, 1).toordinal()


def test_each_known_window_has_a_name_of_its_own_and_two_days_in_order() -> None:
    assert len({one.name.casefold() for one in EPISODES}) == len(EPISODES)
    for one in EPISODES:
        assert date.fromisoformat(one.first_day) <= date.fromisoformat(one.last_day)
        assert one.market == "crypto" or date.fromisoformat(one.first_day).weekday() < 5
        assert one.market == "crypto" or date.fromisoformat(one.last_day).weekday() < 5


def test_known_windows_end_at_lows_of_the_index_and_begin_after_its_highs() -> None:
    """Against closes of the S&P 500; windows that are named after a day or a week aside."""
    from fanfold.market.sample import _index

    index = _index()
    begin_after_high = {"credit crisis 2007-2009", "scandals 2002", "volatility 2018"}
    begin_after_high |= {"taper tantrum 2013", "fourth quarter 2018"}
    end_low = begin_after_high | {"dot-com fall 2000-2002", "September 2001", "US downgrade 2011"}
    end_low |= {"August 2015", "January 2016", "Brexit 2016", "LTCM 1998"}
    for one in EPISODES:
        if one.market == "crypto" or one.first_day < "1999" or one.last_day > "2018-12-31":
            continue
        inside = index[one.first_day : one.last_day]
        before = index[: one.first_day].iloc[-2]
        assert str(inside.index[0].date()) == one.first_day
        assert str(inside.index[-1].date()) == one.last_day
        # In August 2007 books of long and short stocks fell, and the index hardly moved.
        assert inside.min() < before or one.name == "quant crisis 2007"
        if one.name in end_low:
            assert inside.idxmin() == inside.index[-1]
        if one.name in begin_after_high:
            assert before > inside.max()


def test_a_window_begins_with_the_return_of_its_first_day() -> None:
    bars = daily("2018-01-02", "2018-03-01")
    (window,) = windows_in(bars)
    assert window.name == "volatility 2018"
    assert bars.session_day[window.first] == day("2018-01-29")
    assert bars.session_day[window.last] == day("2018-02-08")
    assert window.bar_count == 9
    assert window.is_whole
    assert window.covered == 1.0


def test_intraday_bars_of_the_first_and_the_last_day_belong_to_the_window() -> None:
    bars = daily("2010-05-03", "2010-05-10", session_bars=7)
    (window,) = windows_in(bars)
    assert window.bar_count == 7
    assert set(bars.session_day[window.first : window.last + 1]) == {day("2010-05-06")}


def test_a_window_that_is_cut_says_how_much_of_it_is_there() -> None:
    (begun,) = windows_in(daily("2018-01-02", "2018-01-31"))
    # Three of its eleven days: from Monday the 29th on.
    assert begun.covered == pytest.approx(3 / 11)
    assert not begun.is_whole
    (late,) = windows_in(daily("2018-02-05", "2018-03-01"))
    # The 5th only gives the close from which the 6th is measured.
    assert late.covered == pytest.approx(3 / 11)
    assert (late.first, late.last) == (1, 3)


@pytest.mark.parametrize(
    ("first", "last"), [("2017-01-02", "2017-12-29"), ("2010-05-06", "2010-05-28")]
)
def test_bars_without_a_return_in_a_window_do_not_have_it(first: str, last: str) -> None:
    assert windows_in(daily(first, last)) == ()


def test_windows_of_crypto_are_for_assets_that_trade_round_the_clock() -> None:
    names = [one.name for one in windows_in(daily("2022-05-01", "2022-05-31", calendar="24/7"))]
    assert names == ["crypto winter 2022", "rates 2022", "Terra 2022"]
    stocks = daily("2022-05-01", "2022-05-31")
    assert [one.name for one in windows_in(stocks)] == ["rates 2022"]
    assert [one.name for one in windows_in(stocks, names=["terra 2022"])] == ["Terra 2022"]


def test_a_name_that_is_not_known_is_refused_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match="nearest: 'Lehman 2008'"):
        windows_in(daily("2008-01-02", "2008-12-31"), names=["Lehmann 2008"])


def worst_by_hand(bars: Bars, weights: Any, length: int) -> float:
    """The worst stretch, one after the other and asset by asset."""
    close, found = bars.close, []
    for start in range(bars.bar_count - length):
        moves = close[start + length] / close[start] - 1.0
        found.append(float(np.dot(moves, weights)))
    return min(found)


@given(seed=st.integers(0, 2**32 - 1), length=st.integers(1, 29))
def test_no_stretch_lost_more_than_the_worst(seed: int, length: int) -> None:
    bars = wild_bars(seed, 30, 3, absent_share=0.0)
    weights = {"A2": -0.5, "A0": 1.0}
    (window,) = worst_windows(bars, weights, [length])
    moves = bars.close[window.last] / bars.close[window.first - 1] - 1.0
    assert window.bar_count == length
    # Products of returns beside one quotient.
    assert moves[0] - 0.5 * moves[2] == pytest.approx(
        worst_by_hand(bars, [1.0, 0.0, -0.5], length), rel=1e-9, abs=1e-12
    )


def test_equal_weights_are_of_the_assets_that_had_a_price() -> None:
    closes = [[10.0, np.nan], [9.0, np.nan], [9.0, 5.0], [9.0, 4.0]]
    (worst,) = worst_windows(flat_bars(closes), lengths=[1])
    # One asset alone fell by 10 %; later one of two by 20 %, which is as much: the first.
    assert worst.first == 1
    closes[3][1] = 3.9
    (worst,) = worst_windows(flat_bars(closes), lengths=[1])
    assert (worst.first, worst.last, worst.what) == (3, 3, "the portfolio earned -11.0 %")


def test_a_stretch_longer_than_the_bars_is_left_out() -> None:
    windows = worst_windows(flat_bars([10.0, 9.0, 11.0]), lengths=[1, 2, 3, 2])
    assert [(window.name, window.first) for window in windows] == [
        ("worst bar", 1),
        ("worst 2 bars", 1),
    ]
    assert worst_windows(flat_bars([10.0, 9.0]), lengths=[5]) == ()


def test_what_is_no_portfolio_is_refused() -> None:
    bars = flat_bars([10.0, 9.0, 8.0])
    with pytest.raises(DataError, match="symbol must be one of A0"):
        worst_windows(bars, {"B": 1.0})
    with pytest.raises(ConfigError, match="weight of A0 must be a finite number"):
        worst_windows(bars, {"A0": np.nan})
    with pytest.raises(ConfigError, match="length must be a whole number >= 1"):
        worst_windows(bars, lengths=[0])


def test_a_split_earns_nothing_and_a_dividend_what_it_pays() -> None:
    raw = flat_bars([100.0, 50.0, 50.0, 40.0])
    splits = np.array([[1.0], [2.0], [1.0], [1.0]])
    dividends = np.array([[0.0], [0.0], [1.0], [0.0]])
    bars = replace(raw, splits=splits, dividends=dividends)
    assert holding_returns(bars)[1:, 0].tolist() == pytest.approx([0.0, 0.02, -0.2])
    (worst,) = worst_windows(bars, lengths=[1])
    assert worst.first == 3


def test_a_missing_bar_earns_nothing_and_the_next_makes_up_for_it() -> None:
    returns = holding_returns(flat_bars([np.nan, 10.0, np.nan, 12.0]))[:, 0]
    assert np.isnan(returns[:2]).all()
    assert returns[2:].tolist() == pytest.approx([0.0, 0.2])


def test_a_delisting_leaves_what_a_holder_got() -> None:
    bars = flat_bars([[10.0, 10.0], [10.0, 9.0], [10.0, np.nan], [10.0, np.nan]])
    gone = replace(
        bars,
        delisted_day=np.array([NEVER, bars.session_day[2]]),
        delisting_return=np.array([0.0, -1.0]),
    )
    assert holding_growth(gone)[:, 1].tolist() == pytest.approx([1.0, 0.9, 0.0, 0.0])
    (worst,) = worst_windows(gone, {"A1": 1.0}, [1])
    assert (worst.first, worst.what) == (2, "the portfolio earned -100.0 %")


@given(bars=wild_markets(bars=(8, 40)))
def test_growth_is_the_close_over_the_first_close(bars: Bars) -> None:
    growth = holding_growth(bars)
    for asset in range(bars.asset_count):
        own = np.flatnonzero(np.isfinite(bars.close[:, asset]))
        if len(own):
            expected = bars.close[own, asset] / bars.close[own[0], asset]
            np.testing.assert_allclose(growth[own, asset], expected, rtol=1e-10)
            assert np.isnan(growth[: own[0], asset]).all()


def test_a_day_between_two_sessions_means_the_next() -> None:
    bars = daily("2020-02-18", "2020-02-28")
    assert bars.session_day[day_bar(bars, day("2020-02-22"))] == day("2020-02-24")
    with pytest.raises(DataError, match="within the bars, 2020-02-18 to 2020-02-28"):
        day_bar(bars, day("2020-03-02"))


def test_a_window_is_a_plain_value() -> None:
    bars = bars_of(wild_bars(1, 20, 1, absent_share=0.0).panel)
    (window,) = worst_windows(bars, lengths=[3])
    assert window == worst_windows(bars, lengths=[3])[0]
    assert isinstance(window, HistoricalWindow)
