"""What a broker tells of a run's orders and money, booked as the step would have."""

from collections.abc import Sequence
from typing import Final

from fanfold.domain.orders import CLOSE, OPEN
from fanfold.engine.light import linked
from fanfold.engine.market import Market
from fanfold.engine.step.outside import EXITS, IN_GOAL, allow, end_working, hold, take_fill
from fanfold.errors import DataError

_take_fill: Final = linked(take_fill)
_end_working: Final = linked(end_working)
_allow: Final = linked(allow)
_hold: Final = linked(hold)

MEANINGS: Final = {
    "entry": IN_GOAL,
    "exit": IN_GOAL,
    "stop": EXITS,
    "target": EXITS,
    "flatten": EXITS,
}
"""What fills of an order's role do to the goal."""

WORKING: Final = {"entry": OPEN, "exit": CLOSE}
"""Orders that lead to a goal; the others protect a position, and their levels stay."""


def check_fill(role: str, price: int) -> None:
    """Refuse what is no fill.

    Raises:
        DataError: There is no such role, or the price is none.
    """
    if role not in MEANINGS or price <= 0:
        raise DataError(
            f"a fill must have one of the roles {', '.join(MEANINGS)} and a price above 0, "
            f"was {role!r} at {price}"
        )


def fill(market: Market, asset: int, role: str, lots: int, price: int, fee: int, ts: int) -> None:
    """Book a fill; see `fanfold.engine.stepper.Stepper.fill`."""
    books = market.books
    desk = books.desks[asset]
    priced = desk.limit == desk.limit or desk.stop == desk.stop
    inside = int(priced and ts > market.last.ts)
    _take_fill(
        market.t, MEANINGS[role], lots, price, fee, inside, desk, market.window.views[3],
        books.account, books.rules, (),
    )  # fmt: skip


def ended(market: Market, asset: int, role: str) -> None:
    """An order of a role in `WORKING` is over."""
    books = market.books
    _end_working(WORKING[role], books.desks[asset], books.account)


def refused(market: Market, asset: int, allowed: int) -> None:
    """The goal of an asset becomes what a limit outside has allowed."""
    _allow(allowed, market.books.desks[asset], market.books.account)


def settle(market: Market, held: Sequence[int], cash: int) -> None:
    """Positions and cash become those that the broker has."""
    books, account, t = market.books, market.books.account, market.t
    begun = int(account.bar_count > 0)
    for desk, lots in zip(books.desks, held, strict=True):
        _hold(t, lots, begun, desk, market.window.views[3], account, books.rules)
    if cash != account.cash:
        account.cash = cash
        account.touched = account.stirred = 1
