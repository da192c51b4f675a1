"""Pure numbers of a return series.

Returns are simple returns a bar, `[bar]` or `[bar, series]`: one series gives a
float, several give one value each. Ratios are per bar unless `periods_per_year` is
given (252 sessions for exchanges, 365 for markets that never close); what has only
an annual meaning (`cagr`, `calmar_ratio`, `adjusted_sharpe_ratio`) takes 252 unless
told otherwise. Rates are per bar as well.

NaN, infinity and empty arrays are errors in every function: drop or fill what is
missing before, knowingly. What has no value is NaN: a deviation of fewer than 2
returns, a ratio whose denominator is 0 (a constant series, no loss at all). Drawdowns
are never negative, and a positive value at risk is a loss.

How this compares, with what the tests show to be equal or different:

    measure               here                         empyrical-reloaded    quantstats
    --------------------  ---------------------------  --------------------  -------------------
    NaN in the input      an error                     mostly skipped        mostly skipped
    Sharpe                per bar, deviation n - 1     × √252 by default     × √252 by default
    risk-free rate        per bar                      per bar               per year
    Sortino               per bar, all n below         × √252 by default     × √252 by default
    Sharpe, adjusted      Lo's weights, sampled lags   -                     AR(1), |r(1)|
    cagr                  n / 252 years                the same              the same
    Calmar                cagr / max drawdown          the same              the same
    max drawdown          positive, from the start     negative              negative
    drawdown length       from peak to recovery        -                     under water only
    Omega                 threshold per bar            threshold per year    threshold per year
    no loss at all        NaN                          NaN                   NaN or infinite
    tail ratio            |q(0.95) / q(0.05)|          the same              the same
    skewness, kurtosis    population, raw (3)          -                     corrected, excess (0)
    VaR historical        quantile, positive loss      the same, negative    -
    VaR Gaussian          deviation n                  -                     n - 1, negative
    ES historical         mean at or below quantile    fixed count of bars   not by default
    ES Gaussian           deviation n                  -                     n - 1, negative
    alpha                 × periods a year             (1 + alpha)^252 - 1   × 252
    beta                  covariance / variance        the same              the same
    hit rate              wins / all round trips       -                     of bars, without 0s
    probabilistic Sharpe  population moments           -                     corrected moments

Of what asks whether a result is luck, others have these:

    measure               here                         others
    --------------------  ---------------------------  ------------------------------------
    deflated Sharpe       population moments, any      ffn and skfolio: corrected moments,
                          effective number of trials   every trial counts
    overfitting (PBO)     Sharpe of a flat half is 0,  R's pbo: the same; ffn: NaN there,
                          odd bars dropped in front    odd bars dropped at the end
    superiority (SPA)     leads studentised            arch: the same draws, not studentised
    block length          that of arch                 arch: the same
    effective trials      clusters, calibrated         -

Of forecasts of losses and of portfolios:

    measure               here                         others
    --------------------  ---------------------------  ------------------------------------
    Kupiec                all bars; exact p beside     rugarch, MATLAB: the same statistic
    Christoffersen        coverage of all bars, n - 1  rugarch, MATLAB: the same
                          transitions, 0^0 = 1
    duration test         Weibull, ends censored       rugarch: the same
    component VaR, ES     deviation n, as the totals   PerformanceAnalytics: n - 1
    many at once          `summary`, one pass          empyrical: one function at a time
"""

from fanfold.measures.benchmark import alpha, beta
from fanfold.measures.coverage import (
    ChristoffersenTest,
    KupiecTest,
    TrafficLight,
    christoffersen_test,
    exceptions_of,
    kupiec_test,
    traffic_light,
)
from fanfold.measures.drawdowns import (
    Drawdown,
    cagr,
    calmar_ratio,
    drawdowns,
    max_drawdown,
    max_drawdown_bars,
    max_drawdown_days,
    total_return,
    worst_drawdowns,
)
from fanfold.measures.durations import DurationTest, duration_test
from fanfold.measures.fused import summary
from fanfold.measures.intervals import Interval, bootstrap_interval
from fanfold.measures.kelly import fixed_fraction, kelly_fraction, kelly_weights, volatility_scale
from fanfold.measures.moments import downside_deviation, kurtosis, skewness, volatility
from fanfold.measures.overfitting import (
    Overfitting,
    overfitting_of_blocks,
    probability_of_backtest_overfitting,
)
from fanfold.measures.portfolio_risk import (
    RiskContributions,
    component_expected_shortfall,
    component_value_at_risk,
    marginal_expected_shortfall,
    marginal_value_at_risk,
)
from fanfold.measures.ratios import (
    adjusted_sharpe_ratio,
    omega_ratio,
    sharpe_ratio,
    sortino_ratio,
)
from fanfold.measures.rolling_risk import (
    VarBacktest,
    backtest_value_at_risk,
    rolling_expected_shortfall,
    rolling_value_at_risk,
)
from fanfold.measures.significance import (
    deflated_sharpe_ratio,
    expected_max_sharpe_ratio,
    minimum_track_record_length,
    probabilistic_sharpe_ratio,
)
from fanfold.measures.sums import Moments, moments_of_sums, sums_of_blocks
from fanfold.measures.superiority import (
    SuperiorAbility,
    automatic_block_bars,
    superior_predictive_ability,
)
from fanfold.measures.tail_risk import expected_shortfall, tail_ratio, value_at_risk
from fanfold.measures.trading import (
    average_loss,
    average_win,
    exposure,
    hit_rate,
    profit_factor,
    turnover,
)
from fanfold.measures.trials import (
    EffectiveTrials,
    best_of_each,
    effective_trials,
    effective_trials_of_all,
)

__all__ = [
    "ChristoffersenTest",
    "Drawdown",
    "DurationTest",
    "EffectiveTrials",
    "Interval",
    "KupiecTest",
    "Moments",
    "Overfitting",
    "RiskContributions",
    "SuperiorAbility",
    "TrafficLight",
    "VarBacktest",
    "adjusted_sharpe_ratio",
    "alpha",
    "automatic_block_bars",
    "average_loss",
    "average_win",
    "backtest_value_at_risk",
    "best_of_each",
    "beta",
    "bootstrap_interval",
    "cagr",
    "calmar_ratio",
    "christoffersen_test",
    "component_expected_shortfall",
    "component_value_at_risk",
    "deflated_sharpe_ratio",
    "downside_deviation",
    "drawdowns",
    "duration_test",
    "effective_trials",
    "effective_trials_of_all",
    "exceptions_of",
    "expected_max_sharpe_ratio",
    "expected_shortfall",
    "exposure",
    "fixed_fraction",
    "hit_rate",
    "kelly_fraction",
    "kelly_weights",
    "kupiec_test",
    "kurtosis",
    "marginal_expected_shortfall",
    "marginal_value_at_risk",
    "max_drawdown",
    "max_drawdown_bars",
    "max_drawdown_days",
    "minimum_track_record_length",
    "moments_of_sums",
    "omega_ratio",
    "overfitting_of_blocks",
    "probabilistic_sharpe_ratio",
    "probability_of_backtest_overfitting",
    "profit_factor",
    "rolling_expected_shortfall",
    "rolling_value_at_risk",
    "sharpe_ratio",
    "skewness",
    "sortino_ratio",
    "summary",
    "sums_of_blocks",
    "superior_predictive_ability",
    "tail_ratio",
    "total_return",
    "traffic_light",
    "turnover",
    "value_at_risk",
    "volatility",
    "volatility_scale",
    "worst_drawdowns",
]
