"""Rows that come twice, or too late, in their source."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fanfold.market.quality.about import About, Bad, runs_of
from fanfold.market.quality.checks.values import numbered
from fanfold.market.quality.finding import Finding, instant_text

Numbers = NDArray[np.int64] | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Repeats:
    """Rows whose instant another row has taken.

    Attributes:
        equal: Rows that say the same as the first of their instant, by time; shape [repeat].
        bad: Rows that say something else.
    """

    equal: NDArray[np.int64]
    bad: tuple[Bad, ...]


def out_of_order(ts: NDArray[np.int64], about: About, row_numbers: Numbers) -> Iterator[Finding]:
    """Rows that come after a later one, those in a row together.

    Args:
        ts: In the source's order [ns UTC]; shape [row].
        about: Whose.
        row_numbers: Of the source.
    """
    if len(ts) == 0:
        return
    latest = np.maximum.accumulate(ts)
    for first, after in runs_of(ts < latest):
        rows = f"row {numbered(first, row_numbers)}"
        if after - first > 1:
            rows = f"{after - first} rows from row {numbered(first, row_numbers)} on"
        yield about.found(
            int(ts[first]),
            "out_of_order",
            f"rows must be in the order of time, {rows} came after "
            f"{instant_text(int(latest[first]))}; they were sorted",
        )


def repeats(
    ts: NDArray[np.int64],
    values: NDArray[np.float64],
    rows: NDArray[np.int64],
    row_numbers: Numbers,
) -> Repeats:
    """Rows whose instant an earlier row of the source has taken.

    The first is kept, because nothing says which of them is true, and what is stored
    must not depend on how many follow.

    Args:
        ts: Of rows by time, those of an instant in the source's order [ns UTC]; shape [row].
        values: Their numbers; shape [column, row].
        rows: Their places in the source; shape [row].
        row_numbers: Of the source.
    """
    again = np.flatnonzero(ts[1:] == ts[:-1]) + 1
    first = np.searchsorted(ts, ts[again])
    one, other = values[:, first], values[:, again]
    equal = ((one == other) | (np.isnan(one) & np.isnan(other))).all(axis=0)
    bad = [
        (
            int(rows[place]),
            "duplicate",
            f"a bar must be there once, row {numbered(int(rows[place]), row_numbers)} differs from "
            f"row {numbered(int(rows[kept]), row_numbers)}, which was kept: "
            + _differences(values[:, kept], values[:, place]),
        )
        for place, kept in zip(again[~equal].tolist(), first[~equal].tolist(), strict=True)
    ]
    return Repeats(equal=rows[again[equal]], bad=tuple(bad))


def equal_repeats(
    places: NDArray[np.int64], ts: NDArray[np.int64], about: About, row_numbers: Numbers
) -> Iterator[Finding]:
    """Rows that say again what another has said, those in a row together.

    Args:
        places: Of the rows in the source, by time; shape [repeat].
        ts: Of all rows in the source's order [ns UTC]; shape [row].
        about: Whose.
        row_numbers: Of the source.
    """
    if len(places) == 0:
        return
    starts = np.flatnonzero(np.diff(places, prepend=-2) != 1)
    for first, after in zip(starts, np.append(starts[1:], len(places)), strict=True):
        row = int(places[first])
        rows = f"row {numbered(row, row_numbers)} repeats another"
        if after - first > 1:
            rows = f"{after - first} rows from row {numbered(row, row_numbers)} on repeat others"
        yield about.found(
            int(ts[row]),
            "duplicate",
            f"a bar must be there once, {rows} in every value and was dropped",
            "warning",
        )


def _differences(kept: NDArray[np.float64], other: NDArray[np.float64]) -> str:
    names = ("open", "high", "low", "close", "volume", "adj_close")
    return ", ".join(
        f"{name} {one:g} and {two:g}"
        for name, one, two in zip(names, kept.tolist(), other.tolist(), strict=False)
        if one != two and not (np.isnan(one) and np.isnan(two))
    )
