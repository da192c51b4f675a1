"""The jobs that sweep: one strategy, or a demonstration of several."""

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fanfold.domain.bars import Bars
from fanfold.engine.backtest import run_backtest
from fanfold.engine.result import Result
from fanfold.engine.spec import Terms
from fanfold.errors import ConfigError
from fanfold.research.plan import Grid, Plan, Sample, axes_of
from fanfold.settings import Settings, StrategySettings
from fanfold.workflows.evidence import evidence_metrics
from fanfold.workflows.facts import facts_of, notes_of, tags_of, title_of
from fanfold.workflows.fleet import Fleet
from fanfold.workflows.inputs import checked_bars, checked_objective, terms_for
from fanfold.workflows.job import Finished
from fanfold.workflows.strategies import find_strategy, made, split_space
from fanfold.workflows.sweep import SweepRun, run_sweep
from fanfold.workflows.terminal import best_lines, evidence_lines, status_line
from fanfold.workflows.weighing import weighed_sweep

if TYPE_CHECKING:
    from fanfold.reporting import RunView
    from fanfold.research.evidence import Evidence
    from fanfold.tracking import ChildRecord, JobRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """One strategy's part of the job.

    Attributes:
        asked: As the configuration names it.
        run: The finished sweep.
        table_file: Its rows as one Parquet file.
        counts: Combinations by status.
        best: The best combination, run again in full on the sweep's window; None if
            no combination could be run.
        evidence: What speaks for the best and against it.
        problems: What went wrong beside the result.
    """

    asked: StrategySettings
    run: SweepRun
    table_file: Path
    counts: Mapping[str, int]
    best: Result | None
    evidence: "Evidence | None"
    problems: tuple[str, ...]


def sweeps_job(settings: Settings, folder: Path) -> Finished:
    """Sweep every strategy that the job names.

    Raises:
        FanfoldError: The input is at fault, or the cluster failed.
    """
    objective = checked_objective(settings)
    bars, terms = checked_bars(settings), terms_for(settings)
    with Fleet(settings.run.workers, settings.run.address) as fleet:
        parts = [
            _sweep(settings, asked, bars, terms, fleet, folder) for asked in settings.all_strategies
        ]
    found = [part for part in parts if part.best is not None]
    if not found:
        raise ConfigError("a sweep must have a combination that can be run, had none")
    top = max(found, key=lambda part: _value(part, objective))
    lines = [line for part in parts for line in _lines(part, objective)]

    def views() -> "list[RunView]":
        return _best_views(settings, parts)

    def draw() -> Path:
        return _draw(settings, parts, bars, terms, folder)

    def record(artifacts: tuple[Path, ...]) -> "JobRecord":
        return _record(settings, parts, top, artifacts)

    digest = hashlib.sha256("".join(part.run.hash for part in parts).encode())
    return Finished(
        status="ok",
        result_hash=digest.hexdigest(),
        fingerprint=bars.fingerprint,
        metrics=_metrics(top),
        lines=lines,
        artifacts=tuple(part.table_file for part in parts),
        problems=tuple(problem for part in parts for problem in part.problems),
        draw=draw,
        views=views,
        record=record,
    )


def _sweep(  # noqa: PLR0917
    settings: Settings,
    asked: StrategySettings,
    bars: Bars,
    terms: Terms,
    fleet: Fleet,
    folder: Path,
) -> Swept:
    strategy = find_strategy(asked.name)
    swept, fixed = split_space(asked.params)
    if not swept:
        raise ConfigError(
            f"a sweep of {asked.name} must vary a parameter with range or values, varied none"
        )
    axes_of(strategy, {**swept, **fixed})  # refuses unknown names among the fixed ones too
    run = run_sweep(
        strategy,
        fixed,
        _plan(settings, axes_of(strategy, swept)),
        bars,
        terms,
        fleet=fleet,
        folder=folder / f"sweep-{strategy.__name__}",
        progress=True,
    )
    table_file = run.table.merged(folder / f"{strategy.__name__}.parquet")
    best = _best(run, settings.objective)
    evidence, problems = (
        (None, [])
        if best is None
        else weighed_sweep(run, best, fleet, job=settings.job, seed=settings.run.seed)
    )
    return Swept(
        asked=asked,
        run=run,
        table_file=table_file,
        counts=_counts(run),
        best=best,
        evidence=evidence,
        problems=tuple(problems),
    )


def _counts(run: SweepRun) -> Counter[str]:
    """Combinations by status, part by part."""
    found: Counter[str] = Counter()
    for rows in run.table.batches():
        found.update(rows.column("status").to_pylist())
    return found


def _plan(settings: Settings, axes: Any) -> Plan:
    if settings.run.samples is None:
        return Grid(axes)
    return Sample(axes=axes, count=settings.run.samples, seed=settings.run.seed)


def _best(run: SweepRun, objective: str) -> Result | None:
    """The best combination once more, to be looked at in full."""
    rows = run.table.best(objective, 1)
    rows = rows[(rows["status"] == "ok") & rows[objective].notna()]
    if rows.empty:
        return None
    params = row_params(run, rows.iloc[0])
    strategy = made(run.sweep.strategy, {**run.sweep.fixed, **params})
    return run_backtest(strategy, run.sweep.bars, run.sweep.window)


def row_params(run: SweepRun, row: Any) -> dict[str, Any]:
    """The parameters of a table's row, as the plan had them."""
    known = {name: {value: value for value in values} for name, values in run.sweep.plan.axes}
    return {name: values[row[name]] for name, values in known.items()}


def _value(part: Swept, objective: str) -> float:
    return float("-inf") if part.best is None else part.best.metrics[objective]


def _metrics(part: Swept) -> dict[str, float]:
    """Metrics of the best, and what it weighs."""
    found = {} if part.best is None else part.best.metrics
    return found if part.evidence is None else {**found, **evidence_metrics(part.evidence)}


def _lines(part: Swept, objective: str) -> list[str]:
    run = part.run
    where = "in this process" if run.workers == 0 else f"on {run.workers} processors of a cluster"
    params = [name for name, _ in run.sweep.plan.axes]
    return [
        "",
        f"{part.asked.name}: {len(run.sweep.plan):,} combinations {where} "
        f"({status_line(part.counts)})",
        *best_lines(run.table, params, objective),
        *([] if part.evidence is None else evidence_lines(part.evidence)),
    ]


def _best_views(settings: Settings, parts: list[Swept]) -> "list[RunView]":
    """The best combination of each sweep that has one."""
    from fanfold.workflows.views import run_view

    notes = notes_of(settings)
    return [
        replace(
            run_view(f"{part.asked.name}, best of {len(part.run.sweep.plan):,}", part.best, notes),
            evidence=part.evidence,
        )
        for part in parts
        if part.best is not None
    ]


def _draw(settings: Settings, parts: list[Swept], bars: Bars, terms: Terms, folder: Path) -> Path:
    from fanfold.reporting import write_report
    from fanfold.workflows.views import sweep_view

    return write_report(
        folder / "report.html",
        title=title_of(settings),
        runs=_best_views(settings, parts),
        sweeps=[
            sweep_view(
                part.run.sweep,
                part.run.table,
                settings.objective,
                {} if part.best is None else part.best.strategy.model_dump(),
            )
            for part in parts
        ],
        facts=facts_of(settings, bars, terms),
    )


def _record(
    settings: Settings, parts: list[Swept], top: Swept, artifacts: tuple[Path, ...]
) -> "JobRecord":
    from fanfold.tracking import JobRecord

    sweep = top.run.sweep
    codes = [part.best.code_hash for part in parts if part.best is not None]
    return JobRecord(
        job=settings.job,
        experiment=settings.track.experiment,
        name=title_of(settings),
        params={
            "objective": settings.objective,
            "strategies": [asked.model_dump() for asked in settings.all_strategies],
            "terms": sweep.terms.as_dict(),
            "data": settings.data.model_dump(mode="json"),
        },
        metrics={
            **_metrics(top),
            "combinations": float(sum(len(part.run.sweep.plan) for part in parts)),
        },
        tags=tags_of(settings, sweep.bars, " ".join(codes)),
        artifacts=artifacts,
        children=tuple(child for part in parts for child in _children(settings, part)),
    )


def _children(settings: Settings, part: Swept) -> "list[ChildRecord]":
    """The best combinations, which people compare; all others are in the table."""
    from fanfold.engine.metrics import METRICS
    from fanfold.tracking import ChildRecord

    rows = part.run.table.best(settings.objective, settings.top)
    rows = rows[rows["status"] == "ok"]
    return [
        ChildRecord(
            name=f"{part.asked.name} #{rank}",
            params={"strategy": part.asked.name, "params": row_params(part.run, row)},
            metrics={name: float(row[name]) for name in METRICS},
            tags={"rank": rank},
        )
        for rank, (_, row) in enumerate(rows.iterrows(), start=1)
    ]
