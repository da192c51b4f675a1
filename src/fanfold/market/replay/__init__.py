"""Stored events of many symbols in the order in which they happened."""

from fanfold.market.replay.events import Bar, Batch, Event, Quote, Trade, events
from fanfold.market.replay.instants import Instant
from fanfold.market.replay.merged import replay

__all__ = ["Bar", "Batch", "Event", "Instant", "Quote", "Trade", "events", "replay"]
