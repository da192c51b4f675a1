"""What is asked of Alpaca in one go, in fanfold's words and in the service's."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any, Final

from fanfold.alpaca import data_library
from fanfold.domain.calendars import DEFAULT_CALENDAR
from fanfold.domain.prices import Basis
from fanfold.domain.sessions import ROUND_THE_CLOCK
from fanfold.domain.timeframe import SECOND_NS, SESSION, timeframe_named, timeframe_ns
from fanfold.errors import ConfigError
from fanfold.market.sources.source import Request

ADJUSTMENTS: Final[dict[Basis, str]] = {"raw": "raw", "split": "split", "total_return": "all"}
"""The service's word for each basis."""

EARLIEST: Final = 1_199_145_600 * SECOND_NS
"""2008-01-01, before the first row that Alpaca has [ns UTC]."""

SYMBOLS_TOGETHER: Final = 100
"""Symbols whose daily bars are asked for in one go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is asked for in one go: one symbol, or daily bars of several.

    Attributes:
        request: As it was asked.
        symbols: Whose; all of one market.
        first: Earliest stamp that is wanted [ns UTC].
        until: Latest stamp that is wanted, excluded [ns UTC].
        final: What was over at this instant is final [ns UTC].
        feed: Of stocks.
    """

    request: Request
    symbols: tuple[str, ...]
    first: int
    until: int
    final: int
    feed: str

    @classmethod
    def of(cls, request: Request, symbols: tuple[str, ...], *, feed: str, final: int) -> "Asked":
        """Some symbols of a request; what is not final is not asked for."""
        length = timeframe_ns(request.timeframe) if request.kind == "bars" else 0
        until = final - length + 1
        return cls(
            request=request,
            symbols=symbols,
            first=EARLIEST if request.start is None else request.start,
            until=until if request.end is None else min(until, request.end),
            final=final,
            feed=feed,
        )

    @property
    def is_crypto(self) -> bool:
        """Whether they are pairs."""
        return is_crypto_pair(self.symbols[0])

    @property
    def is_daily(self) -> bool:
        """Whether bars are whole sessions."""
        return is_daily(self.request)

    @property
    def basis(self) -> Basis:
        """What prices are adjusted for: nothing if left to choose."""
        return self.request.basis or "raw"

    @property
    def calendar(self) -> str:
        """Of the assets."""
        return ROUND_THE_CLOCK if self.is_crypto else DEFAULT_CALENDAR

    @property
    def text(self) -> str:
        """For messages."""
        length = f"{self.request.timeframe} " if self.request.kind == "bars" else ""
        return f"{length}{self.request.kind} of {several(self.symbols)}"

    def params(self) -> dict[str, Any]:
        """As the client library's own request spells it."""
        requests = data_library("requests")
        made = {
            "bars": (requests.StockBarsRequest, requests.CryptoBarsRequest),
            "trades": (requests.StockTradesRequest, requests.CryptoTradesRequest),
            "quotes": (requests.StockQuotesRequest, requests.CryptoQuoteRequest),
        }[self.request.kind][self.is_crypto]
        options: dict[str, Any] = {} if self.is_crypto else {"feed": self.feed}
        if self.request.kind == "bars":
            options["timeframe"] = _library_timeframe(self.request.timeframe)
            if not self.is_crypto:
                options["adjustment"] = ADJUSTMENTS[self.basis]
        return made(
            symbol_or_symbols=list(self.symbols),
            start=_instant(self.first),
            end=_instant(self.until + 998),  # the last wanted one, rounded up: it is included
            **options,
        ).to_request_fields()


def batches(request: Request) -> Iterator[tuple[str, ...]]:
    """Symbols that are asked for in one go, in their order.

    A page holds the days of many symbols, so they share it; minutes and ticks of one symbol
    fill pages, and would have to be held until the others' came.
    """
    size = SYMBOLS_TOGETHER if is_daily(request) else 1
    for _, market in groupby(request.symbols or (), is_crypto_pair):
        symbols = tuple(market)
        for first in range(0, len(symbols), size):
            yield symbols[first : first + size]


def is_daily(request: Request) -> bool:
    """Whether bars of whole sessions are asked for."""
    return request.kind == "bars" and timeframe_named(request.timeframe) == SESSION


def several(symbols: Sequence[str]) -> str:
    """Symbols in few words."""
    more = len(symbols) - 1
    return symbols[0] + (f" and {more} more symbol{'s' * (more > 1)}" if more else "")


def check_timeframe(name: str) -> tuple[int, str]:
    """How many of which unit bars last, as the service counts them.

    Raises:
        ConfigError: Alpaca has no such bars.
    """
    found = re.fullmatch(r"(\d+)(min|h|D)", timeframe_named(name))
    if not found or (found[2] == "min" and int(found[1]) >= 60):  # noqa: PLR2004  (an hour)
        raise ConfigError(
            f"timeframe must be 1D, or minutes below 60 or hours from alpaca, was {name!r}: "
            "ask for shorter bars, or for trades, and resample them"
        )
    return int(found[1]), {"min": "Minute", "h": "Hour", "D": "Day"}[found[2]]


def _library_timeframe(name: str) -> Any:
    frames, (count, unit) = data_library("timeframe"), check_timeframe(name)
    return frames.TimeFrame(count, frames.TimeFrameUnit[unit])


def is_crypto_pair(symbol: str) -> bool:
    """Whether a symbol is a pair, such as BTC/USD."""
    return "/" in symbol


def _instant(ns: int) -> datetime:
    """An instant [ns UTC], cut to the microseconds that the library has."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=ns // 1_000)
