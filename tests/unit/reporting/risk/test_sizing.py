"""Growth and ruin by the size of the stake."""

from collections.abc import Callable
from typing import Any

import pytest

from fanfold.reporting.figures.risk.sizing import sizing_figure

Make = Callable[..., Any]


def test_the_size_that_grows_most_is_told_with_its_ruin(only: Make, sizing: Make) -> None:
    text = only(sizing=sizing(), sizing_model="GBM").text()
    # exp(0.0004 · 252) − 1 = 10.6 %
    assert "The path in the middle grows most at full Kelly, by 10.6%, with 12.5% of the" in text
    assert "along the same 1,000 paths of one model, GBM, restored at every session" in text
    assert "Full Kelly is 2.00× of equity, found on 200,000 drawn bars" in text


def test_each_size_stands_with_growth_ruin_and_drawdown(only: Make, sizing: Make) -> None:
    text = only(sizing=sizing()).text()
    assert "full Kelly 2.00× 10.1% 1.10 12.5% 10.6–14.7 12.5% 0.0% 30.0% 18.0%" in text
    assert "25% held 0.50× 2.5% 1.10 0.0% 0.0–0.4 – 0.0%" in text
    assert "1% volatility a session 0.02×" in text


def test_a_size_at_which_a_path_lost_all_has_no_mean(only: Make, sizing: Make) -> None:
    rows = sizing().rows
    mean = type(rows[0].growth_mean)(value=-2.0, standard_error=0.0, intervals={})
    lost = type(rows[0])(
        **{name: getattr(rows[0], name) for name in rows[0].__dataclass_fields__}
        | {"growth_mean": mean}
    )
    assert "a path lost all" in only(sizing=sizing(rows=(lost,))).text()


def test_stakes_that_only_lose_are_not_said_to_grow(only: Make, sizing: Make) -> None:
    losing = sizing().rows[2:3]
    text = only(sizing=sizing(rows=losing)).text()
    assert "No size makes the path in the middle grow" in text
    assert "with 60.0% of the paths ruined" in text


def test_without_kelly_nothing_is_said_of_it(only: Make, sizing: Make) -> None:
    text = only(sizing=sizing(rows=sizing().rows[3:], kelly=(0.0,), kelly_bars=0)).text()
    assert "Kelly" not in text


def test_growth_is_drawn_above_ruin() -> None:
    figure = sizing_figure(["half", "double"], [0.1, -0.2], [0.0, 0.6])
    growth, ruin = figure["data"]
    assert growth["marker"]["color"] == ["var(--gain-line)", "var(--loss-line)"]
    assert ruin["y"] == pytest.approx([0.0, 0.6])
    above, below = figure["layout"]["yaxis"]["domain"], figure["layout"]["yaxis2"]["domain"]
    assert above[0] > below[1]
