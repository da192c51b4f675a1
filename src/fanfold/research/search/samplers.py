"""Samplers and pruners with all of their arguments stated."""

from typing import Any

import numpy as np

from fanfold.research.search.terms import Search
from fanfold.research.space import Dimension

MEDIAN_TRIALS_MIN = 5
"""Trials that have come as far, without which no median is asked for."""


def sampler_of(search: Search, generation: int) -> Any:
    """A sampler for one generation; all arguments stated, since defaults move."""
    from optuna import samplers

    size = search.generation_size
    sequence = np.random.SeedSequence([search.seed, generation])
    seed = int(sequence.generate_state(1)[0])
    chance = samplers.RandomSampler(seed=seed)
    if search.sampler == "tpe":
        return samplers.TPESampler(
            n_startup_trials=size,
            n_ei_candidates=24,
            multivariate=True,
            group=False,
            constant_liar=True,
            warn_independent_sampling=False,
            seed=seed,
        )
    if search.sampler == "cmaes":
        return samplers.CmaEsSampler(
            n_startup_trials=size,
            popsize=size,
            independent_sampler=chance,
            warn_independent_sampling=False,
            seed=seed,
        )
    if search.sampler == "qmc":
        # One scrambled sequence for all generations: its place is kept in the study.
        own = int(np.random.SeedSequence(search.seed).generate_state(1)[0])
        sampler: Any = samplers.QMCSampler(
            qmc_type="sobol",
            scramble=True,
            seed=own,
            independent_sampler=chance,
            warn_asynchronous_seeding=False,
            warn_independent_sampling=False,
        )
        # Else the first trials, before one is told, would be drawn at random.
        sampler._initial_search_space = {  # noqa: SLF001
            one.name: distribution_of(one) for one in search.space if one.kind != "choice"
        }
        return sampler
    if search.sampler in ("nsga2", "nsga3"):
        made = samplers.NSGAIISampler if search.sampler == "nsga2" else samplers.NSGAIIISampler
        return made(population_size=size, crossover_prob=0.9, swapping_prob=0.5, seed=seed)
    return chance


def pruner_of(search: Search) -> Any:
    """What gives trials up between steps."""
    from optuna import pruners

    if search.pruner == "wilcoxon":
        return pruners.WilcoxonPruner(p_threshold=0.1, n_startup_steps=2)
    if search.pruner == "median":
        return _below_median(search)
    if search.pruner == "halving":
        return pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=2)
    return pruners.NopPruner()


def _below_median(search: Search) -> Any:
    """Gives up what is worse than the middle of the others after as many steps.

    Optuna's own compares a trial's best step so far, as of a loss that falls while a model
    is trained; steps here are stretches of bars, of which the latest mean counts.
    """
    from optuna.pruners import BasePruner

    sign = 1.0 if "maximize" in search.directions else -1.0

    class BelowMedian(BasePruner):
        def prune(self, study: Any, trial: Any) -> bool:
            step = trial.last_step
            others = [
                sign * other.intermediate_values[step]
                for other in study.get_trials(deepcopy=False)
                if other.number != trial.number and step in other.intermediate_values
            ]
            if step is None or step == 0 or len(others) < MEDIAN_TRIALS_MIN:
                return False
            return bool(sign * trial.intermediate_values[step] < np.median(others))

    return BelowMedian()


def distribution_of(dimension: Dimension) -> Any:
    """A parameter's values as Optuna has them."""
    from optuna import distributions

    if dimension.kind == "choice":
        return distributions.CategoricalDistribution(dimension.choices)
    if dimension.kind == "int":
        steps = int((dimension.high - dimension.low) // dimension.step)
        high = int(dimension.low + steps * dimension.step)
        return distributions.IntDistribution(int(dimension.low), high, step=int(dimension.step))
    return distributions.FloatDistribution(
        dimension.low, dimension.high, step=dimension.step or None
    )
