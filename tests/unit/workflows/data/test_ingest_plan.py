"""An ingest is cut where the calendar is, and files that share symbols stay together."""

from dataclasses import replace
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfold.errors import ConfigError, DataError
from fanfold.market.sources.source import Request
from fanfold.workflows.data.ingest_files import file_units
from fanfold.workflows.data.ingest_plan import (
    Asked,
    instant_of,
    ranges,
    request_of,
    service_units,
    store_name,
)

DAY = 86_400_000_000_000
BARS = "date,symbol,open,high,low,close,volume\n"


def ns(text: str) -> int:
    return int(np.datetime64(text, "ns").astype(np.int64))


def asked(**given: Any) -> Asked:
    return Asked(**({"source": ("yahoo",), "symbols": ("AAPL",)} | given))


def days(spans: list[tuple[int, int]]) -> list[str]:
    return [str(np.datetime64(start, "ns").astype("datetime64[D]")) for start, _ in spans]


@pytest.mark.parametrize(
    ("kind", "timeframe", "starts"),
    [
        ("bars", "1D", ["1999-12-30", "2000-01-01"]),
        ("bars", "1h", ["1999-12-30", "2000-01-01", "2001-01-01"]),
        ("bars", "1min", ["1999-12-30", "2000-01-01", "2000-02-01"]),
        ("trades", "1D", ["1999-12-30", "1999-12-31", "2000-01-01"]),
    ],
)
def test_ranges_begin_where_the_calendar_does(kind: str, timeframe: str, starts: list[str]) -> None:
    spans = list(ranges(ns("1999-12-30"), ns("2001-03-01"), kind, timeframe))
    assert days(spans)[: len(starts)] == starts


@given(
    start=st.integers(-3_000, 9_000),
    length=st.integers(1, 9_000),
    kind=st.sampled_from([("bars", "1D"), ("bars", "5min"), ("bars", "1h")]),
)
def test_ranges_cover_the_period_once(start: int, length: int, kind: tuple[str, str]) -> None:
    first, end = start * DAY + 7, (start + length) * DAY + 11
    spans = list(ranges(first, end, *kind))
    assert spans[0][0] == first
    assert spans[-1][1] == end
    assert all(one[1] == other[0] for one, other in pairwise(spans))
    # What was fetched once is known again, wherever the next period begins and ends.
    wider = {stop for _, stop in ranges(first - 40 * DAY, end + 40 * DAY, *kind)}
    assert {stop for _, stop in spans[:-1]} <= wider


def test_a_symbol_and_a_range_are_a_unit_and_symbols_come_one_after_the_other() -> None:
    request = Request(symbols=("B", "A"), start=ns("2005-01-01"), end=ns("2015-01-01"))
    units = service_units("polygon", request, together=False)
    assert [unit.parts[0].request.symbols for unit in units] == [("B",), ("B",), ("A",), ("A",)]
    together = service_units("polygon", request, together=True)
    assert [len(unit.parts) for unit in together] == [2, 2]
    assert [unit.count for unit in (*units, *together)] == [1, 1, 1, 1, 2, 2]


def test_symbols_share_a_unit_where_the_service_gives_their_days_in_one_answer() -> None:
    symbols = (*(f"S{number}" for number in range(101)), "BTC/USD")
    request = Request(symbols=symbols, start=ns("2012-01-01"), end=ns("2015-01-01"))
    units = service_units("alpaca", request, together=False)
    assert [unit.count for unit in units] == [100, 1, 1]
    assert sum((unit.names for unit in units), ()) == symbols
    minutes = replace(request, timeframe="1min", start=ns("2014-12-01"))
    assert [unit.count for unit in service_units("alpaca", minutes, together=False)] == [1] * 102


def test_adjusted_prices_are_asked_for_whole_as_a_split_changes_all_of_them() -> None:
    request = Request(symbols=("A",), start=ns("1999-01-01"), end=ns("2021-01-01"))
    split = replace(request, basis="split")
    asked_for = [("yahoo", request), ("polygon", split), ("alpaca", split)]
    for source, one in asked_for:
        (unit,) = service_units(source, one, together=False)
        (part,) = unit.parts
        assert (part.request.start, part.request.end) == (request.start, request.end)


def test_a_day_that_is_named_is_whole() -> None:
    request = request_of(asked(start="2024-01-02", end=date(2024, 1, 3)))
    assert (request.start, request.end) == (ns("2024-01-02"), ns("2024-01-04"))
    assert instant_of("2024-01-02T09:30-05:00", "start", 0) == ns("2024-01-02T14:30")


def test_symbols_are_read_from_a_file_each_once(tmp_path: Path) -> None:
    file = tmp_path / "symbols.txt"
    file.write_text("# large\nAAPL, MSFT\n\nBRK.B  # two classes\nAAPL\n", encoding="utf-8")
    request = request_of(asked(symbols=None, symbols_file=str(file)))
    assert request.symbols == ("AAPL", "MSFT", "BRK.B")


@pytest.mark.parametrize(
    ("given_", "message"),
    [
        ({"symbols": None}, "yahoo must be asked for symbols"),
        ({"symbols": (" ",)}, "symbols must be 1 to"),
        ({"symbols_file": "x.txt"}, "by name or in a file, were both"),
        ({"symbols": None, "symbols_file": "nowhere.txt"}, "nowhere.txt: No such file"),
        ({"kind": "candles"}, "kind must be one of bars, .* was 'candles'"),
        ({"basis": "spilt"}, "nearest: 'split'"),
        ({"source": ("yahoo", "a.csv")}, "source must be files, or one of"),
        ({"columns": {"close": "Last"}}, "map goes with files only, yahoo says it itself"),
        ({"source": ("a.csv",), "feed": "iex"}, "feed goes with alpaca and yahoo and polygon"),
        ({"start": "2024-13-01"}, "start must be a date such as"),
        ({"start": "2024-01-02T10:00"}, "carry a time zone"),
        ({"start": "3024-01-01"}, "start must be within 1900 and 2199"),
        ({"start": "2024-01-02", "end": "2023-01-02"}, "start must be before end"),
        ({"timeframe": "7min"}, "timeframe must be"),
    ],
)
def test_what_cannot_be_meant_is_refused(given_: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        request_of(asked(**given_))


@pytest.mark.parametrize(
    ("given_", "message"),
    [
        ({"timeframe": "1min"}, "start must be given for bars"),
        ({"kind": "trades"}, "start must be given for trades"),
        ({"start": "2150-01-01"}, "start must be in the past"),
        ({"kind": "trades", "start": "1990-01-01", "symbols": tuple(map(str, range(1_000)))},
         "symbols times ranges must be at most"),
    ],
)  # fmt: skip
def test_too_much_at_a_time_is_refused(given_: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        service_units("polygon", request_of(asked(**given_)), together=False)


def files_of(tmp_path: Path, **symbols: str) -> None:
    for name, held in symbols.items():
        rows = "".join(f"2024-01-02,{one},1,1,1,1,1\n" for one in held)
        (tmp_path / f"{name}.csv").write_text(BARS + rows, encoding="utf-8")


def grouped(folder: Path, symbols: tuple[str, ...] | None = None) -> tuple[list[str], Any]:
    given = Asked(source=(str(folder),), symbols=symbols)
    units, missing = file_units(given, request_of(given))
    return ["".join(Path(part.source).stem for part in unit.parts) for unit in units], missing


def test_files_that_share_a_symbol_are_one_unit_in_their_order(tmp_path: Path) -> None:
    files_of(tmp_path, a="XY", b="Q", c="YZ", d="R", e="ZQ")
    assert grouped(tmp_path)[0] == ["abce", "d"]


def test_files_without_what_is_asked_for_are_left_alone(tmp_path: Path) -> None:
    files_of(tmp_path, a="XY", b="Q", c="YZ")
    assert grouped(tmp_path, ("Q", "X", "N")) == (["a", "b"], ("N",))


def test_a_file_without_a_column_of_symbols_is_of_its_name(tmp_path: Path) -> None:
    for name in ("AAPL", "MSFT"):
        text = "date,open,high,low,close,volume\n2024-01-02,1,1,1,1,1\n"
        (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
    assert grouped(tmp_path, ("MSFT",)) == (["MSFT"], ())


def test_a_source_that_is_nearly_one_is_asked_about(tmp_path: Path) -> None:
    given = Asked(source=("alpacca",))
    with pytest.raises(ConfigError, match="nearest: 'alpaca'"):
        file_units(given, request_of(given))
    nowhere = Asked(source=(str(tmp_path / "q.csv"),))
    with pytest.raises(DataError, match=r"q\.csv is not there"):
        file_units(nowhere, request_of(nowhere))


def test_the_store_is_the_local_one_unless_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FANFOLD_HOME", str(tmp_path))
    assert store_name(asked()) == str(tmp_path / "store")
    assert store_name(asked(store="here")) == "here"
