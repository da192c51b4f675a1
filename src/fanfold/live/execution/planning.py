"""From an approved goal to orders: pure, and the same again when it is asked again.

An order is the goal less what is held, less what open orders may still bring, orders whose
fate is unknown counted at full size. Whatever becomes of those, the goal is not passed: what
leads the other way is cancelled first, and nothing is placed until that is proven.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from msgspec.structs import replace

from fanfold.domain.money import MICRO, to_micro
from fanfold.execution.venue_rules import CRYPTO, to_tick
from fanfold.live.execution.actions import Action, AssetRules, Cancel, Place, Replace
from fanfold.live.execution.amounts import NAN, is_same_price
from fanfold.live.execution.records import PROTECTIVE, Order
from fanfold.live.execution.states import State, is_cancellable, is_replaceable, is_terminal
from fanfold.live.messages import ApprovedOrder

ATTEMPTS_MAX: Final = 50
"""Most orders that one approval may lead to, of entries and of exits [orders]."""

EXIT_REFUSALS_MAX: Final = 20
"""Most refusals until an exit waits for the next approval; an entry waits after one."""

STEP_BEYOND: Final = 0.01
"""Least distance of legs from what the venue measures them at [currency]."""

COIN_STOP_SLACK: Final = 0.05
"""How far a stop's limit is beyond it where stops must have one [share of the stop]."""


def plan_orders(
    rules: AssetRules,
    approved: ApprovedOrder,
    held: int,
    orders: Sequence[Order],
    *,
    may_increase: bool = True,
) -> list[Action]:
    """What to do now to get from what is held to what is approved.

    Ask again after each change of an order of the asset: a reversal's opening, and what
    waits for the proof of a cancel, comes then. A `Cancel` of an order that is INTENDED
    means not to send it.

    Args:
        rules: Of the asset.
        approved: The last approval of the asset.
        held: Signed lots that the deployment holds.
        orders: Its orders that are not over (UNKNOWN and SENDING among them), and those of
            this approval that are: `Journal.orders_for`.
        may_increase: Whether the position may grow: not from an approval that is too old or
            spent (`Journal.is_spent`), nor halted, nor without the gate.
    """
    return planned(rules, approved, held, orders, may_increase=may_increase).actions


class Planned(NamedTuple):
    """What to do, and whether more is to follow once it is proven: protection then waits."""

    actions: list[Action]
    is_waiting: bool


def planned(
    rules: AssetRules,
    approved: ApprovedOrder,
    held: int,
    orders: Sequence[Order],
    *,
    may_increase: bool,
) -> Planned:
    """As `plan_orders`."""
    usual = None if orders else _usual(rules, approved, held, may_increase=may_increase)
    if usual is not None:
        return Planned([usual], is_waiting=True)
    return _whole(rules, approved, held, orders, may_increase=may_increase)


def _whole(
    rules: AssetRules,
    approved: ApprovedOrder,
    held: int,
    orders: Sequence[Order],
    *,
    may_increase: bool,
) -> Planned:
    may_increase = may_increase and not _was_stopped(approved, orders)
    aim = aim_of(rules, approved, held, may_increase=may_increase)
    side = (aim > held) - (aim < held)
    working = [order for order in orders if is_live(order) and not is_protective(order)]
    wrong = [order for order in working if order.side != side]
    if wrong:
        return Planned(cancels_of(wrong, "it leads away from the goal"), is_waiting=True)
    if side == 0 or is_changing(working):
        return Planned([], is_waiting=bool(working))
    wanted = _wanted(rules, approved, side, "exit" if side * held < 0 else "entry")
    if wanted is None:
        gone = cancels_of(working, "its price is below the smallest tick")
        return Planned(gone, is_waiting=bool(working))
    misfits = [order for order in working if not _fits(order, wanted)]
    if misfits:
        return Planned(_mended(misfits, wanted, orders), is_waiting=True)
    missing = abs(aim - held) - sum(order.left for order in working)
    if missing < 0:
        return Planned(_trimmed(working, -missing, wanted), is_waiting=True)
    return _placed(rules, approved, wanted, missing, orders)


def _usual(
    rules: AssetRules, approved: ApprovedOrder, held: int, *, may_increase: bool
) -> Place | None:
    """What most approvals become: one order at market where nothing else is open.

    It is what the whole plan gives, found with less code: an order waits for it, and code
    that is seldom run has to be fetched from memory. None where the whole plan must be made.
    """
    goal = approved.goal
    missing = goal - held
    is_exit = missing * held < 0
    may_have_legs = (
        approved.stop_loss == approved.stop_loss or approved.take_profit == approved.take_profit
    )
    if (
        approved.limit == approved.limit
        or approved.stop == approved.stop
        or (may_have_legs and not is_exit)
        or goal * held < 0
        or goal < 0
        or held < 0
        or (missing > 0 and (approved.reduce_only or not may_increase))
    ):
        return None
    lots, parts = min(abs(missing), approved.most), rules.parts
    is_fraction = lots % parts != 0
    if lots <= 0 or (is_fraction and not rules.venue.allows_fractions(rules.asset_class)):
        return None
    if lots / parts * approved.reference < rules.venue.least_notional(rules.asset_class):
        return None
    return Place(
        asset=rules.asset,
        number=approved.number,
        event_ts=approved.event_ts,
        role="exit" if is_exit else "entry",
        side=1 if missing > 0 else -1,
        lots=lots,
        parts=parts,
        type="market",
        time_in_force=rules.time_in_force(fractional=is_fraction),
        reduces=is_exit,
    )


def aim_of(rules: AssetRules, approved: ApprovedOrder, held: int, *, may_increase: bool) -> int:
    """Lots that the next order leads to: the goal, or first none where it is across zero."""
    goal = approved.goal
    if approved.reduce_only or not may_increase:
        goal = max(min(goal, max(held, 0)), min(held, 0))
    if not rules.shortable:
        goal = max(goal, min(held, 0))
    return 0 if goal * held < 0 else goal


def is_live(order: Order) -> bool:
    """Whether an order still counts: it is not over."""
    return not is_terminal(order.state)


def is_protective(order: Order) -> bool:
    """Whether an order is a stop or a target that rests for a position."""
    return order.role in PROTECTIVE


def cancels_of(orders: Iterable[Order], reason: str) -> list[Action]:
    """Cancels of orders, one for each group; what is under way already is waited for."""
    chosen: dict[str, Order] = {}
    waits: set[str] = set()
    for order in orders:
        group = order.family
        if order.state is State.CANCELLING:
            waits.add(group)
        elif is_cancellable(order.state) or order.state is State.INTENDED:
            chosen.setdefault(group, order)
    return [
        Cancel(client_order_id=order.client_order_id, reason=reason)
        for group, order in chosen.items()
        if group not in waits
    ]


def on_tick(rules: AssetRules, price: float, direction: int) -> float:
    """A price on the venue's ticks, NaN stays NaN; 0 where there is no such price."""
    if math.isnan(price):
        return NAN
    return to_tick(to_micro(max(price, 0.0)), direction, *rules.ticks) / MICRO


def stop_terms(rules: AssetRules, side: int, stop: float, *, is_whole: bool) -> tuple[str, float]:
    """Type and limit of a stop: with a wide limit where the venue takes no bare ones."""
    time = rules.time_in_force(fractional=not is_whole)
    refused = rules.venue.check_order("stop", time, rules.asset_class, fractional=not is_whole)
    if not refused:
        return "stop", NAN
    return "stop_limit", on_tick(rules, stop * (1 + side * COIN_STOP_SLACK), side)


def changed(order: Order, approved_by: Place, *, limit: float, stop: float) -> Replace:
    """The replacement that gives an order other prices."""
    return Replace(
        client_order_id=order.client_order_id,
        number=approved_by.number,
        event_ts=approved_by.event_ts,
        limit=limit,
        stop=stop,
    )


def _wanted(rules: AssetRules, approved: ApprovedOrder, side: int, role: str) -> Place | None:
    """The order that is wanted, but for its quantity; None where its price is none."""
    limit = on_tick(rules, approved.limit, -side)
    stop = on_tick(rules, approved.stop, side)
    if math.isnan(stop):
        kind = "market" if math.isnan(limit) else "limit"
    elif math.isnan(limit):
        kind, limit = stop_terms(rules, side, stop, is_whole=True)
    else:
        kind = "stop_limit"
    if 0.0 in {limit, stop}:
        return None
    return Place(
        asset=rules.asset,
        number=approved.number,
        event_ts=approved.event_ts,
        role=role,
        side=side,
        lots=0,
        parts=rules.parts,
        type=kind,
        limit=limit,
        stop=stop,
        time_in_force="",
        reduces=role == "exit",
    )


def _was_stopped(approved: ApprovedOrder, orders: Sequence[Order]) -> bool:
    """Whether its own protection has filled: an approval that was ended must not begin anew."""
    mine = (order for order in orders if order.number == approved.number)
    return any(is_protective(order) and order.filled for order in mine)


def _placed(
    rules: AssetRules, approved: ApprovedOrder, wanted: Place, missing: int, orders: Sequence[Order]
) -> Planned:
    lots = _allowed(rules, approved, wanted, missing, orders)
    if lots == 0:
        return Planned([], is_waiting=False)
    place = _sized(rules, approved, wanted, lots)
    cleared = _cleared(place, orders)
    return Planned([place] if cleared is None else cleared, is_waiting=True)


def is_changing(orders: Sequence[Order]) -> bool:
    """Whether a replacement is under way: until it is settled nobody can say what is left."""
    return any(order.state is State.REPLACING or _is_replacing(order) for order in orders)


def _is_replacing(order: Order) -> bool:
    begun = {State.INTENDED, State.SENDING, State.UNKNOWN, State.PENDING}
    return bool(order.replaces) and order.state in begun


def _fits(order: Order, wanted: Place) -> bool:
    return (
        order.role == wanted.role
        and order.type == wanted.type
        and is_same_price(order.limit, wanted.limit)
        and is_same_price(order.stop, wanted.stop)
    )


def _mended(misfits: Sequence[Order], wanted: Place, orders: Sequence[Order]) -> list[Action]:
    """Other prices where the broker replaces, else a cancel; one that is under way is left."""
    actions: list[Action] = []
    was_refused = any(
        order.replaces and order.state is State.REJECTED and order.number == wanted.number
        for order in orders
    )
    for order in misfits:
        is_price = order.role == wanted.role and order.type == wanted.type
        if is_price and is_replaceable(order.state) and not was_refused:
            actions.append(changed(order, wanted, limit=wanted.limit, stop=wanted.stop))
        else:
            actions += cancels_of([order], "the goal has other terms")
    return actions


def _trimmed(working: Sequence[Order], surplus: int, wanted: Place) -> list[Action]:
    """Take back what open orders may bring beyond the goal, the newest first."""
    actions: list[Action] = []
    for order in reversed(working):
        if surplus <= 0:
            break
        if order.left > surplus and may_resize(order, order.lots - surplus):
            change = changed(order, wanted, limit=NAN, stop=NAN)
            return [*actions, replace(change, lots=order.lots - surplus)]
        actions += cancels_of([order], "it is for more than the goal")
        surplus -= order.left
    return actions


def may_resize(order: Order, lots: int) -> bool:
    """Whether the broker replaces an order by one of another quantity: whole, and no family."""
    is_simple = not order.order_class and not order.parent
    is_whole = lots % order.parts == 0 and order.lots % order.parts == 0
    return is_simple and is_whole and is_replaceable(order.state)


def _allowed(
    rules: AssetRules, approved: ApprovedOrder, wanted: Place, missing: int, orders: Sequence[Order]
) -> int:
    """Lots of the next order: within what was approved, and what the venue takes."""
    mine = [o for o in orders if o.number == approved.number and o.role == wanted.role]
    refusals = sum(order.state is State.REJECTED and not order.replaces for order in mine)
    most = EXIT_REFUSALS_MAX if wanted.reduces else 1
    is_lost = any(order.state is State.LOST for order in mine)
    if is_lost or refusals >= most or len(mine) >= ATTEMPTS_MAX:
        return 0
    room = approved.most
    if not wanted.reduces:
        room -= sum(order.filled + order.left for order in mine)
    lots = max(min(missing, room), 0)
    is_short = wanted.side < 0 and not wanted.reduces
    needs_whole = is_short and rules.venue.short_whole_only
    if needs_whole or not rules.venue.allows_fractions(rules.asset_class):
        lots -= lots % rules.parts
    price = next((p for p in (wanted.limit, wanted.stop) if p > 0), approved.reference)
    is_dust = lots / rules.parts * price < rules.venue.least_notional(rules.asset_class)
    return 0 if is_dust else lots


def _sized(rules: AssetRules, approved: ApprovedOrder, wanted: Place, lots: int) -> Place:
    is_fraction = lots % rules.parts != 0
    time = rules.time_in_force(fractional=is_fraction)
    place = replace(wanted, lots=lots, time_in_force=time)
    may_have_legs = (
        rules.protect
        and not wanted.reduces
        and rules.asset_class != CRYPTO
        and wanted.type in {"market", "limit"}
        and not rules.venue.check_bracket(time, fractional=is_fraction)
    )
    return _with_legs(rules, approved, place) if may_have_legs else place


def _with_legs(rules: AssetRules, approved: ApprovedOrder, place: Place) -> Place:
    """An entry with its stop and target, as far as the venue takes them at these prices."""
    side = place.side
    base = approved.reference if math.isnan(place.limit) else place.limit
    target = on_tick(rules, approved.take_profit, side)
    loss = on_tick(rules, approved.stop_loss, -side)
    has_target = side * (target - base) >= STEP_BEYOND  # false for NaN
    nearest = min(side * base, side * approved.reference)
    has_loss = nearest - side * loss >= STEP_BEYOND and loss > 0
    if has_target and has_loss:
        return replace(place, order_class="bracket", take_profit=target, stop_loss=loss)
    if has_loss:
        return replace(place, order_class="oto", stop_loss=loss)
    if has_target and math.isnan(approved.stop_loss):
        return replace(place, order_class="oto", take_profit=target)
    return place


def _cleared(place: Place, orders: Sequence[Order]) -> list[Action] | None:
    """Cancels of protection that is in an order's way; None where nothing is."""
    resting = [order for order in orders if is_live(order) and is_protective(order)]
    if not place.reduces:
        resting = [order for order in resting if meets(place, order)]
    if not resting:
        return None
    return cancels_of(resting, "it is in the way of the goal")


def meets(place: Place, order: Order) -> bool:
    """Whether the venue would refuse an order since it could trade with one of ours."""
    if order.side == place.side or order.parent or order.order_class == "oco":
        return False
    if place.order_class == "oco":
        return False
    limits = {"limit", "stop_limit"}
    if order.type not in limits or place.type not in limits:
        return True
    return place.side * (place.limit - order.limit) >= 0
