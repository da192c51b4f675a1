"""Larger timeframes against a plain reading of their rule, and bars written by hand."""

from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from numpy.typing import NDArray
from tests.fakes.both_ways import few
from tests.unit.strategies.indicators.conftest import (
    FIRST_MONDAY,
    MINUTE_NS,
    QUARTERS,
    closes,
    context_of_days,
    context_of_quarters,
    gappy_sessions,
    market,
    own_bars,
    same_bits,
)

from fanfold.errors import ConfigError
from fanfold.strategies.indicators import (
    ATR,
    SMA,
    VWAP,
    Bollinger,
    Context,
    Donchian,
    Indicator,
    On,
    batch,
    stream,
    warm_up_on,
)

TIMEFRAMES = ("15min", "30min", "1h", "4h", "1D", "1W")


def ends_of(timeframe: str, context: Context) -> list[Any]:
    """Which larger bar each bar belongs to, as a sortable label that names its end."""
    labels: list[Any] = []
    for ts, day, left in zip(
        context.ts.tolist(), context.session_day, context.minutes_to_close, strict=True
    ):
        close = ts + int(left) * MINUTE_NS
        if timeframe == "1D":
            labels.append((day, ts > close))
        elif timeframe == "1W":
            year, week, _ = date.fromordinal(719_163 + int(day)).isocalendar()
            last = last_of_week(int(day), context.calendar)
            labels.append((year, week, day > last or (day == last and ts > close)))
        else:
            minutes = int(timeframe.removesuffix("min").removesuffix("h"))
            length = minutes * MINUTE_NS * (60 if timeframe.endswith("h") else 1)
            end = (ts + length - 1) // length * length
            labels.append(min(end, close) if ts <= close else end)
    return labels


def last_of_week(day: int, calendar: str) -> int:
    """The week's last session: a Sunday round the clock, else a Friday but for one holiday."""
    monday = day - date.fromordinal(719_163 + day).weekday()
    if calendar == "24/7":
        return monday + 6
    return monday + (3 if monday == FIRST_MONDAY else 4)


def completed(timeframe: str, context: Context) -> list[list[list[int]]]:
    """At each bar, the larger bars that are complete, each as the list of its bars."""
    labels = ends_of(timeframe, context)
    known: list[list[list[int]]] = []
    for now in range(len(labels)):
        groups: list[list[int]] = []
        for bar in range(now + 1):
            late = isinstance(labels[bar], tuple) and labels[bar][-1]
            after_late = bar > 0 and isinstance(labels[bar], tuple) and labels[bar - 1][-1]
            joins = bar > 0 and (labels[bar] == labels[bar - 1] or (after_late and not late))
            if joins:
                groups[-1].append(bar)
            else:
                groups.append([bar])
        if not is_end(timeframe, context, now, labels[now]):
            groups.pop()
        known.append(groups)
    return known


def is_end(timeframe: str, context: Context, bar: int, label: Any) -> bool:
    """Whether the bar's end is its larger bar's."""
    closes_session = context.minutes_to_close[bar] == 0
    if timeframe == "1D":
        return bool(closes_session)
    if timeframe == "1W":
        day = int(context.session_day[bar])
        return bool(closes_session) and day == last_of_week(day, context.calendar)
    return label == context.ts[bar]


def merged(panel: NDArray[np.float64], bars: list[int], asset: int) -> list[float]:
    """One larger bar of an asset; NaN where it does not trade."""
    own = panel[:, [bar for bar in bars if own_bars(panel, asset)[bar]], asset]
    if own.shape[1] == 0:
        return [np.nan] * 5
    volume = 0.0
    for each in own[4].tolist():
        volume += each
    return [own[0, 0], own[1].max(), own[2].min(), own[3, -1], volume]


@pytest.mark.parametrize("timeframe", TIMEFRAMES)
@pytest.mark.parametrize("inner", [ATR(1), VWAP(1)], ids=repr)
@few
@given(sessions=gappy_sessions())
def test_only_completed_bars_of_the_larger_timeframe_count(
    timeframe: str, inner: Indicator, sessions: tuple[NDArray[np.float64], Context]
) -> None:
    panel, context = sessions
    values = batch(On(timeframe, inner), panel, context)
    for now, groups in enumerate(completed(timeframe, context)):
        for asset in range(2):
            rows = [merged(panel, bars, asset) for bars in groups]
            live = stream(inner)
            for row in rows:
                live.push(*row)
            assert same_bits(live.latest, values[:, now, asset])


def quarter_closes(*numbers: int) -> tuple[NDArray[np.float64], list[tuple[int, int]]]:
    """Bars of the first session whose closes are their numbers in it."""
    panel = closes(*map(float, numbers))
    return np.concatenate([panel, panel], axis=2), [(FIRST_MONDAY, n) for n in numbers]


def test_hours_end_by_the_clock_and_at_the_close() -> None:
    panel, clock = quarter_closes(*range(1, QUARTERS + 1))
    hourly = batch(On("1h", SMA(1)), panel, context_of_quarters(clock))[0, :, 0]
    # The session opens at 14:30 UTC, so its first hour ends with its second quarter.
    changes = np.flatnonzero(np.diff(np.nan_to_num(hourly), prepend=0.0) > 0) + 1
    assert changes.tolist() == [2, 6, 10, 14, 18, 22, 26]
    assert hourly[changes - 1].tolist() == [2, 6, 10, 14, 18, 22, 26]


def test_four_hours_are_cut_at_the_close() -> None:
    panel, clock = quarter_closes(*range(1, QUARTERS + 1))
    values = batch(On("4h", SMA(1)), panel, context_of_quarters(clock))[0, :, 0]
    assert np.flatnonzero(np.diff(np.nan_to_num(values), prepend=0.0) > 0).tolist() == [5, 21, 25]


def test_a_bar_after_the_close_belongs_to_the_next_session() -> None:
    clock = [(FIRST_MONDAY, 26), (FIRST_MONDAY, 28), (FIRST_MONDAY + 1, 1), (FIRST_MONDAY + 1, 26)]
    panel = np.repeat(closes(1, 9, 2, 3), 2, axis=2)
    upper = batch(On("1D", Donchian(1)), panel, context_of_quarters(clock))[0, :, 0]
    assert upper.tolist() == [1.0, 1.0, 1.0, 9.0]


def test_a_session_without_its_last_bar_is_complete_at_the_next_bar() -> None:
    clock = [(FIRST_MONDAY, 1), (FIRST_MONDAY, 25), (FIRST_MONDAY + 1, 1), (FIRST_MONDAY + 1, 2)]
    panel = np.repeat(closes(1, 2, 3, 4), 2, axis=2)
    daily = batch(On("1D", SMA(1)), panel, context_of_quarters(clock))[0, :, 0]
    np.testing.assert_array_equal(daily, [np.nan, np.nan, 2.0, 2.0])


def test_a_larger_bar_completes_by_the_clock_for_an_asset_without_a_bar_then() -> None:
    panel, clock = quarter_closes(24, 25, 26)
    panel[:, 2, 1] = np.nan
    daily = batch(On("1D", SMA(1)), panel, context_of_quarters(clock))[0]
    np.testing.assert_array_equal(daily, [[np.nan] * 2, [np.nan] * 2, [26.0, 25.0]])


def test_a_week_ends_with_its_last_session_by_the_calendar() -> None:
    days = [FIRST_MONDAY + day for day in (2, 3, 7, 8, 9, 10, 11, 14)]  # a Friday's holiday
    panel = np.repeat(closes(1, 2, 3, 4, 5, 6, 7, 8), 2, axis=2)
    context = context_of_quarters([(day, QUARTERS) for day in days])
    weekly = batch(On("1W", SMA(1)), panel, context)[0, :, 0]
    np.testing.assert_array_equal(weekly, [np.nan, 2, 2, 2, 2, 2, 7, 7])


def test_the_timeframe_of_the_bars_themselves_changes_nothing() -> None:
    panel, context = market(40), context_of_days(40)
    for inner in (SMA(3), ATR(2), Bollinger(4)):
        assert same_bits(batch(On("1D", inner), panel, context), batch(inner, panel))
        assert warm_up_on(On("1D", inner), context) == inner.warm_up


@pytest.mark.parametrize("timeframe", TIMEFRAMES)
@pytest.mark.parametrize("period", [1, 2, 5])
def test_warm_up_over_bars_ends_with_the_first_value(timeframe: str, period: int) -> None:
    clock = [(FIRST_MONDAY + d, q) for d in (0, 1, 7, 8, 14, 30, 31, 38) for q in (1, 2, 20, 26)]
    panel = np.repeat(market(len(clock)), 2, axis=2)
    context = context_of_quarters(clock)
    on = On(timeframe, SMA(period))
    first = np.isnan(batch(on, panel, context)[0, :, 0]).sum() + 1
    assert warm_up_on(on, context) == first
    assert on.warm_up <= first


def test_warm_up_is_beyond_bars_that_do_not_suffice() -> None:
    context = context_of_days(20)
    assert warm_up_on(On("1W", SMA(3)), context) > 20
    assert warm_up_on(On("1D", SMA(30)), context) == 30
    assert warm_up_on(SMA(30), context) == 30
    assert warm_up_on(On("1D", SMA(3)), context_of_days(0)) == 3


@pytest.mark.parametrize(
    "timeframe", ["", "1d", "D", "2D", "1M", "7min", "0h", "24h", "1440min", "5h", "1 h", 60, None]
)
def test_a_timeframe_that_cannot_be_is_refused(timeframe: Any) -> None:
    with pytest.raises(ConfigError, match=r"a timeframe must be 1D, 1W, .* was "):
        On(timeframe, SMA(3))


def test_on_holds_an_indicator_that_is_no_other_on() -> None:
    with pytest.raises(ConfigError, match="On takes an indicator"):
        On("1D", "SMA")  # pyright: ignore[reportArgumentType]
    with pytest.raises(ConfigError, match="On takes no other On"):
        On("1W", On("1D", SMA(3)))


def test_whole_sessions_cannot_be_divided() -> None:
    with pytest.raises(ConfigError, match="needs bars that divide a session"):
        warm_up_on(On("1h", SMA(2)), context_of_days(4))


def test_on_is_named_and_hashed_by_what_it_holds() -> None:
    assert repr(On("1D", SMA(3))) == "On(timeframe='1D', indicator=SMA(period=3))"
    assert len({On("1D", SMA(3)), On("1D", SMA(3)), On("1W", SMA(3)), On("1D", SMA(4))}) == 3
    assert On("1D", Bollinger(3)).output_count == 3


def test_the_first_monday_is_one() -> None:
    day = datetime.fromtimestamp(FIRST_MONDAY * 86_400, UTC).date()
    assert (day.isoformat(), day.weekday()) == ("2022-04-11", 0)
