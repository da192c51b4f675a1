"""The jobs that tune, walk forward and cross-validate: one strategy or several."""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fanfold.domain.bars import Bars
from fanfold.engine.spec import Terms
from fanfold.errors import ConfigError
from fanfold.settings import Settings
from fanfold.workflows.cross_validate import CrossValidationResult
from fanfold.workflows.facts import facts_of, notes_of, title_of
from fanfold.workflows.fleet import Fleet
from fanfold.workflows.holdout import Kept, open_bars, study_name
from fanfold.workflows.inputs import terms_for
from fanfold.workflows.job import Finished
from fanfold.workflows.parts import KINDS, Part, part_metrics, run_part, weighed
from fanfold.workflows.terminal import evidence_lines, shown, status_line
from fanfold.workflows.tune import Study

if TYPE_CHECKING:
    from fanfold.reporting import RunView
    from fanfold.tracking import JobRecord

SHOWN_METRICS = ("sharpe", "cagr", "max_drawdown", "turnover", "efficiency")
"""What the terminal tells of a choice."""


def research_job(settings: Settings, folder: Path) -> Finished:
    """Run every part that a job asks for.

    Raises:
        FanfoldError: The input is at fault, or the cluster failed.
    """
    bars, kept = open_bars(settings)
    terms = terms_for(settings)
    with Fleet(settings.run.workers, settings.run.address) as fleet:
        found = [
            run_part(settings, asked, kind, (bars, terms), fleet, folder)
            for asked in settings.all_strategies
            for kind in KINDS[settings.job]
        ]
        parts = [weighed(part, fleet) for part in found]  # once all trials are counted
    if not any(part.metrics for part in parts):
        raise ConfigError("a search must have a trial with a result, had none")

    def views() -> "list[RunView]":
        return _run_views(settings, parts)

    def draw() -> Path:
        return _draw(settings, parts, bars, terms, folder)

    def record(artifacts: tuple[Path, ...]) -> "JobRecord":
        from fanfold.workflows.research_record import record_of

        return record_of(settings, parts, bars, artifacts, folder)

    digest = hashlib.sha256("".join(part.outcome.hash for part in parts).encode())
    return Finished(
        status="ok",
        result_hash=digest.hexdigest(),
        fingerprint=bars.fingerprint,
        metrics=part_metrics(parts[0]),
        lines=[line for part in parts for line in _lines(part)] + _kept_lines(settings, kept),
        artifacts=tuple(part.table_file for part in parts),
        problems=tuple(dict.fromkeys(part.problem for part in parts if part.problem)),
        draw=draw,
        views=views,
        record=record,
    )


def _lines(part: Part) -> list[str]:
    studied, metrics = part.studied, part.metrics
    statuses: dict[str, int] = {}
    for tuned in studied.tuned:
        for status in tuned.statuses:
            statuses[status] = statuses.get(status, 0) + 1
    workers = studied.workers
    where = "in this process" if workers == 0 else f"on {workers} processors of a cluster"
    count = sum(statuses.values())
    lines = ["", f"{part.name}: {count:,} trials {where} ({status_line(statuses)})"]
    lines += _outcome_lines(part)
    told = [
        f"{name.replace('_', ' ')} {shown(name, metrics[name])}"
        for name in SHOWN_METRICS
        if name in metrics
    ]
    lines.append("  " + ", ".join(told))
    return lines + ([] if part.evidence is None else evidence_lines(part.evidence))


def _outcome_lines(part: Part) -> list[str]:
    outcome = part.outcome
    if isinstance(outcome, Study):
        if outcome.best_number is None:
            return ["  no trial has a result"]
        best = ", ".join(f"{name}={_short(value)}" for name, value in outcome.best.items())
        front = len(outcome.tuned.front)
        return [f"  best {best}", *([f"  {front} trials on the Pareto front"] if front > 1 else [])]
    if isinstance(outcome, CrossValidationResult):
        found = outcome.metrics
        if "sharpe_median" not in found:
            return ["  no path has a result"]
        return [
            f"  {len(outcome.sharpes)} out-of-sample paths of {len(outcome.splits)} splits: "
            f"Sharpe {found['sharpe_low']:.2f} to {found['sharpe_high']:.2f}, "
            f"median {found['sharpe_median']:.2f}, {found['loss_share']:.0%} lost money"
        ]
    following = outcome.next_params or {}
    chosen = ", ".join(f"{name}={_short(value)}" for name, value in following.items()) or "nothing"
    return [f"  {len(outcome.tested)} folds out of sample; the latest window chooses {chosen}"]


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _kept_lines(settings: Settings, kept: Kept | None) -> list[str]:
    if kept is None:
        return []
    from fanfold.domain.period import day_text

    span = f"{day_text(kept.first_day)} to {day_text(kept.last_day)}"
    return ["", f"sealed  {span}; fanfold unseal {study_name(settings)} opens it, once"]


def _run_views(settings: Settings, parts: list[Part]) -> "list[RunView]":
    """The choice of each tuning, once more in full."""
    from fanfold.workflows.views import run_view

    notes = notes_of(settings)
    return [
        run_view(f"{part.name}, the best", part.outcome.result, notes)
        for part in parts
        if isinstance(part.outcome, Study) and part.outcome.best_number is not None
    ]


def _draw(settings: Settings, parts: list[Part], bars: Bars, terms: Terms, folder: Path) -> Path:
    from fanfold.reporting import write_report
    from fanfold.workflows.study_views import views_of

    studies, folds = views_of(parts)
    return write_report(
        folder / "report.html",
        title=title_of(settings),
        runs=_run_views(settings, parts) if len(settings.all_strategies) == 1 else [],
        sweeps=[],
        studies=studies,
        folds=folds,
        facts=facts_of(settings, bars, terms),
    )
