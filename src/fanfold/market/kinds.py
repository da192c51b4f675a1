"""What the store holds, kind by kind: the columns of each and how its files are cut.

Rows are Arrow tables everywhere between a source and the store, so nothing is copied
that need not be. Numbers have no nulls: NaN says that there is none.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal

from fanfold.market.columns import arrow

Kind = Literal["bars", "trades", "quotes", "actions", "listings", "members"]
"""What rows are."""

TICKS: Final = ("trades", "quotes")
"""Kinds that are events, several of which may share an instant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """How rows of a kind look.

    Attributes:
        required: Columns that are always there, by name: their Arrow type's name.
        optional: Columns that may be there.
        key: Columns that name a row: another row of the same key replaces it.
    """

    required: dict[str, str]
    optional: dict[str, str]
    key: tuple[str, ...]

    @property
    def columns(self) -> dict[str, str]:
        """All columns, in their order."""
        return self.required | self.optional


_TS: Final = "timestamp[ns, tz=UTC]"

FORMS: Final[dict[str, Form]] = {
    "bars": Form(
        required={
            "ts": _TS,  # the bar's end
            **dict.fromkeys(("open", "high", "low", "close", "volume"), "double"),
            "session": "date32[day]",
            "minutes_to_close": "double",
            "is_month_end": "bool",
        },
        optional={
            "adj_close": "double",  # the vendor's, beside prices as they were traded
            "vwap": "double",
            "trade_count": "double",
        },
        key=("ts",),
    ),
    "trades": Form(
        required={
            "ts": _TS,
            "seq": "int64",  # place among the events of that instant, as the source had them
            "price": "double",
            "size": "double",
        },
        optional={"id": "string", "exchange": "string", "conditions": "string"},
        key=("ts", "seq"),
    ),
    "quotes": Form(
        required={
            "ts": _TS,
            "seq": "int64",
            # NaN where a side is absent
            **dict.fromkeys(("bid", "bid_size", "ask", "ask_size"), "double"),
        },
        optional={"exchange": "string", "conditions": "string"},
        key=("ts", "seq"),
    ),
    "actions": Form(
        required={
            "session": "date32[day]",  # the ex-date
            "splits": "double",  # units after per unit before, 1.0 for none
            "dividends": "double",  # currency per unit, in the basis of the prices; 0.0 for none
        },
        optional={},
        key=("session",),
    ),
    "listings": Form(
        required={
            "symbol": "string",  # the ticker under which it is stored
            "start": "date32[day]",  # first date of the term, null if open
            "asset": "string",  # what was behind it: keeps its name when the ticker changes
            "end": "date32[day]",  # last date, null if open
            "delisting_return": "double",  # NaN unless it left the exchange for good
        },
        optional={},
        key=("symbol", "start"),
    ),
    "members": Form(
        required={"symbol": "string", "start": "date32[day]", "end": "date32[day]"},
        optional={},
        key=("symbol", "start"),
    ),
    "series": Form(
        required={"ts": _TS, "value": "double"},  # a level, and when it was known
        optional={},
        key=("ts",),
    ),
    "quarantine": Form(
        required={
            "ts": _TS,  # the bar's end where it could be read, else null
            "row": "int64",  # of the file, from 0; elsewhere among those of its instant
            "kind": "string",
            "reason": "string",
            "source": "string",
            **dict.fromkeys(("open", "high", "low", "close", "volume"), "double"),
        },
        optional={},
        key=("source", "row", "ts", "kind", "reason"),
    ),
    "notes": Form(
        required={
            "ts": _TS,  # of the row, as a finding has it
            "kind": "string",
            "severity": "string",
            "detail": "string",
            "source": "string",
        },
        optional={},
        key=("source", "ts", "kind"),
    ),
    "coverage": Form(
        required={"start": _TS, "end": _TS},  # a range that was asked for in full
        optional={},
        key=("start",),
    ),
}
"""The form of each kind, and of what the store keeps beside them."""


def schema_of(kind: str, columns: Iterable[str] = ()) -> Any:
    """Arrow's schema of a kind.

    Args:
        kind: A key of `FORMS`.
        columns: Names of the optional columns that are there; none if left out.
    """
    pa = arrow()
    types: dict[str, Any] = {
        _TS: pa.timestamp("ns", "UTC"),
        "double": pa.float64(),
        "int64": pa.int64(),
        "bool": pa.bool_(),
        "string": pa.string(),
        "date32[day]": pa.date32(),
    }
    form, there = FORMS[kind], set(columns)
    named = form.required | {name: of for name, of in form.optional.items() if name in there}
    return pa.schema([pa.field(name, types[of]) for name, of in named.items()])
