"""Fits of Heston's model: what comes back of simulated histories, and of odd ones."""

import math
from typing import Any

import numpy as np
import pytest

from fanfold.errors import DataError
from fanfold.simulation.heston import FIT_BARS_MIN, Heston

LONG_VARIANCE = 1e-4


def simulated(
    bars: int, *, reversion: Any, spread: float, leverage: Any, seed: int, **others: Any
) -> np.ndarray:
    """Returns of a model whose variance deviates by `spread` of its mean in the long run."""
    model = Heston(
        drift=3e-4,
        variance=LONG_VARIANCE,
        long_variance=LONG_VARIANCE,
        reversion=reversion,
        variance_volatility=spread * np.sqrt(2 * np.asarray(reversion) * LONG_VARIANCE),
        leverage=leverage,
        substeps=4,  # finer than what is fitted
        **others,
    )
    return model.draw(bar_count=bars, path_count=1, seed=seed)[0]


def spread_of(model: Heston) -> float:
    return model.variance_volatility[0] / math.sqrt(2 * model.reversion[0] * model.long_variance[0])


@pytest.mark.parametrize(
    ("reversion", "spread", "leverage"), [(0.02, 0.7, -0.6), (0.05, 0.5, 0.0), (0.1, 0.9, -0.8)]
)
def test_fit_finds_its_own_parameters(reversion: float, spread: float, leverage: float) -> None:
    returns = simulated(12_000, reversion=reversion, spread=spread, leverage=leverage, seed=11)
    model = Heston.fit(returns)
    # The bands are what such histories tell: the variance is never seen itself.
    assert model.reversion[0] == pytest.approx(reversion, rel=0.25)
    assert spread_of(model) == pytest.approx(spread, rel=0.15)
    assert model.leverage[0] == pytest.approx(leverage, abs=0.07)
    assert model.long_variance[0] == pytest.approx(LONG_VARIANCE, rel=0.2)
    assert model.drift[0] == pytest.approx(3e-4, abs=4 * 0.01 / math.sqrt(12_000))


def test_fit_of_two_assets_finds_how_they_move_together() -> None:
    returns = simulated(
        6_000, reversion=[0.03, 0.06], spread=0.7, leverage=[-0.6, 0.0], seed=2, correlation=0.7
    )
    model = Heston.fit(returns)
    assert model.correlation[0][1] == pytest.approx(0.68, abs=0.04)
    assert model.leverage[0] == pytest.approx(-0.6, abs=0.1)
    assert model.leverage[1] == pytest.approx(0.0, abs=0.1)
    alone = Heston.fit(returns[:, 1])
    assert (alone.reversion[0], alone.variance[0]) == (model.reversion[1], model.variance[1])


def test_paths_begin_with_the_variance_that_the_history_ended_with() -> None:
    rng = np.random.default_rng(3)
    calm, wild = 0.005 * rng.standard_normal(700), 0.02 * rng.standard_normal(700)
    ends_wild = Heston.fit(np.concatenate([calm, wild]))
    ends_calm = Heston.fit(np.concatenate([wild, calm]))
    assert ends_wild.variance[0] == pytest.approx(0.02**2, rel=0.4)
    assert ends_calm.variance[0] == pytest.approx(0.005**2, rel=0.6)


def odd_histories() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    crash = 0.01 * rng.standard_normal(2_000)
    crash[100] = -0.9
    once = np.zeros(1_000)
    once[10] = 0.1
    twins = np.repeat(0.01 * rng.standard_t(3, (500, 1)), 2, axis=1)
    return {
        "shortest": 0.01 * rng.standard_normal(FIT_BARS_MIN),
        "without a variance that moves": 0.01 * rng.standard_normal(2_000),
        "one crash": crash,
        "one move": once,
        "two values": np.tile([0.01, -0.01], 300),
        "tiny": 1e-9 * rng.standard_normal(600),
        "huge": np.expm1(4.0 * rng.standard_normal(600)),
        "twins": twins,
    }


@pytest.mark.parametrize("name", odd_histories())
def test_every_history_gives_a_model_that_can_be_drawn(name: str) -> None:
    model = Heston.fit(odd_histories()[name])
    paths = model.draw(bar_count=20, path_count=20, seed=1)
    assert np.isfinite(paths).all()
    assert (paths >= -1.0).all()


@pytest.mark.parametrize(
    ("returns", "message"),
    [
        (np.linspace(-0.01, 0.01, 30), "at least 250 bars, had 30"),
        (np.zeros(300), "must vary"),
        (np.full(300, np.nan), "finite"),
        (np.where(np.arange(300) == 7, -1.0, 0.01), "above -1"),
    ],
)
def test_a_history_that_tells_nothing_is_refused(returns: np.ndarray, message: str) -> None:
    with pytest.raises(DataError, match=message):
        Heston.fit(returns)
