"""What is Yahoo's own: its reach, its exchanges, its words, and what yfinance does to them."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.conformance.case import Truth
from tests.fakes.vendor_server import Answer, Asked, served
from tests.fakes.yahoo_server import LIMITED, TOO_FAR, complaint, yahoo_server

from fanfold.domain.place import home
from fanfold.domain.sessions import check_calendar
from fanfold.errors import ConfigError, DataError, SourceError
from fanfold.market.sources.pacing import Patience, TokenBucket
from fanfold.market.sources.source import Delivery, Request
from fanfold.market.sources.yahoo import YahooSource
from fanfold.market.sources.yahoo_rows import CALENDARS, ZONES

DAY_NS = 86_400 * 10**9
NAN = float("nan")
NOW = pd.Timestamp("2024-11-30T00:00", tz="UTC").value
LONDON = {"exchangeName": "LSE", "exchangeTimezoneName": "Europe/London", "currency": "GBp"}
TOKYO = {"exchangeName": "JPX", "exchangeTimezoneName": "Asia/Tokyo"}


def bars(starts: pd.DatetimeIndex, zone: str = "America/New_York", **columns: Any) -> pd.DataFrame:
    """Bars at 10.0, numbers of other columns given."""
    names = ("open", "high", "low", "close", "volume")
    return pd.DataFrame(
        {
            "start": starts,
            "ts": starts,
            "session": starts.tz_convert(zone).normalize().tz_localize(None),
            **{name: np.full(len(starts), 10.0) for name in names},
        }
    ).assign(**columns)


def days(*dates: str, zone: str = "America/New_York", **columns: Any) -> pd.DataFrame:
    opens = pd.DatetimeIndex(dates) + pd.Timedelta(hours=9, minutes=30)
    return bars(opens.tz_localize(zone).tz_convert("UTC"), zone, **columns)


def source(url: str, **settings: Any) -> YahooSource:
    plain = {
        "bucket": TokenBucket(rate_per_second=1e6, burst=1e6),
        "patience": Patience(sleep=lambda _s: None),
        "clock": lambda: NOW,
    }
    return YahooSource(url=url, **(plain | settings))


@contextmanager
def reading(
    truth: Truth, meta: dict[str, Any] | None = None, **settings: Any
) -> Iterator[tuple[YahooSource, list[Asked]]]:
    with yahoo_server(truth, meta=meta) as service:
        yield source(service.url, **settings), service.asked


@contextmanager
def answering(*answers: Answer, crumb: Answer | None = None) -> Iterator[tuple[Any, list[Asked]]]:
    """Charts are these answers one after the other, the last one for ever."""
    given = iter(answers)

    def answer(asked: Asked) -> Answer:
        if "/chart/" in asked.path:
            return next(given, answers[-1])
        return crumb or Answer("crumb")

    with served(answer, trouble="", limited=LIMITED) as service:
        yield source(service.url), service.asked


def charts(asked: list[Asked]) -> list[Asked]:
    return [one for one in asked if "period1" in one.query]


def only(deliveries: Iterator[Delivery]) -> Delivery:
    [one] = deliveries
    return one


def dates(delivery: Delivery) -> list[str]:
    return [str(one)[:10] for one in delivery.table["ts"].to_pylist()]


def test_rows_without_a_price_are_left_out_and_others_come_with_their_faults() -> None:
    frame = days(
        *("2024-11-25", "2024-11-26", "2024-11-27", "2024-11-29"),
        open=[10, NAN, NAN, 10],
        high=[11, NAN, 11, 9],  # the last one below the low
        low=[9, NAN, 9, 10],
        close=[10, NAN, 10, 10],
        adj_close=[5, NAN, 6, 7],
    )
    with reading(Truth(frames={"A": frame})) as (yahoo, _):
        one = only(yahoo.fetch(Request(symbols=("A",))))
    assert (one.basis, one.stamp, one.calendar) == ("split", "session", "XNYS")
    assert dates(one) == ["2024-11-25", "2024-11-27", "2024-11-29"]
    np.testing.assert_array_equal(one.table["open"], [10, NAN, 10])
    np.testing.assert_array_equal(one.table["high"], [11, 11, 9])
    np.testing.assert_array_equal(one.table["adj_close"], [5, 6, 7])


def test_a_pair_is_asked_for_by_yahoos_name_and_delivered_by_its_own() -> None:
    frame = bars(pd.DatetimeIndex(["2024-11-02", "2024-11-03"], tz="UTC"), "UTC")
    with reading(Truth(frames={"BTC-USD": frame})) as (yahoo, _):
        one = only(yahoo.fetch(Request(symbols=("BTC/USD",))))
    assert (one.symbol, one.calendar) == ("BTC/USD", "24/7")
    assert dates(one) == ["2024-11-02", "2024-11-03"]


def test_minutes_of_weeks_come_in_several_answers_and_each_minute_once() -> None:
    starts = pd.date_range("2024-11-08T15:00", "2024-11-29T15:00", freq="D", tz="UTC")
    with reading(Truth(frames={"A": bars(starts)}, timeframe="1min")) as (yahoo, asked):
        request = Request(symbols=("A",), timeframe="1min", start=int(starts[0].value))
        one = only(yahoo.fetch(request))
    assert len(charts(asked)) == 4  # three weeks, and the rest until now
    spans = [int(one.query["period2"]) - int(one.query["period1"]) for one in charts(asked)]
    assert max(spans) <= 7 * 86_400
    assert one.stamp == "start"
    assert one.table["ts"].to_pylist() == list(starts)


def test_the_earliest_minutes_are_asked_for_where_no_start_is_named() -> None:
    starts = pd.DatetimeIndex(["2024-11-01T15:00", "2024-11-29T15:00"], tz="UTC")
    with reading(Truth(frames={"A": bars(starts)}, timeframe="1min")) as (yahoo, asked):
        assert only(yahoo.fetch(Request(symbols=("A",), timeframe="1min"))).table.num_rows == 2
    assert int(charts(asked)[0].query["period1"]) * 10**9 > NOW - 30 * DAY_NS


def test_ex_dates_stay_dates_in_weekly_bars_and_a_week_must_be_over() -> None:
    mondays = pd.DatetimeIndex(["2024-11-11", "2024-11-18", "2024-11-25"])
    frame = bars(mondays.tz_localize("America/New_York").tz_convert("UTC"))
    events = pd.DataFrame(
        {
            "ts": pd.to_datetime(["2024-11-14", "2024-11-20"]),
            "splits": [4.0, 1.0],
            "dividends": [0.0, 0.25],
        }
    )
    close = pd.Timestamp("2024-11-29T18:00", tz="UTC").value  # of a half day
    truth = Truth(frames={"A": frame}, timeframe="1W", actions={"A": events})
    counts = []
    for now in (close - 1, close):
        with reading(truth, clock=lambda now=now: now) as (yahoo, _):
            one = only(yahoo.fetch(Request(symbols=("A",), timeframe="1W")))
        assert [str(day)[:10] for day in one.actions["ts"].to_pylist()] == [
            "2024-11-14",
            "2024-11-20",
        ]
        assert one.actions["splits"].to_pylist() == [4, 1]
        counts.append(one.table.num_rows)
    assert counts == [2, 3]


@pytest.mark.parametrize("meta", [LONDON, TOKYO], ids=["summer in London", "Tokyo"])
def test_a_session_belongs_to_its_date_where_its_midnight_is_the_day_before(
    meta: dict[str, Any],
) -> None:
    # 2024-07-01T00:00 there is 2024-06-30 in UTC.
    frame = days("2024-06-28", "2024-07-01", "2024-07-02", zone=meta["exchangeTimezoneName"])
    july = [pd.Timestamp(f"2024-07-{day:02}", tz="UTC").value for day in (1, 2)]
    with reading(Truth(frames={"A": frame}), meta) as (yahoo, _):
        one = only(yahoo.fetch(Request(symbols=("A",), start=july[0], end=july[1])))
    assert dates(one) == ["2024-07-01"]
    assert one.calendar == CALENDARS[meta["exchangeName"]]


def test_an_exchange_that_is_not_known_leaves_the_calendar_open() -> None:
    with reading(Truth(frames={"A": days("2024-11-28", "2024-11-29")}), {"exchangeName": "??"}) as (
        yahoo,
        _,
    ):
        # Without a calendar the 29th is over when its day is.
        one = only(yahoo.fetch(Request(symbols=("A",))))
    assert one.calendar is None
    assert dates(one) == ["2024-11-28"]


def test_every_calendar_of_yahoos_exchanges_is_known() -> None:
    for name in {*CALENDARS.values(), *ZONES.values()}:
        check_calendar(name)


def test_a_request_of_sixty_days_and_more_is_refused_by_its_limit() -> None:
    yahoo = YahooSource(clock=lambda: NOW)
    for timeframe, reach in (("1min", 30), ("5min", 60), ("30min", 60), ("1h", 730)):
        yahoo.check(Request(symbols=("A",), timeframe=timeframe, start=NOW - reach * DAY_NS))
        late = Request(symbols=("A",), timeframe=timeframe, start=NOW - reach * DAY_NS - 1)
        with pytest.raises(ConfigError, match=f"last {reach} days"):
            yahoo.check(late)


@pytest.mark.parametrize(
    ("answers", "error", "words"),
    [
        ([complaint(TOO_FAR, 1, 2)], ConfigError, "30 days"),
        ([Answer({"finance": {"error": "Invalid Crumb"}}, 401)], SourceError, "401"),
        ([Answer("<html>not there</html>", 404)], SourceError, "404"),
        ([Answer({"chart": {"result": [{}], "error": None}})], DataError, "with a chart"),
        ([Answer({"chart": {"result": [], "error": None}})], DataError, "with a chart"),
        ([Answer("Will be right back")], SourceError, "right back"),
    ],
)
def test_each_of_yahoos_refusals_has_its_error(
    answers: list[Answer], error: type[Exception], words: str
) -> None:
    with answering(*answers) as (yahoo, _), pytest.raises(error, match=words):
        list(yahoo.fetch(Request(symbols=("A",))))


def test_an_old_cookie_is_renewed_and_a_missing_crumb_is_done_without(
    caplog: pytest.LogCaptureFixture,
) -> None:
    from yfinance.data import YfData

    about = {"exchangeName": "NMS", "exchangeTimezoneName": "America/New_York"} | dict.fromkeys(
        ("currency", "instrumentType"), "x"
    )
    at = int(pd.Timestamp("2024-11-25T14:30", tz="UTC").timestamp())
    prices = {key: [10] for key in ("open", "high", "low", "close", "volume")}
    result = {"meta": about, "timestamp": [at], "indicators": {"quote": [prices]}}
    old = Answer({"finance": {"error": "Invalid Cookie"}}, 401)
    good = Answer({"chart": {"result": [result], "error": None}})
    YfData()._crumb = None  # another test's
    with answering(old, good, crumb=Answer("out of order", 503)) as (yahoo, asked):
        assert dates(only(yahoo.fetch(Request(symbols=("A",))))) == ["2024-11-25"]
    assert not [one for one in asked if "crumb" in one.query]
    assert not [one for one in caplog.records if one.levelno >= logging.WARNING]


def test_yfinance_is_left_as_it_was_and_writes_in_fanfolds_folder_only() -> None:
    import yfinance
    from yfinance import cache

    with reading(Truth(frames={"A": days("2024-11-25")})) as (yahoo, _):
        list(yahoo.fetch(Request(symbols=("A",))))
    assert yfinance.config.debug.hide_exceptions
    assert Path(cache._TzDBManager.get_location()) == home() / "yfinance"
    assert Path(cache._CookieDBManager.get_location()) == home() / "yfinance"


def test_an_address_must_be_one() -> None:
    with pytest.raises(ConfigError, match="YAHOO_BASE_URL must be an address"):
        YahooSource(url="localhost:1").check(Request(symbols=("A",)))
