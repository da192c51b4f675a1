"""Sums of many series at once, one series a lane: the loops behind wide inputs.

A bar of all series is read once and added to everything that is asked for, so the
returns pass through the processor and no array of their size is made. Within a series
the bars are added in order, as NumPy adds the rows of a C-ordered array.
"""

from typing import Any, Final

from fanfold.domain.compiled import compiled, compiled_as
from fanfold.domain.panel import read_only
from fanfold.measures.series import RETURN_ROUNDING

TOTAL: Final = 0
LOWEST: Final = 1
GAINS: Final = 2
SHORTFALLS: Final = 3
SHORTFALL_SQUARES: Final = 4
EQUITY: Final = 5
OF_PEAK: Final = 6
OF_PEAK_LOWEST: Final = 7
SQUARES: Final = 8
CUBES: Final = 9
FOURTHS: Final = 10
ROW_COUNT: Final = 11
"""Rows of `sums`: `SQUARES` is of deviations from the mean, the last two are of scores."""

TURNED_TOGETHER: Final = 8
"""Bars of a series that fill a line of the processor's cache [bars]."""


def _type_of_add_up() -> Any:
    from numba import float64, int64, types

    return types.void(read_only("float64", 2), int64, int64, int64, float64[:, ::1])


def _type_of_add_powers() -> Any:
    from numba import float64, int64, types

    own = read_only("float64", 1)
    return types.void(read_only("float64", 2), int64, int64, own, own, float64[:, ::1])


def _type_of_collect() -> Any:
    from numba import float64, int64, types

    return types.void(
        read_only("float64", 2), int64, float64, read_only("float64", 1),
        int64[::1], float64[:, ::1],
    )  # fmt: skip


def _type_of_add_collected() -> Any:
    from numba import float64, int64, types

    counts = int64[::1]
    return types.void(
        read_only("float64", 2), counts, read_only("float64", 1), float64[::1], counts
    )


def _type_of_turn() -> Any:
    from numba import float64, int64, types

    return types.void(read_only("float64", 2), int64, float64[:, ::1])


@compiled
def add_falls(row: Any, gains: Any, shortfalls: Any, squares: Any) -> None:
    """Add one bar to what is above zero and to what is below it but for rounding."""
    for lane in range(len(row)):
        gap = -row[lane] if row[lane] < -RETURN_ROUNDING else 0.0
        shortfalls[lane] += gap
        squares[lane] += gap * gap
    for lane in range(len(row)):
        gains[lane] += max(row[lane], 0.0)


@compiled
def grow(row: Any, lowest: Any, equity: Any, of_peak: Any, of_peak_lowest: Any) -> None:
    """Compound one bar; equity as a part of its peak needs neither the peak nor a division."""
    for lane in range(len(row)):
        lowest[lane] = min(lowest[lane], row[lane])
        equity[lane] *= 1.0 + row[lane]
    for lane in range(len(row)):
        part = min(of_peak[lane] * (1.0 + row[lane]), 1.0)
        of_peak[lane] = part
        of_peak_lowest[lane] = min(of_peak_lowest[lane], part)


@compiled_as(_type_of_add_up)
def add_up(returns: Any, first: int, with_falls: int, with_growth: int, sums: Any) -> None:
    """Add `[bar, series]` to `sums`, `[row, lane]`; lane 0 is the series `first`."""
    last = first + sums.shape[1]
    total = sums[TOTAL]
    for bar in range(len(returns)):
        row = returns[bar, first:last]
        for lane in range(len(row)):
            total[lane] += row[lane]
        if with_falls == 1:
            add_falls(row, sums[GAINS], sums[SHORTFALLS], sums[SHORTFALL_SQUARES])
        if with_growth == 1:
            grow(row, sums[LOWEST], sums[EQUITY], sums[OF_PEAK], sums[OF_PEAK_LOWEST])


@compiled_as(_type_of_add_powers)
def add_powers(  # noqa: PLR0917
    returns: Any, first: int, of_scores: int, mean: Any, scale: Any, sums: Any
) -> None:
    """Add squares of deviations, or third and fourth powers of deviations × `scale`."""
    last = first + len(mean)
    squares = sums[SQUARES]
    cubes = sums[CUBES]
    fourths = sums[FOURTHS]
    for bar in range(len(returns)):
        row = returns[bar, first:last]
        if of_scores == 0:
            for lane in range(len(row)):
                deviation = row[lane] - mean[lane]
                squares[lane] += deviation * deviation
        else:
            for lane in range(len(row)):
                score = (row[lane] - mean[lane]) * scale[lane]
                cubes[lane] += score * score * score
            for lane in range(len(row)):
                score = (row[lane] - mean[lane]) * scale[lane]
                fourths[lane] += (score * score) * (score * score)


@compiled_as(_type_of_collect)
def collect(  # noqa: PLR0917
    returns: Any, first: int, sign: float, limits: Any, counts: Any, collected: Any
) -> None:
    """Copy what times `sign` is at most its limit into `[lane, place]`; count beyond its room."""
    last = first + len(limits)
    room = collected.shape[1]
    for bar in range(len(returns)):
        row = returns[bar, first:last]
        for lane in range(len(row)):
            value = sign * row[lane]
            if value <= limits[lane]:
                place = counts[lane]
                if place < room:
                    collected[lane, place] = value
                counts[lane] = place + 1


@compiled_as(_type_of_add_collected)
def add_collected(collected: Any, counts: Any, limits: Any, totals: Any, numbers: Any) -> None:
    """Add what of each lane is at most its limit, in the order of bars, and count it."""
    for lane in range(len(limits)):
        own = collected[lane]
        limit = limits[lane]
        total = 0.0
        number = 0
        for place in range(min(counts[lane], len(own))):
            if own[place] <= limit:
                total += own[place]
                number += 1
        totals[lane] = total
        numbers[lane] = number


@compiled_as(_type_of_turn)
def turn(source: Any, first: int, target: Any) -> None:
    """Copy `[series, bar]`, from the bar `first`, to `[bar, series]`."""
    for start in range(0, len(target), TURNED_TOGETHER):
        stop = min(start + TURNED_TOGETHER, len(target))
        for lane in range(target.shape[1]):
            own = source[lane]
            for bar in range(start, stop):
                target[bar, lane] = own[first + bar]
