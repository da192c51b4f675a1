"""How much to stake: the fastest growth is a ride that few sit through.

    python examples/how_much_to_stake.py

Models are fitted to what the assets did, a year is followed on many paths, and the stake is
whatever leaves you able to go on.
"""

import fanfold as ff
from fanfold.simulation.models import MODELS, fit_model

YEAR, PATHS, SEED = 252, 20_000, 7
bars = ff.load_bars("sample", symbols=["AAPL", "MSFT", "IBM"], start="2000-03-01")
returns = bars.close[1:] / bars.close[:-1] - 1.0  # [bar, asset], simple

print("1. One year of holding all three, in equal shares, by the model one believes")
print(f"{'':28}{'VaR 95 %':>10}{'worst 5 %':>10}{'drawdown':>10}{'longest':>9}{'halved':>8}")
for name in ("bootstrap", "gbm", "student", "garch", "merton", "regimes"):
    model = fit_model(name, returns)
    risk = ff.path_risk(model, bar_count=YEAR, path_count=PATHS, seed=SEED, levels=(0.5, 0.95))
    print(
        f"{MODELS[name][0]:28}{risk.value_at_risk[0.95].value:>10.1%}"
        f"{risk.expected_shortfall[0.95].value:>10.1%}{risk.max_drawdown[0.5].value:>10.1%}"
        f"{risk.drawdown_bars[0.5].value:>9.0f}{risk.probability_of_ruin.value:>8.2%}"
    )
print("Models disagree by more than any of them doubts itself: read the worst column first.")

print("\n2. The same year at parts of Kelly's stake")
model = ff.BlockBootstrap.fit(returns, of="absolute")
kelly = ff.measures.kelly_weights(returns, leverage_max=4.0)
sizes = ff.sizing_risk(
    model, bar_count=YEAR, path_count=PATHS, seed=SEED, kelly=kelly, fractions=(0.25, 0.5, 1.0, 2.0)
)
print("Kelly holds", ", ".join(f"{w:.2f} {s}" for w, s in zip(kelly, bars.symbols, strict=True)))
print(f"{'':8}{'mean growth':>14}{'median drawdown':>17}{'ever halved':>13}")
for row in sizes.rows:
    if row.rule == "kelly":
        fall, ruined = row.risk.max_drawdown.quantile(0.5), row.risk.probability_of_ruin
        print(
            f"× {row.size:<6g}{row.growth_mean.value * YEAR:>14.1%}{fall.value:>17.1%}"
            f"{ruined.value:>13.1%}"
        )
full = next(row for row in sizes.rows if row.rule == "kelly" and row.size == 1.0)
half = next(row for row in sizes.rows if row.rule == "kelly" and row.size == 0.5)
kept = half.growth_mean.value / full.growth_mean.value
saved = full.risk.probability_of_ruin.value - half.risk.probability_of_ruin.value
print(f"\nHalf of Kelly keeps {kept:.0%} of the growth and is halved {saved:.1%} less often.")
