"""Bars of any length from shorter ones, or from trades."""

from fanfold.market.resample.conditions import Conditions
from fanfold.market.resample.longer import Anchor, Hours, resample

__all__ = ["Anchor", "Conditions", "Hours", "resample"]
