"""What a fill costs: slippage, commission, and interest on what is borrowed.

Money is exact: rates are integers of a billionth and amounts are micro-units, so the
`Decimal` replay of a run's fills agrees to the last unit. Slippage moves a price
before that price is rounded, so it is a float.
"""

import math
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from fanfold.domain.compiled import compiled
from fanfold.domain.money import MICRO, MONEY_MAX, RATE_ONE, share, to_micro

BPS_MAX = 5_000.0
"""Largest cost that can be meant: half of the traded amount [bps]."""

SLIPPAGE_MAX: Final = 0.5
"""Most that slippage takes, and what it is while it cannot be known [share of the price]."""

UNIT_COST_MAX = 1_000.0
"""Largest commission or half spread of one unit that can be meant [currency]."""

ORDER_COST_MAX = 1_000_000.0
"""Largest commission of one order that can be meant [currency]."""

COEFFICIENT_MAX = 100.0
"""Largest multiple of volatility that can be meant [1]."""

YEARLY_RATE_MAX = 10.0
"""Largest yearly rate of a loan that can be meant [1]."""

DAYS_OF_RATE: Final = 360
"""Nights in the year of a rate: brokers lend by actual nights over 360."""

CENT: Final = 10_000
"""A hundredth of the currency [micro-units]."""

_YEAR_RATE: Final = DAYS_OF_RATE * RATE_ONE
_DIGITS: Final = 1_000_000


class Costs(BaseModel):
    """What trading costs beside reference prices; every cost is off by default.

    Attributes:
        commission_bps: Commission [bps of the traded amount].
        commission_per_unit: Commission [currency per share or coin].
        commission_per_trade: Commission [currency per order], once per order that
            fills, however many parts it fills in.
        commission_min: Least commission [currency per order that fills].
        slippage_bps: Distance of the fill from its reference price, against the
            order [bps of the price].
        half_spread: The same as money [currency per share or coin].
        volatility_slippage: The same as a share of one bar's volatility [1].
        impact: Coefficient of the square-root law, 1 is usual [1]; see `slippage_of`.
        borrow_rate: Yearly rate on the value of what is held short [1].
        margin_rate: Yearly rate on negative cash [1].
        schedule: Whose regulatory fees are added; see `fanfold.execution.regulatory`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    commission_bps: float = Field(default=0.0, ge=0.0, le=BPS_MAX)
    commission_per_unit: float = Field(default=0.0, ge=0.0, le=UNIT_COST_MAX)
    commission_per_trade: float = Field(default=0.0, ge=0.0, le=ORDER_COST_MAX)
    commission_min: float = Field(default=0.0, ge=0.0, le=ORDER_COST_MAX)
    slippage_bps: float = Field(default=0.0, ge=0.0, le=BPS_MAX)
    half_spread: float = Field(default=0.0, ge=0.0, le=UNIT_COST_MAX)
    volatility_slippage: float = Field(default=0.0, ge=0.0, le=COEFFICIENT_MAX)
    impact: float = Field(default=0.0, ge=0.0, le=COEFFICIENT_MAX)
    borrow_rate: float = Field(default=0.0, ge=0.0, le=YEARLY_RATE_MAX)
    margin_rate: float = Field(default=0.0, ge=0.0, le=YEARLY_RATE_MAX)
    schedule: Literal["none", "alpaca"] = "none"

    @property
    def commission_rate(self) -> int:
        """Commission in billionths of the amount, the unit in which fees are exact."""
        return round(self.commission_bps * RATE_ONE / 10_000)

    @property
    def per_unit_rate(self) -> int:
        """Commission of one share or coin [billionths of the currency]."""
        return round(self.commission_per_unit * RATE_ONE)

    @property
    def per_trade(self) -> int:
        """Commission of one order [micro-units]."""
        return round(self.commission_per_trade * MICRO)

    @property
    def minimum(self) -> int:
        """Least commission of an order that fills [micro-units]."""
        return round(self.commission_min * MICRO)

    @property
    def borrow_rate_exact(self) -> int:
        """Yearly rate on short positions [billionths]."""
        return round(self.borrow_rate * RATE_ONE)

    @property
    def margin_rate_exact(self) -> int:
        """Yearly rate on negative cash [billionths]."""
        return round(self.margin_rate * RATE_ONE)

    @property
    def slippage_share(self) -> float:
        """Fixed slippage as a share of the price [1]."""
        return self.slippage_bps / 10_000

    @property
    def slippage_varies(self) -> bool:
        """Whether slippage depends on more than the price it is a share of."""
        return self.half_spread > 0.0 or self.needs_volatility

    @property
    def has_fees(self) -> bool:
        """Whether any commission is charged."""
        per_order = self.commission_per_trade > 0.0 or self.commission_min > 0.0
        return per_order or self.commission_bps > 0.0 or self.commission_per_unit > 0.0

    @property
    def needs_real_units(self) -> bool:
        """Whether a cost goes by shares or by their price: adjusted bars lack both."""
        by_unit = self.commission_per_unit > 0.0 or self.half_spread > 0.0
        return by_unit or self.impact > 0.0 or self.schedule != "none"

    @property
    def needs_volume(self) -> bool:
        """Whether a cost goes by the market's volume."""
        return self.impact > 0.0

    @property
    def needs_volatility(self) -> bool:
        """Whether a cost goes by volatility."""
        return self.volatility_slippage > 0.0 or self.impact > 0.0


@compiled
def fill_price(reference: float, side: int, slippage: float) -> int:
    """Price of a fill [micro-units]: the reference, slipped against the order.

    Args:
        reference: Open or other reference price [currency].
        side: 1 for a buy, -1 for a sell.
        slippage: Share of the price [1].
    """
    return to_micro(reference * (1.0 + side * slippage))


@compiled
def slippage_of(  # noqa: PLR0917 - compiled code takes its numbers by position
    fixed: float,
    half_spread: float,
    volatility_slippage: float,
    impact: float,
    price: float,
    units: float,
    volatility: float,
    average_volume: float,
) -> float:
    """Slippage of one order as a share of the price [1], 0 to `SLIPPAGE_MAX`.

    fixed + half_spread / price + volatility_slippage × volatility
    + impact × volatility × √(units / average_volume)

    Volatility and volume are of equal spans: over a span n times as long the one grows
    by √n and the other by n, so bars of any length give the same impact. A number whose
    coefficient is 0 may be NaN. One that is needed and not known (NaN, or no volume)
    makes the order as dear as it can be: an unknown cost must not look like none.

    Args:
        fixed: Share of the price [1].
        half_spread: Half of the quoted spread [currency per unit].
        volatility_slippage: Share of `volatility` [1].
        impact: Coefficient of the square-root law [1].
        price: Reference price of one real unit [currency], positive.
        units: Real units in the order, not negative.
        volatility: Deviation of one bar's return [1].
        average_volume: Usual volume of a bar [units].

    Source: Almgren, Thum, Hauptmann & Li (2005), Direct Estimation of Equity Market
    Impact; Tóth et al. (2011), Anomalous Price Impact, Physical Review X 1.
    """
    total = fixed
    if half_spread > 0.0:
        total += half_spread / price
    if volatility_slippage > 0.0:
        total += volatility_slippage * volatility
    if impact > 0.0:
        if not average_volume > 0.0:
            return SLIPPAGE_MAX
        total += impact * volatility * math.sqrt(units / average_volume)
    if total < SLIPPAGE_MAX:
        return total
    return SLIPPAGE_MAX  # for NaN too, which is not below it


@compiled
def limited_price(price: int, limit: int, side: int) -> int:
    """Price of a limit order's fill: slippage never makes it worse than the limit.

    Args:
        price: The slipped price [micro-units].
        limit: The order's limit [micro-units].
        side: 1 for a buy, -1 for a sell.
    """
    return min(price, limit) if side > 0 else max(price, limit)


@compiled
def commission(amount: int, rate: int) -> int:
    """Commission on a traded amount [micro-units], half to even.

    Args:
        amount: Price times quantity, not negative [micro-units].
        rate: Billionths of the amount.
    """
    return share(amount, rate, RATE_ONE)


@compiled
def unit_fee(units: float, rate: int) -> int:
    """Fee on a number of units [micro-units], half to even, at most `MONEY_MAX`.

    Exact while units × rate has no more digits than a float: for whole shares, up to
    nine million billionths.

    Args:
        units: Real shares or coins, not negative.
        rate: Billionths of the currency per unit.
    """
    return round(min(units * rate / 1000.0, float(MONEY_MAX)))


@compiled
def order_fee(  # noqa: PLR0917 - compiled code takes its numbers by position
    amount: int, units: float, rate: int, per_unit: int, per_trade: int, minimum: int
) -> int:
    """Commission of an order after so much of it has filled, in all [micro-units].

    What a further fill is charged is the difference to what was charged before: so a
    fee per order and a minimum count once over partial fills. Each part is rounded
    half to even.

    Args:
        amount: Filled so far, not negative [micro-units].
        units: The same as real shares or coins.
        rate: Billionths of the amount.
        per_unit: Billionths of the currency per unit.
        per_trade: Once per order [micro-units].
        minimum: Least for an order that fills [micro-units].
    """
    if amount == 0 and units == 0.0:
        return 0
    total = commission(amount, rate) + per_trade
    if per_unit != 0:
        total += unit_fee(units, per_unit)
    return min(max(total, minimum), MONEY_MAX)


@compiled
def night_interest(value: int, rate: int, nights: int) -> int:
    """value × rate × nights / 360, half to even, at most `MONEY_MAX` [micro-units].

    In whole years and rests, six digits at a time, so that nothing overflows.

    Args:
        value: What is owed, 0 to `MONEY_MAX` [micro-units].
        rate: Billionths per year of 360 nights, not negative.
        nights: Calendar nights, not negative: three over a weekend.
    """
    factor = rate * nights
    if float(value) * factor / _YEAR_RATE >= float(MONEY_MAX):
        return MONEY_MAX
    years, rest = factor // _YEAR_RATE, factor % _YEAR_RATE
    whole, part = value // _YEAR_RATE, value % _YEAR_RATE
    upper = (part // _DIGITS) * rest
    lower = (upper % _YEAR_RATE) * _DIGITS + (part % _DIGITS) * rest
    result = value * years + whole * rest
    result += (upper // _YEAR_RATE) * _DIGITS + lower // _YEAR_RATE
    left = lower % _YEAR_RATE
    if left * 2 > _YEAR_RATE or (left * 2 == _YEAR_RATE and result % 2 == 1):
        result += 1
    return result


@compiled
def ceil_cent(amount: int) -> int:
    """The next whole cent at or above an amount that is not negative [micro-units]."""
    return (amount + CENT - 1) // CENT * CENT
