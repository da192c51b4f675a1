"""Rows of Polygon's official client as Arrow tables, page by page."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.sessions import (
    DAY_NS,
    cut_at_close,
    exchange_zone,
    local_ns,
    session_closes,
)
from fanfold.domain.timeframe import SESSION, timeframe_ns
from fanfold.errors import DataError
from fanfold.market.columns import arrow

_BATCH_ROWS: Final = 50_000
"""How many of the client's objects are held at a time [rows]: they take much more memory."""

_MS_NS: Final = 1_000_000
"""A millisecond [ns]."""


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """A column of rows.

    Attributes:
        of: "ts" for instants, "double" for numbers, "string" for texts.
        get: Its value in one of the client's objects, None for none.
    """

    of: str
    get: Callable[[Any], Any]


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _texts(values: Any) -> str | None:
    return " ".join(str(value) for value in values) if values else None


def _side(row: Any, side: str) -> float | None:
    # A side that is absent has price 0.
    return getattr(row, f"{side}_price") or None


def _side_size(row: Any, side: str) -> float | None:
    return getattr(row, f"{side}_size") if getattr(row, f"{side}_price") else None


def _exchanges(row: Any) -> str | None:
    there = dict.fromkeys(
        str(one) for one in (row.bid_exchange, row.ask_exchange) if one is not None
    )
    return "/".join(there) or None


def _instant(row: Any) -> int | None:
    # Crypto has the exchange's own clock only.
    return row.sip_timestamp if row.sip_timestamp is not None else row.participant_timestamp


BAR_COLUMNS: Final[Mapping[str, Column]] = {
    "ts": Column("ts", lambda row: None if row.timestamp is None else int(row.timestamp) * _MS_NS),
    "open": Column("double", lambda row: row.open),
    "high": Column("double", lambda row: row.high),
    "low": Column("double", lambda row: row.low),
    "close": Column("double", lambda row: row.close),
    "volume": Column("double", lambda row: row.volume),
    "vwap": Column("double", lambda row: row.vwap),
    "trade_count": Column("double", lambda row: row.transactions),
}
"""Of bars; `ts` is the start."""

TRADE_COLUMNS: Final[Mapping[str, Column]] = {
    "ts": Column("ts", _instant),
    "price": Column("double", lambda row: row.price),
    "size": Column("double", lambda row: row.size),
    "id": Column("string", lambda row: _text(row.id)),
    "exchange": Column("string", lambda row: _text(row.exchange)),
    "conditions": Column("string", lambda row: _texts(row.conditions)),
}
"""Of trades; exchanges and conditions are Polygon's numbers."""

QUOTE_COLUMNS: Final[Mapping[str, Column]] = {
    "ts": Column("ts", _instant),
    "bid": Column("double", lambda row: _side(row, "bid")),
    "bid_size": Column("double", lambda row: _side_size(row, "bid")),
    "ask": Column("double", lambda row: _side(row, "ask")),
    "ask_size": Column("double", lambda row: _side_size(row, "ask")),
    "exchange": Column("string", _exchanges),
    "conditions": Column("string", lambda row: _texts(row.conditions)),
}
"""Of quotes; the exchange of the bid, and after a slash that of the ask if it is another."""


def row_table(rows: Iterable[Any], columns: Mapping[str, Column], asked: str) -> Any:
    """Rows as a table; numbers that are not there are NaN.

    Args:
        rows: The client's objects, which it asks for as they are taken.
        columns: What to take of them.
        asked: What they are, for errors.

    Raises:
        DataError: A value is not of its type.
    """
    pa = arrow()
    types = {"ts": pa.timestamp("ns", "UTC"), "double": pa.float64(), "string": pa.string()}
    schema = pa.schema([(name, types[column.of]) for name, column in columns.items()])
    try:
        batches = [_batch(part, columns, schema) for part in _parts(iter(rows))]
    except (pa.ArrowException, ValueError, TypeError, AttributeError, OverflowError) as error:
        raise DataError(
            f"polygon must answer with rows of its format when asked for {asked}: {error}"
        ) from error
    return pa.Table.from_batches(batches, schema)


def _parts(rows: Iterator[Any]) -> Iterator[list[Any]]:
    while part := list(islice(rows, _BATCH_ROWS)):
        yield part


def _batch(rows: list[Any], columns: Mapping[str, Column], schema: Any) -> Any:
    pa = arrow()
    import pyarrow.compute as untyped

    compute: Any = untyped
    arrays: list[Any] = []
    for kind, column in zip(schema, columns.values(), strict=True):
        array = pa.array([column.get(row) for row in rows], kind.type)
        arrays.append(compute.fill_null(array, np.nan) if column.of == "double" else array)
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def finished_bars(
    table: Any, *, timeframe: str, calendar: str, period: tuple[int, int], now: int
) -> Any:
    """Bars of the period that are over, stamped with their session if they last one.

    Args:
        table: Bars by their start.
        timeframe: Their length, by its one name.
        calendar: Of the asset.
        period: Earliest start included, latest excluded [ns UTC].
        now: What the time is [ns UTC].
    """
    pa = arrow()
    if table.num_rows == 0:
        return table
    # A bar without a time is kept: somebody has to be told of it.
    timeless = table["ts"].is_null().to_numpy()
    start = table["ts"].cast(pa.int64()).fill_null(period[0]).to_numpy()
    keep = (start >= period[0]) & (start < period[1]) & (_ends(start, timeframe, calendar) <= now)
    keep |= timeless
    kept = table.filter(pa.array(keep))
    if timeframe != SESSION or kept.num_rows == 0:
        return kept
    dates = local_ns(start[keep], exchange_zone(calendar)) // DAY_NS * DAY_NS
    stamps = pa.array(dates, pa.timestamp("ns"), mask=timeless[keep])
    return kept.set_column(0, "ts", stamps)


def _ends(start: NDArray[np.int64], timeframe: str, calendar: str) -> NDArray[np.int64]:
    if timeframe == SESSION:
        return session_closes(local_ns(start, exchange_zone(calendar)) // DAY_NS, calendar)
    return cut_at_close(start, start + (timeframe_ns(timeframe) or 7 * DAY_NS), calendar)


def action_table(
    splits: Iterable[Any], dividends: Iterable[Any], *, last: str, per_unit_today: bool
) -> Any:
    """Splits and dividends by their ex-date.

    Args:
        splits: The client's objects, those after the period too.
        dividends: The client's objects.
        last: Last date of the period.
        per_unit_today: Whether dividends shall be per unit after all later splits, as
            prices adjusted for splits are.

    Raises:
        DataError: A value is not what it must be.
    """
    pa = arrow()
    ratios: defaultdict[np.datetime64, float] = defaultdict(lambda: 1.0)
    amounts: defaultdict[np.datetime64, float] = defaultdict(float)
    try:
        for split in splits:
            ratios[np.datetime64(split.execution_date, "D")] *= split.split_to / split.split_from
        for dividend in dividends:
            amounts[np.datetime64(dividend.ex_dividend_date, "D")] += dividend.cash_amount
    except (TypeError, ValueError, ZeroDivisionError) as error:
        raise DataError(
            f"polygon must answer with splits and dividends of its format: {error}"
        ) from error
    if per_unit_today:
        for date in amounts:
            amounts[date] /= float(np.prod([one for at, one in ratios.items() if at > date]))
    dates = sorted(date for date in {*ratios, *amounts} if date <= np.datetime64(last))
    return pa.table(
        {
            "ts": pa.array(np.array(dates, "datetime64[ns]"), pa.timestamp("ns")),
            "splits": pa.array([ratios.get(date, 1.0) for date in dates], pa.float64()),
            "dividends": pa.array([amounts.get(date, 0.0) for date in dates], pa.float64()),
        }
    )
