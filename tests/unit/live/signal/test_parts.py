"""Quotes in envelopes of any size lead to the same, and intents leave before what can wait."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.benchmarks.live_strategy import Tripwire
from tests.fakes.live_signal import SECOND, Sender, brought_up
from tests.fakes.panels import bars_of

from fanfold.live.folder import Folder
from fanfold.live.messages import EXECUTION, RISK, Fill, Intent, OrderChange, Quote, Value, encode
from fanfold.live.signal.restart import recorded, replay
from fanfold.live.signal.signal import REHEARSAL_NS, Signal
from fanfold.live.signal.state import as_bytes
from fanfold.strategies import RsiBracket, SmaCross
from fanfold.strategies.strategy import Strategy

COUNT = 3
PAST = bars_of(np.full((5, 60, COUNT), 99.0), session_bars=60, calendar="24/7")
START = int(PAST.ts[-1])
STEP_NS = 10**8
DEPLOYED: list[tuple[Strategy, str]] = [
    (Tripwire(level=100.0), "tests.benchmarks.live_strategy:Tripwire"),
    (SmaCross(fast=3, slow=8), "SmaCross"),
    (RsiBracket(period=4), "RsiBracket"),
]


def deployed(root: Path, strategy: Strategy, named: str, **how: Any) -> Folder:
    """A deployment of coins that decides at every quote."""
    return brought_up(
        root,
        PAST,
        strategy,
        warm_bars=50,
        named=named,
        market={"clock": "quotes"},
        execution={"start": "adopt_backtest_target"},
        job={"account": {"cash": 100_000}, "limits": {"max_position": 0.2, "max_gross": 0.5}},
        **how,
    )


def armed(folder: Folder) -> Signal:
    signal = Signal.opened(folder, 1, START)
    signal.arm(1, START)
    return signal


def quotes(count: int, seed: int = 5) -> list[Quote]:
    """Prices that wander around 100, some twice, some late, some without a side."""
    rng, prices = np.random.default_rng(seed), [99.0 + asset for asset in range(COUNT)]
    made: list[Quote] = []
    for number in range(count):
        asset = int(rng.integers(COUNT))
        if rng.random() < 0.6:
            prices[asset] = min(max(prices[asset] * (1 + rng.normal(0, 0.004)), 90.0), 110.0)
        ts = START + number * STEP_NS - (STEP_NS * 5 if rng.random() < 0.1 else 0)
        bid = 0.0 if rng.random() < 0.05 else prices[asset]
        made.append(Quote(asset, ts, bid, prices[asset], 1.0, 1.0))
    return made


def filled(intent: Intent, held: int) -> list[Value]:
    """What execution tells of an order that fills at once."""
    lots, name = intent.goal - held, f"o{intent.number}"
    role, nan = "entry" if lots > 0 else "exit", float("nan")
    fill = Fill(
        execution_id=name,
        client_order_id=name,
        asset=intent.asset,
        role=role,
        ts=intent.event_ts,
        lots=lots,
        price=round(intent.mark * 1e6),
        fee=0,
        held=intent.goal,
    )
    over = OrderChange(name, 1, intent.asset, role, "filled", 0, nan, nan, intent.event_ts, "")
    return [fill, over]


def fed(signal: Signal, envelopes: Sequence[Sequence[Value]]) -> list[Intent]:
    """Tell a signal these, and after each what became of its orders."""
    market, execution = Sender(), Sender(EXECUTION)
    held, sent, now = [0] * COUNT, list[Intent](), START
    for values in envelopes:
        now += REHEARSAL_NS
        envelope = market.envelope(*values)
        intents: list[Any] = [one for _, one in signal.take(envelope, encode(envelope), now)]
        sent += intents
        for intent in {one.asset: one for one in intents}.values():
            if intent.goal != held[intent.asset]:
                told = execution.envelope(*filled(intent, held[intent.asset]))
                held[intent.asset] = intent.goal
                sent += [one for _, one in signal.take(told, encode(told), now)]  # type: ignore[misc]
    return sent


def cut_at_news(folder: Folder, every: Sequence[Quote]) -> list[list[Value]]:
    """Envelopes that end where something is wanted, so that fills come at the same places."""
    signal, market = armed(folder), Sender()
    cut: list[list[Value]] = [[]]
    held = [0] * COUNT
    execution = Sender(EXECUTION)
    for quote in every:
        cut[-1].append(quote)
        envelope = market.envelope(quote)
        intents: list[Any] = [one for _, one in signal.take(envelope, encode(envelope), START)]
        for intent in intents:
            if intent.goal != held[intent.asset]:
                told = execution.envelope(*filled(intent, held[intent.asset]))
                held[intent.asset] = intent.goal
                signal.take(told, encode(told), START)
        if intents:
            cut.append([])
    return cut


@pytest.mark.parametrize(("strategy", "named"), DEPLOYED)
def test_one_envelope_of_many_quotes_is_many_of_one(
    tmp_path: Path, strategy: Strategy, named: str
) -> None:
    every = quotes(300)
    cut = cut_at_news(deployed(tmp_path / "cut", strategy, named), every)
    one = armed(deployed(tmp_path / "one", strategy, named))
    many = armed(deployed(tmp_path / "many", strategy, named))
    sent = fed(one, [[quote] for quote in every])
    assert len(sent) > 3
    assert repr(fed(many, cut)) == repr(sent)
    # What was wished without a goal is recorded once an envelope, so only the account is equal.
    assert many._decider._stepper.snapshot() == one._decider._stepper.snapshot()


def test_rehearsals_change_nothing(tmp_path: Path) -> None:
    one, other = (armed(deployed(tmp_path / name, *DEPLOYED[0])) for name in "ab")
    other._next_rehearsal = 2**63
    rehearsed = set[int]()
    every = [[quote] for quote in quotes(200)]
    for first in range(0, len(every), 5):
        some = every[first : first + 5]
        assert repr(fed(one, some)) == repr(fed(other, some))
        rehearsed.add(len(one._decider._stepper.rehearse()))
    assert rehearsed == {0, 1}  # 0: nothing waits for news right after there were some
    assert one.digest() == other.digest()


def crossing() -> list[Quote]:
    """Two assets cross the wire, one after the other, in one envelope."""
    return [
        Quote(0, START + 1, 101.0, 101.0, 1.0, 1.0),
        Quote(1, START + 2, 102.0, 102.0, 1.0, 1.0),
        Quote(2, START + 3, 99.0, 99.0, 1.0, 1.0),
    ]


def begun(folder: Folder) -> Signal:
    """One that has a goal for each asset, and knows it filled."""
    signal = armed(folder)
    fed(signal, [[Quote(asset, START, 99.0, 99.0, 1.0, 1.0)] for asset in range(COUNT)])
    return signal


def test_intents_come_before_the_rest_of_their_envelope(tmp_path: Path) -> None:
    folder = deployed(tmp_path, *DEPLOYED[0])
    signal = begun(folder)
    known, envelope = len(list(recorded(folder))), Sender().envelope(*crossing())
    ((receiver, first),) = signal.begin(envelope, encode(envelope), SECOND)
    assert (receiver, first.asset, signal.is_unfinished) == (RISK, 0, True)  # type: ignore[union-attr]
    assert len(list(recorded(folder))) == known
    ((_, second),) = signal.go_on()
    assert second.asset == 1  # type: ignore[union-attr]
    assert len(list(recorded(folder))) == known + 1
    assert signal.go_on() == ()
    assert not signal.is_unfinished
    assert len(list(recorded(folder))) == known + 2
    assert signal.go_on() == ()


def test_a_kill_after_the_send_loses_no_decision(tmp_path: Path) -> None:
    folder = deployed(tmp_path, *DEPLOYED[0])
    signal = begun(folder)
    envelope = Sender().envelope(*crossing())
    sent = [one for _, one in signal.begin(envelope, encode(envelope), SECOND)]
    del signal  # without a word: what was sent is on no tape of decisions
    again = Signal.opened(folder, 2, START + SECOND)
    decided = list(recorded(folder))
    assert repr([one for each in decided[-2:-1] for one in each.intents]) == repr(sent)
    assert [one.number for one in decided] == list(range(1, len(decided) + 1))
    assert [as_bytes(one) for one in replay(folder)][: len(decided)] == [
        as_bytes(one) for one in decided
    ]
    again.close()
