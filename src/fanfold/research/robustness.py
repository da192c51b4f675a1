"""What worse terms would have left of a result.

A backtest is read too kindly as long as nobody asks how much of it is cost that was
not paid, a fill that came a bar later, a few lucky trades, or a size that the market
could not have borne. Each question is one figure here; where one cannot be answered
the reason is given in words.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.bars import Bars
from fanfold.domain.money import MICRO
from fanfold.domain.panel import CLOSE, VOLUME
from fanfold.engine.backtest import run_backtest
from fanfold.engine.options import DELAY_BARS_MAX
from fanfold.engine.result import Result
from fanfold.engine.spec import Terms
from fanfold.errors import FanfoldError
from fanfold.execution.costs import BPS_MAX, Costs
from fanfold.strategies.strategy import Strategy

if TYPE_CHECKING:
    from pandas import DataFrame

BEST_COUNT = 5
"""Round trips that `best_five_share` takes as the best."""
IMPACT_BARS = 20
"""Bars before a fill from which volatility and volume are taken [bars]."""
IMPACT_BARS_MIN = 5
"""Fewer bars before a fill give no estimate of its own [bars]."""
IMPACT_COEFFICIENT = 1.0
"""Y of the square-root law [1]."""
EDGE_KEPT = 0.5
"""Share of the profit that impact may eat at capacity [1]."""
BREAK_EVEN_RUNS_MAX = 24
"""Runs that the search for the break-even cost may take."""
BREAK_EVEN_BPS_TOLERANCE = 0.05
"""The search ends when the cost is known so closely [bps]."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Robustness:
    """A result under worse terms; None where `reasons` says why, by field.

    Attributes:
        break_even_bps: Commission on every amount bought or sold, on top of all costs
            of the run, at which the same run ends with what it began with [bps].
        twice_cost: Metrics of the same run with every cost doubled; regulatory fees
            are what they are by law and stay.
        one_bar_later: Metrics of the same run with each order one bar later.
        best_five_share: Profit of the five best round trips over the profit of all,
            losers included: above 1 where the others lost [1].
        capacity: Starting cash at which square-root impact eats half of the profit
            [currency]; see `robustness_of`.
        reasons: Why a field is None, in words, by the field's name.
    """

    break_even_bps: float | None
    twice_cost: Mapping[str, float] | None
    one_bar_later: Mapping[str, float] | None
    best_five_share: float | None
    capacity: float | None
    reasons: Mapping[str, str] = field(default_factory=dict[str, str])


def robustness_of(strategy: Strategy, bars: Bars, terms: Terms, result: Result) -> Robustness:
    """Run a strategy again on worse terms, and say what it could have borne.

    The break-even cost is found by running again with more commission, not from the
    fills as they were: a run that pays more trades smaller. Capacity takes the cost of
    a fill as Y σ √(quantity ÷ volume) of its amount, Y = 1, with σ the deviation of
    the asset's returns a bar and the mean volume of up to 20 bars before the fill (a
    fill before there are five takes the first estimate). At k times the cash this cost
    grows by k^1.5 and the profit by k, so half of the profit P is gone at
    C₀ (P ÷ 2 I₀)², where C₀ is the starting cash and I₀ the cost at that size.

    Args:
        strategy: What was run.
        bars: What it ran on.
        terms: Under which terms.
        result: What came out.

    Source: Almgren, Thum, Hauptmann & Li (2005), Direct Estimation of Equity Market
        Impact, Risk 18(7), and Tóth et al. (2011), Anomalous Price Impact and the
        Critical Nature of Liquidity, Physical Review X 1, for the square root.
    """
    reasons: dict[str, str] = {}

    def answered(name: str, ask: Callable[[], Any]) -> Any:
        try:
            return ask()
        except _UnknownError as unknown:
            reasons[name] = str(unknown)
        except FanfoldError as error:
            reasons[name] = f"the run failed, {error}"
        return None

    def metrics(worse: Terms) -> dict[str, float]:
        return run_backtest(strategy, bars, worse).metrics

    def later() -> dict[str, float]:
        delay = terms.options.delay_bars + 1
        if delay > DELAY_BARS_MAX:
            raise _UnknownError("orders wait as long as they can already")
        return metrics(
            replace(terms, options=terms.options.model_copy(update={"delay_bars": delay}))
        )

    answers = {
        "break_even_bps": lambda: _break_even(terms, result, metrics),
        "twice_cost": lambda: metrics(replace(terms, costs=doubled(terms.costs))),
        "one_bar_later": later,
        "best_five_share": lambda: _best_share(result.round_trips["pnl"].to_numpy(np.float64)),
        "capacity": lambda: _capacity(bars, terms, result),
    }
    found = {name: answered(name, ask) for name, ask in answers.items()}
    return Robustness(**found, reasons=reasons)


def doubled(costs: Costs) -> Costs:
    """Every rate and charge twice as high; a schedule of fees set by law stays."""
    twice = {name: 2.0 * value for name, value in costs if isinstance(value, float)}
    return costs.model_copy(update=twice)


class _UnknownError(Exception):
    """A question that this run cannot answer."""


def _break_even(terms: Terms, result: Result, metrics: Callable[[Terms], Any]) -> float:
    total = result.metrics["total_return"]
    if not total > 0.0:
        raise _UnknownError("the run made no profit")
    traded = float(result.fills["amount"].sum())
    if not traded > 0.0:
        raise _UnknownError("nothing was traded")

    def left(extra_bps: float) -> float:
        more = min(terms.costs.commission_bps + extra_bps, BPS_MAX)
        costs = terms.costs.model_copy(update={"commission_bps": more})
        return float(metrics(replace(terms, costs=costs))["total_return"])

    highest = BPS_MAX - terms.costs.commission_bps
    start = min(total * terms.cash / MICRO / traded * 10_000, highest)
    return _root(left, total, start, highest)


def _root(left: Callable[[float], float], at_zero: float, start: float, highest: float) -> float:
    """Where a falling function crosses zero: a bracket, then regula falsi (Illinois)."""
    low, low_value, high, high_value = 0.0, at_zero, start, left(start)
    runs = 1
    while high_value > 0.0:
        if high >= highest or runs == BREAK_EVEN_RUNS_MAX:
            raise _UnknownError(f"more than {high:,.0f} bps would be needed")
        low, low_value = high, high_value
        high = min(2.0 * high, highest)
        high_value = left(high)
        runs += 1
    side = 0
    while high - low > BREAK_EVEN_BPS_TOLERANCE and runs < BREAK_EVEN_RUNS_MAX:
        share = low_value / (low_value - high_value)
        # Kept off the ends, so that the bracket shrinks from both sides.
        guess = low + (high - low) * min(max(share, 0.02), 0.98)
        value = left(guess)
        runs += 1
        if value > 0.0:
            low, low_value = guess, value
            high_value, side = (high_value / 2.0, 1) if side == 1 else (high_value, 1)
        else:
            high, high_value = guess, value
            low_value, side = (low_value / 2.0, -1) if side == -1 else (low_value, -1)
    return (low + high) / 2.0


def _best_share(pnl: Floats) -> float:
    profit = float(pnl.sum())
    if len(pnl) == 0:
        raise _UnknownError("no round trip was completed")
    if not profit > 0.0:
        raise _UnknownError("the round trips together made no profit")
    return float(np.sort(pnl)[::-1][:BEST_COUNT].sum()) / profit


def _capacity(bars: Bars, terms: Terms, result: Result) -> float:
    cash = terms.cash / MICRO
    profit = float(result.equity.iloc[-1]) - cash
    if not profit > 0.0:
        raise _UnknownError("the run made no profit")
    impact = _impact_cost(bars, result.fills)
    if not math.isfinite(impact) or impact <= 0.0:
        raise _UnknownError("volume or volatility is not known where it traded")
    return cash * (EDGE_KEPT * profit / impact) ** 2


def _impact_cost(bars: Bars, fills: "DataFrame") -> float:
    """What square-root impact would have cost at the size of the run [currency]."""
    panel = bars.panel if bars.basis == "raw" else bars.raw
    if panel is None:
        raise _UnknownError("volume in units as traded is not known for adjusted bars")
    at: Any = np.searchsorted(bars.ts, _stamps(fills))
    amounts = fills["amount"].to_numpy(dtype=np.float64)
    symbols = fills["symbol"].astype(str).to_numpy()
    cost = 0.0
    for asset, symbol in enumerate(bars.symbols):
        chosen = symbols == symbol
        if chosen.any():
            # Money over money: it is the same in units as traded and in adjusted ones.
            turnover = panel[CLOSE, :, asset] * panel[VOLUME, :, asset]
            volatility, volume = _before(bars.close[:, asset], turnover)
            rows, amount = at[chosen], amounts[chosen]
            share = np.sqrt(amount / volume[rows])
            cost += float(np.sum(IMPACT_COEFFICIENT * volatility[rows] * share * amount))
    return cost


def _stamps(fills: "DataFrame") -> NDArray[np.int64]:
    stamps: Any = fills["ts"].dt.as_unit("ns").dt.tz_convert(None).to_numpy()
    return stamps.astype("datetime64[ns]").astype(np.int64)


def _before(close: Floats, turnover: Floats) -> tuple[Floats, Floats]:
    """Deviation of returns and mean turnover of the asset's own bars before each bar."""
    import pandas as pd

    own = np.isfinite(close) & (turnover > 0.0)
    returns: Any = pd.Series(close[own]).pct_change(fill_method=None)
    traded: Any = pd.Series(turnover[own])
    window = {"window": IMPACT_BARS, "min_periods": IMPACT_BARS_MIN}

    def placed(values: Any) -> Floats:
        known: Any = pd.Series(np.nan, index=np.arange(len(close)))
        known[np.flatnonzero(own)] = values.to_numpy()
        # Known at the end of a bar, so first used at the one after it.
        return known.ffill().shift(1).bfill().to_numpy(dtype=np.float64)

    return placed(returns.rolling(**window).std()), placed(traded.rolling(**window).mean())
