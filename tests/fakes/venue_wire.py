"""Clients of a running venue's streams: raw ones, and alpaca-py's in threads of their own."""

import asyncio
import csv
import math
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.venue_process import KEY, SECRET, Venue, eventually, library
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from fanfold.alpaca.wire.codec import JSON, MSGPACK, Codec

AUTH = {"action": "auth", "key": KEY, "secret": SECRET}
CODECS = pytest.mark.parametrize("codec", [JSON, MSGPACK], ids=["json", "msgpack"])
HEARD_S_MAX = 20.0
COINS = ("BTC/USD", "ETH/USD")
COINS_BEGIN = datetime(2024, 3, 1, tzinfo=UTC)


class Line:
    """A raw client: says anything, and hears what comes."""

    def __init__(self, socket: ClientConnection, codec: Codec) -> None:
        self.socket = socket
        self.codec = codec

    def say(self, words: Any) -> None:
        raw = self.codec.encode(words)
        self.socket.send(raw if self.codec.is_binary else raw.decode())

    def hear(self) -> Any:
        return self.codec.anything(self.socket.recv(timeout=HEARD_S_MAX))

    def ask(self, words: Any) -> Any:
        self.say(words)
        return self.hear()

    def code(self, words: Any) -> tuple[int, str]:
        """The code and the words of the error that something gives."""
        (answer,) = self.ask(words)
        assert (answer["T"], set(answer)) == ("error", {"T", "code", "msg"})
        return answer["code"], answer["msg"]

    def until(self, enough: Callable[[list[Any]], bool]) -> list[Any]:
        """Messages up to those that are enough."""
        messages: list[Any] = []
        while not enough(messages):
            messages += self.hear()
        return messages

    def rest(self) -> list[Any]:
        """All frames up to the connection's end."""
        frames: list[Any] = []
        try:
            while True:
                frames.append(self.hear())
        except ConnectionClosed:
            return frames


@contextmanager
def line(
    address: str, codec: Codec = JSON, *, keys: bool = True, **headers: str
) -> Generator[Line]:
    """A raw client that has shown its keys, or not yet."""
    if codec.is_binary:
        headers["Content-Type"] = "application/msgpack"
    with connect(address, additional_headers=headers, proxy=None, max_size=None) as socket:
        one = Line(socket, codec)
        if keys:
            assert one.hear() == [{"T": "success", "msg": "connected"}]
            assert one.ask(AUTH) == [{"T": "success", "msg": "authenticated"}]
        yield one


class Following:
    """A stream of alpaca-py in a thread of its own, and what its handlers were given."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream
        self.seen: list[Any] = []
        self.ends: list[asyncio.Future[None]] = []
        self.thread = threading.Thread(target=stream.run, daemon=True)

    async def take(self, message: Any) -> None:
        self.seen.append(message)

    def until(self, enough: Callable[[list[Any]], bool]) -> list[Any]:
        eventually(lambda: enough(self.seen))
        return list(self.seen)

    def __enter__(self) -> "Following":
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop as people do; it looks every 5 s unless its connection ends."""
        if self.thread.is_alive():
            self.stream.stop()
            with suppress(RuntimeError):  # its loop has ended already
                self.stream._loop.call_soon_threadsafe(self._hang_up)
            self.thread.join(10)
        assert not self.thread.is_alive()

    def _hang_up(self) -> None:
        if self.stream._ws is not None:
            self.ends.append(asyncio.ensure_future(self.stream._ws.close()))


def stock_stream(venue: Venue, **options: Any) -> Any:
    """alpaca-py's stream of shares."""
    made = library("alpaca.data.live").StockDataStream
    return made(KEY, SECRET, url_override=venue.market_data_url, **options)


def trading_stream(venue: Venue) -> Following:
    """alpaca-py's stream of trade updates, with what it was given."""
    made = library("alpaca.trading.stream").TradingStream
    following = Following(made(KEY, SECRET, url_override=venue.trade_updates_url))
    following.stream.subscribe_trade_updates(following.take)
    return following


def clients(venue: Venue, endpoint: str) -> list[Any]:
    """Connections to one kind of streams."""
    return [one for one in venue.control("status")["clients"] if one["endpoint"] == endpoint]


def settled(venue: Venue, endpoint: str, wanted: Callable[[Any], bool]) -> None:
    """Wait until one of the connections is as wanted."""
    eventually(lambda: any(wanted(one) for one in clients(venue, endpoint)))


def gone(venue: Venue, endpoint: str) -> None:
    """Wait until nobody is connected."""
    eventually(lambda: not clients(venue, endpoint))


def subscribed(venue: Venue, endpoint: str = "stocks") -> None:
    """Wait until a client of some streams has subscribed."""
    settled(venue, endpoint, lambda one: bool(one["subscriptions"]))


def names(seen: list[Any]) -> set[str]:
    """Names of the models that were seen."""
    return {type(one).__name__ for one in seen}


def in_session(venue: Venue) -> None:
    """Lead the clock to where a session has hours to go."""
    clock = venue.client().get_clock()
    left_s = (clock.next_close - clock.timestamp).total_seconds()
    if not clock.is_open or left_s < 2 * 3_600:
        venue.until((clock.next_open.astimezone(UTC) + timedelta(minutes=1)).isoformat())


def coins_file(folder: Path, hours: int = 27) -> Path:
    """A file of two coins' minutes, round the clock."""
    path = folder / "coins.csv"
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["timestamp", "symbol", "open", "high", "low", "close", "volume"])
        for symbol, base in zip(COINS, (60_000.0, 3_000.0), strict=True):
            for minute in range(60 * hours):
                start = (COINS_BEGIN + timedelta(minutes=minute)).isoformat()
                begin, end = (
                    round(base * (1 + 0.01 * math.sin(at / 50)), 2) for at in (minute, minute + 1)
                )
                high, low = round(max(begin, end) + 0.5, 2), round(min(begin, end) - 0.5, 2)
                volume = 1.5 + minute % 7 * 0.25
                rows.writerow([start, symbol, begin, high, low, end, volume])
    return path


def coins_options(folder: Path) -> tuple[str, ...]:
    """How a venue of coins is started: its clock stands in the second day."""
    return (
        *("--port", "0", "--replay", str(coins_file(folder)), "--speed", "0"),
        *("--set", "replay.calendar=24/7", "--set", "replay.stamp=start"),
        *("--set", "replay.late_share=0.3", "--set", "requests_per_minute=1000000"),
        *("--begin", "2024-03-02T00:30:10Z", "--journal", str(folder / "coins.db")),
    )
