"""How the venue's clock follows the wall's."""

from dataclasses import dataclass
from math import inf
from typing import Final

SECOND_NS: Final = 1_000_000_000
"""A second [ns]."""

SLIP_S_MAX: Final = 0.25
"""How far the clock may lag behind its speed before it gives up what it missed [s]."""


@dataclass(slots=True)
class Pace:
    """How fast the venue's clock goes, and from where.

    At infinite speed the market waits for its clients only. It goes at 1 while nobody is
    subscribed to it, since it would run away from whoever comes, and for a moment after a
    request to trade, since an order's life would be over before its owner could look.

    Attributes:
        speed: Venue seconds per second.
        order_pause_s: Length of that moment [s].
        venue_ns: Venue's clock at the anchor [ns UTC].
        wall_s: The monotonic clock at the anchor [s].
        attended_s: When somebody traded last, by the monotonic clock [s].
        slipped_s: What the clock gave up in all, because the machine was too slow [s].
    """

    speed: float
    order_pause_s: float
    venue_ns: int
    wall_s: float = -inf
    attended_s: float = -inf
    slipped_s: float = 0.0

    def set_speed(self, speed: float, wall_s: float, venue_ns: int) -> None:
        """Go on at another speed from here."""
        self.speed = speed
        self._anchor(wall_s, venue_ns)

    def attend(self, wall_s: float, venue_ns: int) -> None:
        """Note a request to trade."""
        if self.speed == inf and wall_s - self.attended_s > self.order_pause_s:
            self._anchor(wall_s, venue_ns)
        self.attended_s = wall_s

    def target(self, wall_s: float, venue_ns: int, *, followed: bool) -> int | None:
        """Where the clock should be now [ns UTC]; None for as far as clients follow.

        Args:
            wall_s: The monotonic clock [s].
            venue_ns: The venue's clock [ns UTC].
            followed: Whether anybody is subscribed to the market.
        """
        if self.wall_s == -inf:
            self._anchor(wall_s, venue_ns)
        if self.speed == inf and followed and wall_s - self.attended_s >= self.order_pause_s:
            self._anchor(wall_s, venue_ns)
            return None
        target = self.venue_ns + round((wall_s - self.wall_s) * self._rate * SECOND_NS)
        if self.speed == inf and target < venue_ns:
            # The last that followed has gone, and took the market further than it says here.
            self._anchor(wall_s, venue_ns)
            return venue_ns
        return target

    def slip(self, wall_s: float, venue_ns: int) -> None:
        """Give up what was missed, where the clock lags too far behind."""
        lag_s = wall_s - self.wall_s - (venue_ns - self.venue_ns) / SECOND_NS / (self._rate or 1.0)
        if lag_s > SLIP_S_MAX:
            self.slipped_s += lag_s
            self._anchor(wall_s, venue_ns)

    def jump(self, wall_s: float, venue_ns: int) -> None:
        """Go on from another instant."""
        self._anchor(wall_s, venue_ns)

    def rest_s(self, next_ns: int | None, venue_ns: int, rest_s_max: float) -> float:
        """How long nothing is to be done [s].

        Args:
            next_ns: When the market's next tick is [ns UTC]; None if there is none.
            venue_ns: The venue's clock [ns UTC].
            rest_s_max: Longest rest [s].
        """
        if next_ns is None or self._rate == 0.0:
            return rest_s_max
        return min(max((next_ns - venue_ns) / SECOND_NS / self._rate, 0.0), rest_s_max)

    @property
    def _rate(self) -> float:
        return 1.0 if self.speed == inf else self.speed

    def _anchor(self, wall_s: float, venue_ns: int) -> None:
        self.wall_s, self.venue_ns = wall_s, venue_ns
