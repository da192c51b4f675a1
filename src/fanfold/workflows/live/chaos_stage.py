"""The stage of a chaos run: a deployment, its venue, and the hands that disturb them."""

import shutil
import signal
import threading
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import numpy as np

from fanfold.alpaca.wire.instants import instant_text
from fanfold.domain.sessions import session_closes, session_opens
from fanfold.errors import FanfoldError, LiveError
from fanfold.live.doors import ask, door_of
from fanfold.live.folder import Folder
from fanfold.live.messages import COMPONENTS, EXECUTION, SIGNAL
from fanfold.live.plan import Plan, read_plan
from fanfold.live.registry import entry_of, is_running, signal_entry
from fanfold.live.supervision import report_of
from fanfold.settings.live import LiveJob
from fanfold.workflows.live.changing import lock_beside
from fanfold.workflows.live.chaos_faults import TARGETS, VENUE, ChaosFault
from fanfold.workflows.live.chaos_job import CASH, SECRET, key_of
from fanfold.workflows.live.chaos_market import ChaosMarket
from fanfold.workflows.live.chaos_truth import Journalled, VenueDesk, complaints

MINUTE_NS: Final = 60 * 10**9

FOLLOW_S: Final = 2.0
"""How long a minute may take to be decided on before the run goes on without [s]."""

REST_S: Final = 60.0
"""How long the deployment may take to come to rest before a check [s]."""

EARLY_NS: Final = 30 * MINUTE_NS
"""How long before a session's open the clock stands a while [ns]."""

NIGHT_S: Final = 3.0
"""How long it stands there: positions are looked at once at least [s]."""

KILL_S: Final = 1.0
"""Within this nothing may leave any more that increases risk [s]."""

FLYING: Final = ("in_flight", "waiting", "asked_about")
"""Gauges of execution that are 0 at rest."""

AGREE_POLLS: Final = 3
"""Polls of the account by which a difference must be gone."""

AGREE_S: Final = 0.5
"""Time between two looks at a difference [s]."""

_POLL_S: Final = 0.005
_LOOK_S: Final = 0.1


class Stage:
    """One run's deployment and venue.

    Args:
        folder: Of the deployment.
        job: What it is.
        market: What it trades.
        say: Told what happens.
        minutes: Of the first session, after which it ends; None for all.

    Attributes:
        spent: Time that each part has taken [s].
    """

    def __init__(
        self,
        folder: Folder,
        job: LiveJob,
        market: ChaosMarket,
        say: Callable[[str], None],
        minutes: int | None = None,
    ) -> None:
        self.folder, self.job, self.market, self._say = folder, job, market, say
        days = np.array([np.datetime64(day, "D").astype(int) for day in market.days])
        opens = session_opens(days, "XNYS").tolist()
        closes = session_closes(days, "XNYS").tolist()
        self._ends = [
            ts
            for first, last in zip(opens, closes, strict=True)
            for ts in range(first + MINUTE_NS, last + 1, MINUTE_NS)
        ][:minutes]
        self._opens, self._closes = set(opens), {*closes, self._ends[-1]}
        self.spent: dict[str, float] = {}
        self._seen = {"followed": 0, "left behind": 0}

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

        with self._timed("up"):
            found = up(self.job, self._say)
        self.plan: Plan = read_plan(self.folder)
        self.desk = VenueDesk(found["venue"]["rest_url"], key_of(self.job.deployment), SECRET)

    @contextmanager
    def _timed(self, part: str) -> Generator[None]:
        began = time.monotonic()
        try:
            yield
        finally:
            self.spent[part] = self.spent.get(part, 0.0) + time.monotonic() - began

    def lead(self, minute: int) -> None:
        """Let the venue's clock go to a minute's end, and wait for the decision on it."""
        end = self._ends[minute]
        if minute and end - MINUTE_NS in self._opens:
            self._wake(end - MINUTE_NS)
        with self._timed("minutes"):
            # A little beyond, so that what is stamped at the end itself has been sent.
            self._turn_clock(end + 10**9 + 10**8)
            self._follow(end)

    def _wake(self, opens: int) -> None:
        """A night passes, and the hours before the open: there is time to hear of a split."""
        self._turn_clock(opens - EARLY_NS)
        with self._timed("nights"):
            time.sleep(NIGHT_S)
        self.rest()

    def _turn_clock(self, ts: int) -> None:
        self.desk.ask("POST", "/_venue/clock", {"until": instant_text(ts)})

    def _follow(self, end: int) -> None:
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
        with self._timed("rest"):
            return self._rest()

    def _rest(self) -> str:
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
        """Come to rest and compare the books with the venue's.

        Raises:
            LiveError: It does not come to rest: there is nothing to be compared any more.
        """
        problem = self.rest()
        if problem:
            raise LiveError(f"it must come to rest within {REST_S:g} s, did not: {problem}")
        with self._timed("checks"):
            # What a fault kept from us the next reconciliation brings; until then it is no fault
            # of ours.
            until = time.monotonic() + AGREE_POLLS * self.plan.settings.execution.account_poll_s
            while True:
                found = complaints(self.plan, self.desk, self._believed(), Decimal(CASH))
                if not found or time.monotonic() > until:
                    return found
                time.sleep(AGREE_S)

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
        states: dict[str, int] = {}
        for order in orders:
            states[order["status"]] = states.get(order["status"], 0) + 1
        return {
            "minutes": self.minute_count,
            "minutes_followed": self._seen["followed"],
            "minutes_left_behind": self._seen["left behind"],
            "orders": len(orders),
            "orders_by_status": states,
            "restarts": sum(
                0 if entry is None else entry.incarnation - 1
                for entry in (entry_of(self.folder, name) for name in TARGETS)
            ),
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

        with self._timed("audit"):
            closed = parity_job(str(self.folder.path), track=False, draw=False)
        return {key: closed.content.get(key) for key in ("status", "legs", "profit", "causes")}

    def close(self, *, keep: bool) -> None:
        """Stop everything, and take the folder away unless it is to be kept."""
        from fanfold.workflows.live.stop import down

        try:
            with self._timed("down"):
                down(self.folder, "chaos", self._say)
        except (FanfoldError, OSError) as error:
            self._say(f"it could not be stopped in order: {error}")
        shutil.rmtree(self.market.file.parent, ignore_errors=keep)
        if not keep:
            shutil.rmtree(self.folder.path, ignore_errors=True)
            lock_beside(self.folder).unlink(missing_ok=True)


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
