"""Indicators on a larger timeframe, moved by its completed bars only.

Which larger bar a bar belongs to follows from its own clock and the calendar, never
from a bar that comes later. A larger bar is complete at the bar whose end reaches its
end; where that one is missing, at the first bar after it. Bars after a session's (a
week's) close belong to the next session's (week's) bar.
"""

import math
import re
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.panel import CLOSE, FIELDS, HIGH, LOW, OPEN, VOLUME
from fanfold.domain.timeframe import SESSION, WEEK, marks, places, timeframe_ns
from fanfold.errors import ConfigError
from fanfold.strategies.indicators.context import Context
from fanfold.strategies.indicators.shape import Indicator


@dataclass(frozen=True, slots=True)
class On(Indicator):
    """Another indicator on a larger timeframe of the asset's own bars.

    The indicator takes completed bars of the timeframe only: first open, highest high,
    lowest low, last close and summed volume of the asset's bars in it. Between them its
    values stand. Needs a context.

    A larger bar completes by the clock of all bars, for an asset without a bar at that
    moment too. Of two assets, the other's value is from the same larger bar.

    Attributes:
        timeframe: "1D" (the session), "1W" (the ISO week of the session's date), or
            seconds, minutes or hours of the UTC clock that divide a day, such as "15min"
            or "1h"; those are cut at the session's close.
        indicator: What to compute on it; not another `On`.
    """

    timeframe: str
    indicator: Indicator

    def __post_init__(self) -> None:
        length_of(self.timeframe)
        if not isinstance(self.indicator, Indicator):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ConfigError(f"On takes an indicator, such as SMA(200), was {self.indicator!r}")
        if isinstance(self.indicator, On):
            raise ConfigError(f"On takes no other On, was {self.indicator!r}")

    @property
    def output_count(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        """As many as the indicator has: one class has one count, only here it varies."""
        return self.indicator.output_count

    @property
    def warm_up(self) -> int:
        """A lower bound: how many bars make a larger one depends on them [bars].

        `warm_up_on` gives the true one.
        """
        return self.indicator.warm_up

    def start(self) -> NDArray[np.float64]:
        """That of the indicator; the unfinished larger bar is kept beside it."""
        return self.indicator.start()


@dataclass(frozen=True, slots=True, eq=False)
class Buckets:
    """How bars make up larger ones; shapes [bar].

    Attributes:
        place: Which larger bar a bar is in, counted from 0.
        done: Larger bars that are complete at the bar's end.
    """

    place: NDArray[np.int64]
    done: NDArray[np.int64]


def warm_up_on(indicator: Indicator, context: Context) -> int:
    """Bars until an indicator's first value over these bars, that bar included [bars].

    The count on a larger timeframe depends on the bars; more than there are, if they
    do not suffice.

    Raises:
        ConfigError: A timeframe divides the session, and the bars are whole sessions.
    """
    if not isinstance(indicator, On):
        return indicator.warm_up
    if length_of(indicator.timeframe) and (context.minutes_to_close == 0.0).all():
        raise ConfigError(
            f"{indicator!r} needs bars that divide a session, each of these is a whole one"
        )
    done = buckets_of(indicator.timeframe, context).done
    needed = indicator.indicator.warm_up
    if len(done) and done[-1] >= needed:
        return int(np.searchsorted(done, needed)) + 1
    missing = needed - int(done[-1]) if len(done) else needed
    return max(len(done) + missing, indicator.warm_up)


def buckets_of(timeframe: str, context: Context) -> Buckets:
    """How a context's bars make up those of a timeframe, worked out once."""
    found = context.made.get(timeframe)
    if found is None:
        found = context.made[timeframe] = _buckets(timeframe, context)
    return found


def regrouped(
    timeframe: str, panel: NDArray[np.float64], context: Context
) -> tuple[NDArray[np.float64], Context]:
    """A panel and its context on a larger timeframe, the last bar maybe incomplete.

    Args:
        timeframe: Which.
        panel: Prices, shape [field, bar, asset].
        context: Of the panel.
    """
    place = buckets_of(timeframe, context).place
    last = np.flatnonzero(np.append(place[1:] != place[:-1], True)) if len(place) else place
    larger_context = replace(
        context,
        ts=context.ts[last],
        session_day=context.session_day[last],
        minutes_to_close=context.minutes_to_close[last],
        extra={name: values[last] for name, values in context.extra.items()},
        made={},
    )
    return _larger_bars(panel, place, len(last)), larger_context


@lru_cache(maxsize=64)
def length_of(timeframe: str) -> int:
    """Length of an intraday timeframe [ns]; 0 for a session or a week.

    Spelt in one way only, as the name of a feature is made of it.

    Raises:
        ConfigError: It is no timeframe.
    """
    if timeframe in (SESSION, WEEK):
        return 0
    if type(timeframe) is str and re.fullmatch(r"[1-9]\d{0,3}(s|min|h)", timeframe):  # pyright: ignore[reportUnnecessaryComparison]
        return timeframe_ns(timeframe)
    raise ConfigError(
        "a timeframe must be 1D, 1W, or seconds, minutes or hours that divide a day, such as "
        f"15min or 1h, was {timeframe!r}"
    )


def _buckets(timeframe: str, context: Context) -> Buckets:
    count = len(context.ts)
    if not count:
        return Buckets(np.empty(0, np.int64), np.empty(0, np.int64))
    key, complete, late = marks(
        timeframe, context.ts, context.session_day, context.minutes_to_close, context.calendar
    )
    place = places(key, complete, late)
    return Buckets(place, place + np.asarray(complete, np.int64))


def _larger_bars(
    panel: NDArray[np.float64], place: NDArray[np.int64], count: int
) -> NDArray[np.float64]:
    assets = panel.shape[2]
    bar, asset = np.nonzero(~np.isnan(panel[CLOSE]) & (panel[VOLUME] != 0.0))
    at = place[bar] * assets + asset
    own = panel[:, bar, asset]
    larger = np.full((len(FIELDS), count * assets), math.nan)
    larger[OPEN, at[::-1]] = own[OPEN, ::-1]  # of equal places the last assigned stays
    larger[CLOSE, at] = own[CLOSE]
    for field, beginning in ((HIGH, -math.inf), (LOW, math.inf), (VOLUME, 0.0)):
        larger[field, at] = beginning
    # One after the other in the order of the bars, as a stream adds them up.
    np.maximum.at(larger[HIGH], at, own[HIGH])
    np.minimum.at(larger[LOW], at, own[LOW])
    np.add.at(larger[VOLUME], at, own[VOLUME])
    return larger.reshape(len(FIELDS), count, assets)
