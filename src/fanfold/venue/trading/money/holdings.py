"""One position as the broker shows it."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from fanfold.venue.trading.desk import Desk
from fanfold.venue.trading.money.marks import STEP, exact, mark
from fanfold.venue.trading.money.reserves import available_qty
from fanfold.venue.trading.values import ZERO, Position

FRACTION: Final = Decimal("0.0000000001")
"""Fractions are rounded to ten digits after the point."""

NOISE: Final = 10 * STEP
"""What the roundings of some fills may add up to [currency]."""

PRICE_DIGITS: Final = (2, 10)
"""Least and most digits after the point of a mean price."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionFigures:
    """A position's money; of a short one units, value and cost are negative [currency].

    Attributes:
        symbol: The asset's, as the asset has it.
        side: "long" or "short".
        qty: Units.
        qty_available: Units that no closing order holds.
        avg_entry_price: Cost of a unit.
        cost_basis: What its units cost.
        market_value: What they are worth.
        unrealized_pl: Profit since they were bought.
        unrealized_plpc: The same as a fraction of the cost.
        unrealized_intraday_pl: Profit since the session before closed: units held since
            then against that close, units of today against the mean cost.
        unrealized_intraday_plpc: The same as a fraction of what it is reckoned against.
        current_price: What a unit is valued at.
        lastday_price: Close of the session before.
        change_today: Change of the price since then, as a fraction.
    """

    symbol: str
    side: str
    qty: Decimal
    qty_available: Decimal
    avg_entry_price: Decimal
    cost_basis: Decimal
    market_value: Decimal
    unrealized_pl: Decimal
    unrealized_plpc: Decimal
    unrealized_intraday_pl: Decimal
    unrealized_intraday_plpc: Decimal
    current_price: Decimal
    lastday_price: Decimal
    change_today: Decimal


def position_figures(desk: Desk, position: Position) -> PositionFigures:
    """All figures of a position that is not flat, at the market's present price."""
    price = mark(desk, position)
    before = desk.market.previous_close(position.symbol)
    lastday = price if before is None else exact(before)
    value = (price * position.qty).quantize(STEP)
    profit = value - position.cost
    basis = _basis_today(position, lastday)
    sign = 1 if position.qty > 0 else -1
    return PositionFigures(
        symbol=position.symbol,
        side="long" if sign > 0 else "short",
        qty=position.qty,
        qty_available=sign * available_qty(desk, position.account, position.symbol),
        avg_entry_price=_mean_price(position),
        cost_basis=position.cost,
        market_value=value,
        unrealized_pl=profit,
        unrealized_plpc=_fraction(profit, abs(position.cost)),
        unrealized_intraday_pl=value - basis,
        unrealized_intraday_plpc=_fraction(value - basis, abs(basis)),
        current_price=price,
        lastday_price=lastday,
        change_today=_fraction(price - lastday, lastday),
    )


def _basis_today(position: Position, lastday: Decimal) -> Decimal:
    """What today's profit is reckoned against: both kinds of units at their price."""
    same_side = position.qty * position.intraday_qty > 0
    kept = min(abs(position.qty), abs(position.intraday_qty)) if same_side else ZERO
    overnight = kept if position.qty > 0 else -kept
    today = position.cost * (position.qty - overnight) / position.qty
    return (overnight * lastday + today).quantize(STEP)


def _mean_price(position: Position) -> Decimal:
    """Cost of a unit, to the digits that costs rounded to a millionth can tell."""
    unsure = NOISE / abs(position.qty)
    digits = min(max(-unsure.adjusted() - 1, PRICE_DIGITS[0]), PRICE_DIGITS[1])
    return round(position.cost / position.qty, digits)


def _fraction(part: Decimal, whole: Decimal) -> Decimal:
    return (part / whole).quantize(FRACTION) if whole else ZERO
