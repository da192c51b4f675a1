"""A venue's REST side for tests: a real exchange, book and journal, and a market set by hand."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer
from tests.fakes.venue_desk import ASSETS, PHASES, QUOTES, HandMarket, ns

from fanfold.venue.faults.faults import Faults
from fanfold.venue.floor import Floor
from fanfold.venue.journal import Journal
from fanfold.venue.market.values import StatusTick, Tick
from fanfold.venue.server import own, sockets, trading
from fanfold.venue.server.app import joined
from fanfold.venue.server.trading.forms import update_form
from fanfold.venue.settings import VenueSettings
from fanfold.venue.streams.hub import Hub
from fanfold.venue.trading.book import Book
from fanfold.venue.trading.desk import Desk
from fanfold.venue.trading.exchange import Exchange
from fanfold.venue.trading.terms import Terms
from fanfold.venue.trading.values import Account

KEYS: Final = {
    "PKONE": ("secret-one", "11111111-1111-4111-8111-111111111111"),
    "PKTWO": ("secret-two", "22222222-2222-4222-8222-222222222222"),
}
OWN: Final = {"APCA-API-KEY-ID": "PKONE", "APCA-API-SECRET-KEY": "secret-one"}
OTHER: Final = {"APCA-API-KEY-ID": "PKTWO", "APCA-API-SECRET-KEY": "secret-two"}
ONE, TWO = (account for _, account in KEYS.values())

Asked = tuple[int, Any, Mapping[str, str]]
"""An answer: its status, its body (JSON, or text), its headers."""


class Market(HandMarket):
    """The market of a desk, with what a floor asks beside; nothing comes by itself."""

    next_ts: int | None = None
    last_ts: int = 2**62

    def go(self, until: int, *, ticks_max: int) -> Sequence[Tick]:
        assert ticks_max > 0
        self.now = until
        return ()

    def halt(self, symbol: str, *, on: bool = True, reason: str = "") -> StatusTick | None:
        if self.is_halted(symbol) == on:
            return None
        super().halt(symbol, on=on)
        return StatusTick(self.now, symbol, "H" if on else "T", "", "T1", reason)


def make_floor(phase: str = "regular", **settings: Any) -> Floor:
    """A floor with two accounts of 100,000 each."""
    market = Market(ns(2026, 6, 9, *PHASES[phase]), ASSETS)
    for symbol, (bid, ask) in QUOTES.items():
        market.set_quote(symbol, bid, ask)
        market.set_last(symbol, round((bid + ask) / 2, 4))
        market.set_previous_close(symbol, round((bid + ask) / 2, 4))
    journal = Journal.open(None, terms="test")
    faults = Faults(clock=lambda: market.now)
    book = Book(journal)
    exchange = Exchange(Desk(book=book, market=market, terms=Terms(mischief=faults.mischief)))
    cash = Decimal(100_000)
    for number, account in enumerate((ONE, TWO)):
        book.put_account(
            Account(
                id=account,
                number=f"PA{number}",
                cash=cash,
                last_equity=cash,
                created_at=market.now,
            )
        )
    journal.commit(exchange.take(), market.now)
    return Floor(
        VenueSettings(**{"requests_per_minute": 1_000_000, "speed": 0.0, **settings}),
        exchange=exchange,
        market=market,
        journal=journal,
        hub=Hub(encode_event=update_form, faults=faults),
        faults=faults,
        keys=KEYS,
    )


def make_app(floor: Floor) -> web.Application:
    """Trading and the venue's own room, behind the gate."""
    return joined(floor, (trading.routes, own.routes, sockets.routes))


class Rest:
    """Asks a served floor.

    Attributes:
        floor: What is asked.
        url: Where it is.
        session: What asks.
    """

    def __init__(self, floor: Floor, url: str, session: ClientSession) -> None:
        self.floor = floor
        self.url = url
        self.session = session

    async def ask(
        self, method: str, path: str, body: Any = None, *, keys: Any = OWN, **options: Any
    ) -> Asked:
        """One request; `body` is sent as JSON."""
        sent = {"headers": keys, **options}
        if body is not None:
            sent["json"] = body
        async with self.session.request(
            method, self.url + path, allow_redirects=False, **sent
        ) as answer:
            is_json = answer.content_type == "application/json"
            return (
                answer.status,
                await (answer.json() if is_json else answer.text()),
                answer.headers,
            )

    async def good(self, method: str, path: str, body: Any = None, **options: Any) -> Any:
        """One request that must be granted: its body."""
        status, content, _ = await self.ask(method, path, body, **options)
        assert status < 300, (status, content)
        return content


def served(
    work: Callable[[Rest], Awaitable[Any]],
    *,
    floor: Floor | None = None,
    build: Callable[[Floor], web.Application] = make_app,
    **settings: Any,
) -> Any:
    """What comes of work on a served floor; whatever happens, all is closed after."""
    floor = floor or make_floor(**settings)

    async def serve() -> Any:
        async with TestServer(build(floor)) as server, ClientSession() as session:
            return await work(Rest(floor, str(server.make_url("")).rstrip("/"), session))

    try:
        return asyncio.run(serve())
    finally:
        floor.journal.close()
