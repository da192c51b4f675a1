"""A floor with streams alone, and a server around it: what the streams need, no more."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from types import SimpleNamespace
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from aiohttp import web
from aiohttp.test_utils import TestServer

from fanfold.alpaca.wire.instants import instant_text
from fanfold.venue.faults.plan import Delivery, Trouble
from fanfold.venue.server.event_feed import event_id
from fanfold.venue.server.gate import ACCOUNT
from fanfold.venue.server.sockets import routes
from fanfold.venue.streams.hub import Hub
from fanfold.venue.trading.values import Event, Order

LONGEST_S = 20
TS = 1_704_205_800_000_000_000
KEYS = ("PKTEST", "secret-of-test")
OTHER_KEYS = ("PKOTHER", "secret-of-other")
ACCOUNTS = {KEYS: "account-1", OTHER_KEYS: "account-2"}


def named(text: str) -> str:
    """A UUID for a word."""
    return str(uuid5(NAMESPACE_OID, text))


def event(seq: int, *, account: str = "account-1", name: str = "new") -> Event:
    """An event of some order."""
    order = Order(
        id=named("order"),
        client_order_id="mine",
        account=account,
        symbol="AAPL",
        asset_class="us_equity",
        side="buy",
        kind="limit",
        time_in_force="day",
        qty=Decimal(1),
        limit_price=Decimal(100),
        status="new",
        created_at=TS,
        updated_at=TS + seq,
        submitted_at=TS,
    )
    return Event(seq=seq, ts=TS + seq, account=account, name=name, order=order)


def told(one: Event) -> dict[str, Any]:
    """An event as the SDK wants it."""
    order = one.order
    return {
        "event": one.name,
        "timestamp": instant_text(one.ts),
        "at": instant_text(one.ts),
        "event_id": event_id(one),
        "execution_id": named(f"execution {one.seq}"),
        "order": {
            "id": order.id,
            "client_order_id": order.client_order_id,
            "created_at": instant_text(order.created_at),
            "updated_at": instant_text(order.updated_at),
            "submitted_at": instant_text(order.submitted_at),
            "asset_id": named(order.symbol),
            "symbol": order.symbol,
            "asset_class": order.asset_class,
            "qty": "1",
            "filled_qty": "0",
            "order_class": "simple",
            "type": order.kind,
            "side": order.side,
            "time_in_force": order.time_in_force,
            "limit_price": "100",
            "status": order.status,
            "extended_hours": False,
        },
    }


class NoFaults:
    """Nothing goes wrong, or one thing does."""

    def __init__(self) -> None:
        self.trouble: Trouble | None = None
        self.delivery: Delivery | None = None

    def lets_in(self, *_asked: str) -> bool:
        return True

    def on_upgrade(self, *_asked: str) -> Trouble | None:
        return self.trouble

    def on_messages(self, *_asked: Any) -> Delivery | None:
        return self.delivery


class Kept:
    """A journal of a list."""

    def __init__(self) -> None:
        self.all: list[Event] = []

    def events(
        self,
        account: str,
        *,
        after_seq: int = 0,
        since: int | None = None,
        until: int | None = None,
        limit: int = 1_000,
    ) -> list[Event]:
        found = [
            one
            for one in self.all
            if one.account == account
            and one.seq > after_seq
            and (since is None or one.ts >= since)
            and (until is None or one.ts <= until)
        ]
        return found[:limit]


class StreamFloor:
    """What the streams ask of a floor."""

    def __init__(self, **hub: Any) -> None:
        self.faults = NoFaults()
        self.journal = Kept()
        self.hub = Hub(encode_event=told, faults=self.faults, **hub)
        accounts = [SimpleNamespace(id=account) for account in ACCOUNTS.values()]
        book = SimpleNamespace(accounts=accounts)
        self.exchange = SimpleNamespace(desk=SimpleNamespace(book=book))
        self.settings = SimpleNamespace(plan="plus")
        self.market = SimpleNamespace(assets=(), now=TS)

    def account_of(self, key: str, secret: str) -> str | None:
        return ACCOUNTS.get((key, secret))


@web.middleware
async def _keyed(request: web.Request, handler: Any) -> web.StreamResponse:
    keys = (request.headers.get("APCA-API-KEY-ID"), request.headers.get("APCA-API-SECRET-KEY"))
    request[ACCOUNT] = ACCOUNTS.get(keys, "")
    return await handler(request)


@asynccontextmanager
async def streams(floor: StreamFloor) -> AsyncIterator[str]:
    """Serve a floor's streams; gives the address without its scheme."""
    app = web.Application(middlewares=[_keyed])
    app.add_routes(routes(floor))
    server = TestServer(app)
    await server.start_server()
    try:
        async with asyncio.timeout(LONGEST_S):
            yield f"{server.host}:{server.port}"
    finally:
        await floor.hub.close()
        await server.close()


async def until(true: Any) -> None:
    """Let others go on until something is so."""
    while not true():  # noqa: ASYNC110  (whatever it is, it has no event of its own)
        await asyncio.sleep(0)
