"""A period of events as people give it: from an instant on, until before another."""

from datetime import date, datetime, time
from typing import Final

from fanfold.domain.period import Moment, ts_text
from fanfold.domain.sessions import DAY_NS
from fanfold.domain.timeframe import SECOND_NS
from fanfold.errors import ConfigError

Instant = Moment | int
"""Nanoseconds UTC, a datetime with a time zone, or a date: its midnight UTC."""

_EPOCH: Final = date(1970, 1, 1)


def period_of(start: Instant | None, end: Instant | None) -> tuple[int | None, int | None]:
    """A period ``[start, end)`` [ns UTC]; None where it is open.

    Raises:
        ConfigError: An instant cannot be understood, or the end is not after the start.
    """
    low = None if start is None else instant_of(start, "start")
    high = None if end is None else instant_of(end, "end")
    if low is not None and high is not None and low >= high:
        raise ConfigError(f"end must be after start {ts_text(low)}, was {ts_text(high)}")
    return low, high


def instant_of(moment: Instant, name: str) -> int:
    """An instant as people give it [ns UTC].

    Raises:
        ConfigError: It is no instant, or shows a time without a zone.
    """
    if isinstance(moment, int):
        return moment
    parsed: date | datetime | str = moment
    if isinstance(parsed, str):
        try:
            parsed = datetime.fromisoformat(parsed)
        except ValueError:
            raise ConfigError(
                f"{name} must be a date such as 2012-03-01, or an ISO instant, was {moment!r}"
            ) from None
    if isinstance(parsed, datetime) and parsed.tzinfo is not None:
        # Whole seconds and microseconds apart: a float would lose nanoseconds.
        seconds = int(parsed.replace(microsecond=0).timestamp())
        return seconds * SECOND_NS + parsed.microsecond * 1_000
    if isinstance(parsed, datetime) and parsed.time() != time():
        raise ConfigError(f"{name} must be a date, or carry a time zone, was {moment}")
    day = parsed.date() if isinstance(parsed, datetime) else parsed
    return (day - _EPOCH).days * DAY_NS
