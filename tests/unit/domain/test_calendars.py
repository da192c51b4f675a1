import pickle
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfold.domain.bars import Bars
from fanfold.domain.calendars import latest_calendar, panel_calendar
from fanfold.errors import ConfigError, DataError, FanfoldError

HOLIDAYS = pd.DatetimeIndex(["2013-11-28", "2013-12-25", "2014-01-01"])
ALL_DAYS = pd.date_range("2013-11-20", "2014-01-10")
SESSIONS = ALL_DAYS[(ALL_DAYS.day_of_week < 5) & ~ALL_DAYS.isin(HOLIDAYS)]
HOUR = timedelta(hours=1)
BY_SYMBOL = {"SPY": "XNYS", "BTC": "24/7"}


def daily(symbol: str, dates: pd.DatetimeIndex, **columns: Any) -> pd.DataFrame:
    """Row n opens at 100 + n and closes a point higher."""
    first = 100.0 + np.arange(len(dates))
    frame = pd.DataFrame({"symbol": symbol, "ts": dates, "open": first, "high": first + 2})
    return frame.assign(low=first - 1, close=first + 1, volume=1_000.0, **columns)


def both(**asked: Any) -> Bars:
    frames = [daily("SPY", SESSIONS), daily("BTC", ALL_DAYS)]
    return Bars.from_frame(pd.concat(frames), **{"calendar": BY_SYMBOL} | asked)


def ends_of(bars: Bars, symbol: str) -> list[str]:
    there = ~np.isnan(bars.close[:, bars.symbols.index(symbol)])
    return [str(end)[:16] for end in pd.DatetimeIndex(bars.ts[there], tz="UTC")]


def dates_of(days: np.ndarray) -> list[str]:
    return [str(day) for day in days.astype("datetime64[D]")]


def test_each_assets_bars_end_by_its_own_calendar() -> None:
    bars = both()
    assert bars.calendars == ("XNYS", "24/7")
    assert bars.calendar == "24/7"
    assert bars.periods_per_year == 365
    assert ends_of(bars, "BTC") == [f"{day.date()} 00:00" for day in ALL_DAYS + pd.Timedelta("1D")]
    shares = ends_of(bars, "SPY")
    assert len(shares) == len(SESSIONS)
    # A half day, and a whole one in winter: 13:00 and 16:00 in New York.
    assert {"2013-11-29 18:00", "2013-12-02 21:00"} <= set(shares)


def test_an_asset_is_absent_where_another_has_a_bar() -> None:
    bars = both()
    assert bars.bar_count == len(SESSIONS) + len(ALL_DAYS)
    assert (np.isnan(bars.close).sum(axis=1) == 1).all()


def test_closes_of_new_york_move_with_its_clocks_and_midnights_of_utc_do_not() -> None:
    days = pd.date_range("2013-10-31", "2013-11-05")
    frame = pd.concat([daily("SPY", days[days.day_of_week < 5]), daily("BTC", days)])
    bars = Bars.from_frame(frame)
    assert [end[11:] for end in ends_of(bars, "SPY")] == ["20:00"] * 2 + ["21:00"] * 2
    assert {end[11:] for end in ends_of(bars, "BTC")} == {"00:00"}


def test_sessions_of_a_mixed_panel_are_days_of_utc() -> None:
    bars = both().select(start="2013-11-28", end="2013-11-30")
    days = ["2013-11-28", "2013-11-29", "2013-11-29", "2013-11-30"]
    assert dates_of(bars.session_day) == days
    assert bars.closes_session.tolist() == [True, False, True, True]
    assert bars.minutes_to_close.tolist() == [0, 360, 0, 0]


def test_an_assets_own_session_lasts_from_close_to_close() -> None:
    own = both().select(start="2013-11-28", end="2013-12-02").own_session_day
    holiday, half_day, friday_night, saturday, sunday = range(5)
    shares = dates_of(own[:, 0])
    assert shares[holiday] == shares[half_day] == "2013-11-29"
    assert shares[friday_night] == shares[saturday] == shares[sunday] == "2013-12-02"
    assert shares[5:] == ["2013-12-02", "2013-12-03"]
    assert dates_of(own[:, 1])[:4] == ["2013-11-28", "2013-11-29", "2013-11-29", "2013-11-30"]


def test_own_sessions_of_one_calendar_are_the_panels() -> None:
    bars = both().select(symbols="SPY")
    assert (bars.own_session_day == bars.session_day[:, None]).all()


def test_beyond_its_calendars_last_close_a_session_is_still_to_come() -> None:
    own = both().own_session_day
    assert (np.diff(own, axis=0) >= 0).all()
    assert dates_of(own[-1:, 0]) == ["2014-01-13"]


@pytest.mark.parametrize(("symbol", "calendar"), [("SPY", "XNYS"), ("BTC", "24/7")])
def test_narrowed_to_one_calendar_a_panel_has_that_ones_sessions(
    symbol: str, calendar: str
) -> None:
    bars = both().select(symbols=symbol)
    dates = SESSIONS if symbol == "SPY" else ALL_DAYS
    alone = Bars.from_frame(daily(symbol, dates), calendar=calendar)
    assert (bars.calendar, bars.calendars) == (calendar, (calendar,))
    assert dates_of(bars.session_day) == [str(day.date()) for day in dates]
    assert bars.is_month_end.tolist() == alone.is_month_end.tolist()
    assert bars.fingerprint == alone.fingerprint


@st.composite
def markets(draw: st.DrawFn) -> dict[str, pd.DataFrame]:
    """Shares with a split or a dividend on some days, and coins; some days of each are missing."""
    frames: dict[str, pd.DataFrame] = {}
    for symbol, days in (("SPY", SESSIONS), ("IBM", SESSIONS), ("BTC", ALL_DAYS)):
        kept = draw(st.sets(st.integers(0, len(days) - 1), min_size=2, max_size=20))
        splits, dividends = np.ones(len(kept)), np.zeros(len(kept))
        splits[draw(st.integers(0, len(kept) - 1))] = draw(st.sampled_from([1.0, 2.0]))
        dividends[draw(st.integers(0, len(kept) - 1))] = draw(st.sampled_from([0.0, 0.5]))
        frames[symbol] = daily(symbol, days[sorted(kept)], splits=splits, dividends=dividends)
    return frames


@given(frames=markets(), chosen=st.sampled_from([("SPY",), ("BTC",), ("IBM", "SPY")]))
def test_a_panel_narrowed_equals_the_one_built_without_the_others(
    frames: dict[str, pd.DataFrame], chosen: tuple[str, ...]
) -> None:
    calendar = {**BY_SYMBOL, "IBM": "XNYS"}
    bars = Bars.from_frame(pd.concat(frames.values()), stamp="session", calendar=calendar)
    rows, own = pd.concat([frames[name] for name in chosen]), {n: calendar[n] for n in chosen}
    alone = Bars.from_frame(rows, stamp="session", calendar=own)
    assert (np.diff(bars.session_day) >= 0).all()
    assert bars.select(symbols=chosen).fingerprint == alone.fingerprint
    in_steps = bars.select(symbols=[*chosen, *(set(frames) - set(chosen))][:2])
    assert in_steps.select(symbols=chosen).fingerprint == alone.fingerprint


@given(
    start=st.sampled_from([str(day.date()) for day in ALL_DAYS[:20]]),
    symbol=st.sampled_from(["SPY", "BTC"]),
)
def test_a_period_of_some_assets_is_a_period_of_their_own_calendar(start: str, symbol: str) -> None:
    bars = both()
    at_once = bars.select(symbols=symbol, start=start, end="2013-12-20")
    in_steps = bars.select(symbols=symbol).select(start=start, end="2013-12-20")
    assert at_once.fingerprint == in_steps.fingerprint


def test_an_evening_in_new_york_belongs_to_its_day_where_shares_are_alone() -> None:
    # From 23:30 on in UTC, an hour that ends after midnight there.
    hours = pd.DatetimeIndex(["2013-12-02 15:30", "2013-12-02 23:30"], tz="UTC")
    frame = pd.concat([daily("SPY", hours), daily("BTC", hours)])
    bars = Bars.from_frame(frame, stamp="start", calendar=BY_SYMBOL, bar=HOUR)
    assert bars.select(end="2013-12-02").bar_count == 1
    assert bars.select(symbols="SPY", end="2013-12-02").bar_count == 2


@given(last=st.integers(3, len(ALL_DAYS)))
def test_days_that_follow_change_no_earlier_bar_of_a_mixed_panel(last: int) -> None:
    until = ALL_DAYS[last - 1]
    cut = Bars.from_frame(
        pd.concat(
            [
                daily("SPY", SESSIONS[: SESSIONS.searchsorted(until, side="right")]),
                daily("BTC", ALL_DAYS[:last]),
            ]
        ),
        calendar=BY_SYMBOL,
    )
    assert both().select(end=str(until.date())).fingerprint == cut.fingerprint


def test_weekend_bars_of_some_symbols_leave_the_others_on_the_exchange() -> None:
    inferred = both(calendar=None)
    assert inferred.calendars == ("XNYS", "24/7")
    assert inferred.fingerprint == both().fingerprint
    assert "XNYS for 1 without weekend bars" in inferred.source
    assert "without weekend" not in both().source


def test_weekend_bars_are_told_apart_by_symbol_whatever_a_stamp_marks() -> None:
    days = ALL_DAYS.tz_localize("UTC")
    hours = pd.DatetimeIndex([day + pd.Timedelta(hours=16) for day in days])
    shares = hours[hours.tz_localize(None).normalize().isin(SESSIONS)]
    frame = pd.concat([daily("SPY", shares), daily("BTC", hours)])
    for stamp in ("start", "end"):
        bars = Bars.from_frame(frame, stamp=stamp, bar=HOUR if stamp == "start" else None)
        assert bars.calendars == ("XNYS", "24/7")


def test_hours_are_cut_at_the_close_of_their_own_exchange_only() -> None:
    # 17:30 UTC on the half day: its hour would pass the close at 18:00 in New York only.
    hour = pd.DatetimeIndex(["2013-11-29 16:30", "2013-11-29 17:30"], tz="UTC")
    frame = pd.concat([daily("SPY", hour), daily("BTC", hour)])
    bars = Bars.from_frame(frame, stamp="start", calendar=BY_SYMBOL)
    assert ends_of(bars, "SPY") == ["2013-11-29 17:30", "2013-11-29 18:00"]
    assert ends_of(bars, "BTC") == ["2013-11-29 17:30", "2013-11-29 18:30"]


def test_a_split_is_booked_on_the_assets_own_first_bar_of_the_day() -> None:
    hours = pd.DatetimeIndex(["2013-12-02 15:30", "2013-12-03 15:30"], tz="UTC")
    coins = pd.date_range("2013-12-02", periods=40, freq="h", tz="UTC")
    frame = pd.concat([daily("SPY", hours, splits=[1.0, 2.0]), daily("BTC", coins, splits=1.0)])
    bars = Bars.from_frame(frame, stamp="start", calendar=BY_SYMBOL, bar=HOUR)
    assert bars.splits is not None
    assert str(pd.Timestamp(bars.ts[np.argmax(bars.splits[:, 0])])) == "2013-12-03 16:30:00"


def test_an_index_of_an_exchange_is_known_at_its_close_beside_coins() -> None:
    levels = pd.Series(np.arange(1.0, len(SESSIONS) + 1), SESSIONS)
    bars = both(benchmark=levels).select(symbols="SPY")
    assert bars.benchmark is not None
    assert bars.benchmark.tolist() == levels.tolist()


def test_a_date_is_over_when_it_is_over_at_every_exchange() -> None:
    known = pd.DataFrame({"available_at": [pd.Timestamp("2013-11-29")], "value": [7.0]})
    values = both().with_column("pe", known).extra["pe"][:, 0]
    first = both().ts[int(np.argmax(values == 7.0))]
    # Midnight of UTC is still the evening before in New York.
    assert str(pd.Timestamp(first)) == "2013-12-01 00:00:00"
    assert latest_calendar(["XTKS", "24/7", "XNYS"], both().ts) == "XNYS"


@pytest.mark.parametrize(
    ("calendars", "expected"),
    [
        (["XNYS", "24/7"], "24/7"),
        (["XTKS", "XTKS"], "XTKS"),
        # 2013 had 252 sessions in New York and 245 in Tokyo.
        (["XTKS", "XNYS"], "XNYS"),
        (["XNYS", "XNAS"], "XNAS"),
    ],
)
def test_the_panels_calendar_is_the_busiest_whatever_the_order(
    calendars: list[str], expected: str
) -> None:
    ts = both().ts
    assert panel_calendar(calendars, ts) == panel_calendar(calendars[::-1], ts) == expected


def test_exchanges_of_two_continents_share_the_busier_ones_sessions() -> None:
    days = SESSIONS[:10]
    frame = pd.concat([daily("SPY", days), daily("SONY", days)])
    bars = Bars.from_frame(frame, calendar={"SPY": "XNYS", "SONY": "XTKS"})
    assert bars.calendar == "XNYS"
    assert ends_of(bars, "SONY")[0].endswith("06:00")
    tokyo = bars.select(symbols="SONY")
    alone = Bars.from_frame(daily("SONY", days), calendar="XTKS")
    assert tokyo.calendar == "XTKS"
    assert tokyo.fingerprint == alone.fingerprint


def test_one_calendar_for_all_leaves_the_fingerprint_as_it_was() -> None:
    frame = daily("SPY", SESSIONS)
    by_symbol = Bars.from_frame(frame, calendar={"SPY": "XNYS"})
    assert by_symbol.fingerprint == Bars.from_frame(frame, calendar="XNYS").fingerprint
    assert replace(both(), calendars=("24/7",) * 2).fingerprint != both().fingerprint


def test_calendars_survive_a_pickle() -> None:
    again = pickle.loads(pickle.dumps(both()))  # noqa: S301  (our own bytes)
    assert again.calendars == ("XNYS", "24/7")
    assert again.fingerprint == both().fingerprint


def test_calendars_follow_the_order_of_the_symbols_asked_for() -> None:
    assert both().select(symbols=["BTC", "SPY"]).calendars == ("24/7", "XNYS")
    assert both(symbols=["BTC", "SPY"]).calendars == ("24/7", "XNYS")
    assert both(symbols=["SPY"]).calendar == "XNYS"


@pytest.mark.parametrize(
    ("calendar", "kind", "message"),
    [
        ({**BY_SYMBOL, "SPX": "XNYS"}, DataError, r"must name symbols .*'SPX' \(nearest: 'SPY'\)"),
        ({**BY_SYMBOL, "SPY": "NYSE?"}, ConfigError, "calendar of SPY must be .* was 'NYSE[?]'"),
        ({"SPY": "XNYS"}, ConfigError, "must name each symbol, 'BTC' is not in SPY"),
        ("XNYZ", ConfigError, "calendar must be '24/7' or one of .* was 'XNYZ'"),
        (7, ConfigError, "calendar must be '24/7' or one of .* was 7"),
    ],
)
def test_a_calendar_that_is_not_there_gets_its_one_line(
    calendar: Any, kind: type[FanfoldError], message: str
) -> None:
    with pytest.raises(kind, match=message) as caught:
        both(calendar=calendar)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"calendars": ("XNYS", "24/7", "24/7")}, "calendars must be one for each of 2 symbols"),
        ({"calendar": "XNYS"}, "calendar must be 24/7, as calendars are, was 'XNYS'"),
    ],
)
def test_calendars_that_do_not_match_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        replace(both(), **changes)
