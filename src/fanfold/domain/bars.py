"""Bars of several assets as one aligned panel."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast, get_args

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.names import chosen_places
from fanfold.domain.panel import CLOSE, FIELDS, HIGH, LOW, OPEN, VOLUME
from fanfold.domain.period import Moment, bars_within, day_text, ts_text
from fanfold.domain.prices import Basis, absent, fault, faulty
from fanfold.domain.sessions import ROUND_THE_CLOCK
from fanfold.domain.stamps import Stamp
from fanfold.errors import DataError

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Bars:
    """A time-major panel of bars; NaN where an asset has no bar.

    A volume of zero means that nothing was traded; NaN that the volume is unknown.
    Arrays are checked and read-only. Bars that follow later change no value of an
    earlier bar.

    Attributes:
        symbols: One name an asset, in the order of the panel's last axis.
        ts: Each bar's end [ns UTC], strictly increasing; shape [bar].
        panel: Open, high, low, close, volume in the basis; shape [field, bar, asset].
        basis: What the prices are adjusted for.
        calendar: Name of the exchange calendar, or "24/7".
        session_day: The session's date [days since 1970-01-01]; shape [bar].
        minutes_to_close: From the bar's end to the session's [min], negative after
            it; shape [bar].
        is_month_end: Whether the session is the last of its month; shape [bar].
        raw: Prices as they were traded, beside adjusted ones; shape of `panel`.
        benchmark: Level of a benchmark at each bar's end, NaN before it began; [bar].
        benchmark_name: What the benchmark is.
        source: Where the bars came from, for people.
    """

    symbols: tuple[str, ...]
    ts: NDArray[np.int64]
    panel: NDArray[np.float64]
    basis: Basis
    calendar: str
    session_day: NDArray[np.int64]
    minutes_to_close: NDArray[np.float64]
    is_month_end: NDArray[np.bool_]
    raw: NDArray[np.float64] | None = None
    benchmark: NDArray[np.float64] | None = None
    benchmark_name: str = ""
    source: str = ""

    def __post_init__(self) -> None:
        """Refuse what is no panel, and make the arrays read-only."""
        _check_labels(self)
        for name, (kind, shape) in _layout(self).items():
            array = getattr(self, name)
            if array is not None:
                object.__setattr__(self, name, _settled(name, array, kind, shape))
        _check_clock(self)
        _check_prices(self)

    @classmethod
    def from_frame(
        cls,
        frame: Any,
        *,
        stamp: Stamp | None = None,
        basis: Basis | None = None,
        calendar: str | None = None,
        symbols: Sequence[str] | str | None = None,
        benchmark: Any = None,
        bar: timedelta | None = None,
        source: str = "",
    ) -> "Bars":
        """Build bars from a tidy frame: symbol, ts, open, high, low, close, volume.

        Columns are found whatever their case; ``adj_close``, ``splits`` and
        ``dividends`` may be there too, others are left out. A frame of one asset
        needs no symbol column and may hold its timestamps in the index. Symbols are
        aligned over all timestamps; a row without prices is a missing bar.

        Args:
            frame: pandas DataFrame or Arrow Table; per symbol sorted by time.
            stamp: What `ts` marks: a bar's start, its end, or the date of its
                session. May be left out if all are midnight dates of daily bars.
            basis: What the prices are adjusted for; "raw" if left out. With
                ``adj_close``, "total_return" if left out: prices are then multiplied
                by adj_close / close and kept as they were in `raw`.
            calendar: Exchange calendar, such as "XNYS", or "24/7"; if left out,
                "24/7" for a frame with weekend bars and "XNYS" for others.
            symbols: Only these, in this order; or the name of the one asset of a
                frame without a symbol column.
            benchmark: pandas Series of levels, indexed by session date or instant.
            bar: Length of a bar stamped by its start; if left out, the most common
                gap. A bar ends at its session's close at the latest.
            source: Where the frame came from, for people.

        Raises:
            ConfigError: An argument is missing or unknown.
            DataError: The frame holds what cannot be a bar; names the first such row.
        """
        from fanfold.domain.frames import FrameSpec, read_frame

        spec = FrameSpec(
            stamp=stamp, basis=basis, calendar=calendar, symbols=symbols, bar=bar, source=source
        )
        return cls(**read_frame(frame, spec, benchmark))

    def __repr__(self) -> str:
        """What they are, without the numbers."""
        first, last = day_text(self.session_day[0]), day_text(self.session_day[-1])
        return (
            f"<Bars: {self.bar_count} bars of {self.asset_count} assets, {first} to {last}, "
            f"{self.basis}, {self.calendar}>"
        )

    @property
    def open(self) -> NDArray[np.float64]:
        """First prices, a view; shape [bar, asset]."""
        return self.panel[OPEN]

    @property
    def high(self) -> NDArray[np.float64]:
        """Highest prices, a view; shape [bar, asset]."""
        return self.panel[HIGH]

    @property
    def low(self) -> NDArray[np.float64]:
        """Lowest prices, a view; shape [bar, asset]."""
        return self.panel[LOW]

    @property
    def close(self) -> NDArray[np.float64]:
        """Last prices, a view; shape [bar, asset]."""
        return self.panel[CLOSE]

    @property
    def volume(self) -> NDArray[np.float64]:
        """Units traded, NaN if unknown, a view; shape [bar, asset]."""
        return self.panel[VOLUME]

    @property
    def bar_count(self) -> int:
        """Bars of the panel."""
        return len(self.ts)

    @property
    def asset_count(self) -> int:
        """Assets of the panel."""
        return len(self.symbols)

    @property
    def periods_per_year(self) -> int:
        """Sessions a year that ratios are stated for: 365 round the clock, else 252."""
        return 365 if self.calendar == ROUND_THE_CLOCK else 252

    @property
    def closes_session(self) -> NDArray[np.bool_]:
        """Whether a bar is the last of its session in these bars; shape [bar]."""
        return np.append(self.session_day[1:] != self.session_day[:-1], True)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over all content; the labels `source` and `benchmark_name` do not count."""
        digest = hashlib.sha256()
        digest.update(repr((self.symbols, self.basis, self.calendar)).encode())
        for name in _layout(self):
            array = getattr(self, name)
            if array is not None:
                digest.update(f"{name}{array.shape}".encode())
                digest.update(array.data)
        return digest.hexdigest()

    def select(
        self,
        symbols: Sequence[str] | str | None = None,
        start: Moment | None = None,
        end: Moment | None = None,
    ) -> "Bars":
        """Narrow to some symbols and a period.

        Args:
            symbols: Which, in this order. Bars in which none of them has prices are
                left out, as if the others had never been there.
            start: First session (a date), or earliest end of a bar (an instant with
                a time zone); dates, datetimes or ISO text.
            end: Last session or latest end of a bar, included.

        Raises:
            ConfigError: A moment cannot be understood, or a symbol is asked for twice.
            DataError: A symbol is not there, or no bar is within the period.
        """
        if symbols is None and start is None and end is None:
            return self
        bars: Any = bars_within(self.ts, self.session_day, start, end)
        if bars.start >= bars.stop:
            raise DataError(f"the period must hold a bar, was {_period_text(self, start, end)}")
        chosen: Any = slice(None)
        if symbols is not None:
            chosen = chosen_places(symbols, self.symbols)
            present = ~absent(self.panel[:, bars][:, :, chosen]).all(axis=1)
            if not present.any():
                raise DataError(
                    f"the period must hold a bar of {symbols}, was {_period_text(self, start, end)}"
                )
            bars = np.flatnonzero(present) + bars.start
        return self._narrowed(bars, chosen)

    def to_frame(self) -> "pd.DataFrame":
        """A tidy frame, one row a bar of an asset: symbol, ts (its end, UTC), open … volume."""
        import pandas as pd

        asset, bar = np.nonzero(~absent(self.panel).T)
        columns: dict[str, Any] = {
            "symbol": np.array(self.symbols, dtype=object)[asset],
            "ts": pd.DatetimeIndex(self.ts, tz="UTC")[bar],
        }
        for place, field in enumerate(FIELDS):
            columns[field] = self.panel[place][bar, asset]
        return pd.DataFrame(columns)

    def _narrowed(self, bars: Any, assets: Any) -> "Bars":
        columns: dict[str, Any] = {}
        for name in _layout(self):
            array = getattr(self, name)
            if array is not None:
                columns[name] = array[bars] if array.ndim == 1 else array[:, bars][:, :, assets]
        names = np.array(self.symbols, dtype=object)[assets]
        return replace(self, symbols=tuple(names), **columns)

    def __getstate__(self) -> dict[str, Any]:
        """The fields alone: what is computed from them does not travel."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take checked fields as they are; arrays become read-only again."""
        for name, value in state.items():
            if isinstance(value, np.ndarray):
                value.flags.writeable = False
            object.__setattr__(self, name, value)


def _period_text(bars: Bars, start: Moment | None, end: Moment | None) -> str:
    first, last = day_text(bars.session_day[0]), day_text(bars.session_day[-1])
    return f"{start or 'the first'} to {end or 'the last'} of bars from {first} to {last}"


def _layout(bars: Bars) -> dict[str, tuple[Any, tuple[int, ...]]]:
    """Type and shape of each array, in the order of the fingerprint."""
    count = len(bars.ts)
    panel = (len(FIELDS), count, len(bars.symbols))
    return {
        "ts": (np.int64, (count,)),
        "panel": (np.float64, panel),
        "session_day": (np.int64, (count,)),
        "minutes_to_close": (np.float64, (count,)),
        "is_month_end": (np.bool_, (count,)),
        "raw": (np.float64, panel),
        "benchmark": (np.float64, (count,)),
    }


def _settled(name: str, array: Any, kind: Any, shape: tuple[int, ...]) -> NDArray[Any]:
    """A read-only, C-contiguous view, or a copy where the array is not contiguous."""
    wanted = f"{np.dtype(kind)}{list(shape)}"
    if not isinstance(array, np.ndarray):
        raise DataError(f"{name} must be an array {wanted}, was {type(array).__name__}")
    given = cast("NDArray[Any]", array)
    if given.dtype != kind or given.shape != shape:
        raise DataError(f"{name} must be an array {wanted}, was {given.dtype}{list(given.shape)}")
    view = np.ascontiguousarray(given).view()
    view.flags.writeable = False
    return view


def _check_labels(bars: Bars) -> None:
    names = bars.symbols
    if not names or not all(isinstance(name, str) and name for name in names):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise DataError(f"symbols must be texts, at least one, was {names!r}")
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise DataError(f"symbols must be unique, {twice!r} stands twice")
    if bars.basis not in get_args(Basis):
        raise DataError(f"basis must be one of {', '.join(get_args(Basis))}, was {bars.basis!r}")


def _check_clock(bars: Bars) -> None:
    if bars.bar_count == 0:
        raise DataError("bars must not be empty, was 0 bars")
    step = np.diff(bars.ts)
    if (step <= 0).any():
        at = int(np.argmax(step <= 0))
        raise DataError(
            f"ts must be strictly increasing, {ts_text(bars.ts[at + 1])} came after "
            f"{ts_text(bars.ts[at])}"
        )
    if (np.diff(bars.session_day) < 0).any():
        raise DataError("session_day must not decrease")
    if not np.isfinite(bars.minutes_to_close).all():
        raise DataError("minutes_to_close must be finite")


def _check_prices(bars: Bars) -> None:
    panels = {"": bars.panel} if bars.raw is None else {"": bars.panel, "raw ": bars.raw}
    for label, panel in panels.items():
        bad = faulty(panel)
        if bad.any():
            at, asset = np.unravel_index(int(np.argmax(bad)), bad.shape)
            raise DataError(
                f"{label}{bars.symbols[asset]} in the bar ending {ts_text(bars.ts[at])}: "
                f"{fault(panel[:, at, asset].tolist())}"
            )
    if bars.raw is not None and (absent(bars.raw) != absent(bars.panel)).any():
        raise DataError("raw must hold the bars that the panel holds")
    if (
        bars.benchmark is not None
        and not (
            np.isnan(bars.benchmark) | ((bars.benchmark > 0) & np.isfinite(bars.benchmark))
        ).all()
    ):
        raise DataError("benchmark must be finite and positive, or nan where unknown")
