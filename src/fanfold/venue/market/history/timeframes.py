"""How long bars are that are asked for, and where each begins.

Bars of minutes and hours are counted from midnight at the exchange, so an hour begins at the
full hour and the day's first bar may hold little. Weeks begin on Monday, months on the first,
whether or not there is a session on that day.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Final, Literal
from zoneinfo import ZoneInfo

from fanfold.domain.sessions import DAY_NS, MINUTE_NS, exchange_zone
from fanfold.domain.timeframe import SECOND_NS

Unit = Literal["Min", "Hour", "Day", "Week", "Month"]

_SPELLINGS: Final[dict[str, Unit]] = {
    "Min": "Min",
    "T": "Min",
    "Hour": "Hour",
    "H": "Hour",
    "Day": "Day",
    "D": "Day",
    "Week": "Week",
    "W": "Week",
    "Month": "Month",
    "M": "Month",
}

_COUNTS: Final[dict[Unit, frozenset[int]]] = {
    "Min": frozenset(range(1, 60)),
    "Hour": frozenset(range(1, 24)),
    "Day": frozenset((1,)),
    "Week": frozenset((1,)),
    "Month": frozenset((1, 2, 3, 4, 6, 12)),
}

_LENGTHS_NS: Final[dict[Unit, int]] = {"Min": MINUTE_NS, "Hour": 60 * MINUTE_NS}

_EPOCH: Final = date(1970, 1, 1)
_ZONES_MAX: Final = 128
"""Calendars whose zones are kept."""

_MIDNIGHTS_MAX: Final = 65_536
"""Days whose midnights are kept [days]."""


@dataclass(frozen=True, slots=True)
class Timeframe:
    """A length of bars.

    Attributes:
        count: How many units.
        unit: Of what.
    """

    count: int
    unit: Unit

    @property
    def name(self) -> str:
        """As the broker writes it: "5Min"."""
        return f"{self.count}{self.unit}"

    @property
    def length_ns(self) -> int:
        """Length within a day [ns]; 0 for days and longer."""
        return self.count * _LENGTHS_NS.get(self.unit, 0)

    def first_day(self, day: int) -> int:
        """First date of the bar that a date is in [days since 1970-01-01]."""
        if self.unit == "Week":
            return day - _date(day).weekday()
        if self.unit == "Month":
            found = _date(day)
            month = (found.month - 1) // self.count * self.count + 1
            return _number(found.replace(month=month, day=1))
        return day

    def last_day(self, day: int) -> int:
        """Last date of the bar that a date is in [days since 1970-01-01]."""
        first = self.first_day(day)
        if self.unit == "Week":
            return first + 6
        if self.unit == "Month":
            found = _date(first)
            months = found.year * 12 + found.month - 1 + self.count
            return _number(date(months // 12, months % 12 + 1, 1)) - 1
        return day


MINUTE: Final = Timeframe(1, "Min")
"""The shortest bars."""

DAY: Final = Timeframe(1, "Day")
"""A day at the exchange."""


def timeframe_of(text: str) -> Timeframe | None:
    """The timeframe that a text such as "5Min", "5T" or "1Month" names; None if none."""
    found = re.fullmatch(r"([1-9][0-9]?)([A-Z][a-z]*)", text, re.ASCII)
    unit = _SPELLINGS.get(found[2]) if found else None
    if found is None or unit is None or int(found[1]) not in _COUNTS[unit]:
        return None
    return Timeframe(int(found[1]), unit)


@lru_cache(maxsize=_ZONES_MAX)
def zone_of(calendar: str) -> str:
    """The time zone in which an exchange's days begin: New York for shares, UTC for coins."""
    return exchange_zone(calendar)


@lru_cache(maxsize=_MIDNIGHTS_MAX)
def midnight(day: int, zone: str) -> int:
    """When a date begins [ns UTC].

    Args:
        day: The date [days since 1970-01-01], between the years 1 and 9998.
        zone: Where.
    """
    if zone == "UTC":
        return day * DAY_NS
    offset = datetime.combine(_date(day), time(), ZoneInfo(zone)).utcoffset() or timedelta()
    return day * DAY_NS - int(offset.total_seconds()) * SECOND_NS


def day_of(ts: int, zone: str) -> int:
    """The date at an instant [days since 1970-01-01]."""
    day = ts // DAY_NS
    if zone == "UTC":
        return day
    # Zones are less than a day from UTC, so it is that date or one beside it.
    while midnight(day, zone) > ts:
        day -= 1
    while midnight(day + 1, zone) <= ts:
        day += 1
    return day


def _date(day: int) -> date:
    return _EPOCH + timedelta(days=day)


def _number(found: date) -> int:
    return (found - _EPOCH).days
