"""Where market data come from. Each source is a module of its own, imported when it is asked."""

from fanfold.market.sources.source import Delivery, Request, Source

__all__ = ["Delivery", "Request", "Source"]
