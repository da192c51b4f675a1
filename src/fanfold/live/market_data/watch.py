"""Who has been silent for too long: the whole of a channel, or one symbol.

Quiet markets are silent too, so only hours of trading count, and only as long as the
venue's own clock goes on. A connection that is made anew and brings nothing either is
given twice the time, so that a market of a few trades an hour is not hammered.
"""

from collections.abc import Sequence
from typing import Final

from fanfold.live.market_data.bars.hours import SECOND_NS, Hours

CHANNELS: Final = ("quotes", "bars")
"""Channels that are heard whenever there is trading."""

EXTRA_NS: Final = {"quotes": 0, "bars": 60 * SECOND_NS}
"""How much longer a channel may be silent on the venue's clock: bars come once a minute [ns]."""

PATIENCE_MAX: Final = 16
"""Most times that the allowed silence is taken."""


class Watch:
    """When channels and symbols were last heard.

    Args:
        hours: Of each asset.
        channels: Those of `CHANNELS` that are subscribed to.
        silence_ns: Longest silence of a channel [ns].
        stale_ns: Longest silence of a symbol [ns of the venue's clock].
    """

    def __init__(
        self, hours: Sequence[Hours], channels: Sequence[str], silence_ns: int, stale_ns: int
    ) -> None:
        self._hours = tuple(hours)
        self._silence_ns = silence_ns
        self._stale_ns = stale_ns
        self._heard: dict[str, tuple[int, int]] = dict.fromkeys(channels, (0, 0))
        self._patience = dict.fromkeys(channels, 1)
        self._all = tuple(dict.fromkeys(self._hours))

    def begin(self, now: int, clock: int) -> None:
        """A connection has been made: silence counts from now on."""
        for channel in self._heard:
            self._heard[channel] = (now, clock)

    def hear(self, channel: str, now: int, clock: int) -> None:
        """Something came."""
        self._heard[channel] = (now, clock)
        self._patience[channel] = 1

    def silent(self, now: int, clock: int) -> str | None:
        """A channel that has been silent for too long; asking again gives it more time.

        Args:
            now: Our clock [ns UTC].
            clock: The venue's [ns UTC].
        """
        opened = self._open_since(clock)
        if opened is None:
            return None
        for channel, (heard_at, at_clock) in self._heard.items():
            patience = self._patience[channel]
            by_clock = clock - max(at_clock, opened)
            if (
                now - heard_at >= self._silence_ns * patience
                and by_clock >= (self._silence_ns + EXTRA_NS[channel]) * patience
            ):
                self._patience[channel] = min(2 * patience, PATIENCE_MAX)
                return channel
        return None

    def stale(self, clock: int, heard: Sequence[int]) -> tuple[int, ...]:
        """Assets that are silent in trading hours.

        Args:
            clock: The venue's [ns UTC].
            heard: Instant of each one's last quote or trade [ns UTC].
        """
        found: list[int] = []
        for asset, last in enumerate(heard):
            session = self._hours[asset].session_of(clock)
            if session is not None and clock - max(last, session[0]) > self._stale_ns:
                found.append(asset)
        return tuple(found)

    def _open_since(self, clock: int) -> int | None:
        """When the earliest session that is on began, None where none is."""
        opens = [one[0] for hours in self._all if (one := hours.session_of(clock)) is not None]
        return min(opens, default=None)
