import asyncio
import contextlib
from decimal import Decimal
from typing import Any

import pytest
from tests.fakes.venue_floor import account_of, ask, cash, events, fills, floor_of, held, run
from tests.fakes.venue_markets import COIN, at, daily, heard, market_of

from fanfold.alpaca.wire.refusals import Refusal
from fanfold.domain.bars import Bars
from fanfold.domain.panel import CLOSE, OPEN
from fanfold.venue.floor import Floor
from fanfold.venue.market.spread import Spread

DAYS = daily()


def started(instant: str, bars: Bars = DAYS, **settings: Any) -> Floor:
    market = market_of(bars, spread=Spread(bps=0.0))
    market.seek(at(instant))
    return floor_of(market, **settings)


def step(floor: Floor, instant: str) -> int:
    return run(floor.step(at(instant)))


def price(day: str, field: int, symbol: str = "AAPL") -> float:
    place = DAYS.ts.tolist().index(at(day))
    return round(float(DAYS.panel[field, place, DAYS.symbols.index(symbol)]), 6)


def status(floor: Floor, order_id: str) -> str:
    order = floor.exchange.desk.book.order(order_id)
    assert order is not None
    return order.status


async def until(floor: Floor, holds: Any) -> None:
    """Let the clock go by itself until something holds."""
    going = asyncio.create_task(floor.run())
    try:
        async with asyncio.timeout(120.0):
            while not holds():
                await asyncio.sleep(0.001)
                assert not going.done()
    finally:
        going.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await going


def test_steps_of_any_size_lead_to_the_same() -> None:
    results: list[Any] = []
    for parts in (1, 7, 150):
        floor = started("2013-11-29T14:31", DAYS.select(symbols=["AAPL"]))
        ask(floor, side="buy", qty="10", type="limit", limit_price="90", time_in_force="gtc")
        ask(floor, side="buy", qty="3")
        first, last = floor.market.now, at("2013-11-29T18:00")

        async def go(floor: Floor = floor, parts: int = parts, span: Any = (first, last)) -> int:
            begin, end = span
            return sum(
                [
                    await floor.step(begin + (end - begin) * one // parts)
                    for one in range(1, parts + 1)
                ]
            )

        ticks = run(go())
        results.append((ticks, floor.market.now, cash(floor), fills(floor), events(floor)))
    assert results[0] == results[1] == results[2]


def test_beyond_its_end_the_clock_stands_and_says_so() -> None:
    floor = started("2013-12-03T20:00")
    step(floor, "2020-01-01")
    assert floor.market.now == floor.market.last_ts
    assert floor.statistics()["ended"]
    assert step(floor, "2020-01-01") == 0
    taken = floor.do(
        lambda: floor.exchange.submit(
            account_of(floor),
            {"symbol": COIN, "side": "buy", "type": "market", "qty": "1", "time_in_force": "gtc"},
        )
    )
    assert not isinstance(taken, Refusal)


def test_the_end_is_an_end_though_late_trades_would_change_its_last_minute() -> None:
    market = market_of(DAYS.select(symbols=[COIN]), late_share=1.0)
    market.seek(market.last_ts - 120 * 10**9)
    assert heard(market)
    assert market.next_ts is None


@pytest.mark.parametrize("speed", [60.0, 1e6, "max"])
def test_the_clock_goes_by_itself_up_to_the_end(speed: Any) -> None:
    floor = started("2013-12-04T00:59:59", speed=speed)
    assert floor.market.last_ts == at("2013-12-04T01:00")
    run(until(floor, lambda: floor.statistics()["ended"]))
    assert floor.market.now == floor.market.last_ts


def test_at_speed_0_the_clock_stands() -> None:
    floor = started("2013-11-25T14:31")

    async def wait() -> None:
        going = asyncio.create_task(floor.run())
        await asyncio.sleep(0.05)
        going.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await going

    run(wait())
    assert floor.market.now == at("2013-11-25T14:31")
    assert floor.statistics()["ticks"] == 0


def test_nights_are_skipped_to_just_before_something_happens() -> None:
    shares = DAYS.select(symbols=["AAPL"])
    floor = started("2013-11-27T21:00", shares, speed=1.0, skip_nights=True)
    run(until(floor, lambda: floor.market.now >= at("2013-11-29T08:59:59")))
    assert floor.market.now < at("2013-11-29T09:05")  # twelve hours less, on a slow day too


def test_orders_of_the_night_meet_the_open_and_those_for_auctions_their_own() -> None:
    floor = started("2013-11-26T02:00")
    night = ask(floor, side="buy", qty="1")
    opening = ask(floor, side="buy", qty="2", time_in_force="opg")
    closing = ask(floor, side="buy", qty="4", time_in_force="cls")
    assert {night.status, opening.status, closing.status} == {"accepted"}
    step(floor, "2013-11-26T14:29:59.999999999")
    assert fills(floor) == []
    step(floor, "2013-11-26T14:30")
    assert [(qty, float(at_)) for _, _, qty, at_ in fills(floor)] == [
        (Decimal(1), price("2013-11-26T21:00", OPEN)),
        (Decimal(2), price("2013-11-26T21:00", OPEN)),
    ]
    step(floor, "2013-11-26T21:00")
    assert (fills(floor)[-1][2], float(fills(floor)[-1][3])) == (
        Decimal(4),
        price("2013-11-26T21:00", CLOSE),
    )
    assert held(floor) == 7


@pytest.mark.parametrize(
    ("begin", "end"),
    [
        ("2013-11-27T15:00", "2013-11-27T21:00"),
        ("2013-11-29T15:00", "2013-11-29T18:00"),  # a half day
        ("2013-11-27T21:30", "2013-11-29T18:00"),  # after the close: for the next session
    ],
)
def test_orders_for_the_day_end_with_their_session(begin: str, end: str) -> None:
    floor = started(begin)
    order = ask(floor, side="buy", qty="1", type="limit", limit_price="1")
    run(floor.step(at(end) - 1))
    assert status(floor, order.id) in {"new", "accepted"}
    step(floor, end)
    assert status(floor, order.id) == "expired"
