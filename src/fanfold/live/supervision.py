"""Whoever watches the components: starts them, sees them die, lets them act again.

Nothing here knows what a component runs in. A round asks every one whether it lives, all at
once so that a silent one holds up nobody; what is lost is started anew, which it survives
since it is HALTED and reads its state from what is durable. They are armed again in their
order, in a new epoch, once each can stand on the one before. Too many restarts are a fault
of their own: they latch.
"""

import contextlib
import logging
import os
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, Protocol

import msgspec
from msgspec import Struct

from fanfold.errors import LiveError
from fanfold.live.folder import Folder, write_durably
from fanfold.live.halts import Latch, latches, set_latch
from fanfold.live.messages import EXECUTION, MARKET_DATA, RECORDER, RISK, SIGNAL, UNREADABLE
from fanfold.live.registry import entry_of, is_running
from fanfold.live.settings import HostSettings

SUPERVISOR: Final = "supervisor"

START_ORDER: Final = (MARKET_DATA, EXECUTION, RISK, SIGNAL, RECORDER)
"""What stands on nothing comes first; the recorder reads what the others wrote."""

ARM_ORDER: Final = (MARKET_DATA, EXECUTION, RISK, SIGNAL)

DECIDERS: Final = (SIGNAL, RISK)
"""Disarmed while anything they stand on is lost; execution goes on protecting what it has."""

PING_S: Final = 2.0
"""How long an answer may take, and a loop may sleep, before it counts as lost [s]."""

RECORDER_SILENT_S: Final = 120.0
"""The same of the recorder, which writes whole files: nobody waits for it [s]."""

START_S: Final = 120.0
"""How long a component may take to open: it may read a day's tape [s]."""

RETRY_S, RETRY_S_MAX = 0.5, 8.0
"""First and longest pause between two starts of what cannot be opened [s]."""

RESTARTS: Final = "restarts"
"""The latch of too many restarts in a minute."""

_MINUTE_S: Final = 60.0
_USUAL: Final = HostSettings()

_log = logging.getLogger(__name__)


class Hosts(Protocol):
    """What components run in."""

    def start(self, name: str) -> None:
        """Start a component; returns before it is open."""
        ...

    def ask(self, name: str, what: str, *arguments: Any, seconds: float) -> Any:
        """Ask a component, or tell it.

        Raises:
            LiveError: It does not answer in time, or says that it failed.
        """
        ...

    def is_gone(self, name: str) -> bool:
        """Whether its process has ended and nobody else starts it."""
        ...

    def end(self, name: str) -> None:
        """End its process at once, one that is stopped too."""
        ...


class Watched(Struct, kw_only=True):
    """What the supervisor knows of a component.

    Attributes:
        state: "starting", "halted", "armed", "stopped", "failed", or "lost".
        pid, incarnation: Of its process, as it last answered.
        seen_at: When it last answered in order [s, monotonic].
        started_at: When it was last started [s, monotonic].
        tries: Starts since it was last well.
    """

    state: str = "lost"
    pid: int = 0
    incarnation: int = 0
    seen_at: float = 0.0
    started_at: float = 0.0
    tries: int = 0

    @property
    def is_well(self) -> bool:
        """Whether it is open and answers."""
        return self.state in ("halted", "armed")


class Report(Struct, frozen=True, kw_only=True):
    """What the supervisor says of itself, in a file for whoever asks.

    Attributes:
        at: When it last changed [ns UTC].
        epoch: Of the last arming.
        armed: Whether all are armed.
        waits_for: What the next arming waits for, "" for nothing.
        restarts: Restarts since the supervisor began.
        components: By name: state, pid and incarnation.
    """

    at: int
    epoch: int
    armed: bool
    waits_for: str
    restarts: int
    components: dict[str, dict[str, Any]]


def report_of(folder: Folder) -> Report | None:
    """What the supervisor last said, None where there was none, or it cannot be read."""
    with contextlib.suppress(OSError, *UNREADABLE):
        return msgspec.json.decode((folder.processes / _REPORT).read_bytes(), type=Report)
    return None


class Supervisor:
    """Watches the components of a deployment.

    Args:
        folder: Its folder.
        hosts: What the components run in.
        names: Which there are.
        ready: By component, what keeps it from being armed, given everybody's gauges; ""
            for nothing.
        settings: How often it looks, and how many restarts are too many.
        clock: Seconds that only rise.
    """

    def __init__(
        self,
        folder: Folder,
        hosts: Hosts,
        *,
        names: Sequence[str] = START_ORDER,
        ready: Mapping[str, Callable[[Mapping[str, Any]], str]] | None = None,
        settings: HostSettings = _USUAL,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder = folder
        self._hosts = hosts
        self._names = tuple(name for name in START_ORDER if name in names)
        self._chain = tuple(name for name in ARM_ORDER if name in names)
        self._ready = READY if ready is None else ready
        self._clock = clock
        self._round_s = settings.restart_s / 2.0
        self._restarts_per_minute = settings.restarts_per_minute
        self.watched = {name: Watched() for name in self._names}
        self._armed: dict[str, int] = {}
        self._restarts: deque[float] = deque()
        self._restart_count = 0
        self._waits_for = ""
        self._told = Report(at=0, epoch=0, armed=False, waits_for="", restarts=0, components={})
        self.epoch = _epoch_of(folder)
        self._pool = ThreadPoolExecutor(len(self._names), thread_name_prefix="ping")

    def run(self, stop: Callable[[float], bool]) -> None:
        """Go round until `stop`, which waits for so many seconds, says so."""
        while True:
            began = self._clock()
            self.round()
            if stop(max(self._round_s - (self._clock() - began), 0.0)):
                return

    def close(self) -> None:
        """Watch no more; the components go on."""
        self._pool.shutdown(wait=False)

    def round(self) -> None:
        """Look at all, start what is lost, arm what can be."""
        list(self._pool.map(self._look, self._names))
        self._start_lost()
        if all(self.watched[name].is_well for name in self._chain):
            self._arm_on()
        else:
            lost = [name for name in self._chain if not self.watched[name].is_well]
            self._waits_for = f"{', '.join(lost)} to be open"
            self._disarm(f"{', '.join(lost)} is not well")
        self._tell()

    @property
    def is_armed(self) -> bool:
        """Whether all are armed, in one epoch."""
        return self._armed.keys() == set(self._chain)

    def _look(self, name: str) -> None:
        """Ask one whether it lives."""
        known = self.watched[name]
        try:
            found = self._hosts.ask(name, "ping", seconds=PING_S)
        except LiveError:
            self._note_silence(name, known)
            return
        known.pid, known.incarnation = int(found["pid"]), int(found["incarnation"])
        if float(found["silent_s"]) > _patience(name) and found["state"] != "starting":
            known.state = "lost"
            return
        known.state = str(found["state"])
        known.seen_at = self._clock()
        if known.is_well:
            known.tries = 0
        if known.state == "starting" and self._since(known.started_at) > START_S:
            known.state = "lost"

    def _note_silence(self, name: str, known: Watched) -> None:
        young = self._since(known.started_at) < START_S and known.seen_at < known.started_at
        if self._hosts.is_gone(name):
            known.state = "lost"
        elif young:
            known.state = "starting"
        elif self._since(known.seen_at) >= _patience(name):
            known.state = "lost"
        else:
            known.state = "silent"

    def _since(self, instant: float) -> float:
        return self._clock() - instant if instant else float("inf")

    def _start_lost(self) -> None:
        """Start what is lost, in order, as long as there are not too many restarts."""
        for name in self._names:
            known = self.watched[name]
            if known.state not in ("lost", "stopped", "failed"):
                continue
            first = not known.started_at and not known.seen_at
            pause_s = min(RETRY_S * 2**known.tries, RETRY_S_MAX) if known.tries else 0.0
            if self._since(known.started_at) < pause_s or self._is_started_anew(name, known):
                continue
            if not first and not self._may_restart(name):
                continue
            self._hosts.end(name)
            known.started_at, known.state = self._clock(), "starting"
            known.tries += 1
            self._hosts.start(name)
            _log.info("%s %s", name, "started" if first else "is started anew")

    def _is_started_anew(self, name: str, known: Watched) -> bool:
        """Whether its host has done so by itself, as Ray does: then it is on its way."""
        entry = entry_of(self._folder, name)
        if entry is None or not 0 < known.incarnation < entry.incarnation or not is_running(entry):
            return False
        known.pid, known.incarnation = entry.pid, entry.incarnation
        known.started_at, known.state = self._clock(), "starting"
        return True

    def _may_restart(self, name: str) -> bool:
        now = self._clock()
        while self._restarts and now - self._restarts[0] > _MINUTE_S:
            self._restarts.popleft()
        if len(self._restarts) >= self._restarts_per_minute:
            reason = f"{len(self._restarts)} restarts in a minute, the last of {name}"
            latch = Latch(name=RESTARTS, reason=reason, by=SUPERVISOR, at=time.time_ns())
            set_latch(self._folder, latch)
            self._waits_for = reason
            return False
        self._restarts.append(now)
        self._restart_count += 1
        return True

    def _arm_on(self) -> None:
        """Go on arming, or begin anew where somebody has lost its arming."""
        fallen = [
            name for name, incarnation in self._armed.items() if self._fell(name, incarnation)
        ]
        if fallen:
            self._disarm(f"{', '.join(fallen)} is to be armed anew")
        if self.is_armed:
            self._waits_for = ""
            return
        halted = latches(self._folder)
        if halted:
            self._waits_for = f"the reset of {', '.join(latch.name for latch in halted)}"
            return
        try:
            self._arm_next()
        except LiveError as error:
            self._waits_for = str(error)
            _log.warning("arming waits: %s", error)

    def _fell(self, name: str, incarnation: int) -> bool:
        known = self.watched[name]
        return known.incarnation != incarnation or known.state != "armed"

    def _arm_next(self) -> None:
        if not self._armed:
            self.epoch += 1
            write_durably(self._folder.processes / _EPOCH, str(self.epoch).encode())
        for name in self._chain:
            if name in self._armed:
                continue
            self._waits_for = self._ready.get(name, _always)(self._gauges())
            if self._waits_for:
                return
            state = self._hosts.ask(name, "arm", self.epoch, seconds=PING_S)
            if state != "armed":
                raise LiveError(f"{name} must be armed, is {state}")
            self._armed[name] = self.watched[name].incarnation
            self.watched[name].state = "armed"
        _log.info("all are armed in epoch %d", self.epoch)

    def _gauges(self) -> dict[str, Any]:
        """Everybody's gauges, as "component.gauge"."""
        found: dict[str, Any] = {}
        for name in self._chain:
            statistics = self._hosts.ask(name, "statistics", seconds=PING_S)
            found |= {f"{name}.{gauge}": value for gauge, value in statistics["gauges"].items()}
        return found

    def _disarm(self, reason: str) -> None:
        """Let nobody decide; whoever does not answer is lost, and halted when it is back."""
        self._armed.clear()
        for name in DECIDERS:
            known = self.watched.get(name)
            if known is None or known.state != "armed":
                continue
            try:
                known.state = self._hosts.ask(name, "disarm", reason, seconds=PING_S)
                _log.info("%s is disarmed: %s", name, reason)
            except LiveError as error:
                _log.warning("%s could not be disarmed: %s", name, error)

    def _tell(self) -> None:
        """Write down what is seen, where it has changed."""
        report = Report(
            at=self._told.at,
            epoch=self.epoch,
            armed=self.is_armed,
            waits_for=self._waits_for,
            restarts=self._restart_count,
            components={
                name: {"state": one.state, "pid": one.pid, "incarnation": one.incarnation}
                for name, one in self.watched.items()
            },
        )
        if report == self._told:
            return
        self._told = msgspec.structs.replace(report, at=time.time_ns())
        beside = self._folder.processes / f".{_REPORT}.{os.getpid()}"
        beside.write_bytes(msgspec.json.encode(self._told))
        beside.replace(self._folder.processes / _REPORT)


def _patience(name: str) -> float:
    """How long a component may be silent [s]; the recorder yields to all that trades."""
    return RECORDER_SILENT_S if name == RECORDER else PING_S


def _epoch_of(folder: Folder) -> int:
    try:
        return int((folder.processes / _EPOCH).read_text(encoding="ascii"))
    except FileNotFoundError:
        return 0
    except (OSError, ValueError) as error:
        raise LiveError(f"the epoch in {folder.path} must be readable: {error}") from None


def _always(_gauges: Mapping[str, Any]) -> str:
    return ""


def _risk_waits_for(gauges: Mapping[str, Any]) -> str:
    """Risk needs a market to look at, and an account that is known."""
    if not gauges.get(f"{MARKET_DATA}.feed_up", True):
        return f"market data: {gauges.get(f'{MARKET_DATA}.feed_reason') or 'the feed is down'}"
    if not gauges.get(f"{EXECUTION}.gate", True):
        return f"execution's gate: {gauges.get(f'{EXECUTION}.gate_reason') or 'it is closed'}"
    return ""


def _signal_waits_for(gauges: Mapping[str, Any]) -> str:
    """Signal needs a risk that has heard of both."""
    heard = all(gauges.get(f"{RISK}.{name}", True) for name in ("feed_up", "gate_open"))
    return "" if heard else "risk to hear of the market and the account"


READY: Final[Mapping[str, Callable[[Mapping[str, Any]], str]]] = {
    RISK: _risk_waits_for,
    SIGNAL: _signal_waits_for,
}

_EPOCH: Final = "epoch"
_REPORT: Final = "supervisor.report.json"
