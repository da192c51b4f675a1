"""The venue's present: accounts, positions and open orders, and what changed of them.

Every change goes through here, so that what the journal gets is all that there is. Closed
orders are not kept in memory: they are in the archive, which always knows all that this
book has given away by `take`.
"""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from hashlib import sha1
from typing import Any, Protocol
from uuid import NAMESPACE_OID, UUID, uuid5

from msgspec.structs import replace

from fanfold.venue.trading.values import (
    ZERO,
    Account,
    Booking,
    Changes,
    EquityPoint,
    Event,
    Execution,
    Order,
    Position,
)
from fanfold.venue.trading.waiting import Waiting


class Archive(Protocol):
    """Where closed orders are found again."""

    def order(self, order_id: str) -> Order | None:
        """An order by its id."""
        ...

    def order_by_client_id(self, account: str, client_order_id: str) -> Order | None:
        """An order of an account by its client's name for it."""
        ...


class Kept(Protocol):
    """What a journal keeps: numbers, accounts, positions and open orders."""

    @property
    def seq(self) -> int:
        """Last number of an event or a booking."""
        ...

    @property
    def ts(self) -> int:
        """Its instant [ns UTC]."""
        ...

    @property
    def accounts(self) -> Sequence[Account]:
        """All of them."""
        ...

    @property
    def positions(self) -> Sequence[Position]:
        """All of them, flat ones too."""
        ...

    @property
    def orders(self) -> Sequence[Order]:
        """Open ones, oldest first."""
        ...


class Book:
    """Accounts, positions and open orders.

    Attributes:
        seq: Last number that was given to an event or a booking.
        ts: Its instant [ns UTC].
        fresh: Ids of orders that have just begun to work and have met no price yet.

    Args:
        archive: Where closed orders are.
        seed: Names of orders follow from it and from their number.
    """

    def __init__(self, archive: Archive, *, seed: int = 0) -> None:
        self._archive = archive
        self._names = uuid5(NAMESPACE_OID, f"fanfold venue {seed}").bytes
        self._accounts: dict[str, Account] = {}
        self._positions: dict[str, dict[str, Position]] = {}
        self._orders: dict[str, Order] = {}  # open ones, and those closed since `take`
        self._by_client: dict[tuple[str, str], str] = {}
        self._numbers: dict[str, int] = {}  # of the same orders, from the oldest on
        self._numbered = 0
        self._listed: dict[tuple[str, ...], dict[str, None]] = {}
        self._waiting: dict[str, Waiting] = {}
        self._due: dict[str, int] = {}
        self._reserved: dict[tuple[str, str], Decimal] = {}
        self._open_count: dict[str, int] = {}
        self.seq = 0
        self.ts = 0
        self.fresh: list[str] = []
        self._named = 0
        self._events: list[Event] = []
        self._bookings: list[Booking] = []
        self._equity: list[EquityPoint] = []
        self._changed_orders: dict[str, None] = {}
        self._changed_positions: dict[tuple[str, str], None] = {}
        self._changed_accounts: dict[str, None] = {}

    def restore(self, kept: "Kept") -> None:
        """Begin where a journal ends, and forget all that came after."""
        self.take()
        for held in (self._accounts, self._positions, self._orders):
            held.clear()
        for index in (self._by_client, self._numbers, self._listed, self._waiting):
            index.clear()
        for index in (self._due, self._reserved, self._open_count):
            index.clear()
        self.fresh.clear()
        self.seq, self.ts, self._named = kept.seq, kept.ts, 0
        self._accounts.update((account.id, account) for account in kept.accounts)
        for position in kept.positions:
            self._positions.setdefault(position.account, {})[position.symbol] = position
        for order in kept.orders:
            self._place(order)

    # Reading

    @property
    def accounts(self) -> Sequence[Account]:
        """All accounts."""
        return tuple(self._accounts.values())

    def account(self, account_id: str) -> Account:
        """An account."""
        return self._accounts[account_id]

    def position(self, account_id: str, symbol: str) -> Position:
        """What an account holds of an asset; flat if nothing."""
        found = self._positions.get(account_id, {}).get(symbol)
        return found or Position(account=account_id, symbol=symbol)

    def positions(self, account_id: str) -> list[Position]:
        """Positions of an account that are not flat, by symbol."""
        held = self._positions.get(account_id, {}).values()
        return sorted((one for one in held if one.qty), key=lambda one: one.symbol)

    def order(self, order_id: str) -> Order | None:
        """An order, open or closed."""
        return self._orders.get(order_id) or self._archive.order(order_id)

    def order_by_client_id(self, account_id: str, client_order_id: str) -> Order | None:
        """An order, open or closed, by its client's name for it."""
        own = self._by_client.get((account_id, client_order_id))
        if own is not None:
            return self._orders[own]
        return self._archive.order_by_client_id(account_id, client_order_id)

    def open_orders(self, account_id: str) -> list[Order]:
        """Open orders of an account, oldest first."""
        return self._open_in("account", account_id)

    def open_count(self, account_id: str) -> int:
        """How many open orders an account has."""
        return self._open_count.get(account_id, 0)

    def reserved(self, account_id: str, asset_class: str) -> Decimal:
        """Buying power that an account's open orders of a class hold [currency]."""
        return self._reserved.get((account_id, asset_class), ZERO)

    def open_orders_of(self, symbol: str) -> list[Order]:
        """Open orders of an asset, oldest first; of all accounts."""
        return self._open_in("asset", symbol)

    def open_on_side(self, account_id: str, symbol: str, side: str) -> list[Order]:
        """Open orders of an account to buy, or to sell, an asset, oldest first."""
        return self._open_in("side", account_id, symbol, side)

    def open_closings(self, account_id: str, symbol: str) -> list[Order]:
        """Open orders that would close a position, oldest first."""
        return self._open_in("closing", account_id, symbol)

    def waiting(self, symbol: str) -> Waiting | None:
        """Orders of an asset by the prices that concern them, None for none: for every tick."""
        return self._waiting.get(symbol)

    @property
    def due(self) -> Mapping[str, int]:
        """When something pending of an open order is due, by its id [ns UTC]."""
        return self._due

    def all_open_orders(self) -> Iterator[Order]:
        """Open orders of all accounts, oldest first."""
        return (order for order in tuple(self._orders.values()) if order.is_open)

    # Changing

    def new_id(self) -> str:
        """A UUID that no other has: it follows from the seed and a number."""
        self._named += 1
        return _uuid(self._names, f"{self.seq}.{self._named}")

    def instant(self, now: int) -> int:
        """An instant for a change: the clock's, but after that of every change before."""
        self.ts = max(now, self.ts + 1)
        return self.ts

    def put_order(self, order: Order) -> Order:
        """Keep another value of an order, without telling anybody."""
        self._place(order)
        self._changed_orders[order.id] = None
        return order

    def put_position(self, position: Position) -> Position:
        """Keep another value of a position."""
        self._positions.setdefault(position.account, {})[position.symbol] = position
        self._changed_positions[position.account, position.symbol] = None
        return position

    def put_account(self, account: Account) -> Account:
        """Keep another value of an account."""
        self._accounts[account.id] = account
        self._changed_accounts[account.id] = None
        return account

    def tell(
        self,
        name: str,
        order: Order,
        now: int,
        *,
        execution: Execution | None = None,
        **changes: Any,
    ) -> Order:
        """Note what happened to an order, and keep it with these changes.

        Args:
            name: The event, as on the wire.
            order: The order before.
            now: The venue's clock [ns UTC].
            execution: Of a fill.
            changes: Fields of the order that are another value now; `updated_at` follows.
        """
        ts = self.instant(now)
        order = self.put_order(replace(order, updated_at=ts, **changes))
        self.seq += 1
        self._named = 0
        self._events.append(
            Event(
                seq=self.seq,
                ts=ts,
                account=order.account,
                name=name,
                order=order,
                execution=execution,
            )
        )
        return order

    def write(self, account_id: str, kind: str, now: int, **what: Any) -> Booking:
        """Note what moved money or units without a fill; the caller moves it."""
        self.seq += 1
        self._named = 0
        booking = Booking(seq=self.seq, ts=self.instant(now), account=account_id, kind=kind, **what)
        self._bookings.append(booking)
        return booking

    def mark(self, point: EquityPoint) -> None:
        """Note an account's equity."""
        self._equity.append(point)

    def take(self) -> Changes:
        """All that changed since the last time, for the journal; closed orders are let go."""
        changes = Changes(
            seq=self.seq,
            ts=self.ts,
            events=tuple(self._events),
            bookings=tuple(self._bookings),
            orders=tuple(self._orders[name] for name in self._changed_orders),
            positions=tuple(self._positions[a][symbol] for a, symbol in self._changed_positions),
            accounts=tuple(self._accounts[name] for name in self._changed_accounts),
            equity=tuple(self._equity),
        )
        for order in changes.orders:
            if not order.is_open:
                self._drop(order)
        for kept in (self._events, self._bookings, self._equity):
            kept.clear()
        for named in (self._changed_orders, self._changed_positions, self._changed_accounts):
            named.clear()
        return changes

    def _open_in(self, *key: str) -> list[Order]:
        names = self._listed.get(key, ())
        return [order for name in names if (order := self._orders[name]).is_open]

    def _place(self, order: Order) -> None:
        before = self._orders.get(order.id)
        if before is None:
            self._by_client[order.account, order.client_order_id] = order.id
            self._numbered += 1
            self._numbers[order.id] = self._numbered
            for key in _lists_of(order):
                self._listed.setdefault(key, {})[order.id] = None
        self._orders[order.id] = order
        self._count(before, order)
        self._file(order)
        if order.is_open and order.due_at is not None:
            self._due[order.id] = order.due_at
        elif self._due:
            self._due.pop(order.id, None)

    def _file(self, order: Order) -> None:
        """Have an order found by the prices that concern it."""
        waiting = self._waiting.get(order.symbol)
        if waiting is None:
            waiting = self._waiting[order.symbol] = Waiting()
        waiting.file(order, self._numbers[order.id])
        if not waiting:
            del self._waiting[order.symbol]

    def _count(self, before: Order | None, order: Order) -> None:
        """Keep the sums over open orders, so that nobody adds them up at each order."""
        was = before is not None and before.is_open
        if was != order.is_open:
            change = 1 if order.is_open else -1
            self._open_count[order.account] = self.open_count(order.account) + change
        held = before.reserved if before is not None and was else ZERO
        holds = order.reserved if order.is_open else ZERO
        if held != holds:
            key = order.account, order.asset_class
            self._reserved[key] = self._reserved.get(key, ZERO) - held + holds

    def _drop(self, order: Order) -> None:
        del self._orders[order.id]
        self._due.pop(order.id, None)
        del self._by_client[order.account, order.client_order_id]
        del self._numbers[order.id]
        for key in _lists_of(order):
            names = self._listed[key]
            del names[order.id]
            if not names:
                del self._listed[key]


def _lists_of(order: Order) -> list[tuple[str, ...]]:
    """Lists in which an order is found again; nothing of what they go by ever changes."""
    lists: list[tuple[str, ...]] = [
        ("account", order.account),
        ("asset", order.symbol),
        ("side", order.account, order.symbol, order.side),
    ]
    if order.position_intent.endswith("_to_close"):
        lists.append(("closing", order.account, order.symbol))
    return lists


def is_uuid(text: str) -> bool:
    """Whether a text is a UUID in its usual form."""
    try:
        return str(UUID(text)) == text.lower()
    except ValueError:
        return False


def _uuid(names: bytes, name: str) -> str:
    """As `uuid.uuid5`, which takes ten times as long for the text alone.

    Source: RFC 9562, Universally Unique Identifiers, section 5.5.
    """
    digest = bytearray(sha1(names + name.encode(), usedforsecurity=False).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x50
    digest[8] = digest[8] & 0x3F | 0x80
    text = digest.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
