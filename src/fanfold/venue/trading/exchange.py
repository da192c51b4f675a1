"""Everything that can be asked of the venue's trading, in one place.

Commands and prices change the book; `take` hands what changed to the journal. Nothing here
waits, reads a clock of its own or sends anything.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

from fanfold.alpaca.wire.refusals import Refusal, not_found
from fanfold.venue.market.values import (
    ActionTick,
    PhaseTick,
    QuoteTick,
    StatusTick,
    Tick,
    TradeTick,
)
from fanfold.venue.trading import intake, matching, nights
from fanfold.venue.trading.desk import Desk
from fanfold.venue.trading.life import acting, changing, lifecycle
from fanfold.venue.trading.values import Account, Changes, Order

FRESH_MAX: Final = 10_000
"""Orders that begin to work in one command or tick and meet the quote at once; what is
beyond meets the next price [orders]."""


class Exchange:
    """The venue's trading.

    Attributes:
        desk: The book, the market and the terms.

    Args:
        desk: The book, the market and the terms.
    """

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def submit(self, account_id: str, body: Mapping[str, Any]) -> Order | Refusal:
        """Take an order, or say why not.

        Args:
            account_id: Whose.
            body: As JSON had it, unchecked.

        Returns:
            The order as it was accepted ("pending_new", or "accepted" outside its hours):
            what happened to it since is told by events.
        """
        return self._enter(intake.admit(self.desk, account_id, body))

    def replace(self, account_id: str, order_id: str, body: Mapping[str, Any]) -> Order | Refusal:
        """Replace an order by another with some other terms.

        Returns:
            The order in its place, as it was accepted.
        """
        order = changing.find(self.desk, account_id, order_id)
        if isinstance(order, Refusal):
            return order
        # What cannot be replaced at all is told before what is wrong with the new terms.
        successor = changing.refused(order) or intake.amended(self.desk, order, body)
        if isinstance(successor, Refusal):
            return successor
        taken = changing.replace(self.desk, order, successor)
        self._meet_fresh()
        return taken

    def cancel(self, account_id: str, order_id: str) -> Order | Refusal:
        """Cancel an order; the order as of now, or why it cannot be."""
        order = changing.find(self.desk, account_id, order_id)
        return order if isinstance(order, Refusal) else self._cancel(order)

    def cancel_all(self, account_id: str) -> list[tuple[str, Refusal | None]]:
        """Cancel all open orders: their ids, and why one cannot be.

        One that was cancelled with another of its group is listed too.
        """
        done: list[tuple[str, Refusal | None]] = []
        for listed in self.desk.book.open_orders(account_id):
            order = lifecycle.current(self.desk, listed)
            answer = self._cancel(order) if order.is_open else order
            done.append((order.id, answer if isinstance(answer, Refusal) else None))
        return done

    def close_position(
        self,
        account_id: str,
        symbol: str,
        *,
        qty: Decimal | None = None,
        percentage: Decimal | None = None,
    ) -> Order | Refusal:
        """Close a position or a part of it at market.

        Args:
            account_id: Whose.
            symbol: Which, as the asset has it.
            qty: Units; all if neither is given.
            percentage: Percent of it, above 0 and up to 100.
        """
        return self._enter(intake.closing(self.desk, account_id, symbol, qty, percentage))

    def close_all(
        self, account_id: str, *, cancel_orders: bool
    ) -> list[tuple[str, Order | Refusal]]:
        """Close all positions at market: their symbols, and what came of each."""
        if cancel_orders:
            self.cancel_all(account_id)
        symbols = [position.symbol for position in self.desk.book.positions(account_id)]
        return [(symbol, self.close_position(account_id, symbol)) for symbol in symbols]

    def configure(self, account_id: str, body: Mapping[str, Any]) -> Account | Refusal:
        """Change an account's configuration; a null leaves as it is."""
        account = intake.configured(self.desk, account_id, body)
        return account if isinstance(account, Refusal) else self.desk.book.put_account(account)

    def act(self, order_id: str, event: str) -> Order | Refusal:
        """What the venue's own people may do to an order, as the table of states allows.

        Args:
            order_id: Any account's.
            event: "suspended", "stopped", "done_for_day", "calculated", "rejected",
                "expired", "canceled", "new" …; "fill" and "partial_fill" fill it.
        """
        order = self.desk.book.order(order_id)
        if order is None:
            return not_found(f"order not found for {order_id}")
        does = matching.fill_by_hand if event in matching.FILLS else acting.act
        done = does(self.desk, order, event)
        self._meet_fresh()
        return done

    def resume(self) -> None:
        """Go on after a restart: halts are over, so what they suspended works again."""
        for order in self.desk.book.all_open_orders():
            if order.status == "suspended" and not self.desk.market.is_halted(order.symbol):
                acting.act(self.desk, order, "new")
        self._meet_fresh()

    def on_tick(self, tick: Tick) -> None:
        """Let the market go on by one tick, which `market` shows already."""
        happens = _HAPPENS.get(type(tick))
        if happens is not None:
            happens(self.desk, tick)
            self._meet_fresh()

    @property
    def next_due(self) -> int | None:
        """When something pending is due [ns UTC]; None if nothing is."""
        return changing.next_due(self.desk)

    def on_clock(self, now: int) -> None:
        """Do what is due: acceptances, cancellations and replacements that were pending."""
        for order in changing.on_clock(self.desk, now):
            self._fill_late(order)
        self._meet_fresh()

    def mark_equity(self) -> None:
        """Note all accounts' equity for their histories."""
        nights.mark_equity(self.desk)

    def take(self) -> Changes:
        """What changed since the last time."""
        return self.desk.book.take()

    def _enter(self, admitted: tuple[Order, ...] | Refusal) -> Order | Refusal:
        if isinstance(admitted, Refusal):
            return admitted
        taken = lifecycle.enter(self.desk, admitted)
        self._meet_fresh()
        return taken

    def _cancel(self, order: Order) -> Order | Refusal:
        done = changing.cancel(self.desk, order)
        if not isinstance(done, Refusal):
            done = self._fill_late(done)
        self._meet_fresh()
        return done

    def _fill_late(self, order: Order) -> Order:
        late = changing.fills_late(self.desk, order)
        return matching.fill_late(self.desk, order) if late else order

    def _meet_fresh(self) -> None:
        """Let orders that have just begun to work meet the quote that stands."""
        book = self.desk.book
        for _ in range(FRESH_MAX):
            if not book.fresh:
                return
            order = book.order(book.fresh.pop(0))
            if order is not None:
                matching.meet(self.desk, order)


def _on_status(desk: Desk, tick: StatusTick) -> None:
    """Orders wait while trading is halted; then the next quote is for them."""
    (acting.halt if tick.code == "H" else acting.resume)(desk, tick.symbol)


_HAPPENS: Final[Mapping[type, Callable[[Desk, Any], None]]] = {
    QuoteTick: matching.on_quote,
    TradeTick: matching.on_trade,
    PhaseTick: nights.on_phase,
    ActionTick: nights.on_action,
    StatusTick: _on_status,
}
"""What each kind of tick does; bars and order books do nothing."""
