"""What a deployment is doing, from its files, its doors and its journal.

No cluster is asked, and whatever is down is shown as down.
"""

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from fanfold.domain.money import MICRO
from fanfold.errors import FanfoldError, LiveError
from fanfold.live.doors import ask, door_of
from fanfold.live.folder import Folder
from fanfold.live.halts import KILL, latches
from fanfold.live.messages import EXECUTION, RECORDER, RISK, UNREADABLE
from fanfold.live.plan import Plan, read_plan
from fanfold.live.registry import is_held, seen_entry
from fanfold.live.supervision import SUPERVISOR, report_of
from fanfold.workflows.live.hosting import names_for
from fanfold.workflows.live.local_venue import running_venue

ASK_S: Final = 1.0
"""How long a component may take to be looked at [s]."""

ORDERS_SHOWN: Final = 20
"""Open orders that people are shown."""


def status_of(folder: Folder) -> dict[str, Any]:
    """A deployment at this instant, as plain values.

    Raises:
        DataError: Its plan cannot be read.
    """
    plan = read_plan(folder)
    names = names_for(plan)
    report = report_of(folder)
    is_up = is_held(folder, SUPERVISOR)
    found = {name: look(folder, name) for name in names}
    set_ = latches(folder)
    statistics = {name: one.pop("statistics") for name, one in found.items()}
    gauges = {name: one["gauges"] for name, one in statistics.items()}
    armed = is_up and report is not None and report.armed
    return {
        "status": "halted" if set_ else "up" if armed else "waiting" if is_up else "down",
        "deployment": folder.name,
        "folder": str(folder.path),
        "at": plan.settings.broker.at,
        "strategy": plan.strategy,
        "symbols": list(plan.symbols),
        "epoch": 0 if report is None else report.epoch,
        "waits_for": report.waits_for if is_up and report is not None else "",
        "restarts": 0 if report is None else report.restarts,
        "supervisor": "running" if is_up else "down",
        "components": found,
        "gate": gate_of(gauges.get(EXECUTION, {})),
        "equity": gauges.get(RISK, {}).get("equity"),
        "latches": [
            {"name": one.name, "reason": one.reason, "by": one.by, "at": one.at} for one in set_
        ],
        "killed": _killed(folder) if any(one.name == KILL for one in set_) else None,
        **journaled(folder, plan),
        "statistics": statistics,
        "venue": running_venue(folder),
    }


def _killed(folder: Folder) -> dict[str, Any] | None:
    """What the last kill left, None where it is not known."""
    try:
        return msgspec.json.decode(folder.killed.read_bytes(), type=dict[str, Any])
    except (OSError, *UNREADABLE):
        return None


def journaled(folder: Folder, plan: Plan) -> dict[str, Any]:
    """What the journal says is held and open: true with everything dead."""
    from fanfold.live.execution.journal import Journal

    if not folder.journal.is_file():
        return {"positions": {}, "open_orders": []}
    try:
        journal = Journal.read(folder.journal)
    except FanfoldError as error:
        return {"positions": {}, "open_orders": [], "journal": str(error)}
    try:
        held, orders = journal.held(), journal.open_orders()
    finally:
        journal.close()
    assets = plan.assets
    return {
        "positions": {
            assets[asset].symbol: lots / assets[asset].parts
            for asset, lots in sorted(held.items())
            if lots
        },
        "open_orders": [
            {
                "client_order_id": one.client_order_id,
                "symbol": assets[one.asset].symbol,
                "role": one.role,
                "state": str(one.state),
                "left": one.signed_left / one.parts,
            }
            for one in orders
        ],
    }


def status_lines(found: dict[str, Any]) -> Iterator[str]:
    """The same for people."""
    yield (
        f"{found['deployment']}  {found['status']}  {found['strategy']} on "
        f"{', '.join(found['symbols'][:8])}  at {found['at']}  epoch {found['epoch']}"
    )
    for latch in found["latches"]:
        yield f"  halted by {latch['name']}: {latch['reason']} ({latch['by']})"
    if found["killed"] is not None:
        since = "" if found["components"][EXECUTION]["pid"] else "; the journal is from before it"
        yield f"  the kill left it {'flat' if found['killed'].get('flat') else 'NOT FLAT'}{since}"
    if found["waits_for"]:
        yield f"  waits for {found['waits_for']}"
    yield ""
    yield f"  {'component':<12} {'state':<9} {'pid':>8} {'start':>5}  latency p50 / p99"
    for name, one in found["components"].items():
        latency = found["statistics"][name]["latency"]
        shown = "  ".join(
            f"{stage} {_time(times['p50'])} / {_time(times['p99'])}"
            for stage, times in latency.items()
        )
        state = shown_state(name, one["state"])
        line = f"{name:<12} {state:<9} {one['pid'] or '-':>8} {one['incarnation']:>5}"
        yield f"  {line}  {shown}".rstrip()
    yield f"  {SUPERVISOR:<12} {found['supervisor']:<9}"
    yield ""
    yield f"  gate       {found['gate']}"
    equity = found["equity"]
    yield f"  equity     {'unknown' if equity is None else f'{equity:,.2f}'}"
    held = ", ".join(f"{symbol} {units:g}" for symbol, units in found["positions"].items())
    yield f"  positions  {held or 'none'}"
    orders = found["open_orders"]
    yield f"  orders     {len(orders) or 'none'} open"
    for one in orders[:ORDERS_SHOWN]:
        yield f"    {one['symbol']:<10} {one['role']:<8} {one['state']:<10} {one['left']:+g}"
    if found["venue"] is not None:
        yield f"  venue      {found['venue']['status_url']}"
    if found.get("page", "none") != "none":
        yield f"  page       {found['url'] if found['page'] == 'up' else found['page']}"


def shown_state(name: str, state: str) -> str:
    """A component's state for people: the recorder records whether or not anything trades."""
    return "recording" if name == RECORDER and state in ("armed", "halted") else state


def look(folder: Folder, name: str) -> dict[str, Any]:
    """One component: its state, its process and its statistics, whatever it answers."""
    entry = seen_entry(folder, name)
    shown: dict[str, Any] = {
        "state": "down",
        "pid": None,
        "incarnation": 0 if entry is None else entry.incarnation,
        "statistics": {"counts": {}, "gauges": {}, "latency": {}},
    }
    if not is_held(folder, name):
        return shown | ({"error": entry.error} if entry is not None and entry.error else {})
    door = door_of(folder, name)
    try:
        ping = ask(door, "ping", seconds=ASK_S)
        shown |= {"state": ping["state"], "pid": ping["pid"], "incarnation": ping["incarnation"]}
        shown["statistics"] = ask(door, "statistics", seconds=ASK_S)
    except LiveError:
        shown["state"] = shown["state"] if shown["pid"] else "silent"
        shown["pid"] = None if entry is None else entry.pid
    return shown


def gate_of(gauges: dict[str, Any]) -> str:
    """Whether orders may go, in words."""
    if "gate" not in gauges:
        return "unknown"
    return "open" if gauges["gate"] else f"closed: {gauges.get('gate_reason') or 'no reason told'}"


def _time(ns: int) -> str:
    if ns < 1_000:  # noqa: PLR2004  (below a microsecond)
        return f"{ns} ns"
    return f"{ns / 1_000:.1f} us" if ns < MICRO else f"{ns / MICRO:.1f} ms"
