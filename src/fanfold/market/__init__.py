"""Prices that were: the packaged sample, files and the local store."""

from fanfold.market.catalog import DatasetInfo, list_data
from fanfold.market.load import load_bars

__all__ = ["DatasetInfo", "list_data", "load_bars"]
