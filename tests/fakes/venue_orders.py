"""Orders for tests of their life: built by hand, entered and filled by the venue's own rules."""

from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace as with_fields
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, Final

from msgspec.structs import replace
from tests.fakes.venue_desk import ACCOUNT, KeptBook, MemoryArchive, make_desk

from fanfold.alpaca.wire.refusals import Refusal
from fanfold.venue.trading import filling
from fanfold.venue.trading.desk import Desk
from fanfold.venue.trading.life import acting, changing, lifecycle
from fanfold.venue.trading.terms import Mischief, Terms
from fanfold.venue.trading.values import Event, Order

PRICE_MICRO: Final = 100_000_000
"""What everything is filled at."""

DELAY_NS: Final = 1_000_000_000
"""How long something is pending that is made to be."""


@dataclass
class Delays:
    """What is pending, and what goes wrong, as a test sets it while it goes on."""

    acceptance: bool = False
    cancel: bool = False
    replace: bool = False
    cancel_fails: bool = False
    fills_late: bool = False

    @property
    def terms(self) -> Terms:
        """Terms that ask these at the time."""
        return Terms(
            mischief=Mischief(
                acceptance_ns=lambda _: DELAY_NS * self.acceptance,
                cancel_ns=lambda _: DELAY_NS * self.cancel,
                replace_ns=lambda _: DELAY_NS * self.replace,
                cancel_fails=lambda _: self.cancel_fails,
                fills_late=lambda _: self.fills_late,
            )
        )


def desk_with(delays: Delays | None = None) -> Desk:
    """A desk whose mischief is as a test sets it."""
    return make_desk(terms=(delays or Delays()).terms)


def an_order(desk: Desk, **fields: Any) -> Order:
    """A limit buy of ten shares, not in the book yet."""
    name = desk.book.new_id()
    usual: dict[str, Any] = {
        "id": name,
        "client_order_id": f"mine {name}",
        "account": ACCOUNT,
        "symbol": "AAPL",
        "asset_class": "us_equity",
        "side": "buy",
        "kind": "limit",
        "time_in_force": "day",
        "position_intent": "buy_to_open",
        "qty": Decimal(10),
        "limit_price": Decimal(100),
        "reserved": Decimal(1000),
        "created_at": desk.now,
        "updated_at": desk.now,
        "submitted_at": desk.now,
    }
    return Order(**(usual | fields))


def an_exit(desk: Desk, role: str, **fields: Any) -> Order:
    """A sale of ten shares: a target, or a stop."""
    usual: dict[str, Any] = {
        "side": "sell",
        "position_intent": "sell_to_close",
        "role": role,
        "reserved": Decimal(0),
        "kind": "stop" if role == "stop_loss" else "limit",
        "limit_price": None if role == "stop_loss" else Decimal(110),
        "stop_price": Decimal(90) if role == "stop_loss" else None,
    }
    return an_order(desk, **(usual | fields))


def group_of(desk: Desk, order_class: str) -> tuple[Order, ...]:
    """A parent and its legs as intake admits them: "bracket", "oco", "oto"."""
    roles = ("stop_loss",) if order_class in {"oco", "oto"} else ("take_profit", "stop_loss")
    legs = [an_exit(desk, role, order_class=order_class, status="held") for role in roles]
    make = an_exit if order_class == "oco" else an_order
    args = ("",) if order_class == "oco" else ()
    names = tuple(leg.id for leg in legs)
    parent = make(desk, *args, order_class=order_class, legs=names)
    return parent, *(replace(leg, parent=parent.id) for leg in legs)


def enter(desk: Desk, orders: Sequence[Order]) -> list[Order]:
    """Enter orders: as they are then."""
    lifecycle.enter(desk, orders)
    return [now(desk, order) for order in orders]


def now(desk: Desk, order: Order) -> Order:
    """An order as it is now."""
    found = desk.book.order(order.id)
    assert found is not None
    return found


def statuses(desk: Desk, orders: Sequence[Order]) -> list[str]:
    """Statuses as they are now."""
    return [now(desk, order).status for order in orders]


def fill(desk: Desk, order: Order, qty: int) -> Order:
    """Fill a part of an order."""
    return filling.fill(desk, now(desk, order), Decimal(qty), PRICE_MICRO)


def successor_to(desk: Desk, order: Order, **fields: Any) -> Order:
    """What intake makes of a request to replace an order."""
    name = desk.book.new_id()
    usual: dict[str, Any] = {"id": name, "client_order_id": f"mine {name}", "status": "pending_new"}
    return replace(now(desk, order), replaces=order.id, **(usual | fields))


def let_pass(desk: Desk, ns: int = DELAY_NS) -> tuple[Order, ...]:
    """Let time pass, and do what is due."""
    desk.market.now += ns  # type: ignore[misc]
    return changing.on_clock(desk, desk.now)


def killed_and_begun_again(desk: Desk) -> Desk:
    """The desk after its process was killed: only what the archive was given is left."""
    orders = tuple(desk.book.all_open_orders())
    changes = desk.book.take()
    archive: MemoryArchive = desk.book.archive  # type: ignore[attr-defined]
    book = KeptBook(archive)
    book.restore(
        SimpleNamespace(
            seq=changes.seq,
            ts=changes.ts,
            accounts=desk.book.accounts,
            positions=desk.book.positions(ACCOUNT),
            orders=orders,
        )
    )
    return with_fields(desk, book=book)


def told(desk: Desk) -> list[Event]:
    """Events since the last time."""
    return list(desk.book.take().events)


def names(desk: Desk, *orders: Order) -> list[str]:
    """Events since the last time, of these orders, each with the order's place among them."""
    place = {order.id: number for number, order in enumerate(orders)}
    return [f"{one.name} {place[one.order.id]}" for one in told(desk) if one.order.id in place]


def given(result: Order | Refusal) -> Order:
    """What was not refused."""
    assert isinstance(result, Order), result
    return result


def brought_to(desk: Desk, delays: Delays, status: str) -> Order:
    """An order in a status, by the venue's own ways; what is pending stays so."""
    if status == "held":
        return enter(desk, group_of(desk, "bracket"))[1]
    if status in {"accepted", "accepted_for_bidding", "pending_review"}:
        order = enter(desk, [an_order(desk, status="accepted")])[0]
        return order if status == "accepted" else given(acting.act(desk, order, status))
    delays.acceptance = status == "pending_new"
    order = enter(desk, [an_order(desk)])[0]
    delays.acceptance = False
    if status in {"new", "pending_new"}:
        return order
    return _gone_on(desk, delays, order, status)


def _gone_on(desk: Desk, delays: Delays, order: Order, status: str) -> Order:
    if status == "pending_cancel":
        delays.cancel = True
        return given(changing.cancel(desk, order))
    if status == "pending_replace":
        delays.replace = True
        changing.replace(desk, order, successor_to(desk, order, limit_price=Decimal(101)))
        return now(desk, order)
    if status == "replaced":
        changing.replace(desk, order, successor_to(desk, order, limit_price=Decimal(101)))
        return now(desk, order)
    if status in {"filled", "partially_filled"}:
        return fill(desk, order, 10 if status == "filled" else 4)
    if status == "calculated":
        order = given(acting.act(desk, order, "done_for_day"))
    return given(acting.act(desk, order, status))
