"""Watchlists over HTTP. They are no trading: kept in memory, and gone when the venue stops."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final, cast
from uuid import uuid4

from aiohttp import web

from fanfold.alpaca.wire.assets import WatchlistMessage
from fanfold.alpaca.wire.instants import instant_text
from fanfold.alpaca.wire.refusals import Refusal, malformed, not_found, unprocessable
from fanfold.venue.floor import Floor
from fanfold.venue.server.answers import nothing, route
from fanfold.venue.server.gate import ACCOUNT
from fanfold.venue.server.requests import body_of
from fanfold.venue.server.trading.asset_forms import asset_form

LISTS_MAX: Final = 200
"""Watchlists of an account at most."""

SYMBOLS_MAX: Final = 1_000
"""Symbols of a watchlist at most."""

NAME_MAX: Final = 64
"""Longest name of a watchlist [characters]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Watchlist:
    id: str
    name: str
    symbols: tuple[str, ...]
    created_at: int
    updated_at: int


@dataclass(slots=True)
class _Shelf:
    """Watchlists of all accounts, by account and id."""

    lists: dict[str, dict[str, _Watchlist]] = field(
        default_factory=dict[str, dict[str, _Watchlist]]
    )

    def of(self, account: str) -> dict[str, _Watchlist]:
        return self.lists.setdefault(account, {})


_Act = Callable[[Floor, web.Request, _Shelf], Awaitable[Any]]


def routes(floor: Floor) -> list[web.RouteDef]:
    """Routes of watchlists."""
    shelf = _Shelf()
    one = "/v2/watchlists/{named}"

    def at(method: str, path: str, act: _Act) -> web.RouteDef:
        async def handle(floor: Floor, request: web.Request) -> Any:
            return await act(floor, request, shelf)

        return route(floor, method, path, handle)

    return [
        at("GET", "/v2/watchlists", _list),
        at("POST", "/v2/watchlists", _create),
        at("GET", one, _show),
        at("PUT", one, _update),
        at("POST", one, _add),
        at("DELETE", one, _delete),
        at("DELETE", one + "/{symbol:.+}", _remove),
    ]


async def _list(_floor: Floor, request: web.Request, shelf: _Shelf) -> list[WatchlistMessage]:
    return [_form(request, kept) for kept in shelf.of(request[ACCOUNT]).values()]


async def _create(floor: Floor, request: web.Request, shelf: _Shelf) -> Any:
    body = await body_of(request)
    if isinstance(body, Refusal):
        return body
    lists = shelf.of(request[ACCOUNT])
    if len(lists) >= LISTS_MAX:
        return unprocessable(f"watchlists must be at most {LISTS_MAX}")
    now = floor.market.now
    blank = _Watchlist(id=str(uuid4()), name="", symbols=(), created_at=now, updated_at=now)
    made = _changed(floor, blank, body, lists)
    return made if isinstance(made, Refusal) else _kept(floor, request, shelf, made)


async def _show(floor: Floor, request: web.Request, shelf: _Shelf) -> Any:
    found = _found(request, shelf)
    return found if isinstance(found, Refusal) else _form(request, found, floor)


async def _update(floor: Floor, request: web.Request, shelf: _Shelf) -> Any:
    body, found = await body_of(request), _found(request, shelf)
    if isinstance(found, Refusal):
        return found
    if isinstance(body, Refusal):
        return body
    made = _changed(floor, found, {"name": found.name, **body}, shelf.of(request[ACCOUNT]))
    return made if isinstance(made, Refusal) else _kept(floor, request, shelf, made)


async def _add(floor: Floor, request: web.Request, shelf: _Shelf) -> Any:
    body, found = await body_of(request), _found(request, shelf)
    if isinstance(found, Refusal):
        return found
    if isinstance(body, Refusal):
        return body
    symbols = _symbols(floor, [*found.symbols, body.get("symbol")])
    if isinstance(symbols, Refusal):
        return symbols
    return _kept(floor, request, shelf, replace(found, symbols=symbols))


async def _remove(floor: Floor, request: web.Request, shelf: _Shelf) -> Any:
    found = _found(request, shelf)
    if isinstance(found, Refusal):
        return found
    asset = floor.market.asset(request.match_info["symbol"])
    if asset is None or asset.symbol not in found.symbols:
        return not_found(f"symbol not found: {request.match_info['symbol']}")
    left = tuple(symbol for symbol in found.symbols if symbol != asset.symbol)
    return _kept(floor, request, shelf, replace(found, symbols=left))


async def _delete(_floor: Floor, request: web.Request, shelf: _Shelf) -> Any:
    found = _found(request, shelf)
    if isinstance(found, Refusal):
        return found
    del shelf.of(request[ACCOUNT])[found.id]
    return nothing()


def _found(request: web.Request, shelf: _Shelf) -> _Watchlist | Refusal:
    named = request.match_info["named"]
    found = shelf.of(request[ACCOUNT]).get(named)
    return not_found(f"watchlist not found for {named}") if found is None else found


def _kept(floor: Floor, request: web.Request, shelf: _Shelf, made: _Watchlist) -> WatchlistMessage:
    made = replace(made, updated_at=max(floor.market.now, made.updated_at))
    shelf.of(request[ACCOUNT])[made.id] = made
    return _form(request, made, floor)


def _changed(
    floor: Floor, old: _Watchlist, body: dict[str, Any], lists: dict[str, _Watchlist]
) -> _Watchlist | Refusal:
    name = body.get("name")
    if not isinstance(name, str) or not 0 < len(name) <= NAME_MAX:
        return malformed(f"watchlist name must be 1 to {NAME_MAX} characters")
    if any(one.name == name and one.id != old.id for one in lists.values()):
        return malformed("watchlist name must be unique")
    symbols = body.get("symbols")
    named = _symbols(floor, list(old.symbols) if symbols is None else symbols)
    return named if isinstance(named, Refusal) else replace(old, name=name, symbols=named)


def _symbols(floor: Floor, named: Any) -> tuple[str, ...] | Refusal:
    """Symbols of assets, each once, as they were named."""
    if not isinstance(named, list):
        return malformed("symbols must be a list")
    names = cast("list[Any]", named)
    if len(names) > SYMBOLS_MAX:
        return malformed(f"symbols must be at most {SYMBOLS_MAX}")
    found: dict[str, None] = {}
    for name in names:
        asset = floor.market.asset(name) if isinstance(name, str) else None
        if asset is None:
            return unprocessable(f'asset "{str(name)[:NAME_MAX]}" not found')
        found[asset.symbol] = None
    return tuple(found)


def _form(request: web.Request, kept: _Watchlist, floor: Floor | None = None) -> WatchlistMessage:
    """A watchlist in the broker's form; its assets are told where it is looked at alone."""
    form = WatchlistMessage(
        id=kept.id,
        account_id=request[ACCOUNT],
        name=kept.name,
        created_at=instant_text(kept.created_at),
        updated_at=instant_text(kept.updated_at),
    )
    if floor is None:
        return form
    assets = [floor.market.asset(symbol) for symbol in kept.symbols]
    return WatchlistMessage(
        **{name: getattr(form, name) for name in WatchlistMessage.__struct_fields__[:-1]},
        assets=tuple(asset_form(asset) for asset in assets if asset is not None),
    )
