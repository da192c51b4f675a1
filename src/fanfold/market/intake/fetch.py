"""From a source into the store: what is not there yet, and nothing twice.

Symbols that lack the same range are asked for in one request, which a source may answer
with less work than one by one. What is wrong with one of them keeps no other out.
"""

import errno
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from fanfold.errors import DataError, FanfoldError, SourceError
from fanfold.market.intake.coverage import EVER, Ledger, Range
from fanfold.market.intake.ingest import Manner, Origin, Receipt, ingest
from fanfold.market.sources.file import FileSource
from fanfold.market.sources.sample import SampleSource
from fanfold.market.sources.source import Delivery, Request, Source
from fanfold.market.store import Store

T = TypeVar("T")

_LOCAL: Final = (FileSource, SampleSource)
_LOCAL_NAMES: Final = ("file", "sample")
"""Sources that are read again rather than remembered, and their names where one is wrapped."""

_STORE_FAILED: Final = (
    *(errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO),
)
"""What a system says where no other symbol could be stored either."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A symbol of which a range was not stored.

    Attributes:
        symbol: Which.
        error: Why: a DataError or a SourceError.
    """

    symbol: str
    error: FanfoldError


def fetch_into(
    store: Store,
    source: Source,
    request: Request,
    *,
    strict: bool = False,
    replace: bool = False,
    refresh: bool = False,
    now: Callable[[], int] = time.time_ns,
) -> tuple[Receipt, ...]:
    """Fetch what is asked for and not there yet, and store it.

    Args:
        store: Into which.
        source: From where.
        request: What.
        strict: Whether to refuse a symbol's rows where a finding is an error.
        replace: Whether to forget what is stored of a series.
        refresh: Whether to fetch what was fetched before.
        now: The time [ns UTC].

    Returns:
        A receipt for each delivery, so none for a symbol without new rows.

    Raises:
        ConfigError: See `Source.fetch`.
        DataError: See `Source.fetch` and `ingest`.
        SourceError: See `Source.fetch`.
    """
    manner = Manner(strict=strict, replace=replace, refresh=refresh)
    receipts: list[Receipt] = []
    for step in fetching(store, source, request, manner, now=now):
        if isinstance(step, Refused):
            raise step.error
        receipts.append(step)
    return tuple(receipts)


def fetching(
    store: Store,
    source: Source,
    request: Request,
    manner: Manner,
    *,
    now: Callable[[], int] = time.time_ns,
) -> Iterator[Receipt | Refused]:
    """As `fetch_into`, step by step: what a receipt tells of is stored by then.

    Raises:
        ConfigError: See `Source.fetch`.
        DataError: The store cannot be written to; of a file, see `Source.fetch`.
    """
    source.check(request)
    act = _Fetch(store=store, source=source, request=request, manner=manner, now=now)
    is_local = isinstance(source, _LOCAL) or source.name in _LOCAL_NAMES
    if is_local or request.start is None or request.symbols is None:
        for delivery in source.fetch(request):
            yield act.stored(delivery)
        return
    lacking: dict[Range, list[str]] = {}
    for symbol in request.symbols:
        found = _of_one(symbol, lambda symbol=symbol: act.lacking(symbol))
        if isinstance(found, Refused):
            yield found
            continue
        for span in found:
            lacking.setdefault(span, []).append(symbol)
    for span, symbols in lacking.items():
        yield from act.fetched(tuple(symbols), span)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fetch:
    store: Store
    source: Source
    request: Request
    manner: Manner
    now: Callable[[], int]

    def lacking(self, symbol: str) -> tuple[Range, ...]:
        """What must be fetched of a symbol."""
        start = self.request.start or 0
        end = EVER if self.request.end is None else self.request.end
        ledger = self._ledger(symbol)
        if self.manner.replace:
            ledger.forget()
        missing = ledger.missing(start, end)
        return ((start, end),) if self.manner.refresh or self.manner.replace else missing

    def fetched(self, symbols: tuple[str, ...], span: Range) -> Iterator[Receipt | Refused]:
        """Fetch a range of some symbols and store it."""
        first, last = span
        part = replace(
            self.request, symbols=symbols, start=first, end=None if last == EVER else last
        )
        left = dict.fromkeys(symbols)
        deliveries = self.source.fetch(part)
        while True:
            try:
                delivery = next(deliveries, None)
            except SourceError as error:
                yield from (Refused(symbol=one, error=error) for one in left)
                return
            except DataError as error:
                yield from self._parted(tuple(left), span, error)
                return
            if delivery is None:
                break
            symbol = delivery.symbol
            yield _of_one(symbol, lambda delivery=delivery: self._noted(delivery, span))
            left.pop(symbol, None)
        for symbol in left:
            told = _of_one(symbol, lambda symbol=symbol: self._note(symbol, span))
            if isinstance(told, Refused):
                yield told

    def stored(self, delivery: Delivery) -> Receipt:
        """Store a delivery."""
        return ingest(
            self.store,
            delivery,
            origin=Origin(source=self.source.name, feed=self.source.feed),
            strict=self.manner.strict,
            replace=self.manner.replace,
        )

    def _parted(
        self, symbols: tuple[str, ...], span: Range, error: DataError
    ) -> Iterator[Receipt | Refused]:
        """Ask again in halves, until it is clear whose fault it is."""
        if len(symbols) <= 1:
            yield from (Refused(symbol=one, error=error) for one in symbols)
            return
        half = len(symbols) // 2
        yield from self.fetched(symbols[:half], span)
        yield from self.fetched(symbols[half:], span)

    def _noted(self, delivery: Delivery, span: Range) -> Receipt:
        receipt = self.stored(delivery)
        self._note(delivery.symbol, span)
        return receipt

    def _note(self, symbol: str, span: Range) -> None:
        self._ledger(symbol).add(*span, self.now())

    def _ledger(self, symbol: str) -> Ledger:
        labels = {"source": self.source.name, "feed": self.source.feed}
        return Ledger.of(self.store, symbol, self.request, labels)


def _of_one(symbol: str, act: Callable[[], T]) -> T | Refused:
    """Do what concerns one symbol; only a store that fails altogether ends the rest."""
    try:
        return act()
    except DataError as error:
        cause = error.__cause__
        if isinstance(cause, OSError) and cause.errno in _STORE_FAILED:
            raise
        return Refused(symbol=symbol, error=error)
