"""Moments say of an instant what `Bars` says of a bar that ends then."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.fakes.live_signal import sessions_of

from fanfold.domain.bars import Bars
from fanfold.domain.calendars import panel_calendar as bars_calendar
from fanfold.engine.universe import Moment
from fanfold.errors import ConfigError, DataError
from fanfold.live.signal.moments import Moments, moments_of, panel_calendar

COINS = "24/7"


def bars_at(starts: Any, *, symbols: dict[str, str], minutes: float) -> Bars:
    """Bars of made-up prices that begin at these instants, symbols with their calendars."""
    frame = pd.concat(
        [pd.DataFrame({"symbol": symbol, "ts": starts, "close": 10.0}) for symbol in symbols]
    )
    for name in ("open", "high", "low"):
        frame[name] = frame["close"]
    return Bars.from_frame(
        frame.assign(volume=1.0),
        stamp="start",
        calendar=symbols,
        bar=pd.Timedelta(minutes=minutes).to_pytimedelta(),
    )


def moments_live(bars: Bars) -> list[Moment]:
    """What a deployment on these bars would be told of each."""
    first, last = int(bars.session_day[0]) - 5, int(bars.session_day[-1]) + 5
    sessions = {name: sessions_of(name, first, last) for name in set(bars.calendars)}
    calendar = panel_calendar(bars.calendars, sessions)
    assert calendar == bars.calendar
    moments = moments_of(calendar, sessions)
    made: list[Moment] = []
    for ts in bars.ts.tolist():
        made.append(moments.at(ts, made[-1].session_day if made else None))
    return made


def moments_of_bars(bars: Bars) -> list[Moment]:
    """What the panel itself says of each bar."""
    nights = np.diff(bars.session_day, prepend=bars.session_day[:1])
    columns = (
        bars.ts, bars.session_day, bars.minutes_to_close, bars.is_month_end,
        bars.closes_session, nights,
    )  # fmt: skip
    names = (
        "ts", "session_day", "minutes_to_close", "is_month_end", "closes_session", "nights",
    )  # fmt: skip
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return [Moment(**dict(zip(names, row, strict=True))) for row in rows]


def session_starts(first: str, last: str, every: str) -> Any:
    """Starts of bars of regular sessions, half days included."""
    days = (pd.Timestamp(day).value // (86_400 * 10**9) for day in (first, last))
    return pd.DatetimeIndex(
        [
            start
            for session in sessions_of("XNYS", *days)
            for start in pd.date_range(
                pd.Timestamp(session.open_ts, tz="UTC"),
                pd.Timestamp(session.close_ts, tz="UTC"),
                freq=every,
                inclusive="left",
            )
        ]
    )


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("2023-11-20", "2023-12-04"),  # Thanksgiving, a half day, a month's end
        ("2024-03-07", "2024-03-12"),  # clocks change
        ("2024-07-01", "2024-07-08"),  # a half day before a holiday
        ("2024-12-23", "2025-01-10"),  # a year's end, a day of mourning
    ],
)
def test_minutes_of_an_exchange(first: str, last: str) -> None:
    bars = bars_at(session_starts(first, last, "1min"), symbols={"AAPL": "XNYS"}, minutes=1)
    assert moments_live(bars) == moments_of_bars(bars)


@pytest.mark.parametrize(("every", "minutes"), [("7min", 7), ("1h", 60)])
def test_bars_that_do_not_divide_a_session(every: str, minutes: int) -> None:
    starts = session_starts("2023-11-20", "2023-12-04", every)
    bars = bars_at(starts, symbols={"AAPL": "XNYS"}, minutes=minutes)
    assert moments_live(bars) == moments_of_bars(bars)


def test_days_of_an_exchange() -> None:
    days = pd.DatetimeIndex(
        [pd.Timestamp(one.day, unit="D") for one in sessions_of("XNYS", 19_500, 19_900)]
    )
    frame = pd.DataFrame({"symbol": "AAPL", "ts": days, "close": 10.0, "volume": 1.0})
    for name in ("open", "high", "low"):
        frame[name] = frame["close"]
    bars = Bars.from_frame(frame, stamp="session", calendar="XNYS")
    assert moments_live(bars) == moments_of_bars(bars)


@pytest.mark.parametrize(("every", "minutes"), [("1min", 1), ("4h", 240)])
def test_coins_that_never_close(every: str, minutes: int) -> None:
    starts = pd.date_range("2024-02-28", "2024-03-02", freq=every, tz="UTC", inclusive="left")
    bars = bars_at(starts, symbols={"BTC/USD": COINS}, minutes=minutes)
    assert moments_live(bars) == moments_of_bars(bars)


def test_coins_beside_shares_follow_the_days_of_coins() -> None:
    starts = pd.date_range("2024-02-28", "2024-03-02", freq="15min", tz="UTC", inclusive="left")
    bars = bars_at(starts, symbols={"AAPL": "XNYS", "BTC/USD": COINS}, minutes=15)
    assert moments_live(bars) == moments_of_bars(bars)


def test_hours_before_the_open_and_after_the_close_belong_to_the_day() -> None:
    starts = pd.DatetimeIndex(
        [
            time
            for day in ("2023-11-22", "2023-11-24", "2023-11-27")
            for time in pd.date_range(
                f"{day} 04:00", f"{day} 19:59", freq="1min", tz="America/New_York"
            ).tz_convert("UTC")
        ]
    )
    bars = bars_at(starts, symbols={"AAPL": "XNYS"}, minutes=1)
    for live, panel in zip(moments_live(bars), moments_of_bars(bars), strict=True):
        assert live.session_day == panel.session_day
        assert live.minutes_to_close == panel.minutes_to_close
        assert live.nights == panel.nights


def test_a_panel_follows_the_calendar_that_bars_would_follow() -> None:
    sessions = {name: sessions_of(name, 19_723, 20_088) for name in ("XNYS", "XLON", "XTKS")}
    for names in (["XNYS", "XLON"], ["XTKS", "XLON"], ["XTKS", "XNYS", "XLON"], ["XLON"]):
        ts = np.array([sessions[names[0]][0].close_ts])
        assert panel_calendar(names, sessions) == bars_calendar(names, ts)
    with pytest.raises(ConfigError, match="XPAR"):
        panel_calendar(["XPAR"], sessions)


def test_instants_outside_the_sessions_are_refused() -> None:
    sessions = sessions_of("XNYS", 19_900, 19_950)
    moments = Moments(sessions)
    day = 86_400 * 10**9
    for ts in (sessions[0].open_ts - 5 * day, sessions[-1].close_ts + 5 * day, 0, 2**62):
        with pytest.raises(DataError, match="sessions must hold instant"):
            moments.at(ts, None)


def test_up_to_the_last_instant_within_nothing_but_the_minutes_changes() -> None:
    sessions, minute = sessions_of("XNYS", 19_900, 19_950), 60 * 10**9
    for moments, begin in (
        (Moments(sessions), sessions[3].open_ts),
        (Moments(sessions), sessions[3].close_ts + minute),
        (moments_of(COINS, {}), sessions[3].open_ts),
    ):
        assert moments.last_within(begin, None) == begin - 1  # of no session yet
        now = moments.at(begin, None)
        last = moments.last_within(begin, now.session_day)
        assert last > begin
        at_last, after = moments.at(last, now.session_day), moments.at(last + 1, now.session_day)
        assert (at_last.session_day, at_last.closes_session) == (now.session_day, False)
        assert after.session_day != now.session_day or after.closes_session
