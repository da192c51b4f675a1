import asyncio
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import aiohttp
from tests.fakes.venue_streams import KEYS, TS, StreamFloor, streams

from fanfold.venue.market.values import BookTick, QuoteTick

AUTH = {"action": "auth", "key": KEYS[0], "secret": KEYS[1]}
BOOKS = {"BTC/USD": (((99.0, 1.0),), ((101.0, 2.0),)), "ETH/USD": (((9.0, 3.0),), ())}

Ask = Callable[[Any], Awaitable[Any]]


class Market:
    """Two coins with a book, and one that nobody has quoted yet."""

    now = TS + 5
    assets = tuple(SimpleNamespace(symbol=one) for one in ("AAPL", *BOOKS, "SOL/USD"))

    def book(self, symbol: str) -> Any:
        return BOOKS.get(symbol)

    def quote(self, symbol: str) -> QuoteTick | None:
        return QuoteTick(TS, symbol, 99.0, 1.0, 101.0, 2.0) if symbol == "BTC/USD" else None


def talk(
    path: str, story: Callable[[StreamFloor, Ask, Ask], Awaitable[None]], plan: str = "plus"
) -> None:
    async def told() -> None:
        floor = StreamFloor()
        floor.settings.plan = plan
        floor.market = Market()
        async with (
            streams(floor) as address,
            aiohttp.ClientSession() as session,
            session.ws_connect(f"ws://{address}{path}") as socket,
        ):

            async def hear(_: Any = None) -> Any:
                return await socket.receive_json()

            async def ask(words: Any) -> Any:
                await socket.send_json(words)
                return await hear()

            await hear()
            await story(floor, ask, hear)

    asyncio.run(told())


def test_who_subscribes_to_order_books_is_sent_them_whole_once() -> None:
    async def story(floor: StreamFloor, ask: Ask, hear: Ask) -> None:
        await ask(AUTH)
        await ask({"action": "subscribe", "orderbooks": ["BTC/USD"]})
        (whole,) = await hear(None)
        assert whole == {
            "T": "o",
            "S": "BTC/USD",
            "t": "2024-01-02T14:30:00Z",
            "r": True,
            "b": [{"p": 99.0, "s": 1.0}],
            "a": [{"p": 101.0, "s": 2.0}],
        }
        await ask({"action": "subscribe", "orderbooks": ["*"], "trades": ["BTC/USD"]})
        assert [each["S"] for each in await hear(None)] == ["ETH/USD"]
        await ask({"action": "subscribe", "orderbooks": ["BTC/USD", "ETH/USD"]})
        floor.hub.publish([BookTick(TS + 9, "BTC/USD", ((99.0, 0.0),), (), reset=False)])
        (change,) = await hear(None)
        assert (change["S"], change.get("r")) == ("BTC/USD", None)

    talk("/v1beta3/crypto/us", story)


def test_other_channels_and_feeds_have_no_books_at_first() -> None:
    async def story(_floor: StreamFloor, ask: Ask, _hear: Ask) -> None:
        await ask(AUTH)
        for _ in range(2):
            answer = await ask({"action": "subscribe", "trades": ["*"]})
            assert answer[0]["T"] == "subscription"

    for path in ("/v1beta3/crypto/us", "/v2/sip", "/v2/test"):
        talk(path, story)


def test_the_basic_plan_does_not_hold_the_tape_of_all_exchanges() -> None:
    async def story(floor: StreamFloor, ask: Ask, _hear: Ask) -> None:
        assert (await ask({**AUTH, "secret": "wrong"}))[0]["code"] == 402
        assert await ask(AUTH) == [{"T": "error", "code": 409, "msg": "insufficient subscription"}]
        assert not floor.hub.holder("account-1", "/v2/sip")

    async def iex(_floor: StreamFloor, ask: Ask, _hear: Ask) -> None:
        assert await ask(AUTH) == [{"T": "success", "msg": "authenticated"}]

    talk("/v2/sip", story, plan="basic")
    talk("/v2/iex", iex, plan="basic")
