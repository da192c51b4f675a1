"""Forecasts of value at risk: their tests in a table, and what went beyond them."""

from collections.abc import Callable
from typing import Any

import pytest

from fanfold.reporting.figures.risk.value_at_risk import forecast_figure

Make = Callable[..., Any]

FEW = (10, 40, 70, 100, 130, 160, 190, 220, 250, 280, 310, 340, 350, 360, 365, 370, 375, 380, 390)
"""Nineteen of four hundred: about one in twenty."""


def test_each_forecast_stands_with_what_was_expected_found_and_tested(
    only: Make, risk_view: Make, forecast: Make
) -> None:
    view = risk_view()
    found = [forecast("historical", 0.95, FEW), forecast("ewma", 0.99, tuple(range(50)))]
    text = only(forecasts=found, dates=view.dates, returns=view.returns).text()
    assert "historical 95% green holds 20.0 19" in text
    assert "ewma 99% red fails Kupiec and Christoffersen 4.0" in text
    assert "4.0 50 under 0.1% under 0.1% 3.5%" in text  # expected, found, p, p, mean loss beyond
    assert "historical: quantile of the window ewma: normal with today's volatility" in text
    assert "1 of 2 forecasts hold at 5%. At 95% historical; at 99% none." in text
    assert "Each of 400 sessions had its loss forecast from the sessions before it alone" in text


def test_a_method_without_words_is_shown_by_its_name(
    only: Make, risk_view: Make, forecast: Make
) -> None:
    view = risk_view()
    page = only(forecasts=[forecast("own_method")], dates=view.dates, returns=view.returns)
    assert "own method 95%" in page.text()
    assert not page.all("details")


def test_a_forecast_whose_exceptions_follow_each_other_fails(
    only: Make, risk_view: Make, forecast: Make
) -> None:
    view = risk_view()
    cluster = forecast("gaussian", 0.95, tuple(range(19)))
    page = only(forecasts=[cluster], dates=view.dates, returns=view.returns)
    assert "green fails Christoffersen 20.0 19" in page.text()
    assert "0 of 1 forecasts hold at 5%" in page.text()
    assert [one for one in page.all("p") if one.attributes.get("class") == "warning"]


def test_exceptions_are_marked_where_they_happened(risk_view: Make, forecast: Make) -> None:
    view = risk_view()
    two = [forecast(level=0.95, beyond=(10, 100)), forecast(level=0.99, beyond=(10,))]
    path, _, _, low, high = forecast_figure(two, view.dates, view.returns)["data"]
    assert low["x"] == [f"{view.dates[bar]:%Y-%m-%d}" for bar in (110, 200)]
    assert low["y"] == [-0.03, -0.03]
    assert low["customdata"][0] == "lost 3.00%, VaR 95% was 2.00%"
    assert high["x"] == low["x"][:1]
    assert high["marker"]["symbol"] == "circle-open"
    assert path["x"][0] == f"{view.dates[100]:%Y-%m-%d}"  # the first with a forecast
    assert min(path["y"]) == -0.03


def test_the_line_of_a_forecast_is_a_loss_below_zero(risk_view: Make, forecast: Make) -> None:
    view = risk_view()
    _, bound, _ = forecast_figure([forecast()], view.dates, view.returns)["data"]
    assert set(bound["y"]) == {-0.02}


def test_a_choice_is_a_method_with_two_levels_at_most(
    only: Make, risk_view: Make, forecast: Make
) -> None:
    view = risk_view()
    found = [forecast(name, level) for name in ("ewma", "gaussian") for level in (0.9, 0.95, 0.99)]
    page = only(forecasts=found, dates=view.dates, returns=view.returns)
    assert [one.text for one in page.all("option")] == ["ewma", "gaussian"]
    legend = " ".join(one.text for one in page.all("span") + page.all("/i"))
    assert "−VaR 95%" in legend
    assert "−VaR 99% and beyond it" in legend
    assert "−VaR 90%" not in legend


@pytest.mark.parametrize(("count", "zone"), [(4, "green"), (9, "yellow"), (20, "red")])
def test_a_zone_is_a_word_beside_its_colour(
    only: Make, risk_view: Make, forecast: Make, count: int, zone: str
) -> None:
    view = risk_view()
    found = forecast(level=0.99, beyond=tuple(range(0, 2 * count, 2)))
    page = only(forecasts=[found], dates=view.dates, returns=view.returns)
    assert f"99% {zone} " in page.text()
