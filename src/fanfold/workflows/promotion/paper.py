"""What rehearsals of a version have shown: sessions, fills, parity, and what halted them."""

import time
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fanfold.domain.place import home
from fanfold.errors import DataError, FanfoldError
from fanfold.live.folder import Folder
from fanfold.live.halts import latches
from fanfold.live.plan import Plan, Session, read_plan
from fanfold.workflows.live.decided import DIFFERENT, EQUAL, backtested, replayed
from fanfold.workflows.live.recorded import Recorded, bars_of, read_recorded
from fanfold.workflows.versions.store import FORMER, Evidence
from fanfold.workflows.versions.version import line_of

REHEARSALS_MAX: Final = 50
"""Rehearsals that are looked at, the newest ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """One deployment that ran the version where no real money is.

    Attributes:
        name: Of the deployment.
        sessions: Days that it decided in, each once [days since 1970-01-01].
        fills: Executed parts of orders.
        different: Decisions that the engine does not make again, in both comparisons.
        is_compared: Whether its decisions were replayed at all.
        latches: What halts it now.
    """

    name: str
    sessions: frozenset[int]
    fills: int
    different: int
    is_compared: bool
    latches: tuple[str, ...]


def paper_evidence(line: str, at: Sequence[str]) -> Evidence:
    """What all rehearsals of a line have shown together.

    It is looked up anew each time: they go on meanwhile.

    Args:
        line: Of the version.
        at: Brokers that count, "local" and "paper".
    """
    figures: dict[str, float | None] = {"sessions": 0.0, "fills": 0.0, "rehearsals": 0.0}
    notes: list[str] = []
    found = list(_rehearsals(line, at, notes))
    days = {(one.name, day) for one in found for day in one.sessions}
    figures |= {
        "sessions": float(len(days)),
        "fills": float(sum(one.fills for one in found)),
        "rehearsals": float(len(found)),
        "latches": float(sum(len(one.latches) for one in found)),
        "different_decisions": float(sum(one.different for one in found)),
    }
    if not any(one.is_compared for one in found):
        figures["different_decisions"] = None
        notes.append("no rehearsal has decisions that could be replayed")
    for one in found:
        halted = f", halted by {', '.join(one.latches)}" if one.latches else ""
        notes.append(
            f"{one.name}: {len(one.sessions)} sessions, {one.fills} fills, {one.different} "
            f"decisions differ{halted}"
        )
    return Evidence(key=line, figures=figures, notes=tuple(notes), at=time.time_ns())


def rehearsed(folder: Folder, plan: Plan) -> Rehearsal:
    """What one deployment has shown.

    Raises:
        DataError: Nothing was recorded, or the record is damaged.
        ConfigError: What it ran is not installed any more.
    """
    found = read_recorded(folder)
    legs = [replayed(found)]
    if found.steps:
        legs.append(backtested(found, bars_of(found), "recorded bars"))
    compared = [leg for leg in legs if leg.verdict in (EQUAL, DIFFERENT)]
    return Rehearsal(
        name=plan.deployment,
        sessions=_sessions(found),
        fills=len(found.fills),
        different=sum(leg.different for leg in compared),
        is_compared=bool(found.decisions) and bool(compared),
        latches=tuple(latch.name for latch in latches(folder)),
    )


def _rehearsals(line: str, at: Sequence[str], notes: list[str]) -> Iterable[Rehearsal]:
    for folder, plan in _deployments(line, at):
        try:
            yield rehearsed(folder, plan)
        except DataError as error:
            notes.append(f"{folder.name} does not count: {error}")
        except FanfoldError as error:
            notes.append(f"{folder.name} could not be compared: {error}")


def _deployments(line: str, at: Sequence[str]) -> list[tuple[Folder, Plan]]:
    """Deployments that run the line, those put aside too, the newest first."""
    root = home() / "live"
    patterns = ("*/plan.json", "aside/*/plan.json", f"*/{FORMER}/*/plan.json")
    found: list[tuple[Folder, Plan]] = []
    for file in _newest(one for pattern in patterns for one in root.glob(pattern)):
        folder = Folder(file.parent)
        try:
            plan = read_plan(folder)
        except DataError:
            continue
        if plan.settings.broker.at in at and line_of(plan) == line:
            found.append((folder, plan))
        if len(found) == REHEARSALS_MAX:
            break
    return found


def _newest(files: Iterable[Path]) -> list[Path]:
    stamped: list[tuple[int, Path]] = []
    for file in files:
        try:
            stamped.append((file.stat().st_mtime_ns, file))
        except OSError:
            continue  # it was moved meanwhile
    return [file for _, file in sorted(stamped, reverse=True)]


def _sessions(found: Recorded) -> frozenset[int]:
    """Days of the sessions whose bars were decided on."""
    begun = found.begun_ts
    if begun is None:
        return frozenset()
    listed = next(iter(found.plan.sessions.values()), ())
    decided = {one.ts for one in found.decisions if one.ts > begun}
    return frozenset(day for ts in decided if (day := _day_of(listed, ts)) is not None)


def _day_of(sessions: Sequence[Session], ts: int) -> int | None:
    """The session that an instant is in, or at whose end it is."""
    place = bisect_left(sessions, ts, key=lambda one: one.close_ts)
    if place < len(sessions) and sessions[place].open_ts < ts:
        return sessions[place].day
    return None
