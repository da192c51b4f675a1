"""A sealed holdout is read by nobody, and opened once."""

import multiprocessing
from pathlib import Path
from typing import Any

import pytest

from fanfold.errors import ConfigError, DataError
from fanfold.tracking import seals as seals_module
from fanfold.tracking.ledger import append_trials, counted_trials
from fanfold.tracking.seals import Seal, check_unsealed, open_seal, record_look, seal, sealed, seals

STUDY = "5ea15ea15ea1"
FIRST, LAST = 15_340, 15_705  # 2012-01-01 to 2012-12-31


def sealing(folder: Path, study: str = STUDY, **changed: Any) -> Seal:
    asked = {"symbols": ["MSFT", "AAPL"], "first_day": FIRST, "last_day": LAST, "details": {}}
    return seal(study, **{**asked, **changed}, folder=folder)


def test_sealing_the_same_again_changes_nothing(tmp_path: Path) -> None:
    first = sealing(tmp_path, details={"job": "tune", "share": float("nan")})
    again = sealing(tmp_path, symbols=("AAPL", "MSFT"), details={"job": "tune", "share": None})
    assert first == again
    assert first.symbols == ("AAPL", "MSFT")
    assert not first.is_open
    assert seals(tmp_path) == [first]


@pytest.mark.parametrize(
    "changed", [{"last_day": LAST - 1}, {"symbols": ["AAPL"]}, {"details": {"job": "sweep"}}]
)
def test_a_study_cannot_move_what_it_sealed(changed: dict[str, Any], tmp_path: Path) -> None:
    sealing(tmp_path)
    with pytest.raises(ConfigError, match="must stay what it was, study 5ea15ea15ea1 has sealed"):
        sealing(tmp_path, **changed)
    assert len(seals(tmp_path)) == 1


@pytest.mark.parametrize(
    ("first_day", "last_day", "is_sealed"),
    [
        (FIRST - 9, FIRST - 1, False),
        (FIRST - 9, FIRST, True),
        (LAST, LAST + 9, True),
        (LAST + 1, LAST + 9, False),
    ],
)
def test_a_seal_covers_its_first_and_its_last_day(
    first_day: int, last_day: int, *, is_sealed: bool, tmp_path: Path
) -> None:
    sealing(tmp_path)
    found = sealed(["AAPL", "IBM"], first_day=first_day, last_day=last_day, folder=tmp_path)
    assert (found is not None) == is_sealed
    assert sealed(["IBM"], first_day=0, last_day=LAST, folder=tmp_path) is None


def test_the_earliest_closed_seal_is_the_one_that_is_told(tmp_path: Path) -> None:
    for study, first_day in (("b", FIRST), ("a", FIRST + 30), ("c", FIRST + 60)):
        sealing(tmp_path, study, first_day=first_day)
    asked: dict[str, Any] = {"first_day": 0, "last_day": LAST, "folder": tmp_path}
    found = sealed(["AAPL"], **asked)
    assert found is not None
    assert found.study == "b"
    open_seal("b", tmp_path)
    found = sealed(["AAPL"], **asked)
    assert found is not None
    assert found.study == "a"


def test_a_job_that_reads_sealed_days_is_told_what_to_do(tmp_path: Path) -> None:
    sealing(tmp_path)
    with pytest.raises(ConfigError) as refused:
        check_unsealed(["AAPL", "IBM"], FIRST - 400, LAST, tmp_path)
    told = str(refused.value)
    assert told.startswith("AAPL must not be read from 2012-01-01 on: study 5ea15ea15ea1")
    assert "set data.end to 2011-12-31" in told
    assert "`fanfold unseal 5ea15ea15ea1`" in told
    with pytest.raises(ConfigError, match="read other days"):
        check_unsealed(["AAPL"], FIRST + 1, LAST, tmp_path)
    check_unsealed(["AAPL", "IBM"], FIRST - 400, FIRST - 1, tmp_path)
    open_seal(STUDY, tmp_path)
    check_unsealed(["AAPL", "IBM"], FIRST - 400, LAST, tmp_path)


def test_a_holdout_opens_once_and_tells_when_and_by_whom(tmp_path: Path) -> None:
    sealing(tmp_path)
    opened = open_seal("5ea1", tmp_path)
    assert opened.is_open
    assert opened.opened_at is not None
    assert opened.opened_at >= opened.sealed_at
    assert "@" in opened.opened_by
    with pytest.raises(ConfigError, match=r"was opened at 20\d\d-.*Z by .*@.*, looks: 0"):
        open_seal("5ea1", tmp_path)
    assert seals(tmp_path) == [opened]


def test_a_study_goes_by_the_start_of_its_hash_if_that_is_clear(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"\(none has\), was 'abc'"):
        open_seal("abc", tmp_path)
    for study in ("abc", "abcd", "abce"):
        sealing(tmp_path, study)
    assert open_seal("abc", tmp_path).study == "abc"
    with pytest.raises(ConfigError, match="'ab' may be: abc, abcd, abce"):
        open_seal("ab", tmp_path)
    with pytest.raises(ConfigError, match="was ''"):
        open_seal("", tmp_path)
    with pytest.raises(ConfigError, match=r"was 'abcf' \(nearest"):
        open_seal("abcf", tmp_path)


def test_looks_are_counted_and_an_equal_result_is_the_same_look(tmp_path: Path) -> None:
    sealing(tmp_path)
    with pytest.raises(ConfigError, match="must be opened before a look"):
        record_look(STUDY, {"sharpe": 1.0}, tmp_path)
    open_seal(STUDY, tmp_path)
    assert record_look(STUDY, {"sharpe": 1.0}, tmp_path).look_count == 1
    assert record_look(STUDY, {"sharpe": 1.0}, tmp_path).look_count == 1
    assert record_look(STUDY, {"sharpe": float("nan")}, tmp_path).look_count == 2
    assert seals(tmp_path)[0].looks == ({"sharpe": 1.0}, {"sharpe": None})


def test_what_json_cannot_hold_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="details of a seal must be what JSON can hold"):
        sealing(tmp_path, details={"job": object()})
    assert seals(tmp_path) == []


@pytest.mark.parametrize("changed", [{"symbols": []}, {"symbols": "AAPL"}, {"last_day": FIRST - 1}])
def test_a_seal_must_cover_something(changed: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="of a seal must"):
        sealing(tmp_path, **changed)


@pytest.mark.parametrize("study", ["", "../x", "a/b", "a.b", "x" * 129])
def test_a_study_must_be_a_file_name(study: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="study of a seal must be"):
        sealing(tmp_path, study)


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"symbols": ["AAPL"]}'])
def test_a_damaged_seal_is_named_and_never_taken_for_none(content: str, tmp_path: Path) -> None:
    sealing(tmp_path)
    file = tmp_path / "seals" / f"{STUDY}.seal.json"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=f"{STUDY}.seal.json"):
        check_unsealed(["AAPL"], FIRST, LAST, tmp_path)


def test_seals_and_trials_share_a_folder(tmp_path: Path) -> None:
    sealing(tmp_path)
    everything: dict[str, Any] = {"codes": [], "families": [], "symbols": []}
    found = counted_trials(**everything, first_day=0, last_day=1, folder=tmp_path)
    assert found.count == 0
    with pytest.raises(DataError, match="lacked key"):
        append_trials({"code": []}, folder=tmp_path)


def open_many(folder: Path, studies: list[str], ready: Any, opened: Any) -> None:
    """One of two processes that open the same holdouts at the same time."""
    ready.wait()
    for study in studies:
        try:
            open_seal(study, folder)
        except ConfigError:
            continue
        opened.put(study)


def test_of_two_processes_that_open_a_holdout_one_succeeds(tmp_path: Path) -> None:
    studies = [f"s{number:02d}" for number in range(20)]
    for study in studies:
        sealing(tmp_path, study)
    context = multiprocessing.get_context("spawn")
    ready, opened = context.Barrier(2), context.Queue()
    arguments = (tmp_path, studies, ready, opened)
    processes = [context.Process(target=open_many, args=arguments) for _ in range(2)]
    for process in processes:
        process.start()
    found = sorted(opened.get(timeout=60) for _ in studies)
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0]
    assert found == studies
    assert opened.empty()


def test_a_look_takes_the_next_number_where_another_process_took_this_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealing(tmp_path)
    open_seal(STUDY, tmp_path)
    create, others = seals_module._created, [{"sharpe": 9.0}]

    def overtaken(file: Path, content: dict[str, Any]) -> bool:
        if others:
            create(file, {**content, "result": others.pop()})
        return create(file, content)

    monkeypatch.setattr(seals_module, "_created", overtaken)
    looked = record_look(STUDY, {"sharpe": 1.0}, tmp_path)
    assert looked.looks == ({"sharpe": 9.0}, {"sharpe": 1.0})
