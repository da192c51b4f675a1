"""Stored rows looked at again: what is odd about them, and what was set aside."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from fanfold.domain.names import nearest_hint
from fanfold.domain.sessions import DAY_NS
from fanfold.domain.timeframe import timeframe_named
from fanfold.errors import ConfigError, DataError
from fanfold.market.kinds import FORMS, TICKS
from fanfold.market.quality.finding import SEVERITIES, Finding
from fanfold.reporting.figures.plot import kept_rows
from fanfold.reporting.quality_views import QualityView, worst_first
from fanfold.workflows.data.listed import beside, moment_text, store_at
from fanfold.workflows.data.tables import table_lines
from fanfold.workflows.progress import progress

if TYPE_CHECKING:
    from fanfold.market.quality import About
    from fanfold.market.store import Series, Store

CHECKED: Final = ("bars", *TICKS)
"""Kinds of rows that are looked at."""

FINDINGS_SHOWN_MAX: Final = 20
"""Findings that a terminal shows, the worst first; JSON has all."""

POINTS_MAX: Final = 5_000
"""Prices that are kept of a series for its picture, or of a day of ticks."""


def check(
    where: str | None,
    *,
    symbols: Sequence[str] | None = None,
    timeframe: str | None = None,
    severity: str = SEVERITIES[0],
    shown: bool = True,
) -> tuple[str, list[QualityView]]:
    """Look at all stored bars, trades and quotes, or at some.

    Args:
        where: Folder or URL of a store; None for the local one.
        symbols: Only these.
        timeframe: Only bars of this one.
        severity: Only findings that are at least so bad.
        shown: Whether to show how far it has come.

    Returns:
        The store's name, and what was found in each series.

    Raises:
        ConfigError: It is no timeframe.
        DataError: There is no store, it is damaged, or lacks a symbol or the timeframe.
    """
    store = store_at(where)
    chosen = _chosen(store, symbols, timeframe)
    views: list[QualityView] = []
    with progress("check", len(chosen), shown=shown) as state:
        for series in chosen:
            views.append(looked_at(store, series, severity))
            state.advance(1)
    return store.name, _compared(store, chosen, views, severity)


def _compared(
    store: "Store", chosen: "Sequence[Series]", views: list[QualityView], severity: str
) -> list[QualityView]:
    """The same, with what only series beside each other show: some begin late, or end early."""
    from fanfold.market.quality import About
    from fanfold.market.quality.checks.sessions import days_known
    from fanfold.market.quality.ends import uneven_ends

    spans: dict[tuple[str, str], dict[str, tuple[int, int]]] = {}
    for series in chosen:
        info = store.info(series) if series.kind == "bars" and store.has(series) else None
        if info is None or info.first is None or info.last is None:
            continue
        about = about_of(store, series)
        days = days_known(np.array([info.first, info.last], np.int64), about.calendar)
        if days is not None:
            kept = spans.setdefault((series.timeframe, about.calendar), {})
            kept[series.symbol] = int(days[0]), int(days[1])
    found = list[Finding]()
    for (timeframe, calendar), of in spans.items():
        found += uneven_ends(of, About(symbol="", timeframe=timeframe, calendar=calendar))
    least = SEVERITIES.index(severity)
    more: dict[tuple[str, str], list[Finding]] = {}
    for one in found:
        if SEVERITIES.index(one.severity) >= least:
            more.setdefault((one.symbol, one.timeframe), []).append(one)
    return [
        replace(view, findings=_by_time((*view.findings, *more[view.symbol, view.timeframe])))
        if view.kind == "bars" and (view.symbol, view.timeframe) in more
        else view
        for view in views
    ]


def _by_time(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(findings, key=lambda one: (one.ts is not None, one.ts or 0, one.kind)))


def looked_at(store: "Store", series: "Series", severity: str = SEVERITIES[0]) -> QualityView:
    """What is odd in one series.

    Args:
        store: Where it is.
        series: Bars, trades or quotes.
        severity: Only findings that are at least so bad.

    Raises:
        DataError: It is not there, or damaged.
    """
    about = about_of(store, series)
    found: list[Finding] = []
    instants: list[Any] = []
    prices: list[Any] = []
    bars: list[Any] = []
    row_count = 0
    aside = _set_aside(store, series)
    told = _ends(aside)
    for table in _tables(store, series):
        verdict = _examined(table, series, about, told)
        found += verdict.findings
        ts, price = _prices(table, series.kind)
        kept = kept_rows([price], POINTS_MAX)
        instants.append(ts[kept])
        prices.append(price[kept])
        row_count += table.num_rows
        bars += [table] if series.kind == "bars" else []
    found += aside + _noted(store, series)
    if series.kind == "bars" and aside:
        bars.append(store.read(beside("quarantine", series)))
    least = SEVERITIES.index(severity)
    listed = [one for one in found if SEVERITIES.index(one.severity) >= least]
    return QualityView(
        symbol=series.symbol,
        kind=series.kind,
        timeframe=series.timeframe,
        row_count=row_count,
        quarantined=len(aside),
        ts=np.concatenate([np.empty(0, np.int64), *instants]),
        price=np.concatenate([np.empty(0, np.float64), *prices]),
        findings=_by_time(listed),
        reach=_reach(bars, listed),
    )


def _reach(tables: Sequence[Any], findings: Sequence[Finding]) -> dict[int, tuple[float, float]]:
    """Lowest and highest price of bars with a finding, stored or set aside, by their ends."""
    from fanfold.market.store import numbers

    ends = [one.ts for one in findings if one.ts is not None]
    reach: dict[int, tuple[float, float]] = {}
    for table in tables:
        ts = numbers({"ts": table["ts"].cast("int64").fill_null(0)}, "ts")
        rows = np.flatnonzero(np.isin(ts, ends))
        prices = np.array([numbers(table, name)[rows] for name in ("open", "high", "low", "close")])
        for end, bar in zip(ts[rows].tolist(), prices.T, strict=True):
            known = bar[(bar > 0) & np.isfinite(bar)]
            if len(known):
                reach.setdefault(end, (float(known.min()), float(known.max())))
    return reach


def about_of(store: "Store", series: "Series") -> "About":
    """What the store knows of a series."""
    from fanfold.market.quality import About

    labels = store.labels(series) if store.has(series) else {}
    given: dict[str, Any] = {
        name: labels[name] for name in ("calendar", "basis", "source") if labels.get(name)
    }
    return About(
        symbol=series.symbol,
        timeframe=series.timeframe,
        actions=_actions(store, series.symbol),
        **given,
    )


def _actions(store: "Store", symbol: str) -> Any:
    from fanfold.market.store import Series, numbers

    actions = Series(kind="actions", symbol=symbol)
    if not store.has(actions):
        return None
    table = store.read(actions)
    days = numbers(table, "session").astype(np.int64)
    return days, numbers(table, "splits"), numbers(table, "dividends")


def _chosen(store: "Store", symbols: Sequence[str] | None, timeframe: str | None) -> "list[Series]":
    if symbols is not None and not symbols:
        raise ConfigError("symbols must name at least one, was none")
    there = [one for kind in CHECKED for one in store.series(kind)]
    # Of a series whose rows were all set aside, nothing else is there.
    aside = [_belonging(one) for one in store.series("quarantine")]
    there += [one for one in aside if one not in there]
    if not there:
        raise DataError(f"{store.name} must hold bars, trades or quotes to be checked, holds none")
    known = {one.symbol for one in there}
    for name in symbols or ():
        if name not in known:
            raise DataError(f"{store.name} must hold {name!r}{nearest_hint(name, sorted(known))}")
    named = None if timeframe is None else timeframe_named(timeframe)
    mine = [one for one in there if symbols is None or one.symbol in symbols]
    chosen = [one for one in mine if named in (None, one.timeframe)]
    if not chosen:
        held = ", ".join(sorted({one.timeframe or one.kind for one in mine}))
        raise DataError(f"{store.name} must hold bars of {named} to be checked, holds {held}")
    return chosen


def _belonging(quarantine: "Series") -> "Series":
    """The series from which rows were set aside."""
    from fanfold.market.store import Series

    name = quarantine.timeframe
    if name in TICKS:
        return Series(kind=name, symbol=quarantine.symbol)
    return Series(kind="bars", symbol=quarantine.symbol, timeframe=name)


def _tables(store: "Store", series: "Series") -> "Iterator[Any]":
    """All rows: of bars at once, of ticks a day at a time, as there may be very many."""
    if not store.has(series):
        return
    if series.kind not in TICKS:
        yield store.read(series)
        return
    info = store.info(series)
    if info.first is None or info.last is None:
        return
    for start in range(info.first // DAY_NS * DAY_NS, info.last + 1, DAY_NS):
        table = store.read(series, start, start + DAY_NS)
        if table.num_rows:
            yield table


def _examined(table: Any, series: "Series", about: "About", aside: Any) -> Any:
    from fanfold.market.quality import examine_bars, examine_ticks
    from fanfold.market.store import numbers

    plain = {"double", "timestamp[ns, tz=UTC]", "int64"}
    columns = FORMS[series.kind].columns
    rows = {name: numbers(table, name) for name in table.column_names if columns.get(name) in plain}
    if series.kind in TICKS:
        return examine_ticks(rows, about)
    return examine_bars(rows, about, aside=aside)


def _prices(table: Any, kind: str) -> tuple[Any, Any]:
    from fanfold.market.store import numbers

    ts = numbers(table, "ts")
    if kind == "quotes":
        return ts, (numbers(table, "bid") + numbers(table, "ask")) / 2
    return ts, numbers(table, "close" if kind == "bars" else "price")


def _set_aside(store: "Store", series: "Series") -> list[Finding]:
    """Rows that were set aside when they came in, each as what was wrong with it."""
    from fanfold.market.quality.kinds import severity_aside

    return [
        Finding(
            symbol=series.symbol,
            ts=ts,
            kind=kind,
            severity=severity_aside(reason),
            detail=f"set aside, row {row} of {source}: {reason}",
            timeframe=series.timeframe,
        )
        for ts, row, kind, reason, source in _kept_beside(
            store, series, "quarantine", ("row", "kind", "reason", "source")
        )
    ]


def _ends(aside: Sequence[Finding]) -> Any:
    """When rows that were set aside ended, where that can be believed [ns UTC]; shape [row]."""
    times = [one.ts for one in aside if one.ts is not None and one.kind != "bad_timestamp"]
    return np.array(times, np.int64)


def _noted(store: "Store", series: "Series") -> list[Finding]:
    """What was found in rows when they came in, and is not to be seen in those stored."""
    return [
        Finding(
            symbol=series.symbol,
            ts=ts,
            kind=kind,
            severity=severity,
            detail=f"on its way in from {source}: {detail}",
            timeframe=series.timeframe,
        )
        for ts, kind, severity, detail, source in _kept_beside(
            store, series, "notes", ("kind", "severity", "detail", "source")
        )
    ]


def _kept_beside(
    store: "Store", series: "Series", kind: str, columns: tuple[str, ...]
) -> list[tuple[Any, ...]]:
    """Instants, and some columns, of what is kept beside a series."""
    kept = beside(kind, series)
    if not store.has(kept):
        return []
    table = store.read(kept)
    instants = table["ts"].cast("int64").to_pylist()
    return list(zip(instants, *(table[name].to_pylist() for name in columns), strict=True))


def check_lines(store: str, views: Sequence[QualityView]) -> list[str]:
    """A line a series, and the worst findings."""
    worst = sorted(views, key=lambda view: [-count for count in view.counts.values()])
    rows = [
        [
            view.symbol,
            view.timeframe or view.kind,
            f"{view.row_count:,}",
            view.period,
            *(f"{count:,}" for count in view.counts.values()),
            f"{view.quarantined:,}",
            _kinds_text(view),
        ]
        for view in worst
    ]
    severities = [f"{severity}s" for severity in reversed(SEVERITIES)]
    head = ["symbol", "of", "rows", "period", *severities, "set aside", "found"]
    lines = table_lines(head, rows, texts=(0, 1, len(head) - 1))
    findings = worst_first(tuple(one for view in views for one in view.findings))
    lines += [
        f"{one.severity:<7}  {one.symbol} {_when(one)}  {one.kind}: {one.detail}"
        for one in findings[:FINDINGS_SHOWN_MAX]
    ]
    if len(findings) > FINDINGS_SHOWN_MAX:
        lines.append(f"and {len(findings) - FINDINGS_SHOWN_MAX:,} more findings, --json has all")
    return [*lines, f"{store}: {len(views):,} series, {len(findings):,} findings"]


def check_content(store: str, views: Sequence[QualityView]) -> dict[str, Any]:
    """As JSON has it, all findings included."""
    return {
        "status": "ok",
        "store": store,
        "symbols": [_plain(view) for view in views],
        "findings": [one.plain() for view in views for one in view.findings],
    }


def write_page(file: Path, store: str, views: Sequence[QualityView]) -> Path:
    """What was found, as a page.

    Raises:
        JobError: It could not be written.
    """
    from fanfold.market.quality import KINDS
    from fanfold.reporting.quality import write_quality

    lead = f"{len(views):,} series in {store}"
    return write_quality(file, title="Quality of data", lead=lead, views=views, meanings=KINDS)


def _plain(view: QualityView) -> dict[str, Any]:
    has_rows = len(view.ts) > 0
    return {
        "symbol": view.symbol,
        "kind": view.kind,
        "timeframe": view.timeframe,
        "row_count": view.row_count,
        "first": moment_text(int(view.ts[0]), view.timeframe) if has_rows else None,
        "last": moment_text(int(view.ts[-1]), view.timeframe) if has_rows else None,
        "findings": view.counts,
        "kinds": dict(Counter(one.kind for one in view.findings).most_common()),
        "quarantined": view.quarantined,
    }


def _kinds_text(view: QualityView) -> str:
    counts = Counter(one.kind for one in view.findings).most_common()
    return ", ".join(f"{count:,} {kind}" for kind, count in counts)


def _when(finding: Finding) -> str:
    return moment_text(finding.ts, finding.timeframe) or "without a time"
