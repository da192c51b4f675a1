"""A connection whose news are planned for as soon as they are read."""

from collections.abc import Callable, Sequence

from fanfold.live.component import Outgoing, Pollable

Act = Callable[[int], Sequence[Outgoing]]
Guarded = Callable[[Act, int], list[Outgoing]]
"""Does something at an instant [ns UTC], and what it made necessary."""


class Source:
    """What the loop waits for.

    Args:
        inner: The connection.
        guarded: Does what is due, see `Execution`.
    """

    def __init__(self, inner: Pollable, guarded: Guarded) -> None:
        self._inner, self._guarded = inner, guarded

    def fileno(self) -> int:
        """What to wait for."""
        return self._inner.fileno()

    def ready(self, now: int) -> Sequence[Outgoing]:
        """Read what has come, and plan for it."""
        return self._guarded(self._inner.ready, now)
