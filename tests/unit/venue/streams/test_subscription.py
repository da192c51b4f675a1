import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfold.alpaca.wire.codec import JSON
from fanfold.alpaca.wire.messages import Failure, Subscribe, Unsubscribe
from fanfold.venue.streams.subscription import CRYPTO, STOCKS, Feed, Interest, changed, nothing

NAMES = st.frozensets(st.sampled_from(["AAPL", "MSFT", "TSLA", "*"]))


def after(interest: Interest, *commands: Subscribe | Unsubscribe) -> Interest:
    for command in commands:
        found = changed(interest, command)
        assert isinstance(found, Interest)
        interest = found
    return interest


@given(steps=st.lists(st.tuples(st.booleans(), NAMES, NAMES)))
def test_subscribing_adds_and_unsubscribing_subtracts(
    steps: list[tuple[bool, frozenset[str], frozenset[str]]],
) -> None:
    interest, trades, bars = nothing(STOCKS), frozenset[str](), frozenset[str]()
    for adds, some, others in steps:
        kind = Subscribe if adds else Unsubscribe
        interest = after(interest, kind(trades=tuple(some), bars=tuple(others)))
        trades = trades | some if adds else trades - some
        bars = bars | others if adds else bars - others
        assert interest.of("trades") == trades
        assert interest.of("bars") == bars


def test_the_answer_is_the_whole_and_corrections_follow_trades() -> None:
    interest = after(
        nothing(STOCKS), Subscribe(trades=("MSFT", "AAPL")), Subscribe(quotes=("AAPL",))
    )
    assert JSON.anything(JSON.encode(interest.answer)) == {
        "T": "subscription",
        "trades": ["AAPL", "MSFT"],
        "quotes": ["AAPL"],
        "bars": [],
        "updatedBars": [],
        "dailyBars": [],
        "statuses": [],
        "lulds": [],
        "corrections": ["AAPL", "MSFT"],
        "cancelErrors": ["AAPL", "MSFT"],
    }


def test_coins_have_other_channels() -> None:
    interest = after(nothing(CRYPTO), Subscribe(orderbooks=("BTC/USD",)))
    answer = JSON.anything(JSON.encode(interest.answer))
    assert list(answer) == [
        *("T", "trades", "quotes", "orderbooks", "bars", "updatedBars", "dailyBars")
    ]


@pytest.mark.parametrize(
    ("feed", "command", "code"),
    [
        (STOCKS, Subscribe(orderbooks=("BTC/USD",)), 410),
        (STOCKS, Subscribe(trades=("AAPL",), news=("*",)), 410),
        (CRYPTO, Subscribe(statuses=("BTC/USD",)), 410),
        (STOCKS, Subscribe(trades=("",)), 400),
        (STOCKS, Subscribe(bars=("AA PL",)), 400),
        (STOCKS, Unsubscribe(bars=("A" * 40,)), 400),
        (STOCKS, Subscribe(trades=("A", "B"), quotes=("A", "B")), 405),
        (STOCKS, Subscribe(quotes=("*",)), 405),
    ],
)
def test_what_cannot_be_is_refused_as_a_whole(
    feed: Feed, command: Subscribe | Unsubscribe, code: int
) -> None:
    refusal = changed(nothing(feed), command, symbols_max=3)
    assert isinstance(refusal, Failure)
    assert refusal.code == code


def test_bars_do_not_count_and_less_is_always_possible() -> None:
    full = after(nothing(STOCKS), Subscribe(trades=("A", "B", "C")))
    assert isinstance(changed(full, Subscribe(bars=("*",)), symbols_max=3), Interest)
    assert isinstance(changed(full, Unsubscribe(trades=("A",)), symbols_max=1), Interest)


def test_equal_wishes_are_equal() -> None:
    one = after(nothing(STOCKS), Subscribe(trades=("A", "B")))
    other = after(nothing(STOCKS), Subscribe(trades=("B",)), Subscribe(trades=("A",)))
    assert one == other
    assert hash(one) == hash(other)
