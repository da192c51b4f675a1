"""The memory that a chunk of runs works in, as machine code or plain Python take it."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.bars import Bars
from fanfold.domain.decision import Asset, Portfolio
from fanfold.domain.record import view
from fanfold.engine.spec import Terms
from fanfold.engine.state import Desk, FillRow, OrderRow
from fanfold.engine.timeline import timeline_of


@dataclass(slots=True, kw_only=True)
class Tape:
    """What a recorded run writes; empty arrays record nothing.

    Attributes:
        curve: Equity at each bar's close [micro-units], shape [bar].
        fills: Records of `FillRow`.
        orders: Records of `OrderRow`.
    """

    curve: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    fills: NDArray[Any] = field(default_factory=lambda: FillRow.zeros(0))
    orders: NDArray[Any] = field(default_factory=lambda: OrderRow.zeros(0))

    @staticmethod
    def sized(bar_count: int, fill_count: int, order_count: int) -> "Tape":
        """A tape with room for exactly so much."""
        return Tape(
            curve=np.zeros(bar_count, np.int64),
            fills=FillRow.zeros(fill_count),
            orders=OrderRow.zeros(order_count),
        )


class Arena:
    """State of the run in progress and the final account of each run of a chunk."""

    def __init__(self, bars: Bars, terms: Terms, tape: Tape | None, memory_size: int) -> None:
        timeline = timeline_of(bars)
        self.marks = timeline.marks
        self.clock = timeline.clock
        self.pulse = timeline.pulse
        self.parts = np.full(bars.asset_count, terms.parts(bars.calendar), np.int64)
        self.assets = Asset.zeros(bars.asset_count)
        self.desks = Desk.zeros(bars.asset_count)
        self.portfolio = Portfolio.zeros(1)
        self.memory = np.zeros(memory_size)
        self.rules = terms.rules(recording=tape is not None)
        self.tape = tape or Tape()

    def state(self) -> tuple[Any, ...]:
        """Arguments of the runner from `assets` to `memory`, for machine code."""
        raw = self.assets.view("f8"), self.desks.view("f8")
        return self.assets, raw[0], self.desks, raw[1], self.portfolio, self.memory

    def plain_state(self) -> tuple[Any, ...]:
        """The same for plain Python: light objects over the same memory."""
        return (
            Asset.views(self.assets),
            view(self.assets.view("f8")),
            Desk.views(self.desks),
            view(self.desks.view("f8")),
            Portfolio.views(self.portfolio),
            view(self.memory),
        )

    def record(self) -> tuple[Any, ...]:
        """Arguments of the runner from `curve` to `orders`, for machine code."""
        return self.tape.curve, self.tape.fills, self.tape.orders

    def plain_record(self) -> tuple[Any, ...]:
        """The same for plain Python."""
        tape = self.tape
        return view(tape.curve), FillRow.views(tape.fills), OrderRow.views(tape.orders)
