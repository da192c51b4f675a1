"""The packaged sample, which serves its own truth."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from tests.conformance.case import Case, Ready, Truth

from fanfold.market.sources.sample import SampleSource
from fanfold.market.sources.source import Request

SYMBOLS = ("AAPL", "IBM", "MSFT")
# When New York closed at one o'clock, before and after holidays.
HALF_DAYS = pd.DatetimeIndex(
    [
        "2000-07-03",
        "2000-11-24",
        "2001-07-03",
        "2001-11-23",
        "2001-12-24",
        "2002-07-05",
        "2002-11-29",
        "2002-12-24",
        "2003-07-03",
        "2003-11-28",
        "2003-12-24",
        "2003-12-26",
        "2004-11-26",
        "2005-11-25",
        "2006-07-03",
        "2006-11-24",
        "2007-07-03",
        "2007-11-23",
        "2007-12-24",
        "2008-07-03",
        "2008-11-28",
        "2008-12-24",
        "2009-11-27",
        "2009-12-24",
        "2010-11-26",
        "2011-11-25",
        "2012-07-03",
        "2012-11-23",
        "2012-12-24",
    ]
)


@contextmanager
def opened(_folder: Path, _truth: Truth, _trouble: str) -> Iterator[Ready]:
    """The sample is always there."""
    yield Ready(source=SampleSource())


@cache
def own(_timeframe: str) -> Truth:
    """All of it, as the package has it."""
    from bokeh_sampledata.stocks import data

    frames: dict[str, pd.DataFrame] = {}
    for symbol in SYMBOLS:
        rows = data[data["ticker"] == symbol].reset_index(drop=True)
        session = rows["date"].astype("datetime64[ns]")
        hours = np.where(session.isin(HALF_DAYS), 13, 16)
        ends = (session + pd.to_timedelta(hours, unit="h")).dt.tz_localize("America/New_York")
        prices = rows[["open", "high", "low", "close", "volume", "adj_close"]].astype(float)
        frames[symbol] = prices.assign(
            start=session.dt.tz_localize("UTC"),
            ts=ends.dt.tz_convert("UTC").astype("datetime64[ns, UTC]"),
            session=session,
        )
    return Truth(frames=frames)


CASES = (
    Case(
        name="sample",
        open=opened,
        symbols=SYMBOLS,
        timeframes=("1D",),
        troubles=("unknown_symbol",),
        refuses=(Request(timeframe="1min"), Request(basis="total_return")),
        columns={"bars": ("adj_close",)},
        has_clock=False,
        own=own,
    ),
)
