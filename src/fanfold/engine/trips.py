"""Round trips, from flat to flat, put together from fills and from what came between."""

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.bars import Bars
from fanfold.domain.money import MICRO
from fanfold.domain.orders import SPLIT
from fanfold.engine.tables import times_of

if TYPE_CHECKING:
    import pandas as pd

_BOOKED, _FILLED = 0, 1
"""Within a bar, splits and dividends come before fills."""


def round_trips_of(
    fills: NDArray[Any], bookings: NDArray[Any], bars: Bars, parts: NDArray[np.int64]
) -> "pd.DataFrame":
    """Finished round trips by the time of their exit.

    Prices are averages over the entry's and the exit's fills, in the units after any
    split; `quantity` is signed, negative for a short; `pnl` is after fees, dividends
    and borrowing [currency], and `return` is pnl over the entry's amount [1].

    Args:
        fills: Records of `FillRow`, as they happened.
        bookings: Records of `BookingRow`, as they happened.
        bars: The market.
        parts: Lots in one unit of each asset; shape [asset].
    """
    import pandas as pd

    open_trips: dict[int, _Trip] = {}
    rows: list[tuple[Any, ...]] = []
    for kind, event in _events(fills, bookings):
        asset, bar = int(event["asset"]), int(event["bar"])
        if kind == _FILLED:
            open_trips.setdefault(asset, _Trip(bar, long=event["lots"] > 0)).add(event)
        elif asset in open_trips:
            open_trips[asset].book(event)
        if asset in open_trips and open_trips[asset].lots == 0:
            rows.append(open_trips.pop(asset).row(bars.symbols[asset], bar, int(parts[asset])))
    columns = ["symbol", "entry_ts", "exit_ts", "entry_price", "exit_price"]
    frame = pd.DataFrame(rows, columns=[*columns, "quantity", "pnl", "return"])
    for column in ("entry_ts", "exit_ts"):
        frame[column] = times_of(bars.ts[frame[column].to_numpy(np.int64)])
    return frame.sort_values(["exit_ts", "symbol"], kind="stable", ignore_index=True)


def _events(fills: NDArray[Any], bookings: NDArray[Any]) -> list[tuple[int, Any]]:
    """Fills and bookings of assets, in the order in which they happened."""
    booked = [(int(row["bar"]), _BOOKED, place) for place, row in enumerate(bookings)]
    filled = [(int(row["bar"]), _FILLED, place) for place, row in enumerate(fills)]
    tables = {_BOOKED: bookings, _FILLED: fills}
    return [(kind, tables[kind][place]) for _, kind, place in sorted(booked + filled)]


class _Trip:
    """One round trip in the making, in lots and micro-units."""

    def __init__(self, entry_bar: int, *, long: bool) -> None:
        self.entry_bar = entry_bar
        self.long = long
        self.lots = self.entry_lots = self.exit_lots = 0
        self.entry_amount = self.exit_amount = self.fees = self.carried = 0

    def add(self, fill: Any) -> None:
        lots, amount = int(fill["lots"]), int(fill["amount"])
        self.lots += lots
        self.fees += int(fill["fee"])
        if (lots > 0) == self.long:
            self.entry_lots += abs(lots)
            self.entry_amount += amount
        else:
            self.exit_lots += abs(lots)
            self.exit_amount += amount

    def book(self, booking: Any) -> None:
        if booking["kind"] == SPLIT:
            held = self.lots + int(booking["lots"])
            ratio = held / self.lots
            self.entry_lots = round(self.entry_lots * ratio)
            self.exit_lots = round(self.exit_lots * ratio)
            self.lots = held
        else:
            self.carried += int(booking["amount"])

    def row(self, symbol: str, exit_bar: int, parts: int) -> tuple[Any, ...]:
        gain = self.exit_amount - self.entry_amount
        pnl = (gain if self.long else -gain) - self.fees + self.carried
        units = self.entry_lots / parts
        return (
            symbol,
            self.entry_bar,
            exit_bar,
            self.entry_amount / MICRO / units if units else math.nan,
            self.exit_amount / MICRO / (self.exit_lots / parts) if self.exit_lots else math.nan,
            units if self.long else -units,
            pnl / MICRO,
            pnl / self.entry_amount,
        )
