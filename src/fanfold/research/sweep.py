"""Sweeps: every combination of a plan run over the same bars.

A chunk of a plan is a pure function of the shared inputs and two indices, and
equals its combinations run one by one. One that fails is a row with its reason.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from fanfold.domain.bars import Bars
from fanfold.engine.features import warm_up_of
from fanfold.engine.metrics import METRICS, metrics_of
from fanfold.engine.run import Mode, Outcomes, run_chunk
from fanfold.engine.spec import Terms
from fanfold.engine.state import STATUSES, Account
from fanfold.errors import ConfigError, FanfoldError
from fanfold.research.plan import Params, Plan
from fanfold.research.table import ArrowBatch, arrow
from fanfold.strategies.strategy import Strategy, features_of

COUNT_METRICS = frozenset({"periods_per_year", "round_trip_count", "fill_count"})

INFEASIBLE = "infeasible"
FAILED = "failed"

Chunk = tuple[int, int]
"""First combination of a chunk and the one after its last."""


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
    """

    strategy: type[Strategy]
    fixed: Params
    plan: Plan
    bars: Bars
    terms: Terms
    first: int
    mode: Mode = "machine"

    @property
    def window(self) -> Terms:
        """The terms of one combination on its own, decided and scored on the same bars."""
        return replace(self.terms, start_bar=self.first)


def combination(
    strategy: type[Strategy], fixed: Params, chosen: Params
) -> tuple[Strategy | None, str]:
    """One strategy of a plan, or None and why there is none."""
    try:
        return strategy(**fixed, **chosen), ""
    except ValidationError as error:
        return None, reason_of(error)


def reason_of(error: ValidationError) -> str:
    """The first finding of a validation, in one line with field and value."""
    found = error.errors(include_url=False)[0]
    message = found["msg"].removeprefix("Value error, ")
    where = ".".join(str(part) for part in found["loc"])
    return f"{where}: {message}, was {found['input']!r}" if where else message


def largest_warm_up(
    strategy: type[Strategy], fixed: Params, plan: Plan, chunk: Chunk | None = None
) -> int:
    """Largest warm-up of the feasible combinations of a plan, or of a chunk of it [bars].

    0 where no combination is feasible.
    """
    largest = 0
    for index in range(*(chunk or (0, len(plan)))):
        made, _ = combination(strategy, fixed, plan[index])
        if made is not None:
            largest = max(largest, warm_up_of(features_of(made)))
    return largest


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
    chosen = [sweep.plan[index] for index in range(*chunk)]
    made = [combination(sweep.strategy, sweep.fixed, params) for params in chosen]
    strategies = [strategy for strategy, _ in made if strategy is not None]
    outcomes = _run(sweep, strategies)
    feasible = np.array([strategy is not None for strategy, _ in made])
    accounts = Account.zeros(len(made))
    accounts["worst_peak"] = 1  # rows without a run have no metrics, nor a division by zero
    accounts[feasible] = outcomes.accounts
    errors = iter(outcomes.errors)
    reasons = [next(errors) if strategy is not None else reason for strategy, reason in made]
    return _batch(sweep, chosen, accounts, reasons, feasible)


def _run(sweep: Sweep, strategies: Sequence[Strategy]) -> Outcomes:
    if not strategies:
        return Outcomes(Account.zeros(0), [])
    try:
        return run_chunk(strategies, sweep.bars, sweep.terms, sweep.first, mode=sweep.mode)
    except FanfoldError as error:
        if len(strategies) == 1:
            return Outcomes(Account.zeros(1), [str(error)])
    # One of them is not well formed: find out which, and let the others run.
    alone = [_run(sweep, [strategy]) for strategy in strategies]
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
