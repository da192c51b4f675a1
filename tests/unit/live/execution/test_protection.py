import math

import pytest
from msgspec.structs import replace
from tests.unit.live.execution.test_planning import COIN, PARTS, SHARES, approval, only, order

from fanfold.live.execution.actions import AssetRules, Cancel, Place, Replace, order_of
from fanfold.live.execution.protection import FAMILIES_MAX, REFUSALS_MAX, next_actions, protect
from fanfold.live.execution.records import Order
from fanfold.live.execution.states import State

NAN = math.nan
BOTH = approval(100, stop_loss=90.0, take_profit=110.0)


def oco(lots: int, name: str = "t", stop: float = 90.0, limit: float = 110.0) -> list[Order]:
    target = order(
        -1, lots, role="target", type="limit", limit=limit, order_class="oco", client_order_id=name
    )
    leg = replace(
        target, role="stop", type="stop", limit=NAN, stop=stop, client_order_id=f"{name}s",
        parent=name, group=name,
    )  # fmt: skip
    return [target, leg]


def bare(lots: int, stop: float = 90.0, **more: object) -> Order:
    return replace(
        order(-1, lots, role="stop", type="stop", stop=stop, client_order_id="s"), **more
    )


@pytest.mark.parametrize(
    ("rules", "held", "loss", "target", "expected"),
    [
        (SHARES, 100, 90.0, 110.0, ("target", "limit", "oco", "gtc", -1)),
        (SHARES, 100, 90.0, NAN, ("stop", "stop", "", "gtc", -1)),
        (SHARES, 100, NAN, 110.0, ("target", "limit", "", "gtc", -1)),
        (SHARES, -100, 110.0, 90.0, ("target", "limit", "oco", "gtc", 1)),
        (PARTS, 105, 90.0, 110.0, ("stop", "stop", "", "day", -1)),
        (COIN, 105, 90.0, 110.0, ("stop", "stop_limit", "", "gtc", -1)),
        (SHARES, 100, 110.0, 90.0, ("stop", "stop", "", "gtc", -1)),  # they cross: the stop
    ],
)
def test_what_is_held_gets_what_the_venue_takes(
    rules: AssetRules,
    held: int,
    loss: float,
    target: float,
    expected: tuple[str, str, str, str, int],
) -> None:
    approved = approval(held, stop_loss=loss, take_profit=target)
    place = only(protect(rules, approved, held, []))
    found = (place.role, place.type, place.order_class, place.time_in_force, place.side)
    assert found == expected
    assert place.lots == abs(held)
    sent = replace(order_of(place, "p", 0, 1), state=State.SENDING)
    assert protect(rules, approved, held, [sent]) == []


def test_a_coin_stop_has_a_wide_limit() -> None:
    place = only(protect(COIN, approval(10, stop_loss=200.0), 10, []))
    assert (place.stop, place.limit) == (200.0, 190.0)


def test_protection_that_is_right_is_left_alone() -> None:
    assert protect(SHARES, BOTH, 100, oco(100)) == []
    assert protect(SHARES, BOTH, 100, [*oco(60, "t"), *oco(40, "u")]) == []


def test_a_moved_stop_is_a_replacement_of_the_stop_alone() -> None:
    (moved,) = protect(SHARES, replace(BOTH, stop_loss=92.0), 100, oco(100))
    assert isinstance(moved, Replace)
    assert (moved.client_order_id, moved.stop, moved.lots) == ("ts", 92.0, 0)
    assert math.isnan(moved.limit)


def test_one_that_waits_for_the_next_session_is_cancelled_instead() -> None:
    waiting = [replace(one, state=State.PENDING, status="accepted") for one in oco(100)]
    (cancel,) = protect(SHARES, replace(BOTH, stop_loss=92.0), 100, waiting)
    assert isinstance(cancel, Cancel)
    begun = [replace(one, status="pending_new") for one in waiting]
    assert protect(SHARES, replace(BOTH, stop_loss=92.0), 100, begun) == []


def test_everything_is_cancelled_when_flat_or_across_zero() -> None:
    for held in (0, -100):
        (cancel,) = protect(SHARES, replace(BOTH, goal=held), held, oco(100))
        assert isinstance(cancel, Cancel)
    assert protect(SHARES, BOTH, 0, []) == []


def test_quantities_follow_what_is_held() -> None:
    assert only(protect(SHARES, BOTH, 100, oco(60))).lots == 40
    (cancel,) = protect(SHARES, BOTH, 60, oco(100))
    assert isinstance(cancel, Cancel)
    stop_only = approval(100, stop_loss=90.0)
    for lots, held in ((60, 100), (100, 60)):
        (resized,) = protect(SHARES, stop_only, held, [bare(lots)])
        assert isinstance(resized, Replace)
        assert resized.lots == held


def test_other_levels_take_other_orders_and_none_takes_none() -> None:
    for approved, orders in (
        (approval(100, stop_loss=90.0), oco(100)),
        (BOTH, [bare(100)]),
        (approval(100), oco(100)),
    ):
        (cancel,) = protect(SHARES, approved, 100, orders)
        assert isinstance(cancel, Cancel)
    (cancel,) = protect(replace(SHARES, protect=False), BOTH, 100, oco(100))
    assert isinstance(cancel, Cancel)


@pytest.mark.parametrize(
    "state", [State.SENDING, State.UNKNOWN, State.CANCELLING, State.REPLACING, State.INTENDED]
)
def test_what_is_under_way_is_waited_for(state: State) -> None:
    assert protect(SHARES, BOTH, 150, [replace(one, state=state) for one in oco(100)]) == []


def test_what_an_open_bracket_has_filled_is_not_protected_twice() -> None:
    entry = order(1, 100, state=State.PARTIAL, executed=40, order_class="bracket",
                  client_order_id="e")  # fmt: skip
    legs = [replace(one, state=State.HELD, parent="e", group="e", order_class="bracket")
            for one in oco(100)]  # fmt: skip
    assert protect(SHARES, BOTH, 40, [entry, *legs]) == []
    assert protect(SHARES, BOTH, 0, [replace(entry, executed=0), *legs]) == []
    gone = [replace(one, state=State.CANCELED) for one in (entry, *legs)]
    assert only(protect(SHARES, BOTH, 40, gone)).lots == 40
    filled = [replace(entry, state=State.FILLED, executed=100), *legs]
    assert protect(SHARES, BOTH, 100, filled) == []  # its legs are about to work


def test_a_bare_stop_waits_for_an_entry_that_it_could_trade_with() -> None:
    entry = order(1, 50, type="limit", limit=99.0)
    stop_only = approval(100, stop_loss=90.0, limit=99.0)
    assert protect(SHARES, stop_only, 50, [entry]) == []
    assert only(protect(SHARES, BOTH, 50, [entry])).order_class == "oco"


def test_protection_gives_up_after_some_refusals_until_the_next_approval() -> None:
    refused = [bare(100, state=State.REJECTED)] * REFUSALS_MAX
    approved = approval(100, stop_loss=90.0)
    assert protect(SHARES, approved, 100, refused[1:])
    assert protect(SHARES, approved, 100, refused) == []
    assert protect(SHARES, replace(approved, number=6), 100, refused)
    assert protect(SHARES, approved, 100, [bare(100, state=State.LOST)]) == []


def test_many_small_ones_become_one() -> None:
    many = [one for number in range(FAMILIES_MAX) for one in oco(10, f"t{number}-")]
    actions = protect(SHARES, BOTH, 100, many)
    assert len(actions) == FAMILIES_MAX
    assert all(isinstance(action, Cancel) for action in actions)


def test_the_plan_goes_before_protection() -> None:
    (cancel,) = next_actions(SHARES, replace(BOTH, goal=0), 100, oco(100))
    assert isinstance(cancel, Cancel)
    waiting = [replace(one, state=State.CANCELLING) for one in oco(100)]
    assert next_actions(SHARES, replace(BOTH, goal=0), 100, waiting) == []
    assert only(next_actions(SHARES, replace(BOTH, goal=0), 100, [])).role == "exit"
    (more,) = next_actions(SHARES, replace(BOTH, goal=150), 100, oco(100))
    assert isinstance(more, Place)
    assert (more.role, more.lots, more.order_class) == ("entry", 50, "bracket")
    assert only(next_actions(SHARES, BOTH, 100, [])).role == "target"


def test_what_cannot_grow_is_protected_all_the_same() -> None:
    place = only(next_actions(SHARES, replace(BOTH, goal=150), 100, [], may_increase=False))
    assert (place.role, place.lots) == ("target", 100)
    refused = order(1, 50, state=State.REJECTED)
    assert only(next_actions(SHARES, replace(BOTH, goal=150), 100, [refused])).role == "target"
