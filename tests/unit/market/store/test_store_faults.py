import errno
import os
import signal
import subprocess
import sys
import threading
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.tape import DAY_NS, made_bars

from fanfold.errors import DataError
from fanfold.market import load_bars
from fanfold.market.store import Place, Series, Store, numbers
from fanfold.market.store.files import encoded
from fanfold.market.store.series import FileRef

AAPL = Series(kind="bars", symbol="AAPL", timeframe="1D")


class KilledError(BaseException):
    """The process ends here."""


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.at(tmp_path / "store")


def days(store: Store) -> list[int]:
    return (numbers(store.read(AAPL), "ts") // DAY_NS).tolist()


def killed_at(monkeypatch: pytest.MonkeyPatch, step: int) -> list[int]:
    """End the process before its so many-th change of the disk."""
    steps = [0]
    for name in ("write", "remove"):
        whole = getattr(Place, name)

        def counted(place: Place, *given: Any, whole: Any = whole) -> Any:
            steps[0] += 1
            if steps[0] == step:
                raise KilledError
            return whole(place, *given)

        monkeypatch.setattr(Place, name, counted)
    return steps


@pytest.mark.parametrize("step", range(1, 5))
def test_a_writer_killed_at_any_step_loses_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    store.upsert(AAPL, made_bars([1, 2]))
    store.upsert(AAPL, made_bars([3]))
    with monkeypatch.context() as patched:
        steps = killed_at(patched, step)
        try:
            store.upsert(AAPL, made_bars([2, 4], close=[20, 4]))
            ended = True
        except KilledError:
            ended = False
        assert ended == (steps[0] < step)
    assert days(store) in ([1, 2, 3], [1, 2, 3, 4])
    store.upsert(AAPL, made_bars([2, 4], close=[20, 4]))
    assert days(store) == [1, 2, 3, 4]
    assert numbers(store.read(AAPL), "close").tolist() == [1, 20, 3, 4]
    assert len(store._files(AAPL)) == 1


def test_of_two_writers_without_locks_neither_loses_what_the_other_wrote(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.upsert(AAPL, made_bars([1]))
    monkeypatch.setattr(Place, "writing", lambda *_: nullcontext())
    write = Place.write
    others: list[int] = [3]

    def meanwhile(place: Place, name: str, content: Any) -> None:
        if others:
            store.upsert(AAPL, made_bars([others.pop()]))
        write(place, name, content)

    monkeypatch.setattr(Place, "write", meanwhile)
    store.upsert(AAPL, made_bars([2]))
    assert len(store._files(AAPL)) == 2
    assert days(store) == [1, 2, 3]
    assert store.info(AAPL).row_count == 3
    store.upsert(AAPL, made_bars([4]))
    assert (days(store), len(store._files(AAPL))) == ([1, 2, 3, 4], 1)


def test_many_writers_at_once_lose_no_row(store: Store) -> None:
    errors: list[BaseException] = []

    def write(first: int) -> None:
        try:
            for day in range(first, 40, 4):
                store.upsert(AAPL, made_bars([day]))
        except BaseException as error:
            errors.append(error)

    writers = [threading.Thread(target=write, args=(first,)) for first in range(4)]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        if store.has(AAPL):
            there = days(store)
            assert len(set(there)) == len(there)
    for writer in writers:
        writer.join()
    assert errors == []
    assert days(store) == list(range(40))
    assert len(store._files(AAPL)) == 1


WRITER = """
import sys
from fanfold.market.store import Series, Store
from tests.fakes.tape import made_bars

store, first = Store.at(sys.argv[1]), int(sys.argv[2])
for day in range(first, first + 4_000, 2):
    store.upsert(Series(kind="bars", symbol="AAPL", timeframe="1D"), made_bars([day]))
    print(day, flush=True)
"""


def test_two_processes_killed_while_they_write_lose_nothing_they_told_of(
    store: Store, tmp_path: Path
) -> None:
    root = Path(__file__).parents[4]
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(store.place.uri), str(first)],
            stdout=subprocess.PIPE,
            cwd=root,
            text=True,
        )
        for first in (0, 1)
    ]
    told: list[int] = []
    for writer, count in zip(writers, (4, 8), strict=True):
        assert writer.stdout
        told += [int(writer.stdout.readline()) for _ in range(count)]
        os.kill(writer.pid, signal.SIGKILL)
        told += [int(line) for line in writer.stdout.read().split()]
        writer.wait(timeout=30)
        writer.stdout.close()
    there = days(store)
    assert set(told) <= set(there)
    assert len(set(there) - set(told)) <= 2  # written, and killed before it was told
    store.upsert(AAPL, made_bars([9_999]))
    assert days(store) == [*there, 9_999]
    assert len(list(tmp_path.rglob("*.parquet"))) == 1
    assert not list(tmp_path.rglob(".part-*"))


def test_a_reader_outlasts_writers_that_replace_its_files(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.upsert(AAPL, made_bars([1]))
    listed = Place.files
    others = [2, 3]

    def then_replaced(place: Place, folder: str, *, deep: bool = False) -> list[str]:
        names = listed(place, folder, deep=deep)
        if others:
            day = others.pop()
            monkeypatch.setattr(Place, "files", listed)
            store.upsert(AAPL, made_bars([day]))
            monkeypatch.setattr(Place, "files", then_replaced)
        return names

    monkeypatch.setattr(Place, "files", then_replaced)
    assert days(store) == [1, 2, 3]


def test_a_list_misses_no_series_whose_file_is_replaced_meanwhile(
    store: Store,
) -> None:
    folder = Path(store.place.uri, AAPL.folder)
    folder.mkdir(parents=True)
    files = [folder / f"all-{generation:06d}-{'0' * 24}.parquet" for generation in (1, 2)]
    files[0].touch()
    over = threading.Event()

    def replace() -> None:
        while not over.is_set():
            files[1].touch()
            files[0].unlink()
            files.reverse()

    writer = threading.Thread(target=replace)
    writer.start()
    try:
        listed = [store.series() for _ in range(200)]
    finally:
        over.set()
        writer.join()
    assert set(listed) == {(AAPL,)}


def test_a_list_leaves_out_what_is_removed_while_it_is_made(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Series(kind="bars", symbol="IBM", timeframe="1D")
    for series in (AAPL, other):
        store.upsert(series, made_bars([1]))
    listed = Store.series

    def then_removed(store: Store, kind: str | None = None) -> tuple[Series, ...]:
        found = listed(store, kind)
        store.remove(AAPL)
        return found

    monkeypatch.setattr(Store, "series", then_removed)
    assert [info.series for info in store.list()] == [other]


def test_of_two_files_that_a_killed_writer_left_single_columns_are_read(store: Store) -> None:
    store.upsert(AAPL, made_bars([1, 2]), labels={"basis": "raw", "calendar": "24/7"})
    left = FileRef.made(AAPL, "all", 2, "0" * 24).name
    store.place.write(left, encoded(made_bars([2, 3], close=[20, 3]), store.labels(AAPL)))
    table = store.read(AAPL, columns=["close", "adj_close"])
    assert table.to_pydict() == {"close": [1, 20, 3]}
    assert load_bars(store.place.uri).close[:, 0].tolist() == [1, 20, 3]


def test_a_file_system_without_locks_is_named(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: Any) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", refused)
    with pytest.raises(DataError, match=r"symbol=AAPL must be lockable: .*No locks available"):
        store.upsert(AAPL, made_bars([1]))


def test_a_name_that_is_too_long_for_the_disk_is_refused(store: Store) -> None:
    store.upsert(AAPL, made_bars([1]))
    with pytest.raises(DataError, match=r"(?i)XXX must be (read|writ)able: .*name too long"):
        store.upsert(Series(kind="bars", symbol="X" * 300, timeframe="1D"), made_bars([1]))


def test_a_full_disk_is_said_and_nothing_stored_is_lost(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(disk)],
        check=False,
        capture_output=True,
    )
    if mounted.returncode:
        pytest.skip("only root mounts a small disk")
    try:
        store = Store.at(disk / "store")
        store.upsert(AAPL, made_bars(range(100)))
        before = store.info(AAPL).fingerprint
        with pytest.raises(DataError, match="must be writable: no space left on the device"):
            store.upsert(AAPL, made_bars(range(100, 60_000)))
        assert store.info(AAPL).fingerprint == before
        store.upsert(AAPL, made_bars(range(90, 110)))
        assert days(store) == list(range(110))
        assert not list(disk.rglob(".part-*"))
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def only_file(store: Store) -> Path:
    (file,) = Path(store.place.uri).rglob("*.parquet")
    return file


@pytest.mark.parametrize("kept", [0, 3, 200, -1])
def test_a_truncated_file_is_named(store: Store, kept: int) -> None:
    store.upsert(AAPL, made_bars(range(50)))
    file = only_file(store)
    file.write_bytes(file.read_bytes()[:kept])
    for act in (store.read, store.info, store.labels):
        with pytest.raises(DataError, match=f"{file.name} must be a sound Parquet file"):
            act(AAPL)
    with pytest.raises(DataError, match=file.name):
        store.upsert(AAPL, made_bars([99]))
    assert only_file(store) == file


def test_a_flipped_bit_is_noticed(store: Store) -> None:
    store.upsert(AAPL, made_bars(range(5_000)))
    file = only_file(store)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(DataError, match="must be a sound Parquet file"):
        store.read(AAPL)


def test_foreign_files_are_named(store: Store) -> None:
    import pyarrow.parquet as pq

    store.upsert(AAPL, made_bars(range(5)))
    file = only_file(store)
    stranger = file.with_name("export.parquet")
    pq.write_table(made_bars([1]), stranger)
    with pytest.raises(DataError, match=r"export.parquet must be a file that this store wrote"):
        store.read(AAPL)
    stranger.replace(file)
    with pytest.raises(DataError, match="must be a file of a store of format 2"):
        store.read(AAPL)


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(DataError, match="must be readable"):
        Store.at(tmp_path / "file" / "store").upsert(AAPL, made_bars([1]))
