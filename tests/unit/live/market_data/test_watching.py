"""The venue's clock and who is silent."""

from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.live_market import CLOSE, OPEN, SECOND, SESSIONS

from fanfold.live.market_data.bars.hours import Hours
from fanfold.live.market_data.feed import HEARTBEAT_NS, FeedState
from fanfold.live.market_data.rest.clock import POLL_S, VenueClock
from fanfold.live.market_data.watch import Watch
from fanfold.live.messages import Feed, Prior, Trading

NOW = 1_790_000_000 * SECOND


@given(
    rate=st.sampled_from([0.0, 0.5, 1.0, 60.0]),
    offset=st.integers(-(10**18), 10**18),
    trips=st.lists(st.integers(0, 10**8), min_size=3, max_size=12),
    later=st.integers(0, 10**11),
)
def test_the_clock_is_never_read_ahead_of_the_venues(
    rate: float, offset: int, trips: list[int], later: int
) -> None:
    clock, asked_at = VenueClock(), NOW
    for trip in trips:
        asked_at += int(POLL_S * SECOND)
        # The answer is written the moment before it arrives, which is the worst for us.
        received_at = asked_at + trip
        clock.take(offset + int(rate * (received_at - NOW)), asked_at, received_at)
    now = received_at + later
    true = offset + int(rate * (now - NOW))
    slack = int(0.05 * rate * min(later, POLL_S * SECOND)) + 2
    assert clock.now(now) <= true + slack
    assert (
        clock.now(now)
        <= offset + int(rate * (received_at - NOW)) + int(1.05 * rate * POLL_S * SECOND) + 2
    )


def test_offset_and_rate_are_medians_that_one_slow_answer_does_not_move() -> None:
    clock = VenueClock()
    for number in range(9):
        asked_at = NOW + number * 5 * SECOND
        delay = SECOND if number == 4 else 0
        clock.take(asked_at + 3 * SECOND, asked_at, asked_at + delay)
    assert clock.offset_ns == 3 * SECOND
    assert abs(clock.rate - 1.0) < 0.01


def watch(*channels: str) -> Watch:
    return Watch([Hours("XNYS", SESSIONS, 60)] * 2, channels, 30 * SECOND, 120 * SECOND)


def test_a_silent_channel_is_noticed_in_hours_of_trading_only() -> None:
    seen = watch("quotes")
    seen.begin(NOW, OPEN)
    for offset, clock, silent in (
        (29, OPEN + 29 * SECOND, None),
        (30, OPEN + 30 * SECOND, "quotes"),
        (60, OPEN, None),  # the venue's clock stands
        (60, OPEN - SECOND, None),
        (60, CLOSE + 60 * SECOND, None),
    ):
        assert watch_again(seen, NOW + offset * SECOND, clock) == silent


def watch_again(seen: Watch, now: int, clock: int) -> str | None:
    found = seen.silent(now, clock)
    seen.hear("quotes", NOW, OPEN)
    return found


def test_a_connection_that_brings_nothing_either_is_given_twice_the_time() -> None:
    seen = watch("quotes")
    at, waited = 0, []
    for _ in range(6):
        seen.begin(NOW + at * SECOND, OPEN + at * SECOND)
        begun = at
        while seen.silent(NOW + at * SECOND, OPEN + at * SECOND) is None:
            at += 1
        waited.append(at - begun)
    assert waited == [30, 60, 120, 240, 480, 480]


def test_bars_may_be_silent_for_a_minute_longer() -> None:
    seen = watch("bars")
    seen.begin(NOW, OPEN)
    assert seen.silent(NOW + 89 * SECOND, OPEN + 89 * SECOND) is None
    assert seen.silent(NOW + 90 * SECOND, OPEN + 90 * SECOND) == "bars"


def test_a_symbol_is_stale_from_its_last_word_or_the_open_on() -> None:
    seen = watch("quotes")
    heard = [OPEN + 100 * SECOND, 0]
    assert seen.stale(OPEN + 120 * SECOND, heard) == ()
    assert seen.stale(OPEN + 121 * SECOND, heard) == (1,)
    assert seen.stale(OPEN + 221 * SECOND, heard) == (0, 1)
    assert seen.stale(CLOSE + SECOND, heard) == ()


def test_the_feed_is_told_at_each_change_and_each_second_and_what_stands_with_it() -> None:
    feed = FeedState()
    assert feed.due(5, NOW) == [Feed(5, up=False, stale=(), reason="not connected yet")]
    assert feed.due(5, NOW + 1) == []
    feed.mended("connection")
    feed.stale = (1,)
    assert feed.due(6, NOW + 2) == [Feed(6, up=True, stale=(1,), reason="")]
    assert feed.due(7, NOW + 2 + HEARTBEAT_NS) == [Feed(7, up=True, stale=(1,), reason="")]
    halt = Trading(0, 9, halted=True, reason="H: news")
    assert feed.halt(halt)
    assert not feed.halt(Trading(0, 8, halted=False, reason="T"))
    feed.prior(Prior(1, 10.0, 2.0, 1))
    assert feed.due(8, NOW + 20 * SECOND)[1:] == [halt, Prior(1, 10.0, 2.0, 1)]
