"""Ending a deployment: at once by the kill switch, or in order."""

import contextlib
import time
from collections.abc import Callable
from typing import Any

import msgspec

from fanfold.distributed.live_head import cluster_of
from fanfold.errors import DataError
from fanfold.live.folder import Folder, write_durably
from fanfold.live.host import adopt_local_keys
from fanfold.live.plan import read_plan
from fanfold.live.wires import remove_sockets
from fanfold.workflows.live.changing import Change
from fanfold.workflows.live.hosting import stop_all, tell_all
from fanfold.workflows.live.local_venue import stop_venue
from fanfold.workflows.live.page import end_page
from fanfold.workflows.live.status import journaled

Say = Callable[[str], None]


def kill(folder: Folder, by: str, reason: str) -> dict[str, Any]:
    """Let nothing out that could increase risk, cancel what is open, flatten what is held.

    Needs no component: the latch is a file, and the broker is spoken to from here. Whatever
    still runs is told as well.

    Raises:
        LiveError: The broker does not answer; the latch stands all the same.
    """
    from fanfold.live.kill import kill as kill_at_broker

    adopt_local_keys(folder)
    try:
        report = kill_at_broker(folder, by, reason, time.time_ns())
    finally:
        told = tell_all(folder, "disarm", f"kill: {reason}")
    content: dict[str, Any] = msgspec.to_builtins(report)
    with contextlib.suppress(OSError):  # a full disk: what was done at the broker is done
        write_durably(folder.killed, msgspec.json.encode({"at": time.time_ns()} | content))
    return {"status": "killed", "deployment": folder.name, "told": told, **content}


def down(folder: Folder, by: str, say: Say, *, flatten: bool = False) -> dict[str, Any]:
    """Stop a deployment in order; positions and orders at the broker stay unless told.

    Args:
        folder: Of the deployment.
        by: Who says so.
        say: Told how far it is.
        flatten: Whether to use the kill switch first: it cancels and flattens, and leaves its
            latch, which the next start asks to be reset.

    Raises:
        ConfigError: Another command brings it up or down.
        LiveError: It was to be flattened, and the broker does not answer.
    """
    killed = None
    if flatten:
        say("cancelling and flattening")
        killed = kill(folder, by, "down --flatten")
    say("stopping")
    change = Change(folder)
    change.wait()  # else its application would take it for a loss, and make it anew
    try:
        return _stopped(folder, say) | ({} if killed is None else {"killed": killed})
    finally:
        change.release()


def _stopped(folder: Folder, say: Say) -> dict[str, Any]:
    cluster = cluster_of(folder)
    became = stop_all(folder)
    page = end_page(folder, cluster)
    stays: dict[str, Any]
    try:
        stays = journaled(folder, read_plan(folder))
    except DataError as error:
        say(str(error))
        stays = {"positions": {}, "open_orders": [], "unknown": str(error)}
    venue = stop_venue(folder)
    remove_sockets(folder)
    return {
        "status": "down",
        "deployment": folder.name,
        "components": became,
        "page": page,
        "stays": stays,
        "venue": "stopped" if venue else "none",
    }


def what_stays(content: dict[str, Any]) -> str:
    """What is still at the broker, for people."""
    stays = content["stays"]
    if "unknown" in stays:
        return "what stays at the broker is unknown"
    held = ", ".join(f"{symbol} {units:g}" for symbol, units in stays["positions"].items())
    orders = len(stays["open_orders"])
    if not held and not orders:
        return "nothing stays: no position, no open order"
    return f"stays at the broker: {held or 'no position'}; {orders} open orders"
