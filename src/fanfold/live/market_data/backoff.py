"""How long to wait before the next connection: exponential, with full jitter and a cap.

Source: Brooker (2015), Exponential Backoff and Jitter, AWS Architecture Blog: of the ways
    to draw a pause, one between nothing and the whole keeps clients apart best.
"""

from random import Random
from typing import Final

DOUBLINGS_MAX: Final = 30
"""Most doublings of the first pause."""


class Backoff:
    """Pauses between connections that fail one after the other.

    Args:
        first_s: Longest first pause [s].
        most_s: Longest pause of all [s].
        rng: What draws.
    """

    def __init__(self, first_s: float, most_s: float, rng: Random) -> None:
        self._first_s = first_s
        self._most_s = most_s
        self._rng = rng
        self._failed = 0

    @property
    def bound_s(self) -> float:
        """Longest that the next pause can be [s]."""
        return min(self._most_s, self._first_s * 2.0 ** min(self._failed, DOUBLINGS_MAX))

    def next_s(self) -> float:
        """The next pause [s]."""
        pause_s = self._rng.uniform(0.0, self.bound_s)
        self._failed += 1
        return pause_s

    def lasted(self, seconds: float) -> None:
        """A connection has ended; one that lasted as the longest pause begins anew."""
        if seconds >= self._most_s:
            self._failed = 0
