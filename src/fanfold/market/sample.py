"""The packaged sample: five US stocks, daily, 2000 to 2013, and the S&P 500.

Read from the packages `bokeh-sampledata` (raw prices and adjusted closes) and `arch`
(the index) and converted once into the local store, because pandas and the packages
take seconds to load. Its universe was chosen with hindsight: all five companies did
well enough to be remembered.
"""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from fanfold.domain.bars import Bars
from fanfold.domain.place import home
from fanfold.errors import DataError
from fanfold.market.quality import quarantine
from fanfold.market.store import PAGE, Store

SAMPLE = "sample"
"""The sample's name, as a source and in the store."""

CHOSEN_WITH_HINDSIGHT = "the sample's companies were chosen with hindsight"
"""What a report on the sample has to say."""

_INDEX_FILE = "data/sp500/sp500.csv.gz"


def local_store() -> Store:
    """The store in fanfold's own folder, which holds the sample."""
    return Store(folder=home() / "data")


def sample_store() -> Store:
    """The local store, after the sample was converted if it was not yet.

    Raises:
        DataError: The packages lack the data, or the store cannot be written to.
    """
    store = local_store()
    if not (store.folder / SAMPLE / PAGE).exists():
        frame, bad_rows = quarantine(_stocks())
        bars = Bars.from_frame(
            frame,
            stamp="session",
            basis="total_return",
            calendar="XNYS",
            benchmark=_index(),
            source="bokeh-sampledata: AAPL, FB, GOOG, IBM, MSFT",
        )
        # Several processes may come here at once: they write the same.
        store.write(SAMPLE, bars, quarantined=bad_rows)
    return store


def _stocks() -> Any:
    from bokeh_sampledata.stocks import data

    return data.rename(columns={"ticker": "symbol", "date": "ts"})


def _index() -> Any:
    """The index's levels; the file is read without importing arch, which takes seconds."""
    import pandas as pd

    spec = find_spec("arch")
    if spec is None or spec.origin is None:
        raise DataError("the package arch must be installed, it holds the S&P 500")
    file = Path(spec.origin).parent / _INDEX_FILE
    try:
        frame = pd.read_csv(file, parse_dates=["Date"], date_format="%m/%d/%Y", index_col="Date")
    except (OSError, ValueError) as error:
        raise DataError(f"{file} must hold the S&P 500: {error}") from error
    return frame["Close"].rename("S&P 500 (price index)")
