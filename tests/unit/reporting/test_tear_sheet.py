"""The figures and tables of a tear sheet against independent computations."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fanfold.domain.orders import REASONS
from fanfold.engine.metrics import METRICS
from fanfold.errors import DataError
from fanfold.measures import beta, expected_shortfall, sharpe_ratio, value_at_risk, worst_drawdowns
from fanfold.reporting.figures.returns import return_distribution
from fanfold.reporting.figures.trading import (
    ROUND_TRIPS_DRAWN_MAX,
    drawn_assets,
    drawn_round_trips,
    round_trip_figure,
)
from fanfold.reporting.numbers import (
    PERFORMANCE,
    PERIODS_PER_YEAR,
    RELATIVE,
    TRADING,
    percent,
)
from fanfold.reporting.series import (
    costs_by_kind,
    monthly_returns,
    rolling_beta,
    rolling_sharpe,
    session_closes,
    session_returns,
    window_sessions,
)
from fanfold.reporting.words import REFUSALS

Make = Callable[..., Any]


def figures_of(page: Any) -> dict[str, Any]:
    (data,) = [one.text for one in page.all("script") if one.attributes.get("id") == "figures"]
    return json.loads(data)


def test_months_compound_to_their_year_and_years_to_the_whole(full_view: Make) -> None:
    view = full_view()
    months = monthly_returns(view)
    grown = (1.0 + months[list(range(1, 13))].fillna(0.0)).prod(axis=1) - 1.0
    # Products of twelve factors near 1: rounding of a few units in the last place.
    assert grown.to_numpy() == pytest.approx(months["year"].to_numpy(), abs=1e-13)
    whole = float((1.0 + months["year"]).prod())
    assert whole == pytest.approx(view.equity.iloc[-1] / view.equity.iloc[0], rel=1e-13)


def test_a_month_goes_from_the_last_session_before_it_to_its_own_last(full_view: Make) -> None:
    view = full_view()
    equity = view.equity
    june = (
        equity[equity.index < "2020-07-01"].iloc[-1] / equity[equity.index < "2020-06-01"].iloc[-1]
    )
    assert monthly_returns(view).loc[2020, 6] == pytest.approx(june - 1.0, rel=1e-13)
    assert np.isnan(monthly_returns(view).loc[2019, 2])


def test_the_month_table_shows_these_returns(drawn: Make, full_view: Make) -> None:
    view = full_view()
    text = drawn(runs=[view]).text()
    row = monthly_returns(view).loc[2020].to_numpy() * 100
    # Each cell holds the figure for wide screens, then the one for narrow ones.
    shown = " ".join(f"{value:.1f} {value:.0f}" for value in row).replace("-0.0", "0.0")
    assert "2020 " + shown.replace("-0 ", "0 ").replace("-", "−") in text


def test_a_session_is_the_last_bar_of_its_day(run_view: Make) -> None:
    stamps = pd.to_datetime(
        ["2020-01-02 15:00", "2020-01-02 21:00", "2020-01-03 21:00", "2020-01-04 00:00"], utc=True
    )
    equity = pd.Series([100.0, 110.0, 121.0, 60.5], index=stamps)
    closes = session_closes(run_view(equity=equity))
    # The bar that ends at midnight is the last of the day before.
    assert closes.tolist() == [110.0, 60.5]
    assert closes.index.strftime("%d").tolist() == ["02", "03"]
    days = np.array([18_263, 18_263, 18_263, 18_264])  # said by the calendar, not by the clock
    closes = session_closes(run_view(equity=equity, session_days=days))
    assert closes.tolist() == [121.0, 60.5]


def test_rolling_ratios_are_those_of_each_window(full_view: Make) -> None:
    view = full_view()
    own = session_returns(view).to_numpy()
    market = view.benchmark.pct_change().iloc[1:].to_numpy()
    window = window_sessions(view)
    assert window == 126
    sharpe, slope = rolling_sharpe(view).to_numpy(), rolling_beta(view).to_numpy()
    assert np.isnan(sharpe[: window - 1]).all()
    for end in (window, 300, len(own)):
        part = slice(end - window, end)
        # pandas adds and removes as the window moves; its rounding stays under 1e-9.
        assert sharpe[end - 1] == pytest.approx(
            sharpe_ratio(own[part], periods_per_year=252), abs=1e-9
        )
        assert slope[end - 1] == pytest.approx(beta(own[part], market[part]), abs=1e-9)


def test_a_flat_stretch_has_no_rolling_ratio(full_view: Make) -> None:
    equity = full_view().equity.copy()
    equity.iloc[200:500] = 1_000.0
    assert np.isnan(rolling_sharpe(full_view(equity=equity)).iloc[450])


def test_the_worst_falls_are_those_of_the_measures(drawn: Make, full_view: Make) -> None:
    view = full_view()
    text = drawn(runs=[view]).text()
    days = view.equity.index
    for place, fall in enumerate(worst_drawdowns(view.equity.to_numpy(), 5), start=1):
        end = "not yet" if fall.recovery_bar is None else f"{days[fall.recovery_bar]:%Y-%m-%d}"
        last = len(days) - 1 if fall.recovery_bar is None else fall.recovery_bar
        assert (
            f"{place} {percent(fall.depth)} {days[fall.peak_bar]:%Y-%m-%d}"
            f" {days[fall.trough_bar]:%Y-%m-%d} {end}"
            f" {(days[fall.trough_bar] - days[fall.peak_bar]).days}"
            f" {(days[last] - days[fall.peak_bar]).days}"
        ) in text


def test_a_run_that_never_fell_says_so(drawn: Make, run_view: Make) -> None:
    rising = run_view().equity * 0 + np.arange(1.0, 7.0)
    assert "never stood below" in drawn(runs=[run_view(equity=rising)]).text()


def test_the_distribution_counts_each_session_that_moved_once(full_view: Make) -> None:
    returns = session_returns(full_view()).to_numpy().copy()
    returns[:50] = 0.0
    figure = return_distribution(returns, 0.02, 0.03)
    (bars,) = figure["data"]
    assert sum(bars["y"]) == len(returns) - 50
    losses = [
        c for c, colour in zip(bars["y"], bars["marker"]["color"], strict=True) if "loss" in colour
    ]
    assert sum(losses) == int((returns < 0).sum())
    assert [shape["x0"] for shape in figure["layout"]["shapes"]] == [-0.02, -0.03]


def test_value_at_risk_and_shortfall_are_those_of_the_measures(
    drawn: Make, full_view: Make
) -> None:
    returns = session_returns(full_view()).to_numpy()
    text = drawn(runs=[full_view()]).text()
    assert f"lost more than {percent(value_at_risk(returns))} (VaR 95%)" in text
    assert f"lost {percent(expected_shortfall(returns))} on average" in text


def test_short_runs_have_no_rolling_figures_and_say_why(drawn: Make, run_view: Make) -> None:
    assert "5 sessions are too few for ratios over the last 126" in drawn(runs=[run_view()]).text()


def test_costs_are_summed_by_kind_and_time(full_view: Make) -> None:
    view = full_view()
    sums = costs_by_kind(view)
    assert {kind: float(values.iloc[-1]) for kind, values in sums.items()} == {
        "commission": 1.5 * 40,
        "slippage": 5.0 * 40,
        "dividend": -65.0,
        "borrow": 12.0,
        "interest": 3.5,
    }
    assert sums["commission"].iloc[9] == 0.0
    assert sums["commission"].iloc[10] == 1.5  # of the fill in that very bar
    assert sums["dividend"].iloc[[99, 100, 200]].tolist() == [0.0, -40.0, -65.0]


def test_the_table_of_costs_leaves_what_was_received_out_of_the_sum(
    drawn: Make, full_view: Make
) -> None:
    text = drawn(runs=[full_view()]).text()
    assert "Dividends received 65.00" in text
    # 60 + 200 + 12 + 3.5 on 40 fills of 10,000.
    assert "Costs in all 275.50 6.9 bps" in text


def test_a_run_without_costs_says_so(drawn: Make, run_view: Make) -> None:
    fills = run_view().fills.assign(fee=0.0)
    assert "Nothing was charged" in drawn(runs=[run_view(fills=fills)]).text()


def test_round_trips_stand_on_the_price_where_they_began_and_ended(full_view: Make) -> None:
    view = full_view()
    sizes = view.round_trips["pnl"].abs().groupby(view.round_trips["symbol"]).sum()
    assert drawn_assets(view) == sizes.sort_values(ascending=False).index.tolist()
    figure = round_trip_figure(view, "AAPL")
    trips = view.round_trips[view.round_trips["symbol"] == "AAPL"]
    won = trips[trips["pnl"] > 0]
    entries = figure["data"][2]
    assert entries["x"] == won["entry_ts"].dt.strftime("%Y-%m-%d").tolist()
    assert entries["y"] == pytest.approx(won["entry_price"].tolist(), rel=1e-5)
    up = ["triangle-up" if units > 0 else "triangle-down" for units in won["quantity"]]
    assert entries["marker"]["symbol"] == up


def test_only_the_largest_of_many_round_trips_are_drawn(full_view: Make) -> None:
    trips = pd.concat([full_view().round_trips] * 30, ignore_index=True)
    trips["pnl"] = np.arange(len(trips)) * np.resize([1.0, -1.0], len(trips))
    trips["symbol"] = "AAPL"
    view = full_view(round_trips=trips)
    drawn = drawn_round_trips(view, "AAPL")
    assert len(drawn) == ROUND_TRIPS_DRAWN_MAX
    assert drawn["pnl"].abs().min() == len(trips) - ROUND_TRIPS_DRAWN_MAX


def test_a_reader_chooses_the_asset(drawn: Make, full_view: Make) -> None:
    page = drawn(runs=[full_view()])
    options = [one.text for one in page.all("option")]
    assert options == drawn_assets(full_view())
    (choices,) = [figure["choices"] for figure in figures_of(page).values() if "choices" in figure]
    assert len(choices) == len(options)


def test_robustness_is_told_with_its_reasons(drawn: Make, full_view: Make) -> None:
    text = drawn(runs=[full_view()]).text()
    for shown in (
        "As it was run 30.0% 9.0% 0.90 10.0% 20 –",
        "At twice the cost 25.0% – 0.80",
        "One bar later – – −0.10",
        "Break-even cost 42.0 bps",
        "Commission in the run was 1.5 bps",
        "Profit from the five best 112.5%",
        "Capacity – Not known: volume is not known.",
    ):
        assert shown in text


def test_refusals_name_their_limit_and_how_far_it_would_have_been_passed(
    drawn: Make, full_view: Make
) -> None:
    text = drawn(runs=[full_view()]).text()
    assert "limit 0.25; up to 0.45" in text
    assert "25.0% of units cut" in text  # 15 of 20


def test_every_reason_of_an_order_has_words() -> None:
    assert set(REASONS) - {""} <= set(REFUSALS)


def test_every_metric_of_a_run_has_words() -> None:
    assert set(METRICS) <= {*PERFORMANCE, *TRADING, *RELATIVE, PERIODS_PER_YEAR}


def test_findings_are_shown_before_the_figures(drawn: Make, full_view: Make) -> None:
    text = drawn(runs=[full_view()]).text()
    assert 0 < text.index("AAPL had no bar for 12 sessions") < text.index("Total return")


def test_every_figure_says_how_to_read_it(drawn: Make, full_view: Make) -> None:
    page = drawn(runs=[full_view(), full_view()])
    captions = [one.text for one in page.all("figcaption")]
    assert len(captions) == len(page.all("figure")) == len(figures_of(page))
    assert all(len(text) > 40 for text in captions)


def test_every_table_has_a_caption_and_every_figure_a_meaning(drawn: Make, full_view: Make) -> None:
    page = drawn(runs=[full_view(), full_view()])
    assert len(page.all("caption")) == len(page.all("table"))
    plots = [one for one in page.all("div") if "plot" in one.attributes.get("class", "")]
    assert all(one.attributes["aria-label"] for one in plots)


def test_the_contents_lead_to_sections_that_exist(drawn: Make, full_view: Make) -> None:
    for runs in ([full_view()], [full_view()] * 3):
        page = drawn(runs=runs, facts={"Seed": "7"})
        ids = {one.attributes.get("id") for one in page.elements}
        targets = {one.attributes["href"].removeprefix("#") for one in page.all("a")}
        assert targets
        assert targets <= ids


def test_what_is_on_another_index_than_equity_is_refused_by_name(full_view: Make) -> None:
    view = full_view()
    with pytest.raises(DataError, match="exposure of 'Full' must be on the index of equity"):
        full_view(exposure=view.exposure.iloc[1:])
    with pytest.raises(DataError, match=r"prices\['AAPL'\] of 'Full' must be on the index"):
        full_view(prices={"AAPL": view.equity.iloc[1:]})
    with pytest.raises(DataError, match="session_days of 'Full' must be as many"):
        full_view(session_days=np.arange(3))


def test_a_curve_that_grew_tenfold_begins_on_a_log_scale(drawn: Make, run_view: Make) -> None:
    def pressed(equity: list[float]) -> str:
        page = drawn(runs=[run_view(equity=run_view().equity * 0 + equity)])
        (button,) = [one for one in page.all("button") if one.attributes["class"] == "log"]
        return button.attributes["aria-pressed"]

    assert pressed([1.0, 2.0, 3.0, 5.0, 9.0, 11.0]) == "true"
    assert pressed([1.0, 2.0, 3.0, 5.0, 9.0, 9.9]) == "false"
    assert pressed([1.0, 2.0, 3.0, 5.0, 9.0, -1.0]) == "false"
