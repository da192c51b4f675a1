"""Frames of a stream as messages, whatever else stands in them.

A frame is decoded at once, which costs a third of a microsecond a message. One message of
an unknown kind spoils that for its whole frame, so such a frame is cut into its messages and
each is decoded alone: instants stay exact to the nanosecond on both ways.
"""

from typing import Any, Final

import msgspec

from fanfold.alpaca.wire.codec import JSON, MSGPACK, UNREADABLE
from fanfold.alpaca.wire.messages import Control, Data

Message = Data | Control
"""One message of a stream."""

_MANY_MSGPACK: Final = msgspec.msgpack.Decoder(list[msgspec.Raw])
_MANY_JSON: Final = msgspec.json.Decoder(list[msgspec.Raw])
_ONE_MSGPACK: Final[Any] = msgspec.msgpack.Decoder(Data | Control)
_ONE_JSON: Final[Any] = msgspec.json.Decoder(Data | Control)


def messages_of(frame: bytes) -> tuple[list[Message], int]:
    """The messages of a frame that are known, and how many are not.

    A frame that is no array of messages counts as one unknown message.

    Args:
        frame: In msgpack, or in JSON.
    """
    is_json = frame[:1] == b"["
    try:
        return (JSON if is_json else MSGPACK).messages(frame), 0
    except UNREADABLE:
        return _one_by_one(frame, is_json=is_json)


def _one_by_one(frame: bytes, *, is_json: bool) -> tuple[list[Message], int]:
    try:
        parts = (_MANY_JSON if is_json else _MANY_MSGPACK).decode(frame)
    except UNREADABLE:
        return [], 1
    decode = (_ONE_JSON if is_json else _ONE_MSGPACK).decode
    found: list[Message] = []
    for part in parts:
        try:
            found.append(decode(part))
        except UNREADABLE:
            continue  # counted below, by what is missing
    return found, len(parts) - len(found)
