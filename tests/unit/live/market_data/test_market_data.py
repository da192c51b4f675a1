"""Frames in, values out: the component without sockets."""

import math
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fakes.live_market import CLOSE, MINUTE, OPEN, SECOND, plan_of

from fanfold.alpaca.wire import messages as wire
from fanfold.alpaca.wire.codec import JSON, MSGPACK, Codec
from fanfold.alpaca.wire.instants import instant_text
from fanfold.live.market_data.market_data import MarketData
from fanfold.live.market_data.rest.past import PastTrade
from fanfold.live.messages import Depth, Feed, Late, Quote, Row, Step, Trade, Trading, encode

CODECS = pytest.mark.parametrize("codec", [MSGPACK, JSON], ids=lambda one: one.name)
NOW = 1_790_000_000 * SECOND


def frame(*messages: Any, codec: Codec = MSGPACK) -> bytes:
    return codec.frame(len(messages), codec.joined([codec.encode(one) for one in messages]))


def quote(ts: int, symbol: str = "AAPL", codec: Codec = MSGPACK, **other: Any) -> wire.Quote:
    made = {"bid": 10.0, "bid_size": 1.0, "ask": 10.5, "ask_size": 2.0} | other
    return wire.Quote(symbol=symbol, instant=codec.instant(ts), **made)


def bar(ts: int, symbol: str = "AAPL", kind: Any = wire.MinuteBar, volume: float = 5.0) -> Any:
    return kind(symbol, 10.0, 11.0, 9.0, 10.5, volume, MSGPACK.instant(ts), 3, 10.1)


def trade(ts: int, number: int = 1, conditions: tuple[str, ...] = ("@",)) -> wire.Trade:
    return wire.Trade("AAPL", 10.0, 5, MSGPACK.instant(ts), number, "V", conditions, "C")


def ready(**market: Any) -> MarketData:
    """Market data that stand on a connection and have missed nothing."""
    core = MarketData(plan_of(**market))
    core.connecting()
    core.connected(NOW)
    core.caught_up(OPEN)
    return core


@CODECS
@pytest.mark.parametrize("ts", [OPEN, OPEN + 1, OPEN + 999_999_999, (1 << 32) * SECOND + 7])
def test_instants_are_exact_to_the_nanosecond_in_every_form(codec: Codec, ts: int) -> None:
    core = MarketData(plan_of())
    (value,) = core.take_frame(frame(quote(ts, codec=codec), codec=codec), NOW)
    assert value == Quote(0, ts, 10.0, 10.5, 1.0, 2.0)


@CODECS
def test_an_unknown_kind_spoils_nothing_around_it(codec: Codec) -> None:
    core = ready()
    strange = {"T": "n", "headline": "news", "t": codec.instant(OPEN)}
    after = quote(OPEN + 2, "IBM", codec)
    values = core.take_frame(frame(quote(OPEN + 1, codec=codec), strange, after, codec=codec), NOW)
    assert [value.asset for value in values if isinstance(value, Quote)] == [0, 1]
    assert core.statistics(NOW).counts["unknown"] == 1


@given(junk=st.binary(max_size=200))
def test_frames_of_anything_are_survived(junk: bytes) -> None:
    core = ready()
    for damaged in (junk, b"\x91" + junk, frame(quote(OPEN + 5))[: len(junk)]):
        for value in core.take_frame(damaged, NOW):
            encode(value)


@settings(max_examples=50)
@given(
    kind=st.sampled_from(["q", "t", "b", "u", "o", "s", "l", "c", "x", "i", "error", "success"]),
    fields=st.dictionaries(
        st.sampled_from([*"SbatprcosnvhlduixzTm", "bp", "bs", "ap", "as", "vw"]),
        st.one_of(
            st.integers(-(2**63), 2**64 - 1), st.floats(), st.just("AAPL"), st.none(),
            st.just([]), st.just(msgspec.msgpack.Ext(-1, b"\xff" * 12)),
        ),
    ),
)  # fmt: skip
def test_messages_of_any_numbers_are_survived(kind: str, fields: dict[str, Any]) -> None:
    core = ready()
    core.take_frame(frame({"T": kind, "S": "AAPL", "t": MSGPACK.instant(OPEN + 9), **fields}), NOW)
    for value in core.take_frame(frame(quote(OPEN + SECOND)), NOW):
        encode(value)
    assert core.clock <= OPEN + 20 * 86_400 * SECOND


def test_strangers_old_ones_repeats_and_nonsense_are_counted_and_told_to_nobody() -> None:
    core = ready()
    known = quote(OPEN + 5)
    values = core.take_frame(
        frame(
            known,
            known,
            quote(OPEN + 4),
            quote(OPEN + 6, "MSFT"),
            quote(OPEN + 7, bid=math.nan),
            quote(OPEN + 7, ask=-1.0),
            quote(OPEN + 7, bid_size=math.inf),
            quote(OPEN + 100 * 86_400 * SECOND),
            quote(OPEN + 8, ask=0.0, ask_size=0.0),
        ),
        NOW,
    )
    assert [value.ts for value in values if isinstance(value, Quote)] == [OPEN + 5, OPEN + 8]
    counts = core.statistics(NOW).counts
    found = {name: counts[name] for name in ("strangers", "old", "repeated", "invalid", "ahead")}
    assert found == {"strangers": 1, "old": 1, "repeated": 1, "invalid": 3, "ahead": 1}


def test_at_a_broker_nothing_is_believed_that_is_a_minute_ahead_of_its_clock() -> None:
    plan = plan_of()
    broker = plan.settings.broker.model_copy(update={"at": "paper"})
    core = MarketData(
        plan.model_copy(update={"settings": plan.settings.model_copy(update={"broker": broker})})
    )
    far = OPEN + MINUTE + 1
    frames = frame(quote(far), trade(far), bar(far)), frame(quote(far, "IBM"))
    assert [value for one in frames for value in core.take_frame(one, OPEN)] == []
    assert core.take_quotes([Quote(0, far, 10.0, 10.5, 1.0, 1.0)]) == []
    assert core.statistics(OPEN).counts["ahead"] == 5
    assert core.clock == 0
    assert len(core.take_frame(frame(quote(OPEN + MINUTE)), OPEN)) == 1
    # The broker's clock goes an hour before ours: its word counts, not ours.
    core.venue_clock.take(OPEN + 60 * MINUTE, OPEN, OPEN)
    core.tick(OPEN)
    ahead = quote(OPEN + 61 * MINUTE), quote(OPEN + 61 * MINUTE + 1, "IBM")
    (value,) = core.take_frame(frame(*ahead), OPEN)
    assert isinstance(value, Quote)
    assert value.asset == 0


def test_once_the_venues_clock_is_known_no_instant_far_ahead_is_believed() -> None:
    core = ready()
    core.venue_clock.take(OPEN, NOW, NOW)
    core.tick(NOW)
    assert core.take_frame(frame(quote(OPEN + 11 * 86_400 * SECOND)), NOW) == []
    assert core.clock == OPEN
    assert core.take_frame(frame(quote(OPEN + 9 * 86_400 * SECOND)), NOW) != []


def test_steps_come_after_what_is_in_their_frame_and_wait_for_absent_assets() -> None:
    core = ready()
    values = core.take_frame(frame(bar(OPEN), bar(OPEN, "IBM"), quote(OPEN + MINUTE)), NOW)
    assert [type(value) for value in values] == [Quote, Step]
    assert core.take_frame(frame(bar(OPEN + MINUTE)), NOW) == []
    assert core.take_frame(frame(quote(OPEN + 2 * MINUTE + SECOND - 1)), NOW)[1:] == []
    (_, step) = core.take_frame(frame(quote(OPEN + 2 * MINUTE + SECOND)), NOW)
    assert step == Step(OPEN + 2 * MINUTE, (Row(0, 10.0, 11.0, 9.0, 10.5, 5.0),))
    (late,) = core.take_frame(frame(bar(OPEN + MINUTE, "IBM")), NOW)
    assert isinstance(late, Late)
    assert core.lacking == OPEN + MINUTE


def test_a_step_is_made_by_the_clock_alone_where_the_stream_says_nothing() -> None:
    core = ready()
    core.take_frame(frame(bar(OPEN)), NOW)
    for number in range(3):
        at = NOW + number * 5 * SECOND
        core.venue_clock.take(OPEN + MINUTE - 10 * SECOND + number * 5 * SECOND, at, at)
    assert not [one for one in core.tick(NOW + 10 * SECOND) if isinstance(one, Step)]
    steps = [one for one in core.tick(NOW + 11 * SECOND) if isinstance(one, Step)]
    assert [step.ts for step in steps] == [OPEN + MINUTE]


def test_what_was_missed_comes_in_order_before_what_is_live() -> None:
    core = ready()
    core.take_frame(frame(bar(OPEN), bar(OPEN, "IBM")), NOW)
    core.disconnected("closed")
    core.connecting()
    core.connected(NOW)
    assert core.missed_from(OPEN + 4 * MINUTE) == OPEN + MINUTE
    live = core.take_frame(frame(bar(OPEN + 3 * MINUTE), bar(OPEN + 3 * MINUTE, "IBM")), NOW)
    assert live == []
    row = Row(0, 10.0, 11.0, 9.0, 10.5, 5.0)
    missed = [
        (OPEN + n * MINUTE, msgspec.structs.replace(row, asset=a)) for n in (2, 3) for a in (0, 1)
    ]
    values = core.caught_up(OPEN + 4 * MINUTE, missed)
    assert [value.ts - OPEN for value in values] == [2 * MINUTE, 3 * MINUTE, 4 * MINUTE]
    assert core.feed.is_up


def test_the_feed_is_down_until_what_was_missed_is_there() -> None:
    core = MarketData(plan_of())
    reasons = []
    for act in (
        lambda: None,
        lambda: core.connected(NOW),
        lambda: core.caught_up(OPEN),
        lambda: core.disconnected("closed with 1006"),
    ):
        act()
        (feed,) = [one for one in core.tick(NOW) if isinstance(one, Feed)]
        reasons.append((feed.up, feed.reason))
    assert reasons == [
        (False, "not connected yet"),
        (False, "what was missed is being fetched"),
        (True, ""),
        (False, "no market stream: closed with 1006"),
    ]


def test_a_clock_that_is_off_takes_the_feed_down_and_says_by_how_much() -> None:
    core = ready(clock_offset_s=2.0)
    for number in range(3):
        at = NOW + number
        core.venue_clock.take(at + 3 * SECOND, at, at)
    core.tick(NOW + 3)
    assert "within 2.0 s of the broker's, was 3.000 s off" in core.feed.reason


def test_trades_that_set_no_price_are_not_told() -> None:
    core = ready()
    values = core.take_frame(
        frame(
            trade(OPEN + 1, 1),
            trade(OPEN + 2, 2, ("@", "I")),
            trade(OPEN + 2, 3, ("@", "Z")),
            trade(OPEN + 3, 4, ("@", "F")),
            trade(OPEN + 3, 4, ("@", "F")),
            trade(OPEN + 2, 5),
        ),
        NOW,
    )
    assert values == [Trade(0, OPEN + 1, 10.0, 5.0), Trade(0, OPEN + 3, 10.0, 5.0)]


def test_halts_and_pauses_are_told_and_resumed_in_order() -> None:
    def status(ts: int, code: str) -> wire.Status:
        return wire.Status("AAPL", code, "words", "T1", "news", MSGPACK.instant(ts), "C")

    core = ready()
    told = [
        core.take_frame(frame(status(OPEN + ts, code)), NOW)
        for ts, code in ((1, "H"), (3, "T"), (2, "P"), (4, "Q"), (5, "F"), (6, "3"))
    ]
    halts = [value.halted for values in told for value in values if isinstance(value, Trading)]
    assert halts == [True, False, True, False]


def test_books_of_coins_are_told_by_their_best_levels_and_asked_for_again_when_torn() -> None:
    core = ready(symbols=["BTC/USD"], coins=True, depth=True)

    def change(ts: int, bid: float, *, whole: bool = False) -> bytes:
        levels = (wire.Level(bid, 1.0),)
        asks = (wire.Level(20.0, 2.0),) if whole else ()
        return frame(wire.OrderBook("BTC/USD", MSGPACK.instant(ts), levels, asks, whole))

    (first,) = core.take_frame(change(OPEN, 10.0, whole=True), NOW)
    assert first == Depth(0, OPEN, ((10.0, 1.0),), ((20.0, 2.0),))
    assert core.take_frame(change(OPEN + 1, 25.0), NOW) == []
    assert core.torn == {0}
    core.torn.clear()
    assert core.take_frame(change(OPEN + 2, 11.0), NOW) == []
    assert core.torn == set()
    assert len(core.take_frame(change(OPEN + 3, 11.0, whole=True), NOW)) == 1


def test_bars_of_trades_use_those_that_were_fetched_once() -> None:
    core = MarketData(plan_of(bars="local", bar_seconds=5))
    core.connected(NOW)
    assert core.missed_from(OPEN + 7 * SECOND) == OPEN + 5 * SECOND
    core.take_frame(frame(trade(OPEN + 8 * SECOND, 3)), NOW)
    past = [
        (OPEN + n * SECOND, 0, PastTrade(instant_text(0), 10.0, 5.0, i, ("@",)))
        for n, i in ((6, 1), (7, 2), (8, 3))
    ]
    core.caught_up(OPEN + 8 * SECOND, trades=past)
    (_, step) = core.take_frame(frame(quote(OPEN + 11 * SECOND)), NOW)
    assert step == Step(OPEN + 10 * SECOND, (Row(0, 10.0, 10.0, 10.0, 10.0, 15.0),))


def test_where_quotes_are_decided_on_there_are_no_steps() -> None:
    core = ready(clock="quotes")
    values = core.take_frame(frame(bar(OPEN), quote(OPEN + MINUTE), bar(OPEN, "IBM")), NOW)
    assert [type(value) for value in values] == [Quote]


def test_when_the_plans_sessions_are_over_the_feed_is_down() -> None:
    core = ready()
    core.caught_up(CLOSE + 3 * 86_400 * SECOND)
    core.tick(NOW)
    assert "bring it up anew" in core.feed.reason
