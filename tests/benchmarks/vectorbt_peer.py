"""vectorbt: all combinations of a chunk as columns of one portfolio.

Its quickest way on one core: averages once for each window, signals as NumPy
arrays, and chunks whose arrays stay in the processor's cache.
"""

from typing import Any

import numpy as np
import vectorbt as vbt
from prices import Prices, read_prices
from served import Space, feasible_pairs, serve, timed

COLUMNS = 100
"""Combinations of one portfolio: of 50 to 2,500 tried, the quickest."""

Pairs = list[tuple[int, int]]


def trades(file: str, fast: int, slow: int, habit: dict[str, Any]) -> dict[str, Any]:
    """Fills and final equity of one combination."""
    prices = read_prices(file)
    pairs = [(fast, slow)]
    portfolio = _portfolio(prices, _averages(prices, pairs), pairs, habit)
    orders = portfolio.orders.values
    sides = np.where(orders["side"] == 0, 1, -1)
    rows = zip(orders["idx"], sides, orders["size"], orders["price"], strict=True)
    return {
        "fills": [[int(bar), int(side), float(q), float(price)] for bar, side, q, price in rows],
        "final_equity": float(np.asarray(portfolio.final_value()).item()),
    }


def sweep(file: str, space: Space, habit: dict[str, Any], rows_file: str) -> dict[str, float]:
    """Time a sweep from prices to four measures a combination."""
    prices, pairs = read_prices(file), feasible_pairs(space)
    seconds, rows = timed(lambda: _sweep(prices, pairs, habit))
    np.savez(rows_file, **rows)
    return {"seconds": seconds, "count": len(pairs)}


def one(file: str, fast: int, slow: int, habit: dict[str, Any]) -> dict[str, float]:
    """Time one run from prices to its measures."""
    prices = read_prices(file)
    seconds, _ = timed(lambda: _sweep(prices, [(fast, slow)], habit))
    return {"seconds": seconds, "count": len(prices.ts)}


def _sweep(prices: Prices, pairs: Pairs, habit: dict[str, Any]) -> dict[str, np.ndarray]:
    averages = _averages(prices, pairs)
    parts: list[dict[str, np.ndarray]] = []
    for at in range(0, len(pairs), COLUMNS):
        portfolio = _portfolio(prices, averages, pairs[at : at + COLUMNS], habit)
        parts.append(_measures(portfolio, prices))
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _averages(prices: Prices, pairs: Pairs) -> dict[int, np.ndarray]:
    """The average of each window that the pairs name, computed once."""
    windows = sorted({window for pair in pairs for window in pair})
    values = vbt.MA.run(prices.close, windows).ma.to_numpy()
    return dict(zip(windows, values.T, strict=True))


def _portfolio(
    prices: Prices, averages: dict[int, np.ndarray], pairs: Pairs, habit: dict[str, Any]
) -> Any:
    fast, slow = (np.column_stack([averages[w] for w in side]) for side in zip(*pairs, strict=True))
    above = fast > slow
    entries, exits = np.zeros_like(above), np.zeros_like(above)
    entries[1:], exits[1:] = above[:-1], ~above[:-1]  # decided at a close, done at the next open
    return vbt.Portfolio.from_signals(
        prices.close[:, None],
        entries,
        exits,
        price=prices.open[:, None],
        size=habit["units"] or np.inf,
        size_granularity=1.0,
        fees=habit["commission"],
        slippage=habit["slippage"],
        init_cash=habit["cash"],
        freq="1D" if prices.are_daily else "1min",
    )


def _measures(portfolio: Any, prices: Prices) -> dict[str, np.ndarray]:
    # vectorbt annualises by the length of a year: as many bars as the others count.
    year = f"{prices.periods_per_year:.0f}{'D' if prices.are_daily else 'min'}"
    measured = {
        "total_return": portfolio.total_return(),
        "sharpe": portfolio.sharpe_ratio(year_freq=year),
        "max_drawdown": -portfolio.max_drawdown(),
        "trade_count": portfolio.trades.count(),
    }
    return {name: np.atleast_1d(np.asarray(values, float)) for name, values in measured.items()}


if __name__ == "__main__":
    serve({"trades": trades, "sweep": sweep, "one": one})
