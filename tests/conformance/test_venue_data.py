"""All of shares' market data over REST: by alpaca-py's clients, and held against the streams."""

from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.venue_data import asked, crypto, frame, stocks
from tests.fakes.venue_process import KEY, SECRET, Venue, library, running
from tests.fakes.venue_wire import line

BEGIN = "2012-03-01T14:31:00Z"
DAY = datetime(2012, 3, 1, tzinfo=UTC)
SYMBOLS = ["AAPL", "IBM"]
BAR = ("t", "o", "h", "l", "c", "v", "n", "vw")


@pytest.fixture(scope="module")
def venue(tmp_path_factory: pytest.TempPathFactory) -> Generator[Venue]:
    folder: Path = tmp_path_factory.mktemp("venue")
    with running(
        folder,
        *("--port", "0", "--replay", "sample", "--begin", BEGIN, "--speed", "0"),
        *("--set", "replay.late_share=0.3", "--set", "requests_per_minute=1000000"),
        *("--journal", str(folder / "venue.db")),
    ) as started:
        yield started


def raw(venue: Venue, path: str, **params: Any) -> Any:
    answer = venue.session.get(f"{venue.rest_url}{path}", params=params, timeout=30)
    assert answer.status_code == 200, answer.text
    return answer.json()


def pages(venue: Venue, path: str, kind: str, **params: Any) -> tuple[dict[str, list[Any]], int]:
    """All points of a request, page by page, and how many pages there were."""
    found: dict[str, list[Any]] = {}
    token, count = None, 0
    while count == 0 or token is not None:
        given = params if token is None else {**params, "page_token": token}
        content = raw(venue, path, **given)
        assert set(content) == {kind, "next_page_token"}
        assert sum(map(len, content[kind].values())) <= int(params["limit"])
        for symbol, points in content[kind].items():
            found.setdefault(symbol, []).extend(points)
        token, count = content["next_page_token"], count + 1
    return found, count


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("1Min", datetime(2012, 2, 29, 14, 30, tzinfo=UTC)),
        ("5Min", datetime(2012, 2, 29, 14, 30, tzinfo=UTC)),
        ("1Hour", datetime(2012, 2, 29, 14, tzinfo=UTC)),
        ("1Day", datetime(2012, 2, 29, 5, tzinfo=UTC)),
        ("1Week", datetime(2012, 2, 27, 5, tzinfo=UTC)),
        ("1Month", datetime(2012, 2, 1, 5, tzinfo=UTC)),
    ],
)
def test_bars_of_all_lengths_begin_where_the_broker_s_do(
    venue: Venue, text: str, first: datetime
) -> None:
    found = stocks(venue).get_stock_bars(
        asked("StockBarsRequest", symbol_or_symbols=SYMBOLS, timeframe=frame(text), start=first)
    )
    assert list(found.data) == SYMBOLS
    for bars in found.data.values():
        assert bars[0].timestamp == first
        assert all(one.timestamp < two.timestamp for one, two in pairwise(bars))
        assert all(bar.low <= min(bar.open, bar.close) for bar in bars)
        assert all(bar.high >= max(bar.open, bar.close) for bar in bars)
        assert all(bar.low <= bar.vwap <= bar.high and bar.trade_count > 0 for bar in bars)


@pytest.mark.parametrize("adjustment", ["raw", "split", "dividend", "all"])
@pytest.mark.parametrize("feed", ["sip", "iex"])
def test_bars_come_with_every_adjustment_and_feed(venue: Venue, adjustment: str, feed: str) -> None:
    request = asked(
        "StockBarsRequest",
        symbol_or_symbols="AAPL",
        timeframe=frame("1Day"),
        start=DAY - timedelta(days=30),
        adjustment=adjustment,
        feed=feed,
        asof="2012-02-01",
        currency="USD",
    )
    bars = stocks(venue).get_stock_bars(request)["AAPL"]
    assert len(bars) > 15
    assert bars[-1].timestamp == DAY.replace(hour=5)


@pytest.mark.parametrize("sort", ["asc", "desc"])
@pytest.mark.parametrize("kind", ["bars", "trades", "quotes"])
def test_pages_of_any_size_hold_the_same_points(venue: Venue, kind: str, sort: str) -> None:
    params = {
        "symbols": "IBM,AAPL",
        "start": "2012-02-29T20:45:00Z",
        "end": "2012-03-01T14:31:00Z",
        "sort": sort,
        **({"timeframe": "1Min"} if kind == "bars" else {}),
    }
    path = f"/v2/stocks/{kind}"
    whole, one = pages(venue, path, kind, limit=10_000, **params)
    small, many = pages(venue, path, kind, limit=7, **params)
    assert (one, list(small)) == (1, SYMBOLS)
    assert small == whole
    points = sum(map(len, whole.values()))
    assert many == -(-points // 7)
    for given in whole.values():
        times = [point["t"] for point in given]
        assert times == sorted(times, reverse=sort == "desc")


def test_the_client_s_limit_and_its_paging_are_kept(venue: Venue) -> None:
    client = stocks(venue)
    for limit in (3, 1_500):
        request = asked(
            "StockQuotesRequest",
            symbol_or_symbols=SYMBOLS,
            start=DAY - timedelta(days=2),
            limit=limit,
        )
        assert len(client.get_stock_quotes(request)["AAPL"]) == limit
    unlimited = asked(
        "StockTradesRequest", symbol_or_symbols="AAPL", start=DAY - timedelta(days=12)
    )
    trades = client.get_stock_trades(unlimited)["AAPL"]  # more than a page of 10,000
    assert len(trades) > 10_000
    assert len({trade.id for trade in trades}) == len(trades)
    assert {trade.exchange for trade in trades} == {"V"}
    assert {tuple(trade.conditions) for trade in trades} == {("@",), ("@", "O"), ("@", "6")}


def test_what_is_latest_is_the_end_of_what_is_past(venue: Venue) -> None:
    client, since = stocks(venue), DAY
    when = {"symbol_or_symbols": SYMBOLS, "start": since}
    bars = client.get_stock_bars(asked("StockBarsRequest", timeframe=frame("1Min"), **when))
    days = client.get_stock_bars(
        asked(
            "StockBarsRequest",
            symbol_or_symbols=SYMBOLS,
            timeframe=frame("1Day"),
            start=DAY - timedelta(days=7),
        )
    )
    trades = client.get_stock_trades(asked("StockTradesRequest", **when))
    quotes = client.get_stock_quotes(asked("StockQuotesRequest", **when))
    latest = {"symbol_or_symbols": [*SYMBOLS, "NOPE"]}
    bar = client.get_stock_latest_bar(asked("StockLatestBarRequest", **latest))
    trade = client.get_stock_latest_trade(asked("StockLatestTradeRequest", **latest))
    quote = client.get_stock_latest_quote(asked("StockLatestQuoteRequest", **latest))
    snapshot = client.get_stock_snapshot(asked("StockSnapshotRequest", **latest))
    for found in (bar, trade, quote, snapshot):
        assert sorted(found) == SYMBOLS
    for symbol in SYMBOLS:
        assert bar[symbol] == bars[symbol][-1] == snapshot[symbol].minute_bar
        assert trade[symbol] == trades[symbol][-1] == snapshot[symbol].latest_trade
        assert quote[symbol] == quotes[symbol][-1] == snapshot[symbol].latest_quote
        assert snapshot[symbol].daily_bar == days[symbol][-1]
        assert snapshot[symbol].previous_daily_bar == days[symbol][-2]
        assert quote[symbol].bid_price < quote[symbol].ask_price


@pytest.mark.parametrize(
    ("path", "params", "status", "words"),
    [
        ("/v2/stocks/bars", {"symbols": "AAPL"}, 400, "timeframe"),
        ("/v2/stocks/bars", {"symbols": "AAPL", "timeframe": "60Min"}, 400, "invalid timeframe"),
        ("/v2/stocks/bars", {"timeframe": "1Min"}, 400, "symbols"),
        ("/v2/stocks/trades", {"symbols": "AAPL", "limit": "10001"}, 400, "invalid limit"),
        ("/v2/stocks/trades", {"symbols": "AAPL", "limit": "0"}, 400, "invalid limit"),
        ("/v2/stocks/quotes", {"symbols": "A%PL"}, 400, "invalid symbol"),
        ("/v2/stocks/quotes", {"symbols": "AAPL", "start": "soon"}, 400, "start"),
        ("/v2/stocks/quotes", {"symbols": "AAPL", "page_token": "x"}, 400, "page_token"),
        ("/v2/stocks/quotes", {"symbols": "AAPL", "sort": "up"}, 400, "invalid sort"),
        ("/v2/stocks/trades", {"symbols": "AAPL", "feed": "nope"}, 400, "invalid feed"),
        ("/v2/stocks/trades", {"symbols": "AAPL", "end": "2012-02-01"}, 400, "end"),
        ("/v1beta3/crypto/mars/bars", {"symbols": "BTC/USD"}, 400, "location"),
        ("/v1beta3/crypto/us/trades", {"symbols": "AAPL"}, 400, "symbol"),
        ("/v2/stocks/nothing", {}, 404, "not found"),
    ],
)
def test_wrong_requests_are_refused_in_the_broker_s_form(
    venue: Venue, path: str, params: dict[str, str], status: int, words: str
) -> None:
    answer = venue.session.get(f"{venue.rest_url}{path}", params=params, timeout=30)
    assert answer.status_code == status
    assert words in answer.json()["message"]


def test_keys_are_needed_for_shares_alone(venue: Venue) -> None:
    errors = library("alpaca.common.exceptions")
    made = library("alpaca.data.historical").StockHistoricalDataClient
    wrong = made(KEY, "wrong", url_override=venue.rest_url)
    with pytest.raises(errors.APIError) as caught:
        wrong.get_stock_latest_bar(asked("StockLatestBarRequest", symbol_or_symbols="AAPL"))
    assert caught.value.status_code == 401
    by_basic = made(KEY, SECRET, url_override=venue.rest_url, use_basic_auth=True)
    assert by_basic.get_stock_latest_bar(asked("StockLatestBarRequest", symbol_or_symbols="AAPL"))
    request = asked("CryptoBarsRequest", symbol_or_symbols="BTC/USD", timeframe=frame("1Day"))
    assert crypto(venue).get_crypto_bars(request).data == {}


def test_lists_beside_prices_are_served(venue: Venue) -> None:
    made = {"api_key": KEY, "secret_key": SECRET, "url_override": venue.rest_url}
    screener = library("alpaca.data.historical.screener").ScreenerClient(**made)
    active = screener.get_most_actives(asked("MostActivesRequest", top=3, by="trades"))
    assert len(active.most_actives) == 3
    movers = screener.get_market_movers(asked("MarketMoversRequest", top=2))
    assert all(one.change > 0 for one in movers.gainers)
    assert all(one.change < 0 for one in movers.losers)
    news = library("alpaca.data.historical.news").NewsClient(**made)
    assert news.get_news(asked("NewsRequest", symbols="AAPL")).data == {"news": []}
    actions = library("alpaca.data.historical.corporate_actions").CorporateActionsClient(**made)
    found = actions.get_corporate_actions(
        asked("CorporateActionsRequest", start=DAY.date().replace(year=2000), end=DAY.date())
    )
    assert all(one.ex_date <= DAY.date() for some in found.data.values() for one in some)


def nothing_is_ahead(venue: Venue) -> None:
    """Whatever is asked for, all of it has happened."""
    now = venue.control("clock")["now"]
    far = {"symbols": "AAPL,IBM", "start": "2012-03-01", "end": "2012-03-10", "limit": 10_000}
    for kind in ("trades", "quotes"):
        for points in raw(venue, f"/v2/stocks/{kind}", **far, sort="desc")[kind].values():
            assert points[0]["t"] <= now
    for symbol in SYMBOLS:
        trades = pages(venue, "/v2/stocks/trades", "trades", **{**far, "symbols": symbol})[0]
        prices = [point["p"] for point in trades[symbol]]
        for length in ("1Min", "1Hour", "1Day", "1Week", "1Month"):
            bars = raw(venue, "/v2/stocks/bars", **far, timeframe=length, sort="desc")["bars"]
            newest = bars.get(symbol, [{"t": "", "h": 0.0}])[0]
            assert newest["t"] <= now
            assert newest["h"] <= max(prices) or length in {"1Week", "1Month"}


def test_the_past_is_what_was_streamed_over_a_close_and_an_open(venue: Venue) -> None:
    channels = dict.fromkeys(("trades", "quotes", "bars", "updatedBars", "dailyBars"), SYMBOLS)
    first = {"trades": "t", "quotes": "q"}
    venue.until("2012-03-01T20:30:00Z")
    began = venue.control("clock")["now"]
    heard: list[Any] = []
    with line(venue.market_data_url) as client:
        client.ask({"action": "subscribe", **channels, "statuses": ["AAPL"]})
        for instant in (
            "2012-03-01T20:45:10Z",
            "2012-03-01T21:00:00Z",
            "2012-03-01T21:05:00Z",
            "2012-03-02T14:30:00Z",
            "2012-03-02T14:30:30Z",
            "2012-03-02T14:45:45Z",
        ):
            venue.until(instant)
            mark = client.ask({"action": "subscribe"})  # what was sent has come before
            while mark[0]["T"] != "subscription":
                heard += mark
                mark = client.hear()
            nothing_is_ahead(venue)
            for symbol in SYMBOLS:
                compare_bars(venue, symbol, heard, began)
    span = {"start": began, "limit": 10_000, "symbols": "AAPL,IBM"}
    for kind, letter in first.items():
        past, _ = pages(venue, f"/v2/stocks/{kind}", kind, **span)
        for symbol in SYMBOLS:
            streamed = [plain(one) for one in heard if (one["T"], one["S"]) == (letter, symbol)]
            assert [one for one in past[symbol] if one["t"] > began] == streamed
            assert {"O", "6"} <= {c for one in streamed for c in one["c"]} or letter == "q"


def plain(message: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in message.items() if name not in {"T", "S"}}


def compare_bars(venue: Venue, symbol: str, heard: list[Any], began: str) -> None:
    for kinds, length in (("bu", "1Min"), ("d", "1Day")):
        streamed: dict[str, Any] = {}
        for one in heard:
            if one["T"] in kinds and one["S"] == symbol:
                streamed[one["t"]] = {name: one[name] for name in BAR}
        past = raw(
            venue,
            "/v2/stocks/bars",
            symbols=symbol,
            timeframe=length,
            start=began[:10],
            limit=9_000,
        )["bars"][symbol]
        told = {bar["t"]: bar for bar in past}
        assert streamed
        assert {name: told.get(name) for name in streamed} == streamed
        if length == "1Min":
            since = {name for name in streamed if name >= began}
            assert {name for name in told if name >= began} == since
