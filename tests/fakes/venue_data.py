"""alpaca-py's clients for a running venue's past, and what they ask."""

from datetime import datetime
from typing import Any

from tests.fakes.venue_process import KEY, SECRET, Venue, library


def now_of(venue: Venue) -> datetime:
    """The venue's clock."""
    return datetime.fromisoformat(venue.control("clock")["now"])


def stocks(venue: Venue, **options: Any) -> Any:
    """alpaca-py's client for shares' past."""
    made = library("alpaca.data.historical").StockHistoricalDataClient
    return made(KEY, SECRET, url_override=venue.rest_url, **options)


def crypto(venue: Venue, **options: Any) -> Any:
    """alpaca-py's client for coins' past, which needs no keys."""
    made = library("alpaca.data.historical").CryptoHistoricalDataClient
    return made(url_override=venue.rest_url, **options)


def asked(kind: str, **fields: Any) -> Any:
    """One of the library's requests for data."""
    return getattr(library("alpaca.data.requests"), kind)(**fields)


def frame(text: str) -> Any:
    """The library's length of bars, from the wire's."""
    module = library("alpaca.data.timeframe")
    units = {"Min": "Minute", "Hour": "Hour", "Day": "Day", "Week": "Week", "Month": "Month"}
    number = "".join(sign for sign in text if sign.isdigit())
    unit = getattr(module.TimeFrameUnit, units[text[len(number) :]])
    return module.TimeFrame(int(number), unit)
