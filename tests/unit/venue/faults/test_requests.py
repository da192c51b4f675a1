import json
from typing import Any

import pytest
from tests.fakes.venue_faults import NOW, Clock, faults_of

from fanfold.venue.faults import Faults, Trouble

ORDERS = ("POST", "/v2/orders", "me")


def trouble(*written: dict[str, Any]) -> Trouble | None:
    return faults_of(*written).on_request(*ORDERS)


def test_nothing_goes_wrong_by_default() -> None:
    assert Faults(0).on_request(*ORDERS) is None


@pytest.mark.parametrize(
    ("kind", "acts", "answer", "status"),
    [
        ("rest_timeout_before", False, "stall", 0),
        ("rest_timeout_after", True, "stall", 0),
        ("rest_drop_before", False, "drop", 0),
        ("rest_drop_after", True, "drop", 0),
        ("rest_error", False, "", 500),
        ("rest_504_after", True, "", 504),
        ("rate_limit", False, "", 429),
        ("html", False, "", 502),
        ("rest_delay", True, "", 0),
    ],
)
def test_each_kind_acts_or_not_and_answers_in_its_way(
    kind: str, answer: str, status: int, *, acts: bool
) -> None:
    found = trouble({"kind": kind})
    assert found is not None
    assert (found.acts, found.answer, found.status) == (acts, answer, status)


@pytest.mark.parametrize("kind", ["rest_error", "rest_504_after", "rate_limit"])
def test_an_error_has_the_brokers_body(kind: str) -> None:
    found = trouble({"kind": kind})
    assert found is not None
    body = json.loads(found.body)
    assert body["code"] // 100_000 == found.status
    assert body["message"]


@pytest.mark.parametrize(
    "written",
    [
        {"kind": "html", "status": 200, "acts": True},
        {"kind": "rest_error", "status": 503, "body": "html", "acts": True},
    ],
)
def test_a_page_is_html_and_may_hide_that_it_was_done(written: dict[str, Any]) -> None:
    found = trouble(written)
    assert found is not None
    assert found.content_type == "text/html"
    assert found.body.startswith("<html>")
    assert f"<h1>{written['status']} " in found.body
    assert found.acts


def test_a_limit_says_when_to_come_back_or_does_not() -> None:
    told = trouble({"kind": "rate_limit", "retry_s": 30}, {"kind": "clock_skew", "skew_s": 5})
    assert told is not None
    assert dict(told.headers)["X-RateLimit-Reset"] == str(NOW // 10**9 + 35)
    assert dict(told.headers)["X-RateLimit-Remaining"] == "0"
    silent = trouble({"kind": "rate_limit", "headers": False})
    assert silent is not None
    assert silent.headers == ()


@pytest.mark.parametrize(
    ("where", "strikes"),
    [
        ({}, True),
        ({"method": "POST"}, True),
        ({"method": "DELETE"}, False),
        ({"path": "/v2/orders"}, True),
        ({"path": "/v2/ord*"}, True),
        ({"path": "/v2/positions*"}, False),
        ({"account": "me"}, True),
        ({"account": "other"}, False),
    ],
)
def test_only_requests_that_are_meant_are_struck(where: dict[str, Any], *, strikes: bool) -> None:
    assert (trouble({"kind": "rest_drop_before", **where}) is not None) == strikes


def test_delays_add_up_and_the_first_other_fault_decides() -> None:
    found = trouble(
        {"kind": "rest_delay", "delay_s": 1.5},
        {"kind": "rest_drop_after"},
        {"kind": "rest_error"},
        {"kind": "rest_delay", "delay_s": 2},
    )
    assert found == Trouble(delay_s=3.5, acts=True, answer="drop")


def test_a_fault_that_did_not_decide_has_not_struck() -> None:
    faults = faults_of({"kind": "rest_drop_after"}, {"kind": "rest_error", "count": 1})
    faults.on_request(*ORDERS)
    assert [one["struck"] for one in faults.listed()] == [1, 0]


def test_a_stream_is_refused_for_as_long_as_a_dead_connection_lives() -> None:
    clock = Clock()
    faults = faults_of(
        {"kind": "refuse_upgrade", "endpoint": "trading", "status": 429, "lasts_s": 5, "count": 1},
        clock=clock,
    )
    assert faults.on_upgrade("stocks", "me") is None
    first = faults.on_upgrade("trading", "me")
    assert first is not None
    assert (first.status, first.acts) == (429, False)
    clock.now += 4_999_999_999
    assert faults.on_upgrade("trading", "me") == first
    clock.now += 1
    assert faults.on_upgrade("trading", "me") is None
    assert faults.listed()[0]["struck"] == 1


def test_the_connection_limit_is_said_as_the_stream_says_it() -> None:
    refusal = faults_of({"kind": "refuse_upgrade"}).on_upgrade("stocks", "me")
    assert refusal is not None
    assert json.loads(refusal.body) == [
        {"T": "error", "code": 406, "msg": "connection limit exceeded"}
    ]


def test_a_refusal_ends_with_its_fault() -> None:
    faults = faults_of({"kind": "refuse_upgrade", "lasts_s": 60})
    assert faults.on_upgrade("stocks", "me") is not None
    faults.clear()
    assert faults.on_upgrade("stocks", "me") is None


def test_a_connection_that_was_cut_can_be_taken_for_a_living_one() -> None:
    clock = Clock()
    faults = faults_of({"kind": "disconnect", "half_dead_s": 3, "count": 1}, clock=clock)
    faults.on_messages("stocks", "me", [b"x"])
    refusal = faults.on_upgrade("stocks", "me")
    assert refusal is not None
    assert refusal.status == 406
    assert faults.on_upgrade("stocks", "") is None  # whose keys come later may be another
    assert not faults.lets_in("stocks", "me")
    assert faults.lets_in("stocks", "other")
    assert faults.on_upgrade("crypto", "me") is None
    clock.now += 3 * 10**9
    assert faults.on_upgrade("stocks", "me") is None
    assert faults.lets_in("stocks", "me")
