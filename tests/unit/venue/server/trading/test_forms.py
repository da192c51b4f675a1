from decimal import Decimal
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from fanfold.alpaca.wire.orders import OrderMessage, TradeUpdateMessage
from fanfold.venue.server.trading.account_forms import activity_form
from fanfold.venue.server.trading.asset_forms import midnight_s, new_york_text
from fanfold.venue.server.trading.forms import order_form, update_form
from fanfold.venue.trading.values import Booking, Event, Execution, Order

TS = 1_781_015_400_123_456_789
DECIMALS = st.decimals("0.000000001", "1000000000", allow_nan=False, places=9)


def order(**changes: Any) -> Order:
    fields: dict[str, Any] = {
        "id": "11111111-1111-4111-8111-111111111111",
        "client_order_id": "mine",
        "account": "a",
        "symbol": "BTC/USD",
        "asset_class": "crypto",
        "side": "buy",
        "kind": "limit",
        "time_in_force": "gtc",
        "created_at": TS,
        "updated_at": TS,
        "submitted_at": TS,
    }
    return Order(**{**fields, **changes})


def event(name: str, order: Order, execution: Execution | None = None) -> Event:
    return Event(seq=7, ts=TS, account="a", name=name, order=order, execution=execution)


FILL = Execution(
    id="22222222-2222-4222-8222-222222222222",
    price=Decimal("100.10"),
    qty=Decimal("0.50"),
    amount=Decimal("50.05"),
    fee=Decimal(0),
    fee_asset="USD",
    position_qty=Decimal("-1.500"),
)


@given(qty=DECIMALS, price=DECIMALS)
def test_numbers_of_an_order_come_back_exactly(qty: Decimal, price: Decimal) -> None:
    sent = msgspec.json.encode(order_form(order(qty=qty, limit_price=price)))
    read = msgspec.json.decode(sent, type=OrderMessage)
    assert (Decimal(str(read.qty)), Decimal(str(read.limit_price))) == (qty, price)
    assert b"E" not in f"{read.qty}{read.limit_price}".encode()


def test_a_mean_price_is_of_all_fills() -> None:
    third = order(qty=Decimal(3), filled_qty=Decimal(3), filled_at_prices=Decimal(10))
    assert order_form(third).filled_avg_price == "3.3333333333"
    assert order_form(order(qty=Decimal(3))).filled_avg_price is None


def test_legs_lie_inside_and_a_simple_order_has_none() -> None:
    leg = order(role="stop_loss", order_class="bracket")
    form = order_form(order(order_class="bracket"), [leg])
    assert form.order_class == "bracket"
    assert form.legs is not None
    assert form.legs[0].legs is None
    assert (order_form(order(), []).legs, order_form(order()).order_class) == (None, "")


def test_a_fill_tells_itself_and_the_order_after_it() -> None:
    after = order(status="partially_filled", qty=Decimal(2), filled_qty=Decimal("0.5"))
    told = update_form(event("partial_fill", after, FILL))
    assert (told.price, told.qty, told.position_qty) == ("100.1", "0.5", "-1.5")
    assert told.execution_id == FILL.id
    assert told.timestamp == told.at == "2026-06-09T14:30:00.123456789Z"
    assert told.order.status == "partially_filled"
    read = msgspec.json.decode(msgspec.json.encode(told), type=TradeUpdateMessage)
    assert read == told


def test_an_acceptance_is_named_and_a_cancellation_is_not() -> None:
    new = update_form(event("new", order(status="new")))
    assert new.execution_id
    assert (new.price, new.qty) == (None, None)
    assert update_form(event("canceled", order(status="canceled"))).execution_id is None


def test_a_reader_passes_over_what_it_does_not_know() -> None:
    sent = msgspec.json.decode(msgspec.json.encode(order_form(order())))
    read = msgspec.json.decode(msgspec.json.encode({**sent, "later": 1}), type=OrderMessage)
    assert read.id == sent["id"]


def test_what_moved_money_without_a_trade_is_told_by_date() -> None:
    told = activity_form(
        Booking(seq=1, ts=TS, account="a", kind="DIV", symbol="AAPL", amount=Decimal("1.50"))
    )
    shown = msgspec.json.decode(msgspec.json.encode(told))
    assert (shown["activity_type"], shown["net_amount"]) == ("DIV", "1.5")
    assert (shown["date"], shown["symbol"]) == ("2026-06-09", "AAPL")
    assert "qty" not in shown


def test_new_yorks_clock_has_the_offset_of_its_season() -> None:
    assert new_york_text(TS) == "2026-06-09T10:30:00.123456789-04:00"
    assert new_york_text(TS + 180 * 86_400 * 10**9) == "2026-12-06T09:30:00.123456789-05:00"
    assert midnight_s(20_613) == 1_780_977_600  # 2026-06-09T04:00:00Z
