"""Numbers of several assets: one each, and how they move together."""

from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from fanfold.errors import ConfigError
from fanfold.simulation.history import ASSETS_MAX, Floats

PerAsset: TypeAlias = tuple[float, ...]
"""One number for each asset."""

Matrix: TypeAlias = tuple[tuple[float, ...], ...]
"""One number for each pair of assets."""

SYMMETRY_ERROR_MAX = 1e-8
"""How far a correlation may be from that of the mirrored pair, or from 1 on the diagonal [1]."""

EIGENVALUE_MIN = -1e-8
"""Below this a matrix is no correlation of anything; what lies above is rounding [1]."""


def per_asset(
    value: ArrayLike, name: str, count: int | None = None, *, least: float = -np.inf
) -> PerAsset:
    """Check one number for each asset; a single number stands for all.

    Args:
        value: `[asset]`, or a number.
        name: What the caller calls it, for the message.
        count: Assets there are, or None to take as many as are given.
        least: Smallest value allowed.

    Raises:
        ConfigError: Not finite numbers, below `least`, none, too many, or not `count`.
    """
    try:
        numbers = np.atleast_1d(np.asarray(value, dtype=np.float64))
    except (TypeError, ValueError, OverflowError):
        raise ConfigError(f"{name} must be a number for each asset, was {value!r}") from None
    if numbers.ndim != 1 or not 1 <= numbers.size <= ASSETS_MAX:
        raise ConfigError(
            f"{name} must hold 1 to {ASSETS_MAX} numbers, had the shape {numbers.shape}"
        )
    if count is not None and len(numbers) == 1:
        numbers = np.repeat(numbers, count)
    if count is not None and len(numbers) != count:
        raise ConfigError(
            f"{name} must hold {count} numbers, one for each asset, had {len(numbers)}"
        )
    wrong = np.flatnonzero(~np.isfinite(numbers) | (numbers < least))
    if len(wrong) > 0:
        bound = "" if least == -np.inf else f" >= {least:g}"
        raise ConfigError(
            f"{name} must be finite{bound}, was {numbers[wrong[0]]} for asset {wrong[0]}"
        )
    return tuple(numbers.tolist())


def as_correlation(matrix: ArrayLike | None, count: int, name: str = "correlation") -> Matrix:
    """Check how assets move together; None stands for independence.

    Args:
        matrix: `[asset, asset]`, symmetric, 1 on the diagonal, positive semi-definite; a
            number stands for the correlation of every pair [1].
        count: Assets there are.
        name: What the caller calls it, for the message.

    Raises:
        ConfigError: No such matrix can be the correlation of anything, or its size is wrong.
    """
    try:
        given = np.eye(count) if matrix is None else np.asarray(matrix, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        raise ConfigError(f"{name} must be a matrix of numbers") from None
    if given.ndim == 0:
        given = np.where(np.eye(count) == 1.0, 1.0, float(given))
    if given.shape != (count, count):
        raise ConfigError(f"{name} must be {count} by {count}, had the shape {given.shape}")
    if not np.isfinite(given).all() or np.abs(given).max() > 1.0 + SYMMETRY_ERROR_MAX:
        raise ConfigError(f"{name} must hold numbers from -1 to 1")
    if np.abs(np.diag(given) - 1.0).max() > SYMMETRY_ERROR_MAX:
        raise ConfigError(f"{name} must be 1 on the diagonal, was {np.diag(given).tolist()}")
    if np.abs(given - given.T).max() > SYMMETRY_ERROR_MAX:
        raise ConfigError(f"{name} must be symmetric")
    least = float(np.linalg.eigvalsh(given).min())
    if least < EIGENVALUE_MIN:
        raise ConfigError(
            f"{name} must be one that returns can have (positive semi-definite), "
            f"had the eigenvalue {least:.3g}"
        )
    return tuple(tuple(row) for row in given.tolist())


def loadings(correlation: Matrix) -> Floats:
    """A lower triangle L with L Lᵀ = correlation, by which independent normals are mixed.

    Returns:
        `[asset, asset]`; exact for singular matrices too, where Cholesky's fails.
    """
    matrix = np.asarray(correlation)
    values, vectors = np.linalg.eigh(matrix)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    upper: Floats = np.linalg.qr(root.T)[1]
    signs = np.where(np.diag(upper) < 0.0, -1.0, 1.0)
    return np.ascontiguousarray((upper * signs[:, np.newaxis]).T)


def correlation_of(history: Floats) -> Matrix:
    """Sample correlation of `[bar, asset]` values, mended where rounding broke it."""
    matrix = np.atleast_2d(np.corrcoef(history, rowvar=False))
    matrix = np.clip((matrix + matrix.T) / 2.0, -1.0, 1.0)
    np.fill_diagonal(matrix, 1.0)
    return as_correlation(matrix, history.shape[1])
