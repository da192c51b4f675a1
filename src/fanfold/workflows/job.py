"""What a finished job is, whichever it was."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fanfold.reporting import RunView
    from fanfold.tracking import JobRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A job's outcome, ready to be shown; drawing and tracking come after.

    Attributes:
        status: `ok`, or what became of the run.
        result_hash: Hash of the results; equal hashes mean equal bits.
        fingerprint: Of the data that it ran on.
        metrics: Metrics of the run, or of the best combination.
        lines: What a person reads on the terminal.
        artifacts: Files written so far.
        problems: What went wrong beside the result.
        draw: Draws the report and returns its file.
        views: The run, or the best of each sweep, as a page that compares shows them.
        record: Makes the tracking record from all artifacts.
    """

    status: str
    result_hash: str
    fingerprint: str
    metrics: dict[str, float]
    lines: list[str]
    artifacts: tuple[Path, ...] = ()
    problems: tuple[str, ...] = ()
    draw: Callable[[], Path]
    views: Callable[[], list["RunView"]]
    record: Callable[[tuple[Path, ...]], "JobRecord"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """A job that has been shown, drawn and tracked, as `--json` prints it."""

    status: str
    job: str
    result_hash: str
    metrics: dict[str, float | None]
    artifacts: list[str]
    mlflow_run_id: str | None
    seconds: float
