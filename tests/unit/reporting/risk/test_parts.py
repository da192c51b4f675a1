"""All parts of a page on risk together: which there are, whose they are, and what is safe."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest

from fanfold.errors import DataError
from fanfold.reporting import RiskView

Make = Callable[..., Any]
HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(1)>"
PARTS = ["paths", "simulated", "redrawn", "forecasts", "stress", "sizing"]


def figures_of(page: Any) -> list[dict[str, Any]]:
    (data,) = [one.text for one in page.all("script") if one.attributes.get("id") == "figures"]
    figures = json.loads(data).values()
    return [one for figure in figures for one in figure.get("choices", [figure])]


def sections(page: Any) -> list[str]:
    return [one.attributes["id"] for one in page.all("section")]


def test_a_page_of_one_finding_has_a_section_a_question(drawn: Make, risk_view: Make) -> None:
    page = drawn(risks=[risk_view()])
    assert sections(page) == [f"risk-1-{part}" for part in PARTS]
    links = [one.text for one in page.all("a")]
    assert links[0] == "What may come"
    assert len(links) == len(PARTS)


@pytest.mark.parametrize(
    ("part", "nothing"),
    [
        ("paths", {"horizons": (), "refused": {}}),
        ("simulated", {"simulated": None}),
        ("redrawn", {"trips": ()}),
        ("forecasts", {"forecasts": (), "dates": None, "returns": None}),
        ("stress", {"stress": ()}),
        ("sizing", {"sizing": None}),
    ],
)
def test_what_is_missing_leaves_no_heading(
    drawn: Make, risk_view: Make, part: str, nothing: dict[str, Any]
) -> None:
    page = drawn(risks=[risk_view(**nothing)])
    assert sections(page) == [f"risk-1-{each}" for each in PARTS if each != part]


def test_nothing_found_is_nothing_shown(drawn: Make) -> None:
    page = drawn(risks=[RiskView(title="Nothing")], facts={"Seed": "7"})
    assert sections(page) == ["facts"]
    assert not page.all("script")


def test_notes_stand_in_the_first_part_and_alone_where_there_is_none(
    drawn: Make, risk_view: Make
) -> None:
    page = drawn(risks=[risk_view(notes=["Read this."])])
    assert page.text().index("Read this.") < page.text().index("one path in twenty")
    alone = drawn(risks=[RiskView(title="Nothing", notes=["Read this."])])
    assert alone.headings() == ["A report", "Risk"]
    assert "Read this." in alone.text()


def test_several_findings_say_whose_each_part_is(drawn: Make, risk_view: Make) -> None:
    page = drawn(risks=[risk_view(title="One"), risk_view(title="Two", horizons=(), refused={})])
    assert "One: what may come" in page.headings()
    assert "Two: round trips drawn again" in page.headings()
    assert [one.text for one in page.all("a")] == ["One: risk", "Two: risk"]


def test_risk_comes_before_the_runs_that_it_is_about(
    drawn: Make, risk_view: Make, run_view: Make
) -> None:
    page = drawn(risks=[risk_view()], runs=[run_view()])
    assert sections(page)[0] == "risk-1-paths"
    assert sections(page).index("run-1") == len(PARTS)
    assert "run-1-trips" in sections(page)


def test_a_tear_sheet_holds_its_own_risk_and_its_sentence_at_the_top(
    drawn: Make, risk_view: Make, run_view: Make
) -> None:
    page = drawn(runs=[run_view(risk=risk_view())])
    names = sections(page)
    assert names[:2] == ["run-1", "run-1-risk-paths"]
    assert names.index("run-1-risk-sizing") < names.index("run-1-returns")
    sentence = "Over 252 sessions, one path in twenty loses more than 18.0%"
    assert page.text().count(sentence) == 2  # in the summary, and in its own part
    assert len(names) == len(set(names))


def test_a_tear_sheet_without_paths_has_no_sentence_on_them(
    drawn: Make, risk_view: Make, run_view: Make
) -> None:
    text = drawn(runs=[run_view(risk=risk_view(horizons=(), refused={}))]).text()
    assert "one path in twenty" not in text
    assert "Lehman 2008" in text


def test_two_runs_with_risk_are_told_apart(drawn: Make, risk_view: Make, run_view: Make) -> None:
    runs = [run_view(name="One", risk=risk_view()), run_view(name="Two", risk=risk_view())]
    page = drawn(runs=runs)
    assert "Two: value at risk, tested" in page.headings()
    assert len(sections(page)) == len(set(sections(page)))


def test_text_from_outside_is_shown_and_never_run(
    drawn: Make, risk_view: Make, horizon: Make, makes: dict[str, Make]
) -> None:
    table = makes["stressed"]()
    rows = tuple(
        replace(row, scenario=HOSTILE, note=HOSTILE, status="ruined", reason=HOSTILE)
        for row in table.rows
    )
    runs = makes["simulated"](
        strategy=HOSTILE, statuses=np.array(["ok"] * 199 + ["failed"], object),
        reasons=("",) * 199 + (HOSTILE,),
    )  # fmt: skip
    view = risk_view(
        title=HOSTILE,
        horizons=[
            horizon(HOSTILE, parameters=(HOSTILE,)),
            horizon(HOSTILE + "2", name=HOSTILE),
        ],
        refused={HOSTILE: HOSTILE},
        fitted_to=HOSTILE,
        bar_name=HOSTILE,
        simulated=runs,
        simulated_prices=HOSTILE,
        stress=[replace(table, rows=rows)],
        trips=[
            makes["trips"](test=HOSTILE),
            makes["trips"](distributions={}, reason=HOSTILE),
        ],
        sizing_model=HOSTILE,
        notes=[HOSTILE],
    )
    page = drawn(risks=[view, view])
    assert len(page.all("script")) == 3
    assert not page.all("img")
    own = json.dumps(figures_of(page))
    for known in ("<br>", "<extra></extra>"):
        own = own.replace(known, "")
    assert "<" not in own


def test_every_figure_is_one_that_plotly_accepts(drawn: Make, risk_view: Make) -> None:
    figures = figures_of(drawn(risks=[risk_view()]))
    # The models, three fans, three and three distributions, three metrics, a test of trips, two
    # methods, windows, what is held, sizes.
    assert len(figures) == 1 + 3 + 3 + 3 + 3 + 1 + 2 + 1 + 1 + 1
    for figure in figures:
        go.Figure(figure)


def test_every_colour_is_one_of_the_page(drawn: Make, risk_view: Make) -> None:
    page = drawn(risks=[risk_view()])
    style = page.all("style")[0].text
    light, dark = style.split("prefers-color-scheme: dark", 1)
    used = set(re.findall(r"var\((--[\w-]+)\)", json.dumps(figures_of(page))))
    assert used
    assert used <= set(re.findall(r"(--[\w-]+):", light))
    assert used <= set(re.findall(r"(--[\w-]+):", dark))
    marks = {one.attributes["class"] for one in page.all("i") if "class" in one.attributes}
    assert marks
    assert all(f"i.{name} " in style for name in marks)


def test_every_figure_says_what_it_shows(drawn: Make, risk_view: Make) -> None:
    page = drawn(risks=[risk_view()])
    plots = [one for one in page.all("div") if one.attributes.get("role") == "img"]
    assert plots
    assert all(one.attributes["aria-label"] for one in plots)
    assert len(page.all("figcaption")) == len(plots)
    assert all(one.text for one in page.all("caption"))


def test_equal_input_gives_equal_bytes(drawn: Make, risk_view: Make) -> None:
    view = risk_view()
    assert drawn(risks=[view]).source == drawn(risks=[view]).source


def test_horizons_that_do_not_compare_are_refused(
    risk_view: Make, horizon: Make, path_risk: Make
) -> None:
    with pytest.raises(DataError, match="bar_count of all horizons of 'SmaCross' must be 252"):
        risk_view(horizons=[horizon(), horizon("Other", risk=path_risk(bar_count=21))])
    with pytest.raises(DataError, match="fan of 'GBM' must have a value for each of its 3 bars"):
        horizon(fan={0.5: np.ones(2)})
    with pytest.raises(DataError, match="samples of 'GBM' must be"):
        horizon(samples=np.ones(3))


def test_forecasts_that_do_not_fit_their_returns_are_refused(risk_view: Make) -> None:
    with pytest.raises(DataError, match="as many dates as returns, came with 0 and 500"):
        risk_view(dates=None)
    view = risk_view()
    with pytest.raises(DataError, match="must be of one series and end with its 499 returns"):
        risk_view(dates=view.dates[1:], returns=view.returns[1:])
