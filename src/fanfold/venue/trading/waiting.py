"""Which open orders a price concerns: the nearest ones are found, the far ones cost nothing.

An order is filed by the prices from which on a quote or a trade could change it. Whether
it then meets that price is said in `fanfold.venue.trading.matching` alone: to be
filed too near is slow, to be filed too far would be wrong.
"""

from bisect import bisect_left, bisect_right, insort
from decimal import Decimal
from math import inf, isnan
from typing import Final

from fanfold.venue.trading.states import works
from fanfold.venue.trading.values import Order

AT_ONCE: Final = frozenset(("ioc", "fok"))
"""Times in force that end with the first price that an order meets."""

AUCTIONS: Final = {"open": "opg", "close": "cls"}
"""Time in force of the orders that meet an auction's trade, and no other price."""

RESTING: Final = frozenset(("limit", "stop_limit"))
"""Types of orders that wait in the book for others to take them."""

_AUCTION_TIMES: Final = frozenset(AUCTIONS.values())

_BUY, _SELL, _STOP_UP, _STOP_DOWN = range(4)
"""Shelves: buys meet prices at their level or below, sells at it or above; stops that wait
for a price at or above their level, and at or below."""

Place = tuple[int, float]
"""A shelf and a level [currency]; a level at infinity is met by every price."""


class Waiting:
    """The open orders of one asset that meet prices, by the prices that concern them."""

    def __init__(self) -> None:
        self._shelves: tuple[list[tuple[float, int, str]], ...] = ([], [], [], [])
        self._places: dict[str, tuple[Place, ...]] = {}

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self._places)

    def file(self, order: Order, number: int) -> None:
        """File an order as it is now, or no longer.

        Args:
            order: The order.
            number: Its place among all orders, from the oldest on.
        """
        places = _places(order)
        before = self._places.get(order.id, ())
        if places == before:
            return
        for shelf, level in before:
            entries = self._shelves[shelf]
            del entries[bisect_left(entries, (level, number, order.id))]
        for shelf, level in places:
            insort(self._shelves[shelf], (level, number, order.id))
        if places:
            self._places[order.id] = places
        else:
            del self._places[order.id]

    def by_quote(self, bid: float, ask: float) -> list[str]:
        """Ids of orders that a quote concerns, oldest first; a side that is NaN meets no level."""
        buys = self._at_or_above(_BUY, inf if isnan(ask) else ask)
        sells = self._at_or_below(_SELL, -inf if isnan(bid) else bid)
        return self._oldest_first(buys + sells) if buys or sells else []

    def by_trade(self, low: float, high: float, *, path: bool) -> list[str]:
        """Ids of orders that a trade concerns, oldest first.

        Args:
            low: The lowest price on the way to it.
            high: The highest.
            path: Whether limits fill on that way.
        """
        found = self._at_or_below(_STOP_UP, high) + self._at_or_above(_STOP_DOWN, low)
        if path:
            found += self._at_or_above(_BUY, low) + self._at_or_below(_SELL, high)
        return self._oldest_first(found) if found else []

    def _at_or_above(self, shelf: int, price: float) -> list[tuple[float, int, str]]:
        entries = self._shelves[shelf]
        return entries[bisect_left(entries, (price,)) :] if entries else []

    def _at_or_below(self, shelf: int, price: float) -> list[tuple[float, int, str]]:
        entries = self._shelves[shelf]
        return entries[: bisect_right(entries, (price, inf))] if entries else []

    @staticmethod
    def _oldest_first(entries: list[tuple[float, int, str]]) -> list[str]:
        if len(entries) == 1:
            return [entries[0][2]]
        return list(dict.fromkeys(name for _, name in sorted(entry[1:] for entry in entries)))


def bound_of(order: Order) -> Decimal | None:
    """The worst price that an order takes: its limit, or its collar."""
    return order.collar if order.limit_price is None else order.limit_price


def _places(order: Order) -> tuple[Place, ...]:
    """Where an order waits; nowhere if it meets no price of the continuous market."""
    if not works(order) or order.time_in_force in _AUCTION_TIMES:
        return ()
    buys = order.side == "buy"
    any_price = (_BUY, inf) if buys else (_SELL, -inf)
    if order.stop_price is None or order.triggered:
        bound = bound_of(order)
        # One that has not met a quote yet ends with it, or begins to rest.
        is_new = order.kind in RESTING and order.resting_since is None
        if bound is None or is_new or order.time_in_force in AT_ONCE:
            return (any_price,)
        return ((_BUY if buys else _SELL, float(bound)),)
    places = [(_STOP_UP if buys else _STOP_DOWN, float(order.stop_price))]
    if order.kind == "trailing_stop":
        extreme = (inf if buys else -inf) if order.hwm is None else float(order.hwm)
        places.append((_STOP_DOWN if buys else _STOP_UP, extreme))
    if order.time_in_force in AT_ONCE:
        places.append(any_price)
    return tuple(places)
