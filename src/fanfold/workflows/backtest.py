"""The job that runs one strategy once."""

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from fanfold.engine.backtest import run_backtest
from fanfold.engine.result import Result
from fanfold.errors import FanfoldError
from fanfold.settings import Settings, StrategySettings
from fanfold.workflows.facts import facts_of, notes_of, tags_of
from fanfold.workflows.inputs import checked_bars, terms_for
from fanfold.workflows.job import Finished
from fanfold.workflows.strategies import find_strategy, made
from fanfold.workflows.terminal import metric_lines
from fanfold.workflows.weighing import count_backtest, weighed_backtest

if TYPE_CHECKING:
    from fanfold.reporting import RunView
    from fanfold.tracking import JobRecord


def backtest_job(settings: Settings, folder: Path) -> Finished:
    """Run one strategy.

    Raises:
        FanfoldError: The input is at fault, or the decision failed.
    """
    bars, terms = checked_bars(settings), terms_for(settings)
    (asked,) = settings.all_strategies
    strategy = made(find_strategy(asked.name), asked.params)
    result = run_backtest(strategy, bars, terms)
    name = type(strategy).__name__

    problems: list[str] = []
    try:
        count_backtest(result, job=settings.job, study=result_hash(result))
    except FanfoldError as error:  # the result must not be lost with the count
        problems.append(str(error))

    def views() -> "list[RunView]":
        from fanfold.workflows.risk import usual_risk
        from fanfold.workflows.risk_record import view_of
        from fanfold.workflows.views import run_view

        evidence = weighed_backtest(result, seed=settings.run.seed)
        risk = view_of(usual_risk(result, seed=settings.run.seed))
        view = run_view(name, result, notes_of(settings))
        return [replace(view, evidence=evidence, risk=risk)]

    def draw() -> Path:
        from fanfold.reporting import write_report

        return write_report(
            folder / "report.html",
            title=f"{name} backtest",
            runs=views(),
            sweeps=[],
            facts=facts_of(settings, bars, terms),
        )

    def record(artifacts: tuple[Path, ...]) -> "JobRecord":
        return _record(settings, asked, result, artifacts)

    head = f"{name}({', '.join(f'{k}={v}' for k, v in strategy.model_dump().items())})"
    ended = "" if result.status == "ok" else f"  [{result.status}]"
    return Finished(
        status=result.status,
        result_hash=result_hash(result),
        fingerprint=bars.fingerprint,
        metrics=result.metrics,
        problems=tuple(problems),
        lines=[head + ended, *metric_lines(result.metrics)],
        draw=draw,
        views=views,
        record=record,
    )


def result_hash(result: Result) -> str:
    """Hash of a run's inputs and of what came out."""
    came_out = repr((result.hash, result.final_cash, sorted(result.metrics.items())))
    return hashlib.sha256(came_out.encode()).hexdigest()


def _record(
    settings: Settings, asked: StrategySettings, result: Result, artifacts: tuple[Path, ...]
) -> "JobRecord":
    from fanfold.tracking import JobRecord

    return JobRecord(
        job=settings.job,
        experiment=settings.track.experiment,
        name=f"{settings.job} {asked.name}",
        params={
            "strategy": asked.name,
            "params": result.strategy.model_dump(),
            "terms": result.terms.as_dict(),
            "data": settings.data.model_dump(mode="json"),
        },
        metrics=result.metrics,
        tags={
            **tags_of(settings, result.bars, result.code_hash),
            "result_hash": result_hash(result),
        },
        artifacts=artifacts,
    )
