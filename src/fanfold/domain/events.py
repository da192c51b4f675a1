"""What happens to assets beside trading: splits, dividends, delisting, membership.

Vendors keep them in files of their own, dated by session. Here they get their place
in a panel; what has none is refused by symbol and date, for an action that went
missing shows as a profit or a loss that nobody made.
"""

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.adjustment import NEVER
from fanfold.domain.layout import NEUTRAL
from fanfold.domain.names import nearest_hint
from fanfold.domain.period import Moment, day_of, day_text
from fanfold.domain.stamps import session_dates
from fanfold.domain.tidy import OTHER_NAMES, names_of, numbers_of, stamps_of, tidy_columns
from fanfold.errors import ConfigError, DataError

ACTION_NAMES: Final[dict[str, str]] = {
    **OTHER_NAMES,
    "ex_date": "ts",
    "split": "splits",
    "ratio": "splits",
    "dividend": "dividends",
    "amount": "dividends",
}
"""Other names of columns in files of splits and dividends."""

_LISTING: Final = ("delisted_day", "delisting_return")
_RULES: Final = {
    "splits": "splits must be positive and finite (0, 1 or nan for none)",
    "dividends": "dividends must be finite and not negative (0 or nan for none)",
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Grid:
    """The panel that events get their places in.

    Attributes:
        symbols: Its assets.
        session_day: Date of each bar's session [days since 1970-01-01]; shape [bar].
        calendar: Exchange calendar, or "24/7".
    """

    symbols: tuple[str, ...]
    session_day: NDArray[np.int64]
    calendar: str

    @property
    def shape(self) -> tuple[int, int]:
        """Bars and assets."""
        return len(self.session_day), len(self.symbols)

    def asset(self, symbol: str, event: str) -> int:
        """Place of an asset.

        Raises:
            DataError: There is no such asset; `event` says what names it.
        """
        if symbol not in self.symbols:
            hint = nearest_hint(symbol, self.symbols)
            raise DataError(f"{event} must name an asset of the bars, was {symbol!r}{hint}")
        return self.symbols.index(symbol)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Action:
    """A split or a dividend, and the first bar that it is in force for."""

    day: int
    bar: int
    asset: int
    value: float


def action_values(
    name: str, values: NDArray[np.float64], row_name: Callable[[int], str]
) -> NDArray[np.float64]:
    """The values of a column of actions, neutral where there is none.

    Args:
        name: "splits" or "dividends".
        values: As the source has them: 0 or NaN where there is none; shape [row].
        row_name: Symbol and date of a row, for errors.

    Raises:
        DataError: A value is negative or infinite.
    """
    wrong = (values < 0) | np.isinf(values)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise DataError(f"{row_name(row)}: {_RULES[name]}, was {values[row]}")
    return np.where((values == 0) | np.isnan(values), NEUTRAL[name], values)


def joined(
    grid: Grid,
    there: Mapping[str, Any],
    given: Mapping[str, Any],
    delisted_at: Mapping[str, Moment] | None,
    delisting_return: float | Mapping[str, float],
) -> dict[str, Any]:
    """The arrays of `fanfold.domain.bars.Bars` after events were joined.

    Args:
        grid: The panel.
        there: Its arrays by name, None where there is none.
        given: Frames of "splits", "dividends" and "members", or None.
        delisted_at: First date without listing, by symbol.
        delisting_return: One for all of them, or by symbol.

    Raises:
        ConfigError: See `delistings`.
        DataError: See `with_actions` and `membership`.
    """
    changes = delistings(delisted_at, delisting_return, grid, before=there)
    actions = {name: given[name] for name in ("splits", "dividends")}
    if any(frame is not None for frame in actions.values()):
        changes |= with_actions(grid, there, actions)
    if given["members"] is not None:
        changes["members"] = membership(given["members"], grid)
    return changes


def with_actions(
    grid: Grid, booked: Mapping[str, NDArray[np.float64] | None], frames: Mapping[str, Any]
) -> dict[str, NDArray[np.float64]]:
    """Splits and dividends from frames, added to those that are booked.

    An action dated between two sessions is in force from the next. Units stay as
    they are in between, so its value follows from those of the same bar.

    Args:
        grid: The panel.
        booked: "splits" and "dividends" that are there, or None; shapes [bar, asset].
        frames: "splits" and "dividends": frames of symbol, ts and value, or None.

    Raises:
        DataError: A frame, a symbol or a date is not what it must be, or an action is
            there twice.
    """
    actions = {name: _actions(name, frame, grid) for name, frame in frames.items()}
    changed: dict[str, NDArray[np.float64]] = {}
    for name, found in actions.items():
        there = booked[name]
        changed[name] = np.full(grid.shape, NEUTRAL[name]) if there is None else there.copy()
        for one in found:
            on_its_day = one.day == grid.session_day[one.bar]
            if on_its_day and changed[name][one.bar, one.asset] != NEUTRAL[name]:
                raise DataError(_twice(name, grid.symbols[one.asset], one.day))
    for one in actions["splits"]:
        changed["splits"][one.bar, one.asset] *= one.value
    for one in actions["dividends"]:
        units = _units_later(one, actions["splits"], changed["splits"], grid)
        changed["dividends"][one.bar, one.asset] += one.value / units
    return changed


def delistings(
    delisted_at: Mapping[str, Moment] | None,
    delisting_return: float | Mapping[str, float],
    grid: Grid,
    *,
    left_out: Set[str] = frozenset(),
    before: Mapping[str, NDArray[Any] | None] | None = None,
) -> dict[str, NDArray[Any] | None]:
    """`delisted_day` and `delisting_return` of `fanfold.domain.bars.Bars`.

    Args:
        delisted_at: First date without listing, by symbol.
        delisting_return: One for all of them, or by symbol, 0.0 where it has none.
        grid: The panel.
        left_out: Symbols that may be named and do not matter.
        before: The same of those known before, or None.

    Raises:
        ConfigError: A date is none, or a return is given for what is not delisted.
        DataError: A symbol is not there.
    """
    by_symbol: Mapping[str, float] = {}
    if isinstance(delisting_return, Mapping):
        by_symbol, common = delisting_return, 0.0
    else:
        common = delisting_return
    stray = [name for name in by_symbol if name not in (delisted_at or {})]
    if stray or (common != 0.0 and delisted_at is None):
        of = f" of {stray[0]}" if stray else ""
        raise ConfigError(f"delisting_return{of} must go with a delisted_at, which was left out")
    day, returns = (None, None) if before is None else (before[name] for name in _LISTING)
    if delisted_at is None:
        return {"delisted_day": day, "delisting_return": returns}
    day = np.full(len(grid.symbols), NEVER) if day is None else day.copy()
    returns = np.zeros(len(grid.symbols)) if returns is None else returns.copy()
    for symbol, moment in delisted_at.items():
        if symbol not in left_out:
            asset = grid.asset(symbol, f"delisted_at ({moment})")
            day[asset] = day_of(moment, f"delisted_at of {symbol}")
            returns[asset] = by_symbol.get(symbol, common)
    return {"delisted_day": day, "delisting_return": returns}


def membership(
    frame: Any, grid: Grid, left_out: Set[str] = frozenset()
) -> NDArray[np.bool_] | None:
    """Whether assets were members, from their terms.

    Args:
        frame: A row a term: symbol, start (first date) and end (last date, included),
            empty where it has always been or still is; or None.
        grid: The panel.
        left_out: Symbols that may be named and do not matter.

    Returns:
        False outside all terms, so always for a symbol without one; shape [bar, asset].

    Raises:
        DataError: A column is missing, a symbol is not there, or a term ends before it
            starts.
    """
    if frame is None:
        return None
    columns = tidy_columns(frame, what="members", required=("symbol", "start", "end"))
    members = np.zeros(grid.shape, bool)
    if len(columns["symbol"]) == 0:
        return members
    names, codes = names_of(columns["symbol"])
    start = _days_or(columns["start"], "start", -NEVER, grid.calendar)
    end = _days_or(columns["end"], "end", NEVER, grid.calendar)
    for row, code in enumerate(codes.tolist()):
        symbol = names[int(code)]
        if symbol in left_out:
            continue
        first, last = int(start[row]), int(end[row])
        since = "the beginning" if first == -NEVER else day_text(first)
        asset = grid.asset(symbol, f"members from {since}")
        if last < first:
            raise DataError(
                f"members must leave after they came, {symbol} from {since} to {day_text(last)}"
            )
        members[:, asset] |= (grid.session_day >= first) & (grid.session_day <= last)
    return members


def _actions(name: str, frame: Any, grid: Grid) -> list[_Action]:
    """A frame's actions of one kind, each once for a symbol and date."""
    if frame is None:
        return []
    optional = (name, "value")
    columns = tidy_columns(
        frame, what=name, required=("symbol", "ts"), optional=optional, other_names=ACTION_NAMES
    )
    column = next((columns[one] for one in optional if one in columns), None)
    if column is None:
        raise DataError(f"{name} must have a column {name} or value, had neither")
    if len(column) == 0:
        return []
    symbols, codes = names_of(columns["symbol"])
    days = session_dates(stamps_of(columns["ts"], f"ts of {name}"), grid.calendar)

    def row_name(row: int) -> str:
        return f"{symbols[codes[row]]} at {day_text(days[row])}"

    values = action_values(name, numbers_of(column, name), row_name)
    found: dict[tuple[int, int], _Action] = {}
    for row in np.flatnonzero(values != NEUTRAL[name]).tolist():
        symbol, day = symbols[int(codes[row])], int(days[row])
        asset = grid.asset(symbol, f"{name} at {day_text(day)}")
        if (asset, day) in found:
            raise DataError(_twice(name, symbol, day))
        bar = _bar_of(name, symbol, day, grid)
        found[asset, day] = _Action(day=day, bar=bar, asset=asset, value=float(values[row]))
    return list(found.values())


def _bar_of(name: str, symbol: str, day: int, grid: Grid) -> int:
    """First bar of the session, or of the next if there is none on that day."""
    first, last = int(grid.session_day[0]), int(grid.session_day[-1])
    if not first <= day <= last:
        raise DataError(
            f"{name} must lie within the bars, {day_text(first)} to {day_text(last)}, "
            f"{symbol} had one at {day_text(day)}"
        )
    return int(np.searchsorted(grid.session_day, day))


def _units_later(
    dividend: _Action, splits: list[_Action], booked: NDArray[np.float64], grid: Grid
) -> float:
    """What a unit that was paid for has become by splits before its bar."""
    if dividend.day == grid.session_day[dividend.bar]:
        return 1.0
    units = float(booked[dividend.bar, dividend.asset])
    for one in splits:
        same = one.bar == dividend.bar and one.asset == dividend.asset
        if same and one.day <= dividend.day:
            units /= one.value
    return units


def _twice(name: str, symbol: str, day: int) -> str:
    return (
        f"{name} must be there once for each symbol and date, {symbol} at {day_text(day)} was twice"
    )


def _days_or(column: Any, name: str, missing: int, calendar: str) -> NDArray[np.int64]:
    """Session dates, and a day beyond all of them where there is none."""
    empty: NDArray[np.bool_] = column.isna().to_numpy()
    days = np.full(len(column), missing)
    if not empty.all():
        given = stamps_of(column[~empty], f"{name} of members")
        days[~empty] = session_dates(given, calendar)
    return days
