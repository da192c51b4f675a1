"""First steps: load bars, run a strategy over them, and read what came out.

    python examples/first_steps.py

The bars are the packaged sample, so nothing is downloaded.
"""

import fanfold as ff
from fanfold.strategies import SmaCross

# Prices with dividends and splits in them, so a jump of the price is a gain or a loss.
bars = ff.load_bars("sample", symbols=["AAPL", "MSFT"])
print(f"Bars: {bars.bar_count:,} of {', '.join(bars.symbols)}, {bars.basis.replace('_', ' ')}")

# Hold each of the two with half of the equity while its 20-bar mean is above its 100-bar mean.
# What a bar's close decides is traded at the next bar's open, here 5 bps beside it.
result = ff.backtest(
    SmaCross(fast=20, slow=100),
    bars,
    cash=100_000,
    costs=ff.Costs(commission_bps=1, slippage_bps=5),
)

# Metrics are plain numbers by name; ratios are yearly.
metrics = result.metrics
print(
    f"\n100,000 became {result.final_cash:,.0f} in cash and {metrics['final_equity']:,.0f} in all"
)
print(f"  a year          {metrics['cagr']:8.1%}")
print(f"  Sharpe ratio    {metrics['sharpe']:8.2f}")
print(f"  worst drawdown  {metrics['max_drawdown']:8.1%}")
print(f"  time invested   {metrics['exposure']:8.1%}")
print(f"  {result.benchmark.name} over the same bars: {result.benchmark.iloc[-1]:,.0f}")

# Fills are what was bought and sold, each with its price and its fee.
fills = result.fills
print(f"\n{len(fills)} fills, {fills['fee'].sum():,.2f} of fees. The first three:")
print(fills[["ts", "symbol", "side", "quantity", "price", "fee"]].head(3).to_string(index=False))

# A round trip goes from no position to none: what was won or lost by being right or wrong.
trips = result.round_trips
winners = trips[trips["pnl"] > 0]
print(f"\n{len(trips)} round trips, {len(winners)} of them won. The best three:")
best = trips.nlargest(3, "pnl")[["symbol", "entry_ts", "exit_ts", "pnl", "return"]]
print(best.to_string(index=False))
won, lost = winners["pnl"].mean(), -trips.loc[trips["pnl"] <= 0, "pnl"].mean()
print(f"A winner brought {won:,.0f}, a loser cost {lost:,.0f}: few trends pay for all the rest.")

# Cash is counted in whole millionths, so the fills alone give it again, to the last digit.
print(f"\nThe books agree: {result.replayed_cash() == result.final_cash}")
print("The two stocks were chosen with hindsight. This shows the tools, not a good strategy.")
