"""How orders end together."""

import pytest
from tests.fakes.venue_orders import (
    Delays,
    an_order,
    brought_to,
    desk_with,
    enter,
    fill,
    group_of,
    names,
    now,
    statuses,
)

from fanfold.venue.trading.life import ending, lifecycle
from fanfold.venue.trading.values import OPEN_STATUSES

ENDS = [
    # class, fills as (order, units), who ends and how, statuses
    ("bracket", [], (0, "canceled"), "canceled canceled canceled"),
    ("bracket", [], (0, "expired"), "expired expired expired"),
    ("bracket", [], (0, "rejected"), "rejected canceled canceled"),
    ("bracket", [], (1, "canceled"), "canceled canceled canceled"),
    ("bracket", [], (2, "canceled"), "canceled canceled canceled"),
    ("bracket", [], (2, "expired"), "expired expired expired"),
    ("bracket", [(0, 4)], (0, "canceled"), "canceled canceled canceled"),
    ("bracket", [(0, 4)], (0, "expired"), "expired expired expired"),
    ("bracket", [(0, 4)], (1, "canceled"), "canceled canceled canceled"),
    ("bracket", [(0, 10)], (0, "canceled"), "filled new new"),
    ("bracket", [(0, 10)], (1, "canceled"), "filled canceled canceled"),
    ("bracket", [(0, 10)], (2, "expired"), "filled expired expired"),
    ("bracket", [(0, 10), (1, 4)], (2, "expired"), "filled expired expired"),
    ("bracket", [(0, 10), (1, 10)], (2, "expired"), "filled filled canceled"),
    ("oto", [], (0, "canceled"), "canceled canceled"),
    ("oto", [], (1, "canceled"), "canceled canceled"),
    ("oto", [(0, 10)], (1, "canceled"), "filled canceled"),
    ("oco", [], (0, "canceled"), "canceled canceled"),
    ("oco", [], (1, "canceled"), "canceled canceled"),
    ("oco", [], (1, "expired"), "expired expired"),
    ("oco", [], (0, "rejected"), "rejected canceled"),
    ("oco", [(0, 3)], (0, "canceled"), "canceled canceled"),
]


@pytest.mark.parametrize(("order_class", "fills", "end", "ends"), ENDS)
def test_an_end_goes_through_a_group(
    order_class: str, fills: list[tuple[int, int]], end: tuple[int, str], ends: str
) -> None:
    desk = desk_with()
    orders = enter(desk, group_of(desk, order_class))
    for place, units in fills:
        fill(desk, orders[place], units)
    ending.end(desk, orders[end[0]], end[1])
    assert statuses(desk, orders) == ends.split()
    assert all(now(desk, order).reserved == 0 for order in orders if not now(desk, order).is_open)


def test_an_end_keeps_what_was_filled() -> None:
    desk = desk_with()
    order = enter(desk, [an_order(desk)])[0]
    fill(desk, order, 4)
    ended = ending.end(desk, order, "expired")
    assert (ended.filled_qty, ended.filled_value) == (4, 400)


def test_a_closed_order_ends_only_once() -> None:
    desk = desk_with()
    order = enter(desk, [an_order(desk)])[0]
    ended = ending.end(desk, order, "canceled")
    names(desk)
    assert ending.end(desk, order, "expired") == ended
    assert names(desk, order) == []


@pytest.mark.parametrize("status", sorted(OPEN_STATUSES - {"stopped"}))
@pytest.mark.parametrize("end", ["canceled", "expired"])
def test_every_open_order_but_a_stopped_one_ends(status: str, end: str) -> None:
    delays = Delays()
    desk = desk_with(delays)
    order = brought_to(desk, delays, status)
    assert ending.end(desk, order, end).status == end
    assert not list(desk.book.all_open_orders())


def test_an_order_that_waits_to_take_the_place_of_an_entry_ends_alone() -> None:
    delays = Delays()
    desk = desk_with(delays)
    order = brought_to(desk, delays, "pending_replace")
    successor = lifecycle.successor_of(desk, order)
    assert successor is not None
    assert ending.end(desk, successor, "canceled").status == "canceled"
    assert now(desk, order).status == "new"
