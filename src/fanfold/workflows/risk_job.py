"""What the jobs about risk share: counted, shown, drawn and tracked alike."""

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fanfold.engine.result import Result
from fanfold.errors import FanfoldError
from fanfold.settings import Settings
from fanfold.workflows.backtest import result_hash
from fanfold.workflows.facts import notes_of, title_of
from fanfold.workflows.job import Finished
from fanfold.workflows.risk import RiskFound
from fanfold.workflows.risk_figures import figures_of, metrics_of_risk
from fanfold.workflows.risk_record import draw_risk, record_risk
from fanfold.workflows.risk_terminal import risk_lines
from fanfold.workflows.weighing import count_backtest

if TYPE_CHECKING:
    from fanfold.reporting import RunView
    from fanfold.tracking import JobRecord


def finished(settings: Settings, found: RiskFound, folder: Path, problems: list[str]) -> Finished:
    """A job of either kind, ready to be shown, drawn and tracked."""
    figures = figures_of(found)
    file = folder / "risk.json"
    file.write_text(json.dumps(figures, indent=1, sort_keys=True), encoding="utf-8")
    artifacts = [file]
    if found.histories is not None:
        artifacts.append(folder / "histories.parquet")
        found.histories.runs.to_frame().to_parquet(artifacts[-1])

    def views() -> "list[RunView]":
        from fanfold.workflows.views import run_view

        return [run_view(found.name, found.result, notes_of(settings))]

    def draw() -> Path:
        return draw_risk(settings, found, folder)

    def record(files: tuple[Path, ...]) -> "JobRecord":
        return record_risk(settings, found, files, figures)

    return Finished(
        status=found.result.status,
        result_hash=hash_of(figures, found.result),
        fingerprint=found.result.bars.fingerprint,
        metrics=metrics_of_risk(figures, found.result),
        lines=[title_of(settings), *risk_lines(found)],
        artifacts=tuple(artifacts),
        problems=tuple(problems),
        draw=draw,
        views=views,
        record=record,
    )


def hash_of(figures: dict[str, Any], result: Result) -> str:
    """Hash of a run and of all that was found about it; equal hashes mean equal bits."""
    text = json.dumps(figures, sort_keys=True)
    return hashlib.sha256(f"{result_hash(result)} {text}".encode()).hexdigest()


def count(result: Result, settings: Settings, problems: list[str]) -> None:
    """Add the run itself to the ledger of trials; what was simulated is none."""
    try:
        count_backtest(result, job=settings.job, study=result_hash(result))
    except FanfoldError as error:  # the result must not be lost with the count
        problems.append(str(error))
