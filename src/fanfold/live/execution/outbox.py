"""Orders that are about to leave, written down in a microsecond, and in the journal after it.

A commit of the journal takes forty microseconds, and several times that where its pages have
left the caches: too long for an order to wait. So before its first byte leaves an order goes
into this file, which is mapped into memory: what was copied there is the system's, and stays
when the process is killed at any instant. It goes into the journal as soon as its bytes have
left, before anything else is done; a start reads what a killed process could not enter.

A machine that loses power may lose it, as it may the journal's last commits; the broker then
refuses the same name a second time, and is asked for all orders before any goes.
"""

import contextlib
import mmap
import os
import zlib
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from fanfold.errors import LiveError
from fanfold.live.execution.records import Order
from fanfold.live.messages import UNREADABLE, ApprovedOrder

SIZE: Final = 65_536
"""Room for the orders of one turn; with more they are entered in between [bytes]."""

_HEAD: Final = 8
_WORD: Final = 4
_END: Final = bytes(_HEAD)


class Leaving(Struct, frozen=True, array_like=True):
    """An order, when it was made [ns UTC], and the approval that is not in the journal yet."""

    order: Order
    at: int
    approved: ApprovedOrder | None


_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(Leaving).decode


class Outbox:
    """The file, for its one writer.

    Args:
        path: Of the file; it is made where there is none.

    Raises:
        LiveError: It cannot be made as large as it must be.
    """

    def __init__(self, path: Path) -> None:
        try:
            opened = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
            try:
                os.posix_fallocate(opened, 0, SIZE)  # a full disk is found out here, not later
                self._room = mmap.mmap(opened, SIZE)
            finally:
                os.close(opened)
        except OSError as error:
            raise LiveError(f"orders must be written down before they leave: {error}") from None
        self._used = 0

    def put(self, leaving: Leaving) -> bool:
        """Write down an order behind those of this turn; False where there is no room."""
        body = _encode(leaving)
        begin, end = self._used, self._used + _HEAD + len(body)
        if end + _HEAD > SIZE:
            return False
        head = len(body).to_bytes(_WORD, "little") + zlib.crc32(body).to_bytes(_WORD, "little")
        self._room[begin : end + _HEAD] = head + body + _END
        self._used = end
        return True

    def entered(self) -> None:
        """All that was put is in the journal: what is there may be written over."""
        self._used = 0

    def left(self) -> list[Leaving]:
        """What was put last, by this process or by one before it; in the journal or not."""
        found: list[Leaving] = []
        begin = 0
        while begin + _HEAD <= SIZE:
            size = int.from_bytes(self._room[begin : begin + _WORD], "little")
            check = int.from_bytes(self._room[begin + _WORD : begin + _HEAD], "little")
            body = self._room[begin + _HEAD : begin + _HEAD + size]
            if not size or len(body) < size or zlib.crc32(body) != check:
                break  # the end, or an order that was not whole: it has not left
            with contextlib.suppress(*UNREADABLE):
                found.append(_decode(body))
            begin += _HEAD + size
        return found

    def close(self) -> None:
        """Let go of the file."""
        self._room.close()
