"""What is latest: trades, quotes, bars, order books, and all of an asset at once."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain, islice
from typing import Any, Final, TypeVar

from aiohttp import web

from fanfold.alpaca.wire.refusals import Refusal
from fanfold.domain.sessions import DAY_NS
from fanfold.execution.venue_rules import CRYPTO
from fanfold.venue.floor import Floor
from fanfold.venue.market.history.history import History, Span
from fanfold.venue.market.history.timeframes import DAY, MINUTE, Timeframe
from fanfold.venue.market.values import Asset, QuoteTick, TradeTick
from fanfold.venue.server.answers import route
from fanfold.venue.server.data.forms import (
    BarForm,
    bar_forms,
    book_form,
    quote_form,
    trade_form,
)
from fanfold.venue.server.data.plan import (
    DELAY_NS,
    DELAYED,
    hides,
    latest_feed,
    no_recent_data,
)
from fanfold.venue.server.data.query import (
    COINS,
    LATEST_FEEDS,
    SHARES,
    SILENT_FEEDS,
    Reader,
    Room,
    one_of,
    values_of,
)

LOOK_BACK_NS: Final = 31 * DAY_NS
"""How far back something latest is looked for [ns]: longer than exchanges rest."""

_READERS: Final[Mapping[str, Reader]] = {
    "feed": one_of(*sorted(LATEST_FEEDS)),
    "currency": one_of("USD"),
}


class Latest:
    """What of the market is latest, now or a while ago.

    Args:
        floor: The venue.
        history: The market's past.
        delayed: Whether nothing of the last `DELAY_NS` is shown.
    """

    def __init__(self, floor: Floor, history: History, *, delayed: bool) -> None:
        self._market = floor.market
        self._history = history
        self._delayed = delayed

    def trade(self, asset: Asset) -> dict[str, Any] | None:
        """The latest trade; None before the first."""
        if self._delayed:
            tick = _first(self._history.trades(asset, self._span()))
        else:
            tick = self._market.trade(asset.symbol)
        return None if tick is None else trade_form(tick, is_coin=_is_coin(asset))

    def quote(self, asset: Asset) -> dict[str, Any] | None:
        """The latest quote; None before the first."""
        if self._delayed:
            tick = _first(self._history.quotes(asset, self._span()))
        else:
            tick = self._market.quote(asset.symbol)
        return None if tick is None else quote_form(tick, is_coin=_is_coin(asset))

    def bar(self, asset: Asset) -> BarForm | None:
        """The latest minute; None before the first."""
        return next(iter(self._bars(asset, MINUTE, 1)), None)

    def orderbook(self, asset: Asset) -> dict[str, Any] | None:
        """The order book, which changes with the quote; None where there is none."""
        sides, quote = self._market.book(asset.symbol), self._market.quote(asset.symbol)
        if sides is None:
            return None
        return book_form(self._market.now if quote is None else quote.ts, *sides)

    def snapshot(self, asset: Asset) -> dict[str, Any] | None:
        """All of an asset; None before its first trade and quote."""
        day, day_before, *_ = [*self.days(asset, 2), None, None]
        found = {
            "latestTrade": self.trade(asset),
            "latestQuote": self.quote(asset),
            "minuteBar": self.bar(asset),
            "dailyBar": day,
            "prevDailyBar": day_before,
        }
        return found if any(one is not None for one in found.values()) else None

    def days(self, asset: Asset, count: int) -> list[BarForm]:
        """The latest days, the running one first if there is one."""
        return self._bars(asset, DAY, count)

    def _bars(self, asset: Asset, timeframe: Timeframe, count: int) -> list[BarForm]:
        blocks = self._history.bars(asset, timeframe, self._span())
        found = islice((block for block in blocks if len(block)), count)
        forms = (bar_forms(block, is_coin=_is_coin(asset)) for block in found)
        return list(islice(chain.from_iterable(forms), count))

    def _span(self) -> Span:
        now = self._market.now - (DELAY_NS if self._delayed else 0)
        return Span(start=now - LOOK_BACK_NS, end=now, now=now, newest_first=True)


Tick = TypeVar("Tick", TradeTick, QuoteTick)
Ask = Callable[[Latest, Asset], Any]

_WHAT: Final[Mapping[str, tuple[str, Ask]]] = {
    "trades": ("trade", Latest.trade),
    "quotes": ("quote", Latest.quote),
    "bars": ("bar", Latest.bar),
    "orderbooks": ("orderbook", Latest.orderbook),
    "snapshots": ("snapshot", Latest.snapshot),
}
"""What can be asked for: the key of one asset's, and how it is found."""


def routes(floor: Floor, history: History) -> list[web.RouteDef]:
    """Routes of what is latest."""
    paths = [
        *((SHARES, kind, f"/v2/stocks/{kind}/latest") for kind in ("bars", "quotes", "trades")),
        *(
            (SHARES, kind, f"/v2/stocks/{{symbol}}/{kind}/latest")
            for kind in ("bars", "quotes", "trades")
        ),
        (SHARES, "snapshots", "/v2/stocks/snapshots"),
        (SHARES, "snapshots", "/v2/stocks/{symbol}/snapshot"),
        *(
            (COINS, kind, f"/v1beta3/crypto/{{location}}/latest/{kind}")
            for kind in ("bars", "quotes", "trades", "orderbooks")
        ),
        (COINS, "snapshots", "/v1beta3/crypto/{location}/snapshots"),
    ]
    return [
        route(floor, "GET", path, partial(_answer, history, room, kind))
        for room, kind, path in paths
    ]


async def _answer(
    history: History, room: Room, kind: str, floor: Floor, request: web.Request
) -> dict[str, Any] | Refusal:
    values = room.place(request) or values_of(request, {} if room.is_coins else _READERS)
    if isinstance(values, Refusal):
        return values
    assets = room.assets(floor, request)
    if isinstance(assets, Refusal):
        return assets
    feed = values.get("feed", latest_feed(floor))
    if hides(floor, room, feed):
        return no_recent_data()
    latest = Latest(floor, history, delayed=feed == DELAYED)
    one, ask = _WHAT[kind]
    shown = () if feed in SILENT_FEEDS else assets
    every = ((asset.symbol, ask(latest, asset)) for asset in shown)
    found: dict[str, Any] = {symbol: form for symbol, form in every if form is not None}
    symbol = request.match_info.get("symbol")
    if symbol is None:
        # The snapshots of shares alone come without a key of their own.
        return found if kind == "snapshots" and not room.is_coins else {kind: found}
    if symbol not in found:
        return Refusal(status=404, code=0, message=f"no {one} found for {symbol}")
    return {"symbol": symbol} | (found[symbol] if kind == "snapshots" else {one: found[symbol]})


def _first(blocks: Iterator[Sequence[Tick]]) -> Tick | None:
    return next(chain.from_iterable(blocks), None)


def _is_coin(asset: Asset) -> bool:
    return asset.asset_class == CRYPTO
