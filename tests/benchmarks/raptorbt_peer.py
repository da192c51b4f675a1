"""raptorbt: the works that it is asked for; how it trades is in `raptorbt_cases`."""

from typing import Any

import numpy as np
import raptorbt
from cases import combinations_of
from prices import Prices, read_prices
from raptorbt_cases import MEASURES, config_of, measures_of, results_of
from served import serve, timed

ONE_BY_ONE = "one by one"


def trades(file: str, fast: int, slow: int, habit: dict[str, Any]) -> dict[str, Any]:
    """Fills and final equity of one combination."""
    chosen = [{"fast": fast, "slow": slow}]
    (result,) = results_of("sma", read_prices(file), chosen, habit, ONE_BY_ONE)
    return _fills_of(result)


def sweep(
    case: str, size: str, file: str, habit: dict[str, Any], *, way: str, rows_file: str = ""
) -> dict[str, float]:
    """Time a sweep from prices to four measures a combination."""
    prices, combinations = read_prices(file), combinations_of(case, size)
    seconds, rows = timed(
        lambda: [measures_of(r) for r in results_of(case, prices, combinations, habit, way)]
    )
    if rows_file:
        np.savez(rows_file, **dict(zip(MEASURES, np.array(rows, float).T, strict=True)))
    return {"seconds": seconds, "count": len(combinations)}


def one(file: str, fast: int, slow: int, habit: dict[str, Any]) -> dict[str, float]:
    """Time one run from prices to its measures."""
    prices, chosen = read_prices(file), [{"fast": fast, "slow": slow}]
    seconds, _ = timed(
        lambda: [measures_of(r) for r in results_of("sma", prices, chosen, habit, ONE_BY_ONE)]
    )
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
    seconds, _ = timed(lambda: measures_of(_in_python(prices, fast, slow, habit)))
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
        config=config_of(prices, habit),
        instrument_config=raptorbt.InstrumentConfig(lot_size=1.0),
    )


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
