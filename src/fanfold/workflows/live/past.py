"""What a strategy has seen before its first live bar, and the sessions around it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from fanfold.alpaca import Credentials
from fanfold.domain.bars import Bars
from fanfold.domain.period import day_text
from fanfold.domain.sessions import (
    DAY_NS,
    ROUND_THE_CLOCK,
    session_closes,
    session_columns,
    session_opens,
    sessions_between,
)
from fanfold.domain.timeframe import SECOND_NS
from fanfold.errors import DataError
from fanfold.live.plan import Session
from fanfold.market.load import load_bars
from fanfold.market.sample import SAMPLE
from fanfold.workflows.live.history import Wanted, bars_from_broker

AHEAD_DAYS: Final = 400
"""Calendar days after the start whose sessions a plan knows."""

SESSION_S: Final = 6.5 * 3_600
"""An exchange's session, about [s]."""

_SPARE_SESSIONS: Final = 3
_DAY_S: Final = 86_400
_BEFORE_DAYS: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Bars that a deployment begins with.

    Attributes:
        source: "venue", "sample", or a store or file.
        symbols: Of these.
        count: So many, the last ones.
        bar_seconds: Length of a bar [s].
        timeframe: Of a store, None where it has one.
        calendar: Of all assets.
        now: None of them ends later [ns UTC].
    """

    source: str
    symbols: tuple[str, ...]
    count: int
    bar_seconds: int
    timeframe: str | None
    calendar: str
    now: int


def past_bars(asked: Asked, *, data_url: str, feed: str, keys: Credentials) -> Bars:
    """The bars that a deployment begins with.

    Args:
        asked: Which.
        data_url: The broker's, where it is asked.
        feed: Of shares, as the broker calls it.
        keys: The account's.

    Raises:
        ConfigError: Such bars cannot be asked for.
        DataError: There are none before the start.
        SourceError: The broker does not answer.
    """
    if asked.source == "venue":
        bars = _from_broker(asked, data_url, feed, keys)
    else:
        source = SAMPLE if asked.source == "sample" else asked.source
        bars = load_bars(source, symbols=asked.symbols, timeframe=asked.timeframe)
    return _last(bars, asked)


def sessions_around(first_ts: int, now: int, calendar: str) -> tuple[Session, ...]:
    """Sessions of a calendar from an instant on to `AHEAD_DAYS` after another [ns UTC]."""
    low, high = first_ts // DAY_NS - _BEFORE_DAYS, now // DAY_NS + AHEAD_DAYS
    days = sessions_between(low, high, calendar)
    if not len(days):
        raise DataError(
            f"calendar {calendar} must know sessions from {day_text(low)} on, knows none"
        )
    opens, closes = session_opens(days, calendar), session_closes(days, calendar)
    ends_month = session_columns(closes, calendar).is_month_end
    before = np.concatenate((days[:1] - 1, days[:-1]))
    return tuple(
        Session(day=day, open_ts=open_, close_ts=close, is_month_end=ends, nights=nights)
        for day, open_, close, ends, nights in zip(
            days.tolist(),
            opens.tolist(),
            closes.tolist(),
            ends_month.tolist(),
            (days - before).tolist(),
            strict=True,
        )
    )


def sessions_until(
    known: Mapping[str, tuple[Session, ...]], now: int
) -> dict[str, tuple[Session, ...]]:
    """Sessions that are known, as they are, and those after them that now can be [ns UTC]."""
    return {
        calendar: (
            *before,
            *(
                one
                for one in sessions_around(before[-1].open_ts, now, calendar)
                if one.day > before[-1].day
            ),
        )
        for calendar, before in known.items()
    }


def _from_broker(asked: Asked, data_url: str, feed: str, keys: Credentials) -> Bars:
    wanted = Wanted(
        symbols=asked.symbols,
        start=_start_of(asked),
        end=asked.now,
        bar_seconds=asked.bar_seconds,
        calendar=asked.calendar,
    )
    return bars_from_broker(wanted, data_url=data_url, feed=feed, keys=keys)


def _start_of(asked: Asked) -> int:
    """An instant early enough for so many bars [ns UTC]."""
    length_s = asked.count * asked.bar_seconds
    if asked.calendar == ROUND_THE_CLOCK:
        return asked.now - (length_s + _DAY_S) * SECOND_NS
    daily = asked.bar_seconds == _DAY_S
    needed = asked.count if daily else -(-length_s // int(SESSION_S))
    needed += _SPARE_SESSIONS
    today = asked.now // DAY_NS
    days = sessions_between(today - 2 * needed - _BEFORE_DAYS, today, asked.calendar)
    return int(days[-min(needed, len(days))]) * DAY_NS if len(days) else asked.now - DAY_NS


def _last(bars: Bars, asked: Asked) -> Bars:
    """The last ones that were over by then."""
    over = int(np.searchsorted(bars.ts, asked.now, side="right"))
    if over < asked.count:
        raise DataError(
            f"the warm-up must have {asked.count} bars before {_instant(asked.now)}, {over} are "
            "there: lower data.warm_up_bars, or begin later"
        )
    ends = _instant(int(bars.ts[over - asked.count])), _instant(int(bars.ts[over - 1]))
    return bars.select(asked.symbols, start=ends[0], end=ends[1])


def _instant(ts: int) -> str:
    """An instant as ISO text, to the nanosecond."""
    return f"{np.datetime64(ts, 'ns')}Z"
