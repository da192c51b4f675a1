"""raptorbt: the four strategies as signals, its engine in Rust, a result object a run.

On one core a loop of single runs may be quicker than its batch, which keeps all
results alive at once; the quicker of the two is found before anything is timed.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import raptorbt
from prices import Prices
from ranks import changes_of, ranked

BATCH = 250
"""Combinations of one batch: bounds the results that are alive at once."""

MEASURES = ("total_return", "sharpe", "max_drawdown", "trade_count")

Combinations = list[dict[str, Any]]
Job = tuple[np.ndarray, np.ndarray, Any]
"""Entries, exits and the terms of one instrument."""


def results_of(
    case: str, prices: Prices, combinations: Combinations, habit: dict[str, Any], way: str
) -> Iterator[Any]:
    """A result a combination."""
    if case == "rotation":
        return _rotations(prices, combinations, habit)
    return WAYS[way](prices, JOBS[case](prices, combinations), config_of(prices, habit))


def crosses(prices: Prices, combinations: Combinations) -> Iterator[Job]:
    """Hold while the fast average is above the slow one."""
    windows = {window for chosen in combinations for window in chosen.values()}
    averages = {window: raptorbt.sma(prices.close, window) for window in windows}
    lots = raptorbt.InstrumentConfig(lot_size=1.0)
    for chosen in combinations:
        above = averages[chosen["fast"]] > averages[chosen["slow"]]
        yield above, ~above, lots


def rsi_with_bracket(prices: Prices, combinations: Combinations) -> Iterator[Job]:
    """Buy what is oversold, with a stop and a target in percent."""
    strengths = {c["period"]: raptorbt.rsi(prices.close, c["period"]) for c in combinations}
    for chosen in combinations:
        terms = raptorbt.InstrumentConfig(lot_size=1.0)
        terms.set_fixed_stop(chosen["stop"])
        terms.set_fixed_target(chosen["profit"])
        strength = strengths[chosen["period"]]
        yield strength < chosen["lower"], strength > chosen["upper"], terms


def donchian_with_stop(prices: Prices, combinations: Combinations) -> Iterator[Job]:
    """Buy new highs, with a stop and a target in average true ranges."""
    highs = {
        c["entry_period"]: _before(raptorbt.rolling_max(prices.high, c["entry_period"]))
        for c in combinations
    }
    lows = {
        c["exit_period"]: _before(raptorbt.rolling_min(prices.low, c["exit_period"]))
        for c in combinations
    }
    ranges = {
        c["atr_period"]: raptorbt.atr(prices.high, prices.low, prices.close, c["atr_period"])
        for c in combinations
    }
    for chosen in combinations:
        terms = raptorbt.InstrumentConfig(lot_size=1.0)
        terms.set_atr_stop(chosen["stop"], chosen["atr_period"])
        terms.set_atr_target(chosen["profit"], chosen["atr_period"])
        breaks = prices.close > highs[chosen["entry_period"]]
        breaks &= ranges[chosen["atr_period"]] > 0.0
        yield breaks, prices.close < lows[chosen["exit_period"]], terms


JOBS: dict[str, Callable[[Prices, Combinations], Iterator[Job]]] = {
    "sma": crosses,
    "rsi": rsi_with_bracket,
    "donchian": donchian_with_stop,
}


def _one_by_one(prices: Prices, jobs: Iterator[Job], config: Any) -> Iterator[Any]:
    columns = _columns(prices)
    for entries, exits, terms in jobs:
        yield raptorbt.run_single_backtest(
            *columns, entries, exits, 1, 1.0, "ASSET", config, None, terms
        )


def _batched(prices: Prices, jobs: Iterator[Job], config: Any) -> Iterator[Any]:
    columns, items = _columns(prices), []
    for entries, exits, terms in jobs:
        items.append(raptorbt.BatchSingleItem("", entries, exits, instrument_config=terms))
        if len(items) == BATCH:
            yield from (r for _, r in raptorbt.batch_single_backtest(*columns, items, config))
            items = []
    if items:
        yield from (r for _, r in raptorbt.batch_single_backtest(*columns, items, config))


WAYS = {"one by one": _one_by_one, "batched": _batched}


def _rotations(prices: Prices, combinations: Combinations, habit: dict[str, Any]) -> Iterator[Any]:
    """One pool of cash; what enters takes an equal part of the cash that is left.

    It cannot size by equity, so it does the same work by another rule.
    """
    bars, assets = prices.close.shape
    ranks = {c["lookback"]: ranked(prices.close, c["lookback"]) for c in combinations}
    columns = [
        tuple(np.ascontiguousarray(column[:, k]) for column in _columns(prices)[1:])
        for k in range(assets)
    ]
    names = [f"ASSET{k}" for k in range(assets)]
    lots = {name: raptorbt.InstrumentConfig(lot_size=1.0) for name in names}
    for chosen in combinations:
        due, changes, held = changes_of(ranks[chosen["lookback"]], chosen)
        entries, exits = np.zeros((assets, bars), bool), np.zeros((assets, bars), bool)
        entries[:, due], exits[:, due] = (changes & held).T, (changes & ~held).T
        instruments = [
            (prices.ts, *columns[k], entries[k], exits[k], 1, 1.0, names[k]) for k in range(assets)
        ]
        config = config_of(prices, habit, max_positions=chosen["top"])
        yield raptorbt.run_portfolio_backtest(instruments, config, "equal_weight", lots)


def config_of(prices: Prices, habit: dict[str, Any], **limits: Any) -> Any:
    """Costs, and fills at the next open."""
    return raptorbt.BacktestConfig(
        initial_capital=habit["cash"],
        fees=habit["commission"],
        slippage=habit["slippage"],
        fill_timing="next_bar_open",
        periods_per_year=prices.periods_per_year,
        **limits,
    )


def measures_of(result: Any) -> tuple[float, float, float, int]:
    """Return, Sharpe ratio, drawdown and trades, in the order of `MEASURES`."""
    found = result.metrics
    shares = found.total_return_pct / 100, found.max_drawdown_pct / 100
    return shares[0], found.sharpe_ratio, shares[1], found.total_trades


def _columns(prices: Prices) -> tuple[np.ndarray, ...]:
    return prices.ts, prices.open, prices.high, prices.low, prices.close, prices.volume


def _before(values: np.ndarray) -> np.ndarray:
    """Of the bars before."""
    moved = np.full_like(values, np.nan)
    moved[1:] = values[:-1]
    return moved
