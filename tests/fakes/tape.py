"""Small tables of rows for stores, whose numbers show which rows they are."""

from typing import Any

import numpy as np
import pyarrow as pa

from fanfold.market.kinds import schema_of

MINUTE_NS = 60_000_000_000
DAY_NS = 86_400_000_000_000


def made_bars(
    days: Any, *, close: Any = None, step_ns: int = DAY_NS, adj_close: bool = False
) -> pa.Table:
    """Bars that end at `days` × `step_ns`; the close is the day's number if not given."""
    day = np.asarray(days, np.int64)
    price = np.asarray(day if close is None else close, np.float64) + np.zeros(len(day))
    columns: dict[str, Any] = {
        "ts": pa.array(day * step_ns, pa.int64()).cast(pa.timestamp("ns", "UTC")),
        **{name: pa.array(price) for name in ("open", "high", "low", "close")},
        "volume": pa.array(np.full(len(day), 100.0)),
        "session": pa.array((day * step_ns // DAY_NS).astype(np.int32)).cast(pa.date32()),
        "minutes_to_close": pa.array(np.zeros(len(day))),
        "is_month_end": pa.array(np.zeros(len(day), np.bool_)),
    }
    if adj_close:
        columns["adj_close"] = pa.array(price / 2)
    return pa.table(columns, schema=schema_of("bars", columns))


def made_trades(ts: Any, seq: Any, price: Any) -> pa.Table:
    """Trades of one unit."""
    price = np.asarray(price, np.float64)
    return pa.table(
        {
            "ts": pa.array(np.asarray(ts, np.int64)).cast(pa.timestamp("ns", "UTC")),
            "seq": pa.array(np.asarray(seq, np.int64)),
            "price": pa.array(price),
            "size": pa.array(np.ones(len(price))),
        },
        schema=schema_of("trades"),
    )
