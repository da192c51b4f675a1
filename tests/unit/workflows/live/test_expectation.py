"""Equity beside its band: once a bar, a latch where it leaves, and a new start after a reset."""

import math
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.fakes.promotion import deployed, live_job, sample_days

from fanfold.live.folder import Folder
from fanfold.live.halts import ask_reset, latches, reset
from fanfold.live.plan import read_plan
from fanfold.workflows.live.expectation import (
    DEMOTED,
    Expected,
    check_expectation,
    expectation,
    key_of,
    write_expected,
)
from fanfold.workflows.live.expected import ahead_of, expected_of
from fanfold.workflows.versions.version import job_of

START = 100_000.0
BARS = 4
Step = Callable[[int, float], object]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return deployed(tmp_path, live_job(), sample_days(end="2012-03-30"))


def banded(folder: Folder, *, demotes: bool = True) -> Expected:
    """A band of one percent a day either way."""
    days = tuple(range(1, BARS + 1))
    found = Expected(
        key=key_of(read_plan(folder)), source="a test", bar_seconds=86_400, level=0.95,
        demotes=demotes, bars=days, median=(1.0,) * BARS,
        lower=tuple(1.0 - 0.01 * day for day in days),
        upper=tuple(1.0 + 0.01 * day for day in days),
    )  # fmt: skip
    write_expected(folder, found)
    return found


def close_of(folder: Folder, day: int) -> int:
    """When so many sessions after the first have closed [ns UTC]."""
    return read_plan(folder).sessions["XNYS"][5 + day].close_ts


def test_inside_its_band_equity_is_left_alone(folder: Folder) -> None:
    banded(folder)
    for day, equity in enumerate((START, 99_100.0, 101_900.0, 97_100.0)):
        assert check_expectation(folder, close_of(folder, day), equity) is None
    assert latches(folder) == ()
    found = expectation(folder)
    assert found is not None
    assert found["inside"]
    assert (found["bars"], found["start_equity"]) == (BARS, START)
    assert found["ts"] == [close_of(folder, day) for day in range(BARS + 1)]
    assert found["lower"][:3] == [START, pytest.approx(99_000), pytest.approx(98_000)]


def test_leaving_it_sets_a_latch_with_the_numbers_once(folder: Folder) -> None:
    banded(folder)
    check_expectation(folder, close_of(folder, 0), START)
    assert check_expectation(folder, close_of(folder, 0) + 1, 1.0) is None  # no bar has ended
    found = check_expectation(folder, close_of(folder, 2), 97_900.0)
    assert found is not None
    assert (found.bar, found.equity) == (2, 97_900.0)
    (latch,) = latches(folder)
    assert latch.name == DEMOTED
    assert (
        "97,900.00 is below the band of 95% of all paths, 98,000.00 to 102,000.00" in latch.reason
    )
    assert check_expectation(folder, close_of(folder, 3), 90_000.0) is None
    shown = expectation(folder)
    assert shown is not None
    assert not shown["inside"]


def test_too_good_is_outside_as_well(folder: Folder) -> None:
    banded(folder)
    check_expectation(folder, close_of(folder, 0), START)
    found = check_expectation(folder, close_of(folder, 1), 101_100.0)
    assert found is not None
    assert "above" in found.reason


def test_after_its_reset_the_band_begins_where_equity_is(folder: Folder) -> None:
    banded(folder)
    check_expectation(folder, close_of(folder, 0), START)
    check_expectation(folder, close_of(folder, 1), 90_000.0)
    now = time.time_ns()
    reset(folder, DEMOTED, ask_reset(folder, DEMOTED, now), "me", now)
    assert check_expectation(folder, close_of(folder, 2), 90_000.0) is None
    assert check_expectation(folder, close_of(folder, 3), 90_500.0) is None
    assert latches(folder) == ()
    found = expectation(folder)
    assert found is not None
    assert (found["start_equity"], found["inside"]) == (90_000.0, True)
    assert check_expectation(folder, close_of(folder, 4), 80_000.0) is not None


def test_a_band_in_sample_is_shown_and_demotes_nobody(folder: Folder) -> None:
    banded(folder, demotes=False)
    check_expectation(folder, close_of(folder, 0), START)
    assert check_expectation(folder, close_of(folder, 1), 50_000.0) is None
    assert latches(folder) == ()
    found = expectation(folder)
    assert found is not None
    assert not found["inside"]


def test_at_its_horizon_it_begins_anew(folder: Folder) -> None:
    banded(folder)
    check_expectation(folder, close_of(folder, 0), START)
    assert check_expectation(folder, close_of(folder, BARS + 1), 50_000.0) is None
    found = expectation(folder)
    assert found is not None
    assert found["start_equity"] == 50_000.0


@pytest.mark.parametrize("equity", [None, math.nan, math.inf, 0.0, -5.0])
def test_what_is_no_equity_is_not_looked_at(folder: Folder, equity: float | None) -> None:
    banded(folder)
    assert check_expectation(folder, close_of(folder, 0), equity) is None
    assert expectation(folder) is None


def test_a_band_of_another_plan_does_not_count(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fanfold.workflows.live.expectation.AGAIN_S", math.inf)  # asked just now
    other = replace(banded(folder), key="another", problem="")
    write_expected(folder, other)
    assert check_expectation(folder, close_of(folder, 0), START) is None
    assert expectation(folder) is None


def test_without_evidence_the_band_is_that_of_the_warm_up(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("fanfold.workflows.versions.store.home", lambda: tmp_path / "none")
    found = expected_of(folder)
    assert found.problem == ""
    assert "backtest" in found.source
    assert (found.version, found.demotes) == ("", False)
    assert found.bars[-1] == ahead_of(
        read_plan(folder), job_of(read_plan(folder)).gates.expectation, len(found.bars)
    )
    assert found.lower[-1] < 1.0 < found.upper[-1]


def test_a_deployment_on_quotes_has_none_and_says_why(tmp_path: Path) -> None:
    quotes = deployed(
        tmp_path, live_job(live__market={"clock": "quotes"}), sample_days(end="2012-03-30")
    )
    assert "decides on quotes" in expected_of(quotes).problem
