"""What a deployment's equity is expected to be, and what is done where it is not.

The band is computed by a process of its own and kept in the deployment's folder; to look
whether equity is inside takes neither arrays nor a strategy, since whoever watches trades.
"""

import contextlib
import json
import logging
import math
import os
import sys
import threading
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from fanfold.errors import ConfigError, DataError
from fanfold.live.folder import Folder, write_durably
from fanfold.live.halts import Latch, latches, set_latch
from fanfold.live.plan import Plan, read_plan
from fanfold.workflows.live.bar_clock import BarClock

if TYPE_CHECKING:
    from fanfold.research.band import Band

DEMOTED: Final = "demoted"
"""The latch of equity that has left its band: under it positions may only be lessened."""

BAND: Final = "band.json"
WATCH: Final = "watch.json"

MODULE: Final = "fanfold.workflows.live.expected"
"""What computes a band: a process of its own."""

AGAIN_S: Final = 60.0
"""Least time between two processes that compute one band [s]."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """A band as it lies in the folder.

    Attributes:
        key: Of the plan that it is for: another one asks for another band.
        source: What it comes from, in words.
        version: Whose out-of-sample returns it is made of, "" for none.
        bar_seconds: Length of a bar [s].
        level: Share of paths that never leave it [1].
        demotes: Whether leaving it demotes the version.
        bars, median, lower, upper: As in `fanfold.research.band.Band`.
        problem: Why there is no band, "" where there is one.
    """

    key: str
    source: str = ""
    version: str = ""
    bar_seconds: int = 0
    level: float = 0.0
    demotes: bool = False
    bars: tuple[int, ...] = ()
    median: tuple[float, ...] = ()
    lower: tuple[float, ...] = ()
    upper: tuple[float, ...] = ()
    problem: str = ""

    @property
    def band(self) -> "Band":
        """The band itself."""
        from fanfold.research.band import Band

        return Band(
            bars=self.bars,
            median=self.median,
            lower=self.lower,
            upper=self.upper,
            level=self.level,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """How far equity has been followed.

    Attributes:
        key: Of the band.
        start_ts: Where it starts [ns UTC], by the venue's clock, and `start_equity` what the
            account was worth then [currency].
        bar: The last bar that was looked at, after the start.
        left: The first bar at which it was outside, 0 for none.
        latched: Whether the latch was set for it.
    """

    key: str
    start_ts: int
    start_equity: float
    bar: int = 0
    left: int = 0
    latched: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Demotion:
    """Equity has left its band.

    Attributes:
        version: Which is demoted, "" where none was measured.
        bar: Bars after the band's start.
        equity: The account's [currency], and `lower` and `upper` where it was expected.
        reason: The same in one line.
    """

    version: str
    bar: int
    equity: float
    lower: float
    upper: float
    reason: str


@dataclass(slots=True)
class _Known:
    """What is remembered of a folder between two looks."""

    plan: Plan | None = None
    clock: BarClock | None = None
    expected: Expected | None = None
    watched: Watched | None = None
    stamps: tuple[int, int] = (0, 0)
    child: int = 0
    asked_s: float = 0.0


_known: dict[Path, _Known] = {}
_one_at_a_time: Final = threading.Lock()


def expectation(folder: Folder) -> dict[str, Any] | None:
    """Where a deployment's equity is expected, in its currency; None where nothing says so yet.

    The first call starts a process that computes it, which takes some seconds.

    Raises:
        DataError: The plan cannot be read.
    """
    with _one_at_a_time:
        known = _looked_up(folder)
        expected, watched, clock = known.expected, _watched(folder, known), known.clock
    if expected is None or expected.problem or clock is None:
        return None
    if watched is None or watched.key != expected.key:
        return None
    start = watched.start_equity
    bars = (0, *expected.bars)
    return {
        "source": expected.source,
        "bar_seconds": expected.bar_seconds,
        "start_ts": watched.start_ts,
        "start_equity": start,
        "ts": [clock.end_after(watched.start_ts, bar) if bar else watched.start_ts for bar in bars],
        "median": [start, *(start * value for value in expected.median)],
        "lower": [start, *(start * value for value in expected.lower)],
        "upper": [start, *(start * value for value in expected.upper)],
        "level": expected.level,
        "inside": not watched.left,
        "bars": expected.bars[-1],
    }


def check_expectation(folder: Folder, now: int, equity: float | None) -> Demotion | None:
    """Look whether equity is still inside the band, once a bar.

    Leaving it sets the latch `DEMOTED`, after which positions may only be lessened, and takes
    the version away from going live. Once somebody has reset the latch the band begins anew,
    as it does at its horizon.

    Args:
        folder: Of the deployment.
        now: By the venue's clock [ns UTC].
        equity: Of the account [currency]; None where it is not known.

    Returns:
        What was done, where it was done just now.

    Raises:
        DataError: The plan cannot be read.
    """
    if equity is None or not (math.isfinite(equity) and equity > 0.0) or now <= 0:
        return None
    with _one_at_a_time:
        return _checked(folder, now, equity)


def read_expected(folder: Folder) -> Expected | None:
    """The band in a folder; None where there is none that can be read."""
    with contextlib.suppress(OSError, ValueError, TypeError):
        content: dict[str, Any] = json.loads((folder.path / BAND).read_bytes())
        for name in ("bars", "median", "lower", "upper"):
            content[name] = tuple(content[name])
        found = Expected(**content)
        if found.problem or found.band.bars:
            return found
    return None


def write_expected(folder: Folder, expected: Expected) -> None:
    """Keep a band in its folder."""
    write_durably(folder.path / BAND, json.dumps(asdict(expected)).encode())


def forget_expected(folder: Folder) -> None:
    """Let the band be computed anew, such as once its version was measured."""
    (folder.path / BAND).unlink(missing_ok=True)


def key_of(plan: Plan) -> str:
    """What a band is for: the plan that was made then, in these terms."""
    return f"{plan.made_at}-{plan.spec_hash[:16]}"


def _checked(folder: Folder, now: int, equity: float) -> Demotion | None:
    known = _looked_up(folder)
    expected, clock = known.expected, known.clock
    if expected is None or expected.problem or clock is None:
        return None
    watched = _watched(folder, known)
    is_new = watched is None or watched.key != expected.key or _is_over(folder, watched, expected)
    if watched is None or is_new or clock.bars_between(watched.start_ts, now) > expected.bars[-1]:
        _keep(folder, known, Watched(key=expected.key, start_ts=now, start_equity=equity))
        return None
    bar = clock.bars_between(watched.start_ts, now)
    return None if bar <= watched.bar else _gone_on(folder, known, expected, watched, bar, equity)


def _looked_up(folder: Folder) -> _Known:
    """Plan and band of a folder, read again where their files have changed."""
    known = _known.setdefault(folder.path, _Known())
    stamps = _stamp(folder.plan), _stamp(folder.path / BAND)
    if known.plan is None or stamps != known.stamps:
        known.plan = read_plan(folder)
        sessions = next(iter(known.plan.sessions.values()), ())
        known.clock = _clock(known.plan, sessions)
        known.expected = read_expected(folder)
        known.stamps = stamps
    if known.expected is not None and known.expected.key != key_of(known.plan):
        known.expected = None
    if known.child or (known.expected is None and known.clock is not None):
        _ask(folder, known)
    return known


def _clock(plan: Plan, sessions: Any) -> BarClock | None:
    with contextlib.suppress(DataError):
        return BarClock(sessions, plan.settings.market.bar_seconds)
    return None


def _ask(folder: Folder, known: _Known) -> None:
    """Have the band computed, unless that is under way or was tried a moment ago."""
    if known.child and _is_at_work(known.child):
        return
    known.child = 0
    if known.expected is not None or time.monotonic() - known.asked_s < AGAIN_S:
        return
    known.asked_s = time.monotonic()
    nowhere = [(os.POSIX_SPAWN_OPEN, stream, os.devnull, os.O_RDWR, 0) for stream in range(3)]
    try:
        known.child = os.posix_spawn(
            sys.executable,
            [sys.executable, "-m", MODULE, str(folder.path)],
            os.environ,
            file_actions=nowhere,
            setsid=True,
        )
    except OSError as error:
        _log.warning("the expectation could not be computed: %s", error)


def _is_at_work(child: int) -> bool:
    """Whether a process that was started still runs; one that has ended leaves nothing."""
    try:
        return os.waitpid(child, os.WNOHANG)[0] == 0
    except ChildProcessError:  # somebody else has waited for it
        return False


def _watched(folder: Folder, known: _Known) -> Watched | None:
    if known.watched is None:
        with contextlib.suppress(OSError, ValueError, TypeError):
            known.watched = Watched(**json.loads((folder.path / WATCH).read_bytes()))
    return known.watched


def _keep(folder: Folder, known: _Known, watched: Watched) -> None:
    known.watched = watched
    try:
        write_durably(folder.path / WATCH, json.dumps(asdict(watched)).encode())
    except OSError as error:  # it is watched all the same
        _log.warning("how far equity was followed could not be written: %s", error.strerror)


def _gone_on(  # noqa: PLR0917
    folder: Folder, known: _Known, expected: Expected, watched: Watched, bar: int, equity: float
) -> Demotion | None:
    """A bar has ended: note where equity is, and act where that is outside."""
    outside = _is_outside(expected, bar, equity / watched.start_equity)
    watched = replace(watched, bar=bar, left=watched.left or (bar if outside else 0))
    if not watched.left or watched.latched or not expected.demotes:
        _keep(folder, known, watched)
        return None
    demotion = _demotion(expected, watched, equity)
    _act(folder, demotion)
    _keep(folder, known, replace(watched, latched=True))
    return demotion


def _is_over(folder: Folder, watched: Watched, expected: Expected) -> bool:
    """Whether somebody has let a demoted version go on: then it starts from where it is."""
    if not watched.latched or not expected.demotes:
        return False
    return all(latch.name != DEMOTED for latch in latches(folder))


def _is_outside(expected: Expected, bar: int, factor: float) -> bool:
    from fanfold.research.band import is_outside

    return is_outside(expected.band, bar, factor)


def _demotion(expected: Expected, watched: Watched, equity: float) -> Demotion:
    from fanfold.research.band import bounds_at

    bounds = bounds_at(expected.band, watched.bar)
    lower, upper = (watched.start_equity * bound for bound in bounds)
    side = "below" if equity < lower else "above"
    reason = (
        f"equity {equity:,.2f} is {side} the band of {expected.level:.0%} of all paths, "
        f"{lower:,.2f} to {upper:,.2f}, {watched.bar:,} bars after {watched.start_equity:,.2f}"
        f" ({expected.source})"
    )
    return Demotion(
        version=expected.version,
        bar=watched.bar,
        equity=equity,
        lower=lower,
        upper=upper,
        reason=reason,
    )


def _act(folder: Folder, demotion: Demotion) -> None:
    """First the latch, which halts; then what is written of it."""
    latch = Latch(name=DEMOTED, reason=demotion.reason, by="expectation", at=time.time_ns())
    set_latch(folder, latch)
    _log.error("demoted: %s", demotion.reason)
    if not demotion.version:
        return
    from fanfold.workflows.versions.standing import demote
    from fanfold.workflows.versions.store import read_record

    try:
        record = read_record(demotion.version)
        if record is not None:
            demote(record, folder.name, demotion.reason, "expectation")
    except (ConfigError, DataError, OSError) as error:  # the latch stands, which is what counts
        _log.error("version %s could not be demoted: %s", demotion.version, error)


def _stamp(file: Path) -> int:
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return 0
