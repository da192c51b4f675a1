"""Exact money: integers of a millionth of the currency, rounded half to even.

Prices and cash are int64 micro-units; a quantity is an int64 count of lots. One
product is computed here, for the loop; `fanfold.engine.ledger` repeats it with
`Decimal` and must agree to the last unit.
"""

from fanfold.domain.compiled import compiled

MICRO = 1_000_000
"""Micro-units in one unit of currency."""

RATE_ONE = 1_000_000_000
"""A fee rate of 1; rates are integers of a billionth (1 bps is 100,000)."""

MONEY_MAX = 4_000_000_000_000_000_000
"""Largest amount that a run may book [micro-units]; about 4 trillion."""


@compiled
def share(quantity: int, price: int, parts: int) -> int:
    """quantity × price / parts, half to even.

    Split into whole and part so that nothing overflows while the result fits:
    parts <= 1e9, and |result| is below `MONEY_MAX`.
    """
    if parts == 1:
        return quantity * price
    size = abs(quantity)
    whole, part = size // parts, size % parts
    price_whole, price_part = price // parts, price % parts
    product = part * price_part
    quotient, rest = product // parts, product % parts
    result = whole * price + part * price_whole + quotient
    if rest * 2 > parts or (rest * 2 == parts and result % 2 == 1):
        result += 1
    return result if quantity >= 0 else -result


@compiled
def is_too_large(lots: int, price: float, parts: int) -> bool:
    """Whether lots at a price [micro-units] are worth more than integers are sure to hold."""
    return float(abs(lots)) * price > float(MONEY_MAX) * parts


@compiled
def to_micro(value: float) -> int:
    """A finite price or amount [currency] in micro-units, half to even."""
    return round(value * 1e6)


@compiled
def pro_rata(room: int, claim: int, claims: int) -> int:
    """floor(room × claim / claims) without overflow, for 0 <= room < claims < 2**62.

    Binary long multiplication: competing orders share cash by it, so it is exact
    and does not depend on their order.
    """
    quotient = 0
    rest = 0
    for bit in range(61, -1, -1):
        quotient += quotient
        rest += rest
        if rest >= claims:
            rest -= claims
            quotient += 1
        if (claim >> bit) & 1 == 1:
            rest += room
            if rest >= claims:
                rest -= claims
                quotient += 1
    return quotient
