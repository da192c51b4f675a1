"""A desk for tests of trading: a real book, an archive in memory, and a market set by hand.

The clock is the only truth of the day: the phase of the exchange follows from it, in New
York, without holidays. Setting a phase moves the clock on to an instant of it.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import NAMESPACE_OID, uuid5
from zoneinfo import ZoneInfo

from fanfold.venue.market.values import Asset, Hours, QuoteTick
from fanfold.venue.trading.book import Book
from fanfold.venue.trading.desk import Desk
from fanfold.venue.trading.terms import Terms
from fanfold.venue.trading.values import Account, Changes, Order, Position

NEW_YORK: Final = ZoneInfo("America/New_York")
ACCOUNT: Final = "11111111-1111-4111-8111-111111111111"
"""Id of the account that a desk begins with."""

EPOCH: Final = date(1970, 1, 1)
PHASES: Final = {"pre": (8, 0), "regular": (10, 30), "after": (17, 0), "closed": (22, 0)}
"""An instant of each phase, in New York."""

QUOTES: Final = {
    "AAPL": (99.99, 100.01),
    "MSFT": (399.98, 400.02),
    "HTB": (9.99, 10.01),
    "NOFRAC": (19.99, 20.01),
    "BTC/USD": (49_990.0, 50_010.0),
    "ETH/USD": (2_999.0, 3_001.0),
}
"""Bid and ask that a desk begins with; the last trade is between them."""


def ns(year: int, month: int, day: int, *clock: int) -> int:
    """An instant that is written as in New York [ns UTC]; hour, minute and second are 0 if left."""
    local = datetime(year, month, day, *clock, tzinfo=NEW_YORK)
    return int(local.timestamp()) * 1_000_000_000


def share_of(symbol: str, **what: Any) -> Asset:
    """A share at XNYS."""
    return Asset(
        id=str(uuid5(NAMESPACE_OID, symbol)),
        symbol=symbol,
        asset_class="us_equity",
        exchange="NASDAQ",
        name=f"{symbol} Inc.",
        calendar="XNYS",
        **what,
    )


def coin(symbol: str) -> Asset:
    """A coin that trades round the clock."""
    return Asset(
        id=str(uuid5(NAMESPACE_OID, symbol)),
        symbol=symbol,
        asset_class="crypto",
        exchange="CRYPTO",
        name=symbol,
        calendar="24/7",
        marginable=False,
        shortable=False,
        easy_to_borrow=False,
    )


ASSETS: Final = (
    share_of("AAPL"),
    share_of("MSFT"),
    share_of("HTB", easy_to_borrow=False),
    share_of("NOFRAC", fractionable=False),
    coin("BTC/USD"),
    coin("ETH/USD"),
)


class HandMarket:
    """A market in which only that happens which a test sets.

    Attributes:
        now: The clock [ns UTC]; set it to anything.
    """

    def __init__(self, now: int, assets: tuple[Asset, ...] = ASSETS) -> None:
        self.now = now
        self._assets = {one.symbol: one for one in assets}
        self._quotes: dict[str, QuoteTick] = {}
        self._last: dict[str, float] = {}
        self._closes: dict[str, float] = {}
        self._halted: set[str] = set()

    # What tests set

    def set_asset(self, asset: Asset) -> None:
        """Add an asset, or have another value of it."""
        self._assets[asset.symbol] = asset

    def set_quote(self, symbol: str, bid: float, ask: float, size: float = 10_000.0) -> QuoteTick:
        """Have a quote at the clock's instant."""
        quote = QuoteTick(self.now, symbol, bid, size, ask, size)
        self._quotes[symbol] = quote
        return quote

    def forget_quote(self, symbol: str) -> None:
        """Have no quote."""
        self._quotes.pop(symbol, None)

    def set_last(self, symbol: str, price: float | None) -> None:
        """Have a price of the latest trade, or none."""
        if price is None:
            self._last.pop(symbol, None)
        else:
            self._last[symbol] = price

    def set_previous_close(self, symbol: str, price: float | None) -> None:
        """Have a close of the session before, or none."""
        if price is None:
            self._closes.pop(symbol, None)
        else:
            self._closes[symbol] = price

    def halt(self, symbol: str, *, on: bool = True) -> None:
        """Halt or resume trading."""
        (self._halted.add if on else self._halted.discard)(symbol)

    @property
    def phase(self) -> str:
        """Phase of XNYS at the clock's instant."""
        return self.hours("XNYS").phase

    @phase.setter
    def phase(self, phase: str) -> None:
        if phase == self.phase:
            return
        local = datetime.fromtimestamp(self.now / 1e9, NEW_YORK)
        hour, minute = PHASES[phase]
        wanted = local.replace(hour=hour, minute=minute, second=0, microsecond=0)
        while wanted <= local or (phase != "closed" and wanted.weekday() >= 5):
            wanted += timedelta(days=1)
        self.now = int(wanted.timestamp()) * 1_000_000_000

    # What trading asks

    @property
    def assets(self) -> tuple[Asset, ...]:
        return tuple(self._assets.values())

    def asset(self, named: str) -> Asset | None:
        for one in self._assets.values():
            if named in {one.symbol, one.id, one.symbol.replace("/", "")}:
                return one
        return None

    def quote(self, symbol: str) -> QuoteTick | None:
        return self._quotes.get(symbol)

    def last(self, symbol: str) -> float | None:
        return self._last.get(symbol)

    def previous_close(self, symbol: str) -> float | None:
        return self._closes.get(symbol)

    def is_halted(self, symbol: str) -> bool:
        return symbol in self._halted

    def hours(self, calendar: str) -> Hours:
        return _coin_hours(self.now) if calendar == "24/7" else _share_hours(self.now)


class MemoryArchive:
    """All orders that a book has given away."""

    def __init__(self) -> None:
        self.orders: dict[str, Order] = {}
        self.changes: list[Changes] = []

    def keep(self, changes: Changes) -> None:
        """Keep what a book gave away."""
        self.changes.append(changes)
        self.orders.update({order.id: order for order in changes.orders})

    def order(self, order_id: str) -> Order | None:
        return self.orders.get(order_id)

    def order_by_client_id(self, account: str, client_order_id: str) -> Order | None:
        for order in self.orders.values():
            if (order.account, order.client_order_id) == (account, client_order_id):
                return order
        return None


class KeptBook(Book):
    """A book whose archive gets all that is taken, as the journal does at the venue."""

    def __init__(self, archive: MemoryArchive) -> None:
        super().__init__(archive)
        self.archive = archive

    def take(self) -> Changes:
        changes = super().take()
        self.archive.keep(changes)
        return changes


def make_desk(
    *,
    quotes: Mapping[str, tuple[float, float]] | None = None,
    cash: Decimal | str | int = 100_000,
    phase: str = "",
    now: int | None = None,
    positions: Mapping[str, tuple[object, object]] | None = None,
    terms: Terms | None = None,
    **account: Any,
) -> Desk:
    """A desk with one account, `ACCOUNT`, on Tuesday 2026-06-09.

    Args:
        quotes: Bid and ask by symbol, instead of the usual ones; the last trade and the
            close before are in the middle.
        cash: Of the account [currency].
        phase: "pre", "regular" (unless said otherwise), "after" or "closed".
        now: The clock, instead of an instant of the phase [ns UTC].
        positions: Units and their cost by symbol, held since the session's start.
        terms: Of the venue.
        account: Further fields of the account; `last_equity` is its cash unless given.

    Raises:
        ValueError: Clock and phase are both given and disagree.
    """
    market = HandMarket(ns(2026, 6, 9, *PHASES[phase or "regular"]) if now is None else now)
    if phase and market.phase != phase:
        raise ValueError(f"the clock must be in phase {phase}, was in {market.phase}")
    for symbol, (bid, ask) in {**QUOTES, **(quotes or {})}.items():
        market.set_quote(symbol, bid, ask)
        market.set_last(symbol, round((bid + ask) / 2, 4))
        market.set_previous_close(symbol, round((bid + ask) / 2, 4))
    book = KeptBook(MemoryArchive())
    fields = {"last_equity": Decimal(cash), "created_at": market.now, **account}
    book.put_account(Account(id=ACCOUNT, number="PA1", cash=Decimal(cash), **fields))
    for symbol, (qty, cost) in (positions or {}).items():
        units = Decimal(str(qty))
        book.put_position(
            Position(
                account=ACCOUNT,
                symbol=symbol,
                qty=units,
                cost=Decimal(str(cost)),
                intraday_qty=units,
            )
        )
    book.take()
    return Desk(book=book, market=market, terms=terms or Terms())


def _share_hours(now: int) -> Hours:
    local = datetime.fromtimestamp(now // 1_000_000_000, NEW_YORK)
    day, clock = local.date(), (local.hour, local.minute)
    is_session = day.weekday() < 5
    phase = "closed"
    if is_session and (4, 0) <= clock < (20, 0):
        phase = "pre" if clock < (9, 30) else "regular" if clock < (16, 0) else "after"
    session = day if is_session and clock < (20, 0) else _next_session(day)
    opens = [_at(session, 9, 30), _at(_next_session(session), 9, 30)]
    closes = [_at(session, 16, 0), _at(_next_session(session), 16, 0)]
    return Hours(
        phase=phase,
        session_day=(session - EPOCH).days,
        open=opens[0],
        close=closes[0],
        next_open=next(ts for ts in opens if ts > now),
        next_close=next(ts for ts in closes if ts > now),
    )


def _coin_hours(now: int) -> Hours:
    day = datetime.fromtimestamp(now // 1_000_000_000, UTC).date()
    start = (day - EPOCH).days * 86_400_000_000_000
    end = start + 86_400_000_000_000
    return Hours(
        phase="regular",
        session_day=(day - EPOCH).days,
        open=start,
        close=end,
        next_open=end,
        next_close=end,
    )


def _next_session(day: date) -> date:
    day += timedelta(days=1)
    while day.weekday() >= 5:
        day += timedelta(days=1)
    return day


def _at(day: date, hour: int, minute: int) -> int:
    return ns(day.year, day.month, day.day, hour, minute)
