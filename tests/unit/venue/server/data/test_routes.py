"""What the rooms of market data answer to any request at all."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.venue_past import FRIDAY, MINUTE, OPEN, HandMade, floor_of, instant

from fanfold.alpaca.wire.instants import instant_text
from fanfold.venue.market.history.past import Action
from fanfold.venue.server.data import routes

NOW = instant(FRIDAY + 28, OPEN + 30 * MINUTE)
START = instant_text(instant(FRIDAY, 0))
DATA_KEYS = frozenset(
    ("bar", "bars", "quote", "quotes", "trade", "trades", "orderbooks", "snapshots")
)
TIMEFRAMES = ("1Min", "7Min", "59Min", "1Hour", "23Hour", "1Day", "1Week", "1Month", "12Month")
ACTED = {"AAPL": (Action(ex_day=FRIDAY + 3, split=2.0), Action(ex_day=FRIDAY + 4, dividend=1.0))}


class Venue:
    """Rooms of market data that can be asked without await."""

    def __init__(self, plan: str) -> None:
        self.market = HandMade(now=NOW, acted=ACTED)
        self.routes = routes(floor_of(self.market, plan))
        self._loop = asyncio.new_event_loop()
        app = web.Application()
        app.add_routes(self.routes)
        self._client = self._loop.run_until_complete(self._started(app))

    def get(self, path: str, **params: Any) -> tuple[int, Any]:
        """Status and body of an answer."""
        return self._loop.run_until_complete(self._get(path, params))

    def close(self) -> None:
        self._loop.run_until_complete(self._client.close())
        self._loop.close()

    async def _started(self, app: web.Application) -> Any:
        client = TestClient(TestServer(app))
        await client.start_server()
        return client

    async def _get(self, path: str, params: dict[str, Any]) -> tuple[int, Any]:
        async with self._client.get(path, params=params) as response:
            return response.status, await response.json()


@pytest.fixture(scope="module")
def venue() -> Iterator[Venue]:
    found = Venue("plus")
    yield found
    found.close()


@pytest.fixture(scope="module")
def basic() -> Iterator[Venue]:
    found = Venue("basic")
    yield found
    found.close()


def pages(venue: Venue, path: str, key: str, **params: Any) -> list[tuple[str, Any]]:
    """Points of all pages in their order, with their symbols."""
    found: list[tuple[str, Any]] = []
    for _ in range(1_000):
        status, body = venue.get(path, **params)
        assert status == 200, body
        points = [(symbol, point) for symbol, some in body[key].items() for point in some]
        assert len(points) <= params["limit"]
        found += points
        if body["next_page_token"] is None:
            return found
        assert len(points) == params["limit"]
        params["page_token"] = body["next_page_token"]
    raise AssertionError("the pages must end")


@pytest.mark.parametrize("timeframe", TIMEFRAMES)
@pytest.mark.parametrize("sort", ["asc", "desc"])
def test_pages_of_bars_are_one_page_cut(venue: Venue, timeframe: str, sort: str) -> None:
    for path, symbols in (
        ("/v2/stocks/bars", "BRK.B,AAPL,NOPE,AAPL"),
        ("/v1beta3/crypto/us/bars", "BTC/USD"),
    ):
        asked = {"symbols": symbols, "timeframe": timeframe, "start": "2012-01-01", "sort": sort}
        whole = pages(venue, path, "bars", **asked, limit=10_000)
        limit = max(len(whole) // 5, 1)
        assert pages(venue, path, "bars", **asked, limit=limit) == whole
        assert [symbol for symbol, _ in whole] == sorted(symbol for symbol, _ in whole)
        assert len({(symbol, bar["t"]) for symbol, bar in whole}) == len(whole) > 0


@pytest.mark.parametrize("kind", ["trades", "quotes"])
@pytest.mark.parametrize("sort", ["asc", "desc"])
@pytest.mark.parametrize("limit", [1, 3, 4, 7])
def test_pages_of_ticks_are_one_page_cut(venue: Venue, kind: str, sort: str, limit: int) -> None:
    """Also where a page ends among ticks of one instant."""
    end = instant_text(instant(FRIDAY, OPEN + 5 * MINUTE))
    asked = {"symbols": "AAPL,BRK.B", "start": START, "end": end, "sort": sort}
    path = f"/v2/stocks/{kind}"
    whole = pages(venue, path, kind, **asked, limit=10_000)
    assert pages(venue, path, kind, **asked, limit=limit) == whole


def test_a_token_outlives_the_venue_that_gave_it(venue: Venue) -> None:
    asked = {"symbols": "AAPL", "timeframe": "1Day", "start": START, "limit": 2}
    _, first = venue.get("/v2/stocks/bars", **asked)
    other = Venue("plus")
    _, following = other.get("/v2/stocks/bars", **asked, page_token=first["next_page_token"])
    other.close()
    assert [bar["t"][:10] for bar in following["bars"]["AAPL"]] == ["2012-11-06", "2012-11-07"]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({}, "Invalid format for parameter symbols: query parameter 'symbols' is required"),
        ({"symbols": "AAPL1"}, "invalid symbol: AAPL1"),
        ({"symbols": "aapl"}, "invalid symbol: aapl"),
        ({"timeframe": "30Sec"}, "invalid timeframe: 30Sec"),
        ({"limit": "0"}, "invalid limit: 0"),
        ({"limit": "10001"}, "invalid limit: 10001"),
        ({"sort": "up"}, "invalid sort: up"),
        ({"feed": "delayed_sip"}, "invalid feed: delayed_sip"),
        ({"adjustment": "half"}, "invalid adjustment: half"),
        ({"currency": "EUR"}, "invalid currency: EUR"),
        ({"page_token": "abc"}, "invalid page_token"),
        ({"end": "2012-11-01", "start": "2012-11-02"}, "end should not be before start"),
        (
            {"start": "2012-11-02T00:00:00"},
            "Invalid format for parameter start: error parsing '2012-11-02T00:00:00' as RFC3339 "
            "or 2006-01-02 time",
        ),
    ],
)
def test_what_is_wrong_is_refused_in_the_broker_s_words(
    venue: Venue, params: dict[str, str], message: str
) -> None:
    asked = {"symbols": "AAPL", "timeframe": "1Min"} | params if params else {"timeframe": "1Min"}
    assert venue.get("/v2/stocks/bars", **asked) == (400, {"message": message})


def test_coins_are_named_with_a_slash(venue: Venue) -> None:
    status, body = venue.get("/v1beta3/crypto/us/latest/quotes", symbols="BTCUSD")
    assert status == 400
    assert body == {"message": "Invalid symbol(s): BTCUSD does not match ^[A-Z]+/[A-Z]+$"}
    assert venue.get("/v1beta3/crypto/mars/latest/quotes", symbols="BTC/USD")[0] == 400


def test_dates_are_days_at_the_exchange_both_included(venue: Venue) -> None:
    asked = {"symbols": "AAPL", "timeframe": "1Min", "start": "2012-11-02", "end": "2012-11-05"}
    _, body = venue.get("/v2/stocks/bars", **asked)
    assert len(body["bars"]["AAPL"]) == 120


@pytest.mark.parametrize("timeframe", TIMEFRAMES)
@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("0001-01-01", "9999-12-31"),
        ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999999999Z"),
    ],
)
def test_all_of_time_can_be_asked_for(venue: Venue, timeframe: str, start: str, end: str) -> None:
    asked = {"symbols": "AAPL", "timeframe": timeframe, "start": start, "end": end}
    status, body = venue.get("/v2/stocks/bars", **asked)
    assert status == 200 or body["message"].startswith("Invalid format for parameter start")
    status, body = venue.get("/v2/stocks/bars", **asked | {"start": "0002-01-01"})
    assert status == 200
    assert len(body["bars"]["AAPL"]) > 0


def test_the_span_begins_with_the_current_day_if_nobody_says_when(venue: Venue) -> None:
    _, body = venue.get("/v2/stocks/AAPL/bars", timeframe="1Min")
    assert body["symbol"] == "AAPL"
    assert len(body["bars"]) == 30
    assert body["bars"][0]["t"] == "2012-11-30T14:30:00Z"


def test_one_symbol_s_forms_are_flat_and_unknown_ones_are_not_there(venue: Venue) -> None:
    assert set(venue.get("/v2/stocks/AAPL/quotes/latest")[1]) == {"symbol", "quote"}
    assert venue.get("/v2/stocks/AAPL/snapshot")[1]["latestTrade"]["x"] == "V"
    assert venue.get("/v2/stocks/NOPE/snapshot") == (
        404,
        {"message": "no snapshot found for NOPE"},
    )
    assert venue.get("/v2/stocks/NOPE/bars", timeframe="1Day", start=START)[1]["bars"] == []
    assert venue.get("/v2/stocks/snapshots", symbols="NOPE") == (200, {})
    assert venue.get("/v2/stocks/trades/latest", symbols="AAPL", feed="otc")[1] == {"trades": {}}


def test_letters_of_the_tape_are_explained(venue: Venue) -> None:
    _, exchanges = venue.get("/v2/stocks/meta/exchanges")
    _, trades = venue.get("/v2/stocks/trades/latest", symbols="AAPL")
    assert trades["trades"]["AAPL"]["x"] in exchanges
    assert set(trades["trades"]["AAPL"]["c"]) <= set(
        venue.get("/v2/stocks/meta/conditions/trade")[1]
    )


def test_actions_come_page_by_page_and_those_to_come_do_not(venue: Venue) -> None:
    path, asked = "/v1/corporate-actions", {"start": "2012-01-01", "end": "2030-01-01", "limit": 1}
    _, first = venue.get(path, **asked)
    assert list(first["corporate_actions"]) == ["forward_splits"]
    _, second = venue.get(path, **asked, page_token=first["next_page_token"])
    assert list(second["corporate_actions"]) == ["cash_dividends"]
    assert second["next_page_token"] is None
    (told,) = second["corporate_actions"]["cash_dividends"]
    assert venue.get(path, ids=told["id"])[1]["corporate_actions"] == second["corporate_actions"]
    assert venue.get(path, **asked, types="spin_off")[1]["corporate_actions"] == {}
    assert venue.get(path, types="gift")[0] == 400


GARBAGE = st.text(st.characters(exclude_categories=("Cs",)), max_size=30)
NUMBERS = st.integers(-(10**20), 10**20).map(str)
INSTANTS = st.one_of(
    st.datetimes().map(lambda one: one.isoformat() + "Z"),
    st.dates().map(str),
    st.sampled_from([START, "2012-11-02T00:00:00+05:30", "0001-01-01", "9999-12-31", "1e5"]),
)
PARAMS = st.fixed_dictionaries(
    {},
    optional={
        "symbols": st.one_of(st.sampled_from(["AAPL", "AAPL,BRK.B", "BTC/USD", ",", "A"]), GARBAGE),
        "timeframe": st.one_of(st.sampled_from(TIMEFRAMES), GARBAGE),
        "start": st.one_of(INSTANTS, GARBAGE),
        "end": st.one_of(INSTANTS, GARBAGE),
        "limit": st.one_of(st.integers(1, 50).map(str), NUMBERS, GARBAGE),
        "sort": st.one_of(st.sampled_from(["asc", "desc"]), GARBAGE),
        "feed": st.one_of(st.sampled_from(["sip", "iex", "otc", "delayed_sip"]), GARBAGE),
        "adjustment": st.one_of(st.sampled_from(["all", "split,dividend", ","]), GARBAGE),
        "asof": st.one_of(INSTANTS, GARBAGE),
        "page_token": GARBAGE,
        "types": GARBAGE,
        "top": NUMBERS,
        "by": GARBAGE,
        "ids": GARBAGE,
    },
)
SEGMENTS = st.sampled_from(["AAPL", "us", "BTC", "stocks", "crypto", "trade", "%00", "..%2F", "ü"])


@given(data=st.data(), params=PARAMS)
def test_every_request_gets_an_answer_in_the_broker_s_shape(
    venue: Venue, basic: Venue, data: st.DataObject, params: dict[str, str]
) -> None:
    asked = data.draw(st.sampled_from([venue, basic]))
    path = data.draw(st.sampled_from(asked.routes)).path
    for name in ("symbol", "location", "tick_type", "market"):
        path = path.replace(f"{{{name}}}", data.draw(SEGMENTS))
    status, body = asked.get(path, **params)
    assert status in {200, 400, 403, 404}
    assert isinstance(body, dict)
    if status != 200:
        assert set(body) == {"message"}
        assert isinstance(body["message"], str)
    elif path.startswith("/v1beta3/crypto") or path.endswith(("/bars", "/trades", "/quotes")):
        assert len(DATA_KEYS & set(body)) == 1
