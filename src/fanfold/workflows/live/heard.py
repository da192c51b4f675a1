"""What the tapes say of one event: its tick, and what signal was told of what came of it."""

from collections.abc import Iterator
from typing import Any, Final

from fanfold.live.folder import Folder
from fanfold.live.messages import (
    EXECUTION,
    MARKET_DATA,
    RISK,
    UNREADABLE,
    Envelope,
    OrderChange,
    Quote,
    Refusal,
    Value,
    decode,
)
from fanfold.live.messages import Step as Bar
from fanfold.live.plan import Plan
from fanfold.live.record.stored import frames
from fanfold.live.signal.restart import DECISIONS, TAPE, recorded
from fanfold.live.tape import Place, read_tape, segments

BEFORE_NS: Final = 60_000_000_000
"""How long before the first line about it an event may have been heard of [ns]."""

STEPS_MAX: Final = 10_000
"""Steps of one event that are shown."""

Step = dict[str, Any]
"""One step: "at" [ns UTC], "by", "step", "from", and facts."""

_Frame = tuple[Place, int, bytes]
_RARE: Final = tuple(
    b"\x95" + bytes([0xA0 + len(name)]) + name.encode() for name in (RISK, EXECUTION)
)
"""How envelopes begin that are not of the market."""


def heard_of(folder: Folder, plan: Plan, asset: int, event_ts: int, begin: int) -> list[Step]:
    """Steps of an event that are on tapes.

    Args:
        folder: Of the deployment.
        plan: What it is.
        asset: Number of the asset.
        event_ts: What was decided on [ns UTC].
        begin: First instant that is known of it [ns UTC]; 0 for none, then all is read.

    Raises:
        DataError: A tape is damaged.
    """
    packed = b"\xcf" + event_ts.to_bytes(8, "big")  # as it stands among the bytes of a frame
    on_it = (frame for frame in _since(folder, DECISIONS, begin) if packed in frame[2])
    numbers = {
        intent.number
        for decision in recorded(folder, on_it)
        for intent in decision.intents
        if (intent.asset, intent.event_ts) == (asset, event_ts)
    }
    parts = plan.assets[asset].parts
    found: list[Step] = []
    for _, at, frame in _since(folder, TAPE, begin):
        if len(found) >= STEPS_MAX:
            break
        if packed not in frame and not frame.startswith(_RARE):
            continue
        envelope = _envelope(frame)
        for value in () if envelope is None else envelope.values:
            step = _tick(value, asset, event_ts) or _told(value, asset, numbers, parts)
            if step is not None and envelope is not None:
                found.append({"at": at, "from": "tape", "told_at": envelope.sent_at, **step})
    return found


def _tick(value: Value, asset: int, event_ts: int) -> Step | None:
    """The quote or the bar that was decided on."""
    match value:
        case Quote(of, ts, bid, ask) if (of, ts) == (asset, event_ts):
            return {"by": MARKET_DATA, "step": "quote", "bid": bid, "ask": ask}
        case Bar(ts, rows) if ts == event_ts:
            closes = [row.close for row in rows if row.asset == asset]
            return {"by": MARKET_DATA, "step": "bar", "close": closes[0]} if closes else None
        case _:
            return None


def _told(value: Value, asset: int, numbers: set[int], parts: int) -> Step | None:
    """What signal was told of one of the event's goals."""
    match value:
        case Refusal(number, of) if number in numbers and of == asset:
            allowed = value.allowed / parts
            return {"by": RISK, "step": "told", "refused": value.reason, "allowed": allowed}
        case OrderChange(order, number, of) if number in numbers and of == asset:
            return {"by": EXECUTION, "step": "told", "order": order, "state": value.state}
        case _:
            return None


def _since(folder: Folder, tape: str, begin: int) -> Iterator[_Frame]:
    """Frames of a tape from shortly before an instant on; all where that is not on the tape."""
    there = segments(folder.tapes, tape)
    first = begin - BEFORE_NS
    later = [number for number, file in there if file.stat().st_mtime_ns >= first]
    if begin <= 0 or not later or (later[0] == there[0][0] != 1):
        return frames(folder, tape)  # what is Parquet by now, too
    return read_tape(folder.tapes, tape, Place(later[0], 0))


def _envelope(frame: bytes) -> Envelope | None:
    try:
        return decode(frame)
    except UNREADABLE:
        return None
