"""Files of corporate actions, listings and memberships, as people and LEAN keep them.

LEAN dates an action by the last session before the ex-date, and a ticker by the last date
on which it named a company; a line far in the future says "still".
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.sessions import DAY_NS, next_sessions, session_closes
from fanfold.errors import DataError
from fanfold.market.columns import arrow
from fanfold.market.kinds import schema_of
from fanfold.market.sources.file_times import ints, read_times
from fanfold.market.sources.tables import compute

OPEN_YEAR: Final = 2_049
"""A later end of a term in a file means that the term has not ended."""

_LEAN_DATE: Final = "%Y%m%d"
_KINDS: Final = ("split", "dividend")


def lean_actions(columns: Mapping[str, Any], calendar: str, what: str) -> dict[str, Any]:
    """Splits and dividends of a table of last_cum_date, kind and value.

    Args:
        columns: Arrow columns by name, numbers as doubles.
        calendar: Of the sessions between that date and the ex-date.
        what: The file, for errors.

    Returns:
        `ts` (the ex-date), `splits` and `dividends`; shape [row] as given.

    Raises:
        DataError: A kind is neither split nor dividend, or a date is missing.
    """
    pa = arrow()
    kinds = columns["kind"].cast(pa.string()).to_pylist()
    odd = next((row for row, one in enumerate(kinds) if str(one).lower() not in _KINDS), None)
    if odd is not None:
        raise DataError(f"{what}: kind must be split or dividend, row {odd} was {kinds[odd]!r}")
    is_split = np.array([one.lower() == "split" for one in kinds], bool)
    value = _doubles(columns["value"])
    day = dates(columns["last_cum_date"], f"{what}: last_cum_date", needed=True)
    return {
        "ts": _ex_dates(day, calendar),
        "splits": pa.array(np.where(is_split, value, 1.0)),
        "dividends": pa.array(np.where(is_split, 0.0, value)),
    }


def lean_factors(
    columns: Mapping[str, Any], codes: NDArray[np.int64], calendar: str, what: str
) -> tuple[dict[str, Any], NDArray[np.int64]]:
    """Splits and dividends of a table of price and split factors.

    A row's factors hold until its date; where the next row's differ, something happened.

    Args:
        columns: Arrow columns by name, numbers as doubles.
        codes: Number of each row's symbol; shape [row].
        calendar: Of the sessions.
        what: The file, for errors.

    Returns:
        `ts`, `splits` and `dividends` of each action, and the row it came from.

    Raises:
        DataError: A factor or a date is missing or not positive.
    """
    pa = arrow()
    day = dates(columns["date"], f"{what}: date", needed=True)
    price, split, close = (
        _doubles(columns[name]) for name in ("price_factor", "split_factor", "ref_close")
    )
    wrong = np.flatnonzero(~((price > 0) & (split > 0)))
    if len(wrong):
        raise DataError(f"{what}: factors must be positive, row {wrong[0]} was {price[wrong[0]]}")
    order = np.lexsort((day, codes))
    before, after = order[:-1], order[1:]
    split_ratio = split[after] / split[before]
    paid = close[before] * (1 - price[before] / price[after])
    acts = (codes[before] == codes[after]) & (
        (split[after] != split[before]) | (price[after] != price[before])
    )
    return {
        "ts": _ex_dates(day[before][acts], calendar),
        "splits": pa.array(split_ratio[acts]),
        "dividends": pa.array(paid[acts]),
    }, before[acts]


def lean_listings(columns: Mapping[str, Any], what: str) -> Any:
    """Terms of tickers of a table of permtick, date and ticker.

    Raises:
        DataError: A date or a name is missing.
    """
    pa = arrow()
    day = dates(columns["date"], f"{what}: date", date_format=_LEAN_DATE, needed=True)
    assets, tickers = (_names(columns[name], f"{what}: {name}") for name in ("permtick", "ticker"))
    by_asset: dict[str, list[tuple[int, str]]] = {}
    for asset, until, ticker in sorted(zip(assets, day.tolist(), tickers, strict=True)):
        by_asset.setdefault(asset, []).append((until, ticker))
    open_day = int(np.datetime64(f"{OPEN_YEAR}-12-31", "D").astype(np.int64))
    terms: list[dict[str, Any]] = []
    for asset, lines in by_asset.items():
        first = lines[0][0]  # the first line's date is the first session
        for until, ticker in lines[1:] or lines:
            end = None if until > open_day else until
            if terms and terms[-1]["asset"] == asset and terms[-1]["symbol"] == ticker:
                terms[-1]["end"] = end
            else:
                terms.append({"symbol": ticker, "asset": asset, "start": first, "end": end})
            first = until + 1
    table = {
        "symbol": pa.array([one["symbol"] for one in terms], pa.string()),
        "start": _days([one["start"] for one in terms]),
        "asset": pa.array([one["asset"] for one in terms], pa.string()),
        "end": _days([one["end"] for one in terms]),
        "delisting_return": pa.array(np.full(len(terms), np.nan)),
    }
    return pa.table(table, schema=schema_of("listings"))


def terms_of(columns: Mapping[str, Any], form: str, what: str, date_format: str | None) -> Any:
    """Terms of tickers or members in their form.

    Args:
        columns: Arrow columns by name: symbol, start, end and, of listings, asset and
            delisting_return if they are there.
        form: "listings" or "members".
        what: The file, for errors.
        date_format: Of dates in text, or None.

    Raises:
        DataError: A symbol is empty, or a date cannot be read.
    """
    pa = arrow()
    symbols = _names(columns["symbol"], f"{what}: symbol")
    named: dict[str, Any] = {"symbol": pa.array(symbols, pa.string())}
    for name in ("start", "end"):
        days = dates(columns[name], f"{what}: {name}", date_format=date_format)
        if name == "end":
            late = np.datetime64(f"{OPEN_YEAR}-12-31", "D").astype(np.int64)
            days = np.where(days > late, _NO_DAY, days)
        named[name] = _days([None if one == _NO_DAY else one for one in days.tolist()])
    if form == "listings":
        named["asset"] = (
            pa.array(_names(columns["asset"], f"{what}: asset"), pa.string())
            if "asset" in columns
            else named["symbol"]
        )
        there = columns.get("delisting_return")
        empty = np.full(len(symbols), np.nan)
        named["delisting_return"] = pa.array(empty if there is None else _doubles(there))
    schema = schema_of(form)
    return pa.table({name: named[name] for name in schema.names}, schema=schema)


_NO_DAY: Final = -(10**9)


def dates(
    column: Any, what: str, *, date_format: str | None = None, needed: bool = False
) -> NDArray[np.int64]:
    """A column of dates [days since 1970-01-01], a day before all others where it is empty.

    Args:
        column: Arrow column of dates, timestamps or text.
        what: The file and its column, for errors.
        date_format: Of text and numbers, or None.
        needed: Whether none may be empty.

    Raises:
        DataError: One is no date, or is missing.
    """
    pa = arrow()
    pc = compute()

    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        trimmed = pc.utf8_trim_whitespace(column)
        column = pc.if_else(pc.equal(trimmed, ""), pa.scalar(None, trimmed.type), trimmed)
    given = column.drop_null()
    days = np.full(len(column), _NO_DAY, np.int64)
    there = column.is_valid().to_numpy()
    if needed and not there.all():
        raise DataError(f"{what} must not be empty, row {int(np.argmin(there))} was")
    if len(given):
        read = read_times(given, what, zone="UTC", date_format=date_format, exchange="UTC")
        if not read.are_dates or read.column.null_count:
            bad = given[int(np.argmax(ints(read.column) % DAY_NS != 0))]
            if read.column.null_count:
                bad = given[int(np.argmin(read.column.is_valid().to_numpy(zero_copy_only=False)))]
            raise DataError(f"{what} must hold dates such as 2013-03-04, was {bad.as_py()!r}")
        days[there] = ints(read.column) // DAY_NS
    return days


def _ex_dates(day: NDArray[np.int64], calendar: str) -> Any:
    """The sessions after the last ones before, as naive midnights."""
    pa = arrow()
    if not len(day):
        return pa.array([], pa.timestamp("ns"))
    distinct, place = np.unique(day, return_inverse=True)
    following = next_sessions(session_closes(distinct, calendar) + 1, calendar)
    return pa.array(following[place] * DAY_NS, pa.timestamp("ns"))


def _days(days: list[int | None]) -> Any:
    pa = arrow()
    return pa.array(days, pa.int32()).cast(pa.date32())


def _doubles(column: Any) -> NDArray[np.float64]:
    pc = compute()

    return pc.fill_null(column, np.nan).to_numpy()


def _names(column: Any, what: str) -> list[str]:
    """Tickers, in capitals as exchanges write them."""
    pa = arrow()
    names = [
        ("" if one is None else str(one)).strip() for one in column.cast(pa.string()).to_pylist()
    ]
    if "" in names:
        raise DataError(f"{what} must not be empty, row {names.index('')} was")
    lower = all(one == one.lower() for one in names)
    return [one.upper() for one in names] if lower else names
