"""The job that draws reports of tracked runs again: one tear sheet, or a comparison."""

import hashlib
import json
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from fanfold.errors import ConfigError, DataError
from fanfold.settings import Settings, check_settings
from fanfold.workflows.close import start_job
from fanfold.workflows.facts import facts_of
from fanfold.workflows.folders import job_folder
from fanfold.workflows.inputs import checked_bars, terms_for

if TYPE_CHECKING:
    from fanfold.reporting import RunView
    from fanfold.tracking import FoundRun

COMPARED_FACTS = ("Assets", "Period", "Costs", "Data fingerprint")
"""What is told of each run on a page that compares several."""


def report_job(runs: Sequence[str], folder: Path | None = None, *, pdf: bool = False) -> list[Path]:
    """Draw the report of a run, or the comparison of several, from what was stored.

    Equal settings on equal data give equal bits, so nothing but the configuration
    has to be kept. A sweep's table is taken from its folder where that is still there.

    Args:
        runs: Id, start of an id, or name of each tracked run.
        folder: Where the report goes; the job's own folder by default, and one of its
            own beside it for a comparison.
        pdf: Whether a PDF is printed beside it.

    Returns:
        The files that were written.

    Raises:
        FanfoldError: A run is not known, its data is not what it was, or there is no
            browser to print with.
    """
    from fanfold.reporting.pdf import found_browser, write_pdf

    if pdf:
        found_browser()  # before the work, not after it
    page = _tear_sheet(runs[0], folder) if len(runs) == 1 else _comparison(runs, folder)
    return [page, write_pdf(page)] if pdf else [page]


def _tear_sheet(run: str, folder: Path | None) -> Path:
    found, settings = _stored(run)
    target = folder or job_folder(settings)
    target.mkdir(parents=True, exist_ok=True)
    finished = start_job(settings, target)
    _check_data(found, finished.fingerprint)
    return finished.draw()


def _comparison(runs: Sequence[str], folder: Path | None) -> Path:
    from fanfold.reporting import write_comparison

    stored = [_stored(run) for run in runs]
    views: list[RunView] = []
    facts: dict[str, str] = {}
    for found, settings in stored:
        own = _views(found, settings)
        views += own
        bars, terms = checked_bars(settings), terms_for(settings)
        told = facts_of(settings, bars, terms)
        line = " · ".join(told[name] for name in COMPARED_FACTS if name in told)
        facts[f"{', '.join(view.name for view in own)}, run {found.run_id[:8]}"] = line
    names = Counter(view.name for view in views)
    views = [view if names[view.name] == 1 else _with_params(view) for view in views]
    digest = hashlib.sha256(" ".join(found.run_id for found, _ in stored).encode()).hexdigest()
    target = folder or stored[0][1].folder.absolute() / f"comparison-{digest[:8]}"
    title = f"{len(views)} runs compared"
    return write_comparison(target / "report.html", title, views, facts)


def _views(found: "FoundRun", settings: Settings) -> "list[RunView]":
    """What a stored run has to compare: itself, or the best of each of its sweeps."""
    target = job_folder(settings)
    target.mkdir(parents=True, exist_ok=True)
    finished = start_job(settings, target)
    _check_data(found, finished.fingerprint)
    return finished.views()


def _with_params(view: "RunView") -> "RunView":
    """A view whose name tells it from others of the same strategy."""
    shown = ", ".join(f"{name} {value}" for name, value in view.params.items())
    return replace(view, name=f"{view.name} ({shown})" if shown else view.name)


def _stored(run: str) -> "tuple[FoundRun, Settings]":
    from fanfold.tracking import fetch_artifacts, find_run

    found = find_run(run)
    if not found.job:
        raise ConfigError(f"run {found.name!r} must be a job of fanfold, was not")
    with tempfile.TemporaryDirectory() as place:
        stored = fetch_artifacts(found.run_id, Path(place), name="config.json")
        content = json.loads(stored.read_text(encoding="utf-8"))
    return found, check_settings(content, f"config.json of run {found.run_id}")


def _check_data(found: "FoundRun", fingerprint: str) -> None:
    stated = found.tags.get("data_fingerprint", "")
    if fingerprint != stated:
        raise DataError(
            f"the data of run {found.run_id} must be what it was ({stated[:16]}), "
            f"is now {fingerprint[:16]}"
        )
