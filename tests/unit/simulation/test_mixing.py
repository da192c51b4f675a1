"""A normal times its factor is a Student t."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from fanfold.errors import ConfigError
from fanfold.simulation.mixing import (
    DEGREES_MAX,
    DEGREES_MIN,
    MIX_REACH,
    as_degrees,
    mix,
    mixing_table,
    unit_scale,
)

SPREAD = (DEGREES_MIN, 2.5, 4.0, 9.0, 60.0, DEGREES_MAX)


def factors(degrees: float, normal: NDArray[np.float64]) -> NDArray[np.float64]:
    factor = np.empty_like(normal)
    mix.machine(mixing_table(degrees), normal, factor)
    return factor


@pytest.mark.parametrize("degrees", SPREAD)
def test_factor_is_within_1e_8_of_the_quantile_of_chi_square_in_both_tails(degrees: float) -> None:
    normal = np.linspace(-MIX_REACH, MIX_REACH, 20_011)  # no node of the table but the ends
    low = normal < 0.0
    chi_square = np.empty_like(normal)
    chi_square[low] = stats.chi2.ppf(stats.norm.cdf(normal[low]), degrees)
    chi_square[~low] = stats.chi2.isf(stats.norm.sf(normal[~low]), degrees)
    assert factors(degrees, normal) == pytest.approx(np.sqrt(degrees / chi_square), rel=1e-8)


def test_normals_beyond_the_table_give_the_factor_of_its_ends() -> None:
    ends = factors(4.0, np.array([-MIX_REACH, MIX_REACH]))
    beyond = factors(4.0, np.array([-9.0, -np.inf, 9.0, 1e300, np.inf]))
    assert beyond.tolist() == [ends[0], ends[0], ends[1], ends[1], ends[1]]
    assert ends[0] > 1e3
    assert ends[1] < 1.0


@pytest.mark.parametrize("degrees", [2.5, 4.0, 9.0])
def test_normal_times_factor_has_the_distribution_of_a_t(degrees: float) -> None:
    normal = np.random.default_rng(5).standard_normal((2, 200_000))
    drawn = normal[0] * factors(degrees, normal[1])
    assert stats.kstest(drawn, stats.t(degrees).cdf).pvalue > 1e-3
    for level in (0.001, 0.01, 0.05, 0.95, 0.99, 0.999):
        # Share of draws below the true quantile, within 4 standard errors of a binomial.
        share = np.mean(drawn < stats.t.ppf(level, degrees))
        assert share == pytest.approx(level, abs=4 * np.sqrt(level * (1 - level) / len(drawn)))


def test_unit_scale_makes_the_variance_one() -> None:
    normal = np.random.default_rng(6).standard_normal((2, 400_000))
    drawn = normal[0] * factors(9.0, normal[1]) * unit_scale(9.0)
    # The kurtosis of a t with 9 degrees is 3 + 6 / 5, so the variance's error is √(3.2 / n).
    assert np.mean(drawn * drawn) == pytest.approx(1.0, abs=4 * np.sqrt(3.2 / len(drawn)))


def test_many_degrees_leave_the_normal_almost_as_it_is() -> None:
    factor = factors(DEGREES_MAX, np.linspace(-6.0, 6.0, 101))
    assert np.abs(factor - 1.0).max() < 0.05


def test_plain_and_machine_code_give_the_same_bits() -> None:
    normal = np.concatenate([np.random.default_rng(7).standard_normal(500), [-99.0, 99.0, 8.6]])
    table = mixing_table(3.0)
    plain, machine = np.empty_like(normal), np.empty_like(normal)
    mix(table, normal, plain)
    mix.machine(table, normal, machine)
    assert plain.tobytes() == machine.tobytes()


@pytest.mark.parametrize("degrees", [2.0, -1.0, 0.0, np.nan, np.inf, 1e5, None, "four"])
def test_degrees_without_a_finite_variance_are_refused(degrees: float) -> None:
    with pytest.raises(ConfigError, match="degrees must be"):
        as_degrees(degrees)
    with pytest.raises(ConfigError, match="degrees must be"):
        mixing_table(degrees)
