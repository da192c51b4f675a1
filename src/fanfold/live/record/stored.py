"""Reading a record back: frames in their order, of tapes where they are, else of Parquet."""

from collections.abc import Iterator
from typing import Any

from fanfold.live.folder import Folder
from fanfold.live.record.recorder import raw_file
from fanfold.live.tape import Place, read_tape, segments
from fanfold.market.columns import arrow


def frames(folder: Folder, tape: str) -> Iterator[tuple[Place, int, bytes]]:
    """All frames of a tape from its first on: place, instant [ns UTC], bytes.

    Args:
        folder: The deployment's.
        tape: "market", "signal" or "decisions".
    """
    on_tape = {number for number, _ in segments(folder.tapes, tape)}
    recorded = (folder.record / tape).glob("[0-9]*.parquet")
    numbers = {int(file.stem) for file in recorded} | on_tape
    for number in sorted(numbers):
        if number in on_tape:
            yield from _of_tape(folder, tape, number)
        else:
            yield from _of_parquet(folder, tape, number)


def _of_tape(folder: Folder, tape: str, number: int) -> Iterator[tuple[Place, int, bytes]]:
    for place, at, frame in read_tape(folder.tapes, tape, Place(number, 0)):
        if place.segment != number:
            return
        yield place, at, frame


def _of_parquet(folder: Folder, tape: str, number: int) -> Iterator[tuple[Place, int, bytes]]:
    file: Any = arrow().parquet.ParquetFile(raw_file(folder, tape, number))
    for batch in file.iter_batches():
        columns = batch.to_pydict()
        rows = zip(columns["offset"], columns["at"], columns["frame"], strict=True)
        for offset, at, frame in rows:
            yield Place(number, offset), at, frame


def table(folder: Folder, name: str) -> Any:
    """One of the tables for people, as Arrow; None where nothing was recorded.

    Args:
        folder: The deployment's.
        name: "quotes", "trades", "depth", "bars" or "events".
    """
    pa = arrow()
    files = sorted((folder.record / name).glob("[0-9]*.parquet"))
    return pa.concat_tables([pa.parquet.read_table(file) for file in files]) if files else None
