"""backtesting.py: a class whose `next` is called at every bar."""

from typing import Any

import numpy as np
import pandas as pd
from backtesting import Backtest, Strategy
from prices import Prices, read_prices
from served import serve, timed


class _Cross(Strategy):
    fast = 10
    slow = 50
    units = 0

    def init(self) -> None:
        close = self.data.Close
        self.above = self.I(_is_above, close, self.fast, self.slow)

    def next(self) -> None:
        above = self.above[-1] > 0
        if above and not self.position:
            self.buy(size=self.units) if self.units else self.buy()
        elif not above and self.position:
            self.position.close()


def plain_trades(file: str, fast: int, slow: int, habit: dict[str, Any]) -> dict[str, Any]:
    """Fills and final equity of one combination."""
    stats = _run(read_prices(file), fast, slow, habit)
    broker = stats["_strategy"]._broker  # its results leave open trades out
    fills: list[list[float]] = []
    for trade in (*broker.closed_trades, *broker.trades):
        fills.append([trade.entry_bar, 1, trade.size, trade.entry_price])
        if trade.exit_bar is not None:
            fills.append([trade.exit_bar, -1, trade.size, trade.exit_price])
    return {
        "fills": [[int(bar), side, float(q), float(price)] for bar, side, q, price in fills],
        "final_equity": float(stats["Equity Final [$]"]),
    }


def plain(file: str, fast: int, slow: int, habit: dict[str, Any]) -> dict[str, float]:
    """Time one run from prices to its measures; all of its decisions are Python."""
    prices = read_prices(file)
    seconds, _ = timed(lambda: _run(prices, fast, slow, habit))
    return {"seconds": seconds, "count": len(prices.ts)}


def _run(prices: Prices, fast: int, slow: int, habit: dict[str, Any]) -> Any:
    frame = pd.DataFrame(
        {
            "Open": prices.open,
            "High": prices.high,
            "Low": prices.low,
            "Close": prices.close,
            "Volume": prices.volume,
        },
        index=pd.DatetimeIndex(prices.ts),
    )
    test = Backtest(frame, _Cross, cash=habit["cash"], commission=habit["commission"])
    return test.run(fast=fast, slow=slow, units=habit["units"])


def _is_above(close: Any, fast: int, slow: int) -> np.ndarray:
    series = pd.Series(close)
    return (series.rolling(fast).mean() > series.rolling(slow).mean()).to_numpy(float)


if __name__ == "__main__":
    serve({"plain_trades": plain_trades, "one": plain, "plain": plain})
