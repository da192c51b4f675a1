"""Alpaca's history: bars, trades and quotes of US stocks and of crypto.

Pages are asked for one by one through the broker's own client. Its methods that collect
all pages hold them as dictionaries until the last is there, some GB for years of minutes,
and lose all of them when one fails; here each page is an Arrow table before the next is
asked for, and is asked for again alone.
"""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final

import numpy as np

from fanfold.alpaca import (
    HOW_TO_SET,
    Credentials,
    Service,
    actions_table,
    credentials_found,
    data_library,
    data_url,
    rows_table,
)
from fanfold.domain.names import nearest_hint
from fanfold.domain.prices import check_basis
from fanfold.domain.sessions import DAY_NS, session_closes, session_days
from fanfold.domain.timeframe import SECOND_NS, timeframe_named
from fanfold.errors import ConfigError, DataError
from fanfold.market.columns import arrow
from fanfold.market.sources.alpaca_asked import (
    Asked,
    batches,
    check_timeframe,
    is_crypto_pair,
    several,
)
from fanfold.market.sources.alpaca_wire import Wire, readable, unpacked
from fanfold.market.sources.pacing import Patience, TokenBucket, bucket_of, requests_per_minute
from fanfold.market.sources.source import Delivery, Request

FEEDS: Final = ("iex", "sip", "delayed_sip", "otc", "boats", "overnight")
"""Feeds of stocks: one exchange, free; all exchanges; and what trades elsewhere."""

REQUESTS_VARIABLE: Final = "ALPACA_REQUESTS_PER_MINUTE"
"""Tells of a plan that allows more requests than the free one."""

REQUESTS_PER_MINUTE: Final = 200.0
"""What the free plan allows [1/min]."""

_BURST: Final = 10.0
"""Requests at once after a pause."""

_KINDS: Final = ("bars", "trades", "quotes")
_PAGE_ROWS_MAX: Final = 10_000

_SETTLED_S: Final = 60.0
"""How long after its end a bar may still change: late prints come within half a minute."""

_SIP_DELAY_S: Final = 16 * 60.0
"""All exchanges' data that the free plan has are a quarter of an hour old."""

_CLOSES_WITHIN_NS: Final = 2 * DAY_NS
"""A session closes within this time of the midnight that stamps it [ns]."""

_ACTION_TYPES: Final = ("forward_split", "reverse_split", "stock_dividend", "cash_dividend")
_ACTIONS_PAGE_ROWS: Final = 1_000
_PROCESSED_EARLIER: Final = timedelta(days=30)
_PROCESSED_LATER: Final = timedelta(days=180)
"""Actions are found by the day they are processed, a dividend's long after its ex-date."""


def plan_bucket(processes: int = 1) -> TokenBucket:
    """Keeps the plan's limit, or one process's share of it.

    Args:
        processes: How many share it.

    Raises:
        ConfigError: The environment's limit is no number.
    """
    return bucket_of(requests_per_minute(REQUESTS_VARIABLE, REQUESTS_PER_MINUTE), _BURST, processes)


@dataclass(slots=True, kw_only=True, eq=False)
class AlpacaSource:
    """Reads Alpaca's history; a symbol with a slash, such as BTC/USD, is crypto.

    A ticker means what it means today: of a company that was renamed, the rows under its
    old ticker come along, as the service joins them.

    Attributes:
        feed: Of stocks, one of `FEEDS`.
        credentials: The account's keys; None to read the environment's when they are
            needed, so that a source can be sent to another machine without any.
        url: "live", "sandbox" or an address; None for the environment's, else live.
        bucket: Keeps the plan's limit.
        patience: How failures are waited out.
        timeout_s: Longest silence of the server [s].
        delay_s: How long after its end a row is taken for final [s]; None for a minute,
            16 minutes for data of all exchanges.
        clock: What time it is [ns UTC].
    """

    feed: str = "iex"
    credentials: Credentials | None = None
    url: str | None = None
    bucket: TokenBucket = field(default_factory=plan_bucket)
    patience: Patience = field(default_factory=Patience)
    timeout_s: float = 30.0
    delay_s: float | None = None
    clock: Callable[[], int] = field(default=time.time_ns, repr=False)
    name: str = field(default="alpaca", init=False)
    _known: set[str] = field(default_factory=set[str], init=False, repr=False)

    def __post_init__(self) -> None:
        if self.feed not in FEEDS:
            hint = nearest_hint(str(self.feed), FEEDS)
            raise ConfigError(f"feed must be one of {', '.join(FEEDS)}, was {self.feed!r}{hint}")

    def check(self, request: Request) -> None:
        """Refuse what cannot be delivered, see the port `Source`."""
        if request.kind not in _KINDS:
            raise ConfigError(
                f"kind must be one of {', '.join(_KINDS)} from alpaca (splits and dividends come "
                f"along with daily bars), was {request.kind!r}"
            )
        check_basis(request.basis)
        symbols = _checked_symbols(request)
        if request.kind == "bars":
            check_timeframe(request.timeframe)
        if request.basis not in (None, "raw"):
            pairs = filter(is_crypto_pair, symbols)
            unadjusted = symbols[0] if request.kind != "bars" else next(pairs, "")
            if unadjusted:
                raise ConfigError(
                    f"basis must be raw for {request.kind} of {unadjusted} from alpaca, "
                    f"was {request.basis!r}"
                )
        data_url(self.url)
        keys = self.credentials or credentials_found()
        if keys is None and not all(map(is_crypto_pair, symbols)):
            raise ConfigError(f"alpaca's keys must be there for stocks: {HOW_TO_SET}")

    def fetch(self, request: Request) -> Iterator[Delivery]:
        """Deliver what was asked for, see the port `Source`."""
        self.check(request)
        keys = self.credentials or credentials_found()
        wire = Wire(
            credentials=keys,
            url=data_url(self.url),
            feed=self.feed,
            bucket=self.bucket,
            patience=self.patience,
            timeout_s=self.timeout_s,
        )
        with closing(wire):
            for symbols in batches(request):
                final = self._final(symbols[0])
                yield from self._deliveries(
                    wire, Asked.of(request, symbols, feed=self.feed, final=final)
                )

    def _deliveries(self, wire: Wire, asked: Asked) -> Iterator[Delivery]:
        """Deliver what was asked for in one go; unknown symbols are refused after the others."""
        if asked.until <= asked.first:
            return
        came = _rows(wire, asked)
        self._known.update(came)
        silent = tuple(one for one in asked.symbols if one not in self._known)
        unknown = _unknown(wire, asked, silent) if silent else ()
        self._known.update(set(silent) - set(unknown))
        tables = {symbol: _final(table, asked) for symbol, table in came.items()}
        wanted = tuple(one for one in asked.symbols if one in tables and tables[one].num_rows)
        takes_actions = asked.is_daily and asked.basis == "raw" and not asked.is_crypto
        actions = _actions(wire, asked, wanted) if takes_actions and wanted else {}
        for symbol in wanted:
            yield Delivery(
                symbol=symbol,
                kind=asked.request.kind,
                table=tables.pop(symbol),
                timeframe=timeframe_named(asked.request.timeframe),
                stamp="session" if asked.is_daily else "start",
                basis=asked.basis,
                calendar=asked.calendar,
                actions=actions.get(symbol),
            )
        if unknown:
            raise DataError(
                f"symbol must be one that alpaca knows on feed {asked.feed}, there is no trade of "
                f"{', '.join(map(repr, unknown))}"
            )

    def _final(self, symbol: str) -> int:
        """What was over at this instant is final [ns UTC]."""
        delay_s = self.delay_s
        if delay_s is None:
            is_late = self.feed == "sip" and not is_crypto_pair(symbol)
            delay_s = _SIP_DELAY_S if is_late else _SETTLED_S
        return self.clock() - int(delay_s * SECOND_NS)


def _rows(wire: Wire, asked: Asked) -> dict[str, Any]:
    """All rows that came, as one table a symbol."""
    kind = asked.request.kind
    service: Service = "crypto" if asked.is_crypto else "stocks"
    path = f"/crypto/us/{kind}" if asked.is_crypto else f"/stocks/{kind}"
    params = {**asked.params(), "limit": _PAGE_ROWS_MAX}
    tables: dict[str, list[Any]] = {}
    for held in wire.pages(service, path, params, kind, asked.text):
        with readable(asked.text):
            for symbol in asked.symbols:
                if rows := held.get(symbol):
                    tables.setdefault(symbol, []).append(rows_table(kind, rows))
    return {symbol: arrow().concat_tables(parts) for symbol, parts in tables.items()}


def _final(table: Any, asked: Asked) -> Any:
    """Rows within the period, without bars that are not over."""
    pa = arrow()
    ts = np.asarray(table.column("ts").cast(pa.int64()))
    keep = (ts >= asked.first) & (ts < asked.until)
    if asked.is_daily:
        late = np.flatnonzero(ts > asked.final - _CLOSES_WITHIN_NS)
        if len(late):
            # A midnight belongs to the day that ended, the moment after it to the next.
            closes = session_closes(session_days(ts[late] + 1, asked.calendar), asked.calendar)
            keep[late[closes > asked.final]] = False
    return table if keep.all() else table.filter(pa.array(keep))


def _unknown(wire: Wire, asked: Asked, symbols: tuple[str, ...]) -> tuple[str, ...]:
    """Those symbols that have no latest trade: there are none such, or none on the feed."""
    params: dict[str, Any] = {"symbols": ",".join(symbols)}
    service: Service = "crypto" if asked.is_crypto else "stocks"
    path = "/crypto/us/latest/trades" if asked.is_crypto else "/stocks/trades/latest"
    if service == "stocks" and asked.feed not in ("sip", "delayed_sip"):
        params["feed"] = asked.feed  # left out, it is the best one that the plan includes
    label = f"the latest trade of {several(symbols)}"
    held, _ = unpacked(wire.ask(service, path, params, label), "trades", label)
    return tuple(one for one in symbols if not held.get(one))


def _actions(wire: Wire, asked: Asked, symbols: tuple[str, ...]) -> dict[str, Any]:
    """Splits and dividends of the period by symbol, those announced for later left out."""
    requests = data_library("requests")
    today = int(session_days(np.array([asked.final]), asked.calendar)[0])
    first = _date(asked.first // DAY_NS)
    until = _date(min(-(-asked.until // DAY_NS), today + 1))
    fields = requests.CorporateActionsRequest(
        start=first - _PROCESSED_EARLIER, end=until + _PROCESSED_LATER, limit=_ACTIONS_PAGE_ROWS
    ).to_request_fields()
    params = {**fields, "symbols": ",".join(symbols), "types": ",".join(_ACTION_TYPES)}
    label = f"splits and dividends of {several(symbols)}"
    gathered: dict[str, list[Any]] = {}
    for held in wire.pages("actions", "/corporate-actions", params, "corporate_actions", label):
        with readable(label):
            for kind, rows in held.items():
                gathered.setdefault(kind, []).extend(rows or ())
    with readable(label):
        return {
            one: actions_table(gathered, first=first, until=until, symbol=one) for one in symbols
        }


def _checked_symbols(request: Request) -> tuple[str, ...]:
    if not request.symbols:
        raise ConfigError("symbols must name what alpaca shall deliver, there were none")
    for symbol in request.symbols:
        if not re.fullmatch(r"[A-Za-z0-9./\-]{1,32}", symbol):
            raise ConfigError(f"symbol must be letters, digits, '.', '/' or '-', was {symbol!r}")
    return request.symbols


def _date(day: int) -> date:
    """A date [days since 1970-01-01]."""
    return date(1970, 1, 1) + timedelta(days=day)
