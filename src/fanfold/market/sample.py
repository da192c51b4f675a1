"""The packaged sample: five US stocks, daily, 2000 to 2013, and the S&P 500.

Read from the packages `bokeh-sampledata` (raw prices and adjusted closes) and `arch`
(the index) and converted once into a store of its own, because pandas and the packages
take seconds to load. Its universe was chosen with hindsight: all five companies did
well enough to be remembered.
"""

import shutil
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np

from fanfold.domain.bars import Bars
from fanfold.domain.panel import FIELDS
from fanfold.domain.place import home
from fanfold.domain.timeframe import SESSION
from fanfold.errors import DataError
from fanfold.market.columns import arrow
from fanfold.market.kinds import schema_of
from fanfold.market.store import Series, Store, numbers

SAMPLE = "sample"
"""The sample's name, as a source."""

CHOSEN_WITH_HINDSIGHT = "the sample's companies were chosen with hindsight"
"""What a report on the sample has to say."""

BENCHMARK: Final = Series(kind="series", symbol="S&P 500 (price index)")
"""The index beside the stocks."""

CALENDAR: Final = "XNYS"
"""That of the stocks and the index."""

_INDEX_FILE = "data/sp500/sp500.csv.gz"
_OLD_PAGE: Final = "dataset.json"


def sample_store() -> Store:
    """The store that holds the sample and nothing else, converted if it was not yet.

    Raises:
        DataError: The packages lack the data, or the store cannot be written to.
    """
    folder = home() / "data" / SAMPLE
    if (folder / _OLD_PAGE).exists():
        _forget_old(folder)
    store = Store.at(folder)
    if not store.has(BENCHMARK):
        # Several processes may come here at once: they write the same. The index is the
        # last, so what another one left half-made is completed.
        for symbol, table in _stock_tables():
            series = Series(kind="bars", symbol=symbol, timeframe=SESSION)
            labels = {"source": _SOURCE, "basis": "raw", "calendar": CALENDAR}
            store.upsert(series, table, labels=labels)
        store.upsert(BENCHMARK, _index_table(), labels={"source": "arch: sp500"})
    return store


def with_index(bars: Bars, store: Store) -> Bars:
    """Bars of the sample with the index's level last known at each bar's end.

    Raises:
        DataError: A file is damaged.
    """
    table = store.read(BENCHMARK)
    known, levels = numbers(table, "ts"), numbers(table, "value")
    place = np.searchsorted(known, bars.ts, side="right") - 1
    there = (place >= 0) & (bars.ts <= known[-1])
    benchmark = np.where(there, levels[np.maximum(place, 0)], np.nan)
    return replace(bars, benchmark=benchmark, benchmark_name=BENCHMARK.symbol)


_SOURCE: Final = "bokeh-sampledata: AAPL, FB, GOOG, IBM, MSFT, dates of sessions"


def _stock_tables() -> "list[tuple[str, Any]]":
    """Rows of each stock as a store has them."""
    pa = arrow()
    frame = _stocks()
    bars = Bars.from_frame(frame, stamp="session", basis="raw", calendar=CALENDAR)
    tables: list[tuple[str, Any]] = []
    schema = schema_of("bars", ["adj_close"])
    for asset, symbol in enumerate(bars.symbols):
        there = ~np.isnan(bars.close[:, asset])
        columns: dict[str, Any] = {
            "ts": bars.ts[there],
            "session": bars.session_day[there].astype(np.int32),
            "minutes_to_close": bars.minutes_to_close[there],
            "is_month_end": bars.is_month_end[there],
            "adj_close": frame["adj_close"][frame["symbol"] == symbol].to_numpy(np.float64),
        }
        columns |= {name: bars.panel[field, there, asset] for field, name in enumerate(FIELDS)}
        arrays = [pa.array(columns[one.name]).cast(one.type) for one in schema]
        tables.append((symbol, pa.Table.from_arrays(arrays, schema=schema)))
    return tables


def _index_table() -> Any:
    """The index's closes, each from its session's close on."""
    from fanfold.domain.sessions import session_closes

    pa = arrow()
    levels = _index()
    day = levels.index.to_numpy("datetime64[D]").astype(np.int64)
    schema = schema_of("series")
    columns: list[Any] = [session_closes(day, CALENDAR), levels.to_numpy(np.float64)]
    arrays = [pa.array(column).cast(one.type) for column, one in zip(columns, schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)


def _forget_old(folder: Path) -> None:
    """Remove a sample that an earlier version converted, its page last."""
    for part in [folder / "clock", *folder.glob("bars/symbol=*")]:
        shutil.rmtree(part, ignore_errors=True)
    (folder / _OLD_PAGE).unlink(missing_ok=True)


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
