"""What it costs to trade: fill prices and fees."""

from fanfold.execution.costs import Costs

__all__ = ["Costs"]
