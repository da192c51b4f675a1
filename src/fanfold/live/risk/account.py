"""Whether the account is what its fills make it, before the broker's word is taken."""

from typing import Final

from fanfold.live.messages import AccountState
from fanfold.live.risk.book import share
from fanfold.live.risk.mirror import Mirror
from fanfold.live.risk.rules import SECOND_NS

QUIET_NS: Final = 10 * SECOND_NS
"""Time since the last fill after which both must agree [ns]."""

CASH_TOLERANCE: Final = 0.02
"""Difference of cash that interest, dividends and fees may make [share of equity]."""

EQUITY_TOLERANCE: Final = 0.05
"""Difference of equity that the instants of the two valuations may make [share of it]."""


def account_problem(mirror: Mirror, state: AccountState, since_fill: int) -> str:
    """How the broker's account differs from what was thought, or "".

    Args:
        mirror: What was thought.
        state: What the broker says.
        since_fill: Time since the last fill [ns].
    """
    if mirror.account is None or since_fill < QUIET_NS or not mirror.rules.owns_account:
        return ""
    equity = abs(mirror.sums.equity)
    moved = abs(state.cash - mirror.sums.cash)
    if moved > CASH_TOLERANCE * equity:
        return (
            f"cash is {state.cash / 1e6:.2f} at the broker and {mirror.sums.cash / 1e6:.2f} by "
            f"fills, tolerance {CASH_TOLERANCE:.0%} of equity {equity / 1e6:.2f}"
        )
    if mirror.is_blind or mirror.deferring or any(book.doubts for book in mirror.books.values()):
        return ""  # a price is not known, or not believed yet
    if state.held != tuple(book.held for book in mirror.books.values()):
        return ""  # a split, or fills that were lost: cash has told them apart
    external = sum(
        share(lots, round(book.middle * 5e5), book.rules.parts)
        for lots, book in zip(state.external, mirror.books.values(), strict=False)
        if lots
    )
    own = mirror.exact_equity() - mirror.sums.cash + state.cash + external
    if abs(state.equity - own) > EQUITY_TOLERANCE * max(abs(own), equity):
        return (
            f"equity is {state.equity / 1e6:.2f} at the broker and {own / 1e6:.2f} by quotes, "
            f"tolerance {EQUITY_TOLERANCE:.0%}"
        )
    return ""
