"""Signal warms, begins at its first arming, decides, and sends only while it is armed."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.fakes.live_signal import (
    MICRO,
    SECOND,
    Sender,
    brought_up,
    envelopes_of,
    step_of,
    told,
)
from tests.fakes.live_strategies import Breaking, Following
from tests.fakes.panels import flat_bars, wild_bars

from fanfold.errors import ConfigError, DataError
from fanfold.live import tape as tape_module
from fanfold.live.folder import Folder
from fanfold.live.halts import latches
from fanfold.live.messages import (
    EXECUTION,
    RISK,
    AccountState,
    Arming,
    Fill,
    Gate,
    Intent,
    Late,
    OrderChange,
    Quote,
    Refusal,
    Row,
    Split,
    Step,
    decode,
    encode,
)
from fanfold.live.plan import read_plan, write_plan
from fanfold.live.signal.restart import recorded, replay
from fanfold.live.signal.signal import Signal
from fanfold.live.signal.state import as_bytes
from fanfold.live.tape import read_tape
from fanfold.strategies import SmaCross

WARM = 40
BARS = wild_bars(7, 80, 2, absent_share=0.05, unknown_volume=False)
PRICES = flat_bars([[100.0, 100.0]] * 3 + [[101.0, 99.0], [102.0, 98.0], [101.0, 99.0]] * 4)
"""The first asset rises twice and falls once, the second the other way."""

HOUR = 3_600 * SECOND
ADOPT = {"start": "adopt_backtest_target"}
FOLLOWING = "tests.fakes.live_strategies:Following"


def following(tmp_path: Path, *, stop_pct: float = 0.0, **how: Any) -> Folder:
    """A deployment that holds what rises and sells short what falls."""
    strategy = Following(stop_pct=stop_pct)
    return brought_up(tmp_path, PRICES, strategy, warm_bars=3, named=FOLLOWING, **how)


def armed(folder: Folder, incarnation: int = 1) -> Signal:
    signal = Signal.opened(folder, incarnation, 0)
    signal.arm(incarnation, SECOND)
    return signal


def fill_of(intent: Intent, held: int, name: str = "") -> Fill:
    return Fill(
        execution_id=name or f"x{intent.number}",
        client_order_id=f"o{intent.number}",
        asset=intent.asset,
        role="entry",
        ts=intent.event_ts + 1,
        lots=intent.goal - held,
        price=round(intent.mark * MICRO),
        fee=0,
        held=intent.goal,
    )


def test_nothing_is_decided_before_the_first_arming(tmp_path: Path) -> None:
    folder = brought_up(tmp_path, BARS, SmaCross(fast=3, slow=8), warm_bars=WARM)
    signal = Signal.opened(folder, 1, 0)
    assert told(signal, envelopes_of(BARS, range(WARM, 60))) == []
    assert signal.statistics().state == "halted"
    assert signal.statistics().gauges["decision"] == 0
    assert not signal.arm(1, SECOND)
    assert signal.statistics().state == "armed"
    told(signal, envelopes_of(BARS, range(60, 70)))
    assert signal.statistics().gauges["decision"] == 10
    signal.close()
    assert signal.statistics().state == "stopped"


def test_a_start_adopts_the_first_target_or_waits_for_a_change(tmp_path: Path) -> None:
    waits = armed(following(tmp_path / "a"))
    adopts = armed(following(tmp_path / "b", execution=ADOPT))
    for signal, count in ((waits, 0), (adopts, 2)):
        sent = told(signal, envelopes_of(PRICES, [3]))
        assert [intent.number for intent in sent] == list(range(1, count + 1))
    assert told(waits, envelopes_of(PRICES, [4])) == []  # the same target again
    up, down = told(waits, envelopes_of(PRICES, [5]))
    assert up.goal < 0 < down.goal
    assert {up.event_ts, down.event_ts} == {int(PRICES.ts[5])}


def test_intents_go_to_risk_and_nowhere_else(tmp_path: Path) -> None:
    signal = armed(following(tmp_path, execution=ADOPT))
    envelope = envelopes_of(PRICES, [3])[0]
    sent = signal.take(envelope, encode(envelope), SECOND)
    assert [receiver for receiver, _ in sent] == [RISK, RISK]


def test_while_disarmed_it_decides_and_an_arming_sends_what_is_not_reached(
    tmp_path: Path,
) -> None:
    signal = armed(following(tmp_path, execution=ADOPT))
    first, second = told(signal, envelopes_of(PRICES, [3]))
    told(signal, [Sender(EXECUTION).envelope(fill_of(first, 0))])
    signal.disarm("looked at", 2 * SECOND)
    assert signal.statistics().state == "halted"
    assert signal.statistics().gauges["disarmed"] == "looked at"
    assert told(signal, envelopes_of(PRICES, [4])) == []
    again = [value for _, value in signal.arm(2, 3 * SECOND)]
    assert [(one.asset, one.goal, one.event_ts) for one in again] == [
        (second.asset, second.goal, second.event_ts)
    ]
    assert again[0].number == 3
    assert signal.statistics().gauges["decision"] == 3  # two bars, one arming


def test_levels_are_sent_again_though_the_goal_is_reached(tmp_path: Path) -> None:
    signal = armed(following(tmp_path, stop_pct=5.0, execution=ADOPT))
    first, _ = told(signal, envelopes_of(PRICES, [3]))
    assert first.stop_loss == pytest.approx(101 * 0.95, abs=0.01)
    told(signal, [Sender(EXECUTION).envelope(fill_of(first, 0))])
    signal.disarm("", SECOND)
    assert {value.asset for _, value in signal.arm(2, SECOND)} == {0, 1}


def test_late_bars_are_counted_and_repeated_steps_ignored(tmp_path: Path) -> None:
    signal = armed(following(tmp_path))
    sender = Sender()
    late = Late(int(PRICES.ts[3]), Row(0, 1.0, 1.0, 1.0, 1.0, 1.0))
    told(signal, [sender.envelope(step_of(PRICES, 3)), sender.envelope(late)])
    before = signal.inspect()
    told(signal, envelopes_of(PRICES, [3, 2]))
    assert signal.inspect() == before
    counts = signal.statistics().counts
    assert (counts["late"], counts["ignored.step"], counts["steps"]) == (1, 2, 1)


def test_everything_is_on_the_tape_its_own_arming_too(tmp_path: Path) -> None:
    folder = following(tmp_path)
    signal = armed(folder)
    envelopes = envelopes_of(PRICES, [3, 4])
    told(signal, envelopes)
    signal.disarm("enough", SECOND)
    taped = [decode(content) for _, _, content in read_tape(folder.tapes, "signal")]
    assert taped[1:3] == envelopes
    assert taped[0].values == (Arming(armed=True, epoch=1, at=SECOND, reason=""),)
    assert taped[3].values == (Arming(armed=False, epoch=1, at=SECOND, reason="enough"),)


def test_a_full_disk_halts_it_before_it_acts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = following(tmp_path, execution=ADOPT)
    signal = armed(folder)
    before = signal.inspect()

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tape_module.os, "write", full)
    assert told(signal, envelopes_of(PRICES, [3])) == []
    monkeypatch.undo()
    assert told(signal, envelopes_of(PRICES, [3, 4])) == []
    assert signal.inspect() == before
    assert signal.statistics().state == "halted"
    assert "No space left" in str(signal.statistics().gauges["problem"])
    assert [latch.name for latch in latches(folder)] == ["disk"]
    signal.close()
    assert Signal.opened(folder, 2, 0).statistics().state == "halted"


def test_a_refusal_lessens_the_goal_until_another_is_wanted(tmp_path: Path) -> None:
    signal = armed(following(tmp_path, execution=ADOPT))
    first, second = told(signal, envelopes_of(PRICES, [3]))
    refusal = Refusal(first.number, 0, "stale", 0, np.nan, np.nan, SECOND)
    trimmed = Refusal(second.number, 1, "max_share", second.goal // 2, 1.0, 2.0, SECOND)
    assert told(signal, [Sender(RISK).envelope(refusal, trimmed)]) == []
    assert signal.statistics().counts["refused"] == 2
    assert told(signal, envelopes_of(PRICES, [4])) == []
    assert {one.asset for one in told(signal, envelopes_of(PRICES, [5]))} == {0, 1}
    told(signal, [Sender(RISK).envelope(refusal)])
    assert signal.statistics().counts["ignored.refusal"] == 1


def test_a_split_goes_into_goals_and_the_next_account_is_settled(tmp_path: Path) -> None:
    signal = armed(following(tmp_path, execution=ADOPT))
    first, _ = told(signal, envelopes_of(PRICES, [3]))
    execution = Sender(EXECUTION)
    told(signal, [execution.envelope(fill_of(first, 0))])
    split = Split(0, int(PRICES.ts[3]), 2.0, 2 * first.goal)
    sent = told(signal, [execution.envelope(split)])
    assert [(one.asset, one.goal) for one in sent] in ([], [(0, 2 * first.goal)])
    account = AccountState(1, (2 * first.goal, 0), (0, 0), 90_000 * MICRO, 1, 1)
    told(signal, [execution.envelope(account), execution.envelope(account)])
    counts = signal.statistics().counts
    assert (counts["splits"], counts["settled"]) == (1, 1)


def test_behind_a_closed_gate_goals_wait(tmp_path: Path) -> None:
    signal = armed(following(tmp_path, execution=ADOPT))
    execution = Sender(EXECUTION)
    told(signal, [execution.envelope(Gate(1, open=False, reason="reconciling"))])
    assert told(signal, envelopes_of(PRICES, [3])) == []
    assert not signal.arm(2, SECOND)
    sent = told(signal, [execution.envelope(Gate(2, open=True, reason=""))])
    assert [(one.asset, one.event_ts) for one in sent] == [(k, int(PRICES.ts[3])) for k in (0, 1)]
    assert told(signal, [execution.envelope(Gate(3, open=True, reason=""))]) == []


def test_what_only_came_too_soon_is_asked_for_again(tmp_path: Path) -> None:
    signal = armed(following(tmp_path, execution=ADOPT))
    first, second = told(signal, envelopes_of(PRICES, [3]))
    early = Refusal(first.number, 0, "gate_closed", 0, np.nan, np.nan, SECOND)
    denied = OrderChange("", second.number, 1, "", "denied", 0, np.nan, np.nan, 1, "too old")
    assert told(signal, [Sender(RISK).envelope(early, denied)]) == []
    assert signal.statistics().counts["denied"] == 2
    again = told(signal, envelopes_of(PRICES, [4]))
    assert [(one.asset, one.goal) for one in again] == [(0, first.goal), (1, second.goal)]


def test_what_was_rejected_waits_before_it_is_asked_for_again(tmp_path: Path) -> None:
    market = {"clock": "quotes"}
    signal = armed(following(tmp_path, execution=ADOPT, market=market))
    now = int(PRICES.ts[3])

    def quoted(ts: int, price: float) -> list[Intent]:
        return told(signal, [Sender().envelope(Quote(0, ts, price, price, 1.0, 1.0))])

    (first,) = quoted(now, 101.0)
    sent = OrderChange("o1", first.number, 0, "entry", "sending", 9, np.nan, np.nan, 1, "")
    over = OrderChange("o1", first.number, 0, "entry", "rejected", 0, np.nan, np.nan, 1, "no")
    told(signal, [Sender(EXECUTION).envelope(sent, over)])
    assert quoted(now + 2, 103.0) == quoted(now + SECOND // 2, 104.0) == []
    (again,) = quoted(now + 2 * SECOND, 105.0)
    assert (again.asset, again.goal) == (0, first.goal)


def test_what_an_order_left_unfilled_is_asked_for_again(tmp_path: Path) -> None:
    signal = armed(following(tmp_path, execution=ADOPT))
    first, _ = told(signal, envelopes_of(PRICES, [3]))
    over = OrderChange("o1", 1, 0, "entry", "expired", 0, np.nan, np.nan, 1, "")
    told(signal, [Sender(EXECUTION).envelope(over)])
    (again,) = told(signal, envelopes_of(PRICES, [4]))
    assert (again.asset, again.goal) == (0, first.goal)


def test_a_fill_counts_once_and_another_account_is_settled(tmp_path: Path) -> None:
    signal = armed(following(tmp_path, execution=ADOPT))
    first, _ = told(signal, envelopes_of(PRICES, [3]))
    fill = fill_of(first, 0)
    execution = Sender(EXECUTION)
    change = OrderChange("o1", 1, 0, "entry", "ACCEPTED", first.goal, np.nan, np.nan, 1, "")
    over = OrderChange("o1", 1, 0, "entry", "FILLED", 0, np.nan, np.nan, 1, "")
    told(signal, [execution.envelope(change, fill, fill, over)])
    counts = signal.statistics().counts
    assert (counts["fills"], counts["ignored.fill"]) == (1, 1)
    same = AccountState(1, (first.goal, 0), (0, 0), 1, 1, 1)
    told(signal, [execution.envelope(same)])
    assert "settled" not in signal.statistics().counts
    other = AccountState(1, (first.goal - 3, 0), (0, 0), 90_000 * MICRO, 1, 1)
    told(signal, [execution.envelope(other, Gate(1, open=True, reason=""))])
    assert signal.statistics().counts["settled"] == 1
    assert signal.statistics().gauges["gate_open"] is True


def test_an_error_of_the_strategy_latches_and_nothing_else_dies(tmp_path: Path) -> None:
    named = "tests.fakes.live_strategies:Breaking"
    folder = brought_up(tmp_path, PRICES, Breaking(), warm_bars=3, named=named)
    signal = armed(folder)
    assert told(signal, envelopes_of(PRICES, [3, 4, 5])) == []  # the second asset falls to 98
    statistics = signal.statistics()
    assert statistics.state == "halted"
    assert "close was 98" in str(statistics.gauges["problem"])
    (latch,) = latches(folder)
    assert (latch.name, latch.by) == ("strategy", "signal")
    assert not signal.arm(2, SECOND)
    assert signal.statistics().state == "halted"
    told(signal, [Sender(EXECUTION).envelope(AccountState(1, (5, 0), (0, 0), 1, 1, 1))])
    signal.close()
    again = Signal.opened(folder, 2, SECOND)
    assert again.statistics().gauges["problem"] == statistics.gauges["problem"]


def test_an_instant_beyond_the_calendar_latches(tmp_path: Path) -> None:
    folder = following(tmp_path)
    signal = armed(folder)
    far = Step(int(PRICES.ts[-1]) + 400 * 86_400 * SECOND, ())
    assert told(signal, [Sender().envelope(far)]) == []
    assert [latch.name for latch in latches(folder)] == ["calendar"]
    assert signal.statistics().state == "halted"


def test_quotes_are_decided_on_where_the_clock_is_quotes(tmp_path: Path) -> None:
    folder = following(tmp_path, market={"clock": "quotes"}, execution=ADOPT)
    signal = armed(folder)
    sender, ts = Sender(), int(PRICES.ts[3])
    told(signal, [sender.envelope(Quote(0, ts, 99.0, 101.0, 1.0, 1.0))])
    sent = told(
        signal,
        [
            sender.envelope(
                Quote(0, ts - 5, 50.0, 51.0, 1.0, 1.0),  # came too late
                Quote(0, ts + 1, 0.0, 101.0, 0.0, 1.0),  # has no bid
                Quote(9, ts + 1, 99.0, 101.0, 1.0, 1.0),  # of nothing we know
                Quote(0, ts + 2, 101.0, 103.0, 1.0, 1.0),
                step_of(PRICES, 4),
            )
        ],
    )
    assert [(one.asset, one.event_ts) for one in sent] == [(0, ts + 2)]
    counts = signal.statistics().counts
    assert (counts["steps"], counts["ignored.quote"], counts["ignored.one_sided"]) == (2, 2, 1)
    assert counts["ignored.step"] == 1


def test_what_was_decided_comes_out_of_a_replay(tmp_path: Path) -> None:
    folder = following(tmp_path, execution=ADOPT)
    signal = armed(folder)
    sent = told(signal, envelopes_of(PRICES, range(3, 12)))
    live, again = list(recorded(folder)), list(replay(folder))
    assert [as_bytes(one) for one in live] == [as_bytes(one) for one in again]
    assert repr([intent for one in live for intent in one.intents]) == repr(sent)
    assert [one.ts for one in live] == PRICES.ts[3:12].tolist()
    assert len(live[0].wishes) > 0
    assert live[1].wishes == b""  # the same targets as before


def test_a_changed_decision_is_not_run(tmp_path: Path) -> None:
    folder = following(tmp_path)
    plan = read_plan(folder)
    write_plan(folder, plan.model_copy(update={"code_hash": "0" * 64}))
    with pytest.raises(ConfigError, match="bring up a new deployment"):
        Signal.opened(folder, 1, 0)
    write_plan(folder, plan.model_copy(update={"data_fingerprint": "0" * 64}))
    with pytest.raises(DataError, match="fingerprint"):
        Signal.opened(folder, 1, 0)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"strategy": "Unknown"}, "must be one of fanfold's"),
        ({"strategy": "nowhere.at_all:Thing"}, "importable"),
        ({"strategy": "fanfold.live.plan:Plan"}, "must be one of fanfold's"),
        ({"params": {"share": 7.0}}, "share"),
        ({"job": {"account": {"cash": -1}}}, "cash"),
        ({"job": {"limits": {"nothing": 1}}}, "limits"),
    ],
)
def test_a_plan_that_cannot_run_is_refused(
    tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    folder = following(tmp_path)
    write_plan(folder, read_plan(folder).model_copy(update=change))
    with pytest.raises(ConfigError, match=said):
        Signal.opened(folder, 1, 0)


def test_latency_is_kept_by_stage(tmp_path: Path) -> None:
    signal = armed(following(tmp_path, execution=ADOPT))
    told(signal, envelopes_of(PRICES, [3, 4, 5]))
    latency = signal.statistics().latency
    assert latency["hop"]["count"] == 3
    assert latency["step"]["count"] == 3
    assert latency["intent"]["count"] == 2
    assert signal.pollables() == ()
