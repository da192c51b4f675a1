import math

import pytest
from msgspec.structs import replace

from fanfold.execution.venue_rules import VENUES
from fanfold.live.execution.actions import (
    AssetRules,
    Cancel,
    Place,
    Replace,
    order_of,
    successor_of,
)
from fanfold.live.execution.planning import ATTEMPTS_MAX, EXIT_REFUSALS_MAX, plan_orders
from fanfold.live.execution.records import Order
from fanfold.live.execution.states import State
from fanfold.live.messages import ApprovedOrder

NAN = math.nan
SHARES = AssetRules(
    asset=0, asset_class="us_equity", parts=1, ticks=(10_000, 100), shortable=True,
    venue=VENUES["alpaca"], protect=True,
)  # fmt: skip
PARTS = replace(SHARES, parts=10)
COIN = replace(PARTS, asset_class="crypto", ticks=(0, 0), shortable=False)


def approval(goal: int, **more: object) -> ApprovedOrder:
    base = ApprovedOrder(
        number=5, event_ts=50, asset=0, goal=goal, most=10**6, limit=NAN, stop=NAN,
        stop_loss=NAN, take_profit=NAN, reference=100.0, reduce_only=False, approved_at=0, epoch=1,
    )  # fmt: skip
    return replace(base, **more)


def order(side: int, lots: int, **more: object) -> Order:
    base = Order(
        client_order_id=f"o{side}{lots}", number=5, event_ts=50, asset=0, role="entry",
        revision=0, side=side, lots=lots, parts=1, type="market", time_in_force="gtc",
        state=State.ACCEPTED, status="new",
    )  # fmt: skip
    return replace(base, **more)


def only(actions: list[object]) -> Place:
    (place,) = actions
    assert isinstance(place, Place)
    return place


@pytest.mark.parametrize(
    ("goal", "held", "working", "expected"),
    [
        (100, 0, [], (1, 100, "entry")),
        (100, 40, [], (1, 60, "entry")),
        (100, 40, [order(1, 20)], (1, 40, "entry")),
        (100, 0, [order(1, 30, state=State.UNKNOWN)], (1, 70, "entry")),
        (-50, 0, [], (-1, 50, "entry")),
        (40, 100, [], (-1, 60, "exit")),
        (0, 100, [], (-1, 100, "exit")),
        (-30, 100, [], (-1, 100, "exit")),  # close first, open when it has filled
        (-30, 0, [], (-1, 30, "entry")),
        (30, -100, [], (1, 100, "exit")),
    ],
)
def test_an_order_is_what_is_missing(
    goal: int, held: int, working: list[Order], expected: tuple[int, int, str]
) -> None:
    place = only(plan_orders(SHARES, approval(goal), held, working))
    assert (place.side, place.lots, place.role) == expected
    assert (place.type, place.reduces) == ("market", place.role == "exit")
    sent = replace(order_of(place, "new", 0, 1), state=State.SENDING)
    assert plan_orders(SHARES, approval(goal), held, [*working, sent]) == []


@pytest.mark.parametrize(
    "more", [{"reduce_only": True}, {}], ids=["reduce_only", "may_not_increase"]
)
def test_what_may_only_lessen_never_increases(more: dict[str, bool]) -> None:
    may = bool(more)
    for goal, held in ((100, 0), (100, 50), (-100, 0), (-100, -50)):
        assert plan_orders(SHARES, approval(goal, **more), held, [], may_increase=may) == []
    place = only(plan_orders(SHARES, approval(-100, **more), 30, [], may_increase=may))
    assert (place.side, place.lots, place.role) == (-1, 30, "exit")


def test_an_approval_never_leads_to_more_than_its_most() -> None:
    approved = approval(100, most=30)
    place = only(plan_orders(SHARES, approved, 0, []))
    assert place.lots == 30
    done = order(1, 30, state=State.FILLED, executed=30)
    assert plan_orders(SHARES, approved, 30, [done]) == []
    assert plan_orders(SHARES, approval(100, most=0), 0, []) == []


@pytest.mark.parametrize(
    ("limit", "stop", "kind", "prices"),
    [
        (99.999, NAN, "limit", (99.99, NAN)),
        (NAN, 101.001, "stop", (NAN, 101.01)),
        (102.0, 101.0, "stop_limit", (102.0, 101.0)),
    ],
)
def test_prices_make_the_type_and_lie_on_ticks(
    limit: float, stop: float, kind: str, prices: tuple[float, float]
) -> None:
    place = only(plan_orders(SHARES, approval(10, limit=limit, stop=stop), 0, []))
    assert (place.type, place.time_in_force) == (kind, "gtc")
    assert (place.limit, place.stop) == pytest.approx(prices, nan_ok=True)


def test_coins_have_no_bare_stops_and_parts_of_shares_work_for_the_day() -> None:
    stop = only(plan_orders(COIN, approval(15, stop=200.0), 0, []))
    assert (stop.type, stop.limit, stop.time_in_force) == ("stop_limit", 210.0, "gtc")
    part = only(plan_orders(PARTS, approval(15), 0, []))
    assert (part.time_in_force, part.order_class) == ("day", "")


def test_what_does_not_trade_is_not_ordered() -> None:
    assert plan_orders(COIN, approval(-10), 0, []) == []  # not shortable
    assert only(plan_orders(PARTS, approval(-15), 0, [])).lots == 10  # short in whole units
    assert plan_orders(replace(COIN, parts=10**9), approval(1), 0, []) == []  # dust
    assert plan_orders(SHARES, approval(10, limit=0.00001), 0, []) == []  # below the tick


def test_orders_that_fit_are_kept_and_others_are_mended() -> None:
    resting = order(1, 100, type="limit", limit=99.0, number=3)
    assert plan_orders(SHARES, approval(100, limit=99.0), 0, [resting]) == []
    (moved,) = plan_orders(SHARES, approval(100, limit=98.0), 0, [resting])
    assert isinstance(moved, Replace)
    assert (moved.client_order_id, moved.limit, moved.lots) == ("o1100", 98.0, 0)
    successor = successor_of(resting, moved, "new", 0, 1)
    old = replace(resting, state=State.REPLACING)
    assert plan_orders(SHARES, approval(100, limit=98.0), 0, [old, successor]) == []
    for other in (order(1, 100), replace(resting, state=State.PENDING)):
        (cancel,) = plan_orders(SHARES, approval(100, limit=98.0), 0, [other])
        assert isinstance(cancel, Cancel)


def test_nothing_is_placed_until_a_cancel_is_proven() -> None:
    wrong = order(-1, 50)
    (cancel,) = plan_orders(SHARES, approval(100), 0, [wrong])
    assert isinstance(cancel, Cancel)
    for state in (State.CANCELLING, State.UNKNOWN, State.SENDING):
        assert plan_orders(SHARES, approval(100), 0, [replace(wrong, state=state)]) == []
    gone = replace(wrong, state=State.CANCELED)
    assert only(plan_orders(SHARES, approval(100), 0, [gone])).lots == 100
    (withheld,) = plan_orders(SHARES, approval(100), 0, [replace(wrong, state=State.INTENDED)])
    assert isinstance(withheld, Cancel)


def test_too_much_is_taken_back() -> None:
    (less,) = plan_orders(SHARES, approval(60), 0, [order(1, 100)])
    assert isinstance(less, Replace)
    assert less.lots == 60
    (cancel,) = plan_orders(SHARES, approval(60), 0, [order(1, 100, order_class="bracket")])
    assert isinstance(cancel, Cancel)
    (cancel,) = plan_orders(PARTS, approval(15), 0, [order(1, 20, parts=10)])
    assert isinstance(cancel, Cancel)  # parts of shares cannot be replaced


def test_a_lost_or_refused_order_is_not_sent_again_for_the_same_approval() -> None:
    for state in (State.LOST, State.REJECTED):
        before = order(1, 100, state=state)
        assert plan_orders(SHARES, approval(100), 0, [before]) == []
        assert plan_orders(SHARES, approval(100, number=6), 0, [before])
    refused = [order(-1, 9, role="exit", state=State.REJECTED)] * EXIT_REFUSALS_MAX
    assert plan_orders(SHARES, approval(0), 9, refused[1:])
    assert plan_orders(SHARES, approval(0), 9, refused) == []
    tried = [order(1, 9, state=State.CANCELED)] * ATTEMPTS_MAX
    assert plan_orders(SHARES, approval(9), 0, tried[1:])
    assert plan_orders(SHARES, approval(9), 0, tried) == []


@pytest.mark.parametrize(
    ("loss", "target", "more", "expected"),
    [
        (90.0, 110.0, {}, ("bracket", 110.0, 90.0)),
        (90.0, NAN, {}, ("oto", NAN, 90.0)),
        (NAN, 110.0, {}, ("oto", 110.0, NAN)),
        (100.0, 110.0, {}, ("", NAN, NAN)),  # no cent below the price
        (90.0, 99.0, {}, ("oto", NAN, 90.0)),
        (90.0, 110.0, {"limit": 89.0}, ("", NAN, NAN)),
        (90.0, 110.0, {"stop": 101.0}, ("", NAN, NAN)),
    ],
)
def test_an_entry_takes_its_protection_along(
    loss: float, target: float, more: dict[str, float], expected: tuple[str, float, float]
) -> None:
    approved = approval(10, stop_loss=loss, take_profit=target, **more)
    place = only(plan_orders(SHARES, approved, 0, []))
    found = (place.order_class, place.take_profit, place.stop_loss)
    assert found == pytest.approx(expected, nan_ok=True) or repr(found) == repr(expected)
    bare = only(plan_orders(replace(SHARES, protect=False), approved, 0, []))
    assert bare.order_class == ""


def test_a_stop_that_has_filled_ends_the_approval() -> None:
    stop = order(-1, 100, role="stop", state=State.FILLED, executed=100)
    assert plan_orders(SHARES, approval(100), 0, [stop]) == []


def test_an_exit_cancels_protection_first_and_waits_for_the_proof() -> None:
    target = order(-1, 100, role="target", order_class="oco", client_order_id="t")
    stop = order(-1, 100, role="stop", order_class="oco", client_order_id="s", group="t")
    (cancel,) = plan_orders(SHARES, approval(0), 100, [target, stop])
    assert isinstance(cancel, Cancel)  # the other goes with it
    asked = [replace(target, state=State.CANCELLING), stop]
    assert plan_orders(SHARES, approval(0), 100, asked) == []
    gone = [replace(one, state=State.CANCELED) for one in (target, stop)]
    assert only(plan_orders(SHARES, approval(0), 100, gone)).lots == 100


def test_an_entry_cancels_what_it_could_trade_with() -> None:
    bare = order(-1, 50, role="stop", type="stop", stop=90.0)
    (cancel,) = plan_orders(SHARES, approval(100), 50, [bare])
    assert isinstance(cancel, Cancel)
    leg = replace(bare, parent="e", group="e")
    assert only(plan_orders(SHARES, approval(100), 50, [leg])).lots == 50
