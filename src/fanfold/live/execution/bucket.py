"""How many requests may go: never more in any minute than the broker allows.

And never so many that a cancel would have to wait: a part is kept for urgent requests.
"""

from collections import deque
from typing import Final

from fanfold.errors import ConfigError

WINDOW_NS: Final = 60_000_000_000
"""The window that requests are counted in [ns]."""

_SECOND: Final = 1_000_000_000


class Bucket:
    """Requests of any sixty seconds, counted by the caller's monotonic clock.

    Args:
        per_minute: Most requests in any window of a minute.
        reserve: Of these, kept for urgent ones: cancels, questions, reconciliation.

    Raises:
        ConfigError: There is nothing left beside the reserve.
    """

    __slots__ = ("_all", "_blocked_until", "_others", "_others_until", "_per_minute", "_reserve",
                 "_usual")  # fmt: skip

    def __init__(self, per_minute: int, reserve: int) -> None:
        if not 0 <= reserve < per_minute:
            raise ConfigError(
                f"reserve must be below per_minute ({per_minute}) and not negative, was {reserve}"
            )
        self._per_minute, self._reserve = per_minute, reserve
        self._all: deque[int] = deque()
        self._usual: deque[int] = deque()
        self._blocked_until = 0
        self._others = 0
        self._others_until = 0

    def take(self, now: int, *, urgent: bool = False) -> bool:
        """Whether a request may go now [monotonic ns]; it is counted if so."""
        # Where even those that are too old to count leave room for it, they need no look.
        few = len(self._all) < self._per_minute - self._reserve
        is_free = few and now >= self._blocked_until and not self._others
        if not is_free and self.wait_s(now, urgent=urgent) > 0:
            return False
        self._all.append(now)
        if not urgent:
            self._usual.append(now)
        return True

    def wait_s(self, now: int, *, urgent: bool = False) -> float:
        """How long until one may go, as far as is known now [s]; 0 if now."""
        self._forget(now)
        until = self._blocked_until
        room = self._per_minute - self._others
        until = max(until, self._free_at(self._all, room))
        if not urgent:
            until = max(until, self._free_at(self._usual, self._per_minute - self._reserve))
            until = max(until, self._free_at(self._all, room, kept=self._kept()))
        return max(until - now, 0) / _SECOND

    def told(self, now: int, *, remaining: int, reset_s: float) -> None:
        """What X-RateLimit headers say, right after an answer.

        Others may use the same account, so only less than we think is believed, until the
        broker counts anew.

        Args:
            now: As of `take`.
            remaining: Requests left; below 0 counts as 0.
            reset_s: Time until all are there again, at most a minute [s].
        """
        self._forget(now)
        others = self._per_minute - len(self._all) - max(remaining, 0)
        if others > self._others and reset_s > 0:
            self._others = others
            self._others_until = now + min(round(reset_s * _SECOND), WINDOW_NS)

    def blocked(self, now: int, retry_after_s: float) -> None:
        """The broker has refused one (429): nothing goes for so long, a minute at most [s]."""
        wait = min(max(round(retry_after_s * _SECOND), 0), WINDOW_NS)
        self._blocked_until = max(self._blocked_until, now + wait)

    @property
    def left(self) -> int:
        """Requests of this minute that may still go, the reserve included; as last counted."""
        return max(self._per_minute - self._others - len(self._all), 0)

    def _forget(self, now: int) -> None:
        for counted in (self._all, self._usual):
            while counted and counted[0] <= now - WINDOW_NS:
                counted.popleft()
        if now >= self._others_until:
            self._others = 0

    def _kept(self) -> int:
        """What is left of the reserve: urgent requests of this minute have used theirs."""
        return max(self._reserve - (len(self._all) - len(self._usual)), 0)

    def _free_at(self, counted: deque[int], room: int, kept: int = 0) -> int:
        """When one more fits [ns]; 0 if now."""
        over = len(counted) - (room - kept) + 1
        if over <= 0:
            return 0
        if over > len(counted):
            return self._others_until if self._others else counted[-1] + WINDOW_NS
        return counted[over - 1] + WINDOW_NS
