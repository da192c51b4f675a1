"""Where orders meet the market, by the engine's own functions.

A quote is an instant: who wants to buy meets its ask, who wants to sell its bid. A trade
is what elects stops, and of bars that were unfolded it is also a span, the path that the
price took since the trade before: a limit or a stop on that path fills at its own price.
At one tick sells come before buys, stops before targets, and then the oldest.
"""

from fanfold.venue.trading.matching.by_hand import FILLS, fill_by_hand
from fanfold.venue.trading.matching.gates import in_turn
from fanfold.venue.trading.matching.prices import bound_of, fill_late
from fanfold.venue.trading.matching.quotes import meet, on_quote
from fanfold.venue.trading.matching.trades import on_trade
from fanfold.venue.trading.matching.trailing import trailed

__all__ = [
    "FILLS",
    "bound_of",
    "fill_by_hand",
    "fill_late",
    "in_turn",
    "meet",
    "on_quote",
    "on_trade",
    "trailed",
]
