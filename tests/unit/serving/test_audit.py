"""The audit log: what stands in it, that it is bounded, and that a full disk stops nothing."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfold.serving import audit as module
from fanfold.serving.audit import ACTS, FILES, STRANGERS, Audit, shown_arguments
from fanfold.serving.state import AuditRow


def row(at: int, who: str = "desk", what: str = "POST /api/v1/kill") -> AuditRow:
    return AuditRow(
        at=at, who=who, origin="127.0.0.1", what=what, arguments={}, status=200, outcome="flat"
    )


def test_lines_come_back_the_newest_first(tmp_path: Path) -> None:
    log = Audit(tmp_path)
    for at in (1, 3, 2):
        log.note(row(at, "desk" if at % 2 else ""))
    assert [one.at for one in log.newest(10)] == [3, 2, 1]
    assert [one.at for one in log.newest(2)] == [3, 2]


def test_strangers_push_nothing_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FILE_BYTES", 1_000)
    log = Audit(tmp_path)
    log.note(row(1))
    for at in range(2, 200):
        log.note(row(at, ""))
    assert [one.who for one in log.newest(500)][-1] == "desk"
    files = list(tmp_path.glob(f"{STRANGERS}*"))
    assert len(files) == FILES + 1
    assert sum(file.stat().st_size for file in files) <= (FILES + 1) * 1_000
    assert len(list(tmp_path.glob(f"{ACTS}*"))) == 1


def test_the_file_before_is_read_where_the_current_one_has_just_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FILE_BYTES", 400)
    log = Audit(tmp_path)
    for at in range(1, 6):
        log.note(row(at))
    assert [one.at for one in log.newest(3)] == [5, 4, 3]


def test_a_disk_that_takes_nothing_is_no_reason_to_fail(tmp_path: Path) -> None:
    log = Audit(tmp_path / "gone")
    log.note(row(1))
    assert log.newest(1) == []


def test_lines_that_are_none_are_left_out(tmp_path: Path) -> None:
    log = Audit(tmp_path)
    (tmp_path / ACTS).write_bytes(b'{"at": 1\n\xff\xfe\n')
    log.note(row(2))
    assert [one.at for one in log.newest(10)] == [2]


def test_codes_are_not_kept() -> None:
    body = json.dumps({"code": "5f2a91c0", "codes": ["5f2a91c0"], "reason": "odd prices"}).encode()
    shown = shown_arguments(body)
    assert "5f2a91c0" not in json.dumps(shown)
    assert shown["reason"] == "odd prices"


@given(body=st.binary(max_size=200) | st.just(b"[" * 100_000))
def test_any_body_is_shown_in_bounds(body: bytes) -> None:
    assert len(json.dumps(shown_arguments(body))) < 20_000
