"""When an asset trades, and which bar of a length what happens then belongs to.

The same rule as of stored bars (`fanfold.market.resample`): intraday bars are counted by
the UTC clock and cut at the session's close, a day's bar ends at its close, half days
included. What happens outside sessions belongs to no bar.
"""

from bisect import bisect_left
from collections.abc import Sequence
from typing import Final

from fanfold.domain.sessions import DAY_NS, ROUND_THE_CLOCK
from fanfold.errors import ConfigError
from fanfold.live.plan import Session

SECOND_NS: Final = 1_000_000_000
"""A second [ns]."""


class Hours:
    """The sessions of one calendar, and how bars of one length are cut in them.

    Args:
        calendar: Its name, "24/7" for sessions that are UTC days.
        sessions: In order; none are needed round the clock.
        seconds: Length of a bar [s]; a day is the session.

    Raises:
        ConfigError: The length does not divide a day, or a calendar has no sessions.
    """

    def __init__(self, calendar: str, sessions: Sequence[Session], seconds: int) -> None:
        length = seconds * SECOND_NS
        if length <= 0 or DAY_NS % length:
            raise ConfigError(f"bar_seconds must divide a day, was {seconds}")
        self._is_always = calendar == ROUND_THE_CLOCK
        if not sessions and not self._is_always:
            raise ConfigError(f"a plan must hold the sessions of {calendar}, held none")
        self._length = length
        self._opens = [one.open_ts for one in sessions]
        self._closes = [one.close_ts for one in sessions]

    def session_of(self, end: int) -> tuple[int, int] | None:
        """Open and close of the session in which something ends, None for outside [ns UTC]."""
        if self._is_always:
            opens = (end - 1) // DAY_NS * DAY_NS
            return opens, opens + DAY_NS
        at = bisect_left(self._closes, end)
        if at == len(self._closes) or end <= self._opens[at]:
            return None
        return self._opens[at], self._closes[at]

    def bar_of(self, end: int) -> tuple[int, int] | None:
        """Start and end of the bar in which something ends, None outside sessions [ns UTC]."""
        session = self.session_of(end)
        if session is None or self._length == DAY_NS:
            return session
        opens, closes = session
        grid = -(-end // self._length) * self._length
        return max(grid - self._length, opens), min(grid, closes)

    def ends_bar(self, ts: int) -> bool:
        """Whether a bar ends at an instant [ns UTC]."""
        bar = self.bar_of(ts)
        return bar is not None and bar[1] == ts

    def close_of(self, midnight: int) -> int:
        """When the day that begins at a midnight of the exchange closes [ns UTC].

        Days that are no known sessions close with the next midnight.
        """
        at = bisect_left(self._closes, midnight + 1)
        if self._is_always or at == len(self._closes):
            return midnight + DAY_NS
        return min(self._closes[at], midnight + DAY_NS)

    def is_over(self, ts: int) -> bool:
        """Whether an instant lies behind all known sessions."""
        return not self._is_always and ts > self._closes[-1]
