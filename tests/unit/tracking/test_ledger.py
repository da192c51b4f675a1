"""The ledger counts what was tried: once each, whoever wrote it and however often."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfold.errors import DataError
from fanfold.tracking import ledger, ledger_files
from fanfold.tracking.ledger import append_trials, compact, counted_trials, ledger_folder
from fanfold.tracking.ledger_files import merge_files
from fanfold.tracking.trial_rows import checked_rows, digest_of, trial_schema

EVERYTHING: dict[str, Any] = {
    "codes": ["code"],
    "families": [],
    "symbols": ["AAPL"],
    "first_day": 0,
    "last_day": 40_000,
}


def trials(keys: list[str], **columns: Any) -> dict[str, list[Any]]:
    """Rows whose keys are stated; each other column is one value, or one a row."""
    row: dict[str, Any] = {
        "code": "code",
        "family": "",
        "strategy": "SmaCross",
        "params": "{}",
        "symbols": ["AAPL", "MSFT"],
        "first_day": 11_000,
        "last_day": 12_000,
        "fingerprint": "f",
        "sharpe_per_period": 0.05,
        "return_count": 700,
        "skewness": 0.0,
        "kurtosis": 3.0,
        "status": "ok",
        "job": "sweep",
        "study": "study",
        "at": 1,
    }
    stated = {name: [value] * len(keys) for name, value in row.items()}
    return {"key": keys, **stated, **columns}


def count(folder: Path, **asked: Any) -> int:
    return counted_trials(**{**EVERYTHING, **asked}, folder=folder).count


def files(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir() if not file.name.startswith("."))


def test_a_rerun_adds_nothing_and_the_moment_of_writing_makes_no_difference(tmp_path: Path) -> None:
    first = append_trials(trials(["a", "b"]), folder=tmp_path)
    assert first is not None
    assert first.is_file()
    assert append_trials(trials(["a", "b"], at=[7, 8]), folder=tmp_path) is None
    assert append_trials(trials(["a", "b"], study=["other"] * 2), folder=tmp_path) is not None
    assert len(files(tmp_path)) == 2
    assert count(tmp_path) == 2


def test_the_content_hash_does_not_see_how_memory_is_laid_out() -> None:
    rows = checked_rows(trials([f"k{at}" for at in range(10)]))
    pieces = pa.concat_tables([rows.slice(0, 3), rows.slice(3, 1), rows.slice(4)])
    assert digest_of(pieces) == digest_of(rows)
    assert digest_of(checked_rows(pieces.to_pydict())) == digest_of(rows)
    assert digest_of(rows.slice(1)) != digest_of(rows)
    # Texts whose joined characters are equal, and lists that are cut elsewhere.
    assert digest_of(checked_rows(trials(["ab", "c"]))) != digest_of(
        checked_rows(trials(["a", "bc"]))
    )
    cut = [[["A", "B"], ["C"]], [["A"], ["B", "C"]]]
    one, other = (digest_of(checked_rows(trials(["a", "b"], symbols=lists))) for lists in cut)
    assert one != other


def test_one_more_day_of_data_resets_nothing_and_the_longest_record_stands(tmp_path: Path) -> None:
    append_trials(trials(["a"], sharpe_per_period=[0.1], return_count=[700]), folder=tmp_path)
    longer = trials(["a"], sharpe_per_period=[0.2], return_count=[701], fingerprint=["g"])
    append_trials(longer, folder=tmp_path)
    append_trials(
        trials(["a"], return_count=[701], sharpe_per_period=[0.3], at=[2]), folder=tmp_path
    )
    found = counted_trials(**EVERYTHING, folder=tmp_path)
    assert found.count == 1
    assert found.sharpes.tolist() == [0.3]


def test_a_renamed_strategy_is_the_same_trial(tmp_path: Path) -> None:
    append_trials(trials(["a"]), folder=tmp_path)
    append_trials(trials(["a"], strategy=["BestCross"]), folder=tmp_path)
    assert count(tmp_path) == 1


def test_trials_count_by_code_or_family_where_symbols_and_period_overlap(tmp_path: Path) -> None:
    rows = trials(
        ["mine", "kin", "stranger", "other asset", "earlier", "touching"],
        code=["code", "c2", "c3", "code", "code", "code"],
        family=["", "trend", "", "", "", ""],
        symbols=[["AAPL"], ["AAPL"], ["AAPL"], ["IBM"], ["AAPL"], ["IBM", "AAPL"]],
        first_day=[100, 100, 100, 100, 10, 10],
        last_day=[200, 200, 200, 200, 99, 100],
    )
    append_trials(rows, folder=tmp_path)
    window = {"first_day": 100, "last_day": 150}

    def keys(**asked: Any) -> list[str]:
        found = counted_trials(**{**EVERYTHING, **window, **asked}, folder=tmp_path)
        return found.table["key"].to_pylist()

    assert keys() == ["mine", "touching"]
    assert keys(families=["trend"]) == ["kin", "mine", "touching"]
    assert keys(families=[""]) == ["mine", "touching"]  # no family is not a family
    assert keys(codes=[], families=["trend"]) == ["kin"]
    assert keys(symbols=["IBM"]) == ["other asset", "touching"]
    assert keys(symbols=[]) == []


def test_failed_and_pruned_trials_count_without_a_ratio(tmp_path: Path) -> None:
    ratios = [0.1, float("nan"), float("nan"), -0.2]
    statuses = ["ok", "failed", "pruned", "ruined"]
    append_trials(trials(list("abcd"), status=statuses, sharpe_per_period=ratios), folder=tmp_path)
    found = counted_trials(**EVERYTHING, folder=tmp_path)
    assert found.count == 4
    assert found.sharpes.tolist() == [0.1, -0.2]


def test_an_empty_ledger_counts_nothing(tmp_path: Path) -> None:
    found = counted_trials(**EVERYTHING, folder=tmp_path / "none")
    assert found.count == 0
    assert found.sharpes.size == 0
    assert append_trials(trials([]), folder=tmp_path / "none") is None
    assert not (tmp_path / "none").exists()


def test_the_snapshot_goes_by_what_was_written(tmp_path: Path) -> None:
    seen: list[str] = []
    for key in "abc":
        append_trials(trials([key]), folder=tmp_path)
        seen.append(counted_trials(**EVERYTHING, folder=tmp_path).snapshot)
    assert len(set(seen)) == 3
    compact(tmp_path)
    assert counted_trials(**EVERYTHING, folder=tmp_path).snapshot == seen[-1]


@st.composite
def appends(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Appends whose keys often meet, with counts and moments that often tie."""
    some = st.lists(
        st.tuples(st.sampled_from("abcde"), st.integers(0, 2), st.integers(0, 2)), max_size=4
    )
    return [
        trials(
            [key for key, _, _ in rows],
            return_count=[returns for _, returns, _ in rows],
            at=[at for _, _, at in rows],
            sharpe_per_period=[number + row / 10 for row, _ in enumerate(rows)],
            study=[f"study {number}"] * len(rows),
        )
        for number, rows in enumerate(draw(st.lists(some, max_size=5)))
    ]


@given(parts=appends(), seed=st.integers(0, 99))
def test_neither_order_nor_reruns_nor_merging_change_what_is_counted(
    parts: list[dict[str, Any]], seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folders = [tmp_path_factory.mktemp("ledger") for _ in range(2)]
    for part in parts:
        append_trials(part, folder=folders[0])
    for at in np.random.default_rng(seed).permutation(len(parts)):
        append_trials(parts[at], folder=folders[1])
        compact(folders[1])
        append_trials(parts[at], folder=folders[1])
    plain, merged = (counted_trials(**EVERYTHING, folder=folder) for folder in folders)
    assert plain.table.equals(merged.table)
    assert plain.snapshot == merged.snapshot
    rows = [row for part in parts for row in checked_rows(part).to_pylist()]
    assert plain.table["key"].to_pylist() == sorted({row["key"] for row in rows})
    for row in plain.table.to_pylist():
        same = [one for one in rows if one["key"] == row["key"]]
        best = max((one["return_count"], one["at"]) for one in same)
        assert (row["return_count"], row["at"]) == best


def test_many_rows_are_brought_together_in_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "ONCE_ROWS_MIN", 3)
    for study in range(4):
        append_trials(trials(list("abcd"), study=[str(study)] * 4), folder=tmp_path)
    assert count(tmp_path) == 4


def test_merging_keeps_every_row_and_a_rerun_is_still_known(tmp_path: Path) -> None:
    for key in "abc":
        append_trials(trials([key]), folder=tmp_path)
    merged = compact(tmp_path)
    assert merged is not None
    assert files(tmp_path) == [merged.name]
    assert sorted(pq.read_table(merged)["key"].to_pylist()) == ["a", "b", "c"]
    assert append_trials(trials(["a"]), folder=tmp_path) is None
    assert files(tmp_path) == [merged.name]
    append_trials(trials(["d"]), folder=tmp_path)
    again = compact(tmp_path)
    assert again is not None
    assert files(tmp_path) == [again.name]
    assert append_trials(trials(["b"]), folder=tmp_path) is None
    assert compact(tmp_path) is None
    assert count(tmp_path) == 4


def test_a_merge_killed_before_it_tidied_up_counts_nothing_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key in "abc":
        append_trials(trials([key]), folder=tmp_path)
    before = counted_trials(**EVERYTHING, folder=tmp_path).snapshot
    with monkeypatch.context() as patched:
        patched.setattr(ledger_files, "_forget", lambda _: None)
        compact(tmp_path)
    assert len(files(tmp_path)) == 4
    rows = ledger.read_ledger(lambda found: [pq.read_table(one) for one in found], folder=tmp_path)
    assert sum(table.num_rows for table in rows) == 3
    assert counted_trials(**EVERYTHING, folder=tmp_path).snapshot == before
    compact(tmp_path)
    assert len(files(tmp_path)) == 1
    assert count(tmp_path) == 3


def test_an_append_merges_when_there_are_many_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "FILES_MAX", 3)
    written = [append_trials(trials([f"k{at}"]), folder=tmp_path) for at in range(9)]
    assert all(file is not None for file in written)
    assert len(files(tmp_path)) <= 4
    assert count(tmp_path) == 9


def test_a_full_merged_file_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_files, "MERGED_ROWS_MAX", 3)
    for key in "abcdef":
        append_trials(trials([key]), folder=tmp_path)
        compact(tmp_path)
    assert sum(name.startswith("merged") for name in files(tmp_path)) == 2
    assert count(tmp_path) == 6


def test_an_append_does_not_wait_for_another_process_that_merges(tmp_path: Path) -> None:
    for key in "ab":
        append_trials(trials([key]), folder=tmp_path)
    with ledger_files._alone(tmp_path, wait=True) as alone:
        assert alone
        assert merge_files(tmp_path, wait=False) is None
    assert merge_files(tmp_path, wait=False) is not None


def test_a_reading_is_done_again_where_files_were_merged_meanwhile(tmp_path: Path) -> None:
    for key in "ab":
        append_trials(trials([key]), folder=tmp_path)
    readings: list[int] = []

    def read(found: tuple[Path, ...]) -> int:
        readings.append(len(found))
        if len(readings) == 1:
            compact(tmp_path)
        return sum(pq.read_table(file).num_rows for file in found)

    assert ledger.read_ledger(read, folder=tmp_path) == 2
    assert readings == [2, 1]


def test_a_torn_file_is_named(tmp_path: Path) -> None:
    append_trials(trials(["a"]), folder=tmp_path)
    torn = append_trials(trials(["b"]), folder=tmp_path)
    assert torn is not None
    whole = torn.read_bytes()
    torn.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=torn.name):
        count(tmp_path)
    middle = whole.index(b"code") - 1
    torn.write_bytes(whole[:middle] + b"\x00\x01\x02\x03" + whole[middle + 4 :])
    with pytest.raises(DataError, match=torn.name):
        count(tmp_path)


def test_a_foreign_file_is_named_and_loses_no_trial(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello", encoding="utf-8")
    with pytest.raises(DataError, match=r"notes\.txt"):
        append_trials(trials(["a"]), folder=tmp_path)
    with pytest.raises(DataError, match=r"notes\.txt"):
        count(tmp_path)
    (tmp_path / "notes.txt").unlink()
    assert count(tmp_path) == 1
    foreign = tmp_path / f"trials-{'0' * 32}.parquet"
    pq.write_table(pa.table({"key": ["a"]}), foreign)
    with pytest.raises(DataError, match=foreign.name):
        count(tmp_path)
    foreign.rename(tmp_path / f"merged-{'0' * 32}.parquet")
    with pytest.raises(DataError, match="must list the files"):
        count(tmp_path)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"key": ["", "b"]}, "key of a trial must not be empty"),
        ({"status": ["ok", "infeasible"]}, "must be one of .*'infeasible'"),
        ({"symbols": [["AAPL"], []]}, "symbols of a trial must name"),
        ({"symbols": [["AAPL"], [None]]}, "symbols of a trial must name"),
        ({"last_day": [12_000, 10_999]}, "must not be before its first_day 11000, was 10999"),
        ({"first_day": [0.5, 1]}, "first_day of trials must be int32"),
        ({"first_day": [2**40, 1]}, "first_day of trials must be int32"),
        ({"first_day": ["1", "2"]}, "first_day of trials must be int32, was string"),
        ({"key": [1, 2]}, "key of trials must be string"),
        ({"key": np.array([1, 2])}, "key of trials must be string"),
        ({"params": ["{}", None]}, "params of trials must be stated in every row"),
        ({"return_count": [-1, 1]}, "return_count of a trial must not be negative"),
        ({"code": ["x"]}, "code had 1 rows, key 2"),
        ({"sharpe": [1.0, 2.0]}, r"no column 'sharpe' \(nearest: 'sharpe_per_period'\)"),
    ],
)
def test_rows_that_no_trial_can_have_are_refused(
    columns: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=message):
        append_trials({**trials(["a", "b"]), **columns}, folder=tmp_path)
    assert not any(tmp_path.iterdir())


def test_a_column_may_not_lack_but_for_the_moment(tmp_path: Path) -> None:
    rows = trials(["a"])
    del rows["at"]
    append_trials(rows, folder=tmp_path)
    assert counted_trials(**EVERYTHING, folder=tmp_path).table["at"][0].as_py() > 10**18
    del rows["study"], rows["code"]
    with pytest.raises(DataError, match="lacked code, study"):
        append_trials(rows, folder=tmp_path)


def test_a_table_of_arrow_is_taken_as_it_is(tmp_path: Path) -> None:
    table = pa.table(trials(["a"])).append_column("no", pa.array([1]))
    append_trials(table.drop_columns(["no"]).cast(trial_schema()), folder=tmp_path)
    missing_ratio = pa.array([None], pa.float64())
    other = pa.table({**trials(["b"]), "skewness": missing_ratio})
    append_trials(other, folder=tmp_path)
    assert np.isnan(counted_trials(**EVERYTHING, folder=tmp_path).table["skewness"][1].as_py())


def test_the_folder_goes_by_the_environment_or_beside_the_tracking_store(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FANFOLD_LEDGER", raising=False)
    assert ledger_folder() == tmp_path / "mlruns" / "ledger"
    monkeypatch.setenv("FANFOLD_LEDGER", "elsewhere")
    assert ledger_folder() == tmp_path / "elsewhere"
    assert ledger_folder(tmp_path / "here") == tmp_path / "here"


def append_many(folder: Path, writer: int, ready: Any) -> None:
    """One of several processes: some trials of its own, and some that all of them add."""
    ledger.FILES_MAX = 5
    ready.wait()
    for at in range(8):
        append_trials(trials([f"{writer} {at}"]), folder=folder)
        append_trials(trials([f"shared {at}"]), folder=folder)


def test_processes_that_append_and_merge_at_once_lose_and_double_nothing(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    ready = context.Barrier(2)
    writers = [
        context.Process(target=append_many, args=(tmp_path, writer, ready)) for writer in range(2)
    ]
    for process in writers:
        process.start()
    for process in writers:
        process.join()
    assert [process.exitcode for process in writers] == [0, 0]
    assert count(tmp_path) == 2 * 8 + 8
    rows = ledger.read_ledger(lambda found: [pq.read_table(one) for one in found], folder=tmp_path)
    assert sum(table.num_rows for table in rows) == 24
    assert not list(tmp_path.glob(".*.parquet.*"))


KILLED = """
import json, os, signal, sys
from pathlib import Path
import pyarrow.parquet as pq
from fanfold.tracking.ledger import append_trials

def killed(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

folder, moment, rows = sys.argv[1:]
if moment == "writing":
    pq.ParquetWriter.close = killed
else:
    Path.replace = killed
append_trials(json.loads(rows), folder=Path(folder))
"""


def test_an_append_that_was_killed_leaves_no_half_file_to_be_seen(tmp_path: Path) -> None:
    rows, moments = json.dumps(trials(["a"])), ("writing", "renaming")
    killed = [
        subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path / moment), moment, rows])
        for moment in moments
    ]
    assert [process.wait() for process in killed] == [-signal.SIGKILL] * 2
    for moment in moments:
        folder = tmp_path / moment
        (unfinished,) = folder.iterdir()
        assert count(folder) == 0
        assert append_trials(trials(["a"]), folder=folder) is not None
        assert count(folder) == 1
        compact(folder)
        assert unfinished.exists()  # its writer might still be at work
        long_ago = time.time() - 2 * ledger_files.ABANDONED_SECONDS
        os.utime(unfinished, (long_ago, long_ago))
        compact(folder)
        assert not unfinished.exists()
