"""What an account may do with an asset, and whether it has what that needs.

Permissions, that it never trades with itself, units to close and money to open.
"""

from decimal import Decimal
from typing import Final

from fanfold.alpaca.wire.numbers import decimal_text
from fanfold.alpaca.wire.refusals import Refusal, forbidden, unprocessable
from fanfold.execution.venue_rules import CRYPTO
from fanfold.venue.trading.desk import Desk
from fanfold.venue.trading.intake.hours import check_window
from fanfold.venue.trading.intake.rules import Case
from fanfold.venue.trading.money import figures, held_qty, market_price
from fanfold.venue.trading.money.reserves import units_for
from fanfold.venue.trading.terms import OPEN_ORDERS_MAX
from fanfold.venue.trading.values import ZERO, Order

EXPOSURE_MAX: Final = 6
"""Gross value of positions beyond which an account only closes [times its equity]."""

WASH: Final = "potential wash trade detected. use complex orders"

_LIMITS: Final = ("limit", "stop_limit")


def check_account(case: Case) -> Refusal | None:
    """Whether the account may send orders at all, and open positions."""
    account = case.desk.book.account(case.account_id)
    if account.suspend_trade:
        return forbidden("new orders are rejected by user request")
    if case.desk.book.open_count(case.account_id) >= OPEN_ORDERS_MAX:
        return forbidden(f"too many open orders, at most {OPEN_ORDERS_MAX} are accepted")
    if case.closes or not case.desk.book.positions(case.account_id):
        return None
    money = figures(case.desk, case.account_id)
    gross = money.long_market_value - money.short_market_value
    if gross > EXPOSURE_MAX * money.equity:
        return forbidden("account is restricted to liquidation only")
    return None


def check_asset(case: Case) -> Refusal | None:
    """Whether the asset trades, and in such parts."""
    asset, account = case.asset, case.desk.book.account(case.account_id)
    if not asset.tradable:
        return forbidden(f'asset "{asset.symbol}" is not tradable')
    if not case.ask.is_fractional or asset.asset_class == CRYPTO:
        return None
    if not asset.fractionable:
        return forbidden(f'asset "{asset.symbol}" is not fractionable')
    if not account.fractional_trading:
        return forbidden("account is not allowed to trade fractions")
    return None


def check_auction(case: Case) -> Refusal | None:
    """Whether an order for an auction comes in time."""
    return check_window(case.desk, case.asset, case.ask.time_in_force)


def check_short(case: Case) -> Refusal | None:
    """Whether a sale that opens or increases a short position may."""
    if case.intent != "sell_to_open":
        return None
    asset, money = case.asset, figures(case.desk, case.account_id)
    reason = case.desk.terms.rules.check_short(
        float(money.equity), asset.asset_class, fractional=case.ask.is_fractional
    )
    if reason == "fractional":
        return unprocessable("fractional orders cannot be sold short")
    if reason == "short_equity" or not money.shorting_enabled:
        return forbidden("account is not allowed to short")
    if reason or not (asset.shortable and asset.easy_to_borrow):
        return forbidden(f'asset "{asset.symbol}" cannot be sold short')
    return None


def check_wash(case: Case) -> Refusal | None:
    """Whether an order could trade with an open order of the same account.

    Market and stop orders meet any order on the other side; two limits meet if the buy is
    at the sell's limit or above. Exits of other orders and trailing stops are exempt.
    """
    ask = case.ask
    if ask.order_class == "oco" or ask.kind == "trailing_stop":
        return None
    for order in case.open_orders("sell" if ask.side == "buy" else "buy"):
        if is_exempt(order):
            continue
        refused = _meeting(ask.kind, ask.limit_price, order)
        if refused is not None:
            return refused
    return None


def is_exempt(order: Order) -> bool:
    """Whether an order is never a wash trade: exits of other orders, and trailing stops."""
    return bool(order.parent) or order.order_class == "oco" or order.kind == "trailing_stop"


def check_sides(case: Case) -> Refusal | None:
    """Openings on both sides are never open at once: one would flip what the other opened."""
    if case.closes:
        return None
    other = "sell" if case.ask.side == "buy" else "buy"
    opposite = f"{other}_to_open"
    if not any(order.position_intent == opposite for order in case.open_orders(other)):
        return None
    if case.ask.side == "buy":
        return forbidden("cannot open a long buy while a short sell order is open")
    return forbidden("cannot open a short sell while a long buy order is open")


def check_notional_sale(case: Case) -> Refusal | None:
    """Outside the session a sale for money and another sale are not open at once."""
    ask, phase = case.ask, case.desk.market.hours(case.asset.calendar).phase
    if ask.side != "sell" or phase == "regular":
        return None
    sales = case.open_orders("sell")
    if not sales or (ask.notional is None and all(order.notional is None for order in sales)):
        return None
    return forbidden(
        "notional orders and other sell orders are not accepted together outside market hours"
    )


def check_cost_basis(case: Case) -> Refusal | None:
    """Whether the order is worth the least that the venue takes."""
    ask, asset = case.ask, case.asset
    least = case.desk.terms.rules.least_notional(asset.asset_class)
    price = ask.limit_price or ask.stop_price or market_price(case.desk, asset.symbol)
    if price is None:
        return unprocessable(f'no market price for asset "{asset.symbol}"')
    cost = ask.notional if ask.qty is None else ask.qty * price
    if cost is None or cost >= Decimal(repr(least)):
        return None
    return forbidden(f"cost basis must be >= minimal amount of order {least:g}")


def check_funds(desk: Desk, order: Order, *, replaced: Order | None = None) -> Refusal | None:
    """Whether there are units or money for an order that is complete.

    Args:
        desk: Book, market and terms.
        order: The order, with what it reserves.
        replaced: The order that it replaces: what that one holds is free for it.
    """
    if order.position_intent.endswith("_to_close"):
        return _check_units(desk, order, replaced)
    money = figures(desk, order.account)
    freed = ZERO if replaced is None else replaced.reserved
    if order.asset_class == CRYPTO:
        free = money.non_marginable_buying_power + freed
        if order.reserved <= free:
            return None
        return forbidden(
            f"insufficient balance for USD (requested: {decimal_text(order.reserved)}, "
            f"available: {decimal_text(free)})",
            available=decimal_text(free),
            balance=decimal_text(money.cash),
            symbol="USD",
        )
    free = money.buying_power + freed
    if order.reserved <= free:
        return None
    return forbidden(
        "insufficient buying power",
        buying_power=decimal_text(free),
        cost_basis=decimal_text(order.reserved),
    )


def short_of_units(symbol: str, wanted: Decimal, *, existing: Decimal, held: Decimal) -> Refusal:
    """The refusal of a sale of more than is held and free.

    Args:
        symbol: Of which asset.
        wanted: Units asked for.
        existing: Units held.
        held: Units that open orders hold.
    """
    free = decimal_text(max(existing - held, ZERO))
    return forbidden(
        f"insufficient qty available for order (requested: {decimal_text(wanted)}, "
        f"available: {free})",
        available=free,
        existing_qty=decimal_text(existing),
        held_for_orders=decimal_text(held),
        symbol=symbol,
    )


def _meeting(kind: str, limit: Decimal | None, order: Order) -> Refusal | None:
    existing = {"existing_order_id": order.id}
    if order.kind not in _LIMITS:
        reason = "opposite side market/stop order exists"
        return forbidden(WASH, reject_reason=reason, **existing)
    if kind not in _LIMITS or limit is None or order.limit_price is None:
        return forbidden(WASH, reject_reason="opposite side limit order exists", **existing)
    buying = order.side == "sell"
    buy, sell = (limit, order.limit_price) if buying else (order.limit_price, limit)
    if buy < sell:
        return None
    reason = (
        "sell order exists, buy limit price should be less than existing sell limit price"
        if buying
        else "buy order exists, sell limit price should be greater than existing buy limit price"
    )
    prices = {"buy_limit_price": decimal_text(buy), "sell_limit_price": decimal_text(sell)}
    return forbidden(WASH, reject_reason=reason, **existing, **prices)


def _check_units(desk: Desk, order: Order, replaced: Order | None) -> Refusal | None:
    existing = abs(desk.book.position(order.account, order.symbol).qty)
    without = "" if replaced is None else replaced.parent or replaced.id
    held = held_qty(desk, order.account, order.symbol, without=without)
    free = max(existing - held, ZERO)
    wanted = _wanted(desk, order)
    if wanted <= free:
        return None
    if order.asset_class == CRYPTO:
        coin = order.symbol.partition("/")[0]
        return forbidden(
            f"insufficient balance for {coin} (requested: {decimal_text(wanted)}, "
            f"available: {decimal_text(free)})",
            available=decimal_text(free),
            balance=decimal_text(existing),
            symbol=coin,
        )
    return short_of_units(order.symbol, wanted, existing=existing, held=held)


def _wanted(desk: Desk, order: Order) -> Decimal:
    if order.qty is not None:
        return order.open_qty
    return units_for(desk, order.symbol, order.notional or ZERO)
