"""A query answers what pandas would, and can do nothing else."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfold.errors import ConfigError, DataError
from fanfold.tracking import query
from fanfold.tracking.query import count_matching, query_table

TABLE = {
    "fast": pa.array([5, 10, 15, 20], pa.int8()),
    "slow": pa.array([20, 50, 100, 200], pa.uint16()),
    "sharpe": [1.5, float("nan"), None, -0.5],
    "max_drawdown": [0.1, 0.4, 0.2, 0.3],
    "status": ["ok", "ok", "failed", None],
    "adjusted": [True, False, None, True],
    "symbols": [["AAPL", "MSFT"], ["AAP"], [], ["MSFT"]],
    "kind": pa.array(["a", "b", "a", "b"]).dictionary_encode(),
    "reason": pa.nulls(4),
    "ts": pa.array([1, 2, 3, 4], pa.timestamp("ns", "UTC")),
}
ALL = [5, 10, 15, 20]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("table") / "trials.parquet"
    pq.write_table(pa.table(TABLE), path)
    return path


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("", ALL),
        ("  ", ALL),
        ('sharpe > 1 and fast < 20 and status == "ok"', [5]),
        ("fast in [5, 10] and not (max_drawdown > 0.3)", [5]),
        ("5 < fast <= 15", [10, 15]),
        ("not 5 < fast <= 15", [5, 20]),
        ("not sharpe > 1", [10, 15, 20]),
        ("sharpe <= 1", [20]),
        ("sharpe != 1.5", [10, 15, 20]),
        ("not sharpe == 1.5", [10, 15, 20]),
        ("sharpe == None", [10, 15]),
        ("None != sharpe and True", [5, 20]),
        ("status != 'ok'", [15, 20]),
        ("status not in ('ok',)", [15, 20]),
        ("not (status in ['ok'] or fast == 20)", [15]),
        ("status > 'o'", [5, 10]),
        ("adjusted", [5, 20]),
        ("not adjusted", [10, 15]),
        ("adjusted == False or adjusted in [True]", [5, 10, 20]),
        ("fast in []", []),
        ("fast in [4.5, 5.0, 10.5]", [5]),
        ("fast in [-5, 300]", []),
        ("sharpe in [-0.5]", [20]),
        ("fast / slow == 0.25", [5]),
        ("slow / fast > 7 - 0.5", [15, 20]),
        ("fast * 100 + slow >= 2200", [20]),
        ("fast - slow < -100", [20]),
        ("-fast <= -15", [15, 20]),
        ("-(fast - 4) == -1", [5]),
        ("fast / 0 > 1e308", ALL),
        ("'AAPL' in symbols", [5]),
        ("'MSFT' not in symbols", [10, 15]),
        ("kind == 'a' and kind in ['a']", [5, 15]),
        ("reason == 'x' or reason == None", ALL),
        ("1 < 2", ALL),
        ("False", []),
    ],
)
def test_a_query_answers_its_rows(where: str, expected: list[int], file: Path) -> None:
    assert query_table(file, where)["fast"].to_pylist() == expected
    assert count_matching(file, where) == len(expected)


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("shrape > 1", r"'shrape' \(nearest: 'sharpe'\)"),
        ("sharpe = 1", "invalid syntax"),
        ("sharpe >", "invalid syntax"),
        ("sharpe > 1 & fast < 2", "'1 & fast' is not"),
        ("__import__('os').system('true')", r"system\('true'\)\" is not"),
        ("abs(sharpe) > 1", r"'abs\(sharpe\)' is not"),
        ("sharpe.real > 1", r"'sharpe\.real' is not"),
        ("status[0] == 'o'", r"'status\[0\]' is not"),
        ("(lambda: 1) == 1", "'lambda: 1' is not"),
        ("[x for x in y]", "is not"),
        ("f'{fast}' == '5'", "is not"),
        ("fast ** 2 > 1", r"'fast \*\* 2' is not"),
        ("fast % 2 == 0", "'fast % 2' is not"),
        ("+fast > 1", r"'\+fast' is not"),
        ("-True == -1", "'-True' is not"),
        ("sharpe is None", "use =="),
        ("sharpe > 1j", "'1j' is not"),
        ("status == b'ok'", "b'ok'"),
        ("(y := fast) > 1", "is not"),
        ("fast if True else slow", "is not"),
        ("fast > '5'", "'fast' is number and \"'5'\" is text"),
        ("status > 5", "'status' is text"),
        ("adjusted > False", "'adjusted' is truth"),
        ("ts > 5", r"'ts' is timestamp\[ns, tz=UTC\]"),
        ("symbols == 'AAPL'", "'symbols' is texts"),
        ("fast in symbols", "'fast' is number and 'symbols' is texts"),
        ("status in symbols", "must be a text in a column of lists"),
        ("'a' in status", "'status' is text"),
        ("fast in 5", "in must be followed by a list"),
        ("fast in [5, slow]", "'slow' is not"),
        ("fast in ['a']", "must hold what 'fast' is"),
        ("fast in [None]", "must hold what 'fast' is"),
        ("fast", "'fast' is number"),
        ("not status", "'status' is text"),
        ("status + 'a' == 'b'", "must be of numbers, 'status' is text"),
        ("fast > 99999999999999999999", "a whole number must be at most"),
        ("sharpe > 1; fast", "invalid syntax"),
        ("fast > 1\x00", "a query must be"),
        ("not " * 2_000 + "adjusted", "nested so deeply"),
        ("(" * 150 + "adjusted" + ")" * 150, "ok"),
        ("(" * 900 + "adjusted" + ")" * 900, "a query must"),
        ("-" * 5_000 + "fast > 1", "nested so deeply"),
        ("fast == 1 or " * 1_000 + "adjusted", "at most 10,000 characters"),
    ],
)
def test_what_is_not_of_the_language_is_refused_by_name(
    where: str, message: str, file: Path
) -> None:
    if message == "ok":
        assert count_matching(file, where) == 2
        return
    with pytest.raises(ConfigError, match=message):
        query_table(file, where)


def test_whole_numbers_that_grow_too_large_are_an_error(file: Path) -> None:
    with pytest.raises(DataError, match="overflow"):
        query_table(file, "fast * 9223372036854775807 > 1")


def test_missing_values_come_last_in_both_orders(file: Path) -> None:
    def fasts(sort: str, **asked: Any) -> list[int]:
        return query_table(file, sort=sort, columns=["fast"], **asked)["fast"].to_pylist()

    assert fasts("-sharpe") == [5, 20, 10, 15]
    assert fasts("sharpe") == [20, 5, 10, 15]
    assert fasts("-sharpe", limit=1) == [5]
    assert fasts("kind") == [5, 15, 10, 20]
    assert fasts("-status") == [5, 10, 15, 20]
    assert fasts("-adjusted") == [5, 20, 10, 15]


def test_only_the_columns_that_are_asked_for_are_answered(file: Path) -> None:
    found = query_table(file, "fast > 5", columns=["slow", "status"], sort="-fast", limit=2)
    assert found.to_pydict() == {"slow": [200, 100], "status": [None, "failed"]}


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"columns": ["fats"]}, r"'fats' \(nearest: 'fast'\)"),
        ({"sort": "-sharp"}, r"'sharp' \(nearest: 'sharpe'\)"),
        ({"sort": "symbols"}, "symbols holds lists"),
        ({"limit": 0}, "limit must be at least 1, was 0"),
    ],
)
def test_a_wrong_argument_is_refused(asked: dict[str, Any], message: str, file: Path) -> None:
    with pytest.raises(ConfigError, match=message):
        query_table(file, **asked)


def test_a_folder_is_one_table_and_a_column_may_lack_in_some_files(tmp_path: Path) -> None:
    pq.write_table(pa.table({"fast": [1, 2], "sharpe": [1, 2]}), tmp_path / "a.parquet")
    pq.write_table(pa.table({"sharpe": [0.5], "lookback": [9]}), tmp_path / "b.parquet")
    (tmp_path / ".c.parquet.unfinished").write_bytes(b"half")
    (tmp_path / ".d.parquet").write_bytes(b"half")
    found = query_table(tmp_path, "sharpe < 2", sort="sharpe")
    assert found["sharpe"].to_pylist() == [0.5, 1.0]
    assert found["fast"].to_pylist() == [None, 1]
    assert query_table(tmp_path, "lookback == 9")["sharpe"].to_pylist() == [0.5]
    assert count_matching(tmp_path, "lookback != 9") == 2


def test_a_file_that_is_no_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds none"):
        query_table(tmp_path)
    with pytest.raises(DataError, match=r"none\.parquet is not"):
        query_table(tmp_path / "none.parquet")
    with pytest.raises(DataError, match="at least one file"):
        query_table([])
    torn = tmp_path / "torn.parquet"
    torn.write_bytes(b"PAR1 and nothing more")
    with pytest.raises(DataError, match=r"torn\.parquet"):
        query_table(torn)
    pq.write_table(pa.table({"fast": [1]}), tmp_path / "one.parquet")
    pq.write_table(pa.table({"fast": [[1]]}), tmp_path / "other.parquet")
    with pytest.raises(DataError, match=r"one\.parquet and 1 more"):
        query_table([tmp_path / "one.parquet", tmp_path / "other.parquet"])


def test_no_file_with_known_columns_answers_nothing() -> None:
    schema = pa.schema({"fast": pa.int64()})
    assert query_table([], "fast > 1", sort="fast", schema=schema).num_rows == 0
    assert count_matching([], schema=schema) == 0
    with pytest.raises(ConfigError, match="nearest: 'fast'"):
        query_table([], "fasst > 1", schema=schema)


def test_of_a_long_table_only_the_first_rows_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut, seen = query._cut, list[int]()

    def counted(table: Any, order: Any, limit: int | None) -> Any:
        seen.append(table.num_rows)
        return cut(table, order, limit)

    monkeypatch.setattr(query, "BATCH_ROWS", 10)
    monkeypatch.setattr(query, "_cut", counted)
    values = np.random.default_rng(1).integers(0, 50, 500)
    for part in range(5):
        chosen = slice(part * 100, part * 100 + 100)
        rows = {"value": values[chosen], "row": np.arange(500)[chosen]}
        pq.write_table(pa.table(rows), tmp_path / f"{part}.parquet")
    expected = pd.DataFrame({"value": values}).sort_values("value", kind="stable", ascending=False)
    for limit in (1, 7, 40, 499, 500, 501, None):
        found = query_table(tmp_path, sort="-value", limit=limit)
        assert found["row"].to_pylist() == expected.index[:limit].tolist()
    seen.clear()
    query_table(tmp_path, sort="-value", limit=7)
    assert max(seen) <= 30
    assert query_table(tmp_path, limit=120)["row"].to_pylist() == list(range(120))


NUMBERS = st.one_of(st.none(), st.just(float("nan")), st.integers(-3, 3).map(float))
ROWS = st.lists(
    st.tuples(st.integers(-3, 3), NUMBERS, st.sampled_from(["ok", "failed", "pruned"])),
    min_size=1,
    max_size=12,
)
COLUMNS = ["fast", "sharpe", "fast + 1", "fast / 2", "-sharpe", "sharpe * fast"]
LEFT, RIGHT = st.sampled_from(COLUMNS), st.sampled_from([*COLUMNS, "1", "0.5", "-2"])
COMPARISONS = st.one_of(
    st.tuples(LEFT, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), RIGHT).map(" ".join),
    st.sampled_from(
        ["fast in [1, 2]", "sharpe not in [0, 1.0]", "status in ['ok']", "status != 'ok'"]
    ),
)
QUERIES = st.recursive(
    COMPARISONS,
    lambda inner: st.one_of(
        inner.map(lambda one: f"not ({one})"),
        st.tuples(inner, st.sampled_from([" and ", " or "]), inner).map(
            lambda parts: f"({parts[0]}){parts[1]}({parts[2]})"
        ),
    ),
    max_leaves=5,
)


@given(rows=ROWS, where=QUERIES)
def test_a_query_answers_what_pandas_answers(
    rows: list[tuple[int, float | None, str]], where: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.mktemp("table") / "trials.parquet"
    fast, sharpe, status = zip(*rows, strict=True)
    table = pa.table(
        {
            "row": range(len(rows)),
            "fast": pa.array(fast, pa.int8()),
            "sharpe": pa.array(sharpe, pa.float64(), from_pandas=False),
            "status": status,
        }
    )
    pq.write_table(table, file)
    frame = table.to_pandas()
    expected = frame["row"][frame.eval(where, engine="python")].tolist()
    assert query_table(file, where)["row"].to_pylist() == expected
    assert count_matching(file, where) == len(expected)
