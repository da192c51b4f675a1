"""An account's equity through time, over HTTP.

What the journal holds are points, one a minute while the market moves. A window shows the
last of its points, and windows without one are left out, so there are no gaps to fill. The
present equity is the last point.
"""

import re
from collections.abc import Iterable
from typing import Any, Final

from aiohttp import web
from msgspec.structs import replace

from fanfold.alpaca.wire.accounts import PortfolioHistoryMessage
from fanfold.alpaca.wire.refusals import Refusal, malformed
from fanfold.domain.sessions import ROUND_THE_CLOCK
from fanfold.venue.floor import Floor
from fanfold.venue.server.answers import route
from fanfold.venue.server.gate import ACCOUNT
from fanfold.venue.server.requests import (
    DAY_NS,
    boolean,
    instant,
    listed,
    one_of,
    query_of,
)
from fanfold.venue.server.trading.asset_forms import EXCHANGE, midnight_s, new_york
from fanfold.venue.trading.money import figures
from fanfold.venue.trading.values import EquityPoint

UNIT_DAYS: Final = {"D": 1, "W": 7, "M": 30, "A": 365}
"""Length of a unit of a period [days]."""

PERIOD_DAYS_MAX: Final = 36_500
"""Longest period [days]."""

WINDOWS_S: Final = {"1Min": 60, "5Min": 300, "15Min": 900, "1H": 3_600, "1D": 0}
"""Length of a window [s]; 0 for a session."""

REACH_DAYS: Final = {"1Min": 7, "5Min": 30, "15Min": 30}
"""Longest period of short windows [days]."""

BASE_DAYS: Final = 14
"""How far before a period its base is looked for [days]."""

_SECOND_NS: Final = 1_000_000_000
_DEFAULT_PERIOD: Final = "1M"
_HOURS: Final = {"market_hours": (570, 960), "extended_hours": (240, 1_200)}
_SATURDAY: Final = 5
_PERIOD: Final = re.compile(r"(\d{1,4})([DWMA])", re.ASCII)


def _period_days(text: str) -> int:
    found = _PERIOD.fullmatch(text.upper())
    days = int(found[1]) * UNIT_DAYS[found[2]] if found else 0
    if not 0 < days <= PERIOD_DAYS_MAX:
        raise ValueError("must be a number and D, W, M or A, such as 1M")
    return days


def _timeframe(text: str) -> str:
    named = {name.lower(): name for name in WINDOWS_S}.get(text.lower())
    if named is None:
        raise ValueError(f"must be one of {', '.join(WINDOWS_S)}")
    return named


_FILTERS: Final = {
    "period": _period_days,
    "timeframe": _timeframe,
    "start": instant,
    "end": instant,
    "date_end": instant,
    "intraday_reporting": one_of("market_hours", "extended_hours", "continuous"),
    "extended_hours": boolean,
    "pnl_reset": one_of("per_day", "no_reset"),
    "cashflow_types": listed,
}


def routes(floor: Floor) -> list[web.RouteDef]:
    """The route of an account's history."""
    return [route(floor, "GET", "/v2/account/portfolio/history", _history)]


async def _history(floor: Floor, request: web.Request) -> PortfolioHistoryMessage | Refusal:
    asked = query_of(request, _FILTERS)
    if isinstance(asked, Refusal):
        return asked
    span = _span(asked, floor.market.now)
    if isinstance(span, Refusal):
        return span
    start, end = span
    days = (end - start) / DAY_NS
    timeframe = asked.get("timeframe") or _usual_timeframe(days)
    if days > REACH_DAYS.get(timeframe, PERIOD_DAYS_MAX + 1):
        return malformed(
            f"timeframe {timeframe} must have a period of at most {REACH_DAYS[timeframe]} days"
        )
    known = _points(floor, request[ACCOUNT], start - BASE_DAYS * DAY_NS, end)
    before = [point for point in known if point.ts < start]
    inside = [point for point in known if point.ts >= start]
    if timeframe != "1D":
        inside = _within_hours(inside, _reporting(asked))
    resets = asked.get("pnl_reset", "per_day") == "per_day" and timeframe != "1D"
    base = _base(floor, request[ACCOUNT], before, known)
    return _form(base, inside, timeframe, resets=resets)


def _span(asked: dict[str, Any], now: int) -> tuple[int, int] | Refusal:
    """First and last instant that are asked for [ns UTC]."""
    if {"start", "end", "period"} <= set(asked):
        return malformed("at most two of start, end and period are accepted")
    length = asked.get("period", _period_days(_DEFAULT_PERIOD)) * DAY_NS
    end = asked.get("end", asked.get("date_end"))
    if "start" in asked:
        start = asked["start"]
        if end is None:
            end = start + length if "period" in asked else now
    else:
        end = now if end is None else end
        start = end - length
    if start > end:
        return malformed("start must be before end")
    return max(start, 0), min(end, now)


def _usual_timeframe(days: float) -> str:
    if days < REACH_DAYS["1Min"]:
        return "1Min"
    return "15Min" if days < REACH_DAYS["15Min"] else "1D"


def _reporting(asked: dict[str, Any]) -> str:
    usual = "extended_hours" if asked.get("extended_hours") else "market_hours"
    return asked.get("intraday_reporting", usual)


def _points(floor: Floor, account: str, start: int, end: int) -> list[EquityPoint]:
    known = list(floor.journal.equity(account, max(start, 0), max(end, 0)))
    now = floor.market.now
    if end >= now:
        if known and known[-1].ts == now:  # prices of this very instant came after it
            known.pop()
        desk = floor.exchange.desk
        coins_only = all(one.calendar == ROUND_THE_CLOCK for one in floor.market.assets)
        hours = floor.market.hours(ROUND_THE_CLOCK if coins_only else EXCHANGE)
        known.append(
            EquityPoint(
                ts=now,
                account=account,
                equity=figures(desk, account).equity,
                session_day=hours.session_day,
            )
        )
    return known


def _within_hours(points: Iterable[EquityPoint], reporting: str) -> list[EquityPoint]:
    if reporting not in _HOURS:
        return list(points)
    first, last = _HOURS[reporting]
    kept: list[EquityPoint] = []
    for point in points:
        local = new_york(point.ts)
        minute = local.hour * 60 + local.minute
        if local.weekday() < _SATURDAY and first <= minute <= last:
            kept.append(point)
    return kept


def _base(
    floor: Floor, account: str, before: list[EquityPoint], known: list[EquityPoint]
) -> EquityPoint | None:
    """The last point before a period; of a new account what it had at the session before."""
    if before or not known:
        return before[-1] if before else None
    first = known[0]
    if first.session_day != known[-1].session_day:
        return first
    return replace(first, equity=floor.exchange.desk.book.account(account).last_equity)


def _form(
    base: EquityPoint | None, inside: list[EquityPoint], timeframe: str, *, resets: bool
) -> PortfolioHistoryMessage:
    windows: dict[int, EquityPoint] = {}
    for point in inside:
        windows[_label(point, timeframe)] = point
    base_value = 0.0 if base is None else float(base.equity)
    equity = [float(point.equity) for point in windows.values()]
    bases = _bases(list(windows.values()), base_value) if resets else [base_value] * len(equity)
    pairs = list(zip(equity, bases, strict=True))
    return PortfolioHistoryMessage(
        timestamp=list(windows),
        equity=equity,
        profit_loss=[round(value - basis, 6) for value, basis in pairs],
        profit_loss_pct=[(value - basis) / basis if basis else None for value, basis in pairs],
        base_value=base_value,
        base_value_asof=None if base is None else new_york(base.ts).date().isoformat(),
        timeframe=timeframe,
    )


def _bases(points: list[EquityPoint], base_value: float) -> list[float]:
    """Of each point the equity with which its day began: the last of the day before."""
    bases: list[float] = []
    basis, last, day = base_value, base_value, points[0].session_day if points else 0
    for point in points:
        if point.session_day != day:
            basis, day = last, point.session_day
        last = float(point.equity)
        bases.append(basis)
    return bases


def _label(point: EquityPoint, timeframe: str) -> int:
    """When the window of a point begins [s UTC]; a point at its end belongs to it."""
    length = WINDOWS_S[timeframe]
    if not length:
        return midnight_s(point.session_day)
    return max(point.ts - 1, 0) // (length * _SECOND_NS) * length
