"""Replacing an order: its successor, checked as a new order is."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from msgspec.structs import replace

from fanfold.alpaca.wire.refusals import Refusal, malformed, unprocessable
from fanfold.execution.venue_rules import TIMES_IN_FORCE
from fanfold.venue.market.values import Asset
from fanfold.venue.trading.desk import Desk
from fanfold.venue.trading.intake import rules, standing
from fanfold.venue.trading.intake.ask import Ask, check_prices
from fanfold.venue.trading.intake.group import check_group
from fanfold.venue.trading.intake.hours import expiry
from fanfold.venue.trading.intake.making import collar_of, trailing_stop_price
from fanfold.venue.trading.intake.rules import case_of
from fanfold.venue.trading.intake.shape import client_id, fields_of, number, sent
from fanfold.venue.trading.money import reserve_for
from fanfold.venue.trading.states import REPLACEABLE
from fanfold.venue.trading.values import ZERO, Order

_PRICES: Final = {"limit_price": "limit price", "stop_price": "stop price", "trail": "trail"}

_TERMS: Final = (
    "qty",
    "time_in_force",
    "limit_price",
    "stop_price",
    "trail_price",
    "trail_percent",
)
"""What can be another in the successor, its client's name aside."""

_CHECKS: Final = (
    rules.check_client_id,
    rules.check_matrix,
    rules.check_hours,
    rules.check_precision,
    standing.check_auction,
    standing.check_wash,
    standing.check_cost_basis,
)


def amended(desk: Desk, order: Order, body: Any) -> Order | Refusal:
    """Make the order that takes an order's place, or say why not.

    What has filled of the old order counts for the successor: `qty` is the new total.

    Args:
        desk: Book, market and terms.
        order: The order to be replaced.
        body: As JSON had it, unchecked: qty, time_in_force, limit_price, stop_price, trail,
            client_order_id; what is absent or null stays as it is.
    """
    given, asset = fields_of(body), desk.market.asset(order.symbol)
    refused = _check_status(order)
    if refused is not None:
        return refused
    if given is None or asset is None:
        return malformed("request body must be a JSON object")
    changes = _changes(order, given)
    if isinstance(changes, Refusal):
        return changes
    refused = _check_terms(desk, order, asset, changes, given)
    return _successor(desk, order, asset, changes) if refused is None else refused


def _check_status(order: Order) -> Refusal | None:
    if not order.is_open:
        return unprocessable("unable to replace order, order is not open")
    if order.status not in REPLACEABLE:
        return unprocessable(f"cannot replace order in {order.status} status")
    if order.notional is not None:
        return unprocessable("notional orders cannot be replaced")
    return None


def _changes(order: Order, given: Mapping[str, Any]) -> dict[str, Any] | Refusal:
    """Fields of the successor that are said to be another."""
    named = client_id(given.get("client_order_id"))
    if isinstance(named, Refusal):
        return named
    changes: dict[str, Any] = {"client_order_id": named}
    if "time_in_force" in given:
        word = given["time_in_force"]
        if not isinstance(word, str) or word not in TIMES_IN_FORCE:
            return malformed("invalid time_in_force")
        changes["time_in_force"] = word
    for name, words in _PRICES.items():
        if name in given:
            value = number(given[name], words)
            if isinstance(value, Refusal):
                return value
            changes[_trail_field(order) if name == "trail" else name] = value
    if "qty" in given:
        qty = _new_qty(order, given["qty"])
        if isinstance(qty, Refusal):
            return qty
        changes["qty"] = qty
    same = all(changes.get(name) in {None, getattr(order, name)} for name in _TERMS)
    return unprocessable("order parameters are not changed") if same else changes


def _trail_field(order: Order) -> str:
    return "trail_price" if order.trail_percent is None else "trail_percent"


def _new_qty(order: Order, raw: Any) -> Decimal | Refusal:
    qty = number(raw, "qty")
    if isinstance(qty, Refusal) or qty == order.qty:
        return qty
    if qty % 1 != 0 or (order.qty or ZERO) % 1 != 0:
        return unprocessable("fractional qty cannot be replaced")
    if qty <= order.filled_qty:
        return unprocessable("qty must be > filled_qty")
    return qty


def _check_terms(
    desk: Desk,
    order: Order,
    asset: Asset,
    changes: Mapping[str, Any],
    given: Mapping[str, Any],
) -> Refusal | None:
    """Check the new terms as those of a new order."""
    is_trailing = order.kind == "trailing_stop"
    terms = {name: changes.get(name, getattr(order, name)) for name in _TERMS}
    if is_trailing and "stop_price" not in changes:
        terms["stop_price"] = None  # it follows from the trail
    ask = Ask(
        symbol=order.symbol,
        side=order.side,
        kind=order.kind,
        order_class=order.order_class,
        extended_hours=order.extended_hours,
        client_order_id=changes["client_order_id"],
        said={name: sent(given[name]) for name in _PRICES if given.get(name) is not None},
        **terms,
    )
    refused = check_prices(ask)
    if refused is not None:
        return refused
    case = case_of(desk, order.account, asset, ask, without=order.id)
    exempt = standing.is_exempt(order)
    for check in (*_CHECKS, *((rules.check_stop,) if "stop_price" in changes else ())):
        if exempt and check is standing.check_wash:
            continue
        refused = check(case)
        if refused is not None:
            return refused
    return rules.check_class_time(case) or check_group(
        desk, order, terms["limit_price"], terms["stop_price"]
    )


def _successor(
    desk: Desk, order: Order, asset: Asset, changes: Mapping[str, Any]
) -> Order | Refusal:
    if order.triggered and order.kind == "trailing_stop":
        return unprocessable("trailing stop order is triggered already")
    now, identity = desk.now, desk.book.new_id()
    successor = replace(
        order,
        **{
            **changes,
            "id": identity,
            "client_order_id": changes["client_order_id"] or desk.book.new_id(),
            "status": "pending_new",
            "before": "",
            "replaces": order.id,
            "created_at": now,
            "updated_at": now,
            "submitted_at": now,
            "resting_since": None,
            "due_at": None,
        },
    )
    if "time_in_force" in changes:
        ends = expiry(desk, asset, successor.time_in_force, extended_hours=order.extended_hours)
        successor = replace(successor, expires_at=ends)
    if order.kind == "trailing_stop":
        successor = replace(successor, stop_price=trailing_stop_price(desk, successor))
        if not successor.stop_price:
            return unprocessable("trail_price must be less than current price")
    successor = replace(successor, collar=collar_of(desk, successor))
    successor = replace(successor, reserved=reserve_for(desk, successor))
    refused = standing.check_funds(desk, successor, replaced=order)
    return successor if refused is None else refused
