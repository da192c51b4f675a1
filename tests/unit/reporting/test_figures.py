"""Figures and what is read off a sweep, as values."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfold.reporting.figures.equity import equity_figure
from fanfold.reporting.figures.plot import kept_rows
from fanfold.reporting.figures.sweep import distribution, heat_map
from fanfold.reporting.numbers import parameter, percent, plain
from fanfold.reporting.series import drawdowns, rebased
from fanfold.reporting.sweeps import SweepSummary

Make = Callable[..., Any]


@given(
    seed=st.integers(0, 2**32 - 1),
    bar_count=st.integers(1, 3_000),
    column_count=st.integers(1, 4),
    points_max=st.integers(16, 500),
)
def test_thinning_keeps_ends_and_extremes_and_its_limit(
    seed: int, bar_count: int, column_count: int, points_max: int
) -> None:
    rng = np.random.default_rng(seed)
    columns = [np.cumsum(rng.normal(size=bar_count)) for _ in range(column_count)]
    rows = kept_rows(columns, points_max)
    assert len(rows) <= points_max + 2
    assert (np.diff(rows) > 0).all()
    assert rows[0] == 0
    assert rows[-1] == bar_count - 1
    for column in columns:
        assert column[rows].max() == column.max()
        assert column[rows].min() == column.min()


def test_thinning_keeps_a_spike_of_one_bar_in_every_part() -> None:
    level = np.ones(10_000)
    spikes = np.arange(250, 10_000, 500)
    level[spikes] = 2.0
    assert np.isin(spikes, kept_rows([level], 200)).all()


def test_thinning_passes_over_what_is_missing() -> None:
    level = np.full(1_000, np.nan)
    level[500] = 1.0
    assert 500 in kept_rows([level], 50)


def test_a_long_run_is_drawn_with_few_points_and_its_deepest_fall(run_view: Make) -> None:
    minutes = pd.date_range("2020-01-01", periods=50_000, freq="min", tz="UTC")
    level = 100.0 + np.arange(50_000) / 1_000
    level[31_337] = 30.0
    figure = equity_figure(run_view(equity=pd.Series(level, index=minutes)))
    equity, fall = figure["data"]
    assert len(equity["x"]) <= 5_002
    assert equity["x"][0] == "2020-01-01 00:00"
    assert min(equity["y"]) == 30.0
    assert min(fall["y"]) == pytest.approx(30.0 / (100.0 + 31.336) - 1, rel=1e-3)


def test_daily_bars_are_labelled_by_their_day(run_view: Make) -> None:
    assert equity_figure(run_view())["data"][0]["x"][:2] == ["2020-01-01", "2020-01-02"]


def test_a_drawdown_is_the_loss_from_the_highest_so_far() -> None:
    fall = drawdowns(np.array([100.0, 50.0, 200.0, 150.0]))
    assert fall.tolist() == [0.0, 0.5, 0.0, 0.25]


def test_a_benchmark_starts_with_the_equity_of_its_first_bar() -> None:
    level = rebased(np.array([np.nan, 10.0, 20.0]), np.array([100.0, 300.0, 150.0]))
    assert level[1:].tolist() == [300.0, 600.0]
    unknown = np.array([np.nan])
    assert np.isnan(rebased(unknown, np.array([1.0]))).all()


def test_a_missing_benchmark_bar_is_a_gap(run_view: Make) -> None:
    benchmark = pd.Series([np.nan, 10, 12, 6, 9, 11], index=run_view().equity.index)
    figure = equity_figure(run_view(benchmark=benchmark))
    assert figure["data"][1]["y"][:2] == [None, 110.0]


def test_a_grid_holds_every_combination_where_there_are_two_parameters(sweep_view: Make) -> None:
    grid = SweepSummary(sweep_view()).grid()
    assert (grid.x.labels, grid.y.labels) == ([2, 4, 6], [3, 5, 7, 9])
    assert grid.best[0].tolist() == pytest.approx([0.17, np.nan, np.nan], nan_ok=True)
    assert grid.best[3].tolist() == pytest.approx([0.11, 0.31, 0.51])
    heat, best = heat_map(grid, "Sharpe")["data"]
    assert heat["z"][0] == [0.17, None, None]
    assert (best["x"], best["y"]) == ([6], [7])


def test_a_grid_takes_the_two_parameters_that_tell_most_and_the_best_over_others(
    sweep_view: Make,
) -> None:
    rng = np.random.default_rng(0)
    a, b, c = (axis.ravel() for axis in np.meshgrid(range(5), range(6), range(7), indexing="ij"))
    score = a + 0.02 * b + 3.0 * c + rng.normal(0, 0.01, len(a))
    table = pd.DataFrame({"a": a, "b": b, "c": c, "sharpe": score, "status": "ok", "reason": ""})
    grid = SweepSummary(sweep_view(table=table, params=["a", "b", "c"])).grid()
    assert (grid.x.name, grid.y.name, grid.others) == ("a", "c", ("b",))
    best = table.groupby(["c", "a"])["sharpe"].max().unstack().to_numpy()
    assert (grid.best == best).all()


def test_a_parameter_of_many_values_that_says_nothing_is_not_told(sweep_view: Make) -> None:
    """Many groups explain much by chance; the share of variance is corrected for that."""
    rng = np.random.default_rng(1)
    a, b, noise = (axis.ravel() for axis in np.meshgrid(range(3), range(3), range(100)))
    score = 0.3 * a + 0.3 * b + rng.normal(0, 1, len(a))
    table = pd.DataFrame(
        {"noise": noise, "a": a, "b": b, "sharpe": score, "status": "ok", "reason": ""}
    )
    grid = SweepSummary(sweep_view(table=table, params=["noise", "a", "b"])).grid()
    assert {grid.x.name, grid.y.name} == {"a", "b"}


def test_values_without_number_or_with_uneven_steps_are_categories(sweep_view: Make) -> None:
    table = sweep_view().table.assign(slow=lambda t: t["slow"].map({3: 10, 5: 20, 7: 50, 9: 200}))
    table["fast"] = table["fast"].map({2: "ema", 4: "sma", 6: "wma"})
    grid = SweepSummary(sweep_view(table=table)).grid()
    assert grid.x.labels == ["ema", "sma", "wma"]
    assert grid.y.labels == ["10", "20", "50", "200"]
    layout = heat_map(grid, "Sharpe")["layout"]
    assert layout["xaxis"]["type"] == layout["yaxis"]["type"] == "category"


def test_a_random_search_is_drawn_in_bins(sweep_view: Make) -> None:
    rng = np.random.default_rng(2)
    table = pd.DataFrame({"a": rng.uniform(0, 1, 500), "b": rng.uniform(5, 6, 500)})
    table = table.assign(sharpe=table["a"], status="ok", reason="")
    grid = SweepSummary(sweep_view(table=table, params=["a", "b"])).grid()
    assert grid.x.binned
    assert grid.best.shape == (40, 40)
    assert np.nanmax(grid.best) == table["a"].max()
    assert 5.0 < grid.y.labels[0] < grid.y.labels[-1] < 6.0


def test_colours_stand_about_zero_where_both_signs_occur(sweep_view: Make) -> None:
    def bounds(shift: float) -> tuple[float, float]:
        table = sweep_view().table.assign(sharpe=lambda t: t["sharpe"] - shift)
        heat = heat_map(SweepSummary(sweep_view(table=table)).grid(), "Sharpe")["data"][0]
        return heat["zmin"], heat["zmax"]

    assert bounds(0.0) == pytest.approx((0.11, 0.53))
    assert bounds(0.2) == pytest.approx((-0.33, 0.33))


def test_a_distribution_counts_every_result_once(sweep_view: Make) -> None:
    bars = distribution(SweepSummary(sweep_view()))["data"][0]
    assert sum(bars["y"]) == 9


def test_nothing_that_varies_gives_no_grid(sweep_view: Make) -> None:
    table = sweep_view().table.assign(fast=1, slow=2)
    assert SweepSummary(sweep_view(table=table)).grid() is None


def test_rare_reasons_are_counted_together(sweep_view: Make) -> None:
    table = sweep_view().table
    table = table.assign(status="failed", reason=[f"reason {row:02}" for row in range(len(table))])
    outcomes = SweepSummary(sweep_view(table=table)).outcomes()
    assert len(outcomes) == 9
    assert outcomes[-1] == ("failed", "4 other reasons", 4)


def test_numbers_are_typed_as_people_type_them() -> None:
    assert [parameter(value) for value in (1000, -2, 0.1, 30.0, "ema", np.float64(0.25))] == [
        "1000",
        "−2",
        "0.1",
        "30",
        "ema",
        "0.25",
    ]
    assert [percent(value) for value in (-0.25, -0.0001, 0.0)] == ["−25.0%", "0.0%", "0.0%"]
    assert [plain(value) for value in (1234567, 0.123456789, float("-inf"))] == [
        "1,234,567",
        "0.123457",
        "−∞",
    ]
