"""Prices in another basis than the one they are stored in: computed, not stored twice.

Factors are 1 at the end of the rows that are asked for and follow from the actions
among them alone. So a range has the same prices whatever is stored after it, and
whatever was stored before it.
"""

from dataclasses import dataclass
from typing import Final, get_args

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.adjustment import by_adjusted_close
from fanfold.domain.layout import BOOKED, NEUTRAL
from fanfold.domain.panel import CLOSE, VOLUME
from fanfold.domain.period import day_text
from fanfold.domain.prices import Basis
from fanfold.errors import DataError


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Actions:
    """Splits and dividends of one asset, a row an ex-date, in the units of its prices.

    Attributes:
        day: Ex-dates, increasing [days since 1970-01-01]; shape [action].
        splits: Units after per unit before, 1.0 for none; shape [action].
        dividends: Cash per unit after the day's split [currency], 0.0 for none; [action].
    """

    day: NDArray[np.int64]
    splits: NDArray[np.float64]
    dividends: NDArray[np.float64]

    def between(self, first: int, last: int) -> "Actions":
        """Those from a day to another, both included."""
        return self.at((self.day >= first) & (self.day <= last))

    def at(self, rows: NDArray[np.bool_]) -> "Actions":
        """Some of them."""
        return Actions(day=self.day[rows], splits=self.splits[rows], dividends=self.dividends[rows])


NO_ACTIONS: Final = Actions(
    day=np.empty(0, np.int64), splits=np.empty(0, np.float64), dividends=np.empty(0, np.float64)
)
"""Where nothing happened."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rows:
    """Bars of one asset.

    Attributes:
        symbol: Its name, for errors.
        day: Dates of their sessions, not decreasing [days since 1970-01-01]; shape [row].
        fields: Open, high, low, close, volume as stored; shape [field, row].
        adj_close: The vendor's adjusted closes, None where there are none; shape [row].
        actions: What happened.
    """

    symbol: str
    day: NDArray[np.int64]
    fields: NDArray[np.float64]
    adj_close: NDArray[np.float64] | None
    actions: Actions


def bases_of(stored: Basis, *, adj_close: bool, actions: bool) -> tuple[Basis, ...]:
    """In which bases prices can be shown.

    Args:
        stored: The one that they are stored in.
        adj_close: Whether the vendor's adjusted closes are beside them.
        actions: Whether all splits and dividends are known.
    """
    known = get_args(Basis)
    if stored == known[-1]:
        return (stored,)
    shown = known[known.index(stored) :] if actions else (stored,)
    return (*shown, "total_return") if adj_close and "total_return" not in shown else shown


def fields_in(rows: Rows, stored: Basis, asked: Basis) -> NDArray[np.float64]:
    """Bars in a basis that `bases_of` names; the stored array itself where it is the same.

    Args:
        rows: The bars.
        stored: Basis that they are stored in.
        asked: Basis to show them in.

    Returns:
        Shape [field, row].

    Raises:
        DataError: An adjusted close is no price, or a dividend takes all that an asset is
            worth.
    """
    if asked == stored or rows.fields.shape[1] == 0:
        return rows.fields
    if asked == "total_return" and rows.adj_close is not None:
        return _by_adjusted_close(rows)
    fields, dividends = rows.fields, rows.actions.dividends
    if stored == "raw":
        factor = split_factors(rows.day, rows.actions, int(rows.day[-1]))
        fields = fields * factor
        fields[VOLUME] = rows.fields[VOLUME] / factor
        dividends = dividends * split_factors(rows.actions.day, rows.actions, int(rows.day[-1]))
    if asked == "total_return":
        fields = fields.copy() if fields is rows.fields else fields
        fields[:VOLUME] *= _dividend_factors(rows, fields[CLOSE], dividends)
    return fields


def booked_in(rows: Rows, stored: Basis, asked: Basis) -> Actions:
    """The actions that are left to be booked on bars of a basis, in units of its prices.

    Args:
        rows: The bars.
        stored: Basis that they are stored in.
        asked: Basis that they are shown in.
    """
    there, booked = rows.actions, BOOKED[asked]
    dividends = there.dividends
    if stored == "raw" and asked == "split" and len(rows.day) > 0:
        dividends = dividends * split_factors(there.day, there, int(rows.day[-1]))
    splits = there.splits if "splits" in booked else np.ones_like(there.splits)
    dividends = dividends if "dividends" in booked else np.zeros_like(dividends)
    left = Actions(day=there.day, splits=splits, dividends=dividends)
    return left.at((splits != NEUTRAL["splits"]) | (dividends != NEUTRAL["dividends"]))


def split_factors(day: NDArray[np.int64], actions: Actions, last: int) -> NDArray[np.float64]:
    """What prices are multiplied by, so that no later split shows in them.

    Args:
        day: Dates [days since 1970-01-01]; shape [row].
        actions: What happened.
        last: Date on which prices stay as they are; splits after it do not count.

    Returns:
        1 over the ratios of all splits after a date, up to the last; shape [row].
    """
    counted = np.where(actions.day <= last, actions.splits, 1.0)
    return 1.0 / _after(day, actions.day, counted)


def _dividend_factors(
    rows: Rows, close: NDArray[np.float64], dividends: NDArray[np.float64]
) -> NDArray[np.float64]:
    """What prices are multiplied by, so that no later dividend shows in them; shape [row].

    A dividend takes its share of the close before it: 1 - dividend / close.
    """
    actions = rows.actions
    before = np.searchsorted(rows.day, actions.day) - 1
    counts = (before >= 0) & (actions.day <= rows.day[-1]) & (dividends != 0)
    share = np.where(counts, dividends / close[np.maximum(before, 0)], 0.0)
    if (share >= 1).any():
        at = int(np.argmax(share >= 1))
        raise DataError(
            f"a dividend must be below the close before it, {rows.symbol} on "
            f"{day_text(actions.day[at])} paid {dividends[at]} after {close[before[at]]}"
        )
    return _after(rows.day, actions.day, 1 - share)


def _after(
    day: NDArray[np.int64], event_day: NDArray[np.int64], factors: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Products of the factors of all events after dates; shape [row].

    Multiplied from the last to the first, so that where rows begin changes no bit.
    """
    products = np.append(np.cumprod(factors[::-1])[::-1], 1.0)
    return products[np.searchsorted(event_day, day, side="right")]


def _by_adjusted_close(rows: Rows) -> NDArray[np.float64]:
    adjusted = rows.adj_close
    assert adjusted is not None  # noqa: S101  (the caller saw it)
    return by_adjusted_close(
        rows.fields, adjusted, lambda row: f"{rows.symbol} on {day_text(rows.day[row])}"
    )
