"""What prices and volumes of the past are multiplied by, so that they go on without a jump."""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from fanfold.venue.market.history.past import Action

KINDS: Final[dict[str, frozenset[str]]] = {
    "raw": frozenset(),
    "split": frozenset(("split",)),
    "dividend": frozenset(("dividend",)),
    "spin-off": frozenset(),  # no store knows of any
    "all": frozenset(("split", "dividend")),
}
"""What is adjusted for, by the name of the adjustment."""


@dataclass(frozen=True, slots=True)
class Factors:
    """Factors of the days before each ex-day.

    Attributes:
        ex_days: Ex-days in order [days since 1970-01-01].
        price: What prices are multiplied by before each, all later ones included.
        volume: The same of volumes.
    """

    ex_days: tuple[int, ...] = ()
    price: tuple[float, ...] = ()
    volume: tuple[float, ...] = ()

    def of(self, day: int) -> tuple[float, float]:
        """What prices and volumes of a date are multiplied by."""
        place = bisect_right(self.ex_days, day)
        if place == len(self.ex_days):
            return 1.0, 1.0
        return self.price[place], self.volume[place]


UNADJUSTED: Final = Factors()
"""Prices as they were."""


def factors(
    actions: Sequence[Action],
    kinds: frozenset[str],
    *,
    today: int,
    close_before: Callable[[int], float | None],
) -> Factors:
    """Factors of an asset's past.

    Args:
        actions: By ex-day.
        kinds: Any of "split" and "dividend".
        today: The venue's date; later actions are not known [days since 1970-01-01].
        close_before: The last close before an ex-day; None if there is none.
    """
    known = [one for one in actions if one.ex_day <= today]
    if not known or not kinds:
        return UNADJUSTED
    price, volume = 1.0, 1.0
    prices: list[float] = []
    volumes: list[float] = []
    for one in reversed(known):
        if "dividend" in kinds and one.dividend:
            close = close_before(one.ex_day)
            # The dividend is told per unit after the split, the close before it.
            kept = 1.0 - one.dividend * one.split / close if close else 1.0
            price *= kept if kept > 0 else 1.0
        if "split" in kinds:
            price /= one.split
            volume *= one.split
        prices.append(price)
        volumes.append(volume)
    return Factors(
        ex_days=tuple(one.ex_day for one in known),
        price=tuple(reversed(prices)),
        volume=tuple(reversed(volumes)),
    )
