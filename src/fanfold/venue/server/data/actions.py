"""Splits and dividends of the past, as the broker lists them."""

from collections.abc import Mapping
from datetime import date
from fractions import Fraction
from typing import Any, Final, NamedTuple
from uuid import uuid5

from aiohttp import web

from fanfold.alpaca.wire.refusals import Refusal, data_refusal
from fanfold.domain.period import day_text
from fanfold.venue.floor import Floor
from fanfold.venue.market.assets import NAMESPACE
from fanfold.venue.market.history.past import Action
from fanfold.venue.market.history.timeframes import day_of
from fanfold.venue.market.hours import NEW_YORK
from fanfold.venue.server.answers import route
from fanfold.venue.server.data.paging import Token, token_of
from fanfold.venue.server.data.query import (
    SYMBOLS_MAX,
    Reader,
    day_number,
    moment,
    one_of,
    shown,
    values_of,
    whole,
)

LIMIT_MAX: Final = 1_000
"""Actions on a page at most."""

LIMIT: Final = 100
"""Actions on a page where nobody says how many."""

TERMS_MAX: Final = 1_000
"""Largest part of the ratio that a split is told as."""

TYPES: Final[dict[str, str]] = {
    "forward_split": "forward_splits",
    "reverse_split": "reverse_splits",
    "cash_dividend": "cash_dividends",
    "unit_split": "unit_splits",
    "stock_dividend": "stock_dividends",
    "spin_off": "spin_offs",
    "cash_merger": "cash_mergers",
    "stock_merger": "stock_mergers",
    "stock_and_cash_merger": "stock_and_cash_mergers",
    "redemption": "redemptions",
    "name_change": "name_changes",
    "worthless_removal": "worthless_removals",
    "rights_distribution": "rights_distributions",
    "partial_call": "partial_calls",
}
"""Kinds that can be asked for and their keys in answers; stores know of the first three."""


class _Row(NamedTuple):
    """An action by its ex-day, its symbol and its type, and how it is written."""

    ex_day: int
    symbol: str
    type: str
    form: dict[str, Any]


def routes(floor: Floor) -> list[web.RouteDef]:
    """The route of splits and dividends."""
    return [route(floor, "GET", "/v1/corporate-actions", _answer)]


async def _answer(floor: Floor, request: web.Request) -> dict[str, Any] | Refusal:
    values = values_of(request, _READERS)
    if isinstance(values, Refusal):
        return values
    today = day_of(floor.market.now, NEW_YORK)
    first = values.get("start", 0 if "ids" in values else today)
    last = values.get("end", today)
    if last < first:
        return data_refusal("end should not be before start")
    rows = [
        row
        for asset in floor.market.assets
        for action in floor.market.actions(asset.symbol)
        for row in _rows(asset.symbol, action)
        # What the venue's clock has not reached is not known.
        if first <= row.ex_day <= min(last, today) and _is_asked(row, values)
    ]
    rows.sort(key=lambda row: row[:3], reverse=values.get("sort") == "desc")
    return _page(rows, values)


def _is_asked(row: _Row, values: Mapping[str, Any]) -> bool:
    if "cusips" in values:  # no store knows them
        return False
    if "ids" in values:
        return row.form["id"] in values["ids"]
    return row.symbol in values.get("symbols", (row.symbol,)) and row.type in values.get(
        "types", TYPES
    )


def _page(rows: list[_Row], values: Mapping[str, Any]) -> dict[str, Any] | Refusal:
    scope = f"actions|{values.get('sort', 'asc')}"
    begin = 0
    if "page_token" in values:
        token = token_of(values["page_token"], scope, [_WHOLE_LIST])
        if token is None or not 0 < token.count < len(rows):
            return data_refusal("invalid page_token")
        begin = token.count
    end = begin + values.get("limit", LIMIT)
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows[begin:end]:
        found.setdefault(TYPES[row.type], []).append(row.form)
    following = Token(_WHOLE_LIST, 0, end).text(scope) if end < len(rows) else None
    return {"corporate_actions": found, "next_page_token": following}


def _rows(symbol: str, action: Action) -> list[_Row]:
    """An action as the broker tells it: a split and a dividend apart."""
    ex_date = day_text(action.ex_day)
    dates = {"ex_date": ex_date, "process_date": ex_date, "record_date": None, "payable_date": None}
    rows: list[_Row] = []
    if action.split != 1.0:
        ratio = Fraction(action.split).limit_denominator(TERMS_MAX)
        forward = action.split > 1.0
        kind = "forward_split" if forward else "reverse_split"
        form = {
            "id": _id(symbol, kind, ex_date),
            "symbol": symbol,
            **({"cusip": ""} if forward else {"old_cusip": "", "new_cusip": ""}),
            "new_rate": ratio.numerator,
            "old_rate": ratio.denominator,
            **dates,
        }
        rows.append(_Row(action.ex_day, symbol, kind, form))
    if action.dividend:
        form = {
            "id": _id(symbol, "cash_dividend", ex_date),
            "symbol": symbol,
            "cusip": "",
            "rate": action.dividend,
            "special": False,
            "foreign": False,
            **dates,
        }
        rows.append(_Row(action.ex_day, symbol, "cash_dividend", form))
    return rows


def _id(symbol: str, kind: str, ex_date: str) -> str:
    return str(uuid5(NAMESPACE, f"action:{symbol}:{kind}:{ex_date}"))


def _day(name: str, text: str) -> int:
    found = moment(name, text)
    return day_number(found) if isinstance(found, date) else day_of(found, NEW_YORK)


def _names(name: str, text: str) -> frozenset[str]:
    found = frozenset(one.strip() for one in text.split(",") if one.strip())
    if len(found) > SYMBOLS_MAX:
        raise ValueError(f"too many {name}: {len(found)}, at most {SYMBOLS_MAX}")
    return found


def _types(name: str, text: str) -> frozenset[str]:
    found = _names(name, text)
    for one in sorted(found - TYPES.keys()):
        raise ValueError(f"invalid {name}: {shown(one)}")
    return found


_WHOLE_LIST: Final = "*"
_READERS: Final[Mapping[str, Reader]] = {
    "symbols": _names,
    "cusips": _names,
    "ids": _names,
    "types": _types,
    "start": _day,
    "end": _day,
    "limit": whole(LIMIT_MAX),
    "sort": one_of("asc", "desc"),
    "page_token": lambda _name, text: text,
}
