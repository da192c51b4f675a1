"""Every refusal of the broker's list."""

from typing import Any

import pytest
from msgspec.structs import replace
from tests.fakes.venue_bodies import (
    BRACKET,
    COIN,
    HELD,
    LIMIT,
    MARKET,
    OCO,
    STOP,
    TRAIL,
    placed,
    refused,
    taken,
)
from tests.fakes.venue_desk import make_desk, share_of

MALFORMED = [
    (MARKET | {"qty": 0}, "qty must be > 0"),
    (MARKET | {"qty": -1}, "qty must be > 0"),
    (LIMIT | {"limit_price": 0}, "limit price must be > 0"),
    (STOP | {"stop_price": -5}, "stop price must be > 0"),
    (MARKET | {"type": "limit"}, "limit orders require a limit price"),
    (MARKET | {"type": "stop"}, "stop orders require a stop price"),
    (STOP | {"type": "stop_limit"}, "stop limit orders require both stop and limit price"),
    (LIMIT | {"type": "stop_limit"}, "stop limit orders require both stop and limit price"),
    (LIMIT | {"type": "market"}, "market orders require no stop or limit price"),
    (STOP | {"type": "market"}, "market orders require no stop or limit price"),
    (LIMIT | {"stop_price": 95}, "limit orders require no stop price"),
    (STOP | {"limit_price": 95}, "stop orders require no limit price"),
    (MARKET | {"notional": 10}, "only one of qty or notional is accepted"),
    (MARKET | {"qty": None}, "qty or notional is required"),
    (
        TRAIL | {"trail_percent": 1},
        "trailing stop orders must specify one of trail_price or trail_percent",
    ),
    (
        TRAIL | {"trail_price": None},
        "trailing stop orders must specify one of trail_price or trail_percent",
    ),
    (
        TRAIL | {"trail_price": None, "trail_percent": "0.09"},
        "trail_percent must be greater than or equal to 0.1",
    ),
    (TRAIL | {"trail_price": None, "trail_percent": 100}, "trail_percent must be less than 100"),
    (
        MARKET | {"trail_price": 1},
        "only trailing stop orders accept trail_price or trail_percent",
    ),
    (
        MARKET | {"client_order_id": "x" * 129},
        "client_order_id must be no more than 128 characters",
    ),
    (MARKET | {"client_order_id": "\ud800"}, "client_order_id must be a string"),
    (MARKET | {"client_order_id": 7}, "client_order_id must be a string"),
    (MARKET | {"time_in_force": "gtd"}, "invalid time_in_force"),
    (MARKET | {"time_in_force": None}, "invalid time_in_force"),
    (MARKET | {"type": "iceberg"}, "invalid order type"),
    (MARKET | {"type": ["limit"]}, "invalid order type"),
    (MARKET | {"side": "sell_short"}, "invalid side"),
    (MARKET | {"order_class": "mleg"}, "invalid order_class"),
    (MARKET | {"position_intent": "flip"}, "invalid position_intent"),
    (MARKET | {"symbol": None}, "symbol is required"),
    (MARKET | {"symbol": 5}, "symbol is required"),
    (MARKET | {"extended_hours": "yes"}, "extended_hours must be a boolean"),
    (MARKET | {"qty": "one"}, "qty must be a number"),
    (MARKET | {"qty": True}, "qty must be a number"),
    (MARKET | {"qty": float("inf")}, "qty must be a number"),
    (MARKET | {"qty": 10**5_000}, "qty must be a number"),
    (MARKET | {"qty": 1e12}, "qty must be < 1000000000000"),
    (MARKET | {"qty": "0.0000000001"}, "qty must be limited to 9 decimal places"),
    (MARKET | {"qty": 0.1 + 0.2}, "qty must be limited to 9 decimal places"),
    (BRACKET | {"take_profit": 3}, "take_profit must be a JSON object"),
    (
        BRACKET | {"stop_loss": {"stop_price": -1}},
        "stop_loss.stop_price must be > 0",
    ),
    ([], "request body must be a JSON object"),
    (None, "request body must be a JSON object"),
    ("AAPL", "request body must be a JSON object"),
]


@pytest.mark.parametrize(("body", "message"), MALFORMED)
def test_what_cannot_be_read_is_refused_in_the_brokers_words(body: Any, message: str) -> None:
    answer = refused(body)
    assert (answer.status, answer.code, answer.message) == (422, 40010001, message)


UNPROCESSABLE = [
    (MARKET | {"symbol": "XYZ"}, 'asset "XYZ" not found'),
    (MARKET | {"symbol": "é" * 1_000}, 'asset "' + "é" * 64 + '" not found'),
    (MARKET | {"symbol": "\ud800"}, 'asset "?" not found'),
    (MARKET | {"qty": 1.5, "time_in_force": "gtc"}, "fractional orders must be DAY orders"),
    (BRACKET | {"qty": 1.5}, "fractional orders must be simple orders"),
    (MARKET | {"side": "sell", "qty": 1.5}, "fractional orders cannot be sold short"),
    (
        MARKET | {"extended_hours": True},
        "extended hours order must be DAY or GTC limit orders",
    ),
    (
        LIMIT | {"extended_hours": True, "time_in_force": "ioc"},
        "extended hours order must be DAY or GTC limit orders",
    ),
    (
        STOP | {"extended_hours": True},
        "stop orders are not eligible for extended hours trading",
    ),
    (
        TRAIL | {"extended_hours": True},
        "stop orders are not eligible for extended hours trading",
    ),
    (
        LIMIT | {"limit_price": 290.123},
        "invalid limit_price 290.123. sub-penny increment does not fulfill minimum pricing "
        "criteria",
    ),
    (
        LIMIT | {"limit_price": "90.1230"},
        "invalid limit_price 90.1230. sub-penny increment does not fulfill minimum pricing "
        "criteria",
    ),
    (
        LIMIT | {"limit_price": 0.99999},
        "invalid limit_price 0.99999. sub-penny increment does not fulfill minimum pricing "
        "criteria",
    ),
    (
        STOP | {"stop_price": 110.005},
        "invalid stop_price 110.005. sub-penny increment does not fulfill minimum pricing criteria",
    ),
    (
        BRACKET | {"take_profit": {"limit_price": 120.001}},
        "invalid take_profit.limit_price 120.001. sub-penny increment does not fulfill minimum "
        "pricing criteria",
    ),
    (STOP | {"stop_price": 100}, "stop price must be greater than current price"),
    (STOP | {"side": "sell"}, "stop price must be less than current price"),
    (
        MARKET | {"position_intent": "buy_to_close"},
        "position intent mismatch, inferred: buy_to_open, specified: buy_to_close",
    ),
    (BRACKET | {"stop_loss": None}, "bracket orders require stop_loss.stop_price"),
    (BRACKET | {"take_profit": None}, "bracket orders require take_profit.limit_price"),
    (BRACKET | {"take_profit": {}}, "bracket orders require take_profit.limit_price"),
    (
        BRACKET | {"order_class": "oto"},
        "oto orders require exactly one of take_profit, stop_loss",
    ),
    (
        MARKET | {"order_class": "oto"},
        "oto orders require exactly one of take_profit, stop_loss",
    ),
    (
        BRACKET | {"order_class": ""},
        "simple orders accept no take_profit or stop_loss",
    ),
    (BRACKET | {"time_in_force": "ioc"}, "bracket orders must be DAY or GTC orders"),
    (
        BRACKET | {"type": "limit", "limit_price": 90, "extended_hours": True},
        "bracket orders are not eligible for extended hours trading",
    ),
    (
        BRACKET | {"type": "stop", "stop_price": 110},
        "bracket orders must be entry orders",
    ),
    (
        BRACKET | {"type": "trailing_stop", "trail_price": 1},
        "trailing stop orders must be simple orders",
    ),
    (OCO, "oco orders must be exit orders"),
    (OCO | {"type": "market", "take_profit": None}, "oco orders must be limit orders"),
    (
        BRACKET | {"take_profit": {"limit_price": 100}},
        "take_profit.limit_price must be >= base_price + 0.01",
    ),
    (
        BRACKET | {"stop_loss": {"stop_price": 100}},
        "stop_loss.stop_price must be <= base_price - 0.01",
    ),
    (
        BRACKET | {"type": "limit", "limit_price": 79},
        "stop_loss.stop_price must be <= base_price - 0.01",
    ),
    (
        BRACKET | {"side": "sell"},
        "take_profit.limit_price must be <= base_price - 0.01",
    ),
    (
        BRACKET | {"symbol": "BTC/USD", "time_in_force": "gtc"},
        "crypto orders not allowed for advanced order_class: bracket",
    ),
    (TRAIL | {"side": "sell", "trail_price": 100}, "trail_price must be less than current price"),
]


@pytest.mark.parametrize(("body", "message"), UNPROCESSABLE)
def test_what_breaks_a_rule_of_trading_is_refused(body: Any, message: str) -> None:
    answer = refused(body)
    assert (answer.status, answer.code, answer.message) == (422, 42210000, message)


FORBIDDEN = [
    (MARKET | {"qty": 0.001}, "cost basis must be >= minimal amount of order 1"),
    (MARKET | {"qty": None, "notional": 0.99}, "cost basis must be >= minimal amount of order 1"),
    (COIN | {"qty": 0.0001}, "cost basis must be >= minimal amount of order 10"),
    (MARKET | {"symbol": "HTB", "side": "sell"}, 'asset "HTB" cannot be sold short'),
    (MARKET | {"symbol": "NOFRAC", "qty": 1.5}, 'asset "NOFRAC" is not fractionable'),
    (
        MARKET | {"time_in_force": "opg"},
        "opg orders must be submitted after 7:00pm and before 9:28am",
    ),
]


@pytest.mark.parametrize(("body", "message"), FORBIDDEN)
def test_what_the_account_may_not_do_is_refused(body: Any, message: str) -> None:
    answer = refused(body)
    assert (answer.status, answer.code, answer.message) == (403, 40310000, message)


ACCOUNTS = [
    ({"cash": 1_999}, MARKET | {"side": "sell"}, "account is not allowed to short"),
    ({"no_shorting": True}, MARKET | {"side": "sell"}, "account is not allowed to short"),
    (
        {"max_margin_multiplier": "1"},
        MARKET | {"side": "sell"},
        "account is not allowed to short",
    ),
    ({"suspend_trade": True}, MARKET, "new orders are rejected by user request"),
    (
        {"fractional_trading": False},
        MARKET | {"qty": 1.5},
        "account is not allowed to trade fractions",
    ),
    (
        {"cash": -85_000, "positions": {"AAPL": (1_000, 90_000)}},
        MARKET,
        "account is restricted to liquidation only",
    ),
]


@pytest.mark.parametrize(("account", "body", "message"), ACCOUNTS)
def test_an_account_that_is_restricted_is_told_so(
    account: dict[str, Any], body: Any, message: str
) -> None:
    answer = refused(body, make_desk(**account))
    assert (answer.status, answer.code, answer.message) == (403, 40310000, message)


def test_an_asset_that_does_not_trade_takes_no_order() -> None:
    desk = make_desk()
    desk.market.set_asset(share_of("AAPL", tradable=False))
    assert refused(MARKET, desk).message == 'asset "AAPL" is not tradable'


def test_a_stop_on_the_wrong_side_is_told_the_markets_price() -> None:
    answer = refused(STOP | {"side": "sell"})
    assert answer.context == {"market_price": "100", "stop_price": "110"}


def test_too_little_buying_power_is_told_with_what_there_is_and_what_it_costs() -> None:
    answer = refused(LIMIT | {"qty": 10_000})
    assert (answer.status, answer.code) == (403, 40310000)
    assert answer.message == "insufficient buying power"
    assert answer.context == {"buying_power": "400000", "cost_basis": "900000"}


def test_a_short_sale_costs_three_percent_above_the_ask() -> None:
    answer = refused(MARKET | {"side": "sell", "qty": 5_000})
    assert answer.context["cost_basis"] == "515051.5"  # 5,000 × 1.03 × 100.01


def test_more_than_is_held_is_refused_with_what_is_free() -> None:
    desk = make_desk(positions=HELD)
    placed(desk, LIMIT | {"side": "sell", "qty": 6, "limit_price": 120})
    answer = refused(MARKET | {"side": "sell", "qty": 5}, desk)
    assert (answer.status, answer.code) == (403, 40310000)
    assert answer.message == "insufficient qty available for order (requested: 5, available: 4)"
    assert answer.context == {
        "available": "4",
        "existing_qty": "10",
        "held_for_orders": "6",
        "symbol": "AAPL",
    }


@pytest.mark.parametrize(("held", "side"), [(10, "sell"), (-10, "buy")])
def test_no_order_flips_a_position(held: int, side: str) -> None:
    desk = make_desk(positions={"AAPL": (held, held * 100)})
    answer = refused(MARKET | {"side": side, "qty": 15}, desk)
    assert answer.message == "insufficient qty available for order (requested: 15, available: 10)"


def test_coins_are_never_sold_short_nor_bought_on_margin() -> None:
    desk = make_desk(positions=HELD)
    answer = refused(COIN | {"side": "sell", "qty": 1}, desk)
    assert answer.message == "insufficient balance for BTC (requested: 1, available: 0.5)"
    answer = refused(COIN | {"type": "limit", "qty": 3, "limit_price": 40_000}, make_desk())
    assert answer.message == "insufficient balance for USD (requested: 120000, available: 100000)"
    assert answer.code == 40310000


def test_openings_on_both_sides_are_never_open_at_once() -> None:
    desk = make_desk()
    placed(desk, LIMIT)
    answer = refused(TRAIL | {"side": "sell"}, desk)
    assert answer.message == "cannot open a short sell while a long buy order is open"
    desk = make_desk()
    placed(desk, LIMIT | {"side": "sell", "limit_price": 110})
    answer = refused(LIMIT, desk)
    assert answer.message == "cannot open a long buy while a short sell order is open"


@pytest.mark.parametrize("status", ["new", "canceled"])
def test_a_clients_name_for_an_order_is_used_once_in_the_accounts_life(status: str) -> None:
    desk = make_desk()
    named = MARKET | {"client_order_id": "mine"}
    (order,) = taken(named, desk)
    desk.book.put_order(replace(order, status=status))
    desk.book.take()
    answer = refused(named | {"qty": 10_000}, desk)  # before it is told that money is missing
    assert (answer.status, answer.code) == (422, 40010001)
    assert answer.message == "client_order_id must be unique"


def test_no_more_than_so_many_orders_are_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fanfold.venue.trading.intake.standing.OPEN_ORDERS_MAX", 1)
    desk = make_desk()
    placed(desk, LIMIT)
    assert refused(LIMIT, desk).message == "too many open orders, at most 1 are accepted"
