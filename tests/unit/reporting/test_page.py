"""The page as a browser would read it."""

import base64
import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from fanfold.errors import DataError, JobError
from fanfold.reporting import write_report

Make = Callable[..., Any]
HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(1)>"
FACTS = {"Data fingerprint": "9f4e", "Seed": "7"}
LOADING = {"src", "href", "srcset", "data", "action", "poster", "background"}


def figures_of(page: Any) -> dict[str, Any]:
    (data,) = [one.text for one in page.all("script") if one.attributes.get("id") == "figures"]
    return json.loads(data)


def test_nothing_is_loaded_from_elsewhere(drawn: Make, run_view: Make, sweep_view: Make) -> None:
    page = drawn(runs=[run_view(), run_view()], sweeps=[sweep_view()], facts=FACTS)
    loads = [
        value for one in page.elements for name, value in one.attributes.items() if name in LOADING
    ]
    assert loads
    assert all(value.startswith("#") for value in loads)
    assert not page.all("link")
    styles = " ".join(one.text for one in page.all("style"))
    assert "url(" not in styles
    assert "@import" not in styles


def test_the_page_lets_the_browser_run_its_own_two_scripts_and_load_nothing(
    drawn: Make, run_view: Make
) -> None:
    page = drawn(runs=[run_view()])
    (policy,) = [
        one.attributes["content"]
        for one in page.all("meta")
        if one.attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    scripts = [one.text for one in page.all("script") if "type" not in one.attributes]
    hashes = [base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in scripts]
    assert len(scripts) == 2
    assert "default-src 'none'" in policy
    assert f"script-src 'sha256-{hashes[0]}' 'sha256-{hashes[1]}';" in policy


def test_plotly_is_put_in_once(drawn: Make, run_view: Make, sweep_view: Make) -> None:
    page = drawn(runs=[run_view(), run_view()], sweeps=[sweep_view()])
    assert page.source.count("* plotly.js v") == 1


def test_text_from_outside_is_shown_and_never_run(
    drawn: Make, run_view: Make, sweep_view: Make
) -> None:
    table = sweep_view().table.rename(columns={"fast": HOSTILE, "sharpe": "hostile_" + HOSTILE})
    table["reason"] = HOSTILE
    table["slow"] = HOSTILE + table["slow"].astype(str)
    page = drawn(
        title=HOSTILE,
        facts={HOSTILE: HOSTILE},
        runs=[
            run_view(
                name=HOSTILE,
                params={HOSTILE: HOSTILE},
                metrics={HOSTILE: 1.0},
                benchmark=run_view().equity,
                benchmark_name=HOSTILE,
                orders=pd.DataFrame({"status": [HOSTILE], "reason": [HOSTILE]}),
                notes=[HOSTILE],
            )
        ]
        * 2,
        sweeps=[
            sweep_view(
                name=HOSTILE,
                strategy=HOSTILE,
                table=table,
                params=[HOSTILE, "slow"],
                objective="hostile_" + HOSTILE,
            )
        ],
    )
    assert len(page.all("script")) == 3
    assert not page.all("img")
    assert page.headings()[0] == HOSTILE
    (data,) = [one.text for one in page.all("script") if one.attributes.get("id") == "figures"]
    assert "<" not in data  # nothing in it can end the script
    # Plotly reads tags in texts, so names arrive there as entities.
    own = json.dumps(figures_of(page)).replace("<br>", "").replace("<extra></extra>", "")
    assert "<" not in own


def test_text_from_outside_is_never_run_in_studies_and_folds_either(
    drawn: Make, study_view: Make, folds_view: Make, evidence: Make
) -> None:
    found = evidence(notes=(HOSTILE,), snapshot=HOSTILE)
    table = study_view().table.rename(columns={"fast": HOSTILE})
    table["average"] = HOSTILE + table["average"]
    folds = folds_view().folds.rename(columns={"fast": HOSTILE})
    folds["average"] = HOSTILE
    folds["fold"] = [HOSTILE + str(place) for place in range(len(folds))]
    two = [("sharpe", "maximize"), ("max_drawdown", "minimize")]
    page = drawn(
        studies=[
            study_view(
                name=HOSTILE,
                sampler=HOSTILE,
                table=table,
                params=[HOSTILE, "slow", "average"],
                objectives=two,
                importance={HOSTILE: 1.0},
                evidence=found,
            )
        ],
        folds=[
            folds_view(
                kind=HOSTILE,
                folds=folds,
                params=[HOSTILE, "average"],
                stability={HOSTILE: HOSTILE},
                matrix=pd.DataFrame([[1.0]], index=[HOSTILE], columns=[HOSTILE]),
            )
        ],
    )
    assert len(page.all("script")) == 3
    assert not page.all("img")
    own = json.dumps(figures_of(page))
    for known in ("<br>", "<extra></extra>", "<b>", "</b>"):
        own = own.replace(known, "")
    assert "<" not in own


def test_equal_input_gives_equal_bytes(drawn: Make, run_view: Make, sweep_view: Make) -> None:
    given = {"runs": [run_view()], "sweeps": [sweep_view()], "facts": FACTS}
    assert drawn(**given).source == drawn(**given).source


def test_every_figure_is_one_that_plotly_accepts(
    drawn: Make, run_view: Make, full_view: Make, sweep_view: Make
) -> None:
    one_parameter = sweep_view(params=["slow"])
    page = drawn(runs=[full_view(), run_view()], sweeps=[sweep_view(), one_parameter])
    figures = figures_of(page)
    kinds = [one for figure in figures.values() for one in figure.get("choices", [figure])]
    # Two of the comparison, seven and a second asset of the full run, two of the short one.
    assert len(kinds) == 2 + 8 + 2 + 4
    for figure in kinds:
        go.Figure(figure)
    plots = [one.attributes["id"] for one in page.all("div") if "plot" in str(one.attributes)]
    assert plots == list(figures)


def test_a_report_of_runs_has_no_section_on_sweeps(drawn: Make, run_view: Make) -> None:
    page = drawn(runs=[run_view()])
    assert [one.attributes["id"] for one in page.all("section")] == [
        "run-1",
        "run-1-returns",
        "run-1-drawdowns",
        "run-1-trips",
        "run-1-costs",
        "run-1-orders",
        "conventions",
    ]
    assert "trials" not in page.text()


def test_runs_are_put_beside_each_other_when_there_are_several(drawn: Make, run_view: Make) -> None:
    page = drawn(runs=[run_view(name="One"), run_view(name="Two")])
    assert page.headings()[1] == "At a glance"
    links = [one.attributes["href"] for one in page.all("a")]
    assert links[-2:] == ["#run-1", "#run-2"]


def test_a_report_of_nothing_needs_no_script(drawn: Make) -> None:
    page = drawn(facts=FACTS)
    assert [one.attributes["id"] for one in page.all("section")] == ["facts"]
    assert not page.all("script")
    assert "Data fingerprint 9f4e" in page.text()


def test_a_run_shows_its_measures_as_people_read_them(drawn: Make, run_view: Make) -> None:
    metrics = {
        "total_return": -0.1234,
        "sharpe": 1.256,
        "max_drawdown_days": 1214,
        "profit_factor": float("inf"),
        "average_loss": float("nan"),
        "fees": 1234.5,
        "fill_count": 12,
        "periods_per_year": 252.0,
        "beta": 0.5,
        "own_measure": 3.0,
    }
    text = drawn(runs=[run_view(metrics=metrics)]).text()
    for shown in (
        "Total return −12.3%",
        "Sharpe ratio 1.26",
        "Longest drawdown 1,214 days",
        "Profit factor ∞",
        "Average loss –",
        "Fees 1,234.50",
        "Fills 12",
        "own measure 3",
        "count 252 periods a year",
    ):
        assert shown in text
    assert "Beta" not in text  # there is no benchmark to have one against


def test_a_run_shows_its_benchmark_beside_its_own_figures(drawn: Make, run_view: Make) -> None:
    benchmark = pd.Series([float("nan"), 10, 12, 6, 9, 11], index=run_view().equity.index)
    text = drawn(runs=[run_view(benchmark=benchmark, benchmark_name="S&P 500")]).text()
    assert "Total return 50.0% S&P 500: 10.0%" in text
    assert "Against S&P 500" in text


def test_round_trips_are_summed_up_and_told_by_symbol(drawn: Make, run_view: Make) -> None:
    text = drawn(runs=[run_view()]).text()
    for shown in (
        "3, of which 2 won",
        "Profit and loss 250.00",
        "300.00 and −100.00",
        "Median time held 3 days",
        "AAPL 2 50.0% 3.00 200.00",
        "MSFT 1 100.0% 0.50 50.00",
    ):
        assert shown in text


def test_orders_with_a_reason_are_counted_by_reason_and_status(drawn: Make, run_view: Make) -> None:
    text = drawn(runs=[run_view()]).text()
    assert "Reason filled refused" in text
    assert "max_position one position would pass its limit 1 1" in text
    assert "buying_power the account could not pay for it 0 1" in text
    assert "3 of 4 orders carry a reason" in text


def test_a_run_that_never_traded_says_so(drawn: Make, run_view: Make) -> None:
    view = run_view()
    empty = {name: getattr(view, name).iloc[:0] for name in ("fills", "round_trips", "orders")}
    text = drawn(runs=[run_view(**empty)]).text()
    assert "No round trip was completed." in text
    assert "No order was made." in text


def test_a_run_without_refusals_says_so(drawn: Make, run_view: Make) -> None:
    orders = pd.DataFrame({"status": ["filled"] * 2, "reason": ["", None]})
    assert "None of 2 orders was refused" in drawn(runs=[run_view(orders=orders)]).text()


def test_many_symbols_are_summed_up_beyond_the_largest(drawn: Make, run_view: Make) -> None:
    trips = pd.concat(
        [
            run_view().round_trips.iloc[:1].assign(symbol=f"S{place:02}", pnl=float(place))
            for place in range(14)
        ]
    )
    text = drawn(runs=[run_view(round_trips=trips)]).text()
    assert "2 more symbols with smaller amounts brought 1.00 together" in text


def test_a_sweep_warns_with_the_number_of_trials_that_were_run(
    drawn: Make, sweep_view: Make
) -> None:
    text = drawn(sweeps=[sweep_view()]).text()
    assert "12 combinations of fast, slow" in text
    feasible = 9  # fast < slow in the grid of the fixture
    assert f"The best of {feasible} trials is the luckiest of {feasible}." in text
    assert "All sweeps" not in text
    both = drawn(sweeps=[sweep_view(), sweep_view()]).text()
    assert f"All sweeps on this page together are {2 * feasible} trials." in both


def test_a_sweep_shows_its_best_and_what_became_of_the_rest(drawn: Make, sweep_view: Make) -> None:
    best = {"fast": 6, "slow": 7, "sharpe": 0.53}
    text = drawn(sweeps=[sweep_view(best=best)]).text()
    assert "best fast 6 best slow 7 The best of" in text
    assert "fast slow Sharpe ratio Total return 1 6 7 0.53 10.0% 2 6 9 0.51 10.0%" in text
    assert "ok – 9 75.0% infeasible fast must be below slow 3 25.0%" in text


def test_a_sweep_without_a_result_still_tells_why(drawn: Make, sweep_view: Make) -> None:
    table = sweep_view().table.assign(sharpe=float("nan"), status="failed", reason="no data")
    page = drawn(sweeps=[sweep_view(table=table)])
    assert "failed no data 12 100.0%" in page.text()
    assert not page.all("figure")


def test_a_sweep_lacking_a_column_is_refused_by_name(sweep_view: Make) -> None:
    with pytest.raises(DataError, match="it lacks sortino"):
        sweep_view(objective="sortino")


def test_equity_without_time_or_values_is_refused(run_view: Make) -> None:
    with pytest.raises(DataError, match="on a UTC index"):
        run_view(equity=pd.Series([1.0, 2.0]))
    with pytest.raises(DataError, match="held 0"):
        run_view(equity=run_view().equity.iloc[:0])
    with pytest.raises(DataError, match="benchmark of 'SmaCross' must be on the index"):
        run_view(benchmark=run_view().equity.iloc[1:])


def test_a_file_that_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(JobError, match=r"a report must be writable at .*report\.html"):
        write_report(tmp_path / "taken" / "report.html", title="", runs=[], sweeps=[], facts={})


def test_every_colour_of_a_figure_is_one_of_the_page(
    drawn: Make, full_view: Make, views: dict[str, Make]
) -> None:
    """A name that the page does not know would be drawn in Plotly's own colour."""
    sweep_view, paths = views["sweep"], views["folds"]().equity.to_frame()
    two_sided = sweep_view(table=sweep_view().table.eval("sharpe = sharpe - 0.2"))
    page = drawn(
        runs=[full_view(), full_view()],
        sweeps=[sweep_view(), two_sided],
        studies=[views["study"]()],
        folds=[views["folds"](paths=paths, path_sharpes=np.array([0.5, -0.5]))],
    )
    used = set(re.findall(r"var\((--[\w-]+)\)", json.dumps(figures_of(page))))
    light, dark = page.all("style")[0].text.split("prefers-color-scheme: dark", 1)
    assert used
    assert used <= set(re.findall(r"(--[\w-]+):", light))
    assert used <= set(re.findall(r"(--[\w-]+):", dark))
