"""Envelopes as tables: one a kind, so that a session can be looked at with any tool.

Beside them every frame is kept as it was (`raw`): tables are for people, frames for replays.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from fanfold.live.messages import (
    Depth,
    Envelope,
    Late,
    Quote,
    Row,
    Step,
    Trade,
    Value,
)
from fanfold.market.columns import arrow

Columns = dict[str, list[Any]]

EVENTS: Final = "events"
"""The table of everything that is neither price nor bar: orders, fills, refusals, gates …"""

COLUMNS: Final[dict[str, dict[str, str]]] = {
    "raw": {"at": "int64", "offset": "int64", "frame": "binary"},
    "quotes": {
        "at": "int64", "ts": "int64", "symbol": "string", "bid": "float64", "ask": "float64",
        "bid_size": "float64", "ask_size": "float64",
    },
    "trades": {
        "at": "int64", "ts": "int64", "symbol": "string", "price": "float64", "size": "float64",
    },
    "depth": {
        "at": "int64", "ts": "int64", "symbol": "string", "side": "string", "level": "int64",
        "price": "float64", "size": "float64",
    },
    "bars": {
        "at": "int64", "ts": "int64", "symbol": "string", "open": "float64", "high": "float64",
        "low": "float64", "close": "float64", "volume": "float64", "late": "bool_",
    },
    EVENTS: {
        "at": "int64", "sender": "string", "kind": "string", "symbol": "string",
        "content": "string",
    },
}  # fmt: skip
"""Columns of each table and their Arrow types; `at` is when it was taken in [ns UTC]."""

_text: Final = msgspec.json.Encoder().encode


class Tables:
    """Rows that wait to be written, by table.

    Args:
        symbols: The deployment's, in the order of their numbers.
    """

    def __init__(self, symbols: Sequence[str]) -> None:
        self._symbols = symbols
        self.waiting: dict[str, Columns] = {}
        self.clear()

    def clear(self) -> None:
        """Forget what was written."""
        self.waiting = {name: {column: [] for column in COLUMNS[name]} for name in COLUMNS}

    def frame(self, at: int, offset: int, frame: bytes) -> None:
        """Keep a frame as it was."""
        self._add("raw", (at, offset, frame))

    def envelope(self, at: int, envelope: Envelope) -> None:
        """Keep an envelope's values, each in its table."""
        for value in envelope.values:
            self._value(at, envelope.sender, value)

    def _value(self, at: int, sender: str, value: Value) -> None:
        match value:
            case Quote(asset, ts, bid, ask, bid_size, ask_size):
                self._add("quotes", (at, ts, self._name(asset), bid, ask, bid_size, ask_size))
            case Trade(asset, ts, price, size):
                self._add("trades", (at, ts, self._name(asset), price, size))
            case Depth(asset, ts, bids, asks):
                for side, levels in (("bid", bids), ("ask", asks)):
                    for place, (price, size) in enumerate(levels):
                        row = at, ts, self._name(asset), side, place, price, size
                        self._add("depth", row)
            case Step(ts, rows):
                for row in rows:
                    self._bar(at, ts, row, late=False)
            case Late(ts, row):
                self._bar(at, ts, row, late=True)
            case _:
                asset = getattr(value, "asset", None)
                name = "" if asset is None else self._name(asset)
                content = _text(msgspec.structs.asdict(value)).decode()
                self._add(EVENTS, (at, sender, type(value).__name__, name, content))

    def _bar(self, at: int, ts: int, row: Row, *, late: bool) -> None:
        prices = row.open, row.high, row.low, row.close, row.volume
        self._add("bars", (at, ts, self._name(row.asset), *prices, late))

    def _name(self, asset: int) -> str:
        return self._symbols[asset] if 0 <= asset < len(self._symbols) else f"#{asset}"

    def _add(self, table: str, row: tuple[Any, ...]) -> None:
        for column, value in zip(self.waiting[table].values(), row, strict=True):
            column.append(value)


def schema(table: str) -> Any:
    """Arrow's schema of a table."""
    pa = arrow()
    return pa.schema([(name, getattr(pa, kind)()) for name, kind in COLUMNS[table].items()])
