"""The bootstrap of whole bars: every bar of a path is a bar of the history, shape and all."""

import pickle
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.both_ways import few
from tests.fakes.panels import bars_of, wild_bars

from fanfold.domain.bars import Bars
from fanfold.domain.panel import CLOSE, HIGH, LOW, OPEN, VOLUME
from fanfold.errors import ConfigError, DataError
from fanfold.simulation import whole_bars
from fanfold.simulation.bars import BarSource
from fanfold.simulation.whole_bars import HISTORY_BARS_MIN, WholeBars, lay_shapes


def calm_bars(seed: int, bar_count: int, asset_count: int, **how: Any) -> Bars:
    return wild_bars(seed, bar_count, asset_count, absent_share=0.0, **how)


def with_panel(bars: Bars, **absent: slice) -> Bars:
    """The bars, an asset's missing in a slice: `A1=slice(3, 5)`."""
    panel = bars.panel.copy()
    for symbol, where in absent.items():
        panel[:, where, bars.symbols.index(symbol)] = np.nan
    return replace(bars, panel=panel)


def positions_of(source: WholeBars, path: int, seed: int) -> np.ndarray:
    """Bars of the template that follow the first bar of a path."""
    drawn = source.bootstrap.draw_bars(
        bar_count=source.template.bar_count - 1, path_count=1, seed=seed, first_path=path
    )
    return source.first_history_bar + drawn[0]


def test_the_history_in_its_own_order_is_the_history() -> None:
    bars = with_panel(calm_bars(1, 60, 3), A1=slice(10, 13), A2=slice(40, 41))
    path = WholeBars.fit(bars, block_bars=5)._bars(np.arange(59), seed=0, path=0)
    np.testing.assert_allclose(path.panel, bars.panel, rtol=1e-9)


@few
@given(
    seed=st.integers(0, 2**32),
    assets=st.integers(1, 4),
    session_bars=st.sampled_from([1, 3]),
    calendar=st.sampled_from(["XNYS", "24/7"]),
    kind=st.sampled_from(["stationary", "circular", "moving"]),
)
def test_every_bar_is_a_whole_bar_of_the_history(
    seed: int, assets: int, session_bars: int, calendar: str, kind: Any
) -> None:
    bars = calm_bars(seed, 40, assets, session_bars=session_bars, calendar=calendar)
    source = WholeBars.fit(bars, kind=kind, block_bars=4)
    path, drawn = source.bars(path=3, seed=seed), positions_of(source, 3, seed)
    np.testing.assert_array_equal(path.panel[:4, 0], bars.panel[:4, 0])
    for field in (HIGH, LOW, CLOSE):
        shape, known = path.panel[field] / path.open, bars.panel[field] / bars.open
        np.testing.assert_allclose(shape[1:], known[drawn], rtol=1e-12)
    gap, known = path.open[1:] / path.close[:-1], bars.open[1:] / bars.close[:-1]
    np.testing.assert_allclose(gap, known[drawn - 1], rtol=1e-12)
    moved, known = path.close[1:] / path.close[:-1], bars.close[1:] / bars.close[:-1]
    np.testing.assert_allclose(moved, known[drawn - 1], rtol=1e-12)
    assert (path.high >= np.maximum(path.open, path.close) * (1.0 - 1e-12)).all()
    assert (path.low <= np.minimum(path.open, path.close) * (1.0 + 1e-12)).all()


def test_positions_follow_blocks_of_the_stated_length() -> None:
    source = WholeBars.fit(calm_bars(2, 200, 2), kind="circular", block_bars=8)
    drawn = positions_of(source, 0, 1)
    steps = np.diff(drawn).reshape(-1)[: 8 * 24].reshape(24, 8)[:, :7]
    assert np.isin(steps, [1, 1 - len(source.shapes)]).all()


def test_a_missing_bar_is_carried_with_the_others() -> None:
    bars = with_panel(calm_bars(3, 60, 2), A1=slice(20, 23))
    source = WholeBars.fit(bars, block_bars=6)
    path, drawn = source.bars(path=1, seed=5), positions_of(source, 1, 5)
    absent = np.isnan(path.close[1:, 1])
    np.testing.assert_array_equal(absent, np.isin(drawn, [20, 21, 22]))
    assert absent.any()
    assert np.isfinite(path.close[:, 0]).all()
    # The bar after them keeps its gap from the asset's own last close.
    after = np.flatnonzero(drawn == 23) + 1
    own = path.close[:, 1]
    for bar in after.tolist():
        before = own[:bar][~np.isnan(own[:bar])][-1]
        assert path.open[bar, 1] / before == pytest.approx(bars.open[23, 1] / bars.close[19, 1])


def test_the_history_is_the_common_life_of_all_assets() -> None:
    bars = with_panel(calm_bars(4, 90, 3), A1=slice(0, 30), A2=slice(70, 90))
    source = WholeBars.fit(bars, block_bars=3)
    assert source.first_history_bar == 31
    assert len(source.shapes) == 70 - 31
    path = source.bars(path=0)
    # Each asset lives in every path when it lived, and begins as it began.
    np.testing.assert_array_equal(np.isnan(path.close), np.isnan(bars.close))
    np.testing.assert_array_equal(path.panel[:4, 30, 1], bars.panel[:4, 30, 1])


def test_volume_is_a_share_of_the_level_of_its_time() -> None:
    panel = np.empty((5, 400, 1))
    panel[:4] = np.exp(0.01 * np.random.default_rng(1).standard_normal((400, 1)))
    # The level rises a hundredfold; every tenth bar has five times the others' volume.
    level = np.where(np.arange(400) < 200, 100.0, 10_000.0)
    panel[VOLUME, :, 0] = level * np.where(np.arange(400) % 10 == 0, 5.0, 1.0)
    panel[VOLUME, 7, 0] = 0.0
    panel[VOLUME, 8, 0] = np.nan
    source = WholeBars.fit(bars_of(panel), block_bars=5)
    path, drawn = source.bars(path=0, seed=2), positions_of(source, 0, 2)
    calm = (drawn >= 300) | ((drawn >= 64) & (drawn < 200))
    late = np.arange(1, 400) >= 300
    busy = np.where(drawn % 10 == 0, 50_000.0, 10_000.0)
    np.testing.assert_allclose(path.volume[1:, 0][calm & late], busy[calm & late])
    np.testing.assert_array_equal(path.volume[1:, 0] == 0.0, drawn == 7)
    np.testing.assert_array_equal(np.isnan(path.volume[1:, 0]), drawn == 8)


def test_splits_are_undone_and_dividends_are_earned() -> None:
    bars = calm_bars(5, 50, 1)
    splits, dividends = np.ones((50, 1)), np.zeros((50, 1))
    splits[20], dividends[30] = 2.0, 3.0
    panel = bars.panel.copy()
    panel[:VOLUME, 20:] /= 2.0
    panel[VOLUME, 20:] *= 2.0
    paid = panel.copy()
    # From the ex-date on, all prices are lower by the dividend's share of the close before.
    paid[:VOLUME, 30:] *= 1.0 - 3.0 / panel[CLOSE, 29]
    actions = replace(bars, panel=paid, splits=splits, dividends=dividends)
    plain, other = (WholeBars.fit(each, block_bars=4) for each in (bars, actions))
    np.testing.assert_allclose(other.shapes, plain.shapes, rtol=1e-12)
    path = other.bars(path=2, seed=1)
    assert path.splits is None
    assert path.dividends is None
    np.testing.assert_allclose(path.panel, plain.bars(path=2, seed=1).panel, rtol=1e-9)


def test_a_dividend_without_a_bar_is_earned_at_the_next() -> None:
    bars = calm_bars(6, 50, 1)
    dividends = np.zeros((50, 1))
    dividends[30] = 0.01 * bars.close[28]
    bars = with_panel(replace(bars, dividends=dividends), A0=slice(29, 31))
    shapes = WholeBars.fit(bars, block_bars=4).shapes
    assert shapes[30, OPEN, 0] == pytest.approx(bars.open[31, 0] / (0.99 * bars.close[28, 0]))


def test_a_dividend_above_the_price_is_refused() -> None:
    dividends = np.zeros((50, 1))
    dividends[30] = 1e7
    with pytest.raises(DataError, match="dividends must be below the close before them"):
        WholeBars.fit(replace(calm_bars(6, 50, 1), dividends=dividends), block_bars=4)


def test_a_benchmark_and_further_columns_are_those_of_the_bars_drawn() -> None:
    levels = np.exp(np.cumsum(0.01 * np.random.default_rng(3).standard_normal(60)))
    numbers = np.arange(60.0)[:, np.newaxis]
    bars = replace(
        calm_bars(7, 60, 1), benchmark=levels, benchmark_name="index", extra={"number": numbers}
    )
    source = WholeBars.fit(bars, block_bars=5)
    path, drawn = source.bars(path=0), positions_of(source, 0, 0)
    assert path.benchmark is not None
    assert path.benchmark_name == "index"
    steps = path.benchmark[1:] / path.benchmark[:-1]
    np.testing.assert_allclose(steps, levels[drawn] / levels[drawn - 1])
    np.testing.assert_array_equal(path.extra["number"][1:, 0], drawn)
    unknown = np.where(np.arange(60) == 30, np.nan, levels)
    assert (
        WholeBars.fit(replace(bars, benchmark=unknown), block_bars=5).bars(path=0).benchmark is None
    )


def test_a_benchmark_need_be_known_in_the_history_only() -> None:
    known = (np.arange(60) >= 20) & (np.arange(60) < 50)
    levels = np.where(known, 100.0 + np.arange(60), np.nan)
    bars = replace(
        calm_bars(7, 60, 2),
        benchmark=levels,
        extra={"number": np.arange(60.0)[:, np.newaxis] + [0, 0]},
    )
    source = WholeBars.fit(with_panel(bars, A0=slice(50, 60), A1=slice(0, 20)), block_bars=5)
    path, drawn = source.bars(path=0), positions_of(source, 0, 0)
    assert path.benchmark is not None
    assert path.benchmark[0] == 120.0
    np.testing.assert_allclose(
        path.benchmark[1:] / path.benchmark[:-1], levels[drawn] / levels[drawn - 1]
    )
    np.testing.assert_array_equal(path.extra["number"][1:, 0], drawn)


def test_a_path_is_the_same_alone_and_among_others(monkeypatch: pytest.MonkeyPatch) -> None:
    source: BarSource = WholeBars.fit(wild_bars(8, 50, 2), block_bars=5)
    alone = [source.bars(path=path, seed=4).fingerprint for path in range(7)]
    monkeypatch.setattr(whole_bars, "DRAWN_PATHS_MAX", 2)
    others = [path.fingerprint for path in source.each(path_count=5, seed=4, first_path=2)]
    assert others == alone[2:]
    assert len(set(alone)) == 7
    assert pickle.loads(pickle.dumps(source)).bars(path=3, seed=4).fingerprint == alone[3]  # noqa: S301  (its own bytes)


@few
@given(seed=st.integers(0, 2**32), wrong=st.sampled_from([0.0, 1e30, np.inf]))
def test_plain_and_machine_lay_the_same_bits(seed: int, wrong: float) -> None:
    source = WholeBars.fit(wild_bars(9, 40, 2), block_bars=5)
    positions = np.random.default_rng(seed).integers(0, len(source.shapes), 39)
    shapes = source.shapes.copy()
    if seed % 2 == 0:
        shapes[5, OPEN, 0] = wrong
    panels = [np.full(source.template.panel.shape, np.nan) for _ in range(2)]
    faults = [
        lay(positions, shapes, source.volume_level, source._first_fields, source._life, panel)
        for lay, panel in zip((lay_shapes, lay_shapes.machine), panels, strict=True)
    ]
    assert faults[0] == faults[1]
    assert (faults[0] >= 0) == (seed % 2 == 0 and bool(np.isin(5, positions[:39])))
    np.testing.assert_array_equal(*panels)


def test_prices_that_explode_are_named() -> None:
    rising = np.full((5, 40, 1), 1.0)
    rising[:4, :, 0] = 1e-3 * np.exp(0.6 * np.arange(40.0) + 0.01 * np.sin(np.arange(40.0)))
    rising[:4, 0] = 1e3
    with pytest.raises(DataError, match=r"from 1e-06 to 1e\+09, A0 left them .* of path 3"):
        WholeBars.fit(bars_of(rising), block_bars=20).bars(path=3)


@pytest.mark.parametrize("bar_count", [2, HISTORY_BARS_MIN])
def test_too_few_common_bars_are_refused(bar_count: int) -> None:
    with pytest.raises(
        DataError, match=f"at least {HISTORY_BARS_MIN} bars .* had {bar_count - 1};"
    ):
        WholeBars.fit(calm_bars(1, bar_count, 1), block_bars=1)


def test_assets_that_never_lived_together_are_refused() -> None:
    apart = with_panel(calm_bars(1, 80, 2), A0=slice(0, 45), A1=slice(40, 80))
    with pytest.raises(DataError, match="had 0; fewer symbols may have more"):
        WholeBars.fit(apart, block_bars=1)
    with pytest.raises(DataError, match="had 0"):
        WholeBars.fit(with_panel(calm_bars(1, 80, 2), A0=slice(0, 80)), block_bars=1)


def test_prices_that_never_move_are_refused() -> None:
    with pytest.raises(DataError, match="must vary"):
        WholeBars.fit(bars_of(np.full((5, 60, 1), 10.0)), block_bars=1)


def test_counts_are_refused_at_once() -> None:
    source = WholeBars.fit(calm_bars(1, 40, 1), block_bars=1)
    with pytest.raises(ConfigError, match="path_count must be a whole number"):
        source.each(path_count=0)
