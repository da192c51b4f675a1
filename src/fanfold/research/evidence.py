"""Whether the best of many trials is more than the luckiest of them.

A search that tries enough finds something. What it found has to be read beside how much
was tried: the Sharpe ratio that so many trials reach by luck, how the winner of one part
of the bars does on the other, and whether it beats holding as much without any rule.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from fanfold.errors import ConfigError, DataError, FanfoldError
from fanfold.measures import (
    EffectiveTrials,
    automatic_block_bars,
    best_of_each,
    deflated_sharpe_ratio,
    effective_trials,
    effective_trials_of_all,
    expected_max_sharpe_ratio,
    kurtosis,
    minimum_track_record_length,
    overfitting_of_blocks,
    probabilistic_sharpe_ratio,
    sharpe_ratio,
    skewness,
    sums_of_blocks,
    superior_predictive_ability,
)
from fanfold.measures.series import Floats, as_count, as_number, as_periods, as_series
from fanfold.measures.trials import TRIALS_MAX

TRIALS_MIN = 2
"""Trials without which nothing was chosen."""
SUPERIORITY_MODELS_MAX = 2_000
"""Models that are tested together: every cluster of the largest sample."""
DRAWS = 1_000
"""Bootstrap samples of a test."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A Sharpe ratio and what speaks for and against it; NaN where `notes` say why.

    Attributes:
        sharpe: Sharpe ratio of the chosen trial [1 per √year].
        sharpe_per_period: The same per return [1].
        periods_per_year: Returns a year [1/year].
        return_count: Returns of the chosen trial.
        skewness: Of its returns, of the population [1].
        kurtosis: Of its returns, raw (3 = normal) [1].
        probabilistic_sharpe: Probability that its true Sharpe ratio is above 0, had
            nothing else been tried [1].
        deflated_sharpe: Probability that it is above what the luckiest of as many idle
            trials would have shown [1].
        expected_max_sharpe: That luckiest Sharpe ratio [1 per period].
        trial_count: All trials that count.
        effective_trial_count: Independent trials they are worth [1].
        sampled_trial_count: Trials whose returns were looked at.
        trial_sharpe_variance: Variance of the trials' Sharpe ratios [1 per period].
        variance_floor: What it was held above in an adaptive search [1 per period].
        overfitting_probability: Share of splits in which the winner of one half of the
            blocks ends in the lower half of the trials on the other [1].
        overfitting_split_count: Splits that were looked at.
        overfitting_block_count: Blocks of the window.
        minimum_track_record: Returns it takes to trust at 95 % that its Sharpe ratio is
            above 0, had nothing else been tried; infinite where it is not [periods].
        superiority_matched: P-value of the best trial's lead over holding its own mean
            net exposure all the time (Hansen, consistent) [1].
        superiority_zero: P-value of its lead over nothing at all [1].
        superiority_model_count: Trials that were tested together.
        snapshot: Id of the state of the trial ledger that the counts come from.
        notes: What is approximated, and why a figure is NaN, in words.
    """

    sharpe: float
    sharpe_per_period: float
    periods_per_year: float
    return_count: int
    skewness: float
    kurtosis: float
    probabilistic_sharpe: float
    deflated_sharpe: float
    expected_max_sharpe: float
    trial_count: int
    effective_trial_count: float
    sampled_trial_count: int
    trial_sharpe_variance: float
    variance_floor: float | None
    overfitting_probability: float
    overfitting_split_count: int
    overfitting_block_count: int
    minimum_track_record: float
    superiority_matched: float
    superiority_zero: float
    superiority_model_count: int
    snapshot: str
    notes: tuple[str, ...]


def evidence_of(
    *,
    returns: ArrayLike,
    trial_returns: ArrayLike,
    trial_count: int,
    trial_sharpes: ArrayLike,
    blocks: tuple[ArrayLike, ArrayLike] | None = None,
    exposures: ArrayLike | None = None,
    buy_and_hold: ArrayLike | None = None,
    periods_per_year: float,
    adaptive: bool = False,
    variance_floor: float | None = None,
    snapshot: str = "",
    seed: int = 0,
    superiority_models_max: int = SUPERIORITY_MODELS_MAX,
    draws: int = DRAWS,
) -> Evidence:
    """Weigh a chosen trial against all that were tried.

    **Effective trials.** The sample's clusters of nearly equal returns are counted (see
    `effective_trials`) and carried over to all trials by how many clusters the sample met
    only once or twice (`effective_trials_of_all`): trials outside the sample add nothing
    where the sample has met every cluster several times, and at most in proportion where
    each of its trials stands alone. So the figure is never below the sample's own, never
    above `trial_count`, and a finer grid of the same rule raises it hardly.

    **Variance of the trials' Sharpe ratios.** That of all known ones. An adaptive search
    goes back to where it was good, so its trials bunch and their variance is too small:
    there one representative of each cluster counts once, and the variance is never below
    `variance_floor`. Trials without a Sharpe ratio (they never traded) are left out.

    **Superiority.** The best trial of each cluster is a model, its benchmark its own mean
    net exposure times buy-and-hold. On driftless random walks 5 % of such tests are at or
    below 0.05, as with all trials; with the 20 best of 80 alone it would be 7 to 10 %, so
    clusters beyond `superiority_models_max` are left out only with a note.

    Args:
        returns: Of the chosen trial, `[period]`, no NaN [1 per period].
        trial_returns: Of a random sample of the trials, the chosen one included, at most
            2,000, all over the same periods, `[period, trial]` [1 per period].
        trial_count: All trials that count, failed and pruned ones too.
        trial_sharpes: Every known Sharpe ratio, `[trial]`; NaN where there is none [1 per
            period].
        blocks: Sums of powers of the returns `[trial, block, power]` of all trials that
            have them, and the returns of each block `[block]`; None takes the sample's.
        exposures: Mean net exposure of each sampled trial, `[trial]` [share of equity].
        buy_and_hold: Returns of holding the assets, `[period]` [1 per period].
        periods_per_year: Returns a year [1/year].
        adaptive: Whether the search chose later trials by what earlier ones gave.
        variance_floor: Variance of the Sharpe ratios of a seeded random sample of the
            space [1 per period].
        snapshot: Id of the state of the trial ledger.
        seed: Of the bootstraps.
        superiority_models_max: Most models that are tested together, at most 2,000.
        draws: Bootstrap samples of a test.

    Raises:
        ConfigError: A number is not what it must be.
        DataError: Arrays are not finite, or do not fit together.
    """
    own, trials = _as_returns(returns, trial_returns)
    notes: list[str] = []
    search = _Search(
        returns=own,
        trials=trials,
        trial_count=as_count(trial_count, "trial_count", least=trials.shape[1]),
        sharpes=_as_sharpes(trial_sharpes, trial_count),
        clusters=_clusters(trials, notes),
        adaptive=adaptive,
        variance_floor=_as_floor(variance_floor),
        models_max=as_count(superiority_models_max, "superiority_models_max", least=1),
        draws=as_count(draws, "draws", least=1),
        seed=as_count(seed, "seed", least=0),
        notes=notes,
    )
    leads = _matched_leads(trials, exposures, buy_and_hold)
    periods = as_periods(periods_per_year)
    record = _track_record(search)
    probability, split_count, block_count = _overfitting(search, blocks)
    return Evidence(
        **record,
        **_luck(search, record),
        sharpe=record["sharpe_per_period"] * math.sqrt(periods),
        overfitting_probability=probability,
        overfitting_split_count=split_count,
        overfitting_block_count=block_count,
        superiority_matched=_superiority(search, "superiority_matched", leads),
        superiority_zero=_superiority(search, "superiority_zero", trials),
        superiority_model_count=min(int(search.clusters.count), search.models_max),
        periods_per_year=periods,
        return_count=len(own),
        trial_count=search.trial_count,
        sampled_trial_count=trials.shape[1],
        variance_floor=search.variance_floor,
        snapshot=snapshot,
        notes=tuple(notes),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Search:
    returns: Floats
    trials: Floats
    trial_count: int
    sharpes: Floats
    clusters: EffectiveTrials
    adaptive: bool
    variance_floor: float | None
    models_max: int
    draws: int
    seed: int
    notes: list[str]

    def answer(self, name: str, ask: Callable[[], float]) -> float:
        """The figure, or NaN and a note of what stands against it."""
        try:
            return ask()
        except FanfoldError as error:
            self.notes.append(f"{name}: {error}")
            return math.nan


def _as_returns(returns: ArrayLike, trial_returns: ArrayLike) -> tuple[Floats, Floats]:
    own = as_series(returns, "returns", axes=1)
    trials = as_series(trial_returns, "trial_returns")
    if trials.ndim == 1 or len(trials) != len(own) or trials.shape[1] > TRIALS_MAX:
        raise DataError(
            f"trial_returns must be [period, trial] of the {len(own)} periods of returns and "
            f"at most {TRIALS_MAX} trials, had the shape {trials.shape}"
        )
    return own, trials


def _as_sharpes(trial_sharpes: ArrayLike, trial_count: int) -> Floats:
    sharpes = np.asarray(trial_sharpes, dtype=np.float64)
    if sharpes.ndim != 1 or len(sharpes) > trial_count or np.isinf(sharpes).any():
        raise DataError(
            f"trial_sharpes must be [trial] of at most {trial_count} trials and not infinite, "
            f"had the shape {sharpes.shape}"
        )
    return sharpes[np.isfinite(sharpes)]


def _as_floor(variance_floor: float | None) -> float | None:
    if variance_floor is not None and as_number(variance_floor, "variance_floor") < 0.0:
        raise ConfigError(f"variance_floor must be >= 0, was {variance_floor}")
    return variance_floor


def _matched_leads(
    trials: Floats, exposures: ArrayLike | None, buy_and_hold: ArrayLike | None
) -> Floats | None:
    if exposures is None or buy_and_hold is None:
        return None
    held = as_series(buy_and_hold, "buy_and_hold", axes=1)
    shares = as_series(exposures, "exposures", axes=1)
    if (len(held), len(shares)) != trials.shape:
        raise DataError(
            f"buy_and_hold and exposures must fit trial_returns, {trials.shape}, "
            f"were {len(held)} and {len(shares)}"
        )
    return trials - held[:, np.newaxis] * shares


def _clusters(trials: Floats, notes: list[str]) -> EffectiveTrials:
    try:
        return effective_trials(trials)
    except DataError as error:
        notes.append(f"effective_trial_count: every trial counts, {error}")
        alone = np.arange(trials.shape[1], dtype=np.intp)
        return EffectiveTrials(count=float(len(alone)), cluster=alone, representatives=alone)


def _track_record(search: _Search) -> dict[str, float]:
    returns = search.returns
    sharpe = float(sharpe_ratio(returns))
    skew, fourth = float(skewness(returns)), float(kurtosis(returns))
    trust = length = math.nan
    if math.isnan(sharpe):
        search.notes.append("sharpe: needs two returns that differ, and others need it")
    else:
        shape = {"skew": skew, "kurtosis": fourth}
        trust = search.answer(
            "probabilistic_sharpe",
            lambda: probabilistic_sharpe_ratio(sharpe, bar_count=len(returns), **shape),
        )
        length = search.answer(
            "minimum_track_record", lambda: minimum_track_record_length(sharpe, **shape)
        )
    return {
        "sharpe_per_period": sharpe,
        "skewness": skew,
        "kurtosis": fourth,
        "probabilistic_sharpe": trust,
        "minimum_track_record": length,
    }


def _luck(search: _Search, record: dict[str, float]) -> dict[str, float]:
    """What the luckiest of the trials would have shown, and the chosen one beside it."""
    count = effective_trials_of_all(search.clusters, search.trial_count)
    sampled = len(search.clusters.cluster)
    if sampled < search.trial_count:
        search.notes.append(
            f"effective_trial_count: estimated from {sampled:,} of {search.trial_count:,} trials"
        )
    variance = _variance(search)
    lucky = deflated = math.nan
    if count == 1.0 or not math.isnan(variance):
        # One trial had nothing to be the luckiest of, whatever the variance.
        hurdle = {
            "trial_sharpe_variance": 0.0 if count == 1.0 else variance,
            "trial_count": count,
        }
        lucky = expected_max_sharpe_ratio(**hurdle)
        if not math.isnan(record["probabilistic_sharpe"]):
            deflated = deflated_sharpe_ratio(
                record["sharpe_per_period"],
                bar_count=len(search.returns),
                skew=record["skewness"],
                kurtosis=record["kurtosis"],
                **hurdle,
            )
    return {
        "effective_trial_count": count,
        "trial_sharpe_variance": variance,
        "expected_max_sharpe": lucky,
        "deflated_sharpe": deflated,
    }


def _variance(search: _Search) -> float:
    sharpes, floor = search.sharpes, search.variance_floor
    if search.adaptive:
        middle = np.asarray(sharpe_ratio(search.trials[:, search.clusters.representatives]))
        middle = middle[np.isfinite(middle)]
        if len(middle) >= TRIALS_MIN:
            sharpes = middle
        else:
            search.notes.append("trial_sharpe_variance: of all trials, only one cluster traded")
    variance = float(np.var(sharpes, ddof=1)) if len(sharpes) >= TRIALS_MIN else math.nan
    if search.adaptive and floor is None:
        search.notes.append("variance_floor: none, though the trials of such a search bunch")
    if search.adaptive and floor is not None:
        # A variance that is not known gives way to the floor.
        variance = max(floor, variance)
    if math.isnan(variance):
        search.notes.append("trial_sharpe_variance: needs two trials with a Sharpe ratio")
    return variance


def _overfitting(
    search: _Search, blocks: tuple[ArrayLike, ArrayLike] | None
) -> tuple[float, int, int]:
    """The probability, how many splits it comes from and of how many blocks."""
    try:
        sums, counts = sums_of_blocks(search.trials) if blocks is None else blocks
        if len(np.asarray(sums)) < TRIALS_MIN:
            raise DataError("needs two trials")
        found = overfitting_of_blocks(sums, counts)
    except FanfoldError as error:
        search.notes.append(f"overfitting_probability: {error}")
        return math.nan, 0, 0
    if found.split_count < found.splits_all:
        taken = f"{found.split_count:,} of {found.splits_all:,}"
        search.notes.append(f"overfitting_probability: from {taken} splits, evenly spaced")
    shortest = float(np.min(counts))
    wanted = search.answer("overfitting_probability", lambda: automatic_block_bars(search.returns))
    if shortest < wanted:
        search.notes.append(
            f"overfitting_probability: an approximation, the shortest block has {shortest:.0f} "
            f"returns and they hang together over {math.ceil(wanted)}"
        )
    return found.probability, found.split_count, found.block_count


def _superiority(search: _Search, name: str, leads: Floats | None) -> float:
    if leads is None:
        search.notes.append(f"{name}: needs the trials' exposures and buy-and-hold")
        return math.nan
    best = best_of_each(search.clusters, sharpe_ratio(leads))[: search.models_max]

    def ask() -> float:
        models = leads[:, best]
        test = superior_predictive_ability(models, draws=search.draws, seed=search.seed)
        return test.consistent

    if len(best) < search.clusters.count:
        search.notes.append(
            f"{name}: the best {len(best):,} of {search.clusters.count:,.0f} clusters only, "
            "which makes it too small"
        )
    return search.answer(name, ask)
