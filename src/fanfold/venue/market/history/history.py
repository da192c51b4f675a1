"""The market's past as it can be asked for: nothing that the venue's clock has not reached.

A minute bar is there from the instant on at which it is streamed. A longer bar is made of the
minutes and days that are known, so the one that is going on shows what is known of it so far,
as the broker's does. Days are made when they are asked for, and a few are kept.
"""

from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Sequence, Sized
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import Final, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from fanfold.venue.market.history.adjustment import KINDS, UNADJUSTED, Factors, factors
from fanfold.venue.market.history.columns import (
    NONE,
    adjusted,
    bar_of,
    joined,
    longer,
    rows,
    visible,
)
from fanfold.venue.market.history.past import Minutes, Past
from fanfold.venue.market.history.timeframes import MINUTE, Timeframe, day_of, midnight, zone_of
from fanfold.venue.market.values import Asset, QuoteTick, TradeTick

MINUTES_MAX: Final = 200_000
"""Minutes that are kept, of all assets together [bars]."""

DAYS_MAX: Final = 20_000
"""Daily bars that are kept, of all assets together [bars]."""

TICKS_MAX: Final = 200_000
"""Trades that are kept, of all assets together, and as many quotes [ticks]."""

T = TypeVar("T", bound=Sized)
Event = TypeVar("Event", TradeTick, QuoteTick)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """What is asked for.

    Attributes:
        start: Earliest instant, included [ns UTC].
        end: Latest instant, included [ns UTC].
        now: The instant at which it is asked: what is known later is not there [ns UTC].
        newest_first: Whether what is latest comes first.
    """

    start: int
    end: int
    now: int
    newest_first: bool = False


class History:
    """The past of a market. Answers come in blocks, a day or a longer bar each."""

    def __init__(self, past: Past) -> None:
        self._past = past
        self._minutes: _Kept[Minutes] = _Kept(MINUTES_MAX)
        self._days: _Kept[Minutes] = _Kept(DAYS_MAX)
        self._trades: _Kept[Sequence[TradeTick]] = _Kept(TICKS_MAX)
        self._quotes: _Kept[Sequence[QuoteTick]] = _Kept(TICKS_MAX)

    def bars(
        self, asset: Asset, timeframe: Timeframe, span: Span, *, adjustment: str = "raw"
    ) -> Iterator[Minutes]:
        """Bars that begin within a span.

        Args:
            asset: Whose.
            timeframe: How long they are.
            span: When.
            adjustment: A key of `fanfold.venue.market.history.adjustment.KINDS`, or several
                joined by commas.

        Yields:
            Blocks of bars, in the span's order within and among each other; some are empty.
        """
        zone = zone_of(asset.calendar)
        kinds = frozenset[str]().union(*(KINDS[one] for one in adjustment.split(",")))
        factors_then = self._factors(asset, kinds, span.now)
        for days in self._grouped(asset, timeframe, span, zone):
            if timeframe.length_ns:
                block = self._within_day(asset, days[0], timeframe, span.now)
                block = adjusted(block, *factors_then.of(days[0]))
            else:
                parts = [
                    adjusted(self._day(asset, day, span.now), *factors_then.of(day)) for day in days
                ]
                block = joined([part for part in parts if len(part)])
                begin = midnight(timeframe.first_day(days[0]), zone)
                block = longer(block, np.full(len(block), begin, np.int64))
            yield _cut(block, span)

    def trades(self, asset: Asset, span: Span) -> Iterator[Sequence[TradeTick]]:
        """Trades within a span, in its order, a day in a block."""
        return self._events(asset, span, self._trades, self._past.trades)

    def quotes(self, asset: Asset, span: Span) -> Iterator[Sequence[QuoteTick]]:
        """Quotes within a span, in its order, a day in a block."""
        return self._events(asset, span, self._quotes, self._past.quotes)

    def _grouped(
        self, asset: Asset, timeframe: Timeframe, span: Span, zone: str
    ) -> Iterator[list[int]]:
        """Days with data that make up bars within a span: of each bar, or one by one."""
        first = timeframe.first_day(day_of(span.start, zone))
        latest = day_of(min(span.end, span.now), zone)
        last = min(timeframe.last_day(latest), day_of(span.now, zone))
        days = _between(self._past.days(asset.symbol), first, last)
        groups = (list(group) for _, group in groupby(days, timeframe.first_day))
        return reversed(list(groups)) if span.newest_first else groups

    def _within_day(self, asset: Asset, day: int, timeframe: Timeframe, now: int) -> Minutes:
        block = self._minutes_of(asset, day, now)
        if timeframe == MINUTE:
            return block
        begin, length = midnight(day, zone_of(asset.calendar)), timeframe.length_ns
        return longer(block, begin + (block.start - begin) // length * length)

    def _minutes_of(self, asset: Asset, day: int, now: int) -> Minutes:
        """A day's minutes, the latest as it was streamed: late trades are yet to change it."""
        key = (asset.symbol, day)
        block = visible(self._minutes.get(key, partial(self._past.minutes, *key)), now)
        tick = self._past.minute_bar(asset.symbol) if now == self._past.now else None
        if tick is None or not len(block) or block.start[-1] != tick.start:
            return block
        return joined([rows(block, slice(-1)), bar_of(tick)])

    def _day(self, asset: Asset, day: int, now: int) -> Minutes:
        """A day's bar, as far as it is known: one or none.

        Of the running day it is the one that was streamed last. What was so far at an
        earlier instant of it is reckoned from its minutes, all hours included.
        """
        key, zone = (asset.symbol, day), zone_of(asset.calendar)
        if midnight(day + 1, zone) <= now:
            return self._days.get(key, partial(self._past.daily, *key))
        begin = midnight(day, zone)
        if now == self._past.now:
            tick = self._past.day_bar(asset.symbol)
            return bar_of(tick) if tick is not None and tick.start == begin else NONE
        block = self._minutes_of(asset, day, now)
        return longer(block, np.full(len(block), begin, np.int64))

    def _factors(self, asset: Asset, kinds: frozenset[str], now: int) -> Factors:
        if not kinds:
            return UNADJUSTED

        def close_before(day: int) -> float | None:
            days = self._past.days(asset.symbol)
            place = int(np.searchsorted(days, day))
            if not place:
                return None
            found = self._day(asset, int(days[place - 1]), now)
            return float(found.close[0]) if len(found) else None

        return factors(
            self._past.actions(asset.symbol),
            kinds,
            today=day_of(now, zone_of(asset.calendar)),
            close_before=close_before,
        )

    def _events(
        self,
        asset: Asset,
        span: Span,
        kept: "_Kept[Sequence[Event]]",
        make: Callable[[str, int], Sequence[Event]],
    ) -> Iterator[Sequence[Event]]:
        zone = zone_of(asset.calendar)
        end = min(span.end, span.now)
        days = _between(self._past.days(asset.symbol), day_of(span.start, zone), day_of(end, zone))
        for day in reversed(days) if span.newest_first else days:
            key = (asset.symbol, day)
            made = kept.get(key, partial(make, *key))
            low = bisect_left(made, span.start, key=_ts_of)
            there = made[low : bisect_right(made, end, key=_ts_of)]
            yield there[::-1] if span.newest_first else there


class _Kept(Generic[T]):
    """What was asked for last, up to a number of points, and the last whatever its size."""

    def __init__(self, points_max: int) -> None:
        self._points_max = points_max
        self._points = 0
        self._held: OrderedDict[Hashable, T] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """What is kept under a key, made if it is not."""
        found = self._held.get(key)
        if found is not None:
            self._held.move_to_end(key)
            return found
        found = self._held[key] = make()
        self._points += _weight(found)
        while self._points > self._points_max and len(self._held) > 1:
            self._points -= _weight(self._held.popitem(last=False)[1])
        return found


def _weight(points: Sized) -> int:
    """Days without points need a little room too."""
    return max(len(points), 1)


def _ts_of(tick: TradeTick | QuoteTick) -> int:
    return tick.ts


def _between(days: NDArray[np.int64], first: int, last: int) -> list[int]:
    low, high = np.searchsorted(days, first), np.searchsorted(days, last, side="right")
    return days[low:high].tolist()


def _cut(bars: Minutes, span: Span) -> Minutes:
    there = (bars.start >= span.start) & (bars.start <= span.end)
    if not there.all():
        bars = rows(bars, there)
    return rows(bars, slice(None, None, -1)) if span.newest_first else bars
