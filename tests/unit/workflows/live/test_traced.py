"""A trace is put together from lines, tapes and the journal, whichever of them there are."""

import json
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from tests.fakes.served import made_order, written

from fanfold.errors import ConfigError, DataError
from fanfold.live.execution.journal import Journal
from fanfold.live.execution.records import Execution
from fanfold.live.folder import Folder
from fanfold.live.messages import (
    EXECUTION,
    MARKET_DATA,
    RISK,
    Envelope,
    Intent,
    OrderChange,
    Quote,
    Refusal,
    Value,
    encode,
)
from fanfold.live.plan import read_plan
from fanfold.live.signal.restart import DECISIONS, TAPE
from fanfold.live.signal.state import Decision, as_bytes
from fanfold.live.tape import Tape
from fanfold.live.trace import trace_id
from fanfold.workflows.live.traced import trace_lines, trace_of

NAN = float("nan")
NUMBER = 50
EVENT = NUMBER * 10**9
"""As `made_order` makes it of the number."""

NOW = EVENT + 10**12
"""When it happened here: the venue replays another day."""

MS = 10**6


def lay_tapes(folder: Folder) -> None:
    """A quote among others, the decision on it, and what signal was told of it."""
    intent = Intent(NUMBER, EVENT, 0, 7, NAN, NAN, NAN, NAN, 100.0, False)  # noqa: FBT003
    said: list[tuple[int, str, Value]] = [
        (0, MARKET_DATA, Quote(1, EVENT, 1.0, 1.1, 1.0, 1.0)),
        (1, MARKET_DATA, Quote(0, EVENT, 99.0, 101.0, 1.0, 1.0)),
        (2, MARKET_DATA, Quote(0, EVENT + 1, 98.0, 99.0, 1.0, 1.0)),
        (5, RISK, Refusal(NUMBER, 0, "max_gross", 5, 1.0, 1.2, NOW)),
        (6, RISK, Refusal(NUMBER + 1, 0, "halted", 0, NAN, NAN, NOW)),
        (9, EXECUTION, OrderChange("ours", NUMBER, 0, "entry", "pending", 1, NAN, NAN, NOW, "")),
    ]
    tape = Tape(folder.tapes, TAPE, 10**6)
    for place, (ms, sender, value) in enumerate(said, 1):
        at = NOW + ms * MS
        tape.append(at, encode(Envelope(sender, 1, place, at - 1_000, (value,))))
    tape.close()
    decisions = Tape(folder.tapes, DECISIONS, 10**6)
    for number, ts, intents in ((1, EVENT - 1, ()), (2, EVENT, (intent,)), (3, EVENT + 1, ())):
        decisions.append(ts, as_bytes(Decision(number, ts, b"", intents)))
    decisions.close()


def lay_journal(folder: Folder) -> None:
    """An order of the event that was filled; `written` leaves others there."""
    plan = read_plan(folder)
    journal = Journal.opened(
        folder.journal, account="PA1", deployment=plan.deployment, tag=plan.tag
    )
    order = replace(made_order("ours", number=NUMBER), created_at=NOW + 7 * MS)
    journal.intend(order, NOW + 7 * MS)
    execution = Execution(
        execution_id="x1", client_order_id="ours", asset=0, role="entry", ts=EVENT + 5, lots=5,
        price=101_000_000, amount=505_000_000, told=5,
    )  # fmt: skip
    journal.note(order, NOW + 8 * MS, "answered")
    journal.note(order, NOW + 10 * MS, "fill", [execution])
    journal.close()


def lay_lines(folder: Folder, **facts: Any) -> str:
    """A line of risk, one of another trace, and one that was left half written."""
    trace = trace_id(read_plan(folder).tag, 0, EVENT)
    line = {
        "at": NOW + 4 * MS, "component": RISK, "text": "judged", "trace": trace, "asset": 0,
        "event_ts": EVENT, "refused": "max_gross",
    } | facts  # fmt: skip
    other = line | {"trace": "0" * 32, "at": 1}
    file = folder.logs / "risk.trace.jsonl"
    file.write_text(f"{json.dumps(other)}\n{json.dumps(line)}\n{json.dumps(line)[:60]}")
    return trace


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return written(tmp_path)


def taken(found: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(step["by"], step["step"], step["from"]) for step in found["steps"]]


def test_all_that_was_written_down_is_put_in_its_order(folder: Folder) -> None:
    lay_tapes(folder)
    lay_journal(folder)
    trace = lay_lines(folder)
    found = trace_of(folder, "ours")
    assert (found["trace"], found["symbol"], found["event_ts"]) == (trace, "AAPL", EVENT)
    assert found["orders"] == ["ours"]
    assert taken(found) == [
        ("market_data", "quote", "tape"),
        ("risk", "judged", "log"),
        ("risk", "told", "tape"),
        ("execution", "made", "journal"),
        ("execution", "answered", "journal"),
        ("execution", "told", "tape"),
        ("execution", "fill", "journal"),
    ]
    fill = found["steps"][-1]
    # When it was heard, not the replayed instant that the venue gave it.
    assert (fill["at"], fill["ts"], fill["units"], fill["price"]) == (
        NOW + 10 * MS, EVENT + 5, 5.0, 101.0,
    )  # fmt: skip
    assert found["steps"][0] | {"bid": 99.0, "ask": 101.0} == found["steps"][0]


def test_the_id_and_how_it_begins_lead_to_the_same(folder: Folder) -> None:
    lay_tapes(folder)
    lay_journal(folder)
    trace = lay_lines(folder)
    whole = trace_of(folder, "ours")
    assert trace_of(folder, trace) == whole
    assert trace_of(folder, trace[:8]) == whole


def test_lines_suffice_where_no_order_came_of_it(folder: Folder) -> None:
    trace = lay_lines(folder, event_ts=EVENT)
    assert taken(trace_of(folder, trace[:8])) == [("risk", "judged", "log")]


def test_tapes_and_journal_suffice_where_lines_are_lost(folder: Folder) -> None:
    lay_tapes(folder)
    lay_journal(folder)
    steps = {step for _, step, _ in taken(trace_of(folder, "ours"))}
    assert steps == {"quote", "told", "made", "answered", "fill"}


def test_people_read_times_from_the_first_step_on(folder: Folder) -> None:
    lay_tapes(folder)
    lay_journal(folder)
    head, *lines = trace_lines(trace_of(folder, "ours"))
    assert "AAPL" in head
    assert lines[0].split()[:2] == ["0.000", "ms"]
    assert lines[-1].split()[:2] == ["9.000", "ms"]
    assert "price 101.0" in lines[-1]


@pytest.mark.parametrize("asked", ["", "nonsense", "0123", "../../etc", "f" * 33, "%", "' OR 1"])
def test_what_names_nothing_is_refused(folder: Folder, asked: str) -> None:
    with pytest.raises(ConfigError, match="a trace must be named by"):
        trace_of(folder, asked)


def test_an_id_that_nothing_bears_is_refused(folder: Folder) -> None:
    with pytest.raises(ConfigError, match="none does"):
        trace_of(folder, "0" * 32)


def test_a_folder_without_a_plan_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="must be a deployment's plan"):
        trace_of(Folder(tmp_path / "none"), "ours")
