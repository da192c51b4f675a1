import math
from datetime import date, datetime
from typing import Any

import pyarrow as pa
import pytest

from fanfold.alpaca import actions_table, rows_table

QUOTE = {"t": "2024-01-02T14:30:00.000000007Z", "bp": 1.5, "bs": 2, "ap": 0, "as": 0}
TRADE = {"t": "2024-01-02T14:30:00Z", "p": 1, "s": 0.5}


def test_bars_keep_every_digit_and_leave_out_what_they_lack() -> None:
    bar = {"t": "2024-01-02T05:00:00Z", "o": 1, "h": 2.25, "l": 0.1, "c": 1e9, "v": 3}
    table = rows_table("bars", [bar, bar | {"vw": 1.125, "n": 7, "c": None}])
    assert table.schema.types[0] == pa.timestamp("ns", "UTC")
    assert set(table.schema.types[1:]) == {pa.float64()}
    assert table.column("close").null_count == 0
    assert table.column("high").to_pylist() == [2.25, 2.25]
    assert math.isnan(table.column("close").to_pylist()[1])
    assert math.isnan(table.column("vwap").to_pylist()[0])
    assert table.column("trade_count").to_pylist()[1] == 7


def test_a_side_without_a_price_is_absent() -> None:
    [row] = rows_table("quotes", [QUOTE | {"bx": "V", "ax": "V", "c": ["R"]}]).to_pylist()
    assert (row["bid"], row["bid_size"], row["exchange"], row["conditions"]) == (1.5, 2, "V", "R")
    assert math.isnan(row["ask"])
    assert math.isnan(row["ask_size"])


def test_a_price_below_nought_is_left_for_the_checks_to_find() -> None:
    assert rows_table("quotes", [QUOTE | {"ap": -1}]).column("ask").to_pylist() == [-1]


def test_instants_keep_their_nanoseconds() -> None:
    [ns] = rows_table("quotes", [QUOTE]).column("ts").cast(pa.int64()).to_pylist()
    assert ns % 10**9 == 7


def test_trades_say_under_which_conditions() -> None:
    rows = [
        TRADE | {"i": 52983525037630, "x": "V", "c": ["@", "I"]},
        TRADE | {"i": "a", "tks": "B"},
        TRADE | {"c": [" "], "u": "canceled"},
    ]
    table = rows_table("trades", rows)
    assert table.column("id").to_pylist() == ["52983525037630", "a", ""]
    assert table.column("exchange").to_pylist() == ["V", "", ""]
    assert table.column("conditions").to_pylist() == ["@ I", "B", "canceled"]


@pytest.mark.parametrize(
    ("row", "error"),
    [
        ({"t": "2024-01-02T14:30:00Z", "p": 1}, KeyError),
        (TRADE | {"p": "1.5"}, (TypeError, ValueError)),
        (TRADE | {"t": "noon"}, ValueError),
        (TRADE | {"t": 7}, (TypeError, ValueError)),
        (None, TypeError),
    ],
)
def test_rows_that_are_none_are_refused(row: Any, error: Any) -> None:
    with pytest.raises(error):
        rows_table("trades", [row])


def action(day: str, **more: Any) -> dict[str, Any]:
    return {"symbol": "AAPL", "ex_date": day, **more}


def test_splits_and_dividends_of_a_date_are_one_row() -> None:
    table = actions_table(
        {
            "forward_splits": [action("2024-06-10", new_rate=10, old_rate=1)],
            "reverse_splits": [action("2024-03-01", new_rate=1, old_rate=8)],
            "stock_dividends": [action("2024-02-01", rate=0.05)],
            "cash_dividends": [
                action("2024-06-10", rate=0.25),
                action("2024-06-10", rate=1.5),
                action("2024-01-31", rate=9.0),  # before the period
                action("2024-06-11", rate=9.0),  # after it
                action("2024-06-05", rate=9.0) | {"symbol": "IBM"},
            ],
            "name_changes": [{"old_symbol": "A", "new_symbol": "B"}],
            "unit_splits": [],
        },
        first=date(2024, 2, 1),
        until=date(2024, 6, 11),
        symbol="AAPL",
    )
    assert table.to_pydict() == {
        "ts": [datetime(2024, 2, 1), datetime(2024, 3, 1), datetime(2024, 6, 10)],  # noqa: DTZ001
        "splits": [1.05, 0.125, 10.0],
        "dividends": [0.0, 0.0, 1.75],
    }
