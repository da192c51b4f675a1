"""How long orders take: from an approval, and from the tick before it, to their bytes."""

import time
from typing import Final

from fanfold.live.messages import ApprovedOrder
from fanfold.live.statistics import Latency

LIVE_NS: Final = 60 * 10**9
"""Longest time since a tick that is this clock's: a replay's is another [ns]."""


class Timing:
    """Times of orders that left at once.

    Attributes:
        stages: "submit", from the approval's envelope to the order's last byte written, and
            "tick_to_order", from the instant that was decided on.
    """

    __slots__ = ("stages",)

    def __init__(self) -> None:
        self.stages = {name: Latency() for name in ("submit", "tick_to_order")}

    def left(self, approved: ApprovedOrder, began: int, wrote_at: int) -> None:
        """An order of an approval has left.

        Args:
            approved: The approval.
            began: When its envelope was taken [monotonic ns].
            wrote_at: When the last byte was written [monotonic ns].
        """
        since_ns = time.monotonic_ns() - wrote_at
        self.stages["submit"].record(wrote_at - began)
        if (took_ns := time.time_ns() - since_ns - approved.event_ts) < LIVE_NS:
            self.stages["tick_to_order"].record(took_ns)
