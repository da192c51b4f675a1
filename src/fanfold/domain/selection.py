"""Parts of a panel: some of its assets and a period, or every bar as a row."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from fanfold.domain.calendars import narrowed_clock
from fanfold.domain.layout import CELL, LAYOUT, narrowed, speaking
from fanfold.domain.names import chosen_places
from fanfold.domain.panel import FIELDS
from fanfold.domain.period import Moment, bars_within, period_text
from fanfold.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

    from fanfold.domain.bars import Bars


def selected(
    bars: "Bars", symbols: Sequence[str] | str | None, start: Moment | None, end: Moment | None
) -> "Bars":
    """Narrow to some symbols and a period, as `Bars.select` says.

    Raises:
        ConfigError: A moment cannot be understood, or a symbol is asked for twice.
        DataError: A symbol is not there, or no bar is within the period.
    """
    if symbols is not None:
        chosen = chosen_places(symbols, bars.symbols)
        calendars = tuple(bars.calendars[place] for place in chosen)
        if set(calendars) != set(bars.calendars):
            # First the assets: the period is understood in the calendar that they share.
            present = np.flatnonzero(np.any(speaking(bars)[:, chosen], axis=1))
            if len(present) == 0:
                raise DataError(f"bars must hold one of {symbols}, was none")
            return selected(_narrowed(bars, present, chosen), None, start, end)
    if symbols is None and start is None and end is None:
        return bars
    within: Any = bars_within(bars.ts, bars.session_day, start, end)
    period = period_text(bars.session_day, start, end)
    if within.start >= within.stop:
        raise DataError(f"the period must hold a bar, was {period}")
    if symbols is None:
        return _narrowed(bars, within, slice(None))
    chosen = chosen_places(symbols, bars.symbols)
    present = np.any(speaking(bars)[within][:, chosen], axis=1)
    if not present.any():
        raise DataError(f"the period must hold a bar of {symbols}, was {period}")
    return _narrowed(bars, np.flatnonzero(present) + within.start, chosen)


def tidy_frame(bars: "Bars") -> "pd.DataFrame":
    """One row a bar of an asset, as `Bars.to_frame` says."""
    import pandas as pd

    asset, bar = np.nonzero(speaking(bars).T)
    columns: dict[str, Any] = {
        "symbol": np.array(bars.symbols, dtype=object)[asset],
        "ts": pd.DatetimeIndex(bars.ts, tz="UTC")[bar],
    }
    for place, name in enumerate(FIELDS):
        columns[name] = bars.panel[place][bar, asset]
    for name, values in (("splits", bars.splits), ("dividends", bars.dividends)):
        if values is not None:
            columns[name] = values[bar, asset]
    return pd.DataFrame(columns)


def _narrowed(bars: "Bars", rows: Any, assets: Any) -> "Bars":
    columns: dict[str, Any] = {}
    for name, (_, axes) in LAYOUT.items():
        array = getattr(bars, name)
        if array is not None:
            columns[name] = narrowed(array, axes, bar=rows, asset=assets)
    columns["extra"] = {
        name: narrowed(array, CELL, bar=rows, asset=assets) for name, array in bars.extra.items()
    }
    labels = {
        name: tuple(np.array(getattr(bars, name), dtype=object)[assets])
        for name in ("symbols", "calendars")
    }
    clock = narrowed_clock(bars.calendar, labels["calendars"], columns["ts"])
    return replace(bars, **labels, **columns | clock)
