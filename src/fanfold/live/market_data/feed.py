"""Whether the stream can be trusted, and what is told again so that nobody has to ask.

Trouble is named by what it is of; the feed is up while there is none. A receiver that was
started anew learns where things stand within a second, as what stands is told again.
"""

from typing import Final

from fanfold.live.messages import Feed, Prior, Trading, Value

HEARTBEAT_NS: Final = 1_000_000_000
"""Time after which the feed's state is told again [ns]."""

STANDING_NS: Final = 10_000_000_000
"""Time after which halts and usual volumes are told again [ns]."""

REASON_LENGTH_MAX: Final = 400
"""Longest reason [characters]."""


class FeedState:
    """What stands of the feed, and when it was last told.

    Attributes:
        stale: Assets that are silent.
        changes: How often it has changed.
    """

    def __init__(self) -> None:
        self._troubles: dict[str, str] = {"connection": "not connected yet"}
        self._halts: dict[int, Trading] = {}
        self._priors: dict[int, Prior] = {}
        self._told: tuple[str, tuple[int, ...]] | None = None
        self._told_at = 0
        self._standing_at = 0
        self.stale: tuple[int, ...] = ()
        self.changes = 0

    @property
    def reason(self) -> str:
        """All troubles as one text, "" where there are none."""
        return "; ".join(self._troubles.values())[:REASON_LENGTH_MAX]

    @property
    def is_up(self) -> bool:
        """Whether there is no trouble."""
        return not self._troubles

    def trouble(self, of: str, what: str) -> None:
        """Name a trouble; one of its kind is replaced."""
        self._troubles[of] = what

    def mended(self, of: str) -> None:
        """A trouble is over."""
        self._troubles.pop(of, None)

    def halt(self, change: Trading) -> bool:
        """Note a halt or its end; False for one that is older than what is known."""
        known = self._halts.get(change.asset)
        if known is not None and change.ts < known.ts:
            return False
        self._halts[change.asset] = change
        return True

    def prior(self, value: Prior) -> None:
        """Note what is usual of an asset."""
        self._priors[value.asset] = value

    def due(self, clock: int, now: int) -> list[Value]:
        """What is to be told at an instant of the venue's clock, and of ours [ns UTC]."""
        state = self.reason, self.stale
        told: list[Value] = []
        if state != self._told or not 0 <= now - self._told_at < HEARTBEAT_NS:
            self.changes += state != self._told
            self._told, self._told_at = state, now
            told.append(Feed(clock, self.is_up, self.stale, self.reason))
        if not 0 <= now - self._standing_at < STANDING_NS:
            self._standing_at = now
            told.extend(self._halts.values())
            told.extend(self._priors.values())
        return told
