"""Bring a deployment up, or up again after a crash."""

import shutil
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

from fanfold.alpaca.credentials import credentials_of_account
from fanfold.distributed.live_head import cluster_of
from fanfold.errors import ConfigError, LiveError
from fanfold.live.execution.lease import Lease, account_folder
from fanfold.live.execution.starting import account_number
from fanfold.live.folder import Folder
from fanfold.live.halts import latches
from fanfold.live.host import adopt_local_keys
from fanfold.live.plan import Plan
from fanfold.live.registry import Entry, entry_of, is_held
from fanfold.live.supervision import SUPERVISOR, Report, report_of
from fanfold.live.wires import remove_sockets, write_addresses
from fanfold.settings.live import LiveJob
from fanfold.workflows.live.changing import Change
from fanfold.workflows.live.hosting import (
    begin_hosts,
    end_hosts,
    names_for,
    start_supervisor,
    stop_all,
)
from fanfold.workflows.live.local_venue import running_venue, stop_venue
from fanfold.workflows.live.page import Begun, await_page, begin_page, end_page, with_token
from fanfold.workflows.live.resolve import Checked, checked, resolve

UP_S: Final = 180.0
"""How long all may take to be armed [s]."""

TRIES_MAX: Final = 3
"""Times that a component may fail to open before it is given up."""

_POLL_S: Final = 0.1

Say = Callable[[str], None]


def up(
    job: LiveJob,
    say: Say,
    *,
    fresh: bool = False,
    address: str | None = None,
    with_page: bool = True,
) -> dict[str, Any]:
    """Bring a deployment up and wait until all is armed.

    Args:
        job: What it is.
        say: Told how far it is.
        fresh: Whether to begin anew; what there was is put aside, not deleted.
        address: Of a Ray cluster that runs already.
        with_page: Whether its page is to be started, where the settings want one; not where
            it is the page that brings the deployment up.

    Returns:
        Where everything is, as plain values; `page` says how the page is, without which it
        trades all the same.

    Raises:
        InputError: It is up already, or a setting is not what it must be.
        RunError: Something does not come up.
    """
    folder = Folder.of(job.deployment)
    if is_held(folder, SUPERVISOR):
        raise ConfigError(
            f"deployment {folder.name} must be down to be brought up, it is up: see fanfold live "
            "status, or stop it with fanfold live down"
        )
    found = checked(job)
    change = Change(folder)
    change.wait()
    _clear(folder, with_page=with_page)
    with _all_or_nothing(folder, change, say, fresh=fresh, with_page=with_page) as undo:
        folder.make()
        begin_hosts(folder, found.settings, address)
        begun = begin_page(folder, found.settings) if with_page else Begun()
        undo.callback(begun.end)
        plan = resolve(folder, found, say)
        _check_account(folder, plan)
        write_addresses(folder, names_for(plan), plan.settings.host.transport)
        say(f"starting {', '.join(names_for(plan))}")
        began = time.time_ns()
        before = {name: _incarnation(folder, name) for name in names_for(plan)}
        start_supervisor(folder, plan, address)
        change.release()  # from here on it comes up by itself
        report = _until_armed(folder, began, before, say)
    shown = await_page(folder, begun)
    if "url" in shown:
        shown["url"] = with_token(folder, plan, shown["url"])
    return _brought_up(folder, plan, report) | shown


def check(job: LiveJob) -> dict[str, Any]:
    """What a deployment would be, without connecting to anything.

    Raises:
        InputError: A setting is not what it must be, or keys are missing.
    """
    found: Checked = checked(job)
    return {
        "status": "checked",
        "deployment": job.deployment,
        "at": found.settings.broker.at,
        "feed": found.settings.market.feed,
        "addresses": None if found.addresses is None else found.addresses.model_dump(),
        "symbols": job.data.symbols,
        "strategy": job.strategy.name,
    }


class _GoesOnError(LiveError):
    """It is not up yet, and goes on."""


@contextmanager
def _all_or_nothing(
    folder: Folder, change: Change, say: Say, *, fresh: bool, with_page: bool
) -> Generator[ExitStack]:
    """Leave nothing running of what is given up on its way, and no folder of what never ran."""
    aside = _put_aside(folder, say) if fresh else None
    was_there, had_venue = folder.path.is_dir(), running_venue(folder) is not None
    undo = ExitStack()
    try:
        yield undo
    except _GoesOnError:
        raise
    except BaseException:
        say("stopping what was started")
        change.take()
        undo.close()
        _clear(folder, with_page=with_page)
        end_hosts(folder)
        if not had_venue:
            stop_venue(folder)
        remove_sockets(folder)
        if not was_there and entry_of(folder, SUPERVISOR) is None:
            shutil.rmtree(folder.path, ignore_errors=True)
            if aside is not None:
                aside.rename(folder.path)
                say(f"what there was is back in {folder.path}")
        raise
    finally:
        change.release()


def _clear(folder: Folder, *, with_page: bool) -> None:
    """Stop what is there of the deployment; not a page which does this itself."""
    cluster = cluster_of(folder)
    stop_all(folder)
    if with_page:
        end_page(folder, cluster)


def _check_account(folder: Folder, plan: Plan) -> None:
    """Refuse an account that another deployment has, before anything asks for its streams."""
    adopt_local_keys(folder)
    account = account_folder(account_number(folder, plan, credentials_of_account()))
    if refusal := Lease.held_by_other(account, plan.deployment):
        raise ConfigError(refusal)


def _put_aside(folder: Folder, say: Say) -> Path | None:
    stop_venue(folder)
    if not folder.path.is_dir():
        return None
    aside = folder.path.parent / "aside" / f"{folder.name}-{time.time_ns()}"
    aside.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.path.rename(aside)
    say(f"what there was is in {aside}")
    return aside


def _until_armed(folder: Folder, began: int, before: dict[str, int], say: Say) -> Report:
    until = time.monotonic() + UP_S
    said = ""
    while time.monotonic() < until:
        report = report_of(folder)
        if report is not None and report.at >= began:
            if report.armed:
                say("all are armed")
                return report
            if report.waits_for and report.waits_for != said:
                said = report.waits_for
                say(f"waiting for {said}")
            if latches(folder) and all(
                one["state"] in ("halted", "armed") for one in report.components.values()
            ):
                return report
            _check_opened(folder, before)
        elif not is_held(folder, SUPERVISOR) and time.monotonic() > until - UP_S / 2:
            raise LiveError(f"the supervisor must run, has ended: see {folder.logs}")
        time.sleep(_POLL_S)
    waits_for = said or "the supervisor"
    raise _GoesOnError(
        f"all must be armed within {UP_S:g} s, still wait for {waits_for}; they go on: see "
        "fanfold live status"
    )


def _check_opened(folder: Folder, before: dict[str, int]) -> None:
    """Give up where a component fails to open again and again."""
    for name, incarnation in before.items():
        entry: Entry | None = entry_of(folder, name)
        if entry is None or not entry.error or entry.incarnation < incarnation + TRIES_MAX:
            continue
        raise LiveError(f"{name} must open, failed {TRIES_MAX} times, at last: {entry.error}")


def _incarnation(folder: Folder, name: str) -> int:
    entry = entry_of(folder, name)
    return 0 if entry is None else entry.incarnation


def _brought_up(folder: Folder, plan: Plan, report: Report) -> dict[str, Any]:
    venue = running_venue(folder)
    set_ = [latch.name for latch in latches(folder)]
    content: dict[str, Any] = {
        "status": "up" if report.armed else "halted",
        "deployment": folder.name,
        "folder": str(folder.path),
        "at": plan.settings.broker.at,
        "epoch": report.epoch,
        "components": report.components,
        "addresses": plan.addresses.model_dump(),
        "latches": set_,
    }
    if venue is not None:
        content["venue"] = venue
    return content
