"""Orders made of requests that passed the checks, complete but for what happens to them."""

from decimal import Decimal

from msgspec.structs import replace

from fanfold.alpaca.wire.refusals import Refusal, unprocessable
from fanfold.domain.money import MICRO
from fanfold.execution.venue_rules import to_tick
from fanfold.venue.market.values import Asset
from fanfold.venue.trading.desk import Desk
from fanfold.venue.trading.intake.ask import Ask
from fanfold.venue.trading.intake.hours import expiry, waits
from fanfold.venue.trading.intake.rules import Case
from fanfold.venue.trading.money import collar_above, market_price, reference, reserve_for
from fanfold.venue.trading.values import ZERO, Order


def make_order(case: Case) -> Order | Refusal:
    """The order that is asked for, with what it reserves, without its legs.

    Returns:
        A refusal where a trailing stop has no price to trail, or none left.
    """
    desk, ask, asset, now = case.desk, case.ask, case.asset, case.desk.now
    hours = desk.market.hours(asset.calendar)
    waiting = waits(hours, ask.time_in_force, extended_hours=ask.extended_hours)
    trail = _trail(desk, ask, asset)
    if isinstance(trail, Refusal):
        return trail
    hwm, stop = trail
    order = Order(
        id=desk.book.new_id(),
        client_order_id=ask.client_order_id or desk.book.new_id(),
        account=case.account_id,
        symbol=asset.symbol,
        asset_class=asset.asset_class,
        side=ask.side,
        kind=ask.kind,
        time_in_force=ask.time_in_force,
        order_class=ask.order_class,
        position_intent=case.intent,
        qty=ask.qty,
        notional=ask.notional,
        limit_price=ask.limit_price,
        stop_price=stop,
        trail_price=ask.trail_price,
        trail_percent=ask.trail_percent,
        hwm=hwm,
        extended_hours=ask.extended_hours,
        status="accepted" if waiting else "pending_new",
        created_at=now,
        updated_at=now,
        submitted_at=now,
        expires_at=expiry(desk, asset, ask.time_in_force, extended_hours=ask.extended_hours),
    )
    order = replace(order, collar=collar_of(desk, order))
    return replace(order, reserved=reserve_for(desk, order))


def with_legs(case: Case, order: Order) -> tuple[Order, ...]:
    """An order and its exits, which are held until it has filled.

    Of an oco the order itself is the take-profit, and its leg the stop-loss.
    """
    ask = case.ask
    legs: list[Order] = []
    if ask.target is not None and ask.order_class != "oco":
        legs.append(_leg(case.desk, order, "take_profit", kind="limit", limit=ask.target))
    if ask.loss_stop is not None:
        kind = "stop" if ask.loss_limit is None else "stop_limit"
        legs.append(
            _leg(case.desk, order, "stop_loss", kind=kind, limit=ask.loss_limit, stop=ask.loss_stop)
        )
    return (replace(order, legs=tuple(leg.id for leg in legs)), *legs)


def trailing_stop_price(desk: Desk, order: Order) -> Decimal:
    """Where a trailing stop is: its distance from the extreme, on a tick [currency].

    Never more eager than was asked: a buy's is rounded up, a sell's down.
    """
    hwm = order.hwm or ZERO
    distance = (
        hwm * (order.trail_percent or ZERO) / 100
        if order.trail_price is None
        else order.trail_price
    )
    price = hwm + order.sign * distance
    if price <= 0:
        return ZERO
    ticks = desk.terms.rules.ticks(order.asset_class)
    micro = int(price * MICRO)
    if order.sign > 0 and price * MICRO != micro:
        micro += 1
    return Decimal(to_tick(micro, order.sign, *ticks)) / MICRO


def collar_of(desk: Desk, order: Order) -> Decimal | None:
    """The most that a buy may pay, where the venue sets a limit of its own [currency].

    A buy stop becomes a limit order at its stop and the collar once it triggers. A buy at
    market that opens or increases a position is collared above the ask. One that waits for
    its session has no collar: the ask that it will meet is not known yet.
    """
    if order.side != "buy" or not desk.terms.rules.stop_is_collared:
        return None
    if order.kind in {"stop", "trailing_stop"} and order.stop_price is not None:
        return collar_above(desk, order.stop_price, order.asset_class)
    opens = order.position_intent == "buy_to_open"
    if order.kind != "market" or not opens or order.status == "accepted":
        return None
    ask = reference(desk, order.symbol, "buy")
    return None if ask is None else collar_above(desk, ask, order.asset_class)


def _trail(desk: Desk, ask: Ask, asset: Asset) -> tuple[Decimal | None, Decimal | None] | Refusal:
    """The extreme and the stop that an order begins with."""
    if ask.kind != "trailing_stop":
        return None, ask.stop_price
    hwm = market_price(desk, asset.symbol)
    if hwm is None:
        return unprocessable(f'no market price for asset "{asset.symbol}"')
    now = desk.now
    begun = Order(
        id="",
        client_order_id="",
        account="",
        symbol=asset.symbol,
        asset_class=asset.asset_class,
        side=ask.side,
        kind=ask.kind,
        time_in_force=ask.time_in_force,
        trail_price=ask.trail_price,
        trail_percent=ask.trail_percent,
        hwm=hwm,
        created_at=now,
        updated_at=now,
        submitted_at=now,
    )
    stop = trailing_stop_price(desk, begun)
    if stop <= 0:
        return unprocessable("trail_price must be less than current price")
    return hwm, stop


def _leg(
    desk: Desk,
    entry: Order,
    role: str,
    *,
    kind: str,
    limit: Decimal | None = None,
    stop: Decimal | None = None,
) -> Order:
    exits = entry.order_class == "oco"
    side = entry.side if exits else ("sell" if entry.side == "buy" else "buy")
    leg = replace(
        entry,
        id=desk.book.new_id(),
        client_order_id=desk.book.new_id(),
        side=side,
        kind=kind,
        position_intent=f"{side}_to_close",
        limit_price=limit,
        stop_price=stop,
        status="held",
        collar=None,
        reserved=ZERO,
        parent=entry.id,
        role=role,
        legs=(),
    )
    return replace(leg, collar=collar_of(desk, leg))
