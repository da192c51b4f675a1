"""What speaks for a job's result and against it: gathered here, weighed in `research`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.bars import Bars
from fanfold.engine.metrics import POWER_SUMS, shape_of_sums
from fanfold.engine.run import mode_for
from fanfold.engine.spec import Terms
from fanfold.engine.windows import Window
from fanfold.research.chunks import probe
from fanfold.research.made import INFEASIBLE
from fanfold.research.plan import Params
from fanfold.research.series import (
    Series,
    SeriesInputs,
    buy_and_hold,
    run_series_chunk,
    sampled,
    series_of,
)
from fanfold.research.trials import Slot
from fanfold.strategies.strategy import Strategy, learns
from fanfold.workflows.counting import Counted
from fanfold.workflows.fleet import Fleet
from fanfold.workflows.studies import Studied

if TYPE_CHECKING:
    from fanfold.research.evidence import Evidence

FITTED_ONCE = (
    "trials of a strategy that learns were fitted on the first training window to be compared"
)
"""Said where it was so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A choice that has to be weighed.

    Attributes:
        strategy: Class of the trials.
        fixed: Parameters that all share.
        bars: The market.
        terms: Money, costs, limits and options.
        window: Bars on which all trials are compared.
        fit: Windows that a strategy which learns is fitted on.
        chosen: Parameters of the choice, those that were searched.
        returns: Returns of the choice where it is more than one set of parameters, such as
            a walk-forward; None takes those of `chosen`; shape [period].
        params: Parameters of all trials, or of as many as can be looked at.
        counted: Trials that count.
        adaptive: Whether the search went where results were good.
        chance: Parameters drawn at random from the same space.
        blocks: Power sums of blocks of all trials and the returns of each block; None
            takes those of the trials that are looked at.
        seed: Of the sample and of the bootstrap.
    """

    strategy: type[Strategy]
    fixed: Params
    bars: Bars
    terms: Terms
    window: Window
    fit: tuple[Window, ...] = ()
    chosen: Params
    returns: NDArray[np.float64] | None = None
    params: Sequence[Params]
    counted: Counted
    adaptive: bool = False
    chance: Sequence[Params] = ()
    blocks: tuple[NDArray[np.float64], NDArray[np.int64]] | None = None
    seed: int = 0


def question_of(
    studied: Studied,
    window: Window,
    *,
    fit: tuple[Window, ...] = (),
    returns: NDArray[np.float64] | None = None,
) -> Question | None:
    """What is to be asked of a search's choice, by its own count of trials.

    Args:
        studied: The search.
        window: Bars on which the result stands.
        fit: Windows that a strategy which learns is fitted on to compare its trials.
        returns: Returns of what is more than one set of parameters; shape [period].

    Returns:
        None where nothing could be chosen.
    """
    spec = studied.spec
    numbers = [tuned.best(spec.goal) for tuned in studied.tuned]
    chosen = [
        tuned.params[number]
        for tuned, number in zip(studied.tuned, numbers, strict=True)
        if number is not None
    ]
    if not chosen:
        return None
    params = [one for tuned in studied.tuned for one in tuned.params]
    chance = [one for tuned in studied.tuned for one in tuned.params[: spec.generation_size]]
    return Question(
        strategy=spec.strategy,
        fixed=spec.fixed,
        bars=spec.bars,
        terms=spec.terms,
        window=window,
        fit=fit,
        chosen=chosen[-1],
        returns=returns,
        params=params,
        counted=_count_of(studied),
        adaptive=spec.adaptive,
        chance=chance,
        seed=spec.seed,
    )


def _count_of(studied: Studied) -> Counted:
    """A search's own trials, each once."""
    sharpes: dict[str, float] = {}
    for tuned in studied.tuned:
        for params, metrics, status in zip(
            tuned.params, tuned.metrics, tuned.statuses, strict=True
        ):
            if status != INFEASIBLE:
                sharpes[repr(params)] = metrics["sharpe_per_period"]
    values = np.array(list(sharpes.values()))
    return Counted(count=len(values), sharpes=values[np.isfinite(values)])


def weigh(question: Question, fleet: Fleet) -> "Evidence":
    """Look at the trials side by side and weigh the choice among them."""
    from fanfold.research.evidence import evidence_of

    asked = question
    inputs = _inputs(asked)
    chosen = sampled(
        asked.params,
        asked.chosen,
        asked.strategy,
        return_count=inputs.return_count,
        seed=asked.seed,
    )
    series = _series(inputs, chosen, fleet)
    returns, exposures = series.returns, series.exposures
    own = asked.returns
    if own is None:
        own = returns[:, 0]
    elif len(own) == len(returns):
        returns = np.column_stack([own, returns])
        exposures = np.concatenate([[float(np.mean(exposures))], exposures])
    else:  # it held nothing for a while: only the bars that both have can be compared
        returns = returns[-len(own) :]
    sums, counts = asked.blocks or (series.sums, series.counts)
    held = buy_and_hold(asked.bars, asked.window)[-len(returns) :]
    evidence = evidence_of(
        returns=own,
        trial_returns=returns,
        trial_count=max(asked.counted.count, returns.shape[1]),
        trial_sharpes=asked.counted.sharpes,
        blocks=(sums, counts),
        exposures=exposures,
        buy_and_hold=held,
        periods_per_year=asked.bars.periods_per_year,
        adaptive=asked.adaptive,
        variance_floor=_floor(asked, series),
        snapshot=asked.counted.snapshot,
        seed=asked.seed,
    )
    return with_note(evidence, FITTED_ONCE) if learns(asked.strategy) else evidence


def weighed_alone(question: Question | None) -> "Evidence | None":
    """Weigh a choice in this process; None where there is none."""
    if question is None:
        return None
    with Fleet(0, None) as fleet:
        return weigh(question, fleet)


def with_note(evidence: "Evidence", note: str) -> "Evidence":
    """The same evidence, with one more thing that a reader must know."""
    from dataclasses import replace

    return replace(evidence, notes=(*evidence.notes, note))


def evidence_metrics(evidence: "Evidence") -> dict[str, float]:
    """The figures of evidence that runs are compared by."""
    names = (
        "deflated_sharpe",
        "probabilistic_sharpe",
        "trial_count",
        "effective_trial_count",
        "overfitting_probability",
        "minimum_track_record",
        "superiority_matched",
        "superiority_zero",
    )
    return {name: float(getattr(evidence, name)) for name in names}


def own_count(sums: NDArray[np.float64], counts: NDArray[np.int64]) -> Counted:
    """The count of trials that no ledger knows of, from their blocks."""
    total = sums.sum(axis=1)
    deviation = shape_of_sums(total, np.full(len(total), counts.sum()))[0]
    mean = total[:, 0] / max(int(counts.sum()), 1)
    sharpes = np.divide(mean, deviation, out=np.full(len(mean), np.nan), where=deviation > 0)
    return Counted(count=len(total), sharpes=sharpes[np.isfinite(sharpes)])


def _inputs(asked: Question) -> SeriesInputs:
    return SeriesInputs(
        strategy=asked.strategy,
        fixed=asked.fixed,
        bars=asked.bars,
        terms=asked.terms,
        slot=Slot(window=asked.window, fit=asked.fit if learns(asked.strategy) else ()),
        mode=mode_for(len(asked.params), asked.bars),
    )


def _series(inputs: SeriesInputs, params: list[Params], fleet: Fleet) -> Series:
    pace = probe(lambda count: run_series_chunk(inputs, tuple(params[:count])), len(params))
    fleet.gather(pace.seconds(len(params)), inputs.strategy)
    size = min(fleet.chunk_size(pace, len(params)), inputs.chunk_size)
    chunks = (tuple(params[at : at + size]) for at in range(0, len(params), size))
    return series_of(params, fleet.map(run_series_chunk, chunks, shared=inputs))


def _floor(asked: Question, series: Series) -> float | None:
    """Variance of the Sharpe ratios of trials that were drawn at random [1 per period]."""
    drawn = {repr(one) for one in asked.chance}
    places = [k for k, one in enumerate(series.params) if repr(one) in drawn]
    if not asked.adaptive or len(places) < len(POWER_SUMS):
        return None
    found: Any = own_count(series.sums[places], series.counts).sharpes
    return float(np.var(found, ddof=1)) if len(found) > 1 else None
