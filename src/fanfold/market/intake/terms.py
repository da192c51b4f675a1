"""Terms of tickers and of members: what must hold of them together."""

from itertools import pairwise
from typing import Any

import numpy as np

from fanfold.domain.period import day_text
from fanfold.errors import DataError
from fanfold.market.columns import arrow

_EVER = 10**9
"""Days beyond all dates [days]."""


def check_terms(kind: str, new: Any, stored: Any, name: str) -> None:
    """Refuse terms that end before they start, or overlap for one ticker.

    Args:
        kind: "listings" or "members".
        new: Arrow table of the terms to be stored.
        stored: Those that are stored, which the new replace where a ticker and a start are
            the same; None if there are none.
        name: Of the universe, "" for listings.

    Raises:
        DataError: Says which term, and how it must be.
    """
    what = f"members of {name}" if name else kind
    terms: dict[str, dict[int, int]] = {}
    for table in (stored, new):
        if table is None:
            continue
        seen: set[tuple[str, int]] = set()
        for symbol, start, end in _terms(table):
            if end < start:
                raise DataError(
                    f"{what} must end after they start, {symbol} from {_text(start)} to "
                    f"{_text(end)}"
                )
            if (symbol, start) in seen:
                raise DataError(f"{what} must be there once, {symbol} from {_text(start)} is twice")
            seen.add((symbol, start))
            terms.setdefault(symbol, {})[start] = end
    for symbol, ends in terms.items():
        starts = sorted(ends)
        for start, following in pairwise(starts):
            if ends[start] >= following:
                raise DataError(
                    f"{what} must not overlap, {symbol} from {_text(start)} to "
                    f"{_text(ends[start])} and from {_text(following)}"
                )
    if kind == "listings":
        _check_returns(new)


def _check_returns(listings: Any) -> None:
    returns = listings.column("delisting_return").to_numpy()
    wrong = np.flatnonzero((returns < -1) | np.isinf(returns))
    if len(wrong):
        row = int(wrong[0])
        symbol = listings.column("symbol")[row].as_py()
        raise DataError(
            f"delisting_return must be -1 or more, or nan, {symbol} had {returns[row]:g}"
        )


def _terms(table: Any) -> list[tuple[str, int, int]]:
    pa = arrow()
    start, end = (
        [missing if one is None else one for one in table.column(name).cast(pa.int32()).to_pylist()]
        for name, missing in (("start", -_EVER), ("end", _EVER))
    )
    return list(zip(table.column("symbol").to_pylist(), start, end, strict=True))


def _text(day: int) -> str:
    return "the beginning" if day == -_EVER else "now" if day == _EVER else day_text(day)
