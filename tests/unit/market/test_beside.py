"""Events and extra columns are joined from files of their own, to bars of files and stores."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.fakes.stored import put

from fanfold.domain.bars import Bars
from fanfold.errors import ConfigError, DataError, FanfoldError
from fanfold.market import load_bars
from fanfold.market.store import Store

DAYS = pd.bdate_range("2012-11-26", periods=8)


def frame_of(symbol: str, bar_count: int = 8) -> pd.DataFrame:
    close = 50.0 + np.arange(bar_count)
    return pd.DataFrame(
        {
            "symbol": symbol,
            "ts": DAYS[:bar_count],
            "open": close,
            "high": close + 1,
            "low": close - 1,
            "close": close,
            "volume": 10.0,
        }
    )


def rows(**columns: Any) -> pd.DataFrame:
    frame = pd.DataFrame(columns)
    dated = [name for name in ("ts", "start", "end", "available_at") if name in frame]
    return frame.assign(**{name: pd.to_datetime(frame[name]) for name in dated})


ACTIONS = rows(
    symbol=["A", "A", "B"],
    ts=["2012-11-28", "2012-12-03", "2012-12-05"],
    splits=[7.0, 1.0, 0.5],
    dividends=[0.0, 0.25, 0.0],
)
MEMBERS = rows(symbol=["A", "B"], start=["2012-11-27", None], end=[None, "2012-11-30"])
PE = rows(symbol=["A", "B"], available_at=["2012-11-27", "2012-11-20"], value=[12.0, 30.0])


def made_bars() -> Bars:
    """B has no bar after its sixth, a split on the eighth, and is delisted after that."""
    frame = pd.concat([frame_of("A"), frame_of("B", 6)])
    bars = Bars.from_frame(frame, calendar="XNYS").with_events(
        splits=ACTIONS,
        dividends=ACTIONS,
        members=MEMBERS,
        delisted_at={"B": "2012-12-06"},
        delisting_return=-0.3,
    )
    return bars.with_column("pe", PE)


def written(folder: Path, suffix: str) -> dict[str, Any]:
    """Files of everything, with rows of others that do not matter."""
    other = {"symbol": "ZZZ", "ts": pd.Timestamp("2012-11-28")}
    early = {"symbol": "A", "ts": pd.Timestamp("1999-01-04"), "splits": 2.0}
    frames = {
        "bars": pd.concat([frame_of("A"), frame_of("B", 6)]),
        "actions": pd.concat([ACTIONS, pd.DataFrame([other | {"splits": 2.0}, early])]),
        "members": pd.concat([MEMBERS, rows(symbol=["ZZZ"], start=["2000-01-03"], end=[None])]),
        "pe": pd.concat([PE, rows(symbol=["ZZZ"], available_at=["2000-01-03"], value=[1.0])]),
    }
    for name, frame in frames.items():
        file = folder / f"{name}{suffix}"
        if suffix == ".csv":
            frame.to_csv(file, index=False)
        else:
            frame.to_parquet(file)
    return {
        "source": folder / f"bars{suffix}",
        "actions": folder / f"actions{suffix}",
        "members": folder / f"members{suffix}",
        "columns": {"pe": folder / f"pe{suffix}"},
        "delisted_at": {"B": "2012-12-06"},
        "delisting_return": {"B": -0.3},
    }


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_files_beside_the_bars_are_joined(tmp_path: Path, suffix: str) -> None:
    files = written(tmp_path, suffix)
    # The file of bars ends with A's last day, which is that of B's last action too.
    assert load_bars(**files).fingerprint == made_bars().fingerprint
    alone = load_bars(**files, symbols="A", start="2012-11-28")
    assert alone.delisted_day is None
    assert alone.splits is not None
    assert alone.splits[0, 0] == 7


def test_files_beside_a_store_are_joined(tmp_path: Path) -> None:
    files = written(tmp_path, ".parquet")
    put(Store.at(tmp_path / "store"), pd.concat([frame_of("A"), frame_of("B", 6)]))
    assert (
        load_bars(**files | {"source": tmp_path / "store"}).fingerprint == made_bars().fingerprint
    )


def test_actions_in_the_file_of_bars_are_booked(tmp_path: Path) -> None:
    frame = frame_of("A").assign(splits=[1.0] * 7 + [3.0], dividends=[0.0, 0.5] + [0.0] * 6)
    for name in ("bars.csv", "bars.parquet"):
        if name.endswith("csv"):
            frame.to_csv(tmp_path / name, index=False)
        else:
            frame.to_parquet(tmp_path / name)
        bars = load_bars(tmp_path / name)
        assert bars.fingerprint == Bars.from_frame(frame).fingerprint
        assert bars.forward[-1, 0] == 3


@pytest.mark.parametrize(
    ("asked", "text", "kind", "message"),
    [
        ("actions", "symbol,ts,price\n", DataError, "must have a column splits or dividends, had"),
        ("actions", "symbol,ts,splits\nA,2012-11-28,-1\n", DataError, r"A at 2012-11-28: splits"),
        ("actions", "symbol,splits\nA,2\n", DataError, "actions must have a column ts"),
        ("members", "symbol,start\nA,2012-11-28\n", DataError, "members must have a column end"),
        ("members", "symbol,start,end\nA,soon,\n", DataError, "start must hold ISO timestamps"),
        ("pe", "symbol,value\nA,2\n", DataError, "column pe must have a column available_at"),
    ],
)
def test_each_bad_file_beside_the_bars_is_named(
    tmp_path: Path, asked: str, text: str, kind: type[FanfoldError], message: str
) -> None:
    source, file = tmp_path / "bars.parquet", tmp_path / "beside.csv"
    frame_of("A").to_parquet(source)
    file.write_text(text)
    given: dict[str, Any] = {"columns": {"pe": file}} if asked == "pe" else {asked: file}
    with pytest.raises(kind, match=rf"beside\.csv: .*{message}") as caught:
        load_bars(source, **given)
    assert "\n" not in str(caught.value)


def test_a_delisting_of_an_asset_that_is_not_there_is_refused(tmp_path: Path) -> None:
    frame_of("A").to_csv(tmp_path / "bars.csv", index=False)
    with pytest.raises(DataError, match="must name an asset of the bars, was 'B'"):
        load_bars(tmp_path / "bars.csv", delisted_at={"B": "2013-01-02"})
    with pytest.raises(ConfigError, match="must go with a delisted_at"):
        load_bars(tmp_path / "bars.csv", delisting_return=-0.5)


def test_real_actions_of_a_vendor_are_joined_from_its_file(
    reference_data: Path, tmp_path: Path
) -> None:
    file = reference_data / "corporate" / "wiki_daily_dividends_2014.parquet"
    frame = pd.read_parquet(file)
    whole = load_bars(file, basis="raw")
    frame.drop(columns=["ex_dividend", "split_ratio"]).to_parquet(tmp_path / "bars.parquet")
    joined = load_bars(tmp_path / "bars.parquet", basis="raw", actions=file)
    assert joined.fingerprint == whole.fingerprint
    assert whole.splits is not None
