"""Crises and shocks: of a strategy beside holding, and of what is held."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from fanfold.reporting.figures.risk.stress import ROWS_DRAWN_MAX, scenario_figure, worst_first

Make = Callable[..., Any]


def test_a_window_stands_beside_holding_and_says_how_much_of_it_there_is(
    only: Make, stressed: Make
) -> None:
    text = only(stress=[stressed()]).text()
    assert "Lehman 2008 the bars hold a part of it −12.5% −37.5% 15.0% 40.0% 50.0%" in text
    assert (
        "In Lehman 2008, the strategy returned −12.5% where holding returned −37.5%. Under gap of"
        " −20 %: a total return of 25.0% in place of 80.0%." in text
    )
    twice = only(stress=[stressed(rows=stressed().rows * 2)]).text()
    assert "In the worst of 2 windows, Lehman 2008, the strategy returned −12.5%" in twice
    assert "Of 2 shocks the worst is gap of −20 %: a total return of 25.0%" in twice


def test_a_shock_stands_under_the_run_as_it_was(only: Make, stressed: Make) -> None:
    text = only(stress=[stressed()]).text()
    assert "As it was 80.0% 30.0% 0.90 12.00 40 0" in text
    assert "gap of −20 % on 2008-10-01, when it hurts most 25.0% 30.0% 0.90 12.00 40 3" in text


def test_a_scenario_that_failed_or_ruined_says_why(only: Make, stressed: Make) -> None:
    window, gap = stressed().rows
    rows = (
        replace(window, status="failed", reason="no return in the window", note="", figures={}),
        replace(gap, status="ruined", reason="all equity was lost"),
    )
    text = only(stress=[stressed(rows=rows)]).text()
    assert "Lehman 2008 failed: no return in the window – −37.5%" in text
    assert "ruined: all equity was lost (on 2008-10-01, when it hurts most)" in text
    assert "the strategy returned" not in text


def test_without_shocks_there_is_no_heading_for_them(only: Make, stressed: Make) -> None:
    assert (
        "The strategy under shocks"
        not in only(stress=[stressed(rows=stressed().rows[:1])]).headings()
    )
    page = only(stress=[stressed(rows=stressed().rows[1:])])
    assert "The strategy in windows of the past" not in page.headings()
    assert not page.all("figure")
    assert not only(stress=[stressed(rows=())]).all("section")


def test_positions_stand_with_what_selling_them_takes(only: Make, held: Any) -> None:
    text = only(stress=[held]).text()
    assert "Equity 100,000, gross exposure 85,000, net 35,000." in text
    assert "AAPL 400 150.00 60,000 2.5" in text
    assert "MSFT −100 250.00 −25,000 under 0.1" in text


def test_what_is_held_loses_by_its_parts(only: Make, held: Any) -> None:
    text = only(stress=[held]).text()
    assert "What is held would lose 34.0% of today's equity in the worst case, Covid 2020." in text
    assert "Covid 2020 AAPL −30,000, MSFT −4,000 −34,000 −34.0% 36.0% all" in text
    assert "spread × 5 cost: AAPL 40, MSFT 10 −50" in text


def test_risk_stands_above_what_it_was_before_the_shock(only: Make, held: Any) -> None:
    text = only(stress=[held]).text()
    assert (
        "volatility × 2 of the VaR: AAPL 3,000, MSFT 1,000 4,000 from 2,000 5,000 from 2,500"
        " 6,000 from –" in text
    )


def test_of_many_parts_the_largest_are_told(only: Make, held: Any) -> None:
    parts = {f"S{place}": float(place) for place in range(1, 8)}
    rows = (replace(held.rows[0], contributions=parts),)
    assert "S7 7, S6 6, S5 5 and 4 more" in only(stress=[replace(held, rows=rows)]).text()


def test_of_many_positions_the_largest_are_listed(only: Make, held: Any) -> None:
    one = held.positions[0]
    many = tuple(replace(one, symbol=f"S{place:02}") for place in range(45))
    text = only(stress=[replace(held, positions=many)]).text()
    assert "S39" in text
    assert "S40" not in text
    assert "5 smaller positions are not listed." in text


def test_the_worst_scenarios_are_drawn_in_their_own_order() -> None:
    rows = [(f"S{place}", {"profit": -(place % 10) / 10}) for place in range(30)]
    shown = worst_first([*rows, ("unknown", {"profit": float("nan")})], "profit")
    assert len(shown) == ROWS_DRAWN_MAX
    assert max(row[1]["profit"] for row in shown) == -0.5
    assert shown == [row for row in rows if row in shown]


def test_a_bar_is_a_scenario_and_its_colour_is_its_sign() -> None:
    rows = [("up", {"profit": 0.1}), ("down", {"profit": -0.2})]
    figure = scenario_figure(rows, [("profit", "")], title="share")
    (bars,) = figure["data"]
    assert bars["y"] == ["up", "down"]
    assert bars["x"] == [0.1, -0.2]
    assert bars["marker"]["color"] == ["var(--gain-line)", "var(--loss-line)"]
    assert figure["layout"]["yaxis"]["categoryarray"] == ["up", "down"]


def test_positions_of_which_nothing_is_known_have_no_sentence(only: Make, held: Any) -> None:
    lost = replace(held.rows[0], status="failed", reason="no price", figures={}, contributions={})
    page = only(stress=[replace(held, rows=(lost,), positions=())])
    assert "Covid 2020 failed: no price – – – –" in page.text()
    assert "What is held would" not in page.text()
    assert not page.all("figure")


def test_positions_that_only_gain_earn(only: Make, held: Any) -> None:
    gain = replace(held.rows[0], figures={"pnl_currency": 500.0, "pnl_share": 0.005})
    page = only(stress=[replace(held, rows=(gain,))])
    assert "What is held would earn 0.5% of today's equity in the worst case" in page.text()
    assert "What it could lose" not in page.headings()
