"""The port that every source of market data fits: a vendor, a file, the packaged sample."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from fanfold.domain.prices import Basis
from fanfold.domain.stamps import Stamp
from fanfold.domain.timeframe import SESSION
from fanfold.market.kinds import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked of a source.

    Attributes:
        kind: What rows are wanted.
        symbols: Of which assets; None for all that the source has, if it can tell.
        start: Earliest instant, included [ns UTC]; None for the earliest there is.
        end: Latest instant, excluded [ns UTC]; None for the latest there is.
        timeframe: Of bars, by its one name, see `fanfold.domain.timeframe`.
        basis: What prices shall be adjusted for; None for what the source prefers: raw
            where it has raw prices.
    """

    kind: Kind = "bars"
    symbols: tuple[str, ...] | None = None
    start: int | None = None
    end: int | None = None
    timeframe: str = SESSION
    basis: Basis | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Delivery:
    """Rows of one symbol as a source has them, in its order, faults included.

    Attributes:
        symbol: Whose.
        kind: What they are.
        table: Arrow table of the kind's source columns: `ts` (timestamp[ns], with a zone
            or, for dates, without), the numbers as doubles, without `session`,
            `minutes_to_close`, `is_month_end` and `seq`, which follow. Of actions `ts` is
            the ex-date; of listings and members the form's own columns.
        timeframe: Of bars.
        stamp: What `ts` of bars marks.
        basis: What prices are adjusted for.
        calendar: Of the asset, if the source knows; None to infer it.
        actions: Splits and dividends that came along, with `ts` as the ex-date, or None.
        rows: Row of the source that each row of the table was, for reports; None for
            its place in the table.
    """

    symbol: str
    kind: Kind
    table: Any
    timeframe: str = SESSION
    stamp: Stamp = "start"
    basis: Basis = "raw"
    calendar: str | None = None
    actions: Any = None
    rows: Any = field(default=None)


class Source(Protocol):
    """Where market data come from.

    Attributes:
        name: What reports and the store call it.
        feed: Which of its feeds, "" if it has one; prices of two feeds are not mixed.
    """

    name: str
    feed: str

    def check(self, request: Request) -> None:
        """Refuse what cannot be delivered before any work: keys, kind, timeframe, basis.

        Raises:
            ConfigError: Says what must be set or asked for instead.
        """
        ...

    def fetch(self, request: Request) -> Iterator[Delivery]:
        """Deliver what was asked for, at most one delivery a symbol, in the order asked.

        An asset without rows in the period gets no delivery. Rows outside
        ``[start, end)`` are not delivered, bars that are not over yet neither. A row counts
        by the instant that the source stamps it with, so adjoining periods hold it once.

        Raises:
            ConfigError: Keys are refused, or the plan does not include the feed.
            DataError: A symbol is unknown, or the source answers with what cannot be read.
            SourceError: The source could not be reached, or failed in spite of retries.
        """
        ...
