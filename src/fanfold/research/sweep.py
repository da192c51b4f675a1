"""Sweeps: every combination of a plan run over the same bars.

A chunk of a plan is a pure function of the shared inputs and two indices, and
equals its combinations run one by one. One that fails is a row with its reason.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import islice, product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from fanfold.domain.bars import Bars
from fanfold.engine.features import Features, warm_up_of
from fanfold.engine.metrics import METRICS, metrics_of
from fanfold.engine.run import Mode, Outcomes, run_chunk
from fanfold.engine.spec import Terms
from fanfold.engine.step.state import STATUSES, Account
from fanfold.errors import ConfigError, FanfoldError, WarmUpError
from fanfold.research.chunks import uncollected
from fanfold.research.plan import Params, Plan
from fanfold.research.table import ArrowBatch, arrow
from fanfold.strategies.sizing import warm_up
from fanfold.strategies.strategy import Strategy, features_of

COUNT_METRICS = frozenset({"periods_per_year", "round_trip_count", "fill_count"})

CORNERS_MAX = 4_096
"""Combinations of a large plan that are looked at before it begins."""

INFEASIBLE = "infeasible"
FAILED = "failed"

Chunk = tuple[int, int]
"""First combination of a chunk and the one after its last."""


@dataclass(frozen=True, slots=True)
class Made:
    """One combination as a strategy, or why it is none.

    Attributes:
        strategy: None if the parameters do not go together.
        features: Its features.
        reason: Why there is no strategy, or "".
    """

    strategy: Strategy | None
    features: Features = ()
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """The shared inputs of a sweep, the same for all of its chunks.

    Attributes:
        strategy: Class whose parameters are swept.
        fixed: Parameters that all combinations share.
        plan: The combinations.
        bars: The market.
        terms: Money, costs, limits and options.
        first: Bar of the first decision of every combination: all are scored on the
            same window, which starts after the largest warm-up of the plan.
        mode: How all chunks run; the same bits either way.
        made: All combinations, where they are made already; None makes them by chunks.
    """

    strategy: type[Strategy]
    fixed: Params
    plan: Plan
    bars: Bars
    terms: Terms
    first: int
    mode: Mode = "machine"
    made: Sequence[Made] | None = None

    @property
    def window(self) -> Terms:
        """The terms of one combination on its own, decided and scored on the same bars."""
        return replace(self.terms, start_bar=self.first)


def make(strategy: type[Strategy], fixed: Params, chosen: Params) -> Made:
    """Make one combination of a plan."""
    try:
        made = strategy(**fixed, **chosen)
    except ValidationError as error:
        return Made(None, reason=reason_of(error))
    try:
        return Made(made, features_of(made))
    except FanfoldError:
        raise
    except Exception as error:  # the user's own code: this combination's affair
        return Made(None, reason=f"features raised {type(error).__name__}: {error}")


def reason_of(error: ValidationError) -> str:
    """The first finding of a validation, in one line with field and value."""
    found = error.errors(include_url=False)[0]
    message = found["msg"].removeprefix("Value error, ")
    where = ".".join(str(part) for part in found["loc"])
    return f"{where}: {message}, was {found['input']!r}" if where else message


def largest_warm_up(combinations: Iterable[Made], bars: Bars, terms: Terms) -> int:
    """Largest warm-up of the feasible combinations and their sizing [bars]."""
    longest = max((warm_up_of(made.features, bars) for made in combinations), default=0)
    return max(longest, warm_up(terms.sizing))


def likely_warm_up(
    strategy: type[Strategy], fixed: Params, plan: Plan, bars: Bars, terms: Terms
) -> int:
    """Largest warm-up among a large plan's corners and first combinations [bars].

    As good as always the largest of all. Where it is not, the chunk that finds a
    larger one raises, and the study begins again with the true one.
    """
    corners = islice(product(*({0, len(values) - 1} for _, values in plan.axes)), CORNERS_MAX)
    chosen = [
        {name: values[k] for (name, values), k in zip(plan.axes, corner, strict=True)}
        for corner in corners
    ]
    chosen += [plan[index] for index in range(min(CORNERS_MAX, len(plan)))]
    made = (make(strategy, fixed, params) for params in chosen)
    return largest_warm_up(made, bars, terms)


def checked_first(warm_up: int, bars: Bars, terms: Terms) -> int:
    """The bar of the first decision of a whole study.

    Raises:
        ConfigError: No bar is left to be measured.
    """
    first = max(warm_up - 1, 0) if terms.start_bar is None else terms.start_bar
    if first > bars.bar_count - 2:
        raise ConfigError(
            f"the largest warm-up of the plan needs {first + 2} bars or more, "
            f"there were {bars.bar_count}"
        )
    return first


def run_sweep_chunk(sweep: Sweep, chunk: Chunk) -> ArrowBatch:
    """Run the combinations of a chunk.

    Returns:
        One row a combination, in plan order: parameters, `METRICS`, status, reason.
    """
    with uncollected():
        chosen = [sweep.plan[index] for index in range(*chunk)]
        if sweep.made is not None:
            made: Sequence[Made] = sweep.made[slice(*chunk)]
        else:
            made = [make(sweep.strategy, sweep.fixed, params) for params in chosen]
        bars = largest_warm_up(made, sweep.bars, sweep.terms)
        if sweep.terms.start_bar is None and bars > sweep.first + 1:
            raise WarmUpError(
                f"all combinations must decide from one bar on, {sweep.first}; "
                f"one warms up for {bars} bars"
            )
        return _rows(sweep, chosen, made)


def _rows(sweep: Sweep, chosen: Sequence[Params], made: Sequence[Made]) -> ArrowBatch:
    outcomes = _run(sweep, [one for one in made if one.strategy is not None])
    feasible = np.array([one.strategy is not None for one in made])
    accounts = Account.zeros(len(made))
    accounts["worst_peak"] = 1  # rows without a run have no metrics, nor a division by zero
    accounts[feasible] = outcomes.accounts
    errors = iter(outcomes.errors)
    reasons = [one.reason if one.strategy is None else next(errors) for one in made]
    return _batch(sweep, chosen, accounts, reasons, feasible)


def _run(sweep: Sweep, made: Sequence[Made]) -> Outcomes:
    strategies = [one.strategy for one in made if one.strategy is not None]
    if not strategies:
        return Outcomes(Account.zeros(0), [])
    try:
        return run_chunk(
            strategies,
            sweep.bars,
            sweep.terms,
            sweep.first,
            features=[one.features for one in made],
            mode=sweep.mode,
        )
    except FanfoldError as error:
        if len(made) == 1:
            return Outcomes(Account.zeros(1), [str(error)])
    # One of them is not well formed: find out which, and let the others run.
    alone = [_run(sweep, [one]) for one in made]
    accounts = Account.zeros(len(alone))
    for place, one in enumerate(alone):
        accounts[place] = one.accounts[0]
    return Outcomes(accounts, [one.errors[0] for one in alone])


def _batch(
    sweep: Sweep,
    chosen: Sequence[Params],
    accounts: NDArray[Any],
    reasons: Sequence[str],
    feasible: NDArray[np.bool_],
) -> ArrowBatch:
    pa = arrow()
    failed = np.array([reason != "" for reason in reasons])
    accounts["worst_peak"][failed] = 1
    columns: dict[str, Any] = {
        name: pa.array([params[name] for params in chosen], pa.array(values).type)
        for name, values in sweep.plan.axes
    }
    metrics = metrics_of(accounts, sweep.bars, sweep.first, sweep.terms.cash, sweep.terms.risk_free)
    for name in METRICS:
        kind = pa.int64() if name in COUNT_METRICS else pa.float64()
        columns[name] = pa.array(metrics[name], kind, mask=failed)
    status = np.array(STATUSES, object)[accounts["status"]]
    status[failed] = FAILED
    status[~feasible] = INFEASIBLE
    columns["status"] = pa.array(status, pa.string())
    columns["reason"] = pa.array(reasons, pa.string())
    return pa.RecordBatch.from_pydict(columns)
