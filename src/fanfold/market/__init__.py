"""Prices that were: the packaged sample, files and the local store."""

from fanfold.market.load import list_data, load_bars
from fanfold.market.store import DatasetInfo, Store

__all__ = ["DatasetInfo", "Store", "list_data", "load_bars"]
