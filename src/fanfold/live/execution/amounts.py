"""Numbers of the broker's messages as lots and micro-units, exactly."""

import math
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from fanfold.alpaca.wire.numbers import decimal_of
from fanfold.domain.money import MICRO

NAN: Final = float("nan")
"""No price."""


def lots_of(text: str | None, parts: int) -> int:
    """A quantity's text in lots; None is 0.

    Raises:
        ValueError: It is no number, or no whole number of lots.
    """
    if text is None:
        return 0
    lots = decimal_of(text) * parts
    if lots != lots.to_integral_value():
        raise ValueError(f"a quantity must be whole lots of 1/{parts}, was {text[:40]}")
    return int(lots)


def amount_of(price: str | None, lots: int, parts: int) -> int:
    """Money of lots at a mean price [micro-units], half to even.

    Raises:
        ValueError: The price is no number.
    """
    money = decimal_of(price or "0") * lots * MICRO / parts
    return int(money.to_integral_value(ROUND_HALF_EVEN))


def unit_price(amount: int, lots: int, parts: int) -> int:
    """Mean price of a unit [micro-units], half to even; lots are not 0."""
    price = Decimal(amount) * parts / lots
    return int(price.to_integral_value(ROUND_HALF_EVEN))


def micro_of(price: str | None) -> int:
    """A price's text [micro-units], half to even; None is 0.

    Raises:
        ValueError: It is no number.
    """
    return int((decimal_of(price or "0") * MICRO).to_integral_value(ROUND_HALF_EVEN))


def price_of(text: str | None) -> float:
    """A price's text as a price [currency]; None is NaN.

    Raises:
        ValueError: It is no number.
    """
    return NAN if text is None else float(decimal_of(text))


def is_same_price(one: float, other: float) -> bool:
    """Whether two prices are the same to a micro-unit; no price is the same as none."""
    if math.isnan(one) or math.isnan(other):
        return math.isnan(one) and math.isnan(other)
    return round(one * MICRO) == round(other * MICRO)
