"""Several runs on one calendar, as plain tables that can be checked without a picture."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fanfold.reporting.series import changes_by, session_closes, yearly_returns
from fanfold.reporting.views import RunView

if TYPE_CHECKING:
    from pandas import DataFrame, Series

START = 100.0
"""Level from which all runs are drawn [1]."""
CORRELATION_SESSIONS_MIN = 20
"""Fewer common returns give no correlation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Together:
    """Runs beside each other.

    Attributes:
        names: What each is called; different ones, in the order of the runs.
        levels: Equity by session, a column a run, each from `START` on at the first
            session that all have; NaN where a run has no session.
        common: Whether there is such a session; else each starts at its own first.
        correlation: Of session returns, `[run, run]`; NaN for too few common ones.
        session_count: Sessions whose returns all runs have.
        years: Returns by year, a column a run.
        months: Returns by month ("2012-03"), a column a run.
    """

    names: list[str]
    levels: "DataFrame"
    common: bool
    correlation: "DataFrame"
    session_count: int
    years: "DataFrame"
    months: "DataFrame"


def put_together(runs: Sequence[RunView]) -> Together:
    """Align runs by the dates of their sessions."""
    import pandas as pd

    names = told_apart([view.name for view in runs])
    found = {name: session_closes(view) for name, view in zip(names, runs, strict=True)}
    closes = pd.concat(found, axis=1, sort=True)
    shared = closes.dropna()
    common = len(shared) > 0
    levels: dict[str, Any] = {}
    for name, column in found.items():
        since: Any = column.loc[shared.index[0] :] if common else column
        levels[name] = since / since.iloc[0] * START
    returns = pd.concat(
        {name: column.pct_change(fill_method=None) for name, column in found.items()},
        axis=1,
        sort=True,
    )
    drawn: Any = pd.concat(levels, axis=1, sort=True)
    drawn.index = drawn.index.tz_localize("UTC")
    years = {name: yearly_returns(view) for name, view in zip(names, runs, strict=True)}
    months = {name: _by_month(column) for name, column in found.items()}
    return Together(
        names=names,
        levels=drawn,
        common=common,
        correlation=returns.corr(min_periods=CORRELATION_SESSIONS_MIN),
        session_count=len(returns.dropna()),
        years=pd.concat(years, axis=1, sort=True),
        months=pd.concat(months, axis=1, sort=True),
    )


def _by_month(closes: "Series[float]") -> "Series[float]":
    index: Any = closes.index
    return changes_by(closes, [index.strftime("%Y-%m")])


def told_apart(names: Sequence[str]) -> list[str]:
    """The names, with a number behind those that were there before."""
    seen: dict[str, int] = {}
    told: list[str] = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        told.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return told
