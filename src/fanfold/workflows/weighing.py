"""Sweeps and single backtests counted and weighed."""

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fanfold.engine.blocks import block_cuts, block_returns
from fanfold.engine.result import Result
from fanfold.engine.windows import Window
from fanfold.errors import FanfoldError
from fanfold.research.made import FAILED, INFEASIBLE
from fanfold.research.plan import Params
from fanfold.research.series import SAMPLE_MAX
from fanfold.research.table import BLOCK_SUMS, ArrowTable, arrow, sums_of_column
from fanfold.strategies.strategy import learns
from fanfold.workflows.counting import BATCH_ROWS, SCORES, Tried, count_all, enter
from fanfold.workflows.evidence import Question, own_count, weigh
from fanfold.workflows.fleet import Fleet
from fanfold.workflows.sweep import SweepRun

if TYPE_CHECKING:
    from fanfold.research.evidence import Evidence

BLOCK_TRIALS_MAX = 100_000
"""Trials whose blocks are split for the probability of overfitting; of more, a sample."""


def weighed_sweep(
    run: SweepRun, best: Result, fleet: Fleet, *, job: str, seed: int
) -> "tuple[Evidence, list[str]]":
    """Count a sweep's combinations, and weigh the best of them.

    Returns:
        The evidence, and what went wrong beside it.
    """
    sweep, problems = run.sweep, list[str]()
    window = Window(sweep.first, sweep.bars.bar_count)
    places, sums = _blocks(run, seed)
    counts = _block_counts(run, sums.shape[1])
    try:
        for tried in _tried(run, best, window):
            enter(tried, job=job, study=run.hash)
        counted = count_all(best.strategy, sweep.bars, window)
    except FanfoldError as error:  # what was found must not be lost with the count
        problems.append(str(error))
        counted = own_count(sums, counts)
    names = {name for name, _ in sweep.plan.axes}
    chosen = {name: value for name, value in best.strategy if name in names}
    looked = _drawn(places, SAMPLE_MAX, seed)
    question = Question(
        strategy=sweep.strategy,
        fixed=sweep.fixed,
        bars=sweep.bars,
        terms=sweep.terms,
        window=window,
        chosen=chosen,
        params=[sweep.plan[int(place)] for place in looked],
        counted=counted,
        blocks=(sums, counts),
        seed=seed,
    )
    return weigh(question, fleet), problems


def count_backtest(result: Result, *, job: str, study: str) -> None:
    """Add one backtest to the ledger.

    Raises:
        FanfoldError: The ledger cannot be written.
    """
    values = {name: [_whole(name, result.metrics[name])] for name in SCORES}
    enter(
        Tried(
            strategy=result.strategy,
            bars=result.bars,
            terms=result.terms,
            window=_window(result),
            params=[dict(result.strategy)],
            scores=values,
            statuses=[result.status],
        ),
        job=job,
        study=study,
    )


def weighed_backtest(result: Result, *, seed: int = 0) -> "Evidence | None":
    """Weigh one backtest among all trials of its strategy that were ever counted.

    Returns:
        None for a strategy that learns: its trials cannot be made again from parameters.

    Raises:
        FanfoldError: The ledger cannot be read.
    """
    if learns(type(result.strategy)):
        return None
    window = _window(result)
    counted = count_all(result.strategy, result.bars, window)
    question = Question(
        strategy=type(result.strategy),
        fixed={},
        bars=result.bars,
        terms=result.terms,
        window=window,
        chosen=dict(result.strategy),
        params=_known(result, window),
        counted=counted,
        seed=seed,
    )
    with Fleet(0, None) as fleet:
        return weigh(question, fleet)


def _window(result: Result) -> Window:
    return Window(result.first, result.terms.last(result.bars))


def _known(result: Result, window: Window) -> list[Params]:
    """Parameters of counted trials of the same class and code on overlapping data."""
    from fanfold.tracking import query_table, read_ledger, trial_schema

    kind, days = type(result.strategy), result.bars.session_day
    first, last = int(days[window.first]), int(days[window.last - 1])
    where = (
        f'code == "{result.code_hash}" and strategy == "{kind.__name__}" '
        f"and first_day <= {last} and last_day >= {first}"
    )

    def read(files: Any) -> list[str]:
        found = query_table(
            files, where, columns=["params"], limit=SAMPLE_MAX, schema=trial_schema()
        )
        return found.column("params").to_pylist()

    texts = dict.fromkeys(read_ledger(read))
    known = set(kind.model_fields)
    found: list[Params] = [json.loads(text) for text in texts]
    return [params for params in found if set(params) <= known]


def _blocks(run: SweepRun, seed: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Places of the combinations that were run, and the blocks of those that have room."""
    ran: list[NDArray[np.int64]] = []
    at = 0
    for rows in run.table.batches():
        statuses = rows.column("status").to_numpy(zero_copy_only=False)
        ran.append(at + np.flatnonzero(~np.isin(statuses, (FAILED, INFEASIBLE))))
        at += rows.num_rows
    places = np.concatenate(ran)
    chosen = _drawn(places, BLOCK_TRIALS_MAX, seed)
    kept: list[NDArray[np.float64]] = []
    at = 0
    for rows in run.table.whole_batches():
        own = chosen[(chosen >= at) & (chosen < at + rows.num_rows)] - at
        kept.append(sums_of_column(rows.column(BLOCK_SUMS))[own])
        at += rows.num_rows
    return places, np.concatenate(kept)


def _drawn(places: NDArray[np.int64], most: int, seed: int) -> NDArray[np.int64]:
    """At most so many of them, drawn at random, in their order."""
    if len(places) <= most:
        return places
    rng = np.random.default_rng([seed, len(places)])
    return np.sort(rng.choice(places, most, replace=False))


def _block_counts(run: SweepRun, block_count: int) -> NDArray[np.int64]:
    sweep = run.sweep
    cuts = block_cuts(sweep.bars, sweep.first, sweep.bars.bar_count, block_count)
    return block_returns(sweep.bars, sweep.first, cuts)


def _tried(run: SweepRun, best: Result, window: Window) -> Iterator[Tried]:
    """The rows of a sweep, some at a time."""
    sweep = run.sweep
    names = [name for name, _ in sweep.plan.axes]
    for rows in _regrouped(run.table.batches()):
        columns = {name: rows.column(name).to_pylist() for name in [*names, *SCORES, "status"]}
        yield Tried(
            strategy=best.strategy,
            bars=sweep.bars,
            terms=sweep.terms,
            window=window,
            params=[
                {**sweep.fixed, **dict(zip(names, values, strict=True))}
                for values in zip(*(columns[name] for name in names), strict=True)
            ],
            scores=_scores(columns),
            statuses=columns["status"],
        )


def _regrouped(tables: Iterator[ArrowTable]) -> Iterator[ArrowTable]:
    """The same rows cut anew: what the ledger gets must not depend on how a sweep was cut."""
    held: ArrowTable = None
    for table in tables:
        held = table if held is None else arrow().concat_tables([held, table])
        while held.num_rows >= BATCH_ROWS:
            yield held.slice(0, BATCH_ROWS)
            held = held.slice(BATCH_ROWS)
    if held is not None and held.num_rows:
        yield held


def _scores(columns: Mapping[str, list[Any]]) -> dict[str, list[Any]]:
    return {name: [_whole(name, value) for value in columns[name]] for name in SCORES}


def _whole(name: str, value: Any) -> Any:
    number = np.nan if value is None else float(value)
    if name == "return_count":
        return 0 if np.isnan(number) else int(number)
    return number
