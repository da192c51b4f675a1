"""Orders over HTTP: asked for, given, replaced, cancelled."""

from typing import Any, Final

from aiohttp import web

from fanfold.alpaca.wire.orders import OrderMessage
from fanfold.alpaca.wire.refusals import Refusal, malformed, not_found
from fanfold.venue.floor import Floor
from fanfold.venue.journal import OrderQuery
from fanfold.venue.server.answers import each, nothing, route
from fanfold.venue.server.gate import ACCOUNT
from fanfold.venue.server.requests import (
    body_of,
    boolean,
    instant,
    listed,
    one_of,
    query_of,
    whole,
)
from fanfold.venue.server.trading.forms import nested_form, order_form
from fanfold.venue.trading.values import Order

LIMIT_MAX: Final = 500
"""Orders of one answer at most."""

_FILTERS: Final = {
    "status": one_of("open", "closed", "all"),
    "limit": whole(1, LIMIT_MAX),
    "after": instant,
    "until": instant,
    "direction": one_of("asc", "desc"),
    "nested": boolean,
    "symbols": listed,
    "side": one_of("buy", "sell"),
    "asset_class": one_of("us_equity", "crypto", "us_option", "all"),
    "before_order_id": str,
    "after_order_id": str,
}


def routes(floor: Floor) -> list[web.RouteDef]:
    """Routes of orders."""
    one = "/v2/orders/{order_id}"
    return [
        route(floor, "POST", "/v2/orders", _submit),
        route(floor, "GET", "/v2/orders", _list),
        route(floor, "DELETE", "/v2/orders", _cancel_all),
        route(floor, "GET", "/v2/orders:by_client_order_id", _find),
        route(floor, "GET", one, _show),
        route(floor, "PATCH", one, _replace),
        route(floor, "DELETE", one, _cancel),
    ]


async def _submit(floor: Floor, request: web.Request) -> OrderMessage | Refusal:
    body = await body_of(request)
    if isinstance(body, Refusal):
        return body
    account = request[ACCOUNT]
    order = floor.do(lambda: floor.exchange.submit(account, body))
    return order if isinstance(order, Refusal) else nested_form(floor.exchange.desk, order)


async def _list(floor: Floor, request: web.Request) -> list[OrderMessage] | Refusal:
    asked = query_of(request, _FILTERS)
    if isinstance(asked, Refusal):
        return asked
    nested = asked.get("nested", False)
    found = floor.journal.orders(request[ACCOUNT], _query(floor, asked))
    if nested:
        return [nested_form(floor.exchange.desk, order) for order in found]
    return [order_form(order) for order in found]


async def _cancel_all(floor: Floor, request: web.Request) -> web.Response:
    account = request[ACCOUNT]
    done = floor.do(lambda: floor.exchange.cancel_all(account))
    return each([_cancelled(name, refusal) for name, refusal in done])


async def _find(floor: Floor, request: web.Request) -> OrderMessage | Refusal:
    asked = query_of(request, {"client_order_id": str, "nested": boolean})
    if isinstance(asked, Refusal):
        return asked
    name = asked.get("client_order_id")
    if name is None:
        return malformed("client_order_id is required")
    order = floor.exchange.desk.book.order_by_client_id(request[ACCOUNT], name)
    if order is None:
        return not_found(f"order not found for {name}")
    return _form(floor, order, nested=asked.get("nested", False))


async def _show(floor: Floor, request: web.Request) -> OrderMessage | Refusal:
    asked = query_of(request, {"nested": boolean})
    if isinstance(asked, Refusal):
        return asked
    name = request.match_info["order_id"]
    order = floor.exchange.desk.book.order(name)
    if order is None or order.account != request[ACCOUNT]:
        return not_found(f"order not found for {name}")
    return _form(floor, order, nested=asked.get("nested", False))


async def _replace(floor: Floor, request: web.Request) -> OrderMessage | Refusal:
    body = await body_of(request)
    if isinstance(body, Refusal):
        return body
    account, name = request[ACCOUNT], request.match_info["order_id"]
    order = floor.do(lambda: floor.exchange.replace(account, name, body))
    return order if isinstance(order, Refusal) else nested_form(floor.exchange.desk, order)


async def _cancel(floor: Floor, request: web.Request) -> web.Response | Refusal:
    account, name = request[ACCOUNT], request.match_info["order_id"]
    order = floor.do(lambda: floor.exchange.cancel(account, name))
    return order if isinstance(order, Refusal) else nothing()


def _query(floor: Floor, asked: dict[str, Any]) -> OrderQuery:
    names = asked.get("symbols", ())
    assets = {name: floor.market.asset(name) for name in names}
    asset_class = asked.get("asset_class", "")
    return OrderQuery(
        status=asked.get("status", "open"),
        limit=asked.get("limit", 50),
        after=asked.get("after"),
        until=asked.get("until"),
        ascending=asked.get("direction") == "asc",
        symbols=tuple(asset.symbol if asset else name for name, asset in assets.items()),
        side=asked.get("side", ""),
        asset_class="" if asset_class == "all" else asset_class,
        before_order_id=asked.get("before_order_id", ""),
        after_order_id=asked.get("after_order_id", ""),
        with_legs=not asked.get("nested", False),
    )


def _form(floor: Floor, order: Order, *, nested: bool) -> OrderMessage:
    return nested_form(floor.exchange.desk, order) if nested else order_form(order)


def _cancelled(name: str, refusal: Refusal | None) -> dict[str, Any]:
    if refusal is None:
        return {"id": name, "status": 200}
    return {"id": name, "status": 500, "body": refusal.body}
