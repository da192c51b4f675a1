"""A sweep read properly: the best of many is the luckiest of many, so look at all of them.

    python examples/sweep_read_properly.py

The sweep sees the first half of the history only. The second half is looked at once, at the end.
"""

import pandas as pd

import fanfold as ff
from fanfold.strategies import RsiReversion

PERIOD, LOWER = range(2, 21, 2), range(10, 46, 5)
TERMS = {"costs": ff.Costs(commission_bps=1, slippage_bps=5)}
bars = ff.load_bars("sample", symbols="MSFT")
past = bars.select(end="2006-08-31")
first = 60  # all combinations are scored from one bar on, after the longest warm-up

space = {"period": PERIOD, "lower": LOWER}
table = ff.sweep(RsiReversion, space, past, start_bar=first, workers=0, **TERMS)
done = table[table["status"] == "ok"].reset_index(drop=True)
best = done.loc[done["sharpe"].idxmax()]
period, lower = int(best["period"]), int(best["lower"])

print("1. The distribution")
idle = done["sharpe"].isna().sum()
print(f"{len(done)} combinations, {idle} of them never traded. Sharpe ratios of the others:")
quarters = done["sharpe"].quantile([0, 0.25, 0.5, 0.75, 1])
print(
    "  worst {:.2f}, a quarter below {:.2f}, median {:.2f}, {:.2f}, best {:.2f}".format(*quarters)
)
print(f"The best buys below an RSI({period}) of {lower}.")

print("\n2. The neighbours: a plateau or a spike?")
near = (done["period"] - best["period"]).abs().le(PERIOD.step)
near &= (done["lower"] - best["lower"]).abs().le(LOWER.step)
neighbours = done[near].drop(index=best.name)["sharpe"]
print(done.pivot_table(index="period", columns="lower", values="sharpe").round(2).to_string())
kept = neighbours.mean() / best["sharpe"]
print(
    f"{len(neighbours)} neighbours have {neighbours.mean():.2f} on average, {kept:.0%} of the best:"
)
print(
    "  a plateau." if kept > 0.8 else "  a spike: the best is better than its surroundings explain."
)

print("\n3. How much of it is luck?")
trials = {}  # the returns of every combination, not of the winner alone
for row in done.itertuples():
    strategy = RsiReversion(period=int(row.period), lower=row.lower)
    result = ff.backtest(strategy, past, start_bar=first, **TERMS)
    trials[row.period, row.lower] = result.equity.pct_change().dropna()
returns = pd.DataFrame(trials)
own = returns[period, lower]
luck = {"trial_sharpe_variance": done["sharpe_per_period"].var(), "trial_count": len(done)}
expected = ff.measures.expected_max_sharpe_ratio(**luck) * best["periods_per_year"] ** 0.5
deflated = ff.measures.deflated_sharpe_ratio(
    best["sharpe_per_period"],
    bar_count=len(own),
    skew=ff.measures.skewness(own),
    kurtosis=ff.measures.kurtosis(own),
    **luck,
)
overfitting = ff.measures.probability_of_backtest_overfitting(returns, blocks=10)
print(f"  Sharpe ratio of the best                         {best['sharpe']:5.2f}")
print(f"  what the luckiest of {len(done)} without skill would have {expected:5.2f}")
print(f"  deflated Sharpe: probability of more than luck   {deflated:5.0%}")
print(f"  probability of backtest overfitting              {overfitting:5.0%}")

print("\n4. The other half, which the choice has not seen")
later = ff.sweep(RsiReversion, space, bars, start_bar=past.bar_count, workers=0, **TERMS)
both = done.merge(later, on=["period", "lower"], suffixes=("", "_later"))
winner = both.loc[best.name]  # the merge keeps the order
rank = int((both["sharpe_later"] > winner["sharpe_later"]).sum()) + 1
order = both["sharpe"].rank().corr(both["sharpe_later"].rank())
before, after = winner["sharpe"], winner["sharpe_later"]
print(f"  the best: {before:.2f} before, {after:.2f} after, now number {rank}")
middle = both[["sharpe", "sharpe_later"]].median()
print(f"  all: median {middle['sharpe']:.2f} before, {middle['sharpe_later']:.2f} after")
print(f"  rank correlation of the halves: {order:+.2f} (1 = the order stays, 0 = chance)")
trusted = deflated > 0.95 and overfitting < 0.2
print("\nWorth a closer look." if trusted else "\nNot shown to be more than luck: do not trade it.")
