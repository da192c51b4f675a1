"""The two ways to write a stream's messages: JSON and msgpack.

Who sends encodes a message once for each codec and joins frames of the bytes; who receives
decodes a frame into typed messages at once.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import msgspec
from msgspec.msgpack import Ext

from fanfold.alpaca.wire.instants import TIMESTAMP_CODE, instant_text, timestamp_data
from fanfold.alpaca.wire.messages import Command, Control, Data, Instant

UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""Errors of bytes that are no message."""


@dataclass(frozen=True, slots=True, eq=False)
class Codec:
    """One of the two ways to write messages.

    Attributes:
        name: "json" or "msgpack".
        is_binary: Whether its frames are binary.
        encode: One message, or any value of JSON's kinds, as bytes.
        instant: An instant [ns UTC] as it is written.
    """

    name: Literal["json", "msgpack"]
    is_binary: bool
    encode: Callable[[Any], bytes]
    instant: Callable[[int], Instant]

    def joined(self, messages: Sequence[bytes]) -> bytes:
        """Encoded messages one after the other: the body of a frame, or a part of it."""
        return (b"" if self.is_binary else b",").join(messages)

    def frame(self, count: int, body: bytes) -> bytes:
        """A frame.

        Args:
            count: Messages in the body.
            body: See `joined`; bodies can be joined again.
        """
        return _array_head(count) + body if self.is_binary else b"[" + body + b"]"

    def messages(self, frame: bytes | str) -> list[Data | Control]:
        """The messages of a frame.

        Raises:
            msgspec.DecodeError, UnicodeDecodeError, RecursionError: See `UNREADABLE`; one
                message of an unknown kind spoils its frame, see `anything`.
        """
        return (_FROM_MSGPACK if self.is_binary else _FROM_JSON).decode(_bytes(frame))

    def command(self, frame: bytes | str) -> Command:
        """What a client says; errors as of `messages`."""
        return (_COMMAND_MSGPACK if self.is_binary else _COMMAND_JSON).decode(_bytes(frame))

    def anything(self, frame: bytes | str) -> Any:
        """Whatever a frame holds; errors as of `messages`."""
        return (_ANY_MSGPACK if self.is_binary else _ANY_JSON).decode(_bytes(frame))


_FROM_MSGPACK: Final = msgspec.msgpack.Decoder(list[Data | Control])
_FROM_JSON: Final = msgspec.json.Decoder(list[Data | Control])
_COMMAND_MSGPACK: Final = msgspec.msgpack.Decoder(Command)
_COMMAND_JSON: Final = msgspec.json.Decoder(Command)
_ANY_MSGPACK: Final[msgspec.msgpack.Decoder[Any]] = msgspec.msgpack.Decoder()
_ANY_JSON: Final[msgspec.json.Decoder[Any]] = msgspec.json.Decoder()


def _timestamp(ts: int) -> Ext:
    return Ext(TIMESTAMP_CODE, timestamp_data(ts))


MSGPACK: Final = Codec("msgpack", True, msgspec.msgpack.Encoder().encode, _timestamp)  # noqa: FBT003
JSON: Final = Codec("json", False, msgspec.json.Encoder().encode, instant_text)  # noqa: FBT003


def _bytes(frame: bytes | str) -> bytes:
    return frame.encode() if isinstance(frame, str) else frame


def _array_head(count: int) -> bytes:
    if count < 16:  # noqa: PLR2004  (the formats' own bounds)
        return bytes((0x90 | count,))
    if count < 1 << 16:
        return b"\xdc" + count.to_bytes(2, "big")
    return b"\xdd" + count.to_bytes(4, "big")
