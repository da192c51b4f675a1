"""What it costs to trade: fill prices and fees, and what venues demand."""

from fanfold.execution.costs import Costs
from fanfold.execution.venue_rules import VenueRules, venue_rules

__all__ = ["Costs", "VenueRules", "venue_rules"]
