"""Fitted strategies decide live with the same bits, and a changed model is refused."""

import hashlib
import pickle
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.live_signal import SECOND, brought_up, cut, envelopes_of, told
from tests.fakes.panels import wild_bars

from fanfold.errors import ConfigError, DataError
from fanfold.live.folder import Folder
from fanfold.live.signal.models import with_model, write_model
from fanfold.live.signal.restart import recorded, replay
from fanfold.live.signal.signal import Signal
from fanfold.live.signal.state import as_bytes
from fanfold.strategies import GradientBoosting, SmaCross

BARS = wild_bars(21, 260, 2, absent_share=0.0, unknown_volume=False)
WARM = 240
UNFITTED = GradientBoosting(rounds=10, depth=2, lookback=5, horizon=2, threshold_bps=0.0)


@pytest.fixture(scope="module")
def fitted() -> GradientBoosting:
    return UNFITTED.fit(cut(BARS, 0, WARM), [(0, WARM)])


@pytest.fixture
def folder(tmp_path: Path, fitted: GradientBoosting) -> Folder:
    made = brought_up(
        tmp_path, BARS, fitted, warm_bars=WARM, execution={"start": "adopt_backtest_target"}
    )
    write_model(made, fitted)
    return made


def test_a_model_forecasts_the_same_bits(folder: Folder, fitted: GradientBoosting) -> None:
    read: Any = with_model(folder, UNFITTED)
    assert read.learned() == fitted.learned()
    assert read.forecasts(BARS).tobytes() == fitted.forecasts(BARS).tobytes()


def test_a_strategy_without_a_model_is_itself(folder: Folder) -> None:
    strategy = SmaCross()
    assert with_model(folder, strategy) is strategy


def test_it_decides_live_and_in_a_replay(folder: Folder) -> None:
    signal = Signal.opened(folder, 1, 0)
    signal.arm(1, SECOND)
    sent = told(signal, envelopes_of(BARS, range(WARM, BARS.bar_count)))
    assert len(sent) > 0
    assert signal.statistics().gauges["problem"] == ""
    signal.close()
    again = [as_bytes(one) for one in replay(folder)]
    assert again == [as_bytes(one) for one in recorded(folder)]


def test_a_changed_estimator_is_refused(folder: Folder) -> None:
    file = folder.model / "estimator.skops"
    content = file.read_bytes()
    file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(DataError, match="SHA-256"):
        with_model(folder, UNFITTED)
    file.unlink()
    with pytest.raises(DataError, match="has 0"):
        with_model(folder, UNFITTED)


def test_a_model_of_others_is_refused(folder: Folder) -> None:
    with pytest.raises(ConfigError, match="its features"):
        with_model(folder, UNFITTED.model_copy(update={"lookback": 7}))
    (folder.model / "card.json").write_text("{}")
    with pytest.raises(DataError, match="must have its model"):
        with_model(folder, UNFITTED)


def test_other_forecasts_are_refused(folder: Folder) -> None:
    card = folder.model / "card.json"
    text = card.read_text()
    start = text.index('"forecasts":["') + len('"forecasts":["')
    end = text.index('"', start)
    card.write_text(text[:start] + (0.25).hex() + text[end:])
    with pytest.raises(DataError, match="same bits"):
        with_model(folder, UNFITTED)


def test_no_code_of_a_file_runs(folder: Folder) -> None:
    """A pickle in the model's place, with its digest in the card, is still only data."""
    content = pickle.dumps({"code": print})
    file, card = folder.model / "estimator.skops", folder.model / "card.json"
    before = hashlib.sha256(file.read_bytes()).hexdigest()
    file.write_bytes(content)
    card.write_text(card.read_text().replace(before, hashlib.sha256(content).hexdigest()))
    with pytest.raises(DataError, match="kept by skops"):
        with_model(folder, UNFITTED)
