"""Your own strategy: a compiled decision with a stop and a target, and the same in plain Python.

    python examples/own_strategy.py

A strategy names its parameters, its features and one decision. The decision sees each asset
as it is at a bar's end and writes what it wants; orders, stops and money are fanfold's work.
"""

from time import perf_counter
from typing import ClassVar

from pydantic import Field

import fanfold as ff
from fanfold.strategies import ATR, RSI, SMA, Strategy, decision

TREND, STRENGTH, RANGE = 0, 1, 2  # features, in the order in which the class names them
WEAK, STOP, PROFIT = 1, 2, 3  # parameters, in the order of its fields


def buy_the_dip(assets, portfolio, memory):
    """Buy what is weak for some days within a rising trend, with a stop and a target."""
    params = portfolio.params
    for asset in assets:
        rising = asset.close > asset.features[TREND]
        if not rising:
            asset.target = 0.0
        elif asset.target == 0.0 and asset.features[STRENGTH] < params[WEAK]:
            asset.target = 1.0 / len(assets)
            asset.stop_loss = asset.close - params[STOP] * asset.features[RANGE]
            asset.take_profit = asset.close + params[PROFIT] * asset.features[RANGE]


class Dip(Strategy):
    """Buy short weakness in a long trend; leave at the stop, the target or the trend's end."""

    trend: int = Field(150, ge=20, le=250)  # bounds are also the space of a sweep
    weak: float = Field(30.0, ge=5.0, le=50.0)
    stop: float = Field(3.0, ge=0.5, le=10.0)  # in average true ranges
    profit: float = Field(6.0, ge=0.5, le=20.0)
    decide: ClassVar = decision(buy_the_dip)  # usually written as @decision above the function

    def features(self):
        return SMA(self.trend), RSI(5), ATR(20)


class PlainDip(Dip):
    """The same, not compiled: it could read a file, ask a model, or stop in a debugger."""

    decide: ClassVar = buy_the_dip


bars = ff.load_bars("sample", symbols=["AAPL", "IBM", "MSFT"])
costs = ff.Costs(commission_bps=1, slippage_bps=5)
results = {}
for strategy in (Dip(), PlainDip()):
    start = perf_counter()
    results[type(strategy).__name__] = ff.backtest(strategy, bars, costs=costs)
    print(f"{type(strategy).__name__:8} took {perf_counter() - start:.2f} s")

compiled, plain = results["Dip"], results["PlainDip"]
print(f"\nThe decision ended with {compiled.final_cash} in cash, compiled,")
print(f"                    and {plain.final_cash}, plain.")
same = compiled.fills.equals(plain.fills) and compiled.metrics == plain.metrics
print(f"Equal fills and equal metrics, to the last bit: {same}")

# What ended the positions: every order says why it was sent.
orders = compiled.orders
ended = orders[(orders["status"] == "filled") & (orders["role"] != "open")]["role"].value_counts()
print(f"\n{len(compiled.round_trips)} round trips, by what ended them:")
print("\n".join(f"  {role:7} {count:4}" for role, count in ended.items()))
metrics = compiled.metrics
print(
    f"Sharpe {metrics['sharpe']:.2f}, {metrics['cagr']:.1%} a year, hits {metrics['hit_rate']:.0%}"
)

# The same order rules with other numbers: parameters are checked against their bounds.
tight = ff.backtest(Dip(stop=1.0, profit=2.0), bars, costs=costs)
print(f"With a stop and a target three times as near: Sharpe {tight.metrics['sharpe']:.2f}")
