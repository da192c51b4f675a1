"""What may come: the sentence, the models beside each other, and their paths."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from fanfold.reporting.figures.risk.paths import (
    disagreement_figure,
    drawdown_figures,
    fan_figures,
    terminal_figures,
)
from fanfold.simulation.distribution import share

Make = Callable[..., Any]


def test_the_first_sentence_is_the_loss_of_one_path_in_twenty_by_all_models(
    only: Make, horizon: Make
) -> None:
    models = [horizon("A", 0.24), horizon("B", 0.15), horizon("C", 0.18)]
    text = only(horizons=models).text()
    assert (
        "Over 252 sessions, one path in twenty loses more than 18.0% (3 models: 15.0% to 24.0%)."
        in text
    )


def test_one_model_has_its_interval_in_place_of_other_models(only: Make, horizon: Make) -> None:
    page = only(horizons=[horizon("GBM", 0.18)], bar_name="bar")
    assert "Over 252 bars, one path in twenty loses more than 18.0% (GBM;" in page.text()
    assert "(GBM; 95% interval 17.5–18.5%)." in page.text()
    assert "How far the models disagree" not in page.headings()
    assert "All models" not in page.text()


def test_a_bad_case_that_is_no_loss_is_not_called_one(only: Make, horizon: Make) -> None:
    text = only(horizons=[horizon("A", -0.03), horizon("B", 0.01), horizon("C", -0.02)]).text()
    assert "one path in twenty ends with a gain of less than 2.0%, or with a loss" in text
    assert "(3 models: a gain of 3.0% to a loss of 1.0%)" in text


def test_the_level_that_is_told_is_one_that_was_asked_for(
    only: Make, horizon: Make, path_risk: Make
) -> None:
    whole = path_risk()
    risk = path_risk(
        levels=(0.975,),
        value_at_risk={0.975: whole.value_at_risk[0.95]},
        expected_shortfall={0.975: whole.expected_shortfall[0.95]},
    )
    text = only(horizons=[horizon(risk=risk)]).text()
    assert "2.5% of paths loses more than 18.0%" in text
    assert "VaR 97.5%" in text


def test_how_far_models_differ_is_told_beside_their_own_intervals(
    only: Make, risk_view: Make
) -> None:
    text = only(horizons=risk_view().horizons).text()
    assert (
        "VaR 95% goes from 15.0% to 24.0%, 9.0 points apart, while the widest 95% interval of one"
        " model is 1.0 points" in text
    )
    assert "its parameters are estimates" in text
    assert "Everything is measured at closes" in text
    assert "on 1,000 paths" in text
    assert "a positive figure is a loss" in text


def test_models_stand_beside_each_other_with_intervals(only: Make, risk_view: Make) -> None:
    text = only(horizons=risk_view().horizons).text()
    for row in (
        "All models GBM Student t Heston",
        "VaR 95% 15.0% to 24.0% 15.0% 14.5–15.5 18.0% 17.5–18.5 24.0% 23.5–24.5",
        "ES 95% 21.0% to 30.0% 21.0% 20.5–21.5 24.0% 23.5–24.5 30.0% 29.5–30.5",
        "Median value of 1 1.10 to 1.10 1.10",
        "Drawdown, median 30.0% to 30.0% 30.0%",
        "Drawdown, 95% 48.0% to 48.0% 48.0%",
        "Longest, 95% 244 to 244 244",
        "Ever at 0.50 or less 2.0% to 2.0% 2.0% 1.3–3.1",
        "Ever at 2.00 or more 0.0% to 0.0% 0.0% 0.0–0.4",
    ):
        assert row in text


def test_a_mean_that_few_paths_decide_has_no_interval(
    only: Make, horizon: Make, path_risk: Make
) -> None:
    values = path_risk().terminal_value
    points = values.points.copy()
    points[-1] = 1e6
    wild = path_risk(
        terminal_value=type(values)(points=points, counts=values.counts, levels=values.levels)
    )
    text = only(horizons=[horizon(risk=wild)]).text()
    assert "Mean value of 1 1001.10 by few paths" in text


def test_models_that_could_not_be_fitted_are_told_with_their_reason(
    only: Make, horizon: Make
) -> None:
    refused = {"heston": "returns must be more than 250, were 12"}
    assert (
        "heston: returns must be more than 250, were 12"
        in only(horizons=[horizon()], refused=refused).text()
    )
    text = only(refused=refused).text()
    assert "No model could be followed." in text
    assert "heston: returns must be more than 250" in text


def test_parameters_and_seconds_are_folded_away(only: Make, horizon: Make) -> None:
    page = only(horizons=[horizon(seconds=0.25)])
    assert page.all("summary")[0].text == "The models as they were fitted"
    assert "drift 0.0003 deviation 0.012 1,000 paths were followed in 0.25 s" in page.text()
    assert not only(horizons=[horizon(parameters=())]).all("details")


def test_a_row_of_dots_is_a_model_and_its_whiskers_are_the_interval(risk_view: Make) -> None:
    var, shortfall = disagreement_figure(risk_view().horizons, 0.95)["data"]
    assert var["y"] == ["GBM", "Student t", "Heston"]
    assert var["x"] == [0.15, 0.18, 0.24]
    assert var["error_x"]["array"] == pytest.approx([0.005] * 3)
    assert shortfall["x"] == [0.21, 0.24, 0.3]
    assert var["customdata"][0] == "value at risk 15.0%, 14.5% to 15.5%"


def test_fans_are_bands_around_a_median_on_one_scale(horizon: Make) -> None:
    wide = horizon("Wide", fan={0.05: np.array([1.0, 0.7, 0.4]), 0.95: np.array([1.0, 1.5, 2.4])})
    (_, first), (name, second) = fan_figures([horizon(), wide], "session")
    assert name == "Wide"
    low, high, inner_low, inner_high, samples, median = first["data"]
    assert (low["name"], high["name"]) == ("5%", "95%")
    assert (inner_low["y"][-1], inner_high["y"][-1]) == pytest.approx((0.85, 1.35))
    assert samples["x"].count(None) == 2
    assert median["y"] == pytest.approx([1.0, 1.05, 1.1])
    assert first["layout"]["yaxis"]["range"] == second["layout"]["yaxis"]["range"]
    assert first["layout"]["yaxis"]["range"] == pytest.approx([0.3, 2.5])
    assert len(second["data"]) == 3  # no median was known


def test_fans_over_decades_are_drawn_on_a_log_scale(horizon: Make) -> None:
    long = horizon(fan={0.05: np.array([1.0, 0.1, 0.1]), 0.95: np.array([1.0, 10.0, 100.0])})
    ((_, figure),) = fan_figures([long], "session")
    assert figure["layout"]["yaxis"]["type"] == "log"
    assert figure["layout"]["yaxis"]["range"] == pytest.approx([-1.15, 2.15])


def test_a_model_without_a_fan_is_not_in_the_choice(only: Make, horizon: Make) -> None:
    assert fan_figures([horizon(fan={})], "session") == []
    page = only(horizons=[horizon(fan={})])
    assert "The fan of what may come" not in page.headings()


def test_a_histogram_holds_all_paths_and_no_bin_mixes_gains_and_losses(
    risk_view: Make,
) -> None:
    for _, figure in terminal_figures(risk_view().horizons, 0.95):
        (bars,) = figure["data"]
        assert sum(bars["y"]) == pytest.approx(1.0, abs=0.01)
        losses = [colour == "var(--loss)" for colour in bars["marker"]["color"]]
        assert losses == [x < 1.0 for x in bars["x"]]
        assert all(abs(x - 1.0) >= 0.49 * bars["width"][0] for x in bars["x"])
        assert len(bars["x"]) <= 60
    shapes = figure["layout"]["shapes"]
    assert [shape["x0"] for shape in shapes] == pytest.approx([0.76, 1.1])


def test_drawdowns_share_their_bins_and_mark_the_median_and_the_level(risk_view: Make) -> None:
    figures = [figure for _, figure in drawdown_figures(risk_view().horizons, 0.95)]
    assert figures[0]["data"][0]["x"] == figures[2]["data"][0]["x"]
    marks = [shape["x0"] for shape in figures[0]["layout"]["shapes"]]
    assert marks == pytest.approx([0.3, 0.48])
    assert [word["text"] for word in figures[0]["layout"]["annotations"]] == ["median", "95%"]


def test_a_chance_that_no_path_met_is_bounded_by_their_number(
    only: Make, horizon: Make, path_risk: Make
) -> None:
    risk = path_risk(probability_of_ruin=share(0, 100_000))
    assert "Ever at 0.50 or less 0.0% under 0.1%" in only(horizons=[horizon(risk=risk)]).text()
