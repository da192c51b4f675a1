"""An end of the known world: what bars are read never end later.

A strategy's own file may load bars while it is imported, and its decision may look at
them. Cutting the bars that it is given would not cut those. Under a horizon `load_bars`
gives what was known then, whoever asks. What a file reads by other means, such as
`pandas.read_csv`, is out of reach.
"""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.adjustment import NEVER
from fanfold.domain.bars import Bars
from fanfold.domain.layout import CELL, LAYOUT, narrowed
from fanfold.domain.period import day_text, ts_text
from fanfold.domain.sessions import DAY_NS
from fanfold.errors import DataError

_ends: list[int] = []
"""Ends of the known world in force, each inside the one before [ns UTC]."""


@contextmanager
def horizon(ts: int) -> Generator[None]:
    """End the known world of this process for a while.

    A horizon within another never shows more than the outer one.

    Args:
        ts: Latest end of a bar that `load_bars` gives, included [ns UTC].
    """
    _ends.append(min([ts, *_ends]))
    try:
        yield
    finally:
        _ends.pop()


def known_end() -> int | None:
    """Latest end of a bar under the horizon in force [ns UTC]; None where there is none."""
    return _ends[-1] if _ends else None


def known_count(ts: NDArray[np.int64], session_day: NDArray[np.int64], until: int) -> int:
    """How many bars had ended by an instant.

    Args:
        ts: Their ends, increasing, at least one [ns UTC]; shape [bar].
        session_day: Dates of their sessions [days since 1970-01-01]; shape [bar].
        until: Latest end, included [ns UTC].

    Raises:
        DataError: None had.
    """
    count = int(np.searchsorted(ts, until, side="right"))
    if count == 0:
        raise DataError(
            f"bars must begin by the end of what is known, {ts_text(until)}, these begin on "
            f"{day_text(session_day[0])}"
        )
    return count


def known_day(session_day: NDArray[np.int64], until: int) -> int:
    """Last date of whose delistings one had heard [days since 1970-01-01].

    That of the last session; where bars ended long before, the day before the instant.

    Args:
        session_day: Dates of the sessions that were known, at least one; shape [bar].
        until: The instant [ns UTC].
    """
    return max(int(session_day[-1]), until // DAY_NS - 1)


def within_horizon(bars: Bars) -> Bars:
    """The bars that the horizon in force leaves; all of them where there is none.

    Raises:
        DataError: It leaves none.
    """
    return bars_until(bars, _ends[-1]) if _ends else bars


def bars_until(bars: Bars, ts: int) -> Bars:
    """Bars as they were known at an instant: later bars and delistings are not there.

    Args:
        bars: Of any period.
        ts: Latest end of a bar, included [ns UTC].

    Raises:
        DataError: No bar has ended by then.
    """
    count = known_count(bars.ts, bars.session_day, ts)
    delisted = bars.delisted_day
    if delisted is not None:
        delisted = np.where(delisted > known_day(bars.session_day[:count], ts), NEVER, delisted)
    all_known = delisted is None or bool((delisted == bars.delisted_day).all())
    if count == bars.bar_count and all_known:
        return bars
    known: dict[str, Any] = {
        name: narrowed(array, axes, bar=slice(0, count))
        for name, (_, axes) in LAYOUT.items()
        if (array := getattr(bars, name)) is not None
    }
    if delisted is not None:
        known["delisted_day"] = delisted
    extra = {name: narrowed(each, CELL, bar=slice(0, count)) for name, each in bars.extra.items()}
    return replace(bars, **known, extra=extra)
