"""At which prices things are valued: of the market's floats come exact decimals here.

A price is rounded to a millionth, half to even, as the engine rounds it.
"""

from decimal import Decimal
from math import isfinite
from typing import Final

from fanfold.domain.money import MICRO, to_micro
from fanfold.domain.sessions import ROUND_THE_CLOCK
from fanfold.venue.market.values import QuoteTick
from fanfold.venue.trading.desk import Desk
from fanfold.venue.trading.values import ZERO, Position

TWO: Final = Decimal(2)
STEP: Final = Decimal("0.000001")
"""Amounts of money are rounded to a millionth [currency]."""


def exact(price: float) -> Decimal:
    """A finite price of the market as money [currency]."""
    return Decimal(to_micro(price)) / MICRO


def market_price(desk: Desk, symbol: str) -> Decimal | None:
    """What an asset is at: its last trade, else its quote's middle, else its last close.

    Returns:
        None if nothing is known of it yet.
    """
    last = desk.market.last(symbol)
    if last is not None:
        return exact(last)
    quote = desk.market.quote(symbol)
    middle = None if quote is None else _middle(quote)
    if middle is not None:
        return middle
    before = desk.market.previous_close(symbol)
    return None if before is None else exact(before)


def mark(desk: Desk, position: Position) -> Decimal:
    """What a unit of a position is valued at: the market's price, else what it cost."""
    price = market_price(desk, position.symbol)
    if price is not None:
        return price
    return (position.cost / position.qty).quantize(STEP) if position.qty else ZERO


def reference(desk: Desk, symbol: str, side: str) -> Decimal | None:
    """The price that an order's cost is reckoned at.

    The far side of the quote while the core session is on, its middle in the extended
    hours, the last trade while the exchange is closed.

    Returns:
        None if nothing is known of the asset yet.

    Source: the broker's documentation of margin and buying power.
    """
    asset = desk.market.asset(symbol)
    phase = desk.market.hours(ROUND_THE_CLOCK if asset is None else asset.calendar).phase
    quote = desk.market.quote(symbol)
    priced = None
    if quote is not None and phase == "regular":
        priced = _priced(quote.ask if side == "buy" else quote.bid)
    elif quote is not None and phase in {"pre", "after"}:
        priced = _middle(quote)
    return market_price(desk, symbol) if priced is None else priced


def ask_of(desk: Desk, symbol: str) -> Decimal | None:
    """The ask, or what stands for it where there is none."""
    return reference(desk, symbol, "buy")


def _priced(price: float) -> Decimal | None:
    return exact(price) if isfinite(price) and price > 0 else None


def _middle(quote: QuoteTick) -> Decimal | None:
    sides = [side for side in (_priced(quote.bid), _priced(quote.ask)) if side is not None]
    return sum(sides, ZERO) / len(sides) if sides else None
