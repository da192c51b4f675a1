"""Markov chains of a few regimes: what their probabilities must be, and what they come to."""

from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from fanfold.errors import ConfigError
from fanfold.simulation.history import Floats

PerRegime: TypeAlias = tuple[float, ...]
"""One number for each regime."""

Chain: TypeAlias = tuple[PerRegime, ...]
"""Probability of the regime of the next bar, `[regime, next regime]` [1]."""

REGIMES_MAX = 8
"""Regimes of one chain."""

PROBABILITY_ERROR_MAX = 1e-8
"""How far probabilities may be from adding up to 1 [1]."""

SINGULAR_MAX = 1e-12
"""Singular values and long-run shares below this are 0 but for rounding [1]."""


def as_transitions(value: ArrayLike) -> Chain:
    """Check `[regime, next regime]` probabilities.

    Raises:
        ConfigError: No such matrix, too large, or rows that do not add up to 1.
    """
    try:
        matrix = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise ConfigError("transitions must be a matrix of probabilities") from None
    if matrix.size == 0 or matrix.ndim == 0 or matrix.shape != matrix.shape[:1] * 2:
        raise ConfigError(
            f"transitions must be [regime, next regime], had the shape {matrix.shape}"
        )
    return tuple(
        _as_probabilities(row, f"transitions from regime {k}", len(matrix))
        for k, row in enumerate(matrix)
    )


def as_start(value: ArrayLike | None, chain: Chain) -> PerRegime:
    """Check the probabilities of the first bar's regime; None stands for the long-run shares.

    Raises:
        ConfigError: No such regime, no such probabilities, or several long-run shares.
    """
    if value is None:
        return stationary_shares(chain)
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool):
        if not 0 <= value < len(chain):
            raise ConfigError(f"start must be a regime from 0 to {len(chain) - 1}, was {value}")
        return tuple(1.0 if k == value else 0.0 for k in range(len(chain)))
    return _as_probabilities(value, "start", len(chain))


def stationary_shares(chain: Chain) -> PerRegime:
    """Long-run share of each regime [1].

    Raises:
        ConfigError: There are several, as the chain's parts never meet.
    """
    values, shares = long_run(np.asarray(chain))
    if len(chain) > 1 and values[-2] < SINGULAR_MAX:
        raise ConfigError(
            "start must be stated where transitions keep regimes apart for ever: "
            "they have no single stationary distribution"
        )
    return tuple(shares.tolist())


def long_run(transitions: Floats) -> tuple[Floats, Floats]:
    """Singular values of the chain less the identity, and the shares that it does not change."""
    _, values, vectors = np.linalg.svd(transitions.T - np.eye(len(transitions)))
    shares = np.abs(vectors[-1])
    shares[shares < SINGULAR_MAX] = 0.0
    return values, shares / np.sum(shares)


def up_to(chances: PerRegime) -> Floats:
    """Cumulative probabilities; what has no chance is never picked, whatever the rounding."""
    total = np.cumsum(chances)
    last = int(np.flatnonzero(chances)[-1])
    total[last:] = 1.0
    return total


def _as_probabilities(value: ArrayLike, name: str, count: int) -> PerRegime:
    try:
        chances = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise ConfigError(f"{name} must be probabilities, was {value!r}") from None
    if count > REGIMES_MAX:
        raise ConfigError(f"{name} must be to at most {REGIMES_MAX} regimes, was to {count}")
    if chances.shape != (count,):
        raise ConfigError(f"{name} must hold {count} numbers, had the shape {chances.shape}")
    if not (chances >= 0.0).all():  # refuses NaN too
        raise ConfigError(f"{name} must hold numbers >= 0, was {chances.tolist()}")
    total = float(np.sum(chances))
    if not abs(total - 1.0) <= PROBABILITY_ERROR_MAX:
        raise ConfigError(f"{name} must add up to 1, added up to {total}")
    return tuple((chances / total).tolist())
