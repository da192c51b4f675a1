"""Files beside the bars: actions, memberships and extra columns.

Such files hold a whole market and all its years. What concerns other symbols or other
days than those that were loaded has no effect on them and is left out; the rest is
joined as strictly as `Bars.with_events` and `Bars.with_column` do it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from fanfold.domain.bars import Bars
from fanfold.domain.events import ACTION_NAMES
from fanfold.domain.period import Moment
from fanfold.domain.stamps import session_dates
from fanfold.domain.tidy import stamps_of, tidy_columns
from fanfold.errors import DataError
from fanfold.market.sources.tables import STAMPS, read_table

Named = TypeVar("Named")


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What is kept beside the bars.

    Attributes:
        actions: File of symbol, ts (ex-date), splits and dividends, either or both.
        delisted_at: First date without listing, by symbol.
        delisting_return: One for all that are delisted, or by symbol.
        members: File of symbol, start, end.
        columns: Files of symbol, available_at, value, by the column's name.
    """

    actions: str | Path | None = None
    delisted_at: Mapping[str, Moment] | None = None
    delisting_return: float | Mapping[str, float] = 0.0
    members: str | Path | None = None
    columns: Mapping[str, str | Path] = field(default_factory=dict[str, str | Path])


def join(bars: Bars, beside: Beside, *, chosen: bool) -> Bars:
    """Bars with what is kept beside them.

    Args:
        bars: The bars.
        beside: What is kept.
        chosen: Whether the bars' symbols are some of more, so that a delisting of another
            is no mistake.

    Raises:
        ConfigError: A date cannot be understood.
        DataError: A file cannot be read, or does not hold what it must.
    """
    delisted_at, returns = beside.delisted_at, beside.delisting_return
    if delisted_at is not None and chosen:
        delisted_at = _of_symbols(bars, delisted_at)
        returns = _of_symbols(bars, returns) if isinstance(returns, Mapping) else returns
    if delisted_at is not None or returns != 0.0:
        bars = bars.with_events(delisted_at=delisted_at, delisting_return=returns)
    if beside.actions is not None:
        bars = _joined(bars, Path(beside.actions), _with_actions)
    if beside.members is not None:
        bars = _joined(bars, Path(beside.members), _with_members)
    for name, source in beside.columns.items():
        bars = _joined(bars, Path(source), partial(_with_column, name))
    return bars


def _of_symbols(bars: Bars, named: Mapping[str, Named]) -> dict[str, Named]:
    return {name: value for name, value in named.items() if name in bars.symbols}


def _joined(bars: Bars, file: Path, added: Callable[[Bars, Path], Bars]) -> Bars:
    try:
        return added(bars, file)
    except DataError as error:
        raise error if str(file) in str(error) else DataError(f"{file}: {error}") from error


def _with_actions(bars: Bars, file: Path) -> Bars:
    columns = tidy_columns(
        read_table(file, (*STAMPS, "ex_date")),
        what="actions",
        required=("symbol", "ts"),
        optional=("splits", "dividends"),
        other_names=ACTION_NAMES,
    )
    frame = _of_assets(bars, columns)
    if len(frame):
        days = session_dates(stamps_of(frame["ts"], "ts of actions"), bars.calendar)
        frame = frame[(days >= bars.session_day[0]) & (days <= bars.session_day[-1])]
    given = {name: frame for name in ("splits", "dividends") if name in columns}
    if not given:
        raise DataError("actions must have a column splits or dividends, had neither")
    return bars.with_events(**given)


def _with_members(bars: Bars, file: Path) -> Bars:
    frame = read_table(file, ("start", "end"))
    columns = tidy_columns(frame, what="members", required=("symbol", "start", "end"))
    return bars.with_events(members=_of_assets(bars, columns))


def _with_column(name: str, bars: Bars, file: Path) -> Bars:
    columns = tidy_columns(
        read_table(file, ("available_at",)),
        what=f"column {name}",
        required=("available_at", "value"),
        optional=("symbol",),
    )
    return bars.with_column(name, _of_assets(bars, columns))


def _of_assets(bars: Bars, columns: dict[str, Any]) -> Any:
    """The rows of the bars' assets."""
    import pandas as pd

    frame = pd.DataFrame({name: pd.Series(column).array for name, column in columns.items()})
    return frame[frame["symbol"].isin(bars.symbols)] if "symbol" in frame else frame
