"""Tickers change hands: whose rows a ticker means, and who was a member when."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.fakes.stored import put, put_rows, put_terms

from fanfold.errors import ConfigError, DataError
from fanfold.market import load_bars
from fanfold.market.horizon import horizon
from fanfold.market.store import Series, Store

DAYS = pd.bdate_range("2013-01-07", periods=15)
LISTINGS = Series(kind="listings")
INDEX = Series(kind="members", symbol="big")


def frame_of(symbol: str, first: int, last: int, close: float) -> pd.DataFrame:
    """Business days by number, all prices the same."""
    frame = pd.DataFrame({"symbol": symbol, "ts": DAYS[first : last + 1]})
    return frame.assign(**dict.fromkeys(("open", "high", "low", "close"), close), volume=1.0)


def day(number: int) -> str:
    return str(DAYS[number].date())


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """OLD was renamed to NEW after day 4; T was one asset to day 6 and is another since day 9."""
    store = Store.at(tmp_path / "data")
    put(store, pd.concat([frame_of("OLD", 0, 4, 10), frame_of("NEW", 5, 14, 11)]))
    put(store, pd.concat([frame_of("T", 0, 6, 20), frame_of("T", 9, 14, 90)]))
    put(store, frame_of("PLAIN", 0, 14, 5))
    put_terms(
        store,
        LISTINGS,
        {"symbol": "OLD", "asset": "one", "end": day(4)},
        {"symbol": "NEW", "asset": "one", "start": day(5)},
        {"symbol": "T", "asset": "dead", "end": day(6), "delisting_return": -0.4},
        {"symbol": "T", "asset": "young", "start": day(9)},
    )
    return store


def at(store: Store) -> str:
    return store.name


def test_a_renamed_asset_has_the_bars_of_all_its_tickers(store: Store) -> None:
    bars = load_bars(at(store), symbols=["NEW", "PLAIN"])
    assert bars.close[:, 0].tolist() == [10] * 5 + [11] * 10
    assert bars.delisted_day is None
    assert "NEW was also OLD" in bars.source
    # Also when it is asked for by the name that it no longer has.
    assert load_bars(at(store), symbols="OLD").close[:, 0].tolist() == [10] * 5 + [11] * 10


def test_a_range_before_the_change_means_the_name_of_then(store: Store) -> None:
    bars = load_bars(at(store), symbols="OLD", end=day(3))
    assert bars.close[:, 0].tolist() == [10] * 4
    with pytest.raises(DataError, match=f"NEW must be listed by the end of the range, {day(3)}"):
        load_bars(at(store), symbols="NEW", end=day(3))


def test_a_ticker_means_the_asset_that_bears_it_at_the_end(store: Store) -> None:
    bars = load_bars(at(store), symbols=["T", "PLAIN"])
    assert np.isnan(bars.close[:9, 0]).all()
    assert (bars.close[9:, 0] == 90).all()
    assert f"T named another asset to {day(6)}" in bars.source
    alone = load_bars(at(store), symbols="T", end=day(5))
    assert alone.close[:, 0].tolist() == [20] * 6
    assert "another" not in alone.source


def test_a_ticker_that_names_nobody_means_its_last_asset_which_was_delisted(store: Store) -> None:
    bars = load_bars(at(store), symbols=["T", "PLAIN"], end=day(8))
    assert np.nan_to_num(bars.close[:, 0]).tolist() == [20] * 7 + [0, 0]
    assert bars.delisted_day is not None
    assert bars.delisting_return is not None
    gone = (DAYS[6] + pd.Timedelta(days=1)).date()
    assert bars.delisted_day[0] == np.datetime64(gone).astype(int)
    assert bars.delisting_return.tolist() == [-0.4, 0]


def test_the_dead_asset_can_be_asked_for_by_its_own_name(store: Store) -> None:
    bars = load_bars(at(store), symbols=["dead", "T"])
    assert bars.symbols == ("dead", "T")
    assert np.nan_to_num(bars.close[-1]).tolist() == [0, 90]
    assert bars.close[0, 0] == 20


def test_one_asset_under_two_names_is_refused(store: Store) -> None:
    with pytest.raises(ConfigError, match="different assets, OLD and NEW are one"):
        load_bars(at(store), symbols=["OLD", "NEW"])


def test_all_of_a_store_is_each_asset_once(store: Store) -> None:
    assert load_bars(at(store)).symbols == ("NEW", "PLAIN", "T")
    assert load_bars(at(store), end=day(3)).symbols == ("OLD", "PLAIN", "T")


def test_a_delisting_that_is_still_to_come_is_not_known_under_a_horizon(store: Store) -> None:
    bars = load_bars(at(store), symbols=["T", "PLAIN"], end=day(8))
    with horizon(int(bars.ts[6])):
        assert load_bars(at(store), symbols=["T"]).delisted_day is None
        # Nor that the name will be another's.
        assert load_bars(at(store), symbols=["T"]).close[0, 0] == 20
    with horizon(int(bars.ts[8])):
        assert load_bars(at(store), symbols=["T", "PLAIN"]).delisted_day is not None


def test_actions_belong_to_the_asset_of_their_day(store: Store) -> None:
    for symbol, number in (("OLD", 2), ("NEW", 7), ("T", 3)):
        columns = {"session": DAYS[[number]].to_numpy("datetime64[D]").astype(np.int32)}
        columns |= {"splits": np.array([2.0]), "dividends": np.array([0.0])}
        put_rows(store, Series(kind="actions", symbol=symbol), columns)
    bars = load_bars(at(store), symbols=["NEW", "T", "PLAIN"])
    assert bars.splits is not None
    assert np.argwhere(bars.splits == 2).tolist() == [[2, 0], [7, 0]]


def test_a_universe_says_who_was_a_member_and_chooses_them(store: Store) -> None:
    put_terms(
        store,
        INDEX,
        {"symbol": "OLD", "start": day(1), "end": day(4)},
        {"symbol": "NEW", "start": day(5), "end": day(8)},
        {"symbol": "T", "end": day(6)},
        {"symbol": "PLAIN", "start": "2020-01-06"},
    )
    bars = load_bars(at(store), universe="big", end=day(12))
    # The asset that bore T then was a member, not the one that bears it now.
    assert bars.symbols == ("NEW", "dead")
    assert bars.members is not None
    assert np.flatnonzero(bars.members[:, 0]).tolist() == list(range(1, 9))
    assert np.flatnonzero(bars.members[:, 1]).tolist() == list(range(7))
    chosen = load_bars(at(store), universe="big", symbols=["T", "PLAIN"], start=day(9))
    assert chosen.members is not None
    assert not chosen.members.any()


def test_a_table_may_call_a_member_by_its_name_of_today(store: Store) -> None:
    put_terms(store, INDEX, {"symbol": "NEW", "start": day(2)})
    bars = load_bars(at(store), universe="big")
    assert bars.members is not None
    assert np.flatnonzero(bars.members[:, 0]).tolist() == list(range(2, 15))


def test_members_without_bars_are_not_left_out_silently(store: Store) -> None:
    put_terms(store, INDEX, {"symbol": "PLAIN"}, {"symbol": "LOST"})
    with pytest.raises(DataError, match="1 of 2 are missing, such as LOST"):
        load_bars(at(store), universe="big")
    assert load_bars(at(store), universe="big", symbols="PLAIN").bar_count == 15


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"universe": "bgi"}, r"universe must be one of big in .*, was 'bgi' \(nearest: 'big'\)"),
        ({"universe": "big", "end": day(3)}, "universe big must have members in the period"),
        ({"symbols": "PLANE"}, r"symbol must be one of .*, was 'PLANE' \(nearest: 'PLAIN'\)"),
    ],
)
def test_names_that_are_not_there_are_refused(
    store: Store, asked: dict[str, str], message: str
) -> None:
    put_terms(store, INDEX, {"symbol": "PLAIN", "start": day(5)})
    with pytest.raises(DataError, match=message.replace(", was 'PLANE'", "; was 'PLANE'")):
        load_bars(at(store), **asked)


def test_a_real_ticker_shows_the_company_that_bears_it_now(
    reference_data: Path, tmp_path: Path
) -> None:
    """EEM named another fund until 2003; QQQ was QQQQ from 2004 to 2011."""
    store = Store.at(tmp_path)
    frame = pd.read_parquet(reference_data / "bars" / "daily_us_lean_ticker_reuse_example.parquet")
    put(store, frame)
    table = pd.read_csv(reference_data / "corporate" / "ticker_map_lean.csv", dtype=str)
    terms = []
    for asset, rows in table.groupby("permtick"):
        start = pd.to_datetime(rows["date"].iloc[0])
        for until, ticker in zip(rows["date"].iloc[1:], rows["ticker"].iloc[1:], strict=True):
            end = pd.to_datetime(until)
            if end >= start:
                term = {"symbol": ticker.upper(), "asset": asset, "start": str(start.date())}
                terms.append(term | {"end": str(end.date())})
            start = end + pd.Timedelta(days=1)
    put_terms(store, LISTINGS, *terms, {"symbol": "EEM", "asset": "before", "end": "2003-04-10"})
    bars = load_bars(tmp_path)
    assert bars.symbols == ("EEM", "QQQ")
    first = [int(np.flatnonzero(~np.isnan(column))[0]) for column in bars.close.T]
    assert [str(np.datetime64(int(bars.session_day[one]), "D")) for one in first] == [
        "2003-04-11",
        "1999-03-10",
    ]
    there = (frame["symbol"] == "EEM") & (frame["ts"] >= "2003-04-11")
    assert (~np.isnan(bars.close[:, 0])).sum() == there.sum()
    assert "EEM named another asset to 2003-04-10" in bars.source
    assert "QQQ was also QQQQ" in bars.source
    assert "QQQ lacks its days as QQQQ" in bars.source
    # What the other fund was at stays to be had.
    assert load_bars(tmp_path, symbols="before").close[0, 0] == 9.63
