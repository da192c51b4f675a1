"""Each step of the fit is likelier than the one before."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from scipy import stats

from fanfold.simulation.merton_fit import (
    Jumping,
    count_log_probabilities,
    improved,
    likeliest_jumps,
)


def test_likelihood_is_that_of_a_mixture_of_normals() -> None:
    points = np.random.default_rng(0).standard_normal((5, 2))
    jumping = Jumping(
        location=np.array([0.1, -0.2]),
        diffusion=np.array([[0.5, 0.2], [0.2, 0.4]]),
        intensity=0.3,
        mean=np.array([-0.5, 0.3]),
        spread=np.array([[1.0, -0.4], [-0.4, 0.7]]),
    )
    density = sum(
        stats.poisson.pmf(count, 0.3)
        * stats.multivariate_normal.pdf(
            points,
            jumping.location + count * jumping.mean,
            jumping.diffusion + count * jumping.spread,
        )
        for count in range(21)
    )
    assert improved(points, jumping)[0] == pytest.approx(np.log(density).mean(), rel=1e-12)


@given(st.integers(0, 10_000), st.floats(0.01, 3.0), st.integers(1, 3))
@hypothesis_settings(max_examples=15)
def test_no_step_is_less_likely_than_the_one_before(seed: int, intensity: float, size: int) -> None:
    random = np.random.default_rng(seed)
    points = random.standard_t(3, (80, size))
    points = (points - points.mean(axis=0)) / points.std(axis=0)
    loads = random.standard_normal((2, size, size))
    jumping = Jumping(
        location=random.standard_normal(size),
        diffusion=loads[0] @ loads[0].T + 0.1 * np.eye(size),
        intensity=intensity,
        mean=random.standard_normal(size),
        spread=loads[1] @ loads[1].T,
    )
    before = -math.inf
    for _ in range(15):
        reached, jumping = improved(points, jumping)
        assert reached >= before - 1e-10
        before = reached


def test_one_step_of_seen_jumps_takes_their_means() -> None:
    """Jumps so far out that their number is certain: the step is the mean of what is seen."""
    points = np.concatenate([np.linspace(-1, 1, 90), 1_000 + np.linspace(-5, 5, 10)])[:, np.newaxis]
    start = Jumping(
        location=np.zeros(1), diffusion=np.eye(1), intensity=0.05, mean=np.full(1, 1_000.0),
        spread=np.full((1, 1), 100.0),
    )  # fmt: skip
    _, jumping = improved(points, start)
    assert jumping.intensity == pytest.approx(0.1, rel=1e-9)
    assert jumping.mean[0] == pytest.approx(1_000.0, abs=0.5)
    assert jumping.diffusion[0, 0] == pytest.approx(np.var(np.linspace(-1, 1, 90)), rel=0.25)


def test_counts_are_poisson() -> None:
    assert count_log_probabilities(2.5, 30) == pytest.approx(
        stats.poisson.logpmf(np.arange(31), 2.5), rel=1e-12
    )


def test_points_without_any_that_is_far_out_do_not_jump() -> None:
    points = np.tile([-1.0, 1.0], 50)[:, np.newaxis]
    found = likeliest_jumps(points)
    assert found.intensity == 0.0
    assert found.diffusion.tolist() == [[1.0]]
