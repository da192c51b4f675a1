"""Back to the version before, in one command, positions and all.

The deployment keeps its journal, so its positions go on: what decides is exchanged, and what
it decides goes by the numbers that follow. What the former version recorded is put aside.
"""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from fanfold.errors import ConfigError, DataError, FanfoldError
from fanfold.live.folder import PRIVATE, Folder
from fanfold.live.plan import Plan, read_plan
from fanfold.live.registry import is_held
from fanfold.live.supervision import SUPERVISOR
from fanfold.workflows.promotion.promoted import job_of_record
from fanfold.workflows.versions.standing import standing_versions, version_running
from fanfold.workflows.versions.store import FORMER, ROLL_BACK, Event, append, read_record
from fanfold.workflows.versions.version import job_of, line_of, version_of

if TYPE_CHECKING:
    from fanfold.settings.live import LiveJob

OF_A_VERSION: Final = (
    *("plan.json", "warm_up.npz", "model", "tapes", "record"),
    *("band.json", "watch.json", "demotion.json"),
)
"""What of a deployment's folder belongs to the version; journal and latches do not."""

FORMERS_MAX: Final = 20
"""Versions that are looked at in a deployment's folder, the newest ones."""

Say = Callable[[str], None]


def roll_back(deployment: Folder | str, by: str) -> dict[str, Any]:
    """Go back to the version before, by a process of its own: this one may be stopped with it.

    Args:
        deployment: By its folder or name.
        by: Who says so.

    Returns:
        From which to which, and the file that tells how far it is.

    Raises:
        ConfigError: There is no version before, or it is not installed any more.
        DataError: The deployment's plan cannot be read.
    """
    folder = deployment if isinstance(deployment, Folder) else Folder.of(deployment)
    plan = read_plan(folder)
    job = job_before(folder, plan)  # what is wrong is said here
    log = begun(folder, "rollback", "--by", by)
    told = {"from": line_of(plan), "to": version_of(job).line, "log": str(log)}
    return {"status": "started", "deployment": folder.name, **told}


def begun(folder: Folder, command: str, *words: str) -> Path:
    """Start a command on a deployment that outlives this process; the log that it writes."""
    log = folder.logs / f"{command}.log"
    with log.open("ab") as written:
        os.fchmod(written.fileno(), 0o600)
        subprocess.Popen(  # noqa: S603  (our own command)
            [
                *(sys.executable, "-m", "fanfold.cli", "live", command, *words),
                *("--deployment", folder.name, "--json"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=written,
            start_new_session=True,
        )
    return log


def rolled_back(deployment: Folder, by: str, say: Say) -> dict[str, Any]:
    """Go back to the version before, and say what was done.

    Where the deployment runs it is stopped in order and brought up with the former version,
    whose goals its positions go to. The version that it ran may not go live any more. Where
    it is down it stays down, and the former configuration may bring it up.

    Args:
        deployment: Its folder.
        by: Who says so.
        say: Told how far it is.

    Raises:
        ConfigError: There is no version before, or it is not installed any more, or it does
            not trade the same symbols.
        DataError: The plan cannot be read.
        RunError: The former version does not come up; then the deployment is down.
    """
    plan = read_plan(deployment)
    job = job_before(deployment, plan)
    before, after = line_of(plan), version_of(job).line
    after_it = _told(job.strategy.name, job.strategy.params)
    say(f"from {_told(plan.strategy, plan.params)} to {after_it}")
    content = exchanged(deployment, job, say)
    withdrawn = _withdraw(deployment, plan, by)
    return {
        "status": "rolled back",
        "deployment": deployment.name,
        "from": before,
        "to": after,
        "withdrawn": withdrawn,
        "strategy": job.strategy.name,
        "params": dict(job.strategy.params),
        **content,
    }


def exchanged(folder: Folder, job: "LiveJob", say: Say) -> dict[str, Any]:
    """Let a deployment go on with another version of what decides.

    Args:
        folder: Of the deployment.
        job: What it is to run, settled to be at the same broker with the same symbols.
        say: Told how far it is.

    Raises:
        InputError, RunError: It does not come up with it: then it is down, with the plan that
            it had.
    """
    from fanfold.distributed.live_head import cluster_of
    from fanfold.workflows.live.changing import Change
    from fanfold.workflows.live.hosting import stop_all
    from fanfold.workflows.live.page import end_page
    from fanfold.workflows.live.resolve import checked
    from fanfold.workflows.live.up import up

    checked(job)  # before anything is stopped
    ran = is_held(folder, SUPERVISOR)
    cluster, change = cluster_of(folder), Change(folder)
    change.wait()
    try:
        say("stopping, in order; positions and orders at the broker stay")
        stop_all(folder)
        end_page(folder, cluster)
        aside = put_aside(folder)
    finally:
        change.release()
    if not ran:
        say("it was down and stays down: fanfold live up with the former configuration")
        return {"runs": False, "aside": str(aside)}
    say("bringing it up; its positions go to the goals of the version")
    address = None if cluster is None or cluster.head is not None else cluster.address
    try:
        content = up(job, say, address=address)
    except BaseException:
        if not is_held(folder, SUPERVISOR):
            take_back(folder, aside)
            say("it did not come up: it is down, with the plan that it had")
        raise
    return {"runs": True, "aside": str(aside), "up": content}


def put_aside(folder: Folder) -> Path:
    """Put what belongs to the version aside; where to."""
    aside = folder.path / FORMER / str(time.time_ns())
    aside.parent.mkdir(mode=PRIVATE, exist_ok=True)
    aside.mkdir(mode=PRIVATE)
    for name in OF_A_VERSION:
        with contextlib.suppress(FileNotFoundError):
            (folder.path / name).rename(aside / name)
    # Risk's measures of losses go on; what signal remembers is of the version.
    (aside / "snapshots").mkdir(mode=PRIVATE)
    for file in folder.snapshots.glob("signal-*.snapshot"):
        file.rename(aside / "snapshots" / file.name)
    return aside


def take_back(folder: Folder, aside: Path) -> None:
    """Undo `put_aside`, whatever was begun since."""
    for name in OF_A_VERSION:
        place = folder.path / name
        if place.exists():
            left = aside / f"{name}.given_up"
            place.rename(left)
        with contextlib.suppress(FileNotFoundError):
            (aside / name).rename(place)
    for file in (aside / "snapshots").glob("*"):
        file.rename(folder.snapshots / file.name)


def job_before(folder: Folder, plan: Plan) -> "LiveJob":
    """What a deployment is to run when it goes back.

    The newest version promoted for it before the one that it runs; else what it ran before
    in its folder; else what a deployment of the name ran that was begun anew since.

    Raises:
        ConfigError: There is none of the same symbols.
    """
    now = line_of(plan)
    for content in _former_jobs(folder, plan):
        try:
            job = settled(folder, plan, content, f"the version before of {folder.name}")
            line = version_of(job).line
        except FanfoldError:
            continue  # not installed any more, or of another fanfold
        if line != now and job.data.symbols == list(plan.symbols):
            return job
    raise ConfigError(
        f"there must be a version of {folder.name} before this one, of the same symbols and "
        "installed, to go back to: there is none"
    )


def _former_jobs(folder: Folder, plan: Plan) -> Iterator[dict[str, Any]]:
    line = line_of(plan)
    standing = list(standing_versions().values())
    mine = [one for one in standing if folder.name == one.deployment]
    here = [place for place, one in enumerate(mine) if one.line == line]
    for event in reversed(mine[: here[-1]] if here else mine):
        record = None
        with contextlib.suppress(DataError):
            record = read_record(event.version)
        if record is not None:
            with contextlib.suppress(ConfigError):
                yield job_of_record(record).model_dump(mode="json")
    for place in _newest(folder.path / FORMER, "*"):
        yield from _job_in(place)
    for place in _newest(folder.path.parent / "aside", f"{folder.name}-*"):
        yield from _job_in(place)


def _newest(place: Path, pattern: str) -> list[Path]:
    """Folders named by the instant at which they were put aside, the newest first."""
    dated = [(one.name.rpartition("-")[2], one) for one in place.glob(pattern)]
    found = sorted((int(at), one) for at, one in dated if at.isdigit())
    return [one for _, one in reversed(found)][:FORMERS_MAX]


def _job_in(place: Path) -> Iterator[dict[str, Any]]:
    with contextlib.suppress(DataError, ConfigError):
        yield job_of(read_plan(Folder(place))).model_dump(mode="json")


def settled(folder: Folder, plan: Plan, former: dict[str, Any], name: str) -> "LiveJob":
    """Another version's job, on the account and hosts that the deployment has now.

    Args:
        folder: Of the deployment.
        plan: What it runs.
        former: The other version's job, as plain values.
        name: What it is called where something is wrong with it.

    Raises:
        InputError: A setting of it is none of this fanfold.
    """
    from fanfold.settings import check_settings
    from fanfold.settings.live import LiveJob
    from fanfold.workflows.live.resolve import DECIDES

    now = job_of(plan).model_dump(mode="json")
    decides = {name: former[name] for name in DECIDES if name != "data"}
    decides["account"] = {**former["account"], "cash": now["account"]["cash"]}
    live = now["live"]
    for key in ("clock", "bar_seconds"):
        live["market"][key] = former["live"]["market"][key]
    # It takes over what is held: its positions are to be those that it wants.
    live["execution"]["start"] = "adopt_backtest_target"
    content = {
        **now, **decides, "data": former["data"], "live": live, "venue": _venue(folder, now),
        "deployment": folder.name,
    }  # fmt: skip
    return check_settings(content, name, LiveJob)


def _venue(folder: Folder, now: dict[str, Any]) -> dict[str, Any]:
    """The local venue as it was started, with its accounts; the job's where there is none."""
    with contextlib.suppress(OSError, ValueError):
        return json.loads((folder.path / "venue.yaml").read_bytes())
    return now["venue"]


def _withdraw(folder: Folder, plan: Plan, by: str) -> str:
    """Take the version that runs away from going live; its name, "" where it never might."""
    record = version_running(plan)
    if record is None or record.version.id not in standing_versions():
        return ""
    append(
        Event(
            at=time.time_ns(),
            by=by,
            what=ROLL_BACK,
            version=record.version.id,
            line=record.version.line,
            deployment=folder.name,
            reason="rolled back",
        )
    )
    return record.version.id


def _told(name: str, params: Any) -> str:
    return f"{name}({', '.join(f'{key}={value}' for key, value in dict(params).items())})"
