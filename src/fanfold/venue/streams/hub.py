"""Who is connected to the streams, and what each is sent."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from fanfold.alpaca.wire.codec import Codec
from fanfold.alpaca.wire.messages import Failure
from fanfold.venue.faults.faults import Faults
from fanfold.venue.faults.plan import Delivery
from fanfold.venue.market.values import Tick
from fanfold.venue.streams.client import GOING_AWAY, Client
from fanfold.venue.streams.encoding import channel_of, encoded
from fanfold.venue.streams.limits import CLOSE_TIMEOUT_S, CONNECTIONS_MAX, TURN_MESSAGES
from fanfold.venue.streams.outbox import Parcel, parcels
from fanfold.venue.streams.subscription import CRYPTO, EVERYTHING, STOCKS, TEST, Feed, Interest
from fanfold.venue.trading.values import Event

SLOW_CLIENT: Final = Failure(code=407, msg="slow client")

EVENTS: Final = "events"
"""Path of clients that watch events and have no place that is theirs alone."""

Posted = tuple[str, str, Tick]
"""A tick with its channel and its symbol."""


@dataclass(slots=True)
class _Audience:
    """Clients that are sent the same bytes."""

    codec: Codec
    wanted: dict[str, frozenset[str]]
    clients: list[Client] = field(default_factory=list[Client])


class Hub:
    """All stream connections.

    Args:
        encode_event: An event as the value that trade updates carry as ``data``.
        faults: What goes wrong with messages on purpose; None for nothing.
        symbols_max: Trades and quotes that one client may subscribe to [symbols]; None for
            any number.
    """

    def __init__(
        self,
        *,
        encode_event: Callable[[Event], Any],
        faults: Faults | None = None,
        symbols_max: int | None = None,
    ) -> None:
        self.symbols_max = symbols_max
        self.encode_event = encode_event
        self._faults = faults
        self._guests: dict[Client, None] = {}
        self._seats: dict[tuple[str, str], Client] = {}
        self._audiences: dict[str, list[_Audience]] = {}
        self._listeners: dict[str, list[Client]] = {}
        self._watchers: dict[str, dict[Client, Callable[[Event], bytes]]] = defaultdict(dict)
        self._followers: list[Client] = []
        self._eased = asyncio.Event()
        self._market_waits = False
        self._since_turn = 0

    def wait_for_clients(self, *, on: bool) -> None:
        """Say whether the market waits for clients (`followed`): then none is too slow."""
        self._market_waits = on

    def enter(self, client: Client) -> bool:
        """Let a connection in that has shown no keys yet; False if there are too many.

        Where all places are taken, who has longest shown no keys makes room.
        """
        if len(self._guests) >= CONNECTIONS_MAX:
            stranger = next((one for one in self._guests if not one.account), None)
            if stranger is None:
                return False
            del self._guests[stranger]
            stranger.cut()
        self._guests[client] = None
        client.eased = self._eased.set
        return True

    def seat(self, client: Client, account: str) -> bool:
        """Give it the place of an account at its stream; False if another one has it."""
        if self.holder(account, client.path) is not None:
            return False
        if self._faults is not None and client.feed is not TEST:
            endpoint = "trading" if client.feed is None else client.feed.endpoint
            if not self._faults.lets_in(endpoint, account):
                return False
        client.account = account
        self._seats[account, client.path] = client
        return True

    def holder(self, account: str, path: str) -> Client | None:
        """Who has the place of an account at a stream."""
        return self._seats.get((account, path))

    def leave(self, client: Client) -> None:
        """Forget a connection that has ended; its place is free."""
        self._guests.pop(client, None)
        if self._seats.get((client.account, client.path)) is client:
            del self._seats[client.account, client.path]
        for watchers in self._watchers.values():
            watchers.pop(client, None)
        self.refresh()
        self._eased.set()

    def refresh(self) -> None:
        """See anew who wants what, after a client changed it."""
        audiences: dict[tuple[Interest, Codec], _Audience] = {}
        self._audiences = defaultdict(list)
        self._listeners = defaultdict(list)
        self._followers = []
        for client in self._seats.values():
            if client.listens:
                self._listeners[client.account].append(client)
            interest = client.interest
            if not interest or interest.feed is TEST:
                continue
            self._followers.append(client)
            key = (interest, client.codec)
            if key not in audiences:
                wanted = dict(zip(interest.feed.channels, interest.names, strict=True))
                audiences[key] = _Audience(client.codec, wanted)
                self._audiences[interest.feed.name].append(audiences[key])
            audiences[key].clients.append(client)

    def answer(self, client: Client, frame: bytes) -> None:
        """Put an answer into the queue of whom it is for."""
        self._put(client, Parcel(frame))

    def watch(self, client: Client, write: Callable[[Event], bytes]) -> None:
        """Send events of the client's account to it from now on, as `write` writes them."""
        self._watchers[client.account][client] = write

    def watcher_count(self, account: str) -> int:
        """How many watch an account's events."""
        return sum(client.account == account for client in self._guests if client.path == EVENTS)

    def publish(self, ticks: Sequence[Tick]) -> None:
        """Put market data into the queues of those that subscribed to them."""
        if not self._followers:
            return
        self._since_turn += len(ticks)
        posted = _sorted(ticks)
        for feed in (STOCKS, CRYPTO):
            audiences = self._audiences.get(feed.name)
            if audiences and posted[feed.name]:
                self._publish(feed, audiences, posted[feed.name])

    def show(self, client: Client, ticks: Sequence[Tick]) -> None:
        """Put market data into the queue of one client, as far as it subscribed to them."""
        interest = client.interest
        if interest:
            wanted = dict(zip(interest.feed.channels, interest.names, strict=True))
            audience = _Audience(client.codec, wanted, [client])
            room = CRYPTO if interest.feed is CRYPTO else STOCKS
            self._publish(interest.feed, [audience], _sorted(ticks)[room.name])

    def tell(self, events: Sequence[Event]) -> None:
        """Put trade updates into the queues of those that listen."""
        for event in events:
            for client, write in self._watchers.get(event.account, {}).items():
                self._put(client, Parcel(write(event)))
            frames: dict[Codec, bytes] = {}
            for client in self._listeners.get(event.account, ()):
                frame = frames.get(client.codec)
                if frame is None:
                    data = {"stream": "trade_updates", "data": self.encode_event(event)}
                    frame = frames[client.codec] = client.codec.encode(data)
                self._tell(client, frame)

    @property
    def follower_count(self) -> int:
        """Connections that subscribed to market data."""
        return len(self._followers)

    @property
    def clients(self) -> tuple[Client, ...]:
        """All connections, those without keys too."""
        return tuple(self._guests)

    async def followed(self) -> None:
        """Wait until all that subscribed have taken what they were sent, but for a little."""
        self._since_turn += 1
        if self._since_turn >= TURN_MESSAGES:
            self._since_turn = 0
            await asyncio.sleep(0)  # whoever has something to write has its turn
        while any(client.is_behind for client in self._followers):
            self._eased.clear()
            await self._eased.wait()

    async def close(self) -> None:
        """End all connections."""
        for client in self.clients:
            client.end(GOING_AWAY, "the venue stops")
        loop = asyncio.get_running_loop()
        deadline = loop.time() + CLOSE_TIMEOUT_S
        while self._guests and loop.time() < deadline:
            self._eased.clear()
            try:
                async with asyncio.timeout_at(deadline):
                    await self._eased.wait()
            except TimeoutError:
                break
        for client in self.clients:
            client.cut()

    def _publish(self, feed: Feed, audiences: list[_Audience], posted: list[Posted]) -> None:
        written: dict[Codec, list[bytes | None]] = {}
        for audience in audiences:
            codec = audience.codec
            if codec not in written:
                written[codec] = [None] * len(posted)
            messages = _wanted(posted, audience, written[codec])
            if not messages:
                continue
            if self._faults is not None:
                self._deliver(feed, audience, messages, self._faults)
                continue
            for parcel in parcels(messages, codec):
                for client in audience.clients:
                    self._put(client, parcel, waits=self._market_waits)

    def _deliver(
        self, feed: Feed, audience: _Audience, messages: list[bytes], faults: Faults
    ) -> None:
        whole = parcels(messages, audience.codec)
        for client in audience.clients:
            delivery = faults.on_messages(feed.endpoint, client.account, messages)
            if delivery is None:
                sent = whole
            else:
                sent = _as_told(delivery, parcels(delivery.messages, client.codec))
            for parcel in sent:
                self._put(client, parcel, waits=self._market_waits)

    def _tell(self, client: Client, frame: bytes) -> None:
        delivery = None
        if self._faults is not None:
            delivery = self._faults.on_messages("trading", client.account, [frame])
        if delivery is None:
            self._put(client, Parcel(frame))
            return
        for parcel in _as_told(delivery, [Parcel(message) for message in delivery.messages]):
            self._put(client, parcel)

    def _put(self, client: Client, parcel: Parcel, *, waits: bool = False) -> None:
        client.put(parcel)
        if waits or not client.outbox.is_over:
            return
        last = None
        if client.feed is not None:
            last = Parcel(client.codec.frame(1, client.codec.encode(SLOW_CLIENT)))
        client.end_slow(last)


def _sorted(ticks: Sequence[Tick]) -> dict[str, list[Posted]]:
    stocks: list[Posted] = []
    crypto: list[Posted] = []
    for tick in ticks:
        channel = channel_of(tick)
        if channel:
            symbol: str = getattr(tick, "symbol")  # noqa: B009  (the phase of a day has none)
            (crypto if "/" in symbol else stocks).append((channel, symbol, tick))
    return {STOCKS.name: stocks, CRYPTO.name: crypto}


def _wanted(posted: list[Posted], audience: _Audience, written: list[bytes | None]) -> list[bytes]:
    """Messages for an audience; what another one with its codec wanted is written already."""
    nothing: frozenset[str] = frozenset()
    messages: list[bytes] = []
    for index, (channel, symbol, tick) in enumerate(posted):
        names = audience.wanted.get(channel, nothing)
        if symbol in names or EVERYTHING in names:
            message = written[index]
            if message is None:
                message = written[index] = encoded(tick, audience.codec)
            messages.append(message)
    return messages


def _as_told(delivery: Delivery, sent: list[Parcel]) -> list[Parcel]:
    """Parcels with what a fault does to them: the first waits, the last drops."""
    if delivery.drop:
        sent = [*sent, Parcel(b"", drops=True)]
    if sent and delivery.delay_s:
        first = sent[0]
        sent[0] = Parcel(first.frame, first.body, first.count, delivery.delay_s, first.drops)
    return sent
