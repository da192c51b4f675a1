"""A path-wise simultaneous band, from the returns that a version earned out of sample."""

from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fanfold.errors import ConfigError, DataError
from fanfold.measures.series import Floats, as_count, as_level, as_series
from fanfold.research.band import Band
from fanfold.simulation.bootstrap import BlockBootstrap

PATHS: Final = 5_000
"""Paths that a band is made of."""

PATHS_MAX: Final = 100_000
"""Most that can be asked for."""

POINTS_MAX: Final = 400
"""Points of a band; with more bars not every one is a point."""

BARS_MAX: Final = 100_000
"""Longest horizon [bars]."""

DRAWN_MAX: Final = 2_000_000
"""Returns that are drawn at a time."""

_RETURN_MIN: Final = -1.0 + 1e-9
"""Below it nothing is left that a path could go on from [1]."""

_DRIFTS: Final = 0x6472_6966
"""Sets the draw of drifts apart from others of the same seed."""


def simultaneous_band(
    returns: ArrayLike,
    *,
    bar_count: int,
    level: float = 0.95,
    path_count: int = PATHS,
    block_bars: float | None = None,
    seed: int = 0,
) -> Band:
    """The band that a share of `level` of all paths keeps to at every one of its points.

    Paths are blocks of the returns, drawn by the stationary bootstrap. The mean of the
    returns is known only as well as so many of them tell, so each path drifts by a draw of
    that mean's error; without it the band would be left too often by paths that come after
    a short history. At each point as many of the outermost paths lie beyond the bounds, on
    either side, and that number is the largest with which enough whole paths are inside.

    Args:
        returns: Out of sample, oldest first, `[bar]` [1 per bar].
        bar_count: Bars ahead [bars].
        level: Share of paths that never leave it [1].
        path_count: Paths that it is made of.
        block_bars: Mean length of a block; chosen from the returns unless stated [bars].
        seed: Equal seeds give equal bands.

    Raises:
        ConfigError: A number is not what it must be.
        DataError: The returns are too few, not finite, at or below -1, or all the same.

    Source: Montiel Olea & Plagborg-Møller (2019), Simultaneous confidence bands: Theory,
        implementation, and an application to SVARs, Journal of Applied Econometrics 34(1),
        calibrated quantiles; Politis & Romano (1994), The Stationary Bootstrap, JASA 89(428).
    """
    history = as_series(returns, "returns", axes=1)
    ahead = as_count(bar_count, "bar_count", least=1)
    paths = as_count(path_count, "path_count", least=2)
    if ahead > BARS_MAX or paths > PATHS_MAX:
        raise ConfigError(
            f"a band must be of {BARS_MAX:,} bars and {PATHS_MAX:,} paths at most, was of "
            f"{ahead:,} and {paths:,}"
        )
    if len(history) < 2 or np.ptp(history) == 0.0:  # noqa: PLR2004  (a spread takes two)
        raise DataError("returns must differ for a band, were all the same")
    share = as_level(level)
    model = BlockBootstrap.fit(np.maximum(history, _RETURN_MIN), block_bars=block_bars)
    points = _points(ahead)
    logs = np.log1p(np.maximum(history, _RETURN_MIN))
    grown = _grown(model, logs, points, paths, seed)
    grown += _drifts(grown[:, -1], len(history), points, seed)
    lower, upper = _outermost(grown, share)
    return Band(
        bars=tuple(points.tolist()),
        median=_factors(np.median(grown, axis=0)),
        lower=_factors(lower),
        upper=_factors(upper),
        level=share,
    )


def _points(ahead: int) -> NDArray[np.int64]:
    """Every bar, or as many as there may be, evenly; the last is the horizon."""
    count = min(ahead, POINTS_MAX)
    return np.ceil(np.arange(1, count + 1) * (ahead / count)).astype(np.int64)


def _grown(
    model: BlockBootstrap, logs: Floats, points: NDArray[np.int64], paths: int, seed: int
) -> Floats:
    """Log growth of each path at each point; shape [path, point]."""
    ahead = int(points[-1])
    grown = np.empty((paths, len(points)))
    step = max(DRAWN_MAX // ahead, 1)
    for first in range(0, paths, step):
        count = min(step, paths - first)
        bars = model.draw_bars(bar_count=ahead, path_count=count, seed=seed, first_path=first)
        sums: Any = np.cumsum(logs[bars], axis=1)
        grown[first : first + count] = sums[:, points - 1]
    return grown


def _drifts(ends: Floats, known: int, points: NDArray[np.int64], seed: int) -> Floats:
    """What each path drifts by since the mean is not known exactly; shape [path, point].

    The spread of the paths' ends tells the returns' long-run variance, and with it how far
    the mean of as many of them as are known may be off.
    """
    ahead = int(points[-1])
    error = np.sqrt(np.var(ends) / ahead / known)
    drawn = np.random.default_rng([seed, _DRIFTS]).standard_normal(len(ends))
    return np.multiply.outer(drawn * error, points.astype(np.float64))


def _outermost(grown: Floats, level: float) -> tuple[Floats, Floats]:
    """Bounds at each point between which at least `level` of the paths stay whole."""
    paths = len(grown)
    ordered = np.sort(grown, axis=0)
    depth = np.full(paths, paths)
    for point in range(grown.shape[1]):
        column, values = ordered[:, point], grown[:, point]
        below = np.searchsorted(column, values, side="right")  # those equal to it count
        above = paths - np.searchsorted(column, values, side="left")
        np.minimum(depth, np.minimum(below, above), out=depth)
    # The depth that so many whole paths have at least.
    kept = int(np.ceil(level * paths))
    cut = max(int(np.sort(depth)[paths - kept]), 1)
    return ordered[cut - 1], ordered[paths - cut]


def _factors(grown: Floats) -> tuple[float, ...]:
    return tuple(np.exp(grown).tolist())
