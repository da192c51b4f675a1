"""Yahoo's charts, as yfinance reads them, as Arrow tables."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.calendars import DEFAULT_CALENDAR
from fanfold.domain.sessions import (
    DAY_NS,
    ROUND_THE_CLOCK,
    cut_at_close,
    instants,
    session_closes,
)
from fanfold.domain.timeframe import SESSION, timeframe_ns
from fanfold.errors import DataError
from fanfold.market.columns import arrow

CALENDARS: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        ("NMS", "NGM", "NCM", "NYQ", "PCX", "ASE", "BTS", "SNP", "DJI", "NIM"), DEFAULT_CALENDAR
    ),
    "CCC": ROUND_THE_CLOCK,
    "AMS": "XAMS",
    "ASX": "XASX",
    "ATH": "ASEX",
    "BRU": "XBRU",
    "BUD": "XBUD",
    "BUE": "XBUE",
    "CPH": "XCSE",
    "EBS": "XSWX",
    "FRA": "XFRA",
    "GER": "XETR",
    "HKG": "XHKG",
    "ISE": "XDUB",
    "JKT": "XIDX",
    "JNB": "XJSE",
    "JPX": "XTKS",
    "KLS": "XKLS",
    "KSC": "XKRX",
    "KOE": "XKRX",
    "LIS": "XLIS",
    "LSE": "XLON",
    "MCE": "XMAD",
    "MEX": "XMEX",
    "MIL": "XMIL",
    "NZE": "XNZE",
    "OSL": "XOSL",
    "PAR": "XPAR",
    "PRA": "XPRA",
    "SAO": "BVMF",
    "SES": "XSES",
    "SET": "XBKK",
    "SHH": "XSHG",
    "SHZ": "XSHG",
    "STO": "XSTO",
    "TAI": "XTAI",
    "TLV": "XTAE",
    "TOR": "XTSE",
    "TWO": "XTAI",
    "VIE": "XWBO",
    "WSE": "XWAR",
}
"""The calendar of Yahoo's exchanges, by their code."""

ZONES: Final[Mapping[str, str]] = {
    "Asia/Kolkata": "XBOM",
    "Europe/Helsinki": "XHEL",
    "Europe/Istanbul": "XIST",
}
"""The calendar of exchanges that share their hours with all others in their time zone."""

_PRICES: Final = ("Open", "High", "Low", "Close")
_COLUMNS: Final = {
    **{name.lower(): name for name in _PRICES},
    "volume": "Volume",
    "adj_close": "Adj Close",
}
_EVENTS: Final = ("splits", "dividends")


@dataclass(frozen=True, slots=True, eq=False)
class Chart:
    """What Yahoo has of one symbol.

    Attributes:
        frames: Of yfinance, one a window, at least one, oldest first.
        meta: What Yahoo says about the symbol.
        events: Splits and dividends by kind and place, as Yahoo has them.
        timeframe: Of the bars, by its one name.
        period: Earliest stamp included, latest excluded [ns UTC].
    """

    frames: list[Any]
    meta: Mapping[str, Any]
    events: Mapping[str, Mapping[str, Any]]
    timeframe: str
    period: tuple[int, int]

    @property
    def calendar(self) -> str | None:
        """Of the exchange; None if it has none that is known."""
        return CALENDARS.get(str(self.meta.get("exchangeName"))) or ZONES.get(self.zone)

    @property
    def zone(self) -> str:
        """The exchange's time zone."""
        return str(self.meta.get("exchangeTimezoneName"))


def bar_table(chart: Chart, now: int) -> Any:
    """Bars of the period that are over.

    Args:
        chart: What Yahoo has.
        now: What time it is [ns UTC].
    """
    pa = arrow()
    import pandas as pd

    frame: Any = pd.concat(chart.frames)
    start: NDArray[np.int64] = frame.index.tz_convert("UTC").as_unit("ns").asi8
    local: NDArray[np.int64] = frame.index.tz_localize(None).as_unit("ns").asi8
    numbers = {name: frame[of].to_numpy(np.float64) for name, of in _COLUMNS.items()}
    keep = _within(start if chart.timeframe != SESSION else np.maximum(start, local), chart.period)
    keep &= ~np.isnan([numbers[name.lower()] for name in _PRICES]).all(axis=0)
    keep[keep] = _ends(start[keep], local[keep], chart) <= now
    is_dates = chart.timeframe == SESSION
    stamps = pa.array((local if is_dates else start)[keep], pa.int64())
    return pa.table(
        {
            "ts": stamps.cast(pa.timestamp("ns") if is_dates else pa.timestamp("ns", "UTC")),
            **{name: pa.array(values[keep]) for name, values in numbers.items()},
        }
    )


def _within(ts: NDArray[np.int64], period: tuple[int, int]) -> NDArray[np.bool_]:
    return (ts >= period[0]) & (ts < period[1])


def _ends(start: NDArray[np.int64], local: NDArray[np.int64], chart: Chart) -> NDArray[np.int64]:
    is_dates = chart.timeframe == SESSION
    if len(start) == 0:
        return start
    if chart.calendar is None:
        return start + (timeframe_ns(chart.timeframe) or (DAY_NS if is_dates else 7 * DAY_NS))
    if is_dates:
        return session_closes(local // DAY_NS, chart.calendar)
    return cut_at_close(
        start, start + (timeframe_ns(chart.timeframe) or 7 * DAY_NS), chart.calendar
    )


def action_table(chart: Chart) -> Any:
    """Splits and dividends of the period by their ex-date.

    Distributions of funds that Yahoo calls capital gains are left out: its dividends may
    hold them already.

    Raises:
        DataError: An event is not what it must be.
    """
    pa = arrow()
    ratios: defaultdict[np.datetime64, float] = defaultdict(lambda: 1.0)
    amounts: defaultdict[np.datetime64, float] = defaultdict(float)
    try:
        for event in chart.events.get("splits", {}).values():
            ratios[_date(event, chart.zone)] *= event["numerator"] / event["denominator"]
        for event in chart.events.get("dividends", {}).values():
            amounts[_date(event, chart.zone)] += float(event["amount"])
    except (KeyError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
        raise DataError(
            f"yahoo must answer with splits and dividends of its format: {error!r}"
        ) from error
    dates = np.array(sorted({*ratios, *amounts}), "datetime64[ns]")
    local = dates.astype(np.int64)
    if len(local):
        dates = dates[_within(np.maximum(local, instants(local, chart.zone)), chart.period)]
    days = list(dates.astype("datetime64[D]"))
    return pa.table(
        {
            "ts": pa.array(dates, pa.timestamp("ns")),
            "splits": pa.array([ratios.get(day, 1.0) for day in days], pa.float64()),
            "dividends": pa.array([amounts.get(day, 0.0) for day in days], pa.float64()),
        }
    )


def _date(event: Mapping[str, Any], zone: str) -> np.datetime64:
    # Not `fromtimestamp`, which has no instants before 1970 on some systems.
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=event["date"])
    return np.datetime64(at.astimezone(ZoneInfo(zone)).date(), "D")
