"""Round trips beside what chance would have made of them."""

from collections.abc import Callable
from typing import Any

from fanfold.reporting.figures.risk.trips import trips_figure

Make = Callable[..., Any]


def test_each_figure_stands_beside_the_quantiles_of_its_draws(only: Make, trips: Make) -> None:
    text = only(trips=[trips()]).text()
    assert "In other orders Deepest drawdown 45.0% 20.0% 30.0% 41.0% 87.5% 12.5%" in text
    assert "In other orders Longest run of losers 11 4 6 9 87.5% 12.5%" in text
    assert (
        "In another order the same 40 round trips would have fallen 30.0% in the middle and 41.0%"
        " in one order in twenty, where they did 45.0%." in text
    )


def test_chances_of_loss_and_profit_are_told(only: Make, trips: Make) -> None:
    found = trips().distributions
    total = {"total_return": found["max_drawdown"], "max_drawdown": found["max_drawdown"]}
    block = trips(
        test="block",
        distributions=total,
        figures={"probability_of_loss": 0.06, "block_trips": 4.0},
    )
    noise = trips(
        test="noise",
        distributions=total,
        figures={"probability_of_profit": 0.9999, "noise_bps": 20.0},
    )
    page = only(trips=[block, noise])
    assert (
        "Drawn anew 6.0% of the draws lose money; with 20.0 bps of noise on each, over 99.9% still"
        " make some." in page.text()
    )
    assert len(page.all("figure")) == 2
    assert "asks whether the way there was lucky" not in page.text()  # no test of orders was made


def test_too_few_trips_are_told_and_nothing_is_drawn(only: Make, trips: Make) -> None:
    reason = "fewer than 10 round trips, 3, say nothing"
    page = only(trips=[trips(distributions={}, reason=reason)])
    assert f"In other orders: {reason}." in page.text()
    assert not page.all("figure")


def test_a_box_goes_from_one_draw_in_twenty_to_nineteen(trips: Make) -> None:
    found = [("In other orders", trips().distributions["max_drawdown"])]
    box, real = trips_figure(found, title="Drawdown", tick=".0%", told=["45%"])["data"]
    assert (box["lowerfence"], box["median"], box["upperfence"]) == ([0.2], [0.3], [0.41])
    assert (real["x"], real["y"]) == ([0.45], ["In other orders"])
