import logging
import pickle
import threading
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfold.errors import ConfigError, SourceError
from fanfold.market.sources.pacing import (
    Patience,
    TokenBucket,
    asked_wait_s,
    bucket_of,
    patiently,
    requests_per_minute,
)


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.sleeps: list[float] = []

    def __call__(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.now_s += seconds


def bucket(clock: Clock, rate: float, burst: float) -> TokenBucket:
    return TokenBucket(rate, burst, clock=clock, sleep=clock.sleep)


def patience(clock: Clock, **changed: Any) -> Patience:
    return Patience(**{"jitter": 0.0, **changed}, clock=clock, sleep=clock.sleep)


def failing(count: int, error: Exception) -> Callable[[], str]:
    """Raises `count` times, then answers."""
    left = [count]

    def call() -> str:
        left[0] -= 1
        if left[0] >= 0:
            raise error
        return "answer"

    return call


def ask(
    clock: Clock, call: Callable[[], str], retry_after: float | None = None, **more: Any
) -> str:
    return patiently(
        call,
        patience(clock, **more),
        lambda error: isinstance(error, OSError),
        lambda _error: retry_after,
        source="vendor",
        asked="bars of AAPL",
    )


def test_a_full_bucket_lets_its_burst_through_and_then_keeps_the_rate() -> None:
    clock = Clock()
    paced = bucket(clock, rate=2, burst=3)
    assert [paced.take() for _ in range(6)] == [0, 0, 0, 0.5, 0.5, 0.5]


def test_a_pause_fills_the_bucket_no_higher_than_its_burst() -> None:
    clock = Clock()
    paced = bucket(clock, rate=2, burst=3)
    clock.now_s = 1_000
    assert [paced.take() for _ in range(4)] == [0, 0, 0, 0.5]


@given(
    rate=st.floats(0.1, 50),
    burst=st.integers(1, 20),
    counts=st.lists(st.integers(1, 5), min_size=1, max_size=40),
)
def test_never_more_than_burst_and_rate_allow(rate: float, burst: int, counts: list[int]) -> None:
    clock = Clock()
    paced = bucket(clock, rate, burst)
    sent = 0
    for count in counts:
        paced.take(count)
        sent += count
        # A sum of up to 40 sleeps rounds by far less than a billionth.
        assert sent <= burst + rate * clock.now_s + 1e-9 * sent


def test_threads_share_one_rate() -> None:
    waits: list[float] = []
    paced = TokenBucket(10, 1, clock=lambda: 0.0, sleep=waits.append)
    threads = [threading.Thread(target=paced.take) for _ in range(21)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # The clock stands still, so each books the next place: 0.1 s, 0.2 s, … 2 s.
    assert sorted(waits) == pytest.approx([place / 10 for place in range(1, 21)])


@pytest.mark.parametrize(("rate", "burst"), [(0, 1), (-1, 1), (float("nan"), 1), (1, 0.5)])
def test_a_bucket_that_would_never_fill_is_refused(rate: float, burst: float) -> None:
    with pytest.raises(ConfigError, match="must be"):
        TokenBucket(rate, burst)


def test_a_bucket_can_be_sent_to_another_process() -> None:
    sent = pickle.loads(pickle.dumps(TokenBucket(2, 3)))  # noqa: S301
    assert (sent.rate_per_second, sent.burst, sent.take()) == (2, 3, 0)


def test_waits_double_up_to_their_most() -> None:
    clock = Clock()
    with pytest.raises(SourceError):
        ask(clock, failing(9, OSError("lost")), wait_first_s=1, wait_max_s=5, attempts_max=6)
    assert clock.sleeps == [1, 2, 4, 5, 5]


def test_it_answers_as_soon_as_the_call_does() -> None:
    clock = Clock()
    assert ask(clock, failing(2, OSError("lost"))) == "answer"
    assert clock.sleeps == [1, 2]


def test_what_does_not_pass_is_raised_as_it_is_at_once() -> None:
    clock, error = Clock(), KeyError("no such symbol")
    with pytest.raises(KeyError) as raised:
        ask(clock, failing(1, error))
    assert raised.value is error
    assert clock.sleeps == []


def test_jitter_only_lengthens_a_wait_and_by_no_more_than_its_share() -> None:
    clock = Clock()
    waits = [patience(clock, jitter=0.5, wait_first_s=4).wait_s(1) for _ in range(200)]
    assert min(waits) >= 4
    assert max(waits) <= 6
    # 200 draws over 2 s lie within a tenth of a second of both ends, save once in 10^4.
    assert max(waits) - min(waits) > 1.8


def test_a_service_is_never_asked_before_the_time_it_names() -> None:
    clock = Clock()
    assert ask(clock, failing(2, OSError("limit")), retry_after=30, jitter=0.5) == "answer"
    assert all(30 <= wait <= 30 + 0.5 * 2 for wait in clock.sleeps)


def test_patience_ends_before_a_wait_that_would_outlast_it() -> None:
    clock = Clock()
    with pytest.raises(SourceError, match="asks to wait 3600 s"):
        ask(clock, failing(1, OSError("limit")), retry_after=3_600, total_s_max=300)
    assert clock.sleeps == []


def test_giving_up_says_whom_what_how_often_and_the_last_answer() -> None:
    clock, error = Clock(), OSError("status 503:\n busy")
    with pytest.raises(SourceError) as raised:
        ask(clock, failing(9, error), attempts_max=3)
    assert str(raised.value) == (
        "vendor must answer when asked for bars of AAPL; gave up after 3 attempts in 3 s, "
        "the last answer was: status 503: busy"
    )
    assert raised.value.__cause__ is error


def test_each_wait_is_one_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "fanfold"):
        ask(Clock(), failing(2, OSError("status 503:\n busy")))
    assert [record.getMessage() for record in caplog.records] == [
        "vendor: bars of AAPL: status 503: busy; waiting 1.0 s (attempt 1 of 6)",
        "vendor: bars of AAPL: status 503: busy; waiting 2.0 s (attempt 2 of 6)",
    ]


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({"Retry-After": "7"}, 7),
        ({"retry-after": " 1.5 "}, 1.5),
        ({"Retry-After": "Tue, 14 Nov 2023 22:13:50 GMT"}, 30),
        ({"Retry-After": "Tue, 14 Nov 2023 22:00:00 GMT"}, 0),
        ({"X-RateLimit-Reset": "1700000042"}, 42),
        ({"X-RateLimit-Reset": "12"}, 12),
        ({"Retry-After": "3", "X-RateLimit-Reset": "1700000042"}, 3),
        ({"Retry-After": "soon", "X-RateLimit-Reset": "1700000042"}, 42),
        ({"Retry-After": "-5"}, 0),
        ({"Retry-After": "nan"}, None),
        ({"Retry-After": ""}, None),
        ({}, None),
    ],
)
def test_headers_say_how_long_to_wait(headers: dict[str, str], wait_s: float | None) -> None:
    assert asked_wait_s(headers, now_s=1_700_000_000) == wait_s


@pytest.mark.parametrize(
    "changed", [{"attempts_max": 0}, {"jitter": -0.1}, {"total_s_max": float("inf")}]
)
def test_patience_without_an_end_is_refused(changed: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="must be"):
        Patience(**changed)


@pytest.mark.parametrize(("per_minute", "burst"), [(200.0, 10.0), (60.0, 10.0), (5.0, 1.0)])
@pytest.mark.parametrize("processes", [1, 2, 3])
def test_no_minute_has_more_than_the_limit_however_many_share_it(
    per_minute: float, burst: float, processes: int
) -> None:
    bucket = bucket_of(per_minute, burst, processes)
    # Just before a minute has passed.
    in_a_minute = bucket.burst + 59.9 * bucket.rate_per_second
    assert int(in_a_minute) * processes <= per_minute
    assert in_a_minute * processes > 0.6 * per_minute


def test_a_plan_that_is_no_number_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLAN", "10000")
    assert requests_per_minute("PLAN", 200.0) == 10_000.0
    monkeypatch.delenv("PLAN")
    assert requests_per_minute("PLAN", 200.0) == 200.0
    for text in ("many", "0", "-1", "inf", "nan"):
        monkeypatch.setenv("PLAN", text)
        with pytest.raises(ConfigError, match="PLAN must be a finite number above 0"):
            requests_per_minute("PLAN", 200.0)
