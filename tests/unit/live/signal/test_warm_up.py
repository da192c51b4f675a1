"""The warm-up is read as it was written, in the units of its last bar, and never as code."""

import io
from pathlib import Path

import numpy as np
import pytest
from tests.fakes.panels import wild_bars

from fanfold.domain.bars import Bars
from fanfold.errors import DataError
from fanfold.live.folder import Folder
from fanfold.live.signal.warm_up import read_warm_up, write_warm_up


def folder_of(root: Path, bars: Bars) -> Folder:
    folder = Folder.of("trial", root)
    folder.make()
    write_warm_up(folder, bars)
    return folder


@pytest.mark.parametrize("seed", range(5))
def test_bars_come_back_as_steps(tmp_path: Path, seed: int) -> None:
    bars = wild_bars(seed, 50, 3, session_bars=4)
    steps = list(read_warm_up(folder_of(tmp_path, bars)).steps())
    assert [moment.ts for moment, _ in steps] == bars.ts.tolist()
    assert [moment.session_day for moment, _ in steps] == bars.session_day.tolist()
    assert [one.closes_session for one, _ in steps[:-1]] == bars.closes_session[:-1].tolist()
    nights = np.diff(bars.session_day, prepend=bars.session_day[:1]).tolist()
    assert [moment.nights for moment, _ in steps] == nights
    panel = np.full(bars.panel.shape, np.nan)
    for bar, (_, rows) in enumerate(steps):
        for asset, *prices in rows:
            panel[:, bar, asset] = prices
    there = ~np.isnan(bars.panel[3])
    np.testing.assert_array_equal(panel[:, there], bars.panel[:, there])
    assert np.isnan(panel[3][~there]).all()


def test_the_last_bar_closes_its_session_only_if_it_does(tmp_path: Path) -> None:
    bars = wild_bars(1, 6, 1, session_bars=4)
    *_, (last, _) = read_warm_up(folder_of(tmp_path, bars)).steps()
    assert bars.closes_session[-1]
    assert not last.closes_session


def test_prices_before_a_split_are_in_units_after_it(tmp_path: Path) -> None:
    bars = wild_bars(3, 120, 3, events=True)
    assert bars.splits is not None
    assert (bars.forward[-1] != 1.0).any()
    read = read_warm_up(folder_of(tmp_path, bars))
    np.testing.assert_array_equal(read.panel[3, -1], bars.panel[3, -1])
    before = bars.panel[3] / (bars.forward[-1] / bars.forward)
    np.testing.assert_allclose(read.panel[3], before, rtol=1e-12)
    money = read.panel[3] * read.panel[4]
    np.testing.assert_allclose(money, bars.panel[3] * bars.panel[4], rtol=1e-12)


def test_what_is_no_warm_up_is_refused(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, wild_bars(1, 6, 1))
    content = folder.warm_up.read_bytes()
    array = io.BytesIO()
    np.save(array, np.zeros(3))
    for damage in (b"", b"nothing", array.getvalue(), content[: len(content) // 2]):
        folder.warm_up.write_bytes(damage)
        with pytest.raises(DataError, match="must hold the warm-up"):
            read_warm_up(folder)
    folder.warm_up.unlink()
    with pytest.raises(DataError, match="must hold the warm-up"):
        read_warm_up(folder)


def test_nothing_in_a_warm_up_is_unpickled(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, wild_bars(1, 6, 1))
    names = (
        "symbols", "fingerprint", "ts", "panel", "session_day", "minutes_to_close",
        "is_month_end", "closes_session",
    )  # fmt: skip
    with folder.warm_up.open("wb") as opened:
        np.savez(opened, **{name: np.array([{1: 2}], object) for name in names})
    with pytest.raises(DataError, match="allow_pickle"):
        read_warm_up(folder)


@pytest.mark.parametrize(
    ("name", "made", "said"),
    [
        ("panel", np.zeros((5, 3, 1)), "panel must be"),
        ("panel", np.zeros((5, 6, 1), np.float32), "panel must be"),
        ("session_day", np.zeros(4, np.int64), "columns must have"),
        ("ts", np.array([1, 2, 3, 3, 4, 5]), "order of their ends"),
    ],
)
def test_arrays_of_other_shapes_are_refused(
    tmp_path: Path, name: str, made: np.ndarray, said: str
) -> None:
    folder = folder_of(tmp_path, wild_bars(1, 6, 1))
    with np.load(folder.warm_up) as packed:
        arrays = {key: packed[key] for key in packed.files}
    with folder.warm_up.open("wb") as opened:
        np.savez(opened, **{**arrays, name: made})
    with pytest.raises(DataError, match=said):
        read_warm_up(folder)
