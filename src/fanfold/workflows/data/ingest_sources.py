"""From a source's name to the source; a service's limit is shared among processes."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from fanfold.errors import ConfigError
from fanfold.workflows.data.ingest_plan import SAMPLE, SERVICES, Asked

if TYPE_CHECKING:
    from fanfold.market.sources.file import FileSource
    from fanfold.market.sources.source import Delivery, Request, Source


def opened(asked: Asked, source: str, worker_count: int) -> "Source":
    """A source, ready to be asked.

    Args:
        asked: The ingest.
        source: A service, "sample", or a file.
        worker_count: Processes that share a service's limit.

    Raises:
        ConfigError: An argument does not go with the source.
    """
    found: Any
    if source in SERVICES:
        found = _service(source, asked.feed, worker_count)
    elif source == SAMPLE:
        from fanfold.market.sources.sample import SampleSource

        found = SampleSource()
    else:
        found = file_source(asked, Path(source))
    if asked.calendar is None:
        return found
    return OnCalendar(source=found, calendar=asked.calendar, name=found.name, feed=found.feed)


@lru_cache(maxsize=8)
def _service(name: str, feed: str | None, worker_count: int) -> "Source":
    """One a process, so that all of its units wait for the same bucket."""
    return _OPENERS[name](feed, worker_count)


def _alpaca(feed: str | None, worker_count: int) -> "Source":
    from fanfold.market.sources.alpaca import AlpacaSource, plan_bucket

    given: dict[str, Any] = {} if feed is None else {"feed": feed}
    return AlpacaSource(bucket=plan_bucket(worker_count), **given)


def _yahoo(feed: str | None, worker_count: int) -> "Source":
    from fanfold.market.sources.yahoo import YahooSource, plan_bucket

    _refuse_feed("yahoo", feed)
    return YahooSource(bucket=plan_bucket(worker_count))


def _polygon(feed: str | None, worker_count: int) -> "Source":
    from fanfold.market.sources.polygon import PolygonSource, plan_bucket

    _refuse_feed("polygon", feed)
    return PolygonSource(bucket=plan_bucket(worker_count))


_OPENERS: Final[Mapping[str, "Callable[[str | None, int], Source]"]] = {
    "alpaca": _alpaca,
    "yahoo": _yahoo,
    "polygon": _polygon,
}


def _refuse_feed(name: str, feed: str | None) -> None:
    if feed is not None:
        raise ConfigError(f"feed must be left out for {name}, it has one, was {feed!r}")


def file_source(asked: Asked, file: Path) -> "FileSource":
    """A file as a source.

    Raises:
        ConfigError: An argument does not go with files.
    """
    from fanfold.market.sources.file import FileSource

    given: dict[str, Any] = {
        "kind": asked.kind,
        "columns": asked.columns,
        "zone": asked.zone,
        "date_format": asked.date_format,
        "delimiter": asked.delimiter,
        "decimal": asked.decimal,
        "stamp": asked.stamp,
        "timeframe": asked.timeframe,
        "calendar": asked.calendar if isinstance(asked.calendar, str) else None,
        "basis": asked.basis,
        "symbol": asked.symbol,
        "universe": asked.universe,
    }
    stated = {name: value for name, value in given.items() if value}
    return FileSource(files=file, **stated)


@dataclass(slots=True, kw_only=True)
class OnCalendar:
    """A source whose deliveries are said to follow a calendar.

    Attributes:
        source: Where they come from.
        calendar: For all, or by symbol; others are as the source says.
        name: What reports and the store call the source.
        feed: Which of its feeds.
    """

    source: "Source"
    calendar: str | Mapping[str, str]
    name: str
    feed: str

    def check(self, request: "Request") -> None:
        """Refuse what cannot be delivered, see `Source`."""
        self.source.check(request)

    def fetch(self, request: "Request") -> "Iterator[Delivery]":
        """Deliver what was asked for, see `Source`."""
        for delivery in self.source.fetch(request):
            calendar = self.calendar
            if not isinstance(calendar, str):
                calendar = calendar.get(delivery.symbol, delivery.calendar)
            yield replace(delivery, calendar=calendar)
