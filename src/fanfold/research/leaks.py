"""From values that changed with the future to a few findings that a person reads.

A leak shows at many bars and many cuts. Changes of one test and one origin are one
finding: its first bar, how many there are, and what kind of leak their pattern looks like.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.bars import Bars
from fanfold.domain.prices import absent
from fanfold.engine.decisions import WISH_NAMES, Decisions

ROUNDING: Final = 1e-9
"""Relative difference that a panel's length may make to vectorised arithmetic [1]."""

AHEAD_BARS_MAX: Final = 30
"""Farthest that a leak is said to look ahead; a longer reach is of the whole sample [bars]."""

PREFIX: Final = "prefix"
FUTURE: Final = "future"
FIT: Final = "fit"
REPEAT: Final = "repeat"

DECISION: Final = "decision"
RAISED: Final = "raised"
ENDED: Final = "ended"
LEARNED: Final = "learned"

OF_NONE: Final = -1
"""Place of no asset."""

_TESTS: Final = (PREFIX, FUTURE, FIT, REPEAT)
_CAUSAL: Final = (PREFIX, FUTURE)
_SHORTER: Final = (PREFIX, FIT)
"""Tests in which arithmetic runs over fewer bars."""

Value = float | str
"""A number, or what was raised."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """How one array differs between two futures, up to the bar where they part.

    Attributes:
        test: What was compared: "prefix", "future", "repeat" or "fit".
        origin: "decision", or "column" and its name.
        cut: Last bar that both futures share.
        bar: First bar that differs.
        asset: First asset that differs there, `OF_NONE` for what is of no asset.
        wish: What of it: a wish, or the column; "raised", "ended" or "learned".
        with_future: Its value with the bars as they are.
        without_future: Its value without them, or with others.
        count: Values that differ.
        where_missing: Whether all are of assets that had no bar there.
        unknown: Whether none of them is known without the future.
    """

    test: str
    origin: str
    cut: int
    bar: int
    asset: int
    wish: str
    with_future: Value
    without_future: Value
    count: int
    where_missing: bool = False
    unknown: bool = False

    @property
    def reach(self) -> int:
        """From the first bar that differs to the first that is not shared [bars]."""
        return self.cut - self.bar + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What leaks, for people: all changes of one test and origin.

    Attributes:
        test: "prefix" (without later bars), "future" (with other ones), "fit" (learned
            without later bars, or with other ones) or "repeat" (nothing changed).
        kind: A guess at what it is, from the pattern.
        origin: "decision", or "column" and its name.
        ts: End of the first bar that differs [ns UTC].
        bar: Its number.
        symbol: Of the first asset that differs there, "" for what is of no asset.
        wish: What of it: a wish, or the column; "raised", "ended" or "learned".
        with_future: Its value with the bars as they are, or what was raised.
        without_future: Its value without them, or with others.
        cut: Last bar that both futures share.
        count: Values that differ, in all cuts.
        cut_count: Cuts at which some differ.
    """

    test: str
    kind: str
    origin: str
    ts: int
    bar: int
    symbol: str
    wish: str
    with_future: Value
    without_future: Value
    cut: int
    count: int
    cut_count: int


def failure(test: str, cut: int, first: int, reason: str) -> Change:
    """That a strategy does not run up to a cut without what follows."""
    return _told(test, cut, RAISED, min(first, cut), ("", f"{RAISED}: {reason}"))


def changed_learning(test: str, cut: int, true: str, other: str) -> Change | None:
    """How the identities of two fits differ, None if they do not."""
    return None if true == other else _told(test, cut, LEARNED, cut, (true, other))


def _told(test: str, cut: int, wish: str, bar: int, texts: tuple[str, str]) -> Change:
    """A change that is no number and of no asset."""
    return Change(
        test=test,
        origin=DECISION,
        cut=cut,
        bar=bar,
        asset=OF_NONE,
        wish=wish,
        with_future=texts[0],
        without_future=texts[1],
        count=1,
    )


def changed_decisions(
    test: str, cut: int, true: Decisions, other: Decisions, bars: Bars
) -> Change | None:
    """How decisions up to a cut differ, None if they do not.

    Wishes must be the same bits; on a shorter panel they may differ by rounding.
    """
    count = cut + 1 - true.first
    ours, theirs = true.wishes[:count], other.wishes[:count]
    both = min(len(ours), len(theirs))
    tolerance = ROUNDING if test in _SHORTER else 0.0
    differs = unlike(ours[:both], theirs[:both], tolerance)
    if differs.any():
        pair = ours[:both], theirs[:both]
        return _change(test, DECISION, cut, pair, differs, first=true.first, bars=bars)
    ours_end, theirs_end = (_end(each, count) for each in (true, other))
    if ours_end == theirs_end:
        return None
    wish = RAISED if true.raised or other.raised else ENDED
    return _told(test, cut, wish, true.first + both, (ours_end, theirs_end))


def changed_column(
    test: str,
    cut: int,
    name: str,
    values: tuple[NDArray[np.float64], NDArray[np.float64]],
    bars: Bars,
) -> Change | None:
    """How a column up to a cut differs, None if it does not.

    Args:
        test: What is compared.
        cut: Last bar that both futures share.
        name: The column's.
        values: Its values with the bars as they are, and on others; shapes [bar, asset].
        bars: The market.
    """
    tolerance = ROUNDING if test in _SHORTER else 0.0
    true, other = (each[: cut + 1, :, np.newaxis] for each in values)
    differs = unlike(true, other, tolerance)
    if not differs.any():
        return None
    return _change(test, f"column {name}", cut, (true, other), differs, first=0, bars=bars)


def unlike(
    one: NDArray[np.float64], other: NDArray[np.float64], tolerance: float
) -> NDArray[np.bool_]:
    """Where two arrays differ by more than a share of the larger; NaN is the same as NaN."""
    unequal = (one != other) & ~(np.isnan(one) & np.isnan(other))
    if tolerance > 0.0 and unequal.any():
        scale = np.maximum(np.abs(one), np.abs(other))
        with np.errstate(invalid="ignore"):  # of infinities, which are not close
            unequal &= ~(np.abs(one - other) <= tolerance * scale)
    return unequal


def findings_of(changes: Sequence[Change], bars: Bars, cut_count: int) -> tuple[Finding, ...]:
    """Changes of one test and origin as one finding, columns before decisions.

    Args:
        changes: Those of all cuts.
        bars: The market.
        cut_count: Cuts that were made, with and without changes.
    """
    grouped: dict[tuple[str, str], list[Change]] = {}
    for change in sorted(changes, key=_place):
        grouped.setdefault((change.test, change.origin), []).append(change)
    kinds: dict[str, str] = {}
    for (_, origin), group in grouped.items():
        kinds.setdefault(origin, _kind(group, cut_count))  # the first test tells most
    of_columns = {kind for origin, kind in kinds.items() if origin != DECISION}
    found: list[Finding] = []
    for (test, origin), group in grouped.items():
        first = min(group, key=lambda one: (one.bar, one.cut))
        # A decision shows little of a column: where only one kind of column leaks, it is that.
        by_column = origin == DECISION and test in _CAUSAL and len(of_columns) == 1
        found.append(
            Finding(
                test=test,
                kind=next(iter(of_columns)) if by_column else _kind_of(test, kinds[origin]),
                origin=origin,
                ts=int(bars.ts[first.bar]),
                bar=first.bar,
                symbol="" if first.asset == OF_NONE else bars.symbols[first.asset],
                wish=first.wish,
                with_future=first.with_future,
                without_future=first.without_future,
                cut=first.cut,
                count=sum(one.count for one in group),
                cut_count=len({one.cut for one in group}),
            )
        )
    return tuple(found)


def _change(
    test: str,
    origin: str,
    cut: int,
    pair: tuple[NDArray[np.float64], NDArray[np.float64]],
    differs: NDArray[np.bool_],
    *,
    first: int,
    bars: Bars,
) -> Change:
    with_future, without_future = pair
    at, asset, wish = (int(place[0]) for place in np.nonzero(differs))
    missing = absent(bars.panel[:, first : first + len(differs)])[:, :, np.newaxis]
    return Change(
        test=test,
        origin=origin,
        cut=cut,
        bar=first + at,
        asset=asset,
        wish=WISH_NAMES[wish] if origin == DECISION else origin,
        with_future=float(with_future[at, asset, wish]),
        without_future=float(without_future[at, asset, wish]),
        count=int(differs.sum()),
        where_missing=not (differs & ~missing).any(),
        unknown=bool(np.isnan(without_future[differs]).all()),
    )


def _end(decisions: Decisions, count: int) -> str:
    """How decisions ended within so many bars, "" if they went on."""
    if len(decisions.wishes) >= count:
        return ""
    return f"{RAISED}: {decisions.raised}" if decisions.raised else ENDED


def _place(change: Change) -> tuple[bool, str, int]:
    return change.origin == DECISION, change.origin, _TESTS.index(change.test)


def _kind_of(test: str, pattern: str) -> str:
    if test == REPEAT:
        return "not deterministic: equal runs differ"
    return "a model fitted on later bars" if test == FIT else pattern


def _kind(changes: Sequence[Change], cut_count: int) -> str:
    """What the pattern of a group looks like."""
    if all(one.where_missing for one in changes):
        return "a backward fill"
    unknown = changes[0].test == PREFIX and all(one.unknown for one in changes)
    # What is shifted is unknown at the end of every prefix; what is filled, where it was not.
    if unknown and changes[0].origin != DECISION and len(changes) < cut_count:
        return "a backward fill"
    farthest = max(one.reach for one in changes)
    if farthest <= AHEAD_BARS_MAX:
        return f"looks {farthest} bar{'s' if farthest > 1 else ''} ahead"
    if all(isinstance(one.with_future, str) for one in changes):
        return "works only with later bars"
    return "a statistic of the whole sample"
