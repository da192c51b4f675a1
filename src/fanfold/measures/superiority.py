"""Whether the best of many models beats a benchmark by more than luck.

The deflated Sharpe ratio asks this of a formula, with how many trials there were and how
far apart they lay. Here the returns themselves are drawn again and again, all models at
the same bars, so that what they have in common stays in common.
"""

import itertools
import math
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fanfold.errors import ConfigError, DataError
from fanfold.measures.series import RETURN_ROUNDING, Floats, as_count, as_series

DRAWS_MAX = 100_000
"""Most bootstrap samples."""

BARS_MIN = 30
"""The automatic block length looks at autocorrelations of some ten lags [bars]."""

MODELS_MAX = 2_000
"""Most models at once."""

DRAW_NUMBERS_MAX = 2_000_000
"""Numbers held at once for a batch of draws, 16 MB a table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SuperiorAbility:
    """How probable so good a best model is where no model beats the benchmark.

    Attributes:
        lower: Supposing that models that did worse than the benchmark are worse [1].
        consistent: Supposing so only of those that did clearly worse: the one to use [1].
        upper: Supposing that none is worse, as White's reality check does [1].
        block_bars: Mean length of the blocks that were drawn [bars].
    """

    lower: float
    consistent: float
    upper: float
    block_bars: int


def superior_predictive_ability(
    model_returns: ArrayLike,
    benchmark_returns: ArrayLike | None = None,
    *,
    block_bars: int | None = None,
    draws: int = 1000,
    seed: int = 0,
    studentized: bool = True,
) -> SuperiorAbility:
    """P-values of the hypothesis that no model has a higher mean return than the benchmark.

    Blocks of bars are drawn by the stationary bootstrap of `arch`. Each model's lead is
    measured in its own standard error, as Hansen does, so that a wild model without merit
    does not hide a quiet one that has some. Without that (`studentized=False`) the p-values
    are those of `arch.bootstrap.SPA` with losses = -returns, which in version 8 does not
    studentise them whatever it is asked; its upper one is White's reality check.

    Models that equal the benchmark but for rounding are left out; where all do, nothing
    is superior and every p-value is 1.

    Args:
        model_returns: Returns of every model at the same bars, `[bar, model]`, at least
            30 bars and at most 2,000 models, no NaN [1 per bar].
        benchmark_returns: Returns to beat, `[bar]`; None is a benchmark of zero [1 per bar].
        block_bars: Mean length of a block, at least 1 and at most the bars; None takes
            the automatic length of the best model's lead, rounded up [bars].
        draws: Bootstrap samples, 1 to 100,000.
        seed: Of the bootstrap; equal seeds give equal p-values.
        studentized: Whether leads are compared in their standard errors.

    Raises:
        ConfigError: `block_bars`, `draws` or `seed` is not what it must be.
        DataError: Returns are not finite, too few or too many, or a model leads the
            benchmark by the same at every bar, which leaves no error to measure it in.

    Source: Hansen (2005), A Test for Superior Predictive Ability, Journal of Business &
        Economic Statistics 23(4); White (2000), A Reality Check for Data Snooping,
        Econometrica 68(5).
    """
    leads = _leads(model_returns, benchmark_returns)
    draw_count = _as_draws(draws)
    whole_seed = as_count(seed, "seed", least=0)
    block = _as_block(block_bars, leads)
    moving = np.std(leads, axis=0) > RETURN_ROUNDING
    if (np.abs(leads[0, ~moving]) > RETURN_ROUNDING).any():
        raise DataError("model_returns must vary against the benchmark, one leads it evenly")
    leads = leads[:, moving]
    if leads.shape[1] == 0:
        return SuperiorAbility(lower=1.0, consistent=1.0, upper=1.0, block_bars=block)
    values = _p_values(
        leads, block=block, draws=draw_count, seed=whole_seed, studentized=studentized
    )
    return SuperiorAbility(lower=values[0], consistent=values[1], upper=values[2], block_bars=block)


def automatic_block_bars(returns: ArrayLike) -> float:
    """Mean block length with which the stationary bootstrap errs least about the mean.

    Args:
        returns: `[bar]`, at least 30, no NaN [1 per bar].

    Returns:
        Not rounded, it can be below 1; NaN where all returns are equal [bars].

    Raises:
        DataError: `returns` are not finite, or too few.

    Source: Politis & White (2004), Automatic Block-Length Selection for the Dependent
        Bootstrap, Econometric Reviews 23(1), corrected by Patton, Politis & White (2009),
        Econometric Reviews 28(4); computed by `arch`.
    """
    series = as_series(returns, "returns", axes=1)
    _require_bars(len(series), "returns")
    if np.std(series) <= RETURN_ROUNDING:
        return math.nan
    arch = _arch()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        lengths = arch.optimal_block_length(series)
    return float(lengths["stationary"].iloc[0])


def _leads(model_returns: ArrayLike, benchmark_returns: ArrayLike | None) -> Floats:
    models = as_series(model_returns, "model_returns")
    models = models[:, np.newaxis] if models.ndim == 1 else models
    _require_bars(len(models), "model_returns")
    if models.shape[1] > MODELS_MAX:
        raise DataError(
            f"model_returns must hold at most {MODELS_MAX} models, had {models.shape[1]}"
        )
    if benchmark_returns is None:
        return models
    benchmark = as_series(benchmark_returns, "benchmark_returns", axes=1)
    if len(benchmark) != len(models):
        raise DataError(
            f"benchmark_returns must be as long as the models', {len(models)} bars, "
            f"was {len(benchmark)}"
        )
    return models - benchmark[:, np.newaxis]


def _require_bars(bar_count: int, name: str) -> None:
    if bar_count < BARS_MIN:
        raise DataError(f"{name} must have at least {BARS_MIN} bars, had {bar_count}")


def _as_draws(draws: object) -> int:
    count = as_count(draws, "draws", least=1)
    if count > DRAWS_MAX:
        raise ConfigError(f"draws must be <= {DRAWS_MAX}, was {count}")
    return count


def _as_block(block_bars: object, leads: Floats) -> int:
    if block_bars is not None:
        block = as_count(block_bars, "block_bars", least=1)
        if block > len(leads):
            raise ConfigError(f"block_bars must be <= the bars, {len(leads)}, was {block}")
        return block
    mean, deviation = np.mean(leads, axis=0), np.std(leads, axis=0)
    moving = deviation > RETURN_ROUNDING
    if not moving.any():
        return 1
    best = np.argmax(np.where(moving, mean / np.where(moving, deviation, 1.0), -np.inf))
    return max(1, math.ceil(automatic_block_bars(leads[:, best])))


def _p_values(
    leads: Floats, *, block: int, draws: int, seed: int, studentized: bool
) -> list[float]:
    """Shares of draws whose best lead, each around what it may be, exceeds the one found."""
    bars = len(leads)
    mean = np.mean(leads, axis=0)
    error = np.sqrt(_mean_variance(leads, block))
    clearly_worse = mean < -error * math.sqrt(2.0 * math.log(math.log(bars)))
    # What is taken away from a model's drawn mean: nothing where it is held to be worse.
    centres = (np.maximum(mean, 0.0), np.where(clearly_worse, 0.0, mean), mean)
    unit = error if studentized else np.ones_like(error)
    found = np.max(mean / unit)
    # Hansen's statistic is not negative; that of `arch` may be.
    found = max(found, 0.0) if studentized else found
    exceeded = np.zeros(len(centres))
    for drawn in _drawn_means(leads, block=block, draws=draws, seed=seed):
        best = [np.max((drawn - centre) / unit, axis=1) for centre in centres]
        exceeded += np.count_nonzero(np.asarray(best) > found, axis=1)
    return (exceeded / draws).tolist()


def _drawn_means(leads: Floats, *, block: int, draws: int, seed: int) -> Iterator[Floats]:
    """Mean leads of the drawn samples, `[draw, model]`, a batch of draws at a time."""
    bars = len(leads)
    batch = max(1, DRAW_NUMBERS_MAX // max(leads.shape))
    samples = _arch().StationaryBootstrap(block, np.arange(bars), seed=seed).bootstrap(draws)
    for first in range(0, draws, batch):
        # How often each bar was drawn is all that a mean needs: one product a batch.
        times = [
            np.bincount(sample[0], minlength=bars)
            for sample, _ in itertools.islice(samples, min(batch, draws - first))
        ]
        yield np.asarray(times, dtype=np.float64) @ leads / bars


def _mean_variance(leads: Floats, block: int) -> Floats:
    """Variance of a model's mean lead under the stationary bootstrap; shape [model].

    Source: Politis & Romano (1994), The Stationary Bootstrap, JASA 89(428), lemma 1.
    """
    bars = len(leads)
    around = leads - np.mean(leads, axis=0)
    lag = np.arange(1, bars)
    stay = 1.0 - 1.0 / block
    weight = (1.0 - lag / bars) * stay**lag + lag / bars * stay ** (bars - lag)
    variance = np.empty(leads.shape[1])
    batch = max(1, DRAW_NUMBERS_MAX // (2 * bars))
    for first in range(0, leads.shape[1], batch):
        part = slice(first, first + batch)
        # Padded with as many zeros, so that the end does not meet the beginning.
        waves = np.fft.rfft(around[:, part], n=2 * bars, axis=0)
        products = np.fft.irfft(waves * waves.conj(), n=2 * bars, axis=0)[:bars]
        variance[part] = (products[0] + 2.0 * weight @ products[1:]) / bars
    return variance / bars


def _arch() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from arch import bootstrap
    return bootstrap
