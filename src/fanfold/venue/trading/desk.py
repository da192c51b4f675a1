"""What every rule of trading works on."""

from dataclasses import dataclass

from fanfold.venue.market.values import MarketView
from fanfold.venue.trading.book import Book
from fanfold.venue.trading.terms import Terms


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The book, the market and the terms.

    Attributes:
        book: Accounts, positions, open orders.
        market: What has happened in the market.
        terms: What the venue is like.
    """

    book: Book
    market: MarketView
    terms: Terms

    @property
    def now(self) -> int:
        """The venue's clock [ns UTC]."""
        return self.market.now
