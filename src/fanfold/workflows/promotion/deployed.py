"""Another measured version in a deployment's place, positions and all.

As the way back (`rollback.py`), with a version that was chosen: the journal stays, so what is
held goes to the goals of the version that takes over.
"""

from typing import TYPE_CHECKING, Any

from fanfold.errors import ConfigError
from fanfold.live.folder import Folder
from fanfold.live.plan import Plan, read_plan
from fanfold.workflows.promotion.promoted import check_code, job_of_record
from fanfold.workflows.promotion.rollback import Say, begun, exchanged, settled
from fanfold.workflows.versions.standing import check_promoted
from fanfold.workflows.versions.store import record_named
from fanfold.workflows.versions.version import line_of, version_of

if TYPE_CHECKING:
    from fanfold.settings.live import LiveJob


def deploy(deployment: Folder | str, version: str, by: str) -> dict[str, Any]:
    """Exchange what a deployment runs, by a process of its own: this one may be stopped with it.

    Args:
        deployment: By its folder or name.
        version: The name of the version, or the start of it.
        by: Who says so.

    Returns:
        From which to which, and the file that tells how far it is.

    Raises:
        ConfigError: There is no such version, or it cannot take this one's place.
        DataError: The deployment's plan cannot be read.
    """
    folder = deployment if isinstance(deployment, Folder) else Folder.of(deployment)
    plan = read_plan(folder)
    name, job = chosen(folder, plan, version)  # what is wrong is said here
    log = begun(folder, "deploy", name, "--by", by)
    told = {"from": line_of(plan), "to": version_of(job).line, "log": str(log)}
    return {"status": "started", "deployment": folder.name, "version": name, **told}


def deployed(folder: Folder, version: str, by: str, say: Say) -> dict[str, Any]:
    """Exchange what a deployment runs, and say what was done.

    Where it runs it is stopped in order and brought up with the version; where it is down it
    stays down.

    Args:
        folder: Of the deployment.
        version: The name of the version, or the start of it.
        by: Who says so.
        say: Told how far it is.

    Raises:
        ConfigError: There is no such version, or it cannot take this one's place.
        DataError: The plan cannot be read.
        RunError: The version does not come up; then the deployment is down.
    """
    plan = read_plan(folder)
    name, job = chosen(folder, plan, version)
    say(f"from {line_of(plan)} to version {name}, says {by}")
    content = exchanged(folder, job, say)
    return {
        "status": "deployed",
        "deployment": folder.name,
        "version": name,
        "from": line_of(plan),
        "to": version_of(job).line,
        "strategy": job.strategy.name,
        "params": dict(job.strategy.params),
        **content,
    }


def chosen(folder: Folder, plan: Plan, version: str) -> tuple[str, "LiveJob"]:
    """The full name of a version, and the job that it is in a deployment's place.

    Raises:
        ConfigError: There is no such version, its code is not the installed one, it trades
            other symbols, runs there already, or is not promoted where money is real.
    """
    record = record_named(version)
    name, own = record.version.id, job_of_record(record)
    check_code(record, own)
    if own.data.symbols != list(plan.symbols):
        raise ConfigError(
            f"version {name} must trade the symbols of {folder.name}, "
            f"{', '.join(plan.symbols)}, trades {', '.join(own.data.symbols)}"
        )
    job = settled(folder, plan, own.model_dump(mode="json"), f"version {name}")
    if version_of(job).line == line_of(plan):
        raise ConfigError(f"version {name} must be another than {folder.name} runs, runs there")
    if job.live.broker.at == "live":
        check_promoted(job)
    return name, job
