"""The real series in which defects are looked for, as the checks take them."""

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from fanfold.domain.sessions import DAY_NS, cut_at_close, next_sessions, session_closes
from fanfold.domain.timeframe import timeframe_ns
from fanfold.market.quality import About

FIELDS = ("open", "high", "low", "close", "volume")
MINUTES_MIN = 200


@dataclass(frozen=True, kw_only=True, eq=False)
class Series:
    """Rows of one symbol and what is known of them."""

    group: str
    rows: dict[str, np.ndarray]
    about: About


def read_group(folder: Path, group: str, symbols: tuple[str, ...] = ()) -> list[Series]:
    """The series of a file, by symbol; those of some symbols, if they are named."""
    name, timeframe, calendar, basis = GROUPS[group]
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    table = pq.read_table(folder / "bars" / f"{name}.parquet")
    if symbols:
        table = table.filter(pc.is_in(table["symbol"], pa.array(symbols, table["symbol"].type)))
    codes = table["symbol"].combine_chunks().dictionary_encode()
    code = codes.indices.to_numpy()
    ts = table["ts"].to_numpy().astype("datetime64[ns]").view(np.int64)
    columns = {name: table[name].to_numpy() for name in FIELDS}
    actions = booked(folder) if name == "daily_us_lean_raw" or "hour" in name else {}
    found = []
    for number, symbol in sorted(enumerate(codes.dictionary.to_pylist()), key=lambda one: one[1]):
        here = code == number
        for part in years_apart(ts[here]):
            rows = {name: column[here][part] for name, column in columns.items()}
            rows["ts"] = ends(ts[here][part], timeframe, calendar)
            about = About(
                symbol=symbol, timeframe=timeframe, calendar=calendar, basis=basis,
                actions=actions.get(symbol),
            )  # fmt: skip
            if len(rows["ts"]) >= MINUTES_MIN:
                found.append(Series(group=group, rows=rows, about=about))
    return found


GROUPS = {
    "daily raw": ("daily_us_lean_raw", "1D", "XNYS", "raw"),
    "daily split": ("daily_us_stocknet", "1D", "XNYS", "split"),
    "daily crypto": ("daily_crypto_lean", "1D", "24/7", "raw"),
    "hourly": ("hour_us_lean_raw", "1h", "XNYS", "raw"),
    "minutes": ("minute_us_lean_trade", "1min", "XNYS", "raw"),
    "minutes crypto": ("minute_crypto_lean_trade", "1min", "24/7", "raw"),
}


def ends(ts: np.ndarray, timeframe: str, calendar: str) -> np.ndarray:
    """Ends of bars whose dates or starts are given."""
    if timeframe == "1D":
        return session_closes(ts // DAY_NS, calendar)
    return cut_at_close(ts, ts + timeframe_ns(timeframe), calendar)


def years_apart(ts: np.ndarray) -> list[slice]:
    """Parts of a series that has bars of a few days, years apart."""
    cuts = np.flatnonzero(np.diff(ts) > 200 * DAY_NS) + 1
    bounds = [0, *cuts.tolist(), len(ts)]
    return [slice(first, after) for first, after in pairwise(bounds)]


def booked(folder: Path) -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Splits and dividends by symbol; the file has the session before each ex-date."""
    import pyarrow.parquet as pq

    table = pq.read_table(folder / "corporate" / "actions_us_lean.parquet").to_pydict()
    found = {}
    for symbol in set(table["symbol"]):
        here = [place for place, one in enumerate(table["symbol"]) if one == symbol]
        cum = np.array([table["last_cum_date"][place] for place in here], "datetime64[D]")
        order = np.argsort(cum)
        day = cum[order].astype(np.int64)
        ex = next_sessions(session_closes(day, "XNYS") + 1, "XNYS")
        kinds = np.array([table["kind"][place] for place in here])[order]
        values = np.array([table["value"][place] for place in here])[order]
        splits = np.where(kinds == "split", values, 1.0)
        dividends = np.where(kinds == "dividend", values, 0.0)
        found[symbol] = (ex, splits, dividends)
    return found
