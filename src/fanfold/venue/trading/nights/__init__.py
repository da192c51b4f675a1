"""What happens to orders and accounts when a day goes on, and between two days."""

from fanfold.venue.trading.nights.actions import on_action
from fanfold.venue.trading.nights.days import mark_equity, on_phase

__all__ = ["mark_equity", "on_action", "on_phase"]
