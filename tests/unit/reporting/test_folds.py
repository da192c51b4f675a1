"""Folds: windows, choices, paths, and what is said of them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from fanfold.errors import DataError
from fanfold.reporting.figures.folds import (
    choices_figure,
    fan_figure,
    matrix_figure,
    path_distribution,
    stitched_figure,
    windows_figure,
)

Make = Callable[..., Any]
DAY_MS = 86_400_000


def many(view: Any, count: int) -> dict[str, Any]:
    """So many folds, all like the first."""
    folds = pd.concat([view.folds.iloc[:1]] * count, ignore_index=True)
    return {
        "folds": folds.assign(fold=range(1, count + 1)),
        "windows": [view.windows[0]] * count,
        "matrix": None,
    }


def test_windows_show_training_testing_and_what_is_left_out(folds_view: Make) -> None:
    train, test, left = windows_figure(folds_view())["data"]
    assert train["base"][0] == "2019-01-01 00:00"
    assert test["base"] == ["2020-01-01 00:00", "2020-07-01 00:00", "2021-01-01 00:00"]
    assert test["x"][0] == 182 * DAY_MS  # to the end of 30 June
    assert left["base"][0] == "2019-12-02 00:00"  # the training day itself is not left out
    assert left["x"][0] == 30 * DAY_MS
    assert train["y"] == ["1", "2", "3"]


def test_a_weekend_is_not_left_out(folds_view: Make) -> None:
    windows = [([("2019-01-01", "2020-01-03")], [("2020-01-06", "2020-06-30")])] * 3
    assert len(windows_figure(folds_view(windows=windows))["data"]) == 2


def test_seams_stand_where_one_fold_hands_over(folds_view: Make) -> None:
    view = folds_view()
    layout = stitched_figure(view, view.equity)["layout"]
    assert [shape["x0"] for shape in layout["shapes"]] == ["2020-07-01", "2021-01-01"]
    assert [word["text"] for word in layout["annotations"]] == ["1", "2", "3"]


def test_choices_are_drawn_one_parameter_under_the_other(folds_view: Make) -> None:
    figure = choices_figure(folds_view())
    assert [trace["y"] for trace in figure["data"]] == [[10, 12, 11], ["sma", "ema", "ema"]]
    assert figure["layout"]["yaxis"]["domain"][0] > figure["layout"]["yaxis2"]["domain"][1]
    assert figure["layout"]["yaxis2"]["type"] == "category"


def test_a_matrix_has_a_column_a_choice_and_a_row_a_test(folds_view: Make) -> None:
    (cells,) = matrix_figure(folds_view().matrix, "Sharpe ratio")["data"]
    assert cells["z"][0] == [-4.0, -3.0, -2.0]
    assert (cells["zmin"], cells["zmax"]) == (-4.0, 4.0)
    assert "chosen in fold %{x}, tested in fold %{y}" in cells["hovertemplate"]


def test_a_distribution_of_paths_counts_all_and_marks_the_middle_and_the_bad_end() -> None:
    sharpes = np.linspace(-1.0, 1.0, 101)
    figure = path_distribution(sharpes)
    assert sum(figure["data"][0]["y"]) == 101
    marks = [shape["x0"] for shape in figure["layout"]["shapes"]]
    assert marks == pytest.approx([0.0, -0.9])


def test_a_fan_holds_few_lines_of_many_paths_and_their_middle() -> None:
    days = pd.bdate_range("2015-01-01", periods=1_000, tz="UTC")
    growth = 1.0 + np.arange(200)[None, :] * np.arange(1_000)[:, None] / 1e6
    low, high, single, middle = fan_figure(pd.DataFrame(growth, index=days))["data"]
    assert single["x"].count(None) == 40
    assert max(value for value in single["y"] if value is not None) == pytest.approx(1.198801)
    assert middle["y"][-1] == pytest.approx(1.0 + 99.5 * 999 / 1e6, rel=1e-4)
    assert low["y"][-1] < middle["y"][-1] < high["y"][-1]
    assert len(middle["x"]) <= 400


def test_folds_say_what_was_kept_and_how_often_it_was_above_zero(
    drawn: Make, folds_view: Make
) -> None:
    text = drawn(folds=[folds_view()]).text()
    assert "median Sharpe ratio 0.50 in sample 1.50" in text
    assert "Median efficiency 50.0%" in text
    assert "Folds above zero 2 of 3" in text
    assert "1 2019-01-01 to 2019-12-01 2020-01-01 to 2020-06-30 10 sma 1.00 0.50 50.0% 50" in text
    assert "average ema in 2 of 3" in text


def test_more_than_thirty_folds_are_folded_away(drawn: Make, folds_view: Make) -> None:
    assert not drawn(folds=[folds_view()]).all("details")
    view = folds_view()
    page = drawn(folds=[folds_view(**many(view, 31))])
    assert page.all("summary")[0].text == "All 31 folds"


def test_paths_are_told_by_their_middle_and_their_bad_end(drawn: Make, folds_view: Make) -> None:
    sharpes = np.array([-0.5, 0.5, 1.0, 1.5, np.nan])
    days = pd.bdate_range("2020-01-01", periods=50, tz="UTC")
    paths = pd.DataFrame(np.ones((50, 4)), index=days)
    page = drawn(
        folds=[
            folds_view(kind="combinatorial purged", path_sharpes=sharpes, paths=paths, equity=None)
        ]
    )
    text = page.text()
    assert "4 paths: in the middle 0.75, the bad end (5%) −0.35; 25.0% of them are below" in text
    assert "So few paths" in text
    assert "Out of sample, fold after fold" not in text


def test_folds_without_parameters_or_windows_are_drawn_all_the_same(
    drawn: Make, folds_view: Make
) -> None:
    page = drawn(folds=[folds_view(params=[], windows=(), matrix=None, stability={}, equity=None)])
    assert page.headings()[2:4] == ["What was promised and what came", "Fold by fold"]


def test_every_figure_of_folds_is_one_that_plotly_accepts(folds_view: Make) -> None:
    view = folds_view()
    for figure in (
        windows_figure(view),
        stitched_figure(view, view.equity),
        choices_figure(view),
        matrix_figure(view.matrix, "Sharpe"),
        path_distribution(np.array([0.5, 0.7])),
        fan_figure(pd.DataFrame({"a": view.equity, "b": view.equity * 2})),
    ):
        go.Figure(figure)


def test_folds_that_do_not_fit_together_are_refused(folds_view: Make) -> None:
    with pytest.raises(DataError, match="it lacks stop"):
        folds_view(params=["stop"])
    with pytest.raises(DataError, match="windows of 'SmaCross' must be as many as its folds, 3"):
        folds_view(windows=folds_view().windows[:1])
    with pytest.raises(DataError, match="equity of 'SmaCross' must hold values on a UTC index"):
        folds_view(equity=pd.Series([1.0]))
