"""Groups of orders and what fills mean in them."""

from decimal import Decimal

import pytest
from tests.fakes.venue_orders import (
    Delays,
    an_order,
    desk_with,
    enter,
    fill,
    group_of,
    let_pass,
    names,
    now,
    statuses,
    successor_to,
)

from fanfold.venue.trading.life import changing, legs

FILLS = [
    # class, fills as (order, units), statuses, quantities
    ("bracket", [], "new held held", "10 10 10"),
    ("bracket", [(0, 4)], "partially_filled held held", "10 10 10"),
    ("bracket", [(0, 10)], "filled new new", "10 10 10"),
    ("bracket", [(0, 4), (0, 6)], "filled new new", "10 10 10"),
    ("bracket", [(0, 10), (1, 10)], "filled filled canceled", "10 10 10"),
    ("bracket", [(0, 10), (2, 10)], "filled canceled filled", "10 10 10"),
    ("bracket", [(0, 10), (1, 4)], "filled partially_filled new", "10 10 6"),
    ("bracket", [(0, 10), (1, 4), (1, 6)], "filled filled canceled", "10 10 6"),
    ("bracket", [(0, 10), (1, 4), (2, 6)], "filled canceled filled", "10 10 6"),
    (
        "bracket",
        [(0, 10), (1, 4), (2, 2)],
        "filled partially_filled partially_filled",
        "10 8 6",
    ),
    ("bracket", [(0, 10), (1, 4), (2, 2), (1, 4)], "filled filled canceled", "10 8 6"),
    ("oto", [], "new held", "10 10"),
    ("oto", [(0, 9)], "partially_filled held", "10 10"),
    ("oto", [(0, 10)], "filled new", "10 10"),
    ("oto", [(0, 10), (1, 3)], "filled partially_filled", "10 10"),
    ("oto", [(0, 10), (1, 10)], "filled filled", "10 10"),
    ("oco", [], "new new", "10 10"),
    ("oco", [(0, 10)], "filled canceled", "10 10"),
    ("oco", [(1, 10)], "canceled filled", "10 10"),
    ("oco", [(0, 3)], "partially_filled new", "10 7"),
    ("oco", [(1, 3)], "new partially_filled", "7 10"),
    ("oco", [(1, 3), (0, 7)], "filled canceled", "7 10"),
]


@pytest.mark.parametrize(("order_class", "fills", "ends", "qtys"), FILLS)
def test_fills_go_through_a_group(
    order_class: str, fills: list[tuple[int, int]], ends: str, qtys: str
) -> None:
    desk = desk_with()
    orders = enter(desk, group_of(desk, order_class))
    for place, units in fills:
        fill(desk, orders[place], units)
    assert statuses(desk, orders) == ends.split()
    assert [now(desk, order).qty for order in orders] == [Decimal(one) for one in qtys.split()]


def test_legs_meet_prices_once_they_work() -> None:
    desk = desk_with()
    orders = enter(desk, group_of(desk, "bracket"))
    desk.book.fresh.clear()
    fill(desk, orders[0], 10)
    assert desk.book.fresh == [orders[1].id, orders[2].id]


def test_the_news_of_a_group_come_in_the_order_of_what_follows_from_what() -> None:
    desk = desk_with()
    orders = enter(desk, group_of(desk, "bracket"))
    names(desk)
    for place, units in ((0, 10), (1, 4), (1, 6)):
        fill(desk, orders[place], units)
    told = names(desk, *orders)
    assert told[:3] == ["fill 0", "new 1", "new 2"]
    assert told[3:] == ["partial_fill 1", "restated 2", "fill 1", "canceled 2"]


def test_a_restated_order_is_told_with_its_quantity() -> None:
    desk = desk_with()
    target, stop = enter(desk, group_of(desk, "oco"))
    fill(desk, target, 3)
    restated = desk.book.take().events[-1]
    assert (restated.name, restated.order.id) == ("restated", stop.id)
    assert (restated.order.qty, restated.order.status) == (Decimal(7), "new")


def test_an_exit_that_is_to_be_replaced_goes_on_without_when_the_other_fills_in_part() -> None:
    delays = Delays(replace=True)
    desk = desk_with(delays)
    target, stop = enter(desk, group_of(desk, "oco"))
    changing.replace(desk, stop, successor_to(desk, stop, stop_price=Decimal(91)))
    names(desk)
    fill(desk, target, 3)
    assert now(desk, stop).status == "new"
    assert now(desk, stop).qty == 7
    assert names(desk, target, stop) == ["partial_fill 0", "order_replace_rejected 1", "restated 1"]


def test_an_exit_that_fills_in_part_while_its_cancellation_is_pending_leaves_the_other_less() -> (
    None
):
    delays = Delays(cancel=True)
    desk = desk_with(delays)
    target, stop = enter(desk, group_of(desk, "oco"))
    changing.cancel(desk, target)
    fill(desk, target, 3)
    assert statuses(desk, (target, stop)) == ["pending_cancel", "new"]
    assert now(desk, stop).qty == 7
    let_pass(desk)
    assert statuses(desk, (target, stop)) == ["canceled", "canceled"]


def test_a_simple_order_has_no_relatives() -> None:
    desk = desk_with()
    order = enter(desk, [an_order(desk)])[0]
    assert legs.relatives(desk, order) == []
    assert legs.siblings(desk, order) == []
    assert not legs.is_exit(order)


def test_relatives_are_found_from_any_member_when_the_entry_is_closed_and_put_away() -> None:
    desk = desk_with()
    entry, target, stop = enter(desk, group_of(desk, "bracket"))
    fill(desk, entry, 10)
    desk.book.take()
    assert [one.id for one in legs.relatives(desk, stop)] == [entry.id, target.id]
    assert [one.id for one in legs.siblings(desk, stop)] == [target.id]


def test_a_replaced_entry_hands_its_legs_over() -> None:
    desk = desk_with()
    entry, target, stop = enter(desk, group_of(desk, "bracket"))
    successor = successor_to(desk, entry, limit_price=Decimal(99))
    changing.replace(desk, entry, successor)
    assert now(desk, successor).legs == (target.id, stop.id)
    assert statuses(desk, (entry, successor, target, stop)) == ["replaced", "new", "held", "held"]
    fill(desk, successor, 10)
    assert statuses(desk, (target, stop)) == ["new", "new"]
    assert now(desk, target).parent == successor.id


def test_a_replaced_leg_keeps_its_place_in_the_group() -> None:
    desk = desk_with()
    entry, target, stop = enter(desk, group_of(desk, "bracket"))
    fill(desk, entry, 10)
    desk.book.take()
    successor = successor_to(desk, stop, stop_price=Decimal(91))
    changing.replace(desk, stop, successor)
    assert now(desk, entry).legs == (target.id, successor.id)
    assert now(desk, successor).parent == entry.id
    fill(desk, successor, 10)
    assert statuses(desk, (entry, target, stop, successor)) == [
        "filled",
        "canceled",
        "replaced",
        "filled",
    ]


def test_a_replaced_target_of_an_oco_keeps_its_stop() -> None:
    desk = desk_with()
    target, stop = enter(desk, group_of(desk, "oco"))
    successor = successor_to(desk, target, limit_price=Decimal(112))
    changing.replace(desk, target, successor)
    assert statuses(desk, (target, successor, stop)) == ["replaced", "new", "new"]
    fill(desk, stop, 10)
    assert statuses(desk, (target, successor, stop)) == ["replaced", "canceled", "filled"]
