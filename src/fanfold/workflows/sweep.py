"""A sweep from its plan to its table, here or on a cluster."""

import hashlib
import json
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from fanfold.domain.bars import Bars
from fanfold.engine.backtest import terms_of
from fanfold.engine.options import FillOptions
from fanfold.engine.run import check_bars, mode_for
from fanfold.engine.spec import Terms, code_hash
from fanfold.errors import ConfigError, WarmUpError
from fanfold.execution.costs import Costs
from fanfold.research.chunks import CHUNK_SIZE_MAX, PROBE_SIZE, Pace, cut, probe, uncollected
from fanfold.research.made import Made, largest_warm_up, make, make_all
from fanfold.research.plan import Grid, Params, Plan, axes_of, checked_name, combinations
from fanfold.research.sweep import Sweep, checked_first, likely_warm_up, run_sweep_chunk
from fanfold.research.table import (
    BLOCK_SUMS,
    TABLE_ROWS_MAX,
    ArrowBatch,
    SweepTable,
    arrow,
    rows_hash,
    stated_in,
)
from fanfold.risk.limits import Limits
from fanfold.strategies.sizing import Sizing
from fanfold.strategies.strategy import Strategy
from fanfold.workflows.fleet import Fleet
from fanfold.workflows.progress import announce
from fanfold.workflows.progress import progress as shown_progress

if TYPE_CHECKING:
    import pandas as pd

RANKED_BY = "sharpe"
"""What the best so far is of, while a sweep runs."""

CHUNK_ROWS_MAX = 2_500
"""Combinations of a chunk: bounds what a large sweep holds beyond what a small one does [rows]."""

PROBED_SHARE = 16
"""A chunk's part that is run to see how long its combinations take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepRun:
    """A finished sweep.

    Attributes:
        sweep: Its inputs.
        table: Its rows, on disk.
        workers: Processors that ran it; 0 is this process.
    """

    sweep: Sweep
    table: SweepTable
    workers: int

    @property
    def hash(self) -> str:
        """Hash of all rows; independent of workers and chunks."""
        return rows_hash(self.table.batches())


def sweep(
    strategy: type[Strategy],
    space: Mapping[str, Iterable[Any] | Any],
    bars: Bars,
    *,
    fixed: Params | None = None,
    cash: float | Decimal = 100_000,
    costs: Costs | None = None,
    limits: Limits | None = None,
    sizing: Sizing | None = None,
    venue: str = "alpaca",
    options: FillOptions | None = None,
    leverage: float = 1.0,
    start_bar: int | None = None,
    risk_free: float = 0.0,
    workers: int | None = None,
    address: str | None = None,
    folder: Path | str | None = None,
    progress: bool = False,
) -> "pd.DataFrame | SweepTable":
    """Run every combination of a search space over the same bars.

    All combinations decide and are scored from the same bar on: the largest warm-up
    of the plan. A combination that is infeasible or fails is a row with its reason.

    Args:
        strategy: Class whose parameters are swept.
        space: Values of each swept parameter: a range, a list, or one value.
        bars: The market.
        fixed: Parameters that all combinations share.
        cash: Starting cash [currency].
        costs: Commission and slippage.
        limits: What may not be passed.
        sizing: What a target means.
        venue: Whose rules orders follow.
        options: How orders are sized and filled.
        leverage: Gross exposure over equity that the account may hold [1].
        start_bar: First bar of decisions and measures.
        risk_free: Yearly risk-free return [1].
        workers: Processors: 0 runs in this process, None chooses.
        address: A running cluster.
        folder: Where the rows are kept as Parquet; a stopped sweep goes on there.
        progress: Show a bar with rate and time left.

    Returns:
        One row a combination, in plan order: parameters, metrics, status, reason. A
        data frame up to `TABLE_ROWS_MAX` rows, above a `SweepTable`.

    Raises:
        ConfigError: A parameter is unknown, or an argument is out of bounds.
    """
    terms = terms_of(
        cash=cash,
        costs=costs,
        limits=limits,
        sizing=sizing,
        venue=venue,
        options=options,
        leverage=leverage,
        start_bar=start_bar,
        risk_free=risk_free,
    )
    check_bars(bars)
    for name in fixed or {}:
        if checked_name(strategy, name) in space:
            raise ConfigError(f"{name} must be fixed or swept, was both")
    plan = Grid(axes_of(strategy, space))
    asked = _Asked(strategy, fixed or {}, plan, bars, terms)
    with Fleet(workers, address) as fleet:
        if folder is None and len(plan) <= TABLE_ROWS_MAX:
            inputs = _inputs(asked)
            batches = list(_batches(inputs, (0, len(plan)), fleet, progress=progress))
            return arrow().Table.from_batches(batches).drop_columns([BLOCK_SUMS]).to_pandas()
        place = Path(folder) if folder is not None else Path(mkdtemp(prefix="fanfold-sweep-"))
        done = run_sweep(*asked, fleet=fleet, folder=place, progress=progress)
        return done.table if len(plan) > TABLE_ROWS_MAX else done.table.to_pandas()


class _Asked(NamedTuple):
    """What a sweep is asked to run."""

    strategy: type[Strategy]
    fixed: Params
    plan: Plan
    bars: Bars
    terms: Terms


def run_sweep(
    strategy: type[Strategy],
    fixed: Params,
    plan: Plan,
    bars: Bars,
    terms: Terms,
    *,
    fleet: Fleet,
    folder: Path,
    progress: bool,
) -> SweepRun:
    """Run a plan, committing each chunk to the folder, and go on where it stopped."""
    asked = _Asked(strategy, fixed, plan, bars, terms)
    try:
        return _run_committing(_inputs(asked), fleet, folder, progress=progress)
    except WarmUpError:
        exact = _inputs(asked, exact=True)
        return _run_committing(exact, fleet, folder, progress=progress)


def _run_committing(inputs: Sweep, fleet: Fleet, folder: Path, *, progress: bool) -> SweepRun:
    inputs, table = _opened(folder, inputs)
    at = table.resume()
    for batch in _batches(inputs, (at, len(inputs.plan)), fleet, progress=progress):
        table.write(at, batch)
        at += batch.num_rows
    return SweepRun(sweep=inputs, table=table, workers=fleet.processors)


def _inputs(asked: _Asked, *, exact: bool = False) -> Sweep:
    """The shared inputs of a sweep; a small plan's combinations are made at once.

    A large plan's are made in its chunks, so that neither memory nor the wait before
    the first chunk grows with it.
    """
    strategy, fixed, plan, bars, terms = asked
    kept: list[Made] | None = None
    with uncollected():
        if len(plan) <= TABLE_ROWS_MAX:
            kept = make_all(strategy, fixed, combinations(plan, 0, len(plan)))
            warm_up = largest_warm_up(kept, bars, terms)
        elif exact:
            warm_up = max(
                largest_warm_up(make_all(strategy, fixed, combinations(plan, *span)), bars, terms)
                for span in cut(0, len(plan), CHUNK_SIZE_MAX)
            )
        else:
            warm_up = likely_warm_up(strategy, fixed, plan, bars, terms)
    return Sweep(
        strategy=strategy,
        fixed=fixed,
        plan=plan,
        bars=bars,
        terms=terms,
        first=checked_first(warm_up, bars, terms),
        mode=mode_for(len(plan), bars),
        made=kept,
    )


def _batches(
    inputs: Sweep, span: tuple[int, int], fleet: Fleet, *, progress: bool
) -> Iterator[ArrowBatch]:
    """Run a span of the plan; its rows in plan order, chunk by chunk."""
    if span[0] == span[1]:
        return
    start, stop = span
    name = inputs.strategy.__name__
    pace = _pace(inputs, start, stop)
    processors = fleet.gather(pace.seconds(stop - start), inputs.strategy)
    announce(name, stop - start, pace, processors, inputs, shown=progress)
    chunks = fleet.cut(pace, start, stop, size_max=CHUNK_ROWS_MAX)
    shared = replace(inputs, made=None) if processors else inputs
    with shown_progress(name, stop, done=start, measure=RANKED_BY, shown=progress) as state:
        for batch in fleet.map(run_sweep_chunk, chunks, shared=shared):
            yield batch
            state.best = max_of(state.best, batch.column(RANKED_BY))
            state.advance(batch.num_rows)


def _pace(inputs: Sweep, start: int, stop: int) -> Pace:
    """How long a combination takes: where that is short, among more than the probe's few.

    Among few it is mostly what a chunk takes before its first and after its last, and the
    first of a plan are its extremes: so they are taken from its middle.
    """
    pace = probe(lambda count: run_sweep_chunk(inputs, (start, start + count)), stop - start)
    more = min(pace.chunk_size // PROBED_SHARE, stop - start)
    if more <= PROBE_SIZE:
        return pace
    middle = (start + stop - more) // 2
    began = time.perf_counter()
    run_sweep_chunk(inputs, (middle, middle + more))
    return Pace(min(pace.seconds_each, (time.perf_counter() - began) / more))


def _opened(folder: Path, inputs: Sweep) -> tuple[Sweep, SweepTable]:
    """The folder's table, emptied if it belongs to others, and the inputs to go on with."""
    table = SweepTable(folder)
    identity = folder / "sweep.json"
    known = stated_in(identity)
    stated = plan_hash(inputs)
    if known.get("plan") == stated and known["first"] >= inputs.first:
        return replace(inputs, first=known["first"]), table
    table.clear()
    identity.write_text(json.dumps({"plan": stated, "first": inputs.first}))
    return inputs, table


def plan_hash(inputs: Sweep) -> str:
    """Hash of all inputs of a sweep; equal hashes mean equal rows."""
    made = (make(inputs.strategy, inputs.fixed, inputs.plan[k]).strategy for k in _some(inputs))
    one = next((strategy for strategy in made if strategy is not None), None)
    content = {
        "strategy": inputs.strategy.__qualname__,
        "code": code_hash(one) if one is not None else "",
        "fixed": inputs.fixed,
        "plan": repr(inputs.plan),
        "terms": inputs.terms.as_dict(),
        "data": inputs.bars.fingerprint,
    }
    text = json.dumps(content, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _some(inputs: Sweep) -> range:
    return range(min(len(inputs.plan), 1_000))


def max_of(best: float, column: Any) -> float:
    """The best so far and the largest of a column; NaN counts as nothing."""
    values = column.drop_null().to_numpy(zero_copy_only=False)
    found = values[np.isfinite(values)]
    return float(np.fmax(best, found.max())) if len(found) else best
