"""Positions over HTTP: shown and closed."""

from typing import Any, Final

from aiohttp import web

from fanfold.alpaca.wire.accounts import PositionMessage
from fanfold.alpaca.wire.orders import OrderMessage
from fanfold.alpaca.wire.refusals import Refusal, malformed, not_found
from fanfold.venue.floor import Floor
from fanfold.venue.market.values import Asset
from fanfold.venue.server.answers import each, route
from fanfold.venue.server.gate import ACCOUNT
from fanfold.venue.server.requests import boolean, positive, query_of
from fanfold.venue.server.trading.account_forms import position_form
from fanfold.venue.server.trading.forms import order_form
from fanfold.venue.trading.money import position_figures
from fanfold.venue.trading.values import Order

_PART: Final = {"qty": positive, "percentage": positive}


def routes(floor: Floor) -> list[web.RouteDef]:
    """Routes of positions; a coin's name may have its slash."""
    one = "/v2/positions/{named:.+}"
    return [
        route(floor, "GET", "/v2/positions", _list),
        route(floor, "DELETE", "/v2/positions", _close_all),
        route(floor, "GET", one, _show),
        route(floor, "DELETE", one, _close),
        route(floor, "POST", one + "/exercise", _exercise),
    ]


async def _list(floor: Floor, request: web.Request) -> list[PositionMessage]:
    return shown_positions(floor, request[ACCOUNT])


def shown_positions(floor: Floor, account: str) -> list[PositionMessage]:
    """Positions of an account in the broker's form, by symbol."""
    desk = floor.exchange.desk
    return [
        position_form(asset, position_figures(desk, position))
        for position in desk.book.positions(account)
        if (asset := desk.market.asset(position.symbol)) is not None
    ]


async def _show(floor: Floor, request: web.Request) -> PositionMessage | Refusal:
    asset = _asset(floor, request)
    if isinstance(asset, Refusal):
        return asset
    desk = floor.exchange.desk
    position = desk.book.position(request[ACCOUNT], asset.symbol)
    if not position.qty:
        return not_found("position does not exist")
    return position_form(asset, position_figures(desk, position))


async def _close(floor: Floor, request: web.Request) -> OrderMessage | Refusal:
    asset, asked = _asset(floor, request), query_of(request, _PART)
    if isinstance(asset, Refusal):
        return asset
    if isinstance(asked, Refusal):
        return asked
    if len(asked) > 1:
        return malformed("only one of qty or percentage is accepted")
    account = request[ACCOUNT]
    order = floor.do(lambda: floor.exchange.close_position(account, asset.symbol, **asked))
    return order if isinstance(order, Refusal) else order_form(order)


async def _close_all(floor: Floor, request: web.Request) -> web.Response | Refusal:
    asked = query_of(request, {"cancel_orders": boolean})
    if isinstance(asked, Refusal):
        return asked
    account, cancels = request[ACCOUNT], asked.get("cancel_orders", False)
    done = floor.do(lambda: floor.exchange.close_all(account, cancel_orders=cancels))
    return each([_closed(symbol, what) for symbol, what in done])


async def _exercise(_floor: Floor, _request: web.Request) -> Refusal:
    return not_found("position does not exist")  # there are no options here


def _asset(floor: Floor, request: web.Request) -> Asset | Refusal:
    named = request.match_info["named"]
    return floor.market.asset(named) or not_found(f"symbol not found: {named}")


def _closed(symbol: str, what: Order | Refusal) -> dict[str, Any]:
    shown = {"symbol": symbol.replace("/", "")}
    if isinstance(what, Refusal):
        return {**shown, "status": what.status, "body": what.body}
    return {**shown, "status": 200, "body": order_form(what)}
