"""What a deployment holds, from its journal and the broker's own list of its orders.

A journal may lag behind: what the broker says was filled of our orders counts beyond it.
"""

from collections.abc import Sequence

from msgspec import Struct

from fanfold.alpaca.wire.accounts import PositionMessage
from fanfold.alpaca.wire.numbers import decimal_of
from fanfold.alpaca.wire.orders import OrderMessage
from fanfold.live.execution.amounts import lots_of
from fanfold.live.execution.ids import is_ours
from fanfold.live.execution.journal import Journal
from fanfold.live.execution.reconcile import broker_lots
from fanfold.live.plan import Plan


class Owned(Struct, frozen=True, kw_only=True):
    """What is ours on the account.

    Attributes:
        broker_ids: Of our orders and their legs.
        held: Signed lots of each asset that are ours.
        to_flatten: Of these, what the broker has in the same direction.
        free: Unsigned lots that no open order holds.
        left: Symbol and signed lots of what is ours and there.
    """

    broker_ids: frozenset[str]
    held: tuple[int, ...]
    to_flatten: tuple[int, ...]
    free: tuple[int, ...]
    left: tuple[tuple[str, int], ...]


def owned_of(
    plan: Plan,
    journal: Journal | None,
    orders: Sequence[OrderMessage],
    positions: Sequence[PositionMessage],
) -> Owned:
    """What is ours.

    Args:
        plan: The deployment.
        journal: Opened to read; None where there is none.
        orders: Of the account, legs listed by themselves.
        positions: Of the account.
    """
    booked = journal.held() if journal is not None else {}
    held = [booked.get(asset, 0) for asset in range(len(plan.assets))]
    names = {asset.symbol.replace("/", ""): n for n, asset in enumerate(plan.assets)}
    ids: set[str] = set()
    legs = {
        leg.id
        for order in orders
        if is_ours(plan.tag, order.client_order_id)
        for leg in order.legs or ()
    }
    for order in orders:
        known = journal.order(order.client_order_id) if journal is not None else None
        is_own = is_ours(plan.tag, order.client_order_id) or order.id in legs
        if known is None and not is_own:
            continue
        ids.add(order.id)
        asset = names.get((order.symbol or "").replace("/", ""))
        if asset is None:
            continue
        filled = lots_of(order.filled_qty, plan.assets[asset].parts)
        more = filled - (known.filled if known is not None else 0)
        held[asset] += max(more, 0) * (1 if order.side == "buy" else -1)
    there, _ = broker_lots(plan, positions)
    flatten = [_bounded(ours, all_) for ours, all_ in zip(held, there, strict=True)]
    rows = zip(plan.symbols, flatten, strict=True)
    return Owned(
        broker_ids=frozenset(ids),
        held=tuple(held),
        to_flatten=tuple(flatten),
        free=tuple(_free(plan, positions)),
        left=tuple((symbol, lots) for symbol, lots in rows if lots),
    )


def _bounded(ours: int, there: int) -> int:
    """What of ours can be there: the smaller, where both have one direction [lots]."""
    if ours * there <= 0:
        return 0
    return ours if abs(ours) <= abs(there) else there


def _free(plan: Plan, positions: Sequence[PositionMessage]) -> list[int]:
    names = {asset.symbol.replace("/", ""): n for n, asset in enumerate(plan.assets)}
    free = [0] * len(plan.assets)
    for position in positions:
        asset = names.get(position.symbol.replace("/", ""))
        if asset is not None:
            text = position.qty_available if position.qty_available is not None else position.qty
            free[asset] = abs(int(decimal_of(text) * plan.assets[asset].parts))
    return free
