"""Files of many hands become deliveries; what could be two things is refused."""

import gzip
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest

from fanfold.errors import ConfigError, DataError
from fanfold.market.sources.file import FileSource
from fanfold.market.sources.source import Delivery, Request

DAYS = ("2013-07-01", "2013-07-02", "2013-07-03", "2013-07-05")
PRICES = "10,12,9,11,100"


def written(file: Path, *lines: str) -> Path:
    file.write_text("\n".join(lines) + "\n")
    return file


def daily(
    file: Path, *symbols: str, header: str = "symbol,date,open,high,low,close,volume"
) -> Path:
    """Four equal bars of each symbol."""
    return written(file, header, *(f"{one},{day},{PRICES}" for one in symbols for day in DAYS))


def delivered(source: FileSource, **asked: Any) -> dict[str, Delivery]:
    request = Request(kind=source.told_kind(), **asked)
    return {one.symbol: one for one in source.fetch(request)}


def stamps(delivery: Delivery) -> list[str]:
    column = delivery.table.column("ts").combine_chunks()
    return ["bad" if one is None else str(pd.Timestamp(one)) for one in column.to_pylist()]


def test_each_symbol_is_one_delivery_in_the_order_asked(tmp_path: Path) -> None:
    source = FileSource(files=daily(tmp_path / "all.csv", "IBM", "AAPL"))
    assert list(delivered(source)) == ["IBM", "AAPL"]
    assert list(delivered(source, symbols=("AAPL", "IBM"))) == ["AAPL", "IBM"]
    assert delivered(source, symbols=("AAPL",))["AAPL"].rows.tolist() == [4, 5, 6, 7]


def test_rows_of_symbols_that_alternate_keep_their_order_and_number(tmp_path: Path) -> None:
    lines = [f"{one},{day},{PRICES}" for day in DAYS for one in ("IBM", "AAPL")]
    file = written(tmp_path / "mixed.csv", "symbol,date,open,high,low,close,volume", *lines)
    found = delivered(FileSource(files=file))
    assert found["AAPL"].rows.tolist() == [1, 3, 5, 7]
    assert stamps(found["AAPL"]) == [f"{day} 00:00:00" for day in DAYS]


def test_all_formats_give_the_same_rows(tmp_path: Path) -> None:
    file = daily(tmp_path / "a.csv", "IBM")
    frame = pd.read_csv(file, parse_dates=["date"])
    table = pa.Table.from_pandas(frame, preserve_index=False)
    pq.write_table(table, tmp_path / "a.parquet")
    pq.write_table(table, tmp_path / "a.pq")
    for name in ("a.feather", "a.arrow"):
        pyarrow.feather.write_feather(table, str(tmp_path / name))
    with (
        pa.OSFile(str(tmp_path / "a.ipc"), "wb") as sink,
        pa.ipc.new_stream(sink, table.schema) as stream,
    ):
        stream.write_table(table)
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(file.read_bytes()))
    (tmp_path / "a.tsv").write_text(file.read_text().replace(",", "\t"))
    (tmp_path / "a.txt").write_text(file.read_text().replace(",", ";"))
    expected = delivered(FileSource(files=file))["IBM"].table
    names = ("a.parquet", "a.pq", "a.feather", "a.arrow", "a.ipc", "a.csv.gz", "a.tsv", "a.txt")
    for name in names:
        found = delivered(FileSource(files=tmp_path / name))["IBM"].table
        assert found.equals(expected), name


def test_columns_are_known_by_other_names_and_said_names_win(tmp_path: Path) -> None:
    file = written(tmp_path / "x.csv", " Ticker,T,O,h,L,C,Vol,c2", f"IBM,2013-07-01,{PRICES},7")
    assert delivered(FileSource(files=file))["IBM"].table.column("close").to_pylist() == [11.0]
    said = FileSource(files=file, columns={"close": "c2"})
    assert delivered(said)["IBM"].table.column("close").to_pylist() == [7.0]


@pytest.mark.parametrize(
    ("header", "kind"),
    [
        ("date,open,high,low,close,volume", "bars"),
        ("timestamp,price,qty", "trades"),
        ("time,bid_price,bid_qty,ask_price,ask_qty", "quotes"),
        ("ex_date,symbol,ratio", "actions"),
        ("symbol,last_cum_date,kind,value", "actions"),
        ("permtick,date,ticker", "listings"),
        ("symbol,start,end", "listings"),
    ],
)
def test_the_kind_of_rows_is_told_from_the_columns(tmp_path: Path, header: str, kind: str) -> None:
    assert FileSource(files=written(tmp_path / "x.csv", header)).told_kind() == kind


def test_terms_of_a_universe_are_its_members(tmp_path: Path) -> None:
    file = written(tmp_path / "m.csv", "symbol,start,end", "IBM,2000-01-03,", "GM,,2009-05-29")
    (found,) = delivered(FileSource(files=file, universe="index")).values()
    assert (found.kind, found.symbol) == ("members", "index")
    assert [str(one) for one in found.table.column("end").to_pylist()] == ["None", "2009-05-29"]
    with pytest.raises(ConfigError, match="universe must name"):
        FileSource(files=file, kind="members").check(Request(kind="members"))


def test_a_file_without_symbols_is_of_its_name_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("AAPL", "BRK.B"):
        written(tmp_path / f"{name}.csv", "date,open,high,low,close,volume", f"{DAYS[0]},{PRICES}")
    (tmp_path / "notes.md").write_text("not data")
    with caplog.at_level(logging.INFO):
        found = delivered(FileSource(files=tmp_path), symbols=("BRK.B",))
    assert list(found) == ["BRK.B"]
    assert "names of the files" in caplog.text
    assert list(delivered(FileSource(files=tmp_path / "A*.csv", symbol="X"))) == ["X"]


def test_rows_of_several_files_are_counted_through(tmp_path: Path) -> None:
    for name in ("1.csv", "2.csv"):
        daily(tmp_path / name, "IBM")
    assert delivered(FileSource(files=tmp_path))["IBM"].rows.tolist() == list(range(8))


def test_a_date_and_a_time_are_joined_in_the_zone_that_is_said(tmp_path: Path) -> None:
    file = written(
        tmp_path / "IBM.csv",
        "Date,Time,Open,High,Low,Close,Volume",
        f"2013-07-01,9:30,{PRICES}",
        f"2013-07-01,9:31,{PRICES}",
    )
    source = FileSource(files=file, zone="America/New_York", stamp="start")
    found = delivered(source)["IBM"]
    assert stamps(found) == ["2013-07-01 13:30:00+00:00", "2013-07-01 13:31:00+00:00"]
    assert found.timeframe == "1min"
    with pytest.raises(DataError, match="must carry a time zone unless all are dates"):
        delivered(FileSource(files=file, stamp="start"))
    with pytest.raises(ConfigError, match="nearest: 'America/New_York'"):
        delivered(FileSource(files=file, zone="New York", stamp="start"))
    with pytest.raises(ConfigError, match="stamp must say what a timestamp marks"):
        delivered(FileSource(files=file, zone="UTC"))


@pytest.mark.parametrize("per_second", [1, 1_000, 1_000_000, 1_000_000_000])
def test_seconds_since_1970_are_told_by_their_size(tmp_path: Path, per_second: int) -> None:
    second = 1_372_685_400  # 2013-07-01 13:30 UTC
    lines = [f"{(second + extra) * per_second},5,1" for extra in (0, 60)]
    file = written(tmp_path / "IBM.csv", "t,price,size", *lines)
    expected = ["2013-07-01 13:30:00+00:00", "2013-07-01 13:31:00+00:00"]
    assert stamps(delivered(FileSource(files=file))["IBM"]) == expected


@pytest.mark.parametrize(
    ("text", "date_format"),
    [("20130304", "%Y%m%d"), ("03/04/2013", "%m/%d/%Y"), ("201303041530", "%Y%m%d%H%M")],
)
def test_dates_that_could_be_two_things_need_their_format(
    tmp_path: Path, text: str, date_format: str
) -> None:
    file = written(tmp_path / "IBM.csv", "date,open,high,low,close,volume", f"{text},{PRICES}")
    with pytest.raises(DataError, match="say the format of the dates"):
        delivered(FileSource(files=file))
    source = FileSource(
        files=file, date_format=date_format, zone="UTC", stamp="start", timeframe="1D"
    )
    assert stamps(delivered(source)["IBM"])[0].startswith("2013-03-04")


def test_midnights_in_new_york_are_dates(tmp_path: Path) -> None:
    days = ("2013-07-01 00:00:00-04:00", "2013-12-02 00:00:00-05:00")
    lines = [f"{day},{PRICES}" for day in days]
    file = written(tmp_path / "IBM.csv", "Date,Open,High,Low,Close,Volume", *lines)
    found = delivered(FileSource(files=file, timeframe="1D"))["IBM"]
    assert (found.stamp, stamps(found)) == (
        "session",
        ["2013-07-01 00:00:00", "2013-12-02 00:00:00"],
    )


def test_the_timeframe_is_the_most_common_gap(tmp_path: Path) -> None:
    starts = pd.date_range("2013-07-01 13:30", periods=9, freq="15min", tz="UTC").delete(4)
    frame = pd.DataFrame({"ts": starts, **dict.fromkeys(("open", "high", "low", "close"), 5.0)})
    frame["volume"] = 1
    frame.to_parquet(tmp_path / "IBM.parquet")
    source = FileSource(files=tmp_path / "IBM.parquet", stamp="start")
    assert delivered(source)["IBM"].timeframe == "15min"
    frame[:1].to_parquet(tmp_path / "IBM.parquet")
    with pytest.raises(ConfigError, match="timeframe must be given"):
        delivered(source)


def test_splits_and_dividends_beside_bars_come_along_as_actions(tmp_path: Path) -> None:
    file = written(
        tmp_path / "IBM.csv",
        "Date,Open,High,Low,Close,Adj Close,Volume,Dividends,Stock Splits",
        "2013-07-01,10,12,9,11,10.5,100,0,0",
        "2013-07-02,10,12,9,11,10.6,100,0.25,0",
        "2013-07-03,5,6,4.5,5.5,10.7,200,,2",
    )
    found = delivered(FileSource(files=file))["IBM"]
    assert found.table.column("adj_close").to_pylist() == [10.5, 10.6, 10.7]
    assert found.actions.column("splits").to_pylist() == [0, 2]
    assert found.actions.column("dividends").to_pylist()[:1] == [0.25]
    written(file, *file.read_text().splitlines()[:-1], "2013-07-03,5,6,4.5,5.5,10.7,200,,two")
    with pytest.raises(DataError, match="splits must be numbers, row 2 is text"):
        delivered(FileSource(files=file))


def test_a_cell_that_is_no_number_costs_its_row_alone(tmp_path: Path) -> None:
    file = written(
        tmp_path / "IBM.csv",
        "date,open,high,low,close,volume",
        f"2013-07-01,{PRICES}",
        "2013-07-02,10,12,9,eleven,100",
        f"July the third,{PRICES}",
        f"2013-07-05,{PRICES},7",
        "2013-07-08,10,12,9,11,many",
        f"2013-07-09,{PRICES}",
        "2013-07-10,10,12,9,11,",
    )
    found = delivered(FileSource(files=file))["IBM"]
    assert found.rows.tolist() == [0, 1, 2, 3, 4, 5, 6]
    good = [True, False, True, False, False, True, True]
    assert (~np.isnan(found.table.column("close").to_numpy())).tolist() == good
    assert [one == "bad" for one in stamps(found)] == [row == 2 for row in range(7)]


def test_decimals_and_delimiters_of_other_countries_are_read(tmp_path: Path) -> None:
    file = written(
        tmp_path / "SAP.csv", "date;open;high;low;close;volume", "2013-07-01;10,5;12;9;11,25;100"
    )
    found = delivered(FileSource(files=file, decimal=","))["SAP"].table
    assert (found.column("open")[0].as_py(), found.column("close")[0].as_py()) == (10.5, 11.25)


def test_thousands_may_be_grouped_but_a_column_of_words_is_no_column_of_numbers(
    tmp_path: Path,
) -> None:
    header = "date,open,high,low,close,volume"
    line = '2013-07-01,10,12,9,"1,011.5","1,234,567"'
    found = delivered(FileSource(files=written(tmp_path / "a.csv", header, line, line)))["a"].table
    assert found.column("close").to_pylist() == [1011.5, 1011.5]
    assert found.column("volume").to_pylist() == [1234567.0, 1234567.0]
    line = "2013-07-01;10;12;9;1.011,5;7"
    file = written(tmp_path / "b.csv", header.replace(",", ";"), line, "2013-07-02;1;1;1;1;x")
    assert delivered(FileSource(files=file, decimal=","))["b"].table.column("close")[0].as_py() == (
        1011.5
    )
    file = written(tmp_path / "c.csv", header, *["2013-07-01,a,b,c,d,e"] * 2)
    with pytest.raises(DataError, match=r"c\.csv: open must hold numbers, all of its cells"):
        delivered(FileSource(files=file))


def test_a_time_of_a_trade_is_no_date(tmp_path: Path) -> None:
    file = written(tmp_path / "IBM.csv", "ts,price,size", "2013-07-01,5,1")
    with pytest.raises(DataError, match="must carry a time zone, the first was 2013-07-01"):
        delivered(FileSource(files=file))


def test_lines_with_a_cell_too_many_or_too_few_keep_their_place(tmp_path: Path) -> None:
    file = written(
        tmp_path / "IBM.csv",
        "date,open,high,low,close,volume",
        f"2013-07-01,{PRICES}",
        "",
        f"2013-07-02,{PRICES},9",
        f"2013-07-03,{PRICES}",
        "2013-07-05,1",
    )
    found = delivered(FileSource(files=file))["IBM"]
    assert stamps(found) == [f"{day} 00:00:00" for day in DAYS]
    whole = ~np.isnan(found.table.column("open").to_numpy())
    assert whole.tolist() == [True, False, True, False]


def test_only_rows_of_the_period_are_delivered(tmp_path: Path) -> None:
    source = FileSource(files=daily(tmp_path / "a.csv", "IBM"))
    start, end = (pd.Timestamp(day, tz="UTC").value for day in ("2013-07-02", "2013-07-05"))
    found = delivered(source, start=start, end=end)["IBM"]
    assert found.rows.tolist() == [1, 2]
    assert delivered(source, start=pd.Timestamp("2020-01-01", tz="UTC").value) == {}


def test_lean_dates_of_actions_become_ex_dates(tmp_path: Path) -> None:
    file = written(
        tmp_path / "a.csv",
        "symbol,last_cum_date,kind,value",
        "IBM,2013-07-03,dividend,0.5",  # the next session is Friday: the 4th is a holiday
        "IBM,2013-07-05,split,2",
    )
    found = delivered(FileSource(files=file))["IBM"]
    assert stamps(found) == ["2013-07-05 00:00:00", "2013-07-08 00:00:00"]
    assert found.table.column("splits").to_pylist() == [1, 2]
    assert found.table.column("dividends").to_pylist() == [0.5, 0]


def test_a_ticker_that_named_two_companies_has_two_terms(tmp_path: Path) -> None:
    lines = ("BAC,19980102,nb,N", "BAC,19980930,nb,N", "BAC,20501231,bac,N", "NEW,20010102,nb,N")
    file = written(tmp_path / "map.csv", "permtick,date,ticker,exchange", *lines)
    (found,) = delivered(FileSource(files=file)).values()
    rows = {(one["symbol"], one["asset"]): one for one in found.table.to_pylist()}
    assert [str(rows["NB", "BAC"][name]) for name in ("start", "end")] == [
        "1998-01-02",
        "1998-09-30",
    ]
    assert [str(rows["BAC", "BAC"][name]) for name in ("start", "end")] == ["1998-10-01", "None"]


def cut(file: Path) -> Path:
    file.write_bytes(file.read_bytes()[:-20])
    return file


def test_what_cannot_be_read_at_all_is_named(tmp_path: Path) -> None:
    header = "date,open,high,low,close,volume"
    table = pa.table({"date": ["2013-07-01"], "open": [True]})
    pq.write_table(table, tmp_path / "cut.parquet")
    (tmp_path / "foreign.parquet").write_text("date,open\n")
    (tmp_path / "foreign.arrow").write_text("date,open\n")
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "bytes.csv").write_bytes(b"date,open\n\xff\xfe,1\n")
    wrong = {
        cut(tmp_path / "cut.parquet"): "must be a readable Parquet file",
        tmp_path / "foreign.parquet": "must be a readable Parquet file",
        tmp_path / "foreign.arrow": "must be a readable Arrow file",
        tmp_path / "empty.csv": "must begin with the names of its columns, it is empty",
        written(tmp_path / "no_rows.csv", header): "must hold rows, it has columns date, open",
        written(
            tmp_path / "short.csv", "date,opn,high,low,close,volume"
        ): r"must have a column open .*its columns are date, opn.*nearest: 'opn'",
        written(
            tmp_path / "twice.csv", f"{header},Close", f"2013-07-01,{PRICES},1"
        ): "column close must be there once",
        tmp_path / "missing.csv": "is not there",
        tmp_path / "x.xlsx": "is not there",
    }
    for file, text in wrong.items():
        with pytest.raises(DataError, match=text) as raised:
            delivered(FileSource(files=file, kind="bars"))
        assert file.name in str(raised.value)
    (tmp_path / "none").mkdir()
    with pytest.raises(DataError, match="holds no file that ends in"):
        FileSource(files=tmp_path / "none").told_kind()


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"kind": "bar"}, "kind must be one of .*nearest: 'bars'"),
        ({"columns": {"opn": "x"}}, "columns must be given by our names.*nearest: 'open'"),
        ({"calendar": "XNY"}, "calendar must be"),
        ({"basis": "rw"}, "basis must be one of"),
        ({"stamp": "begin"}, "stamp must be"),
        ({"timeframe": "7min7"}, "timeframe must be"),
        ({"delimiter": "ab"}, "delimiter must be one character"),
    ],
)
def test_a_wrong_setting_is_refused_before_any_work(
    tmp_path: Path, changed: dict[str, Any], text: str
) -> None:
    source = FileSource(**{"files": daily(tmp_path / "a.csv", "IBM"), **changed})
    with pytest.raises(ConfigError, match=text):
        source.check(Request())


def test_what_the_files_do_not_hold_is_refused(tmp_path: Path) -> None:
    source = FileSource(files=daily(tmp_path / "a.csv", "IBM"), timeframe="1D")
    for request in (Request(kind="trades"), Request(basis="split"), Request(timeframe="1min")):
        with pytest.raises(ConfigError, match="must be that of the files"):
            source.check(request)
    with pytest.raises(DataError, match=r"symbol must be one of the 1 of .*nearest: 'IBM'"):
        delivered(source, symbols=("IBN",))


def test_a_ticker_that_reads_like_nothing_is_a_ticker(tmp_path: Path) -> None:
    assert list(delivered(FileSource(files=daily(tmp_path / "a.csv", "NA", "NULL")))) == [
        "NA",
        "NULL",
    ]
    with pytest.raises(DataError, match="symbol must not be empty, row 0"):
        delivered(FileSource(files=daily(tmp_path / "b.csv", " ")))


def test_with_a_decimal_comma_points_group_thousands(tmp_path: Path) -> None:
    rows = ("2013-07-01;10,5;12;9;11;1.000", "2013-07-02;10,5;12;9;11;1.5")
    file = written(tmp_path / "IBM.csv", "date;open;high;low;close;volume", *rows)
    table = delivered(FileSource(files=file, decimal=","))["IBM"].table
    assert table.column("open").to_pylist()[0] == 10.5
    assert table.column("volume").to_pylist()[0] == 1_000
    assert np.isnan(table.column("volume").to_pylist()[1])  # 1.5 may be 15 or 1,5


def test_folders_in_folders_are_read_and_may_name_the_symbol(tmp_path: Path) -> None:
    for place in ("a/IBM.csv", "b/c/AAPL.csv", "symbol=BRK%2FB/part-0.csv", ".hidden/X.csv"):
        file = tmp_path / "all" / place
        file.parent.mkdir(parents=True)
        written(file, "date,open,high,low,close,volume", f"2013-07-01,{PRICES}")
    found = delivered(FileSource(files=tmp_path / "all", timeframe="1D"))
    assert list(found) == ["IBM", "AAPL", "BRK/B"]


def test_a_time_that_cannot_be_read_does_not_tell_the_timeframe(tmp_path: Path) -> None:
    rows = [f"{day},{PRICES}" for day in ("2013-07-01", "2013-02-31")]
    file = written(tmp_path / "IBM.csv", "date,open,high,low,close,volume", *rows)
    found = delivered(FileSource(files=file))["IBM"]
    assert (found.timeframe, stamps(found)) == ("1D", ["2013-07-01 00:00:00", "bad"])


def test_symbols_may_be_bytes(tmp_path: Path) -> None:
    table = pa.table(
        {
            "symbol": pa.array([b"IBM"]),
            "date": pa.array(["2013-07-01"]),
            **{name: pa.array([10.0]) for name in ("open", "high", "low", "close", "volume")},
        }
    )
    pq.write_table(table, tmp_path / "a.parquet")
    assert list(delivered(FileSource(files=tmp_path / "a.parquet"))) == ["IBM"]


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"delimiter": ";;"}, "delimiter must be one character"),
        ({"decimal": "x"}, "decimal must be '.' or ','"),
    ],
)
def test_signs_that_cannot_be_are_refused_before_a_file_is_opened(
    tmp_path: Path, changed: dict[str, str], text: str
) -> None:
    with pytest.raises(ConfigError, match=text):
        FileSource(files=daily(tmp_path / "a.csv", "IBM"), **changed).told_kind()
