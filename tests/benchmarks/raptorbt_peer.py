"""raptorbt: signals as arrays, its engine in Rust, a result object a run.

On one core a loop of single runs may be quicker than its batch, which keeps all
results alive at once; the quicker of the two is found before anything is timed.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import raptorbt
from prices import Prices, read_prices
from served import Space, feasible_pairs, serve, timed

BATCH = 250
"""Combinations of one batch: bounds the results that are alive at once."""

MEASURES = ("total_return", "sharpe", "max_drawdown", "trade_count")

Pairs = list[tuple[int, int]]


def trades(file: str, fast: int, slow: int, habit: dict[str, Any]) -> dict[str, Any]:
    """Fills and final equity of one combination."""
    prices = read_prices(file)
    (result,) = _one_by_one(prices, [(fast, slow)], habit)
    return _fills_of(result)


def sweep(
    file: str, space: Space, habit: dict[str, Any], rows_file: str, way: str
) -> dict[str, float]:
    """Time a sweep from prices to four measures a combination."""
    prices, pairs, run = read_prices(file), feasible_pairs(space), WAYS[way]
    seconds, rows = timed(lambda: [_measures(r) for r in run(prices, pairs, habit)])
    np.savez(rows_file, **dict(zip(MEASURES, np.array(rows, float).T, strict=True)))
    return {"seconds": seconds, "count": len(pairs)}


def one(file: str, fast: int, slow: int, habit: dict[str, Any]) -> dict[str, float]:
    """Time one run from prices to its measures."""
    prices = read_prices(file)
    seconds, _ = timed(lambda: [_measures(r) for r in _one_by_one(prices, [(fast, slow)], habit)])
    return {"seconds": seconds, "count": len(prices.ts)}


class _Cross(raptorbt.Strategy):
    """Its class of strategies: one Python call a bar."""

    def __init__(self, fast: int, slow: int) -> None:
        super().__init__()
        self.windows = fast, slow

    def on_start(self, ctx: Any) -> None:
        self.fast, self.slow = (raptorbt.sma(ctx.close, window) for window in self.windows)
        # What was asked for: `ctx.position` does not show yet what the open has filled.
        self.held = False

    def on_bar(self, ctx: Any) -> None:
        above = self.fast[ctx.idx] > self.slow[ctx.idx]
        if above and not self.held:
            self.enter()
            self.held = True
        elif not above and self.held:
            self.close_position()
            self.held = False


def plain(file: str, fast: int, slow: int, habit: dict[str, Any]) -> dict[str, float]:
    """Time a run whose decision is Python."""
    prices = read_prices(file)
    seconds, _ = timed(lambda: _measures(_in_python(prices, fast, slow, habit)))
    return {"seconds": seconds, "count": len(prices.ts)}


def plain_trades(file: str, fast: int, slow: int, habit: dict[str, Any]) -> dict[str, Any]:
    """Fills and final equity of one combination, decided in Python."""
    return _fills_of(_in_python(read_prices(file), fast, slow, habit))


def _in_python(prices: Prices, fast: int, slow: int, habit: dict[str, Any]) -> Any:
    columns = prices.ts, prices.open, prices.high, prices.low, prices.close, prices.volume
    return raptorbt.run_strategy_backtest(
        _Cross(fast, slow),
        *columns,
        symbol="ASSET",
        config=_config(prices, habit),
        instrument_config=raptorbt.InstrumentConfig(lot_size=1.0),
    )


def _one_by_one(prices: Prices, pairs: Pairs, habit: dict[str, Any]) -> Iterator[Any]:
    config, lots = _config(prices, habit), raptorbt.InstrumentConfig(lot_size=1.0)
    columns = prices.ts, prices.open, prices.high, prices.low, prices.close, prices.volume
    for above in _signals(prices, pairs):
        yield raptorbt.run_single_backtest(
            *columns, above, ~above, 1, 1.0, "ASSET", config, None, lots
        )


def _batched(prices: Prices, pairs: Pairs, habit: dict[str, Any]) -> Iterator[Any]:
    config, lots = _config(prices, habit), raptorbt.InstrumentConfig(lot_size=1.0)
    columns = prices.ts, prices.open, prices.high, prices.low, prices.close, prices.volume
    for at in range(0, len(pairs), BATCH):
        items = [
            raptorbt.BatchSingleItem("", above, ~above, instrument_config=lots)
            for above in _signals(prices, pairs[at : at + BATCH])
        ]
        for _, result in raptorbt.batch_single_backtest(*columns, items, config):
            yield result


WAYS = {"one by one": _one_by_one, "batched": _batched}


def _signals(prices: Prices, pairs: Pairs) -> Iterator[np.ndarray]:
    """Whether the fast average is above the slow one, each average computed once."""
    windows = {window for pair in pairs for window in pair}
    averages = {window: raptorbt.sma(prices.close, window) for window in windows}
    for fast, slow in pairs:
        yield averages[fast] > averages[slow]


def _config(prices: Prices, habit: dict[str, Any]) -> Any:
    return raptorbt.BacktestConfig(
        initial_capital=habit["cash"],
        fees=habit["commission"],
        slippage=habit["slippage"],
        fill_timing="next_bar_open",
        periods_per_year=prices.periods_per_year,
    )


def _measures(result: Any) -> tuple[float, float, float, int]:
    found = result.metrics
    shares = found.total_return_pct / 100, found.max_drawdown_pct / 100
    return shares[0], found.sharpe_ratio, shares[1], found.total_trades


def _fills_of(result: Any) -> dict[str, Any]:
    fills: list[list[float]] = []
    for trade in result.trades():
        fills.append([trade.entry_idx, 1, trade.size, trade.entry_price])
        if trade.exit_reason != "EndOfData":  # marked at the last close, not sold
            fills.append([trade.exit_idx, -1, trade.size, trade.exit_price])
    return {"fills": fills, "final_equity": float(result.metrics.end_value)}


if __name__ == "__main__":
    serve(
        {"trades": trades, "sweep": sweep, "one": one, "plain": plain, "plain_trades": plain_trades}
    )
