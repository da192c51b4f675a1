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

ESTIMATE_MAX = 2.0**49
"""Quotients below it are off by one at most when they are computed with floats."""

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

    Exact, so how competing orders share cash does not depend on their order. A quotient
    that a float nearly holds is corrected by its rest: the two products may wrap around,
    their small difference does not. A larger one is found by binary long multiplication.
    """
    estimate = float(room) * float(claim) / float(claims)
    if estimate < ESTIMATE_MAX:
        quotient = int(estimate)
        rest = room * claim - quotient * claims
        while rest < 0:
            quotient -= 1
            rest += claims
        while rest >= claims:
            quotient += 1
            rest -= claims
        return quotient
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
