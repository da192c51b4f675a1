"""Student-t numbers from normals: a normal times a random factor that widens it.

A t is z·√(degrees / W) with a standard normal z and an independent chi-square W. The factor
is a smooth function of one more normal g, made once as a table, so a path model that needs
fat tails takes normals only, and a bar costs one look-up.
"""

import math
from importlib import import_module
from typing import Any

import numpy as np

from fanfold.domain.compiled import compiled
from fanfold.errors import ConfigError
from fanfold.simulation.history import Floats

DEGREES_MIN = 2.05
"""At 2 degrees of freedom the variance is infinite [1]."""

DEGREES_MAX = 10_000.0
"""Beyond, a t cannot be told from a normal [1]."""

MIX_REACH = 8.6
"""The normal is clamped to ± this: one of 10¹⁷ lies beyond [standard deviations]."""

MIX_CELLS_PER_UNIT = 120
"""Cells of the table in one standard deviation; the relative error stays below 10⁻⁸."""


def as_degrees(degrees: float) -> float:
    """Check the degrees of freedom of a t.

    Raises:
        ConfigError: Outside `DEGREES_MIN` to `DEGREES_MAX`, or no number.
    """
    try:
        number = float(degrees)
    except (TypeError, ValueError):
        raise ConfigError(f"degrees must be a number, was {degrees!r}") from None
    if not DEGREES_MIN <= number <= DEGREES_MAX:
        raise ConfigError(f"degrees must be {DEGREES_MIN:g} to {DEGREES_MAX:g}, was {degrees}")
    return number


def unit_scale(degrees: float) -> float:
    """√((degrees − 2) / degrees): times this, a t with `degrees` of freedom has the variance 1."""
    return math.sqrt((degrees - 2.0) / degrees)


def mixing_table(degrees: float) -> Floats:
    """The factor √(degrees / W) as a function of a standard normal, for `mix`.

    W falls with Φ(g) from chi-square's lower tail, so g far below 0 gives the large factors.

    Args:
        degrees: Degrees of freedom of the t [1].

    Returns:
        `[cell, 4]`: a cubic in each cell, the constant first, that meets values and slopes at
        both ends.

    Raises:
        ConfigError: `degrees` is outside `DEGREES_MIN` to `DEGREES_MAX`.
    """
    degrees = as_degrees(degrees)
    cells = round(2.0 * MIX_REACH * MIX_CELLS_PER_UNIT)
    value, slope = _factor(np.linspace(-MIX_REACH, MIX_REACH, cells + 1), degrees)
    step = slope / MIX_CELLS_PER_UNIT
    rise = np.diff(value)
    table = np.empty((cells, 4))
    table[:, 0] = value[:-1]
    table[:, 1] = step[:-1]
    table[:, 2] = 3.0 * rise - 2.0 * step[:-1] - step[1:]
    table[:, 3] = step[:-1] + step[1:] - 2.0 * rise
    return table


@compiled
def mix(table: Any, normal: Any, factor: Any) -> None:
    """Write the factor of each lane: `factor[lane]` from `normal[lane]` by `mixing_table`'s table.

    Multiplied with another, independent normal it is a t; with `unit_scale` too, one of
    variance 1.
    """
    top = float(len(table))
    for lane in range(len(factor)):
        place = (normal[lane] + MIX_REACH) * MIX_CELLS_PER_UNIT
        place = max(0.0, place)
        place = min(top, place)
        cell = int(place)
        cell = min(cell, len(table) - 1)
        inside = place - cell
        factor[lane] = table[cell, 0] + inside * (
            table[cell, 1] + inside * (table[cell, 2] + inside * table[cell, 3])
        )


def _factor(normal: Floats, degrees: float) -> tuple[Floats, Floats]:
    """√(degrees / W) and its slope; each tail by the function that is accurate there."""
    special: Any = import_module("scipy.special")
    half = 0.5 * degrees
    low = normal < 0.0
    gamma = np.empty_like(normal)
    gamma[low] = special.gammaincinv(half, special.ndtr(normal[low]))
    gamma[~low] = special.gammainccinv(half, special.ndtr(-normal[~low]))
    # The slope of W / 2 is the normal's density over that of half a chi-square, a gamma.
    normal_log_density = -0.5 * (normal * normal + math.log(2.0 * math.pi))
    gamma_log_density = (half - 1.0) * np.log(gamma) - gamma - math.lgamma(half)
    value = np.sqrt(half / gamma)
    return value, -0.5 * value / gamma * np.exp(normal_log_density - gamma_log_density)
