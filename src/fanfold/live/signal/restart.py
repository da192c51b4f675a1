"""How signal gets to its state: warm-up or snapshot, then the tape, through the same steps.

Parity asks for the same from a fresh start: what was decided live must come out of the
recorded inputs bit for bit.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Final

import msgspec

from fanfold.errors import DataError, LiveError
from fanfold.live.folder import Folder
from fanfold.live.messages import UNREADABLE, decode
from fanfold.live.plan import Plan, read_plan
from fanfold.live.signal.decider import Decider
from fanfold.live.signal.making import calendar_of, stepper_from
from fanfold.live.signal.moments import moments_of
from fanfold.live.signal.snapshots import Snapshots
from fanfold.live.signal.state import Decision
from fanfold.live.signal.warm_up import read_warm_up
from fanfold.live.tape import Place, read_tape, segments

TAPE: Final = "signal"
"""What signal took in."""

DECISIONS: Final = "decisions"
"""What it decided."""

Frame = tuple[Place, int, bytes]
"""Where a frame begins, its instant [ns UTC], its bytes."""

_FIRST: Final = Place(1, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """A decider in the state that the tape ends in.

    Attributes:
        decider: Warmed or restored, and replayed.
        decisions: What the replayed frames led to and is not on its tape yet, in order.
        frames: How many there were.
        damaged: Snapshots that were passed over.
    """

    decider: Decider
    decisions: list[Decision]
    frames: int
    damaged: int


def started(plan: Plan, folder: Folder, snapshots: Snapshots) -> Start:
    """The state that a deployment's tape ends in.

    Args:
        plan: The deployment's.
        folder: Its folder, the tapes' ends cut.
        snapshots: Of it.

    Raises:
        ConfigError, DataError: Strategy, model or warm-up are not what the plan says.
        LiveError: There is no good snapshot, and the tape's beginning is gone.
    """
    damaged = 0
    for snapshot in snapshots.stored():
        if snapshot is not None:
            decider = fresh(plan, folder)
            try:
                decider.restore(snapshot.state)
                frames = frames_from(folder, snapshot.place)
                first = next(frames, None)
            except DataError:
                damaged += 1
                continue
            rest = frames if first is None else chain([first], frames)
            return _replayed(decider, rest, last_decision(folder), damaged)
        damaged += 1
    found = segments(folder.tapes, TAPE)
    if found and found[0][0] != _FIRST.segment:
        raise LiveError(
            f"without a good snapshot {folder.name} must have its tape from the beginning, "
            f"which begins with file {found[0][0]}"
        )
    frames = frames_from(folder, None)
    return _replayed(warmed(plan, folder), frames, last_decision(folder), damaged)


def fresh(plan: Plan, folder: Folder) -> Decider:
    """A decider that has seen nothing.

    Raises:
        ConfigError, DataError: Strategy, terms or model are not what the plan says.
    """
    calendar = calendar_of(plan)
    return Decider(plan, stepper_from(plan, folder), moments_of(calendar, plan.sessions))


def warmed(plan: Plan, folder: Folder) -> Decider:
    """A decider that has seen the bars before the first live one.

    Raises:
        ConfigError, DataError: Strategy, model or warm-up are not what the plan says.
    """
    decider = fresh(plan, folder)
    warm_up = read_warm_up(folder)
    found = warm_up.symbols, len(warm_up.ts), warm_up.fingerprint
    if found != (plan.symbols, plan.warm_up_bars, plan.data_fingerprint):
        raise DataError(
            f"the warm-up must be {plan.warm_up_bars} bars of {', '.join(plan.symbols)} with "
            f"fingerprint {plan.data_fingerprint[:12]}, was {found[1]} of {', '.join(found[0])} "
            f"with {found[2][:12]}"
        )
    decider.warm(warm_up.steps())
    return decider


def frames_from(folder: Folder, start: Place | None) -> Iterator[Frame]:
    """Frames of signal's tape from a place on."""
    return read_tape(folder.tapes, TAPE, start)


def replay(
    folder: Folder, frames: Iterable[Frame] | None = None, plan: Plan | None = None
) -> Iterator[Decision]:
    """What a fresh signal decides on recorded inputs, in order.

    Args:
        folder: The deployment's: its plan, warm-up and model.
        frames: What signal took in, from the first on; its tape if left out.
        plan: Another plan than the folder's.

    Raises:
        ConfigError, DataError: Strategy, model, warm-up or a frame are not what they must be.
    """
    decider = warmed(plan or read_plan(folder), folder)
    for decided in _stepped(decider, frames_from(folder, None) if frames is None else frames):
        yield from decided


def recorded(folder: Folder, frames: Iterable[Frame] | None = None) -> Iterator[Decision]:
    """What signal decided live, in order.

    Args:
        folder: The deployment's.
        frames: Of the tape of decisions; the folder's if left out.

    Raises:
        DataError: A frame is no decision.
    """
    for _, _, content in read_tape(folder.tapes, DECISIONS) if frames is None else frames:
        yield _decision(content)


def last_decision(folder: Folder) -> int:
    """Number of the last decision on the tape, 0 before the first."""
    for number, _ in reversed(segments(folder.tapes, DECISIONS)):
        last = b""
        for _, _, last in read_tape(folder.tapes, DECISIONS, Place(number, 0)):  # noqa: B007
            pass
        if last:
            return _decision(last).number
    return 0


def _replayed(decider: Decider, frames: Iterable[Frame], known: int, damaged: int) -> Start:
    count, decisions = 0, list[Decision]()
    for decided in _stepped(decider, frames):
        decisions += [one for one in decided if one.number > known]
        count += 1
    return Start(decider=decider, decisions=decisions, frames=count, damaged=damaged)


def _stepped(decider: Decider, frames: Iterable[Frame]) -> Iterator[list[Decision]]:
    for _, _, content in frames:
        try:
            envelope = decode(content)
        except UNREADABLE as error:
            raise DataError(f"a frame of signal's tape must be an envelope: {error}") from None
        yield decider.take(envelope)


def _decision(content: bytes) -> Decision:
    try:
        return msgspec.msgpack.decode(content, type=Decision)
    except UNREADABLE as error:
        raise DataError(f"a frame of the decisions' tape must be one: {error}") from None
