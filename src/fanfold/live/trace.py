"""One id from a tick to its fills, and the lines that bear it.

Nothing is passed along: the id follows from what every step knows anyway, the deployment,
the asset and the instant that was decided on. So a restart, a replay and whoever reads tape
and journal later come to the same id.

Writing a line takes longer than a decision. A step is only noted when it happens, and
written when the component's time has come, after what it made was sent.
"""

import hashlib
import logging
import re
import time
from collections import deque
from typing import Any, Final

LOGGER: Final = "fanfold.trace"
"""Name of the logger of these lines: they go to files of their own, so that many orders push
no warning out."""

STEPS_MAX: Final = 4_096
"""Steps that may wait to be written; of more, the oldest are dropped and counted."""

ID_BYTES: Final = 16
"""Length of an id: what tracing elsewhere calls a trace id, too [bytes]."""

NAME: Final = re.compile(rf"[0-9a-f]{{{2 * ID_BYTES}}}")
"""Form of an id."""

DROPPED: Final = "dropped"
"""Step of a line that says how many were dropped before it."""

_log: Final = logging.getLogger(LOGGER)


def trace_id(tag: str, asset: int, event_ts: int) -> str:
    """The id of everything that follows from one event of one asset.

    Args:
        tag: `Plan.tag` of the deployment.
        asset: Number of the asset.
        event_ts: The bar's end or the quote's instant that was decided on [ns UTC].
    """
    content = f"{tag}:{asset}:{event_ts}".encode()
    return hashlib.blake2b(content, digest_size=ID_BYTES).hexdigest()


class Trail:
    """Steps of one component on their way into its log; for the component's own thread.

    Args:
        tag: `Plan.tag` of the deployment.
    """

    __slots__ = ("_dropped", "_tag", "_waiting")

    def __init__(self, tag: str) -> None:
        self._tag = tag
        self._waiting: deque[tuple[int, str, tuple[int, ...], int, dict[str, Any]]] = deque()
        self._dropped = 0

    def note(self, step: str, asset: int | tuple[int, ...], event_ts: int, **facts: Any) -> None:
        """Note that a step was taken, now.

        Args:
            step: What was done, such as "decided".
            asset: Number of the asset, or of all that the event is of.
            event_ts: What was decided on [ns UTC].
            facts: Plain values of ours, never what a broker might fill with anything; "at" if
                it was not now [ns UTC].
        """
        if len(self._waiting) == STEPS_MAX:
            self._waiting.popleft()
            self._dropped += 1
        assets = asset if isinstance(asset, tuple) else (asset,)
        self._waiting.append((time.time_ns(), step, assets, event_ts, facts))

    def write(self) -> None:
        """Write down what was noted, the oldest first."""
        if not self._waiting:
            return
        if self._dropped:
            _say(DROPPED, {"at": time.time_ns(), "count": self._dropped})
            self._dropped = 0
        while self._waiting:
            at, step, assets, event_ts, facts = self._waiting.popleft()
            traces = [trace_id(self._tag, asset, event_ts) for asset in assets]
            one = len(assets) == 1
            of = {"trace": traces[0], "asset": assets[0]} if one else {"traces": traces}
            _say(step, {"at": at, **of, "event_ts": event_ts, **facts})


def _say(step: str, fields: dict[str, Any]) -> None:
    _log.info(step, extra={"fields": fields})
