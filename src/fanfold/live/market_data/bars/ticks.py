"""Steps of bars that are built here: from trades, or from the middle of quotes.

A bar of `[start, end)` holds what happens from its start until before its end. Nothing says
that a bar is complete, so every step waits its grace. Trades count as their sale conditions
say (`fanfold.market.resample.conditions`), ordered by their instant and number, so bars
follow from the set of trades and not from the order in which they came.
"""

from collections import deque
from collections.abc import Sequence
from functools import lru_cache
from math import inf, nan
from typing import Final

from fanfold.live.market_data.bars.hours import Hours
from fanfold.live.messages import Late, Row, Step
from fanfold.market.resample.conditions import ALWAYS, EFFECTS, FATES, NEVER, REGULAR, Effect

TRADES_REMEMBERED: Final = 65_536
"""Trades that are known, so that a repeated one does not count twice."""

CONDITIONS_KEPT: Final = 4_096
"""Different sets of sale conditions whose effect is remembered."""

_Key = tuple[int, int]
"""Instant and number of a trade."""


@lru_cache(CONDITIONS_KEPT)
def effect_of(conditions: tuple[str, ...]) -> Effect:
    """What sale conditions together allow in regular hours: the least of each."""
    known = [EFFECTS.get(code) or FATES.get(code, REGULAR) for code in conditions] or [REGULAR]
    return min(rank for rank, _ in known), min(sized for _, sized in known)


class _Bar:
    """A bar that is on. Open and close are those of trades of the highest rank."""

    __slots__ = ("close", "first", "high", "last", "low", "open", "rank", "volume")

    def __init__(self) -> None:
        self.rank = NEVER
        self.first: _Key = (0, 0)
        self.last: _Key = (0, 0)
        self.open = self.close = nan
        self.high, self.low = -inf, inf
        self.volume = 0.0

    def take(self, key: _Key, price: float, size: float, rank: int) -> None:
        self.volume += size
        if rank == NEVER:
            return
        self.high, self.low = max(self.high, price), min(self.low, price)
        if rank > self.rank:
            self.rank = rank
            self.first = self.last = key
            self.open = self.close = price
        elif rank == self.rank:
            if key < self.first:
                self.first, self.open = key, price
            if key >= self.last:
                self.last, self.close = key, price


class Ticks:
    """Trades or middles as they come, and the steps that they make.

    Args:
        hours: Of each asset.
        grace_ns: How long a step waits [ns of the venue's clock].
        since: End of the last step that was told before, 0 for none [ns UTC].

    Attributes:
        last: End of the last step [ns UTC].
        is_held: Whether steps wait for what is being fetched.
        counts: Trades that were told again, or lay outside sessions; steps left out
            because the stream was interrupted in them.
    """

    def __init__(self, hours: Sequence[Hours], grace_ns: int, since: int = 0) -> None:
        self._hours = tuple(hours)
        self._grace = grace_ns
        self._bars: dict[int, dict[int, _Bar]] = {}
        self._seen: set[tuple[int, int, int, float, float]] = set()
        self._order: deque[tuple[int, int, int, float, float]] = deque()
        self._whole_from = since
        self.last = since
        self.is_held = False
        self.counts = {"repeated": 0, "outside": 0, "broken": 0}

    def trade(  # noqa: PLR0917  (a trade; by keyword it would cost more than its work)
        self,
        asset: int,
        ts: int,
        price: float,
        size: float,
        number: int = -1,
        conditions: tuple[str, ...] = (),
    ) -> Late | None:
        """Take a trade; what it is where its step is over."""
        told = (asset, ts, number, price, size)
        if told in self._seen:
            self.counts["repeated"] += 1
            return None
        self._remember(told)
        bar = self._hours[asset].bar_of(ts + 1)
        if bar is None:
            self.counts["outside"] += 1
            return None
        rank, is_sized = effect_of(conditions)
        if bar[1] <= self.last:
            return Late(bar[1], Row(asset, price, price, price, price, size))
        self._of(bar[1], asset).take((ts, number), price, size if is_sized else 0.0, rank)
        return None

    def middle(self, asset: int, ts: int, price: float) -> None:
        """Take the middle of a quote; volume is unknown."""
        bar = self._hours[asset].bar_of(ts + 1)
        if bar is None:
            self.counts["outside"] += 1
        elif bar[1] > self.last:
            self._of(bar[1], asset).take((ts, 0), price, nan, ALWAYS)

    def restart(self) -> None:
        """Forget all since the last step: it is going to be told again."""
        self._bars.clear()
        self._seen.clear()
        self._order.clear()

    def broken(self, until: int) -> None:
        """Bars that begin before an instant lack something, and make no steps [ns UTC]."""
        self._whole_from = max(self._whole_from, until)

    def due(self, clock: int) -> list[Step]:
        """Steps that are made at an instant of the venue's clock [ns UTC]."""
        if not self._bars or self.is_held:
            return []
        made: list[Step] = []
        for end in sorted(self._bars):
            if clock < end + self._grace:
                break
            bars = self._bars.pop(end)
            self.last = end
            start = min(
                bar[0] for asset in bars if (bar := self._hours[asset].bar_of(end)) is not None
            )
            if start < self._whole_from:
                self.counts["broken"] += 1
                continue
            rows = tuple(
                Row(asset, bar.open, bar.high, bar.low, bar.close, bar.volume)
                for asset, bar in sorted(bars.items())
                if bar.rank > NEVER
            )
            if rows:
                made.append(Step(end, rows))
        return made

    def _of(self, end: int, asset: int) -> _Bar:
        bars = self._bars.setdefault(end, {})
        if asset not in bars:
            bars[asset] = _Bar()
        return bars[asset]

    def _remember(self, told: tuple[int, int, int, float, float]) -> None:
        self._seen.add(told)
        self._order.append(told)
        if len(self._order) > TRADES_REMEMBERED:
            self._seen.discard(self._order.popleft())
