"""Tapes as tables that people and libraries read: pandas, in currency and units."""

from itertools import starmap
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.bars import Bars
from fanfold.domain.money import MICRO
from fanfold.domain.orders import REASONS, ROLES, STATUSES
from fanfold.engine.timeline import Timeline

if TYPE_CHECKING:
    import pandas as pd


def equity_of(curve: NDArray[np.int64], account: Any, bars: Bars, first: int) -> "pd.Series[float]":
    """Equity by bar end [currency], up to the bar at which the run ended."""
    import pandas as pd

    stop = first + int(account["bar_count"])
    return pd.Series(curve[first:stop] / MICRO, index=_times(bars.ts[first:stop]), name="equity")


def benchmark_of(timeline: Timeline, equity: "pd.Series[float]") -> "pd.Series[float]":
    """The benchmark at the bars of an equity curve, rebased to its first value."""
    import pandas as pd

    index: Any = equity.index
    ts: NDArray[np.int64] = index.as_unit("ns").asi8
    bars = np.searchsorted(timeline.clock[0], ts)
    level = timeline.benchmark[bars]
    return pd.Series(level / level[0] * equity.iloc[0], index=index, name=timeline.benchmark_name)


def fills_of(fills: NDArray[Any], account: Any, bars: Bars, parts: int) -> "pd.DataFrame":
    """Fills in the order of time, sells before buys, symbols in the order of their names."""
    import pandas as pd

    rows = fills[: int(account["fill_count"])]
    symbols = np.array(bars.symbols, object)[rows["asset"]]
    frame = pd.DataFrame(
        {
            "ts": _times(bars.ts[rows["bar"]]),
            "symbol": symbols,
            "side": np.where(rows["lots"] > 0, "buy", "sell").astype(object),
            "quantity": _units(np.abs(rows["lots"]), parts),
            "price": rows["price"] / MICRO,
            "amount": rows["amount"] / MICRO,
            "fee": rows["fee"] / MICRO,
            "order_id": _order_ids(symbols, rows["order_bar"], rows["role"]),
        }
    )
    at_end = rows["order_bar"] == rows["bar"]  # closed at the last close, after that bar's open
    keys = symbols.astype(str), rows["lots"] > 0, rows["role"], at_end, rows["bar"]
    order = np.lexsort(keys)
    return frame.iloc[order].reset_index(drop=True)


def orders_of(orders: NDArray[Any], account: Any, bars: Bars, parts: int) -> "pd.DataFrame":
    """Orders in the order of their decisions, symbols in the order of their names."""
    import pandas as pd

    rows = orders[: int(account["order_rows"])]
    symbols = np.array(bars.symbols, object)[rows["asset"]]
    done = rows["done_bar"]
    ended = bars.ts[np.maximum(done, 0)]
    frame = pd.DataFrame(
        {
            "order_id": _order_ids(symbols, rows["bar"], rows["role"]),
            "ts": _times(bars.ts[rows["bar"]]),
            "symbol": symbols,
            "side": np.where(rows["asked"] > 0, "buy", "sell").astype(object),
            "role": np.array(ROLES, object)[rows["role"]],
            "asked": _units(np.abs(rows["asked"]), parts),
            "approved": _units(np.abs(rows["approved"]), parts),
            "filled": _units(np.abs(rows["filled"]), parts),
            "status": np.array(STATUSES, object)[rows["status"]],
            "reason": np.array(REASONS, object)[rows["reason"]],
            "done_ts": _times(ended).where(done >= 0),
        }
    )
    order = np.lexsort((symbols.astype(str), rows["role"], rows["bar"]))
    return frame.iloc[order].reset_index(drop=True)


def round_trips_of(fills: NDArray[Any], account: Any, bars: Bars, parts: int) -> "pd.DataFrame":
    """Finished round trips, from flat to flat, by the time of their exit.

    Prices are averages over the entry's and the exit's fills; `quantity` is signed,
    negative for a short; `pnl` is after fees [currency] and `return` is pnl over the
    entry's amount [1].
    """
    import pandas as pd

    open_trips: dict[int, _Trip] = {}
    rows: list[tuple[Any, ...]] = []
    for fill in fills[: int(account["fill_count"])]:
        asset = int(fill["asset"])
        trip = open_trips.setdefault(asset, _Trip(int(fill["bar"]), long=fill["lots"] > 0))
        trip.add(fill)
        if trip.lots == 0:
            rows.append(trip.row(bars.symbols[asset], int(fill["bar"]), parts))
            del open_trips[asset]
    columns = ["symbol", "entry_ts", "exit_ts", "entry_price", "exit_price"]
    frame = pd.DataFrame(rows, columns=[*columns, "quantity", "pnl", "return"])
    for column in ("entry_ts", "exit_ts"):
        frame[column] = _times(bars.ts[frame[column].to_numpy(np.int64)])
    return frame.sort_values(["exit_ts", "symbol"], kind="stable", ignore_index=True)


class _Trip:
    """One round trip in the making, in lots and micro-units."""

    def __init__(self, entry_bar: int, *, long: bool) -> None:
        self.entry_bar = entry_bar
        self.long = long
        self.lots = self.entry_lots = self.exit_lots = 0
        self.entry_amount = self.exit_amount = self.fees = 0

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

    def row(self, symbol: str, exit_bar: int, parts: int) -> tuple[Any, ...]:
        gain = self.exit_amount - self.entry_amount
        pnl = (gain if self.long else -gain) - self.fees
        units = self.entry_lots / parts
        return (
            symbol,
            self.entry_bar,
            exit_bar,
            self.entry_amount / MICRO / units,
            self.exit_amount / MICRO / (self.exit_lots / parts),
            units if self.long else -units,
            pnl / MICRO,
            pnl / self.entry_amount,
        )


def _times(ts: NDArray[np.int64]) -> Any:
    import pandas as pd

    return pd.DatetimeIndex(ts.astype("datetime64[ns]"), tz="UTC", name="ts")


def _units(lots: NDArray[np.int64], parts: int) -> NDArray[np.float64]:
    return lots / parts


def _order_ids(symbols: Any, bars: Any, roles: Any) -> list[str]:
    """An order is known by its asset, the bar of its decision and its role."""
    return list(starmap(_order_id, zip(symbols, bars, roles, strict=True)))


def _order_id(symbol: str, bar: int, role: int) -> str:
    return f"{symbol}-{bar}-{ROLES[role]}"
