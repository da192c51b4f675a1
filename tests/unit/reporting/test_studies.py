"""What is read off a study, and how it is drawn."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfold.errors import DataError
from fanfold.reporting import write_explorer
from fanfold.reporting.figures.study import (
    history_figure,
    importance_figure,
    parallel_figure,
    pareto_figure,
)
from fanfold.reporting.studies import (
    LINES_MAX,
    StudySummary,
    even_subset,
    parallel_of,
    study_of_sweep,
)
from fanfold.reporting.sweeps import nearly_all

Make = Callable[..., Any]
TWO = [("sharpe", "maximize"), ("max_drawdown", "minimize")]


@given(
    row_count=st.integers(0, 3_000),
    rows_max=st.integers(4, 200),
    places=st.lists(st.floats(0, 0.999), max_size=10),
)
def test_a_subset_is_even_keeps_what_it_must_and_its_limit(
    row_count: int, rows_max: int, places: list[float]
) -> None:
    kept = [int(place * row_count) for place in places] if row_count else []
    rows = even_subset(row_count, rows_max, kept)
    assert len(rows) <= max(rows_max, 0)
    assert (np.diff(rows) > 0).all()
    if row_count <= rows_max:
        assert len(rows) == row_count
    else:
        assert np.isin(kept[: rows_max // 2], rows).all()
        # One row from each stretch: no gap is longer than two of them.
        assert np.diff(rows).max() <= 2 * row_count / (rows_max - rows_max // 2) + 1


def test_the_best_so_far_passes_over_trials_without_a_result(study_view: Make) -> None:
    best = StudySummary(study_view()).best_so_far(0)
    assert best.tolist() == [0.1, 0.5, 0.5, 0.5, 0.9, 0.9, 0.9, 0.9]  # 2.0 was pruned
    down = StudySummary(study_view(objectives=[("max_drawdown", "minimize")])).best_so_far(0)
    assert down.tolist() == [0.3, 0.2, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1]


def test_a_history_shows_every_trial_its_steps_and_its_generations(study_view: Make) -> None:
    figure = history_figure(StudySummary(study_view()))
    points, path = figure["data"]
    assert points["x"] == [0, 1, 2, 4, 5]
    assert points["customdata"] == [0, 0, 0, 1, 1]
    assert (path["x"], path["y"]) == ([0, 1, 4, 7], [0.1, 0.5, 0.9, 0.9])
    assert [(band["x0"], band["x1"]) for band in figure["layout"]["shapes"]] == [(3.5, 7.5)]


def test_the_best_trials_go_the_way_of_the_objective(study_view: Make) -> None:
    _, up = StudySummary(study_view()).top()
    assert up["number"].tolist() == [4, 1, 2, 5, 0]
    _, down = StudySummary(study_view(objectives=[("max_drawdown", "minimize")])).top()
    assert down["number"].tolist() == [2, 1, 0, 4, 5]
    _, front = StudySummary(study_view(objectives=TWO, front=[1, 2, 4])).top()
    assert front["number"].tolist() == [4, 1, 2]


def test_parallel_lines_put_what_is_better_further_up(study_view: Make) -> None:
    view = study_view()
    found = parallel_of(view.table, view.params, TWO)
    assert [axis.name for axis in found.axes] == [
        *("fast", "slow", "average"),
        *("Sharpe ratio", "Deepest drawdown"),
    ]
    assert found.trial_count == len(found.lines) == 5
    best = found.lines[-1]  # trial 4: fast 2 of 2 to 8, slow 40 of 10 to 40, the second word
    assert best.tolist() == pytest.approx([0.0, 1.0, 0.75, 1.0, 0.25])
    assert found.axes[3].marks == ((0.0, "0.10"), (1.0, "0.90"))
    assert found.axes[4].marks == ((0.0, "50.0%"), (1.0, "10.0%"))
    assert found.shades.tolist() == sorted(found.shades, reverse=True)
    assert found.shades[-1] == 0


def test_many_trials_are_drawn_as_an_even_subset_with_the_best(
    drawn: Make, sweep_view: Make
) -> None:
    rng = np.random.default_rng(4)
    count = 20_000
    table = pd.DataFrame({name: rng.integers(0, 50, count) for name in "abc"})
    table = table.assign(sharpe=rng.normal(size=count), status="ok", reason="")
    found = parallel_of(table, ["a", "b", "c"], [("sharpe", "maximize")])
    assert LINES_MAX * 0.95 < len(found.lines) <= LINES_MAX
    assert found.trial_count == count
    assert found.lines[-1, -1] == 1.0
    lines = parallel_figure(found)["data"]
    assert len(lines) == 6  # five ranks and the best: a trace each, however many lines
    page = drawn(sweeps=[sweep_view(table=table, params=["a", "b", "c"])])
    assert f"Drawn are {len(found.lines):,} of 20,000, an even choice with the best." in page.text()


def test_a_sweep_of_two_parameters_has_no_parallel_lines(drawn: Make, sweep_view: Make) -> None:
    assert "All parameters at once" not in drawn(sweeps=[sweep_view()]).text()


def test_of_many_parameters_those_that_tell_least_are_left_out() -> None:
    rng = np.random.default_rng(1)
    names = [f"p{place:02}" for place in range(12)]
    table = pd.DataFrame({name: rng.integers(0, 4, 500) for name in names})
    table = table.assign(sharpe=table["p11"] + table["p10"] * 1.0, status="ok", reason="")
    found = parallel_of(table, names, [("sharpe", "maximize")])
    shown = [axis.name for axis in found.axes]
    assert len(shown) == 11
    assert {"p10", "p11"} <= set(shown)
    assert len(found.left_out) == 2


def test_one_trial_that_lost_all_does_not_press_the_others_together() -> None:
    values = np.append(np.linspace(0.0, 1.0, 200), -50.0)
    low, high = nearly_all(values)
    assert -1.0 < low < 0.1
    assert high == 1.0
    assert nearly_all(-values, less_is_better=True) == (-high, -low)
    assert nearly_all(values[:-1]) == (0.0, 1.0)
    assert nearly_all(np.array([np.nan, 0.0, 1.0, 1.0])) == (0.0, 1.0)


def test_a_wide_positive_axis_is_logarithmic() -> None:
    table = pd.DataFrame({"a": [0.001, 0.1, 10.0], "sharpe": [1.0, 2.0, 3.0]})
    found = parallel_of(table.assign(status="ok"), ["a"], [("sharpe", "maximize")])
    assert sorted(found.lines[:, 0].tolist()) == pytest.approx([0.0, 0.5, 1.0])


def test_a_front_is_drawn_in_order_apart_from_the_others(study_view: Make) -> None:
    summary = StudySummary(study_view(objectives=TWO, front=[4, 1, 2]))
    others, front = pareto_figure(summary, 0, 1, joined=True)["data"]
    assert (front["x"], front["y"]) == ([0.3, 0.5, 0.9], [0.1, 0.2, 0.4])
    assert sorted(others["x"]) == [0.1, 0.2]
    assert front["text"][0].startswith("trial 2<br>fast 6")


def test_less_is_better_marks_the_lowest_cell(study_view: Make) -> None:
    (grid, *_) = StudySummary(study_view(objectives=[("max_drawdown", "minimize")])).grids()
    row, column = grid.best_cell()
    assert grid.best[row, column] == 0.1


def test_a_study_tells_its_course_its_best_and_what_became_of_the_rest(
    drawn: Make, study_view: Make
) -> None:
    text = drawn(studies=[study_view()]).text()
    assert "8 trials of fast, slow, average in 2 generations by cmaes" in text
    assert "best fast 2 best slow 40" in text
    assert "The best of 7 trials is the luckiest of 7." in text  # the infeasible one never ran
    assert "pruned below the median 1 12.5%" in text


def test_a_study_without_a_result_still_tells_why(drawn: Make, study_view: Make) -> None:
    table = study_view().table.assign(sharpe=np.nan, status="failed", reason="no data")
    page = drawn(studies=[study_view(table=table, front=[], best={})])
    assert "failed no data 8 100.0%" in page.text()
    assert not page.all("figure")


def test_three_objectives_are_drawn_in_pairs(drawn: Make, study_view: Make) -> None:
    three = [*TWO, ("turnover", "minimize")]
    table = study_view().table.assign(turnover=lambda t: t["fast"] * 1.0)
    headings = drawn(studies=[study_view(table=table, objectives=three)]).headings()
    assert "Deepest drawdown over Sharpe ratio" in headings
    assert "Turnover a year over Sharpe ratio" in headings
    assert "Turnover a year over Deepest drawdown" in headings


def test_importance_is_ranked() -> None:
    (bars,) = importance_figure([("slow", 0.75), ("fast", 0.25)])["data"]
    assert bars["y"] == ["slow", "fast"]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"objectives": []}, "must have an objective"),
        ({"objectives": [("sharpe", "up")]}, "must be one of maximize, minimize, was 'up'"),
        ({"params": ["nothing"]}, "it lacks nothing"),
        ({"front": [8]}, "must be rows of its table"),
    ],
)
def test_a_study_that_does_not_fit_together_is_refused(
    study_view: Make, values: dict[str, Any], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        study_view(**values)


def test_a_sweep_is_explored_as_a_study(sweep_view: Make) -> None:
    study = study_of_sweep(sweep_view())
    assert study.front == [10]  # fast 6 and slow 7: 0.6 − 0.07
    assert study.table["generation"].unique().tolist() == [0]


def test_an_explorer_has_its_parts_and_loads_nothing(
    tmp_path: Path, study_view: Make, sweep_view: Make, folds_view: Make
) -> None:
    given = {"studies": [study_view()], "sweeps": [sweep_view()], "folds": [folds_view()]}
    file = write_explorer(tmp_path / "new" / "explorer.html", title="Look", **given)
    source = file.read_text(encoding="utf-8")
    assert source == write_explorer(file, title="Look", **given).read_text(encoding="utf-8")
    for part in ("All parameters at once", "over two parameters", "Each choice in every fold"):
        assert part in source
    assert "default-src 'none'" in source
    text = source.split('id="figures">')[1].split("</script>")[0]
    figures = json.loads(text)
    for figure in figures.values():
        for one in figure.get("choices", [figure]):
            go.Figure(one)
    assert [len(one["choices"]) for one in figures.values() if "choices" in one] == [3]
