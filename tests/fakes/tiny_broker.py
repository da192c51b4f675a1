"""A broker of one asset in a hundred lines, exact and strict: whatever breaks a rule asserts.

It answers and tells in the broker's own messages; who plays with it decides which of them
arrive, how often, and in which order.
"""

from dataclasses import dataclass, field
from decimal import Decimal

from fanfold.alpaca.wire.instants import instant_text
from fanfold.alpaca.wire.numbers import decimal_text
from fanfold.alpaca.wire.orders import OrderMessage, TradeUpdateMessage

OVER = ("filled", "canceled", "expired", "replaced", "rejected")


@dataclass
class Ticket:
    """An order as the broker has it."""

    name: str
    side: int
    lots: int
    type: str
    limit: str | None
    stop: str | None
    role: str
    order_class: str = ""
    status: str = "pending_new"
    before: str = ""
    filled: int = 0
    money: int = 0
    family: str = ""
    legs: list[str] = field(default_factory=list)
    successor: str = ""
    replaces: str = ""
    updated_at: int = 0

    @property
    def is_open(self) -> bool:
        return self.status not in OVER

    @property
    def left(self) -> int:
        return self.lots - self.filled if self.is_open else 0

    @property
    def closes(self) -> bool:
        return self.role != "entry"


class TinyBroker:
    """Orders, a position, and all that was ever told."""

    def __init__(self, parts: int) -> None:
        self.parts, self.position, self.clock = parts, 0, 0
        self.tickets: dict[str, Ticket] = {}
        self.told: list[TradeUpdateMessage] = []
        self.executions = 0

    def open(self) -> list[Ticket]:
        return [ticket for ticket in self.tickets.values() if ticket.is_open]

    def submit(self, ticket: Ticket, loss: str | None = None, target: str | None = None) -> None:
        """Take an order with its legs."""
        assert ticket.name not in self.tickets, "a name is used once"
        assert ticket.lots > 0
        self._check(ticket)
        ticket.family = ticket.family or ticket.name
        self.tickets[ticket.name] = ticket
        side = ticket.side if ticket.order_class == "oco" else -ticket.side
        legs = {"stop": loss, "target": None if ticket.order_class == "oco" else target}
        for role, price in legs.items():
            if ticket.order_class and price is not None:
                leg = Ticket(
                    name=f"leg-{ticket.name}-{role}", side=side, lots=ticket.lots,
                    type="stop" if role == "stop" else "limit",
                    limit=None if role == "stop" else price,
                    stop=price if role == "stop" else None,
                    role=role, order_class=ticket.order_class, status="held",
                    family=ticket.family,
                )  # fmt: skip
                self.tickets[leg.name] = leg
                ticket.legs.append(leg.name)
        for one in (ticket, *(self.tickets[name] for name in ticket.legs)):
            self._tell(one, one.status)

    def _check(self, ticket: Ticket) -> None:
        others = [one for one in self.open() if one.side != ticket.side]
        if ticket.order_class != "oco":
            simple = [one for one in others if not (one.closes and one.order_class)]
            limits = ("limit", "stop_limit")
            for one in simple:
                is_apart = one.type in limits and ticket.type in limits
                assert is_apart, f"a wash trade: {ticket} meets {one}"
        if not ticket.closes:
            assert self.position * ticket.side >= 0, "an opening never crosses zero"
            return
        assert self.position * ticket.side < 0, "an exit must have something to close"
        free = abs(self.position) - self._reserved()
        assert ticket.lots <= free, f"more than is held: {ticket.lots} of {free}"

    def _reserved(self, without: str = "") -> int:
        """Lots that open exits hold: a family for the same ones, a successor's among them."""
        families: dict[str, int] = {}
        for one in self.open():
            if one.closes and one.status != "held" and one.family != without:
                families[one.family] = max(families.get(one.family, 0), one.left)
        return sum(families.values())

    def accept(self, ticket: Ticket) -> None:
        if ticket.status == "pending_new" and not ticket.replaces:
            self._begin(ticket)

    def _begin(self, ticket: Ticket) -> None:
        self._tell(ticket, "new", status="new")
        if ticket.order_class == "oco":
            self._wake(ticket)

    def _wake(self, ticket: Ticket) -> None:
        for one in self.open():
            if one.family == ticket.family and one.status == "held":
                self._tell(one, "new", status="new")

    def fill(self, ticket: Ticket, lots: int, price: int) -> None:
        """Fill a part at a price [micro-units]."""
        lots = min(lots, ticket.left)
        if lots <= 0 or ticket.status in {"pending_new", "held"}:
            return
        before = ticket.status if ticket.status in {"pending_cancel", "pending_replace"} else ""
        self.position += ticket.side * lots
        assert not ticket.closes or self.position * ticket.side <= 0, "an exit crossed zero"
        ticket.filled += lots
        ticket.money += lots * price
        self.executions += 1
        is_full = ticket.filled == ticket.lots
        self._tell(
            ticket, "fill" if is_full else "partial_fill",
            status="filled" if is_full else "partially_filled", lots=lots, price=price,
        )  # fmt: skip
        if before and ticket.is_open:
            ticket.before = ticket.status
            self._tell(ticket, before, status=before)
        elif before:
            self._end_successor(ticket)
        self._family_after(ticket)

    def _family_after(self, ticket: Ticket) -> None:
        others = [o for o in self.open() if o.family == ticket.family and o is not ticket]
        if not ticket.closes:
            if ticket.status == "filled":
                self._wake(ticket)
            return
        for other in others:
            if ticket.status == "filled":
                self._finish(other, "canceled")
            elif other.left > ticket.left:
                if other.status == "pending_replace":
                    self.settle(other, does_it=False)
                other.lots = other.filled + ticket.left
                self._tell(other, "restated")

    def cancel(self, ticket: Ticket) -> bool:
        """Ask to cancel: pending first where the order works."""
        if not ticket.is_open or ticket.status in {"pending_cancel", "pending_replace"}:
            return False
        if ticket.status == "held":
            self._end_family(ticket, "canceled")
        else:
            ticket.before = ticket.status
            self._tell(ticket, "pending_cancel", status="pending_cancel")
        return True

    def settle(self, ticket: Ticket, *, does_it: bool) -> None:
        """Let what is pending of an order happen, or come to nothing."""
        if ticket.status == "pending_cancel" and does_it:
            self._end_family(ticket, "canceled")
        elif ticket.status == "pending_cancel":
            self._tell(ticket, "order_cancel_rejected", status=ticket.before)
        elif ticket.status == "pending_replace":
            successor = self.tickets[ticket.successor]
            if does_it and successor.lots > ticket.filled and successor.is_open:
                self._tell(ticket, "replaced", status="replaced")
                successor.lots -= ticket.filled
                self._begin(successor)
            else:
                self._end_successor(ticket)
                self._tell(ticket, "order_replace_rejected", status=ticket.before)

    def replace(self, name: str, ticket: Ticket) -> bool:
        """Ask to put another order in its place."""
        old = self.tickets[name]
        if old.status not in {"new", "partially_filled"}:
            return False
        if old.order_class and ticket.lots != old.lots:
            raise AssertionError("the quantity of a group cannot be replaced")
        assert ticket.lots % self.parts == 0 or ticket.lots == old.lots, "only whole units"
        if ticket.lots <= old.filled:
            return False
        if old.closes:
            grows = ticket.lots - old.lots
            taken = self._reserved(without=old.family)
            assert old.left + grows + taken <= abs(self.position), "more than is held"
        ticket.family, ticket.replaces, ticket.legs = old.family, old.name, old.legs
        self.tickets[ticket.name] = ticket
        old.before, old.successor = old.status, ticket.name
        self._tell(old, "pending_replace", status="pending_replace")
        self._tell(ticket, "pending_new")
        return True

    def expire(self, ticket: Ticket) -> None:
        if ticket.is_open:
            self._end_family(ticket, "expired")

    def reject(self, ticket: Ticket) -> None:
        if ticket.status == "pending_new" and not ticket.replaces:
            self._end_family(ticket, "rejected")

    def _end_family(self, ticket: Ticket, status: str) -> None:
        self._finish(ticket, status)
        for other in self.open():
            if other.family == ticket.family:
                self._finish(other, "expired" if status == "expired" else "canceled")

    def _finish(self, ticket: Ticket, status: str) -> None:
        if not ticket.is_open:
            return
        if ticket.status == "pending_replace":
            self._end_successor(ticket)
        self._tell(ticket, status, status=status)

    def _end_successor(self, ticket: Ticket) -> None:
        if ticket.successor and self.tickets[ticket.successor].status == "pending_new":
            self._tell(self.tickets[ticket.successor], "rejected", status="rejected")
        ticket.successor = ""

    def snapshot(self, ticket: Ticket) -> OrderMessage:
        """The order as REST has it."""
        qty, at = Decimal(ticket.lots) / self.parts, instant_text(ticket.updated_at)
        mean = Decimal(ticket.money) / ticket.filled / 1_000_000 if ticket.filled else None
        return OrderMessage(
            id=f"b-{ticket.name}", client_order_id=ticket.name, created_at=at, updated_at=at,
            submitted_at=at, qty=decimal_text(qty), status=ticket.status,
            filled_qty=decimal_text(Decimal(ticket.filled) / self.parts),
            filled_avg_price=None if mean is None else decimal_text(round(mean, 9)),
            order_class=ticket.order_class, type=ticket.type,
            side="buy" if ticket.side > 0 else "sell", time_in_force="gtc",
            limit_price=ticket.limit, stop_price=ticket.stop, extended_hours=False,
            legs=tuple(self.snapshot(self.tickets[name]) for name in ticket.legs) or None,
            replaces=ticket.replaces or None,
        )  # fmt: skip

    def _tell(
        self, ticket: Ticket, event: str, *, status: str = "", lots: int = 0, price: int = 0
    ) -> None:
        self.clock += 1
        ticket.updated_at, ticket.status = self.clock, status or ticket.status
        self.told.append(
            TradeUpdateMessage(
                event=event, order=self.snapshot(ticket), timestamp=instant_text(self.clock),
                execution_id=f"x-{self.executions}" if lots else None,
                qty=decimal_text(Decimal(lots) / self.parts) if lots else None,
                price=decimal_text(Decimal(price) / 1_000_000) if lots else None,
            )
        )  # fmt: skip
