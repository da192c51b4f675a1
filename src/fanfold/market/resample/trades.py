"""Bars from trades, of tables or of a store, read a day at a time."""

import logging
from collections.abc import Iterable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.adjustment import carried
from fanfold.domain.bars import Bars
from fanfold.domain.calendars import (
    DEFAULT_CALENDAR,
    Calendar,
    calendars_given,
    calendars_inferred,
    panel_calendar,
)
from fanfold.domain.panel import CLOSE, FIELDS
from fanfold.domain.sessions import DAY_NS, exchange_zone, local_ns, session_columns
from fanfold.errors import DataError
from fanfold.market.columns import arrow
from fanfold.market.resample.buckets import Rule
from fanfold.market.resample.conditions import Conditions
from fanfold.market.resample.panel import TRADE_COUNT, VWAP
from fanfold.market.resample.tally import COUNT, WEIGHT, WORTH, Tally, added, tally_of
from fanfold.market.store import Series, Store, numbers

_COLUMNS: Final = ["ts", "price", "size", "conditions"]

_log = logging.getLogger(__name__)


def bars_of_tables(
    tables: Mapping[str, Any],
    rule: Rule,
    *,
    calendar: Calendar | None,
    conditions: Conditions,
    partial: bool,
) -> Bars:
    """Bars of trades, by symbol.

    Args:
        tables: Arrow tables in the store's form of trades, sorted by ts and seq.
        rule: How to cut bars.
        calendar: For all or by symbol; None for "24/7" where there are trades on weekends.
        conditions: Which trades count.
        partial: Whether to keep bars that are not over at the last trade.

    Raises:
        ConfigError: A calendar is unknown, or a symbol has none.
        DataError: A table is none of trades, or is not sorted; or no bar is over.
    """
    for symbol, table in tables.items():
        _check(symbol, table)
    calendars = (
        tuple(_inferred(table) for table in tables.values())
        if calendar is None
        else calendars_given(calendar, tuple(tables))
    )
    tallies = {
        symbol: added([tally_of(table, rule, own, conditions)])
        for (symbol, table), own in zip(tables.items(), calendars, strict=True)
    }
    last = max((int(numbers(one, "ts")[-1]) for one in tables.values() if one.num_rows), default=0)
    return _bars(tallies, calendars, rule, None if partial else last, "trades")


def bars_of_store(
    store: Store,
    symbols: tuple[str, ...],
    rule: Rule,
    *,
    period: tuple[int | None, int | None],
    calendar: Calendar | None,
    conditions: Conditions,
    partial: bool,
) -> Bars:
    """Bars of a store's trades within ``[start, end)``, with the symbols' actions.

    Args:
        store: Where the trades are.
        symbols: Whose.
        rule: How to cut bars.
        period: Start and end [ns UTC].
        calendar: For all or by symbol; None for what the store says, else "XNYS".
        conditions: Which trades count.
        partial: Whether to keep bars that are not over at the last trade.

    Raises:
        ConfigError: A calendar is unknown, or a symbol has none.
        DataError: A symbol has no trades, a file is damaged, or no bar is over.
    """
    series = [Series(kind="trades", symbol=symbol) for symbol in symbols]
    labels = {one.symbol: store.labels(one) for one in series}
    if calendar is None:
        calendar = {name: one.get("calendar") or DEFAULT_CALENDAR for name, one in labels.items()}
    calendars = calendars_given(calendar, symbols)
    tallies: dict[str, Tally] = {}
    last = 0
    for one, own in zip(series, calendars, strict=True):
        days: list[Tally] = []
        source = labels[one.symbol].get("source", "")
        for table in _days(store, one, *period):
            days.append(tally_of(table, rule, own, conditions, source=source))
            last = max(last, int(numbers(table, "ts")[-1]))
        tallies[one.symbol] = added(days)
    bars = _bars(tallies, calendars, rule, None if partial else last, f"trades of {store.name}")
    return _with_actions(bars, store)


def _days(store: Store, series: Series, start: int | None, end: int | None) -> Iterable[Any]:
    """A store's rows day by day; days without any are left out."""
    info = store.info(series)
    if info.first is None or info.last is None:
        return
    first = info.first if start is None else max(start, info.first)
    stop = info.last + 1 if end is None else min(end, info.last + 1)
    for day in range(first // DAY_NS, -(-stop // DAY_NS)):
        low, high = max(first, day * DAY_NS), min(stop, (day + 1) * DAY_NS)
        table = store.read(series, low, high, _COLUMNS)
        if table.num_rows:
            yield table


def _check(symbol: str, table: Any) -> None:
    pa = arrow()
    if not isinstance(table, pa.Table) or not {"ts", "price", "size"} <= set(table.column_names):
        raise DataError(
            f"trades of {symbol} must be an Arrow table of ts, price and size, was "
            f"{getattr(table, 'column_names', type(table).__name__)}"
        )
    back = np.diff(numbers(table, "ts")) < 0
    if back.any():
        raise DataError(
            f"trades of {symbol} must be sorted by ts, row {int(np.argmax(back)) + 1} is earlier "
            "than the one before it"
        )


def _inferred(table: Any) -> str:
    ts = numbers(table, "ts")
    if not len(ts):
        return DEFAULT_CALENDAR
    local = local_ns(ts, exchange_zone(DEFAULT_CALENDAR))
    return calendars_inferred(local, np.zeros(len(ts), np.int64), 1)[0]


def _bars(
    tallies: dict[str, Tally],
    calendars: tuple[str, ...],
    rule: Rule,
    last: int | None,
    source: str,
) -> Bars:
    """Bars of tallies, those that end until the last instant that is known."""
    unknown = sorted(frozenset[str]().union(*(one.unknown for one in tallies.values())))
    if unknown:
        _log.warning("unknown sale conditions count as regular: %s", " ".join(unknown))
    priced = [one.priced for one in tallies.values()]
    ts: NDArray[np.int64] = np.unique(np.concatenate([one.end for one in priced]))
    ts = ts if last is None else ts[ts <= last]
    if not len(ts):
        raise DataError(
            f"trades of {', '.join(tallies)} must fill a bar of {rule.timeframe} in {rule.hours} "
            "hours, they fill none; partial=True keeps what is not over"
        )
    shape = len(ts), len(priced)
    panel = np.full((len(FIELDS), *shape), np.nan)
    count, vwap = np.full(shape, np.nan), np.full(shape, np.nan)
    for asset, one in enumerate(priced):
        kept = one.end <= ts[-1]
        to, rows = np.searchsorted(ts, one.end[kept]), one.rows[:, kept]
        panel[:, to, asset] = rows[: len(FIELDS)]
        count[to, asset] = rows[COUNT]
        heavy = rows[WEIGHT] > 0
        price = rows[CLOSE].copy()
        vwap[to, asset] = np.divide(rows[WORTH], rows[WEIGHT], out=price, where=heavy)
    calendar = panel_calendar(calendars, ts)
    sessions = session_columns(ts, calendar)
    return Bars(
        symbols=tuple(tallies),
        ts=ts,
        panel=panel,
        basis="raw",
        calendar=calendar,
        calendars=calendars,
        session_day=sessions.session_day,
        minutes_to_close=sessions.minutes_to_close,
        is_month_end=sessions.is_month_end,
        extra={
            name: carried(values, before=np.nan)
            for name, values in ((TRADE_COUNT, count), (VWAP, vwap))
        },
        source=source,
    )


def _with_actions(bars: Bars, store: Store) -> Bars:
    """Bars with what the store knows of splits and dividends in their time."""
    pa = arrow()
    tables: list[Any] = []
    for symbol in bars.symbols:
        series = Series(kind="actions", symbol=symbol)
        if store.has(series):
            table = store.read(series)
            day = numbers(table, "session")
            within = (day > bars.session_day[0]) & (day <= bars.session_day[-1])
            table = table.filter(pa.array(within.tolist()))
            names = pa.array([symbol] * table.num_rows, pa.string())
            tables.append(
                table.append_column("symbol", names).rename_columns(
                    ["ts", "splits", "dividends", "symbol"]
                )
            )
    if not sum(table.num_rows for table in tables):
        return bars
    actions = pa.concat_tables(tables)
    return bars.with_events(
        splits=actions.select(["symbol", "ts", "splits"]),
        dividends=actions.select(["symbol", "ts", "dividends"]),
    )
