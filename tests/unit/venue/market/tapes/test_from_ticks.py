from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fakes.stored import put_rows
from tests.fakes.venue_markets import at, day_of, heard, state_of

from fanfold.errors import ConfigError, DataError
from fanfold.market.store import Series, Store
from fanfold.venue.market.market import Market
from fanfold.venue.market.replay import Replay
from fanfold.venue.market.spread import Spread
from fanfold.venue.market.values import BarTick, QuoteTick, Tick, TradeTick

MINUTE_NS = 60 * 10**9
SYMBOLS = ("AAPL", "IBM")


def stored(folder: Path, *, quotes: bool, count: int = 400) -> dict[str, np.ndarray]:
    """Trades at random seconds of two days around a weekend, also before and after sessions."""
    store, prices = Store.at(folder), {}
    for number, symbol in enumerate(SYMBOLS):
        rng = np.random.default_rng(number)
        days = [at("2013-11-01T12:00"), at("2013-11-04T12:00")]
        seconds = [day + rng.integers(0, 10 * 3600, count) * 10**9 for day in days]
        ts = np.sort(np.concatenate(seconds))
        first = np.searchsorted(ts, ts)
        prices[symbol] = np.round(50.0 + np.cumsum(rng.normal(0.0, 0.05, len(ts))), 2)
        columns: dict[str, Any] = {
            "ts": ts,
            "seq": np.arange(len(ts)) - first,
            "price": prices[symbol],
            "size": rng.integers(1, 500, len(ts)).astype(float),
        }
        put_rows(store, Series(kind="trades", symbol=symbol), columns)
        if quotes:
            beside = {
                "ts": ts[::2] - 5 * 10**8,
                "seq": np.zeros(len(ts[::2]), np.int64),
                "bid": np.where(rng.random(len(ts[::2])) < 0.1, 0.0, prices[symbol][::2] - 0.01),
                "bid_size": np.full(len(ts[::2]), 100.0),
                "ask": prices[symbol][::2] + 0.01,
                "ask_size": np.full(len(ts[::2]), 200.0),
            }
            put_rows(store, Series(kind="quotes", symbol=symbol), beside)
    return prices


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("ticks")
    stored(made, quotes=True)
    return made


def opened(folder: Path, kinds: tuple[str, ...] = ("trades", "quotes"), **how: Any) -> Market:
    return Market.opened(Replay(source=folder, symbols=SYMBOLS, kinds=kinds, **how))


def all_of(market: Market) -> list[Tick]:
    market.seek(market.first_ts - 1)
    return heard(market)


def test_stored_ticks_come_as_they_are_in_order(folder: Path) -> None:
    ticks = all_of(opened(folder))
    trades = [tick for tick in ticks if isinstance(tick, TradeTick)]
    quotes = [tick for tick in ticks if isinstance(tick, QuoteTick)]
    assert (len(trades), len(quotes)) == (1600, 800)
    assert [tick.ts for tick in ticks] == sorted(tick.ts for tick in ticks)
    assert all(tick.low == tick.high == tick.price and not tick.path for tick in trades)
    absent = [tick for tick in quotes if np.isnan(tick.bid)]
    assert absent
    assert all(tick.bid_size == 0.0 and tick.ask_size == 200.0 for tick in absent)
    numbers = [
        tick.number for tick in trades if tick.symbol == "IBM" and tick.ts < at("2013-11-02")
    ]
    assert len(set(numbers)) == len(numbers) == 400


def test_bars_are_built_from_the_trades_of_each_minute(folder: Path) -> None:
    ticks = all_of(opened(folder))
    for symbol in SYMBOLS:
        own = [tick for tick in ticks if getattr(tick, "symbol", "") == symbol]
        trades = [tick for tick in own if isinstance(tick, TradeTick)]
        bars = [tick for tick in own if isinstance(tick, BarTick) and tick.kind == "b"]
        assert {tick.start for tick in bars} == {
            tick.ts // MINUTE_NS * MINUTE_NS for tick in trades
        }
        for bar in bars:
            inside = [one for one in trades if bar.start <= one.ts < bar.start + MINUTE_NS]
            prices = [one.price for one in inside]
            expected = (prices[0], max(prices), min(prices), prices[-1], len(inside))
            assert (bar.open, bar.high, bar.low, bar.close, bar.trade_count) == expected
            assert bar.volume == sum(one.size for one in inside)
            assert bar.ts == bar.start + MINUTE_NS


def test_the_day_so_far_is_of_the_session_alone(folder: Path) -> None:
    ticks = all_of(opened(folder))
    for day, opens in (("2013-11-01", "13:30"), ("2013-11-04", "14:30")):
        low = at(f"{day}T{opens}")
        high = low + 390 * MINUTE_NS
        trades = [
            tick
            for tick in ticks
            if isinstance(tick, TradeTick) and tick.symbol == "IBM" and low <= tick.ts < high
        ]
        days = [
            tick
            for tick in ticks
            if isinstance(tick, BarTick)
            and (tick.kind, tick.symbol) == ("d", "IBM")
            and low < tick.ts <= high
        ]
        assert days[-1].volume == sum(tick.size for tick in trades)
        assert (days[-1].open, days[-1].close) == (trades[0].price, trades[-1].price)
        assert days[-1].trade_count == len(trades)
        assert trades[0].auction == "open"
    assert sum(isinstance(tick, BarTick) and tick.kind == "d" for tick in ticks) > 400


def test_the_last_trade_of_a_sessions_last_minute_is_its_auction(folder: Path) -> None:
    ticks = all_of(opened(folder))
    closing = [tick for tick in ticks if isinstance(tick, TradeTick) and tick.auction == "close"]
    for tick in closing:
        assert tick.ts >= at("2013-11-01T19:59")
    inside = {
        (tick.symbol, tick.ts)
        for tick in ticks
        if isinstance(tick, TradeTick)
        and (
            at("2013-11-01T19:59") <= tick.ts < at("2013-11-01T20:00")
            or at("2013-11-04T20:59") <= tick.ts < at("2013-11-04T21:00")
        )
    }
    assert {(tick.symbol, tick.ts) for tick in closing} <= inside
    assert bool(closing) == bool(inside)


@settings(max_examples=4)
@given(data=st.data())
@pytest.mark.parametrize("kinds", [("trades",), ("trades", "quotes")])
def test_to_seek_an_instant_is_to_have_come_there(
    folder: Path, kinds: tuple[str, ...], data: st.DataObject
) -> None:
    gone, sought = opened(folder, kinds), opened(folder, kinds)
    first = data.draw(st.integers(gone.first_ts, gone.last_ts))
    second = data.draw(st.integers(first, min(gone.last_ts, first + 20 * 3600 * 10**9)))
    gone.seek(first)
    heard(gone, second)
    sought.seek(second)
    assert repr(state_of(gone)) == repr(state_of(sought))  # NaN equals itself as text
    following = [list(islice(one.go(one.last_ts, ticks_max=80), 90)) for one in (gone, sought)]
    assert repr(following[0]) == repr(following[1])


def test_windows_of_any_length_give_the_same_ticks(folder: Path) -> None:
    from fanfold.venue.market.replay import tape_of

    asked = Replay(source=folder, symbols=SYMBOLS, kinds=("trades",))
    long, short = (Market(tape_of(asked), window_minutes=minutes) for minutes in (120, 37))
    assert all_of(long) == all_of(short)


def test_where_only_trades_are_stored_quotes_are_made_around_them(folder: Path) -> None:
    spread = Spread(bps=10.0, tick=False)
    ticks = all_of(opened(folder, ("trades",), spread=spread))
    quotes = {(tick.symbol, tick.ts): tick for tick in ticks if isinstance(tick, QuoteTick)}
    for place, tick in enumerate(ticks):
        if not isinstance(tick, TradeTick):
            continue
        quote = quotes[tick.symbol, tick.ts]
        assert ticks.index(quote) < place if place < 50 else True
    last = [tick for tick in ticks if isinstance(tick, TradeTick) and tick.symbol == "IBM"][-1]
    quote = quotes["IBM", last.ts]
    assert quote.ask == last.price * 1.0005
    assert quote.bid == round(last.price * 0.9995 * 1e6) / 1e6


def test_the_previous_close_is_the_last_trade_inside_the_session_before(folder: Path) -> None:
    market = opened(folder)
    market.seek(at("2013-11-04T15:00"))
    inside = [
        tick
        for tick in market.trades("IBM", day_of("2013-11-01"))
        if at("2013-11-01T13:30") <= tick.ts < at("2013-11-01T20:00")
    ]
    assert market.previous_close("IBM") == inside[-1].price
    assert market.days("IBM").tolist() == [day_of("2013-11-01"), day_of("2013-11-04")]
    market.seek(at("2013-11-01T15:00"))
    assert market.previous_close("IBM") is None
    assert market.actions("IBM") == ()


def test_a_period_cuts_the_tape_at_instants(folder: Path) -> None:
    market = opened(folder, start="2013-11-04T15:00+00:00", end="2013-11-04T16:00+00:00")
    assert market.now == at("2013-11-04T15:01")
    trades = [tick for tick in all_of(market) if isinstance(tick, TradeTick)]
    assert trades
    assert all(at("2013-11-04T15:00") <= tick.ts < at("2013-11-04T16:00") for tick in trades)


def test_what_is_not_stored_is_refused(folder: Path) -> None:
    with pytest.raises(DataError, match="NOPE"):
        Market.opened(Replay(source=folder, symbols=("NOPE",), kinds=("trades",)))
    with pytest.raises(DataError, match="must hold trades in the period, held none"):
        opened(folder, start="2014-01-01")
    with pytest.raises(ConfigError, match="symbols must name whose ticks"):
        Market.opened(Replay(source=folder, kinds=("trades",)))
    with pytest.raises(ConfigError, match="calendar must name each symbol, 'IBM'"):
        opened(folder, calendar={"AAPL": "XNYS"})
