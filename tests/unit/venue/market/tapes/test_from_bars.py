from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fakes.venue_markets import COIN, at, daily, day_of, heard, market_of, minutely

from fanfold.domain.bars import Bars
from fanfold.errors import ConfigError, DataError
from fanfold.venue.market.market import Market
from fanfold.venue.market.spread import Spread
from fanfold.venue.market.tapes.from_bars import BarTape
from fanfold.venue.market.tapes.order import in_order
from fanfold.venue.market.values import ActionTick, BarTick, PhaseTick, QuoteTick, TradeTick

HOUR_NS = 3_600 * 10**9
MINUTE_NS = 60 * 10**9


def session(bars: Bars, symbol: str, first: str, last: str, **how: float) -> list[object]:
    tape = BarTape.of(bars, seed=3, spread=Spread(), **how)
    return list(in_order(tape.window(at(first), at(last), symbol)))


@pytest.mark.parametrize(
    ("symbol", "first", "last"),
    [
        ("AAPL", "2013-11-29T14:30", "2013-11-29T18:00"),  # a half day
        ("SPY", "2013-12-02T14:30", "2013-12-02T21:00"),
        (COIN, "2013-11-30T00:00", "2013-12-01T00:00"),  # a Saturday
    ],
)
def test_a_days_ticks_make_its_bar_again(symbol: str, first: str, last: str) -> None:
    bars = daily()
    ticks = session(bars, symbol, first, last[:-2] + "01")
    row = int(np.searchsorted(bars.ts, at(last)))
    open_, high, low, close, volume = bars.panel[:, row, bars.symbols.index(symbol)].tolist()
    trades = [tick for tick in ticks if isinstance(tick, TradeTick) and tick.ts < at(last)]
    whole = [tick for tick in ticks if isinstance(tick, BarTick) and tick.kind == "d"][-1]
    assert (trades[0].price, trades[-1].price) == (round(open_, 6), round(close, 6))
    assert max(tick.price for tick in trades) == whole.high == round(high, 6)
    assert min(tick.price for tick in trades) == whole.low == round(low, 6)
    assert (whole.open, whole.close) == (round(open_, 6), round(close, 6))
    assert whole.volume == volume
    assert whole.ts == at(last)
    assert sum(tick.size for tick in trades) == pytest.approx(volume, rel=1e-12)
    assert len(trades) == whole.trade_count == 4 * ((at(last) - at(first)) // MINUTE_NS)


def test_the_day_is_stamped_by_its_midnight_at_the_exchange() -> None:
    share = session(daily(), "AAPL", "2013-11-29T15:00", "2013-11-29T15:01")
    coin = session(daily(), COIN, "2013-11-29T15:00", "2013-11-29T15:01")
    starts = [
        [tick.start for tick in ticks if isinstance(tick, BarTick) and tick.kind == "d"]
        for ticks in (share, coin)
    ]
    assert starts == [[at("2013-11-29T05:00")], [at("2013-11-29T00:00")]]


def test_trades_carry_the_path_since_the_one_before() -> None:
    ticks = session(daily(), "AAPL", "2013-11-29T14:30", "2013-11-29T18:00")
    trades = [tick for tick in ticks if isinstance(tick, TradeTick)]
    previous = trades[0].price
    for number, tick in enumerate(trades):
        assert tick.path
        if number % 4 == 0:
            assert tick.low == tick.high == tick.price == previous
        else:
            assert (tick.low, tick.high) == (min(previous, tick.price), max(previous, tick.price))
        previous = tick.price


def test_the_open_is_quoted_before_it_trades_and_the_path_after() -> None:
    ticks = session(daily(), "AAPL", "2013-11-29T14:30", "2013-11-29T14:31")
    kinds = [type(tick) for tick in ticks]
    assert kinds == [QuoteTick, TradeTick, *([TradeTick, QuoteTick] * 3)]
    seconds = [
        (tick.ts - at("2013-11-29T14:30")) / 1e9 for tick in ticks if type(tick) is TradeTick
    ]
    assert seconds == [0.0, 20.0, 40.0, 59.999]


def test_a_session_begins_and_ends_with_its_auctions() -> None:
    ticks = session(daily(), "AAPL", "2013-11-29T00:00", "2013-12-03T00:00")
    auctions = [
        (tick.auction, tick.ts) for tick in ticks if isinstance(tick, TradeTick) and tick.auction
    ]
    assert auctions == [
        ("open", at("2013-11-29T14:30")),
        ("close", at("2013-11-29T17:59:59.999")),
        ("open", at("2013-12-02T14:30")),
        ("close", at("2013-12-02T20:59:59.999")),
    ]


def test_minutes_are_told_as_they_are_stored_and_those_outside_the_session_make_no_day() -> None:
    bars = minutely(["2013-11-01", "2013-11-04"], kept=1.0)
    ticks = session(bars, "AAPL", "2013-11-01T00:00", "2013-11-05T00:00")
    minutes = [tick for tick in ticks if isinstance(tick, BarTick) and tick.kind == "b"]
    assert [tick.ts for tick in minutes] == bars.ts.tolist()
    told = [(tick.open, tick.high, tick.low, tick.close, tick.volume) for tick in minutes]
    assert told == [tuple(row) for row in np.round(bars.panel[:, :, 0].T, 6).tolist()]
    days = [tick for tick in ticks if isinstance(tick, BarTick) and tick.kind == "d"]
    # The clock changed in between: both sessions are 09:30 to 16:00 all the same.
    assert days[0].ts == at("2013-11-01T13:31")
    assert days[390].ts == at("2013-11-04T14:31")
    assert len(days) == 2 * 390
    first, regular = np.round(bars.panel[:, :400, 0], 6), slice(5, 395)
    assert days[389].volume == first[4, regular].sum()
    assert days[389].high == first[1, regular].max()
    assert days[389].open == first[0, 5]


@settings(max_examples=8)
@given(seed=st.integers(0, 1000), start=st.integers(0, 200), minutes=st.integers(1, 400))
def test_a_part_asked_alone_equals_that_part_of_the_whole(
    seed: int, start: int, minutes: int
) -> None:
    tape = BarTape.of(daily(seed=seed, gaps=0.3), seed=seed, spread=Spread(), late_share=0.5)
    low = at("2013-11-29T00:00") + start * 10 * MINUTE_NS
    high = low + minutes * MINUTE_NS
    part = in_order(tape.window(low, high))
    begin, end = low // HOUR_NS * HOUR_NS, (high // HOUR_NS + 1) * HOUR_NS
    whole = [tick for tick in in_order(tape.window(begin, end)) if low <= tick.ts < high]
    assert part == whole


def test_another_seed_is_another_market_with_the_same_days() -> None:
    one, other = (
        BarTape.of(daily(), seed=seed, spread=Spread()).window(
            at("2013-11-29T14:30"), at("2013-11-29T18:00:00") + MINUTE_NS, "AAPL"
        )
        for seed in (0, 1)
    )
    assert in_order(one) != in_order(other)
    ends = [
        [(tick.open, tick.high, tick.low, tick.close, tick.volume) for tick in in_order(strands)
         if isinstance(tick, BarTick) and tick.kind == "d"][-1]
        for strands in (one, other)
    ]  # fmt: skip
    assert ends[0] == ends[1]


def test_an_asset_is_the_same_whoever_stands_beside_it() -> None:
    bars = daily()
    low, high = at("2013-11-29T14:00"), at("2013-11-29T19:00")
    tapes = [
        BarTape.of(one, seed=0, spread=Spread()) for one in (bars, bars.select(symbols=["SPY"]))
    ]
    assert in_order(tapes[0].window(low, high, "SPY")) == in_order(tapes[1].window(low, high))


def test_bars_without_trades_give_nothing() -> None:
    bars = daily()
    panel = bars.panel.copy()
    row = int(np.searchsorted(bars.ts, at("2013-11-29T18:00")))
    panel[4, row, bars.symbols.index("AAPL")] = 0.0
    panel[:, row, bars.symbols.index("SPY")] = np.nan
    market = market_of(replace(bars, panel=panel))
    market.seek(at("2013-11-29T14:00"))
    ticks = heard(market, at("2013-11-29T19:00"))
    assert {tick.symbol for tick in ticks if isinstance(tick, QuoteTick)} == {COIN}
    assert market.days("AAPL").tolist().count(day_of("2013-11-29")) == 0


def test_late_trades_change_some_minutes_by_what_was_missing() -> None:
    ticks = session(daily(), "SPY", "2013-12-02T14:30", "2013-12-02T21:01", late_share=0.25)
    bars = [tick for tick in ticks if isinstance(tick, BarTick)]
    known = {tick.start: tick for tick in bars if tick.kind == "b"}
    late = [tick for tick in bars if tick.kind == "u"]
    # Of 390 minutes a quarter; three deviations are 26.
    assert 70 <= len(late) <= 125
    for tick in late:
        assert tick.volume > known[tick.start].volume
        assert tick.ts == known[tick.start].ts + 30 * 10**9
        assert tick.close == known[tick.start].close


def test_trade_numbers_follow_from_time_and_rise() -> None:
    ticks = session(daily(), "SPY", "2013-12-02T14:30", "2013-12-02T21:00")
    numbers = [tick.number for tick in ticks if isinstance(tick, TradeTick)]
    assert numbers == sorted(set(numbers))
    later = session(daily(), "SPY", "2013-12-02T20:00", "2013-12-02T21:00")
    assert [tick.number for tick in later if isinstance(tick, TradeTick)] == numbers[-240:]


def acted() -> Bars:
    bars = daily().select(symbols=["AAPL", "SPY"])
    panel = bars.panel.copy()
    panel[:4, bars.session_day >= day_of("2013-11-29"), 0] /= 4.0
    frame = pd.DataFrame(
        {"symbol": ["AAPL"], "ts": pd.to_datetime(["2013-11-29"]), "splits": [4.0]}
    )
    paid = pd.DataFrame(
        {"symbol": ["AAPL"], "ts": pd.to_datetime(["2013-12-02"]), "dividends": [0.25]}
    )
    return replace(bars, panel=panel).with_events(splits=frame, dividends=paid)


def test_splits_and_dividends_come_after_the_days_beginning() -> None:
    market = market_of(acted())
    market.seek(market.first_ts - 1)
    ticks = [tick for tick in heard(market) if isinstance(tick, ActionTick | PhaseTick)]
    places = [place for place, tick in enumerate(ticks) if isinstance(tick, ActionTick)]
    split, dividend = (ticks[place] for place in places)
    assert split == ActionTick(at("2013-11-29T09:00"), "AAPL", 4.0, 0.0)
    assert dividend == ActionTick(at("2013-12-02T09:00"), "AAPL", 1.0, 0.25)
    before = [ticks[place - 1] for place in places]
    assert all(isinstance(tick, PhaseTick) and tick.phase == "day" for tick in before)


def test_a_split_divides_what_is_remembered_and_nothing_else() -> None:
    bars = acted()
    market: Market = market_of(bars)
    market.seek(at("2013-11-29T08:59"))
    last, quote, close = market.last("AAPL"), market.quote("AAPL"), market.previous_close("AAPL")
    other = market.quote("SPY")
    list(market.go(at("2013-11-29T09:00"), ticks_max=10))
    after = market.quote("AAPL")
    assert last is not None
    assert quote is not None
    assert after is not None
    assert market.last("AAPL") == last / 4.0
    assert (after.bid, after.ask) == (quote.bid / 4.0, quote.ask / 4.0)
    assert market.quote("SPY") == other
    assert close is not None
    row = int(np.searchsorted(bars.ts, at("2013-11-27T21:00")))
    assert market.previous_close("AAPL") == bars.close[row, 0] / 4.0
    sought: Market = market_of(bars)
    sought.seek(at("2013-11-29T10:00"))
    assert sought.quote("AAPL") == after


@pytest.mark.parametrize("timeframe", ["5min", "60min"])
def test_intraday_bars_unfold_inside_their_own_time(timeframe: str) -> None:
    minutes = minutely(["2013-11-29"], pre=0, kept=1.0).to_frame()
    minutes = minutes[minutes["ts"] <= pd.Timestamp("2013-11-29T18:00Z")]
    start = (minutes["ts"] - pd.Timedelta("1min")).dt.floor(timeframe)
    grouped = minutes.groupby(start)
    frame = pd.DataFrame(
        {
            "symbol": "AAPL",
            "open": grouped["open"].first(),
            "high": grouped["high"].max(),
            "low": grouped["low"].min(),
            "close": grouped["close"].last(),
            "volume": grouped["volume"].sum(),
        }
    )
    frame["ts"] = grouped["ts"].max()
    frame = frame.reset_index(drop=True)
    bars = Bars.from_frame(frame, stamp="end", calendar="XNYS")
    ticks = session(bars, "AAPL", "2013-11-29T14:00", "2013-11-29T18:01")
    made = [tick for tick in ticks if isinstance(tick, BarTick) and tick.kind == "b"]
    assert [tick.ts for tick in made] == minutes["ts"].astype("int64").tolist()
    ends = np.array([tick.ts for tick in made])
    edge = 0
    for row, end in enumerate(bars.ts.tolist()):
        stop = int(np.searchsorted(ends, end, side="right"))
        part = made[edge:stop]
        edge = stop
        assert part[0].open == round(bars.open[row, 0], 6)
        assert max(tick.high for tick in part) == round(bars.high[row, 0], 6)
        assert min(tick.low for tick in part) == round(bars.low[row, 0], 6)
        assert sum(tick.volume for tick in part) == bars.volume[row, 0]


def test_weeks_unfold_into_all_their_sessions() -> None:
    days = pd.date_range("2013-11-01", periods=6, freq="7D")
    frame = pd.DataFrame({"symbol": "SPY", "ts": days, "open": 9.0, "high": 11.0, "low": 8.0,
                          "close": 10.0, "volume": 5e5})  # fmt: skip
    bars = Bars.from_frame(frame, stamp="session", calendar="XNYS")
    tape = BarTape.of(bars, seed=0, spread=Spread())
    days_of = tape.days("SPY").tolist()
    assert day_of("2013-11-25") in days_of
    assert day_of("2013-11-28") not in days_of
    ticks = in_order(tape.window(at("2013-11-25T00:00"), at("2013-11-30T00:00")))
    whole = [tick for tick in ticks if isinstance(tick, BarTick) and tick.kind == "b"]
    assert len(whole) == 3 * 390 + 210
    assert sum(tick.volume for tick in whole) == 5e5
    assert max(tick.high for tick in whole) == 11.0


def test_what_cannot_be_replayed_is_refused_with_its_reason() -> None:
    bars = daily().select(symbols=["AAPL", "SPY"])
    with pytest.raises(ConfigError, match=r"late_share must be from 0 to 1, was 2\.0"):
        market_of(bars, late_share=2.0)
    silent = bars.panel.copy()
    silent[4] = 0.0
    with pytest.raises(DataError, match="at which something was traded"):
        market_of(replace(bars, panel=silent))
    with pytest.raises(DataError, match=r"sessions must lie on those of calendar XNYS.*2013-11-28"):
        market_of(replace(bars, **moved(bars)))
    with pytest.raises(DataError, match="symbol must be on the tape"):
        BarTape.of(bars, seed=0, spread=Spread()).days("NO")


def moved(bars: Bars) -> dict[str, np.ndarray]:
    """The Friday on Thanksgiving."""
    ts = bars.ts.copy()
    ts[bars.session_day == day_of("2013-11-29")] = at("2013-11-28T21:00")
    day = bars.session_day.copy()
    day[day == day_of("2013-11-29")] = day_of("2013-11-28")
    return {"session_day": day, "ts": ts}
