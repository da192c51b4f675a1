"""Bars of simulated paths: prices from the moves, everything else from the template."""

import math
import pickle
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.both_ways import few
from tests.fakes.panels import bars_of, flat_bars, wild_bars

from fanfold.domain.bars import Bars
from fanfold.domain.panel import CLOSE, HIGH, LOW, OPEN, VOLUME
from fanfold.errors import ConfigError, DataError
from fanfold.simulation import bars as simulated
from fanfold.simulation.bars import BarSource, ModelBars, bridge_uniforms, lay_moves, simulated_bars
from fanfold.simulation.bridge import bridge_extremes
from fanfold.simulation.gbm import GBM
from fanfold.simulation.paths import drawn_moves


def gbm(assets: int, volatility: float = 0.02) -> GBM:
    return GBM(drift=0.0, volatility=[volatility] * assets, correlation=0.4)


def laid(moves: np.ndarray, volume: np.ndarray, first_open: np.ndarray) -> tuple[int, np.ndarray]:
    """Both ways, which must agree in every bit."""
    uniforms = np.random.default_rng(1).random((*volume.shape, 2))
    plain, machine = (np.full((5, *volume.shape), np.nan) for _ in range(2))
    fault = lay_moves(moves, uniforms, volume, first_open, plain)
    assert lay_moves.machine(moves, uniforms, volume, first_open, machine) == fault
    np.testing.assert_array_equal(plain, machine)
    return fault, plain


def moves_of(returns: list[float], gaps: list[float], variance: float = 1e-4) -> np.ndarray:
    """The moves of one asset."""
    return np.column_stack([returns, gaps, np.full(len(returns), variance)])


def test_a_bar_opens_a_gap_away_and_closes_where_the_move_ends() -> None:
    moves = moves_of([0.03, -0.02, 0.05], [0.01, -0.03, 0.0])
    fault, panel = laid(moves, np.full((3, 1), 7.0), np.array([100.0]))
    assert fault == -1
    open_, close = panel[OPEN, :, 0], panel[CLOSE, :, 0]
    # The first bar has no close before it to gap from: it begins at the first price.
    assert open_[0] == 100.0
    np.testing.assert_allclose(close[0], 100.0 * math.exp(0.02))
    np.testing.assert_allclose(open_[1:] / close[:-1], np.exp([-0.03, 0.0]))
    np.testing.assert_allclose(close[1:] / close[:-1], np.exp([-0.02, 0.05]))
    assert (panel[VOLUME] == 7.0).all()


def test_without_inner_variance_the_extremes_are_the_ends() -> None:
    _, panel = laid(
        moves_of([0.03, -0.02], [0.0, 0.0], variance=0.0), np.ones((2, 1)), np.array([5.0])
    )
    np.testing.assert_array_equal(panel[HIGH], np.maximum(panel[OPEN], panel[CLOSE]))
    np.testing.assert_array_equal(panel[LOW], np.minimum(panel[OPEN], panel[CLOSE]))


def test_each_extreme_takes_a_uniform_of_its_own() -> None:
    _, panel = laid(moves_of([0.03], [0.01], variance=4e-4), np.ones((1, 1)), np.array([50.0]))
    high, low = np.random.default_rng(1).random(2)
    top, bottom = bridge_extremes(0.03 - 0.01, 4e-4, high, low)
    np.testing.assert_allclose(panel[[HIGH, LOW], 0, 0], 50.0 * np.exp([top, bottom]))


def test_moves_without_a_bar_come_as_a_gap_when_the_asset_returns() -> None:
    volume = np.array([[1.0], [np.nan], [np.nan], [1.0]])
    _, panel = laid(
        moves_of([0.01, 0.02, 0.03, 0.04], [0.0, 0.01, 0.0, 0.015]), volume, np.array([10.0])
    )
    assert np.isnan(panel[:, 1:3]).all()
    np.testing.assert_allclose(panel[OPEN, 3] / panel[CLOSE, 0], math.exp(0.02 + 0.03 + 0.015))
    np.testing.assert_allclose(panel[CLOSE, 3] / panel[CLOSE, 0], math.exp(0.02 + 0.03 + 0.04))


def test_moves_before_the_first_bar_are_not_its_own() -> None:
    volume = np.array([[np.nan], [1.0]])
    _, panel = laid(moves_of([0.5, 0.02], [0.0, 0.005]), volume, np.array([10.0]))
    assert panel[OPEN, 1, 0] == 10.0
    np.testing.assert_allclose(panel[CLOSE, 1, 0], 10.0 * math.exp(0.015))


def test_unknown_volume_stays_unknown_and_zero_stays_zero() -> None:
    volume = np.array([[-1.0], [0.0]])
    _, panel = laid(moves_of([0.5, 0.02], [0.0, 0.0]), volume, np.array([10.0]))
    np.testing.assert_array_equal(panel[VOLUME, :, 0], [np.nan, 0.0])


@pytest.mark.parametrize(
    ("move", "gap", "variance"),
    [
        (math.nan, 0.0, 1e-4),
        (0.0, math.nan, 1e-4),
        (math.inf, 0.0, 1e-4),
        (0.0, -math.inf, 1e-4),
        (0.0, 0.0, math.inf),
        (25.0, 0.0, 1e-4),
        (-25.0, 0.0, 1e-4),
        (-900.0, 0.0, 0.0),
        (900.0, 900.0, 0.0),
    ],
)
def test_a_price_that_is_none_is_found_where_it_happens(
    move: float, gap: float, variance: float
) -> None:
    moves = moves_of([0.0, move, 0.0], [0.0, gap, 0.0], variance=1e-4)
    moves[1, 2] = variance
    assert laid(moves, np.ones((3, 1)), np.array([10.0]))[0] == 1


@few
@given(
    seed=st.integers(0, 2**32),
    bar_count=st.integers(1, 30),
    assets=st.integers(1, 4),
    session_bars=st.sampled_from([1, 3]),
    calendar=st.sampled_from(["XNYS", "24/7"]),
)
def test_bars_of_any_market_can_be_simulated(
    seed: int, bar_count: int, assets: int, session_bars: int, calendar: str
) -> None:
    market = wild_bars(
        seed, max(bar_count, 2), assets, session_bars=session_bars, calendar=calendar, events=True
    )
    path = simulated_bars(gbm(assets), market, path=2, seed=seed)
    np.testing.assert_array_equal(np.isnan(path.close), np.isnan(market.close))
    np.testing.assert_array_equal(np.isnan(path.volume), np.isnan(market.volume))
    np.testing.assert_array_equal(path.volume == 0.0, market.volume == 0.0)
    there = ~np.isnan(path.close)
    highest, lowest = np.fmax(path.open, path.close), np.fmin(path.open, path.close)
    assert (path.high >= highest)[there].all()
    assert (path.low <= lowest)[there].all()


def test_closes_follow_the_models_own_path() -> None:
    market = wild_bars(3, 40, 3, absent_share=0.0)
    path = simulated_bars(gbm(3), market, path=6, seed=9)
    moves = drawn_moves(gbm(3), bar_count=40, path_count=8, seed=9)[6, :, :3]
    np.testing.assert_allclose(np.diff(np.log(path.close), axis=0), moves[1:], atol=1e-12)
    np.testing.assert_array_equal(path.open[0], market.open[0])


def test_ranges_inside_bars_tell_the_models_volatility() -> None:
    market = bars_of(np.full((5, 4_000, 1), 10.0), session_bars=8, calendar="24/7")
    path = simulated_bars(gbm(1, 0.01), market, path=0, seed=1)
    squares = np.log(path.high / path.low) ** 2 / (4.0 * math.log(2.0))
    # Parkinson (1980): without drift the mean squared range is 4 ln 2 variances.
    error = np.std(squares) / math.sqrt(len(squares))
    assert np.mean(squares) == pytest.approx(1e-4, abs=4.0 * error)


def test_a_path_is_the_same_alone_and_among_others(monkeypatch: pytest.MonkeyPatch) -> None:
    market = wild_bars(5, 25, 2)
    source: BarSource = ModelBars(model=gbm(2), template=market)
    alone = [source.bars(path=path, seed=4).fingerprint for path in range(7)]
    monkeypatch.setattr(simulated, "DRAWN_PATHS_MAX", 2)
    others = [path.fingerprint for path in source.each(path_count=5, seed=4, first_path=2)]
    assert others == alone[2:]
    assert len(set(alone)) == 7
    assert source.bars(path=0, seed=5).fingerprint != alone[0]
    assert pickle.loads(pickle.dumps(source)).bars(path=3, seed=4).fingerprint == alone[3]  # noqa: S301  (its own bytes)


def test_each_path_and_seed_has_bridges_of_its_own() -> None:
    drawn = [bridge_uniforms(seed, path, 5, 2) for seed in (0, 1, 2**62) for path in (0, 1, 10**9)]
    assert len({each.tobytes() for each in drawn}) == 9


def test_later_bars_change_no_earlier_one() -> None:
    market = wild_bars(6, 30, 2, absent_share=0.0)
    shorter = replace(
        market,
        ts=market.ts[:12],
        panel=market.panel[:, :12],
        session_day=market.session_day[:12],
        minutes_to_close=market.minutes_to_close[:12],
        is_month_end=market.is_month_end[:12],
    )
    whole = simulated_bars(gbm(2), market, path=1, seed=2)
    part = simulated_bars(gbm(2), shorter, path=1, seed=2)
    np.testing.assert_array_equal(part.panel, whole.panel[:, :12])


def test_assets_draw_extremes_of_their_own() -> None:
    market = bars_of(np.full((5, 50, 2), 10.0))
    path = simulated_bars(GBM(drift=0.0, volatility=[0.01, 0.01], correlation=1.0), market, path=0)
    np.testing.assert_allclose(path.close[:, 0], path.close[:, 1])
    assert (np.abs(path.high[:, 0] - path.high[:, 1]) > 1e-9).mean() > 0.9


def split_market() -> Bars:
    """A split of 2 for 1 before the third of four bars; a dividend before the last."""
    bars = flat_bars([100.0, 100.0, 50.0, 49.0])
    panel = bars.panel.copy()
    panel[VOLUME, :, 0] = [10.0, 10.0, 20.0, 20.0]
    return replace(
        bars,
        panel=panel,
        splits=np.array([[1.0], [1.0], [2.0], [1.0]]),
        dividends=np.array([[0.0], [0.0], [0.0], [1.0]]),
    )


def test_simulated_assets_have_no_splits_and_pay_no_dividends() -> None:
    path = simulated_bars(gbm(1), split_market(), path=0)
    assert path.splits is None
    assert path.dividends is None
    assert path.basis == "raw"
    # In units of the first bar, of which nothing has become two.
    np.testing.assert_array_equal(path.volume[:, 0], [10.0, 10.0, 10.0, 10.0])
    assert (np.abs(np.diff(np.log(path.close[:, 0]))) < 0.2).all()


def test_real_prices_keep_the_distance_of_the_first_bar() -> None:
    market = split_market()
    adjusted = market.panel.copy()
    adjusted[:VOLUME, :2] *= 0.5
    template = replace(
        market, panel=adjusted, raw=market.panel, basis="split", splits=None, dividends=None
    )
    path = simulated_bars(gbm(1), template, path=0)
    assert path.basis == "split"
    assert path.raw is not None
    np.testing.assert_allclose(path.raw[:VOLUME], 2.0 * path.panel[:VOLUME])
    np.testing.assert_array_equal(path.raw[VOLUME], path.volume)
    # 20 units at 50 after the split are 10 units at 100.
    np.testing.assert_array_equal(path.volume[:, 0], [10.0, 10.0, 10.0, 10.0])
    assert simulated_bars(gbm(1), replace(template, raw=None), path=0).raw is None


def test_what_is_no_price_stays_as_it_was() -> None:
    market = wild_bars(11, 30, 3, events=True)
    market = replace(
        market,
        benchmark=np.linspace(100.0, 110.0, 30),
        benchmark_name="index",
        extra={"sector": np.full((30, 3), 2.0)},
        source="a file",
    )
    path = simulated_bars(gbm(3), market, path=8, seed=3)
    for name in ("symbols", "basis", "calendar", "calendars"):
        assert getattr(path, name) == getattr(market, name)
    for name in ("ts", "session_day", "minutes_to_close", "is_month_end", "members"):
        np.testing.assert_array_equal(getattr(path, name), getattr(market, name))
    np.testing.assert_array_equal(path.delisted_day, market.delisted_day)
    np.testing.assert_array_equal(path.extra["sector"], market.extra["sector"])
    # The index of another world says nothing about this one.
    assert path.benchmark is None
    assert path.source == "simulated by GBM, seed 3, path 8, after a file"


def test_an_asset_without_bars_stays_without() -> None:
    panel = np.full((5, 6, 2), 10.0)
    panel[:, :, 1] = np.nan
    path = simulated_bars(gbm(2), bars_of(panel), path=0)
    assert np.isnan(path.panel[:, :, 1]).all()
    assert (path.close[:, 0] > 0.0).all()


def test_one_bar_is_enough() -> None:
    path = simulated_bars(gbm(1), bars_of(np.full((5, 1, 1), 10.0)), path=0)
    assert path.open[0, 0] == 10.0
    assert path.close[0, 0] != 10.0


def test_a_model_of_other_assets_is_refused() -> None:
    with pytest.raises(ConfigError, match="must be of the 1 assets of the bars, was of 2"):
        simulated_bars(gbm(2), flat_bars([10.0, 11.0]), path=0)


def test_prices_that_explode_are_named() -> None:
    market = flat_bars([10.0, 11.0, 12.0], symbols=["WILD"])
    with pytest.raises(DataError, match=r"from 1e-06 to 1e\+09, WILD left them .* of path 3"):
        simulated_bars(gbm(1, 60.0), market, path=3)


@pytest.mark.parametrize(
    "counts", [{"path_count": 0}, {"path_count": 1, "seed": -1}, {"path_count": 2.5}]
)
def test_counts_are_refused_at_once(counts: dict[str, int]) -> None:
    source = ModelBars(model=gbm(1), template=flat_bars([10.0, 11.0]))
    with pytest.raises(ConfigError, match="must be a whole number"):
        source.each(**counts)
