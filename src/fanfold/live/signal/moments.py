"""What the calendar says of an instant, from the sessions that a plan holds.

Equal to what `fanfold.domain.bars.Bars` says of the same bars, without the libraries that
it asks: a component that trades carries the sessions as numbers.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from fanfold.domain.sessions import DAY_NS, MINUTE_NS, ROUND_THE_CLOCK
from fanfold.engine.universe import Moment
from fanfold.errors import ConfigError, DataError
from fanfold.live.plan import Session

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_OUTSIDE_NS: Final = 4 * DAY_NS
"""How far from a session an instant may be and still belong to it: a long weekend."""


class Moments:
    """The sessions of one calendar, to be asked about instants.

    A bar that ends outside the sessions belongs to the nearest one, as before an exchange
    opens and after it has closed. The last bar of a session is the one that ends as it
    closes: what comes after it cannot be known yet.

    Args:
        sessions: In order; none for a calendar that never closes, whose sessions are days.
    """

    __slots__ = ("_after", "_closes", "_now", "_sessions", "_until")

    def __init__(self, sessions: Sequence[Session]) -> None:
        self._sessions = tuple(sessions)
        self._closes = [one.close_ts for one in sessions]
        # The session that was asked for last, and the instants that belong to it.
        self._now = _utc_day(1)
        self._after = self._until = 0

    def at(self, ts: int, before: int | None) -> Moment:
        """What an event at an instant is.

        Args:
            ts: A bar's end, or a quote's instant [ns UTC].
            before: Session of the event before, None for the first [days since 1970-01-01].

        Raises:
            DataError: The sessions do not reach that far.
        """
        if not self._after < ts <= self._until:
            self._find(ts)
        session = self._now
        return Moment(
            ts=ts,
            session_day=session.day,
            minutes_to_close=(session.close_ts - ts) / MINUTE_NS,
            is_month_end=session.is_month_end,
            closes_session=ts == session.close_ts,
            nights=0 if before is None else session.day - before,
        )

    def last_within(self, ts: int, day: int | None) -> int:
        """The last instant from `ts` on that is sure to be in a session and not to close it.

        Args:
            ts: An event's instant [ns UTC].
            day: Its session [days since 1970-01-01].

        Returns:
            The instant, before `ts` where none is [ns UTC].
        """
        session = self._now
        if session.day != day or not self._after < ts <= self._until:
            return ts - 1
        return session.close_ts - 1 if ts < session.close_ts else self._until

    def _find(self, ts: int) -> None:
        if not self._sessions:
            self._now = _utc_day(ts)
            self._after, self._until = self._now.open_ts, self._now.close_ts
            return
        place = bisect_left(self._closes, ts)
        for one in (place - 1, place):
            if 0 <= one < len(self._sessions):
                after, until = self._bounds(one)
                if after < ts <= until:
                    self._now, self._after, self._until = self._sessions[one], after, until
                    return
        first, last = self._sessions[0].open_ts, self._sessions[-1].close_ts
        raise DataError(f"sessions must hold instant {ts}, reach from {first} to {last} [ns]")

    def _bounds(self, place: int) -> tuple[int, int]:
        """Instants that are nearest to a session: after the first, up to the second."""
        session = self._sessions[place]
        after, until = session.open_ts - _OUTSIDE_NS, session.close_ts + _OUTSIDE_NS
        if place > 0:
            after = max(after, (self._sessions[place - 1].close_ts + session.open_ts) // 2)
        if place + 1 < len(self._sessions):
            until = min(until, (session.close_ts + self._sessions[place + 1].open_ts) // 2)
        return after, until


def panel_calendar(calendars: Sequence[str], sessions: Mapping[str, Sequence[Session]]) -> str:
    """The calendar that a panel of these assets follows.

    As in `fanfold.domain.calendars.panel_calendar`: round the clock if any asset trades so,
    else the calendar that all share, else the one with the most sessions in the first year.

    Args:
        calendars: Of each asset.
        sessions: Of each calendar, from the warm-up's start on.

    Raises:
        ConfigError: There are no sessions of a calendar.
    """
    names = sorted(set(calendars))
    if ROUND_THE_CLOCK in names:
        return ROUND_THE_CLOCK
    for name in names:
        if not sessions.get(name):
            raise ConfigError(f"a plan must hold the sessions of calendar {name}, has none")
    return max(names, key=lambda name: _first_year_count(sessions[name]))


def moments_of(calendar: str, sessions: Mapping[str, Sequence[Session]]) -> Moments:
    """The moments of a calendar of a plan."""
    return Moments(() if calendar == ROUND_THE_CLOCK else sessions[calendar])


def _first_year_count(sessions: Sequence[Session]) -> int:
    until = sessions[0].day + 365
    return sum(one.day < until for one in sessions)


def _utc_day(ts: int) -> Session:
    day = (ts - 1) // DAY_NS
    ends_month = (_EPOCH + timedelta(days=day + 1)).day == 1
    return Session(
        day=day,
        open_ts=day * DAY_NS,
        close_ts=(day + 1) * DAY_NS,
        is_month_end=ends_month,
        nights=1,
    )
