"""What an account is worth, what it may spend, and what its orders hold of it."""

from fanfold.venue.trading.money.figures import Figures, figures
from fanfold.venue.trading.money.holdings import PositionFigures, position_figures
from fanfold.venue.trading.money.marks import exact, mark, market_price, reference
from fanfold.venue.trading.money.reserves import (
    available_qty,
    collar_above,
    held_qty,
    reserve_for,
)

__all__ = [
    "Figures",
    "PositionFigures",
    "available_qty",
    "collar_above",
    "exact",
    "figures",
    "held_qty",
    "mark",
    "market_price",
    "position_figures",
    "reference",
    "reserve_for",
]
