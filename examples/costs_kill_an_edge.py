"""Costs that kill an edge: a fast mean reversion, first for nothing, then as it would be traded.

    python examples/costs_kill_an_edge.py

It buys what closes near the day's low and shorts what closes near the day's high. On paper that
worked for years. Each row below adds one thing that a market asks for.
"""

from typing import ClassVar

from pydantic import Field

import fanfold as ff
from fanfold.strategies import Strategy, decision


@decision
def trade_against_the_day(assets, portfolio, memory):
    """Hold what closed in the lowest part of its range, short what closed in the highest."""
    for asset in assets:
        if asset.high > asset.low:
            place = (asset.close - asset.low) / (asset.high - asset.low)
            if place < portfolio.params[0]:
                asset.target = 1.0 / len(assets)
            elif place > 1.0 - portfolio.params[0]:
                asset.target = -1.0 / len(assets)


class AgainstTheDay(Strategy):
    """Expect an extreme close to be taken back."""

    edge: float = Field(0.2, gt=0.0, lt=0.5)
    decide: ClassVar = trade_against_the_day


bars = ff.load_bars("sample")
CASH = 1_000_000


def run(delay_bars=1, **costs):
    """One backtest with these costs."""
    options = ff.FillOptions(delay_bars=delay_bars)
    costs = ff.Costs(**costs)
    return ff.backtest(AgainstTheDay(), bars, cash=CASH, costs=costs, options=options).metrics


def show(name, metrics):
    """One row of a table."""
    total, yearly = metrics["total_return"], metrics["cagr"]
    print(f"{name:34} {total:9.0%} {yearly:8.1%} {metrics['sharpe']:8.2f}")
    return metrics


HEAD = f"{'':34} {'in all':>9} {'a year':>8} {'Sharpe':>8}"
print("1. One cost after the other\n" + HEAD)
free = show("nothing", run())
terms = {"slippage_bps": 3}
show("+ half a spread of 3 bps", run(**terms))
terms |= {"impact": 1.0}
show("+ impact of our own orders", run(**terms))
terms |= {"commission_per_unit": 0.005, "schedule": "alpaca"}
show("+ half a cent a share, regulators", run(**terms))
terms |= {"borrow_rate": 0.01}
show("+ 1 % a year for borrowed shares", run(**terms))
real = show("+ one bar of delay", run(delay_bars=2, **terms))
print(
    f"It turns its equity over {free['turnover']:.0f} times a year: that is what multiplies costs."
)

print("\n2. The same by a single number\n" + HEAD)
for bps in (2, 5, 10, 20):
    show(f"{bps} bps of every amount traded", run(commission_bps=bps))
show("no cost at all, one bar later", run(delay_bars=2))

# More cost never leaves more: halve the interval until the break-even is known to 0.5 bps.
low, high = 0.0, 32.0
while high - low > 0.5:
    middle = (low + high) / 2
    low, high = (middle, high) if run(commission_bps=middle)["total_return"] > 0 else (low, middle)
even = (low + high) / 2
print(
    f"\nBreak-even: {even:.1f} bps of every amount traded leave nothing of the {free['cagr']:.0%}."
)
print("Alive after all costs." if real["total_return"] > 0 else "After all of them it is dead.")
