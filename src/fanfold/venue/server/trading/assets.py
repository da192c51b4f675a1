"""Assets, the exchange's clock and its calendar over HTTP; options and announcements: none."""

from bisect import bisect_right
from datetime import date
from typing import Any, Final

from aiohttp import web

from fanfold.alpaca.wire.assets import AssetMessage, CalendarMessage, ClockMessage
from fanfold.alpaca.wire.refusals import Refusal, not_found
from fanfold.venue.floor import Floor
from fanfold.venue.market.hours import KNOWN, calendar_rows
from fanfold.venue.server.answers import route
from fanfold.venue.server.requests import day, listed, one_of, query_of
from fanfold.venue.server.trading.asset_forms import (
    EXCHANGE,
    asset_form,
    clock_form,
    session_form,
)

SETTLED_AFTER: Final = (3, 2, 1)
"""Sessions after which a share's sale settles, by the periods of `SETTLED_SINCE`."""

SETTLED_SINCE: Final = ("2017-09-05", "2024-05-28")
"""When it became the second, and the first, session after (SEC Rule 15c6-1)."""

LOOK_AHEAD_DAYS: Final = 21
"""How far beyond a period its settlement dates are looked for [days]."""

_EPOCH: Final = date(1970, 1, 1).toordinal()
_FILTERS: Final = {
    "status": one_of("active", "inactive", "all"),
    "asset_class": one_of("us_equity", "crypto", "us_option", "all"),
    "exchange": str.upper,
    "attributes": listed,
}
_PERIOD: Final = {"start": day, "end": day, "date_type": one_of("trading", "settlement")}


def routes(floor: Floor) -> list[web.RouteDef]:
    """Routes of what can be traded, and when."""
    return [
        route(floor, "GET", "/v2/assets", _list),
        route(floor, "GET", "/v2/assets/{named:.+}", _show),
        route(floor, "GET", "/v2/clock", _clock),
        route(floor, "GET", "/v2/calendar", _calendar),
        route(floor, "GET", "/v2/corporate_actions/announcements", _announcements),
        route(floor, "GET", "/v2/corporate_actions/announcements/{named}", _announcement),
        route(floor, "GET", "/v2/options/contracts", _contracts),
        route(floor, "GET", "/v2/options/contracts/{named}", _contract),
    ]


async def _list(floor: Floor, request: web.Request) -> list[AssetMessage] | Refusal:
    asked = query_of(request, _FILTERS)
    if isinstance(asked, Refusal):
        return asked
    asset_class = asked.get("asset_class", "us_equity")
    forms = [
        asset_form(asset)
        for asset in floor.market.assets
        if asset_class in {"all", asset.asset_class}
        and asked.get("exchange", asset.exchange) == asset.exchange
    ]
    status, attributes = asked.get("status", "all"), asked.get("attributes")
    return [
        form
        for form in forms
        if status in {"all", form.status}
        and (attributes is None or not set(attributes).isdisjoint(form.attributes))
    ]


async def _show(floor: Floor, request: web.Request) -> AssetMessage | Refusal:
    named = request.match_info["named"]
    asset = floor.market.asset(named)
    return not_found(f"asset not found for {named}") if asset is None else asset_form(asset)


async def _clock(floor: Floor, _request: web.Request) -> ClockMessage:
    now = floor.market.now + floor.faults.skew_ns
    return clock_form(floor.market.hours(EXCHANGE), now)


async def _calendar(_floor: Floor, request: web.Request) -> list[CalendarMessage] | Refusal:
    asked = query_of(request, _PERIOD)
    if isinstance(asked, Refusal):
        return asked
    first, last = asked.get("start", KNOWN[0]), asked.get("end", KNOWN[1])
    by_settlement = asked.get("date_type") == "settlement"
    reach = LOOK_AHEAD_DAYS if by_settlement else 0
    forms = _sessions(first.toordinal() - _EPOCH - reach, last.toordinal() - _EPOCH)
    span = (first.isoformat(), last.isoformat())
    return [
        form
        for form in forms
        if span[0] <= (form.settlement_date if by_settlement else form.date) <= span[1]
    ]


def _sessions(first_day: int, last_day: int) -> list[CalendarMessage]:
    """Sessions with their settlement dates; those without one yet are left out."""
    rows = calendar_rows(first_day, last_day + LOOK_AHEAD_DAYS, EXCHANGE)
    forms: list[CalendarMessage] = []
    for place, row in enumerate(rows):
        settled = place + SETTLED_AFTER[bisect_right(SETTLED_SINCE, row.date)]
        if row.day > last_day or settled >= len(rows):
            break
        forms.append(session_form(row, rows[settled].date))
    return forms


async def _announcements(_floor: Floor, _request: web.Request) -> list[Any]:
    return []


async def _announcement(_floor: Floor, request: web.Request) -> Refusal:
    return not_found(f"announcement not found for {request.match_info['named']}")


async def _contracts(_floor: Floor, _request: web.Request) -> dict[str, Any]:
    return {"option_contracts": [], "next_page_token": None}


async def _contract(_floor: Floor, request: web.Request) -> Refusal:
    return not_found(f"option contract not found for {request.match_info['named']}")
