"""How much of everything: requests, bodies, listeners, time."""

import time
import zlib
from dataclasses import dataclass
from typing import Final

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

ADDRESSES: Final = 1_024
"""Counters of addresses: those that share one share its bound, and memory is bounded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds of one app.

    Attributes:
        body_bytes: Largest body of a request [bytes].
        body_s: Longest time until a body is there [s].
        reads_per_minute: Requests that read, of one token.
        acts_per_minute: Requests that act, of one token.
        strangers_per_minute: Requests without a token, or with a wrong one, of one address.
        listeners: Streams that are open at once.
        listeners_per_token: The same of one token.
        poll_s: Time between two looks at the deployment while somebody listens [s].
        idle_s: The same while nobody does [s].
        heartbeat_s: Longest silence of a stream [s].
        slow_s: Longest time that a listener may take to accept an event [s].
        kill_code_s: How long the code of a kill is good [s].
    """

    body_bytes: int = 16_384
    body_s: float = 10.0
    reads_per_minute: int = 600
    acts_per_minute: int = 30
    strangers_per_minute: int = 300
    listeners: int = 32
    listeners_per_token: int = 8
    poll_s: float = 1.0
    idle_s: float = 5.0
    heartbeat_s: float = 15.0
    slow_s: float = 30.0
    kill_code_s: int = 30


class Rates:
    """Counts requests in moving windows.

    Args:
        limits: The bounds.
    """

    def __init__(self, limits: Limits) -> None:
        self._window = MovingWindowRateLimiter(MemoryStorage())
        self._read = RateLimitItemPerMinute(limits.reads_per_minute)
        self._act = RateLimitItemPerMinute(limits.acts_per_minute)
        self._stranger = RateLimitItemPerMinute(limits.strangers_per_minute)

    def read(self, name: str) -> int:
        """Count a read of a token: 0 where it may, else how long to wait [s]."""
        return self._count(self._read, "read", name)

    def act(self, name: str) -> int:
        """Count an act of a token; as `read`."""
        return self._count(self._act, "act", name)

    def stranger(self, address: str) -> int:
        """Count a request of somebody unknown; as `read`."""
        return self._count(
            self._stranger, "stranger", str(zlib.crc32(address.encode()) % ADDRESSES)
        )

    def _count(self, item: RateLimitItemPerMinute, kind: str, key: str) -> int:
        if self._window.hit(item, kind, key):
            return 0
        reset_at = self._window.get_window_stats(item, kind, key).reset_time
        return max(1, round(reset_at - time.time()) + 1)
