"""The account over HTTP: its money, its settings and what moved it."""

from typing import Any, Final

from aiohttp import web

from fanfold.alpaca.wire.accounts import (
    AccountMessage,
    ActivityMessage,
    ConfigurationMessage,
    FillMessage,
)
from fanfold.alpaca.wire.refusals import Refusal, malformed
from fanfold.domain.period import day_text
from fanfold.venue.floor import Floor
from fanfold.venue.journal import ActivityQuery
from fanfold.venue.market.hours import calendar_rows
from fanfold.venue.server.answers import route
from fanfold.venue.server.gate import ACCOUNT
from fanfold.venue.server.requests import (
    DAY_NS,
    body_of,
    instant,
    listed,
    one_of,
    query_of,
    whole,
)
from fanfold.venue.server.trading.account_forms import (
    account_form,
    activity_form,
    configuration_form,
)
from fanfold.venue.server.trading.asset_forms import EXCHANGE
from fanfold.venue.trading.money import figures

PAGE_MAX: Final = 100
"""Activities of one answer at most."""

BOOKED: Final = ("CFEE", "DIV", "FEE", "INT", "JNLC", "SPLIT")
"""Types of activities without a trade that there are here."""

LOOK_BACK_DAYS: Final = 14
"""How far back the session before is looked for [days]."""

_CATEGORIES: Final = {"trade_activity": ("FILL",), "non_trade_activity": BOOKED}
_FILTERS: Final = {
    "activity_types": listed,
    "category": one_of(*_CATEGORIES),
    "date": instant,
    "after": instant,
    "until": instant,
    "direction": one_of("asc", "desc"),
    "page_size": whole(1, PAGE_MAX),
    "page_token": str,
}


def routes(floor: Floor) -> list[web.RouteDef]:
    """Routes of the account."""
    return [
        route(floor, "GET", "/v2/account", _show),
        route(floor, "GET", "/v2/account/configurations", _configuration),
        route(floor, "PATCH", "/v2/account/configurations", _configure),
        route(floor, "GET", "/v2/account/activities", _activities),
        route(floor, "GET", "/v2/account/activities/{activity_type}", _activities),
    ]


async def _show(floor: Floor, request: web.Request) -> AccountMessage:
    return shown_account(floor, request[ACCOUNT])


def shown_account(floor: Floor, account_id: str) -> AccountMessage:
    """An account in the broker's form, at the market's present prices."""
    desk = floor.exchange.desk
    coming = floor.market.hours(EXCHANGE).session_day
    before = calendar_rows(coming - LOOK_BACK_DAYS, coming - 1, EXCHANGE)
    balance_day = before[-1].date if before else day_text(coming - 1)
    account = desk.book.account(account_id)
    return account_form(account, figures(desk, account_id), balance_day=balance_day)


async def _configuration(floor: Floor, request: web.Request) -> ConfigurationMessage:
    return configuration_form(floor.exchange.desk.book.account(request[ACCOUNT]))


async def _configure(floor: Floor, request: web.Request) -> ConfigurationMessage | Refusal:
    body = await body_of(request)
    if isinstance(body, Refusal):
        return body
    owner = request[ACCOUNT]
    account = floor.do(lambda: floor.exchange.configure(owner, body))
    return account if isinstance(account, Refusal) else configuration_form(account)


async def _activities(
    floor: Floor, request: web.Request
) -> list[FillMessage | ActivityMessage] | Refusal:
    asked = query_of(request, _FILTERS)
    if isinstance(asked, Refusal):
        return asked
    named = request.match_info.get("activity_type")
    if named is not None:
        if "activity_types" in asked:
            return malformed("activity_types must not be given beside a type in the path")
        asked["activity_types"] = (named,)
    if "category" in asked and "activity_types" in asked:
        return malformed("only one of category or activity_types is accepted")
    if "date" in asked and ("after" in asked or "until" in asked):
        return malformed("date must not be given beside after or until")
    found = floor.journal.activities(request[ACCOUNT], _query(asked))
    return [activity_form(one) for one in found]


def _query(asked: dict[str, Any]) -> ActivityQuery:
    kinds = tuple(kind.upper() for kind in asked.get("activity_types", ()))
    after, until = asked.get("after"), asked.get("until")
    if "date" in asked:  # both ends of a query are excluded, a day's first instant is not
        begin = asked["date"] // DAY_NS * DAY_NS
        after, until = begin - 1, begin + DAY_NS
    return ActivityQuery(
        kinds=kinds or _CATEGORIES.get(asked.get("category", ""), ()),
        after=after,
        until=until,
        ascending=asked.get("direction") == "asc",
        page_size=asked.get("page_size", PAGE_MAX),
        page_token=asked.get("page_token", ""),
    )
