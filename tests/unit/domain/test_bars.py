import pickle
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanfold.domain.adjustment import NEVER
from fanfold.domain.bars import Bars
from fanfold.domain.panel import CLOSE, HIGH, LOW, OPEN, VOLUME
from fanfold.errors import ConfigError, DataError, FanfoldError

DAY_NS = 86_400_000_000_000


def made_bars(bar_count: int = 6, symbols: tuple[str, ...] = ("A", "B"), **changes: Any) -> Bars:
    """UTC days from 1970-01-01 on; the close of bar b of asset a is 10 (a + 1) + b."""
    close = 10.0 * np.arange(1, len(symbols) + 1) + np.arange(bar_count)[:, None]
    day = np.arange(bar_count)
    fields: dict[str, Any] = {
        "symbols": symbols,
        "ts": (day + 1) * DAY_NS,
        "panel": np.stack([close - 1, close + 1, close - 2, close, np.full_like(close, 100.0)]),
        "basis": "raw",
        "calendar": "24/7",
        "session_day": day,
        "minutes_to_close": np.zeros(bar_count),
        "is_month_end": np.zeros(bar_count, bool),
    }
    return Bars(**fields | changes)


def changed(field: int, bar: int, asset: int, value: float) -> np.ndarray:
    panel = made_bars().panel.copy()
    panel[field, bar, asset] = value
    return panel


def cells(bar: int, asset: int, value: float) -> np.ndarray:
    """One everywhere but in one cell."""
    values = np.ones((6, 2))
    values[bar, asset] = value
    return values


def eventful(**changes: Any) -> Bars:
    """Six days on which A splits on the third and pays on the fourth, B leaves after them."""
    fields: dict[str, Any] = {
        "splits": cells(2, 0, 4.0),
        "dividends": cells(3, 0, 0.5) * (np.arange(12).reshape(6, 2) == 6),
        "members": cells(0, 1, 0.0).astype(bool),
        "delisted_day": np.array([NEVER, 6]),
        "delisting_return": np.array([0.0, -0.5]),
        "extra": {"pe": cells(0, 0, np.nan), "beta": cells(5, 1, 0.5)},
    }
    return made_bars(**fields | changes)


def test_price_properties_are_views_of_the_panel() -> None:
    bars = made_bars()
    assert (bars.bar_count, bars.asset_count) == (6, 2)
    for place, view in enumerate((bars.open, bars.high, bars.low, bars.close, bars.volume)):
        assert np.shares_memory(view, bars.panel)
        assert (view == bars.panel[place]).all()


def test_arrays_cannot_be_written_and_the_givers_array_still_can() -> None:
    mine = made_bars().panel.copy()
    bars = made_bars(panel=mine)
    assert np.shares_memory(bars.panel, mine)
    with pytest.raises(ValueError, match="read-only"):
        bars.panel[0, 0, 0] = 5.0
    mine[0, 0, 0] = mine[0, 0, 0]


def test_a_strided_panel_is_made_contiguous() -> None:
    bars = made_bars(panel=np.asfortranarray(made_bars().panel))
    assert bars.panel.flags.c_contiguous
    assert bars.fingerprint == made_bars().fingerprint


def test_sessions_close_with_their_last_bar() -> None:
    bars = made_bars(session_day=np.array([0, 0, 1, 2, 2, 2]))
    assert bars.closes_session.tolist() == [False, True, True, False, False, True]


def test_exchanges_have_252_periods_a_year_and_crypto_365() -> None:
    assert made_bars().periods_per_year == 365
    assert made_bars(calendar="XNYS").periods_per_year == 252


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"symbols": ()}, "symbols must be texts, at least one"),
        ({"symbols": ("A", "A")}, "symbols must be unique, 'A' stands twice"),
        ({"symbols": ("A", 7)}, "symbols must be texts"),
        ({"basis": "adjusted"}, "basis must be one of raw, split, total_return, was 'adjusted'"),
        ({"ts": np.arange(6.0)}, r"ts must be an array int64\[6\], was float64\[6\]"),
        ({"ts": [1, 2, 3, 4, 5, 6]}, r"ts must be an array int64\[6\], was list"),
        ({"panel": np.ones((5, 6, 3))}, r"panel must be an array float64\[5, 6, 2\]"),
        ({"raw": np.ones((5, 5, 2))}, r"raw must be an array float64\[5, 6, 2\]"),
        ({"ts": np.array([1, 2, 4, 3, 5, 6])}, "ts must be strictly increasing, .* came after"),
        ({"session_day": np.array([1, 0, 1, 2, 3, 4])}, "session_day must not decrease"),
        ({"minutes_to_close": np.full(6, np.nan)}, "minutes_to_close must be finite"),
        ({"benchmark": np.zeros(6)}, "benchmark must be finite and positive"),
        ({"raw": np.full((5, 6, 2), np.nan)}, "raw must hold the bars that the panel holds"),
        (
            {"panel": changed(LOW, 2, 1, -3.0)},
            "B in the bar ending 1970-01-04T00:00Z: low must be a price from 1e-06 .*, was -3",
        ),
        ({"panel": changed(HIGH, 1, 0, np.inf)}, "A in the bar ending .*: high must be a price"),
        ({"panel": changed(CLOSE, 1, 0, 2e9)}, "close must be a price from 1e-06 to 1e.09, was 2"),
        ({"panel": changed(OPEN, 1, 0, np.nan)}, "all four prices or none, open was nan"),
        ({"panel": changed(HIGH, 1, 0, 10.5)}, "high must not be below close 11.0, was 10.5"),
        ({"panel": changed(LOW, 1, 0, 10.5)}, "low must not be above open 10.0, was 10.5"),
        ({"panel": changed(VOLUME, 1, 0, -1.0)}, "volume must be finite and not negative"),
        ({"panel": changed(VOLUME, 1, 0, np.inf)}, "volume must be finite and not negative"),
        ({"splits": np.ones(6)}, r"splits must be an array float64\[6, 2\], was float64\[6\]"),
        ({"splits": cells(2, 1, 0.0)}, r"splits must be positive .*, B in the bar .* had 0\.0"),
        ({"splits": cells(2, 1, np.nan)}, "splits must be positive and finite, .* had nan"),
        ({"splits": cells(2, 1, 2.0), "basis": "split"}, "splits must go with prices of basis raw"),
        ({"dividends": cells(2, 1, -1.0)}, "dividends must be finite and not negative, B in the"),
        ({"members": np.ones((6, 2))}, r"members must be an array bool\[6, 2\], was float64"),
        ({"delisted_day": np.array([9.0, 9.0])}, r"delisted_day must be an array int64\[2\]"),
        (
            {"delisted_day": np.array([NEVER, 5])},
            "B must have no bar from .* had one on 1970-01-06",
        ),
        ({"extra": {"pe": np.ones(6)}}, r"pe must be an array float64\[6, 2\], was float64\[6\]"),
        ({"extra": {"pe": cells(2, 1, np.inf)}}, "extra column pe must not be infinite, B in the"),
    ],
)
def test_what_is_no_panel_is_refused_with_one_line(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        made_bars(**changes)
    assert "\n" not in str(caught.value)


def test_bars_show_what_they_are() -> None:
    shown = "<Bars: 6 bars of 2 assets, 1970-01-01 to 1970-01-06, raw, 24/7>"
    assert repr(made_bars()) == shown


def test_no_bars_are_refused() -> None:
    with pytest.raises(DataError, match="must not be empty"):
        made_bars(bar_count=0)


def test_unknown_and_zero_volumes_are_bars() -> None:
    bars = made_bars(panel=changed(VOLUME, 1, 0, np.nan))
    assert np.isnan(bars.volume[1, 0])
    assert made_bars(panel=changed(VOLUME, 1, 0, 0.0)).volume[1, 0] == 0


def test_a_rounding_error_between_prices_is_no_fault() -> None:
    made_bars(panel=changed(HIGH, 1, 0, 11.0 * (1 - 1e-12)))


def test_fingerprint_follows_content_and_no_label() -> None:
    bars = made_bars(benchmark=np.ones(6))
    assert replace(bars, source="elsewhere", benchmark_name="index").fingerprint == bars.fingerprint
    others = [
        made_bars(),
        replace(bars, symbols=("A", "C")),
        replace(bars, basis="split"),
        replace(bars, calendar="XNYS"),
        replace(bars, ts=bars.ts + 1),
        replace(bars, panel=changed(VOLUME, 5, 1, 101.0)),
        replace(bars, raw=bars.panel),
        replace(bars, is_month_end=~bars.is_month_end),
        replace(bars, benchmark=np.full(6, 2.0)),
        replace(bars, splits=cells(1, 1, 2.0)),
        replace(bars, dividends=cells(1, 1, 2.0)),
        replace(bars, members=cells(1, 1, 0.0).astype(bool)),
        replace(bars, delisted_day=np.array([NEVER, 6])),
        replace(bars, delisted_day=np.array([NEVER, 7])),
        replace(bars, delisted_day=np.array([NEVER, 6]), delisting_return=np.array([0.0, 0.1])),
        replace(bars, extra={"pe": np.ones((6, 2))}),
        replace(bars, extra={"pb": np.ones((6, 2))}),
    ]
    prints = {other.fingerprint for other in others}
    assert len(prints) == len(others)
    assert bars.fingerprint not in prints
    assert len(bars.fingerprint) == 64


def test_pickled_bars_are_the_same_and_carry_nothing_computed() -> None:
    bars = made_bars(benchmark=np.ones(6))
    before = len(pickle.dumps(bars, protocol=5))
    print_ = bars.fingerprint
    assert len(pickle.dumps(bars, protocol=5)) == before
    copy = pickle.loads(pickle.dumps(bars, protocol=5))  # noqa: S301  (our own bytes)
    assert copy.fingerprint == print_
    assert not copy.panel.flags.writeable


def test_arrays_travel_beside_the_pickle_without_a_copy() -> None:
    bars = made_bars()
    buffers: list[pickle.PickleBuffer] = []
    data = pickle.dumps(bars, protocol=5, buffer_callback=buffers.append)
    copy = pickle.loads(data, buffers=buffers)  # noqa: S301  (our own bytes)
    assert np.shares_memory(copy.panel, bars.panel)


def test_select_gives_symbols_in_the_order_asked_for() -> None:
    bars = made_bars(symbols=("A", "B", "C")).select(symbols=["C", "A"])
    assert bars.symbols == ("C", "A")
    assert bars.close[0].tolist() == [30.0, 10.0]
    assert bars.panel.flags.c_contiguous
    assert made_bars().select(symbols="B").symbols == ("B",)


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (date(1970, 1, 2), date(1970, 1, 4)),
        ("1970-01-02", "1970-01-04"),
        (datetime(1970, 1, 2), datetime(1970, 1, 4)),  # noqa: DTZ001  (a date, as YAML gives it)
        (datetime(1970, 1, 3, tzinfo=UTC), "1970-01-05T00:00Z"),
    ],
)
def test_select_includes_both_ends_of_a_period(start: Any, end: Any) -> None:
    assert made_bars().select(start=start, end=end).session_day.tolist() == [1, 2, 3]


def test_select_keeps_only_bars_of_the_chosen_symbols() -> None:
    panel = made_bars().panel.copy()
    panel[:, :4, 1] = np.nan
    bars = made_bars(panel=panel)
    assert bars.select(symbols=["B"]).session_day.tolist() == [4, 5]
    assert bars.select(symbols=["A", "B"]).bar_count == 6
    with pytest.raises(DataError, match="period must hold a bar of B, was the first to 1970-01-03"):
        bars.select(symbols="B", end="1970-01-03")


def test_select_narrows_every_column() -> None:
    bars = made_bars(raw=made_bars().panel, benchmark=np.arange(1.0, 7.0)).select(
        symbols=["B"], start="1970-01-03"
    )
    assert bars.raw is not None
    assert bars.benchmark is not None
    assert bars.benchmark.tolist() == [3, 4, 5, 6]
    assert bars.raw.shape == (5, 4, 1)
    assert bars.ts[0] == 3 * DAY_NS


def test_select_narrows_events_and_extra_columns() -> None:
    bars = eventful().select(symbols=["B", "A"], start="1970-01-03")
    assert bars.splits is not None
    assert bars.splits.tolist() == [[1, 4], [1, 1], [1, 1], [1, 1]]
    assert bars.dividends is not None
    assert bars.dividends[1].tolist() == [0, 0.5]
    assert bars.members is None  # all of them are, then
    assert bars.delisted_day is not None
    assert bars.delisted_day.tolist() == [6, NEVER]
    assert bars.delisting_return is not None
    assert bars.delisting_return.tolist() == [-0.5, 0]
    assert bars.extra["beta"][3].tolist() == [0.5, 1]
    alone = eventful().select(symbols="A", start="1970-01-04", end="1970-01-05")
    assert (alone.splits, alone.delisted_day, alone.delisting_return) == (None, None, None)


def test_what_says_nothing_is_left_out() -> None:
    nothing = made_bars(
        splits=np.ones((6, 2)),
        dividends=np.zeros((6, 2)),
        members=np.ones((6, 2), bool),
        delisted_day=np.full(2, NEVER),
        delisting_return=np.zeros(2),
    )
    assert nothing.fingerprint == made_bars().fingerprint
    assert nothing.seen is nothing.panel
    assert (nothing.forward == 1).all()


def test_pickled_events_are_the_same_and_read_only() -> None:
    bars = eventful()
    assert bars.seen is bars.seen
    copy = pickle.loads(pickle.dumps(bars, protocol=5))  # noqa: S301  (our own bytes)
    assert copy.fingerprint == bars.fingerprint
    assert list(copy.extra) == ["beta", "pe"]
    for array in (copy.splits, copy.members, copy.delisted_day, copy.extra["pe"], copy.seen):
        assert not array.flags.writeable
    with pytest.raises(TypeError):
        copy.extra["pb"] = copy.extra["pe"]


def test_strategies_see_prices_in_units_of_the_first_bar() -> None:
    bars = eventful()
    assert bars.forward[:, 0].tolist() == [1, 1, 4, 4, 4, 4]
    assert bars.seen[CLOSE, :, 0].tolist() == [10, 11, 48, 52, 56, 60]
    assert bars.seen[VOLUME, :, 0].tolist() == [100, 100, 25, 25, 25, 25]
    assert (bars.seen[:, :, 1] == bars.panel[:, :, 1]).all()
    assert bars.seen.flags.c_contiguous
    assert not bars.seen.flags.writeable


@given(seed=st.integers(0, 2**32 - 1), kept=st.integers(1, 6))
def test_later_splits_change_nothing_that_was_seen(seed: int, kept: int) -> None:
    rng = np.random.default_rng(seed)
    bars = made_bars(splits=rng.choice([1.0, 1.0, 0.1, 1.5, 7.0], (6, 2)))
    cut = bars.select(end=f"1970-01-{kept:02d}")
    assert (cut.seen == bars.seen[:, :kept]).all()
    assert (cut.forward == bars.forward[:kept]).all()


def test_the_real_factor_leads_back_to_real_prices() -> None:
    panel = made_bars().panel.copy()
    panel[:, 0, 1] = panel[:, 3, 1] = np.nan
    adjusted = panel * np.array([0.25, 0.25, 0.5, 0.5, 1, 1])[:, None]
    bars = made_bars(panel=adjusted, raw=panel, basis="total_return")
    assert bars.real_factor is not None
    assert bars.real_factor.T.tolist() == [
        [0.25, 0.25, 0.5, 0.5, 1, 1],
        [1, 0.25, 0.5, 0.5, 1, 1],  # nothing known yet, and the last one known
    ]
    assert made_bars(basis="split").real_factor is None
    raw = made_bars().real_factor
    assert raw is not None
    assert (raw == 1).all()


def test_a_frame_carries_its_actions() -> None:
    panel = made_bars().panel.copy()
    panel[:, 2, 0] = np.nan
    bars = made_bars(panel=panel, splits=cells(2, 0, 4.0), dividends=cells(1, 1, 0.5) * 0.5)
    again = Bars.from_frame(bars.to_frame(), stamp="end", calendar="24/7", symbols=bars.symbols)
    assert replace(again, is_month_end=bars.is_month_end).fingerprint == bars.fingerprint


@pytest.mark.parametrize(
    ("asked", "kind", "message"),
    [
        ({"symbols": ["A", "b"]}, DataError, r"symbol must be one of A, B; was 'b' \(nearest: 'B'"),
        ({"symbols": []}, ConfigError, "at least one asset"),
        ({"symbols": ["A", "A"]}, ConfigError, "none twice"),
        ({"start": "1970-02-01"}, DataError, "1970-02-01 to the last of bars from 1970-01-01 to"),
        ({"start": "1970-01-04", "end": "1970-01-02"}, DataError, "period must hold a bar"),
        ({"start": "soon"}, ConfigError, "start must be a date such as 2012-03-01"),
        ({"end": "1970-01-02T10:00"}, ConfigError, "end must be a date, or carry a time zone"),
    ],
)
def test_select_refuses_what_is_not_there(
    asked: dict[str, Any], kind: type[FanfoldError], message: str
) -> None:
    with pytest.raises(kind, match=message):
        made_bars().select(**asked)


def test_selecting_nothing_narrower_gives_the_same_bars() -> None:
    bars = made_bars()
    assert bars.select() is bars
    assert bars.select(symbols=["A", "B"], start="1970-01-01").fingerprint == bars.fingerprint


def test_a_frame_has_one_row_a_bar_and_none_for_a_missing_one() -> None:
    panel = made_bars().panel.copy()
    panel[:, 0, 1] = np.nan
    frame = made_bars(panel=panel).to_frame()
    assert list(frame) == ["symbol", "ts", "open", "high", "low", "close", "volume"]
    assert frame["symbol"].value_counts().to_dict() == {"A": 6, "B": 5}
    assert frame["ts"].iloc[0] == pd.Timestamp("1970-01-02", tz="UTC")
    assert frame["close"].iloc[-1] == 25.0


@st.composite
def panels(draw: st.DrawFn) -> Bars:
    """Bars with holes, in which each bar and each asset is there at least once."""
    bar_count = draw(st.integers(2, 8))
    asset_count = draw(st.integers(1, 4))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    low = rng.uniform(1e-3, 1e4, (bar_count, asset_count))
    spread = rng.uniform(1, 2, (3, bar_count, asset_count))
    high = low * 4
    panel = np.stack([low * spread[0], high, low, low * spread[1], np.floor(spread[2] * 1e5)])
    there = rng.random((bar_count, asset_count)) < 0.7
    there[rng.integers(bar_count, size=asset_count), np.arange(asset_count)] = True
    there[np.arange(bar_count), rng.integers(asset_count, size=bar_count)] = True
    panel[:, ~there] = np.nan
    panel[VOLUME, rng.random((bar_count, asset_count)) < 0.1] = np.nan
    names = tuple(f"S{number}" for number in range(asset_count))
    return made_bars(bar_count, names, panel=panel, calendar="24/7")


@given(bars=panels())
def test_a_frame_of_bars_makes_the_same_bars(bars: Bars) -> None:
    again = Bars.from_frame(bars.to_frame(), stamp="end", calendar="24/7", symbols=bars.symbols)
    assert replace(again, is_month_end=bars.is_month_end).fingerprint == bars.fingerprint


@given(bars=panels(), seed=st.integers(0, 1_000))
def test_selecting_in_steps_is_selecting_at_once(bars: Bars, seed: int) -> None:
    rng = np.random.default_rng(seed)
    names = list(rng.permutation(np.array(bars.symbols, dtype=object)))
    assert bars.select(symbols=names).select(symbols=bars.symbols).fingerprint == bars.fingerprint
