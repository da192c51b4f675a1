"""Which versions may go live, who said so, and which one a deployment runs."""

import contextlib
import time
from typing import TYPE_CHECKING, Any, Final

from fanfold.errors import ConfigError, FanfoldError
from fanfold.live.folder import Folder
from fanfold.live.plan import read_plan
from fanfold.workflows.live.expectation import forget_expected
from fanfold.workflows.promotion.gates import (
    REFUSED,
    content_of,
    warnings_of,
    with_paper,
)
from fanfold.workflows.versions.standing import standing_versions
from fanfold.workflows.versions.store import (
    DEMOTE,
    PROMOTE,
    Event,
    Record,
    append,
    events,
    record_named,
    records,
)
from fanfold.workflows.versions.thresholds import gates_of, refusal_of
from fanfold.workflows.versions.version import line_of, version_of

if TYPE_CHECKING:
    from fanfold.settings.live import LiveJob

PROMOTED: Final = "promoted"

VERSIONS_SHOWN: Final = 50
"""Versions of a deployment that are listed, the newest ones."""


def promote(
    deployment: Folder | str, version: str, by: str, *, job: "LiveJob | None" = None
) -> dict[str, Any]:
    """Let a version go live whose gates all let it through.

    Args:
        deployment: For which, by its folder or name.
        version: Its name, or the start of it.
        by: Who says so.
        job: The settings whose thresholds count; those of the version unless stated.

    Returns:
        What became of it, as plain values: "promoted", or "refused" with the reason.

    Raises:
        ConfigError: There is no such version, or its code is not the installed one.
        DataError: Its record is damaged, or was changed by hand.
    """
    record = record_named(version)
    job = job_of_record(record) if job is None else job
    check_code(record, job)
    record = with_paper(record, job)
    gates = gates_of(job.gates, record.evidence)
    name = deployment if isinstance(deployment, str) else deployment.name
    content = {**content_of(record, gates), "deployment": name, "warnings": warnings_of(job)}
    if content["status"] == REFUSED:
        return content | {"reason": refusal_of(gates)}
    append(
        Event(
            at=time.time_ns(),
            by=by,
            what=PROMOTE,
            version=record.version.id,
            line=record.version.line,
            deployment=name,
        )
    )
    with contextlib.suppress(ConfigError):  # what it is expected to do is known better now
        forget_expected(Folder.of(name))
    return content | {"status": PROMOTED, "reason": ""}


def promote_job(job: "LiveJob", by: str) -> dict[str, Any]:
    """Let the version of a live job go live: the newest that was measured of what it trades.

    Raises:
        ConfigError: It was never measured.
        DataError: Its record is damaged, or was changed by hand.
    """
    line, seed = version_of(job).line, job.gates.seed
    known = [one for one in records() if one.version.line == line and one.version.seed == seed]
    if not known:
        raise ConfigError(
            f"the version of {job.deployment} must be measured before it is promoted, was not: "
            "fanfold audit gates CONFIG"
        )
    return promote(job.deployment, known[0].version.id, by, job=job)


def promote_version(name: str, by: str) -> dict[str, Any]:
    """Let a version go live by its name, for the deployment that it was measured for.

    Raises:
        ConfigError: There is no such version, or its code is not the installed one.
        DataError: Its record is damaged, or was changed by hand.
    """
    record = record_named(name)
    return promote(str(record.job.get("deployment", "")), record.version.id, by)


def versions(deployment: Folder) -> list[dict[str, Any]]:
    """Versions of what a deployment trades, the newest first, with their gates.

    Those are meant that were measured for a deployment of that name, and those of what it
    runs, whatever it is called.

    Raises:
        DataError: Its plan cannot be read.
    """
    plan = read_plan(deployment)
    line, standing = line_of(plan), standing_versions()
    last = {event.version: event for event in events()}
    found: list[dict[str, Any]] = []
    for record in records():
        name = record.version.id
        mine = record.job.get("deployment") == deployment.name or record.version.line == line
        if not mine:
            continue
        event = last.get(name)
        demoted = event is not None and event.what == DEMOTE
        found.append(
            {
                **_weighed(record),
                "id": name,
                "at": record.at,
                "promoted": name in standing,
                "current": record.version.line == line,
                "demoted": event.reason if demoted and event is not None else "",
            }
        )
    return found[:VERSIONS_SHOWN]


def job_of_record(record: Record) -> "LiveJob":
    """The live job that a version was last measured with.

    Raises:
        ConfigError: It is none of this fanfold.
    """
    from fanfold.settings import check_settings
    from fanfold.settings.live import LiveJob

    return check_settings(record.job, f"version {record.version.id}", LiveJob)


def check_code(record: Record, job: "LiveJob") -> None:
    """Refuse a version whose code is not the installed one.

    Raises:
        ConfigError: It is another.
    """
    now = version_of(job)
    if now.line != record.version.line:
        what = "code is another" if now.code != record.version.code else "settings are others"
        raise ConfigError(
            f"version {record.version.id} must be what is installed and configured, whose "
            f"{what}: fanfold audit gates measures it"
        )


def _weighed(record: Record) -> dict[str, Any]:
    """A version with its gates; where its settings are no more, with none."""
    try:
        gates = gates_of(job_of_record(record).gates, record.evidence)
    except FanfoldError as error:
        return {
            "strategy": record.version.strategy,
            "params": dict(record.version.params),
            "gates": [],
            "passed": False,
            "problem": str(error),
        }
    content = content_of(record, gates)
    return {
        "strategy": content["strategy"],
        "params": content["params"],
        "gates": content["gates"],
        "passed": content["status"] != REFUSED,
    }
