"""What a tear sheet reads off an equity curve, as plain series.

All of it goes by sessions: the last equity of each, so that a figure means the same
at any bar size. Nothing here draws.
"""

from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from fanfold.reporting.views import RunView

if TYPE_CHECKING:
    from pandas import DataFrame, DatetimeIndex, Series

Floats = NDArray[np.float64]

ROLLING_YEARS = 0.5
"""Length of a rolling window [years]."""
ROUNDING = 1e-12
"""Deviations of returns up to this are rounding: the stretch was flat [1]."""
PERIODS_PER_YEAR = 252.0
"""Sessions a year where a view does not say [1/year]."""


def drawdowns(level: Floats) -> Floats:
    """1 − level ÷ highest level so far `[bar]`; NaN where there is no level."""
    return 1.0 - level / np.fmax.accumulate(level)


def rebased(benchmark: Floats, equity: Floats) -> Floats:
    """The benchmark as if equity had been put into it at its first bar `[bar]`."""
    known = np.flatnonzero(np.isfinite(benchmark))
    if len(known) == 0:
        return benchmark
    return benchmark * (equity[known[0]] / benchmark[known[0]])


def session_closes(view: RunView, level: "Series[float] | None" = None) -> "Series[float]":
    """Last value of each session, on the session's date.

    Args:
        view: Whose sessions; without `session_days` a session is a day of UTC.
        level: Values on the index of the equity; the equity itself by default.
    """
    import pandas as pd

    values = view.equity if level is None else level
    if view.session_days is None:
        # A bar that ends at midnight belongs to the day before.
        index = cast("DatetimeIndex", values.index)
        days = (index - pd.Timedelta(1, "ns")).tz_localize(None).normalize().to_numpy()
    else:
        days = np.asarray(view.session_days).astype("datetime64[D]")
    index = pd.DatetimeIndex(days.astype("datetime64[ns]"))
    closes = pd.Series(values.to_numpy(dtype=np.float64), index=index)
    return closes[~index.duplicated(keep="last")]


def session_returns(view: RunView) -> "Series[float]":
    """Simple returns of equity from one session's close to the next [1 per session]."""
    return _changes(session_closes(view))


def benchmark_returns(view: RunView) -> "Series[float] | None":
    """The benchmark's returns on the same sessions; None without a benchmark."""
    if view.benchmark is None:
        return None
    return _changes(session_closes(view, view.benchmark))


def _changes(closes: "Series[float]") -> "Series[float]":
    return closes.pct_change(fill_method=None).iloc[1:]


def periods_per_year(view: RunView) -> float:
    """Sessions a year by which the run's own ratios go [1/year]."""
    return float(view.metrics.get("periods_per_year", PERIODS_PER_YEAR))


def monthly_returns(view: RunView) -> "DataFrame":
    """Returns by year (row) and month (column 1 to 12), and the year's in `year`.

    A month goes from the last session before it to its own last session; the first
    and the last may be parts. NaN for a month without a session.
    """
    import pandas as pd

    closes = session_closes(view)
    index: Any = closes.index
    by_month = changes_by(closes, [index.year, index.month])
    table = by_month.unstack().reindex(columns=range(1, 13))
    table["year"] = yearly_returns(view)
    return pd.DataFrame(table)


def yearly_returns(view: RunView) -> "Series[float]":
    """Returns by year; the first and the last may be parts of one."""
    closes = session_closes(view)
    return changes_by(closes, [cast("DatetimeIndex", closes.index).year])


def changes_by(closes: "Series[float]", keys: list[Any]) -> Any:
    """Return of each group of sessions, from the close before it to its own last [1].

    Args:
        closes: Last value of each session; the first starts the first group.
        keys: What sessions are grouped by, in the order of time.
    """
    groups: Any = closes.groupby(keys)
    last = groups.last()
    before = last.shift(1)
    before.iloc[0] = closes.iloc[0]
    return last / before - 1.0


def window_sessions(view: RunView) -> int:
    """Sessions of a rolling window: half a year of them."""
    return max(2, round(periods_per_year(view) * ROLLING_YEARS))


def rolling_sharpe(view: RunView) -> "Series[float]":
    """Sharpe ratio a year of the last half year, NaN before there is one [1]."""
    window = session_returns(view).rolling(window_sessions(view))
    deviation = window.std()
    # A flat stretch has no ratio; what is left of rounding is not a deviation.
    known = deviation.where(deviation > ROUNDING)
    return window.mean() / known * np.sqrt(periods_per_year(view))


def rolling_beta(view: RunView) -> "Series[float] | None":
    """Slope on the benchmark over the last half year [1]; None without a benchmark."""
    market = benchmark_returns(view)
    if market is None:
        return None
    own, window = session_returns(view), window_sessions(view)
    variance = market.rolling(window).var()
    return own.rolling(window).cov(market) / variance.where(variance > ROUNDING**2)


def traded_amount(view: RunView) -> float:
    """All that was bought and sold [currency]."""
    return float(view.fills["amount"].sum()) if "amount" in view.fills.columns else 0.0


def costs_by_kind(view: RunView) -> "dict[str, Series[float]]":
    """What each kind of cost took, running sums on the index of the equity [currency].

    Costs are positive; a dividend that was received is negative, as it came in.
    """
    import pandas as pd

    index = view.equity.index
    moved: dict[str, Any] = {}
    if "ts" in view.fills.columns:
        for kind, column in (("commission", "fee"), ("slippage", "slippage")):
            if column in view.fills.columns:
                moved[kind] = pd.Series(
                    view.fills[column].to_numpy(dtype=np.float64), index=view.fills["ts"]
                )
    if view.cash_flows is not None:
        for kind, rows in view.cash_flows.groupby("kind", observed=True):
            amounts = -rows["amount"].to_numpy(dtype=np.float64)
            moved[str(kind)] = pd.Series(amounts, index=rows["ts"])
    return {kind: _running(amounts, index) for kind, amounts in moved.items()}


def _running(amounts: "Series[float]", index: Any) -> "Series[float]":
    import pandas as pd

    order = np.argsort(amounts.index.to_numpy(), kind="stable")
    sums = np.concatenate([[0.0], np.cumsum(amounts.to_numpy()[order])])
    stamps = amounts.index[order]
    return pd.Series(sums[stamps.searchsorted(index, side="right")], index=index)
