"""Stops and targets that rest at the venue for what is held, never for more.

The broker reserves shares for open sells, so protection and exit are in each other's way:
an exit first cancels the protection, waits for the proof, and only then closes. Two exits
for the same shares must be one OCO. A leg works only once its entry has filled completely,
so what an open entry with legs has filled is not protected twice.
"""

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

from msgspec.structs import replace

from fanfold.execution.venue_rules import CRYPTO
from fanfold.live.execution.actions import Action, AssetRules, Place, Replace
from fanfold.live.execution.amounts import NAN, is_same_price
from fanfold.live.execution.planning import (
    STEP_BEYOND,
    cancels_of,
    is_changing,
    is_live,
    is_protective,
    may_resize,
    meets,
    on_tick,
    planned,
    stop_terms,
)
from fanfold.live.execution.records import Order
from fanfold.live.execution.states import State, is_replaceable
from fanfold.live.messages import ApprovedOrder

REFUSALS_MAX: Final = 3
"""Refusals until protection waits for the next approval [orders]."""

FAMILIES_MAX: Final = 8
"""Protective orders side by side; with more they are made anew as one [orders]."""

_UNSETTLED: Final = frozenset(
    (State.INTENDED, State.SENDING, State.UNKNOWN, State.CANCELLING, State.REPLACING)
)


class Levels(NamedTuple):
    """What protection is wanted: prices on ticks, NaN for none [currency].

    `stop_limit` is the limit of the stop, where the venue takes no bare stops.
    """

    side: int
    target: float
    stop: float
    stop_type: str
    stop_limit: float
    time_in_force: str

    @property
    def roles(self) -> frozenset[str]:
        """Roles of the orders that a family must have."""
        has = {"target": not math.isnan(self.target), "stop": not math.isnan(self.stop)}
        return frozenset(role for role, is_wanted in has.items() if is_wanted)


def next_actions(
    rules: AssetRules,
    approved: ApprovedOrder,
    held: int,
    orders: Sequence[Order],
    *,
    may_increase: bool = True,
) -> list[Action]:
    """Plan and protection together: call this after each change of the asset.

    Arguments as of `planning.plan_orders`; what it gives comes first, and protection only
    where it is not in the plan's way.
    """
    plan = planned(rules, approved, held, orders, may_increase=may_increase)
    if plan.actions or plan.is_waiting:
        return plan.actions
    return protect(rules, approved, held, orders)


def protect(
    rules: AssetRules, approved: ApprovedOrder, held: int, orders: Sequence[Order]
) -> list[Action]:
    """What to do so that the working protection is what the approval's levels ask for.

    Args:
        rules: Of the asset.
        approved: The last approval: its `stop_loss` and `take_profit` are the levels.
        held: Signed lots.
        orders: As of `planning.plan_orders`.
    """
    side = (held < 0) - (held > 0)
    working = [order for order in orders if is_live(order) and not is_protective(order)]
    families = _families(orders, working)
    resting = [order for members in families for order in members]
    stray = [order for order in resting if order.side != side]
    if stray or side == 0 or any(order.side == side for order in working):
        return cancels_of(stray, "nothing is held that it could protect")
    levels = _levels(rules, approved, held, side)
    misfits = [each for each in families if not _has_form(each, levels)]
    if misfits:
        spoilt = [order for members in misfits for order in members]
        return cancels_of(spoilt, "other protection is wanted")
    if not levels.roles or is_changing(resting) or any(o.state in _UNSETTLED for o in resting):
        return []
    needed = abs(held) - sum(_awaited(order, orders) for order in working if order.order_class)
    missing = needed - sum(map(_lots, families))
    if missing < 0:
        return _lessened(families, -missing, approved)
    moved = _moved(families, levels, approved)
    if moved or missing == 0:
        return moved
    return _added(rules, approved, levels, missing, _Open(orders, working, families))


class _Open(NamedTuple):
    orders: Sequence[Order]
    working: Sequence[Order]
    families: Sequence[Sequence[Order]]


def _families(orders: Sequence[Order], working: Sequence[Order]) -> list[list[Order]]:
    """Protective orders by family, without legs that wait for an entry that is still open."""
    entries = {order.family for order in working}
    found: dict[str, list[Order]] = {}
    for order in orders:
        if is_live(order) and is_protective(order) and order.family not in entries:
            found.setdefault(order.family, []).append(order)
    return list(found.values())


def _awaited(entry: Order, orders: Sequence[Order]) -> int:
    """What an open entry's legs will protect of what is held already.

    With what a replaced order had filled: the legs are for the whole.
    """
    legs = [o.lots for o in orders if is_protective(o) and o.family == entry.family]
    return max(max(legs, default=entry.lots) - entry.left, 0)


def _levels(rules: AssetRules, approved: ApprovedOrder, held: int, side: int) -> Levels:
    is_whole = held % rules.parts == 0
    target = on_tick(rules, approved.take_profit, -side) if rules.protect else NAN
    stop = on_tick(rules, approved.stop_loss, side) if rules.protect else NAN
    target, stop = (NAN if price == 0.0 else price for price in (target, stop))
    time = rules.time_in_force(fractional=not is_whole)
    may_be_both = (
        rules.asset_class != CRYPTO
        and not rules.venue.check_bracket(time, fractional=not is_whole)
        and side * (stop - target) >= STEP_BEYOND
    )
    if not math.isnan(stop) and not may_be_both:
        target = NAN  # only one can rest: the one that limits the loss
    kind, limit = stop_terms(rules, side, stop, is_whole=is_whole)
    return Levels(side, target, stop, kind, limit, time)


def _has_form(members: Sequence[Order], levels: Levels) -> bool:
    """Whether a family is of the kinds of orders that are wanted; prices can be moved."""
    roles = frozenset(order.role for order in members)
    kinds = {"target": "limit", "stop": levels.stop_type}
    # Of two exits one may have ended before the other is known to have: both go together.
    is_known = roles == levels.roles or (
        levels.roles > roles and bool(members[0].order_class) and bool(roles)
    )
    return is_known and all(order.type == kinds[order.role] for order in members)


def _lots(members: Sequence[Order]) -> int:
    """What a family may sell or buy: its orders are for the same units."""
    return max(order.left for order in members)


def _lessened(
    families: Sequence[Sequence[Order]], surplus: int, approved: ApprovedOrder
) -> list[Action]:
    actions: list[Action] = []
    for members in reversed(families):
        if surplus <= 0:
            break
        order = members[0]
        lots = order.lots - surplus
        if len(members) == 1 and order.left > surplus and may_resize(order, lots):
            return [*actions, _change(order, approved, lots=lots)]
        actions += cancels_of(members, "it is for more than is held")
        surplus -= _lots(members)
    return actions


def _moved(
    families: Sequence[Sequence[Order]], levels: Levels, approved: ApprovedOrder
) -> list[Action]:
    """Orders with other prices than wanted: replaced, or cancelled where they rest overnight."""
    actions: list[Action] = []
    for members in families:
        for order in members:
            is_stop = order.role == "stop"
            limit = levels.stop_limit if is_stop else levels.target
            stop = levels.stop if is_stop else NAN
            if is_same_price(order.limit, limit) and is_same_price(order.stop, stop):
                continue
            if is_replaceable(order.state):
                actions.append(_change(order, approved, limit=limit, stop=stop))
            elif order.status == "accepted":
                return cancels_of(members, "its price has moved")
    return actions


def _added(
    rules: AssetRules, approved: ApprovedOrder, levels: Levels, missing: int, now: _Open
) -> list[Action]:
    """Protection for what has none yet."""
    single = now.families[0] if len(now.families) == 1 else ()
    if len(single) == 1 and may_resize(single[0], single[0].lots + missing):
        return [_change(single[0], approved, lots=single[0].lots + missing)]
    if len(now.families) >= FAMILIES_MAX:
        resting = [order for members in now.families for order in members]
        return cancels_of(resting, "one order takes the place of many")
    mine = [o for o in now.orders if is_protective(o) and o.number == approved.number]
    refusals = sum(order.state is State.REJECTED for order in mine)
    if refusals >= REFUSALS_MAX or any(order.state is State.LOST for order in mine):
        return []
    place = _place(rules, approved, levels, missing)
    value = missing / rules.parts * (levels.target if math.isnan(levels.stop) else levels.stop)
    is_dust = value < rules.venue.least_notional(rules.asset_class)
    if is_dust or any(meets(place, order) for order in now.working):
        return []
    return [place]


def _place(rules: AssetRules, approved: ApprovedOrder, levels: Levels, lots: int) -> Place:
    stop = Place(
        asset=rules.asset,
        number=approved.number,
        event_ts=approved.event_ts,
        role="stop",
        side=levels.side,
        lots=lots,
        parts=rules.parts,
        type=levels.stop_type,
        limit=levels.stop_limit,
        stop=levels.stop,
        time_in_force=levels.time_in_force,
        reduces=True,
    )
    if "target" not in levels.roles:
        return stop
    target = replace(stop, role="target", type="limit", limit=levels.target, stop=NAN)
    if "stop" not in levels.roles:
        return target
    return replace(target, order_class="oco", take_profit=levels.target, stop_loss=levels.stop)


def _change(
    order: Order,
    approved: ApprovedOrder,
    *,
    lots: int = 0,
    limit: float = NAN,
    stop: float = NAN,
) -> Replace:
    return Replace(
        client_order_id=order.client_order_id,
        number=approved.number,
        event_ts=approved.event_ts,
        lots=lots,
        limit=limit,
        stop=stop,
    )
