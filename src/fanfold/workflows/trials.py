"""The job that asks questions of trials: of the ledger, a run's tables, or a file."""

import math
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from fanfold.domain.period import day_text, ts_text
from fanfold.errors import ConfigError, DataError
from fanfold.tracking.query import LIMIT

if TYPE_CHECKING:
    from fanfold.tracking.query import ArrowTable, Schema

CELL_CHARACTERS_MAX = 32
"""Width of a column on the terminal [characters]."""

LEDGER_SHOWN = (
    *("strategy", "params", "symbols", "first_day", "last_day", "sharpe_per_period"),
    *("return_count", "status", "job", "at"),
)
"""Columns of the ledger that the terminal shows; the hashes are in the content."""

_AS_TEXT: dict[str, Callable[[int], str]] = {
    "first_day": day_text,
    "last_day": day_text,
    "at": ts_text,
}


def trials_job(
    query: str,
    *,
    run: str | None = None,
    table: Path | None = None,
    columns: Sequence[str] | None = None,
    sort: str | None = None,
    limit: int | None = LIMIT,
) -> tuple[list[str], dict[str, Any]]:
    """Answer a query over trials; the whole ledger where neither run nor table is named.

    Args:
        query: Such as `sharpe > 1 and fast < 20`; empty for all rows.
        run: Id, start of an id, or name of a tracked run, whose tables are asked.
        table: A Parquet file, or a folder of them.
        columns: Which columns are answered; all by default.
        sort: A column, the lowest first; with `-` before it, the highest first.
        limit: Rows that are answered; None for all.

    Returns:
        Lines for the terminal; and `columns`, `count` (rows that match) and `rows`, as
        JSON can hold them.

    Raises:
        ConfigError: The query, a column or the run is not known, or both a run and a
            table are named.
        DataError: A table is not there, or damaged.
        JobError: The tracking store could not be read.
    """
    from fanfold.tracking.ledger import read_ledger
    from fanfold.tracking.query import count_matching, query_table
    from fanfold.tracking.trial_rows import trial_schema

    def answer(
        files: Sequence[Path] | Path, schema: "Schema | None" = None
    ) -> "tuple[ArrowTable, int]":
        found = query_table(files, query, columns=columns, sort=sort, limit=limit, schema=schema)
        return found, count_matching(files, query, schema=schema)

    if run is not None and table is not None:
        raise ConfigError("either a run or a table must be named, were both")
    if run is not None:
        found, count = _of_run(run, answer)
    elif table is not None:
        found, count = answer(table)
    else:
        found, count = read_ledger(lambda files: answer(files, trial_schema()))
    is_ledger = run is None and table is None
    shown = LEDGER_SHOWN if is_ledger and columns is None else found.column_names
    rows = found.to_pylist()
    content = {
        "columns": found.column_names,
        "count": count,
        "rows": [{name: _plain(value) for name, value in row.items()} for row in rows],
    }
    return _lines(rows, shown, count), content


def _of_run(
    run: str, answer: "Callable[[Sequence[Path]], tuple[ArrowTable, int]]"
) -> "tuple[ArrowTable, int]":
    from fanfold.tracking import fetch_artifacts, find_run

    found = find_run(run)
    with tempfile.TemporaryDirectory() as place:
        kept = fetch_artifacts(found.run_id, Path(place))
        files = sorted(kept.rglob("*.parquet"))
        if not files:
            raise DataError(f"run {found.name!r} must have kept a table, has none")
        return answer(files)


def _lines(rows: list[dict[str, Any]], names: Sequence[str], count: int) -> list[str]:
    told = f"{len(rows):,} of {count:,} rows" if len(rows) < count else f"{count:,} rows"
    if not rows:
        return ["no row matches"]
    cells = [list(names)] + [[_cell(name, row[name]) for name in names] for row in rows]
    widths = [max(len(row[place]) for row in cells) for place in range(len(names))]
    is_number = [isinstance(rows[0][name], int | float) or name in _AS_TEXT for name in names]
    lines = [
        "  ".join(
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(row, widths, is_number, strict=True)
        ).rstrip()
        for row in cells
    ]
    return [*(f"  {line}" for line in lines), told]


def _cell(name: str, value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "-"
    if name in _AS_TEXT and type(value) is int:
        return _AS_TEXT[name](value)
    if isinstance(value, float):
        return f"{value:.4g}"
    parts = cast("list[Any]", value) if isinstance(value, list) else [value]
    text = " ".join(word for part in parts for word in str(part).split())  # a line stays one
    return text if len(text) <= CELL_CHARACTERS_MAX else f"{text[: CELL_CHARACTERS_MAX - 1]}…"


def _plain(value: Any) -> Any:
    """The value as JSON can hold it."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list):
        return [_plain(one) for one in cast("list[Any]", value)]
    return value if value is None or isinstance(value, str | int) else str(value)
