"""Sweeps: every combination of a plan run over the same bars.

A chunk of a plan is a pure function of the shared inputs and two indices, and
equals its combinations run one by one. One that fails is a row with its reason.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice, product
from typing import Any

import numpy as np

from fanfold.domain.bars import Bars
from fanfold.engine.blocks import BLOCK_COUNT
from fanfold.engine.metrics import COUNT_METRICS, METRICS, measured, metrics_of
from fanfold.engine.run import Mode
from fanfold.engine.spec import Terms
from fanfold.errors import ConfigError, WarmUpError
from fanfold.research.chunks import uncollected
from fanfold.research.made import FAILED, INFEASIBLE, Made, largest_warm_up, make_all, run_made
from fanfold.research.plan import Params, Plan, combinations
from fanfold.research.table import BLOCK_SUMS, ArrowBatch, arrow, sums_column
from fanfold.strategies.strategy import Strategy

CORNERS_MAX = 4_096
"""Combinations of a large plan that are looked at before it begins."""

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
    chosen += combinations(plan, 0, min(CORNERS_MAX, len(plan)))
    return largest_warm_up(make_all(strategy, fixed, chosen), bars, terms)


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
        if sweep.made is not None:
            made: Sequence[Made] = sweep.made[slice(*chunk)]
        else:
            made = make_all(sweep.strategy, sweep.fixed, combinations(sweep.plan, *chunk))
        bars = largest_warm_up(made, sweep.bars, sweep.terms)
        if sweep.terms.start_bar is None and bars > sweep.first + 1:
            raise WarmUpError(
                f"all combinations must decide from one bar on, {sweep.first}; "
                f"one warms up for {bars} bars"
            )
        return _rows(sweep, chunk, made)


def _rows(sweep: Sweep, chunk: Chunk, made: Sequence[Made]) -> ArrowBatch:
    pa = arrow()
    ended = run_made(
        made, sweep.bars, sweep.terms, sweep.first, mode=sweep.mode, block_count=BLOCK_COUNT
    )
    outcomes = ended.outcomes
    columns: dict[str, Any] = {
        name: pa.array(values).take(pa.array(places))
        for (name, values), places in zip(sweep.plan.axes, sweep.plan.places(*chunk), strict=True)
    }
    metrics = metrics_of(
        measured(outcomes.accounts, sweep.bars, sweep.first),
        cash=sweep.terms.cash,
        periods_per_year=sweep.bars.periods_per_year,
        risk_free=sweep.terms.risk_free,
    )
    failed = np.isin(ended.statuses, (FAILED, INFEASIBLE))
    for name in METRICS:
        kind = pa.int64() if name in COUNT_METRICS else pa.float64()
        columns[name] = pa.array(metrics[name], kind, mask=failed)
    columns["status"] = pa.array(ended.statuses, pa.string())
    columns["reason"] = pa.array(outcomes.errors, pa.string())
    columns[BLOCK_SUMS] = sums_column(outcomes.blocks)
    return pa.RecordBatch.from_pydict(columns)
