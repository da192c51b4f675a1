"""Requests as bytes, updates as they are read, and the last look."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfold.alpaca.credentials import Credentials
from fanfold.alpaca.secrets import Secret
from fanfold.alpaca.wire.orders import TradeUpdateMessage
from fanfold.errors import ConfigError
from fanfold.live.execution.last_look import last_look, lessens
from fanfold.live.execution.reconcile import coin_fee
from fanfold.live.execution.records import Order
from fanfold.live.execution.requests import Writer, order_body, units_text
from fanfold.live.execution.rest import Lines
from fanfold.live.execution.trade_updates import Unreadable, event_of
from fanfold.live.messages import ApprovedOrder
from fanfold.live.plan import AssetPlan
from fanfold.live.settings import BrokerSettings
from fanfold.risk.limits import Limits

KEYS = Credentials(key_id=Secret("PKPLANTED"), secret=Secret("planted-secret"))
ASSET = AssetPlan(
    symbol="AAPL", asset_class="us_equity", calendar="XNYS", parts=1, tick_coarse=10_000,
    tick_fine=100, shortable=False,
)  # fmt: skip


def test_a_request_is_whole_and_its_writer_shows_no_key() -> None:
    writer = Writer("https://broker.example:444/base", KEYS)
    content = writer.post("/v2/orders", b"{}")
    head, _, body = content.partition(b"\r\n\r\n")
    assert head.startswith(b"POST /base/v2/orders HTTP/1.1\r\nHost: broker.example:444\r\n")
    assert b"APCA-API-KEY-ID: PKPLANTED" in head
    assert b"Content-Length: 2" in head
    assert body == b"{}"
    assert "planted" not in repr(writer).lower()
    assert writer.get("/x", a="b c/d").startswith(b"GET /base/x?a=b%20c%2Fd HTTP/1.1")


def test_keys_go_to_another_machine_only_under_tls() -> None:
    with pytest.raises(ConfigError, match="must be https"):
        Lines("http://broker.example", BrokerSettings(), lambda _: True)


def test_an_order_is_written_with_exact_numbers() -> None:
    order = Order(
        client_order_id="ff-a-1", number=1, event_ts=1, asset=0, role="entry", revision=0,
        side=1, lots=123_456_789, parts=10**9, type="limit", limit=0.1 + 0.2,
        time_in_force="day", order_class="bracket", take_profit=1.5, stop_loss=math.nan,
    )  # fmt: skip
    body = json.loads(order_body(order, "BTC/USD"))
    assert (body["qty"], body["limit_price"]) == ("0.123456789", "0.3")
    assert body["take_profit"] == {"limit_price": "1.5"}
    assert "stop_loss" not in body
    assert "stop_price" not in body


@given(lots=st.integers(0, 10**18), parts=st.sampled_from([1, 100, 10**9]))
def test_quantities_are_read_back_as_they_are(lots: int, parts: int) -> None:
    from decimal import Decimal

    text = units_text(lots, parts)
    assert Decimal(text) * parts == lots
    assert "E" not in text


UPDATE = {
    "event": "fill", "timestamp": "2024-01-02T14:30:00Z", "qty": 1, "price": 2.5,
    "execution_id": "e", "order": {"id": "b", "client_order_id": "c", "status": "new_word"},
}  # fmt: skip


def test_an_update_with_other_types_is_still_read() -> None:
    frame = json.dumps({"stream": "trade_updates", "data": UPDATE}).encode()
    found = event_of(frame)
    assert isinstance(found, TradeUpdateMessage)
    assert (found.qty, found.price, found.order.status) == ("1", "2.5", "new_word")


@given(st.binary(max_size=80) | st.recursive(
    st.none() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["stream", "data", "order", "event"]), inner, max_size=4),
).map(lambda value: json.dumps(value).encode()))  # fmt: skip
def test_no_frame_raises(frame: bytes) -> None:
    assert event_of(frame) is None or isinstance(event_of(frame), Unreadable | TradeUpdateMessage)


@given(held=st.integers(-50, 50), goal=st.integers(-50, 50))
def test_lessening_never_turns_a_position_nor_makes_it_larger(held: int, goal: int) -> None:
    if lessens(held, goal):
        assert abs(goal) <= abs(held)
        assert goal == 0 or (goal > 0) == (held > 0)


@pytest.mark.parametrize(
    ("fields", "limits", "reason"),
    [
        ({}, {}, ""),
        ({"epoch": 4}, {}, "epoch"),
        ({"approved_at": -(10**10)}, {}, "age"),
        ({"reference": math.inf}, {}, "reference"),
        ({"most": -1}, {}, "most"),
        ({"goal": -1}, {}, "not_shortable"),
        ({"reduce_only": True}, {}, "reduce_only"),
        ({}, {"max_order_notional": 500}, "max_order_notional"),
        ({}, {"max_position": 0.5}, "max_position"),
        ({"goal": 0}, {"max_order_notional": 1}, ""),
    ],
)
def test_the_last_look_has_a_name_for_each_refusal(
    fields: dict[str, Any], limits: dict[str, Any], reason: str
) -> None:
    usual: dict[str, Any] = {
        "number": 1, "event_ts": 1, "asset": 0, "goal": 10, "most": 10, "limit": math.nan,
        "stop": math.nan, "stop_loss": math.nan, "take_profit": math.nan, "reference": 100.0,
        "reduce_only": False, "approved_at": 0, "epoch": 3,
    }  # fmt: skip
    found = last_look(
        ApprovedOrder(**{**usual, **fields}), ASSET, Limits(**limits), epoch=3, held=0,
        equity=1_000_000_000, age_s_max=2.0, now=10**9,
    )  # fmt: skip
    assert found.partition(":")[0] == reason


@pytest.mark.parametrize(
    ("difference", "bought", "is_fee"),
    [
        (-25, 10_000, True),
        (-31, 10_000, True),
        (-32, 10_000, False),
        (1, 10_000, False),
        (0, 9, False),
    ],
)
def test_only_a_small_lack_of_coins_is_a_fee(difference: int, bought: int, *, is_fee: bool) -> None:
    assert coin_fee(difference, bought) is is_fee
