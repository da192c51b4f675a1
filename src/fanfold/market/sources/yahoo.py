"""Bars from Yahoo, through yfinance.

Yahoo's prices are adjusted for splits, and so are its dividends; it has no raw ones. Its
own prices adjusted for dividends come along as `adj_close`. yfinance puts the rows in
order of time, keeps one of those that share an instant, and takes an unknown volume for
0, so faults of these kinds do not come through. Rows without any price, with which Yahoo
marks holidays and minutes without a trade, are no bars and are left out.
"""

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from fanfold.alpaca import checked_address
from fanfold.domain.place import home
from fanfold.domain.prices import check_basis
from fanfold.domain.sessions import DAY_NS, MINUTE_NS
from fanfold.domain.timeframe import SECOND_NS, SESSION, WEEK, timeframe_named
from fanfold.errors import ConfigError, DataError
from fanfold.market.quality.finding import instant_text
from fanfold.market.sources.pacing import Patience, TokenBucket, bucket_of
from fanfold.market.sources.source import Delivery, Request
from fanfold.market.sources.yahoo_rows import Chart, action_table, bar_table
from fanfold.market.sources.yahoo_wire import NothingError, yahoo_wire

URL_VARIABLE: Final = "YAHOO_BASE_URL"
"""Overrides where the service is, so that a local server can stand in."""

REQUESTS_PER_SECOND: Final = 1.0
"""Yahoo names no limit; at this pace it seldom refuses [1/s]."""

BURST: Final = 10.0
"""Requests at once after a pause."""

TIMEOUT_S: Final = 30.0
"""How long to wait for an answer [s]."""

_FIRST: Final = -2_208_988_800 * SECOND_NS
"""1900-01-01, before Yahoo's first bar [ns UTC]."""

_MARGIN_NS: Final = MINUTE_NS
"""How much less than its reach is asked for where no start is named: asking takes time."""


@dataclass(frozen=True, slots=True)
class _Interval:
    """Yahoo's bars of one length.

    Attributes:
        name: What yfinance calls it.
        reach_days: How far back they go [days]; None for all of history.
        window_days: How much of them comes in one answer [days]; None for all.
    """

    name: str
    reach_days: int | None = None
    window_days: int | None = None


INTERVALS: Final = {
    "1min": _Interval("1m", 30, 7),
    "5min": _Interval("5m", 60),
    "15min": _Interval("15m", 60),
    "30min": _Interval("30m", 60),
    "1h": _Interval("60m", 730),
    SESSION: _Interval("1d"),
    WEEK: _Interval("1wk"),
}
"""The timeframes that Yahoo has."""


@dataclass(slots=True, kw_only=True, eq=False)
class YahooSource:
    """Bars of whatever Yahoo has: shares, funds, indices, crypto.

    Symbols are Yahoo's, such as "BRK-B", "VOD.L", "^GSPC"; "BTC/USD" is its "BTC-USD".

    Attributes:
        name: What reports and the store call it.
        feed: It has one feed only.
        url: Where to send every request; None for `YAHOO_BASE_URL`, else Yahoo.
        bucket: Lets requests through; None for one bucket a process.
        patience: How long to go on asking.
        timeout_s: How long to wait for an answer [s].
        clock: What time it is [ns UTC].
    """

    name: str = field(default="yahoo", init=False)
    feed: str = field(default="", init=False)
    url: str | None = None
    bucket: TokenBucket | None = None
    patience: Patience = field(default_factory=Patience)
    timeout_s: float = TIMEOUT_S
    clock: Callable[[], int] = field(default=time.time_ns, repr=False)

    def check(self, request: Request) -> None:
        """Refuse what Yahoo cannot deliver, see the port `Source`."""
        if request.kind != "bars":
            raise ConfigError(f"kind must be bars from yahoo, was {request.kind!r}")
        if not request.symbols:
            raise ConfigError("symbols must be named for yahoo, it lists none; none were")
        for symbol in request.symbols:
            _check_symbol(symbol)
        check_basis(request.basis)
        if request.basis in _OTHER_BASES:
            reason = _OTHER_BASES[request.basis]
            raise ConfigError(f"basis must be split from yahoo, was {request.basis!r}: {reason}")
        self._url()
        timeframe = timeframe_named(request.timeframe)
        interval = INTERVALS.get(timeframe)
        if interval is None:
            raise ConfigError(
                f"timeframe must be one of {', '.join(INTERVALS)} from yahoo, was {timeframe!r}"
            )
        earliest = _earliest(interval, self.clock())
        if request.start is not None and request.start < earliest:
            raise ConfigError(
                f"start must be within the last {interval.reach_days} days for {timeframe} bars "
                f"from yahoo, was {instant_text(request.start)}; its 1D bars have no such limit"
            )

    def fetch(self, request: Request) -> Iterator[Delivery]:
        """Deliver each symbol's bars, see the port `Source`."""
        self.check(request)
        timeframe = timeframe_named(request.timeframe)
        for symbol in request.symbols or ():
            now = self.clock()
            chart = self._chart(symbol, timeframe, request, now)
            if chart is None:
                continue
            table = bar_table(chart, now)
            if table.num_rows > 0:
                yield Delivery(
                    symbol=symbol,
                    kind="bars",
                    table=table,
                    timeframe=timeframe,
                    stamp="session" if timeframe == SESSION else "start",
                    basis="split",
                    calendar=chart.calendar,
                    actions=action_table(chart),
                )

    def _chart(self, symbol: str, timeframe: str, request: Request, now: int) -> Chart | None:
        """All of a symbol's bars; None if there are none."""
        interval = INTERVALS[timeframe]
        period = _period(request, interval, now)
        with yahoo_wire(
            url=self._url(),
            bucket=self.bucket or plan_bucket(),
            patience=self.patience,
            timeout_s=self.timeout_s,
            asked=f"{timeframe} bars of {symbol}",
        ) as (ticker_of, wire):
            ticker = ticker_of(symbol.replace("/", "-"))
            frames: list[Any] = []
            for window in _windows(period, interval, timeframe):
                try:
                    frames.append(_history(ticker, interval, window))
                except NothingError:
                    continue
                except _LIBRARY_ERRORS as error:
                    raise DataError(
                        f"yahoo must answer with a chart that yfinance can read when asked for "
                        f"{wire.asked}: {type(error).__name__}: {error}"
                    ) from error
            return Chart(frames, wire.meta, wire.events, timeframe, period) if frames else None

    def _url(self) -> str | None:
        url = self.url or os.environ.get(URL_VARIABLE, "").strip() or None
        return None if url is None else checked_address(url, URL_VARIABLE)


_OTHER_BASES: Final = {
    "raw": "it has no raw prices",
    "total_return": "the store computes it from prices and dividends",
}

_LIBRARY_ERRORS: Final = (LookupError, ValueError, TypeError, AttributeError, ArithmeticError)
"""What yfinance raises where an answer is not as it expects."""


def _history(ticker: Any, interval: _Interval, window: tuple[int, int]) -> Any:
    from peewee import PeeweeException  # yfinance's cache of time zones
    from yfinance.exceptions import YFException

    start, end = window[0] // SECOND_NS, -(-window[1] // SECOND_NS)
    try:
        return ticker.history(
            # 0 would be taken for none.
            start=start or -1,
            end=end or -1,
            interval=interval.name,
            auto_adjust=False,
            actions=True,
            keepna=True,
            prepost=False,
        )
    except YFException as error:
        raise DataError(
            f"yahoo must answer with a chart of {ticker.ticker}, yfinance says: {error}"
        ) from error
    except PeeweeException as error:
        raise DataError(f"{home() / 'yfinance'} must hold yfinance's cache: {error}") from error


@lru_cache(maxsize=4)
def plan_bucket(processes: int = 1) -> TokenBucket:
    """One bucket for all sources of a process, which is one of several that share the pace."""
    return bucket_of(REQUESTS_PER_SECOND * 60, BURST, processes)


def _earliest(interval: _Interval, now: int) -> int:
    return _FIRST if interval.reach_days is None else now - interval.reach_days * DAY_NS


def _period(request: Request, interval: _Interval, now: int) -> tuple[int, int]:
    start = request.start
    if start is None:
        start = _earliest(interval, now) + _MARGIN_NS
    return max(_FIRST, start), now if request.end is None else min(now, request.end)


def _windows(
    period: tuple[int, int], interval: _Interval, timeframe: str
) -> Iterator[tuple[int, int]]:
    """Periods to ask for one by one [ns UTC], so that every bar of the period is in one."""
    if period[0] >= period[1]:
        return
    start, end = period[0] // SECOND_NS * SECOND_NS, period[1]
    if timeframe in (SESSION, WEEK):
        # Midnights at the exchange lie up to a day around those of UTC; Yahoo's weeks are
        # cut at the period's edges.
        margin = DAY_NS if timeframe == SESSION else 8 * DAY_NS
        start, end = start - margin, end + margin
    length = (end - start) if interval.window_days is None else interval.window_days * DAY_NS
    for low in range(start, end, length):
        yield low, min(end, low + length)


def _check_symbol(symbol: str) -> None:
    if not symbol or not symbol.isprintable() or any(sign in symbol for sign in " ?#%\\"):
        raise ConfigError(f"symbols must be Yahoo's, such as AAPL or BTC-USD, was {symbol!r}")
