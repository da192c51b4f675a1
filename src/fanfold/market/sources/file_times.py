"""Times in files: typed, ISO text, text of a stated format, or seconds since 1970.

What has one meaning is read; what could be two things is refused with what to say. A
cell that cannot be read, among others that can, is left empty and found later.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.names import nearest_hint
from fanfold.domain.sessions import DAY_NS, instants, local_ns
from fanfold.domain.timeframe import SECOND_NS
from fanfold.errors import ConfigError, DataError
from fanfold.market.columns import arrow
from fanfold.market.sources.tables import compute, frames

_EPOCHS: Final = (
    # From 1973 to 2128: the four do not overlap.
    ("seconds", 1_000_000_000, 1e8, 5e9),
    ("milliseconds", 1_000_000, 1e11, 5e12),
    ("microseconds", 1_000, 1e14, 5e15),
    ("nanoseconds", 1, 1e17, 5e18),
)
_MINUTES_TEXT: Final = (197_001_010_000, 210_012_312_359)
"""Numbers that may be minutes written as YYYYMMDDHHMM."""

_SOME_FORMAT: Final = "say the format of the dates, such as %Y%m%d or %d/%m/%Y"
_ZONED: Final = r":\d\d?(:[\d.,]+)? ?(Z|z|[+-]\d\d:?(\d\d)?)$"
_NS_BOUND: Final = 2**63 - 2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Times:
    """When the rows of a file were.

    Attributes:
        column: Arrow array of timestamp[ns], null where it cannot be read: with a zone, or
            without for dates.
        are_dates: Whether all are midnights, as they show or in New York.
        note: How they were read, "" where there was no choice.
    """

    column: Any
    are_dates: bool
    note: str = ""


def check_zone(zone: str | None) -> None:
    """Refuse what is no time zone.

    Raises:
        ConfigError: It is none of the zones that this machine knows.
    """
    import zoneinfo

    if zone is None:
        return
    known = zoneinfo.available_timezones()
    if zone not in known:
        last_part = {name.rpartition("/")[2]: name for name in sorted(known)}
        hint = nearest_hint(zone, known) or nearest_hint(zone.replace(" ", "_"), last_part)
        raise ConfigError(
            f"zone must be a time zone such as America/New_York or UTC, was {zone!r}{hint}"
        )


def read_times(
    column: Any, what: str, *, zone: str | None, date_format: str | None, exchange: str | None
) -> Times:
    """The times of a column.

    Args:
        column: Arrow column of timestamps, dates, numbers or text.
        what: The file and its column, for errors.
        zone: In which times without one are meant.
        date_format: Of text, as `time.strptime` has it.
        exchange: Zone of the exchange, where all at midnight are dates; None for events,
            of which none is a date.

    Raises:
        DataError: They can be read in more ways than one, or hardly any can.
    """
    pa = arrow()
    kind = column.type
    note = ""
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
    if pa.types.is_timestamp(kind):
        read = _in_ns(column)
    elif pa.types.is_date(kind):
        read = _in_ns(column.cast(pa.timestamp("s" if pa.types.is_date32(kind) else "ms")))
    elif date_format is None and (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
        read, note = _from_epoch(column, what)
    elif pa.types.is_null(kind):
        read = pa.nulls(len(column), pa.timestamp("ns"))
    else:
        read, note = _from_text(column.cast(pa.string()), what, date_format)
    if len(column) and read.null_count * 2 > len(column):
        first = next((str(one) for one in column.slice(0, _SHOWN_MAX).to_pylist() if one), "empty")
        raise DataError(
            f"{what} must hold timestamps, most cannot be read: {first!r}; {_SOME_FORMAT}"
        )
    return _placed(read, what, zone, exchange, note)


_SHOWN_MAX: Final = 1_000


def joined(days: Any, clocks: Any, date_format: str | None) -> Any:
    """A date and a time of day as one column.

    Args:
        days: Arrow column of dates, timestamps or text.
        clocks: Arrow column of times of day or text.
        date_format: Of the text, for both with a space between them, or None.
    """
    pa = arrow()
    pc = compute()

    if pa.types.is_time(clocks.type) and not pa.types.is_string(days.type):
        midnight = _in_ns(days.cast(pa.timestamp("ms")))
        since = clocks.cast(pa.time64("ns")).cast(pa.int64())
        return pc.add(midnight.cast(pa.int64()), since).cast(pa.timestamp("ns"))
    parts = [_text(days), _text(clocks)]
    if date_format is None:
        # 9:30 as 09:30: so ISO has it.
        parts[1] = pc.replace_substring_regex(parts[1], r"^(\d):", r"0\1:")
    return pc.binary_join_element_wise(*parts, " ")


def ints(column: Any) -> NDArray[np.int64]:
    """A column of timestamps as [ns], 0 where it is null; shape [row]."""
    pa = arrow()
    pc = compute()

    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if not len(whole):
        return np.empty(0, np.int64)
    if whole.null_count:
        whole = pc.fill_null(whole.cast(pa.int64()), 0)
    return np.frombuffer(whole.buffers()[1], np.int64, len(whole), whole.offset * 8)


def _text(column: Any) -> Any:
    pa = arrow()
    pc = compute()

    if pa.types.is_timestamp(column.type) or pa.types.is_date(column.type):
        return pc.strftime(column.cast(pa.timestamp("s"), safe=False), format="%Y-%m-%d")
    return pc.utf8_trim_whitespace(column.cast(pa.string()))


def _in_ns(column: Any) -> Any:
    """Timestamps in nanoseconds, null beyond what these can hold."""
    pa = arrow()
    pc = compute()

    kind = column.type
    wanted = pa.timestamp("ns", kind.tz)
    if kind.unit != "ns":
        per_unit = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1_000}[kind.unit]
        bound = _NS_BOUND // per_unit
        count = column.cast(pa.int64())
        inside = pc.and_(pc.greater(count, -bound), pc.less(count, bound))
        column = pc.if_else(inside, column, pa.scalar(None, kind))
    return column.cast(wanted)


def _from_epoch(column: Any, what: str) -> tuple[Any, str]:
    pa = arrow()
    pc = compute()

    values = pc.fill_null(column.cast(pa.float64(), safe=False), np.nan).to_numpy()
    known = values[~np.isnan(values)]
    middle = float(np.median(known)) if len(known) else 0.0
    found = next((one for one in _EPOCHS if one[2] <= middle < one[3]), None)
    if found is None or _MINUTES_TEXT[0] <= middle <= _MINUTES_TEXT[1]:
        shown = f"{middle:.0f}"
        raise DataError(
            f"{what} must hold timestamps, or seconds, milliseconds, microseconds or nanoseconds "
            f"since 1970, was numbers such as {shown}; {_SOME_FORMAT}"
        )
    unit, per_unit, low, high = found
    inside = (values >= low) & (values < high)
    if pa.types.is_integer(column.type):
        exact = pc.fill_null(column.cast(pa.int64()), 0).to_numpy()
        ns = np.where(inside, exact, 0) * per_unit
    else:
        # Doubles hold microseconds of our time, not nanoseconds.
        ns = np.rint(np.where(inside, values, 0.0) * (per_unit / 1_000)).astype(np.int64) * 1_000
    read = pa.array(ns, pa.timestamp("ns", "UTC"), mask=~inside)
    return read, f"read as {unit} since 1970"


def _from_text(column: Any, what: str, date_format: str | None) -> tuple[Any, str]:
    pa = arrow()
    pc = compute()

    if date_format is not None:
        return _of_format(column, what, date_format), f"read by {date_format}"
    for zone in (None, "UTC"):
        try:
            return pc.cast(column, pa.timestamp("ns", zone)), ""
        except pa.ArrowInvalid:
            continue
    trimmed = pc.utf8_trim_whitespace(column)
    numeric = pc.match_substring_regex(trimmed, r"^\d+(\.\d+)?$")
    if pc.sum(numeric).as_py() * 2 > len(column):
        only = pc.if_else(numeric, trimmed, pa.scalar(None, pa.string()))
        whole = not pc.any(pc.match_substring(only, ".")).as_py()
        return _from_epoch(only.cast(pa.int64() if whole else pa.float64()), what)
    return _lenient(trimmed), ""


def _of_format(column: Any, what: str, date_format: str) -> Any:
    pa = arrow()
    pd = frames()

    zoned = "%z" in date_format or "%Z" in date_format
    try:
        read = pd.to_datetime(
            pd.Series(column.to_pandas()), format=date_format, errors="coerce", utc=zoned
        )
    except ValueError as error:
        raise DataError(f"{what} must be read by a format of strptime: {error}") from error
    return pa.array(read.dt.as_unit("ns"), pa.timestamp("ns", "UTC" if zoned else None))


def _lenient(column: Any) -> Any:
    """ISO text as far as it can be read: with a zone or without, as most rows are."""
    pa = arrow()
    pd = frames()
    pc = compute()
    zoned = pc.match_substring_regex(column, _ZONED)
    with_zone = pc.sum(zoned).as_py() * 2 > len(column)
    fitting = pc.equal(zoned, with_zone)
    column = pc.if_else(fitting, column, pa.scalar(None, pa.string()))
    # Null, and what is not ISO, becomes NaT.
    read = pd.to_datetime(
        pd.Series(column.to_pandas()), format="ISO8601", errors="coerce", utc=with_zone
    )
    return pa.array(_within_ns(read), pa.timestamp("ns", "UTC" if with_zone else None))


def _within_ns(read: Any) -> Any:
    """A pandas Series in nanoseconds, NaT beyond what these can hold."""
    pd = frames()

    low, high = pd.Timestamp.min, pd.Timestamp.max
    if read.dt.tz is not None:
        low, high = low.tz_localize("UTC"), high.tz_localize("UTC")
    return read.where((read > low) & (read < high)).dt.as_unit("ns")


def _placed(read: Any, what: str, zone: str | None, exchange: str | None, note: str) -> Times:
    pa = arrow()
    whole = read.combine_chunks() if isinstance(read, pa.ChunkedArray) else read
    values = ints(whole)
    tz = whole.type.tz
    shown = values if tz in (None, "UTC") else local_ns(values, tz)
    known = np.ones(len(values), bool)
    if whole.null_count:
        known = whole.is_valid().to_numpy(zero_copy_only=False)
    if exchange is not None and not (shown[known] % DAY_NS).any():
        dates = whole if tz in (None, "UTC") else _timestamps(shown, known, None)
        return Times(column=dates, are_dates=True, note=note)
    if tz is None:
        if zone is None:
            odd = known & (shown % DAY_NS != 0) if exchange else known
            first = np.datetime64(int(shown[odd][0]) // SECOND_NS, "s")
            unless = " unless all are dates, the first other" if exchange else ", the first"
            raise DataError(
                f"{what} must carry a time zone{unless} was {first}; say the zone in which they "
                "are meant, such as America/New_York or UTC"
            )
        check_zone(zone)
        return Times(
            column=_timestamps(instants(shown, zone), known, "UTC"),
            are_dates=False,
            note=f"{note}{', ' if note else ''}meant in {zone}",
        )
    if exchange is None:
        return Times(column=whole, are_dates=False, note=note)
    at_exchange = local_ns(values, exchange)
    if not (at_exchange[known] % DAY_NS).any():
        column = _timestamps(at_exchange, known, None)
        return Times(column=column, are_dates=True, note=f"midnights in {exchange}")
    return Times(column=whole, are_dates=False, note=note)


def _timestamps(values: NDArray[np.int64], known: NDArray[np.bool_], zone: str | None) -> Any:
    pa = arrow()
    mask = None if known.all() else ~known
    return pa.array(values, pa.timestamp("ns", zone), mask=mask)
