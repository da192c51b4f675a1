"""What is ingested, from where, into which store."""

from datetime import date, datetime
from typing import Literal

from pydantic import Field

from fanfold.settings.sections import Section


class IngestSettings(Section):
    """As the options of `fanfold data ingest`.

    `source` is a service (alpaca, yahoo, polygon), "sample", or files, folders and patterns.
    Services are asked for `symbols`, or for those in `symbols_file`. `columns` names a file's
    columns by ours; `calendar` is for all or by symbol. Without `store` it is the local one.
    """

    source: str | list[str] = "sample"
    store: str | None = None
    symbols: list[str] | None = None
    symbols_file: str | None = None
    start: date | datetime | None = None
    end: date | datetime | None = None
    timeframe: str | None = None
    kind: Literal["bars", "trades", "quotes", "actions", "listings", "members"] | None = None
    basis: Literal["raw", "split", "total_return"] | None = None
    feed: str | None = None
    columns: dict[str, str] = Field(default_factory=dict[str, str])
    zone: str | None = None
    date_format: str | None = None
    delimiter: str | None = None
    decimal: str | None = None
    stamp: Literal["start", "end", "session"] | None = None
    calendar: str | dict[str, str] | None = None
    symbol: str | None = None
    universe: str | None = None
    strict: bool = False
    replace: bool = False
    refresh: bool = False
