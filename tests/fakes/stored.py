"""Tidy frames put into a store, without the way that downloads take."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from fanfold.domain.panel import FIELDS
from fanfold.domain.sessions import DAY_NS, session_closes, session_columns
from fanfold.market.kinds import schema_of
from fanfold.market.store import Series, Store


def put(
    store: Store,
    frame: pd.DataFrame,
    *,
    calendar: str | Mapping[str, str] = "XNYS",
    basis: str = "raw",
    timeframe: str = "1D",
    source: str = "made up",
) -> None:
    """Store rows of symbol, ts (a session's date, or a bar's end), prices and actions."""
    for symbol, rows in frame.groupby("symbol"):
        own = calendar if isinstance(calendar, str) else calendar[str(symbol)]
        stamp = pd.DatetimeIndex(rows["ts"]).as_unit("ns").asi8
        ts = session_closes(stamp // DAY_NS, own) if timeframe == "1D" else stamp
        put_actions(store, str(symbol), rows, stamp // DAY_NS)
        there = rows["close"].notna().to_numpy()
        if not there.any():
            continue
        sessions = session_columns(ts, own)
        columns: dict[str, Any] = {
            "ts": ts,
            "session": sessions.session_day.astype(np.int32),
            "minutes_to_close": sessions.minutes_to_close,
            "is_month_end": sessions.is_month_end,
            **{name: rows[name].to_numpy(float) for name in (*FIELDS, "adj_close") if name in rows},
        }
        table = {name: values[there] for name, values in columns.items()}
        put_rows(
            store,
            Series(kind="bars", symbol=str(symbol), timeframe=timeframe),
            table,
            labels={"source": source, "basis": basis, "calendar": own},
        )


def put_actions(store: Store, symbol: str, rows: pd.DataFrame, day: Any) -> None:
    """Store the splits and dividends in columns of a frame, if it has any."""
    if "splits" not in rows and "dividends" not in rows:
        return
    splits = rows.get("splits", pd.Series(1.0, rows.index)).replace(0.0, 1.0).fillna(1.0)
    dividends = rows.get("dividends", pd.Series(0.0, rows.index)).fillna(0.0)
    acts = ((splits != 1) | (dividends != 0)).to_numpy()
    columns = {
        "session": day[acts].astype(np.int32),
        "splits": splits.to_numpy(float)[acts],
        "dividends": dividends.to_numpy(float)[acts],
    }
    put_rows(store, Series(kind="actions", symbol=symbol), columns)


def put_terms(store: Store, series: Series, *terms: Mapping[str, Any]) -> None:
    """Store terms of listings or members, their dates as ISO text."""
    columns: dict[str, list[Any]] = {}
    for name in schema_of(series.kind).names:
        values = [term.get(name, np.nan if name == "delisting_return" else None) for term in terms]
        if name in ("start", "end"):
            values = [None if one is None else date.fromisoformat(one) for one in values]
        columns[name] = values
    store.upsert(series, pa.table(columns, schema=schema_of(series.kind)))


def put_rows(store: Store, series: Series, columns: Mapping[str, Any], **how: Any) -> None:
    """Store columns by name; those that a kind does not have are left out."""
    schema = schema_of(series.kind, columns)
    arrays = [pa.array(columns[one.name]).cast(one.type) for one in schema]
    store.upsert(series, pa.Table.from_arrays(arrays, schema=schema), **how)
