"""What execution may do next, as values, and the orders that these become."""

import math

from msgspec import Struct

from fanfold.execution.venue_rules import VenueRules
from fanfold.live.execution.amounts import NAN
from fanfold.live.execution.records import Order
from fanfold.live.execution.states import State
from fanfold.live.plan import AssetPlan


class AssetRules(Struct, frozen=True, kw_only=True):
    """What the orders of one asset must be.

    Attributes:
        asset: Its number.
        asset_class: As in `fanfold.execution.venue_rules`.
        parts: Lots in one unit.
        ticks: Coarse and fine [micro-units].
        shortable: Whether it can be sold short.
        venue: The venue's rules.
        protect: Whether stops and targets rest at the venue.
        times: How long orders of whole units work, and of parts, where that was looked up.
    """

    asset: int
    asset_class: str
    parts: int
    ticks: tuple[int, int]
    shortable: bool
    venue: VenueRules
    protect: bool
    times: tuple[str, str] = ("", "")

    def time_in_force(self, *, fractional: bool) -> str:
        """How long orders work that do not say."""
        return self.times[fractional] or self.venue.default_time_in_force(
            self.asset_class, fractional=fractional
        )


def asset_rules(number: int, asset: AssetPlan, venue: VenueRules, *, protect: bool) -> AssetRules:
    """The rules of an asset of a plan."""
    return AssetRules(
        asset=number,
        asset_class=asset.asset_class,
        parts=asset.parts,
        ticks=(asset.tick_coarse, asset.tick_fine),
        shortable=asset.shortable,
        venue=venue,
        protect=protect,
        times=(
            venue.default_time_in_force(asset.asset_class, fractional=False),
            venue.default_time_in_force(asset.asset_class, fractional=True),
        ),
    )


class Place(Struct, frozen=True, kw_only=True):
    """Send a new order: all that it needs but its name.

    Fields are as in `Order`; `reduces` is whether it lessens the position.
    """

    asset: int
    number: int
    event_ts: int
    role: str
    side: int
    lots: int
    parts: int
    type: str
    limit: float = NAN
    stop: float = NAN
    time_in_force: str
    order_class: str = ""
    take_profit: float = NAN
    stop_loss: float = NAN
    reduces: bool = False


class Cancel(Struct, frozen=True, kw_only=True):
    """Ask the broker to cancel an order; the rest of its group goes with it."""

    client_order_id: str
    reason: str


class Replace(Struct, frozen=True, kw_only=True):
    """Ask the broker to put another order in an order's place.

    Attributes:
        client_order_id: Of the old order.
        number, event_ts: Of the approval that asks for it.
        lots: New total, unsigned; 0 leaves it as it is, and must not be sent.
        limit, stop: New prices, NaN leaves them as they are.
    """

    client_order_id: str
    number: int
    event_ts: int
    lots: int = 0
    limit: float = NAN
    stop: float = NAN


Action = Place | Cancel | Replace


def order_of(
    place: Place, client_order_id: str, revision: int, now: int, state: State = State.INTENDED
) -> Order:
    """The order that a `Place` becomes."""
    return Order(
        client_order_id=client_order_id,
        number=place.number,
        event_ts=place.event_ts,
        asset=place.asset,
        role=place.role,
        revision=revision,
        side=place.side,
        lots=place.lots,
        parts=place.parts,
        type=place.type,
        limit=place.limit,
        stop=place.stop,
        time_in_force=place.time_in_force,
        order_class=place.order_class,
        take_profit=place.take_profit,
        stop_loss=place.stop_loss,
        state=state,
        created_at=now,
    )


def successor_of(
    old: Order, change: Replace, client_order_id: str, revision: int, now: int
) -> Order:
    """The order that takes another's place: INTENDED, with `replaces` set.

    Its lots are the new total until the broker says what is left of it.
    """
    return Order(
        client_order_id=client_order_id,
        number=change.number,
        event_ts=change.event_ts,
        asset=old.asset,
        role=old.role,
        revision=revision,
        side=old.side,
        lots=change.lots or old.lots,
        parts=old.parts,
        type=old.type,
        limit=old.limit if math.isnan(change.limit) else change.limit,
        stop=old.stop if math.isnan(change.stop) else change.stop,
        time_in_force=old.time_in_force,
        order_class=old.order_class,
        take_profit=old.take_profit,
        stop_loss=old.stop_loss,
        parent=old.parent,
        group=old.family,
        replaces=old.client_order_id,
        created_at=now,
    )
