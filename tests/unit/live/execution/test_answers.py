"""What each kind of answer means."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfold.live.execution.answers import Verdict, of_cancel, of_order, rate_wait_s
from fanfold.live.execution.line import Answer

ORDER: dict[str, Any] = {
    "id": "b1", "client_order_id": "ff-a-1", "created_at": "2024-01-02T14:30:00Z",
    "updated_at": "2024-01-02T14:30:00Z", "submitted_at": "2024-01-02T14:30:00Z",
    "time_in_force": "day", "status": "new", "extended_hours": False, "qty": "1",
}  # fmt: skip


def answer(status: int, body: Any = None, **headers: str) -> Answer:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status=status, body=content, headers=headers)


def said(status: int, message: str, code: int = 40310000, **context: str) -> Answer:
    return answer(status, {"code": code, "message": message, **context})


ROWS = [
    (answer(200, ORDER), Verdict.ACCEPTED, ""),
    (answer(200, ORDER | {"qty": 1.0, "status": "brand_new", "more": {}}), Verdict.ACCEPTED, ""),
    (answer(200, ORDER | {"client_order_id": "x"}), Verdict.AMBIGUOUS, ""),
    (answer(200, b"<html>"), Verdict.AMBIGUOUS, ""),
    (answer(200, b""), Verdict.AMBIGUOUS, ""),
    (answer(200, [1]), Verdict.AMBIGUOUS, ""),
    (answer(302, b""), Verdict.AMBIGUOUS, ""),
    (answer(408, {"message": "timeout"}), Verdict.AMBIGUOUS, ""),
    (answer(500, {"code": 50010000, "message": "x"}), Verdict.AMBIGUOUS, ""),
    (answer(502, b"<html>"), Verdict.AMBIGUOUS, ""),
    (answer(504, b""), Verdict.AMBIGUOUS, ""),
    (answer(403, b"<html>"), Verdict.AMBIGUOUS, ""),
    (answer(429, b"<html>"), Verdict.RATE_LIMITED, "rate"),
    (Answer(trouble="reset"), Verdict.AMBIGUOUS, ""),
    (Answer(trouble="refused", sent=False), Verdict.NOT_SENT, ""),
    (said(422, "client_order_id must be unique", 40010001), Verdict.DUPLICATE, "duplicate"),
    (said(401, "unauthorized.", 40110000), Verdict.REFUSED, "unauthorized"),
    (said(403, "insufficient buying power", buying_power="1"), Verdict.REFUSED, "buying_power"),
    (said(403, "insufficient qty available for order (requested: 1, available: 0)"),
     Verdict.REFUSED, "held_for_orders"),
    (said(403, "insufficient balance for USD"), Verdict.REFUSED, "balance"),
    (said(403, "potential wash trade detected. use complex orders"), Verdict.REFUSED, "wash_trade"),
    (said(403, "cost basis must be >= minimal amount of order 1"), Verdict.REFUSED, "min_notional"),
    (said(403, "account is not allowed to short"), Verdict.REFUSED, "not_shortable"),
    (said(403, 'asset "X" cannot be sold short'), Verdict.REFUSED, "not_shortable"),
    (said(403, 'asset "X" is not fractionable'), Verdict.REFUSED, "fraction"),
    (said(403, "opg orders must be submitted after 7:00pm"), Verdict.REFUSED, "auction_window"),
    (said(403, "trade denied due to pattern day trading protection", 40310100),
     Verdict.REFUSED, "day_trading"),
    (said(422, "qty must be > 0", 40010001), Verdict.REFUSED, "quantity"),
    (said(422, "invalid limit_price 290.123. sub-penny increment does not fulfill", 42210000),
     Verdict.REFUSED, "tick"),
    (said(422, "fractional orders must be DAY orders", 42210000), Verdict.REFUSED, "fraction"),
    (said(404, "order not found for x", 40410000), Verdict.NOT_FOUND, "not_found"),
    (said(400, "something else", 0), Verdict.REFUSED, "refused"),
]  # fmt: skip


@pytest.mark.parametrize(("told", "verdict", "reason"), ROWS)
def test_an_answer_to_an_order_means_one_thing(told: Answer, verdict: Verdict, reason: str) -> None:
    meaning = of_order(told, "ff-a-1")
    assert (meaning.verdict, meaning.reason) == (verdict, reason)
    assert (meaning.order is not None) == (verdict is Verdict.ACCEPTED)


CANCELS = [
    (answer(204, b""), Verdict.ACCEPTED),
    (said(404, "order not found for x"), Verdict.NOT_FOUND),
    (said(422, 'order is already in "filled" state', 42210000), Verdict.TOO_LATE),
    (answer(429), Verdict.RATE_LIMITED),
    (answer(500, b""), Verdict.AMBIGUOUS),
    (Answer(trouble="x"), Verdict.AMBIGUOUS),
]


@pytest.mark.parametrize(("told", "verdict"), CANCELS)
def test_an_answer_to_a_cancellation_means_one_thing(told: Answer, verdict: Verdict) -> None:
    assert of_cancel(told).verdict is verdict


@given(status=st.integers(100, 599), body=st.binary(max_size=60), sent=st.booleans())
def test_whatever_comes_is_understood_and_never_taken_for_an_order(
    status: int, body: bytes, *, sent: bool
) -> None:
    meaning = of_order(Answer(status=status, body=body, sent=sent), "ff-a-1")
    assert meaning.verdict is not Verdict.ACCEPTED
    of_cancel(Answer(status=status, body=body, sent=sent))


@given(
    st.dictionaries(st.sampled_from(sorted(ORDER)), st.none() | st.integers() | st.text(max_size=9))
)
def test_an_order_with_odd_fields_never_raises(odd: dict[str, Any]) -> None:
    of_order(answer(200, ORDER | odd), "ff-a-1")


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({}, 1.0),
        ({"retry-after": "3"}, 3.05),
        ({"x-ratelimit-reset": "107"}, 7.05),
        ({"retry-after": "nan"}, 1.0),
        ({"retry-after": "1e9"}, 60.0),
        ({"retry-after": "soon"}, 1.0),
    ],
)
def test_the_pause_after_a_refused_rate_is_bounded(headers: dict[str, str], wait_s: float) -> None:
    assert rate_wait_s(headers, 100.0) == pytest.approx(wait_s)
