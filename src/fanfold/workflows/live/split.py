"""Why live trading earned another amount than the backtest: five differences that add up.

From the backtest to the account one thing is changed at a time, and what the profit changes
by is that thing's share. All of it is whole micro-units, so nothing is left over.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from fanfold.domain.money import share

CAUSES: Final = ("data", "refusals", "timing", "fill_price", "fees")
"""In the order in which they are changed: the vendor's final bars for those that were seen
live; what was ordered for what was traded, refusals, trims and expiries; the instant of the
model's fill for that of the real one; the model's price for the real one; its fees."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One fill, real or modelled: signed lots, price and fee [micro-units]."""

    asset: int
    ts: int
    lots: int
    price: int
    fee: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Traded:
    """What was really traded, with what the model would have made of the same lots.

    Attributes:
        real: The fill.
        on_time: The model's price at the model's instant, the bar after the decision.
        at_fill: The model's price at the real instant.
        model_fee: The model's fee at its price.
    """

    real: Piece
    on_time: int
    at_fill: int
    model_fee: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Profits [micro-units], and their difference by cause.

    Attributes:
        backtest: Of the backtest on the vendor's final bars.
        live: Of the account.
        causes: By name, in the order of `CAUSES`; they add up to live − backtest.
    """

    backtest: int
    live: int
    causes: dict[str, int]


@dataclass(frozen=True, slots=True)
class Marks:
    """Last prices [micro-units] and lots in a unit, of each asset."""

    prices: Sequence[int]
    parts: Sequence[int]


def profit(pieces: Sequence[Piece], marks: Marks) -> int:
    """Profit of some fills with what is held at their end marked [micro-units]."""
    held = [0] * len(marks.prices)
    cash = 0
    for piece in pieces:
        cash -= share(piece.lots, piece.price, marks.parts[piece.asset]) + piece.fee
        held[piece.asset] += piece.lots
    assets = zip(held, marks.prices, marks.parts, strict=True)
    return cash + sum(share(lots, price, parts) for lots, price, parts in assets)


def split(
    on_final: Sequence[Piece],
    on_recorded: Sequence[Piece],
    traded: Sequence[Traded],
    final: Marks,
    recorded: Marks,
) -> Split:
    """Split the difference of live and backtest.

    Args:
        on_final: Fills of the backtest on the vendor's final bars.
        on_recorded: Fills of the same on the bars that were seen live.
        traded: The account's fills.
        final: Last prices of the final bars.
        recorded: Last prices that were seen live.
    """
    stages = [
        profit(on_final, final),
        profit(on_recorded, recorded),
        profit([_piece(one, one.on_time, one.model_fee) for one in traded], recorded),
        profit([_piece(one, one.at_fill, one.model_fee) for one in traded], recorded),
        profit([_piece(one, one.real.price, one.model_fee) for one in traded], recorded),
        profit([one.real for one in traded], recorded),
    ]
    changes = [after - before for before, after in pairwise(stages)]
    return Split(
        backtest=stages[0], live=stages[-1], causes=dict(zip(CAUSES, changes, strict=True))
    )


def _piece(one: Traded, price: int, fee: int) -> Piece:
    real = one.real
    return Piece(asset=real.asset, ts=real.ts, lots=real.lots, price=price, fee=fee)
