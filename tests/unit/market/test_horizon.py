"""Under a horizon nothing is read that was not known then."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.fakes.panels import wild_bars
from tests.fakes.stored import put

from fanfold.domain.adjustment import NEVER
from fanfold.errors import DataError
from fanfold.market import load_bars
from fanfold.market.horizon import bars_until, horizon
from fanfold.market.store import Store


def test_load_bars_ends_at_the_horizon_and_goes_on_after_it() -> None:
    whole = load_bars("sample", start="2012-01-01")
    ts = int(whole.ts[40])
    with horizon(ts):
        known = load_bars("sample", start="2012-01-01")
    assert known.bar_count == 41
    assert known.ts[-1] == ts
    np.testing.assert_array_equal(known.panel, whole.panel[:, :41])
    assert load_bars("sample", start="2012-01-01").bar_count == whole.bar_count


def test_an_end_asked_for_earlier_is_kept() -> None:
    with horizon(int(load_bars("sample").ts[-1])):
        assert load_bars("sample", end="2001-01-05").session_day[-1] == 11_327


def test_a_horizon_within_another_shows_no_more_than_it() -> None:
    ts = load_bars("sample").ts
    with horizon(int(ts[9])):
        with horizon(int(ts[99])):
            assert load_bars("sample").bar_count == 10
        with horizon(int(ts[4])):
            assert load_bars("sample").bar_count == 5
        assert load_bars("sample").bar_count == 10


def test_files_and_stores_end_there_too(tmp_path: Path) -> None:
    bars = load_bars("sample", symbols=["IBM"], end="2000-05-01")
    frame = bars.to_frame()
    put(Store.at(tmp_path / "one"), frame.assign(ts=frame["ts"].dt.normalize()))
    bars.to_frame().to_parquet(tmp_path / "bars.parquet")
    with horizon(int(bars.ts[7])):
        assert load_bars(tmp_path / "one").bar_count == 8
        assert load_bars(tmp_path / "bars.parquet", stamp="end").bar_count == 8


def test_a_horizon_before_all_bars_is_explained() -> None:
    with (
        horizon(int(load_bars("sample").ts[0]) - 1),
        pytest.raises(DataError, match="bars must begin by the end of what is known, 2000-03-01"),
    ):
        load_bars("sample")


def test_a_horizon_is_lifted_when_what_is_under_it_fails() -> None:
    with pytest.raises(ZeroDivisionError), horizon(0):
        raise ZeroDivisionError
    assert load_bars("sample").bar_count == 3270


def test_a_delisting_that_is_still_to_come_is_not_known() -> None:
    bars = wild_bars(1, 20, 2, absent_share=0.0)
    panel = bars.panel.copy()
    panel[:, 15:, 1] = np.nan
    days = np.array([NEVER, int(bars.session_day[15])])
    bars = replace(bars, panel=panel, delisted_day=days, delisting_return=np.array([0.0, -1.0]))
    known = bars_until(bars, int(bars.ts[14]))
    assert known.delisted_day is None
    assert known.delisting_return is None
    later = bars_until(bars, int(bars.ts[15]))
    assert later.delisted_day is not None
    assert later.delisted_day.tolist() == days.tolist()


def test_a_delisting_named_beside_bars_that_end_at_the_horizon_is_not_known() -> None:
    bars = load_bars("sample", symbols=["IBM"], end="2000-05-01")
    asked = {"symbols": ["IBM"], "end": "2000-05-01", "delisted_at": {"IBM": "2000-05-02"}}
    with horizon(int(bars.ts[-1])):
        assert load_bars("sample", **asked).delisted_day is None
    with horizon(int(bars.ts[-1]) + 2 * 86_400 * 10**9):
        assert load_bars("sample", **asked).delisted_day is not None
