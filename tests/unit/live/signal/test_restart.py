"""A signal that is killed anywhere comes to the state of one that never was, bit for bit."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fakes.live_signal import MICRO, SECOND, Sender, brought_up, step_of
from tests.fakes.live_strategies import Following
from tests.fakes.panels import wild_bars

from fanfold.errors import DataError, LiveError
from fanfold.live.folder import Folder
from fanfold.live.messages import (
    AccountState,
    Envelope,
    Fill,
    Gate,
    Intent,
    OrderChange,
    Quote,
    Refusal,
    Value,
    encode,
)
from fanfold.live.signal.restart import recorded, replay
from fanfold.live.signal.signal import RESTARTED, Signal
from fanfold.live.signal.state import as_bytes
from fanfold.live.tape import Tape, read_tape, segments
from fanfold.strategies import RsiBracket, SmaCross

WARM = 30
BARS = wild_bars(11, 140, 3, absent_share=0.1, unknown_volume=False)
FOLLOWING = "tests.fakes.live_strategies:Following"
HOUR = 3_600 * SECOND
ADOPT = {"start": "adopt_backtest_target"}
KILLS = ("between frames", "inside a frame", "before it acted")


def bracket(root: Path, **how: Any) -> Folder:
    """A deployment with levels at the venue."""
    how = {"execution": ADOPT, "record": {"segment_bytes": 4_096}, **how}
    return brought_up(root, BARS, RsiBracket(), warm_bars=WARM, **how)


def follower(root: Path, **how: Any) -> Folder:
    """A deployment of plain Python that trades at every bar."""
    how = {"execution": ADOPT, "record": {"segment_bytes": 4_096}, **how}
    return brought_up(root, BARS, Following(stop_pct=4.0), warm_bars=WARM, named=FOLLOWING, **how)


def quoted(root: Path) -> Folder:
    """A deployment that decides at every quote."""
    return follower(root, market={"clock": "quotes"})


def crossing(root: Path) -> Folder:
    """A deployment whose decision looks at the market only."""
    return brought_up(
        root,
        BARS,
        SmaCross(fast=2, slow=5),
        warm_bars=WARM,
        execution=ADOPT,
        market={"clock": "quotes"},
    )


@dataclass
class World:
    """What a signal is told, made up from a seed and from what it says."""

    seed: int
    bar: int = WARM
    held: list[int] = field(default_factory=lambda: [0] * len(BARS.symbols))
    last: dict[int, Intent] = field(default_factory=dict)
    count: int = 0

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(self.seed)
        self.sender = Sender()
        self.prices = BARS.panel[3, WARM].copy()

    def next_envelope(self, *, quotes: bool) -> Envelope:
        """One that says a few things."""
        values = [self.next_value(quotes=quotes) for _ in range(int(self.rng.integers(1, 4)))]
        return self.sender.envelope(*values)

    def next_value(self, *, quotes: bool) -> Value:
        """A bar or a quote mostly, else what execution or risk might say."""
        self.count += 1
        kind = int(self.rng.integers(10))
        if kind >= 5 or not self.last:
            return self.quote() if quotes else self.bar_value()
        asset = int(self.rng.choice(list(self.last)))
        intent = self.last[asset]
        if kind <= 1:
            missing = intent.goal - self.held[asset]
            lots = missing if kind == 0 else int(missing / 2)
            self.held[asset] += lots
            role = str(self.rng.choice(["entry", "exit", "stop", "target"]))
            price = max(round(intent.mark * MICRO), 1)
            ts = intent.event_ts + self.count
            name = f"x{self.count}"
            return Fill(name, "o", asset, role, ts, lots, price, 7, self.held[asset])
        if kind == 2:
            allowed = int(intent.goal / 2)
            return Refusal(intent.number, asset, "max_share", allowed, 1.0, 2.0, self.count)
        if kind == 3:
            left = int(self.rng.choice([0, intent.goal]))
            return OrderChange(
                "o", intent.number, asset, "entry", "CANCELED", left, np.nan, np.nan, 1, "told"
            )
        if self.rng.integers(2):
            return Gate(self.count, open=bool(self.rng.integers(2)), reason="")
        self.held[asset] += int(self.rng.integers(-3, 4))
        return AccountState(self.count, tuple(self.held), (0, 0, 0), 90_000 * MICRO, 1, 1)

    def bar_value(self) -> Value:
        self.bar = min(self.bar + 1, BARS.bar_count - 1)
        return step_of(BARS, self.bar)

    def quote(self) -> Value:
        asset = int(self.rng.integers(len(self.held)))
        self.prices[asset] = max(self.prices[asset] * np.exp(self.rng.normal(0, 0.01)), 0.01)
        price = float(self.prices[asset])
        ts = int(BARS.ts[WARM]) + self.count * 7 * SECOND * 600
        return Quote(asset, ts, price * 0.999, price * 1.001, 1.0, 1.0)

    def hear(self, sent: list[Any]) -> None:
        for _, intent in sent:
            self.last[intent.asset] = intent


def kill(signal: Signal) -> None:
    """As if the process were gone: nothing is written, files are closed."""
    signal._snapshots.wait()
    for tape in signal._tapes or ():
        tape.close()


def reopened(folder: Folder, incarnation: int) -> Signal:
    signal = Signal.opened(folder, incarnation, 0)
    signal.arm(1, SECOND)
    return signal


def killed(signal: Signal, folder: Folder, envelope: Envelope, how: str) -> Signal:
    """Kill it while it takes an envelope, and start it anew."""
    raw = encode(envelope)
    kill(signal)
    tape = Tape(folder.tapes, "signal", 4_096)
    if how == "inside a frame":
        place = tape.append(1, raw)
        tape.close()
        file = dict(segments(folder.tapes, "signal"))[place.segment]
        os.truncate(file, place.offset + 1 + hash(raw) % (len(raw) + 14))
    elif how == "before it acted":
        tape.append(1, raw)
        tape.close()
    else:
        tape.close()
    return reopened(folder, signal.statistics().incarnation + 1)


def damage_newest(folder: Folder) -> None:
    files = sorted(folder.snapshots.glob("*.snapshot"))
    if files:
        content = bytearray(files[-1].read_bytes())
        content[len(content) // 2] ^= 0xFF
        files[-1].write_bytes(content)


def same_decisions(one: Folder, other: Folder) -> None:
    """Both say the same of every decision."""
    assert [as_bytes(each) for each in recorded(one)] == [
        as_bytes(each) for each in recorded(other)
    ]


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    """A new folder for each example."""
    return lambda: tmp_path_factory.mktemp("restart")


@pytest.mark.parametrize("make", [bracket, follower, quoted, crossing])
@settings(max_examples=3)
@given(seed=st.integers(0, 2**32 - 1), data=st.data())
def test_kills_leave_no_trace(
    folders: Callable[[], Path],
    make: Callable[[Path], Folder],
    seed: int,
    data: st.DataObject,
) -> None:
    whole, torn = make(folders()), make(folders())
    spared, often = reopened(whole, 1), reopened(torn, 1)
    world = World(seed)
    quotes = make in (quoted, crossing)
    for number in range(20):
        envelope = world.next_envelope(quotes=quotes)
        how = data.draw(st.sampled_from((*KILLS, "", "", "", "snapshot", "damage")))
        if how in KILLS:
            acted = how == "before it acted"
            if acted:
                world.hear(list(spared.take(envelope, encode(envelope), SECOND)))
            if spared.statistics().state == "armed":
                spared.disarm(RESTARTED, 0)
            world.hear(list(spared.arm(1, SECOND)))
            often = killed(often, torn, envelope, how)
            if acted:
                continue
        elif how == "snapshot":
            often.tick((number + 1) * HOUR)
            often._snapshots.wait()
        elif how == "damage":
            damage_newest(torn)
        sent = list(spared.take(envelope, encode(envelope), SECOND))
        assert repr(sent) == repr(list(often.take(envelope, encode(envelope), SECOND)))
        world.hear(sent)
    assert often.digest() == spared.digest()
    assert often.inspect() == spared.inspect()
    kill(spared)
    kill(often)
    same_decisions(whole, torn)
    assert [as_bytes(each) for each in replay(torn)] == [as_bytes(each) for each in recorded(torn)]


def fed(folder: Folder, seed: int, count: int, *, quotes: bool = False) -> Signal:
    """A signal that was told so many envelopes."""
    signal, world = reopened(folder, 1), World(seed)
    for _ in range(count):
        envelope = world.next_envelope(quotes=quotes)
        world.hear(list(signal.take(envelope, encode(envelope), SECOND)))
    return signal


def test_a_kill_after_every_frame_loses_nothing(tmp_path: Path) -> None:
    folder = follower(tmp_path)
    signal, world, names = reopened(folder, 1), World(5), set[str]()
    for incarnation in range(2, 17):
        envelope = world.next_envelope(quotes=False)
        world.hear(list(signal.take(envelope, encode(envelope), SECOND)))
        before = signal.inspect() | {"armed": False}
        kill(signal)
        signal = Signal.opened(folder, incarnation, 0)
        assert signal.inspect() == before
        assert signal.statistics().state == "halted"
        world.hear(list(signal.arm(1, SECOND)))
        names |= signal.statistics().counts.keys()
    assert {"fills", "refused", "settled", "steps"} <= names  # the test has met them all


def test_numbers_rise_over_restarts_and_none_is_sent_twice(tmp_path: Path) -> None:
    folder = follower(tmp_path)
    signal, world, numbers = reopened(folder, 1), World(8), list[int]()
    for incarnation in range(2, 10):
        for _ in range(3):
            envelope = world.next_envelope(quotes=False)
            sent = list(signal.take(envelope, encode(envelope), SECOND))
            world.hear(sent)
            numbers += [intent.number for _, intent in sent]
        signal.close() if incarnation % 2 else kill(signal)
        signal = Signal.opened(folder, incarnation, 0)
        numbers += [intent.number for _, intent in signal.arm(1, SECOND)]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) > 20


def test_three_snapshots_stay_and_the_newest_good_one_is_taken(tmp_path: Path) -> None:
    folder = follower(tmp_path)
    signal = reopened(folder, 1)
    world = World(2)
    for number in range(6):
        envelope = world.next_envelope(quotes=False)
        world.hear(list(signal.take(envelope, encode(envelope), SECOND)))
        signal.tick((number + 1) * HOUR)
        signal._snapshots.wait()
    kill(signal)
    assert len(list(folder.snapshots.glob("*.snapshot"))) == 3
    for damaged in range(4):  # 0 to all three
        again = Signal.opened(folder, 2, 0)
        gauges = again.statistics().gauges
        assert gauges["damaged_snapshots"] == damaged
        kill(again)
        damage_newest_good(folder)


def damage_newest_good(folder: Folder) -> None:
    for file in sorted(folder.snapshots.glob("*.snapshot"), reverse=True):
        content = file.read_bytes()
        if not content.startswith(b"damaged"):
            file.write_bytes(b"damaged" + content)
            return


def test_a_snapshot_is_not_written_where_nothing_came(tmp_path: Path) -> None:
    signal = fed(follower(tmp_path), 3, 2)
    for number in range(5):
        signal.tick((number + 1) * HOUR)
        signal._snapshots.wait()
    assert signal.statistics().counts["snapshots"] == 1
    signal.close()
    assert signal.statistics().counts["snapshots"] == 1
    signal.close()


def test_snapshots_change_no_bit(tmp_path: Path) -> None:
    folders = quoted(tmp_path / "a"), quoted(tmp_path / "b")
    signals, world = [reopened(folder, 1) for folder in folders], World(4)
    for number in range(60):
        envelope = world.next_envelope(quotes=True)
        sent = [list(one.take(envelope, encode(envelope), SECOND)) for one in signals]
        signals[0].tick((number + 1) * HOUR)
        assert repr(sent[0]) == repr(sent[1])
        world.hear(sent[0])
    assert signals[0].digest() == signals[1].digest()


def test_half_an_event_is_kept_by_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault inside a step ends the process: the next one takes the event anew, and whole."""
    signal = fed(follower(tmp_path), 3, 20)
    folder = signal._folder
    envelope = Sender().envelope(step_of(BARS, BARS.bar_count - 1))
    with monkeypatch.context() as broken:
        broken.setattr(signal._decider._stepper, "step", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            signal.take(envelope, encode(envelope), SECOND)
    signal.disarm("fault", SECOND)
    signal.close()
    again = reopened(folder, 2)
    kill(again)
    assert [as_bytes(one) for one in replay(folder)] == [as_bytes(one) for one in recorded(folder)]
    assert any(one.ts == BARS.ts[-1] for one in recorded(folder))


def test_without_a_snapshot_the_tape_must_be_whole(tmp_path: Path) -> None:
    folder = follower(tmp_path)
    kill(fed(folder, 6, 40))
    assert len(segments(folder.tapes, "signal")) > 2
    segments(folder.tapes, "signal")[0][1].unlink()
    with pytest.raises(LiveError, match="from the beginning"):
        Signal.opened(folder, 2, 0)


def test_damage_inside_the_tape_stops_a_start(tmp_path: Path) -> None:
    folder = follower(tmp_path)
    kill(fed(folder, 6, 40))
    file = segments(folder.tapes, "signal")[0][1]
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(DataError, match="damaged"):
        Signal.opened(folder, 2, 0)


def test_a_snapshot_that_knows_more_than_the_tape_is_passed_over(tmp_path: Path) -> None:
    folder = follower(tmp_path)
    signal = fed(folder, 6, 6)
    signal.close()
    file = segments(folder.tapes, "signal")[-1][1]
    os.truncate(file, file.stat().st_size - 20)
    again = Signal.opened(folder, 2, 0)
    assert again.statistics().gauges["damaged_snapshots"] == 1


def test_without_tapes_a_snapshot_is_all_there_is(tmp_path: Path) -> None:
    folder = follower(tmp_path, record={"tapes": False})
    signal = fed(folder, 6, 20)
    state = signal.inspect() | {"armed": False}
    signal.disarm("over", SECOND)
    signal.close()
    assert not list(read_tape(folder.tapes, "signal"))
    assert Signal.opened(folder, 2, 0).inspect() == state
