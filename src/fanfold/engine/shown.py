"""What of the decision's records a quote changes, as places in their memory."""

import math
from typing import Any, Final

from fanfold.domain.decision import Asset, Portfolio
from fanfold.domain.record import view
from fanfold.engine.books import Books
from fanfold.engine.light import light
from fanfold.engine.step.state import WISHES
from fanfold.engine.universe import Moment


def place_of(record: Any, name: str) -> int:
    """Place of a field in a record's memory [values]."""
    return record.dtype.fields[name][1] // 8


OF_OPEN: Final = place_of(Asset, "open")
OF_HIGH: Final = place_of(Asset, "high")
OF_LOW: Final = place_of(Asset, "low")
OF_CLOSE: Final = place_of(Asset, "close")
OF_VOLUME: Final = place_of(Asset, "volume")
OF_FRESH: Final = place_of(Asset, "fresh")
OF_TARGET: Final = place_of(Asset, "target")
OF_TS: Final = place_of(Portfolio, "ts")
OF_MINUTES: Final = place_of(Portfolio, "minutes_to_close")


class Shown:
    """What of the decision's records a quote changes, as places in their memory.

    Attributes:
        floats, ints: One view of each asset's record.
        features: The features of each.
        wished: What the decision writes of each.
        wishes, heard: The same with all prices, and what the step hears of it.
        only_targets: Whether that is the target alone.
    """

    def __init__(self, books: Books, value_count: int) -> None:
        """Look at the records of books."""
        assets, portfolio = books.arrays["assets"], books.arrays["portfolio"]
        size = Asset.dtype.itemsize // 8
        floats, ints = view(assets.view("f8")), view(assets.view("i8"))
        starts = range(0, len(assets) * size, size)
        self.floats = [floats[at : at + size] for at in starts]
        self.ints = [ints[at : at + size] for at in starts]
        first = place_of(Asset, "features")
        self.features = [each[first : first + value_count] for each in self.floats]
        self.only_targets = books.written is not None and not books.written
        last = OF_TARGET + 1 if self.only_targets else size
        self.wished = [each[OF_TARGET:last] for each in self.floats]
        self.wishes = [each[OF_TARGET : OF_TARGET + WISHES] for each in self.floats]
        self.heard = [view(row) for row in books.arrays["wishes"]]
        self.portfolio_floats = view(portfolio.view("f8"))
        self.portfolio_ints = view(portfolio.view("i8"))

    def light_assets(self, books: Books) -> list[Any]:
        """The assets as objects of their own, beside the records; their features are shared."""
        made = light(Asset, books.arrays["assets"])
        for one, asset in zip(made, books.assets, strict=True):
            one.features = asset.features
        return made

    def light_portfolio(self, books: Books) -> Any:
        """The portfolio as such an object; its parameters are shared."""
        (made,) = light(Portfolio, books.arrays["portfolio"])
        made.params = books.portfolio.params
        return made

    def clock(self, moment: Moment) -> None:
        """Show what time it is."""
        self.portfolio_ints[OF_TS] = moment.ts
        self.portfolio_floats[OF_MINUTES] = moment.minutes_to_close

    def bar(self, asset: int, price: float) -> None:
        """Show a bar that is one price."""
        floats = self.floats[asset]
        floats[OF_OPEN] = floats[OF_HIGH] = floats[OF_LOW] = floats[OF_CLOSE] = price
        floats[OF_VOLUME] = math.nan
