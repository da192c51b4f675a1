"""Yahoo's charts as yfinance meets them, from a truth."""

import math
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

import pandas as pd
from tests.conformance.case import Truth
from tests.fakes.vendor_server import Answer, Asked, Service, served

LIMITED = Answer("Too Many Requests\r\n", 429)
NOT_FOUND = ("Not Found", "No data found, symbol may be delisted", 404)
NO_DATA = ("Bad Request", "Data doesn't exist for startDate = {}, endDate = {}", 400)
TOO_FAR = (
    "Unprocessable Entity",
    "1m data not available for startTime={} and endTime={}. The requested range must be within "
    "the last 30 days.",
    422,
)
INTERVALS = {"1D": "1d", "1W": "1wk", "1h": "60m", "5min": "5m", "1min": "1m"}
"""Yahoo's names of a bar's length."""

VALID_RANGES = ["1d", "5d", "1mo", "3mo", "6mo", "1y", "2y", "5y", "10y", "ytd", "max"]


def yahoo_server(
    truth: Truth, trouble: str = "", meta: Mapping[str, Any] | None = None
) -> AbstractContextManager[Service]:
    """Serve a truth as charts; cookies, crumbs and time zones are had on the side.

    `meta` replaces what charts say about each symbol, such as its exchange.
    """
    return served(
        lambda asked: _answer(truth, asked, meta or {}),
        trouble=trouble,
        limited=LIMITED,
        is_data=lambda asked: "/v8/finance/chart/" in asked.path and "period1" in asked.query,
    )


def _answer(truth: Truth, asked: Asked, meta: Mapping[str, Any]) -> Answer:
    if asked.path == "/v1/test/getcrumb":
        return Answer("crumb")
    if "/v8/finance/chart/" not in asked.path:
        return Answer("", 404)  # as the host that gives cookies does
    symbol = asked.path.rsplit("/", 1)[-1]
    if symbol not in truth.frames:
        return complaint(NOT_FOUND)
    about = _meta(symbol) | meta
    if "period1" not in asked.query:
        return _chart({"meta": about, "indicators": {"quote": [{}], "adjclose": [{}]}})
    return _bars(truth, symbol, about, asked.query)


def _bars(truth: Truth, symbol: str, about: dict[str, Any], query: dict[str, str]) -> Answer:
    low, high, zone = int(query["period1"]), int(query["period2"]), about["exchangeTimezoneName"]
    rows = _placed(truth, symbol, zone)
    rows = rows[(rows["at"] >= low) & (rows["at"] < high)]
    if rows.empty or query["interval"] != INTERVALS[truth.timeframe]:
        return complaint(NO_DATA, low, high)
    if truth.timeframe not in ("1D", "1W"):
        about["tradingPeriods"] = _trading_periods(rows, zone)
    result = {"meta": about, "timestamp": rows["at"].tolist(), "indicators": _indicators(rows)}
    events = _events(truth, symbol, zone, low, high)
    return _chart(result | ({"events": events} if events else {}))


def complaint(kind: tuple[str, str, int], *values: Any) -> Answer:
    """A failure in Yahoo's words."""
    code, text, status = kind
    error = {"code": code, "description": text.format(*values)}
    return Answer({"chart": {"result": None, "error": error}}, status)


def _chart(result: dict[str, Any]) -> Answer:
    return Answer({"chart": {"result": [result], "error": None}})


def _meta(symbol: str) -> dict[str, Any]:
    is_crypto = symbol.endswith("-USD")
    return {
        "symbol": symbol,
        "currency": "USD",
        "exchangeName": "CCC" if is_crypto else "NMS",
        "instrumentType": "CRYPTOCURRENCY" if is_crypto else "EQUITY",
        "exchangeTimezoneName": "UTC" if is_crypto else "America/New_York",
        "priceHint": 2,
        "dataGranularity": "1d",
        "validRanges": VALID_RANGES,
    }


def _placed(truth: Truth, symbol: str, zone: str) -> pd.DataFrame:
    """Rows with `at`, where Yahoo places them [s]: daily bars at the session's opening."""
    rows = truth.frames[symbol].copy()
    opening = pd.Timedelta(0) if zone == "UTC" else pd.Timedelta(hours=9, minutes=30)
    daily = (rows["session"] + opening).dt.tz_localize(zone)
    start = daily if truth.timeframe == "1D" else rows["start"]
    rows["at"] = start.dt.tz_convert("UTC").dt.as_unit("s").astype("int64")
    return rows


def _indicators(rows: pd.DataFrame) -> dict[str, Any]:
    quote = {name: _numbers(rows[name]) for name in ("open", "high", "low", "close")}
    quote["volume"] = [None if one is None else int(one) for one in _numbers(rows["volume"])]
    adjusted = rows["adj_close"] if "adj_close" in rows else rows["close"]
    return {"quote": [quote], "adjclose": [{"adjclose": _numbers(adjusted)}]}


def _numbers(values: pd.Series) -> list[float | None]:
    return [None if math.isnan(one) else float(one) for one in values]


def _trading_periods(rows: pd.DataFrame, zone: str) -> list[list[dict[str, Any]]]:
    local = rows["start"].dt.tz_convert(zone)
    days = sorted(set(local.dt.normalize()))
    hours = (0, 1440) if zone == "UTC" else (570, 960)
    return [
        [
            {
                "timezone": "EST",
                "gmtoffset": -18_000,
                "start": int((day + pd.Timedelta(minutes=hours[0])).timestamp()),
                "end": int((day + pd.Timedelta(minutes=hours[1])).timestamp()),
            }
        ]
        for day in days
    ]


def _events(truth: Truth, symbol: str, zone: str, low: int, high: int) -> dict[str, Any]:
    events: dict[str, Any] = {}
    if symbol not in truth.actions:
        return events
    for row in truth.actions[symbol].itertuples():
        opening = row.ts + pd.Timedelta(hours=9, minutes=30)
        at = int(opening.tz_localize(zone).timestamp())
        if not low <= at < high:
            continue
        if row.splits != 1.0:
            event = {"date": at, "numerator": row.splits, "denominator": 1.0}
            events.setdefault("splits", {})[str(at)] = event
        if row.dividends:
            events.setdefault("dividends", {})[str(at)] = {"date": at, "amount": row.dividends}
    return events
