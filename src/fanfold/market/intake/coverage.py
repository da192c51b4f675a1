"""The ledger of what was fetched: ranges of time that a source has delivered in full.

A download of years is done in ranges; one that was stopped goes on where it stopped. A
range that has just ended is not complete yet, and prices that are adjusted for what
happened since change all the way back: of neither the ledger says that it is done.

A range is noted after its rows are stored, and none before there are rows at all. So a
ledger without rows is of rows that somebody removed, and counts no more; and a writer that
is killed or overtaken forgets a range at worst, which is then fetched again.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from fanfold.domain.sessions import DAY_NS
from fanfold.domain.timeframe import SESSION, WEEK, timeframe_named
from fanfold.market.columns import arrow
from fanfold.market.kinds import schema_of
from fanfold.market.sources.source import Request
from fanfold.market.store import Series, Store, numbers

UNSETTLED_NS: Final = {SESSION: 5 * DAY_NS, WEEK: 15 * DAY_NS}
"""How long before now bars of a timeframe may be unfinished or be corrected [ns]."""

UNSETTLED_ELSE_NS: Final = DAY_NS
"""The same of shorter bars and of ticks: a session [ns]."""

_BAR_NS: Final = {SESSION: DAY_NS, WEEK: 7 * DAY_NS}
"""How long before its end a bar begins, at most [ns]."""

EVER: Final = 2**63 - 1
"""The end of a range that has none [ns UTC]."""

Range = tuple[int, int]
"""From an instant, included, to another, excluded [ns UTC]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """What a source has delivered of one symbol.

    Attributes:
        store: Where it is kept.
        symbol: Whose rows.
        kind: What they are.
        timeframe: Of bars, by its one name, else "".
        labels: Of the source and what was asked of it; a ledger of others does not count.
    """

    store: Store
    symbol: str
    kind: str
    timeframe: str
    labels: dict[str, str]

    @classmethod
    def of(cls, store: Store, symbol: str, request: Request, labels: dict[str, str]) -> "Ledger":
        """The ledger that a request for one symbol goes by."""
        is_bars = request.kind == "bars"
        return cls(
            store=store,
            symbol=symbol,
            kind=request.kind,
            timeframe=timeframe_named(request.timeframe) if is_bars else "",
            labels=labels | {"basis": request.basis or ""},
        )

    def missing(self, start: int, end: int) -> tuple[Range, ...]:
        """The parts of a range that must be fetched, oldest first.

        Where one is missing of prices that are adjusted, it is the whole range, and what is
        stored of sessions or weeks around it: their scale is one.
        """
        if self._is_left_over():
            self.forget()
        parts: list[Range] = []
        at = start
        for low, high in self._covered():
            if low >= end:
                break  # of what comes after it nothing follows
            if low > at:
                parts.append((at, low))
            at = max(at, high)
        if at < end:
            parts.append((at, end))
        if parts and self._is_adjusted():
            return (self._with_stored(start, end),)
        return tuple(parts)

    def add(self, start: int, end: int, now: int) -> None:
        """Note that a range was stored, as far as it can be complete by now [ns UTC]."""
        settled = now - UNSETTLED_NS.get(self.timeframe, UNSETTLED_ELSE_NS)
        if self.timeframe in UNSETTLED_NS:
            # Symbols that are fetched on one day then lack the same range on another.
            settled = settled // DAY_NS * DAY_NS
        end = min(end, settled)
        if end <= start or not self.store.has(self._rows):
            return
        known = self.store.has(self._series)
        for low, high in self._covered():
            if low <= start and end <= high:
                return
            if low == start:
                end = max(end, high)
        pa = arrow()
        schema = schema_of("coverage")
        kind = schema.field("start").type
        row = {"start": pa.array([start], kind), "end": pa.array([end], kind)}
        self.store.upsert(
            self._series,
            pa.table(row, schema=schema),
            labels=self.labels,
            replace=known and not self._counts(),
        )

    def forget(self) -> None:
        """Take nothing for fetched."""
        self.store.remove(self._series)

    @property
    def _series(self) -> Series:
        return Series(kind="coverage", symbol=self.symbol, timeframe=self.timeframe or self.kind)

    @property
    def _rows(self) -> Series:
        return Series(kind=self.kind, symbol=self.symbol, timeframe=self.timeframe)

    def _counts(self) -> bool:
        return self.store.has(self._series) and self.store.labels(self._series) == self.labels

    def _is_left_over(self) -> bool:
        # Asked in this order: whoever notes a range has stored rows before.
        return self.store.has(self._series) and not self.store.has(self._rows)

    def _covered(self) -> list[Range]:
        if not self._counts():
            return []
        table: Any = self.store.read(self._series)
        bounds = np.stack([numbers(table, "start"), numbers(table, "end")], axis=1)
        return sorted((low, high) for low, high in bounds.tolist())

    def _is_adjusted(self) -> bool:
        basis = self.labels["basis"]
        if not basis and self.store.has(self._rows):
            basis = self.store.labels(self._rows).get("basis", "")
        return basis in ("split", "total_return")

    def _with_stored(self, start: int, end: int) -> Range:
        """A range and what is stored around it, as far as all sources have it: no minutes."""
        bar = _BAR_NS.get(self.timeframe)
        if bar is None or not self.store.has(self._rows):
            return start, end
        info = self.store.info(self._rows)
        if info.first is None or info.last is None:
            return start, end
        # Rows are stored by their ends, and asked for by what begins them.
        low = start if info.first > start else info.first - bar
        return low, end if info.last <= end + bar else info.last
