"""A sender of quotes at scheduled times: one client, the broker's handshake, msgpack frames.

It never waits for its receiver: a quote's timestamp is the instant at which it was to be
sent, so whatever delays it counts as latency (no coordinated omission).

    python -m tests.benchmarks.live_sender PORT RATE PER_FRAME SECONDS FLIPS SYMBOL...

Starts when a line comes on standard input, and ends with one line of JSON: frames and
messages sent, and how late it was itself [ns].
"""

import base64
import ctypes
import hashlib
import json
import socket
import struct
import sys
import time
from collections.abc import Sequence

import msgspec
from msgspec.msgpack import Ext

from fanfold.alpaca.wire.codec import MSGPACK
from fanfold.live.statistics import Latency

MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
LOW, HIGH = 99.9, 100.1
"""Middles around the wire that the benchmark's strategy watches [currency]."""

PR_SET_TIMERSLACK = 29
"""See prctl(2)."""

STAMP = struct.Struct(">Q")
PRICE = struct.Struct(">d")
BLANK = bytes(8)


def accepted(port: int) -> socket.socket:
    """Wait for the one client and take it through the handshake."""
    with socket.create_server(("127.0.0.1", port)) as server:
        print(json.dumps({"port": server.getsockname()[1]}), flush=True)
        client, _ = server.accept()
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    head = b""
    while b"\r\n\r\n" not in head:
        head += client.recv(4096)
    fields = dict(
        line.split(": ", 1) for line in head.decode("latin-1").split("\r\n")[1:] if ": " in line
    )
    key = next(value for name, value in fields.items() if name.lower() == "sec-websocket-key")
    accept = base64.b64encode(hashlib.sha1(key.strip().encode() + MAGIC).digest())  # noqa: S324
    client.sendall(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
    )
    say(client, [{"T": "success", "msg": "connected"}])
    asked(client)
    say(client, [{"T": "success", "msg": "authenticated"}])
    channels = msgspec.msgpack.decode(asked(client))
    del channels["action"]
    say(client, [{"T": "subscription", **channels}])
    return client


def say(client: socket.socket, messages: Sequence[object]) -> None:
    client.sendall(framed(msgspec.msgpack.encode(messages)))


def framed(payload: bytes | bytearray) -> bytes:
    """A binary WebSocket frame."""
    size = len(payload)
    if size < 126:
        return bytes((0x82, size)) + payload
    return bytes((0x82, 126)) + size.to_bytes(2, "big") + payload


def exactly(client: socket.socket, count: int) -> bytes:
    found = b""
    while len(found) < count:
        found += client.recv(count - len(found))
    return found


def asked(client: socket.socket) -> bytes:
    """The payload of a client's next data frame."""
    while True:
        first, second = exactly(client, 2)
        size = second & 0x7F
        if size == 126:
            size = int.from_bytes(exactly(client, 2), "big")
        mask = exactly(client, 4)
        payload = bytes(b ^ mask[i % 4] for i, b in enumerate(exactly(client, size)))
        if first & 0x0F in (1, 2):
            return payload


class Frame:
    """A frame of quotes whose timestamps and prices are patched in place."""

    def __init__(self, symbols: Sequence[str]) -> None:
        quotes = [
            {"T": "q", "S": symbol, "bp": 0.0, "bs": 1.0, "ap": 0.0, "as": 1.0, "t": Ext(-1, BLANK)}
            for symbol in symbols
        ]
        self.content = bytearray(framed(MSGPACK.encode(quotes)))
        self._stamps = self._places(b"\xd7\xff" + BLANK, 2)
        prices = self._places(b"\xcb" + BLANK, 1)
        self._prices = list(zip(prices[::2], prices[1::2], strict=True))
        self._is_high = [False] * len(symbols)
        for place in range(len(symbols)):
            self.flip(place)

    def _places(self, mark: bytes, skipped: int) -> list[int]:
        found, at = [], self.content.find(mark)
        while at >= 0:
            found.append(at + skipped)
            at = self.content.find(mark, at + len(mark))
        return found

    def flip(self, place: int) -> None:
        """Move one symbol's middle to the other side of the wire."""
        self._is_high[place] = not self._is_high[place]
        middle = HIGH if self._is_high[place] else LOW
        bid, ask = self._prices[place]
        PRICE.pack_into(self.content, bid, middle - 0.01)
        PRICE.pack_into(self.content, ask, middle + 0.01)

    def stamp(self, ts: int) -> None:
        """Give all quotes an instant [ns UTC]."""
        stamp = (ts % 10**9) << 34 | ts // 10**9
        for place in self._stamps:
            STAMP.pack_into(self.content, place, stamp)


def send(
    client: socket.socket, frames: list[Frame], *, rate: int, per_frame: int, seconds: float,
    flips: float,
) -> dict[str, object]:  # fmt: skip
    """Send at scheduled times; `flips` times a second one symbol crosses the wire."""
    lateness = Latency()
    step = per_frame * 10**9 // rate
    every = max(int(rate / per_frame / flips), 1)
    start = time.time_ns() + 10**7
    for number in range(int(seconds * rate / per_frame)):
        due = start + number * step
        frame = frames[number % len(frames)]
        if number % every == 0:
            frame.flip(number // every // len(frames) % per_frame)
        frame.stamp(due)
        now = time.time_ns()
        while now < due:
            time.sleep((due - now) / 1e9)
            now = time.time_ns()
        client.sendall(frame.content)
        lateness.record(now - due)
    sent = int(seconds * rate / per_frame)
    return {"frames": sent, "messages": sent * per_frame, "sender_late": lateness.summary()}


def wake_in_time() -> None:
    """Let sleeps end when they are due, not up to 50 µs later: nothing is spun away."""
    ctypes.CDLL(None).prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0)


def main() -> None:
    wake_in_time()
    port, rate, per_frame = (int(word) for word in sys.argv[1:4])
    seconds, flips, symbols = float(sys.argv[4]), float(sys.argv[5]), sys.argv[6:]
    client = accepted(port)
    sys.stdin.readline()
    frames = [
        Frame(symbols[first : first + per_frame]) for first in range(0, len(symbols), per_frame)
    ]
    done = send(client, frames, rate=rate, per_frame=per_frame, seconds=seconds, flips=flips)
    print(json.dumps(done), flush=True)
    sys.stdin.readline()  # the connection stays until the others have counted
    client.close()


if __name__ == "__main__":
    main()
