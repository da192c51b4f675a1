import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfold.errors import ConfigError
from fanfold.live.execution.bucket import WINDOW_NS, Bucket

SECOND = 1_000_000_000
CALLS = st.lists(
    st.tuples(
        st.integers(0, 30 * SECOND),
        st.sampled_from(["usual", "usual", "urgent", "told", "blocked"]),
        st.integers(0, 12),
    ),
    max_size=80,
)


@given(calls=CALLS, per_minute=st.integers(1, 10), data=st.data())
def test_no_minute_ever_has_more_than_allowed(
    calls: list[tuple[int, str, int]], per_minute: int, data: st.DataObject
) -> None:
    reserve = data.draw(st.integers(0, per_minute - 1))
    bucket, now = Bucket(per_minute, reserve), 0
    gone: list[tuple[int, bool]] = []
    for pause, what, number in calls:
        now += pause
        if what == "told":
            bucket.told(now, remaining=number, reset_s=float(number))
        elif what == "blocked":
            bucket.blocked(now, float(number))
        elif bucket.take(now, urgent=what == "urgent"):
            gone.append((now, what == "urgent"))
    for at, _ in gone:
        window = [urgent for then, urgent in gone if at <= then < at + WINDOW_NS]
        assert len(window) <= per_minute
        assert window.count(False) <= per_minute - reserve


@given(
    calls=st.lists(st.tuples(st.integers(0, 20 * SECOND), st.booleans()), max_size=60),
    per_minute=st.integers(2, 10),
)
def test_urgent_ones_always_find_their_reserve(
    calls: list[tuple[int, bool]], per_minute: int
) -> None:
    reserve = per_minute // 2
    bucket, now = Bucket(per_minute, reserve), 0
    urgent_at: list[int] = []
    for pause, urgent in calls:
        now += pause
        recent = [at for at in urgent_at if at > now - WINDOW_NS]
        went = bucket.take(now, urgent=urgent)
        if urgent and len(recent) < reserve:
            assert went
        if urgent and went:
            urgent_at.append(now)


@given(calls=CALLS, kind=st.sampled_from(["usual", "urgent"]))
def test_after_its_wait_a_request_goes(calls: list[tuple[int, str, int]], kind: str) -> None:
    urgent = kind == "urgent"
    bucket, now = Bucket(5, 2), 0
    for pause, what, number in calls:
        now += pause // 10
        if what == "told":
            bucket.told(now, remaining=number, reset_s=10.0)
        elif what == "blocked":
            bucket.blocked(now, float(number))
        else:
            bucket.take(now, urgent=what == "urgent")
    waited = 0
    while (wait := bucket.wait_s(now, urgent=urgent)) > 0 and waited < 10:
        now += round(wait * SECOND)
        waited += 1
    assert waited < 10
    assert bucket.take(now, urgent=urgent)


def test_a_refusal_stops_everything_for_a_while() -> None:
    bucket = Bucket(200, 40)
    bucket.blocked(0, 3.0)
    assert not bucket.take(2 * SECOND, urgent=True)
    assert bucket.wait_s(2 * SECOND) == 1.0
    assert bucket.take(3 * SECOND)


def test_only_less_than_we_think_is_believed_until_the_broker_counts_anew() -> None:
    bucket = Bucket(10, 2)
    bucket.told(0, remaining=500, reset_s=30.0)
    assert bucket.left == 10
    bucket.told(0, remaining=3, reset_s=30.0)
    assert bucket.left == 3
    assert bucket.take(0)
    assert not bucket.take(0)  # the reserve
    assert bucket.take(0, urgent=True)
    assert bucket.take(0, urgent=True)
    assert not bucket.take(0, urgent=True)
    assert bucket.take(30 * SECOND)


@pytest.mark.parametrize(("per_minute", "reserve"), [(1, 1), (5, -1), (0, 0), (3, 9)])
def test_something_must_be_left_beside_the_reserve(per_minute: int, reserve: int) -> None:
    with pytest.raises(ConfigError, match="reserve must be"):
        Bucket(per_minute, reserve)
