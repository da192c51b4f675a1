"""Columns beside prices are known from the moment they arrived, not from their date."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfold.domain.bars import Bars
from fanfold.errors import DataError

DAYS = pd.to_datetime(["2012-11-20", "2012-11-21", "2012-11-23", "2012-11-26"])


def made_bars(calendar: str = "XNYS") -> Bars:
    """Two assets on four sessions; the third is a half day."""
    close = np.arange(8) + 50.0
    frame = pd.DataFrame({"symbol": ["A"] * 4 + ["B"] * 4, "ts": [*DAYS, *DAYS], "volume": 9.0})
    prices = {"open": close, "high": close + 1, "low": close - 1, "close": close}
    return Bars.from_frame(frame.assign(**prices), calendar=calendar)


def column(*rows: tuple[str, str, float], zone: str | None = None) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["symbol", "available_at", "value"])
    moments = pd.to_datetime(frame["available_at"], format="ISO8601")
    return frame.assign(available_at=moments if zone is None else moments.dt.tz_localize(zone))


def shown(values: np.ndarray) -> list[Any]:
    return ["-" if np.isnan(value) else value for value in values]


def test_a_date_is_known_from_its_end_on() -> None:
    bars = made_bars().with_column("pe", column(("B", "2012-11-20", 7.0), ("B", "2012-11-22", 8.0)))
    assert shown(bars.extra["pe"][:, 0]) == ["-"] * 4
    assert shown(bars.extra["pe"][:, 1]) == ["-", 7, 8, 8]
    # Round the clock a day's bar ends when the day does.
    crypto = made_bars("24/7").with_column("pe", column(("B", "2012-11-20", 7.0)))
    assert shown(crypto.extra["pe"][:, 1]) == [7, 7, 7, 7]


def test_an_instant_is_known_at_a_bar_that_ends_then_or_later() -> None:
    clocks = column(
        ("A", "2012-11-21 16:00", 1.0),
        ("A", "2012-11-23 13:00:01", 2.0),  # a second after the half day's close
        ("B", "2012-11-01 00:00", 3.0),
        zone="America/New_York",
    )
    bars = made_bars().with_column("score", clocks)
    assert shown(bars.extra["score"][:, 0]) == ["-", 1, 1, 2]
    assert shown(bars.extra["score"][:, 1]) == [3, 3, 3, 3]


def test_a_value_may_become_unknown_again_and_one_without_symbol_is_of_all() -> None:
    frame = column(("", "2012-11-20", 5.0), ("", "2012-11-22", np.nan)).drop(columns="symbol")
    bars = made_bars().with_column("vix", frame)
    assert [shown(values) for values in bars.extra["vix"].T] == [["-", 5, "-", "-"]] * 2


@given(
    minutes=st.lists(st.integers(0, 9_000), min_size=1, max_size=12, unique=True),
    cut=st.integers(0, 12),
    seed=st.integers(0, 100),
)
def test_later_rows_change_nothing_earlier_and_their_order_does_not_matter(
    minutes: list[int], cut: int, seed: int
) -> None:
    moments = pd.Timestamp("2012-11-20 10:00", tz="UTC") + pd.to_timedelta(sorted(minutes), "min")
    frame = pd.DataFrame({"symbol": "A", "available_at": moments, "value": np.arange(len(minutes))})
    bars = made_bars()
    whole = bars.with_column("x", frame).extra["x"][:, 0]
    known = bars.with_column("x", frame[:cut]).extra["x"][:, 0]
    later = moments[cut].value if cut < len(moments) else np.iinfo(np.int64).max
    earlier = bars.ts < later
    assert shown(known[earlier]) == shown(whole[earlier])
    mixed = bars.with_column("x", frame.sample(frac=1, random_state=seed)).extra["x"][:, 0]
    assert shown(mixed) == shown(whole)


@pytest.mark.parametrize(
    ("name", "frame", "message"),
    [
        ("close", column(), "name of a column must be none of symbol, ts, open, .*, was 'close'"),
        ("", column(), "name of a column must be none of"),
        ("pe", column(("C", "2012-11-20", 1.0)), "column pe must name assets .* 'C' at 2012-11-20"),
        (
            "pe",
            column(("A", "2012-11-20", 1.0), ("A", "2012-11-20", 2.0)),
            "column pe must have one value a moment, A at 2012-11-20 was twice",
        ),
        (
            "pe",
            column(("A", "2012-11-20", 1.0), ("A", "2012-11-20 10:00", 2.0)),
            "available_at of column pe must carry a time zone .*, was 2012-11-20T10:00:00",
        ),
        ("pe", column(("A", "2012-11-20", np.inf)), "extra column pe must not be infinite, A in"),
        ("pe", column().drop(columns="value"), "column pe must have a column value"),
        ("pe", column(("A", "2012-11-20", 1.0)).assign(value="x"), "column pe must hold numbers"),
    ],
)
def test_each_bad_column_gets_its_one_line(name: str, frame: pd.DataFrame, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        made_bars().with_column(name, frame)
    assert "\n" not in str(caught.value)


def test_a_name_is_taken_once() -> None:
    frame = column(("A", "2012-11-20", 1.0))
    with pytest.raises(DataError, match=r"none of .*, pe, was 'pe'"):
        made_bars().with_column("pe", frame).with_column("pe", frame)
