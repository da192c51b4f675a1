"""Whether the broker and the journal agree: asked after each (re)connect, before any order.

The stream repeats nothing, so what happened while it was down is read from REST: all orders
since the last message, the account's activities, positions and money. Messages that come
meanwhile are applied as they come, since applying is idempotent. Comparing is pure.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

import msgspec
from msgspec import Struct

from fanfold.alpaca.wire.accounts import AccountMessage, PositionMessage
from fanfold.alpaca.wire.assets import ClockMessage
from fanfold.alpaca.wire.numbers import decimal_of
from fanfold.alpaca.wire.orders import OrderMessage
from fanfold.live.execution.ids import is_fanfold, is_ours
from fanfold.live.execution.records import Execution
from fanfold.live.plan import Plan

FEE_SHARE_MAX: Final = 0.003
"""Most of the coins bought that the broker keeps as its fee [1]."""

BOOKING: Final = "booking"
"""Role of units that no order brought."""

FILL: Final = "FILL"
COIN_FEE: Final = "CFEE"
SPLIT: Final = "SPLIT"
"""Types of the account's activities that are looked at elsewhere."""

EXTERNAL: Final = "external"
"""Name under which the journal keeps what was not ours."""


class Activity(Struct, frozen=True, kw_only=True):
    """What moved the account: a fill, a split, a fee; fields that others have are None."""

    id: str
    activity_type: str
    symbol: str | None = None
    qty: str | None = None
    order_id: str | None = None
    cum_qty: str | None = None
    transaction_time: str | None = None
    created_at: str | None = None
    date: str | None = None


class Snapshot(Struct, frozen=True, kw_only=True):
    """What the broker said in one reconciliation.

    Attributes:
        orders: Since the last message and all that are open, legs within their parents.
        open_ids: Ids of those that were listed as open, legs too.
        activities: Since the last message, the oldest first.
        positions, account: The last things that were asked for.
        clock: Where the exchange's day was before all of it; None where nobody asked.
    """

    orders: tuple[OrderMessage, ...]
    open_ids: frozenset[str]
    activities: tuple[Activity, ...]
    positions: tuple[PositionMessage, ...]
    account: AccountMessage
    clock: ClockMessage | None = None


class Difference(Struct, frozen=True):
    """A symbol of which the broker has another position than ours and external together."""

    symbol: str
    ours: int
    external: int
    broker: int


class Verdict(Struct, frozen=True, kw_only=True):
    """What comes of comparing.

    Attributes:
        broker: Signed lots of each asset that the account holds.
        external: Of these, what is not ours.
        elsewhere: Symbols outside the plan that the account holds.
        differences: Where it does not add up.
        strangers: Open orders that are not ours, as "symbol side type".
        others: Tags of other deployments with open orders on the account.
    """

    broker: tuple[int, ...]
    external: tuple[int, ...]
    elsewhere: tuple[str, ...]
    differences: tuple[Difference, ...]
    strangers: tuple[str, ...]
    others: tuple[str, ...]


def broker_lots(plan: Plan, positions: Sequence[PositionMessage]) -> tuple[list[int], list[str]]:
    """Signed lots of each asset of the plan, and symbols of what else the account holds.

    Less than a lot counts as nothing.

    Raises:
        ValueError: A quantity is no number.
    """
    places = {asset.symbol.replace("/", ""): n for n, asset in enumerate(plan.assets)}
    lots, elsewhere = [0] * len(plan.assets), list[str]()
    for position in positions:
        quantity = decimal_of(position.qty)
        if position.side == "short" and quantity > 0:
            quantity = -quantity
        place = places.get(position.symbol.replace("/", ""))
        if place is not None:
            lots[place] = int(quantity * plan.assets[place].parts)
        elif quantity:
            elsewhere.append(position.symbol)
    return lots, elsewhere


def compared(
    plan: Plan,
    held: Sequence[int],
    external: Sequence[int] | None,
    snapshot: Snapshot,
    known: frozenset[str],
) -> Verdict:
    """Compare what the broker has with what the journal says.

    Args:
        plan: The deployment.
        held: Signed lots of each asset that the journal says are ours.
        external: What was not ours at the first reconciliation; None at the first, when
            whatever is not ours is external.
        snapshot: What the broker said.
        known: Broker's ids of our orders and legs.

    Raises:
        ValueError: A quantity is no number.
    """
    broker, elsewhere = broker_lots(plan, snapshot.positions)
    own = (
        list(external)
        if external is not None
        else [b - h for b, h in zip(broker, held, strict=True)]
    )
    rows = zip(plan.assets, held, own, broker, strict=True)
    differences = [
        Difference(asset.symbol, ours, beside, there)
        for asset, ours, beside, there in rows
        if ours + beside != there
    ]
    strangers, others = _not_ours(plan.tag, snapshot, known)
    return Verdict(
        broker=tuple(broker),
        external=tuple(own),
        elsewhere=tuple(sorted(elsewhere)),
        differences=tuple(differences),
        strangers=strangers,
        others=others,
    )


def _not_ours(
    tag: str, snapshot: Snapshot, known: frozenset[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    strangers, others = list[str](), set[str]()
    for order in snapshot.orders:
        if order.id not in snapshot.open_ids or order.id in known:
            continue
        if is_ours(tag, order.client_order_id):
            continue
        if is_fanfold(order.client_order_id):
            others.add(order.client_order_id.split("-")[1])
        else:
            strangers.append(f"{order.symbol} {order.side} {order.type}")
    return tuple(strangers), tuple(sorted(others))


def unit_changes(
    plan: Plan, activities: Sequence[Activity], held: Sequence[int], external: Sequence[int]
) -> list[Execution]:
    """Units that neither fills nor splits brought or took, our share of them.

    Fees in coins are left out: the broker takes them at the fill and lists them at the
    day's end, see `coin_fee`. Splits have a room of their own (`execution.splits`).

    Raises:
        ValueError: A quantity is no number.
    """
    places = {asset.symbol.replace("/", ""): n for n, asset in enumerate(plan.assets)}
    found: list[Execution] = []
    for activity in activities:
        place = places.get((activity.symbol or "").replace("/", ""))
        if activity.activity_type in {FILL, COIN_FEE, SPLIT} or place is None or not activity.qty:
            continue
        lots = int(decimal_of(activity.qty) * plan.assets[place].parts)
        total = held[place] + external[place]
        share = lots * held[place] // total if total else lots
        found.append(booking(f"{BOOKING}:{activity.id}", place, share))
    return found


def coin_fee(difference: int, bought: int) -> bool:
    """Whether a difference [lots] is what the broker keeps of coins bought [lots]."""
    return 0 < -difference <= bought * FEE_SHARE_MAX + 1


def booking(execution_id: str, asset: int, lots: int, price: int = 0, ts: int = 0) -> Execution:
    """Units that no order brought, as an execution without an order."""
    return Execution(
        execution_id=execution_id, client_order_id="", asset=asset, role=BOOKING, ts=ts,
        lots=lots, price=price, amount=0, told=abs(lots),
    )  # fmt: skip


def behind(snapshot: Snapshot, filled: Mapping[str, Decimal]) -> list[str]:
    """Broker's ids of our orders of which an activity tells more units filled than we know.

    Args:
        snapshot: What the broker said.
        filled: Units filled, by the broker's id, of our orders.

    Raises:
        ValueError: A quantity is no number.
    """
    return sorted(
        {
            activity.order_id
            for activity in snapshot.activities
            if activity.order_id is not None
            and activity.order_id in filled
            and activity.cum_qty is not None
            and decimal_of(activity.cum_qty) > filled[activity.order_id]
        }
    )


def newest(orders: Sequence[OrderMessage], activities: Sequence[Activity]) -> str:
    """The latest instant that a snapshot names, as its text; "" for none."""
    told = [order.updated_at for order in orders]
    told += [one.transaction_time or one.created_at or "" for one in activities]
    return max(told, default="", key=_sortable)


def _sortable(text: str) -> tuple[str, str]:
    whole, _, rest = text.rstrip("Zz").partition(".")
    return whole, rest


def external_text(external: Sequence[int], symbols: Sequence[str]) -> str:
    """External lots by symbol, to be kept in the journal."""
    return msgspec.json.encode(dict(zip(symbols, external, strict=True))).decode()


def external_of(text: str, symbols: Sequence[str]) -> list[int] | None:
    """What `external_text` wrote; None where nothing was kept."""
    if not text:
        return None
    kept: dict[str, Any] = msgspec.json.decode(text, type=dict[str, int])
    return [int(kept.get(symbol, 0)) for symbol in symbols]
