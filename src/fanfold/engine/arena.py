"""The memory that a chunk of runs works in, as machine code or plain Python take it."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.bars import Bars
from fanfold.domain.decision import Asset, Portfolio
from fanfold.domain.money import MICRO, RATE_ONE
from fanfold.domain.record import view
from fanfold.engine.facts import facts_of, session_returns
from fanfold.engine.rules import rules_of
from fanfold.engine.spec import Terms
from fanfold.engine.step.approve import SCRATCH_ROWS
from fanfold.engine.step.state import (
    CURVE_ROWS,
    DELISTING_BAR,
    DELISTING_RATE,
    LEAST_NOTIONAL,
    PARTS,
    SECTOR,
    SHORTABLE,
    TICK_COARSE,
    TICK_FINE,
    TRAIT_ROWS,
    WISHES,
    BookingRow,
    Desk,
    FillRow,
    OrderRow,
)
from fanfold.engine.timeline import delisting_bars, timeline_of
from fanfold.risk.limits import sector_numbers


@dataclass(slots=True, kw_only=True)
class Tape:
    """What a recorded run writes; empty arrays record nothing.

    Attributes:
        curve: Equity, cash and gross exposure at each bar's close [micro-units], shape
            [row, bar].
        fills: Records of `FillRow`.
        orders: Records of `OrderRow`.
        bookings: Records of `BookingRow`.
    """

    curve: NDArray[np.int64] = field(default_factory=lambda: np.zeros((CURVE_ROWS, 0), np.int64))
    fills: NDArray[Any] = field(default_factory=lambda: FillRow.zeros(0))
    orders: NDArray[Any] = field(default_factory=lambda: OrderRow.zeros(0))
    bookings: NDArray[Any] = field(default_factory=lambda: BookingRow.zeros(0))

    @staticmethod
    def sized(bar_count: int, fill_count: int, order_count: int, booking_count: int) -> "Tape":
        """A tape with room for exactly so much."""
        return Tape(
            curve=np.zeros((CURVE_ROWS, bar_count), np.int64),
            fills=FillRow.zeros(fill_count),
            orders=OrderRow.zeros(order_count),
            bookings=BookingRow.zeros(booking_count),
        )


class Arena:
    """State of the run in progress and the final account of each run of a chunk."""

    def __init__(
        self,
        bars: Bars,
        terms: Terms,
        tape: Tape | None,
        memory_size: int,
        *,
        written: frozenset[str] | None,
    ) -> None:
        """Make room for runs whose decision writes these prices; None: maybe any."""
        prices = written is None or bool(written)
        timeline = timeline_of(bars)
        self.marks = timeline.marks
        self.clock = timeline.clock
        self.pulse = timeline.pulse
        self.facts = facts_of(bars, terms, prices=prices)
        self.traits = _traits(bars, terms)
        self.assets = Asset.zeros(bars.asset_count)
        self.desks = Desk.zeros(bars.asset_count)
        self.portfolio = Portfolio.zeros(1)
        self.memory = np.zeros(memory_size)
        self.wishes = np.zeros((bars.asset_count, WISHES))
        self.delayed = np.zeros((terms.options.delay_bars - 1, bars.asset_count, WISHES))
        self.scratch = np.zeros((SCRATCH_ROWS, bars.asset_count))
        if terms.limits.max_var is not None:
            self.scratch = np.concatenate([self.scratch, session_returns(bars)])
        self.rules = rules_of(
            terms,
            bars,
            written=written,
            facts=self.facts.shape[1] != 0,
            recording=tape is not None,
        )
        self.tape = tape or Tape()

    def state(self) -> tuple[Any, ...]:
        """Arguments of the runner from `assets` to `scratch`, for machine code."""
        raw = self.assets.view("f8"), self.desks.view("f8")
        books = self.wishes, self.delayed, self.scratch
        return self.assets, raw[0], self.desks, raw[1], self.portfolio, self.memory, *books

    def plain_state(self) -> tuple[Any, ...]:
        """The same for plain Python: light objects over the same memory."""
        return (
            Asset.views(self.assets),
            view(self.assets.view("f8")),
            Desk.views(self.desks),
            view(self.desks.view("f8")),
            Portfolio.views(self.portfolio),
            view(self.memory),
            *map(view, (self.wishes, self.delayed, self.scratch)),
        )

    def record(self) -> tuple[Any, ...]:
        """Arguments of the runner from `curve` to `bookings`, for machine code."""
        tape = self.tape
        return tape.curve, tape.fills, tape.orders, tape.bookings

    def plain_record(self) -> tuple[Any, ...]:
        """The same for plain Python."""
        tape = self.tape
        return (
            view(tape.curve),
            FillRow.views(tape.fills),
            OrderRow.views(tape.orders),
            BookingRow.views(tape.bookings),
        )


def _traits(bars: Bars, terms: Terms) -> NDArray[np.int64]:
    """What an asset is throughout a run; rows are named in `fanfold.engine.step.state`."""
    traits = np.zeros((TRAIT_ROWS, bars.asset_count), np.int64)
    traits[PARTS] = terms.parts(bars)
    for asset, calendar in enumerate(bars.calendars):
        traits[SHORTABLE, asset] = terms.is_shortable(calendar)
        traits[TICK_COARSE : TICK_FINE + 1, asset] = terms.ticks(calendar)
        traits[LEAST_NOTIONAL, asset] = round(terms.least_notional(calendar) * MICRO)
    traits[SECTOR] = sector_numbers(terms.limits, bars.symbols)[1]
    traits[DELISTING_BAR] = delisting_bars(bars)
    if bars.delisting_return is not None:
        traits[DELISTING_RATE] = np.round(bars.delisting_return * RATE_ONE)
    return traits
