"""A sweep from its plan to its table, here or on a cluster."""

import hashlib
import json
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fanfold.domain.bars import Bars
from fanfold.engine.backtest import terms_of
from fanfold.engine.options import FillOptions
from fanfold.engine.run import check_bars, mode_for
from fanfold.engine.spec import Terms, code_hash
from fanfold.execution.costs import Costs
from fanfold.research.chunks import probe
from fanfold.research.plan import Grid, Params, Plan, axes_of, checked_name
from fanfold.research.sweep import (
    Sweep,
    checked_first,
    combination,
    largest_warm_up,
    run_sweep_chunk,
)
from fanfold.research.table import TABLE_ROWS_MAX, SweepTable
from fanfold.risk.limits import Limits
from fanfold.strategies.sizing import Exposure, FixedUnits
from fanfold.strategies.strategy import Strategy
from fanfold.workflows.fleet import Fleet

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepRun:
    """A finished sweep.

    Attributes:
        sweep: Its inputs.
        table: Its rows, on disk.
        workers: Processors that ran it; 0 is this process.
        seconds_each: Time of one combination on one core, as probed [s].
    """

    sweep: Sweep
    table: SweepTable
    workers: int
    seconds_each: float

    @property
    def hash(self) -> str:
        """Hash of all rows; independent of workers and chunks."""
        return table_hash(self.table)


def sweep(
    strategy: type[Strategy],
    space: Mapping[str, Iterable[Any] | Any],
    bars: Bars,
    *,
    fixed: Params | None = None,
    cash: float | Decimal = 100_000,
    costs: Costs | None = None,
    limits: Limits | None = None,
    sizing: Exposure | FixedUnits | None = None,
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
        checked_name(strategy, name)
    plan = Grid(axes_of(strategy, space))
    large = len(plan) > TABLE_ROWS_MAX
    with _kept(folder, for_good=large) as kept, Fleet(workers, address) as fleet:
        done = run_sweep(
            strategy,
            fixed or {},
            plan,
            bars,
            terms,
            fleet=fleet,
            folder=Path(kept),
            progress=progress,
        )
        return done.table if large else done.table.to_pandas()


def _kept(folder: Path | str | None, *, for_good: bool) -> AbstractContextManager[Path | str]:
    """The table's folder: the one asked for, or a temporary one."""
    if folder is not None:
        return nullcontext(folder)
    if for_good:
        return nullcontext(tempfile.mkdtemp(prefix="fanfold-sweep-"))
    return tempfile.TemporaryDirectory(prefix="fanfold-sweep-")


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
    warm_up = largest_warm_up(strategy, fixed, plan)
    inputs = Sweep(
        strategy=strategy,
        fixed=fixed,
        plan=plan,
        bars=bars,
        terms=terms,
        first=checked_first(warm_up, bars, terms),
        mode=mode_for(len(plan), bars),
    )
    table = _opened(folder, inputs)
    at, stop = table.resume(), len(plan)
    if at == stop:
        return SweepRun(sweep=inputs, table=table, workers=0, seconds_each=0.0)
    pace = probe(lambda a, b: run_sweep_chunk(inputs, (a, b)), at, stop)
    with _bar(stop, at, shown=progress) as advance:
        span = (at, stop)
        for batch in fleet.map(run_sweep_chunk, span, pace, shared=inputs, strategy=strategy):
            table.write(at, batch)
            at += batch.num_rows
            advance(batch.num_rows)
    return SweepRun(
        sweep=inputs, table=table, workers=fleet.processors, seconds_each=pace.seconds_each
    )


def _opened(folder: Path, inputs: Sweep) -> SweepTable:
    """The folder's table, emptied if it belongs to other inputs."""
    table = SweepTable(folder)
    identity = folder / "sweep.json"
    stated = json.dumps({"plan": plan_hash(inputs)})
    folder.mkdir(parents=True, exist_ok=True)
    if not identity.exists() or identity.read_text() != stated:
        table.clear()
        identity.write_text(stated)
    return table


def plan_hash(inputs: Sweep) -> str:
    """Hash of all inputs of a sweep; equal hashes mean equal rows."""
    made = (combination(inputs.strategy, inputs.fixed, inputs.plan[k])[0] for k in _some(inputs))
    one = next((strategy for strategy in made if strategy is not None), None)
    content = {
        "strategy": inputs.strategy.__qualname__,
        "code": code_hash(one) if one is not None else "",
        "fixed": inputs.fixed,
        "plan": repr(inputs.plan),
        "terms": inputs.terms.as_dict(),
        "data": inputs.bars.fingerprint,
        "first": inputs.first,
    }
    text = json.dumps(content, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _some(inputs: Sweep) -> range:
    return range(min(len(inputs.plan), 1_000))


def table_hash(table: SweepTable) -> str:
    """Hash of a table's rows, whatever parts they lie in."""
    digest = hashlib.sha256()
    rows = table.to_arrow().combine_chunks()
    for name in rows.column_names:
        digest.update(name.encode())
        digest.update(repr(rows.column(name).to_pylist()).encode())
    return digest.hexdigest()


def _bar(total: int, start: int, *, shown: bool) -> AbstractContextManager[Callable[[int], Any]]:
    """A progress bar with rate and time left on stderr, or nothing."""
    if not shown:
        return nullcontext(lambda _count: None)
    from tqdm import tqdm

    bar = tqdm(
        total=total, initial=start, unit="run", unit_scale=True, file=sys.stderr, dynamic_ncols=True
    )
    return _Updating(bar)


class _Updating(AbstractContextManager[Callable[[int], Any]]):
    def __init__(self, bar: Any) -> None:
        self.bar = bar

    def __enter__(self) -> Callable[[int], Any]:
        return self.bar.update

    def __exit__(self, *_: object) -> None:
        self.bar.close()
