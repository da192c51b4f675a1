"""A signal that is really killed, again and again, decides as one that never was."""

import signal as signals
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import numpy as np
import pytest
from tests.fakes.live_signal import Sender, brought_up
from tests.fakes.live_strategies import Following
from tests.unit.live.signal.test_restart import ADOPT, BARS, FOLLOWING, WARM, World

from fanfold.live.folder import Folder
from fanfold.live.messages import SIGNAL, decode, encode
from fanfold.live.plan import read_plan
from fanfold.live.signal.restart import frames_from, recorded, replay, warmed
from fanfold.live.signal.state import as_bytes
from fanfold.live.tape import read_tape

ROOT = Path(__file__).parents[3]
CHILD = ROOT / "tests" / "fakes" / "live_signal_child.py"
KILLS = 2
COUNT = 800


def feed_of(file: Path, seed: int) -> list[bytes]:
    """Envelopes of quotes, with what execution might say between them."""
    world, sender = World(seed), Sender()
    raws = [
        encode(sender.envelope(*(world.next_value(quotes=True) for _ in range(2))))
        for _ in range(COUNT)
    ]
    file.write_bytes(msgspec.msgpack.encode(raws))
    return raws


def child(folder: Folder, feed: Path) -> subprocess.Popen[str]:
    command = [sys.executable, str(CHILD), str(folder.path), str(feed)]
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}
    started = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    assert started.stdout is not None
    assert started.stdout.readline() == "open\n"
    return started


@pytest.mark.parametrize("seed", [1])
def test_kill_minus_nine_loses_nothing(tmp_path: Path, seed: int) -> None:
    folder = brought_up(
        tmp_path,
        BARS,
        Following(stop_pct=4.0),
        warm_bars=WARM,
        named=FOLLOWING,
        execution=ADOPT,
        market={"clock": "quotes"},
        record={"segment_bytes": 50_000},
    )
    raws = feed_of(tmp_path / "feed", seed)
    rng = np.random.default_rng(seed)
    for _ in range(KILLS):
        victim = child(folder, tmp_path / "feed")
        time.sleep(float(rng.uniform(0.01, 0.08)))
        victim.send_signal(signals.SIGKILL)
        victim.communicate()
    last = child(folder, tmp_path / "feed")
    digest, _ = last.communicate(timeout=60)
    taped = [content for _, _, content in read_tape(folder.tapes, SIGNAL)]
    assert [raw for raw in taped if decode(raw).sender != SIGNAL] == raws
    spared = warmed(read_plan(folder), folder)
    for _, _, content in frames_from(folder, None):
        spared.take(decode(content))
    assert spared.digest() == digest.strip()
    live = [as_bytes(one) for one in recorded(folder)]
    assert live == [as_bytes(one) for one in replay(folder)]
    assert len(live) > COUNT / 10
