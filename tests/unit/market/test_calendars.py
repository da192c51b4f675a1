"""Assets of several calendars in the store, in files and in a job's settings."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.fakes.stored import put

from fanfold.domain.bars import Bars
from fanfold.errors import ConfigError, DataError
from fanfold.market import load_bars
from fanfold.market.store import Store
from fanfold.settings import Settings
from fanfold.workflows.inputs import bars_for

DAYS = pd.date_range("2013-11-25", "2013-12-03")
SESSIONS = DAYS[(DAYS.day_of_week < 5) & (DAYS != "2013-11-28")]
BY_SYMBOL = {"SPY": "XNYS", "BTC": "24/7"}


def frame_of(symbol: str) -> pd.DataFrame:
    ts = SESSIONS if symbol == "SPY" else DAYS
    close = 50.0 + np.arange(len(ts))
    frame = pd.DataFrame({"symbol": symbol, "ts": ts, "open": close, "high": close + 1})
    return frame.assign(low=close - 1, close=close, volume=10.0)


def both() -> pd.DataFrame:
    return pd.concat([frame_of("SPY"), frame_of("BTC")])


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store.at(tmp_path / "data")
    put(store, both(), calendar=BY_SYMBOL)
    return store


def test_a_store_keeps_the_calendar_of_each_asset(store: Store) -> None:
    read = load_bars(store.name, symbols=["SPY", "BTC"])
    assert (read.calendar, read.calendars) == ("24/7", ("XNYS", "24/7"))
    assert read.fingerprint == Bars.from_frame(both(), calendar=BY_SYMBOL).fingerprint


@pytest.mark.parametrize("symbol", ["SPY", "BTC"])
def test_read_alone_an_asset_has_the_sessions_of_its_calendar(store: Store, symbol: str) -> None:
    alone = Bars.from_frame(frame_of(symbol), calendar=BY_SYMBOL[symbol])
    assert load_bars(store.name, symbols=symbol).fingerprint == alone.fingerprint


def test_another_calendar_of_a_stored_asset_is_refused(store: Store) -> None:
    with pytest.raises(DataError, match=r"calendar of bars 1D SPY in .* must be 'XNYS' as stored"):
        put(store, frame_of("SPY"), calendar="XLON")


def test_a_file_is_read_with_the_calendars_that_are_given(tmp_path: Path) -> None:
    file = tmp_path / "mixed.csv"
    both().to_csv(file, index=False)
    expected = Bars.from_frame(both(), calendar=BY_SYMBOL).fingerprint
    assert load_bars(file, calendar=BY_SYMBOL).fingerprint == expected
    assert load_bars(file, calendar="XLON").calendars == ("XLON", "XLON")
    with pytest.raises(DataError, match=r"mixed.csv: calendar must name symbols .* was 'ETH'"):
        load_bars(file, calendar={**BY_SYMBOL, "ETH": "24/7"})
    # A calendar may be that of a symbol that was left out.
    assert load_bars(file, calendar=BY_SYMBOL, symbols="SPY").calendars == ("XNYS",)


def test_a_calendar_is_refused_where_the_source_states_its_own(store: Store) -> None:
    with pytest.raises(ConfigError, match=r"calendar goes with files only, .* was 'XNYS'"):
        load_bars(store.name, calendar="XNYS")


@pytest.mark.parametrize("calendar", [BY_SYMBOL, "24/7"])
def test_a_jobs_settings_name_calendars(tmp_path: Path, calendar: str | dict[str, str]) -> None:
    file = tmp_path / "mixed.csv"
    both().to_csv(file, index=False)
    data = {"source": str(file), "calendar": calendar}
    settings = Settings.model_validate({"job": "backtest", "data": data, "strategy": {"name": "X"}})
    expected = Bars.from_frame(both(), calendar=calendar)
    assert bars_for(settings).fingerprint == expected.fingerprint
