"""vectorbt: the four strategies as columns of portfolios, each in its quickest way.

Indicators and signals are NumPy arrays that combinations share; a portfolio is a chunk
of columns whose arrays stay in the processor's cache.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import vectorbt as vbt
from numba import njit
from prices import Prices
from ranks import changes_of, ranked
from vectorbt.portfolio.enums import StopEntryPrice, StopExitPrice
from vectorbt.signals.nb import clean_enex_1d_nb

COLUMNS = 100
"""Combinations of one portfolio: of 50 to 2,500 tried, the quickest."""

ASSET_COLUMNS = 200
"""Columns of one portfolio whose assets share an account."""

Combinations = list[dict[str, Any]]
Chunk = Callable[[Combinations], Any]


def sweep_case(
    case: str, prices: Prices, combinations: Combinations, habit: dict[str, Any]
) -> dict[str, np.ndarray]:
    """Four measures a combination."""
    portfolio_of = CASES[case](prices, combinations, habit)
    width = COLUMNS if prices.close.ndim == 1 else ASSET_COLUMNS // prices.close.shape[1]
    parts = [
        measures(portfolio_of(combinations[at : at + width]), prices)
        for at in range(0, len(combinations), width)
    ]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def cross(prices: Prices, combinations: Combinations, habit: dict[str, Any]) -> Chunk:
    """Hold while the fast average is above the slow one."""
    windows = sorted({window for chosen in combinations for window in chosen.values()})
    values = vbt.MA.run(prices.close, windows).ma.to_numpy()
    averages = dict(zip(windows, values.T, strict=True))

    def portfolio_of(chunk: Combinations) -> Any:
        fast, slow = (
            np.column_stack([averages[chosen[side]] for chosen in chunk])
            for side in ("fast", "slow")
        )
        above = fast > slow
        return _from_signals(prices, habit, _at_next_bar(above), _at_next_bar(~above))

    return portfolio_of


def rsi_with_bracket(prices: Prices, combinations: Combinations, habit: dict[str, Any]) -> Chunk:
    """Buy what is oversold, with a stop and a target in percent."""
    strengths = {c["period"]: _rsi(prices.close, c["period"]) for c in combinations}
    signals: dict[tuple[Any, ...], tuple[np.ndarray, np.ndarray]] = {}
    for chosen in combinations:
        key = chosen["period"], chosen["lower"], chosen["upper"]
        if key not in signals:
            strength = strengths[chosen["period"]]
            signals[key] = _once(strength < chosen["lower"], strength > chosen["upper"])

    def portfolio_of(chunk: Combinations) -> Any:
        chosen = [signals[c["period"], c["lower"], c["upper"]] for c in chunk]
        stops = {
            "sl_stop": np.array([[c["stop"] for c in chunk]]),
            "tp_stop": np.array([[c["profit"] for c in chunk]]),
        }
        return _with_bracket(prices, habit, chosen, stops)

    return portfolio_of


def donchian_with_stop(prices: Prices, combinations: Combinations, habit: dict[str, Any]) -> Chunk:
    """Buy new highs, with a stop and a target in average true ranges."""
    ranges = {
        c["atr_period"]: _atr(prices.high, prices.low, prices.close, c["atr_period"])
        for c in combinations
    }
    highs = {c["entry_period"]: _highest(prices.high, c["entry_period"]) for c in combinations}
    lows = {c["exit_period"]: -_highest(-prices.low, c["exit_period"]) for c in combinations}
    signals: dict[tuple[Any, ...], tuple[np.ndarray, np.ndarray]] = {}
    for c in combinations:
        key = c["entry_period"], c["exit_period"], c["atr_period"]
        if key not in signals:
            breaks = (prices.close > highs[key[0]]) & (ranges[key[2]] > 0.0)
            signals[key] = _once(breaks, prices.close < lows[key[1]])
    shares = {period: _at_next_bar(values / prices.close) for period, values in ranges.items()}

    def portfolio_of(chunk: Combinations) -> Any:
        chosen = [signals[c["entry_period"], c["exit_period"], c["atr_period"]] for c in chunk]
        share = np.column_stack([shares[c["atr_period"]] for c in chunk])
        stops = {
            "sl_stop": share * [c["stop"] for c in chunk],
            "tp_stop": share * [c["profit"] for c in chunk],
        }
        return _with_bracket(prices, habit, chosen, stops)

    return portfolio_of


def rotation(prices: Prices, combinations: Combinations, habit: dict[str, Any]) -> Chunk:
    """Hold the strongest assets in equal weights; an unchanged weight orders nothing."""
    ranks = {c["lookback"]: ranked(prices.close, c["lookback"]) for c in combinations}
    bars, assets = prices.close.shape
    notional = habit["notional"]

    def portfolio_of(chunk: Combinations) -> Any:
        sizes = np.full((bars, len(chunk), assets), np.nan)
        for place, chosen in enumerate(chunk):
            due, changes, held = changes_of(ranks[chosen["lookback"]], chosen)
            wanted = notional or 1.0 / chosen["top"]
            sizes[due + 1, place] = np.where(changes, np.where(held, wanted, 0.0), np.nan)
        return vbt.Portfolio.from_orders(
            np.tile(prices.close, len(chunk)),
            size=sizes.reshape(bars, -1),
            size_type="targetvalue" if notional else "targetpercent",
            price=np.tile(prices.open, len(chunk)),
            group_by=np.repeat(np.arange(len(chunk)), assets),
            cash_sharing=True,
            call_seq="auto",
            **_terms(prices, habit),
        )

    return portfolio_of


CASES = {
    "sma": cross,
    "rsi": rsi_with_bracket,
    "donchian": donchian_with_stop,
    "rotation": rotation,
}


def measures(portfolio: Any, prices: Prices) -> dict[str, np.ndarray]:
    """Return, Sharpe ratio, drawdown, and how often was traded."""
    # vectorbt annualises by the length of a year: as many bars as the others count.
    year = f"{prices.periods_per_year:.0f}{'D' if prices.are_daily else 'min'}"
    shares_account = prices.close.ndim > 1
    traded = portfolio.orders if shares_account else portfolio.trades
    measured = {
        "total_return": portfolio.total_return(),
        "sharpe": portfolio.sharpe_ratio(year_freq=year),
        "max_drawdown": -portfolio.max_drawdown(),
        "trade_count": traded.count(),
    }
    return {name: np.atleast_1d(np.asarray(values, float)) for name, values in measured.items()}


def _with_bracket(
    prices: Prices,
    habit: dict[str, Any],
    chosen: list[tuple[np.ndarray, np.ndarray]],
    stops: dict[str, np.ndarray],
) -> Any:
    entries, exits = (np.column_stack(side) for side in zip(*chosen, strict=True))
    return _from_signals(
        prices,
        habit,
        entries,
        exits,
        open=prices.open[:, None],
        high=prices.high[:, None],
        low=prices.low[:, None],
        stop_entry_price=StopEntryPrice.FillPrice,
        # An exit by its signal is done at the open, before a stop inside the bar.
        stop_exit_price=np.where(exits, StopExitPrice.Price, StopExitPrice.StopMarket),
        **stops,
    )


def _from_signals(
    prices: Prices, habit: dict[str, Any], entries: np.ndarray, exits: np.ndarray, **stops: Any
) -> Any:
    return vbt.Portfolio.from_signals(
        prices.close[:, None],
        entries,
        exits,
        price=prices.open[:, None],
        size=habit["units"] or np.inf,
        **_terms(prices, habit),
        **stops,
    )


def _terms(prices: Prices, habit: dict[str, Any]) -> dict[str, Any]:
    return {
        "size_granularity": 1.0,
        "fees": habit["commission"],
        "slippage": habit["slippage"],
        "init_cash": habit["cash"],
        "freq": "1D" if prices.are_daily else "1min",
    }


def _at_next_bar(values: np.ndarray) -> np.ndarray:
    """What was decided at a close is done at the next open."""
    moved = np.zeros_like(values)
    moved[1:] = values[:-1]
    return moved


def _once(entries: np.ndarray, exits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """An entry counts once, until an exit; both are done at the next open."""
    entered, left = clean_enex_1d_nb(entries, exits, entry_first=True)
    return _at_next_bar(entered), _at_next_bar(left)


@njit(cache=True)
def _highest(values: np.ndarray, period: int) -> np.ndarray:
    """Highest of the bars before, NaN until there are enough."""
    found = np.full(len(values), np.nan)
    for t in range(period, len(values)):
        highest = values[t - period]
        for k in range(t - period + 1, t):
            highest = max(highest, values[k])
        found[t] = highest
    return found


@njit(cache=True)
def _rsi(close: np.ndarray, period: int) -> np.ndarray:
    """Wilder's index; vectorbt's own smooths in another way."""
    found = np.full(len(close), np.nan)
    rise = fall = 0.0
    for t in range(1, len(close)):
        change = close[t] - close[t - 1]
        up, down = max(change, 0.0), max(-change, 0.0)
        if t <= period:
            rise += up / period
            fall += down / period
        else:
            rise += (up - rise) / period
            fall += (down - fall) / period
        if t >= period and rise + fall > 0.0:
            found[t] = 100.0 * rise / (rise + fall)
    return found


@njit(cache=True)
def _atr(high: np.ndarray, low: np.ndarray, close: np.ndarray, period: int) -> np.ndarray:
    """Wilder's average true range; vectorbt's own smooths in another way."""
    found = np.full(len(close), np.nan)
    average = 0.0
    for t in range(1, len(close)):
        reach = max(high[t], close[t - 1]) - min(low[t], close[t - 1])
        if t <= period:
            average += reach / period
        else:
            average += (reach - average) / period
        if t >= period:
            found[t] = average
    return found
