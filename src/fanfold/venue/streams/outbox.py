"""What waits to be sent to one client: bounded, and joined to larger frames when it lags."""

import asyncio
from collections import deque
from collections.abc import Sequence

from msgspec import Struct

from fanfold.alpaca.wire.codec import Codec
from fanfold.venue.streams.limits import (
    FRAME_BYTES_MAX,
    FRAME_MESSAGES_MAX,
    FRAMES_IN_A_ROW,
    OUTBOX_BYTES_MAX,
    OUTBOX_MESSAGES_MAX,
    WRITE_BYTES,
)


class Parcel(Struct, frozen=True, gc=False):
    """Something to be sent.

    Attributes:
        frame: The frame.
        body: Its messages without the array around them, if it may be joined to others.
        count: How many of them, 0 if it may not be joined.
        delay_s: How long it waits once it is first in the queue [s].
        drops: Whether the connection is cut after it.
    """

    frame: bytes
    body: bytes = b""
    count: int = 0
    delay_s: float = 0.0
    drops: bool = False


def parcels(messages: Sequence[bytes], codec: Codec) -> list[Parcel]:
    """Encoded messages as parcels, each no larger than a frame may be."""
    if not messages:
        return []
    body = codec.joined(messages)
    count = len(messages)
    if count > 1 and (count > FRAME_MESSAGES_MAX or len(body) > FRAME_BYTES_MAX):
        half = count // 2
        return parcels(messages[:half], codec) + parcels(messages[half:], codec)
    return [Parcel(codec.frame(count, body), body, count)]


class Outbox:
    """A queue of parcels.

    Attributes:
        message_count: Messages that wait; a parcel that may not be joined counts as one.
        byte_count: Their bytes.
        taken_count: Messages that were taken so far.

    Args:
        codec: How they are written.
        messages_max: Messages that may wait [messages].
        bytes_max: Bytes that may wait [bytes].
    """

    def __init__(
        self,
        codec: Codec,
        *,
        messages_max: int = OUTBOX_MESSAGES_MAX,
        bytes_max: int = OUTBOX_BYTES_MAX,
    ) -> None:
        self._codec = codec
        self._messages_max = messages_max
        self._bytes_max = bytes_max
        self._parcels: deque[Parcel] = deque()
        self._waiting: asyncio.Future[None] | None = None
        self.message_count = 0
        self.byte_count = 0
        self.taken_count = 0

    @property
    def is_over(self) -> bool:
        """Whether more waits than may."""
        return self.message_count > self._messages_max or self.byte_count > self._bytes_max

    def put(self, parcel: Parcel) -> None:
        """Add a parcel at the end."""
        self._parcels.append(parcel)
        self.message_count += parcel.count or 1
        self.byte_count += len(parcel.frame)
        self.wake()

    def clear(self) -> None:
        """Forget all that waits."""
        self._parcels.clear()
        self.message_count = self.byte_count = 0

    def take(self) -> Parcel | None:
        """The next parcel, joined with those behind it as far as they go; None if none waits."""
        if not self._parcels:
            return None
        first = self._pop()
        if not first.count or not self._may_follow(first.count, len(first.body), first):
            return first
        bodies, count, size, last = [first.body], first.count, len(first.body), first
        while self._may_follow(count, size, last):
            last = self._pop()
            bodies.append(last.body)
            count += last.count
            size += len(last.body)
        body = self._codec.joined(bodies)
        frame = self._codec.frame(count, body)
        return Parcel(frame, body, count, delay_s=first.delay_s, drops=last.drops)

    def take_some(self) -> list[Parcel]:
        """Parcels that may be written together: only the first waits, only the last drops."""
        taken: list[Parcel] = []
        size = 0
        while self._parcels and size < WRITE_BYTES and len(taken) < FRAMES_IN_A_ROW:
            if taken and (taken[-1].drops or self._parcels[0].delay_s):
                break
            parcel = self.take()
            if parcel is not None:
                taken.append(parcel)
                size += len(parcel.frame)
        return taken

    async def filled(self) -> None:
        """Wait until something may wait here."""
        if not self._parcels:
            self._waiting = asyncio.get_running_loop().create_future()
            await self._waiting

    def wake(self) -> None:
        """Let whoever waits in `filled` look again."""
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    def _may_follow(self, count: int, size: int, last: Parcel) -> bool:
        if last.drops or not self._parcels:
            return False
        next_one = self._parcels[0]
        return (
            next_one.count > 0
            and not next_one.delay_s
            and count + next_one.count <= FRAME_MESSAGES_MAX
            and size + len(next_one.body) < FRAME_BYTES_MAX
        )

    def _pop(self) -> Parcel:
        parcel = self._parcels.popleft()
        self.message_count -= parcel.count or 1
        self.byte_count -= len(parcel.frame)
        self.taken_count += parcel.count or 1
        return parcel
