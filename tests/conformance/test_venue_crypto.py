"""Coins by alpaca-py's client, from their order to their fees."""

from decimal import Decimal
from typing import Any

import pytest
from tests.fakes.venue_world import Trader, go, refused

FEE = Decimal("0.0025")
COIN = "BTC/USD"


def coins(trader: Trader, kind: str = "market", **fields: Any) -> Any:
    return trader.submit(kind, **{"symbol": COIN, "qty": 0.1, "time_in_force": "gtc", **fields})


@pytest.mark.parametrize(
    ("kind", "time_in_force", "words"),
    [
        ("market", "gtc", ""),
        ("market", "ioc", ""),
        ("limit", "gtc", ""),
        ("limit", "ioc", ""),
        ("stop_limit", "gtc", ""),
        ("stop_limit", "ioc", "invalid order type for crypto order"),
        ("market", "day", "invalid crypto time_in_force"),
        ("limit", "fok", "invalid crypto time_in_force"),
        ("limit", "opg", "invalid crypto time_in_force"),
        ("stop", "gtc", "invalid order type for crypto order"),
        ("trailing_stop", "gtc", "invalid order type for crypto order"),
    ],
)
def test_coins_by_type_and_time_in_force(
    trader: Trader, kind: str, time_in_force: str, words: str
) -> None:
    prices = {
        "market": {},
        "limit": {"limit_price": 40_000},
        "stop": {"stop_price": 60_000},
        "stop_limit": {"stop_price": 60_000, "limit_price": 61_000},
        "trailing_stop": {"trail_percent": 5},
    }[kind]
    if words:
        code, number, body = refused(coins, trader, kind, time_in_force=time_in_force, **prices)
        assert (code, number, body["message"]) == (422, 42210000, words)
        return
    order = coins(trader, kind, time_in_force=time_in_force, **prices)
    ends = "canceled" if time_in_force == "ioc" else "new"
    assert trader.status(order) == ("filled" if kind == "market" else ends)


def test_the_fee_of_a_purchase_is_paid_in_coin_and_that_of_a_sale_in_money(
    trader: Trader,
) -> None:
    order = trader.order(coins(trader, qty=0.123456789))
    assert (order.symbol, order.asset_class.value, order.filled_qty) == (
        COIN,
        "crypto",
        "0.123456789",
    )
    price = Decimal(order.filled_avg_price)
    cash = Decimal(trader.account.cash)
    assert abs(100_000 - cash - price * Decimal("0.123456789")) <= Decimal("0.000001")
    held = trader.client.get_open_position("BTCUSD")
    assert (held.symbol, held.exchange.value, held.asset_marginable) == ("BTCUSD", "CRYPTO", False)
    net = Decimal("0.123456789") * (1 - FEE)
    assert abs(Decimal(held.qty) - net) <= Decimal("1e-9")
    assert Decimal(held.avg_entry_price) == price
    assert trader.client.get_open_position(COIN).asset_id == held.asset_id
    code, number, body = refused(coins, trader, side="sell", qty=0.2)
    assert (code, number) == (403, 40310000)
    assert body["message"].startswith("insufficient balance for BTC")
    closed = trader.client.close_position("BTCUSD")
    assert (closed.symbol, closed.time_in_force.value) == (COIN, "gtc")
    sold = trader.order(closed)
    brought = Decimal(sold.filled_qty) * Decimal(sold.filled_avg_price)
    earned = Decimal(trader.account.cash) - cash
    assert abs(earned - brought * (1 - FEE)) <= Decimal("0.00001")
    assert trader.client.get_all_positions() == []


def test_coins_are_paid_in_full_and_have_a_least_value(trader: Trader) -> None:
    code, number, body = refused(coins, trader, qty=0.0001)
    assert (code, number) == (403, 40310000)
    assert body["message"] == "cost basis must be >= minimal amount of order 10"
    body = refused(coins, trader, qty=3)[2]
    assert body["message"].startswith("insufficient balance for USD")
    order = trader.submit(symbol="BTCUSD", notional=1_000, time_in_force="gtc")
    filled = trader.order(order)
    assert (filled.symbol, filled.status.value, filled.notional) == (COIN, "filled", "1000")
    assert refused(coins, trader, side="sell", qty=1)[0] == 403
    held = Decimal(trader.account.non_marginable_buying_power)
    coins(trader, "limit", limit_price=40_000, qty=0.5)
    assert held - Decimal(trader.account.non_marginable_buying_power) == 20_000


def test_coins_trade_at_night_and_keep_their_prices_digits(at_any_time: Trader) -> None:
    trader = at_any_time
    go(trader.venue, "17:03")
    assert trader.status(coins(trader)) == "filled"
    order = coins(trader, "limit", side="sell", qty=0.01, limit_price=60_000.123456789)
    assert (order.limit_price, trader.status(order)) == ("60000.123456789", "new")
    go(trader.venue, "09:31")
    assert trader.status(order) == "new"
    fees = trader.client.get("/account/activities/CFEE")
    assert [(one["symbol"], one["activity_type"]) for one in fees] == [(COIN, "CFEE")]
    assert Decimal(fees[0]["qty"]) == -Decimal("0.1") * FEE
