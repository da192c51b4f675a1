"""Tapes as tables that people and libraries read: pandas, in currency and units."""

from itertools import starmap
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.bars import Bars
from fanfold.domain.money import MICRO
from fanfold.domain.orders import BOOKINGS, CLOSE, INSIDE, OPEN, REASONS, ROLES, SPLIT, STATUSES
from fanfold.engine.step.state import CURVE_ROWS, EQUITY_ROW
from fanfold.engine.timeline import Timeline

if TYPE_CHECKING:
    import pandas as pd


def equity_of(curve: NDArray[np.int64], account: Any, bars: Bars, first: int) -> "pd.Series[float]":
    """Equity by bar end [currency], up to the bar at which the run ended."""
    import pandas as pd

    stop = first + int(account["bar_count"])
    equity = curve[EQUITY_ROW, first:stop] / MICRO
    return pd.Series(equity, index=times_of(bars.ts[first:stop]), name="equity")


def returns_of(equity: "pd.Series[float]", bars: Bars, first: int) -> "pd.Series[float]":
    """Simple returns of equity over sessions, by the end of each; the first bar begins."""
    closes = bars.closes_session[first : first + len(equity)].copy()
    closes[0] = True
    levels = equity[closes]
    return (levels / levels.shift(1) - 1.0).iloc[1:].rename("returns")


def exposure_of(curve: NDArray[np.int64], account: Any, bars: Bars, first: int) -> "pd.DataFrame":
    """Gross and net exposure by bar end [share of equity]; NaN where equity is gone."""
    import pandas as pd

    stop = first + int(account["bar_count"])
    equity, cash, gross = (curve[row, first:stop] / MICRO for row in range(CURVE_ROWS))
    whole = np.where(equity > 0.0, equity, np.nan)
    shares = {"gross": gross / whole, "net": (equity - cash) / whole}
    return pd.DataFrame(shares, index=times_of(bars.ts[first:stop]))


def cash_flows_of(bookings: NDArray[Any], account: Any, bars: Bars) -> "pd.DataFrame":
    """What moved money without a fill: ts, symbol ("" for the account), kind, amount [currency]."""
    import pandas as pd

    rows = bookings[: int(account["booking_rows"])]
    rows = rows[rows["kind"] != SPLIT]
    symbols = np.array([*bars.symbols, ""], object)[rows["asset"]]
    frame = pd.DataFrame(
        {
            "ts": times_of(bars.ts[rows["bar"]]),
            "symbol": symbols,
            "kind": np.array(BOOKINGS, object)[rows["kind"]],
            "amount": rows["amount"] / MICRO,
        }
    )
    order = np.lexsort((rows["kind"], symbols.astype(str), rows["bar"]))
    return frame.iloc[order].reset_index(drop=True)


def benchmark_of(timeline: Timeline, equity: "pd.Series[float]") -> "pd.Series[float]":
    """The benchmark at the bars of an equity curve, rebased to its first value."""
    import pandas as pd

    index: Any = equity.index
    ts: NDArray[np.int64] = index.as_unit("ns").asi8
    bars = np.searchsorted(timeline.clock[0], ts)
    level = timeline.benchmark[bars]
    return pd.Series(level / level[0] * equity.iloc[0], index=index, name=timeline.benchmark_name)


def fills_of(
    fills: NDArray[Any], account: Any, bars: Bars, parts: NDArray[np.int64]
) -> "pd.DataFrame":
    """Fills in the order of time, sells before buys, symbols in the order of their names."""
    import pandas as pd

    rows = fills[: int(account["fill_count"])]
    symbols = np.array(bars.symbols, object)[rows["asset"]]
    frame = pd.DataFrame(
        {
            "ts": times_of(bars.ts[rows["bar"]]),
            "symbol": symbols,
            "side": np.where(rows["lots"] > 0, "buy", "sell").astype(object),
            "quantity": _units(np.abs(rows["lots"]), parts[rows["asset"]]),
            "price": rows["price"] / MICRO,
            "amount": rows["amount"] / MICRO,
            "fee": rows["fee"] / MICRO,
            "order_id": _order_ids(symbols, rows["order_bar"], rows["role"]),
        }
    )
    keys = symbols.astype(str), rows["lots"] > 0, _turns(rows), rows["phase"], rows["bar"]
    order = np.lexsort(keys)
    return frame.iloc[order].reset_index(drop=True)


def _turns(rows: NDArray[Any]) -> NDArray[np.int64]:
    """Which fills of one phase come first: what closes, but inside a bar what opens.

    Positions closed at the very end come after everything.
    """
    opens: NDArray[np.bool_] = np.asarray(rows["role"] == OPEN, np.bool_)
    closes: NDArray[np.bool_] = np.asarray(rows["role"] == CLOSE, np.bool_)
    at_end = closes & np.asarray(rows["order_bar"] == rows["bar"], np.bool_)
    inside = np.asarray(rows["phase"] == INSIDE, np.bool_)
    return np.where(at_end, 2, np.where(inside, ~opens, opens).astype(np.int64))


def orders_of(
    orders: NDArray[Any], account: Any, bars: Bars, parts: NDArray[np.int64]
) -> "pd.DataFrame":
    """Orders in the order of their decisions, symbols in the order of their names.

    `limit` and `stop` are prices as the engine's bars have them; `bound` is the limit
    that refused or trimmed an order, and `reached` what it would have come to.
    """
    import pandas as pd

    rows = orders[: int(account["order_rows"])]
    symbols = np.array(bars.symbols, object)[rows["asset"]]
    done = rows["done_bar"]
    ended = bars.ts[np.maximum(done, 0)]
    frame = pd.DataFrame(
        {
            "order_id": _order_ids(symbols, rows["bar"], rows["role"]),
            "ts": times_of(bars.ts[rows["bar"]]),
            "symbol": symbols,
            "side": np.where(rows["asked"] > 0, "buy", "sell").astype(object),
            "role": np.array(ROLES, object)[rows["role"]],
            "asked": _units(np.abs(rows["asked"]), parts[rows["asset"]]),
            "approved": _units(np.abs(rows["approved"]), parts[rows["asset"]]),
            "filled": _units(np.abs(rows["filled"]), parts[rows["asset"]]),
            "limit": rows["limit"],
            "stop": rows["stop"],
            "status": np.array(STATUSES, object)[rows["status"]],
            "reason": np.array(REASONS, object)[rows["reason"]],
            "bound": rows["bound"],
            "reached": rows["reached"],
            "done_ts": times_of(ended).where(done >= 0),
        }
    )
    order = np.lexsort((symbols.astype(str), rows["role"], rows["bar"]))
    return frame.iloc[order].reset_index(drop=True)


def times_of(ts: NDArray[np.int64]) -> Any:
    """An index of instants in UTC."""
    import pandas as pd

    return pd.DatetimeIndex(ts.astype("datetime64[ns]"), tz="UTC", name="ts")


def _units(lots: NDArray[np.int64], parts: NDArray[np.int64]) -> NDArray[np.float64]:
    return lots / parts


def _order_ids(symbols: Any, bars: Any, roles: Any) -> list[str]:
    """An order is known by its asset, the bar of its decision and its role."""
    return list(starmap(_order_id, zip(symbols, bars, roles, strict=True)))


def _order_id(symbol: str, bar: int, role: int) -> str:
    return f"{symbol}-{bar}-{ROLES[role]}"
