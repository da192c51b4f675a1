"""The hard limits once more, where an approval arrives: whatever risk has come to believe."""

import math

from fanfold.domain.money import MICRO
from fanfold.live.messages import ApprovedOrder
from fanfold.live.plan import AssetPlan
from fanfold.risk.limits import Limits

MARGIN: float = 0.01
"""How far a limit may be passed by prices that moved since risk looked [1]."""

NS = 1_000_000_000


def last_look(  # noqa: PLR0911  (one a case)
    approved: ApprovedOrder,
    asset: AssetPlan,
    limits: Limits,
    *,
    epoch: int,
    held: int,
    equity: int,
    age_s_max: float,
    now: int,
) -> str:
    """Why an approval is not acted on, "" where it is.

    Args:
        approved: What risk says.
        asset: Of the plan.
        limits: Of the deployment.
        epoch: Of the present arming.
        held: Signed lots that the deployment holds.
        equity: Of the account, 0 where it is not known yet [micro-units].
        age_s_max: Oldest approval that is acted on [s].
        now: [ns UTC]
    """
    if approved.epoch != epoch:
        return f"epoch: must be {epoch}, was {approved.epoch}"
    age_s = (now - approved.approved_at) / NS
    if not age_s <= age_s_max:
        return f"age: must be {age_s_max} s at most, was {age_s:.3f}"
    if not (math.isfinite(approved.reference) and approved.reference > 0.0):
        return f"reference: must be a price, was {approved.reference}"
    if approved.most < 0:
        return f"most: must not be negative, was {approved.most}"
    if lessens(held, approved.goal):
        return ""
    if approved.reduce_only:
        return f"reduce_only: goal {approved.goal} does not lessen {held}"
    if approved.goal < 0 and not asset.shortable:
        return f"not_shortable: {asset.symbol}"
    return _too_large(approved, asset, limits, equity)


def lessens(held: int, goal: int) -> bool:
    """Whether going from what is held to a goal only lessens the position [lots]."""
    return abs(goal) <= abs(held) and goal * held >= 0


def _too_large(approved: ApprovedOrder, asset: AssetPlan, limits: Limits, equity: int) -> str:
    lot_value = approved.reference / asset.parts
    order, position = approved.most * lot_value, abs(approved.goal) * lot_value
    if (bound := limits.max_order_notional) is not None and order > bound * (1 + MARGIN):
        return f"max_order_notional: must be {bound} at most, was {order:.2f}"
    if (share := limits.max_position) is not None and equity > 0:
        room = share * equity / MICRO
        if position > room * (1 + MARGIN):
            return f"max_position: must be {room:.2f} at most, was {position:.2f}"
    return ""
