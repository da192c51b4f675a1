"""What is asked of Alpaca for one symbol, in fanfold's words and in the service's."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is asked for of one symbol.

    Attributes:
        request: As it was asked.
        symbol: Whose.
        first: Earliest stamp that is wanted [ns UTC].
        until: Latest stamp that is wanted, excluded [ns UTC].
        final: What was over at this instant is final [ns UTC].
        feed: Of stocks.
    """

    request: Request
    symbol: str
    first: int
    until: int
    final: int
    feed: str

    @classmethod
    def of(cls, request: Request, symbol: str, *, feed: str, final: int) -> "Asked":
        """One symbol of a request; what is not final is not asked for."""
        length = timeframe_ns(request.timeframe) if request.kind == "bars" else 0
        until = final - length + 1
        return cls(
            request=request,
            symbol=symbol,
            first=EARLIEST if request.start is None else request.start,
            until=until if request.end is None else min(until, request.end),
            final=final,
            feed=feed,
        )

    @property
    def is_crypto(self) -> bool:
        """Whether it is a pair."""
        return is_crypto_pair(self.symbol)

    @property
    def is_daily(self) -> bool:
        """Whether bars are whole sessions."""
        return self.request.kind == "bars" and timeframe_named(self.request.timeframe) == SESSION

    @property
    def basis(self) -> Basis:
        """What prices are adjusted for: nothing if left to choose."""
        return self.request.basis or "raw"

    @property
    def calendar(self) -> str:
        """Of the asset."""
        return ROUND_THE_CLOCK if self.is_crypto else DEFAULT_CALENDAR

    @property
    def text(self) -> str:
        """For messages."""
        length = f"{self.request.timeframe} " if self.request.kind == "bars" else ""
        return f"{length}{self.request.kind} of {self.symbol}"

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
            symbol_or_symbols=self.symbol,
            start=_instant(self.first),
            end=_instant(self.until + 998),  # the last wanted one, rounded up: it is included
            **options,
        ).to_request_fields()


def check_timeframe(name: str) -> tuple[int, str]:
    """How many of which unit bars last, as the service counts them.

    Raises:
        ConfigError: Alpaca has no such bars.
    """
    found = re.fullmatch(r"(\d+)(min|h|D)", timeframe_named(name))
    if not found:
        raise ConfigError(
            f"timeframe must be 1D, or minutes or hours from alpaca, was {name!r}: ask for shorter "
            "bars, or for trades, and resample them"
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
