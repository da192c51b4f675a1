"""From a configuration to a closed job: run, show, draw, track.

Results are shown as soon as they are there. A report or a tracking store that
fails afterwards takes nothing of them away: it is said, and the exit code tells.
"""

import math
import time
from collections.abc import Callable
from pathlib import Path

from fanfold.errors import FanfoldError
from fanfold.settings import Settings
from fanfold.workflows.folders import job_folder
from fanfold.workflows.job import Closed, Finished

Show = Callable[[str], None]


def run_job(settings: Settings, say: Show, warn: Show) -> Closed:
    """Run a job to its end.

    Args:
        settings: The job.
        say: Shows a line of the result.
        warn: Shows a line about the work itself.

    Raises:
        FanfoldError: The job itself failed; nothing was to show.
    """
    began = time.perf_counter()
    folder = job_folder(settings)
    folder.mkdir(parents=True, exist_ok=True)
    finished = start_job(settings, folder)
    for line in finished.lines:
        say(line)
    artifacts, problems = list(finished.artifacts), list(finished.problems)
    if settings.report.html:
        try:
            artifacts.append(finished.draw())
            say(f"\nreport  {artifacts[-1]}")
            if settings.report.pdf:
                from fanfold.reporting import write_pdf

                artifacts.append(write_pdf(artifacts[-1]))
                say(f"pdf     {artifacts[-1]}")
        except FanfoldError as error:
            problems.append(str(error))
    config = folder / "config.json"
    config.write_text(settings.model_dump_json(indent=1), encoding="utf-8")
    run_id = None
    if settings.track.enabled:
        from fanfold.tracking import record_job

        try:
            run_id = record_job(finished.record((*artifacts, config)))
            say(f"mlflow  {run_id}")
        except FanfoldError as error:
            problems.append(str(error))
    for problem in problems:
        warn(problem)
    return Closed(
        status="incomplete" if problems else finished.status,
        job=settings.job,
        result_hash=finished.result_hash,
        metrics={k: v if math.isfinite(v) else None for k, v in finished.metrics.items()},
        artifacts=[str(path) for path in artifacts],
        mlflow_run_id=run_id,
        seconds=round(time.perf_counter() - began, 3),
    )


def start_job(settings: Settings, folder: Path) -> Finished:
    """Run a job's work; showing, drawing and tracking are the caller's."""
    if settings.job == "backtest":
        from fanfold.workflows.backtest import backtest_job

        return backtest_job(settings, folder)
    if settings.job in ("sweep", "demo"):
        from fanfold.workflows.sweeps import sweeps_job

        return sweeps_job(settings, folder)
    if settings.job == "monte_carlo":
        from fanfold.workflows.monte_carlo import monte_carlo_job

        return monte_carlo_job(settings, folder)
    if settings.job == "stress":
        from fanfold.workflows.stress import stress_job

        return stress_job(settings, folder)
    from fanfold.workflows.research import research_job

    return research_job(settings, folder)
