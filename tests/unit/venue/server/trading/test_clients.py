"""Every method of alpaca-py's client for trading, in a thread, as its users call it."""

import asyncio
import warnings
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest
from tests.fakes.venue_rest import OWN, Rest, served

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # its WebSocket library's own
    from alpaca.common.exceptions import APIError
    from alpaca.trading import enums, requests
    from alpaca.trading.client import TradingClient

BUY, SELL = enums.OrderSide.BUY, enums.OrderSide.SELL
DAY, GTC = enums.TimeInForce.DAY, enums.TimeInForce.GTC


def as_client(work: Callable[[Any], Any]) -> None:
    """Let a client work against a served floor, in a thread of its own."""

    async def serve(rest: Rest) -> None:
        client = TradingClient(*OWN.values(), url_override=rest.url)
        client._session.trust_env = False
        try:
            await asyncio.to_thread(work, client)
        finally:
            client._session.close()

    served(serve)


def limit(symbol: str = "AAPL", price: float = 90.0, **what: Any) -> Any:
    fields = {"symbol": symbol, "qty": 2, "side": BUY, "time_in_force": DAY, "limit_price": price}
    return requests.LimitOrderRequest(**{**fields, **what})


def market(symbol: str = "AAPL", qty: float = 2.0, **what: Any) -> Any:
    fields = {"symbol": symbol, "qty": qty, "side": BUY, "time_in_force": DAY}
    return requests.MarketOrderRequest(**{**fields, **what})


def test_orders() -> None:
    def work(client: Any) -> None:
        order = client.submit_order(limit(client_order_id="mine"))
        assert (order.status, order.order_class) == ("pending_new", enums.OrderClass.SIMPLE)
        assert client.get_order_by_id(order.id).status == "new"
        assert client.get_order_by_client_id("mine").id == order.id
        change = requests.ReplaceOrderRequest(qty=3, limit_price=91.0)
        successor = client.replace_order_by_id(order.id, change)
        assert successor.replaces == order.id
        client.cancel_order_by_id(successor.id)
        bracket = limit(
            order_class=enums.OrderClass.BRACKET,
            take_profit=requests.TakeProfitRequest(limit_price=120.0),
            stop_loss=requests.StopLossRequest(stop_price=80.0),
        )
        client.submit_order(bracket)
        asked = requests.GetOrdersRequest(
            status=enums.QueryOrderStatus.ALL,
            nested=True,
            symbols=["AAPL", "MSFT"],
            after=datetime(2026, 6, 9, tzinfo=UTC),
            direction="asc",
        )
        found = client.get_orders(asked)
        assert [len(one.legs or ()) for one in found] == [0, 0, 2]
        assert {one.status for one in client.cancel_orders()} == {200}
        assert client.get_orders() == []
        with pytest.raises(APIError) as refused:
            client.submit_order(limit(client_order_id="mine"))
        assert (refused.value.status_code, refused.value.code) == (422, 40010001)

    as_client(work)


def test_positions() -> None:
    def work(client: Any) -> None:
        client.submit_order(market(qty=3.0))
        client.submit_order(market("BTC/USD", 0.5, time_in_force=GTC))
        coin = client.get_open_position("BTC/USD")
        assert coin.symbol == "BTCUSD"
        assert client.get_open_position(coin.asset_id) == coin
        assert [one.symbol for one in client.get_all_positions()] == ["AAPL", "BTCUSD"]
        part = requests.ClosePositionRequest(percentage="50")
        assert client.close_position("BTC/USD", part).side == SELL
        done = client.close_all_positions(cancel_orders=True)
        assert {(one.status, one.symbol) for one in done} == {(200, "AAPL"), (200, "BTCUSD")}
        assert client.get_all_positions() == []
        with pytest.raises(APIError) as refused:
            client.get_open_position("AAPL")
        assert refused.value.code == 40410000
        with pytest.raises(APIError):
            client.exercise_options_position("AAPL")

    as_client(work)


def test_the_account() -> None:
    def work(client: Any) -> None:
        account = client.get_account()
        assert (account.status, account.cash) == (enums.AccountStatus.ACTIVE, "100000")
        settings = client.get_account_configurations()
        settings.no_shorting = True
        assert client.set_account_configurations(settings).no_shorting
        history = client.get_portfolio_history(
            requests.GetPortfolioHistoryRequest(period="1D", timeframe="1Min")
        )
        assert history.equity == [100_000.0]
        client.submit_order(market())
        (fill,) = client.get("/account/activities", {"activity_types": "FILL"})
        assert fill["qty"] == "2"

    as_client(work)


def test_assets_clock_and_calendar() -> None:
    def work(client: Any) -> None:
        coins = client.get_all_assets(
            requests.GetAssetsRequest(
                asset_class=enums.AssetClass.CRYPTO, status=enums.AssetStatus.ACTIVE
            )
        )
        assert [one.symbol for one in coins] == ["BTC/USD", "ETH/USD"]
        assert client.get_asset("BTC/USD").id == coins[0].id
        assert client.get_asset(coins[0].id).symbol == "BTC/USD"
        assert client.get_clock().is_open
        day = date(2026, 6, 9)
        (row,) = client.get_calendar(requests.GetCalendarRequest(start=day, end=day))
        assert (row.open.hour, row.close.hour) == (9, 16)
        asked = requests.GetOptionContractsRequest(underlying_symbols=["AAPL"])
        assert client.get_option_contracts(asked).option_contracts == []
        announcements = requests.GetCorporateAnnouncementsRequest(
            ca_types=[enums.CorporateActionType.DIVIDEND], since=day, until=day
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            assert client.get_corporate_announcements(announcements) == []
            for missing in (client.get_option_contract, client.get_corporate_announcement_by_id):
                with pytest.raises(APIError):
                    missing("11111111-1111-4111-8111-111111111111")

    as_client(work)


def test_watchlists() -> None:
    def work(client: Any) -> None:
        made = client.create_watchlist(
            requests.CreateWatchlistRequest(name="mine", symbols=["AAPL"])
        )
        client.add_asset_to_watchlist_by_id(made.id, "MSFT")
        client.remove_asset_from_watchlist_by_id(made.id, "AAPL")
        client.update_watchlist_by_id(made.id, requests.UpdateWatchlistRequest(name="new"))
        found = client.get_watchlist_by_id(made.id)
        assert (found.name, [one.symbol for one in found.assets]) == ("new", ["MSFT"])
        assert len(client.get_watchlists()) == 1
        client.delete_watchlist_by_id(made.id)
        assert client.get_watchlists() == []

    as_client(work)
