"""What is replayed: batches of events as columns, and single events as values."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

VALUES: Final[dict[str, tuple[str, ...]]] = {
    "bars": ("open", "high", "low", "close", "volume"),
    "quotes": ("bid", "bid_size", "ask", "ask_size"),
    "trades": ("price", "size"),
}
"""What the values of an event are, by kind, in the order of events of one instant.

A bar ends before the instant, so it comes first. A quote comes before a trade: what is
decided on the trade then meets the latest quote of that instant, and never one that the
trade may have used up.
"""

KINDS: Final = tuple(VALUES)
"""Kinds of events by their codes."""

WIDTH: Final = max(map(len, VALUES.values()))
"""Values of an event, NaN beyond those of its kind."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar, known at its end.

    Attributes:
        ts: Its end [ns UTC].
        symbol: Whose.
        open: First price.
        high: Highest price.
        low: Lowest price.
        close: Last price.
        volume: Units traded, NaN if unknown.
    """

    ts: int
    symbol: str
    open: float
    high: float
    low: float
    close: float
    volume: float


@dataclass(frozen=True, slots=True)
class Quote:
    """Best bid and ask; NaN where a side is absent.

    Attributes:
        ts: When [ns UTC].
        symbol: Whose.
        bid: Highest price bid.
        bid_size: Units bid for at that price.
        ask: Lowest price asked.
        ask_size: Units asked for at that price.
    """

    ts: int
    symbol: str
    bid: float
    bid_size: float
    ask: float
    ask_size: float


@dataclass(frozen=True, slots=True)
class Trade:
    """A trade on the tape.

    Attributes:
        ts: When [ns UTC].
        symbol: Whose.
        price: At what price.
        size: How many units.
    """

    ts: int
    symbol: str
    price: float
    size: float


Event = Bar | Quote | Trade

_TYPES: Final[dict[str, type[Any]]] = {"bars": Bar, "quotes": Quote, "trades": Trade}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Batch:
    """Events in order, as columns.

    Attributes:
        symbols: Names by code, sorted.
        ts: When, of bars their end [ns UTC]; shape [event].
        kind: Code of the kind, a place in `KINDS`; shape [event].
        symbol: Code of the symbol; shape [event].
        seq: Place among the events of that instant, kind and symbol, as stored; shape [event].
        values: As `VALUES` says, NaN beyond those of the kind; shape [value, event].
    """

    symbols: tuple[str, ...]
    ts: NDArray[np.int64]
    kind: NDArray[np.int8]
    symbol: NDArray[np.int32]
    seq: NDArray[np.int64]
    values: NDArray[np.float64]

    def __len__(self) -> int:
        """Events."""
        return len(self.ts)

    def __getitem__(self, rows: slice) -> "Batch":
        """Some of the events, as views."""
        return Batch(
            symbols=self.symbols,
            ts=self.ts[rows],
            kind=self.kind[rows],
            symbol=self.symbol[rows],
            seq=self.seq[rows],
            values=self.values[:, rows],
        )

    def events(self) -> Iterator[Event]:
        """The events one by one."""
        types = [_TYPES[kind] for kind in KINDS]
        widths = [len(VALUES[kind]) for kind in KINDS]
        names = self.symbols
        columns = self.ts.tolist(), self.kind.tolist(), self.symbol.tolist()
        for ts, kind, symbol, values in zip(*columns, self.values.T.tolist(), strict=True):
            yield types[kind](ts, names[symbol], *values[: widths[kind]])


def events(batches: Iterable[Batch]) -> Iterator[Event]:
    """The events of batches one by one."""
    for batch in batches:
        yield from batch.events()
