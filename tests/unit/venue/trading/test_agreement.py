"""A backtest and a session at the venue agree: same bars, same orders, same fills, same cash."""

import math
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given, reject
from hypothesis import strategies as st
from tests.fakes.decisions import Wish, with_wishes
from tests.fakes.panels import bars_of
from tests.fakes.venue_bars import MINUTE_NS, MinuteBar, later_ticks, opening_ticks, play
from tests.fakes.venue_desk import ACCOUNT, make_desk, ns
from tests.fakes.venue_markets import market_of, minutely

import fanfold as ff
from fanfold.alpaca.wire.refusals import Refusal
from fanfold.domain.panel import CLOSE, OPEN
from fanfold.execution.venue_rules import venue_rules
from fanfold.strategies.sizing import FixedUnits
from fanfold.venue.market.spread import Spread
from fanfold.venue.trading.exchange import Exchange
from fanfold.venue.trading.terms import Terms

SYMBOL = "AAPL"
UNITS = 100.0
LOTS = 10**9
OPENS = ns(2026, 6, 9, 9, 30)
MICRO = 10**6


class RefusedError(Exception):
    """The venue does not take what the engine fills: exits that a gap has passed already."""


Fills = list[tuple[int, int, int, int]]
"""Bar, signed lots of 1e-9 units, price and amount [micro-units] of each fill."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What is wished at a bar's close, until `until`; exits may come before."""

    bar: int
    until: int
    side: int = 1
    limit: float | None = None
    stop: float | None = None
    stop_loss: float | None = None
    take_profit: float | None = None
    units: float = UNITS


def bars_from(rows: list[MinuteBar]) -> ff.Bars:
    columns = [[bar.open, bar.high, bar.low, bar.close, 1_000.0] for bar in rows]
    return bars_of(np.array(columns).T[:, :, None], symbols=[SYMBOL], session_bars=len(rows))


def backtest_fills(
    rows: list[MinuteBar], entries: list[Entry], venue: str, slippage_bps: float
) -> tuple[Fills, Decimal]:
    return backtest_of(bars_from(rows), entries, venue, slippage_bps)


def backtest_of(
    bars: ff.Bars, entries: list[Entry], venue: str, slippage_bps: float
) -> tuple[Fills, Decimal]:
    names = ("limit", "stop", "stop_loss", "take_profit")
    wishes = {name: [math.nan] * bars.bar_count for name in names}
    wishes["target"] = [0.0] * bars.bar_count
    for entry in entries:
        for bar in range(entry.bar, min(entry.until, bars.bar_count)):
            wishes["target"][bar] = float(entry.side)
            for name in names:
                price = getattr(entry, name)
                wishes[name][bar] = math.nan if price is None else price
    bars = with_wishes(bars, **wishes)
    units = entries[0].units if entries else UNITS
    options = ff.FillOptions(
        time_in_force="gtc" if units == int(units) else "day",
        fractional=units != int(units),
        intrabar="ohlc",
        exit_reference="signal_close",
        rearm="on_change",
    )
    result = ff.backtest(
        Wish(),
        bars,
        sizing=FixedUnits(units=units),
        costs=ff.Costs(slippage_bps=slippage_bps),
        venue=venue,
        options=options,
        start_bar=0,
    )
    places = {ts: place for place, ts in enumerate(bars.ts.tolist())}
    fills = [
        (
            places[row.ts.value],
            round(row.quantity * LOTS) * (1 if row.side == "buy" else -1),
            round(row.price * MICRO),
            round(row.amount * MICRO),
        )
        for row in result.fills.itertuples()
    ]
    return fills, result.replayed_cash()


def venue_fills(
    rows: list[MinuteBar], entries: list[Entry], venue: str, slippage_bps: float
) -> tuple[Fills, Decimal]:
    desk = make_desk(now=OPENS, terms=Terms(rules=venue_rules(venue)))
    exchange = Exchange(desk)
    spread = slippage_bps / 10_000
    for place, bar in enumerate(rows):
        start = OPENS + place * MINUTE_NS
        # What was decided at the last close: orders are gone before this open, or meet it.
        if any(entry.until == place - 1 for entry in entries):
            exchange.cancel_all(ACCOUNT)
        for tick in opening_ticks(bar, start, SYMBOL, spread):
            play(exchange, tick)
        decide(exchange, entries, place - 1, bar.open)
        for tick in later_ticks(bar, start, SYMBOL, spread):
            play(exchange, tick)
    return fills_told(exchange, OPENS), desk.book.account(ACCOUNT).cash


def fills_told(exchange: Exchange, opens: int) -> Fills:
    executions = [
        (event.ts, event.order.sign, event.execution)
        for event in exchange.take().events
        if event.execution is not None
    ]
    return [
        ((ts - opens) // MINUTE_NS, sign * int(one.qty * LOTS), exact(one.price), exact(one.amount))
        for ts, sign, one in executions
    ]


def exact(amount: Decimal) -> int:
    micro = amount * MICRO
    assert micro == micro.to_integral_value()
    return int(micro)


def decide(exchange: Exchange, entries: list[Entry], bar: int, price: float) -> None:
    for entry in entries:
        if entry.until == bar:
            exchange.close_all(ACCOUNT, cancel_orders=False)
    for entry in entries:
        if entry.bar == bar:
            taken = exchange.submit(ACCOUNT, body_of(entry, price))
            if isinstance(taken, Refusal):
                raise RefusedError(taken.message)


def body_of(entry: Entry, price: float) -> dict[str, Any]:
    passed = entry.stop is not None and (price - entry.stop) * entry.side >= 0
    kinds = {(True, False): "limit", (False, True): "stop", (True, True): "stop_limit"}
    shape = (entry.limit is not None, entry.stop is not None and not passed)
    exits = {
        name: {field: value}
        for name, field, value in (
            ("take_profit", "limit_price", entry.take_profit),
            ("stop_loss", "stop_price", entry.stop_loss),
        )
        if value is not None
    }
    classes = {0: "simple", 1: "oto", 2: "bracket"}
    body = {
        "symbol": SYMBOL,
        "qty": entry.units,
        "side": "buy" if entry.side > 0 else "sell",
        "type": kinds.get(shape, "market"),
        "time_in_force": "gtc" if entry.units == int(entry.units) else "day",
        "order_class": classes[len(exits)],
        "limit_price": entry.limit,
        "stop_price": None if passed else entry.stop,
        **exits,
    }
    return {name: value for name, value in body.items() if value is not None}


def agree(rows: list[MinuteBar], entries: list[Entry], venue: str, slippage_bps: float) -> Fills:
    ours = venue_fills(rows, entries, venue, slippage_bps)
    theirs = backtest_fills(rows, entries, venue, slippage_bps)
    assert ours == theirs
    return ours[0]


def bar(open_: float, high: float, low: float, close: float) -> MinuteBar:
    return MinuteBar(open=open_, high=high, low=low, close=close)


FLAT = bar(100.0, 100.0, 100.0, 100.0)
HAND_MADE = {
    "market": ([FLAT, bar(101, 102, 100, 101), FLAT, bar(99, 99, 98, 98)], Entry(bar=0, until=2)),
    "limit inside": ([FLAT, bar(100, 101, 98, 99), FLAT], Entry(bar=0, until=9, limit=98.5)),
    "limit passed by a gap": (
        [FLAT, bar(100, 101, 99, 100), bar(97, 98, 96, 97)],
        Entry(bar=0, until=9, limit=98.5),
    ),
    "stop inside": ([FLAT, bar(100, 103, 99, 102), FLAT], Entry(bar=0, until=9, stop=101.5)),
    "stop passed by a gap": (
        [FLAT, bar(100, 101, 99, 100), bar(102, 103, 101, 102)],
        Entry(bar=0, until=9, stop=101.5),
    ),
    "short sale at a stop": (
        [FLAT, bar(100, 101, 97, 98), bar(99, 99, 98, 99), FLAT],
        Entry(bar=0, until=2, side=-1, stop=98.5),
    ),
    "target, though the bar has both": (
        [FLAT, bar(100, 103, 96, 101)],
        Entry(bar=0, until=9, take_profit=102.5, stop_loss=96.5),
    ),
    "stop, though the bar has both": (
        [FLAT, bar(100, 104, 97, 101)],
        Entry(bar=0, until=9, take_profit=102.5, stop_loss=97.5),
    ),
    "exit beyond its stop after a gap": (
        [FLAT, FLAT, bar(95, 96, 94, 95)],
        Entry(bar=0, until=9, take_profit=105.0, stop_loss=97.5),
    ),
    "exit better than its target after a gap": (
        [FLAT, FLAT, bar(107, 108, 106, 107)],
        Entry(bar=0, until=9, take_profit=105.0, stop_loss=97.5),
    ),
    "entry and stop in one bar": (
        [FLAT, bar(100, 101, 95, 99), FLAT],
        Entry(bar=0, until=9, limit=98.5, stop_loss=96.5),
    ),
}


@pytest.mark.parametrize("slippage_bps", [0.0, 10.0])
@pytest.mark.parametrize("venue", ["alpaca", "ideal"])
@pytest.mark.parametrize("case", HAND_MADE)
def test_a_session_fills_as_the_backtest_does(case: str, venue: str, slippage_bps: float) -> None:
    rows, entry = HAND_MADE[case]
    assert agree(rows, [entry], venue, slippage_bps)


@pytest.mark.parametrize("venue", ["alpaca", "ideal"])
@pytest.mark.parametrize("price", [{}, {"limit": 98.765}, {"limit": 98.77}, {"stop": 101.23}])
def test_parts_of_a_unit_cost_the_same_to_the_last_millionth(
    venue: str, price: dict[str, float]
) -> None:
    rows = [FLAT, bar(100.013, 102.007, 98.003, 101.009), bar(99.987, 100.5, 99.001, 99.5)]
    if venue == "alpaca":  # its prices lie on ticks: a backtest rounds, the venue refuses
        price = {name: round(level, 2) for name, level in price.items()}
    fills = agree(rows, [Entry(bar=0, until=1, units=12.345678901, **price)], venue, 0.0)
    assert len(fills) == 2


def test_which_exit_comes_first_follows_from_the_path_to_the_nearer_extreme() -> None:
    target = HAND_MADE["target, though the bar has both"]
    stop = HAND_MADE["stop, though the bar has both"]
    assert agree(target[0], [target[1]], "alpaca", 0.0)[-1][2] == 102_500_000
    assert agree(stop[0], [stop[1]], "alpaca", 0.0)[-1][2] == 97_500_000


@pytest.mark.parametrize("seed", range(4))
def test_a_replay_of_stored_minutes_fills_as_the_backtest_of_them_does(seed: int) -> None:
    bars = minutely(["2026-06-09"], seed=seed, pre=0, kept=1.0)
    closes = bars.panel[CLOSE, :, 0]
    rng = np.random.default_rng(seed)
    entries = [
        rough_entry(rng, begin, begin + 20, float(closes[begin]), scale=0.1)
        for begin in range(2, bars.bar_count - 40, 30)
    ]
    market = market_of(bars, spread=Spread(bps=0.0, depth=0), begin=OPENS)
    desk = replace(make_desk(), market=market)
    exchange = Exchange(desk)
    for place in range(bars.bar_count):
        start = OPENS + place * MINUTE_NS
        go(exchange, start - 1)
        if any(entry.until == place - 1 for entry in entries):
            exchange.cancel_all(ACCOUNT)
        go(exchange, start)
        decide(exchange, entries, place - 1, float(bars.panel[OPEN, place, 0]))
    go(exchange, OPENS + bars.bar_count * MINUTE_NS)
    fills = fills_told(exchange, OPENS)
    assert len(fills) > len(entries)
    assert (fills, desk.book.account(ACCOUNT).cash) == backtest_of(bars, entries, "alpaca", 0.0)


def go(exchange: Exchange, until: int) -> None:
    market: Any = exchange.desk.market
    for tick in market.go(until, ticks_max=10**6):
        exchange.on_tick(tick)


@st.composite
def markets(draw: st.DrawFn) -> tuple[list[MinuteBar], list[Entry]]:
    """Rough minutes near 100 in cents, and entries with exits on their own side."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    count = int(rng.integers(4, 16))
    rows = [rough_bar(rng, price) for price in 100 * np.exp(rng.normal(0, 0.003, count).cumsum())]
    entries: list[Entry] = []
    begin = 0
    while begin < count - 1:
        until = begin + int(rng.integers(1, 6))
        entries.append(rough_entry(rng, begin, until, rows[begin].close))
        begin = until + int(rng.integers(1, 3))
    return rows, entries


def rough_bar(rng: np.random.Generator, price: float) -> MinuteBar:
    open_, close = price * np.exp(rng.normal(0, 0.004, 2))
    high = max(open_, close) * (1 + rng.uniform(0, 0.02))
    low = min(open_, close) * (1 - rng.uniform(0, 0.02))
    return bar(*(round(float(one), 2) for one in (open_, high, low, close)))


def rough_entry(
    rng: np.random.Generator, begin: int, until: int, close: float, *, scale: float = 1.0
) -> Entry:
    side = int(rng.choice([1, -1]))
    kind = rng.choice(["market", "limit", "stop"])
    away = scale * rng.uniform(0.0, 0.015)
    limit = round(close * (1 - side * away), 2) if kind == "limit" else None
    stop = round(close * (1 + side * away), 2) if kind == "stop" else None
    # Entries at a stop have no exits at the venue; and a backtest knows no target inside the
    # bar of an entry that waited.
    has_stop = kind != "stop" and rng.random() < 0.7
    has_target = kind == "market" and rng.random() < 0.7
    loss = round(close * (1 - side * scale * rng.uniform(0.016, 0.03)), 2)
    profit = round(close * (1 + side * scale * rng.uniform(0.016, 0.03)), 2)
    return Entry(
        bar=begin,
        until=until,
        side=side,
        limit=limit,
        stop=stop,
        stop_loss=loss if has_stop else None,
        take_profit=profit if has_target else None,
    )


@given(
    market=markets(), venue=st.sampled_from(["alpaca", "ideal"]), bps=st.sampled_from([0.0, 5.0])
)
def test_wild_sessions_fill_as_their_backtests_do(
    market: tuple[list[MinuteBar], list[Entry]], venue: str, bps: float
) -> None:
    try:
        agree(*market, venue, bps)
    except RefusedError:
        reject()
