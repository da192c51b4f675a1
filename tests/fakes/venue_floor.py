"""A venue without a server: its floor, and a client that trades by the minute."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from decimal import Decimal
from typing import Any, TypeVar

from fanfold.alpaca.wire.refusals import Refusal
from fanfold.venue.floor import Floor
from fanfold.venue.journal import Journal
from fanfold.venue.market.market import Market
from fanfold.venue.market.values import BarTick
from fanfold.venue.run import open_floor
from fanfold.venue.settings import VenueSettings
from fanfold.venue.trading.values import Event, Order

MINUTE_NS = 60 * 10**9
EVENTS_MAX = 100_000
T = TypeVar("T")


def floor_of(market: Market, **settings: Any) -> Floor:
    """A venue in memory whose clock stands."""
    given = VenueSettings.model_validate({"speed": 0.0, **settings})
    return open_floor(given, market, Journal.open(None, terms="a test's"))


def account_of(floor: Floor) -> str:
    return floor.exchange.desk.book.accounts[0].id


def ask(floor: Floor, **body: Any) -> Order:
    """An order as a client asks for it; it must be taken."""
    usual = {"symbol": "AAPL", "type": "market", "time_in_force": "day"}
    taken = floor.do(lambda: floor.exchange.submit(account_of(floor), {**usual, **body}))
    assert not isinstance(taken, Refusal), taken
    return taken


def held(floor: Floor, symbol: str = "AAPL") -> Decimal:
    position = floor.exchange.desk.book.position(account_of(floor), symbol)
    return Decimal(0) if position is None else position.qty


def cash(floor: Floor) -> Decimal:
    return floor.exchange.desk.book.accounts[0].cash


def events(floor: Floor) -> list[Event]:
    return floor.journal.events(account_of(floor), after_seq=0, limit=EVENTS_MAX)


def fills(floor: Floor) -> list[tuple[str, str, Decimal, Decimal]]:
    """All fills in order: symbol, side, units, price."""
    return [
        (event.order.symbol, event.order.side, event.execution.qty, event.execution.price)
        for event in events(floor)
        if event.execution is not None
    ]


async def by_minute(floor: Floor, decide: Callable[[BarTick], Mapping[str, Any] | None]) -> None:
    """Trade to the market's end: one decision after each minute that has a bar.

    Args:
        floor: The venue, with one asset.
        decide: From a bar to what is bought, nothing for leaving the market, or None for
            leaving all as it is.
    """
    symbol = floor.market.assets[0].symbol
    while (following := floor.market.next_ts) is not None:
        await floor.step(-(-following // MINUTE_NS) * MINUTE_NS)
        bar = floor.market.minute_bar(symbol)
        if bar is None or bar.ts != floor.market.now:
            continue
        wanted = decide(bar)
        if wanted:
            ask(floor, symbol=symbol, side="buy", **wanted)
        elif wanted is not None:
            floor.do(lambda: floor.exchange.cancel_all(account_of(floor)))
            if units := held(floor, symbol):
                ask(floor, symbol=symbol, side="sell", qty=str(units))


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)
