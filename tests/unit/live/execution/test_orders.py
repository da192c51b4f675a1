from fractions import Fraction

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.fakes.tiny_broker import Ticket, TinyBroker

from fanfold.alpaca.wire.instants import instant_text
from fanfold.alpaca.wire.orders import OrderMessage, TradeUpdateMessage
from fanfold.live.execution.orders import (
    adopted,
    apply_execution,
    apply_trade_update,
    apply_update,
    happened,
    is_same,
    legs_of,
)
from fanfold.live.execution.records import Change, Execution, Order
from fanfold.live.execution.states import Event, State, event_of, next_state

BLANK = Order(
    client_order_id="a", number=1, event_ts=1, asset=0, role="entry", revision=0, side=1,
    lots=1_000, parts=10, type="limit", limit=10.0, time_in_force="gtc", state=State.SENDING,
)  # fmt: skip

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["accept", "fill", "fill", "cancel", "settle", "undo", "expire", "reject"]),
        st.integers(1, 400),
        st.integers(1_000_000, 20_000_000),
    ),
    max_size=14,
)


def lived(steps: list[tuple[str, int, int]]) -> TinyBroker:
    """A broker with one order, and what has become of it."""
    broker = TinyBroker(parts=10)
    ticket = Ticket("a", 1, 1_000, "limit", "10", None, "entry")
    broker.submit(ticket)
    for step, lots, price in steps:
        if step == "fill":
            broker.fill(ticket, lots, price)
        elif step in {"settle", "undo"}:
            broker.settle(ticket, does_it=step == "settle")
        else:
            getattr(broker, step)(ticket)
    return broker


def taken(order: Order, messages: list[object]) -> tuple[Order, list[Execution]]:
    booked: list[Execution] = []
    for message in messages:
        if isinstance(message, TradeUpdateMessage):
            change = apply_trade_update(order, message)
        else:
            assert isinstance(message, OrderMessage)
            change = apply_update(order, message)
        order = change.order
        booked += change.executions
    return order, booked


def expected_state(status: str) -> State:
    state = next_state(State.SENDING, event_of(status))
    assert state is not None
    return state


@settings(max_examples=80)
@given(steps=STEPS, data=st.data())
def test_whatever_order_messages_come_in_all_agree_with_the_broker(
    steps: list[tuple[str, int, int]], data: st.DataObject
) -> None:
    broker = lived(steps)
    ticket = broker.tickets["a"]
    kept = data.draw(st.lists(st.sampled_from(broker.told), max_size=30))  # lost and twice
    last = broker.snapshot(ticket)
    messages = data.draw(st.permutations([*kept, last]))
    order, booked = taken(BLANK, list(messages))
    assert order.filled == ticket.filled
    assert order.state is expected_state(ticket.status)
    assert order.left == (ticket.left if ticket.is_open else 0)
    assert sum(each.lots for each in booked) == order.filled
    assert sum(each.amount for each in booked) == order.filled_amount
    # A mean of nine digits and amounts of whole micro-units: half a unit each.
    exact = Fraction(ticket.money, 10)
    assert abs(order.filled_amount - exact) <= 1 + len(booked)
    names = [each.execution_id for each in booked]
    assert len(set(names)) == len(names)
    again, more = taken(order, list(messages))
    assert (again, more) == (order, [])


@settings(max_examples=40)
@given(steps=STEPS, data=st.data())
def test_with_every_execution_the_money_is_exact_in_any_order(
    steps: list[tuple[str, int, int]], data: st.DataObject
) -> None:
    broker = lived(steps)
    messages = data.draw(st.permutations(broker.told))
    order, booked = taken(BLANK, list(messages))
    straight, _ = taken(BLANK, list(broker.told))
    assert set(order.executions) == set(straight.executions)
    # As texts, since no price is not equal to itself.
    assert repr(replace(order, executions=())) == repr(replace(straight, executions=()))
    assert sum(each.amount for each in booked) == straight.filled_amount


@given(steps=STEPS)
def test_no_prefix_is_ever_ahead_of_the_broker(steps: list[tuple[str, int, int]]) -> None:
    broker = lived(steps)
    order, filled = BLANK, 0
    for message in broker.told:
        order = apply_trade_update(order, message).order
        assert order.filled >= filled
        filled = order.filled
    assert filled == broker.tickets["a"].filled


@given(
    cuts=st.lists(st.integers(1, 50), min_size=1, max_size=8),
    data=st.data(),
)
def test_activities_and_snapshots_count_each_lot_once(cuts: list[int], data: st.DataObject) -> None:
    total, activities = 0, []
    for number, lots in enumerate(cuts):
        total += lots
        activities.append((f"x{number}", lots, total))
    order, booked = replace(BLANK, lots=1_000, state=State.UNKNOWN), 0
    for name, lots, cumulative in data.draw(st.permutations(activities * 2)):
        change = apply_execution(
            order, name, lots=lots, price=2_000_000, ts=1, cumulative=cumulative
        )
        order = change.order
        booked += sum(each.lots for each in change.executions)
    assert booked == order.filled == order.executed == total
    assert order.filled_amount == total * 2_000_000 // 10
    assert order.state is State.PARTIAL


def message(status: str, at: int, filled: str = "0", **more: object) -> OrderMessage:
    text = instant_text(at)
    return msgspec.convert(
        {
            "id": "b", "client_order_id": "a", "created_at": text, "updated_at": text,
            "submitted_at": text, "time_in_force": "gtc", "status": status, "qty": "100",
            "extended_hours": False, "filled_qty": filled, "side": "buy", "type": "limit",
            "limit_price": "10", "filled_avg_price": None if filled == "0" else "2", **more,
        },
        OrderMessage,
    )  # fmt: skip


def test_a_lost_execution_is_inferred_and_not_counted_again() -> None:
    change = apply_update(BLANK, message("partially_filled", 5, "30"))
    (inferred,) = change.executions
    assert (inferred.execution_id, inferred.lots, inferred.is_inferred) == (
        "inferred:a:300",
        300,
        True,
    )
    late = apply_execution(change.order, "x", lots=300, price=2_000_001, ts=4, cumulative=300)
    (told,) = late.executions
    assert (told.lots, told.told) == (0, 300)
    assert late.order.filled == 300
    assert inferred.amount + told.amount == late.order.filled_amount == 60_000_030


def test_a_cancel_that_never_arrived_is_seen_by_a_fresh_snapshot() -> None:
    order = apply_update(BLANK, message("new", 5)).order
    order = happened(order, Event.CANCEL_SENT).order
    assert apply_update(order, message("new", 5)).order.state is State.CANCELLING
    assert apply_update(order, message("new", 5), is_fresh=True).order.state is State.ACCEPTED
    assert apply_update(order, message("new", 4), is_fresh=True).order.state is State.CANCELLING


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("held", State.HELD),
        ("accepted", State.PENDING),
        ("new", State.ACCEPTED),
        ("partially_filled", State.PARTIAL),
        ("suspended", State.SUSPENDED),
    ],
)
def test_a_refused_cancel_leads_back_to_where_the_order_was(status: str, state: State) -> None:
    order = apply_update(BLANK, message(status, 5)).order
    asked = happened(order, Event.CANCEL_SENT).order
    assert asked.state is State.CANCELLING
    assert happened(asked, Event.CANCEL_REJECTED).order.state is state


def test_what_cannot_be_is_refused_and_changes_nothing() -> None:
    order = apply_update(BLANK, message("filled", 5, "100")).order
    change = apply_update(order, message("new", 9, "100"))
    assert change == Change(order, refused="new")
    assert happened(order, Event.SENT).refused == "sent"


def test_unknown_words_are_counted_and_say_nothing() -> None:
    change = apply_update(BLANK, message("levitated", 5))
    assert (change.unknown, change.order.state) == ("levitated", State.SENDING)


def test_another_order_is_an_error() -> None:
    with pytest.raises(ValueError, match="must be a"):
        apply_update(BLANK, message("new", 5, client_order_id="c"))


@pytest.mark.parametrize(
    "bad",
    [
        {"filled_qty": "0.05"},
        {"filled_qty": "many"},
        {"updated_at": "yesterday"},
        {"limit_price": "NaN"},
        {"filled_qty": "1", "filled_avg_price": "inf"},
    ],
)
def test_bad_numbers_are_an_error_of_that_message(bad: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="must"):
        apply_update(BLANK, message("new", 5, **bad))


def test_a_leg_that_had_filled_before_it_was_known_is_booked_once() -> None:
    broker = TinyBroker(parts=10)
    broker.submit(
        Ticket("a", 1, 1_000, "limit", "10", None, "entry", "bracket"), loss="9", target="12"
    )
    whole = broker.snapshot(broker.tickets["a"])
    filled = {"status": "filled", "filled_qty": "100", "filled_avg_price": "8.5"}
    legs = [replace(leg, **filled) if leg.stop_price else leg for leg in whole.legs or ()]
    order = replace(BLANK, order_class="bracket")
    stop, target = legs_of(order, replace(whole, legs=legs))
    assert [(one.lots, one.price) for one in stop.executions] == [(-1_000, 8_500_000)]
    assert (stop.order.state, stop.order.filled) == (State.FILLED, 1_000)
    assert not target.executions


def test_legs_and_adopted_orders_are_orders_of_their_own() -> None:
    broker = TinyBroker(parts=10)
    broker.submit(
        Ticket("a", 1, 1_000, "limit", "10", None, "entry", "bracket"), loss="9", target="12"
    )
    whole = broker.snapshot(broker.tickets["a"])
    order = replace(BLANK, order_class="bracket")
    stop, target = (leg.order for leg in legs_of(order, whole))
    assert (stop.role, stop.side, stop.stop, stop.state) == ("stop", -1, 9.0, State.HELD)
    assert (target.role, target.limit, target.parent, target.family) == ("target", 12.0, "a", "a")
    found = adopted(whole, asset=0, parts=10, role="entry", number=0, event_ts=0).order
    assert (found.lots, found.side, found.state, found.limit) == (1_000, 1, State.PENDING, 10.0)
    assert is_same(order, whole, "BTC/USD") == "symbol"
    assert is_same(order, replace(whole, symbol="BTCUSD"), "BTC/USD") == ""
    assert is_same(replace(order, limit=11.0), replace(whole, symbol="X"), "X") == "limit"
    assert is_same(replace(order, lots=1), replace(whole, symbol="X"), "X") == "quantity"
