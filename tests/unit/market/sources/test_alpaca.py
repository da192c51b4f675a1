"""What Alpaca alone does; what all sources do is in the conformance suite."""

import pickle
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.fakes.alpaca_server import AlpacaServer, alpaca_server

from fanfold.alpaca import Credentials, Secret
from fanfold.errors import ConfigError, DataError, SourceError
from fanfold.market.sources.alpaca import AlpacaSource
from fanfold.market.sources.pacing import Patience, TokenBucket
from fanfold.market.sources.source import Request

HUSH = "hush"
KEYS = Credentials(key_id=Secret("PK"), secret=Secret(HUSH))
START = pd.Timestamp("2024-11-29T15:00Z").value
MINUTE = 60 * 10**9
ASKED = Request(symbols=("AAPL",), timeframe="1min", start=START, end=START + 3_600 * 10**9)


def minutes(count: int) -> pd.DataFrame:
    """Bars whose close is their number."""
    start = pd.to_datetime(START + MINUTE * np.arange(count), utc=True)
    number = np.arange(count, dtype=float)
    prices = dict.fromkeys(("open", "high", "low", "close", "volume"), number)
    return pd.DataFrame({"start": start, "ts": start, **prices})


@contextmanager
def served(server: AlpacaServer, **changed: Any) -> Generator[tuple[AlpacaSource, list[float]]]:
    """A source before a server, and how long it slept [s]."""
    slept: list[float] = []
    waits = changed.pop("waits", {})
    with alpaca_server(server) as up:
        settings = {
            "credentials": KEYS,
            "url": up.url,
            "bucket": TokenBucket(1e6, burst=1e6),
            "patience": Patience(sleep=slept.append, **{"jitter": 0.0, "attempts_max": 3, **waits}),
            "timeout_s": 0.2,
        }
        yield AlpacaSource(**(settings | changed)), slept


def bars_server(count: int = 20, **more: Any) -> AlpacaServer:
    return AlpacaServer(frames={"AAPL": minutes(count)}, daily=False, secret=HUSH, **more)


class FailingLater(AlpacaServer):
    """Fails once, at the request of a number."""

    failing = 3

    def answer(self, path: str, query: dict[str, str], headers: Any) -> Any:
        if len(self.asked) == self.failing:
            return 503, {"message": "busy"}, {}
        return super().answer(path, query, headers)


def test_a_page_that_fails_is_asked_for_again_and_those_before_it_are_not() -> None:
    server = FailingLater(frames={"AAPL": minutes(20)}, daily=False, secret=HUSH)
    with served(server) as (source, slept):
        [one] = source.fetch(ASKED)
    assert one.table.column("close").to_pylist() == list(range(20))
    assert [query.get("page_token") for _, query in server.asked] == [None, "7", "14", "14"]
    assert slept == [1]


def test_the_time_that_the_service_names_is_waited_out() -> None:
    with served(bars_server(trouble="rate_limited")) as (source, slept):
        list(source.fetch(ASKED))
    with served(bars_server(trouble="rate_limited_plainly")) as (source, slept_plainly):
        list(source.fetch(ASKED))
    assert (slept, slept_plainly) == ([3], [1])


def test_each_request_takes_a_token_also_those_that_failed() -> None:
    waited: list[float] = []
    bucket = TokenBucket(10, 1, clock=lambda: 0.0, sleep=waited.append)
    with served(bars_server(trouble="server_error"), bucket=bucket) as (source, _):
        list(source.fetch(ASKED))
    # Three pages and one that failed; the clock stands still.
    assert waited == pytest.approx([0.1, 0.2, 0.3])


@pytest.mark.parametrize(
    ("trouble", "error", "says"),
    [
        ("redirected", SourceError, "it redirects (status 302, to http://elsewhere.example/login)"),
        ("empty", DataError, "must answer with bars"),
        ("shapeless", DataError, "must answer with bars"),
        ("forbidden", ConfigError, "must accept the keys"),
        ("bad_symbol", DataError, "invalid symbol"),
        ("bad_parameter", ConfigError, "invalid timeframe"),
        ("down", SourceError, "gave up after 3 attempts"),
    ],
)
def test_an_answer_that_is_no_page_is_told_for_what_it_is(
    trouble: str, error: type[Exception], says: str
) -> None:
    with (
        served(bars_server(trouble=trouble)) as (source, _),
        pytest.raises(error) as raised,
    ):
        list(source.fetch(ASKED))
    assert says in str(raised.value)
    assert "1min bars of AAPL" in str(raised.value)


class Circling(AlpacaServer):
    """Gives the same token for ever."""

    def _page(self, query: dict[str, str]) -> dict[str, Any]:
        return super()._page(query) | {"next_page_token": "7"}


class Faulty(AlpacaServer):
    """Its bars have no close."""

    def _page(self, _query: dict[str, str]) -> dict[str, Any]:
        return {"bars": {"AAPL": [{"t": "2024-11-29T15:00:00Z", "o": 1, "h": 1, "l": 1, "v": 1}]}}


@pytest.mark.parametrize(
    ("kind", "says"), [(Circling, "another token"), (Faulty, "field 'c' is missing")]
)
def test_pages_that_go_in_circles_or_lack_a_field_are_refused(
    kind: type[AlpacaServer], says: str
) -> None:
    server = kind(frames={"AAPL": minutes(20)}, daily=False, secret=HUSH)
    with served(server) as (source, _), pytest.raises(DataError, match=says):
        list(source.fetch(ASKED))


@pytest.mark.parametrize(
    ("feed", "basis", "adjustment"),
    [("iex", None, "raw"), ("sip", "split", "split"), ("otc", "total_return", "all")],
)
def test_feed_and_adjustment_are_asked_for_in_the_services_words(
    feed: str, basis: Any, adjustment: str
) -> None:
    server = bars_server()
    request = Request(symbols=("AAPL",), timeframe="15min", start=START, basis=basis)
    with served(server, feed=feed) as (source, _):
        [one] = source.fetch(request)
    _, query = server.asked[0]
    assert (query["feed"], query["adjustment"], query["timeframe"]) == (feed, adjustment, "15Min")
    assert query["limit"] == "10000"
    assert (one.basis, one.timeframe, one.stamp) == (basis or "raw", "15min", "start")


@pytest.mark.parametrize(("feed", "delay_min"), [("iex", 1), ("sip", 16)])
def test_what_the_free_plan_does_not_have_yet_is_not_asked_for(feed: str, delay_min: int) -> None:
    server, now = bars_server(30), START + 30 * MINUTE
    with served(server, feed=feed, clock=lambda: now) as (source, _):
        [one] = source.fetch(Request(symbols=("AAPL",), timeframe="1min", start=START))
    _, query = server.asked[0]
    last_start = now - (delay_min + 1) * MINUTE
    assert pd.Timestamp(query["end"]).value == last_start
    assert one.table.column("close").to_pylist()[-1] == 29 - delay_min


def test_a_period_that_is_still_to_come_is_not_asked_for_at_all() -> None:
    server = bars_server()
    with served(server, clock=lambda: START - 3_600 * 10**9) as (source, _):
        assert list(source.fetch(ASKED)) == []
    assert server.asked == []


def test_crypto_needs_no_keys_and_stocks_do(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("APCA_API_KEY_ID", "ALPACA_API_KEY", "FANFOLD_SECRETS"):
        monkeypatch.delenv(name, raising=False)
    server = AlpacaServer(frames={"BTC/USD": minutes(3)}, daily=False, secret=HUSH)
    request = Request(symbols=("BTC/USD",), timeframe="1min", start=START)
    with served(server, credentials=None) as (source, _):
        [one] = source.fetch(request)
        with pytest.raises(ConfigError, match="set APCA_API_KEY_ID"):
            source.check(ASKED)
    assert one.calendar == "24/7"
    assert server.asked[0][0] == "/v1beta3/crypto/us/bars"


def test_a_source_without_keys_can_be_sent_and_one_with_keys_cannot() -> None:
    sent = pickle.loads(pickle.dumps(AlpacaSource(feed="sip")))  # noqa: S301
    assert (sent.name, sent.feed) == ("alpaca", "sip")
    with pytest.raises(TypeError, match="must not be pickled"):
        pickle.dumps(AlpacaSource(credentials=KEYS))


def test_an_unknown_feed_is_refused_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match="nearest: 'sip'"):
        AlpacaSource(feed="sipp")


def test_actions_announced_for_later_are_left_out() -> None:
    days = pd.to_datetime(["2024-11-25", "2024-11-26"])
    daily = minutes(2).assign(session=days)
    actions = pd.DataFrame(
        {"ts": [days[1], days[1] + pd.Timedelta(days=1)], "splits": 1.0, "dividends": [0.5, 9.0]}
    )
    server = AlpacaServer(frames={"AAPL": daily}, secret=HUSH, actions={"AAPL": actions})
    now = pd.Timestamp("2024-11-26T21:00", tz="America/New_York").value  # the 27th in UTC
    with served(server, clock=lambda: now) as (source, _):
        [one] = source.fetch(Request(symbols=("AAPL",), start=days[0].value))
    assert one.actions.column("dividends").to_pylist() == [0.5]
    assert len(one.table) == 2


def days(first: int, count: int) -> pd.DataFrame:
    """Daily bars whose close is their number, from a day of November 2024 on."""
    session = pd.bdate_range("2024-11-04", periods=count)
    number = first + np.arange(count, dtype=float)
    prices = dict.fromkeys(("open", "high", "low", "close", "volume"), number)
    start = session.tz_localize("UTC")
    return pd.DataFrame({"session": session, "start": start, "ts": start, **prices})


def test_days_of_many_symbols_share_their_pages() -> None:
    frames = {f"S{place:03}": days(place, 5) for place in range(150)}
    dividend = {"ts": [pd.Timestamp("2024-11-06")], "splits": [1.0], "dividends": [0.5]}
    actions = {"S149": pd.DataFrame(dividend)}
    server = AlpacaServer(frames=frames, secret=HUSH, page_rows=300, actions=actions)
    symbols = (*sorted(frames, reverse=True), "NOPE")
    start = pd.Timestamp("2024-11-01", tz="UTC").value
    request = Request(symbols=symbols, start=start, end=start + 30 * 86_400 * 10**9)
    came = []
    no_trade = pytest.raises(DataError, match=r"no trade of 'NOPE'$")
    with served(server, timeout_s=10.0) as (source, _), no_trade:
        came.extend(source.fetch(request))
    # Unknown ones are told of after all others.
    assert [one.symbol for one in came] == list(symbols[:-1])
    for one in came:
        first = int(one.symbol[1:])
        assert one.table.column("close").to_pylist() == list(range(first, first + 5))
        assert one.actions.column("dividends").to_pylist() == [0.5] * (one.symbol == "S149")
    assert server.count("/bars") == 3  # 500 rows of 100 symbols, and 250 of 50
    assert server.count("/corporate-actions") == 2
    assert server.count("/trades/latest") == 1


def test_whoever_has_traded_once_is_not_asked_about_again() -> None:
    server = bars_server()
    with served(server) as (source, _):
        for _ in range(3):
            later = ASKED.end or 0
            empty = Request(symbols=("AAPL",), timeframe="1min", start=later, end=later + MINUTE)
            assert list(source.fetch(empty)) == []
    assert server.count("/trades/latest") == 1
