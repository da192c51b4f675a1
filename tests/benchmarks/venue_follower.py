"""Clients of a venue's market data that decode all that they get: see `venue`.

    python -m tests.benchmarks.venue_follower URL SECONDS json|msgpack KEY:SECRET...

One client for each pair of keys. Prints what all of them got as one JSON object.
"""

import asyncio
import json
import sys
import time
from typing import Any

import aiohttp

from fanfold.alpaca.wire.codec import JSON, MSGPACK, Codec

CHANNELS = {"trades": ["*"], "quotes": ["*"], "bars": ["*"]}
FRAME_BYTES_MAX = 1 << 24


async def follow(url: str, seconds: float, codec: Codec, keys: list[str]) -> dict[str, Any]:
    """Take and decode all that comes, for so long after all are subscribed."""
    async with aiohttp.ClientSession() as session:
        all_there = asyncio.Barrier(len(keys))
        tasks = [
            _follow(session, url, codec, pair=pair, all_there=all_there, seconds=seconds)
            for pair in keys
        ]
        used = time.process_time()
        counts = await asyncio.gather(*tasks)
        used = time.process_time() - used
    messages, frames, rates = (sum(column) for column in zip(*counts, strict=True))
    return {
        "count": messages,
        "messages_per_s": round(rates),
        "per_frame": round(messages / max(frames, 1), 1),
        "client_us": round(used / max(messages, 1) * 1e6, 2),
    }


async def _follow(
    session: aiohttp.ClientSession,
    url: str,
    codec: Codec,
    *,
    pair: str,
    all_there: asyncio.Barrier,
    seconds: float,
) -> tuple[int, int, float]:
    headers = {"Content-Type": f"application/{codec.name}"}
    key, _, secret = pair.partition(":")
    messages = frames = 0
    async with session.ws_connect(url, headers=headers, max_msg_size=FRAME_BYTES_MAX) as socket:
        send = socket.send_bytes if codec.is_binary else _as_text(socket)
        await socket.receive()
        await send(codec.encode({"action": "auth", "key": key, "secret": secret}))
        await socket.receive()
        await all_there.wait()
        await send(codec.encode({"action": "subscribe", **CHANNELS}))
        await socket.receive()
        began = time.perf_counter()
        async for message in socket:
            messages += len(codec.messages(message.data))
            frames += 1
            took = time.perf_counter() - began
            if took >= seconds:
                return messages, frames, messages / took
    raise SystemExit("the stream must go on, it ended")


def _as_text(socket: aiohttp.ClientWebSocketResponse) -> Any:
    return lambda data: socket.send_str(data.decode())


if __name__ == "__main__":
    url, seconds, name, *keys = sys.argv[1:]
    codec = MSGPACK if name == MSGPACK.name else JSON
    print(json.dumps(asyncio.run(follow(url, float(seconds), codec, keys))))
