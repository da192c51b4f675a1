"""One call from a result to a page for somebody else."""

from html import unescape
from pathlib import Path

import pytest

import fanfold as ff
from fanfold.engine.result import Result
from fanfold.errors import ConfigError, JobError
from fanfold.market.sample import CHOSEN_WITH_HINDSIGHT
from fanfold.reporting import pdf
from fanfold.strategies import SmaCross


@pytest.fixture(scope="module")
def result() -> Result:
    bars = ff.load_bars("sample", symbols="IBM", end="2001-03-01")
    return ff.backtest(SmaCross(fast=5, slow=20), bars, costs=ff.Costs(slippage_bps=5))


def shown(result: Result, page: Path) -> str:
    """Text of a report, as a reader sees it."""
    return unescape(ff.report(result, page).read_text(encoding="utf-8"))


def test_a_report_is_one_file_that_tells_terms_and_notes(result: Result, tmp_path: Path) -> None:
    page = ff.report(result, tmp_path / "new" / "page.html", title="Mine", notes=["Read me."])
    text = page.read_text(encoding="utf-8")
    assert page == tmp_path / "new" / "page.html"
    for told in ("<h1>Mine</h1>", "Read me.", "slippage bps 5.0", result.bars.fingerprint[:16]):
        assert told in text


def test_a_report_on_the_sample_says_that_it_was_chosen_with_hindsight(
    result: Result, tmp_path: Path
) -> None:
    assert CHOSEN_WITH_HINDSIGHT in shown(result, tmp_path / "a.html")
    own = ff.Bars.from_frame(
        result.bars.to_frame(), stamp="end", basis="raw", calendar="XNYS", source="own.csv"
    )
    other = ff.backtest(SmaCross(fast=5, slow=20), own)
    assert CHOSEN_WITH_HINDSIGHT not in shown(other, tmp_path / "b.html")


def test_equal_results_give_equal_bytes(result: Result, tmp_path: Path) -> None:
    again = ff.backtest(result.strategy, result.bars, costs=result.terms.costs)
    pages = [ff.report(one, tmp_path / f"{k}.html") for k, one in enumerate((result, again))]
    assert pages[0].read_bytes() == pages[1].read_bytes()


@pytest.mark.parametrize("path", ["report", "report.pdf", ""])
def test_the_path_of_a_report_must_end_in_html(result: Result, path: str) -> None:
    with pytest.raises(ConfigError, match=r"must end in \.html, was"):
        ff.report(result, path)


def test_without_a_browser_a_pdf_is_refused_before_the_work(
    result: Result, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pdf, "BROWSERS", ("no-such-browser",))
    with pytest.raises(JobError, match="needs Chromium"):
        ff.report(result, tmp_path / "page.html", pdf=True)
    assert not (tmp_path / "page.html").exists()
