"""What is in a store, as it is listed, checked and shown."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from fanfold.domain.panel import FIELDS
from fanfold.errors import ConfigError, DataError
from fanfold.market.kinds import schema_of
from fanfold.market.store import Series, Store
from fanfold.workflows.data import listed as data
from fanfold.workflows.data.checked import check, check_content, check_lines, write_page
from fanfold.workflows.data.listed import list_lines
from fanfold.workflows.data.shown import show, sparkline
from fanfold.workflows.data.tables import table_lines

DAY = 86_400_000_000_000
FIRST = 19_723  # 2024-01-01


def table(kind: str, columns: dict[str, Any]) -> Any:
    schema = schema_of(kind)
    plain = {pa.date32(): np.int32}
    arrays = [
        pa.array(np.array(columns[one.name], plain.get(one.type))).cast(one.type) for one in schema
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


def bars(close: list[float], first: int = FIRST) -> Any:
    day = first + np.arange(len(close), dtype=np.int32)
    price = np.array(close)
    return table(
        "bars",
        {
            "ts": (day.astype(np.int64) + 1) * DAY,
            **dict.fromkeys(("open", "high", "low", "close"), price),
            "volume": np.full(len(close), 100.0),
            "session": day,
            "minutes_to_close": np.zeros(len(close)),
            "is_month_end": np.zeros(len(close), bool),
        },
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A: six days, split two for one before the fifth; B: three; a row of A set aside."""
    store = Store.at(tmp_path / "store")
    labels = {"source": "made", "feed": "", "basis": "raw", "calendar": "24/7"}
    prices = [10.0, 11.0, 10.5, 11.5, 5.5, 5.6]
    store.upsert(Series(kind="bars", symbol="A", timeframe="1D"), bars(prices), labels=labels)
    last = bars([3.0, 3.1, 3.2], FIRST + 2)
    store.upsert(Series(kind="bars", symbol="B", timeframe="1D"), last, labels=labels)
    actions = {"session": [FIRST + 4], "splits": [2.0], "dividends": [0.0]}
    store.upsert(Series(kind="actions", symbol="A"), table("actions", actions), labels={})
    aside = {
        "ts": [(FIRST + 3) * DAY],
        "row": [17],
        "kind": ["ohlc"],
        "reason": ["high was below low"],
        "source": ["made"],
        **{name: [1.0] for name in FIELDS},
    }
    kept = Series(kind="quarantine", symbol="A", timeframe="1D")
    store.upsert(kept, table("quarantine", aside), labels={})
    return tmp_path / "store"


def test_a_store_is_listed_by_kind_and_by_series(folder: Path) -> None:
    lines, content = list_lines(str(folder))
    assert lines[0] == "bars 1D A, B"
    assert lines[1] == "  2024-01-01 to 2024-01-06, 9 rows, raw, 24/7, made"
    assert "  1 rows of the source set aside" in lines
    one, actions = content["datasets"]
    assert (one["kind"], one["symbols"], one["row_count"]) == ("bars", ["A", "B"], 9)
    assert (one["bar_count"], one["quarantined"]) == (6, 1)
    assert (actions["kind"], actions["symbols"], actions["row_count"]) == ("actions", ["A"], 1)
    assert [(one["kind"], one["symbol"], one["row_count"]) for one in content["series"]] == [
        ("bars", "A", 6),
        ("bars", "B", 3),
        ("actions", "A", 1),
    ]


def test_without_a_store_the_local_one_and_the_sample_are_listed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data, "local_name", lambda: str(folder))
    named = [one["symbols"] for one in list_lines(None)[1]["datasets"]]
    assert named == [["A", "B"], ["A"], ["AAPL", "FB", "GOOG", "IBM", "MSFT"]]


def test_what_is_no_store_is_refused(tmp_path: Path) -> None:
    for ask in (list_lines, check, lambda where: show("A", where)):
        with pytest.raises(DataError, match="nowhere must be a store"):
            ask(str(tmp_path / "nowhere"))


def test_rows_that_were_set_aside_are_findings_of_their_kind(folder: Path) -> None:
    _, views = check(str(folder), shown=False)
    found = [one for one in views[0].findings if one.kind == "ohlc"]
    assert [(one.symbol, one.severity) for one in found] == [("A", "error")]
    assert found[0].detail == "set aside, row 17 of made: high was below low"
    assert (views[0].quarantined, views[1].quarantined) == (1, 0)


def test_what_was_noted_on_the_way_in_is_found_again(folder: Path) -> None:
    note = {
        "ts": [(FIRST + 2) * DAY],
        "kind": ["out_of_order"],
        "severity": ["warning"],
        "detail": ["row 7 came late"],
        "source": ["made"],
    }
    kept = Series(kind="notes", symbol="A", timeframe="1D")
    Store.at(folder).upsert(kept, table("notes", note), labels={})
    _, views = check(str(folder), shown=False)
    told = [one for one in views[0].findings if one.kind == "out_of_order"]
    assert [one.detail for one in told] == ["on its way in from made: row 7 came late"]
    assert views[0].quarantined == 1


def test_a_series_of_which_every_row_was_set_aside_is_checked_too(folder: Path) -> None:
    aside = Store.at(folder).read(Series(kind="quarantine", symbol="A", timeframe="1D"))
    Store.at(folder).upsert(Series(kind="quarantine", symbol="C", timeframe="1D"), aside, labels={})
    _, views = check(str(folder), symbols=["C"], shown=False)
    assert [(one.symbol, one.row_count, one.quarantined) for one in views] == [("C", 0, 1)]
    assert check_content("s", views)["symbols"][0]["findings"]["error"] == 1


def test_a_symbol_that_ends_before_the_others_is_told(folder: Path) -> None:
    store = Store.at(folder)
    labels = store.labels(Series(kind="bars", symbol="A", timeframe="1D"))
    for name, count in (("C", 6), ("D", 6), ("E", 6), ("F", 4)):
        prices = [10.0, 10.1, 10.3, 10.2, 10.4, 10.1][:count]
        series = Series(kind="bars", symbol=name, timeframe="1D")
        store.upsert(series, bars(prices), labels=labels)
    _, views = check(str(folder), symbols=["A", "C", "D", "E", "F"], shown=False)
    gaps = {one.symbol: one for view in views for one in view.findings if one.kind == "gap"}
    assert list(gaps) == ["F"]
    assert (gaps["F"].ts, gaps["F"].severity) == ((FIRST + 5) * DAY, "warning")
    assert "2 sessions are missing" in gaps["F"].detail


def test_a_timeframe_that_is_not_there_is_refused(folder: Path) -> None:
    with pytest.raises(DataError, match="must hold bars of 5min to be checked, holds 1D"):
        check(str(folder), timeframe="5min", shown=False)


def test_a_period_without_rows_is_shown_as_such(folder: Path) -> None:
    lines, content = show("A", str(folder), start="2030-01-01")
    assert (lines[-1], content["rows"]) == ("no rows in the period", [])


@pytest.mark.parametrize("ask", [lambda where: show("", where), lambda _: check(" ", shown=False)])
def test_an_empty_name_is_refused(folder: Path, ask: Any) -> None:
    with pytest.raises(ConfigError, match="must"):
        ask(str(folder))


def test_a_split_that_is_booked_is_not_found_and_one_that_is_not_is(folder: Path) -> None:
    prices = [*(100.0 + np.arange(60) % 5), *(50.0 + np.arange(60) % 5 / 2)]
    labels = {"source": "made", "feed": "", "basis": "raw", "calendar": "24/7"}
    store = Store.at(folder)
    for symbol in ("SPLIT", "BOOKED"):
        series = Series(kind="bars", symbol=symbol, timeframe="1D")
        store.upsert(series, bars(prices), labels=labels)
    booked = {"session": [FIRST + 60], "splits": [2.0], "dividends": [0.0]}
    store.upsert(Series(kind="actions", symbol="BOOKED"), table("actions", booked), labels={})
    _, views = check(str(folder), symbols=["SPLIT", "BOOKED"], shown=False)
    found = {view.symbol: [one.kind for one in view.findings] for view in views}
    assert "unadjusted_split" in found["SPLIT"]
    assert "unadjusted_split" not in found["BOOKED"]


def test_only_what_is_bad_enough_is_told(folder: Path) -> None:
    store = Store.at(folder)
    labels = {"source": "made", "feed": "", "basis": "raw", "calendar": "24/7"}
    series = Series(kind="bars", symbol="GAP", timeframe="1D")
    store.upsert(series, bars([3.0, 3.1], FIRST), labels=labels)
    store.upsert(series, bars([3.2, 3.1], FIRST + 40), labels=labels)
    for severity, expected in (("warning", {"warning", "error"}), ("error", {"error"})):
        _, views = check(str(folder), severity=severity, shown=False)
        assert {one.severity for view in views for one in view.findings} == expected


def test_a_check_says_it_in_lines_json_and_a_page(folder: Path, tmp_path: Path) -> None:
    name, views = check(str(folder), shown=False)
    content = check_content(name, views)
    assert content["symbols"][0]["symbol"] == "A"
    assert content["symbols"][0]["kinds"]["ohlc"] == 1
    assert content["symbols"][0]["findings"]["error"] >= 1
    (ohlc,) = [one for one in content["findings"] if one["kind"] == "ohlc"]
    assert ohlc["ts"] == "2024-01-04T00:00:00Z"
    lines = check_lines(name, views)
    assert lines[1].split()[:3] == ["A", "1D", "6"]
    assert any(line.startswith("error    A 2024-01-04  ohlc: set aside, row 17") for line in lines)
    text = write_page(tmp_path / "page.html", name, views).read_text(encoding="utf-8")
    assert "set aside, row 17 of made" in text


def test_a_symbol_that_is_not_there_is_asked_about(folder: Path) -> None:
    with pytest.raises(DataError, match=r"must hold 'b' \(nearest: 'B'\)"):
        check(str(folder), symbols=["b"], shown=False)
    with pytest.raises(DataError, match="bars 1D b"):
        show("b", str(folder))


def test_first_and_last_rows_are_shown_as_they_are_stored(folder: Path) -> None:
    lines, content = show("A", str(folder), limit=3)
    assert [row["close"] for row in content["rows"]] == [10.0, 11.0, 5.6]
    assert content["rows"][0]["ts"] == "2024-01-02T00:00:00Z"
    assert content["rows"][0]["session"] == "2024-01-01"
    assert (content["row_count"], content["actions"], content["quarantined"]) == (6, 1, 1)
    assert "… 3 more" in lines
    assert any("1 actions" in line and "1 set aside" in line for line in lines)


def test_a_period_and_a_basis_may_be_asked_for(folder: Path) -> None:
    _, content = show("A", str(folder), start="2024-01-04", end="2024-01-05", basis="split")
    # Dates are sessions, both included. A split-adjusted price from before the split two for
    # one is half of what was paid.
    assert [row["close"] for row in content["rows"]] == [5.75, 5.5]
    assert content["basis"] == "split"
    with pytest.raises(DataError, match=r"basis of bars 1D B in .* must be raw"):
        show("B", str(folder), basis="split")


def test_actions_are_shown_too(folder: Path) -> None:
    lines, content = show("A", str(folder), kind="actions")
    assert content["rows"] == [{"session": "2024-01-05", "splits": 2.0, "dividends": 0.0}]
    assert lines[-1].split() == ["2024-01-05", "2", "0"]


def test_a_sparkline_has_the_shape_of_its_values() -> None:
    assert sparkline(np.array([0.0, 7.0, 3.5, np.nan, 0.0])) == "▁█▅▁"
    assert len(sparkline(np.arange(1_000.0))) == 60
    assert sparkline(np.array([np.nan])) == ""


def test_a_table_counts_what_it_leaves_out() -> None:
    rows = [["a", "1"], ["bb", "22"], ["c", "3"]]
    assert table_lines(["n", "x"], rows, lines_max=2) == [
        "n    x",
        "a    1",
        "bb  22",
        "and 1 more",
    ]
