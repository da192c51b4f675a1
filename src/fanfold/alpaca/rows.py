"""The broker's rows as Arrow tables, without a data frame in between."""

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, Final

Row = Mapping[str, Any]
"""One bar, trade or quote, as JSON has it."""

_REQUIRED: Final[dict[str, dict[str, str]]] = {
    "bars": {"open": "o", "high": "h", "low": "l", "close": "c", "volume": "v"},
    "trades": {"price": "p", "size": "s"},
    "quotes": {"bid": "bp", "bid_size": "bs", "ask": "ap", "ask_size": "as"},
}
_BARS_OPTIONAL: Final = {"vwap": "vw", "trade_count": "n"}


def rows_table(kind: str, rows: Sequence[Row]) -> Any:
    """A page of rows, in the order they came.

    Args:
        kind: "bars", "trades" or "quotes".
        rows: As JSON has them.

    Raises:
        KeyError: A row has no such field.
        TypeError: A row is none, or a number is something else.
        ValueError: A number or an instant is something else (Arrow's errors are of it).
    """
    pa = _arrow()
    stamps = pa.array([row["t"] for row in rows], pa.string())
    columns: dict[str, Any] = {"ts": stamps.cast(pa.timestamp("ns", "UTC"))}
    for name, key in _REQUIRED[kind].items():
        columns[name] = pa.array([row[key] for row in rows], pa.float64()).fill_null(math.nan)
    if kind == "bars":
        for name, key in _BARS_OPTIONAL.items():
            numbers = pa.array([row.get(key) for row in rows], pa.float64())
            columns[name] = numbers.fill_null(math.nan)
    if kind == "quotes":
        for side in ("bid", "ask"):
            _blank(columns, side)
    texts = _texts(kind, rows)
    columns |= {name: pa.array(values, pa.string()) for name, values in texts.items()}
    return pa.table(columns)


def actions_table(
    actions: Mapping[str, Sequence[Row]], *, first: date, until: date, symbol: str
) -> Any:
    """Splits and dividends by their ex-date, one row a date.

    A dividend in shares is a split: whoever had one unit has ``1 + rate`` after it.
    Mergers, spin-offs and changes of name change what the symbol is: they are left out.

    Args:
        actions: Rows by the kind of action, such as "forward_splits".
        first: First ex-date that is wanted.
        until: Ex-date before which the last one lies.
        symbol: Whose.

    Returns:
        Columns `ts` (midnight of the ex-date, no zone), `splits`, `dividends`; sorted.

    Raises:
        KeyError, TypeError, ValueError, ZeroDivisionError: A row is not what it must be.
    """
    pa = _arrow()
    splits: dict[date, float] = {}
    dividends: dict[date, float] = {}
    for day, row in _dated(actions, ("forward_splits", "reverse_splits"), symbol):
        splits[day] = splits.get(day, 1.0) * float(row["new_rate"]) / float(row["old_rate"])
    for day, row in _dated(actions, ("stock_dividends",), symbol):
        splits[day] = splits.get(day, 1.0) * (1.0 + float(row["rate"]))
    for day, row in _dated(actions, ("cash_dividends",), symbol):
        dividends[day] = dividends.get(day, 0.0) + float(row["rate"])
    days = sorted(day for day in splits.keys() | dividends.keys() if first <= day < until)
    return pa.table(
        {
            "ts": pa.array(days, pa.date32()).cast(pa.timestamp("ns")),
            "splits": pa.array([splits.get(day, 1.0) for day in days], pa.float64()),
            "dividends": pa.array([dividends.get(day, 0.0) for day in days], pa.float64()),
        }
    )


def _arrow() -> Any:
    import pyarrow as pa
    import pyarrow.compute  # pyright: ignore[reportUnusedImport]

    return pa


def _dated(
    actions: Mapping[str, Sequence[Row]], kinds: Iterable[str], symbol: str
) -> Iterable[tuple[date, Row]]:
    for kind in kinds:
        for row in actions.get(kind) or ():
            if row["symbol"] == symbol:
                yield date.fromisoformat(row["ex_date"]), row


def _blank(columns: dict[str, Any], side: str) -> None:
    """Say that a side of quotes is absent where its price is nought."""
    pc = _arrow().compute
    there = pc.not_equal(columns[side], 0.0)
    for name in (side, f"{side}_size"):
        columns[name] = pc.if_else(there, columns[name], math.nan)


def _texts(kind: str, rows: Sequence[Row]) -> dict[str, list[str]]:
    if kind == "trades":
        return {
            "id": [str(row.get("i", "")) for row in rows],
            "exchange": [row.get("x") or "" for row in rows],
            "conditions": [_conditions(row) for row in rows],
        }
    if kind == "quotes":
        # The exchanges of bid and ask, which may be two.
        exchanges = ([row.get("bx") or "", row.get("ax") or ""] for row in rows)
        return {
            "exchange": ["/".join(dict.fromkeys(filter(None, pair))) for pair in exchanges],
            "conditions": [_conditions(row) for row in rows],
        }
    return {}


def _conditions(row: Row) -> str:
    """Sale conditions; the taker's side of crypto; "canceled" and such where it was undone."""
    parts = [*(row.get("c") or ()), row.get("tks"), row.get("u")]
    return " ".join(str(part).strip() for part in parts if part and str(part).strip())
