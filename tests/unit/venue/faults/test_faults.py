import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.venue_faults import NOW, Clock, faults_of

from fanfold.errors import ConfigError
from fanfold.venue.faults import Faults
from fanfold.venue.faults.faults import FAULTS_MAX

SECOND = 10**9


def struck(faults: Faults, questions: int) -> list[bool]:
    asked = (faults.on_request("GET", "/v2/clock", "me") for _ in range(questions))
    return [trouble is not None for trouble in asked]


@given(seed=st.integers(0, 2**63 - 1), probability=st.floats(0, 1))
def test_an_equal_seed_and_equal_questions_give_equal_answers(
    seed: int, probability: float
) -> None:
    written = {"kind": "rest_error", "probability": probability}
    assert struck(faults_of(written, seed=seed), 30) == struck(faults_of(written, seed=seed), 30)


def test_answers_do_not_depend_on_other_faults() -> None:
    alone = {"kind": "rest_drop_before", "probability": 0.5}
    beside = {"kind": "lose", "probability": 0.5}
    both = faults_of(alone, beside)
    for _ in range(10):
        both.on_messages("stocks", "me", [b"x"])
    assert struck(both, 50) == struck(faults_of(alone), 50)


def test_another_seed_gives_other_answers_as_often() -> None:
    written = {"kind": "rest_error", "probability": 0.3}
    one, other = (
        struck(faults_of(written, seed=1), 2_000),
        struck(faults_of(written, seed=2), 2_000),
    )
    assert one != other
    # Five deviations of a binomial of 2,000 at 0.3 are 102.
    assert sum(one) == pytest.approx(600, abs=102)


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({"count": 2}, [True, True, False, False]),
        ({"after": 2}, [False, False, True, True]),
        ({"after": 1, "count": 1}, [False, True, False, False]),
        ({"probability": 0.0}, [False] * 4),
    ],
)
def test_questions_are_counted(limits: dict[str, object], expected: list[bool]) -> None:
    assert struck(faults_of({"kind": "rest_error", **limits}), 4) == expected


@pytest.mark.parametrize("end", [{"for_s": 2}, {"until": NOW + 2 * SECOND}])
def test_a_fault_ends_at_its_time(end: dict[str, object]) -> None:
    clock = Clock()
    faults = faults_of({"kind": "rest_error", **end}, clock=clock)
    clock.now += 2 * SECOND - 1
    assert struck(faults, 1) == [True]
    clock.now += 1
    assert struck(faults, 1) == [False]
    assert [one["on"] for one in faults.listed()] == [False]


def test_faults_are_listed_with_what_they_did() -> None:
    faults = faults_of({"kind": "rest_error", "after": 1, "count": 1})
    struck(faults, 3)
    assert faults.listed() == [
        {
            "id": "fault-1",
            "kind": "rest_error",
            "after": 1,
            "count": 1,
            "on": False,
            "asked": 2,
            "struck": 1,
        }
    ]


def test_faults_come_and_go() -> None:
    faults = Faults(0)
    first, second = faults.add({"kind": "rest_error"}), faults.add({"kind": "html"})
    assert [one["id"] for one in faults.listed()] == [first["id"], second["id"]]
    assert faults.remove(first["id"])
    assert not faults.remove(first["id"])
    assert [one["kind"] for one in faults.listed()] == ["html"]
    faults.clear()
    assert faults.listed() == []
    assert struck(faults, 1) == [False]
    assert faults.add({"kind": "html"})["id"] not in (first["id"], second["id"])


def test_a_wrong_fault_is_refused_and_the_others_stay() -> None:
    faults = faults_of({"kind": "html"})
    with pytest.raises(ConfigError, match="kind must be one of"):
        faults.add({"kind": "none"})
    assert len(faults.listed()) == 1


def test_a_wrong_fault_of_a_configuration_is_named() -> None:
    with pytest.raises(ConfigError, match=r"faults\[1\] \(lose\): probability must be"):
        faults_of({"kind": "lose"}, {"kind": "lose", "probability": 2})


def test_faults_are_bounded_and_those_that_are_over_make_room() -> None:
    faults = faults_of(*[{"kind": "rest_error", "count": 1}] * FAULTS_MAX)
    with pytest.raises(ConfigError, match="at most 1,000"):
        faults.add({"kind": "html"})
    struck(faults, 1)
    faults.add({"kind": "html"})
    assert len(faults.listed()) == FAULTS_MAX


def test_clocks_that_are_off_add_up_while_they_are() -> None:
    clock = Clock()
    faults = faults_of(
        {"kind": "clock_skew", "skew_s": -1.5},
        {"kind": "clock_skew", "skew_s": 0.25, "for_s": 1},
        clock=clock,
    )
    assert faults.skew_ns == -1_250_000_000
    clock.now += SECOND
    assert faults.skew_ns == -1_500_000_000
    assert Faults(0).skew_ns == 0


def test_a_halt_lasts_by_the_venues_clock() -> None:
    faults = faults_of(
        {"kind": "halt", "symbol": "MSFT", "for_s": 60, "reason": "news"},
        {"kind": "halt", "symbol": "AAPL"},
    )
    assert faults.halts(5 * SECOND) == {"AAPL": "", "MSFT": "news"}
    assert faults.halts(65 * SECOND - 1) == {"AAPL": "", "MSFT": "news"}
    assert [one["on"] for one in faults.listed()] == [True, True]
    assert faults.halts(65 * SECOND) == {"AAPL": ""}
    assert [one["on"] for one in faults.listed()] == [False, True]
    faults.clear()
    assert faults.halts(66 * SECOND) == {}


def test_two_halts_of_an_asset_end_with_the_later() -> None:
    faults = faults_of(
        {"kind": "halt", "symbol": "A", "until": 10}, {"kind": "halt", "symbol": "A", "until": 20}
    )
    assert [set(faults.halts(now)) for now in (5, 10, 20)] == [{"A"}, {"A"}, set()]


def test_all_kinds_are_described() -> None:
    assert {"disconnect", "halt"} < {one["kind"] for one in Faults.described()}


def test_a_clock_on_the_wall_that_is_set_back_prolongs_no_fault(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    steady = 5_000_000_000
    monkeypatch.setattr(time, "monotonic_ns", lambda: steady)
    monkeypatch.setattr(time, "time_ns", lambda: 1_700_000_000_000_000_000)
    faults = Faults()
    faults.add({"kind": "rest_error", "for_s": 1.0})
    assert faults.on_request("GET", "/v2/clock", "") is not None
    monkeypatch.setattr(time, "time_ns", lambda: 1_600_000_000_000_000_000)
    steady += 1_000_000_000
    assert faults.on_request("GET", "/v2/clock", "") is None
