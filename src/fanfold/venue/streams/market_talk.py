"""What is said on a market-data stream before and beside the data."""

from collections.abc import Callable, Sequence
from typing import Final, Protocol

from fanfold.alpaca.wire.codec import JSON, UNREADABLE
from fanfold.alpaca.wire.messages import Auth, Control, Failure, Subscribe, Success, Unsubscribe
from fanfold.venue.market.spread import Levels
from fanfold.venue.market.values import Asset, BookTick, QuoteTick
from fanfold.venue.streams.client import Client
from fanfold.venue.streams.hub import Hub
from fanfold.venue.streams.limits import AUTH_TRIES_MAX
from fanfold.venue.streams.subscription import EVERYTHING, INVALID_SYNTAX, Interest, changed

CONNECTED: Final = Success(msg="connected")
AUTHENTICATED: Final = Success(msg="authenticated")
NOT_AUTHENTICATED: Final = Failure(code=401, msg="not authenticated")
AUTH_FAILED: Final = Failure(code=402, msg="auth failed")
ALREADY_AUTHENTICATED: Final = Failure(code=403, msg="already authenticated")
AUTH_TIMEOUT: Final = Failure(code=404, msg="auth timeout")
CONNECTION_LIMIT: Final = Failure(code=406, msg="connection limit exceeded")
NOT_IN_PLAN: Final = Failure(code=409, msg="insufficient subscription")

BOOKS: Final = "orderbooks"
"""Channel whose messages are changes, after a first one that is whole."""


class Standing(Protocol):
    """What is asked of the market."""

    @property
    def now(self) -> int:
        """The venue's clock [ns UTC]."""
        ...

    @property
    def assets(self) -> Sequence[Asset]:
        """All assets."""
        ...

    def book(self, symbol: str) -> tuple[Levels, Levels] | None:
        """Bids and asks of an order book; None before the first."""
        ...

    def quote(self, symbol: str) -> QuoteTick | None:
        """The latest quote; None before the first."""
        ...


class MarketTalk:
    """The conversation with one client.

    Args:
        client: Whom it is with.
        hub: Where clients are.
        account_of: Id of the account of a key and its secret; None if they are wrong.
        market: What stands in the market, for those that subscribe to it.
        refusal: Why nobody with right keys is let in; None if they are.
    """

    def __init__(
        self,
        client: Client,
        hub: Hub,
        account_of: Callable[[str, str], str | None],
        *,
        market: Standing,
        refusal: Failure | None = None,
    ) -> None:
        self._client = client
        self._hub = hub
        self._account_of = account_of
        self._market = market
        self._refusal = refusal
        self._tries = 0

    def greet(self, keys: tuple[str, str] | None) -> None:
        """Begin; keys that came with the request are taken at once."""
        self._say(CONNECTED)
        if keys is not None:
            self._authenticate(Auth(key=keys[0], secret=keys[1]))

    def hear(self, frame: bytes | str) -> None:
        """Answer what the client says; text is JSON in both codecs."""
        codec = JSON if isinstance(frame, str) else self._client.codec
        try:
            command = codec.command(frame)
        except UNREADABLE:
            self._say(INVALID_SYNTAX)
            return
        if isinstance(command, Auth):
            self._authenticate(command)
        elif not self._client.account:
            self._say(NOT_AUTHENTICATED)
        else:
            self._subscribe(command)

    def run_out(self) -> None:
        """The time for keys is over."""
        if not self._client.account:
            self._say(AUTH_TIMEOUT)
            self._client.end(reason=AUTH_TIMEOUT.msg)

    def _authenticate(self, keys: Auth) -> None:
        if self._client.account:
            self._say(ALREADY_AUTHENTICATED)
            return
        account = self._account_of(keys.key, keys.secret)
        if account is None:
            self._say(AUTH_FAILED)
            self._tries += 1
            if self._tries >= AUTH_TRIES_MAX:
                self._client.end(reason=AUTH_FAILED.msg)
            return
        refusal = self._refusal
        if refusal is None and not self._hub.seat(self._client, account):
            refusal = CONNECTION_LIMIT
        if refusal is None:
            self._say(AUTHENTICATED)
        else:
            self._say(refusal)
            self._client.end(reason=refusal.msg)

    def _subscribe(self, command: Subscribe | Unsubscribe) -> None:
        interest = self._client.interest
        if interest is None:
            raise ValueError("trade updates have no market data")
        after = changed(interest, command, symbols_max=self._hub.symbols_max)
        if isinstance(after, Failure):
            self._say(after)
            return
        self._client.interest = after
        self._hub.refresh()
        self._say(after.answer)
        self._hub.show(self._client, _whole_books(self._market, interest, after))

    def _say(self, message: Control) -> None:
        codec = self._client.codec
        self._hub.answer(self._client, codec.frame(1, codec.encode(message)))


def _whole_books(market: Standing, before: Interest, after: Interest) -> list[BookTick]:
    """Whole order books that a client is to see first, by what it had and has subscribed to."""
    if BOOKS not in after.feed.channels:
        return []
    had, has = before.of(BOOKS), after.of(BOOKS)
    if had == has or EVERYTHING in had:
        return []
    found: list[BookTick] = []
    for asset in market.assets:
        symbol = asset.symbol
        sides = market.book(symbol)
        if sides is None or symbol in had or not (symbol in has or EVERYTHING in has):
            continue
        quote = market.quote(symbol)
        ts = market.now if quote is None else quote.ts  # books change with quotes
        found.append(BookTick(ts, symbol, *sides, reset=True))
    return found
