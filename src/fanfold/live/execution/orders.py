"""Orders as values, and what messages make of them.

Messages come twice, late, out of order, or not at all. So nothing here counts messages:
an order keeps the largest cumulative quantity that the broker has named, and the sum of the
executions that it has seen by their ids; what is filled is the larger of the two. Whatever
the order of arrival, all that hold the same messages agree, with the broker and each other.
"""

from typing import Any, Final

from msgspec.structs import replace

from fanfold.alpaca.wire.instants import instant_of
from fanfold.alpaca.wire.orders import OrderMessage, TradeUpdateMessage
from fanfold.domain.money import share
from fanfold.live.execution.amounts import (
    amount_of,
    is_same_price,
    lots_of,
    micro_of,
    price_of,
    unit_price,
)
from fanfold.live.execution.records import Change, Execution, Order
from fanfold.live.execution.states import (
    Event,
    State,
    event_of,
    is_known,
    next_state,
    rank_of,
)


def happened(order: Order, event: Event, *, reason: str = "") -> Change:
    """What we did, or were answered without an order in the answer."""
    came = order
    if event in _UNDONE and order.state == _UNDONE[event]:
        before = event_of(order.status)
        event = before if before in _BEFORE else event
    state = next_state(order.state, event)
    if state is None:
        return Change(order, refused=event)
    if state is State.ACCEPTED and came.state in _UNDONE.values() and came.filled:
        state = State.PARTIAL
    return Change(replace(order, state=state, reason=reason or order.reason))


def apply_update(order: Order, message: OrderMessage, *, is_fresh: bool = False) -> Change:
    """What a snapshot of the order says: of REST, or within a trade update.

    Amounts only grow. State and terms are those of the newest message: by its `updated_at`,
    and of one instant the later status.

    Args:
        order: The order.
        message: What the broker says of it.
        is_fresh: Whether it was asked for after our last request about the order had been
            answered or given up. It then counts where it is as old as what is known: so a
            cancel that never arrived is seen.

    Raises:
        ValueError: A number or an instant in it is none, or the order is another.
    """
    if message.client_order_id != order.client_order_id:
        raise ValueError(f"the order must be {order.client_order_id}, was another")
    changed, executions = _grown(order, message)
    return _moved(changed, message, executions, is_fresh=is_fresh)


def apply_trade_update(order: Order, message: TradeUpdateMessage) -> Change:
    """What the stream says: its execution first, then the order in it.

    Raises:
        ValueError: See `apply_update`.
    """
    executions: tuple[Execution, ...] = ()
    if message.event in {"fill", "partial_fill"} and message.execution_id:
        cumulative = lots_of(message.order.filled_qty, order.parts)
        order, executions = _executed(
            order,
            message.execution_id,
            lots=lots_of(message.qty, order.parts),
            price=micro_of(message.price),
            ts=instant_of(message.timestamp),
            cumulative=cumulative,
            amount=amount_of(message.order.filled_avg_price, cumulative, order.parts),
        )
    found = apply_update(order, message.order)
    unknown = found.unknown or ("" if is_known(message.event) else message.event)
    return Change(found.order, executions + found.executions, found.refused, unknown)


def apply_execution(
    order: Order, execution_id: str, *, lots: int, price: int, ts: int, cumulative: int = 0
) -> Change:
    """One execution by itself, as in the account's activities.

    Where the broker has counted more before it than we have seen, the difference is booked
    first, as inferred; when its own execution comes after all it brings no lots.

    Args:
        order: The order.
        execution_id: The broker's name for it.
        lots: Of it, unsigned.
        price: Of a unit [micro-units].
        ts: When [ns UTC].
        cumulative: Lots filled after it as the broker counts, 0 where it is not said.

    Raises:
        ValueError: Lots are not positive.
    """
    # What was lost before it has no price of its own: it is booked at this one's.
    missed = max(cumulative - order.filled, 0)
    amount = order.filled_amount + share(missed, price, order.parts)
    after, executions = _executed(
        order, execution_id, lots=lots, price=price, ts=ts, cumulative=cumulative, amount=amount
    )
    if not executions:
        return Change(order)
    state = next_state(after.state, Event.LATE_FILL)
    if state is None:
        return Change(after, executions, refused=Event.LATE_FILL)
    return Change(replace(after, state=state), executions)


def legs_of(order: Order, message: OrderMessage) -> tuple[Change, ...]:
    """The legs in an answer, as orders of their own: journal those that are not known yet.

    A leg may have filled before anybody has heard of it.

    Raises:
        ValueError: See `apply_update`.
    """
    found: list[Change] = []
    for leg in message.legs or ():
        blank = Order(
            client_order_id=leg.client_order_id,
            number=order.number,
            event_ts=order.event_ts,
            asset=order.asset,
            role="stop" if leg.stop_price is not None else "target",
            revision=order.revision,
            side=order.side if order.order_class == "oco" else -order.side,
            lots=lots_of(leg.qty, order.parts),
            parts=order.parts,
            type=leg.type or "",
            time_in_force=leg.time_in_force,
            order_class=order.order_class,
            parent=order.client_order_id,
            group=order.family,
            created_at=order.created_at,
        )
        found.append(apply_update(blank, leg))
    return tuple(found)


def adopted(
    message: OrderMessage, *, asset: int, parts: int, role: str, number: int, event_ts: int
) -> Change:
    """An order of ours that the broker has and the journal has not.

    Raises:
        ValueError: See `apply_update`.
    """
    blank = Order(
        client_order_id=message.client_order_id,
        number=number,
        event_ts=event_ts,
        asset=asset,
        role=role,
        revision=0,
        side=1 if message.side == "buy" else -1,
        lots=lots_of(message.qty, parts),
        parts=parts,
        type=message.type or "",
        time_in_force=message.time_in_force,
        order_class="" if message.order_class == "simple" else message.order_class,
        created_at=instant_of(message.created_at),
        state=State.UNKNOWN,
    )
    return apply_update(blank, message)


def is_same(order: Order, message: OrderMessage, symbol: str) -> str:
    """What differs between an order and the broker's that bears its name.

    Returns:
        "symbol", "side", "quantity", "type", "limit" or "stop"; "" where nothing differs.

    Raises:
        ValueError: See `apply_update`.
    """
    told = {
        "symbol": (message.symbol or "").replace("/", "") == symbol.replace("/", ""),
        "side": message.side == ("buy" if order.side > 0 else "sell"),
        "quantity": lots_of(message.qty, order.parts) == order.lots,
        "type": message.type == order.type,
        "limit": is_same_price(price_of(message.limit_price), order.limit),
        "stop": is_same_price(price_of(message.stop_price), order.stop),
    }
    return next((name for name, agrees in told.items() if not agrees), "")


_UNDONE: Final = {
    Event.CANCEL_REJECTED: State.CANCELLING,
    Event.REPLACE_REJECTED: State.REPLACING,
}
"""What was asked for, and comes to nothing."""

_BEFORE: Final = frozenset(
    (
        Event.PENDING_NEW,
        Event.HOLD,
        Event.NEW,
        Event.PARTIAL_FILL,
        Event.SUSPENDED,
        Event.DONE_FOR_DAY,
        Event.STOPPED,
    )
)
"""States of the broker that an order goes back to then."""


def _executed(
    order: Order, execution_id: str, *, lots: int, price: int, ts: int, cumulative: int, amount: int
) -> tuple[Order, tuple[Execution, ...]]:
    """Book an execution, and before it what the broker has counted and we have not seen."""
    if lots <= 0:
        raise ValueError(f"an execution must have lots, had {lots}")
    if execution_id in order.executions:
        return order, ()
    paid = share(lots, price, order.parts)
    inferred: tuple[Execution, ...] = ()
    if cumulative - lots > order.filled:
        order, inferred = _inferred(order, cumulative - lots, amount - paid, ts)
    is_more = cumulative > order.cumulative
    after = replace(
        order,
        executed=order.executed + lots,
        executed_amount=order.executed_amount + paid,
        executions=(*order.executions, execution_id),
        cumulative=cumulative if is_more else order.cumulative,
        cumulative_amount=amount if is_more else order.cumulative_amount,
    )
    booked = Execution(
        execution_id=execution_id,
        client_order_id=order.client_order_id,
        asset=order.asset,
        role=order.role,
        ts=ts,
        lots=order.side * (after.filled - order.filled),
        price=price,
        amount=order.side * (after.filled_amount - order.filled_amount),
        told=lots,
    )
    return after, (*inferred, booked)


def _grown(order: Order, message: OrderMessage) -> tuple[Order, tuple[Execution, ...]]:
    """Book what the message's cumulative quantity says beyond what is known."""
    cumulative = lots_of(message.filled_qty, order.parts)
    if cumulative <= order.cumulative:
        return order, ()
    amount = amount_of(message.filled_avg_price, cumulative, order.parts)
    if cumulative > order.filled:
        return _inferred(order, cumulative, amount, instant_of(message.updated_at))
    # All of it is known by its executions, whose money is exact.
    return replace(order, cumulative=cumulative, cumulative_amount=amount), ()


def _inferred(
    order: Order, cumulative: int, amount: int, ts: int
) -> tuple[Order, tuple[Execution, ...]]:
    lots, paid = cumulative - order.filled, amount - order.filled_amount
    booked = Execution(
        execution_id=f"inferred:{order.client_order_id}:{cumulative}",
        client_order_id=order.client_order_id,
        asset=order.asset,
        role=order.role,
        ts=ts,
        lots=order.side * lots,
        price=unit_price(paid, lots, order.parts),
        amount=order.side * paid,
        told=0,
        is_inferred=True,
    )
    return replace(order, cumulative=cumulative, cumulative_amount=amount), (booked,)


def _moved(
    order: Order, message: OrderMessage, executions: tuple[Execution, ...], *, is_fresh: bool
) -> Change:
    updated_at = instant_of(message.updated_at)
    known, told = (order.updated_at, rank_of(order.status)), (updated_at, rank_of(message.status))
    if order.status and (told < known or (told == known and not is_fresh)):
        return Change(order, executions)
    event = event_of(message.status)
    state = next_state(order.state, event)
    unknown = "" if is_known(message.status) else message.status
    if state is None:
        return Change(order, executions, event, unknown)
    terms = _terms(order, message)
    after = replace(order, state=state, updated_at=updated_at, status=message.status, **terms)
    return Change(after, executions, "", unknown)


def _terms(order: Order, message: OrderMessage) -> dict[str, Any]:
    """What a message may change beside the state: a replacement, a split, a restatement."""
    lots = lots_of(message.qty, order.parts)
    return {
        "broker_id": message.id,
        "lots": lots or order.lots,
        "type": message.type or order.type,
        "limit": price_of(message.limit_price),
        "stop": price_of(message.stop_price),
    }
