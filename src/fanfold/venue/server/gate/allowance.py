"""How many requests an account may send, as a bucket that fills again all the time."""

import math
from dataclasses import dataclass
from typing import Final

MINUTE_S: Final = 60.0
"""A minute [s]."""


@dataclass(slots=True)
class Allowance:
    """Requests that an account may still send.

    Attributes:
        per_minute: Requests a minute; as many may come at once.
        left: Those that it may send now.
        at_s: When that was, by a clock that only goes on [s].
    """

    per_minute: int
    left: float
    at_s: float

    def takes(self, now_s: float) -> bool:
        """Whether one more may pass; it is counted if so."""
        gained = (now_s - self.at_s) * self.per_minute / MINUTE_S
        self.left = min(float(self.per_minute), self.left + gained)
        self.at_s = now_s
        if self.left < 1.0:
            return False
        self.left -= 1.0
        return True

    def headers(self, wall_s: float) -> dict[str, str]:
        """What a client is told of it.

        Args:
            wall_s: The time of day [s since 1970].
        """
        missing = self.per_minute - self.left
        whole_again_s = wall_s + missing * MINUTE_S / self.per_minute
        return {
            "X-RateLimit-Limit": str(self.per_minute),
            "X-RateLimit-Remaining": str(int(self.left)),
            "X-RateLimit-Reset": str(math.ceil(whole_again_s)),
        }
