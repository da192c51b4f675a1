"""Raw prices in other bases, against figures by hand and against two vendors."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfold.domain.panel import CLOSE, VOLUME
from fanfold.errors import DataError
from fanfold.market.panels.views import Actions, Rows, bases_of, booked_in, fields_in, split_factors


def actions_of(*rows: tuple[int, float, float]) -> Actions:
    day, splits, dividends = (list(column) for column in zip(*rows, strict=True))
    return Actions(
        day=np.array(day, np.int64), splits=np.array(splits), dividends=np.array(dividends)
    )


def rows_of(close: Any, actions: Actions, first_day: int = 100, **more: Any) -> Rows:
    """Bars whose prices are all the close, a day apart, with a volume of 40."""
    fields = np.stack([np.array(close, float)] * 5)
    fields[VOLUME] = 40.0
    day = first_day + np.arange(len(close))
    return Rows(symbol="A", day=day, fields=fields, adj_close=None, actions=actions, **more)


# Two for one on day 102, a dividend of 2 on day 103, of 5 on day 104 with three for one.
ACTIONS = actions_of((102, 2.0, 0.0), (103, 1.0, 2.0), (104, 3.0, 5.0))
ROWS = rows_of([60, 64, 32, 30, 10], ACTIONS)


def test_prices_before_a_split_are_divided_by_it_and_volumes_multiplied() -> None:
    shown = fields_in(ROWS, "raw", "split")
    assert shown[CLOSE].tolist() == pytest.approx([10, 64 / 6, 32 / 3, 10, 10])
    assert shown[VOLUME].tolist() == pytest.approx([240, 240, 120, 120, 40])


def test_dividends_of_split_prices_are_in_their_units() -> None:
    booked = booked_in(ROWS, "raw", "split")
    assert booked.day.tolist() == [103, 104]
    assert booked.splits.tolist() == [1, 1]
    # The first is paid on units of which there are three now; the second on those of its day.
    assert booked.dividends.tolist() == pytest.approx([2 / 3, 5])
    assert booked_in(ROWS, "raw", "raw").splits.tolist() == [2, 1, 3]
    assert len(booked_in(ROWS, "raw", "total_return").day) == 0


def test_a_dividend_takes_its_share_of_the_close_before_it() -> None:
    shown = fields_in(ROWS, "raw", "total_return")
    first, second = 1 - 2 / 32, 1 - 5 / (30 / 3)
    expected = [10 * first * second, 64 / 6 * first * second, 32 / 3 * first * second, 5, 10]
    assert shown[CLOSE].tolist() == pytest.approx(expected)
    assert shown[VOLUME].tolist() == fields_in(ROWS, "raw", "split")[VOLUME].tolist()


def test_split_prices_need_the_dividends_alone() -> None:
    split = fields_in(ROWS, "raw", "split")
    booked = booked_in(ROWS, "raw", "split")
    rows = Rows(symbol="A", day=ROWS.day, fields=split, adj_close=None, actions=booked)
    assert fields_in(rows, "split", "total_return")[CLOSE].tolist() == pytest.approx(
        fields_in(ROWS, "raw", "total_return")[CLOSE].tolist(), rel=1e-14
    )


@given(first=st.integers(0, 3), count=st.integers(1, 5), later=st.floats(0.1, 9))
def test_neither_earlier_rows_nor_later_actions_change_a_bit(
    first: int, count: int, later: float
) -> None:
    span = slice(first, min(first + count, 5))
    last = int(ROWS.day[span][-1])
    more = actions_of(
        *zip(
            *(getattr(ACTIONS, name).tolist() for name in ("day", "splits", "dividends")),
            strict=True,
        ),
        (999, later, later),
    )
    some = rows_of(ROWS.fields[CLOSE][span], more, first_day=100 + first)
    known = rows_of(ROWS.fields[CLOSE][: span.stop], ACTIONS.between(0, last))
    for basis in ("split", "total_return"):
        whole = fields_in(known, "raw", basis)[:, first:]
        assert np.array_equal(fields_in(some, "raw", basis)[:, 1:], whole[:, 1:])
        # The last close that a dividend of the first day is measured by is not there.
        assert basis == "total_return" or np.array_equal(fields_in(some, "raw", basis), whole)


def test_a_dividend_of_all_that_an_asset_is_worth_is_refused() -> None:
    rows = rows_of([10, 10], actions_of((101, 1.0, 10.0)))
    with pytest.raises(DataError, match=r"below the close before it, A on 1970-04-12 paid 10.0"):
        fields_in(rows, "raw", "total_return")


@pytest.mark.parametrize(
    ("stored", "known", "expected"),
    [
        ("raw", {}, ("raw",)),
        ("raw", {"actions": True}, ("raw", "split", "total_return")),
        ("raw", {"adj_close": True}, ("raw", "total_return")),
        ("split", {}, ("split",)),
        ("split", {"actions": True}, ("split", "total_return")),
        ("split", {"adj_close": True}, ("split", "total_return")),
        ("total_return", {"actions": True, "adj_close": True}, ("total_return",)),
    ],
)
def test_what_is_stored_says_what_can_be_shown(
    stored: Any, known: dict[str, bool], expected: tuple[str, ...]
) -> None:
    assert bases_of(stored, **{"adj_close": False, "actions": False} | known) == expected


@pytest.mark.parametrize("name", ["dividends_2014", "dividends_aapl_2011_2012"])
def test_adjusted_prices_of_a_vendor_are_ours(reference_data: Path, name: str) -> None:
    """A vendor that reinvests a dividend at the close of its ex-date, not the one before."""
    frame = pd.read_parquet(reference_data / "corporate" / f"wiki_daily_{name}.parquet")
    for symbol, one in frame.groupby("symbol"):
        day = one["ts"].to_numpy("datetime64[D]").astype(np.int64)
        acts = ((one["ex_dividend"] > 0) | (one["split_ratio"] != 1)).to_numpy()
        actions = Actions(
            day=day[acts],
            splits=one["split_ratio"].to_numpy()[acts],
            dividends=one["ex_dividend"].to_numpy()[acts],
        )
        fields = one[["open", "high", "low", "close", "volume"]].to_numpy().T.copy()
        rows = Rows(symbol=str(symbol), day=day, fields=fields, adj_close=None, actions=actions)
        shown = fields_in(rows, "raw", "total_return")
        theirs = one[["adj_open", "adj_high", "adj_low", "adj_close"]].to_numpy().T
        theirs = theirs * shown[CLOSE][-1] / theirs[CLOSE][-1]
        # Where the two closes differ by a move of m, the factors differ by yield × m: with
        # at most 4 dividends of 0.9 % and moves of 5 % that is below 0.2 %.
        np.testing.assert_allclose(shown[:VOLUME], theirs, rtol=0.002)
        if (one["ex_dividend"] == 0).all():
            np.testing.assert_allclose(shown[:VOLUME], theirs, rtol=1e-12)
        later = one["split_ratio"].to_numpy()[::-1].cumprod()[::-1] / one["split_ratio"].to_numpy()
        np.testing.assert_allclose(shown[VOLUME], fields[VOLUME] * later, rtol=1e-12)


def test_factors_of_a_vendor_are_ours(reference_data: Path) -> None:
    """LEAN's: both factors of a row hold for the days up to its date."""
    corporate = reference_data / "corporate"
    factors = pd.read_parquet(corporate / "factors_us_lean.parquet")
    actions = pd.read_parquet(corporate / "actions_us_lean.parquet")
    bars = pd.read_parquet(reference_data / "bars" / "daily_us_lean_raw.parquet")
    for symbol in ("AAPL", "GOOG", "USO", "SPY"):
        rows = bars[bars["symbol"] == symbol]
        day = rows["ts"].to_numpy("datetime64[D]").astype(np.int64)
        table = factors[factors["symbol"] == symbol]
        until = table["date"].to_numpy("datetime64[D]").astype(np.int64)
        # Closes as the vendor had them where it made the factors: a few differ in the bars.
        fields = rows[["open", "high", "low", "close", "volume"]].to_numpy().T.copy()
        known = np.isin(until, day)
        fields[CLOSE][np.searchsorted(day, until[known])] = table["ref_close"].to_numpy()[known]
        happened = actions[(actions["symbol"] == symbol)]
        cum = happened["last_cum_date"].to_numpy("datetime64[D]").astype(np.int64)
        happened = happened[(cum >= day[0]) & (cum < day[-1])]
        cum = happened["last_cum_date"].to_numpy("datetime64[D]").astype(np.int64)
        is_split = (happened["kind"] == "split").to_numpy()
        value = happened["value"].to_numpy()
        ex = cum + 1
        days = np.unique(ex)
        splits, dividends = np.ones(len(days)), np.zeros(len(days))
        splits[np.searchsorted(days, ex[is_split])] = value[is_split]
        dividends[np.searchsorted(days, ex[~is_split])] = value[~is_split]
        ours = Actions(day=days, splits=splits, dividends=dividends)
        row = np.searchsorted(until, day)
        split = table["split_factor"].to_numpy()[row]
        np.testing.assert_allclose(
            split_factors(day, ours, int(day[-1])), split / split[-1], rtol=1e-4
        )
        whole = split * table["price_factor"].to_numpy()[row]
        made = Rows(symbol=symbol, day=day, fields=fields, adj_close=None, actions=ours)
        shown = fields_in(made, "raw", "total_return")[CLOSE] / fields[CLOSE]
        # They are stored with six or seven digits.
        np.testing.assert_allclose(shown, whole / whole[-1], rtol=2e-4)
