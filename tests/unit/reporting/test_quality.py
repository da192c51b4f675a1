"""The page on the quality of data: what it counts, what it marks, what it never runs."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fanfold.market.quality.finding import Finding, Severity
from fanfold.reporting import quality
from fanfold.reporting.quality import write_quality
from fanfold.reporting.quality_views import QualityView, worst_first
from fanfold.reporting.sections.quality import FINDINGS_SHOWN_MAX
from fanfold.reporting.sections.quality_picture import HEIGHT, MARKS_MAX, WIDTH, price_picture

DAY = 86_400_000_000_000
FIRST = 12_000 * DAY
HOSTILE = "</td><script>alert(1)</script>"


def finding(
    day: int | None, severity: Severity = "warning", kind: str = "outlier", detail: str = "odd"
) -> Finding:
    ts = None if day is None else FIRST + day * DAY
    return Finding(symbol="A", ts=ts, kind=kind, severity=severity, detail=detail, timeframe="1D")


def view(
    *found: Finding, symbol: str = "A", price: object = (1.0, 2.0, 3.0), aside: int = 0
) -> QualityView:
    values = np.array(price, np.float64)
    return QualityView(
        symbol=symbol,
        kind="bars",
        timeframe="1D",
        row_count=len(values),
        quarantined=aside,
        ts=FIRST + np.arange(len(values)) * DAY,
        price=values,
        findings=found,
    )


def page(tmp_path: Path, *views: QualityView, meanings: dict[str, str] | None = None) -> str:
    file = write_quality(
        tmp_path / "deep" / "q.html",
        title="Quality",
        lead="all",
        views=views,
        meanings=meanings or {},
    )
    return file.read_text(encoding="utf-8")


def circles(picture: str) -> list[tuple[float, float, str]]:
    found = re.findall(
        r'<circle cx="([\d.]+)" cy="([\d.]+)" r="[\d.]+" style="fill: var\(--(\w+)', picture
    )
    return [(float(x), float(y), colour) for x, y, colour in found]


def test_a_mark_stands_where_its_bar_is() -> None:
    (mark,) = circles(price_picture(view(finding(1, "error"), price=[1.0, 2.0, 3.0])))
    # The second of three bars of a straight line is the picture's middle.
    assert mark == (WIDTH / 2, HEIGHT / 2, "drawdown")


def test_a_row_that_was_set_aside_is_marked_between_its_neighbours() -> None:
    late = Finding(
        symbol="A", ts=FIRST + DAY // 2, kind="ohlc", severity="error", detail="", timeframe="1D"
    )
    whole = price_picture(view(late, price=[1.0, 3.0]))
    ((x, y, _),) = circles(whole)
    assert (x, y) == (WIDTH / 2, HEIGHT / 2)


def test_the_worst_are_marked_where_there_are_too_many() -> None:
    many = [finding(day, "info") for day in range(MARKS_MAX + 50)] + [finding(3, "error")]
    marks = circles(price_picture(view(*many, price=np.arange(1.0, 400.0))))
    assert len(marks) == MARKS_MAX
    assert marks[-1][2] == "drawdown"  # drawn last, so on top


def test_a_line_is_not_drawn_through_years_without_prices() -> None:
    whole = view(price=np.ones(100))
    holed = QualityView(
        symbol="A",
        kind="bars",
        timeframe="1D",
        row_count=100,
        quarantined=0,
        ts=np.concatenate([whole.ts[:50], whole.ts[50:] + 3_000 * DAY]),
        price=whole.price,
        findings=(),
    )
    assert price_picture(whole).count("<polyline") == 1
    assert price_picture(holed).count("<polyline") == 2


@pytest.mark.parametrize("price", [[], [1.0], [np.nan, np.nan, np.nan], [-1.0, 0.0, 1.0]])
def test_without_two_prices_there_is_no_picture(price: list[float]) -> None:
    assert price_picture(view(finding(0), price=price)) == ""


def test_findings_are_counted_by_kind_and_explained(tmp_path: Path) -> None:
    text = page(
        tmp_path,
        view(finding(0), finding(1), symbol="A"),
        view(finding(0), finding(1, "error", "ohlc"), symbol="B", aside=7),
        meanings={"outlier": "Far from the others."},
    )
    kinds = text[text.index('id="kinds"') : text.index('id="all"')]
    rows = re.findall(r"<tr>.*?</tr>", kinds)[1:]
    cells = [re.findall(r">([^<>]+)<", row) for row in rows]
    assert cells == [
        ["ohlc", "error", "1", "1"],
        ["outlier", "Far from the others.", "warning", "3", "2"],
    ]
    assert re.search(r"Rows set aside</dt><dd>7<", text)


def test_the_worst_series_come_first_and_only_so_many_are_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quality, "SECTIONS_MAX", 2)
    text = page(
        tmp_path,
        view(symbol="CLEAN"),
        view(finding(0), symbol="ONE"),
        view(finding(0, "error"), symbol="BAD"),
        view(finding(0), finding(1), symbol="TWO"),
    )
    assert re.findall(r"<h2>(\w+) 1D</h2>", text) == ["BAD", "TWO"]
    listed = re.findall(r'<th scope="row" class="text">(?:<a[^>]*>)?(\w+) 1D', text)
    assert listed == ["BAD", "TWO", "ONE", "CLEAN"]
    assert "The 2 worst are drawn below, 2 are not." in text


def test_more_findings_than_are_listed_are_counted(tmp_path: Path) -> None:
    many = [finding(day) for day in range(FINDINGS_SHOWN_MAX + 3)]
    assert "And 3 more; fanfold data check --json has all." in page(tmp_path, view(*many))


def test_what_a_file_says_is_shown_and_never_run(tmp_path: Path) -> None:
    text = page(
        tmp_path,
        view(finding(1, detail=HOSTILE, kind=HOSTILE), symbol=HOSTILE),
        view(symbol="B"),
        meanings={HOSTILE: HOSTILE},
    )
    assert "alert(1)" in text
    assert HOSTILE not in text
    assert "<script>alert" not in text


def test_the_page_needs_nothing_else_and_is_the_same_again(tmp_path: Path) -> None:
    views = view(finding(1)), view(symbol="B")
    text = page(tmp_path, *views)
    assert text == page(tmp_path, *views)
    assert not re.findall(r'(?:src|href)="(?!#)', text)
    assert "default-src 'none'" in text
    assert len(text) < 100_000  # without Plotly, which alone has millions


def test_the_worst_come_first_and_then_the_oldest() -> None:
    mixed = (finding(2, "info"), finding(5, "error"), finding(1, "warning"), finding(None, "error"))
    order = [(one.severity, one.ts and (one.ts - FIRST) // DAY) for one in worst_first(mixed)]
    assert order == [("error", None), ("error", 5), ("warning", 1), ("info", 2)]


def test_the_range_of_a_bar_with_a_finding_is_drawn_where_its_close_is_as_others() -> None:
    bad = replace(view(finding(1)), reach={FIRST + DAY: (1.0, 20.0)})
    lines = re.findall(r'<line [^>]*y1="([\d.]+)" y2="([\d.]+)"', price_picture(bad))
    assert [(float(low) > float(high)) for low, high in lines] == [True]
    assert float(lines[0][1]) < HEIGHT / 4
    assert "<line" not in price_picture(view(finding(1)))
