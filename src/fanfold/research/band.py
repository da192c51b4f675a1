"""A band that a whole path stays in: where live results are no longer those of the test.

A band that holds at each bar alone is left by far more paths than it says, since a path has
many bars to leave it at. This one counts whole paths.
"""

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from fanfold.errors import ConfigError

ROUNDING: float = 1e-9
"""How far beyond its bounds a value may be by rounding alone [share]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """What equity may become over some bars, as multiples of where it starts.

    Attributes:
        bars: Bars after the start at which it is known, rising, the last is the horizon
            [bars].
        median: Of the paths, `[point]` [1 at the start].
        lower, upper: A path keeps within both at all `bars` with probability `level`
            [1 at the start].
        level: Share of paths that never leave it [1].
    """

    bars: tuple[int, ...]
    median: tuple[float, ...]
    lower: tuple[float, ...]
    upper: tuple[float, ...]
    level: float

    def __post_init__(self) -> None:
        """Refuse what is no band."""
        lengths = {len(each) for each in (self.bars, self.median, self.lower, self.upper)}
        if len(lengths) != 1 or not self.bars:
            raise ConfigError(f"a band must have as many of all its points, had {sorted(lengths)}")
        if self.bars[0] < 1 or any(
            one >= other for one, other in zip(self.bars, self.bars[1:], strict=False)
        ):
            raise ConfigError("the bars of a band must rise from 1 on, did not")
        if not 0.0 < self.level < 1.0:
            raise ConfigError(f"level must be between 0 and 1, was {self.level}")

    @property
    def horizon(self) -> int:
        """Bars after the start up to which it is known [bars]."""
        return self.bars[-1]


def bounds_at(band: Band, bar: int) -> tuple[float, float]:
    """Lower and upper bound so many bars after the start [1 at the start].

    Between two known points they are the wider of both.

    Args:
        band: Of the version.
        bar: Bars after the start, 1 to the horizon.

    Raises:
        ConfigError: It is beyond the horizon, or not after the start.
    """
    if not 1 <= bar <= band.horizon:
        raise ConfigError(f"bar must be 1 to {band.horizon}, the band's horizon, was {bar}")
    place = bisect_left(band.bars, bar)
    if band.bars[place] == bar or place == 0:
        return band.lower[place], band.upper[place]
    return (
        min(band.lower[place - 1], band.lower[place]),
        max(band.upper[place - 1], band.upper[place]),
    )


def is_outside(band: Band, bar: int, factor: float) -> bool:
    """Whether equity, as a multiple of its start, is out of the band at a bar.

    What is no number is outside: it is nothing that was tested.
    """
    lower, upper = bounds_at(band, bar)
    return not lower * (1.0 - ROUNDING) <= factor <= upper * (1.0 + ROUNDING)


def left_band(equity: Sequence[float], band: Band) -> int | None:
    """The first bar at which equity is out of the band; None if it never is.

    Args:
        equity: At the start, then at the end of each bar after it [currency]; what lies
            beyond the horizon is not looked at.
        band: Of the version.

    Raises:
        ConfigError: Equity at the start is not positive.
    """
    start = equity[0] if equity else math.nan
    if not (start > 0.0 and math.isfinite(start)):
        raise ConfigError(f"equity must be positive where a band starts, was {start}")
    last = min(len(equity) - 1, band.horizon)
    return next(
        (bar for bar in range(1, last + 1) if is_outside(band, bar, equity[bar] / start)), None
    )
