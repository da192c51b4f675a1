"""A client that sends orders to a venue: see `venue`.

    python -m tests.benchmarks.venue_trader REST UPDATES KEY:SECRET KIND SECONDS CONNECTIONS RATE

REST and UPDATES are the venue's addresses. KIND is "market", or "limit": orders that rest,
each cancelled once a few younger ones are open. RATE is how many orders a second it sends at
most, 0 for as fast as it is answered. The stream of trade updates is followed meanwhile.
Prints rates and latencies as one JSON object.
"""

import asyncio
import itertools
import json
import sys
import time
from collections import deque
from typing import Any, Final

import aiohttp

WARM_UP_S: Final = 0.5
OPEN_EACH: Final = 20
"""Orders that each connection leaves open [orders]."""

LAST_WORD: Final = {"market": "fill", "limit": "new"}
"""The update that an order is waited for."""

SYMBOLS: Final = ("AAPL", "IBM", "MSFT")


class Meter:
    """Since the warm-up: how long answers and updates took [s].

    Args:
        kind: "market" or "limit".
        pause_s: From one order of a connection to its next, at least [s].
    """

    def __init__(self, kind: str, pause_s: float) -> None:
        self.pause_s = pause_s
        self.word = LAST_WORD[kind]
        self.began = time.perf_counter() + WARM_UP_S
        self.answers: list[float] = []
        self.cancels: list[float] = []
        self.updates: list[float] = []
        self.sent: dict[str, float] = {}
        self.count = 0

    def note(self, took: list[float], sent: float, status: int, content: bytes) -> None:
        """One answer; whatever is no yes ends the measurement, which would mean nothing."""
        if status not in {200, 204}:
            raise SystemExit(f"every request must be done, one was answered {status}: {content!r}")
        self.count += 1
        if sent >= self.began:
            took.append(time.perf_counter() - sent)

    def hear(self, update: dict[str, Any]) -> None:
        """One trade update."""
        if update["event"] in {self.word, "accepted"}:
            sent = self.sent.pop(update["order"]["client_order_id"], 0.0)
            if sent >= self.began:
                self.updates.append(time.perf_counter() - sent)


async def trade(
    rest_url: str,
    updates_url: str,
    pair: str,
    *,
    kind: str,
    seconds: float,
    connections: float,
    rate: float,
) -> dict[str, Any]:
    """Send on some connections for so long, and listen."""
    key, _, secret = pair.partition(":")
    headers = {"APCA-API-KEY-ID": key, "APCA-API-SECRET-KEY": secret}
    async with aiohttp.ClientSession(headers=headers) as session:
        async with session.ws_connect(updates_url) as socket:
            await socket.send_json({"action": "auth", "key": key, "secret": secret})
            await socket.receive()
            await socket.send_json({"action": "listen", "data": {"streams": ["trade_updates"]}})
            await socket.receive()
            meter = Meter(kind, connections / rate if rate else 0.0)
            listening = asyncio.create_task(_listen(socket, meter))
            url, until = f"{rest_url}/v2/orders", meter.began + seconds
            tag = time.monotonic_ns()
            await asyncio.gather(
                *(_send(session, url, f"{tag}-{n}", meter, until) for n in range(int(connections)))
            )
            listening.cancel()
        async with session.delete(url) as answer:
            await answer.read()
    return {
        "count": meter.count,
        "orders_per_s": round(len(meter.answers) / seconds),
        "requests_per_s": round((len(meter.answers) + len(meter.cancels)) / seconds),
        **_latencies("answer", meter.answers),
        **_latencies("cancel", meter.cancels),
        **_latencies("update", meter.updates),
    }


async def _listen(socket: aiohttp.ClientWebSocketResponse, meter: Meter) -> None:
    async for message in socket:
        meter.hear(json.loads(message.data)["data"])


async def _send(
    session: aiohttp.ClientSession, url: str, name: str, meter: Meter, until: float
) -> None:
    working, due = deque[str](), time.perf_counter()
    for number in itertools.count():
        due = max(due + meter.pause_s, time.perf_counter())
        await asyncio.sleep(due - time.perf_counter())
        if due > until:
            return
        order = _order(meter.word, name, number)
        sent = meter.sent[order["client_order_id"]] = time.perf_counter()
        async with session.post(url, json=order) as answer:
            content = await answer.read()
        meter.note(meter.answers, sent, answer.status, content)
        if meter.word == "new":
            working.append(json.loads(content)["id"])
        if len(working) > OPEN_EACH:
            sent = time.perf_counter()
            async with session.delete(f"{url}/{working.popleft()}") as answer:
                content = await answer.read()
            meter.note(meter.cancels, sent, answer.status, content)


def _order(word: str, name: str, number: int) -> dict[str, str]:
    order = {
        "symbol": SYMBOLS[number % len(SYMBOLS)],
        "qty": "1",
        "side": "buy",
        "client_order_id": f"{name}-{number}",
    }
    if word == "new":  # far below the market, above the smallest price that is taken
        return {**order, "type": "limit", "limit_price": "1.5", "time_in_force": "gtc"}
    side = "sell" if number // len(SYMBOLS) % 2 else "buy"
    return {**order, "type": "market", "side": side, "time_in_force": "day"}


def _latencies(what: str, took: list[float]) -> dict[str, float]:
    if not took:
        return {}
    ordered = sorted(took)
    return {
        f"{what}_p{percent}_ms": round(1e3 * ordered[len(ordered) * percent // 100], 2)
        for percent in (50, 99)
    }


if __name__ == "__main__":
    rest, updates, pair, kind, *numbers = sys.argv[1:]
    how = dict(zip(("seconds", "connections", "rate"), map(float, numbers), strict=True))
    print(json.dumps(asyncio.run(trade(rest, updates, pair, kind=kind, **how))))
