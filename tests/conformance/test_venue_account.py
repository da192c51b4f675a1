"""The account by alpaca-py's client: money, permissions, positions, history, activities."""

from decimal import Decimal
from typing import Any

import pytest
from tests.fakes.venue_world import Trader, library, loss, refused

GONE = ("pattern_day_trader", "daytrade_count", "daytrading_buying_power", "bod_dtbp")
FLAGS = ("trading_blocked", "transfers_blocked", "account_blocked", "trade_suspended_by_user")


def power(trader: Trader) -> Decimal:
    return Decimal(trader.account.buying_power)


def test_an_account_begins_with_its_cash(trader: Trader) -> None:
    account = trader.account
    assert (account.status.value, account.multiplier, account.cash) == ("ACTIVE", "4", "100000")
    assert (account.buying_power, account.regt_buying_power) == ("400000", "200000")
    assert account.equity == account.portfolio_value == account.last_equity == "100000"
    code, raw = trader.raw("GET", "/account")
    assert code == 200
    assert not set(GONE) & set(raw)
    assert {raw[name] for name in FLAGS} == {False}
    texts = set(raw) - {*FLAGS, "shorting_enabled", "crypto_tier", "options_approved_level"}
    assert all(isinstance(raw[name], str) for name in texts - {"options_trading_level"})


def test_buying_power_goes_down_with_an_order_and_comes_back(trader: Trader) -> None:
    order = trader.submit("limit", limit_price=50, qty=100)
    assert power(trader) == 395_000
    replaced = trader.client.replace_order_by_id(
        order.id, library("alpaca.trading.requests").ReplaceOrderRequest(qty=200)
    )
    assert power(trader) == 390_000
    trader.client.cancel_order_by_id(replaced.id)
    assert power(trader) == 400_000
    code, number, body = refused(trader.submit, "limit", limit_price=50, qty=8_001)
    assert (code, number, body["message"]) == (403, 40310000, "insufficient buying power")
    assert (body["buying_power"], body["cost_basis"]) == ("400000", "400050")
    trader.submit(qty=100)
    account = trader.account
    assert Decimal(account.cash) + Decimal(account.long_market_value) == Decimal(account.equity)
    held = Decimal(account.long_market_value)
    margin = (held * 3 / 10).quantize(Decimal("0.000001"))
    assert Decimal(account.buying_power) == 4 * (Decimal(account.equity) - margin)
    assert Decimal(account.regt_buying_power) == 2 * (Decimal(account.equity) - held / 2)


def test_a_poor_account_neither_borrows_nor_sells_short(poor: Trader) -> None:
    account = poor.account
    assert (account.multiplier, account.buying_power) == ("1", "1500")
    assert account.shorting_enabled is False
    code, number, body = refused(poor.submit, "limit", limit_price=50, qty=31)
    assert (code, number, body["message"]) == (403, 40310000, "insufficient buying power")
    body = refused(poor.submit, side="sell", qty=1)[2]
    assert body["message"] == "account is not allowed to short"


def test_a_short_position_is_opened_shown_and_bought_back_but_never_flipped(
    trader: Trader,
) -> None:
    order = trader.submit(side="sell", qty=10)
    assert order.position_intent.value == "sell_to_open"
    position = trader.client.get_open_position("AAPL")
    assert (position.qty, position.side.value) == ("-10", "short")
    assert Decimal(position.market_value) < 0 > Decimal(position.cost_basis)
    assert Decimal(trader.account.short_market_value) == Decimal(position.market_value)
    code, number, body = refused(trader.submit, qty=11)
    assert (code, number) == (403, 40310000)
    assert (body["existing_qty"], body["available"], body["symbol"]) == ("10", "10", "AAPL")
    assert trader.submit(qty=10).position_intent.value == "buy_to_close"
    trader.submit(qty=10)
    assert refused(trader.submit, side="sell", qty=11)[0] == 403
    body = refused(trader.submit, side="sell", qty=0.5, symbol="MSFT")[2]
    assert body["message"] == "fractional orders cannot be sold short"


SELLS: list[tuple[str, dict[str, Any]]] = [
    ("limit", {"limit_price": 120}),
    ("stop", {"stop_price": 80}),
    ("stop_limit", {"stop_price": 80, "limit_price": 79}),
]
BUYS: list[tuple[str, dict[str, Any], str, tuple[bool, bool, bool]]] = [
    ("market", {}, "opposite side", (True, True, True)),
    ("stop", {"stop_price": 150}, "opposite side", (True, True, True)),
    ("limit", {"limit_price": 120}, "buy limit price should be less", (True, True, True)),
    ("limit", {"limit_price": 78}, "opposite side market/stop", (False, True, False)),
    ("trailing_stop", {"trail_percent": 5}, "", (False, False, False)),
]


@pytest.mark.parametrize("place", range(len(SELLS)), ids=[kind for kind, _ in SELLS])
def test_no_order_could_trade_with_another_of_its_account(trader: Trader, place: int) -> None:
    trader.submit(qty=10)
    kind, fields = SELLS[place]
    resting = trader.submit(kind, side="sell", qty=5, **fields)
    for buy, terms, words, washes in BUYS:
        if not washes[place]:
            order = trader.submit(buy, qty=1, **terms)
            trader.client.cancel_order_by_id(order.id)
            continue
        code, number, body = refused(trader.submit, buy, qty=1, **terms)
        assert (code, number) == (403, 40310000)
        assert body["message"] == "potential wash trade detected. use complex orders"
        assert body["existing_order_id"] == str(resting.id)
        if kind != "stop":
            assert words in body["reject_reason"]


def test_exits_are_no_wash_trades(trader: Trader) -> None:
    entry = trader.submit(order_class="oto", stop_loss=loss(80))
    assert trader.order(entry).legs[0].status.value == "new"
    assert trader.status(trader.submit(qty=1)) == "filled"


def test_a_position_is_closed_by_parts_and_what_orders_hold_is_not(trader: Trader) -> None:
    requests = library("alpaca.trading.requests")
    close = trader.client.close_position
    trader.submit(qty=10)
    close("AAPL", requests.ClosePositionRequest(percentage="50"))
    close("AAPL", requests.ClosePositionRequest(qty="1.5"))
    position = trader.client.get_open_position("AAPL")
    assert (position.qty, position.qty_available) == ("3.5", "3.5")
    trader.submit("limit", side="sell", qty=3, limit_price=150)
    assert trader.client.get_open_position("AAPL").qty_available == "0.5"
    code, number, body = refused(close, "AAPL")
    assert (code, number) == (403, 40310000)
    held = {name: body[name] for name in ("available", "existing_qty", "held_for_orders")}
    assert held == {"available": "0.5", "existing_qty": "3.5", "held_for_orders": "3"}
    failed = trader.client.close_all_positions(cancel_orders=False)
    assert [(one.status, one.symbol) for one in failed] == [(403, "AAPL")]
    trader.submit(symbol="MSFT", qty=2)
    code, answers = trader.raw("DELETE", "/positions", cancel_orders="True")
    assert (code, [one["status"] for one in answers]) == (207, [200, 200])
    assert trader.client.get_all_positions() == []
    assert refused(close, "AAPL")[:2] == (404, 40410000)
    assert refused(close, "NONE")[:2] == (404, 40410000)
    for wrong in ({"percentage": 101}, {"percentage": 0}, {"qty": -1}, {"qty": 1, "percentage": 1}):
        assert trader.raw("DELETE", "/positions/AAPL", **wrong)[0] in {404, 422}


def test_configurations_are_patched_as_a_whole_with_their_nulls(trader: Trader) -> None:
    client = trader.client
    settings = client.get_account_configurations()
    settings.no_shorting, settings.suspend_trade = True, False
    assert client.set_account_configurations(settings).no_shorting is True
    code, body = trader.raw("PATCH", "/account/configurations", {"dtbp_check": None})
    assert (code, body["no_shorting"]) == (200, True)
    assert refused(trader.submit, side="sell")[2]["message"] == "account is not allowed to short"
    settings.suspend_trade = True
    client.set_account_configurations(settings)
    assert trader.account.trade_suspended_by_user is True
    assert refused(trader.submit)[:2] == (403, 40310000)
    settings.suspend_trade, settings.fractional_trading = False, False
    settings.max_margin_multiplier = "1"
    client.set_account_configurations(settings)
    assert refused(trader.submit, qty=0.5)[0] == 403
    assert trader.account.multiplier == "1"
    assert trader.raw("PATCH", "/account/configurations", {"max_margin_multiplier": "3"})[0] == 422


def test_history_and_activities_tell_what_was_traded(trader: Trader) -> None:
    requests = library("alpaca.trading.requests")
    ids = [trader.submit(qty=qty).id for qty in (1, 2, 3)]
    trader.venue.advance(180)
    history = trader.client.get_portfolio_history(
        requests.GetPortfolioHistoryRequest(period="1D", timeframe="1Min")
    )
    assert len(history.timestamp) == len(history.equity) == len(history.profit_loss) >= 2
    assert history.equity[-1] == pytest.approx(float(trader.account.equity))
    assert history.base_value == 100_000
    seen: list[Any] = []
    token = ""
    while page := trader.client.get(
        "/account/activities/FILL", {"page_size": 2, "direction": "asc", "page_token": token}
    ):
        seen += page
        token = page[-1]["id"]
    assert [one["order_id"] for one in seen] == [str(name) for name in ids]
    assert [(one["qty"], one["cum_qty"], one["leaves_qty"]) for one in seen] == [
        (str(qty), str(qty), "0") for qty in (1, 2, 3)
    ]
    assert {one["type"] for one in seen} == {"fill"}
    latest = trader.client.get("/account/activities", {"category": "trade_activity"})
    assert [one["order_id"] for one in latest] == [str(name) for name in reversed(ids)]


def test_assets_watchlists_options_and_announcements_are_answered(trader: Trader) -> None:
    requests, client = library("alpaca.trading.requests"), trader.client
    enums = library("alpaca.trading.enums")
    shares = client.get_all_assets(requests.GetAssetsRequest(status="active"))
    assert [one.symbol for one in shares] == ["AAPL", "MSFT", "PNNY"]
    coins = client.get_all_assets(requests.GetAssetsRequest(asset_class=enums.AssetClass.CRYPTO))
    assert [one.symbol for one in coins] == ["BTC/USD"]
    assert {client.get_asset(name).id for name in ("BTC/USD", "BTCUSD", str(coins[0].id))} == {
        coins[0].id
    }
    assert refused(client.get_asset, "NONE")[:2] == (404, 40410000)
    made = client.create_watchlist(requests.CreateWatchlistRequest(name="mine", symbols=["AAPL"]))
    added = client.add_asset_to_watchlist_by_id(made.id, "MSFT")
    assert [one.symbol for one in added.assets] == ["AAPL", "MSFT"]
    client.remove_asset_from_watchlist_by_id(made.id, "AAPL")
    client.update_watchlist_by_id(made.id, requests.UpdateWatchlistRequest(name="ours"))
    assert [one.name for one in client.get_watchlists()] == ["ours"]
    client.delete_watchlist_by_id(made.id)
    assert refused(client.get_watchlist_by_id, made.id)[0] == 404
    assert client.get_option_contracts(requests.GetOptionContractsRequest()).option_contracts == []
    assert refused(client.exercise_options_position, "AAPL240920C00100000")[0] == 404
    code, announced = trader.raw("GET", "/corporate_actions/announcements", ca_types="dividend")
    assert (code, announced) == (200, [])
