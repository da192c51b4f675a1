"""Which column of a file is which, and what its rows are.

Files name their columns as their vendor does, so each column has the other names by which
it is known. One name may mean two things in two kinds of rows ("s" is a size of trades), so
names are looked up by kind.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from fanfold.domain.events import ACTION_NAMES
from fanfold.domain.names import nearest_hint
from fanfold.domain.tidy import OTHER_NAMES
from fanfold.errors import DataError

TIME: Final = "ts"
"""When a row was."""

DATE: Final = "date"
"""The date beside `CLOCK`, where a file has the two in columns of their own."""

CLOCK: Final = "time"
"""The time of day beside `DATE`."""

_TIMES: Final = (
    *(other for other, name in OTHER_NAMES.items() if name == TIME),
    *("time", "t", "date_time", "event_ts", "event_time", "recv_ts", "sip_timestamp"),
    *("participant_timestamp", "window_start", "open_time", "gmt_time"),
)
_SYMBOLS: Final = ("ticker", "sym", "instrument", "permtick")
_SPLITS: Final = tuple(other for other, name in ACTION_NAMES.items() if name == "splits")
_DIVIDENDS: Final = tuple(other for other, name in ACTION_NAMES.items() if name == "dividends")
_BOOKED: Final = {
    # A column "amount" or "ratio" beside prices is something else.
    "splits": tuple(other for other, name in OTHER_NAMES.items() if name == "splits"),
    "dividends": tuple(other for other, name in OTHER_NAMES.items() if name == "dividends"),
}
_EXTRA: Final = {
    "exchange": ("x", "venue"),
    "conditions": ("condition", "c", "sale_condition", "sale_conditions", "cond"),
}
_TERMS: Final[dict[str, tuple[str, ...]]] = {
    "symbol": _SYMBOLS,
    "start": ("from", "first"),
    "end": ("to", "last", "thru"),
}

NAMES: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "bars": {
        TIME: _TIMES,
        "symbol": _SYMBOLS,
        "open": ("o",),
        "high": ("h",),
        "low": ("l",),
        "close": ("c",),
        "volume": ("v", "vol"),
        "adj_close": ("adjclose", "adjusted_close", "adj._close", "close_adj"),
        "vwap": ("vw",),
        "trade_count": ("n", "transactions", "trades", "num_trades"),
        **_BOOKED,
    },
    "trades": {
        TIME: _TIMES,
        "symbol": _SYMBOLS,
        "price": ("p", "last_price"),
        "size": ("s", "qty", "quantity", "amount", "volume", "v"),
        "id": ("trade_id", "i", "tid"),
        **_EXTRA,
    },
    "quotes": {
        TIME: _TIMES,
        "symbol": _SYMBOLS,
        "bid": ("bid_price", "bp", "bidprice", "best_bid", "best_bid_price"),
        "bid_size": ("bid_qty", "bs", "bidsize", "bid_quantity", "bid_volume", "best_bid_qty"),
        "ask": ("ask_price", "ap", "askprice", "best_ask", "offer", "best_ask_price"),
        "ask_size": ("ask_qty", "as", "asksize", "ask_quantity", "ask_volume", "best_ask_qty"),
        **_EXTRA,
    },
    "actions": {
        TIME: ("ex_date", "exdate", *_TIMES),
        "symbol": _SYMBOLS,
        "splits": _SPLITS,
        "dividends": _DIVIDENDS,
    },
    "listings": {**_TERMS, "asset": ("permtick",), "delisting_return": ("dlret",)},
    "members": _TERMS,
    # How LEAN keeps what it knows of companies; each becomes one of the above.
    "lean_actions": {"symbol": (), "last_cum_date": (), "kind": (), "value": ()},
    "lean_factors": {
        "symbol": (),
        "date": (),
        "price_factor": (),
        "split_factor": (),
        "ref_close": ("reference_price",),
    },
    "lean_map": {"permtick": (), "date": (), "ticker": ()},
}
"""Columns of each kind of rows, and the other names by which each is known, the likeliest first."""

REQUIRED: Final[dict[str, tuple[str, ...]]] = {
    "bars": (TIME, "open", "high", "low", "close", "volume"),
    "trades": (TIME, "price", "size"),
    "quotes": (TIME, "bid", "bid_size", "ask", "ask_size"),
    "actions": (TIME,),
    "listings": ("symbol", "start", "end"),
    "members": ("symbol", "start", "end"),
    "lean_actions": ("last_cum_date", "kind", "value"),
    "lean_factors": ("date", "price_factor", "split_factor", "ref_close"),
    "lean_map": ("permtick", "date", "ticker"),
}
"""Columns without which rows of a kind cannot be read; a symbol may come from elsewhere."""

FORMS_OF: Final[dict[str, tuple[str, ...]]] = {
    "bars": ("bars",),
    "trades": ("trades",),
    "quotes": ("quotes",),
    "actions": ("lean_actions", "lean_factors", "actions"),
    "listings": ("lean_map", "listings"),
    "members": ("members",),
}
"""Forms in which a file may hold rows of a kind."""

TEXTS: Final = (TIME, DATE, CLOCK, "symbol", "id", "exchange", "conditions", "start", "end")
"""Columns that are read as they are; the others hold numbers."""

_TELLING: Final[dict[str, tuple[str, ...]]] = {
    "lean_factors": ("price_factor", "split_factor"),
    "lean_actions": ("last_cum_date", "kind", "value"),
    "lean_map": ("permtick", "date", "ticker"),
    "bars": ("open", "high", "low", "close"),
    "quotes": ("bid", "ask"),
    "trades": ("price", "size"),
    "listings": ("symbol", "start", "end"),
}


def told_form(names: Sequence[str], given: Mapping[str, str], kind: str | None, file: Path) -> str:
    """The form of a file's rows, a key of `NAMES`.

    Args:
        names: The file's columns.
        given: Its columns by our names, as far as somebody said.
        kind: What the rows are, if somebody said.
        file: For the error.

    Raises:
        DataError: It cannot be told.
    """
    if kind is not None:
        forms = FORMS_OF[kind]
        return next((form for form in forms[:-1] if _tells(form, names, given)), forms[-1])
    for form in _TELLING:
        if _tells(form, names, given):
            return form
    found = _known(names, given, "actions", file)
    if TIME in found and ("splits" in found or "dividends" in found):
        return "actions"
    raise DataError(
        f"{file} must have columns that tell what its rows are: open, high, low and close, price "
        "and size, bid and ask, splits or dividends, or symbol, start and end; its columns are "
        f"{', '.join(names)}. Say the kind of rows and the columns"
    )


def found_columns(
    names: Sequence[str], given: Mapping[str, str], form: str, file: Path
) -> dict[str, str]:
    """The file's columns by our names; all that are required are there.

    Args:
        names: The file's columns.
        given: Its columns by our names, as far as somebody said; these win.
        form: A key of `NAMES`.
        file: For errors.

    Raises:
        DataError: A column is missing, or there twice.
    """
    found = _known(names, given, form, file)
    for name in REQUIRED[form]:
        if name not in found:
            others = ", ".join(NAMES[form].get(name, ())[:_OTHERS_MAX])
            known = f" (or {others})" if others else ""
            raise DataError(
                f"{file} must have a column {name}{known}, its columns are {', '.join(names)}"
                f"{nearest_hint(name, names)}; say which it is if it has another name"
            )
    if form == "actions" and "splits" not in found and "dividends" not in found:
        raise DataError(
            f"{file} must have a column splits or dividends, its columns are {', '.join(names)}"
        )
    return found


_OTHERS_MAX: Final = 6
"""Other names of a column that an error lists [names]."""


def _known(names: Sequence[str], given: Mapping[str, str], form: str, file: Path) -> dict[str, str]:
    found = {ours: _as_spelt(theirs, ours, names, file) for ours, theirs in given.items()}
    folded: dict[str, list[str]] = {}
    for name in names:
        folded.setdefault(_folded(name), []).append(name)
    for ours, others in NAMES[form].items():
        if ours in found or (ours == TIME and DATE in found):
            continue
        for one in (ours, *others):
            free = [name for name in folded.get(one, []) if name not in found.values()]
            if len(free) > 1:
                raise DataError(
                    f"{file}: column {ours} must be there once, was {free[0]!r} and {free[1]!r}"
                )
            if free:
                found[ours] = free[0]
                break
    if (
        form in _DATED
        and found.get(TIME) in folded.get(DATE, [])
        and len(folded.get(CLOCK, [])) == 1
    ):
        found[DATE], found[CLOCK] = found[TIME], folded[CLOCK][0]
    if DATE in found and CLOCK in found and form in _DATED:
        found[TIME] = found[DATE]
    return found


_DATED: Final = ("bars", "trades", "quotes")


def _as_spelt(theirs: str, ours: str, names: Sequence[str], file: Path) -> str:
    if theirs in names:
        return theirs
    same = [name for name in names if _folded(name) == _folded(theirs)]
    if len(same) == 1:
        return same[0]
    raise DataError(
        f"{file} must have the column {theirs!r}, said to be {ours}; its columns are "
        f"{', '.join(names)}{nearest_hint(theirs, names)}"
    )


def _tells(form: str, names: Sequence[str], given: Mapping[str, str]) -> bool:
    there = {_folded(name) for name in names}
    return all(
        ours in given or any(one in there for one in (ours, *NAMES[form][ours]))
        for ours in _TELLING[form]
    )


def _folded(name: str) -> str:
    return name.strip().lower().replace(" ", "_")
