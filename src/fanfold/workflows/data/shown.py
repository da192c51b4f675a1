"""Rows of one series as a person looks at them: what they are, their shape, first and last."""

import math
from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np

from fanfold.domain.panel import FIELDS
from fanfold.domain.period import Moment, bars_within
from fanfold.domain.prices import Basis, check_basis
from fanfold.domain.sessions import DAY_NS
from fanfold.domain.timeframe import SESSION, timeframe_named
from fanfold.errors import ConfigError, DataError
from fanfold.market.columns import arrow
from fanfold.market.kinds import FORMS, TICKS
from fanfold.workflows.data.ingest_plan import instant_of
from fanfold.workflows.data.listed import labels_text, moment_text, store_at
from fanfold.workflows.data.tables import table_lines

if TYPE_CHECKING:
    from fanfold.market.store import Series, Store
    from fanfold.reporting.quality_views import QualityView

BLOCKS: Final = "▁▂▃▄▅▆▇█"
"""What a sparkline is made of, from low to high."""

SPARKS_MAX: Final = 60
"""Width of a sparkline [characters]."""

MARGIN_NS: Final = 8 * DAY_NS
"""How far a bar's end may lie from its session, a week's included [ns]."""

UNSHOWN: Final = ("minutes_to_close", "is_month_end")
"""Columns that follow from the calendar: they are in JSON only."""


def show(
    symbol: str,
    where: str | None,
    *,
    kind: str = "bars",
    timeframe: str | None = None,
    start: Moment | None = None,
    end: Moment | None = None,
    basis: Basis | None = None,
    limit: int = 10,
) -> tuple[list[str], dict[str, Any]]:
    """First and last rows of a series, and what is known of it.

    Args:
        symbol: Whose rows; of members the universe, of listings "".
        where: Folder or URL of a store; None for the local one.
        kind: What rows.
        timeframe: Of bars; None for sessions, or the only one that there is.
        start: First session, or earliest instant.
        end: Last session, or latest instant.
        basis: What prices of bars shall be adjusted for; as stored if left out.
        limit: Rows, half of them the first, half the last.

    Raises:
        ConfigError: An argument cannot be understood.
        DataError: There is no store, or not this series in it.
    """
    check_basis(basis)
    if not symbol and kind != "listings":
        raise ConfigError(f"symbol must name whose {kind} to show, was ''")
    store = store_at(where)
    series = _series(store, symbol, kind, timeframe)
    labels = store.labels(series)
    table = _read(store, series, start, end)
    rows = _plain_rows(table, limit)
    price = _price(table, kind)
    if basis is not None and kind == "bars" and table.num_rows:
        fields = _in_basis(store, series, table, labels, basis)
        price = fields[FIELDS.index("close")]
        chosen = _chosen(table.num_rows, limit)
        for row, place in zip(rows, chosen, strict=True):
            row |= {name: _number(float(fields[k, place])) for k, name in enumerate(FIELDS)}
    shown_labels = labels | ({"basis": basis} if basis is not None else {})
    known = _known(store, series)
    content = {
        "status": "ok",
        "store": store.name,
        "symbol": symbol,
        "kind": kind,
        "timeframe": series.timeframe,
        "row_count": table.num_rows,
        **shown_labels,
        **known,
        "rows": rows,
    }
    period = f"{store.name}: {series}, {table.num_rows:,} rows"
    lines = [period, f"  {labels_text(shown_labels)}", f"  {_known_text(known)}"]
    if len(price) > 1:
        lines.append(f"  {sparkline(price)}")
    return [line for line in lines if line.strip()] + _row_lines(rows, table.num_rows), content


def sparkline(values: Any, width: int = SPARKS_MAX) -> str:
    """Values as a line of blocks: each the last of its stretch."""
    known = values[np.isfinite(values)]
    if not len(known):
        return ""
    ends = np.unique(np.linspace(0, len(known) - 1, width).round().astype(np.int64))
    drawn = known[ends]
    low, high = float(drawn.min()), float(drawn.max())
    level = (drawn - low) / ((high - low) or 1.0) * (len(BLOCKS) - 1)
    return "".join(BLOCKS[round(float(one))] for one in level)


def _read(store: "Store", series: "Series", start: Moment | None, end: Moment | None) -> Any:
    """Rows of a period; dates are sessions of bars, and UTC days of ticks."""
    from fanfold.market.store import numbers

    if "ts" not in FORMS[series.kind].columns:
        return store.read(series)
    low, high = instant_of(start, "start", 0), instant_of(end, "end", 1)
    if series.kind != "bars":
        return store.read(series, low, high)
    table = store.read(
        series,
        None if low is None else low - MARGIN_NS,
        None if high is None else high + MARGIN_NS,
    )
    days = numbers(table, "session").astype(np.int64)
    within = bars_within(numbers(table, "ts"), days, start, end)
    return table.slice(within.start, max(within.stop - within.start, 0))


def _series(store: "Store", symbol: str, kind: str, timeframe: str | None) -> "Series":
    from fanfold.market.store import Series

    if kind != "bars":
        return Series(kind=kind, symbol=symbol)
    if timeframe is not None:
        return Series(kind=kind, symbol=symbol, timeframe=timeframe_named(timeframe))
    there = [one for one in store.series(kind) if one.symbol == symbol]
    daily = Series(kind=kind, symbol=symbol, timeframe=SESSION)
    return there[0] if len(there) == 1 and there[0] != daily else daily


def _price(table: Any, kind: str) -> Any:
    from fanfold.market.store import numbers

    name = {"bars": "close", "trades": "price", "quotes": "bid"}.get(kind)
    return np.empty(0) if name is None else numbers(table, name)


def _in_basis(
    store: "Store", series: "Series", table: Any, labels: dict[str, str], basis: Basis
) -> Any:
    """Open, high, low, close and volume in another basis; shape [field, row]."""
    from fanfold.market.panels.views import NO_ACTIONS, Actions, Rows, bases_of, fields_in
    from fanfold.market.store import Series, numbers

    stored = cast("Basis", labels.get("basis", "raw"))
    has_adj_close = "adj_close" in table.column_names
    booked = Series(kind="actions", symbol=series.symbol)
    actions = None
    if store.has(booked):
        found = store.read(booked)
        actions = Actions(
            day=numbers(found, "session").astype(np.int64),
            splits=numbers(found, "splits"),
            dividends=numbers(found, "dividends"),
        )
    there = bases_of(stored, adj_close=has_adj_close, actions=actions is not None)
    if basis not in there:
        raise DataError(
            f"basis of {series} in {store.name} must be {' or '.join(there)}, was {basis!r}; "
            "its splits and dividends are not stored"
        )
    day = numbers(table, "session").astype(np.int64)
    known = NO_ACTIONS if actions is None else actions.between(int(day[0]) + 1, int(day[-1]))
    rows = Rows(
        symbol=series.symbol,
        day=day,
        fields=np.array([numbers(table, name) for name in FIELDS]),
        adj_close=numbers(table, "adj_close") if has_adj_close else None,
        actions=known,
    )
    return fields_in(rows, stored, basis)


def _known(store: "Store", series: "Series") -> dict[str, Any]:
    """What is stored beside the rows, and what was found in them."""
    from fanfold.market.store import Series
    from fanfold.workflows.data.checked import looked_at

    known: dict[str, Any] = {}
    actions = Series(kind="actions", symbol=series.symbol)
    if series.kind != "actions" and store.has(actions):
        known["actions"] = store.info(actions).row_count
    listings = Series(kind="listings")
    if series.kind != "listings" and store.has(listings):
        names = store.read(listings, columns=["symbol"]).column(0).to_pylist()
        known["listings"] = names.count(series.symbol)
    if series.kind in ("bars", *TICKS):
        view: QualityView = looked_at(store, series)
        known |= {"findings": view.counts, "quarantined": view.quarantined}
    return known


def _known_text(known: dict[str, Any]) -> str:
    parts = [f"{known[name]:,} {name}" for name in ("actions", "listings") if known.get(name)]
    found = {name: count for name, count in known.get("findings", {}).items() if count}
    parts += [f"{count:,} {name}{'s' * (count > 1)}" for name, count in found.items()]
    if known.get("quarantined"):
        parts.append(f"{known['quarantined']:,} set aside")
    return ", ".join(parts) + (": fanfold data check shows them" if found else "")


def _chosen(count: int, limit: int) -> list[int]:
    if count <= limit:
        return list(range(count))
    first = (limit + 1) // 2
    return [*range(first), *range(count - (limit - first), count)]


def _plain_rows(table: Any, limit: int) -> list[dict[str, Any]]:
    chosen = _chosen(table.num_rows, limit)
    places = arrow().array(chosen, arrow().int64())
    columns = {name: table[name].take(places) for name in table.column_names}
    plain = {
        name: (column.cast("int64") if name == "ts" else column).to_pylist()
        for name, column in columns.items()
    }
    return [
        {name: _value(name, values[k]) for name, values in plain.items()}
        for k in range(len(chosen))
    ]


def _value(name: str, value: Any) -> Any:
    if name == "ts":
        # The whole instant, also of sessions: the date stands beside it.
        return moment_text(value, "")
    if isinstance(value, float):
        return _number(value)
    return value.isoformat() if isinstance(value, date | datetime) else value


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _row_lines(rows: Sequence[dict[str, Any]], count: int) -> list[str]:
    if not rows:
        return ["no rows in the period"]
    names = [name for name in rows[0] if name not in UNSHOWN]
    cells = [[_cell(row[name]) for name in names] for row in rows]
    lines = table_lines(names, cells, lines_max=len(cells))
    if count > len(rows):
        lines.insert(1 + (len(rows) + 1) // 2, f"… {count - len(rows):,} more")
    return lines


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:,.10g}" if isinstance(value, float) else str(value)
