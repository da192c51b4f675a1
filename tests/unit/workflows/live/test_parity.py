"""Parity of a recorded deployment: two legs, money that adds up, and what cannot be compared."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.fakes.live_signal import MICRO, SECOND, Sender, brought_up, cut, step_of
from tests.fakes.live_strategies import Following
from tests.fakes.panels import wild_bars

from fanfold.domain.bars import Bars
from fanfold.domain.panel import CLOSE
from fanfold.domain.period import ts_text
from fanfold.errors import DataError
from fanfold.live.folder import Folder
from fanfold.live.messages import Fill, Intent, OrderChange, Quote, Refusal, Value, encode
from fanfold.live.record.recorder import Recorder
from fanfold.live.signal.restart import DECISIONS, recorded
from fanfold.live.signal.signal import Signal
from fanfold.live.signal.state import Decision, as_bytes
from fanfold.live.tape import Tape, segments
from fanfold.strategies import SmaCross
from fanfold.workflows.live.parity import ParityClosed, parity_job
from fanfold.workflows.live.recorded import bars_of, read_recorded
from fanfold.workflows.live.vendor import joined

WARM = 30
BARS = wild_bars(11, 90, 2, absent_share=0.0, unknown_volume=False)
SMALL = {"segment_bytes": 4_096}
ADOPT = {"start": "adopt_backtest_target"}
REFUSED = "max_share"


class Market:
    """Fills each intent at once, somewhat off the last close; refuses the first of all."""

    def __init__(self, signal: Signal) -> None:
        self.signal, self.sender = signal, Sender()
        self.held = [0] * len(BARS.symbols)
        self.count = 0

    def tell(self, *values: Value) -> None:
        envelope = self.sender.envelope(*values)
        for _, said in self.signal.take(envelope, encode(envelope), SECOND):
            assert isinstance(said, Intent)
            self.answer(said)

    def answer(self, intent: Intent) -> None:
        self.count += 1
        lots = intent.goal - self.held[intent.asset]
        if self.count == 1:
            ts = intent.event_ts + SECOND
            self.tell(
                Refusal(intent.number, intent.asset, REFUSED, 0, 0.1, 0.2, ts),
            )
        elif lots:
            self.held[intent.asset] += lots
            name, ts, nan = f"c{self.count}", intent.event_ts + SECOND, float("nan")
            price = round(intent.mark * (1 + 0.001 * np.sign(lots)) * MICRO)
            self.tell(
                OrderChange(
                    name, intent.number, intent.asset, "entry", "filled", 0, nan, nan, ts, ""
                ),
                Fill(
                    f"x{self.count}", name, intent.asset, "entry", ts, lots, price, 1_234,
                    self.held[intent.asset],
                ),
            )  # fmt: skip


def lived(
    root: Path, strategy: Any = None, values: list[Value] | None = None, **how: Any
) -> Folder:
    """A deployment that has lived through all bars, and is down."""
    how = {"execution": ADOPT, "record": SMALL, **how}
    folder = brought_up(root, BARS, strategy or SmaCross(fast=2, slow=5), warm_bars=WARM, **how)
    signal = Signal.opened(folder, 1, 0)
    signal.arm(1, SECOND)
    market = Market(signal)
    bars = [step_of(BARS, bar) for bar in range(WARM, BARS.bar_count)]
    for value in bars if values is None else values:
        market.tell(value)
    signal.close()
    assert market.count
    return folder


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    return lived(tmp_path_factory.mktemp("parity"))


@pytest.fixture
def folder(original: Folder, tmp_path: Path) -> Folder:
    shutil.copytree(original.path, tmp_path / "trial")
    return Folder(tmp_path / "trial")


def audit(folder: Folder, final: Bars | str | None = None, *, draw: bool = False) -> ParityClosed:
    return parity_job(str(folder.path), final=final, track=False, draw=draw)


def verdicts(closed: ParityClosed) -> list[str]:
    return [leg["verdict"] for leg in closed.content["legs"]]


def adds_up(closed: ParityClosed) -> bool:
    profit, causes = closed.content["profit"], closed.content["causes"]
    whole = [round(amount * MICRO) for amount in (profit["live"], profit["backtest"])]
    return whole[0] - whole[1] == sum(round(amount * MICRO) for amount in causes.values())


def corrected(seed: int = 3) -> Bars:
    """Final bars that differ from those that were seen in every price after the warm-up."""
    panel = BARS.panel.copy()
    factors = np.exp(np.random.default_rng(seed).normal(0.0, 0.03, panel.shape[1:]))
    factors[:WARM] = 1.0
    panel[: CLOSE + 1] *= factors
    return replace(cut(BARS, 0, BARS.bar_count), panel=panel)


def test_what_was_decided_is_decided_again_and_the_causes_add_up(folder: Folder) -> None:
    closed = audit(folder, corrected(), draw=True)
    assert closed.status == "ok"
    assert verdicts(closed) == ["equal", "equal", "different"]
    content = closed.content
    assert content["refusals"] == {REFUSED: 1}
    assert content["fills"] > 3
    assert adds_up(closed)
    assert content["causes"]["data"] != 0.0
    assert content["causes"]["refusals"] != 0.0
    assert content["causes"]["fill_price"] < 0.0
    fees = content["causes"]["fees"]
    assert fees == pytest.approx(-0.001234 * content["fills"])
    page = Path(content["artifacts"][0]).read_text()
    assert REFUSED.replace("_", " ") in page
    assert "would have been others" in page
    assert 'src="http' not in page


def test_the_bars_that_were_seen_as_final_ones_change_nothing(folder: Folder) -> None:
    closed = audit(folder, BARS)
    assert verdicts(closed) == ["equal"] * 3
    assert closed.content["causes"]["data"] == 0.0
    assert adds_up(closed)


def rewritten(folder: Folder, change: Callable[[list[Decision]], list[Decision]]) -> None:
    """Put other decisions in the place of the recorded ones."""
    decisions = change(list(recorded(folder)))
    for _, file in segments(folder.tapes, DECISIONS):
        file.unlink()
    tape = Tape(folder.tapes, DECISIONS, 1 << 20)
    for one in decisions:
        tape.append(one.ts, as_bytes(one))
    tape.close()


def test_one_other_byte_of_a_wish_is_found_and_named(folder: Folder) -> None:
    places = [place for place, one in enumerate(recorded(folder)) if one.wishes]
    place, first = places[3], list(recorded(folder))[places[3]]

    def falsified(decisions: list[Decision]) -> list[Decision]:
        wishes = bytearray(first.wishes)
        wishes[0] ^= 1
        decisions[place] = Decision(first.number, first.ts, bytes(wishes), first.intents)
        return decisions

    rewritten(folder, falsified)
    closed = audit(folder)
    assert closed.status == "different"
    legs = closed.content["legs"]
    assert (legs[0]["verdict"], legs[0]["different"]) == ("different", 1)
    assert legs[0]["first"] == legs[1]["first"] != ""
    assert legs[1]["verdict"] == "different"
    assert any(legs[0]["first"] in line for line in closed.lines)


def test_a_decision_too_few_is_found_unless_signal_is_still_at_work(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    rewritten(folder, lambda decisions: decisions[:-1])
    closed = audit(folder)
    assert verdicts(closed)[0] == "different"
    assert "which one of the two has not" in closed.content["legs"][0]["first"]

    def is_held(*_: object) -> bool:
        return True

    monkeypatch.setattr("fanfold.workflows.live.recorded.is_held", is_held)
    assert verdicts(audit(folder)) == ["equal", "equal"]


def test_damage_inside_a_tape_is_no_parity(folder: Folder) -> None:
    (_, file), *_ = segments(folder.tapes, DECISIONS)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(DataError):
        audit(folder)


def test_without_the_venue_two_legs_are_left_and_that_is_said(folder: Folder) -> None:
    closed = audit(folder)
    assert verdicts(closed) == ["equal", "equal"]
    assert "the deployment's venue must run to be asked" in closed.problems[0]


def test_tapes_that_became_tables_are_as_good(folder: Folder) -> None:
    before = audit(folder, BARS).content
    recorder = Recorder(folder, 1)
    for second in range(200):
        recorder.tick(10**9 * 86_400 * 36_500 + second * 2 * 10**9)
    recorder.close()
    assert len(segments(folder.tapes, "signal")) == 2
    assert (folder.record / "signal").is_dir()
    after = audit(folder, BARS).content
    assert {**after, "seconds": 0} == {**before, "seconds": 0}


def test_decisions_that_look_at_the_account_have_one_leg(tmp_path: Path) -> None:
    named = "tests.fakes.live_strategies:Following"
    closed = audit(lived(tmp_path, Following(share=0.25, stop_pct=4.0), named=named), BARS)
    assert verdicts(closed) == ["equal", "not compared", "not compared"]
    assert "look at the account" in closed.content["legs"][1]["first"]
    assert closed.status == "ok"
    assert adds_up(closed)


def test_quotes_have_one_leg_and_no_money(tmp_path: Path) -> None:
    quotes: list[Value] = [
        Quote(asset, int(BARS.ts[bar]) + asset, close * 0.999, close * 1.001, 1.0, 1.0)
        for bar in range(WARM, BARS.bar_count)
        for asset, close in enumerate(BARS.panel[CLOSE, bar].tolist())
    ]
    closed = audit(lived(tmp_path, values=quotes, market={"clock": "quotes"}))
    assert verdicts(closed) == ["equal", "not compared"]
    assert "profit" not in closed.content
    assert closed.content["artifacts"] == []


def test_bars_that_cover_nothing_are_refused(folder: Folder) -> None:
    found = read_recorded(folder)
    with pytest.raises(DataError, match="final bars must cover"):
        joined(found, bars_of(found), cut(BARS, 0, WARM))


def test_final_bars_take_the_place_of_the_recorded_ones(folder: Folder) -> None:
    found = read_recorded(folder)
    seen, final = bars_of(found), corrected()
    made = joined(found, seen, cut(final, WARM + 5, WARM + 9))
    expected = seen.panel.copy()
    expected[:, WARM + 5 : WARM + 9] = final.panel[:, WARM + 5 : WARM + 9]
    assert np.array_equal(made.panel, expected, equal_nan=True)
    assert made.ts.tolist() == seen.ts.tolist()


def test_final_bars_may_stand_in_a_file_stamped_by_ends(folder: Folder, tmp_path: Path) -> None:
    final, file = corrected(), tmp_path / "final.csv"
    lines = ["symbol,ts,open,high,low,close,volume"]
    for bar in range(WARM, BARS.bar_count):
        for asset, symbol in enumerate(BARS.symbols):
            prices = ",".join(map(repr, final.panel[:, bar, asset].tolist()))
            lines.append(f"{symbol},{ts_text(int(BARS.ts[bar]))},{prices}")
    file.write_text("\n".join(lines))
    closed = parity_job(str(folder.path), final=str(file), stamp="end", track=False, draw=False)
    direct = audit(folder, final).content
    assert {**closed.content, "seconds": 0} == {**direct, "seconds": 0}
