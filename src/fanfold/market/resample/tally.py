"""What the trades of each bar come to, in a form of which several add up to one.

So a year of trades is read a day at a time, and bars that reach over midnight are whole.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.panel import CLOSE, FIELDS, HIGH, LOW, OPEN
from fanfold.domain.sessions import MINUTE_NS, ROUND_THE_CLOCK
from fanfold.domain.timeframe import SESSION, WEEK, timeframe_ns
from fanfold.market.resample.buckets import Clock, Rule, buckets
from fanfold.market.resample.conditions import (
    ALWAYS,
    IF_ALONE,
    NEVER,
    Conditions,
    Vocabulary,
    effects_of,
)
from fanfold.market.resample.merge import starts, sums
from fanfold.market.store import numbers

COUNT: Final = len(FIELDS)
"""Row of the number of trades whose sizes count."""

WORTH: Final = COUNT + 1
"""Row of price × size, of trades that set prices and whose sizes count."""

WEIGHT: Final = COUNT + 2
"""Row of their size."""

_ROWS: Final = COUNT + 3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tally:
    """Bars of one symbol, also those in which no trade set a price.

    Attributes:
        end: When each ends [ns UTC], strictly increasing; shape [bar].
        rank: The highest of their trades, see `conditions`; shape [bar].
        rows: Open, high, low, close, volume, count, worth, weight; shape [row, bar].
        unknown: Unknown sale conditions.
    """

    end: NDArray[np.int64]
    rank: NDArray[np.int8]
    rows: NDArray[np.float64]
    unknown: frozenset[str] = frozenset()

    @property
    def priced(self) -> "Tally":
        """Only those with prices: the others are no bars."""
        kept = self.rank > NEVER
        return Tally(
            end=self.end[kept],
            rank=self.rank[kept],
            rows=self.rows[:, kept],
            unknown=self.unknown,
        )


def tally_of(
    table: Any, rule: Rule, calendar: str, conditions: Conditions, *, source: str = ""
) -> Tally:
    """What trades come to.

    Args:
        table: Arrow table of the store's trades, sorted.
        rule: How to cut bars.
        calendar: Of the asset.
        conditions: Which trades count.
        source: Where the trades came from, whose codes their sale conditions are.
    """
    ts, price, size = (numbers(table, name) for name in ("ts", "price", "size"))
    if not len(ts):
        return added([])
    # A session opens and closes with a minute, so trades of one share all but their time.
    grid = min(timeframe_ns(rule.timeframe) or MINUTE_NS, MINUTE_NS)
    first = starts(ts // grid)
    sizes = np.diff(np.append(first, len(ts)))
    # A bar holds what happens from its start until before its end: a trade is over at once.
    clock = Clock.of(ts[first] + 1, calendar)
    regular = clock.regular
    counted = regular if rule.hours == "regular" else np.ones(len(first), np.bool_)
    if not counted.any():
        return added([])
    clock = clock[counted]
    cut = buckets(clock.settled if rule.timeframe in (SESSION, WEEK) else clock, rule)
    row = np.repeat(counted, sizes)
    column = table["conditions"] if "conditions" in table.column_names else None
    vocabulary = _vocabulary(calendar, source)
    effects = effects_of(column, np.repeat(regular, sizes), conditions, vocabulary)
    rank, sized = effects.rank[row], effects.sized[row]
    price, size = price[row], size[row]
    weight = np.where(sized & (rank > NEVER), size, 0.0)
    volume = np.where(sized, size, 0.0)
    values = np.stack([*[price] * 4, volume, sized.astype(float), price * weight, weight])
    place = np.repeat(cut.place, sizes[counted])
    return _reduced(place, cut.end, rank, values, effects.unknown)


def added(tallies: Sequence[Tally]) -> Tally:
    """Tallies of one symbol, one after the other in time, as one."""
    unknown = frozenset[str]().union(*(one.unknown for one in tallies))
    end = np.concatenate([np.empty(0, np.int64), *(one.end for one in tallies)])
    rank = np.concatenate([np.empty(0, np.int8), *(one.rank for one in tallies)])
    rows = np.concatenate([np.empty((_ROWS, 0)), *(one.rows for one in tallies)], axis=1)
    if not len(end):
        return Tally(end=end, rank=rank, rows=rows, unknown=unknown)
    first = starts(end)
    place = np.repeat(np.arange(len(first)), np.diff(np.append(first, len(end))))
    return _reduced(place, end[first], rank, rows, unknown)


def _vocabulary(calendar: str, source: str) -> Vocabulary:
    """Whose codes: coins have no tape, and what stands there is the taker's side."""
    if calendar == ROUND_THE_CLOCK:
        return "none"
    return "polygon" if source == "polygon" else "tapes"


def _reduced(
    place: NDArray[np.int64],
    end: NDArray[np.int64],
    rank: NDArray[np.int8],
    values: NDArray[np.float64],
    unknown: frozenset[str],
) -> Tally:
    count = len(end)
    rows = np.full((_ROWS, count), np.nan)
    for row in range(COUNT - 1, _ROWS):
        rows[row] = sums(values[row], place, count)
    firm = np.zeros(count, np.bool_)
    firm[place[rank == ALWAYS]] = True
    pricing = rank > NEVER
    some = np.zeros(count, np.bool_)
    some[place[pricing]] = True
    if some.any():
        at, first = place[pricing], starts(place[pricing])
        rows[HIGH, some] = np.maximum.reduceat(values[HIGH, pricing], first)
        rows[LOW, some] = np.minimum.reduceat(values[LOW, pricing], first)
        naming = (rank == ALWAYS) | ((rank == IF_ALONE) & ~firm[place])
        at, first = place[naming], starts(place[naming])
        rows[OPEN, some] = values[OPEN, naming][first]
        rows[CLOSE, some] = values[CLOSE, naming][np.append(first[1:], len(at)) - 1]
    rank = np.where(firm, ALWAYS, np.where(some, IF_ALONE, NEVER)).astype(np.int8)
    return Tally(end=end, rank=rank, rows=rows, unknown=unknown)
