"""Bars, trades and quotes of the past, page by page."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from itertools import chain
from typing import Any, Final, TypeVar

from aiohttp import web

from fanfold.alpaca.wire.refusals import Refusal, data_refusal
from fanfold.venue.floor import Floor
from fanfold.venue.market.history.columns import joined, rows
from fanfold.venue.market.history.history import History, Span
from fanfold.venue.market.history.past import Minutes
from fanfold.venue.market.history.timeframes import Timeframe, day_of, midnight
from fanfold.venue.market.values import Asset, QuoteTick, TradeTick
from fanfold.venue.server.answers import route
from fanfold.venue.server.data.forms import bar_forms, quote_form, trade_form
from fanfold.venue.server.data.paging import Block, Page, Reading, Token, read_page, token_of
from fanfold.venue.server.data.plan import DELAY_NS, hides, no_recent_data
from fanfold.venue.server.data.query import (
    COINS,
    FEEDS,
    LIMIT,
    LIMIT_MAX,
    SHARES,
    SILENT_FEEDS,
    Moment,
    Reader,
    Room,
    adjustment,
    as_of,
    day_number,
    moment,
    one_of,
    timeframe,
    values_of,
    whole,
)

KINDS: Final = ("bars", "trades", "quotes")
"""What there is of the past."""

Tick = TypeVar("Tick", TradeTick, QuoteTick)
B = TypeVar("B", bound=Block)

_COMMON: Final[Mapping[str, Reader]] = {
    "start": moment,
    "end": moment,
    "limit": whole(LIMIT_MAX),
    "sort": one_of("asc", "desc"),
    "page_token": lambda _name, text: text,
}
_OF_SHARES: Final[Mapping[str, Reader]] = {
    **_COMMON,
    "feed": one_of(*sorted(FEEDS)),
    "currency": one_of("USD"),
    "asof": as_of,
}
_READERS: Final[Mapping[tuple[str, bool], Mapping[str, Reader]]] = {
    ("bars", False): {**_OF_SHARES, "timeframe": timeframe, "adjustment": adjustment},
    ("trades", False): _OF_SHARES,
    ("quotes", False): _OF_SHARES,
    ("bars", True): {**_COMMON, "timeframe": timeframe},
    ("trades", True): _COMMON,
    ("quotes", True): _COMMON,
}
"""What is read of a query, by what is asked for and whether it is of coins."""


def routes(floor: Floor, history: History) -> list[web.RouteDef]:
    """Routes of the past."""
    made: list[web.RouteDef] = []
    for kind in KINDS:
        for room, path in (
            (SHARES, f"/v2/stocks/{kind}"),
            (SHARES, f"/v2/stocks/{{symbol}}/{kind}"),
            (COINS, f"/v1beta3/crypto/{{location}}/{kind}"),
        ):
            made.append(route(floor, "GET", path, partial(_answer, history, room, kind)))
    return made


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """A request, checked.

    Attributes:
        assets: Whose points.
        span: When.
        limit: Points at most.
        scope: What its tokens are good for.
        token: The page before; None for the first.
    """

    assets: Sequence[Asset]
    span: Span
    limit: int
    scope: str
    token: Token | None


async def _answer(
    history: History, room: Room, kind: str, floor: Floor, request: web.Request
) -> dict[str, Any] | Refusal:
    values = room.place(request) or values_of(request, _READERS[kind, room.is_coins])
    if isinstance(values, Refusal):
        return values
    asked = _asked(floor, room, kind, request, values)
    if isinstance(asked, Refusal):
        return asked
    is_coin = room.is_coins
    if kind == "bars":
        points, token = await _bars(history, asked, values, is_coin=is_coin)
    elif kind == "trades":
        points, token = await _ticks(history.trades, partial(trade_form, is_coin=is_coin), asked)
    else:
        points, token = await _ticks(history.quotes, partial(quote_form, is_coin=is_coin), asked)
    following = None if token is None else token.text(asked.scope)
    symbol = request.match_info.get("symbol")
    if symbol is None:
        return {kind: points, "next_page_token": following}
    return {kind: points.get(symbol, []), "symbol": symbol, "next_page_token": following}


def _asked(
    floor: Floor, room: Room, kind: str, request: web.Request, values: Mapping[str, Any]
) -> _Asked | Refusal:
    """What a request asks for; what its values say must fit together."""
    if kind == "bars" and "timeframe" not in values:
        return data_refusal(
            "Invalid format for parameter timeframe: query parameter 'timeframe' is required"
        )
    assets = room.assets(floor, request)
    if isinstance(assets, Refusal):
        return assets
    feed = values.get("feed", "sip")
    span = _span(floor, room, values, hidden=hides(floor, room, feed))
    if isinstance(span, Refusal):
        return span
    shown = () if feed in SILENT_FEEDS else assets
    length = values["timeframe"].name if kind == "bars" else ""
    scope = f"{kind}|{length}|{values.get('sort', 'asc')}"
    token = None
    if "page_token" in values:
        token = token_of(values["page_token"], scope, [asset.symbol for asset in shown])
        if token is None:
            return data_refusal("invalid page_token")
    limit = values.get("limit", LIMIT)
    return _Asked(assets=shown, span=span, limit=limit, scope=scope, token=token)


def _span(floor: Floor, room: Room, values: Mapping[str, Any], *, hidden: bool) -> Span | Refusal:
    """When: from the begin of the current day until now, where nothing else is said."""
    now, zone = floor.market.now, room.zone
    seen = now - DELAY_NS if hidden else now
    start = _begin(values.get("start"), zone, midnight(day_of(now, zone), zone))
    end = _end(values.get("end"), zone, seen)
    if end < start:
        return data_refusal("end should not be before start")
    if end > seen and hidden:
        return no_recent_data()
    return Span(start=start, end=end, now=now, newest_first=values.get("sort") == "desc")


def _begin(moment: Moment | None, zone: str, otherwise: int) -> int:
    if isinstance(moment, date):
        return midnight(day_number(moment), zone)
    return otherwise if moment is None else moment


def _end(moment: Moment | None, zone: str, otherwise: int) -> int:
    """A date ends with its last nanosecond."""
    if isinstance(moment, date):
        return midnight(day_number(moment) + 1, zone) - 1
    return otherwise if moment is None else moment


async def _bars(
    history: History, asked: _Asked, values: Mapping[str, Any], *, is_coin: bool
) -> tuple[dict[str, Any], Token | None]:
    length: Timeframe = values["timeframe"]
    kinds: str = values.get("adjustment", "raw")

    def blocks(asset: Asset, span: Span) -> Iterator[Minutes]:
        return history.bars(asset, length, span, adjustment=kinds)

    reading: Reading[Minutes] = Reading(
        blocks=blocks,
        part=lambda block, low, high: rows(block, slice(low, high)),
        ts=lambda block, place: int(block.start[place]),
    )
    page = await _page(reading, asked)
    points = {
        symbol: bar_forms(joined(found), is_coin=is_coin) for symbol, found in page.blocks.items()
    }
    return points, page.token


async def _ticks(
    blocks: Callable[[Asset, Span], Iterator[Sequence[Tick]]],
    form: Callable[[Tick], dict[str, Any]],
    asked: _Asked,
) -> tuple[dict[str, Any], Token | None]:
    reading: Reading[Sequence[Tick]] = Reading(
        blocks=blocks,
        part=lambda block, low, high: block[low:high],
        ts=lambda block, place: block[place].ts,
    )
    page = await _page(reading, asked)
    points = {
        symbol: list(map(form, chain.from_iterable(found))) for symbol, found in page.blocks.items()
    }
    return points, page.token


async def _page(reading: Reading[B], asked: _Asked) -> Page[B]:
    return await read_page(reading, asked.assets, asked.span, limit=asked.limit, token=asked.token)
