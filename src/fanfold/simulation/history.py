"""What a model is fitted to, checked once for all models."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fanfold.errors import DataError

Floats = NDArray[np.float64]

ASSETS_MAX = 500
"""Assets of one model; their correlation is drawn bar by bar."""

HISTORY_BARS_MIN = 2
"""Fewer returns have no deviation."""

AXES = 2
"""Of a history: bars and assets."""

DEVIATION_MIN = 1e-12
"""A history that varies by less is constant [1 per bar]."""


def as_history(returns: ArrayLike, *, bars_min: int = HISTORY_BARS_MIN) -> Floats:
    """Check the returns that a model is fitted to.

    Args:
        returns: Simple returns, `[bar]` or `[bar, asset]`, oldest first [1 per bar].
        bars_min: Bars that the model needs at least.

    Returns:
        `[bar, asset]`, C-contiguous.

    Raises:
        DataError: Not numbers, too few, NaN or infinite, at or below -1 (prices would not
            be above 0), an asset whose returns are all equal, or too many assets.
    """
    history = _as_numbers(returns)
    if history is None:
        raise DataError(f"returns must be an array of numbers, was {type(returns).__name__}")
    if history.ndim == 1:
        history = history[:, np.newaxis]
    if history.ndim != AXES or history.shape[1] == 0:
        raise DataError(f"returns must be [bar] or [bar, asset], had the shape {history.shape}")
    if history.shape[1] > ASSETS_MAX:
        raise DataError(f"returns must be of at most {ASSETS_MAX} assets, had {history.shape[1]}")
    if len(history) < bars_min:
        raise DataError(f"returns must have at least {bars_min} bars, had {len(history)}")
    _refuse(~np.isfinite(history), history, "finite numbers")
    _refuse(history <= -1.0, history, "above -1, or prices are not above 0")
    constant = np.flatnonzero(np.ptp(history, axis=0) < DEVIATION_MIN)
    if len(constant) > 0:
        raise DataError(
            f"returns must vary, those of asset {constant[0]} were all {history[0, constant[0]]}"
        )
    return np.ascontiguousarray(history)


def log_history(returns: ArrayLike, *, bars_min: int = HISTORY_BARS_MIN) -> Floats:
    """The checked returns as logarithms: `[bar, asset]` log returns [1 per bar]."""
    return np.log1p(as_history(returns, bars_min=bars_min))


def _as_numbers(returns: ArrayLike) -> Floats | None:
    try:
        raw: NDArray[Any] = np.asarray(returns)
        if raw.dtype.kind not in "iufO":
            return None
        numbers = raw.astype(np.float64)
    except (TypeError, ValueError, OverflowError):
        return None
    # What is masked is missing, and its number says nothing.
    if isinstance(returns, np.ma.MaskedArray):
        mask: Any = returns.mask  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        numbers[mask] = np.nan
    return numbers


def _refuse(wrong: NDArray[np.bool_], history: Floats, wanted: str) -> None:
    places = np.argwhere(wrong)
    if len(places) > 0:
        bar, asset = places[0].tolist()
        raise DataError(
            f"returns must be {wanted}, was {history[bar, asset]} at bar {bar} of asset {asset}"
        )
