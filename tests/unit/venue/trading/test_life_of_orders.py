"""Random lives of orders: whatever is done to them, the rules of the table and of groups hold."""

from decimal import Decimal
from itertools import pairwise
from typing import Any

from hypothesis import given as drawn
from hypothesis import strategies as st
from tests.fakes.venue_orders import (
    DELAY_NS,
    Delays,
    an_order,
    desk_with,
    enter,
    fill,
    group_of,
    killed_and_begun_again,
    let_pass,
    successor_to,
)

from fanfold.alpaca.wire.refusals import Refusal
from fanfold.venue.trading.desk import Desk
from fanfold.venue.trading.life import acting, changing, ending
from fanfold.venue.trading.states import (
    EVENT_STATUSES,
    LATE_FILLS,
    PENDING_CHANGES,
    SUBMIT,
    awaits,
    may,
    works,
)
from fanfold.venue.trading.values import CLOSED_STATUSES, OPEN_STATUSES, Order

DEAD = CLOSED_STATUSES - {"filled"}
CLASSES = ("simple", "bracket", "oco", "oto")
SWITCHES = ("acceptance", "cancel", "replace", "cancel_fails", "fills_late")

WHICH = st.integers(0, 7)
STEPS = st.one_of(
    st.tuples(st.just("fill"), WHICH, st.integers(1, 10)),
    st.tuples(st.just("cancel"), WHICH),
    st.tuples(st.just("replace"), WHICH, st.integers(1, 14)),
    st.tuples(st.just("act"), WHICH, st.sampled_from(sorted(OPEN_STATUSES | CLOSED_STATUSES))),
    st.tuples(st.just("end"), WHICH, st.sampled_from(("expired", "canceled", "rejected"))),
    st.tuples(st.just("pass"), st.sampled_from((0, DELAY_NS // 2, DELAY_NS))),
    st.tuples(st.just("switch"), st.sampled_from(SWITCHES)),
    st.tuples(st.just("enter"), st.sampled_from(CLASSES)),
    st.tuples(st.just("kill")),
)


class Life:
    """Orders of a desk and all that was told of them."""

    def __init__(self, order_class: str) -> None:
        self.delays = Delays()
        self.desk: Desk = desk_with(self.delays)
        self.groups: list[list[str]] = []
        self.history: dict[str, list[tuple[str, Order]]] = {}
        self.enter(order_class)

    def do(self, step: tuple[Any, ...]) -> None:
        name, *args = step
        if name in {"fill", "cancel", "replace", "act", "end"}:
            orders = list(self.desk.book.all_open_orders())
            if orders:
                getattr(self, name)(orders[args[0] % len(orders)], *args[1:])
        elif name == "pass":
            for order in let_pass(self.desk, args[0]):
                self.late(order)
        elif name == "switch":
            setattr(self.delays, args[0], not getattr(self.delays, args[0]))
        elif name == "kill":
            self.note()
            self.desk = killed_and_begun_again(self.desk)
        else:
            self.enter(args[0])
        self.note()

    def enter(self, order_class: str) -> None:
        simple = [an_order(self.desk, resting_since=0)]
        orders = simple if order_class == "simple" else group_of(self.desk, order_class)
        self.groups.append([one.id for one in enter(self.desk, orders)])
        self.note()

    def fill(self, order: Order, units: int) -> None:
        if works(order):
            fill(self.desk, order, min(units, int(order.open_qty)))

    def cancel(self, order: Order) -> None:
        answer = changing.cancel(self.desk, order)
        if isinstance(answer, Order):
            self.late(answer)

    def late(self, order: Order) -> None:
        if changing.fills_late(self.desk, order):
            fill(self.desk, order, max(1, int(order.open_qty) // 2))

    def replace(self, order: Order, units: int) -> None:
        qty = order.qty if order.parent or order.legs else max(Decimal(units), order.filled_qty + 1)
        successor = successor_to(self.desk, order, qty=qty, limit_price=Decimal(99))
        taken = changing.replace(self.desk, order, successor)
        for group in self.groups:
            if order.id in group and not isinstance(taken, Refusal):
                group.append(taken.id)

    def act(self, order: Order, event: str) -> None:
        acting.act(self.desk, order, event)

    def end(self, order: Order, status: str) -> None:
        if status != "rejected" or may(order.status, status, order.before):
            ending.end(self.desk, order, status)

    def note(self) -> None:
        for event in self.desk.book.take().events:
            self.history.setdefault(event.order.id, []).append((event.name, event.order))

    def order(self, name: str) -> Order:
        found = self.desk.book.order(name)
        assert found is not None
        return found


def check_table(life: Life) -> None:
    """Every order went the ways of the table, and its last news are what the book has."""
    for told in life.history.values():
        assert may(SUBMIT, told[0][1].status)
        for (_, old), (name, new) in pairwise(told):
            expected = EVENT_STATUSES[name]
            assert expected in {None, new.status}
            if expected is not None or old.status != new.status:
                late = old.status == "canceled" and new.status in LATE_FILLS
                assert late or may(old.status, new.status, old.before), (name, old, new)
        last, kept = told[-1][1], life.order(told[-1][1].id)
        assert (last.status, last.qty, last.filled_qty) == (
            kept.status,
            kept.qty,
            kept.filled_qty,
        )


def check_pending(life: Life) -> None:
    """What is pending is whole, and nothing else is."""
    for order in life.desk.book.all_open_orders():
        if order.status in PENDING_CHANGES:
            assert order.before
            assert order.due_at is not None
        elif order.status != "pending_new":
            assert order.due_at is None
        if awaits(order):
            assert life.order(order.replaces or "").status == "pending_replace"


def check_groups(life: Life) -> None:
    """No leg outlives its parent, and the exits of a group sell no more than they may."""
    for name in life.history:
        order = life.order(name)
        assert order.is_open or order.reserved == 0
        if order.parent and order.is_open:
            assert life.order(order.parent).status not in DEAD
    for group in life.groups:
        orders = [life.order(name) for name in group]
        exits = [one for one in orders if one.side == "sell"]
        bought = sum(one.filled_qty for one in orders if one.side == "buy")
        is_oco = orders[0].order_class == "oco"
        sold = sum(one.filled_qty for one in exits)
        assert sold <= (10 if is_oco else bought)
        assert len([one for one in exits if one.status == "filled"]) <= 1


@drawn(st.sampled_from(CLASSES), st.lists(STEPS, max_size=25))
def test_the_table_and_the_groups_hold_whatever_is_done(
    order_class: str, steps: list[tuple[Any, ...]]
) -> None:
    life = Life(order_class)
    for step in steps:
        life.do(step)
        check_table(life)
        check_pending(life)
        check_groups(life)
    let_pass(life.desk, 2 * DELAY_NS)
    assert changing.next_due(life.desk) is None
