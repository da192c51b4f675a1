"""Bodies of requests for orders, and what the intake makes of them."""

from typing import Any

from msgspec.structs import replace
from tests.fakes.venue_desk import ACCOUNT, make_desk

from fanfold.alpaca.wire.refusals import Refusal
from fanfold.venue.trading import intake
from fanfold.venue.trading.desk import Desk
from fanfold.venue.trading.values import Order

MARKET = {"symbol": "AAPL", "qty": 1, "side": "buy", "type": "market", "time_in_force": "day"}
LIMIT = {**MARKET, "type": "limit", "limit_price": 90}
STOP = {**MARKET, "type": "stop", "stop_price": 110}
STOP_LIMIT = {**STOP, "type": "stop_limit", "limit_price": 111}
TRAIL = {**MARKET, "type": "trailing_stop", "trail_price": 2}
COIN = {**MARKET, "symbol": "BTC/USD", "time_in_force": "gtc"}
BRACKET = {
    **MARKET,
    "order_class": "bracket",
    "take_profit": {"limit_price": 120},
    "stop_loss": {"stop_price": 80},
}
OCO = {
    **MARKET,
    "side": "sell",
    "type": "limit",
    "order_class": "oco",
    "take_profit": {"limit_price": 120},
    "stop_loss": {"stop_price": 80},
}
HELD = {"AAPL": (10, 900), "BTC/USD": ("0.5", 20_000)}


def refused(body: Any, desk: Desk | None = None) -> Refusal:
    """Why an account that asks for an order is refused it."""
    answer = intake.admit(desk or make_desk(), ACCOUNT, body)
    assert isinstance(answer, Refusal), answer
    return answer


def taken(body: Any, desk: Desk | None = None) -> tuple[Order, ...]:
    """What an account that asks for an order is given."""
    answer = intake.admit(desk or make_desk(), ACCOUNT, body)
    assert not isinstance(answer, Refusal), answer
    return answer


def placed(desk: Desk, body: Any, **changes: Any) -> Order:
    """Take an order and put it to rest in the book."""
    for order in taken(body, desk):
        status = order.status if order.status == "held" else "new"
        desk.book.put_order(replace(order, **{"status": status, **changes}))
    return desk.book.open_orders(ACCOUNT)[0]
