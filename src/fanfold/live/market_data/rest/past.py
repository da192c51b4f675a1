"""What was, and what stands: minutes, trades, days and the latest quotes, over HTTP."""

from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import Final, Literal, TypeVar

from msgspec import Struct, field

from fanfold.alpaca.wire.instants import instant_of, instant_text
from fanfold.domain.sessions import DAY_NS, MINUTE_NS
from fanfold.errors import LiveError
from fanfold.live.market_data.bars.hours import Hours
from fanfold.live.market_data.rest.lines import Lines
from fanfold.live.messages import Prior, Quote, Row

PAGE: Final = 10_000
"""Points of a page."""

PAGES_MAX: Final = 1_000
"""Most pages of one answer."""

SYMBOLS_AT_ONCE: Final = 100
"""Symbols in one question."""

USUAL_DAYS: Final = 20
"""Days whose volume is the usual one."""

_CALENDAR_DAYS: Final = 45
"""Calendar days that hold so many sessions."""

Minute = tuple[int, Row]
"""A minute's end [ns UTC], and its bar."""


class PastTrade(Struct, frozen=True, gc=False):
    """A trade that was."""

    t: str
    p: float
    s: float
    i: int = -1
    c: tuple[str, ...] = ()


class _Bar(Struct, frozen=True, gc=False):
    t: str
    o: float
    h: float
    l: float  # noqa: E741  (the broker's name)
    c: float
    v: float


class _Quote(Struct, frozen=True):
    t: str
    bp: float
    bs: float
    ap: float
    ask_size: float = field(name="as")


class _Bars(Struct, frozen=True):
    bars: dict[str, tuple[_Bar, ...] | None] | None = None
    next_page_token: str | None = None


class _Trades(Struct, frozen=True):
    trades: dict[str, tuple[PastTrade, ...] | None] | None = None
    next_page_token: str | None = None


class _Quotes(Struct, frozen=True):
    quotes: dict[str, _Quote | None] | None = None


class _Clock(Struct, frozen=True):
    timestamp: str


Page = TypeVar("Page", _Bars, _Trades)
Point = TypeVar("Point")


class Past:
    """Questions to the broker.

    Args:
        data: Connection to the server of market data.
        symbols: Of the assets.
        hours: Of the assets.
        is_coins: Whether they are coins.
        feed: The broker's, "" for whatever it has.
    """

    def __init__(
        self,
        data: Lines,
        symbols: Sequence[str],
        hours: Sequence[Hours],
        *,
        is_coins: bool,
        feed: str,
    ) -> None:
        self._data = data
        self._symbols = tuple(symbols)
        self._places = {symbol: place for place, symbol in enumerate(symbols)}
        self._hours = tuple(hours)
        self._room = "/v1beta3/crypto/us" if is_coins else "/v2/stocks"
        self._common = {"feed": feed} if feed and not is_coins else {}
        self._of_bars = {} if is_coins else {"adjustment": "raw"}

    def minutes(self, start: int, end: int) -> list[Minute]:
        """Minutes that begin from `start` on and end until `end` [ns UTC], in order.

        Raises:
            LiveError: See `Lines.get`, or an instant is none.
        """
        if end - MINUTE_NS < start:
            return []
        query = {"timeframe": "1Min", **self._span(start, end - MINUTE_NS), **self._of_bars}
        found = [
            (_instant(bar.t) + MINUTE_NS, Row(asset, bar.o, bar.h, bar.l, bar.c, bar.v))
            for page in self._pages("bars", query, _Bars)
            for asset, bars in self._known(page.bars)
            for bar in bars
        ]
        return sorted(found, key=lambda one: (one[0], one[1].asset))

    def trades(self, start: int, end: int) -> list[tuple[int, int, PastTrade]]:
        """Trades of [start, end]: instant [ns UTC], asset, and the rest; in order.

        Raises:
            LiveError: As of `minutes`.
        """
        if end < start:
            return []
        query = self._span(start, end)
        found = [
            (_instant(trade.t), asset, trade)
            for page in self._pages("trades", query, _Trades)
            for asset, trades in self._known(page.trades)
            for trade in trades
        ]
        return sorted(found, key=lambda one: one[:2])

    def priors(self, clock: int) -> list[Prior]:
        """Usual daily volume and last close of each asset that has any, of days that are over.

        Raises:
            LiveError: As of `minutes`.
        """
        start = clock - _CALENDAR_DAYS * DAY_NS
        query = {"timeframe": "1Day", **self._span(start, clock), **self._of_bars}
        days: dict[int, list[_Bar]] = {}
        for page in self._pages("bars", query, _Bars):
            for asset, bars in self._known(page.bars):
                days.setdefault(asset, []).extend(
                    bar for bar in bars if self._hours[asset].close_of(_instant(bar.t)) <= clock
                )
        return [self._prior(asset, bars) for asset, bars in sorted(days.items()) if bars]

    def _prior(self, asset: int, bars: list[_Bar]) -> Prior:
        usual = float(median(bar.v for bar in bars[-USUAL_DAYS:]))
        return Prior(asset, usual, bars[-1].c, self._hours[asset].close_of(_instant(bars[-1].t)))

    def quotes(self, assets: Sequence[int]) -> list[Quote]:
        """The latest quotes of some assets.

        Raises:
            LiveError: As of `minutes`.
        """
        is_coins = self._room.startswith("/v1beta3")
        path = f"{self._room}/{'latest/quotes' if is_coins else 'quotes/latest'}"
        found: list[Quote] = []
        for names in _some([self._symbols[asset] for asset in assets]):
            answer = self._data.get(path, {"symbols": names, **self._common}, _Quotes)
            for symbol, quote in (answer.quotes or {}).items():
                place = self._places.get(symbol)
                if place is not None and quote is not None:
                    ts = _instant(quote.t)
                    found.append(Quote(place, ts, quote.bp, quote.ap, quote.bs, quote.ask_size))
        return found

    def _span(self, start: int, end: int) -> dict[str, str]:
        return {"start": instant_text(start), "end": instant_text(end), "limit": str(PAGE)}

    def _pages(
        self, kind: Literal["bars", "trades"], query: Mapping[str, str], form: type[Page]
    ) -> Iterator[Page]:
        for names in _some(self._symbols):
            token: str | None = None
            for _ in range(PAGES_MAX):
                asked = {"symbols": names, **query, **self._common}
                if token is not None:
                    asked["page_token"] = token
                page = self._data.get(f"{self._room}/{kind}", asked, form)
                yield page
                token = page.next_page_token
                if token is None:
                    break
            else:
                raise LiveError(f"{kind} must fit {PAGES_MAX} pages, there were more")

    def _known(
        self, points: Mapping[str, tuple[Point, ...] | None] | None
    ) -> Iterator[tuple[int, tuple[Point, ...]]]:
        """Each asset's points."""
        for symbol, own in (points or {}).items():
            if symbol in self._places and own:
                yield self._places[symbol], own


def clock_of(trading: Lines) -> int:
    """What the broker's clock shows [ns UTC].

    Raises:
        LiveError: See `Lines.get`, or the instant is none.
    """
    return _instant(trading.get("/v2/clock", {}, _Clock).timestamp)


def _instant(text: str) -> int:
    try:
        return instant_of(text)
    except (ValueError, OverflowError):
        raise LiveError(f"an instant must be RFC 3339, was {text[:40]!r}") from None


def _some(symbols: Sequence[str]) -> Iterator[str]:
    for first in range(0, len(symbols), SYMBOLS_AT_ONCE):
        yield ",".join(symbols[first : first + SYMBOLS_AT_ONCE])
