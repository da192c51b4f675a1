"""What a client has subscribed to, as a value, and the arithmetic of it.

Subscribing adds, unsubscribing subtracts, and the answer is always the whole of what is
subscribed to. A request that cannot be done changes nothing.
"""

import re
from dataclasses import dataclass
from typing import Final

from fanfold.alpaca.wire.messages import Failure, Subscribe, Subscription, Unsubscribe
from fanfold.venue.faults.plan import Endpoint
from fanfold.venue.streams.limits import SYMBOLS_MAX

EVERYTHING: Final = "*"
"""The name that means all symbols."""

INVALID_SYNTAX: Final = Failure(code=400, msg="invalid syntax")
SYMBOL_LIMIT: Final = Failure(code=405, msg="symbol limit exceeded")
NO_SUCH_CHANNEL: Final = Failure(code=410, msg="invalid subscribe action for this feed")

_SYMBOL: Final = re.compile(r"\*|[A-Z0-9][A-Z0-9./_-]{0,31}")
_COUNTED: Final = ("trades", "quotes")
_FOLLOWERS: Final = ("corrections", "cancel_errors")


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """A kind of market-data stream.

    Attributes:
        name: "stocks", "crypto" or "test".
        endpoint: What faults call it.
        channels: What can be subscribed to, as `Subscription` names it.
        followers: Channels that come with trades.
    """

    name: str
    endpoint: Endpoint
    channels: tuple[str, ...]
    followers: tuple[str, ...] = ()


# What is replayed knows no price bands and no trades that were taken back: "lulds" and what
# follows trades can be subscribed to as at the broker, and stay quiet.
STOCKS: Final = Feed(
    name="stocks",
    endpoint="stocks",
    channels=("trades", "quotes", "bars", "updated_bars", "daily_bars", "statuses", "lulds"),
    followers=_FOLLOWERS,
)
CRYPTO: Final = Feed(
    name="crypto",
    endpoint="crypto",
    channels=("trades", "quotes", "orderbooks", "bars", "updated_bars", "daily_bars"),
)
TEST: Final = Feed(
    name="test", endpoint="stocks", channels=STOCKS.channels, followers=STOCKS.followers
)

_KNOWN: Final = frozenset((*STOCKS.channels, *CRYPTO.channels, "imbalances", "news"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Interest:
    """What one client has subscribed to. Equal ones are sent the same bytes.

    Attributes:
        feed: Of which stream.
        names: Symbols, in the order of the feed's channels.
    """

    feed: Feed
    names: tuple[frozenset[str], ...]

    def of(self, channel: str) -> frozenset[str]:
        """Symbols of a channel."""
        return self.names[self.feed.channels.index(channel)]

    def __bool__(self) -> bool:
        """Whether there is any."""
        return any(self.names)

    @property
    def answer(self) -> Subscription:
        """All of it, as clients are told."""
        told = {
            channel: tuple(sorted(names))
            for channel, names in zip(self.feed.channels, self.names, strict=True)
        }
        return Subscription(**told, **dict.fromkeys(self.feed.followers, told["trades"]))


def nothing(feed: Feed) -> Interest:
    """What a client has before it subscribes."""
    return Interest(feed=feed, names=tuple(frozenset[str]() for _ in feed.channels))


def changed(
    interest: Interest, command: Subscribe | Unsubscribe, *, symbols_max: int | None = None
) -> Interest | Failure:
    """What a client has after a command, or why it is refused as a whole.

    Args:
        interest: What it has.
        command: What it says.
        symbols_max: Trades and quotes it may have together [symbols]; None for any number.
    """
    channels = interest.feed.channels
    if any(getattr(command, channel) for channel in _KNOWN.difference(channels)):
        return NO_SUCH_CHANNEL
    asked = [frozenset[str](getattr(command, channel)) for channel in channels]
    if not all(_SYMBOL.fullmatch(name) for names in asked for name in names):
        return INVALID_SYNTAX
    pairs = zip(interest.names, asked, strict=True)
    if isinstance(command, Unsubscribe):
        return Interest(feed=interest.feed, names=tuple(had - less for had, less in pairs))
    after = Interest(feed=interest.feed, names=tuple(had | more for had, more in pairs))
    return SYMBOL_LIMIT if _is_too_much(after, symbols_max) else after


def _is_too_much(interest: Interest, symbols_max: int | None) -> bool:
    if any(len(names) > SYMBOLS_MAX for names in interest.names):
        return True
    if symbols_max is None:
        return False
    counted = [interest.of(channel) for channel in _COUNTED]
    return sum(map(len, counted)) > symbols_max or any(EVERYTHING in names for names in counted)
