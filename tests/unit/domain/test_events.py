"""Splits, dividends, delisting and membership find their place in a panel."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfold.domain.adjustment import NEVER
from fanfold.domain.bars import Bars
from fanfold.domain.panel import CLOSE, VOLUME
from fanfold.errors import ConfigError, DataError, FanfoldError

NEW_YORK = "America/New_York"


def daily(*dates: str, symbol: str = "AAA") -> pd.DataFrame:
    """Row n opens at 100 + n and closes a point higher."""
    first = 100.0 + np.arange(len(dates))
    return pd.DataFrame(
        {
            "symbol": symbol,
            "ts": pd.to_datetime(list(dates)),
            "open": first,
            "high": first + 2,
            "low": first - 1,
            "close": first + 1,
            "volume": 1_000.0,
        }
    )


def intraday(*clocks: str, symbol: str = "AAA") -> pd.DataFrame:
    frame = daily(*clocks, symbol=symbol)
    return frame.assign(ts=frame["ts"].dt.tz_localize(NEW_YORK))


THREE = daily("2012-11-21", "2012-11-23", "2012-11-26")


def events(*rows: tuple[str, str, float]) -> pd.DataFrame:
    """Rows of symbol, date and value."""
    frame = pd.DataFrame(rows, columns=["symbol", "ts", "value"])
    return frame.assign(ts=pd.to_datetime(frame["ts"]))


def day(text: str) -> int:
    return int(np.datetime64(text).astype(int))


def test_actions_that_prices_contain_are_left_out() -> None:
    expected = Bars.from_frame(THREE.assign(adj_close=THREE["close"])).fingerprint
    both = THREE.assign(splits=[1.0, 7.0, np.nan], dividends=0.5, adj_close=THREE["close"])
    assert Bars.from_frame(both).fingerprint == expected
    split = Bars.from_frame(both, basis="split")
    assert split.splits is None
    assert split.dividends is not None
    assert Bars.from_frame(THREE.assign(dividends=0.5), basis="total_return").dividends is None


@pytest.mark.parametrize(
    "names",
    [("splits", "dividends"), ("Stock Splits", "Dividends"), ("split_ratio", "Ex-Dividend")],
)
def test_actions_are_booked_on_raw_bars(names: tuple[str, str]) -> None:
    frame = THREE.assign(**{names[0]: [0.0, 7.0, np.nan], names[1]: [0.0, np.nan, 0.5]})
    bars = Bars.from_frame(frame)
    assert bars.splits is not None
    assert bars.dividends is not None
    assert bars.splits[:, 0].tolist() == [1, 7, 1]
    assert bars.dividends[:, 0].tolist() == [0, 0, 0.5]


def test_columns_without_an_action_change_nothing() -> None:
    nothing = THREE.assign(**{"Stock Splits": 0.0, "Dividends": 0.0})
    assert Bars.from_frame(nothing).fingerprint == Bars.from_frame(THREE).fingerprint


def test_an_action_on_a_row_without_prices_is_not_lost() -> None:
    frame = THREE.assign(splits=[1.0, 2.0, 1.0], dividends=[0.0, 0.25, 0.0])
    frame.loc[1, ["open", "high", "low", "close", "volume"]] = np.nan
    bars = Bars.from_frame(frame)
    assert bars.bar_count == 3
    assert np.isnan(bars.panel[:, 1]).all()
    assert bars.splits is not None
    assert bars.dividends is not None
    assert (bars.splits[1, 0], bars.dividends[1, 0]) == (2, 0.25)
    # On adjusted prices it is in them, and the row says nothing.
    assert Bars.from_frame(frame, basis="total_return").bar_count == 2


def test_an_action_stands_on_the_first_bar_of_its_session() -> None:
    other = intraday("2012-11-21 09:30", "2012-11-21 10:30", "2012-11-23 09:30", symbol="BBB")
    late = intraday("2012-11-21 10:30", "2012-11-23 10:30").assign(splits=[3.0, 1.0])
    bars = Bars.from_frame(pd.concat([other, late]), stamp="end")
    assert bars.splits is not None
    assert bars.splits.T.tolist() == [[1, 1, 1, 1], [3, 1, 1, 1]]


def test_each_bad_action_gets_its_one_line() -> None:
    cases: list[tuple[dict[str, Any], str]] = [
        ({"splits": [1.0, -2.0, 1.0]}, r"AAA at 2012-11-23: splits must be positive .*was -2\.0"),
        ({"splits": [1.0, np.inf, 1.0]}, r"at 2012-11-23: splits must be positive .*, was inf"),
        ({"dividends": [0.0, 0.0, -0.1]}, r"at 2012-11-26: dividends must be finite .*was -0\.1"),
        ({"splits": ["7:1", "", ""]}, "splits must hold numbers"),
        ({"splits": [1e-6, 1e-6, 1.0]}, r"splits must multiply to 1e-09 to 1e\+09, AAA"),
    ]
    for columns, message in cases:
        with pytest.raises(DataError, match=message) as caught:
            Bars.from_frame(THREE.assign(**columns))
        assert "\n" not in str(caught.value)
    twice = intraday("2012-11-21 09:30", "2012-11-21 10:30").assign(splits=2.0)
    with pytest.raises(DataError, match=r"once for each symbol and session, AAA at .*10:30:00 was"):
        Bars.from_frame(twice, stamp="end")


def test_listing_and_membership_may_name_symbols_that_were_left_out() -> None:
    frame = pd.concat([THREE, daily("2012-11-21", "2012-11-23", symbol="BBB")])
    terms = pd.DataFrame(
        {"symbol": ["AAA", "BBB"], "start": pd.to_datetime("2012-11-23"), "end": pd.NaT}
    )
    asked: dict[str, Any] = {
        "delisted_at": {"BBB": "2012-11-24"},
        "delisting_return": -0.3,
        "members": terms,
    }
    bars = Bars.from_frame(frame, **asked)
    assert bars.delisted_day is not None
    assert bars.delisting_return is not None
    assert bars.members is not None
    assert bars.delisted_day.tolist() == [NEVER, np.datetime64("2012-11-24").astype(int)]
    assert bars.delisting_return.tolist() == [0, -0.3]
    assert bars.members.tolist() == [[False] * 2, [True] * 2, [True] * 2]
    assert Bars.from_frame(frame, symbols="AAA", **asked).delisted_day is None
    with pytest.raises(DataError, match=r"delisted_at \(2012-11-24\) must name an asset .*'BBC'"):
        Bars.from_frame(frame, delisted_at={"BBC": "2012-11-24"})


def test_actions_of_another_file_are_those_of_the_frame() -> None:
    whole = Bars.from_frame(THREE.assign(splits=[1.0, 7.0, 1.0], dividends=[0.1, 0.0, 0.5]))
    plain = Bars.from_frame(THREE)
    splits = events(("AAA", "2012-11-23", 7.0))
    dividends = events(("AAA", "2012-11-26", 0.5), ("AAA", "2012-11-21", 0.1))
    joined = plain.with_events(splits=splits, dividends=dividends)
    assert joined.fingerprint == whole.fingerprint
    in_steps = plain.with_events(dividends=dividends).with_events(splits=splits)
    assert in_steps.fingerprint == whole.fingerprint
    both = THREE.assign(Split=[0.0, 7.0, np.nan], amount=[0.1, 0.0, 0.5])[
        ["symbol", "ts", "Split", "amount"]
    ].rename(columns={"ts": "Ex Date"})
    assert plain.with_events(splits=both, dividends=both).fingerprint == whole.fingerprint
    in_utc = dividends.assign(ts=dividends["ts"].dt.tz_localize("UTC"))
    assert plain.with_events(splits=splits, dividends=in_utc).fingerprint == whole.fingerprint


def test_an_action_on_a_day_without_a_bar_of_its_asset_keeps_its_day() -> None:
    other = daily("2012-11-21", "2012-11-26", symbol="BBB")
    bars = Bars.from_frame(pd.concat([THREE, other]))
    bars = bars.with_events(splits=events(("BBB", "2012-11-23", 2.0)))
    assert bars.splits is not None
    assert bars.splits[:, 1].tolist() == [1, 2, 1]
    # The asset alone keeps the bar for its action, and loses nothing.
    assert bars.select(symbols="BBB").forward[:, 0].tolist() == [1, 2, 2]
    assert bars.select(symbols="AAA").splits is None


def test_actions_between_two_sessions_are_in_force_from_the_next() -> None:
    bars = Bars.from_frame(THREE).with_events(
        splits=events(("AAA", "2012-11-24", 2.0), ("AAA", "2012-11-25", 5.0)),
        dividends=events(
            ("AAA", "2012-11-24", 10.0), ("AAA", "2012-11-25", 1.0), ("AAA", "2012-11-26", 0.5)
        ),
    )
    assert bars.splits is not None
    assert bars.dividends is not None
    assert bars.splits[:, 0].tolist() == [1, 1, 10]
    # 10 for each of two units that became five each, 1 and 0.5 for each of ten.
    assert bars.dividends[2, 0] == pytest.approx(10 / 5 + 1 + 0.5, rel=1e-15)


@given(
    splits=st.lists(st.sampled_from([1.0, 0.5, 2.0, 4.0]), min_size=4, max_size=4),
    dividends=st.lists(st.sampled_from([0.0, 1.0, 2.0]), min_size=4, max_size=4),
)
def test_cash_and_units_do_not_depend_on_missing_sessions(
    splits: list[float], dividends: list[float]
) -> None:
    days = ("2012-11-19", "2012-11-20", "2012-11-21", "2012-11-23")
    frame = daily(*days)
    found = [
        events(*((symbol, at, value) for at, value in zip(days, values, strict=True)))
        for symbol, values in (("AAA", splits), ("AAA", dividends))
    ]
    whole = Bars.from_frame(frame).with_events(splits=found[0], dividends=found[1])
    gap = Bars.from_frame(frame.iloc[[0, 3]]).with_events(splits=found[0], dividends=found[1])

    def held(bars: Bars) -> tuple[float, float]:
        units, cash = 1.0, 0.0
        for bar in range(1, bars.bar_count):
            units *= 1.0 if bars.splits is None else bars.splits[bar, 0]
            cash += units * (0.0 if bars.dividends is None else bars.dividends[bar, 0])
        return units, cash

    assert held(gap) == held(whole)  # powers of two: no rounding


def test_a_delisted_asset_has_a_day_and_a_return() -> None:
    frame = pd.concat([THREE, daily("2012-11-21", "2012-11-23", symbol="BBB")])
    bars = Bars.from_frame(frame).with_events(
        delisted_at={"BBB": pd.Timestamp("2012-11-24")}, delisting_return={"BBB": -1.0}
    )
    assert bars.delisted_day is not None
    assert bars.delisting_return is not None
    assert bars.delisted_day.tolist() == [NEVER, day("2012-11-24")]
    assert bars.delisting_return.tolist() == [0, -1]
    both = bars.with_events(delisted_at={"AAA": "2013-01-02"})
    assert both.delisted_day is not None
    assert both.delisted_day.tolist() == [day("2013-01-02"), day("2012-11-24")]
    assert both.delisting_return is not None
    assert both.delisting_return.tolist() == [0, -1]


def terms(*rows: tuple[str, str | None, str | None]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["symbol", "start", "end"])
    return frame.assign(start=pd.to_datetime(frame["start"]), end=pd.to_datetime(frame["end"]))


def test_members_are_those_within_a_term_both_ends_included() -> None:
    frame = pd.concat([daily(*THREE["ts"].astype(str), symbol=name) for name in "ABCD"])
    bars = Bars.from_frame(frame).with_events(
        members=terms(
            ("A", None, "2012-11-23"),
            ("B", "2012-11-23", None),
            ("C", "2012-11-20", "2012-11-21"),
            ("C", "2012-11-26", "2012-12-31"),
        )
    )
    assert bars.members is not None
    assert bars.members.T.tolist() == [
        [True, True, False],
        [False, True, True],
        [True, False, True],
        [False, False, False],
    ]
    assert bars.with_events(members=terms(*((name, None, None) for name in "ABCD"))).members is None


PLAIN = Bars.from_frame(THREE)


@pytest.mark.parametrize(
    ("asked", "kind", "message"),
    [
        (
            {"splits": events(("AAB", "2012-11-23", 2.0))},
            DataError,
            r"splits at 2012-11-23 must name an asset of the bars, was 'AAB' \(nearest: 'AAA'\)",
        ),
        (
            {"dividends": events(("AAA", "2012-11-27", 2.0))},
            DataError,
            "must lie within the bars, 2012-11-21 to 2012-11-26, AAA had one at 2012-11-27",
        ),
        (
            {"splits": events(("AAA", "2012-11-20", 2.0))},
            DataError,
            "AAA had one at 2012-11-20",
        ),
        (
            {"splits": events(("AAA", "2012-11-23", 2.0), ("AAA", "2012-11-23", 2.0))},
            DataError,
            "splits must be there once for each symbol and date, AAA at 2012-11-23 was twice",
        ),
        (
            {"dividends": events(("AAA", "2012-11-23", -0.5))},
            DataError,
            r"AAA at 2012-11-23: dividends must be finite and not negative .*, was -0\.5",
        ),
        ({"splits": THREE}, DataError, "splits must have a column splits or value, had neither"),
        ({"splits": events().drop(columns="ts")}, DataError, "splits must have a column ts"),
        ({"splits": {"AAA": 2.0}}, DataError, "splits must be a pandas DataFrame or an Arrow"),
        (
            {"splits": events(("AAA", "2012-11-23 10:00", 2.0))},
            DataError,
            "must be midnight dates, there or at the exchange",
        ),
        ({"delisted_at": {"AAA": "soon"}}, ConfigError, "delisted_at of AAA must be a date such"),
        (
            {"delisted_at": {"AAA": "2012-11-23T10:00Z"}},
            ConfigError,
            "delisted_at of AAA must be a date such as 2012-03-01, was 2012-11-23T10",
        ),
        (
            {"delisted_at": {"BBB": "2012-11-23"}},
            DataError,
            r"delisted_at \(2012-11-23\) must name an asset of the bars, was 'BBB'",
        ),
        (
            {"delisted_at": {"AAA": "2012-11-23"}},
            DataError,
            "AAA must have no bar from the day .* 2012-11-23, had one on 2012-11-23",
        ),
        (
            {"delisted_at": {"AAA": "2012-12-01"}, "delisting_return": -1.5},
            DataError,
            r"delisting_return of AAA must be finite and >= -1, was -1\.5",
        ),
        ({"delisting_return": -0.3}, ConfigError, "delisting_return must go with a delisted_at"),
        (
            {"delisted_at": {"AAA": "2012-12-01"}, "delisting_return": {"BBB": 0.0}},
            ConfigError,
            "delisting_return of BBB must go with a delisted_at",
        ),
        (
            {"members": terms(("AAB", "2012-11-23", None))},
            DataError,
            "members from 2012-11-23 must name an asset of the bars, was 'AAB'",
        ),
        (
            {"members": terms(("AAA", "2012-11-23", "2012-11-22"))},
            DataError,
            "members must leave after they came, AAA from 2012-11-23 to 2012-11-22",
        ),
        ({"members": events()}, DataError, "members must have a column start"),
    ],
)
def test_each_bad_event_gets_its_one_line(
    asked: dict[str, Any], kind: type[FanfoldError], message: str
) -> None:
    with pytest.raises(kind, match=message) as caught:
        PLAIN.with_events(**asked)
    assert "\n" not in str(caught.value)


def test_an_action_that_is_booked_is_not_booked_again() -> None:
    split = events(("AAA", "2012-11-23", 7.0))
    with pytest.raises(DataError, match="AAA at 2012-11-23 was twice"):
        PLAIN.with_events(splits=split).with_events(splits=split)


def test_prices_that_contain_an_action_refuse_it() -> None:
    action = events(("AAA", "2012-11-23", 2.0))
    split, total = replace(PLAIN, basis="split"), replace(PLAIN, basis="total_return")
    assert split.with_events(dividends=action).dividends is not None
    with pytest.raises(DataError, match=r"splits must go with prices of basis raw .* 'split'"):
        split.with_events(splits=action)
    message = "dividends must go with prices of basis raw or split .* was 'total_return'"
    with pytest.raises(DataError, match=message):
        total.with_events(dividends=action)


def wiki(reference_data: Path) -> pd.DataFrame:
    frame = pd.read_parquet(reference_data / "corporate" / "wiki_daily_dividends_2014.parquet")
    return frame.assign(ts=frame["ts"].dt.tz_localize(None))


def test_real_splits_leave_no_jump_in_what_strategies_see(reference_data: Path) -> None:
    bars = Bars.from_frame(wiki(reference_data), basis="raw")
    apple = bars.symbols.index("AAPL")
    at = int(np.searchsorted(bars.session_day, day("2014-06-09")))
    assert bars.splits is not None
    assert bars.dividends is not None
    assert (bars.splits[:, apple] != 1).nonzero()[0].tolist() == [at]
    assert bars.splits[at, apple] == 7
    raw, seen = bars.close[:, apple], bars.seen[CLOSE, :, apple]
    assert raw[at] / raw[at - 1] < 0.2
    assert seen[at] / seen[at - 1] == pytest.approx(raw[at] * 7 / raw[at - 1], rel=1e-15)
    assert (seen[:at] == raw[:at]).all()
    # The four dividends of the year, as paid: two before the split, two after.
    paid = bars.dividends[:, apple]
    assert paid[paid > 0].tolist() == [3.05, 3.29, 0.47, 0.47]


def test_seen_prices_move_as_adjusted_ones_on_days_without_a_dividend(
    reference_data: Path,
) -> None:
    frame = wiki(reference_data)
    raw = Bars.from_frame(frame, basis="raw", symbols="AAPL")
    adjusted = Bars.from_frame(frame, symbols="AAPL")
    assert raw.dividends is not None
    calm = raw.dividends[1:, 0] == 0
    move = raw.seen[CLOSE, 1:, 0] / raw.seen[CLOSE, :-1, 0]
    expected = adjusted.close[1:, 0] / adjusted.close[:-1, 0]
    # The vendor's adjusted closes have been rounded to twelve decimals or so.
    assert move[calm] == pytest.approx(expected[calm], rel=1e-9)
    assert raw.seen[VOLUME, -1, 0] == raw.volume[-1, 0] / 7
