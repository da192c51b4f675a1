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

from fanfold.domain.adjustment import NEVER
from fanfold.domain.bars import Bars
from fanfold.domain.layout import CELL, LAYOUT, narrowed
from fanfold.domain.period import day_text, ts_text
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
    count = int(np.searchsorted(bars.ts, ts, side="right"))
    if count == bars.bar_count:
        return bars
    if count == 0:
        raise DataError(
            f"bars must begin by the end of what is known, {ts_text(ts)}, these begin on "
            f"{day_text(bars.session_day[0])}"
        )
    known: dict[str, Any] = {
        name: narrowed(array, axes, bar=slice(0, count))
        for name, (_, axes) in LAYOUT.items()
        if (array := getattr(bars, name)) is not None
    }
    if bars.delisted_day is not None:
        later = bars.delisted_day > bars.session_day[count - 1]
        known["delisted_day"] = np.where(later, NEVER, bars.delisted_day)
    extra = {name: narrowed(each, CELL, bar=slice(0, count)) for name, each in bars.extra.items()}
    return replace(bars, **known, extra=extra)
