"""What is allowed: limits and breakers."""

from fanfold.risk.limits import Limits

__all__ = ["Limits"]
