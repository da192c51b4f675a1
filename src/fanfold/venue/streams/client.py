"""One connection to the streams: what waits for it, and the one task that writes to it."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final, Protocol

from fanfold.alpaca.wire.codec import Codec
from fanfold.venue.streams.limits import (
    CAUGHT_UP_MESSAGES,
    CLOSE_TIMEOUT_S,
    FRAMES_IN_A_ROW,
    OUTBOX_BYTES_MAX,
    OUTBOX_MESSAGES_MAX,
    SLOW_GRACE_S,
    WRITE_TIMEOUT_S,
)
from fanfold.venue.streams.outbox import Outbox, Parcel
from fanfold.venue.streams.subscription import Feed, Interest, nothing

POLICY: Final = 1008
"""WebSocket's code of an end by the server's rules."""

GOING_AWAY: Final = 1001
"""WebSocket's code of an end because the server stops."""


class Wire(Protocol):
    """The far side of a connection."""

    def send_at_once(self, frames: Sequence[bytes]) -> bool:
        """Send frames if that needs no waiting; otherwise do nothing, and say so.

        Raises:
            ConnectionError: The far side has gone.
        """
        ...

    async def send(self, frames: Sequence[bytes]) -> None:
        """Send frames; waits while the far side takes nothing."""
        ...

    async def close(self, code: int, reason: str) -> None:
        """End the connection properly."""
        ...

    def cut(self) -> None:
        """End it at once, without a word."""
        ...


class Client:
    """One connection to the streams.

    Attributes:
        path: What it is connected to.
        feed: Kind of market data; None for trade updates.
        codec: How its messages are written.
        account: Id of its account, "" before it has shown its keys.
        interest: What of the market it has subscribed to; empty for trade updates.
        listens: Whether trade updates are sent to it.
        outbox: What waits for it.

    Args:
        path: What it is connected to.
        feed: Kind of market data.
        codec: How its messages are written.
        wire: Its far side.
        messages_max: Messages that may wait [messages].
        bytes_max: Bytes that may wait [bytes].
        write_timeout_s: See `WRITE_TIMEOUT_S` [s].
    """

    def __init__(
        self,
        *,
        path: str,
        feed: Feed | None,
        codec: Codec,
        wire: Wire,
        messages_max: int = OUTBOX_MESSAGES_MAX,
        bytes_max: int = OUTBOX_BYTES_MAX,
        write_timeout_s: float = WRITE_TIMEOUT_S,
    ) -> None:
        self.path = path
        self.feed = feed
        self.codec = codec
        self.account = ""
        self.interest: Interest | None = None if feed is None else nothing(feed)
        self.listens = False
        self.outbox = Outbox(codec, messages_max=messages_max, bytes_max=bytes_max)
        self.eased: Callable[[], None] = lambda: None
        self._wire = wire
        self._patience_s = write_timeout_s
        self._ending: tuple[int, str] | None = None
        self._closing_at: asyncio.TimerHandle | None = None

    @property
    def is_behind(self) -> bool:
        """Whether it has not followed the market, but for a little."""
        return self.outbox.message_count > CAUGHT_UP_MESSAGES and self._ending is None

    @property
    def is_ending(self) -> bool:
        """Whether nothing more is put into its outbox."""
        return self._ending is not None

    def put(self, parcel: Parcel) -> None:
        """Add to what waits for it, unless it is at its end."""
        if self._ending is None:
            self.outbox.put(parcel)

    def end(self, code: int = POLICY, reason: str = "") -> None:
        """End it once all that waits is sent."""
        if self._ending is None:
            self._ending = (code, reason)
            self.outbox.wake()

    def end_slow(self, last: Parcel | None) -> None:
        """End it because it takes too little: what waits is dropped, `last` is tried."""
        if self._ending is not None:
            return
        self.outbox.clear()
        if last is not None:
            self.outbox.put(last)
        self.end(POLICY, "slow client")
        loop = asyncio.get_running_loop()
        self._closing_at = loop.call_later(SLOW_GRACE_S, self._wire.cut)

    def cut(self) -> None:
        """End it at once."""
        self.end()
        self.outbox.clear()
        self._wire.cut()

    async def write(self) -> None:
        """Send what waits for it until it ends; it is never waited for beyond the limits."""
        try:
            with suppress(OSError, TimeoutError):  # it is gone, or takes nothing: cut it below
                await self._send_all()
                async with asyncio.timeout(CLOSE_TIMEOUT_S):
                    await self._wire.close(*(self._ending or (POLICY, "")))
        finally:
            self.end()
            self.outbox.clear()
            if self._closing_at is not None:
                self._closing_at.cancel()
            self.eased()
            self._wire.cut()

    async def _send_all(self) -> None:
        sent = 0
        while True:
            was_behind = self.is_behind
            parcels = self.outbox.take_some()
            if was_behind and not self.is_behind:
                self.eased()
            if not parcels:
                if self._ending is not None:
                    return
                await self.outbox.filled()
                continue
            if parcels[0].delay_s:
                await asyncio.sleep(parcels[0].delay_s)
            frames = [parcel.frame for parcel in parcels if parcel.frame]
            if frames and not self._wire.send_at_once(frames):
                async with asyncio.timeout(self._patience_s):
                    await self._wire.send(frames)
            if parcels[-1].drops:
                self.cut()
                return
            sent += len(parcels)
            if sent >= FRAMES_IN_A_ROW:
                sent = 0
                await asyncio.sleep(0)
