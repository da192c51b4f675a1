"""The store: rows of market data in Parquet files, by kind, timeframe and symbol."""

from fanfold.market.store.files import labels_of
from fanfold.market.store.place import Place
from fanfold.market.store.rows import Change, numbers, truths
from fanfold.market.store.series import Series
from fanfold.market.store.store import PAGE, SeriesInfo, Store

__all__ = [
    "PAGE",
    "Change",
    "Place",
    "Series",
    "SeriesInfo",
    "Store",
    "labels_of",
    "numbers",
    "truths",
]
