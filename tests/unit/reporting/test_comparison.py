"""A page of several runs against independent computations."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from fanfold.reporting import write_comparison
from fanfold.reporting.together import put_together, told_apart

Make = Callable[..., Any]
HOSTILE = "</script><script>alert(1)</script>"


@pytest.fixture
def three(full_view: Make) -> list[Any]:
    """Three runs of different periods; the second moves with the first."""
    view = full_view()
    rng = np.random.default_rng(9)
    other = view.equity * np.cumprod(1.0 + rng.normal(0.0, 0.002, len(view.equity)))
    third = pd.Series(
        1_000.0 * np.cumprod(1.0 + rng.normal(0.0, 0.01, len(view.equity))), index=view.equity.index
    )
    bare = {"exposure": None, "prices": {}, "benchmark": None}
    return [
        view,
        full_view(name="Close kin", equity=other.iloc[100:], **bare),
        full_view(name="Stranger", equity=third.iloc[:-50], **bare),
    ]


@pytest.fixture
def compared(tmp_path: Path) -> Callable[..., str]:
    """The source of a comparison of what the test gives."""

    def compare(runs: list[Any], **facts: str) -> str:
        file = write_comparison(tmp_path / "page.html", "Compared", runs, facts)
        return file.read_text(encoding="utf-8")

    return compare


def test_all_curves_start_at_100_on_the_first_session_that_all_have(three: list[Any]) -> None:
    found = put_together(three)
    first = three[1].equity.index[0]
    assert found.common
    assert found.levels.index[0].date() == first.date()
    assert found.levels.iloc[0].tolist() == [100.0] * 3
    expected = three[0].equity.iloc[-1] / three[0].equity[first] * 100.0
    assert found.levels["Full"].iloc[-1] == pytest.approx(expected, rel=1e-13)


def test_runs_that_share_no_session_start_each_at_their_own(three: list[Any]) -> None:
    late = three[1].equity.shift(5_000, freq="D")
    found = put_together([three[0], replace(three[1], equity=late)])
    assert not found.common
    assert found.levels["Full"].dropna().iloc[0] == 100.0
    assert found.levels["Close kin"].dropna().iloc[0] == 100.0
    assert np.isnan(found.correlation.to_numpy()[0, 1])


def test_correlation_is_that_of_common_daily_returns(three: list[Any]) -> None:
    found = put_together(three)
    a, b = (view.equity.pct_change().dropna() for view in three[:2])
    a = a[b.index]
    expected = np.corrcoef(a, b)[0, 1]
    # Two sums over the same 650 products, in another order.
    assert found.correlation.loc["Full", "Close kin"] == pytest.approx(expected, abs=1e-12)
    assert found.correlation.loc["Full", "Close kin"] > 0.9
    assert abs(found.correlation.loc["Full", "Stranger"]) < 0.2
    assert found.session_count == 750 - 100 - 50 - 1


def test_years_and_months_stand_side_by_side(three: list[Any]) -> None:
    found = put_together(three)
    equity = three[0].equity
    year = equity[equity.index < "2021"].iloc[-1] / equity[equity.index < "2020"].iloc[-1] - 1.0
    assert found.years.loc[2020, "Full"] == pytest.approx(year, rel=1e-12)
    assert found.months.index[0] == "2019-03"
    assert (1.0 + found.months["Full"]).prod() == pytest.approx(
        equity.iloc[-1] / equity.iloc[0], rel=1e-12
    )


def test_runs_of_one_name_are_told_apart() -> None:
    assert told_apart(["a", "b", "a", "a"]) == ["a", "b", "a (2)", "a (3)"]


def test_the_page_shows_every_run_and_can_be_sorted(three: list[Any], compared: Make) -> None:
    source = compared(three, Seed="7")
    for name in ("Full", "Close kin", "Stranger", "Break-even cost", "42.0 bps"):
        assert name in source
    assert source.count('class="sorter"') == 8 + 3 - 2  # measures that the runs have
    assert 'data-value="0.9"' in source
    assert compared(three, Seed="7") == source


def test_the_figures_of_the_page_are_ones_that_plotly_accepts(
    three: list[Any], compared: Make
) -> None:
    source = compared(three)
    start = source.index('id="figures">') + len('id="figures">')
    figures = json.loads(source[start : source.index("</script>", start)])
    assert len(figures) == 2
    for figure in figures.values():
        go.Figure(figure)
    overlay = figures["figure-1"]["data"]
    assert len(overlay) == 6
    assert len({trace["line"]["color"] for trace in overlay}) == 3


def test_text_from_outside_is_shown_and_never_run(full_view: Make, compared: Make) -> None:
    view = full_view(name=HOSTILE)
    source = compared([view, view], a=HOSTILE)
    # Its own data, Plotly and the page's own script.
    assert source.count("<script") == source.replace("<\\/script", "").count("</script") == 3


def test_a_comparison_of_one_run_or_of_none_is_a_page(full_view: Make, compared: Make) -> None:
    assert "Full" in compared([full_view()])
    assert "Compared" in compared([])
