"""A period as people give it: dates, instants or ISO text, both ends included."""

from datetime import date, datetime, time

import numpy as np
from numpy.typing import NDArray

from fanfold.errors import ConfigError

Moment = date | datetime | str
"""A date is a whole session; a datetime with a time zone is an instant."""

_EPOCH = date(1970, 1, 1)


def bars_within(
    ts: NDArray[np.int64], session_day: NDArray[np.int64], start: Moment | None, end: Moment | None
) -> slice:
    """The bars of a period.

    Args:
        ts: Each bar's end [ns UTC]; shape [bar].
        session_day: The session's date [days since 1970-01-01]; shape [bar].
        start: First session or earliest end of a bar; None for no limit.
        end: Last session or latest end of a bar; None for no limit.

    Raises:
        ConfigError: A moment cannot be understood.
    """
    first, last = 0, len(ts)
    if start is not None:
        column, value = _place(start, "start", ts, session_day)
        first = int(np.searchsorted(column, value, side="left"))
    if end is not None:
        column, value = _place(end, "end", ts, session_day)
        last = int(np.searchsorted(column, value, side="right"))
    return slice(first, last)


def day_of(moment: Moment, name: str) -> int:
    """A date as people give it [days since 1970-01-01].

    Raises:
        ConfigError: It is no date, or an instant.
    """
    parsed = _parsed(moment, name)
    if isinstance(parsed, datetime):
        raise ConfigError(f"{name} must be a date such as 2012-03-01, was {moment}")
    return (parsed - _EPOCH).days


def day_text(day: int) -> str:
    """A date [days since 1970-01-01] in ISO form."""
    return str(np.datetime64(int(day), "D"))


def period_text(session_day: NDArray[np.int64], start: Moment | None, end: Moment | None) -> str:
    """A period that was asked for, and the one that is there."""
    first, last = day_text(session_day[0]), day_text(session_day[-1])
    return f"{start or 'the first'} to {end or 'the last'} of bars from {first} to {last}"


def ts_text(ts: int) -> str:
    """An instant [ns UTC] in ISO form, as short as it goes."""
    text = str(np.datetime64(int(ts), "ns"))
    return text.rstrip("0").rstrip(".").removesuffix(":00") + "Z"


def _place(
    moment: Moment, name: str, ts: NDArray[np.int64], session_day: NDArray[np.int64]
) -> tuple[NDArray[np.int64], int]:
    """The column to look in, and the value to look for."""
    parsed = _parsed(moment, name)
    if isinstance(parsed, datetime):
        # Whole seconds and microseconds apart: a float would lose nanoseconds.
        seconds = int(parsed.replace(microsecond=0).timestamp())
        return ts, seconds * 1_000_000_000 + parsed.microsecond * 1_000
    return session_day, (parsed - _EPOCH).days


def _parsed(moment: Moment, name: str) -> date | datetime:
    if isinstance(moment, str):
        try:
            parsed: date | datetime = datetime.fromisoformat(moment)
        except ValueError:
            raise ConfigError(
                f"{name} must be a date such as 2012-03-01, or an ISO instant, was {moment!r}"
            ) from None
    else:
        parsed = moment
    if not isinstance(parsed, datetime):
        return parsed
    if parsed.tzinfo is not None:
        return parsed
    if parsed.time() == time():
        return parsed.date()
    raise ConfigError(f"{name} must be a date, or carry a time zone, was {moment}")
