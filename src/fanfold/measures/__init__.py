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
"""

from fanfold.measures.benchmark import alpha, beta
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
from fanfold.measures.moments import downside_deviation, kurtosis, skewness, volatility
from fanfold.measures.overfitting import probability_of_backtest_overfitting
from fanfold.measures.ratios import (
    adjusted_sharpe_ratio,
    omega_ratio,
    sharpe_ratio,
    sortino_ratio,
)
from fanfold.measures.significance import (
    deflated_sharpe_ratio,
    expected_max_sharpe_ratio,
    minimum_track_record_length,
    probabilistic_sharpe_ratio,
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

__all__ = [
    "Drawdown",
    "adjusted_sharpe_ratio",
    "alpha",
    "average_loss",
    "average_win",
    "beta",
    "cagr",
    "calmar_ratio",
    "deflated_sharpe_ratio",
    "downside_deviation",
    "drawdowns",
    "expected_max_sharpe_ratio",
    "expected_shortfall",
    "exposure",
    "hit_rate",
    "kurtosis",
    "max_drawdown",
    "max_drawdown_bars",
    "max_drawdown_days",
    "minimum_track_record_length",
    "omega_ratio",
    "probabilistic_sharpe_ratio",
    "probability_of_backtest_overfitting",
    "profit_factor",
    "sharpe_ratio",
    "skewness",
    "sortino_ratio",
    "tail_ratio",
    "total_return",
    "turnover",
    "value_at_risk",
    "volatility",
    "worst_drawdowns",
]
