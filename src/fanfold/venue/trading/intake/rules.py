"""What the broker demands of an order by itself: type and time in force, prices, exits.

`VenueRules` decides what is taken; here are the broker's words for it.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from msgspec import Struct

from fanfold.alpaca.wire.numbers import decimal_text
from fanfold.alpaca.wire.refusals import Refusal, forbidden, malformed, unprocessable
from fanfold.domain.money import MICRO
from fanfold.execution.venue_rules import CRYPTO
from fanfold.venue.market.values import Asset
from fanfold.venue.trading.desk import Desk
from fanfold.venue.trading.intake.ask import Ask
from fanfold.venue.trading.money import market_price
from fanfold.venue.trading.values import Order, Position

STOPS: Final = ("stop", "stop_limit", "trailing_stop")
"""Types that wait for a price."""

STEP_BEYOND: Final = Decimal("0.01")
"""How far the prices of exits lie beyond what they are measured at [currency]."""

CRYPTO_DECIMALS: Final = 9
"""Digits after the point of prices that lie on no tick."""

_WORDS: Final = {
    "time_in_force": "fractional orders must be DAY orders",
    "order_type": "fractional orders must be market, limit, stop or stop limit orders",
}
_CRYPTO_WORDS: Final = {
    "time_in_force": "invalid crypto time_in_force",
    "order_type": "invalid order type for crypto order",
}
"""The broker's words for what `VenueRules.check_order` says."""


class Case(Struct, frozen=True, kw_only=True):
    """One request before the venue.

    Attributes:
        desk: Book, market and terms.
        account_id: Whose.
        asset: Of which asset.
        ask: What is asked.
        position: What the account holds of it.
        without: Id of an open order that it replaces, which does not count; else empty.
    """

    desk: Desk
    account_id: str
    asset: Asset
    ask: Ask
    position: Position
    without: str = ""

    def open_orders(self, side: str) -> list[Order]:
        """The account's other open orders to buy, or to sell, the asset."""
        found = self.desk.book.open_on_side(self.account_id, self.asset.symbol, side)
        return [order for order in found if order.id != self.without] if self.without else found

    @property
    def intent(self) -> str:
        """What the order does to the position: closes it if it is on the other side."""
        ask = self.ask
        closes = self.position.qty * ask.sign < 0
        if self.asset.asset_class == CRYPTO and ask.side == "sell":
            closes = True  # coins are never sold short
        return f"{ask.side}_to_{'close' if closes else 'open'}"

    @property
    def closes(self) -> bool:
        """Whether it closes a position, or a part of it."""
        return self.intent.endswith("close")


def case_of(desk: Desk, account_id: str, asset: Asset, ask: Ask, *, without: str = "") -> Case:
    """A request, with what it is to be judged by.

    Args:
        desk: Book, market and terms.
        account_id: Whose.
        asset: Of which asset.
        ask: What is asked.
        without: Id of the order that it replaces, which does not count; else empty.
    """
    return Case(
        desk=desk,
        account_id=account_id,
        asset=asset,
        ask=ask,
        position=desk.book.position(account_id, asset.symbol),
        without=without,
    )


def check_client_id(case: Case) -> Refusal | None:
    """A client's name for an order is used once in the account's whole life."""
    named = case.ask.client_order_id
    if named and case.desk.book.order_by_client_id(case.account_id, named) is not None:
        return malformed("client_order_id must be unique")
    return None


def check_matrix(case: Case) -> Refusal | None:
    """Type by time in force by class and quantity."""
    ask, asset, rules = case.ask, case.asset, case.desk.terms.rules
    reason = rules.check_order(
        ask.kind, ask.time_in_force, asset.asset_class, fractional=ask.is_fractional
    )
    if reason in {"asset_class", "fractional"}:
        return forbidden(f'asset "{asset.symbol}" is not fractionable')
    if not reason:
        return None
    if asset.asset_class == CRYPTO:
        return unprocessable(_CRYPTO_WORDS[reason])
    if ask.is_fractional:
        return unprocessable(_WORDS[reason])
    return unprocessable(f"{ask.time_in_force} orders must be market or limit orders")


def check_class(case: Case) -> Refusal | None:
    """Which entries may have exits, and which orders are exits."""
    ask, order_class = case.ask, case.ask.order_class
    if order_class == "simple":
        return None
    if case.asset.asset_class == CRYPTO:
        return unprocessable(f"crypto orders not allowed for advanced order_class: {order_class}")
    if ask.kind == "trailing_stop":
        return unprocessable("trailing stop orders must be simple orders")
    refused = check_class_time(case)
    if refused is not None:
        return refused
    if ask.extended_hours:
        return unprocessable(f"{order_class} orders are not eligible for extended hours trading")
    return _check_role(case)


def check_class_time(case: Case) -> Refusal | None:
    """How long an order with exits, or an exit, may work, and in which parts."""
    ask = case.ask
    if ask.order_class == "simple":
        return None
    reason = case.desk.terms.rules.check_bracket(ask.time_in_force, fractional=ask.is_fractional)
    if reason == "fractional":
        return unprocessable("fractional orders must be simple orders")
    if reason:
        return unprocessable(f"{ask.order_class} orders must be DAY or GTC orders")
    return None


def check_hours(case: Case) -> Refusal | None:
    """Outside the regular session only limits trade."""
    ask = case.ask
    if not ask.extended_hours:
        return None
    if ask.kind in STOPS:
        return unprocessable("stop orders are not eligible for extended hours trading")
    if ask.kind != "limit" or ask.time_in_force not in {"day", "gtc"}:
        return unprocessable("extended hours order must be DAY or GTC limit orders")
    return None


def check_precision(case: Case) -> Refusal | None:
    """Prices lie on ticks: cents, and hundredths of them below one unit of the currency."""
    ask = case.ask
    prices: Mapping[str, Decimal | None] = {
        "limit_price": ask.limit_price,
        "stop_price": ask.stop_price,
        "take_profit.limit_price": ask.target,
        "stop_loss.stop_price": ask.loss_stop,
        "stop_loss.limit_price": ask.loss_limit,
    }
    ticks = case.desk.terms.rules.ticks(case.asset.asset_class)
    for name, price in prices.items():
        if price is not None and not _is_on_tick(price, ticks):
            return unprocessable(
                f"invalid {name} {ask.said.get(name, decimal_text(price))}. sub-penny increment "
                "does not fulfill minimum pricing criteria"
            )
    return None


def check_stop(case: Case) -> Refusal | None:
    """A stop lies where the market is not yet: above it for a buy, below it for a sell."""
    ask, price = case.ask, market_price(case.desk, case.asset.symbol)
    if price is None or ask.stop_price is None:
        return None
    if (ask.stop_price - price) * ask.sign > 0:
        return None
    side = "greater" if ask.side == "buy" else "less"
    return unprocessable(
        f"stop price must be {side} than current price",
        market_price=decimal_text(price),
        stop_price=decimal_text(ask.stop_price),
    )


def check_exits(case: Case) -> Refusal | None:
    """The exits that a class must have, on their sides of the entry.

    Prices of exits lie at least 0.01 beyond the entry's limit, or the market's price; the
    stop of an oco beyond its limit and the market's price.
    """
    ask = case.ask
    missing = _missing_exit(ask)
    if missing:
        return unprocessable(missing)
    if ask.order_class == "simple":
        return None
    market = market_price(case.desk, case.asset.symbol)
    base = ask.limit_price if ask.kind == "limit" else market
    side = -ask.sign if ask.order_class == "oco" else ask.sign
    if ask.order_class != "oco":
        refused = check_beyond("take_profit.limit_price", ask.target, base, side)
        if refused is not None:
            return refused
    for one in (base, market):
        refused = check_beyond("stop_loss.stop_price", ask.loss_stop, one, -side)
        if refused is not None:
            return refused
    return None


def check_intent(case: Case) -> Refusal | None:
    """What the client says the order does to its position is what it does."""
    said, inferred = case.ask.position_intent, case.intent
    if said and said != inferred:
        return unprocessable(f"position intent mismatch, inferred: {inferred}, specified: {said}")
    return None


def _check_role(case: Case) -> Refusal | None:
    """An oco is an exit with a limit; the others are entries at market or with a limit."""
    kind, order_class = case.ask.kind, case.ask.order_class
    if order_class == "oco":
        if kind != "limit":
            return unprocessable("oco orders must be limit orders")
        return None if case.closes else unprocessable("oco orders must be exit orders")
    if kind not in {"market", "limit"} or case.closes:
        return unprocessable(f"{order_class} orders must be entry orders")
    return None


def _missing_exit(ask: Ask) -> str:
    order_class, needed = ask.order_class, list[tuple[str, Decimal | None]]()
    if ask.has_target or order_class == "bracket":
        needed.append(("take_profit.limit_price", ask.target))
    if ask.has_loss or order_class in {"bracket", "oco"}:
        needed.append(("stop_loss.stop_price", ask.loss_stop))
    if order_class == "simple":
        return "simple orders accept no take_profit or stop_loss" if needed else ""
    for name, price in needed:
        if price is None:
            return f"{order_class} orders require {name}"
    if order_class == "oto" and len(needed) != 1:
        return "oto orders require exactly one of take_profit, stop_loss"
    return ""


def check_beyond(
    name: str, price: Decimal | None, base: Decimal | None, side: int
) -> Refusal | None:
    """Whether a price lies a step beyond another: above it (side 1), or below it (-1)."""
    if price is None or base is None or (price - base) * side >= STEP_BEYOND:
        return None
    words = ">= base_price + 0.01" if side > 0 else "<= base_price - 0.01"
    return unprocessable(f"{name} must be {words}", base_price=decimal_text(base))


def _is_on_tick(price: Decimal, ticks: tuple[int, int]) -> bool:
    coarse, fine = ticks
    tick = coarse if price >= 1 else fine
    if tick == 0:
        return price == round(price, CRYPTO_DECIMALS)
    return price * MICRO % tick == 0
