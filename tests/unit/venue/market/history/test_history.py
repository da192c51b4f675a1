from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.venue_past import (
    ASSETS,
    FRIDAY,
    HOUR,
    MINUTE,
    NEW_YORK,
    OPEN,
    SESSIONS,
    HandMade,
    instant,
)

from fanfold.venue.market.history.columns import joined
from fanfold.venue.market.history.history import History, Span
from fanfold.venue.market.history.past import Action, Minutes
from fanfold.venue.market.history.timeframes import Timeframe, midnight, timeframe_of

APPLE, _, COIN = ASSETS
LATER = instant(FRIDAY + 60, 0)
COLUMNS = ("start", "open", "high", "low", "close", "volume", "trade_count", "vwap")
TIMEFRAMES = ("1Min", "7Min", "45Min", "1Hour", "4Hour", "1Day", "1Week", "1Month", "12Month")


def frame(text: str) -> Timeframe:
    found = timeframe_of(text)
    assert found is not None
    return found


def bars(past: HandMade, text: str, asset: Any = APPLE, **asked: Any) -> Minutes:
    span = {"start": 0, "end": LATER, "now": past.now} | {
        name: asked.pop(name) for name in ("start", "end", "now", "newest_first") if name in asked
    }
    return joined(list(History(past).bars(asset, frame(text), Span(**span), **asked)))


def same(one: Minutes, other: Minutes) -> bool:
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in COLUMNS)


def test_a_minute_is_there_from_the_instant_on_at_which_it_is_streamed() -> None:
    end = instant(FRIDAY, OPEN + MINUTE)
    assert len(bars(HandMade(now=end - 1), "1Min")) == 0
    assert bars(HandMade(now=end), "1Min").start.tolist() == [end - MINUTE]


def test_a_minute_that_is_told_again_counts_as_it_was_told_last() -> None:
    ninth = instant(FRIDAY, OPEN + 9 * MINUTE)
    before = bars(HandMade(now=ninth), "1Min")
    after = bars(HandMade(now=ninth + MINUTE // 2), "1Min")
    assert len(before) == len(after) == 9
    assert after.volume[8] == 2 * before.volume[8]


def test_the_running_day_shows_the_day_so_far() -> None:
    past = HandMade(now=instant(FRIDAY, OPEN + 5 * MINUTE))
    found, minutes = bars(past, "1Day"), bars(past, "1Min")
    assert found.start.tolist() == [midnight(FRIDAY, NEW_YORK)]
    assert found.volume[0] == minutes.volume.sum()
    assert (found.open[0], found.close[0]) == (minutes.open[0], minutes.close[-1])


def test_a_day_that_is_over_is_the_last_that_was_streamed_of_it() -> None:
    past = HandMade(now=LATER)
    found, streamed = bars(past, "1Day"), past.daily("AAPL", FRIDAY)
    assert found.vwap[0] == streamed.vwap[-1]
    assert found.start.tolist() == [midnight(day, NEW_YORK) for day in SESSIONS]


def test_longer_bars_begin_at_midnight_monday_and_the_first() -> None:
    past = HandMade(now=LATER)
    assert bars(past, "1Hour").start.tolist()[:2] == [
        instant(FRIDAY, 9 * HOUR),
        instant(FRIDAY, 10 * HOUR),
    ]
    assert bars(past, "4Hour").start[0] == instant(FRIDAY, 8 * HOUR)
    # Friday's week began on Monday before, in summer time; Monday's is winter's.
    weeks = [midnight(FRIDAY - 4, NEW_YORK), midnight(FRIDAY + 3, NEW_YORK)]
    assert bars(past, "1Week").start.tolist()[:2] == weeks
    assert bars(past, "1Month").start[0] == midnight(FRIDAY - 1, NEW_YORK)
    assert bars(past, "1Day", COIN).start[0] == midnight(FRIDAY, "UTC")


@pytest.mark.parametrize("text", TIMEFRAMES)
@pytest.mark.parametrize("asset", [APPLE, COIN])
def test_no_volume_is_lost_in_longer_bars(text: str, asset: Any) -> None:
    past = HandMade(now=LATER)
    minutes, found = bars(past, "1Min", asset), bars(past, text, asset)
    assert found.volume.sum() == minutes.volume.sum()
    assert found.trade_count.sum() == minutes.trade_count.sum()
    assert found.high.max() == minutes.high.max()
    assert found.low.min() == minutes.low.min()
    assert (np.diff(found.start) > 0).all()


@given(
    now=st.integers(instant(FRIDAY, 0), instant(FRIDAY + 5, 0)),
    later=st.integers(0, 10 * 24 * HOUR),
    text=st.sampled_from(TIMEFRAMES),
)
def test_what_is_asked_at_an_instant_never_depends_on_what_comes_later(
    now: int, later: int, text: str
) -> None:
    """A market that ends at the instant and one that goes on answer the same."""
    past = HandMade(now=now + later)
    found = bars(past, text, now=now)
    assert (found.known <= now).all()

    class Ended(HandMade):
        def minutes(self, symbol: str, day: int) -> Minutes:
            return cut(past.minutes(symbol, day))

        def daily(self, symbol: str, day: int) -> Minutes:
            return cut(past.daily(symbol, day))

    def cut(whole: Minutes) -> Minutes:
        keep = whole.known <= now
        return Minutes(**{name: getattr(whole, name)[keep] for name in (*COLUMNS, "known")})

    assert same(found, bars(Ended(now=now), text))


@given(
    now=st.integers(instant(FRIDAY, 0), instant(FRIDAY + 5, 0)),
    start=st.integers(instant(FRIDAY, 0), instant(FRIDAY + 5, 0)),
    length=st.integers(0, 3 * 24 * HOUR),
    kind=st.sampled_from(["trades", "quotes"]),
)
def test_ticks_lie_in_the_span_and_never_beyond_the_clock(
    now: int, start: int, length: int, kind: str
) -> None:
    past = HandMade(now=now)
    end = start + length
    made = [tick for day in SESSIONS for tick in getattr(past, kind)("AAPL", day)]
    ask = getattr(History(past), kind)
    found = [tick for block in ask(APPLE, Span(start=start, end=end, now=now)) for tick in block]
    assert list(map(repr, found)) == [
        repr(tick) for tick in made if start <= tick.ts <= min(end, now)
    ]
    span = Span(start=start, end=end, now=now, newest_first=True)
    turned = [tick for block in ask(APPLE, span) for tick in block]
    assert list(map(repr, turned)) == list(map(repr, reversed(found)))


@pytest.mark.parametrize("text", TIMEFRAMES)
def test_the_newest_first_is_the_same_turned_around(text: str) -> None:
    past = HandMade(now=instant(FRIDAY + 4, OPEN + 17 * MINUTE))
    found, turned = bars(past, text), bars(past, text, newest_first=True)
    assert turned.start.tolist() == found.start.tolist()[::-1]
    assert turned.volume.tolist() == found.volume.tolist()[::-1]


def test_bars_begin_within_the_span_both_ends_included() -> None:
    past = HandMade(now=LATER)
    low, high = instant(FRIDAY, OPEN), instant(FRIDAY, OPEN + 3 * MINUTE)
    assert len(bars(past, "1Min", start=low, end=high)) == 4
    assert len(bars(past, "1Min", start=low + 1, end=high - 1)) == 2
    assert len(bars(past, "1Day", start=midnight(FRIDAY, NEW_YORK) + 1)) == 4


def test_prices_before_a_split_are_told_as_after_it_once_it_is_there() -> None:
    ex_day = FRIDAY + 3
    past = HandMade(acted={"AAPL": (Action(ex_day=ex_day, split=4.0, dividend=0.0),)})
    past.now = instant(ex_day, 0) - 1
    raw = bars(past, "1Day")
    assert same(bars(past, "1Day", adjustment="split"), raw)
    past.now = LATER
    found = bars(past, "1Day", adjustment="all")
    raw = bars(past, "1Day")
    assert found.close[0] == pytest.approx(raw.close[0] / 4, abs=1e-4)
    assert found.volume[0] == raw.volume[0] * 4
    assert found.close[1:].tolist() == raw.close[1:].tolist()


def test_a_dividend_takes_its_share_of_the_close_before_off_earlier_prices() -> None:
    ex_day = FRIDAY + 3
    past = HandMade(now=LATER, acted={"AAPL": (Action(ex_day=ex_day, dividend=1.0),)})
    raw = bars(past, "1Day")
    found = bars(past, "1Day", adjustment="dividend")
    assert found.close[0] == pytest.approx(raw.close[0] - 1.0, abs=1e-4)
    assert found.volume[0] == raw.volume[0]
    assert same(bars(past, "1Day", adjustment="split"), raw)


def test_days_are_made_once_while_they_are_kept() -> None:
    past = HandMade(now=LATER)
    history = History(past)
    span = Span(start=0, end=LATER, now=LATER)
    for _ in range(3):
        list(history.bars(APPLE, frame("5Min"), span))
    assert past.made == len(SESSIONS)


def test_no_more_days_are_kept_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fanfold.venue.market.history.history.MINUTES_MAX", 2 * 60)
    past = HandMade(now=LATER)
    history = History(past)

    def ask(day: int) -> None:
        low = instant(day, 0)
        list(history.bars(APPLE, frame("5Min"), Span(start=low, end=low + 20 * HOUR, now=LATER)))

    for day in (*SESSIONS[:3], *SESSIONS[1:3]):
        ask(day)
    assert past.made == 3
    ask(SESSIONS[0])
    assert past.made == 4
