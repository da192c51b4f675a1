"""Tapes: whole frames in order, whatever the last one is, and nothing after damage."""

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fanfold.errors import ConfigError, DataError, LiveError
from fanfold.live import tape as tape_module
from fanfold.live.tape import (
    FRAME_BYTES_MAX,
    HEAD_BYTES,
    Place,
    Tape,
    after,
    read_tape,
    segments,
    sync_tape,
)

CONTENTS = st.lists(st.binary(max_size=60), max_size=30)
INSTANT = 1_700_000_000_000_000_000


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    """A new folder for each example."""
    return lambda: tmp_path_factory.mktemp("tape")


def write(folder: Path, contents: list[bytes], segment_bytes: int = 200) -> list[Place]:
    tape = Tape(folder, "signal", segment_bytes)
    places = [tape.append(INSTANT + n, content) for n, content in enumerate(contents)]
    tape.close()
    return places


def contents_of(folder: Path, start: Place | None = None) -> list[bytes]:
    return [content for _, _, content in read_tape(folder, "signal", start)]


@given(contents=CONTENTS, segment_bytes=st.integers(1, 400))
def test_what_is_appended_is_read(
    folders: Callable[[], Path], contents: list[bytes], segment_bytes: int
) -> None:
    folder = folders()
    places = write(folder, contents, segment_bytes)
    frames = list(read_tape(folder, "signal"))
    assert frames == [
        (place, INSTANT + n, content)
        for n, (place, content) in enumerate(zip(places, contents, strict=True))
    ]
    assert places == sorted(places)
    for number, place in enumerate(places):
        assert contents_of(folder, place) == contents[number:]


@given(contents=CONTENTS, more=CONTENTS, torn=st.integers(1, 75))
def test_a_torn_end_is_cut_and_the_tape_goes_on(
    folders: Callable[[], Path], contents: list[bytes], more: list[bytes], torn: int
) -> None:
    folder = folders()
    places = write(folder, [*contents, b"torn" * 15], segment_bytes=10_000)
    file = segments(folder, "signal")[-1][1]
    os.truncate(file, file.stat().st_size - torn)
    assert contents_of(folder) == contents
    tape = Tape(folder, "signal", 10_000)
    assert tape.end == places[-1]
    for content in more:
        tape.append(INSTANT, content)
    tape.close()
    assert contents_of(folder) == contents + more


@given(contents=st.lists(st.binary(max_size=30), min_size=1, max_size=20), data=st.data())
def test_a_changed_byte_ends_the_reading_or_is_refused(
    folders: Callable[[], Path], contents: list[bytes], data: st.DataObject
) -> None:
    folder = folders()
    places = write(folder, contents, segment_bytes=150)
    files = segments(folder, "signal")
    number, file = data.draw(st.sampled_from(files))
    content = bytearray(file.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    file.write_bytes(content)
    before = sum(
        after(one, whole) <= Place(number, place)
        for one, whole in zip(places, contents, strict=True)
    )
    seen: list[bytes] = []
    if number == files[-1][0]:
        seen = contents_of(folder)
    else:
        with pytest.raises(DataError, match="damaged"):
            seen.extend(each for _, _, each in read_tape(folder, "signal"))
    assert seen == contents[:before]


def test_a_frame_of_zeros_is_damage(tmp_path: Path) -> None:
    write(tmp_path, [b"one"])
    with segments(tmp_path, "signal")[0][1].open("ab") as opened:
        opened.write(bytes(4_096))  # what a file system may leave after a power failure
    assert contents_of(tmp_path) == [b"one"]
    assert write(tmp_path, [b"two"]) == [Place(1, HEAD_BYTES + 3)]
    assert contents_of(tmp_path) == [b"one", b"two"]


def test_what_is_cut_off_is_kept_beside(tmp_path: Path) -> None:
    write(tmp_path, [b"one"])
    with segments(tmp_path, "signal")[0][1].open("ab") as opened:
        opened.write(b"rest")
    Tape(tmp_path, "signal", 1_000).close()
    assert (tmp_path / "signal-00000001.cut").read_bytes() == b"rest"


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    write(tmp_path, [b"x" * 50] * 6, segment_bytes=100)
    segments(tmp_path, "signal")[1][1].unlink()
    with pytest.raises(DataError, match="must have file 2"):
        contents_of(tmp_path)
    with pytest.raises(DataError, match="has not"):
        contents_of(tmp_path, Place(2, 0))


def test_a_tape_whose_first_files_are_gone_begins_with_the_next(tmp_path: Path) -> None:
    write(tmp_path, [bytes([n]) * 50 for n in range(6)], segment_bytes=100)
    segments(tmp_path, "signal")[0][1].unlink()
    assert contents_of(tmp_path) == [bytes([n]) * 50 for n in range(2, 6)]


def test_a_place_beyond_the_end_is_refused(tmp_path: Path) -> None:
    assert contents_of(tmp_path, Place(1, 0)) == []
    with pytest.raises(DataError, match="has none"):
        contents_of(tmp_path, Place(1, 16))
    write(tmp_path, [b"one"])
    with pytest.raises(DataError, match="must reach byte 500"):
        contents_of(tmp_path, Place(1, 500))


def test_a_reader_beside_a_writer_misses_nothing(tmp_path: Path) -> None:
    count = 4_000
    tape = Tape(tmp_path, "signal", 5_000)

    def append() -> None:
        for number in range(count):
            tape.append(number, number.to_bytes(4, "little") * (number % 50))

    writer = threading.Thread(target=append)
    writer.start()
    seen: list[int] = []
    place: Place | None = None
    while len(seen) < count:
        for found, at, content in read_tape(tmp_path, "signal", place):
            assert content == at.to_bytes(4, "little") * (at % 50)
            seen.append(at)
            place = after(found, content)
    writer.join()
    tape.close()
    assert seen == list(range(count))


def test_a_disk_that_is_full_leaves_no_part_of_a_frame(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tape = Tape(tmp_path, "signal", 10_000)
    tape.append(1, b"one")
    real = os.write
    monkeypatch.setattr(tape_module.os, "write", lambda file, frame: real(file, frame[:10]))
    with pytest.raises(OSError, match="must hold a frame"):
        tape.append(2, b"two")
    monkeypatch.undo()
    tape.append(3, b"three")
    tape.close()
    assert contents_of(tmp_path) == [b"one", b"three"]


def test_a_tape_that_cannot_be_mended_takes_nothing_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> int:
        raise OSError("no space left")

    tape = Tape(tmp_path, "signal", 10_000)
    monkeypatch.setattr(tape_module.os, "write", fails)
    monkeypatch.setattr(tape_module.os, "ftruncate", fails)
    with pytest.raises(OSError, match="no space"):
        tape.append(1, b"one")
    monkeypatch.undo()
    with pytest.raises(LiveError, match="no space"):
        tape.append(2, b"two")
    tape.close()


def test_bad_names_and_frames_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="small letters"):
        Tape(tmp_path, "../signal", 100)
    tape = Tape(tmp_path, "signal", 100)
    with pytest.raises(DataError, match="at most"):
        tape.append(1, bytes(FRAME_BYTES_MAX + 1))
    tape.close()
    tape.close()
    with pytest.raises(LiveError, match="closed"):
        tape.append(1, b"")


def test_a_place_can_be_put_on_the_disk_itself(tmp_path: Path) -> None:
    places = write(tmp_path, [b"x" * 90] * 3, segment_bytes=100)
    for place in places:
        sync_tape(tmp_path, "signal", place)


@settings(max_examples=20)
@given(places=st.lists(st.tuples(st.integers(1, 9), st.integers(0, 9)), min_size=2))
def test_places_are_ordered_by_file_then_offset(places: list[tuple[int, int]]) -> None:
    assert sorted(Place(*one) for one in places) == [Place(*one) for one in sorted(places)]
