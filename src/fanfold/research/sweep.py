"""Sweeps: every combination of a plan run over the same bars.

A chunk of a plan is a pure function of the shared inputs and two indices, and
equals its combinations run one by one. One that fails is a row with its reason.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from pydantic import ValidationError

from fanfold.domain.bars import Bars
from fanfold.engine.features import warm_up_of
from fanfold.engine.metrics import METRICS, metrics_of
from fanfold.engine.run import Mode, Outcome, run_chunk
from fanfold.engine.spec import Terms
from fanfold.engine.state import STATUSES, Account
from fanfold.errors import ConfigError, FanfoldError
from fanfold.research.plan import Params, Plan
from fanfold.research.table import ArrowBatch, arrow
from fanfold.strategies.indicators.indicator import Indicator
from fanfold.strategies.strategy import Strategy, features_of

BANK_BYTES_MAX = 64 * 2**20
"""Feature values that a chunk holds at a time [bytes]; more are computed in turns."""

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
    outcomes = iter(_run(sweep, strategies))
    rows = [
        next(outcomes) if strategy is not None else Outcome(_NOTHING, reason)
        for strategy, reason in made
    ]
    infeasible = np.array([strategy is None for strategy, _ in made])
    return _batch(sweep, chosen, rows, infeasible)


_NOTHING = Account.zeros(1)


def _run(sweep: Sweep, strategies: Sequence[Strategy]) -> Iterator[Outcome]:
    """Outcomes in order, as many runs at a time as their features have room for."""
    column_bytes = sweep.bars.bar_count * sweep.bars.asset_count * 8
    limit = max(BANK_BYTES_MAX // column_bytes, 1)
    group: list[Strategy] = []
    known: dict[Indicator, int] = {}
    for strategy in strategies:
        features = features_of(strategy)
        known |= {feature: feature.output_count for feature in features}
        if group and sum(known.values()) > limit:
            yield from _run_group(sweep, group)
            group = []
            known = {feature: feature.output_count for feature in features}
        group.append(strategy)
    if group:
        yield from _run_group(sweep, group)


def _run_group(sweep: Sweep, group: Sequence[Strategy]) -> list[Outcome]:
    try:
        return run_chunk(group, sweep.bars, sweep.terms, sweep.first, mode=sweep.mode)
    except FanfoldError as error:
        if len(group) == 1:
            return [Outcome(_NOTHING, str(error))]
        # One of them is not well formed: find out which, and let the others run.
        return [outcome for one in group for outcome in _run_group(sweep, [one])]


def _batch(
    sweep: Sweep, chosen: Sequence[Params], rows: Sequence[Outcome], infeasible: Any
) -> ArrowBatch:
    pa = arrow()
    accounts = np.concatenate([row.account for row in rows])
    empty = accounts["worst_peak"] == 0
    accounts["worst_peak"][empty] = 1
    failed = np.array([row.error != "" for row in rows])
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
    status[infeasible] = INFEASIBLE
    columns["status"] = pa.array(status, pa.string())
    columns["reason"] = pa.array([row.error for row in rows], pa.string())
    return pa.RecordBatch.from_pydict(columns)
