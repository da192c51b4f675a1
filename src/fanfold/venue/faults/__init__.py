"""Misbehaviour on demand."""

from fanfold.venue.faults.faults import Faults
from fanfold.venue.faults.plan import Delivery, Endpoint, Trouble

__all__ = ["Delivery", "Endpoint", "Faults", "Trouble"]
