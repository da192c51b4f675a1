"""The one order of ticks: by time, and at one instant by what they are."""

from collections.abc import Iterable
from itertools import chain
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fanfold.venue.market.values import Tick

RANKS: Final = {
    name: rank
    for rank, name in enumerate(
        ("minute", "late", "day", "phase", "action", "quote", "book", "trade")
    )
}
"""Places at one instant. A bar that ends comes before the session's close, the close before
the next day's actions, and quotes before trades, so that what follows a trade meets the
latest quote."""


class Strand(NamedTuple):
    """Ticks of one kind in any order, with their instants [ns UTC]; shape [tick]."""

    rank: int
    ts: NDArray[np.int64]
    ticks: list[Tick]


def in_order(strands: Iterable[Strand]) -> list[Tick]:
    """All ticks of strands in order; equal ones keep the strands' order."""
    there = [strand for strand in strands if strand.ticks]
    if not there:
        return []
    ts = np.concatenate([strand.ts for strand in there])
    rank = np.repeat([strand.rank for strand in there], [len(strand.ticks) for strand in there])
    ticks = list(chain.from_iterable(strand.ticks for strand in there))
    return list(map(ticks.__getitem__, np.lexsort((rank, ts)).tolist()))


def within(strands: Iterable[Strand], low: int, high: int) -> list[Strand]:
    """What of strands lies in [low, high) [ns UTC]."""
    cut: list[Strand] = []
    for strand in strands:
        if not strand.ticks:
            continue
        inside = (strand.ts >= low) & (strand.ts < high)
        if inside.all():
            cut.append(strand)
        elif inside.any():
            places = np.flatnonzero(inside)
            ticks = list(map(strand.ticks.__getitem__, places.tolist()))
            cut.append(Strand(strand.rank, strand.ts[places], ticks))
    return cut
