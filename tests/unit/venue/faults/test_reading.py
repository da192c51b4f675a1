from typing import Any

import pytest

from fanfold.errors import ConfigError
from fanfold.venue.faults import kinds
from fanfold.venue.faults.reading import KINDS, described, fault_of, parameters, until_ns

NEEDED = {"clock_skew": {"skew_s": 2.0}, "halt": {"symbol": "AAPL"}}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_can_be_written_and_read_again(kind: str) -> None:
    fault = fault_of({"kind": kind, **NEEDED.get(kind, {})})
    assert isinstance(fault, KINDS[kind])
    assert fault_of(parameters(fault)) == fault


def test_only_what_is_not_usual_is_written() -> None:
    fault = fault_of({"kind": "lose", "probability": 0.5, "endpoint": "trading", "count": None})
    assert parameters(fault) == {"kind": "lose", "probability": 0.5, "endpoint": "trading"}


def test_every_kind_says_what_it_does_and_what_its_parameters_must_be() -> None:
    every = described()
    assert [one["kind"] for one in every] == list(KINDS)
    assert all(one["does"].endswith(".") for one in every)
    assert all(text for one in every for text in one["parameters"].values())


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (3, "must be a mapping with a kind, was 3"),
        ({}, "kind must be one of disconnect, .*, was None"),
        ({"kind": "lsoe"}, "was 'lsoe'; did you mean lose"),
        ({"kind": ["lose"]}, "kind must be one of"),
        ({"kind": "lose", "probabilty": 1}, "did you mean probability"),
        ({"kind": "lose", 1: 2}, "parameters must be of .*, was 1"),
        ({"kind": "lose", "method": "GET"}, "parameters must be of .*, was 'method'"),
        ({"kind": "lose", "probability": 1.5}, "probability must be a number from 0 to 1, was 1.5"),
        ({"kind": "lose", "probability": float("nan")}, "from 0 to 1, was nan"),
        ({"kind": "lose", "probability": "1"}, "from 0 to 1, was '1'"),
        ({"kind": "lose", "count": 0}, "count must be a whole number from 1 to"),
        ({"kind": "lose", "count": True}, "count must be a whole number .*, was True"),
        ({"kind": "lose", "after": -1}, "after must be a whole number from 0 to"),
        ({"kind": "lose", "for_s": 0}, "for_s must be seconds above 0"),
        ({"kind": "lose", "until": "soon"}, "until must be nanoseconds .*, was 'soon'"),
        ({"kind": "lose", "until": "2026-01-02T15:30:00"}, "until must be nanoseconds"),
        ({"kind": "lose", "until": 10**40}, "until must be nanoseconds"),
        ({"kind": "delay", "delay_s": float("inf")}, "delay_s must be seconds from 0 to"),
        ({"kind": "rest_error", "status": 404}, "status must be a whole number from 500 to 599"),
        ({"kind": "html", "status": 100}, "status must be a whole number from 200 to 599"),
        ({"kind": "refuse_upgrade", "status": 500}, "status must be 406, 429 or 503, was 500"),
        ({"kind": "partial_fill", "fraction": 1}, "fraction must be a number between 0 and 1"),
        ({"kind": "halt"}, "halt.: symbol must be text .*, it is missing"),
        ({"kind": "clock_skew", "skew_s": None}, "skew_s must be seconds from -86,400 to 86,400"),
        ({"kind": "clock_skew", "skew_s": 1, "count": 2}, "parameters must be of"),
    ],
)
def test_what_is_wrong_is_named_with_what_it_must_be(written: Any, expected: str) -> None:
    with pytest.raises(ConfigError, match=expected):
        fault_of(written)


def test_what_is_shown_of_a_wrong_value_is_short() -> None:
    with pytest.raises(ConfigError) as caught:
        fault_of({"kind": "lose", "symbol": "x" * 10_000})
    assert len(str(caught.value)) < 300


def test_an_end_can_be_a_number_or_a_text() -> None:
    texts = (1_767_367_800_500_000_000, "2026-01-02T15:30:00.5Z", "2026-01-02T10:30:00.5-05:00")
    ends = {until_ns(kinds.Lose(until=one)) for one in texts}
    assert ends == {1_767_367_800_500_000_000}
    assert until_ns(kinds.Lose()) is None
