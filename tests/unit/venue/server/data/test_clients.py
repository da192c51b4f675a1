"""The broker's own clients ask the venue's rooms of market data."""

import asyncio
import warnings
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from tests.fakes.venue_past import FRIDAY, MINUTE, OPEN, SESSIONS, HandMade, floor_of, instant

from fanfold.venue.market.history.past import Action
from fanfold.venue.market.market import Market
from fanfold.venue.market.replay import Replay
from fanfold.venue.server.data import routes

with warnings.catch_warnings():  # its websockets are of yesterday
    warnings.simplefilter("ignore", DeprecationWarning)
    from alpaca.common.exceptions import APIError
    from alpaca.data.enums import Adjustment, DataFeed, MostActivesBy
    from alpaca.data.historical import CryptoHistoricalDataClient, StockHistoricalDataClient
    from alpaca.data.historical.corporate_actions import CorporateActionsClient
    from alpaca.data.historical.news import NewsClient
    from alpaca.data.historical.screener import ScreenerClient
    from alpaca.data.requests import (
        CorporateActionsRequest,
        CryptoBarsRequest,
        CryptoLatestOrderbookRequest,
        CryptoSnapshotRequest,
        CryptoTradesRequest,
        MarketMoversRequest,
        MostActivesRequest,
        NewsRequest,
        StockBarsRequest,
        StockLatestBarRequest,
        StockLatestQuoteRequest,
        StockLatestTradeRequest,
        StockQuotesRequest,
        StockSnapshotRequest,
        StockTradesRequest,
    )
    from alpaca.data.timeframe import TimeFrame, TimeFrameUnit

NOW = instant(FRIDAY + 5, OPEN + 30 * MINUTE)
SYMBOLS = ["AAPL", "BRK.B", "NOPE"]


def utc(ts: int) -> datetime:
    return datetime.fromtimestamp(ts // 1_000_000_000, UTC)


def asked(ask: Callable[[str], Any], market: Any = None, plan: str = "plus") -> Any:
    """What a blocking client gets from a server with the rooms of market data."""

    async def serve() -> Any:
        app = web.Application()
        app.add_routes(routes(floor_of(market or HandMade(now=NOW), plan)))
        async with TestServer(app) as server:
            return await asyncio.to_thread(ask, str(server.make_url("")).rstrip("/"))

    return asyncio.run(serve())


def shares(url: str, *, raw: bool = False) -> StockHistoricalDataClient:
    return StockHistoricalDataClient("k", "s", raw_data=raw, url_override=url)


def coins(url: str, *, raw: bool = False) -> CryptoHistoricalDataClient:
    return CryptoHistoricalDataClient(raw_data=raw, url_override=url)


def test_bars_of_shares_are_those_of_the_market() -> None:
    request = StockBarsRequest(
        symbol_or_symbols=SYMBOLS,
        timeframe=TimeFrame.Minute,
        start=utc(instant(FRIDAY, 0)),
        end=utc(NOW),
    )
    found = asked(lambda url: shares(url).get_stock_bars(request))
    assert {symbol: len(bars) for symbol, bars in found.data.items()} == {
        "AAPL": 3 * 60 + 30,
        "BRK.B": 3 * 60 + 30,
    }
    first, made = found["AAPL"][0], HandMade().minutes("AAPL", FRIDAY)
    assert first.timestamp == utc(int(made.start[0]))
    assert (first.open, first.vwap) == (made.open[0], made.vwap[0])
    assert (first.volume, first.trade_count) == (10, 4)


def test_raw_bars_come_with_the_broker_s_keys() -> None:
    request = StockBarsRequest(
        symbol_or_symbols="AAPL", timeframe=TimeFrame.Day, start=utc(instant(FRIDAY, 0)), limit=2
    )
    found = asked(lambda url: shares(url, raw=True).get_stock_bars(request))
    assert [bar["t"] for bar in found["AAPL"]] == ["2012-11-02T04:00:00Z", "2012-11-05T05:00:00Z"]
    assert set(found["AAPL"][0]) == set("cholntv") | {"vw"}


def test_a_client_s_limit_goes_over_several_symbols() -> None:
    request = StockBarsRequest(
        symbol_or_symbols=SYMBOLS,
        timeframe=TimeFrame.Minute,
        start=utc(instant(FRIDAY, 0)),
        limit=220,
    )
    found = asked(lambda url: shares(url).get_stock_bars(request))
    assert [len(found["AAPL"]), len(found["BRK.B"])] == [210, 10]


def test_trades_and_quotes_of_shares_have_all_that_the_models_need() -> None:
    when = {"start": utc(instant(FRIDAY, 0)), "end": utc(instant(FRIDAY, OPEN + MINUTE))}

    def ask(url: str) -> Any:
        client = shares(url)
        return (
            client.get_stock_trades(StockTradesRequest(symbol_or_symbols="AAPL", **when)),
            client.get_stock_quotes(StockQuotesRequest(symbol_or_symbols="AAPL", **when)),
        )

    trades, quotes = asked(ask)
    assert len(trades["AAPL"]) == 6
    assert (trades["AAPL"][0].exchange, trades["AAPL"][0].tape) == ("V", "C")
    assert [quote.ask_price for quote in quotes["AAPL"]] == [100.01, 0.0]


def test_what_is_latest_and_snapshots_of_shares_are_there() -> None:
    def ask(url: str) -> Any:
        client = shares(url)
        return (
            client.get_stock_latest_trade(StockLatestTradeRequest(symbol_or_symbols=SYMBOLS)),
            client.get_stock_latest_quote(StockLatestQuoteRequest(symbol_or_symbols=SYMBOLS)),
            client.get_stock_latest_bar(StockLatestBarRequest(symbol_or_symbols=SYMBOLS)),
            client.get_stock_snapshot(StockSnapshotRequest(symbol_or_symbols=SYMBOLS)),
        )

    trade, quote, bar, snapshot = asked(ask)
    assert set(trade) == set(quote) == set(bar) == set(snapshot) == {"AAPL", "BRK.B"}
    assert bar["AAPL"].timestamp == utc(NOW - MINUTE)
    assert quote["AAPL"].timestamp == utc(NOW)
    whole = snapshot["AAPL"]
    assert whole.minute_bar == bar["AAPL"]
    assert whole.daily_bar.timestamp == utc(instant(FRIDAY + 5, 0))
    assert whole.previous_daily_bar.timestamp == utc(instant(FRIDAY + 4, 0))


def test_the_delayed_feed_is_a_quarter_of_an_hour_old() -> None:
    request = StockLatestBarRequest(symbol_or_symbols="AAPL", feed=DataFeed.DELAYED_SIP)
    trades = StockLatestTradeRequest(symbol_or_symbols="AAPL", feed=DataFeed.DELAYED_SIP)
    bar, trade = asked(
        lambda url: (
            shares(url).get_stock_latest_bar(request),
            shares(url).get_stock_latest_trade(trades),
        )
    )
    assert bar["AAPL"].timestamp == utc(NOW - 16 * MINUTE)
    assert trade["AAPL"].timestamp == utc(NOW - 15 * MINUTE)


@pytest.mark.parametrize("raw", [False, True])
def test_coins_need_no_keys(raw: bool) -> None:  # noqa: FBT001
    market = HandMade(now=instant(FRIDAY + 1, 0, "UTC"))
    day = CryptoBarsRequest(
        symbol_or_symbols=["BTC/USD"],
        timeframe=TimeFrame(1, TimeFrameUnit.Day),
        start=utc(instant(FRIDAY, 0, "UTC")),
    )
    trades = CryptoTradesRequest(
        symbol_or_symbols="BTC/USD", start=utc(instant(FRIDAY, 0, "UTC")), limit=12_000
    )

    def ask(url: str) -> Any:
        client = coins(url, raw=raw)
        return (
            client.get_crypto_bars(day),
            client.get_crypto_trades(trades),
            client.get_crypto_latest_orderbook(
                CryptoLatestOrderbookRequest(symbol_or_symbols="BTC/USD")
            ),
            client.get_crypto_snapshot(CryptoSnapshotRequest(symbol_or_symbols="BTC/USD")),
        )

    bars, found, book, snapshot = asked(ask, market)
    assert len(bars["BTC/USD"]) == 1
    assert len(found["BTC/USD"]) == 5 * 24 * 60 + 1  # and the one at this instant
    if raw:
        assert bars["BTC/USD"][0]["t"] == "2012-11-02T00:00:00Z"
        assert book["BTC/USD"]["b"][0] == {"p": 99.5, "s": 1.25}
    else:
        assert book["BTC/USD"].bids[0].size == 1.25
        assert snapshot["BTC/USD"].daily_bar.close == bars["BTC/USD"][0].close


def test_the_basic_plan_has_no_recent_data_of_all_exchanges() -> None:
    def ask(url: str) -> list[Any]:
        client = shares(url)
        recent = {"symbol_or_symbols": "AAPL", "timeframe": TimeFrame.Minute, "end": utc(NOW)}
        old = recent | {"end": utc(NOW - 15 * MINUTE)}
        refused: list[Any] = []
        for call in (
            lambda: client.get_stock_bars(StockBarsRequest(**recent)),
            lambda: client.get_stock_latest_trade(
                StockLatestTradeRequest(symbol_or_symbols="AAPL", feed=DataFeed.SIP)
            ),
        ):
            with pytest.raises(APIError) as error:
                call()
            refused.append((error.value.status_code, error.value.message))
        return [
            refused,
            len(client.get_stock_bars(StockBarsRequest(**recent, feed=DataFeed.IEX))["AAPL"]),
            len(client.get_stock_bars(StockBarsRequest(**old))["AAPL"]),
            len(client.get_stock_bars(StockBarsRequest(**recent | {"end": None}))["AAPL"]),
            len(client.get_stock_latest_trade(StockLatestTradeRequest(symbol_or_symbols="AAPL"))),
        ]

    refused, iex, old, without_end, latest = asked(ask, plan="basic")
    assert refused == [(403, "subscription does not permit querying recent SIP data")] * 2
    assert (iex, old, without_end, latest) == (30, 16, 16, 1)


def test_splits_and_dividends_are_told_and_adjusted_for() -> None:
    acted = {"AAPL": (Action(ex_day=SESSIONS[1], split=1.5, dividend=0.5), Action(ex_day=99_999))}
    market = HandMade(now=NOW, acted=acted)
    bars = StockBarsRequest(
        symbol_or_symbols="AAPL",
        timeframe=TimeFrame.Day,
        start=utc(instant(FRIDAY, 0)),
        adjustment=Adjustment.SPLIT,
    )
    actions = CorporateActionsRequest(start=date(2012, 11, 1), end=date(2030, 1, 1))

    def ask(url: str) -> Any:
        client = CorporateActionsClient("k", "s", url_override=url)
        return shares(url).get_stock_bars(bars), client.get_corporate_actions(actions)

    found, told = asked(ask, market)
    raw = HandMade().daily("AAPL", FRIDAY)
    assert found["AAPL"][0].close == pytest.approx(raw.close[-1] / 1.5, abs=1e-4)
    (split,), (dividend,) = told.data["forward_splits"], told.data["cash_dividends"]
    assert (split.new_rate, split.old_rate, split.ex_date) == (3.0, 2.0, date(2012, 11, 5))
    assert (dividend.symbol, dividend.rate) == ("AAPL", 0.5)


def test_news_are_none_and_screeners_list_what_is_there() -> None:
    def ask(url: str) -> Any:
        screener = ScreenerClient("k", "s", url_override=url)
        return (
            NewsClient("k", "s", url_override=url).get_news(NewsRequest(symbols="AAPL")),
            screener.get_most_actives(MostActivesRequest(by=MostActivesBy.VOLUME, top=1)),
            screener.get_market_movers(MarketMoversRequest()),
        )

    news, actives, movers = asked(ask)
    assert news.data == {"news": []}
    assert [one.symbol for one in actives.most_actives] == ["AAPL"]
    assert {one.symbol for one in movers.gainers} == {"AAPL", "BRK.B"}
    assert movers.losers == []


def test_on_the_sample_clients_see_what_is_on_the_board_and_nothing_later() -> None:
    market = Market.opened(Replay(symbols=("AAPL", "MSFT"), start="2012-11-01", end="2012-11-06"))
    market.seek(instant(FRIDAY + 3, OPEN + 100 * MINUTE + 1))
    when = {"symbol_or_symbols": ["AAPL", "MSFT"], "start": utc(instant(FRIDAY - 1, 0))}

    today = {"symbol_or_symbols": "AAPL"}

    def ask(url: str) -> Any:
        client = shares(url)
        return (
            client.get_stock_bars(StockBarsRequest(**when, timeframe=TimeFrame.Minute)),
            client.get_stock_bars(StockBarsRequest(**when, timeframe=TimeFrame.Day)),
            client.get_stock_trades(StockTradesRequest(**today)),
            client.get_stock_quotes(StockQuotesRequest(**today)),
            client.get_stock_snapshot(StockSnapshotRequest(symbol_or_symbols="AAPL"))["AAPL"],
        )

    minutes, days, trades, quotes, snapshot = asked(ask, market)
    minute, day, trade = market.minute_bar("AAPL"), market.day_bar("AAPL"), market.trade("AAPL")
    assert minute is not None
    assert day is not None
    assert trade is not None
    assert [len(bars) for bars in minutes.data.values()] == [2 * 390 + 100] * 2
    assert [len(bars) for bars in days.data.values()] == [3, 3]
    assert (minutes["AAPL"][-1].close, minutes["AAPL"][-1].vwap) == (minute.close, minute.vwap)
    assert (days["AAPL"][-1].volume, days["AAPL"][-1].vwap) == (day.volume, day.vwap)
    assert (trades["AAPL"][-1].price, trades["AAPL"][-1].id) == (trade.price, trade.number)
    assert snapshot.latest_trade == trades["AAPL"][-1]
    assert snapshot.latest_quote == quotes["AAPL"][-1]
    assert (snapshot.minute_bar, snapshot.daily_bar) == (minutes["AAPL"][-1], days["AAPL"][-1])
    assert snapshot.previous_daily_bar == days["AAPL"][-2]
