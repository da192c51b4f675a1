"""A panel of bars as one of longer bars, with all that stands beside the prices.

Membership, extra columns and the benchmark are what was known at a longer bar's end.
Splits and dividends happen before a bar's open, so prices before a split within a longer
bar are put in units after it, which is how a strategy sees them anyway. `Bars.raw`, the
prices as traded beside adjusted ones, stays as traded.
"""

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.adjustment import NEVER
from fanfold.domain.bars import Bars
from fanfold.domain.layout import EXTRA, NEUTRAL, speaking
from fanfold.domain.panel import CLOSE, VOLUME
from fanfold.domain.sessions import session_columns
from fanfold.errors import DataError
from fanfold.market.resample.buckets import Clock, Rule, buckets
from fanfold.market.resample.merge import merged_bars, merged_rows, sums

TRADE_COUNT: Final = "trade_count"
"""Extra column of the trades in each bar: added up."""

VWAP: Final = "vwap"
"""Extra column of the mean price of each bar by volume: averaged by volume."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Cut:
    """Bars that count for the assets of a calendar, and the longer ones they make up.

    Attributes:
        rows: Bars that count, in order; shape [row].
        place: Which longer bar each is in; beyond `end` for one that is left out.
        end: When each longer bar ends [ns UTC].
    """

    rows: NDArray[np.int64]
    place: NDArray[np.int64]
    end: NDArray[np.int64]

    @property
    def last(self) -> NDArray[np.int64]:
        """The last bar of each longer one; shape [longer bar]."""
        return self.rows[np.searchsorted(self.place, np.arange(len(self.end)), side="right") - 1]

    def meeting(self, bar: NDArray[np.int64]) -> NDArray[np.int64]:
        """Longer bar in which what happens at a bar meets prices, which may be none."""
        at = np.searchsorted(self.rows, bar)
        return np.append(self.place, len(self.end))[at]


def resampled_bars(bars: Bars, rule: Rule, *, partial: bool) -> Bars:
    """Longer bars of a panel, each asset's cut by its own calendar.

    Args:
        bars: The panel.
        rule: How to cut.
        partial: Whether to keep bars that are not over at the panel's last end.

    Raises:
        DataError: No longer bar is over, or none holds bars that count.
    """
    cuts = {name: _cut(bars, name, rule, partial=partial) for name in dict.fromkeys(bars.calendars)}
    ts = np.unique(np.concatenate([cut.end for cut in cuts.values()]))
    if not len(ts):
        raise DataError(
            f"bars must fill one of {rule.timeframe} in {rule.hours} hours, {bars!r} fill none; "
            "partial=True keeps what is not over"
        )
    made = _unfilled(bars, ts)
    for asset, name in enumerate(bars.calendars):
        cut = cuts[name]
        _fill(made, bars, asset, cut, np.searchsorted(ts, cut.end))
    sessions = session_columns(ts, bars.calendar)
    extra = {name: made.pop(EXTRA + name) for name in bars.extra}
    return replace(
        bars,
        ts=ts,
        session_day=sessions.session_day,
        minutes_to_close=sessions.minutes_to_close,
        is_month_end=sessions.is_month_end,
        delisted_day=_delisted(bars, made["panel"], sessions.session_day),
        extra=extra,
        **made,
    )


def _cut(bars: Bars, calendar: str, rule: Rule, *, partial: bool) -> _Cut:
    clock = Clock.of(bars.ts, calendar)
    counts = clock.regular if rule.hours == "regular" else np.ones(bars.bar_count, np.bool_)
    if set(bars.calendars) != {calendar}:
        # What others do at other hours makes no bars here.
        own = [one == calendar for one in bars.calendars]
        counts &= speaking(bars)[:, own].any(axis=1)
    rows = np.flatnonzero(counts)
    if not len(rows):
        return _Cut(rows=rows, place=rows, end=rows)
    found = buckets(clock[counts], rule)
    over = len(found.end)
    if not partial:
        over = int((found.end <= bars.ts[-1]).sum())
    return _Cut(rows=rows, place=found.place, end=found.end[:over])


def _unfilled(bars: Bars, ts: NDArray[np.int64]) -> dict[str, Any]:
    """Columns of the longer bars: none yet, or what was known at each end."""
    known = np.searchsorted(bars.ts, ts, side="right") - 1
    shape = len(ts), bars.asset_count
    made: dict[str, Any] = {}
    for name in ("panel", "raw"):
        if getattr(bars, name) is not None:
            made[name] = np.full((len(bars.panel), *shape), np.nan)
    for name in ("splits", "dividends"):
        if getattr(bars, name) is not None:
            made[name] = np.full(shape, NEUTRAL[name])
    for name in ("members", "benchmark"):
        if getattr(bars, name) is not None:
            made[name] = getattr(bars, name)[known]
    return made | {EXTRA + name: values[known] for name, values in bars.extra.items()}


def _fill(made: dict[str, Any], bars: Bars, asset: int, cut: _Cut, to: NDArray[np.int64]) -> None:
    """Fill in one asset, `to` the rows of its longer bars."""
    count = len(to)
    kept = cut.rows[: np.searchsorted(cut.place, count)]
    fields = _rows(bars.panel, asset, kept)
    own = merged_rows(fields, cut.place[: len(kept)], count)
    rows, place = kept[own], cut.place[own]
    if len(own) < len(kept):
        fields = fields[:, own]
    unit: Any = 1.0
    if bars.splits is not None and (bars.splits[:, asset] != NEUTRAL["splits"]).any():
        forward = bars.forward[:, asset]
        unit = forward[rows] / forward[cut.last][place]
        fields *= unit
        fields[VOLUME] /= unit * unit  # more units after a split, at a lower price
    made["panel"][:, to, asset] = merged_bars(fields, place, count)
    if bars.raw is not None:
        made["raw"][:, to, asset] = merged_bars(_rows(bars.raw, asset, rows), place, count)
    if TRADE_COUNT in bars.extra:
        total = sums(bars.extra[TRADE_COUNT][rows, asset], place, count)
        some = np.unique(place)
        made[EXTRA + TRADE_COUNT][to[some], asset] = total[some]
    if VWAP in bars.extra:
        weight = fields[VOLUME]
        worth = sums(bars.extra[VWAP][rows, asset] * unit * weight, place, count)
        total = sums(weight, place, count)
        some = np.flatnonzero(total > 0)
        made[EXTRA + VWAP][to[some], asset] = worth[some] / total[some]
    _book(made, bars, asset, cut, to)


def _rows(panel: NDArray[np.float64], asset: int, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """Bars of one asset; a copy of its own, as its prices lie apart in the panel."""
    own = panel[:, :, asset].copy()
    return own if len(rows) == own.shape[1] else own[:, rows]


def _book(made: dict[str, Any], bars: Bars, asset: int, cut: _Cut, to: NDArray[np.int64]) -> None:
    """Splits and dividends on the longer bars whose prices they meet first."""
    for name, gathered in (("splits", np.multiply), ("dividends", np.add)):
        actions = getattr(bars, name)
        if actions is None:
            continue
        bar = np.flatnonzero(actions[:, asset] != NEUTRAL[name])
        place = cut.meeting(bar)
        bar, place = bar[place < len(to)], place[place < len(to)]
        values = actions[bar, asset]
        if name == "dividends":
            forward = bars.forward[:, asset]
            values = values * (forward[bar] / forward[cut.last][place])
        gathered.at(made[name][:, asset], to[place], values)


def _delisted(
    bars: Bars, panel: NDArray[np.float64], session_day: NDArray[np.int64]
) -> NDArray[np.int64] | None:
    """Days of delisting, moved behind the longer bar that holds the last price."""
    if bars.delisted_day is None:
        return None
    there = ~np.isnan(panel[CLOSE])
    last = len(there) - 1 - np.argmax(there[::-1], axis=0)
    after = np.where(there.any(axis=0), session_day[last] + 1, 0)
    return np.where(bars.delisted_day == NEVER, NEVER, np.maximum(bars.delisted_day, after))
