"""Ids follow from what they are of, and steps are written when there is time for it."""

import json
import logging
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfold.live.folder import Folder
from fanfold.live.logs import TRACE_ENDING, log_to_file
from fanfold.live.trace import LOGGER, NAME, Trail, trace_id

TS = 1_767_364_200_000_000_000
KEYS = st.tuples(st.sampled_from(["ab", "cd"]), st.integers(0, 600), st.integers(0, 2**62))


@given(KEYS, KEYS)
def test_an_id_is_of_one_event_of_one_asset_of_one_deployment(
    one: tuple[str, int, int], other: tuple[str, int, int]
) -> None:
    assert NAME.fullmatch(trace_id(*one))
    assert (trace_id(*one) == trace_id(*other)) == (one == other)


@pytest.fixture
def lines(tmp_path: Path) -> Generator[Path]:
    """The file of a component's steps; what logs elsewhere is left as it was."""
    folder = Folder(tmp_path / "demo")
    folder.make()
    loggers = [logging.getLogger(name) for name in ("fanfold", LOGGER)]
    before = [(one.handlers[:], one.level, one.propagate) for one in loggers]
    for one in loggers:
        one.handlers[:] = []
    log_to_file(folder, "risk", 3)
    yield folder.logs / f"risk{TRACE_ENDING}"
    for one, (handlers, level, propagate) in zip(loggers, before, strict=True):
        for made in one.handlers:
            made.close()
        one.handlers[:], one.level, one.propagate = handlers, level, propagate


def test_steps_are_written_with_their_ids_and_when_they_were_taken(lines: Path) -> None:
    trail = Trail("ab")
    trail.note("judged", 4, TS, refused="max_gross")
    trail.note("decided", 4, TS, at=7)
    assert not lines.exists()
    trail.write()
    first, second = map(json.loads, lines.read_text().splitlines())
    assert first["trace"] == trace_id("ab", 4, TS)
    assert (first["component"], first["incarnation"], first["text"]) == ("risk", 3, "judged")
    assert (first["asset"], first["event_ts"], first["refused"]) == (4, TS, "max_gross")
    assert second["at"] == 7
    trail.write()
    assert len(lines.read_text().splitlines()) == 2


def test_a_bar_bears_the_ids_of_all_its_assets(lines: Path) -> None:
    trail = Trail("ab")
    trail.note("bar", (0, 2), TS)
    trail.write()
    (line,) = map(json.loads, lines.read_text().splitlines())
    assert line["traces"] == [trace_id("ab", 0, TS), trace_id("ab", 2, TS)]


def test_too_many_steps_drop_the_oldest_and_say_so(
    lines: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fanfold.live.trace.STEPS_MAX", 8)
    trail = Trail("ab")
    for number in range(11):
        trail.note("judged", 0, TS, number=number)
    trail.write()
    dropped, first, *_ = map(json.loads, lines.read_text().splitlines())
    assert (dropped["text"], dropped["count"]) == ("dropped", 3)
    assert first["number"] == 3


def test_steps_push_no_warning_out(lines: Path) -> None:
    trail = Trail("ab")
    trail.note("judged", 0, TS)
    trail.write()
    logging.getLogger("fanfold.live.risk").warning("look here")
    said = (lines.parent / "risk.jsonl").read_text()
    assert "look here" in said
    assert "judged" not in said
    assert "look here" not in lines.read_text()
