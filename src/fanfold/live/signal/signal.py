"""Signal: runs the strategy and tells risk what it wants.

What comes in is on the tape before anything acts on it, the component's own arming too; so
a process that is started after a kill comes to the same state, bit for bit. What it decides
goes to a tape of its own, beside which parity lays what a replay decides.
"""

import logging
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from fanfold.errors import LiveError
from fanfold.live.component import Outgoing, Pollable, Statistics
from fanfold.live.folder import Folder
from fanfold.live.halts import Latch, set_latch
from fanfold.live.messages import RISK, SIGNAL, Arming, Envelope, encode
from fanfold.live.plan import Plan, read_plan
from fanfold.live.signal.restart import DECISIONS, TAPE, started
from fanfold.live.signal.snapshots import Snapshots
from fanfold.live.signal.state import Decision, as_bytes
from fanfold.live.statistics import Latency, summaries
from fanfold.live.tape import Place, Tape
from fanfold.live.trace import Trail

DISK: Final = "disk"
"""The latch of a tape that cannot be written."""

RESTARTED: Final = "restarted"
"""Why a component that was armed when it died is not."""

REHEARSAL_NS: Final = 4_000_000
"""Time from which on what a change of a wish leads to is rehearsed again [ns]."""

_NS: Final = 1_000_000_000
_NO_PLACE: Final = Place(1, 0)

_log = logging.getLogger(__name__)


class Signal:
    """The component; see `fanfold.live.component.Component`.

    Args:
        folder: The deployment's.
        plan: What it is.
        incarnation: Of this process.
        now: [ns UTC]
    """

    name = SIGNAL

    def __init__(self, folder: Folder, plan: Plan, incarnation: int, now: int) -> None:
        self._folder, self._incarnation = folder, incarnation
        record = plan.settings.record
        self._snapshot_ns = round(record.snapshot_s * _NS)
        self._tapes = (
            (
                Tape(folder.tapes, TAPE, record.segment_bytes),
                Tape(folder.tapes, DECISIONS, record.segment_bytes),
            )
            if record.tapes
            else None
        )
        self._snapshots = Snapshots(folder.snapshots, folder.tapes, TAPE)
        start = started(plan, folder, self._snapshots)
        self._decider = start.decider
        self._counts = {"envelopes": 0, "messages": 0, "snapshots": 0, "ignored.halted": 0}
        self._started = {"replayed": start.frames, "damaged_snapshots": start.damaged}
        self._trail = Trail(plan.tag)
        self._stages = {name: Latency() for name in ("hop", "tape", "step", "intent")}
        self._own_number, self._epoch, self._at = 0, 0, now
        # What is left to do of the envelope that is being taken.
        self._envelope: Envelope | None = None
        self._unwritten: Sequence[Decision] = ()
        self._taken_at = self._began = self._taped = 0
        self._lasted = 0, 0
        self._next_rehearsal = 0
        self._problem: str = ""
        self._latched: str = ""
        self._why: str = ""
        self._closed = False
        self._next_snapshot, self._kept = now + self._snapshot_ns, _NO_PLACE
        self._write_decisions(start.decisions)
        if self._decider.armed:
            self._tell(armed=False, reason=RESTARTED, now=now)
        self._latch_error(now)

    @staticmethod
    def opened(folder: Folder, incarnation: int, now: int) -> "Signal":
        """The component of a deployment, in the state that its tape ends in; HALTED.

        Raises:
            ConfigError, DataError: Plan, strategy, model or warm-up are not what they must be.
            LiveError: The state cannot be reached again.
            OSError: The tapes cannot be opened.
        """
        return Signal(folder, read_plan(folder), incarnation, now)

    def arm(self, epoch: int, now: int) -> Sequence[Outgoing]:
        """Send intents from now on, first all goals that are not reached.

        The first arming begins the run: before it nothing is decided. After an error of
        the strategy, or of the disk, it stays halted.
        """
        self._epoch = epoch
        return self._tell(armed=True, reason="", now=now)

    def disarm(self, reason: str, now: int) -> Sequence[Outgoing]:
        """Go on deciding, and send nothing."""
        self._why = reason
        return self._tell(armed=False, reason=reason, now=now)

    def take(self, envelope: Envelope, raw: bytes, now: int) -> Sequence[Outgoing]:
        """An envelope of market data, risk or execution; intents for risk."""
        self._stages["hop"].record(now - envelope.sent_at)
        return self._take(envelope, raw, now)

    def begin(self, envelope: Envelope, raw: bytes, now: int) -> Sequence[Outgoing]:
        """An envelope as far as the first intents, which are to be sent before `go_on`."""
        self._stages["hop"].record(now - envelope.sent_at)
        return self._begin(envelope, raw, now)

    @property
    def is_unfinished(self) -> bool:
        """Whether `go_on` has anything left to do."""
        return self._envelope is not None

    def go_on(self) -> Sequence[Outgoing]:
        """Write down what was decided, and go on with the envelope, as far as further intents.

        A decision may come to its tape after its intents were sent: the envelope that led to
        it was on the other tape before, so a start after a kill decides the same, under the
        same numbers, and writes what is missing.
        """
        envelope = self._envelope
        if envelope is None:
            return ()
        self._note_decisions(envelope)
        if self._problem or not self._decider.is_unfinished:
            self._envelope = None
            self._rehearse(self._taken_at)
            return ()
        return self._step(envelope, self._decider.go_on)

    def tick(self, now: int) -> Sequence[Outgoing]:
        """Write a snapshot where one is due."""
        self._at = now
        self._rehearse(now)
        self._trail.write()
        if now >= self._next_snapshot and not self._snapshots.is_busy:
            self._next_snapshot = now + self._snapshot_ns
            self._keep(now)
        return ()

    def pollables(self) -> Sequence[Pollable]:
        """It listens to its inbox only."""
        return ()

    def statistics(self) -> Statistics:
        """A snapshot; called from another thread."""
        decider = self._decider
        return Statistics(
            component=self.name,
            incarnation=self._incarnation,
            state=self._state(),
            at=self._at,
            counts={**decider.counts, **self._counts, "snapshots": self._snapshots.written},
            gauges={
                **decider.gauges,
                **self._started,
                "epoch": self._epoch,
                "problem": self._problem or decider.error,
                "disarmed": "" if decider.armed else self._why,
                "snapshot_problem": self._snapshots.problem,
            },
            latency=summaries(self._stages),
        )

    def inspect(self) -> dict[str, Any]:
        """The strategy's state as a person would look at it."""
        return self._decider.view()

    def digest(self) -> str:
        """SHA-256 over all state, to compare with that of a replay."""
        return self._decider.digest()

    def close(self) -> None:
        """Write a last snapshot, and let go of the tapes."""
        if self._closed:
            return
        self._closed = True
        self._keep(self._at)
        self._snapshots.wait()
        for tape in self._tapes or ():
            tape.close()

    def _tell(self, *, armed: bool, reason: str, now: int) -> Sequence[Outgoing]:
        self._own_number += 1
        told = Arming(armed=armed, epoch=self._epoch, at=now, reason=reason)
        envelope = Envelope(SIGNAL, self._incarnation, self._own_number, now, (told,))
        return self._take(envelope, encode(envelope), now)

    def _take(self, envelope: Envelope, raw: bytes, now: int) -> Sequence[Outgoing]:
        outgoing = [*self._begin(envelope, raw, now)]
        while self._envelope is not None:
            outgoing += self.go_on()
        return outgoing

    def _begin(self, envelope: Envelope, raw: bytes, now: int) -> Sequence[Outgoing]:
        self._at = self._taken_at = now
        if self._problem or self._closed:
            self._counts["ignored.halted"] += 1
            return ()
        began = time.perf_counter_ns()
        if not self._append(raw, now):
            return ()
        self._began, self._taped = began, time.perf_counter_ns()
        self._counts["envelopes"] += 1
        self._counts["messages"] += len(envelope.values)
        return self._step(envelope, lambda: self._decider.begin(envelope))

    def _step(self, envelope: Envelope, decide: Callable[[], list[Decision]]) -> Sequence[Outgoing]:
        """Decide, and give what is to be sent at once; all else waits for `go_on`."""
        before, began = self._decider.decided, time.perf_counter_ns()
        try:
            decisions = decide()
        except Exception as error:  # half of an event is in its state: that must not be kept
            self._problem = f"an envelope could not be taken: {type(error).__name__}"
            self._envelope = None
            raise
        self._unwritten = decisions
        stepped = time.perf_counter_ns()
        self._envelope = envelope
        intents: list[Outgoing] = []
        if decisions:
            intents = [(RISK, intent) for one in decisions for intent in one.intents]
        if intents:
            self._stages["intent"].record(stepped - self._began)
        self._lasted = stepped - began, self._decider.decided - before
        return intents or self.go_on()

    def _rehearse(self, now: int) -> None:
        if now >= self._next_rehearsal and not self._problem:
            self._next_rehearsal = now + REHEARSAL_NS
            self._decider.rehearse()

    def _note_decisions(self, envelope: Envelope) -> None:
        """Write down and count what was decided last."""
        decisions, self._unwritten = self._unwritten, ()
        if self._taped:
            self._stages["tape"].record(self._taped - self._began)
            self._taped = 0
        lasted, steps = self._lasted
        if steps:
            self._stages["step"].record(lasted // steps)
        if self._decider.error:
            self._latch_error(self._taken_at)
        if not decisions or not self._write_decisions(decisions):
            return
        for one in decisions:
            for intent in one.intents:
                self._trail.note(
                    "decided", intent.asset, intent.event_ts, at=self._taken_at + lasted,
                    number=intent.number, goal=intent.goal, heard_of=envelope.sender,
                    told_at=envelope.sent_at, taken_at=self._taken_at,
                )  # fmt: skip

    def _append(self, raw: bytes, now: int) -> bool:
        if self._tapes is None:
            return True
        try:
            self._tapes[0].append(now, raw)
        except (OSError, LiveError) as error:
            self._fail(error)
            return False
        return True

    def _write_decisions(self, decisions: Sequence[Decision]) -> bool:
        if self._tapes is None:
            return True
        try:
            for one in decisions:
                self._tapes[1].append(one.ts, as_bytes(one))
        except (OSError, LiveError) as error:
            self._fail(error)
            return False
        return True

    def _fail(self, error: Exception) -> None:
        """Act on nothing more: what is not on the tape would be lost to the next start."""
        self._problem = f"a tape could not be written: {error}"
        self._set_latch(DISK, self._problem)

    def _latch_error(self, now: int) -> None:
        if self._decider.error != self._latched:
            self._at, self._latched = now, self._decider.error
            self._set_latch(self._decider.latch, self._decider.error)

    def _set_latch(self, name: str, reason: str) -> None:
        _log.error("%s: %s", name, reason)
        try:
            set_latch(self._folder, Latch(name=name, reason=reason, by=SIGNAL, at=self._at))
        except OSError as error:  # the disk is full for latches too; it is halted all the same
            _log.error("latch %s could not be set: %s", name, error)

    def _keep(self, now: int) -> None:
        """Begin to write a snapshot, unless nothing has come since the last."""
        place = _NO_PLACE if self._tapes is None else self._tapes[0].end
        if self._problem or (self._tapes is not None and place == self._kept):
            return
        self._kept = place
        self._snapshots.keep(place, now, self._decider.snapshot())

    def _state(self) -> str:
        if self._closed:
            return "stopped"
        return "armed" if self._decider.armed and not self._problem else "halted"
