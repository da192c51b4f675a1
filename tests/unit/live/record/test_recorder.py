"""Tapes become tables, once each, whatever stops the recorder."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fanfold.live.folder import Folder
from fanfold.live.messages import (
    MARKET_DATA,
    Depth,
    Envelope,
    Gate,
    Late,
    Quote,
    Row,
    Step,
    Trade,
    decode,
    encode,
)
from fanfold.live.record import recorder as module
from fanfold.live.record.recorder import Recorder, raw_file
from fanfold.live.record.stored import frames, table
from fanfold.live.tape import Tape

SEGMENT_BYTES = 4_096
SYMBOLS = ("AAPL", "BTC/USD")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    plan = SimpleNamespace(
        symbols=SYMBOLS, settings=SimpleNamespace(record=SimpleNamespace(keep_days=0))
    )
    monkeypatch.setattr(module, "read_plan", lambda _: plan)
    folder = Folder(tmp_path / "one")
    folder.make()
    return folder


def envelopes(count: int) -> list[bytes]:
    found: list[bytes] = []
    for number in range(count):
        values: tuple[Any, ...] = (
            Quote(0, number, 99.0, 101.0, 1.0, 2.0),
            Trade(1, number, 100.5, 0.25),
            Depth(1, number, ((99.0, 1.0), (98.0, 2.0)), ((101.0, 1.0),)),
            Step(number, (Row(0, 1.0, 2.0, 0.5, 1.5, 10.0), Row(1, 3.0, 3.0, 3.0, 3.0, 1.0))),
            Late(number, Row(0, 1.0, 2.0, 0.5, 1.5, 11.0)),
            Gate(ts=number, open=False, reason="no stream"),
        )
        found.append(encode(Envelope(MARKET_DATA, 1, number, number, values)))
    return found


def written(folder: Folder, found: list[bytes]) -> None:
    tape = Tape(folder.tapes, "signal", SEGMENT_BYTES)
    for at, frame in enumerate(found):
        tape.append(at, frame)
    tape.close()


def ticked(recorder: Recorder) -> None:
    for second in range(1, 200):
        recorder.tick(second * 2 * 10**9)


def test_all_frames_come_back_and_all_values_stand_in_tables(folder: Folder) -> None:
    found = envelopes(60)
    written(folder, found)
    Recorder(folder, 1).close()
    assert [frame for _, _, frame in frames(folder, "signal")] == found
    counts = {"quotes": 60, "trades": 60, "depth": 180, "bars": 180, "events": 60}
    assert {name: table(folder, name).num_rows for name in counts} == counts
    quotes = table(folder, "quotes").to_pylist()
    assert quotes[7] == {
        "at": 7, "ts": 7, "symbol": "AAPL", "bid": 99.0, "ask": 101.0, "bid_size": 1.0,
        "ask_size": 2.0,
    }  # fmt: skip
    (event, *_) = table(folder, "events").to_pylist()
    assert event["kind"] == "Gate"
    assert "no stream" in event["content"]


def test_a_segment_that_is_still_written_is_left_until_the_end(folder: Folder) -> None:
    written(folder, envelopes(60))
    recorder = Recorder(folder, 1)
    ticked(recorder)
    segments = sorted(int(file.stem) for file in (folder.record / "signal").glob("*.parquet"))
    kept = [number for number, _ in module.segments(folder.tapes, "signal")]
    assert max(kept) not in segments
    recorder.close()
    assert raw_file(folder, "signal", max(kept)).exists()


def test_what_is_parquet_and_old_leaves_the_tape_and_is_read_all_the_same(folder: Folder) -> None:
    found = envelopes(200)
    written(folder, found)
    recorder = Recorder(folder, 1)
    before = len(module.segments(folder.tapes, "signal"))
    far = 10**9 * 86_400 * 36_500
    for second in range(200):
        recorder.tick(far + second * 2 * 10**9)
    assert len(module.segments(folder.tapes, "signal")) == 2 < before
    assert [frame for _, _, frame in frames(folder, "signal")] == found
    assert decode(found[0]).number == 0


def test_a_recorder_that_was_killed_leaves_nothing_twice(folder: Folder) -> None:
    found = envelopes(120)
    written(folder, found)
    first = module._Writers(folder.record, "signal", 1)
    tables = module.Tables(SYMBOLS)
    tables.frame(0, 0, found[0])
    first.write(tables)  # and then it is gone: a part of a file without its name
    Recorder(folder, 2).close()
    assert table(folder, "quotes").num_rows == 120
    Recorder(folder, 3).close()
    assert table(folder, "quotes").num_rows == 120
