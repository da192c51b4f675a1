"""What a night costs: fees for what is borrowed, interest on borrowed cash."""

from typing import Final

from msgspec.structs import replace

from fanfold.domain.money import RATE_ONE
from fanfold.execution.costs import night_interest
from fanfold.venue.market.values import PhaseTick
from fanfold.venue.trading import money
from fanfold.venue.trading.desk import Desk
from fanfold.venue.trading.filling import micro_of, money_of

BORROW_RATE: Final = RATE_ONE // 100
"""Yearly rate on the value of what is held short: 1%, between 0.3% and 3% [billionths]."""

MARGIN_RATE: Final = RATE_ONE * 625 // 10_000
"""Yearly rate on cash that is owed: 6.25% [billionths]."""

_DAY_NS: Final = 86_400 * 10**9


def charge_interest(desk: Desk, tick: PhaseTick) -> None:
    """Charge the nights until the next session, each a 360th of a year; paper is free of it.

    What short sales brought in is collateral and pays for nothing else, so it is owed cash.
    """
    if desk.terms.fees == "paper":
        return
    nights = max(desk.market.hours(tick.calendar).next_open // _DAY_NS - tick.session_day, 0)
    for account in desk.book.accounts:
        _charge(desk, account.id, tick.calendar, nights)


def _charge(desk: Desk, account_id: str, calendar: str, nights: int) -> None:
    shorts = 0
    own = False
    for position in desk.book.positions(account_id):
        asset = desk.market.asset(position.symbol)
        own = own or (asset is not None and asset.calendar == calendar)
        if position.qty < 0:
            value = -micro_of(money.position_figures(desk, position).market_value)
            shorts += value
            if asset is not None and asset.calendar == calendar:
                fee = night_interest(value, BORROW_RATE, nights)
                _book(desk, account_id, fee, position.symbol, "borrow fee")
    debt = shorts - micro_of(desk.book.account(account_id).cash)
    if debt > 0 and own:
        _book(desk, account_id, night_interest(debt, MARGIN_RATE, nights), "", "margin interest")


def _book(desk: Desk, account_id: str, fee: int, symbol: str, note: str) -> None:
    if fee == 0:
        return
    amount = money_of(fee)
    account = desk.book.account(account_id)
    desk.book.put_account(replace(account, cash=account.cash - amount))
    kind = "FEE" if symbol else "INT"
    desk.book.write(account_id, kind, desk.now, symbol=symbol, amount=-amount, note=note)
