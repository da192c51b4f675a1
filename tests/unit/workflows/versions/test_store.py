"""Records of versions: kept whole, sealed, found by a part of their name; and the log."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.fakes.promotion import live_job

from fanfold.errors import ConfigError, DataError
from fanfold.workflows.promotion.gates import plain_job
from fanfold.workflows.versions.store import (
    Event,
    Evidence,
    Record,
    append,
    events,
    folder_of,
    read_record,
    read_returns,
    record_named,
    records,
    versions_folder,
    write_record,
    write_returns,
)
from fanfold.workflows.versions.version import version_of

pytestmark = pytest.mark.usefixtures("home")


def record(seed: int = 0, at: int = 5) -> Record:
    job = live_job()
    found = Evidence(key="k", figures={"sharpe": 1.25, "return": None}, notes=("told",), at=7)
    return Record(
        version=version_of(job, data="bars", seed=seed),
        job=plain_job(job),
        at=at,
        evidence={"walk_forward": found},
    )


def test_a_record_is_read_as_it_was_written() -> None:
    one = record()
    write_record(one)
    assert read_record(one.version.id) == one
    assert read_record("0" * 12) is None


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content["evidence"]["walk_forward"]["figures"].update(sharpe=9.0),
        lambda content: content["version"].update(seed=4),
        lambda content: content.pop("seal"),
        lambda content: content.update(evidence={}),
    ],
)
def test_a_record_that_was_changed_by_hand_is_refused(
    change: Callable[[dict[str, Any]], object],
) -> None:
    one = record()
    write_record(one)
    file = folder_of(one.version.id) / "record.json"
    content = json.loads(file.read_text())
    change(content)
    file.write_text(json.dumps(content))
    with pytest.raises(DataError, match="must be"):
        read_record(one.version.id)
    assert records() == []


def test_a_record_that_lies_under_another_name_is_refused() -> None:
    one, other = record(), record(seed=1)
    write_record(one)
    write_record(other)
    own = folder_of(one.version.id) / "record.json"
    own.write_bytes((folder_of(other.version.id) / "record.json").read_bytes())
    with pytest.raises(DataError, match="is of"):
        read_record(one.version.id)


def test_a_version_is_found_by_the_start_of_its_name() -> None:
    one, other = record(at=5), record(seed=1, at=6)
    write_record(one)
    write_record(other)
    assert record_named(one.version.id[:6]) == one
    assert [found.version.seed for found in records()] == [1, 0]
    for wrong in ("", "zzzz", "../../etc/passwd", one.version.id[:3]):
        with pytest.raises(ConfigError, match="must be one that was measured"):
            record_named(wrong)


@pytest.mark.parametrize("name", ["..", "../x", "A" * 12, "", "0" * 11])
def test_a_name_that_is_none_leads_to_no_path(name: str) -> None:
    with pytest.raises(ConfigError, match="hexadecimal"):
        folder_of(name)


def test_returns_that_are_others_are_refused() -> None:
    one = record()
    returns = np.array([0.01, -0.02, 0.03])
    digest = write_returns(one.version.id, returns)
    kept = Record(version=one.version, job={}, at=1, returns={"digest": digest})
    assert read_returns(kept).tolist() == returns.tolist()
    write_returns(one.version.id, returns * 2)
    with pytest.raises(DataError, match="holds others"):
        read_returns(kept)


def test_the_log_keeps_its_order_and_leaves_out_what_is_damaged(home: Path) -> None:
    made = [
        Event(at=at, by="me", what="promote", version="0" * 12, line="1" * 12, deployment="trial")
        for at in (1, 2)
    ]
    append(made[0])
    with (versions_folder() / "log.jsonl").open("a") as log:
        log.write('{"at": 3, "by"\n{"other": 1}\n')
    append(made[1])
    assert events() == made
    assert (home / "versions").stat().st_mode & 0o077 == 0
