import itertools
import json

import aiohttp
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fakes.venue_lines import (
    AUTH,
    AUTHENTICATE,
    AUTHENTICATED,
    AUTHORIZED,
    CONNECTED,
    HEADERS,
    LISTEN,
    line,
    run,
)
from tests.fakes.venue_streams import KEYS, OTHER_KEYS, TS, StreamFloor, event, told, until

from fanfold.alpaca.wire.codec import JSON, MSGPACK, Codec
from fanfold.venue.faults.plan import Trouble
from fanfold.venue.market.values import TradeTick
from fanfold.venue.server import sockets
from fanfold.venue.streams import market_talk, trading_talk

CODECS = pytest.mark.parametrize("codec", [JSON, MSGPACK], ids=["json", "msgpack"])


@CODECS
def test_the_handshake_is_the_brokers(codec: Codec) -> None:
    async def story(floor: StreamFloor, address: str) -> None:
        async with line(address, codec=codec) as one:
            assert await one.hear() == CONNECTED
            assert await one.code({"action": "subscribe", "trades": ["A"]}) == 401
            assert await one.code({**AUTH, "secret": "wrong"}) == 402
            assert await one.code({"action": "auth", "key": "oauth", "secret": KEYS[1]}) == 402
            assert await one.ask(AUTH) == AUTHENTICATED
            assert await one.code(AUTH) == 403
            assert await one.code({"action": "dance"}) == 400
            assert await one.code(["subscribe"]) == 400
            assert await one.code({"action": "subscribe", "trades": "A"}) == 400
            assert await one.code({"action": "subscribe", "orderbooks": ["A"]}) == 410
            assert await one.code({"action": "subscribe", "trades": ["*"]}) == 405
            answer = await one.ask({"trades": ["A"], "action": "subscribe"})
            assert answer[0]["T"] == "subscription"
            assert answer[0]["trades"] == answer[0]["corrections"] == ["A"]
            floor.hub.publish([TradeTick(TS, "A", 1.5, 1.0, 1, 1.5, 1.5)])
            assert [each["T"] for each in await one.hear()] == ["t"]

    run(story, symbols_max=30)


def test_keys_may_come_with_the_request() -> None:
    async def story(_floor: StreamFloor, address: str) -> None:
        async with line(address, **HEADERS) as one:
            assert await one.hear() == CONNECTED
            assert await one.hear() == AUTHENTICATED

    run(story)


def test_who_shows_no_keys_in_time_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fanfold.venue.server.sockets.AUTH_TIMEOUT_S", 0.0)

    async def story(_floor: StreamFloor, address: str) -> None:
        async with line(address) as one:
            assert await one.hear() == CONNECTED
            assert (await one.hear())[0] == {"T": "error", "code": 404, "msg": "auth timeout"}
            assert await one.hear() == aiohttp.WSMsgType.CLOSE
        async with line(address, "/stream") as one:
            assert await one.hear() == aiohttp.WSMsgType.CLOSE

    run(story)


def test_wrong_keys_are_not_tried_for_ever() -> None:
    async def story(_floor: StreamFloor, address: str) -> None:
        async with line(address) as one, line(address, "/stream") as other:
            await one.hear()
            for _ in range(market_talk.AUTH_TRIES_MAX):
                assert await one.code({**AUTH, "key": "wrong"}) == 402
            assert await one.hear() == aiohttp.WSMsgType.CLOSE
            for _ in range(trading_talk.AUTH_TRIES_MAX):
                assert (await other.ask({**AUTH, "key": "wrong"}))["stream"] == "authorization"
            assert await other.hear() == aiohttp.WSMsgType.CLOSE

    run(story)


def test_a_second_connection_is_refused_until_the_first_ends() -> None:
    async def story(floor: StreamFloor, address: str) -> None:
        async with line(address) as first:
            await first.hear()
            assert await first.ask(AUTH) == AUTHENTICATED
            async with line(address) as second:
                await second.hear()
                assert await second.code(AUTH) == 406
                assert await second.hear() == aiohttp.WSMsgType.CLOSE
            async with line(address, "/v2/iex") as elsewhere:
                await elsewhere.hear()
                assert await elsewhere.ask(AUTH) == AUTHENTICATED
        await until(lambda: not floor.hub.clients)
        async with line(address) as third:
            await third.hear()
            assert await third.ask(AUTH) == AUTHENTICATED

    run(story)


def test_a_connection_that_is_half_dead_still_counts() -> None:
    async def story(floor: StreamFloor, address: str) -> None:
        floor.faults.trouble = Trouble(status=406)
        async with line(address) as one:
            await one.hear()
            assert await one.code(AUTH) == 406
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            async with line(address, "/stream"):
                pass
        assert refused.value.status == 429

    run(story)


def test_requests_for_streams_can_go_wrong() -> None:
    async def story(floor: StreamFloor, address: str) -> None:
        floor.faults.trouble = Trouble(status=503, body="<html>", content_type="text/html")
        for path in ("/stream", "/v2/sip"):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                async with line(address, path):
                    pass
            assert refused.value.status == 503
        floor.faults.trouble = Trouble(answer="drop")
        with pytest.raises(aiohttp.ClientError):
            async with line(address):
                pass
        floor.faults.trouble = Trouble(delay_s=0.001)
        async with line(address) as one:
            assert await one.hear() == CONNECTED

    run(story)


@CODECS
def test_trade_updates_are_listened_to(codec: Codec) -> None:
    async def story(floor: StreamFloor, address: str) -> None:
        async with line(address, "/stream", codec) as one:
            refused = await one.ask(LISTEN)
            assert refused["data"] == {"status": "unauthorized", "action": "listen"}
            assert await one.ask(AUTHENTICATE) == AUTHORIZED
            assert await one.ask(AUTH) == AUTHORIZED
            assert await one.ask(LISTEN) == {
                "stream": "listening",
                "data": {"streams": ["trade_updates"]},
            }
            floor.hub.tell([event(1), event(2, account="account-2"), event(3)])
            assert (await one.hear())["data"] == told(event(1))
            assert (await one.hear())["data"] == told(event(3))
            nothing = {"action": "listen", "data": {"streams": []}}
            assert (await one.ask(nothing))["data"] == {"streams": []}
            floor.hub.tell([event(4)])
            assert (await one.ask({"action": "dance"}))["stream"] == "error"

    run(story)


def test_trade_updates_go_out_in_binary_frames_of_json() -> None:
    async def story(_floor: StreamFloor, address: str) -> None:
        async with line(address, "/stream") as one:
            await one.socket.send_str(json.dumps(AUTHENTICATE))
            message = await one.socket.receive()
            assert message.type == aiohttp.WSMsgType.BINARY
            assert json.loads(message.data) == AUTHORIZED

    run(story)


def test_a_second_connection_for_trade_updates_is_not_made() -> None:
    async def story(_floor: StreamFloor, address: str) -> None:
        async with line(address, "/stream") as first, line(address, "/stream") as late:
            assert await first.ask(AUTHENTICATE) == AUTHORIZED
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                async with line(address, "/stream", **HEADERS):
                    pass
            assert refused.value.status == 429
            # Its keys came too late for an answer of HTTP.
            assert await late.ask(AUTHENTICATE) == aiohttp.WSMsgType.CLOSE
            async with line(address, "/stream") as other:
                keys = {"key_id": OTHER_KEYS[0], "secret_key": OTHER_KEYS[1]}
                assert await other.ask({**AUTHENTICATE, "data": keys}) == AUTHORIZED
                with pytest.raises(aiohttp.WSServerHandshakeError) as full:
                    async with line(address, "/stream"):
                        pass
                assert full.value.status == 429

    run(story)


def test_the_test_feed_goes_by_the_clock_on_the_wall(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = itertools.count(60)
    monkeypatch.setattr(sockets, "wall_second", lambda: next(seconds))
    monkeypatch.setattr(sockets, "TEST_TURN_S", 0.0)

    async def story(floor: StreamFloor, address: str) -> None:
        async with line(address, "/v2/test") as one:
            await one.hear()
            await one.ask(AUTH)
            await one.ask({"action": "subscribe", "trades": ["FAKEPACA"]})
            shown = [each for _ in range(4) for each in await one.hear()]
            assert {each["S"] for each in shown} == {"FAKEPACA"}
            numbers = [each["i"] for each in shown]
            assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
            assert floor.hub.follower_count == 0

    run(story)


def test_a_message_that_is_too_long_ends_only_its_connection() -> None:
    async def story(_floor: StreamFloor, address: str) -> None:
        async with line(address) as one, line(address) as other:
            await one.hear()
            await other.hear()
            names = ["A"] * 400_000
            assert await one.ask({"action": "subscribe", "trades": names}) == (
                aiohttp.WSMsgType.CLOSE
            )
            assert await other.ask(AUTH) == AUTHENTICATED

    run(story)


def test_a_request_that_is_no_websocket_is_told_so() -> None:
    async def story(_floor: StreamFloor, address: str) -> None:
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"http://{address}/v2/sip") as response,
        ):
            assert response.status == 400
            assert "WebSocket" in (await response.json())["message"]

    run(story)


ODD = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["action", "trades", "data", "key", "streams"]), inner, max_size=3
        )
    ),
)


@settings(max_examples=10)
@given(
    raw=st.lists(
        st.binary(max_size=60)
        | ODD.map(msgspec.msgpack.encode)
        | ODD.map(msgspec.json.encode)
        | st.sampled_from([b"\x91" * 50_000, b"[" * 50_000, b'{"action":"\\ud800"}']),
        max_size=4,
    )
)
def test_whatever_is_said_is_answered_and_the_connection_lives(raw: list[bytes]) -> None:
    async def story(_floor: StreamFloor, address: str) -> None:
        for path in ("/v2/sip", "/stream"):
            for codec in (JSON, MSGPACK):
                async with line(address, path, codec) as one:
                    if path == "/v2/sip":
                        assert await one.hear() == CONNECTED
                    for words in raw:
                        await one.socket.send_bytes(words)
                        assert "error" in str(await one.hear()) or path == "/stream"
                    last = await one.ask(AUTH)
                    assert last in (AUTHENTICATED, AUTHORIZED)

    run(story)
