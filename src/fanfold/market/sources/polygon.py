"""Market data from Polygon (now called Massive), through its official client.

Bars are of all trades that a bar may count, those before the opening and after the close
included. Prices are raw unless asked for adjusted for splits; splits and dividends come
along with bars of shares.
"""

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

import numpy as np

from fanfold.alpaca import SECRETS_FILE_VARIABLE, Secret, checked_address, find_secret
from fanfold.domain.calendars import DEFAULT_CALENDAR
from fanfold.domain.prices import check_basis
from fanfold.domain.sessions import ROUND_THE_CLOCK
from fanfold.domain.timeframe import SESSION, timeframe_named
from fanfold.errors import ConfigError, DataError
from fanfold.market.sources.pacing import Patience, TokenBucket, bucket_of, requests_per_minute
from fanfold.market.sources.polygon_rows import (
    BAR_COLUMNS,
    QUOTE_COLUMNS,
    TRADE_COLUMNS,
    action_table,
    finished_bars,
    row_table,
)
from fanfold.market.sources.polygon_wire import PolygonWire, polygon_client
from fanfold.market.sources.source import Delivery, Request

KEY_VARIABLES: Final = ("POLYGON_API_KEY", "MASSIVE_API_KEY")
"""Where the key is looked for: in the environment, else in the file of secrets."""

URL_VARIABLE: Final = "POLYGON_BASE_URL"
"""Overrides where the service is, so that a local server can stand in."""

REQUESTS_VARIABLE: Final = "POLYGON_REQUESTS_PER_MINUTE"
"""Overrides the limit of the plan [1/min]."""

REQUESTS_PER_MINUTE: Final = 5.0
"""The limit of the plan that costs nothing [1/min]; the others have none."""

TIMEOUT_S: Final = 30.0
"""How long to wait for a connection, and for each part of an answer [s]."""

PAGE_ROWS: Final = 50_000
"""Rows on a page of bars, trades or quotes: as many as Polygon gives."""

_ACTIONS_PAGE_ROWS: Final = 1_000
"""Rows on a page of splits or dividends: as many as Polygon gives."""

_FIRST_DAY: Final = "2003-01-01"
"""Before the first day of Polygon's records."""

_SPANS: Final = {"s": "second", "min": "minute", "h": "hour", "D": "day", "W": "week"}
_CRYPTO: Final = "X:"
_OTHER_MARKETS: Final = {"C:": "currencies", "I:": "indices", "O:": "options"}
_KINDS: Final = ("bars", "trades", "quotes")


@dataclass(slots=True, kw_only=True, eq=False)
class PolygonSource:
    """Bars, trades and quotes of US shares, bars and trades of crypto.

    Crypto is named as Polygon does, "X:BTCUSD", or "BTC/USD".

    Attributes:
        name: What reports and the store call it.
        feed: It has one feed only.
        url: Where the service is; None for `POLYGON_BASE_URL`, else where the client says.
        bucket: Lets requests through; None for the plan's limit, one bucket a process.
        patience: How long to go on asking.
        timeout_s: How long to wait for a connection, and for each part of an answer [s].
        clock: What time it is [ns UTC].
    """

    name: str = field(default="polygon", init=False)
    feed: str = field(default="", init=False)
    url: str | None = None
    bucket: TokenBucket | None = None
    patience: Patience = field(default_factory=Patience)
    timeout_s: float = TIMEOUT_S
    clock: Callable[[], int] = field(default=time.time_ns, repr=False)

    def check(self, request: Request) -> None:
        """Refuse what Polygon cannot deliver, and a missing key."""
        if request.kind not in _KINDS:
            raise ConfigError(
                f"kind must be one of {', '.join(_KINDS)} from polygon, was {request.kind!r}"
            )
        if not request.symbols:
            raise ConfigError("symbols must be named for polygon, it lists too many; none were")
        if request.kind == "bars":
            timeframe_named(request.timeframe)
        _check_basis(request)
        for symbol in request.symbols:
            _check_symbol(symbol, request.kind)
        self._url()
        _key()
        if self.bucket is None:
            plan_bucket()

    def fetch(self, request: Request) -> Iterator[Delivery]:
        """Deliver each symbol's rows, see `Source`."""
        self.check(request)
        bucket = self.bucket or plan_bucket()
        start, end = _period(request, self.clock())
        with polygon_client(
            url=self._url(),
            key=_key(),
            bucket=bucket,
            patience=self.patience,
            timeout_s=self.timeout_s,
        ) as (client, wire):
            for symbol in request.symbols or ():
                asking = _Asking(client, wire, symbol, request, start, end)
                delivery = asking.bars(self.clock()) if request.kind == "bars" else asking.ticks()
                if delivery.table.num_rows > 0:
                    yield delivery
                elif end > start:
                    asking.require_known()

    def _url(self) -> str | None:
        url = self.url or os.environ.get(URL_VARIABLE, "").strip() or None
        return None if url is None else checked_address(url, URL_VARIABLE)


@dataclass(frozen=True, slots=True, eq=False)
class _Asking:
    """One symbol's requests.

    Attributes:
        client: The official client.
        wire: What it sends through.
        symbol: As it was asked for.
        request: What was asked.
        start: Earliest instant, included [ns UTC].
        end: Latest instant, excluded [ns UTC], at most now.
    """

    client: Any
    wire: PolygonWire
    symbol: str
    request: Request
    start: int
    end: int

    @property
    def ticker(self) -> str:
        """As Polygon spells it."""
        return _ticker(self.symbol)

    @property
    def calendar(self) -> str:
        """Of the asset."""
        return ROUND_THE_CLOCK if _is_crypto(self.symbol) else DEFAULT_CALENDAR

    def bars(self, now: int) -> Delivery:
        """Bars that are over, with the splits and dividends since the period's start."""
        timeframe = timeframe_named(self.request.timeframe)
        basis = self.request.basis or "raw"
        self.wire.asked = f"{timeframe} bars of {self.symbol}"
        rows: Iterator[Any] = iter(())
        if self.end > self.start:
            rows = self.client.list_aggs(
                self.ticker,
                *_span(timeframe),
                from_=self.start // 1_000_000,
                to=(self.end - 1) // 1_000_000,
                adjusted=basis == "split",
                sort="asc",
                limit=PAGE_ROWS,
            )
        table = row_table(rows, BAR_COLUMNS, self.wire.asked)
        table = finished_bars(
            table,
            timeframe=timeframe,
            calendar=self.calendar,
            period=(self.start, self.end),
            now=now,
        )
        return Delivery(
            symbol=self.symbol,
            kind="bars",
            table=table,
            timeframe=timeframe,
            stamp="session" if timeframe == SESSION else "start",
            basis=basis,
            calendar=self.calendar,
            actions=self._actions(basis) if table.num_rows > 0 else None,
        )

    def ticks(self) -> Delivery:
        """Trades or quotes."""
        kind = self.request.kind
        self.wire.asked = f"{kind} of {self.symbol}"
        lists: dict[str, tuple[Any, Any]] = {
            "trades": (self.client.list_trades, TRADE_COLUMNS),
            "quotes": (self.client.list_quotes, QUOTE_COLUMNS),
        }
        ask, columns = lists[kind]
        rows: Iterator[Any] = iter(())
        if self.end > self.start:
            rows = ask(
                self.ticker,
                timestamp_gte=self.start,
                timestamp_lt=self.end,
                sort="timestamp",
                order="asc",
                limit=PAGE_ROWS,
            )
        table = row_table(rows, columns, self.wire.asked)
        return Delivery(symbol=self.symbol, kind=kind, table=table, calendar=self.calendar)

    def require_known(self) -> None:
        """Refuse a ticker that has never been listed: Polygon answers with no rows for it.

        Raises:
            DataError: Polygon has no such ticker.
        """
        self.wire.asked = f"the ticker {self.symbol}"
        for active in (True, False):
            known = self.client.list_tickers(ticker=self.ticker, active=active, limit=1)
            if next(iter(known), None) is not None:
                return
        raise DataError(f"symbol must be a ticker that Polygon knows, was {self.symbol!r}")

    def _actions(self, basis: str) -> Any:
        if self.calendar == ROUND_THE_CLOCK:
            return None
        self.wire.asked = f"splits and dividends of {self.symbol}"
        first, last = (str(np.datetime64(ts, "ns"))[:10] for ts in (self.start, self.end - 1))
        page: dict[str, Any] = {"ticker": self.ticker, "limit": _ACTIONS_PAGE_ROWS, "order": "asc"}
        # Later splits too: prices adjusted for splits are adjusted for them.
        splits = self.client.list_splits(execution_date_gte=first, sort="execution_date", **page)
        dividends = self.client.list_dividends(
            ex_dividend_date_gte=first, ex_dividend_date_lte=last, sort="ex_dividend_date", **page
        )
        return action_table(splits, dividends, last=last, per_unit_today=basis == "split")


def _check_basis(request: Request) -> None:
    check_basis(request.basis)
    if request.basis == "total_return":
        raise ConfigError(
            "basis must be raw or split from polygon, was 'total_return': the store computes it "
            "from raw prices and dividends"
        )
    is_never_split = request.kind != "bars" or any(map(_is_crypto, request.symbols or ()))
    if request.basis == "split" and is_never_split:
        raise ConfigError("basis must be raw from polygon for trades, quotes and crypto, was split")


def _key() -> Secret:
    key = find_secret(KEY_VARIABLES)
    if key is None:
        raise ConfigError(
            f"Polygon's key must be set: {KEY_VARIABLES[0]} in the environment, or as a line "
            f"NAME=VALUE in a file that {SECRETS_FILE_VARIABLE} names"
        )
    return key


def plan_bucket(processes: int = 1) -> TokenBucket:
    """Keeps the plan's limit, which forgives no burst, or one process's share of it.

    Args:
        processes: How many share it.

    Raises:
        ConfigError: The environment's limit is no number.
    """
    return _shared_bucket(requests_per_minute(REQUESTS_VARIABLE, REQUESTS_PER_MINUTE), processes)


@lru_cache(maxsize=4)
def _shared_bucket(per_minute: float, processes: int) -> TokenBucket:
    """One bucket for all sources of a process."""
    return bucket_of(per_minute, 1.0, processes)


def _period(request: Request, now: int) -> tuple[int, int]:
    first = int(np.datetime64(_FIRST_DAY, "ns").astype(np.int64))
    start = first if request.start is None else max(first, request.start)
    # Beyond now Polygon complains of the plan.
    return start, now if request.end is None else min(now, request.end)


def _span(timeframe: str) -> tuple[int, str]:
    unit = timeframe.lstrip("0123456789")
    return int(timeframe.removesuffix(unit)), _SPANS[unit]


def _is_crypto(symbol: str) -> bool:
    return _ticker(symbol).startswith(_CRYPTO)


def _ticker(symbol: str) -> str:
    if symbol.startswith(_CRYPTO) or "/" not in symbol:
        return symbol
    return _CRYPTO + symbol.replace("/", "")


def _check_symbol(symbol: str, kind: str) -> None:
    market = _OTHER_MARKETS.get(symbol[:2])
    if market:
        raise ConfigError(f"symbols must be shares or crypto from polygon, {symbol} is of {market}")
    if not symbol or not symbol.isprintable() or any(sign in symbol for sign in " ?#%\\"):
        raise ConfigError(f"symbols must be tickers such as AAPL or X:BTCUSD, was {symbol!r}")
    if kind == "quotes" and _is_crypto(symbol):
        raise ConfigError(
            f"kind must be bars or trades of crypto from polygon, which has no quotes of it, "
            f"was 'quotes' of {symbol}"
        )
