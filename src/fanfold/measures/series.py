"""What goes into a measure and what may come out of it.

Every measure takes its arrays through `as_series` and its numbers through
`as_number`, so all of them refuse the same input with the same words, and forms
its quotients with `ratio`, so all of them are undefined in the same cases.
"""

import math
import textwrap
from numbers import Real
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fanfold.errors import ConfigError, DataError

Floats: TypeAlias = NDArray[np.float64]
Values: TypeAlias = float | Floats
"""One value of a 1-D input, one per series of a 2-D input."""

DEVIATION_RETURNS_MIN = 2
"""Fewer returns have no sample deviation."""

RETURN_ROUNDING = 1e-14
"""What differs by less is equal [1 per bar].

A return computed from equity carries the rounding of a quotient near 1. Without
this bound a curve that grows evenly would have a Sharpe ratio of 1e14.
"""


MESSAGE_LETTERS_MAX = 60


def as_series(values: ArrayLike, name: str, *, axes: int = 2, may_be_empty: bool = False) -> Floats:
    """Check an array of finite numbers; missing values are for the caller to settle.

    Args:
        values: `[bar]` or `[bar, series]`, anything NumPy takes.
        name: What the caller calls it, for the message.
        axes: Largest number of axes allowed.
        may_be_empty: Whether no values at all are allowed.

    Returns:
        The same values as float64, copied only where needed.

    Raises:
        DataError: Something else than finite numbers, no values, or too many axes.
    """
    given: Any = values
    try:
        raw = np.asarray(values)
        array = raw.astype(np.float64, copy=False) if raw.dtype.kind in "biufO" else None
        if array is not None and np.ma.isMaskedArray(given):
            # What is masked is missing, and its number says nothing.
            array = np.where(given.mask, np.nan, array)
    except (TypeError, ValueError):
        array = None
    if array is None:
        raise DataError(f"{name} must be an array of numbers, was {_short(given)}")
    if not 1 <= array.ndim <= axes:
        wanted = "[bar]" if axes == 1 else "[bar] or [bar, series]"
        raise DataError(f"{name} must be {wanted}, had the shape {array.shape}")
    if array.size == 0 and not may_be_empty:
        raise DataError(f"{name} must hold at least one value, had the shape {array.shape}")
    if not _sums_up(array) and not np.isfinite(array).all():
        place = tuple(np.argwhere(~np.isfinite(array))[0].tolist())
        where = place[0] if len(place) == 1 else place
        raise DataError(f"{name} must be finite numbers, was {array[place]} at {where}")
    return array


def as_number(value: object, name: str) -> float:
    """Check one finite number.

    Args:
        value: Any real number.
        name: What the caller calls it, for the message.

    Raises:
        ConfigError: Not a number, NaN or infinite.
    """
    number = float(value) if isinstance(value, Real) else math.nan
    if not math.isfinite(number):
        raise ConfigError(f"{name} must be a finite number, was {_short(value)}")
    return number


def as_count(value: object, name: str, *, least: int) -> int:
    """Check a whole number.

    Args:
        value: Any real number.
        name: What the caller calls it, for the message.
        least: Smallest value allowed.

    Raises:
        ConfigError: Not a whole number, or below `least`.
    """
    number = as_number(value, name)
    if number != math.floor(number) or number < least:
        raise ConfigError(f"{name} must be a whole number >= {least}, was {value}")
    return int(number)


def as_level(level: float) -> float:
    """Check a confidence level.

    Args:
        level: Share of cases covered, such as 0.95 [1].

    Raises:
        ConfigError: Not between 0 and 1, the ends excluded.
    """
    number = as_number(level, "level")
    if not 0.0 < number < 1.0:
        raise ConfigError(f"level must be between 0 and 1, was {level}")
    return number


def as_periods(periods_per_year: float | None) -> float:
    """Check a number of periods a year; None stands for "per period" and gives 1.

    Args:
        periods_per_year: Returns a year [1/year], or None.

    Raises:
        ConfigError: Not above 0.
    """
    if periods_per_year is None:
        return 1.0
    number = as_number(periods_per_year, "periods_per_year")
    if number <= 0.0:
        raise ConfigError(f"periods_per_year must be > 0, was {periods_per_year}")
    return number


def excess(returns: Floats, reference: ArrayLike, name: str) -> Floats:
    """Returns above a reference: one rate for all bars, or one a bar.

    Args:
        returns: `[bar]` or `[bar, series]`, checked [1 per bar].
        reference: One number or `[bar]` [1 per bar].
        name: What the caller calls the reference, for the message.

    Raises:
        ConfigError: One number that is not finite.
        DataError: An array that is not as long as the returns.
    """
    if isinstance(reference, Real):
        rate = as_number(reference, name)
        return returns if rate == 0.0 else returns - rate
    rates = as_series(reference, name, axes=1)
    if len(rates) != len(returns):
        raise DataError(
            f"{name} must be as long as the returns, {len(returns)} bars, was {len(rates)}"
        )
    return returns - (rates if returns.ndim == 1 else rates[:, np.newaxis])


def ratio(
    numerator: ArrayLike, denominator: ArrayLike, *, rounding: float = RETURN_ROUNDING
) -> Values:
    """A quotient that is NaN where its denominator is zero but for rounding.

    Args:
        numerator: One value, or one a series.
        denominator: The same shape, not negative.
        rounding: Largest denominator that counts as zero, in its unit.
    """
    above = np.asarray(numerator, dtype=np.float64)
    below = np.asarray(denominator, dtype=np.float64)
    undefined = below <= rounding
    return as_values(np.where(undefined, np.nan, above / np.where(undefined, 1.0, below)))


def as_values(values: ArrayLike) -> Values:
    """A float for one value, an array for several.

    Args:
        values: A NumPy scalar or array.
    """
    array = np.asarray(values, dtype=np.float64)
    return float(array) if array.ndim == 0 else array


def _sums_up(array: Floats) -> bool:
    # One pass that keeps nothing: a finite sum has finite terms only.
    with np.errstate(over="ignore", invalid="ignore"):
        return math.isfinite(float(np.sum(array)))


def _short(value: object) -> str:
    return textwrap.shorten(repr(value), MESSAGE_LETTERS_MAX)
