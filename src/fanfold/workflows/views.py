"""From results to what reports show."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.bars import Bars
from fanfold.engine.result import Result
from fanfold.reporting import RunView, SweepView
from fanfold.research.robustness import robustness_of
from fanfold.research.sweep import Sweep
from fanfold.research.table import SweepTable

if TYPE_CHECKING:
    from pandas import DataFrame, Series

REPORT_ROWS_MAX = 250_000
"""Rows of a sweep that a report is drawn from; of more, every so many [rows]."""

REPORT_BEST = 100
"""Best rows that are always among them [rows]."""

EXITS = ("stop", "target", "trailing_stop")
"""Roles of orders that are written down in the bar that fills them."""

UNSLIPPED = ("target", "delisting")
"""Roles whose fills pay no slippage: a target is a limit, a delisting is paid out."""


def run_view(name: str, result: Result, notes: Sequence[str]) -> RunView:
    """One backtest as a report shows it; runs it again on worse terms for that."""
    benchmark, bars, equity = result.benchmark, result.bars, result.equity
    first = _bar_of(bars, equity)
    return RunView(
        name=name,
        params=shown_params(result.strategy.model_dump()),
        metrics=result.metrics,
        equity=equity,
        benchmark=benchmark,
        benchmark_name=str(benchmark.name),
        fills=result.fills.assign(slippage=slippage_of_fills(result)),
        round_trips=result.round_trips,
        orders=result.orders,
        notes=notes,
        findings=result.findings,
        stale_equity=result.stale_equity,
        exposure=result.exposure,
        cash_flows=result.cash_flows,
        prices=_closes(bars, equity, first),
        session_days=bars.session_day[first : first + len(equity)],
        robustness=robustness_of(result.strategy, bars, result.terms, result),
    )


def slippage_of_fills(result: Result) -> NDArray[np.float64]:
    """What each fill cost beyond its reference price, shape [fill] [currency].

    An estimate from bars: the reference is the open of the fill's bar, the stop where
    an order has one that the open had not passed, and the close for an order that is
    filled there. What a limit gains over the open is no negative cost.
    """
    import pandas as pd

    fills, bars = result.fills, result.bars
    asked = result.orders[["order_id", "ts", "role", "stop"]].rename(columns={"ts": "asked_ts"})
    rows = pd.merge(fills, asked, on="order_id", how="left")
    stamps: Any = rows["ts"].dt.as_unit("ns").astype("int64")
    ts: NDArray[np.int64] = stamps.to_numpy()
    bar = np.searchsorted(bars.ts, ts)
    asset = np.array([bars.symbols.index(symbol) for symbol in rows["symbol"]], dtype=np.int64)
    side = np.where(rows["side"] == "buy", 1.0, -1.0)
    exits = rows["role"].isin(EXITS).to_numpy()
    at_close = (rows["asked_ts"] == rows["ts"]).to_numpy() & ~exits
    if result.terms.options.time_in_force == "cls":
        at_close = ~exits
    reference = np.where(at_close, bars.close[bar, asset], bars.open[bar, asset])
    # A buy stop is met at itself or at an open above it, a sell stop the other way round.
    stopped = side * np.fmax(side * reference, side * rows["stop"].to_numpy(dtype=np.float64))
    paid = side * (
        rows["price"].to_numpy(dtype=np.float64) - np.where(at_close, reference, stopped)
    )
    paid[rows["role"].isin(UNSLIPPED).to_numpy()] = 0.0
    return np.maximum(paid, 0.0) * rows["quantity"].to_numpy(dtype=np.float64)


def _bar_of(bars: Bars, equity: "Series[float]") -> int:
    """The bar at which the equity begins."""
    stamps: Any = equity.index
    first: NDArray[np.int64] = stamps.as_unit("ns").asi8[:1]
    return int(np.searchsorted(bars.ts, first)[0])


def _closes(bars: Bars, equity: "Series[float]", first: int) -> "dict[str, Series[float]]":
    import pandas as pd

    rows = slice(first, first + len(equity))
    return {
        symbol: pd.Series(bars.close[rows, asset], index=equity.index, name=symbol)
        for asset, symbol in enumerate(bars.symbols)
    }


def sweep_view(sweep: Sweep, table: SweepTable, objective: str, best: dict[str, Any]) -> SweepView:
    """One sweep as a report shows it."""
    name = sweep.strategy.__name__
    return SweepView(
        name=name,
        strategy=name,
        table=_shown_rows(table, objective),
        params=[axis for axis, _ in sweep.plan.axes],
        objective=objective,
        best=shown_params(best),
    )


def _shown_rows(table: SweepTable, objective: str) -> "DataFrame":
    """All rows, or of very many every so many, and the best."""
    import pandas as pd

    every = -(-len(table) // REPORT_ROWS_MAX)
    if every <= 1:
        return table.to_pandas()
    at, kept = 0, [table.best(objective, REPORT_BEST)]
    for rows in table.batches():
        kept.append(rows.take(list(range(-at % every, rows.num_rows, every))).to_pandas())
        at += rows.num_rows
    return pd.concat(kept, ignore_index=True)


def shown_params(params: dict[str, Any]) -> dict[str, float | int | str]:
    """Parameters as numbers or text."""
    return {
        name: value if isinstance(value, (int, float, str)) else str(value)
        for name, value in params.items()
    }
