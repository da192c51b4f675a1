"""Orders and positions in memory, the same as in the journal: written there first.

Planning must not wait for a query, so what is open and what belongs to the last approvals
is kept here too. Whatever changes is told to signal and risk, each execution once.
"""

import time
from collections.abc import Iterator, Mapping
from typing import Final

from fanfold.live.component import Outgoing
from fanfold.live.execution.journal import Journal
from fanfold.live.execution.records import Change, Execution, Order
from fanfold.live.execution.states import State, is_in_flight, is_terminal
from fanfold.live.messages import RISK, SIGNAL, ApprovedOrder, Fill, OrderChange, Value
from fanfold.live.trace import Trail

KEPT_MAX: Final = 5_000
"""Orders that are over and still kept for late messages; older ones are in the journal."""

TOLD: Final = (SIGNAL, RISK)
"""Who is told what becomes of orders."""


def to_all(value: Value) -> list[Outgoing]:
    """A value for everybody who is told of orders."""
    return [(receiver, value) for receiver in TOLD]


class Book:
    """The deployment's orders and what it holds.

    Args:
        journal: Written before anything is believed.
        asset_count: Of the plan.
    """

    def __init__(self, journal: Journal, asset_count: int) -> None:
        self.journal = journal
        held = journal.held()
        self.held = [held.get(asset, 0) for asset in range(asset_count)]
        self.approvals = journal.approvals()
        self._unwritten: dict[int, ApprovedOrder] = {}
        self.dirty: set[int] = set()
        self.counts: dict[str, int] = {}
        self.trail = Trail(journal.tag)
        self._orders: dict[str, Order] = {}
        self._by_broker_id: dict[str, str] = {}
        self._of_asset: list[dict[str, Order]] = [{} for _ in range(asset_count)]
        self._open: dict[str, Order] = {}
        self._since: dict[str, float] = {}
        for order in journal.open_orders():
            self._keep(order)
        for approved in self.approvals.values():
            for order in journal.orders_for(approved):
                self._keep(order)

    def approve(self, approved: ApprovedOrder) -> None:
        """Keep an approval: it is written with the order that it leads to, in one go."""
        self._unwritten[approved.asset] = approved
        self.approvals[approved.asset] = approved
        kept = self._of_asset[approved.asset]
        for name in [n for n, o in kept.items() if self._is_done_with(o)]:
            del kept[name]

    def write_approvals(self) -> None:
        """Write down approvals that have led to no order, and enter orders that have left.

        Raises:
            LiveError: They could not be written.
        """
        self.journal.enter()
        while self._unwritten:
            self.journal.approved(next(iter(self._unwritten.values())))
            del self._unwritten[next(iter(self._unwritten))]

    def orders_for(self, approved: ApprovedOrder) -> list[Order]:
        """What the planner needs: as `Journal.orders_for`."""
        return list(self._of_asset[approved.asset].values())

    def of_asset(self, asset: int) -> list[Order]:
        """Orders of an asset that are not over, and those of its last approval."""
        return list(self._of_asset[asset].values())

    def intend(self, order: Order, now: int) -> None:
        """Write down an order before it is sent; who is told of it can be told after.

        Raises:
            LiveError: It could not be written: send nothing.
        """
        self.journal.put(order, now, self._unwritten.get(order.asset))
        self._unwritten.pop(order.asset, None)
        self._keep(order)
        self.count(f"orders.{order.state}")

    def commit(self, change: Change, now: int, event: str = "") -> list[Outgoing]:
        """Write down what has happened to an order, and say what is to be told.

        Raises:
            LiveError: It could not be written: nothing is believed of it.
        """
        if change.refused:
            self.count(f"impossible.{change.refused}")
        if change.unknown:
            self.count("unknown_words")
        order, before = change.order, self.find(change.order.client_order_id)
        if order == before and not change.executions:
            return []
        self.write_approvals()
        new = self.journal.note(order, now, event, change.executions)
        self._keep(order)
        self.dirty.add(order.asset)
        told: list[Outgoing] = []
        for execution in new:
            told += self._book(execution)
            self.note("filled", order, lots=execution.lots, execution=execution.execution_id)
        if before is None or _shown(before) != _shown(order):
            told += to_all(change_of(order, now))
        if before is None or before.state != order.state:
            self.count(f"orders.{order.state}")
            self.note(f"order {order.state}", order)
        return told

    def adjust(self, execution: Execution, now: int) -> bool:
        """Book units that no order brought: a split, a fee in coins, a position taken over.

        Raises:
            LiveError: It could not be written.
        """
        if not self.journal.execution(execution, now):
            return False
        self.held[execution.asset] += execution.lots
        self.dirty.add(execution.asset)
        return True

    def split(
        self,
        execution: Execution | None,
        approved: ApprovedOrder | None,
        keeps: Mapping[str, str],
        now: int,
    ) -> None:
        """Book what a split has made of units and of the asset's approval: all or nothing.

        Raises:
            LiveError: It could not be written.
        """
        self.write_approvals()
        self.journal.split(execution, approved, keeps, now)
        if execution is not None:
            self.held[execution.asset] += execution.lots
            self.dirty.add(execution.asset)
        if approved is not None:
            self.approvals[approved.asset] = approved
            self.dirty.add(approved.asset)

    def find(self, client_order_id: str) -> Order | None:
        """An order by its name, also one that was over long ago."""
        return self._orders.get(client_order_id) or self.journal.order(client_order_id)

    def find_broker_id(self, broker_id: str) -> Order | None:
        """An order by the broker's name for it."""
        name = self._by_broker_id.get(broker_id)
        return None if name is None else self.find(name)

    def open_orders(self) -> list[Order]:
        """All that are not over."""
        return list(self._open.values())

    def in_flight(self, older_s: float) -> Iterator[Order]:
        """Orders of which an answer is outstanding for so long [s]."""
        before = time.monotonic() - older_s
        for name, order in list(self._open.items()):
            if is_in_flight(order.state) and self._since.get(name, 0.0) <= before:
                yield order

    @property
    def has_business(self) -> bool:
        """Whether anything is held or open."""
        return any(self.held) or bool(self._open)

    def note(self, step: str, order: Order, **facts: int | str) -> None:
        """Note a step of an order's trace."""
        self.trail.note(
            step, order.asset, order.event_ts,
            order=order.client_order_id, number=order.number, role=order.role, **facts,
        )  # fmt: skip

    def count(self, name: str, count: int = 1) -> None:
        """Count something."""
        self.counts[name] = self.counts.get(name, 0) + count

    def _book(self, execution: Execution) -> list[Outgoing]:
        self.held[execution.asset] += execution.lots
        if not execution.lots:
            return []
        self.count("fills")
        return to_all(
            Fill(
                execution.execution_id, execution.client_order_id, execution.asset,
                execution.role, execution.ts, execution.lots, execution.price, 0,
                self.held[execution.asset],
            )
        )  # fmt: skip

    def _keep(self, order: Order) -> None:
        name, before = order.client_order_id, self._orders.get(order.client_order_id)
        if before is None or before.state != order.state:
            self._since[name] = time.monotonic()
        self._orders[name] = order
        if order.broker_id:
            self._by_broker_id[order.broker_id] = name
        if is_terminal(order.state):
            self._open.pop(name, None)
        else:
            self._open[name] = order
        of_asset = self._of_asset[order.asset]
        if self._is_done_with(order):
            of_asset.pop(name, None)
        else:
            of_asset[name] = order
        if len(self._orders) > 2 * KEPT_MAX:
            self._forget_old()

    def _is_done_with(self, order: Order) -> bool:
        approved = self.approvals.get(order.asset)
        current = approved is not None and order.number == approved.number
        return is_terminal(order.state) and not current

    def _forget_old(self) -> None:
        over = [name for name, order in self._orders.items() if self._is_done_with(order)]
        for name in over[: max(len(over) - KEPT_MAX, 0)]:
            order = self._orders.pop(name)
            self._by_broker_id.pop(order.broker_id, None)
            self._since.pop(name, None)


def change_of(order: Order, now: int) -> OrderChange:
    """An order as signal and risk are told of it."""
    return OrderChange(
        order.client_order_id, order.number, order.asset, order.role, order.state,
        order.signed_left, order.limit, order.stop, now, order.reason,
    )  # fmt: skip


def denied(approved: ApprovedOrder, reason: str, now: int) -> OrderChange:
    """An approval that is not acted on, as signal and risk are told of it."""
    return OrderChange(
        "", approved.number, approved.asset, "", State.DENIED, 0, approved.limit, approved.stop,
        now, reason,
    )  # fmt: skip


def _shown(order: Order) -> tuple[str, int, str, str, str]:
    # Prices as text, so that NaN equals itself.
    return order.state, order.signed_left, str(order.limit), str(order.stop), order.reason
