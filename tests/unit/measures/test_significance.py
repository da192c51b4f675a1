"""Probabilistic and deflated Sharpe ratios, against published and R's values."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfold.errors import ConfigError
from fanfold.measures import (
    deflated_sharpe_ratio,
    expected_max_sharpe_ratio,
    kurtosis,
    minimum_track_record_length,
    probabilistic_sharpe_ratio,
    sharpe_ratio,
    skewness,
)

SHARPES = st.floats(-0.5, 0.5)
PAPER = {"sharpe": 2.5 / math.sqrt(250), "bar_count": 1250, "skew": -3.0, "kurtosis": 10.0}
"""Bailey & López de Prado (2014), p. 10: annual Sharpe 2.5 over five years of 250 days."""


def measured(returns: Any) -> dict[str, Any]:
    return {
        "sharpe": sharpe_ratio(returns),
        "skew": skewness(returns),
        "kurtosis": kurtosis(returns),
    }


def test_the_published_example_of_a_track_record(oracle: Callable[[str], Any]) -> None:
    expected = oracle("psr_mintrl_bailey")
    example = {
        "sharpe": 2 / math.sqrt(12),
        "benchmark": 1 / math.sqrt(12),
        "skew": -0.72,
        "kurtosis": 5.78,
    }
    probability = probabilistic_sharpe_ratio(**example, bar_count=59)
    assert probability == pytest.approx(expected["psr"], rel=1e-9)
    bars = minimum_track_record_length(**example, level=0.95)
    assert bars == pytest.approx(expected["min_trl"], rel=1e-9)


@pytest.mark.parametrize(
    ("reference", "series"),
    [("psr_edhec_0", "Convertible Arbitrage"), ("psr_edhec_1", "CTA Global")],
)
def test_monthly_track_records_equal_performance_analytics(
    oracle: Callable[[str], Any],
    monthly: Callable[[str], pd.DataFrame],
    reference: str,
    series: str,
) -> None:
    expected = oracle(reference)
    returns = monthly("edhec")[series]
    figures = measured(returns)
    probability = probabilistic_sharpe_ratio(**figures, benchmark=0.1, bar_count=len(returns))
    assert probability == pytest.approx(expected["psr"], rel=1e-9)
    bars = minimum_track_record_length(**figures, benchmark=0.1)
    assert bars == pytest.approx(expected["min_trl"], rel=1e-9)


@pytest.mark.parametrize("symbol", ["SPY", "MSFT", "IBM"])
def test_daily_track_records_equal_performance_analytics(
    oracle: Callable[[str], Any], daily: Callable[[str], pd.Series], symbol: str
) -> None:
    expected = oracle(f"pa_psr_mintrl_{symbol}")
    returns = daily(symbol)
    figures = measured(returns)
    probability = probabilistic_sharpe_ratio(**figures, bar_count=len(returns))
    assert probability == pytest.approx(expected["psr"], rel=1e-9)
    if expected["min_trl"] is None:
        assert figures["sharpe"] <= 0.0
    else:
        bars = minimum_track_record_length(**figures)
        assert bars == pytest.approx(expected["min_trl"], rel=1e-9)


def test_the_error_of_a_sharpe_ratio_equals_its_published_example() -> None:
    """Bailey & López de Prado (2012): hedge funds, error 0.1028 of 0.7079 over 134 months."""
    probability = probabilistic_sharpe_ratio(
        0.7079, benchmark=0.7079 - 0.1028, bar_count=134, skew=-0.225, kurtosis=2.957
    )
    # One error below: 0.8413 of a normal, within the fourth digit of the published error.
    assert probability == pytest.approx(0.8413, abs=2e-4)


@pytest.mark.parametrize(
    ("trial_count", "reference"), [(100, "dsr_paper_n100"), (46, "dsr_paper_n46")]
)
def test_the_published_deflated_sharpe_ratios(
    oracle: Callable[[str], Any], trial_count: int, reference: str
) -> None:
    expected = oracle(reference)
    deflated = deflated_sharpe_ratio(
        **PAPER, trial_sharpe_variance=0.5 / 250, trial_count=trial_count
    )
    assert deflated == pytest.approx(expected["dsr"], abs=5e-5)
    assert deflated == pytest.approx(expected["dsr_quantstrat"], rel=1e-9)
    if "sr0_daily" in expected:
        lucky = expected_max_sharpe_ratio(trial_sharpe_variance=0.5 / 250, trial_count=trial_count)
        assert lucky == pytest.approx(expected["sr0_daily"], abs=5e-5)


def test_the_luckiest_of_many_is_as_good_as_simulation_says() -> None:
    drawn = np.random.default_rng(3).normal(0.0, 0.1, (20_000, 50)).max(axis=1)
    expected = expected_max_sharpe_ratio(trial_sharpe_variance=0.01, trial_count=50)
    # The mean of 20,000 draws errs by 0.0003; the formula itself is an approximation for large N.
    assert expected == pytest.approx(np.mean(drawn), abs=0.005)


@given(SHARPES, SHARPES, st.integers(2, 5_000))
def test_a_probability_and_its_complement_sum_to_one(
    sharpe: float, benchmark: float, bar_count: int
) -> None:
    up = probabilistic_sharpe_ratio(sharpe, benchmark=benchmark, bar_count=bar_count)
    down = probabilistic_sharpe_ratio(-sharpe, benchmark=-benchmark, bar_count=bar_count)
    assert 0.0 <= up <= 1.0
    assert up + down == pytest.approx(1.0)


@given(st.floats(0.01, 0.5), st.floats(0.55, 0.999))
def test_the_minimum_length_is_where_the_probability_reaches_its_level(
    sharpe: float, level: float
) -> None:
    bars = minimum_track_record_length(sharpe, skew=-0.5, kurtosis=4.0, level=level)
    if bars < 2:
        return
    below, above = max(2, math.floor(bars)), math.ceil(bars) + 1
    moments = {"skew": -0.5, "kurtosis": 4.0}
    assert probabilistic_sharpe_ratio(sharpe, bar_count=below, **moments) <= level + 1e-9
    assert probabilistic_sharpe_ratio(sharpe, bar_count=above, **moments) >= level - 1e-9


@given(st.floats(1, 1e6), st.floats(1, 1e6))
def test_more_trials_never_help(one: float, other: float) -> None:
    few, many = sorted([one, other])
    deflated = [
        deflated_sharpe_ratio(**PAPER, trial_sharpe_variance=0.002, trial_count=count)
        for count in (few, many)
    ]
    assert deflated[1] <= deflated[0] + 1e-12


def test_one_trial_is_not_deflated() -> None:
    assert expected_max_sharpe_ratio(trial_sharpe_variance=0.002, trial_count=1) == 0.0
    single = deflated_sharpe_ratio(**PAPER, trial_sharpe_variance=0.002, trial_count=1)
    assert single == probabilistic_sharpe_ratio(**PAPER)


@pytest.mark.parametrize("trial_count", [1.0, 1.001, 1.2])
def test_luck_never_has_a_negative_sharpe_ratio(trial_count: float) -> None:
    lucky = expected_max_sharpe_ratio(trial_sharpe_variance=0.01, trial_count=trial_count)
    assert lucky == 0.0


@pytest.mark.parametrize("benchmark", [0.1, 0.2])
def test_no_record_is_long_enough_below_the_benchmark(benchmark: float) -> None:
    assert minimum_track_record_length(0.1, benchmark=benchmark) == math.inf


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sharpe": math.nan}, "sharpe must be a finite number, was nan"),
        ({"sharpe": "0.1"}, "sharpe must be a finite number, was '0.1'"),
        ({"benchmark": math.inf}, "benchmark must be a finite number, was inf"),
        ({"bar_count": 1}, "bar_count must be a whole number >= 2, was 1"),
        ({"bar_count": 10.5}, "bar_count must be a whole number >= 2, was 10.5"),
        ({"bar_count": None}, "bar_count must be a finite number, was None"),
        ({"kurtosis": 0.0}, r"kurtosis must be raw \(3 = normal\), at least 1, was 0.0"),
        ({"sharpe": 1.0, "skew": 3.0}, r"kurtosis must be > 1 \+ skew², .* was 3.0 with skew 3.0"),
        ({"skew": math.nan}, "skew must be a finite number, was nan"),
    ],
)
def test_a_probability_needs_sound_figures(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        probabilistic_sharpe_ratio(**{"sharpe": 0.1, "bar_count": 100} | change)


@pytest.mark.parametrize("level", [0.0, 0.4, 1.0, math.nan])
def test_trust_needs_a_level_of_at_least_a_half(level: float) -> None:
    with pytest.raises(ConfigError, match="level must be"):
        minimum_track_record_length(0.1, level=level)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"trial_count": 0}, "trial_count must be >= 1, was 0"),
        ({"trial_count": math.inf}, "trial_count must be a finite number, was inf"),
        ({"trial_sharpe_variance": -0.1}, "trial_sharpe_variance must be >= 0, was -0.1"),
        ({"trial_sharpe_variance": math.nan}, "trial_sharpe_variance must be a finite number"),
    ],
)
def test_deflating_needs_sound_trials(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        deflated_sharpe_ratio(
            0.1, bar_count=100, **{"trial_sharpe_variance": 0.01, "trial_count": 10} | change
        )
