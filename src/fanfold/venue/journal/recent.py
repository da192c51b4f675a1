"""The orders that were changed last, so that most look-ups need no disk."""

from typing import Final

from fanfold.venue.trading.values import Order

RECENT_MAX: Final = 4_096
"""Orders that are kept [orders]; beyond, those changed longest ago go."""


class Recent:
    """The orders that were changed last, by both of their names."""

    def __init__(self) -> None:
        self._orders: dict[str, Order] = {}
        self._by_client: dict[tuple[str, str], str] = {}

    def keep(self, order: Order) -> None:
        """Keep an order's latest value."""
        self._orders.pop(order.id, None)
        self._orders[order.id] = order
        self._by_client[order.account, order.client_order_id] = order.id

    def trim(self) -> None:
        """Let the oldest go, once the tables have them."""
        while len(self._orders) > RECENT_MAX:
            gone = self._orders.pop(next(iter(self._orders)))
            del self._by_client[gone.account, gone.client_order_id]

    def order(self, order_id: str) -> Order | None:
        """An order by its id, if it is kept."""
        return self._orders.get(order_id)

    def order_by_client_id(self, account: str, client_order_id: str) -> Order | None:
        """An order by its client's name for it, if it is kept."""
        own = self._by_client.get((account, client_order_id))
        return None if own is None else self._orders[own]
