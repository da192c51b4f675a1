"""What a delivery has and the series must not: bad rows, repeats, actions twice on a day."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, Final

import numpy as np

from fanfold.domain.layout import NEUTRAL
from fanfold.domain.period import day_text
from fanfold.errors import DataError
from fanfold.market.columns import arrow
from fanfold.market.intake.normal import Normal, places
from fanfold.market.kinds import schema_of
from fanfold.market.quality import Finding, Verdict
from fanfold.market.quality.kinds import PASSING
from fanfold.market.store import numbers

_PRICES: Final = ("open", "high", "low", "close", "volume")
_SHOWN_AS: Final[Mapping[str, Mapping[str, str]]] = {
    # What an event shows in the columns of a bar.
    "trades": {"close": "price", "volume": "size"},
    "quotes": {},
    "bars": {name: name for name in _PRICES},
}


def bad_rows(kind: str, normal: Normal, verdict: Verdict, source: str, *, numbered: bool) -> Any:
    """The rows that are set aside, in the form of the quarantine; without a row if none is.

    Args:
        kind: What the rows are.
        normal: The delivery.
        verdict: What was found in it.
        source: Who delivered it.
        numbered: Whether the source's own numbers of rows mean something, as a file's do;
            else rows of an instant are counted.
    """
    pa = arrow()
    schema, nowhere = _schema(), len(normal.unread_rows)
    if not verdict.bad and not nowhere:
        return _no_rows()
    place = np.array([row for row, _, _ in verdict.bad], np.int64)
    bad = normal.table.take(pa.array(place))
    ts = pa.concat_arrays(
        [bad.column("ts").combine_chunks(), pa.nulls(nowhere, schema.field("ts").type)]
    )
    rows = np.concatenate([normal.rows[place], normal.unread_rows])
    if not numbered:
        # Another day's delivery of the same rows counts from elsewhere.
        stamps = numbers(pa.table({"ts": ts.fill_null(0)}), "ts")
        rows = places(stamps)
    columns: dict[str, Any] = {
        "ts": ts,
        "row": pa.array(rows),
        "kind": _texts([one for _, one, _ in verdict.bad] + ["bad_timestamp"] * nowhere),
        "reason": _texts([*(reason for _, _, reason in verdict.bad), *normal.reasons]),
        "source": _texts([source] * (len(place) + nowhere)),
    }
    for name in _PRICES:
        shown = _SHOWN_AS[kind].get(name, "")
        parts = [_numbers(table, shown) for table in (bad, normal.unread)]
        columns[name] = pa.array(np.concatenate(parts))
    return pa.table({name: columns[name] for name in schema.names}, schema=schema)


def notes(findings: Iterable[Finding], source: str) -> Any:
    """What was found on the way in and cannot be found again in the rows that are stored.

    Rows that differ from another of their instant are kept in the quarantine already.

    Args:
        findings: Of a delivery.
        source: Who delivered it.

    Returns:
        In the form of notes, one for each instant and kind; without a row if there is none.
    """
    pa = arrow()
    told: dict[tuple[int, str], Finding] = {}
    for one in findings:
        if one.kind in PASSING and one.severity != "error" and one.ts is not None:
            told.setdefault((one.ts, one.kind), one)
    schema = schema_of("notes")
    found = list(told.values())
    columns = {
        "ts": pa.array([one.ts for one in found], pa.int64()).cast(schema.field("ts").type),
        **{
            name: _texts([getattr(one, name) for one in found])
            for name in ("kind", "severity", "detail")
        },
        "source": _texts([source] * len(found)),
    }
    return pa.table(columns, schema=schema)


def one_a_day(table: Any, symbol: str) -> Any:
    """Actions with those of a day in one row, without rows of none.

    Args:
        table: In the form of actions.
        symbol: Whose.

    Raises:
        DataError: Two of a kind on a day have different values.
    """
    pa = arrow()
    day = numbers(table, "session")
    found: dict[int, dict[str, float]] = {}
    for name in ("splits", "dividends"):
        values = numbers(table, name)
        for row in np.flatnonzero(values != NEUTRAL[name]).tolist():
            one = found.setdefault(int(day[row]), {})
            value = float(values[row])
            if one.setdefault(name, value) != value:
                raise DataError(
                    f"{name} must be there once for each symbol and date, {symbol} at "
                    f"{day_text(int(day[row]))} had {one[name]:g} and {value:g}; if both are "
                    "true give one value for the day"
                )
    days = sorted(found)
    columns = {
        "session": pa.array(days, pa.int32()).cast(pa.date32()),
        **{
            name: pa.array([found[one].get(name, NEUTRAL[name]) for one in days], pa.float64())
            for name in ("splits", "dividends")
        },
    }
    return pa.table(columns, schema=schema_of("actions"))


@cache
def _schema() -> Any:
    return schema_of("quarantine")


@cache
def _no_rows() -> Any:
    return _schema().empty_table()


def _numbers(table: Any, name: str) -> Any:
    pa = arrow()
    if name not in table.column_names:
        return np.full(table.num_rows, np.nan)
    return table.column(name).cast(pa.float64()).fill_null(np.nan).to_numpy()


def _texts(values: Sequence[str]) -> Any:
    pa = arrow()
    return pa.array(list(values), pa.string())
