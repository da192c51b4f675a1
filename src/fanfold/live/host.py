"""The body of a process: one component on a thread of its own, and what may be asked of it.

It is started with a folder and a name, nothing else, and always HALTED: what it was told
before it died does not count. Questions about its health are answered beside the loop, so
they never wait behind data; whatever goes wrong ends the process, and its host starts it
anew from what is durable.
"""

import gc
import logging
import os
import sys
import threading
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, Final, Protocol

import msgspec

from fanfold.alpaca.credentials import KEY_ID_VARIABLES, SECRET_VARIABLES
from fanfold.errors import LiveError
from fanfold.live.component import Component
from fanfold.live.control import ARM, DISARM, INSPECT, STOP, Control
from fanfold.live.folder import UMASK, Folder
from fanfold.live.halts import Latch, set_latch
from fanfold.live.logs import described, log_to_file, place_of
from fanfold.live.loop import Loop
from fanfold.live.messages import EXECUTION, MARKET_DATA, RECORDER, RISK, SIGNAL
from fanfold.live.registry import enter, lock_of, write_entry
from fanfold.live.wires import Wires

FAULT_CODE: Final = 70
"""Exit code of a process whose component failed while it ran."""

START_CODE: Final = 71
"""Exit code of a process whose component could not be opened."""

ANSWER_S: Final = 1.5
"""How long a loop may take to answer [s]."""

STOP_S: Final = 15.0
"""How long a component may take to write down what must last [s]."""

LOCK_S: Final = 5.0
"""How long a predecessor may take to be gone [s]."""

GC_OBJECTS: Final = 50_000
"""Objects that are made until the collector looks at them."""

SWITCH_S: Final = 0.0005
"""How long another thread of the process may hold up the one that trades [s]."""

_LOCK_POLL_S: Final = 0.02

_log = logging.getLogger(__name__)


class Driven(Protocol):
    """What runs a component until it is told to stop."""

    woken_at: float

    @property
    def state(self) -> str:
        """Whether it is "halted", "armed" or "stopped"."""
        ...

    def run(self) -> None:
        """Go on until it is told to stop."""
        ...

    def disarm(self, reason: str) -> None:
        """Act no more; from the running thread."""
        ...

    def statistics(self) -> Any:
        """A snapshot, from any thread."""
        ...


Opener = Callable[[Folder, int, Wires, Control], tuple[Driven, Callable[[], None]]]
"""Opens a component: what drives it, and how it is let go."""

_PLACES: Final = {
    SIGNAL: ("fanfold.live.signal.signal", "Signal"),
    RISK: ("fanfold.live.risk.risk", "Risk"),
    EXECUTION: ("fanfold.live.execution.execution", "Execution"),
    RECORDER: ("fanfold.live.record.recorder", "Recorder"),
}
"""Components that a loop drives: module and class. Imported by the one process that needs
it, so that none pays for another's memory."""

MARKET_MODULE: Final = "fanfold.live.market_data.run"
"""Market data drives itself: a stream is read by an event loop of its own."""


def opener_of(name: str) -> Opener:
    """How the component of a name is opened.

    Raises:
        LiveError: There is none of that name.
    """
    if name == MARKET_DATA:
        return _open_market_data
    if name not in _PLACES:
        raise LiveError(f"component must be one of {', '.join(_PLACES)}, was {name!r}")
    module, class_name = _PLACES[name]

    def opened(folder: Folder, incarnation: int) -> Component:
        made: Any = getattr(import_module(module), class_name)
        return made.opened(folder, incarnation, time.time_ns())

    return looped(opened)


def looped(opened: Callable[[Folder, int], Component]) -> Opener:
    """An opener that puts a component into a loop."""

    def open_(
        folder: Folder, incarnation: int, wires: Wires, control: Control
    ) -> tuple[Driven, Callable[[], None]]:
        component = opened(folder, incarnation)
        loop = Loop(
            component,
            wires.inbox(),
            wires.outlets(),
            control,
            folder=folder,
            incarnation=incarnation,
        )
        return loop, component.close

    return open_


class Host:
    """A component, hosted by this process.

    Args:
        path: The deployment's folder.
        name: The component's.
        opener: How it is opened; None for the usual one of that name.

    Raises:
        LiveError: Another process is that component already.
    """

    def __init__(self, path: str, name: str, opener: Opener | None = None) -> None:
        self.folder = Folder(Path(path))
        self.name = name
        self._opener = opener or opener_of(name)
        os.umask(UMASK)  # libraries make files too
        self._lock = lock_of(self.folder, name)
        until = time.monotonic() + LOCK_S
        while not self._lock.take():
            if time.monotonic() > until:
                raise LiveError(f"{name} of {self.folder.name} must run once, runs already")
            time.sleep(_LOCK_POLL_S)
        adopt_local_keys(self.folder)
        self._entry = enter(self.folder, name, time.time_ns())
        log_to_file(self.folder, name, self._entry.incarnation)
        self._control = Control()
        self._driven: Driven | None = None
        self._ended = threading.Event()
        self._code = 0
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self, on_end: Callable[[int], None] | None = None) -> None:
        """Begin; `on_end` is told the exit code, from the thread that ends."""
        self._on_end = on_end
        self._thread.start()

    def ping(self) -> dict[str, Any]:
        """That it lives: process, incarnation, state, and how long ago its loop woke [s]."""
        driven = self._driven
        return {
            "name": self.name,
            "pid": self._entry.pid,
            "incarnation": self._entry.incarnation,
            "state": self._state(),
            "silent_s": 0.0 if driven is None else time.monotonic() - driven.woken_at,
        }

    def arm(self, epoch: int) -> str:
        """Let it act, in this epoch; its state after that."""
        return self._ask(ARM, epoch)

    def disarm(self, reason: str) -> str:
        """Let it act no more; its state after that."""
        return self._ask(DISARM, reason)

    def inspect(self) -> dict[str, Any]:
        """What it holds, as plain values."""
        return self._ask(INSPECT, None)

    def statistics(self) -> dict[str, Any]:
        """A snapshot as plain values, see `fanfold.live.component.Statistics`.

        Raises:
            LiveError: It is not open yet.
        """
        if self._driven is None:
            raise LiveError(f"{self.name} must be open to be asked, is {self._state()}")
        return msgspec.to_builtins(self._driven.statistics())

    def stop(self) -> int:
        """Stop it in order, and wait; the exit code."""
        if not self._ended.is_set():
            self._control.ask(STOP)
        self._ended.wait(STOP_S)
        return self._code

    def wait(self, seconds: float | None = None) -> int | None:
        """The exit code, None while it still runs."""
        return self._code if self._ended.wait(seconds) else None

    def _state(self) -> str:
        if self._ended.is_set():
            return "failed" if self._code else "stopped"
        return "starting" if self._driven is None else self._driven.state

    def _ask(self, what: str, argument: Any) -> Any:
        if self._driven is None or self._ended.is_set():
            raise LiveError(f"{self.name} must be open to be asked, is {self._state()}")
        try:
            return self._control.ask(what, argument).result(ANSWER_S)
        except TimeoutError:
            raise LiveError(f"{self.name} must answer within {ANSWER_S:g} s, did not") from None

    def _run(self) -> None:
        """Open the component, drive it, let it go; the thread's whole life."""
        try:
            with Wires(self.folder, self.name) as wires:
                self._code = self._open_and_drive(wires)
        except Exception as error:  # the last edge: whatever it was, the process ends
            self._note(error, "could not be opened")
            self._code = self._code or START_CODE
        finally:
            self._ended.set()
            if self._on_end is not None:
                self._on_end(self._code)

    def _open_and_drive(self, wires: Wires) -> int:
        driven, let_go = self._opener(self.folder, self._entry.incarnation, wires, self._control)
        self._driven = driven
        _keep_pauses_short()
        _log.info("%s is open", self.name)
        code = self._drive(driven)
        let_go()
        _log.info("%s is closed", self.name)
        return code

    def _drive(self, driven: Driven) -> int:
        try:
            driven.run()
        except Exception as error:
            self._note(error, "failed")
            self._latch(f"fault.{self.name}".replace(".", "_"), described(error))
            self._disarm_after_fault(driven)
            return FAULT_CODE
        return 0

    def _disarm_after_fault(self, driven: Driven) -> None:
        try:
            driven.disarm("fault")
        except Exception as error:
            self._note(error, "could not be disarmed")

    def _latch(self, name: str, reason: str) -> None:
        set_latch(self.folder, Latch(name=name, reason=reason, by=self.name, at=time.time_ns()))

    def _note(self, error: Exception, what: str) -> None:
        _log.error("%s %s, %s: %s", self.name, what, place_of(error), described(error))
        write_entry(
            self.folder, self.name, msgspec.structs.replace(self._entry, error=described(error))
        )


def _keep_pauses_short() -> None:
    """What was made until now stays, so the collector need not look at it; others yield soon."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_OBJECTS, *gc.get_threshold()[1:])
    sys.setswitchinterval(SWITCH_S)


def venue_keys_file(folder: Folder) -> Path:
    """Made-up keys of the local venue, for their owner's eyes only.

    A broker's keys never stand in a folder. These open nothing but a venue on this machine,
    which was started with them and keeps them in its own settings: so they are no secret of
    anybody, and with them whatever account's keys the environment has stay unused.
    """
    return folder.path / "venue_keys.json"


def adopt_local_keys(folder: Folder) -> None:
    """Use the local venue's keys, where the deployment is at one.

    Whatever account's keys this process was given, they are none of that venue's business.
    """
    file = venue_keys_file(folder)
    if not file.is_file():
        return
    key, secret = msgspec.json.decode(file.read_bytes(), type=tuple[str, str])
    os.environ[KEY_ID_VARIABLES[0]] = key
    os.environ[SECRET_VARIABLES[0]] = secret


def _open_market_data(
    folder: Folder, incarnation: int, wires: Wires, control: Control
) -> tuple[Driven, Callable[[], None]]:
    opened: Any = import_module(MARKET_MODULE).opened
    return opened(folder, incarnation, wires, control)
