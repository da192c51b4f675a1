from decimal import Decimal

import msgspec
import pytest

from fanfold.alpaca.wire.orders import OrderMessage, TradeUpdateMessage

LEAST = {
    "id": "11111111-1111-4111-8111-111111111111",
    "client_order_id": "mine",
    "created_at": "2026-06-09T14:30:00Z",
    "updated_at": "2026-06-09T14:30:00Z",
    "submitted_at": "2026-06-09T14:30:00Z",
    "time_in_force": "day",
    "status": "new",
    "extended_hours": False,
}


def test_an_order_is_read_from_what_a_broker_must_say() -> None:
    read = msgspec.convert({**LEAST, "unheard_of": [1]}, OrderMessage)
    assert (read.filled_qty, read.qty, read.order_class, read.legs) == ("0", None, "", None)


@pytest.mark.parametrize("name", sorted(LEAST))
def test_what_must_be_there_is_missed(name: str) -> None:
    short = {key: value for key, value in LEAST.items() if key != name}
    with pytest.raises(msgspec.ValidationError, match=name):
        msgspec.convert(short, OrderMessage)


def test_an_order_keeps_its_legs_and_its_digits() -> None:
    order = {**LEAST, "qty": "0.123456789", "legs": [{**LEAST, "limit_price": "90.10"}]}
    read = msgspec.json.decode(msgspec.json.encode(order), type=OrderMessage)
    assert read.legs is not None
    assert (Decimal(read.qty or 0), read.legs[0].limit_price) == (Decimal("0.123456789"), "90.10")
    assert msgspec.json.decode(msgspec.json.encode(read), type=OrderMessage) == read


def test_an_update_without_a_fill_has_no_price() -> None:
    update = {"event": "canceled", "order": LEAST, "timestamp": "2026-06-09T14:30:00Z"}
    read = msgspec.convert(update, TradeUpdateMessage)
    assert (read.price, read.qty, read.execution_id) == (None, None, None)
