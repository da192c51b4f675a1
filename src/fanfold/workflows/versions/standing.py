"""Which versions may go live by the log, and which one a plan is of."""

import time
from typing import TYPE_CHECKING

from fanfold.errors import ConfigError
from fanfold.live.plan import Plan
from fanfold.workflows.versions.store import (
    DEMOTE,
    PROMOTE,
    Event,
    Record,
    append,
    events,
    records,
)
from fanfold.workflows.versions.thresholds import gates_of, refusal_of
from fanfold.workflows.versions.version import line_of, version_of

if TYPE_CHECKING:
    from fanfold.settings.live import LiveJob


def check_promoted(job: "LiveJob") -> str:
    """The promoted version that a job with real money runs.

    Raises:
        ConfigError: What it trades was not promoted, or not any more; names the gates.
    """
    line = version_of(job).line
    standing = standing_versions()
    known = [one for one in records() if one.version.line == line]
    for record in known:
        if record.version.id in standing:
            return record.version.id
    if not known:
        told = "was never measured: fanfold audit gates CONFIG, then fanfold live promote CONFIG"
        raise ConfigError(f"real money needs a promoted version, that of {job.deployment} {told}")
    record = known[0]
    taken = [one for one in events() if one.version == record.version.id][-1:]
    if taken and taken[0].what != PROMOTE:
        told = (
            f"is not any more ({taken[0].what.replace('_', ' ')}: {taken[0].reason or 'by hand'})"
        )
    else:
        refusal = refusal_of(gates_of(job.gates, record.evidence))
        told = f"is not: {refusal}" if refusal else "is not yet: fanfold live promote CONFIG"
    raise ConfigError(f"version {record.version.id} must be promoted for real money, {told}")


def standing_versions() -> dict[str, Event]:
    """Versions that may go live, each with the promotion that says so, the oldest first."""
    found: dict[str, Event] = {}
    for event in events():
        found.pop(event.version, None)
        if event.what == PROMOTE:
            found[event.version] = event
    return found


def version_running(plan: Plan) -> Record | None:
    """The version that a plan is of: the promoted one if there is one, else the newest."""
    line = line_of(plan)
    known = [one for one in records() if line and one.version.line == line]
    standing = standing_versions()
    promoted = [one for one in known if one.version.id in standing]
    return next(iter(promoted or known), None)


def demote(record: Record, deployment: str, reason: str, by: str) -> None:
    """Take a version away from going live: it must be promoted anew."""
    event = Event(
        at=time.time_ns(),
        by=by,
        what=DEMOTE,
        version=record.version.id,
        line=record.version.line,
        deployment=deployment,
        reason=reason,
    )
    append(event)
