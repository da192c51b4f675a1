"""New orders: from an unchecked body to complete values, or the first reason why not.

The order of the checks, so that a client is told what it can mend first:

1. shape: fields that can be read, how much, prices of the type (422 40010001);
2. the asset (422 42210000), and that the client's name for the order is new (422 40010001):
   before anything that depends on the account, so that a repeated request says so;
3. business rules: type by time in force, class, hours, ticks, stops, exits, intent
   (422 42210000);
4. permissions: account, asset, auction, short sale (403 40310000, and 422 for fractions);
5. wash trades and openings on both sides (403 40310000);
6. least value, then units or money (403 40310000).
"""

from collections.abc import Callable
from decimal import ROUND_DOWN, Decimal
from typing import Any, Final

from fanfold.alpaca.wire.refusals import Refusal, malformed, not_found, unprocessable
from fanfold.execution.venue_rules import CRYPTO
from fanfold.venue.market.values import Asset
from fanfold.venue.trading.desk import Desk
from fanfold.venue.trading.intake import rules, standing
from fanfold.venue.trading.intake.ask import Ask
from fanfold.venue.trading.intake.making import make_order, with_legs
from fanfold.venue.trading.intake.rules import Case, case_of
from fanfold.venue.trading.intake.shape import NUMBER_MAX, echo, read
from fanfold.venue.trading.money import available_qty, held_qty
from fanfold.venue.trading.terms import NAMES_DECIMALS
from fanfold.venue.trading.values import ZERO, Order, Position

Check = Callable[[Case], Refusal | None]
"""One reason why an order is not taken; None if it is not given."""

TERMS_CHECKS: Final = (
    rules.check_client_id,
    rules.check_matrix,
    rules.check_class,
    rules.check_hours,
    rules.check_precision,
    rules.check_stop,
    rules.check_exits,
    rules.check_intent,
)
"""What an order must be by itself, in the order of the answers."""

ACCOUNT_CHECKS: Final = (
    standing.check_account,
    standing.check_asset,
    standing.check_auction,
    standing.check_short,
    standing.check_wash,
    standing.check_sides,
    standing.check_notional_sale,
)
"""What the account may do, in the order of the answers."""

UNIT: Final = Decimal(1).scaleb(-NAMES_DECIMALS)
"""Smallest part of a unit that is traded."""

PERCENT_ALL: Final = Decimal(100)


def admit(desk: Desk, account_id: str, body: Any) -> tuple[Order, ...] | Refusal:
    """Make orders of a request, or say why not; nothing is put in the book.

    Args:
        desk: Book, market and terms.
        account_id: Whose.
        body: As JSON had it, unchecked; anything but an object is refused too.

    Returns:
        The order, then its legs, complete: "accepted" if it has to wait for its session,
        else "pending_new"; legs "held".
    """
    ask = read(body)
    if isinstance(ask, Refusal):
        return ask
    asset = desk.market.asset(ask.symbol)
    if asset is None:
        return unprocessable(f'asset "{echo(ask.symbol)}" not found')
    case = case_of(desk, account_id, asset, ask)
    refused = _first(case, (*TERMS_CHECKS, *ACCOUNT_CHECKS, standing.check_cost_basis))
    return _admitted(case) if refused is None else refused


def closing(
    desk: Desk,
    account_id: str,
    symbol: str,
    qty: Decimal | None,
    percentage: Decimal | None,
) -> tuple[Order, ...] | Refusal:
    """Make the order that closes a position or a part of it at market.

    Args:
        desk: Book, market and terms.
        account_id: Whose.
        symbol: Which, as the asset has it, or in any form that orders know.
        qty: Units; the whole position if neither is given.
        percentage: Percent of the position, above 0 and up to 100.
    """
    asset = desk.market.asset(symbol)
    if asset is None:
        return not_found(f"symbol not found: {echo(symbol)}")
    position = desk.book.position(account_id, asset.symbol)
    if not position.qty:
        return not_found("position does not exist")
    wanted = _part(position, asset, qty, percentage)
    if isinstance(wanted, Refusal):
        return wanted
    if wanted > available_qty(desk, account_id, asset.symbol):
        held = held_qty(desk, account_id, asset.symbol)
        return standing.short_of_units(asset.symbol, wanted, existing=abs(position.qty), held=held)
    ask = Ask(
        symbol=asset.symbol,
        side="sell" if position.qty > 0 else "buy",
        kind="market",
        time_in_force="gtc" if asset.asset_class == CRYPTO else "day",
        qty=wanted,
    )
    case = case_of(desk, account_id, asset, ask)
    refused = _first(case, ACCOUNT_CHECKS)
    return _admitted(case) if refused is None else refused


def _first(case: Case, checks: tuple[Check, ...]) -> Refusal | None:
    for check in checks:
        refused = check(case)
        if refused is not None:
            return refused
    return None


def _admitted(case: Case) -> tuple[Order, ...] | Refusal:
    order = make_order(case)
    if isinstance(order, Refusal):
        return order
    refused = standing.check_funds(case.desk, order)
    return with_legs(case, order) if refused is None else refused


def _part(
    position: Position, asset: Asset, qty: Decimal | None, percentage: Decimal | None
) -> Decimal | Refusal:
    """Units of a position that are to be closed."""
    if qty is not None and percentage is not None:
        return malformed("only one of qty or percentage is accepted")
    for name, asked in (("qty", qty), ("percentage", percentage)):
        if asked is None:
            continue
        if not asked.is_finite() or asked <= ZERO:
            return malformed(f"{name} must be > 0")
        if asked >= NUMBER_MAX or asked != round(asked, NAMES_DECIMALS):
            return malformed(f"{name} must be limited to {NAMES_DECIMALS} decimal places")
    if percentage is not None:
        return _percent(position, asset, percentage)
    return abs(position.qty) if qty is None else qty


def _percent(position: Position, asset: Asset, percentage: Decimal) -> Decimal | Refusal:
    if percentage > PERCENT_ALL:
        return malformed("percentage must be between 0 and 100")
    parts = asset.fractionable and position.qty > 0
    step = UNIT if parts or percentage == PERCENT_ALL else Decimal(1)
    part = (abs(position.qty) * percentage / PERCENT_ALL).quantize(step, ROUND_DOWN)
    return part or malformed("qty must be > 0")
