"""Many measures at once, against the functions of their names."""

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from fanfold import measures
from fanfold.errors import ConfigError, DataError
from fanfold.measures import tiles, wide
from fanfold.measures.fused import USUAL_NAMES, summary

NAMES = (
    *USUAL_NAMES,
    *("cagr", "calmar_ratio", "downside_deviation", "kurtosis", "omega_ratio", "skewness"),
    *("tail_ratio", "total_return"),
)
WITH_LEVEL = ("value_at_risk", "expected_shortfall", "tail_ratio")
ANNUAL = (
    *("sharpe_ratio", "sortino_ratio", "volatility", "downside_deviation"),
    *("cagr", "calmar_ratio"),
)
TABLES = arrays(
    float,
    st.tuples(st.integers(1, 40), st.integers(1, 9)),
    elements=st.integers(-200, 200).map(lambda permille: permille / 1000),
)


def made_wide(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(wide, "WIDE_VALUES_MIN", 1)
    patch.setattr(wide, "WIDE_SERIES_MIN", 1)


def wide_summary(returns: Any, names: Any = NAMES, **terms: Any) -> dict[str, Any]:
    with pytest.MonkeyPatch.context() as patch:
        made_wide(patch)
        return summary(returns, names, **terms)


def daily(bars: int, series: int) -> np.ndarray:
    return 0.0003 + 0.01 * np.random.default_rng(5).standard_t(4, (bars, series))


@given(TABLES)
def test_each_measure_is_the_function_of_its_name(returns: np.ndarray) -> None:
    found = summary(returns, NAMES, level=0.9, periods_per_year=365)
    assert tuple(found) == NAMES
    for name, values in found.items():
        terms = {"level": 0.9} if name in WITH_LEVEL else {}
        terms |= {"periods_per_year": 365} if name in ANNUAL else {}
        np.testing.assert_array_equal(values, getattr(measures, name)(returns, **terms))


@given(returns=TABLES, level=st.sampled_from([0.05, 0.5, 0.9, 0.95, 0.999]))
def test_wide_returns_have_the_values_of_the_functions(returns: np.ndarray, level: float) -> None:
    alone = summary(returns, NAMES, level=level)
    for name, values in wide_summary(returns, level=level).items():
        assert values == pytest.approx(alone[name], rel=1e-9, abs=1e-12, nan_ok=True), name


def test_long_series_keep_the_bits_of_numpy_where_only_sums_and_quantiles_are_taken() -> None:
    returns = daily(1_500, 30)
    alone, together = summary(returns, NAMES), wide_summary(returns)
    for name in set(NAMES) - {"max_drawdown", "calmar_ratio", "skewness", "kurtosis"}:
        np.testing.assert_array_equal(together[name], alone[name], err_msg=name)


@settings(max_examples=20)
@given(
    shape=st.tuples(st.integers(1, 300), st.integers(2, 40)),
    width=st.integers(1, 50),
    room=st.integers(50, 5_000),
    threads=st.integers(1, 4),
)
def test_tiles_threads_and_layout_change_no_bit(
    shape: tuple[int, int], width: int, room: int, threads: int
) -> None:
    returns = daily(*shape)
    expected = wide_summary(returns)
    apart = np.repeat(returns, 2, axis=1)[:, ::2]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wide, "TILE_SERIES_MAX", width)
        patch.setattr(wide, "TURNED_SERIES_MAX", width)
        patch.setattr(wide, "COLLECTED_VALUES_MAX", room)
        patch.setattr(tiles, "TURNED_VALUES_MAX", room)
        for same in (returns, np.asfortranarray(returns), apart):
            found = wide_summary(same, thread_count=threads)
            for name in NAMES:
                np.testing.assert_array_equal(found[name], expected[name], err_msg=name)


@pytest.mark.parametrize("name", NAMES)
def test_a_single_function_takes_the_wide_way_to_the_same_value(name: str) -> None:
    returns = daily(400, 20)
    alone = getattr(measures, name)(returns)
    with pytest.MonkeyPatch.context() as patch:
        made_wide(patch)
        assert getattr(measures, name)(returns) == pytest.approx(alone, rel=1e-9)


def test_rates_are_taken_from_wide_returns_too() -> None:
    returns, rates = daily(60, 20), np.linspace(-0.01, 0.01, 60)
    for ratio in (measures.sharpe_ratio, measures.sortino_ratio, measures.omega_ratio):
        alone = ratio(returns, rates)
        with pytest.MonkeyPatch.context() as patch:
            made_wide(patch)
            assert ratio(returns, rates) == pytest.approx(alone)


def test_one_series_has_one_value_each() -> None:
    found = summary([0.01, -0.02, 0.03])
    assert tuple(found) == USUAL_NAMES
    assert all(isinstance(value, float) for value in found.values())
    assert found["max_drawdown"] == pytest.approx(0.02)


def test_no_names_have_no_measures() -> None:
    assert summary([0.01, -0.02], ()) == {}
    assert wide_summary([[0.01, -0.02]], ()) == {}


def test_read_only_and_narrow_numbers_are_as_good() -> None:
    returns = daily(50, 20).astype(np.float32)
    returns.flags.writeable = False
    same = returns.astype(np.float64)
    same.flags.writeable = False
    for name, values in wide_summary(returns).items():
        np.testing.assert_array_equal(values, wide_summary(same)[name])


def test_wide_returns_are_refused_as_others_are() -> None:
    returns = daily(30, 20)
    for fault, message in [(np.nan, r"was nan at \(3, 4\)"), (np.inf, r"was inf at \(3, 4\)")]:
        broken = returns.copy()
        broken[3, 4] = fault
        with pytest.raises(DataError, match=f"must be finite numbers, {message}"):
            wide_summary(broken)
    # The bar after a total loss is refused as well, though nothing is left to lose.
    broken = returns.copy()
    broken[3:5, 4] = -1.0, -1.5
    with pytest.raises(DataError, match=r"returns must be at least -1, .* was -1\.5$"):
        wide_summary(broken)
    with pytest.raises(DataError, match="returns must compound to a finite equity"):
        wide_summary(np.full((1_000, 20), 3.0))


@pytest.mark.parametrize("of", [summary, wide_summary])
def test_terms_are_checked(of: Any) -> None:
    returns = daily(10, 20)
    with pytest.raises(ConfigError, match=r"names must be of cagr, .*, was 'sharpe'$"):
        of(returns, ("sharpe",))
    with pytest.raises(ConfigError, match="level must be"):
        of(returns, level=95)
    with pytest.raises(ConfigError, match="periods_per_year must be"):
        of(returns, periods_per_year=0)
    for count in (0, 1.5, np.nan, 1_000_000):
        with pytest.raises(ConfigError, match="thread_count must be"):
            of(returns, thread_count=count)


def test_few_returns_load_no_compiler() -> None:
    ask = (
        "import sys, numpy as np; from fanfold.measures.fused import summary;"
        "summary(np.full((2000, 100), 0.01)); print('numba' in sys.modules)"
    )
    answer = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "False"
