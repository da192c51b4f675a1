"""The stage of a chaos run: a deployment, its venue, and the hands that disturb them."""

import shutil
import signal
import threading
import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import numpy as np

from fanfold.domain.period import ts_text
from fanfold.domain.sessions import session_closes, session_opens
from fanfold.errors import FanfoldError, LiveError
from fanfold.live.doors import ask, door_of
from fanfold.live.folder import Folder
from fanfold.live.messages import COMPONENTS, EXECUTION, SIGNAL
from fanfold.live.plan import Plan, read_plan
from fanfold.live.registry import entry_of, is_running, signal_entry
from fanfold.live.supervision import report_of
from fanfold.settings.live import LiveJob
from fanfold.workflows.live.chaos_faults import VENUE, ChaosFault
from fanfold.workflows.live.chaos_job import CASH, KEY, SECRET
from fanfold.workflows.live.chaos_market import ChaosMarket
from fanfold.workflows.live.chaos_truth import Journalled, VenueDesk, complaints

MINUTE_NS: Final = 60 * 10**9

FOLLOW_S: Final = 2.0
"""How long a minute may take to be decided on before the run goes on without [s]."""

REST_S: Final = 60.0
"""How long the deployment may take to come to rest before a check [s]."""

KILL_S: Final = 1.0
"""Within this nothing may leave any more that increases risk [s]."""

FLYING: Final = ("in_flight", "waiting", "asked_about")
"""Gauges of execution that are 0 at rest."""

_POLL_S: Final = 0.005
_LOOK_S: Final = 0.2


class Stage:
    """One run's deployment and venue.

    Args:
        folder: Of the deployment.
        job: What it is.
        market: What it trades.
        say: Told what happens.
    """

    def __init__(
        self, folder: Folder, job: LiveJob, market: ChaosMarket, say: Callable[[str], None]
    ) -> None:
        self.folder, self.job, self.market, self._say = folder, job, market, say
        days = np.array([np.datetime64(day, "D").astype(int) for day in market.days])
        opens = session_opens(days, "XNYS").tolist()
        closes = session_closes(days, "XNYS").tolist()
        self._ends = [
            ts
            for first, last in zip(opens, closes, strict=True)
            for ts in range(first + MINUTE_NS, last + 1, MINUTE_NS)
        ]
        self._closes = set(closes)
        self._seen = {"followed": 0, "left behind": 0}
        self._kills = 0

    @property
    def minute_count(self) -> int:
        """Minutes of all sessions."""
        return len(self._ends)

    def ends_session(self, minute: int) -> bool:
        """Whether a minute is its session's last."""
        return self._ends[minute] in self._closes

    def open(self) -> None:
        """Bring venue and deployment up."""
        from fanfold.workflows.live.up import up

        found = up(self.job, self._say)
        self.plan: Plan = read_plan(self.folder)
        self.desk = VenueDesk(found["venue"]["rest_url"], KEY, SECRET)

    def lead(self, minute: int) -> None:
        """Let the venue's clock go to a minute's end, and wait for the decision on it."""
        end = self._ends[minute]
        # A little beyond, so that what is stamped at the end itself has been sent.
        self.desk.ask("POST", "/_venue/clock", {"until": ts_text(end + 10**9 + 10**8)})
        until = time.monotonic() + FOLLOW_S
        while time.monotonic() < until:
            if self._last_ts() >= end:
                self._seen["followed"] += 1
                return
            time.sleep(_POLL_S)
        self._seen["left behind"] += 1

    def _last_ts(self) -> int:
        try:
            gauges = ask(door_of(self.folder, SIGNAL), "statistics", seconds=_LOOK_S)["gauges"]
        except LiveError:
            return 0
        return int(gauges.get("last_ts") or 0)

    def strike(self, fault: ChaosFault) -> None:
        """Let a fault happen."""
        if fault.where == VENUE:
            self.desk.ask("POST", "/_venue/faults", {"kind": fault.kind, **fault.parameters})
            return
        entry = entry_of(self.folder, fault.target)
        if fault.kind == "kill":
            signal_entry(entry, signal.SIGKILL)
            return
        if signal_entry(entry, signal.SIGSTOP):
            again = threading.Timer(
                float(fault.parameters["pause_s"]), signal_entry, (entry, signal.SIGCONT)
            )
            again.daemon = True
            again.start()

    def rest(self) -> str:
        """Wait until all are armed and nothing is in flight; what keeps them from it, or ""."""
        self.desk.ask("DELETE", "/_venue/faults")
        until = time.monotonic() + REST_S
        problem = "nothing was heard"
        calm = 0
        while time.monotonic() < until:
            problem = self._unrest()
            calm = 0 if problem else calm + 1
            if calm > 2:  # noqa: PLR2004  (twice in a row, or it was by chance)
                return ""
            time.sleep(_LOOK_S)
        return problem

    def _unrest(self) -> str:
        report = report_of(self.folder)
        if report is None or not report.armed:
            return f"not armed: {'' if report is None else report.waits_for}"
        try:
            gauges = ask(door_of(self.folder, EXECUTION), "statistics", seconds=1.0)["gauges"]
        except LiveError as error:
            return str(error)
        if not gauges.get("gate"):
            return f"the gate is closed: {gauges.get('gate_reason')}"
        flying = sum(int(gauges.get(name) or 0) for name in FLYING)
        return f"{flying} orders or requests are in flight" if flying else ""

    def check(self) -> list[str]:
        """Come to rest and compare the books with the venue's."""
        problem = self.rest()
        if problem:
            return [f"no rest within {REST_S:g} s: {problem}"]
        found = complaints(self.plan, self.desk, self._believed(), Decimal(CASH))
        if found:
            # What was told while one side was read and the other not is no difference.
            time.sleep(1.0)
            found = complaints(self.plan, self.desk, self._believed(), Decimal(CASH))
        return found

    def _believed(self) -> Journalled:
        from fanfold.live.execution.journal import Journal

        journal = Journal.read(self.folder.journal)
        try:
            held = journal.held()
            orders = {one.client_order_id: str(one.state) for one in journal.load()}
        finally:
            journal.close()
        lots = [held.get(asset, 0) for asset in range(len(self.plan.assets))]
        return Journalled(orders=orders, held=lots)

    def kill(self) -> dict[str, Any]:
        """Pull the kill switch, see that nothing leaves any more, and reset it."""
        from fanfold.workflows.live.resume import ask_to_resume, resume
        from fanfold.workflows.live.stop import kill

        self.rest()
        before = {order["id"] for order in self.desk.orders()}
        began = time.monotonic()
        report = kill(self.folder, "chaos", "a drill")
        took = time.monotonic() - began
        time.sleep(KILL_S)
        found = [
            f"an order left after the kill: {order['client_order_id']}"
            for order in self.desk.orders()
            if order["id"] not in before and "open" in (order["position_intent"] or "")
        ]
        held = [row["symbol"] for row in self.desk.ask("GET", "/v2/positions")]
        if held and report["flat"]:
            found.append(f"the kill says flat, the venue holds {', '.join(held)}")
        codes = tuple(one["code"] for one in ask_to_resume(self.folder)["latches"])
        resume(self.folder, codes, "chaos")
        problem = self.rest()
        if problem:
            found.append(f"no rest after the reset: {problem}")
        return {"seconds": round(took, 3), "report": report, "complaints": found}

    def figures(self) -> dict[str, Any]:
        """Counts of the whole run."""
        orders = list(self.desk.orders())
        report = report_of(self.folder)
        states: dict[str, int] = {}
        for order in orders:
            states[order["status"]] = states.get(order["status"], 0) + 1
        return {
            "minutes": self.minute_count,
            "minutes_followed": self._seen["followed"],
            "minutes_left_behind": self._seen["left behind"],
            "orders": len(orders),
            "orders_by_status": states,
            "restarts": 0 if report is None else report.restarts,
            "equity": float(self.desk.ask("GET", "/v2/account")["equity"]),
        }

    def memory(self) -> dict[str, float]:
        """Private memory of each component [MB]."""
        found: dict[str, float] = {}
        for name in COMPONENTS:
            entry = entry_of(self.folder, name)
            if entry is not None and is_running(entry):
                found[name] = private_mb(entry.pid)
        return found

    def audit(self) -> dict[str, Any]:
        """Replay the record."""
        from fanfold.workflows.live.parity import parity_job

        closed = parity_job(str(self.folder.path), track=False, draw=False)
        return {key: closed.content.get(key) for key in ("status", "legs", "profit", "causes")}

    def close(self, *, keep: bool) -> None:
        """Stop everything, and take the folder away unless it is to be kept."""
        from fanfold.workflows.live.stop import down

        try:
            down(self.folder, "chaos", self._say)
        except (FanfoldError, OSError) as error:
            self._say(f"it could not be stopped in order: {error}")
        shutil.rmtree(self.market.file.parent, ignore_errors=keep)
        if not keep:
            shutil.rmtree(self.folder.path, ignore_errors=True)


def private_mb(pid: int) -> float:
    """Memory that a process shares with nobody [MB], 0 if it has ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    sizes: Mapping[str, int] = {
        line.split(":")[0]: int(line.split()[1]) for line in lines if line.endswith("kB")
    }
    return round((sizes["Private_Clean"] + sizes["Private_Dirty"]) / 1024, 1)
