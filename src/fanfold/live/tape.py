"""Tapes: what a component took in, appended before it is acted on.

A tape is files of frames: length, check, instant [ns UTC], bytes. A killed process loses
nothing that it acted on, since the frame was handed to the system first. A frame that it
left half written is cut off when the tape is opened to go on, so nothing is ever appended
after damage. The recorder turns closed files into Parquet.
"""

import logging
import os
import re
import struct
import threading
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Final
from zlib import crc32

from msgspec import Struct

from fanfold.errors import ConfigError, DataError, LiveError

HEAD_BYTES: Final = 16
"""Length (u32), CRC-32 (u32) and instant (i64), little-endian."""

FRAME_BYTES_MAX: Final = 16 * 2**20
"""Longest frame; a longer one is damage [bytes]."""

_log = logging.getLogger(__name__)

_NAME: Final = re.compile(r"[a-z0-9_]+")
_HEAD: Final = struct.Struct("<IIq")
_CHECKED: Final = struct.Struct("<Iq")
_FLAGS: Final = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
_READ_BYTES: Final = 2**18
_FIRST: Final = 1


class Place(Struct, frozen=True, order=True, gc=False):
    """Where a frame begins: the file's number, and the offset in it [bytes]."""

    segment: int
    offset: int


class Tape:
    """An open tape; one process appends, any number read.

    Args:
        folder: Where its files are.
        name: What they begin with: small letters, digits and underscores.
        segment_bytes: Size at which a new file is begun [bytes].

    Raises:
        ConfigError: The name has other characters.
        DataError: A file before the last is damaged.
        OSError: The files cannot be opened or read.
    """

    __slots__ = ("_broken", "_file", "_folder", "_name", "_offset", "_segment", "_segment_bytes")

    def __init__(self, folder: Path, name: str, segment_bytes: int) -> None:
        self._folder, self._name, self._segment_bytes = folder, name, segment_bytes
        self._broken = ""
        found = segments(folder, name)
        self._segment, self._offset = (found[-1][0], _cut(found[-1][1])) if found else (_FIRST, 0)
        self._file = os.open(_file(folder, name, self._segment), _FLAGS, 0o600)

    def append(self, at: int, content: bytes) -> Place:
        """Hand a frame to the system; where it begins.

        Args:
            at: The frame's instant [ns UTC].
            content: Its bytes.

        Raises:
            OSError: The disk is full, or worse: the caller must act on nothing more.
            DataError: The frame is longer than `FRAME_BYTES_MAX`.
            LiveError: An append failed before and left what could not be taken back.
        """
        length = len(content)
        if self._broken or length > FRAME_BYTES_MAX:
            self._refuse(length)
        if self._offset >= self._segment_bytes:
            self._begin_next()
        check = crc32(content, crc32(_CHECKED.pack(length, at)))
        frame = _HEAD.pack(length, check, at) + content
        try:
            written = os.write(self._file, frame)
        except OSError as error:
            self._take_back(error)
            raise
        if written != len(frame):
            error = OSError(f"the disk must hold a frame of {len(frame)} bytes, took {written}")
            self._take_back(error)
            raise error
        place = Place(self._segment, self._offset)
        self._offset += written
        return place

    @property
    def end(self) -> Place:
        """Where the next frame will begin."""
        return Place(self._segment, self._offset)

    def close(self) -> None:
        """Let go of the file; a second call does nothing."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
            self._broken = "it was closed"

    def _begin_next(self) -> None:
        file = _file(self._folder, self._name, self._segment + 1)
        begun = os.open(file, _FLAGS, 0o600)
        # What is complete goes to the disk beside, since that may take long.
        threading.Thread(target=_sync_beside, args=(self._file,), name="tape").start()
        self._file, self._segment, self._offset = begun, self._segment + 1, 0

    def _take_back(self, error: OSError) -> None:
        """Cut off a part of a frame, so that nothing follows damage."""
        try:
            os.ftruncate(self._file, self._offset)
        except OSError:
            self._broken = str(error)

    def _refuse(self, length: int) -> None:
        if self._broken:
            raise LiveError(f"tape {self._name} must be whole to be appended to: {self._broken}")
        raise DataError(f"a frame must have at most {FRAME_BYTES_MAX} bytes, had {length}")


def read_tape(
    folder: Path, name: str, start: Place | None = None
) -> Iterator[tuple[Place, int, bytes]]:
    """Frames from a place on: where each begins, its instant, its bytes.

    Ends with the last whole frame: what follows is being written, or was never finished.
    A tape may grow meanwhile; to follow it, ask again from the place behind the last frame
    (`after`).

    Args:
        folder: Where the files are.
        name: What they begin with.
        start: First frame; the tape's beginning if left out.

    Raises:
        DataError: A file before the last is damaged or missing, or `start` is not there.
        OSError: A file cannot be read.
    """
    found = segments(folder, name)
    if not found:
        if start is not None and start != Place(_FIRST, 0):
            raise DataError(f"tape {name} must have file {start.segment}, has none")
        return
    place = Place(found[0][0], 0) if start is None else start
    while True:
        file = _file(folder, name, place.segment)
        place = yield from _frames(file, place)
        if not _goes_on(folder, name, place):
            return
        # A file that another follows is complete: what came while it was read is there now.
        place = yield from _frames(file, place)
        if file.stat().st_size != place.offset:
            raise DataError(
                f"file {place.segment} of tape {name} must be whole, since another follows; "
                f"it is damaged at byte {place.offset} of {file.stat().st_size}"
            )
        place = Place(place.segment + 1, 0)


def sync_tape(folder: Path, name: str, place: Place) -> None:
    """Wait until the file of a place, and the one before, are on the disk itself.

    Raises:
        OSError: They cannot be put there.
    """
    for segment in (place.segment - 1, place.segment):
        file = _file(folder, name, segment)
        if file.is_file():
            _sync(os.open(file, os.O_RDONLY | os.O_CLOEXEC))


def after(place: Place, content: bytes) -> Place:
    """Where a frame ends, and the next one of that file begins."""
    return Place(place.segment, place.offset + HEAD_BYTES + len(content))


def segments(folder: Path, name: str) -> list[tuple[int, Path]]:
    """The tape's files by number.

    Raises:
        ConfigError: The name has other characters than small letters, digits, underscores.
    """
    if not _NAME.fullmatch(name):
        raise ConfigError(
            f"a tape's name must be small letters, digits and underscores, was {name!r}"
        )
    form = re.compile(rf"{name}-(\d{{8}})\.tape")
    found = [(form.fullmatch(file.name), file) for file in folder.glob(f"{name}-*.tape")]
    return sorted((int(number[1]), file) for number, file in found if number)


def _file(folder: Path, name: str, segment: int) -> Path:
    return folder / f"{name}-{segment:08d}.tape"


def _goes_on(folder: Path, name: str, place: Place) -> bool:
    """Whether another file follows; refuses one that is missing, and a place beyond the end."""
    following = _file(folder, name, place.segment + 1)
    if following.is_file():
        return True
    if segments(folder, name)[-1][0] > place.segment:
        if following.is_file():  # it has just been begun, and maybe others after it
            return True
        raise DataError(f"tape {name} must have file {place.segment + 1}, has only later ones")
    size = _file(folder, name, place.segment).stat().st_size
    if size < place.offset:
        raise DataError(
            f"file {place.segment} of tape {name} must reach byte {place.offset}, ends at {size}"
        )
    return False


def _frames(file: Path, start: Place) -> Generator[tuple[Place, int, bytes], None, Place]:
    """Whole frames of one file from an offset on; gives where the last one ends."""
    try:
        opened = file.open("rb", buffering=0)
    except FileNotFoundError:
        raise DataError(f"a tape must have its file {file.name}, has not") from None
    offset = start.offset
    held, begin = b"", 0  # bytes read, and where the next frame begins in them
    with opened:
        opened.seek(offset)
        while True:
            needed = HEAD_BYTES
            if len(held) - begin >= HEAD_BYTES:
                length, check, at = _HEAD.unpack_from(held, begin)
                needed = HEAD_BYTES + length
                if length > FRAME_BYTES_MAX:
                    break
                if len(held) - begin >= needed:
                    content = held[begin + HEAD_BYTES : begin + needed]
                    if crc32(content, crc32(_CHECKED.pack(length, at))) != check:
                        break
                    yield Place(start.segment, offset), at, content
                    begin += needed
                    offset += needed
                    continue
            more = opened.read(max(needed, _READ_BYTES))
            if not more:
                break
            held, begin = held[begin:] + more, 0
    return Place(start.segment, offset)


def _cut(file: Path) -> int:
    """Cut off what follows the last whole frame; the file's length then [bytes]."""
    frames = _frames(file, Place(_FIRST, 0))
    while True:
        try:
            next(frames)
        except StopIteration as stopped:
            end: Place = stopped.value
            break
    size = file.stat().st_size
    if size > end.offset:
        _keep_beside(file, end.offset)
        os.truncate(file, end.offset)
    return end.offset


def _sync(file: int) -> None:
    try:
        os.fsync(file)
    finally:
        os.close(file)


def _sync_beside(file: int) -> None:
    try:
        _sync(file)
    except OSError as error:  # what was handed to the system is safe from all but its own end
        _log.warning("a finished tape could not be put on the disk: %s", error)


def _keep_beside(file: Path, offset: int) -> None:
    """What is cut off stays to be looked at: the longest part of a frame, at most."""
    with file.open("rb") as opened:
        opened.seek(offset)
        file.with_suffix(".cut").write_bytes(opened.read(FRAME_BYTES_MAX + HEAD_BYTES))
