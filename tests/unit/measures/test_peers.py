"""What empyrical-reloaded and quantstats say of the same returns, and where they differ.

Equal figures are asserted equal; of each difference the test says what makes it and
asserts that undoing it makes the figures equal.
"""

import math
import warnings
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from fanfold import measures as m

YEAR = 252
SERIES = arrays(
    float, st.integers(5, 60), elements=st.integers(-200, 200).map(lambda permille: permille / 1000)
)


@pytest.fixture(scope="module")
def peers() -> SimpleNamespace:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import empyrical
        import quantstats
    return SimpleNamespace(empyrical=empyrical, quantstats=quantstats.stats)


@pytest.fixture(scope="module")
def empyrical(peers: SimpleNamespace) -> ModuleType:
    return peers.empyrical


@pytest.fixture(scope="module")
def quantstats(peers: SimpleNamespace) -> ModuleType:
    return peers.quantstats


def asked(function: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """What a peer answers, without what it and its libraries warn of."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return function(*args, **options)


@pytest.mark.parametrize("symbol", ["SPY", "MSFT"])
def test_stored_figures_of_empyrical_are_ours(
    oracle: Callable[[str], Any], daily: Callable[[str], pd.Series], symbol: str
) -> None:
    expected, returns = oracle(f"empyrical_{symbol}"), daily(symbol)
    ours = {
        "total_return": m.total_return(returns),
        "annual_return": m.cagr(returns),
        "annual_volatility": m.volatility(returns, YEAR),
        "sharpe": m.sharpe_ratio(returns, periods_per_year=YEAR),
        "sortino": m.sortino_ratio(returns, periods_per_year=YEAR),
        "downside_risk": m.downside_deviation(returns, periods_per_year=YEAR),
        "calmar": m.calmar_ratio(returns),
        "omega0": m.omega_ratio(returns),
        "tail_ratio": m.tail_ratio(returns),
        "max_drawdown": -m.max_drawdown(returns),
        "VaR5": -m.value_at_risk(returns),
    }
    assert ours == pytest.approx({name: expected[name] for name in ours}, rel=1e-9)


@pytest.mark.parametrize("symbol", ["SPY", "MSFT"])
def test_stored_figures_of_quantstats_are_ours(
    oracle: Callable[[str], Any], daily: Callable[[str], pd.Series], symbol: str
) -> None:
    expected, returns = oracle(f"quantstats_{symbol}"), daily(symbol)
    moved = returns[returns != 0]  # its win rate and averages leave out bars without a change
    ours = {
        "sharpe": m.sharpe_ratio(returns, periods_per_year=YEAR),
        "sortino": m.sortino_ratio(returns, periods_per_year=YEAR),
        "calmar": m.calmar_ratio(returns),
        "omega": m.omega_ratio(returns),
        "tail_ratio": m.tail_ratio(returns),
        "volatility": m.volatility(returns, YEAR),
        "cagr": m.cagr(returns),
        "max_drawdown": -m.max_drawdown(returns),
        "profit_factor": m.profit_factor(returns),
        "win_rate": m.hit_rate(moved),
        "avg_win": m.average_win(moved),
        "avg_loss": m.average_loss(moved),
    }
    assert ours == pytest.approx({name: expected[name] for name in ours}, rel=1e-8)


@given(returns=SERIES)
def test_any_series_has_the_ratios_of_empyrical(empyrical: Any, returns: np.ndarray) -> None:
    pairs = [
        (m.sharpe_ratio(returns, periods_per_year=YEAR), empyrical.sharpe_ratio),
        (m.omega_ratio(returns), empyrical.omega_ratio),
        (m.calmar_ratio(returns), empyrical.calmar_ratio),
        (m.cagr(returns), empyrical.annual_return),
        (-m.max_drawdown(returns), empyrical.max_drawdown),
        (-m.value_at_risk(returns), empyrical.value_at_risk),
    ]
    for ours, theirs in pairs:
        found = asked(theirs, returns)
        # Where nothing varies it may divide by zero; a ratio of ours is NaN then.
        expected = math.nan if math.isinf(found) else found
        assert ours == pytest.approx(expected, rel=1e-9, abs=1e-12, nan_ok=True)


@given(returns=SERIES)
def test_without_a_shortfall_empyrical_divides_by_zero(empyrical: Any, returns: np.ndarray) -> None:
    """Its Sortino ratio is then infinite, ours is NaN."""
    theirs = asked(empyrical.sortino_ratio, returns)
    ours = m.sortino_ratio(returns, periods_per_year=YEAR)
    assert ours == pytest.approx(theirs if math.isfinite(theirs) else math.nan, nan_ok=True)


@given(returns=SERIES, stake=st.floats(-2, 2))
def test_beta_equals_and_alpha_is_annualised_otherwise(
    empyrical: Any, returns: np.ndarray, stake: float
) -> None:
    """Empyrical compounds the alpha of a bar over a year, we multiply it as we do means."""
    market = returns[::-1] * stake + returns * 0.5
    theirs = asked(empyrical.beta_aligned, returns, market)
    if np.std(market) < 1e-6:
        return
    assert m.beta(returns, market) == pytest.approx(theirs, rel=1e-9, abs=1e-12)
    compounded = asked(empyrical.alpha_aligned, returns, market)
    per_bar = m.alpha(returns, market)
    assert (1.0 + per_bar) ** YEAR - 1.0 == pytest.approx(compounded, rel=1e-6, abs=1e-9)
    annual = m.alpha(returns, market, periods_per_year=YEAR)
    assert annual == pytest.approx(YEAR * per_bar)


def test_rates_are_per_bar_here_and_per_year_there(
    oracle: Callable[[str], Any],
    empyrical: Any,
    quantstats: Any,
    daily: Callable[[str], pd.Series],
) -> None:
    returns, annual = daily("SPY"), 0.02
    per_bar = (1.0 + annual) ** (1.0 / YEAR) - 1.0
    ours = m.sharpe_ratio(returns, risk_free=per_bar, periods_per_year=YEAR)
    assert ours == pytest.approx(asked(empyrical.sharpe_ratio, returns, risk_free=per_bar))
    assert ours == pytest.approx(asked(quantstats.sharpe, returns, rf=annual))
    assert oracle("empyrical_SPY")["sharpe_rf"] == pytest.approx(
        m.sharpe_ratio(returns, risk_free=annual / YEAR, periods_per_year=YEAR), rel=1e-9
    )
    omega = asked(empyrical.omega_ratio, returns, required_return=annual)
    assert m.omega_ratio(returns, required_return=per_bar) == pytest.approx(omega)


def test_the_shortfall_of_empyrical_is_a_fixed_number_of_bars(
    oracle: Callable[[str], Any], empyrical: Any, daily: Callable[[str], pd.Series]
) -> None:
    """Ours takes every bar at or below the quantile; without ties that is the same number."""
    returns = daily("SPY")
    assert -m.expected_shortfall(returns) == pytest.approx(oracle("empyrical_SPY")["CVaR5"])
    tied = np.array([-0.03, -0.02, -0.02, *np.linspace(0, 0.02, 18)])
    assert -asked(empyrical.conditional_value_at_risk, tied) == pytest.approx(0.025)
    assert m.expected_shortfall(tied) == pytest.approx(0.07 / 3)


def test_gaussian_tails_of_quantstats_take_the_sample_deviation(
    oracle: Callable[[str], Any], daily: Callable[[str], pd.Series]
) -> None:
    expected, returns = oracle("quantstats_SPY"), daily("SPY")
    mean, wider = returns.mean(), math.sqrt(len(returns) / (len(returns) - 1))
    for ours, theirs in [
        (m.value_at_risk(returns, method="gaussian"), expected["value_at_risk"]),
        (m.expected_shortfall(returns, method="gaussian"), expected["cvar"]),
    ]:
        assert -ours != pytest.approx(theirs, rel=1e-6)
        assert mean - (ours + mean) * wider == pytest.approx(theirs, rel=1e-9)


def test_moments_of_quantstats_are_corrected_for_the_sample(
    oracle: Callable[[str], Any], daily: Callable[[str], pd.Series]
) -> None:
    """Its probabilistic Sharpe ratio takes the corrected moments too."""
    expected, returns = oracle("quantstats_SPY"), daily("SPY")
    n = len(returns)
    skew = m.skewness(returns) * math.sqrt(n * (n - 1)) / (n - 2)
    excess = ((n + 1) * (m.kurtosis(returns) - 3) + 6) * (n - 1) / ((n - 2) * (n - 3))
    assert skew == pytest.approx(expected["skew"], rel=1e-9)
    assert excess == pytest.approx(expected["kurtosis"], rel=1e-9)
    sharpe = m.sharpe_ratio(returns)
    corrected = m.probabilistic_sharpe_ratio(sharpe, bar_count=n, skew=skew, kurtosis=excess + 3)
    assert corrected == pytest.approx(expected["probabilistic_sharpe_ratio"], rel=1e-9)


def test_a_fall_is_longer_here_by_its_peak_and_its_recovery(
    oracle: Callable[[str], Any], daily: Callable[[str], pd.Series]
) -> None:
    """Quantstats counts the days under water, both ends included; a fall that lasts ends today."""
    returns = daily("SPY")
    equity = np.concatenate([[1.0], np.cumprod(1.0 + returns)])
    date = pd.DatetimeIndex([returns.index[0] - pd.Timedelta(days=1), *returns.index])
    found = m.worst_drawdowns(equity)
    for ours, theirs in zip(found, oracle("quantstats_dd_SPY"), strict=True):
        assert -100 * ours.depth == pytest.approx(theirs["max drawdown"], rel=1e-9)
        assert date[ours.peak_bar + 1] == pd.Timestamp(theirs["start"])
        assert date[ours.trough_bar] == pd.Timestamp(theirs["valley"])
        last_bar = len(equity) - 1 if ours.recovery_bar is None else ours.recovery_bar - 1
        assert date[last_bar] == pd.Timestamp(theirs["end"])
    recovery_bar = found[0].recovery_bar
    assert recovery_bar is not None
    days = (date[recovery_bar] - date[found[0].peak_bar]).days
    assert m.max_drawdown_days(equity, date.as_unit("ns").asi8) == days == 1983
    assert oracle("quantstats_dd_SPY")[0]["days"] == 1982


def test_a_series_without_losses_has_an_infinite_profit_factor_in_quantstats(
    quantstats: Any,
) -> None:
    gains = pd.Series([0.01, 0.02, 0.03])
    assert asked(quantstats.profit_factor, gains) == math.inf
    assert math.isnan(m.profit_factor(gains))
    assert math.isnan(asked(quantstats.omega, gains))


def test_quantstats_supposes_an_autoregression_where_we_sample_the_lags(
    quantstats: Any, daily: Callable[[str], pd.Series]
) -> None:
    """Its penalty takes the size of the first autocorrelation only, over the whole history.

    SPY's days revert, so a year moves less than the root of time says and the adjusted
    ratio is higher; without its sign quantstats lowers it.
    """
    returns = daily("SPY")
    plain = m.sharpe_ratio(returns, periods_per_year=YEAR)
    first = np.corrcoef(returns[:-1], returns[1:])[0, 1]
    assert first < 0
    assert asked(quantstats.smart_sharpe, returns) < plain < m.adjusted_sharpe_ratio(returns)
    # With weights of the whole history the sum of powers is abs(first) / (1 - abs(first)).
    penalty = math.sqrt(1 + 2 * abs(first) / (1 - abs(first)))
    smart = asked(quantstats.smart_sharpe, returns)
    assert smart == pytest.approx(plain / penalty, rel=1e-3)
