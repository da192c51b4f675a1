from dataclasses import replace
from itertools import islice, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fakes.venue_markets import (
    COIN,
    altered,
    at,
    daily,
    day_of,
    heard,
    market_of,
    minutely,
    state_of,
)

from fanfold.errors import ConfigError, DataError
from fanfold.venue.market.tapes.order import RANKS
from fanfold.venue.market.values import (
    BarTick,
    BookTick,
    PhaseTick,
    QuoteTick,
    StatusTick,
    Tick,
    TradeTick,
)

DAYS = daily(gaps=0.4)
MINUTES = minutely(["2013-11-29", "2013-12-02"])
HOUR_NS = 3_600 * 10**9
PANELS = {"days": DAYS, "minutes": MINUTES}


def rank_of(tick: Tick) -> int:
    if isinstance(tick, BarTick):
        return RANKS[{"b": "minute", "u": "late", "d": "day"}[tick.kind]]
    names = {PhaseTick: "phase", QuoteTick: "quote", BookTick: "book", TradeTick: "trade"}
    return RANKS[names.get(type(tick), "action")]


@pytest.mark.parametrize("panel", PANELS)
@settings(max_examples=5)
@given(data=st.data())
def test_to_seek_an_instant_is_to_have_come_there(panel: str, data: st.DataObject) -> None:
    bars = PANELS[panel]
    gone, sought = market_of(bars, late_share=0.3), market_of(bars, late_share=0.3)
    first = data.draw(st.integers(gone.first_ts, gone.last_ts))
    second = first + data.draw(st.integers(0, 12 * HOUR_NS))
    second = max(first, data.draw(st.sampled_from([second, second // HOUR_NS * HOUR_NS])))
    gone.seek(first)
    heard(gone, second)
    sought.seek(second)
    assert state_of(gone) == state_of(sought)
    following = islice(gone.go(gone.last_ts, ticks_max=300), 400)
    assert list(following) == list(sought.go(sought.last_ts, ticks_max=300))
    assert state_of(gone) == state_of(sought)


@pytest.mark.parametrize("panel", PANELS)
def test_windows_of_any_length_give_the_same_ticks(panel: str) -> None:
    bars = PANELS[panel]
    long, short = market_of(bars), market_of(bars, window_minutes=7)
    for market in (long, short):
        market.seek(at("2013-11-29T13:00"))
    assert heard(long, at("2013-11-29T23:00")) == heard(short, at("2013-11-29T23:00"))


@pytest.mark.parametrize("panel", PANELS)
def test_ticks_come_in_order_of_time_and_kind(panel: str) -> None:
    market = market_of(PANELS[panel], late_share=0.2)
    market.seek(at("2013-12-02T12:00"))
    ticks = heard(market)
    keys = [(tick.ts, rank_of(tick)) for tick in ticks]
    assert all(one <= other for one, other in pairwise(keys))
    assert ticks[-1].ts == market.last_ts


def test_a_close_comes_after_the_bars_that_end_there_and_before_what_follows() -> None:
    market = market_of(DAYS)
    market.seek(at("2013-11-29T17:59:59.999999"))
    tick = next(iter(market.go(market.last_ts, ticks_max=1)))
    assert isinstance(tick, BarTick)
    kinds = [type(one).__name__ for one in heard(market, at("2013-11-29T18:00"))]
    place = kinds.index("PhaseTick")
    assert set(kinds[:place]) == {"BarTick"}
    assert "BarTick" not in kinds[place:]


@pytest.mark.parametrize("panel", PANELS)
@given(cut=st.integers(1, 400))
@settings(max_examples=5)
def test_later_bars_change_no_earlier_tick(panel: str, cut: int) -> None:
    bars = PANELS[panel]
    first = cut % bars.bar_count or 1
    # What is altered begins then: a minute, or the UTC day of a coin.
    length = 60 * 10**9 if panel == "minutes" else 24 * HOUR_NS
    until = (int(bars.ts[first]) - 1) // length * length
    begin = max(until - 5 * HOUR_NS, (int(bars.ts[0]) - 1) // length * length)
    was, changed = market_of(bars), market_of(altered(bars, first))
    for market in (was, changed):
        market.seek(begin)
    same = heard(was, until - 1)
    assert same == heard(changed, until - 1)
    assert was.previous_close("AAPL") == changed.previous_close("AAPL")


def test_whole_instants_only_and_the_clock_stands_where_it_was_told() -> None:
    market = market_of(MINUTES)
    until = market.now + 3_600 * 10**9
    ticks = list(market.go(until, ticks_max=1))
    assert len({tick.ts for tick in ticks}) == 1
    assert market.now == ticks[0].ts
    following = market.next_ts
    assert following is not None
    assert following > market.now
    list(market.go(until, ticks_max=10**6))
    assert market.now == until
    assert list(market.go(market.now, ticks_max=10**6)) == []
    list(market.go(market.last_ts + 10**12, ticks_max=10**6))
    assert market.next_ts is None
    assert market.now == market.last_ts + 10**12


def test_who_stops_listening_inside_an_instant_gets_the_rest_later() -> None:
    whole, broken = market_of(DAYS), market_of(DAYS)
    expected = list(whole.go(whole.last_ts, ticks_max=40))
    parts = list(islice(broken.go(broken.last_ts, ticks_max=40), 3))
    parts += list(broken.go(broken.last_ts, ticks_max=len(expected) - 3))
    assert parts == expected


def test_each_tick_is_known_when_it_is_given() -> None:
    market = market_of(DAYS)
    for tick in market.go(market.now + 120 * 10**9, ticks_max=10**6):
        assert market.now == tick.ts
        if isinstance(tick, QuoteTick):
            assert market.quote(tick.symbol) is tick
        if isinstance(tick, TradeTick):
            assert market.last(tick.symbol) == tick.price


def test_it_begins_a_minute_after_the_open_with_quotes_of_all() -> None:
    market = market_of(daily())
    assert market.now == at("2013-11-25T14:31")
    assert market.hours("XNYS").phase == "regular"
    assert all(market.quote(asset.symbol) for asset in market.assets)
    assert market_of(MINUTES).now == at("2013-11-29T14:31")


@pytest.mark.parametrize(
    ("given", "stands"),
    [
        ("2013-11-27", "2013-11-27T14:31"),
        ("2013-11-28", "2013-11-29T14:31"),  # a holiday, and then a half day
        ("2013-12-02", "2013-12-02T14:31"),
    ],
)
def test_a_date_is_a_minute_after_the_open_of_the_first_session_from_then_on(
    given: str, stands: str
) -> None:
    assert market_of(DAYS, begin_day=day_of(given)).now == at(stands)
    assert market_of(daily().select(symbols=[COIN]), begin_day=day_of("2013-11-28")).now == at(
        "2013-11-28T00:01"
    )


@pytest.mark.parametrize("panel", PANELS)
def test_what_is_asked_for_is_made_of_the_same_when_its_day_is_on_already(panel: str) -> None:
    cold, warm = market_of(PANELS[panel]), market_of(PANELS[panel])
    day = day_of("2013-11-29")
    warm.seek(at("2013-11-29T15:00"))
    for ask in ("minutes", "daily"):
        first, other = (getattr(one, ask)("AAPL", day) for one in (cold, warm))
        assert len(first)
        for name in ("start", "close", "volume", "vwap"):
            assert (getattr(first, name) == getattr(other, name)).all()


def test_a_beginning_outside_the_replay_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"begin must be from 2013-11-25T00:00Z to"):
        market_of(daily(), begin=at("2012-01-01T00:00"))


def test_books_rebuild_from_resets_and_changes() -> None:
    market = market_of(daily())
    sides: tuple[dict[float, float], dict[float, float]] = {}, {}
    seen = 0
    for tick in market.go(market.now + 600 * 10**9, ticks_max=10**6):
        if not isinstance(tick, BookTick):
            continue
        seen += tick.reset
        if tick.reset:
            sides = {}, {}
        if not seen:
            continue
        for side, levels in zip(sides, (tick.bids, tick.asks), strict=True):
            side.update(levels)
        bids, asks = ({price: size for price, size in side.items() if size} for side in sides)
        quote, book = market.quote(COIN), market.book(COIN)
        assert quote is not None
        assert book is not None
        assert (dict(book[0]), dict(book[1])) == (bids, asks)
        assert book[0][0] == (quote.bid, quote.bid_size)
        assert book[1][0] == (quote.ask, quote.ask_size)
        assert len(bids) == len(asks) == 5
    assert seen == 10


def test_the_previous_close_is_the_last_sessions_from_the_next_days_beginning_on() -> None:
    bars = daily()
    market = market_of(bars)
    share = bars.symbols.index("AAPL")
    by_day = {
        int(ts) // (86_400 * 10**9): float(close)
        for ts, close in zip(bars.ts.tolist(), bars.close[:, share].tolist(), strict=True)
        if close == close  # noqa: PLR0124
    }
    for now, expected in (
        ("2013-11-29T22:30", "2013-11-27"),  # after the half day's end, its day is still on
        ("2013-12-01T12:00", "2013-11-27"),
        ("2013-12-02T08:59:59", "2013-11-27"),
        ("2013-12-02T09:00", "2013-11-29"),
    ):
        market.seek(at(now))
        assert market.previous_close("AAPL") == by_day[day_of(expected)]
    market.seek(at("2013-11-25T15:00"))
    assert market.previous_close("AAPL") is None


def test_halts_are_told_once_and_stay_until_they_end() -> None:
    market = market_of(daily())
    tick = market.halt("AAPL", on=True, reason="news")
    assert isinstance(tick, StatusTick)
    assert (tick.code, tick.reason, tick.ts) == ("H", "news", market.now)
    assert market.halt("AAPL", on=True) is None
    market.seek(market.now + 10**9)
    assert market.is_halted("AAPL")
    assert not market.is_halted("SPY")
    resumed = market.halt("AAPL", on=False)
    assert isinstance(resumed, StatusTick)
    assert resumed.code == "T"
    assert market.halt("AAPL", on=False) is None


def test_what_is_asked_of_the_past_is_what_was_streamed() -> None:
    market = market_of(daily(), late_share=0.3)
    market.seek(at("2013-11-29T00:00"))
    ticks = heard(market, at("2013-12-01T00:02"))
    for symbol, day, low in (
        ("AAPL", "2013-11-29", "2013-11-29T05:00"),
        (COIN, "2013-11-30", "2013-11-30T00:00"),
    ):
        begin, end = at(low), at(low) + 86_400 * 10**9
        own = [tick for tick in ticks if getattr(tick, "symbol", "") == symbol]
        inside = [tick for tick in own if begin <= tick.ts < end]
        assert market.trades(symbol, day_of(day)) == [
            tick for tick in inside if isinstance(tick, TradeTick)
        ]
        assert market.quotes(symbol, day_of(day)) == [
            tick for tick in inside if isinstance(tick, QuoteTick)
        ]
        bars = [tick for tick in own if isinstance(tick, BarTick) and begin <= tick.start < end]
        final = {tick.start: tick.volume for tick in bars if tick.kind != "d"}
        minutes = market.minutes(symbol, day_of(day))
        assert dict(zip(minutes.start.tolist(), minutes.volume.tolist(), strict=True)) == final
        assert minutes.known.tolist() == [tick.ts for tick in bars if tick.kind == "b"]
        last = [tick for tick in bars if tick.kind == "d"][-1]
        whole = market.daily(symbol, day_of(day))
        assert len(whole) == 1
        streamed = {tick.start: tick for tick in bars if tick.kind != "d"}
        for asked, expected in ((minutes, list(streamed.values())), (whole, [last])):
            for name in ("start", "open", "high", "low", "close", "volume", "trade_count", "vwap"):
                column = [getattr(tick, name) for tick in expected]
                assert getattr(asked, name).tolist() == column
        assert whole.known.tolist() == [last.ts]
    assert len(market.daily("AAPL", day_of("2013-11-28"))) == 0
    assert market.days("AAPL").tolist()[:2] == [day_of("2013-11-25"), day_of("2013-11-26")]


def test_an_unknown_symbol_has_no_past() -> None:
    with pytest.raises(DataError, match="symbol must be one of the market's, was 'NO'"):
        market_of(daily()).trades("NO", 0)


def test_phases_come_on_every_session_with_data_or_without() -> None:
    bars = daily().select(symbols=["AAPL"])
    panel = bars.panel.copy()
    panel[:, bars.session_day == day_of("2013-11-29")] = np.nan
    market = market_of(replace(bars, panel=panel))
    market.seek(market.first_ts - 1)
    phases = [tick for tick in heard(market) if isinstance(tick, PhaseTick)]
    friday = [
        (tick.phase, str(np.datetime64(tick.ts, "ns"))[11:16])
        for tick in phases
        if tick.session_day == day_of("2013-11-29")
    ]
    assert friday == [("day", "09:00"), ("open", "14:30"), ("close", "18:00"), ("end", "22:00")]
    assert len(phases) == 4 * len({tick.session_day for tick in phases})
