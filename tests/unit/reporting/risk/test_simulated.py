"""A real result among those on simulated prices, and the label that nobody may miss."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from fanfold.reporting.figures.risk.simulated import simulated_figure

Make = Callable[..., Any]
RETUNED = "re-tuned on every path, 64 trials by sharpe"


def test_the_real_result_stands_with_its_percentile_and_p_value(
    only: Make, simulated: Make
) -> None:
    text = only(simulated=simulated(), simulated_prices="whole bars in blocks").text()
    # 66 of the 200 are 1 or more: 33 %, and (1 + 66) / 201 with the real one.
    assert "33.0% of 200 histories of whole bars in blocks did as well" in text
    assert "Sharpe ratio 1.00 33.3% 26.9–39.8% 67.0% 0.50 0" in text
    assert "Total return 50.0% 33.3%" in text


def test_an_ignored_selection_cannot_be_missed(only: Make, simulated: Make) -> None:
    page = only(simulated=simulated())
    (box,) = [one for one in page.all("div") if one.attributes.get("role") == "note"]
    assert box.attributes["class"] == "warning"
    text = page.text()
    assert text.index("Selection ignored.") < text.index("did as well")
    assert "p-value, selection ignored" in [one.text for one in page.all("th")]
    assert text.count("(selection ignored)") == 3  # under each figure
    (caption,) = [one.text for one in page.all("caption") if "Standing" in one.text]
    assert caption.endswith("selection ignored")


def test_a_good_place_is_not_called_good_where_selection_was_ignored(
    only: Make, simulated: Make
) -> None:
    real = {"sharpe": 3.0, "total_return": 2.0, "max_drawdown": 0.05}
    for selection, class_ in (("selection ignored", "verdict"), (RETUNED, "verdict good")):
        page = only(simulated=simulated(real=real, selection=selection))
        (told,) = [one for one in page.all("p") if "verdict" in one.attributes.get("class", "")]
        assert told.attributes["class"] == class_
        assert "Only 0.0% of 200 histories did as well" in page.text()


def test_a_search_on_every_path_is_told(only: Make, simulated: Make) -> None:
    text = only(simulated=simulated(selection=RETUNED)).text()
    assert "Re-tuned on every path, 64 trials by sharpe, and as much on the real prices." in text
    assert "ignored" not in text
    assert "p-value, re-tuned" in text


def test_failed_histories_are_counted_with_their_reasons(only: Make, simulated: Make) -> None:
    sharpes = np.r_[simulated().drawn["sharpe"][:190], np.full(10, np.nan)]
    runs = simulated(
        drawn=dict.fromkeys(("sharpe", "total_return", "max_drawdown"), sharpes),
        statuses=np.array(["ok"] * 190 + ["failed"] * 10, object),
        reasons=("",) * 190 + ("no bars",) * 10,
    )
    text = only(simulated=runs).text()
    assert "10 failed, 190 ok." in text
    assert "failed no bars 10 5.0%" in text
    assert "Sharpe ratio 1.00 33.3% 26.9–39.8% 70.5% 0.42 10" in text  # unknown ones count against


def test_histories_of_which_none_could_be_run_say_so(only: Make, simulated: Make) -> None:
    runs = simulated(
        drawn={"sharpe": np.full(200, np.nan)},
        statuses=np.full(200, "failed", object),
        reasons=("no bars",) * 200,
    )
    page = only(simulated=runs)
    assert "The Sharpe ratio of any history is not known." in page.text()
    assert not page.all("figure")


def test_a_histogram_marks_the_real_result_and_holds_it() -> None:
    values = np.linspace(-1.0, 1.0, 100)
    figure = simulated_figure(values, 5.0, title="Sharpe", form=(".1f", ".1f", 0.0))
    (bars,), layout = figure["data"], figure["layout"]
    assert sum(bars["y"]) == pytest.approx(1.0, abs=0.01)
    assert [word["text"] for word in layout["annotations"]] == ["median", "real"]
    median, real = layout["shapes"]
    assert (median["x0"], real["x0"]) == pytest.approx((0.0, 5.0))
    assert real["line"]["dash"] == "solid"
    assert bars["x"][-1] + bars["width"][-1] >= 5.0
    unknown = simulated_figure(values, float("nan"), title="Sharpe", form=(".1f", ".1f", None))
    assert len(unknown["layout"]["shapes"]) == 1


def test_a_real_result_that_is_not_known_is_ranked_nowhere(only: Make, simulated: Make) -> None:
    real = {"sharpe": float("nan"), "total_return": 0.5, "max_drawdown": 0.25}
    text = only(simulated=simulated(real=real)).text()
    assert "The Sharpe ratio of the real run is not known." in text
    assert "Selection ignored." in text
    assert "Sharpe ratio – –" in text
