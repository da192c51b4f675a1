"""Rows that come twice, or too late, in their source."""

import bisect
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from fanfold.market.quality.about import About, Bad, runs_of
from fanfold.market.quality.checks.values import numbered
from fanfold.market.quality.finding import Finding, instant_text

Numbers = NDArray[np.int64] | None

_SINGLY_MAX: Final = 10
"""Rows in a row, of a stretch, that are told one by one [rows]."""

_MIXED_MAX: Final = 1_000_000
"""Rows that are mixed up among themselves of which the fewest are looked for [rows]."""


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
    """Rows that are not where their time puts them, many in a row together.

    They are the fewest without which the others are in order: of a row that was moved it
    is that row, whether it came too early or too late.

    Args:
        ts: In the source's order [ns UTC]; shape [row].
        about: Whose.
        row_numbers: Of the source.
    """
    if len(ts) == 0:
        return
    latest = np.maximum.accumulate(ts)
    misplaced = np.flatnonzero(_misplaced(ts, latest))
    for first, after in _stretches(misplaced):
        place = int(misplaced[first])
        rows = f"row {numbered(place, row_numbers)}"
        if after - first > 1:
            rows = f"{after - first} rows from row {numbered(place, row_numbers)} on"
        came = "before an earlier one"
        if ts[place] < latest[place]:
            came = f"after {instant_text(int(latest[place]))}"
        yield about.found(
            int(ts[place]),
            "out_of_order",
            f"rows must be in the order of time, {rows} came {came}; they were sorted",
        )


def _misplaced(ts: NDArray[np.int64], latest: NDArray[np.int64]) -> NDArray[np.bool_]:
    """The fewest rows without which the others do not decrease; shape [row].

    Args:
        ts: In the source's order [ns UTC]; shape [row].
        latest: The greatest until each row.
    """
    late = ts < latest
    if not late.any():
        return late
    soonest = np.minimum.accumulate(ts[::-1])[::-1]
    # Rows of a joined stretch are mixed up among themselves, and with no others.
    joined = runs_of(latest[:-1] > soonest[1:])
    mixed = late.copy()
    for begin, end in ((first, last + 1) for first, last in joined):
        if end - begin > _MIXED_MAX:
            continue
        found = _not_rising(ts[begin:end])
        if found.sum() < late[begin:end].sum():
            mixed[begin:end] = found
    return mixed


def _not_rising(ts: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Rows outside of the longest part that does not decrease; shape [row].

    Source: Fredman (1975), On computing the length of longest increasing subsequences.
    """
    ends = list[int]()
    at, before = list[int](), list[int]()
    for row, one in enumerate(ts.tolist()):
        place = bisect.bisect_right(ends, one)
        before.append(at[place - 1] if place else -1)
        ends[place : place + 1] = [one]
        at[place : place + 1] = [row]
    outside = np.ones(len(ts), bool)
    row = at[-1]
    while row >= 0:
        outside[row] = False
        row = before[row]
    return outside


def _stretches(places: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Stretches of consecutive places, each a finding: (first, last + 1).

    A few are told one by one, so that each is found at its own time.
    """
    ends = np.flatnonzero(np.diff(places) != 1) + 1
    edges = [0, *ends.tolist(), len(places)] if len(places) else []
    for first, after in itertools.pairwise(edges):
        if after - first > _SINGLY_MAX:
            yield first, after
        else:
            yield from ((one, one + 1) for one in range(first, after))


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
    """Rows that say again what another has said, many in a row together.

    Args:
        places: Of the rows in the source, by time; shape [repeat].
        ts: Of all rows in the source's order [ns UTC]; shape [row].
        about: Whose.
        row_numbers: Of the source.
    """
    for first, after in _stretches(places):
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
