"""Polygon's service as its official client meets it, from a truth."""

import base64
import json
import math
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from fractions import Fraction
from typing import Any
from urllib.parse import quote

import pandas as pd
from tests.conformance.case import PAGE_ROWS, SECRET, Truth
from tests.fakes.vendor_server import Answer, Asked, Service, served

LIMITED = Answer(
    {"status": "ERROR", "error": "You've exceeded the maximum requests per minute, please wait."},
    429,
)
REFUSED = {
    # The key is repeated, so that a client that passes the message on shows it.
    "bad_keys": Answer({"status": "ERROR", "error": f"Unknown API Key {SECRET}"}, 401),
    "plan": Answer(
        {
            "status": "NOT_AUTHORIZED",
            "message": "Your plan doesn't include this data timeframe. Please upgrade your plan",
        },
        403,
    ),
}
DELISTED = ("GONE",)
"""Tickers that are known and have no rows."""

SPANS = {"1D": "1/day", "1W": "1/week", "1h": "1/hour", "1min": "1/minute"}
"""Polygon's names of a bar's length."""


def polygon_server(truth: Truth, trouble: str = "") -> AbstractContextManager[Service]:
    """Serve a truth under Polygon's paths; tickers are the truth's symbols."""
    return served(lambda asked: _answer(truth, trouble, asked), trouble=trouble, limited=LIMITED)


def _answer(truth: Truth, trouble: str, asked: Asked) -> Answer:
    if asked.headers.get("Authorization") != f"Bearer {SECRET}":
        return REFUSED["bad_keys"]
    if trouble in REFUSED:
        return REFUSED[trouble]
    query = asked.query
    if "cursor" in query:
        query = json.loads(base64.urlsafe_b64decode(query["cursor"]))
    for pattern, make in _PATHS.items():
        found = re.fullmatch(pattern, asked.path)
        if found:
            return Answer(_page(list(make(truth, query, *found.groups())), asked.path, query))
    return Answer({"status": "NOT_FOUND", "message": "page not found"}, 404)


def _page(rows: list[dict[str, Any]], path: str, query: dict[str, str]) -> dict[str, Any]:
    at, limit = int(query.get("at", 0)), min(PAGE_ROWS, int(query.get("limit", 10)))
    answer: dict[str, Any] = {"status": "OK", "request_id": "r", "queryCount": len(rows)}
    if rows or "/v3/" in path:
        answer["results"] = rows[at : at + limit]
    if at + limit < len(rows):
        rest = json.dumps({**query, "at": at + limit}).encode()
        cursor = base64.urlsafe_b64encode(rest).decode()
        # Another host than the one that was asked: the client must stay where it is.
        answer["next_url"] = f"https://vendor.invalid{quote(path)}?cursor={quote(cursor)}"
    return answer


Rows = Iterator[dict[str, Any]]


def _aggs(truth: Truth, _query: Any, ticker: str, length: str, first: str, last: str) -> Rows:
    if truth.kind != "bars" or SPANS[truth.timeframe] != length or ticker not in truth.frames:
        return
    zone = "UTC" if ticker.startswith("X:") else "America/New_York"
    for row in truth.frames[ticker].itertuples():
        start = row.session.tz_localize(zone) if truth.timeframe == "1D" else row.start
        t = start.value // 10**6
        if int(first) <= t <= int(last):
            named = {"o": row.open, "h": row.high, "l": row.low, "c": row.close, "v": row.volume}
            numbers = named | {"vw": row.vwap, "n": row.trade_count}
            yield {"t": t} | {name: one for name, one in numbers.items() if not math.isnan(one)}


def _events(truth: Truth, query: dict[str, str], kind: str, ticker: str) -> Rows:
    if truth.kind != kind or ticker not in truth.frames:
        return
    low, high = int(query["timestamp.gte"]), int(query["timestamp.lt"])
    make = _trade if kind == "trades" else _quote
    for row in truth.frames[ticker].itertuples():
        if low <= row.ts.value < high:
            yield make(row, ticker)


def _tickers(truth: Truth, query: dict[str, str]) -> Rows:
    """Those of the truth are active; who was delisted has no rows any more."""
    if query["ticker"] in (truth.frames if query["active"] == "true" else DELISTED):
        yield {"ticker": query["ticker"], "active": query["active"] == "true"}


def _number(text: str) -> int:
    return int(text) if text.isdigit() else sum(text.encode())


def _ticks(row: Any, ticker: str) -> dict[str, Any]:
    times = {"participant_timestamp": row.ts.value}
    if not ticker.startswith("X:"):
        times["sip_timestamp"] = row.ts.value
        times["participant_timestamp"] -= 1_000
    return times | {"conditions": [_number(one) for one in row.conditions.split()]}


def _trade(row: Any, ticker: str) -> dict[str, Any]:
    return _ticks(row, ticker) | {
        "price": row.price,
        "size": row.size,
        "id": row.id,
        "exchange": _number(row.exchange),
    }


def _quote(row: Any, ticker: str) -> dict[str, Any]:
    answer = _ticks(row, ticker)
    for side in ("bid", "ask"):
        price, size = getattr(row, side), getattr(row, f"{side}_size")
        is_there = not math.isnan(price)
        answer |= {f"{side}_price": price, f"{side}_size": size} if is_there else {}
        # A side that is absent is sent as zeros, or not at all.
        answer |= {} if is_there or side == "bid" else {"ask_price": 0, "ask_size": 0}
        answer[f"{side}_exchange"] = _number(row.exchange)
    return answer


def _actions(truth: Truth, query: dict[str, str], kind: str) -> Rows:
    ticker = query["ticker"]
    makes: dict[str, tuple[str, float, Callable[[float], dict[str, Any]]]] = {
        "splits": ("execution_date", 1.0, _ratio),
        "dividends": ("ex_dividend_date", 0.0, lambda amount: {"cash_amount": amount}),
    }
    name, none, make = makes[kind]
    frame = truth.actions.get(ticker, pd.DataFrame({"ts": [], "splits": [], "dividends": []}))
    low, high = query[f"{name}.gte"], query.get(f"{name}.lte", "9999")
    for row in frame.itertuples():
        date, value = str(row.ts.date()), getattr(row, kind)
        if value != none and low <= date <= high:
            yield {"id": f"E{date}", "ticker": ticker, name: date} | make(value)


def _ratio(splits: float) -> dict[str, Any]:
    ratio = Fraction(splits).limit_denominator(1_000)
    return {"split_to": ratio.numerator, "split_from": ratio.denominator}


_PATHS: dict[str, Callable[..., Rows]] = {
    r"/v2/aggs/ticker/([^/]+)/range/(\d+/\w+)/(\d+)/(\d+)": _aggs,
    r"/v3/(trades|quotes)/([^/]+)": _events,
    r"/v3/reference/(splits|dividends)": _actions,
    r"/v3/reference/tickers": _tickers,
}
