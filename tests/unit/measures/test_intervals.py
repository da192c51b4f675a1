"""Bootstrap intervals: against `arch`, known errors, and how often they hold the truth."""

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from fanfold.errors import ConfigError, DataError
from fanfold.measures import (
    automatic_block_bars,
    calmar_ratio,
    intervals,
    max_drawdown,
    sharpe_ratio,
    sortino_ratio,
    volatility,
)
from fanfold.measures.intervals import CIRCULAR_BLOCK_RATIO, Interval, bootstrap_interval

KINDS = ["stationary", "circular", "iid"]


def mean_of(returns: np.ndarray) -> np.ndarray:
    return np.mean(returns, axis=0)


def noise(bars: int, series: int, seed: int, rho: float = 0.0) -> np.ndarray:
    shocks = 0.01 * np.random.default_rng(seed).normal(size=(bars + 50, series))
    for bar in range(1, len(shocks)):
        shocks[bar] += rho * shocks[bar - 1]
    return 0.001 + shocks[50:]


def ends(found: Interval) -> list[float]:
    return [float(found.low), float(found.high)]


@pytest.mark.parametrize(
    ("method", "theirs"),
    [("percentile", "percentile"), ("basic", "basic"), ("bias_corrected", "bc")],
)
@pytest.mark.parametrize(
    ("kind", "name"),
    [("stationary", "StationaryBootstrap"), ("circular", "CircularBlockBootstrap")],
)
@pytest.mark.parametrize("measure", [sharpe_ratio, max_drawdown])
def test_intervals_equal_those_of_arch_but_for_luck(
    measure: Callable[..., Any], kind: Any, name: str, method: Any, theirs: str
) -> None:
    returns = noise(150, 1, seed=0)[:, 0]
    found = bootstrap_interval(
        returns, measure, kind=kind, block_bars=5, method=method, draws=4_000, level=0.9
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from arch import bootstrap

        drawn = getattr(bootstrap, name)(5, returns, seed=1)
        expected = drawn.conf_int(measure, 1_000, method=theirs, size=0.9).ravel()
    # A 5 % quantile of 1,000 draws has an error of 0.07 of the draws' deviation, and the
    # shift of "bc" 0.08 more.
    assert ends(found) == pytest.approx(list(expected), abs=0.45 * float(found.standard_error))


def test_the_error_of_a_mean_is_the_one_known() -> None:
    returns = noise(400, 1, seed=2)[:, 0]
    for kind in KINDS:
        block = 1 if kind == "iid" else 2
        found = bootstrap_interval(returns, mean_of, kind=kind, block_bars=block, draws=4_000)  # type: ignore[arg-type]
        centred = returns - returns.mean()
        pair = np.mean(centred * np.roll(centred, 1))
        variance = {"iid": 0.0, "circular": 1.0, "stationary": 2.0 * sum_of_stays(centred)}
        correlated = variance[kind] * (pair if kind == "circular" else 1.0)
        expected = math.sqrt((np.mean(centred**2) + correlated) / len(returns))
        # The deviation of 4,000 draws has an error of 1.1 %.
        assert float(found.standard_error) == pytest.approx(expected, rel=0.045)


def sum_of_stays(centred: np.ndarray) -> float:
    """Sum over lags of the chance that no block has ended, times the covariance around."""
    lags = range(1, 40)
    return sum(0.5**lag * float(np.mean(centred * np.roll(centred, lag))) for lag in lags)


@pytest.mark.parametrize(
    ("rho", "kind", "block", "least"),
    [(0.0, "iid", None, 0.92), (0.0, "stationary", 2, 0.92), (0.4, "stationary", 12, 0.88)],
)
def test_intervals_hold_the_truth_nearly_as_often_as_they_say(
    rho: float, kind: Any, block: int | None, least: float
) -> None:
    """Nominal 95 %; blocks of a correlated series are known to hold somewhat less."""
    bars, trials = 250, 200
    deviation = 0.01 / math.sqrt(1.0 - rho**2)
    held = 0
    for seed in range(trials):
        returns = noise(bars, 1, seed=1_000 + seed, rho=rho)[:, 0]
        found = bootstrap_interval(
            returns, sharpe_ratio, kind=kind, block_bars=block, draws=250, seed=seed
        )
        truth = 0.001 / deviation
        held += float(found.low) <= truth <= float(found.high)
    # Four errors of a share of 0.95 among 200 are 0.06.
    assert least - 0.06 < held / trials < 1.0


def test_bar_by_bar_draws_are_too_sure_of_a_correlated_series() -> None:
    returns = noise(2_000, 1, seed=3, rho=0.5)[:, 0]
    alone = bootstrap_interval(returns, sharpe_ratio, kind="iid")
    blocks = bootstrap_interval(returns, sharpe_ratio)
    # The variance of a mean grows by (1 + rho) / (1 - rho) = 3.
    assert float(blocks.standard_error) > 1.4 * float(alone.standard_error)
    assert blocks.block_bars > 5


@pytest.mark.parametrize("kind", KINDS)
def test_batches_change_nothing_and_seeds_do(kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    returns = noise(60, 2, seed=4)
    options: dict[str, Any] = {"kind": kind, "draws": 50}
    options |= {} if kind == "iid" else {"block_bars": 7}
    whole = bootstrap_interval(returns, volatility, **options)
    monkeypatch.setattr(intervals, "DRAW_NUMBERS_MAX", 1_000)
    batched = bootstrap_interval(returns, volatility, **options)
    other = bootstrap_interval(returns, volatility, seed=1, **options)
    assert np.asarray(batched.low) == pytest.approx(np.asarray(whole.low), rel=1e-12)
    assert np.asarray(batched.high) == pytest.approx(np.asarray(whole.high), rel=1e-12)
    assert not np.array_equal(np.asarray(other.low), np.asarray(whole.low))


@pytest.mark.parametrize("kind", KINDS)
def test_series_are_drawn_at_the_same_bars(kind: Any) -> None:
    returns = noise(80, 1, seed=5)
    twice = bootstrap_interval(np.hstack([returns, 2 * returns]), mean_of, kind=kind)
    low, high = np.asarray(twice.low), np.asarray(twice.high)
    assert low[1] == pytest.approx(2 * low[0])
    assert high[1] == pytest.approx(2 * high[0])
    alone = bootstrap_interval(returns[:, 0], mean_of, kind=kind, block_bars=twice.block_bars)
    assert ends(alone) == pytest.approx([low[0], high[0]])


def test_blocks_keep_what_follows_what() -> None:
    """Returns that are their own bar numbers show where blocks were broken."""
    seen: list[np.ndarray] = []

    def noted(drawn: np.ndarray) -> np.ndarray:
        seen.append(drawn)
        return np.mean(drawn, axis=0)

    bars = np.arange(1_000.0)
    for kind in ("stationary", "circular"):
        seen.clear()
        bootstrap_interval(bars, noted, kind=kind, block_bars=8, draws=500)  # type: ignore[arg-type]
        drawn = np.concatenate(seen[1:], axis=1)
        breaks = np.mean(np.diff(drawn, axis=0) % 1_000 != 1)
        # A new block begins at the next bar by luck once in a thousand.
        assert breaks == pytest.approx(1 / 8, rel=0.02)
        # Every bar is as likely as any other: its count has a deviation of about 2.5 %.
        assert np.bincount(drawn.astype(int).ravel()).min() > 0.8 * 500
        assert drawn.shape == (1_000, 500)


def test_the_automatic_block_is_the_longest_of_returns_and_squares() -> None:
    """Signs without memory on slow volatility: only the squares ask for blocks."""
    rng = np.random.default_rng(6)
    slow = np.exp(np.sin(np.arange(1_000) / 40))
    returns = 0.01 * slow * rng.choice([-1.0, 1.0], 1_000)
    centred = returns - returns.mean()
    wanted = automatic_block_bars(centred**2)
    assert wanted > 2 * automatic_block_bars(centred)
    found = bootstrap_interval(returns, volatility, draws=10)
    assert found.block_bars == math.ceil(wanted)
    fixed = bootstrap_interval(returns, volatility, draws=10, kind="circular")
    assert fixed.block_bars == math.ceil(CIRCULAR_BLOCK_RATIO * wanted)


def test_draws_without_a_value_are_left_out_until_they_are_most() -> None:
    """One loss in thirty bars is missing in a third of the draws, (29/30)^30."""
    returns = np.full(30, 0.01)
    returns[::2] = 0.02
    returns[7] = -0.05
    found = bootstrap_interval(returns, sortino_ratio, kind="iid")
    assert np.isfinite(ends(found)).all()
    gains = np.abs(noise(40, 1, seed=7)[:, 0])
    never = bootstrap_interval(gains, calmar_ratio)
    assert np.isnan([never.value, *ends(never), never.standard_error]).all()


def test_a_constant_series_has_an_interval_of_nothing() -> None:
    found = bootstrap_interval(np.full(40, 0.01), mean_of)
    assert ends(found) == pytest.approx([0.01, 0.01])
    assert found.block_bars == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "moving"}, "kind must be one of stationary, circular, iid, was 'moving'"),
        ({"method": "bca"}, "method must be one of percentile, basic, bias_corrected"),
        ({"draws": 1}, "draws must be a whole number >= 2, was 1"),
        ({"draws": 10**9}, "draws must be <= 100000"),
        ({"level": 95}, "level must be between 0 and 1"),
        ({"seed": -1}, "seed must be a whole number >= 0"),
        ({"block_bars": 41}, "block_bars must be <= the bars, 40, was 41"),
        ({"block_bars": 0}, "block_bars must be a whole number >= 1"),
        ({"kind": "iid", "block_bars": 3}, "block_bars must be 1 or None for iid draws, was 3"),
    ],
)
def test_settings_must_be_possible(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        bootstrap_interval(noise(40, 1, seed=8)[:, 0], mean_of, **options)


def test_a_measure_gives_one_number_per_series() -> None:
    with pytest.raises(ConfigError, match="measure must give one number per series"):
        bootstrap_interval(noise(40, 1, seed=9), np.mean)


@pytest.mark.parametrize(
    ("returns", "message"),
    [
        (np.array([0.01, np.nan]), "returns must be finite"),
        (np.zeros(0), "returns must hold at least one value"),
        (np.linspace(0.0, 0.1, 29), "must have at least 30 bars, had 29"),
        (np.zeros((2, 10_001)), "at most 10000 series, had 10001"),
    ],
)
def test_returns_must_be_enough(returns: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        bootstrap_interval(returns, mean_of)
