from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.venue_faults import Clock, faults_of

from fanfold.venue.faults import Delivery, Faults
from fanfold.venue.faults.messages import subjects

TRADE = b'{"T":"t","S":"AAPL","p":1}'
QUOTE = msgspec.msgpack.encode({"T": "q", "S": "MSFT", "bp": 1.0})
UPDATE = b'{"stream":"trade_updates","data":{"event":"fill","order":{"symbol":"BTCUSD"}}}'


def sent(faults: Faults, *messages: bytes) -> Delivery | None:
    return faults.on_messages("stocks", "me", messages)


def test_nothing_is_changed_by_default() -> None:
    assert sent(Faults(0), TRADE) is None
    assert sent(faults_of({"kind": "rest_error"}), TRADE) is None


def test_messages_are_lost() -> None:
    assert sent(faults_of({"kind": "lose"}), TRADE, QUOTE) == Delivery(messages=())


def test_messages_come_again() -> None:
    found = sent(faults_of({"kind": "repeat", "times": 2}), TRADE, QUOTE)
    assert found == Delivery(messages=(TRADE,) * 3 + (QUOTE,) * 3)


def test_messages_come_late() -> None:
    found = sent(faults_of({"kind": "delay", "delay_s": 2}, {"kind": "delay"}), TRADE)
    assert found == Delivery(messages=(TRADE,), delay_s=3.0)


@pytest.mark.parametrize("delivers", [True, False])
def test_a_connection_is_cut_with_or_without_what_was_to_be_sent(*, delivers: bool) -> None:
    found = sent(faults_of({"kind": "disconnect", "delivers": delivers}), TRADE)
    assert found == Delivery(messages=(TRADE,) if delivers else (), drop=True)


@given(st.lists(st.binary(min_size=1), min_size=2, max_size=8, unique=True), st.integers(0, 99))
def test_another_order_has_the_same_messages(messages: list[bytes], seed: int) -> None:
    found = sent(faults_of({"kind": "reorder"}, seed=seed), *messages)
    assert found is not None
    assert found.messages != tuple(messages)
    assert sorted(found.messages) == sorted(messages)


def test_a_single_message_waits_for_the_next() -> None:
    faults = faults_of({"kind": "reorder"})
    assert sent(faults, b"1") == Delivery(messages=())
    assert sent(faults, b"2") == Delivery(messages=(b"2", b"1"))
    assert sent(faults, b"3") == Delivery(messages=())
    assert sent(faults, b"4") == Delivery(messages=(b"4", b"3"))


def test_a_message_that_waits_belongs_to_its_connection() -> None:
    faults = faults_of({"kind": "reorder", "count": 1})
    sent(faults, b"1")
    assert faults.on_messages("crypto", "me", [b"a"]) is None
    assert faults.lets_in("stocks", "me")
    assert sent(faults, b"2") is None


def test_a_message_that_waits_outlasts_one_that_is_lost() -> None:
    faults = faults_of({"kind": "reorder", "count": 1}, {"kind": "lose", "count": 1})
    assert sent(faults, b"1") == Delivery(messages=())
    assert sent(faults, b"2") == Delivery(messages=())
    assert sent(faults, b"3") == Delivery(messages=(b"3", b"1"))


def test_silence_lasts_until_the_connection_is_a_new_one() -> None:
    faults = faults_of({"kind": "silent", "count": 1})
    assert sent(faults, TRADE) == sent(faults, TRADE) == Delivery(messages=())
    assert faults.on_messages("stocks", "other", [TRADE]) is None
    assert faults.on_upgrade("stocks", "me") is None  # it may be one too many
    assert faults.lets_in("stocks", "other")
    assert sent(faults, TRADE) == Delivery(messages=())
    assert faults.lets_in("stocks", "me")
    assert sent(faults, TRADE) is None


def test_silence_lasts_as_long_as_it_is_told() -> None:
    clock = Clock()
    faults = faults_of({"kind": "silent", "mute_s": 1.5, "count": 1}, clock=clock)
    assert sent(faults, TRADE) == Delivery(messages=())
    assert faults.lets_in("stocks", "me")
    clock.now += 1_499_999_999
    assert sent(faults, TRADE) == Delivery(messages=())
    clock.now += 1
    assert sent(faults, TRADE) is None


def test_silence_ends_with_its_fault() -> None:
    faults = faults_of({"kind": "silent", "count": 1}, {"kind": "delay", "probability": 0})
    sent(faults, TRADE)
    faults.remove(faults.listed()[0]["id"])
    assert sent(faults, TRADE) is None


@pytest.mark.parametrize(
    ("where", "left"),
    [
        ({"channel": "trades"}, (QUOTE, UPDATE)),
        ({"channel": "quotes"}, (TRADE, UPDATE)),
        ({"channel": "trade_updates"}, (TRADE, QUOTE)),
        ({"symbol": "BTC/USD"}, (TRADE, QUOTE)),
        ({"symbol": "MSFT", "channel": "quotes"}, (TRADE, UPDATE)),
        ({"symbol": "MSFT", "channel": "trades"}, None),
        ({"endpoint": "crypto"}, None),
        ({"account": "other"}, None),
    ],
)
def test_only_messages_that_are_meant_are_struck(
    where: dict[str, Any], left: tuple[bytes, ...] | None
) -> None:
    found = sent(faults_of({"kind": "lose", **where}), TRADE, QUOTE, UPDATE)
    assert found == (None if left is None else Delivery(messages=left))


def test_faults_of_all_messages_ask_only_where_one_is_meant() -> None:
    faults = faults_of({"kind": "disconnect", "channel": "quotes"})
    assert sent(faults, TRADE) is None
    assert sent(faults, TRADE, QUOTE) == Delivery(messages=(), drop=True)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (b"[" + TRADE + b"]", [("trades", "AAPL")]),
        (msgspec.msgpack.encode([{"T": "b", "S": "A"}, {"T": "?"}]), [("bars", "A"), ("", "")]),
        (b'{"stream":"listening","data":{"streams":[]}}', [("listening", "")]),
        (b"\xff\x00 no message", []),
        (b"{", []),
        (b"", []),
        (b"[1,2]", []),
    ],
)
def test_what_a_message_is_about_is_read_from_it(
    message: bytes, expected: list[tuple[str, str]]
) -> None:
    assert list(subjects(message)) == expected
