"""What is Polygon's own: names, its lists' oddities, the plan's limit."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.conformance.case import SECRET, Truth
from tests.fakes.polygon_server import polygon_server
from tests.fakes.vendor_server import Answer, Asked, served

from fanfold.errors import ConfigError, DataError, SourceError
from fanfold.market.sources.pacing import Patience, TokenBucket
from fanfold.market.sources.polygon import KEY_VARIABLES, REQUESTS_VARIABLE, PolygonSource
from fanfold.market.sources.source import Delivery, Request

NOON = pd.Timestamp("2024-11-06T17:00", tz="UTC")
NAN = float("nan")


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*KEY_VARIABLES, REQUESTS_VARIABLE, "FANFOLD_SECRETS", "POLYGON_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(KEY_VARIABLES[0], SECRET)


def bars(starts: pd.DatetimeIndex, **columns: Any) -> pd.DataFrame:
    """Bars at 10.0, numbers of other columns given."""
    count = len(starts)
    frame = pd.DataFrame({"start": starts, "ts": starts + pd.Timedelta(minutes=1)})
    numbers = dict.fromkeys(("open", "high", "low", "close", "volume", "vwap", "trade_count"), 10.0)
    return frame.assign(
        session=starts.tz_convert("America/New_York").normalize().tz_localize(None),
        **{name: np.full(count, of) for name, of in numbers.items()},
    ).assign(**columns)


def minutes(count: int, **columns: Any) -> pd.DataFrame:
    return bars(pd.date_range(NOON, periods=count, freq="min"), **columns)


def actions(*rows: tuple[str, float, float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["ts", "splits", "dividends"]).astype(
        {"ts": "datetime64[ns]"}
    )


def source(url: str, **settings: Any) -> PolygonSource:
    bucket = TokenBucket(rate_per_second=1e6, burst=1e6)
    patience = Patience(sleep=lambda _s: None)
    return PolygonSource(url=url, **{"bucket": bucket, "patience": patience} | settings)


@contextmanager
def reading(truth: Truth, **settings: Any) -> Iterator[tuple[PolygonSource, list[Asked]]]:
    with polygon_server(truth) as service:
        yield source(service.url, **settings), service.asked


@contextmanager
def answering(*answers: Answer, **settings: Any) -> Iterator[tuple[PolygonSource, list[Asked]]]:
    """A service that gives these answers one after the other, the last one for ever."""
    given = iter(answers)
    with served(lambda _: next(given, answers[-1]), trouble="", limited=answers[0]) as service:
        yield source(service.url, **settings), service.asked


def only(deliveries: Iterator[Delivery]) -> Delivery:
    [one] = deliveries
    return one


def test_a_pair_is_asked_for_by_polygons_name_and_delivered_by_its_own() -> None:
    truth = Truth(frames={"X:BTCUSD": minutes(2)}, timeframe="1min")
    with reading(truth) as (polygon, asked):
        one = only(polygon.fetch(Request(symbols=("BTC/USD",), timeframe="1Min")))
    assert (one.symbol, one.calendar, one.actions) == ("BTC/USD", "24/7", None)
    assert one.table.num_rows == 2
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("basis", "adjusted"), [(None, "false"), ("raw", "false"), ("split", "true")]
)
def test_prices_are_asked_for_adjusted_only_on_the_split_basis(basis: Any, adjusted: str) -> None:
    with reading(Truth(frames={"A": minutes(1)}, timeframe="1min")) as (polygon, asked):
        one = only(polygon.fetch(Request(symbols=("A",), timeframe="1min", basis=basis)))
    assert asked[0].query["adjusted"] == adjusted
    assert one.basis == (basis or "raw")


def test_dividends_are_per_unit_of_the_basis_whenever_the_split_was() -> None:
    frame = bars(pd.DatetimeIndex(["2024-11-06T14:30", "2024-11-07T14:30"], tz="UTC"))
    # The last split lies beyond the period; prices adjusted for splits know of it.
    events = actions(("2024-11-06", 1, 8), ("2024-11-07", 2, 0), ("2024-12-02", 4, 0))
    truth = Truth(frames={"A": frame}, actions={"A": events})
    end = pd.Timestamp("2024-11-08", tz="UTC").value
    with reading(truth) as (polygon, _):
        raw, split = (
            only(polygon.fetch(Request(symbols=("A",), end=end, basis=basis))).actions.to_pydict()
            for basis in ("raw", "split")
        )
    assert raw["splits"] == split["splits"] == [1, 2]
    assert raw["dividends"] == [8, 0]
    assert split["dividends"] == [1, 0]


def test_numbers_that_are_not_there_are_nan() -> None:
    frame = minutes(2, vwap=[NAN, 10.0], close=[10.0, NAN])
    with reading(Truth(frames={"A": frame}, timeframe="1min")) as (polygon, _):
        table = only(polygon.fetch(Request(symbols=("A",), timeframe="1min"))).table
    np.testing.assert_array_equal(table["vwap"], [NAN, 10])
    np.testing.assert_array_equal(table["close"], [10, NAN])


def test_conditions_are_joined_and_exchanges_are_text() -> None:
    ts = int(NOON.value)
    rows = [
        {
            "sip_timestamp": ts,
            "price": 1,
            "size": 2,
            "id": "7",
            "exchange": 4,
            "conditions": [12, 37],
        },
        {"sip_timestamp": ts, "price": 1, "size": 2},
    ]
    with answering(Answer({"status": "OK", "results": rows})) as (polygon, _):
        told = only(polygon.fetch(Request(kind="trades", symbols=("A",)))).table.to_pydict()
    assert told["conditions"] == ["12 37", None]
    assert told["exchange"] == ["4", None]
    assert told["id"] == ["7", None]


def test_a_quote_names_both_exchanges_where_they_differ() -> None:
    sides = {"bid_price": 1, "bid_size": 2, "ask_price": 0, "ask_size": 0}
    rows = [
        {
            "sip_timestamp": 1_700_000_000_000_000_000,
            **sides,
            "bid_exchange": bid,
            "ask_exchange": ask,
        }
        for bid, ask in ((11, 12), (11, 11))
    ]
    with answering(Answer({"status": "OK", "results": rows})) as (polygon, _):
        told = only(polygon.fetch(Request(kind="quotes", symbols=("A",)))).table.to_pydict()
    assert told["exchange"] == ["11/12", "11"]
    np.testing.assert_array_equal(told["ask_size"], [NAN, NAN])


def test_a_week_is_delivered_when_its_last_session_is_over() -> None:
    sundays = pd.DatetimeIndex(["2024-11-17", "2024-11-24"]).tz_localize("America/New_York")
    truth = Truth(frames={"A": bars(sundays.tz_convert("UTC"))}, timeframe="1W")
    close = pd.Timestamp("2024-11-29T18:00", tz="UTC").value  # of a half day
    counts = []
    for now in (close - 1, close):
        with reading(truth, clock=lambda now=now: now) as (polygon, _):
            one = only(polygon.fetch(Request(symbols=("A",), timeframe="1W")))
        assert one.stamp == "start"
        counts.append(one.table.num_rows)
    assert counts == [1, 2]


def test_the_future_is_not_asked_for() -> None:
    now = NOON.value + 60_000_000_000
    with reading(Truth(frames={"A": minutes(1)}, timeframe="1min"), clock=lambda: now) as (
        polygon,
        asked,
    ):
        request = Request(symbols=("A",), timeframe="1min", end=now * 2)
        assert only(polygon.fetch(request)).table.num_rows == 1
        assert int(asked[0].path.rsplit("/", 1)[-1]) * 10**6 < now
        asked.clear()
        assert list(polygon.fetch(Request(symbols=("A",), start=now + 1))) == []
        assert asked == []


def test_a_ticker_that_has_been_delisted_is_known() -> None:
    with reading(Truth(frames={"A": minutes(1)})) as (polygon, _):
        assert list(polygon.fetch(Request(symbols=("GONE",)))) == []
        with pytest.raises(DataError, match="NEVER"):
            list(polygon.fetch(Request(symbols=("NEVER",))))


@pytest.mark.parametrize(
    "answer",
    [
        Answer('{"status": "OK", "results": [{"t"'),
        Answer(["status"]),
        Answer({"results": []}),
        Answer({"status": "OK", "results": "none"}),
        Answer({"status": "OK", "results": [{"t": "noon"}]}),
        Answer({"status": "OK", "results": [{"t": 1_700_000_000_000, "o": "ten"}]}),
    ],
)
def test_an_answer_that_is_none_of_polygons_is_refused(answer: Answer) -> None:
    with answering(answer) as (polygon, _), pytest.raises(DataError, match="polygon must answer"):
        list(polygon.fetch(Request(symbols=("A",), timeframe="1min")))


def test_a_limit_is_waited_out_for_longer_than_its_minute() -> None:
    waits: list[float] = []
    limited = Answer({"status": "ERROR", "error": "too many"}, 429)
    patience = Patience(sleep=waits.append)
    with (
        answering(limited, patience=patience) as (polygon, _),
        pytest.raises(SourceError, match="too many"),
    ):
        list(polygon.fetch(Request(symbols=("A",))))
    assert sum(waits) > 60


def test_another_refusal_is_told_as_it_is_and_once() -> None:
    with answering(Answer({"status": "ERROR", "error": "bad cursor"}, 400)) as (polygon, asked):
        with pytest.raises(SourceError, match="bad cursor"):
            list(polygon.fetch(Request(symbols=("A",))))
        assert len(asked) == 1


def test_the_key_may_be_named_as_the_client_names_it_or_be_in_the_file_of_secrets(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    request = Request(symbols=("A",))
    monkeypatch.delenv(KEY_VARIABLES[0])
    with pytest.raises(ConfigError, match="POLYGON_API_KEY"):
        PolygonSource().check(request)
    monkeypatch.setenv("MASSIVE_API_KEY", SECRET)
    PolygonSource().check(request)
    monkeypatch.delenv("MASSIVE_API_KEY")
    file = tmp_path / "secrets"
    file.touch(mode=0o600)
    file.write_text(f"POLYGON_API_KEY={SECRET}\n")
    monkeypatch.setenv("FANFOLD_SECRETS", str(file))
    PolygonSource().check(request)


def test_quotes_of_crypto_are_refused() -> None:
    for symbol in ("X:BTCUSD", "BTC/USD"):
        with pytest.raises(ConfigError, match="has no quotes"):
            PolygonSource().check(Request(kind="quotes", symbols=(symbol,)))


@pytest.mark.parametrize("text", ["many", "0", "-1", "inf", "nan"])
def test_a_limit_that_is_none_is_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(REQUESTS_VARIABLE, text)
    with pytest.raises(ConfigError, match=REQUESTS_VARIABLE):
        PolygonSource().check(Request(symbols=("A",)))


def test_a_daily_bar_without_a_time_comes_along_to_be_set_apart() -> None:
    noon = {"t": NOON.value // 10**6, "o": 1, "h": 1, "l": 1, "c": 1, "v": 1}
    timeless = {name: of for name, of in noon.items() if name != "t"}
    pages = Answer({"status": "OK", "results": [timeless, noon]}), Answer({"status": "OK"})
    with answering(*pages) as (polygon, _):
        stamps = only(polygon.fetch(Request(symbols=("A",)))).table["ts"].to_pylist()
    assert stamps == [None, pd.Timestamp("2024-11-06")]


def test_an_address_must_be_one() -> None:
    with pytest.raises(ConfigError, match="POLYGON_BASE_URL must be an address"):
        PolygonSource(url="localhost:1").check(Request(symbols=("A",)))
