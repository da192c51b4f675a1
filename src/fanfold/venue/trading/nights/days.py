"""An exchange's day: orders begin and expire with it, accounts are summed up at its close."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from msgspec.structs import replace

from fanfold.venue.market.values import PhaseTick
from fanfold.venue.trading import fees, money
from fanfold.venue.trading.desk import Desk
from fanfold.venue.trading.life import ending, lifecycle
from fanfold.venue.trading.nights.interest import charge_interest
from fanfold.venue.trading.values import EquityPoint, Order

ROUND_THE_CLOCK: Final = "24/7"
"""Calendar of assets that trade always; its days end at midnight UTC."""

ENDS_UNMET: Final = frozenset(("opg", "cls", "ioc", "fok"))
"""Times in force of orders for one auction or one price: without it they end with the day."""

_BEGINNING: Final = ("accepted", "done_for_day")
"""Status of orders that have waited for the next session."""


def on_phase(desk: Desk, tick: PhaseTick) -> None:
    """Do what an exchange's day brings.

    At "day" the fees of the day before are listed, and orders for extended hours begin. At
    "open" all others that waited do. At "close" orders for the day expire, or at "end" if
    they are for extended hours; one for an auction or a price that never was is cancelled. What
    an account is worth at the close is kept for the next day. At "end" the night's
    interest is charged, and orders expire that have waited for as long as they may.

    Orders until cancelled stay as they are over the night, and no account is liquidated
    for want of margin: its figures show the deficit.
    """
    for step in _STEPS[tick.phase]:
        step(desk, tick)


def mark_equity(desk: Desk) -> None:
    """Note the equity of every account that holds something."""
    for account in desk.book.accounts:
        calendars = {_calendar(desk, one.symbol) for one in desk.book.positions(account.id)}
        if calendars:
            calendar = min(calendars, key=lambda name: (name == ROUND_THE_CLOCK, name))
            _mark(desk, account.id, desk.market.hours(calendar).session_day)


# Orders


def _begin_extended(desk: Desk, tick: PhaseTick) -> None:
    for order in _orders_of(desk, tick.calendar):
        if order.status == "accepted" and order.extended_hours:
            lifecycle.accept(desk, order)


def _begin(desk: Desk, tick: PhaseTick) -> None:
    for order in _orders_of(desk, tick.calendar):
        # Orders for an auction begin with its trade.
        if order.status in _BEGINNING and order.time_in_force not in {"opg", "cls"}:
            lifecycle.accept(desk, order)


def _expire_day(desk: Desk, tick: PhaseTick) -> None:
    """End orders for a day that is over, and those that met none of its prices."""
    extended = tick.phase == "end"
    for order in _orders_of(desk, tick.calendar):
        if order.time_in_force == "day" and order.extended_hours == extended:
            ending.end(desk, order, "expired")
        elif order.time_in_force in ENDS_UNMET and not extended:
            ending.end(desk, order, "canceled")


def _expire_old(desk: Desk, tick: PhaseTick) -> None:
    for order in _orders_of(desk, tick.calendar):
        if order.expires_at is not None and order.expires_at <= tick.ts:
            ending.end(desk, order, "expired")


def _orders_of(desk: Desk, calendar: str) -> Iterator[Order]:
    """Open orders of assets on a calendar, each as it is when its turn comes."""
    for listed in desk.book.all_open_orders():
        if _calendar(desk, listed.symbol) == calendar:
            order = lifecycle.current(desk, listed)
            if order.is_open:
                yield order


def _calendar(desk: Desk, symbol: str) -> str:
    asset = desk.market.asset(symbol)
    return "" if asset is None else asset.calendar


# Accounts


def _list_fees(desk: Desk, tick: PhaseTick) -> None:
    for account in desk.book.accounts:
        fees.list_fees(desk, account.id, coins=tick.calendar == ROUND_THE_CLOCK)


def _sum_up(desk: Desk, tick: PhaseTick) -> None:
    """Keep what accounts and positions are at the close, for the next day to compare with.

    An account that holds shares has the days of their exchange; one of coins alone those
    that end at midnight.
    """
    for account in desk.book.accounts:
        held = desk.book.positions(account.id)
        calendars = {_calendar(desk, one.symbol) for one in held}
        for position in held:
            if _calendar(desk, position.symbol) == tick.calendar:
                desk.book.put_position(replace(position, intraday_qty=position.qty))
        if tick.calendar != ROUND_THE_CLOCK or calendars <= {ROUND_THE_CLOCK}:
            figures = money.figures(desk, account.id)
            desk.book.put_account(
                replace(
                    desk.book.account(account.id),
                    last_equity=figures.equity,
                    last_maintenance=figures.maintenance_margin,
                )
            )
            _mark(desk, account.id, tick.session_day)


def _mark(desk: Desk, account_id: str, session_day: int) -> None:
    equity = money.figures(desk, account_id).equity
    desk.book.mark(
        EquityPoint(ts=desk.now, account=account_id, equity=equity, session_day=session_day)
    )


_STEPS: Final[Mapping[str, tuple[Callable[[Desk, PhaseTick], None], ...]]] = {
    "day": (_list_fees, _begin_extended),
    "open": (_begin,),
    "close": (_expire_day, _sum_up),
    "end": (_expire_day, _expire_old, charge_interest),
}
