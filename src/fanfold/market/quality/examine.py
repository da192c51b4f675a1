"""All checks of a series, in the order in which one explains another.

What a split or a time zone explains is not told again as an outlier or a gap. No data
raise: what cannot be checked is said.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.panel import FIELDS
from fanfold.domain.sessions import DAY_NS
from fanfold.market.quality.about import About, Bad, Sound, Verdict, capped
from fanfold.market.quality.checks.holes import holes
from fanfold.market.quality.checks.order import Numbers, equal_repeats, out_of_order, repeats
from fanfold.market.quality.checks.prices import outliers
from fanfold.market.quality.checks.runs import stale_runs, zero_volumes
from fanfold.market.quality.checks.sessions import (
    daily_shifts,
    days_known,
    missing_sessions,
    off_sessions,
)
from fanfold.market.quality.checks.splits import splits
from fanfold.market.quality.checks.ticks import (
    bad_quotes,
    bad_trades,
    crossed_quotes,
    far_trades,
)
from fanfold.market.quality.checks.values import bad_bars, bad_times, column, numbered
from fanfold.market.quality.checks.zones import hour_shifts, hours_of, off_hours
from fanfold.market.quality.finding import Finding, instant_text
from fanfold.market.quality.kinds import KINDS, severity_aside

_PLACE: Final = {kind: place for place, kind in enumerate(KINDS)}


def examine_bars(
    rows: Mapping[str, NDArray[Any]],
    about: About,
    row_numbers: Numbers = None,
    *,
    aside: NDArray[np.int64] | None = None,
) -> Verdict:
    """Find what is wrong, or may be, with bars of one symbol.

    Args:
        rows: Columns in the source's order: `ts` (bar's end [ns UTC], int64), `open`, `high`,
            `low`, `close`, `volume` and maybe `adj_close`; each of shape [row].
        about: Whose bars, and what is known of them.
        row_numbers: Of the source, for reports; None for the places in `rows`.
        aside: Ends of bars that were set aside before, which leave no gap [ns UTC].
    """
    ts = np.ascontiguousarray(rows["ts"]).astype(np.int64, copy=False)
    fields = np.stack([column(rows, name, len(ts)) for name in FIELDS])
    adj_close = column(rows, "adj_close", len(ts)) if "adj_close" in rows else None
    bad = _first_reasons((bad_times(ts, about), bad_bars(fields, adj_close)))
    if not bad and (ts[1:] > ts[:-1]).all():  # nothing to sort or to set aside
        found = list(_series_findings(ts, fields, about, ts[:0] if aside is None else aside))
        return _verdict(found, np.ones(len(ts), bool), bad)
    order = _sound_order(ts, bad)
    values = fields if adj_close is None else np.vstack((fields, adj_close))
    again = repeats(ts[order], values[:, order], order, row_numbers)
    findings = [
        *out_of_order(_without(ts, bad), about, row_numbers),
        *equal_repeats(again.equal, ts, about, row_numbers),
    ]
    bad |= {one[0]: one for one in again.bad}
    keep = _kept(len(ts), bad, again.equal)
    order = order[keep[order]]
    findings += _bad_findings(bad, ts, about, row_numbers)
    told = ts[[row for row, kind, _ in bad.values() if kind != "bad_timestamp"]]
    told = told if aside is None else np.concatenate((told, aside))
    findings += _series_findings(ts[order], fields[:, order], about, told)
    return _verdict(findings, keep, bad)


def examine_ticks(
    rows: Mapping[str, NDArray[Any]], about: About, row_numbers: Numbers = None
) -> Verdict:
    """Find what is wrong, or may be, with trades or quotes of one symbol.

    Args:
        rows: Columns in the source's order: `ts` (instant [ns UTC], int64); of trades `price`,
            `size` and maybe `id`; of quotes `bid`, `bid_size`, `ask`, `ask_size`; shape [row].
        about: Whose; its timeframe does not matter.
        row_numbers: Of the source, for reports; None for the places in `rows`.
    """
    ts = np.ascontiguousarray(rows["ts"]).astype(np.int64, copy=False)
    are_trades = "price" in rows
    values = bad_trades(rows, len(ts)) if are_trades else bad_quotes(rows, len(ts))
    bad = _first_reasons((bad_times(ts, about), values))
    findings = [*out_of_order(_without(ts, bad), about, row_numbers)]
    equal = _repeated_ids(rows, bad, len(ts))
    findings += equal_repeats(equal, ts, about, row_numbers)
    keep = _kept(len(ts), bad, equal)
    order = _sound_order(ts, bad)
    order = order[keep[order]]
    findings += _bad_findings(bad, ts, about, row_numbers)
    if are_trades:
        findings += far_trades(ts[order], column(rows, "price", len(ts))[order], about)
    else:
        bid, ask = (column(rows, name, len(ts))[order] for name in ("bid", "ask"))
        findings += crossed_quotes(ts[order], bid, ask, about)
    return _verdict(findings, keep, bad)


def _series_findings(
    ts: NDArray[np.int64], fields: NDArray[np.float64], about: About, told: NDArray[np.int64]
) -> Iterator[Finding]:
    """What sound bars, by time, show beside each other; there were others, set aside, at `told`."""
    if len(ts) == 0:
        return
    day = days_known(ts, about.calendar)
    sound = Sound(ts=ts, fields=fields, day=(ts - 1) // DAY_NS if day is None else day)
    if day is None:
        text = f"bars must lie within calendar {about.calendar}, which does not reach so far: "
        span = f"{instant_text(int(ts[0]))} to {instant_text(int(ts[-1]))}"
        yield about.found(int(ts[0]), "off_session", f"{text}{span} was not checked", "info")
    elif about.is_intraday:
        yield from _hours_findings(sound, about, told)
    else:
        day, shifts = daily_shifts(sound, about)
        yield from shifts
        yield from off_sessions(sound, day, about)
        yield from missing_sessions(_with(day, told, about), about)
        sound = replace(sound, day=day)
    yield from stale_runs(sound, about)
    yield from zero_volumes(sound, about)
    found = splits(sound, about)
    yield from found.findings
    yield from outliers(sound, found.forward, about, found.told)


def _hours_findings(sound: Sound, about: About, told: NDArray[np.int64]) -> Iterator[Finding]:
    hours = hours_of(sound, about)
    late, shifts = hour_shifts(sound, hours, about)
    yield from shifts
    yield from off_sessions(sound, sound.day, about)
    yield from off_hours(sound, hours, late, about)
    yield from missing_sessions(_with(sound.day, told, about), about)
    yield from holes(sound, hours, late, about, told)


def _with(day: NDArray[np.int64], told: NDArray[np.int64], about: About) -> NDArray[np.int64]:
    """Dates of bars and of rows that were set aside: there was a row, so nothing is missing."""
    others = None if len(told) == 0 else days_known(told, about.calendar)
    return day if others is None else np.sort(np.concatenate((day, others)))


def _first_reasons(checks: Iterable[Iterator[Bad]]) -> dict[int, Bad]:
    bad = dict[int, Bad]()
    for check in checks:
        for one in check:
            bad.setdefault(one[0], one)
    return bad


def _sound_order(ts: NDArray[np.int64], bad: dict[int, Bad]) -> NDArray[np.int64]:
    """Rows that are not bad by time, those of an instant in the source's order."""
    sound = np.ones(len(ts), bool)
    sound[list(bad)] = False
    rows = np.flatnonzero(sound)
    if (np.diff(ts[rows]) >= 0).all():
        return rows
    return rows[np.argsort(ts[rows], kind="stable")]


def _without(ts: NDArray[np.int64], bad: dict[int, Bad]) -> NDArray[np.int64]:
    """Timestamps, those that cannot be replaced by the one before them."""
    wrong = [row for row, kind, _ in bad.values() if kind == "bad_timestamp"]
    if not wrong:
        return ts
    place = np.arange(len(ts))
    place[wrong] = -1
    place = np.maximum.accumulate(place)
    return np.where(place >= 0, ts[place], np.iinfo(np.int64).min)


def _kept(length: int, bad: dict[int, Bad], equal: NDArray[np.int64]) -> NDArray[np.bool_]:
    keep = np.ones(length, bool)
    keep[list(bad)] = False
    keep[equal] = False
    return keep


def _bad_findings(
    bad: dict[int, Bad], ts: NDArray[np.int64], about: About, row_numbers: Numbers
) -> Iterator[Finding]:
    for row, kind, reason in bad.values():
        moment = None if kind == "bad_timestamp" else int(ts[row])
        text = f"{reason}; row {numbered(row, row_numbers)} was set aside"
        yield about.found(moment, kind, text, severity_aside(reason))


def _repeated_ids(
    rows: Mapping[str, NDArray[Any]], bad: dict[int, Bad], length: int
) -> NDArray[np.int64]:
    """Trades whose name another trade has; without names, equal trades are two trades."""
    if "id" not in rows or length == 0:
        return np.empty(0, np.int64)
    names = np.asarray(rows["id"])
    named = np.array([bool(name) for name in names.tolist()])
    _, first = np.unique(names.astype(str), return_index=True)
    again = named.copy()
    again[first] = False
    again[list(bad)] = False
    return np.flatnonzero(again)


def _verdict(findings: list[Finding], keep: NDArray[np.bool_], bad: dict[int, Bad]) -> Verdict:
    ordered = sorted(
        findings, key=lambda one: (_PLACE[one.kind], -(2**63) if one.ts is None else one.ts)
    )
    return Verdict(
        findings=tuple(capped(ordered)),
        keep=keep,
        bad=tuple(bad[row] for row in sorted(bad)),
    )
