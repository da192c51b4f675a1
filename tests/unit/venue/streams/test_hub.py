import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from tests.fakes.venue_streams import TS, NoFaults, event, told, until

from fanfold.alpaca.wire.codec import JSON, MSGPACK, Codec
from fanfold.alpaca.wire.messages import Subscribe
from fanfold.venue.faults.plan import Delivery
from fanfold.venue.market.values import QuoteTick, TradeTick
from fanfold.venue.streams.client import Client
from fanfold.venue.streams.fakepaca import SYMBOL, second_of
from fanfold.venue.streams.hub import Hub
from fanfold.venue.streams.limits import CAUGHT_UP_MESSAGES
from fanfold.venue.streams.subscription import CRYPTO, STOCKS, TEST, Feed, Interest, changed


class Far:
    """The far side of a client: what arrived, and whether it takes anything now."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.takes = asyncio.Event()
        self.takes.set()
        self.closed = ""
        self.was_cut = False

    def send_at_once(self, frames: Sequence[bytes]) -> bool:
        if self.takes.is_set():
            self.frames += frames
        return self.takes.is_set()

    async def send(self, frames: Sequence[bytes]) -> None:
        for frame in frames:
            await self.takes.wait()
            self.frames.append(frame)

    async def close(self, code: int, reason: str) -> None:
        self.closed = f"{code} {reason}"

    def cut(self) -> None:
        self.was_cut = True

    def messages(self, codec: Codec = JSON) -> list[Any]:
        return [each for frame in self.frames for each in codec.anything(frame)]


def make_hub(**kwargs: Any) -> Hub:
    return Hub(encode_event=told, **kwargs)


def join(
    hub: Hub,
    account: str,
    *,
    feed: Feed | None = STOCKS,
    codec: Codec = JSON,
    wants: Subscribe | None = None,
    **limits: Any,
) -> tuple[Client, Far]:
    far = Far()
    client = Client(path="/v2/sip", feed=feed, codec=codec, wire=far, **limits)
    assert hub.enter(client)
    assert hub.seat(client, account)
    if feed is None:
        client.listens = True
    elif client.interest is not None and wants is not None:
        interest = changed(client.interest, wants)
        assert isinstance(interest, Interest)
        client.interest = interest
    hub.refresh()
    return client, far


def trade(symbol: str, number: int = 1) -> TradeTick:
    return TradeTick(TS + number, symbol, 1.5, 1.0, number, 1.5, 1.5)


def quote(symbol: str) -> QuoteTick:
    return QuoteTick(TS, symbol, 1.0, 1.0, 2.0, 1.0)


async def written(*clients: Client) -> None:
    """All that waits is sent, and the clients end."""
    for client in clients:
        client.end()
    await asyncio.gather(*(client.write() for client in clients))


def test_each_client_gets_what_it_subscribed_to_in_its_codec() -> None:
    async def story() -> None:
        hub = make_hub()
        some, some_far = join(hub, "1", wants=Subscribe(trades=("A",), quotes=("B",)))
        every, every_far = join(hub, "2", codec=MSGPACK, wants=Subscribe(trades=("*",)))
        coins, coins_far = join(hub, "3", feed=CRYPTO, wants=Subscribe(trades=("*",)))
        assert hub.follower_count == 3
        hub.publish([trade("A"), quote("A"), trade("B"), quote("B"), trade("B/C")])
        await written(some, every, coins)
        assert [(each["T"], each["S"]) for each in some_far.messages()] == [("t", "A"), ("q", "B")]
        assert [each["S"] for each in every_far.messages(MSGPACK)] == ["A", "B"]
        assert [each["S"] for each in coins_far.messages()] == ["B/C"]

    asyncio.run(story())


def test_clients_with_equal_wishes_share_the_bytes() -> None:
    async def story() -> None:
        hub = make_hub()
        both = [join(hub, account, wants=Subscribe(trades=("A",))) for account in "12"]
        hub.publish([trade("A", 1), trade("A", 2)])
        await written(*(client for client, _ in both))
        (one,), (other,) = (far.frames for _, far in both)
        assert one is other

    asyncio.run(story())


def test_a_client_that_lags_gets_one_frame_of_many() -> None:
    async def story() -> None:
        hub = make_hub()
        client, far = join(hub, "1", wants=Subscribe(trades=("A",)))
        for number in range(5):
            hub.publish([trade("A", number)])
        await written(client)
        assert len(far.frames) == 1
        assert [each["i"] for each in far.messages()] == list(range(5))

    asyncio.run(story())


def test_a_client_that_is_too_slow_is_told_so_and_ended() -> None:
    async def story() -> None:
        hub = make_hub()
        client, far = join(hub, "1", wants=Subscribe(trades=("A",)), messages_max=10)
        hub.publish([trade("A", number) for number in range(10)])
        assert not client.is_ending
        hub.publish([trade("A", 11)])
        hub.publish([trade("A", 12)])
        await client.write()
        assert far.messages() == [{"T": "error", "code": 407, "msg": "slow client"}]
        assert far.closed == "1008 slow client"

    asyncio.run(story())


def test_a_client_that_takes_nothing_is_cut() -> None:
    async def story() -> None:
        hub = make_hub()
        client, far = join(hub, "1", wants=Subscribe(trades=("A",)), write_timeout_s=0.0)
        far.takes.clear()
        hub.publish([trade("A")])
        await client.write()
        assert far.was_cut
        assert not far.closed

    asyncio.run(story())


def test_a_market_that_waits_for_clients_goes_on_when_they_have_caught_up() -> None:
    async def story() -> None:
        hub = make_hub()
        hub.wait_for_clients(on=True)
        client, far = join(hub, "1", wants=Subscribe(trades=("A",)), messages_max=10)
        far.takes.clear()
        writer = asyncio.create_task(client.write())
        count = 2 * CAUGHT_UP_MESSAGES + 1
        hub.publish([trade("A", number) for number in range(count)])
        waits = asyncio.create_task(hub.followed())
        for _ in range(10):
            await asyncio.sleep(0)
        assert not waits.done()
        assert not client.is_ending  # far more than its limit waits, and it is not too slow
        far.takes.set()
        await waits
        client.end()
        await writer
        assert len(far.messages()) == count

    asyncio.run(story())


def test_a_market_waits_no_longer_for_a_client_that_leaves() -> None:
    async def story() -> None:
        hub = make_hub()
        client, _ = join(hub, "1", wants=Subscribe(trades=("A",)))
        hub.publish([trade("A", number) for number in range(2 * CAUGHT_UP_MESSAGES)])
        waits = asyncio.create_task(hub.followed())
        await asyncio.sleep(0)
        hub.leave(client)
        await waits
        assert hub.follower_count == 0

    asyncio.run(story())


def test_trade_updates_go_one_by_one_to_the_account_that_listens() -> None:
    async def story() -> None:
        hub = make_hub()
        mine, far = join(hub, "account-1", feed=None)
        other, other_far = join(hub, "account-2", feed=None)
        hub.tell([event(1), event(2)])
        await written(mine, other)
        assert len(far.frames) == 2
        first = JSON.anything(far.frames[0])
        assert first["stream"] == "trade_updates"
        assert first["data"] == told(event(1))
        assert other_far.frames == []

    asyncio.run(story())


def test_a_place_is_one_clients_until_it_leaves() -> None:
    async def story() -> None:
        hub = make_hub()
        client, _ = join(hub, "1")
        again = Client(path="/v2/sip", feed=STOCKS, codec=JSON, wire=Far())
        assert not hub.seat(again, "1")
        elsewhere = Client(path="/v2/iex", feed=STOCKS, codec=JSON, wire=Far())
        assert hub.seat(elsewhere, "1")
        hub.leave(client)
        assert hub.seat(again, "1")

    asyncio.run(story())


def test_who_shows_no_keys_makes_room_where_all_places_are_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("fanfold.venue.streams.hub.CONNECTIONS_MAX", 2)

    async def work() -> None:
        hub = make_hub()
        _, seated = join(hub, "a")
        strangers = [Far(), Far()]
        for far in strangers:
            assert hub.enter(Client(path="/v2/sip", feed=STOCKS, codec=JSON, wire=far))
        assert [far.was_cut for far in strangers] == [True, False]
        join(hub, "b")
        assert strangers[1].was_cut
        assert not seated.was_cut
        assert not hub.enter(Client(path="/v2/sip", feed=STOCKS, codec=JSON, wire=Far()))

    asyncio.run(work())


def test_faults_decide_what_becomes_of_messages() -> None:
    async def story() -> None:
        faults = NoFaults()
        hub = make_hub(faults=faults)
        client, far = join(hub, "1", wants=Subscribe(trades=("A",)))
        listener, listener_far = join(hub, "account-1", feed=None)
        faults.delivery = Delivery(messages=())
        hub.publish([trade("A")])
        faults.delivery = Delivery(messages=(b"2", b"1", b"1"))
        hub.publish([trade("A")])
        faults.delivery = Delivery(messages=(b"3",), drop=True)
        hub.publish([trade("A")])
        hub.tell([event(1)])
        hub.publish([trade("A")])
        await client.write()
        await listener.write()
        assert far.messages() == [2, 1, 1, 3]
        assert far.was_cut
        assert listener_far.frames == [b"3"]
        assert listener_far.was_cut

    asyncio.run(story())


def test_the_test_feed_is_nobody_elses_and_holds_up_no_market() -> None:
    async def story() -> None:
        hub = make_hub()
        client, far = join(hub, "1", feed=TEST, wants=Subscribe(trades=("*",), bars=("*",)))
        assert hub.follower_count == 0
        hub.publish([trade("A")])
        hub.show(client, second_of(60))
        await written(client)
        assert {each["S"] for each in far.messages()} == {SYMBOL}
        assert [each["T"] for each in far.messages()] == ["b", "t", "t"]

    asyncio.run(story())


def test_a_second_of_the_test_feed_is_the_same_for_all_that_see_it() -> None:
    assert second_of(120) == second_of(120)
    assert second_of(120) != second_of(120, seed=1)
    assert len({tick.ts for tick in second_of(121)}) == 4


def test_the_end_of_the_venue_ends_all_connections() -> None:
    async def story() -> None:
        hub = make_hub()
        client, far = join(hub, "1")
        writer = asyncio.create_task(client.write())
        closing = asyncio.create_task(hub.close())
        await writer
        hub.leave(client)
        await closing
        assert far.closed == "1001 the venue stops"
        await until(lambda: not hub.clients)

    asyncio.run(story())
