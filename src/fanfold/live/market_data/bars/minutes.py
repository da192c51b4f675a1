"""Steps of bars that the broker sends: minutes, put together where a bar is longer.

A step is made once for each end: when every minute of every asset that trades then is
there, or `grace` after the end on the venue's clock; in the order of their ends, and what
is absent then stays absent. So steps follow from which bars have come and from the clock,
never from the order in which bars came.
"""

from collections.abc import Sequence
from typing import Final

from fanfold.domain.sessions import MINUTE_NS
from fanfold.live.market_data.bars.hours import Hours
from fanfold.live.messages import Late, Row, Step

KNOWN_MAX: Final = 50_000
"""Minutes that are known after their steps, so that a repeated one is not taken for a
changed one."""

ROWS_MAX: Final = 500_000
"""Minutes that wait for their step at most; the oldest connection loss fills no more."""

_Ranked = tuple[bool, float, Row]
"""Of two that say something else of a minute the greater counts: what was changed later,
then that of more volume."""


class Minutes:
    """Minutes as they come, and the steps that they make.

    Args:
        hours: Of each asset.
        grace_ns: How long a step waits [ns of the venue's clock].
        since: End of the last step that was told before, 0 for none [ns UTC].

    Attributes:
        last: End of the last step [ns UTC].
        is_held: Whether steps wait for what is being fetched.
        counts: Minutes that were told again, lay outside sessions, or had no room.
    """

    def __init__(self, hours: Sequence[Hours], grace_ns: int, since: int = 0) -> None:
        self._hours = tuple(hours)
        self._grace = grace_ns
        self._since = since
        self._bars: dict[int, dict[tuple[int, int], _Ranked]] = {}
        self._wanted: dict[int, int] = {}
        self._known: dict[tuple[int, int], Row] = {}
        self._waiting = 0
        self.last = since
        self.is_held = False
        self.counts = {"repeated": 0, "outside": 0, "lost": 0}

    def take(self, row: Row, end: int, *, is_update: bool = False) -> Late | None:
        """Take a minute that ends at `end`; what it is where its step is over."""
        bar = self._hours[row.asset].bar_of(end)
        if bar is None:
            self.counts["outside"] += 1
            return None
        ranked = (is_update, row.volume, row)
        if bar[1] <= self.last:
            return self._late(end, ranked)
        if self._waiting >= ROWS_MAX:
            self.counts["lost"] += 1
            return None
        minutes = self._bars.setdefault(bar[1], {})
        key = row.asset, end
        before = minutes.get(key)
        if before is None:
            self._waiting += 1
            minutes[key] = ranked
        elif _order(ranked) > _order(before):
            minutes[key] = ranked
        else:
            self.counts["repeated"] += 1
        return None

    def due(self, clock: int) -> list[Step]:
        """Steps that are made at an instant of the venue's clock [ns UTC]."""
        if not self._bars or self.is_held:
            return []
        made: list[Step] = []
        for end in sorted(self._bars):
            minutes = self._bars[end]
            if len(minutes) < self._wanted_of(end) and clock < end + self._grace:
                break
            made.append(Step(end, _rows(minutes)))
            self.last = end
            for key, ranked in minutes.items():
                self._know(key, ranked[2])
            self._waiting -= len(minutes)
            del self._bars[end]
            self._wanted.pop(end, None)
        return made

    def lacks(self, step: Step) -> bool:
        """Whether a step has no bar of an asset that trades at its end."""
        return len(step.rows) < sum(hours.ends_bar(step.ts) for hours in self._hours)

    def _wanted_of(self, end: int) -> int:
        """Minutes of all assets that make up the bars of an end."""
        wanted = self._wanted.get(end)
        if wanted is None:
            bars = (hours.bar_of(end) for hours in self._hours)
            wanted = self._wanted[end] = sum(
                -(-(bar[1] - bar[0]) // MINUTE_NS)
                for bar in bars
                if bar is not None and bar[1] == end
            )
        return wanted

    def _late(self, end: int, ranked: _Ranked) -> Late | None:
        is_update, _, row = ranked
        key = row.asset, end
        known = self._known.get(key)
        # What was decided on before this process began is known to have been told.
        if known == row or (known is None and end <= self._since and not is_update):
            self.counts["repeated"] += 1
            return None
        self._know(key, row)
        return Late(end, row)

    def _know(self, key: tuple[int, int], row: Row) -> None:
        self._known[key] = row
        if len(self._known) > KNOWN_MAX:
            del self._known[next(iter(self._known))]


def _order(ranked: _Ranked) -> tuple[bool, float, float, float, float, float]:
    is_update, volume, row = ranked
    return is_update, volume, row.close, row.high, row.low, row.open


def _rows(minutes: dict[tuple[int, int], _Ranked]) -> tuple[Row, ...]:
    """The bars of all assets, in their order."""
    own: dict[int, list[Row]] = {}
    for key in sorted(minutes):
        own.setdefault(key[0], []).append(minutes[key][2])
    return tuple(merged(rows) for rows in own.values())


def merged(rows: Sequence[Row]) -> Row:
    """One longer bar of an asset's bars in their order, as `fanfold.market.resample` does.

    Bars in which nothing was traded say nothing, unless there is no other.
    """
    if len(rows) == 1:
        return rows[0]
    rows = [row for row in rows if row.volume != 0.0] or rows
    volume = 0.0
    for row in rows:
        volume += row.volume  # one after the other: `sum` compensates, as no stored bar does
    return Row(
        rows[0].asset,
        rows[0].open,
        max(row.high for row in rows),
        min(row.low for row in rows),
        rows[-1].close,
        volume,
    )
