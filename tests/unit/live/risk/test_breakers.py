"""Losses that end trading: at their number, once, on disk, over restarts, not by a bad tick."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.fakes.live_risk import CASH, DAY, HOUR, NOW, OPEN, SECOND, World

from fanfold.live.halts import Latch, ask_reset, latches, reset, set_latch
from fanfold.live.messages import ApprovedOrder, Quote, Refusal, Value

DRAWDOWN = {"max_drawdown": 0.10}
DAILY = {"max_daily_loss": 0.05}


def invested(path: Path, **changes: object) -> World:
    """1,000 shares at 100 of the first asset, half of them of cash that was lent."""
    world = World(path, account={"leverage": 2.0}, **changes)
    world.ask(0, 1_000)
    world.fill(0, 1_000, 1_000)
    return world


def split(out: list[tuple[str, Value]]) -> tuple[list[ApprovedOrder], list[Refusal]]:
    return (
        [value for _, value in out if isinstance(value, ApprovedOrder)],
        [value for _, value in out if isinstance(value, Refusal)],
    )


@pytest.mark.parametrize(
    ("limits", "inside", "outside"), [(DRAWDOWN, 90.01, 90.0), (DAILY, 95.01, 95.0)]
)
def test_a_breaker_acts_at_its_number(
    tmp_path: Path, limits: dict[str, float], inside: float, outside: float
) -> None:
    ((name, bound),) = limits.items()
    world = invested(tmp_path, limits=limits)
    assert world.quote(0, inside) == []
    approved, refused = split(world.quote(0, outside))
    assert [(each.asset, each.goal, each.reduce_only, each.most) for each in approved] == [
        (0, 0, True, 1_000)
    ]
    assert [(each.asset, each.reason, each.allowed, each.bound) for each in refused] == [
        (0, name, 0, bound)
    ]
    assert refused[0].reached == pytest.approx(bound)
    (latch,) = latches(world.folder)
    assert (latch.name, latch.by) == (name, "risk")
    assert "equity 9" in latch.reason
    assert world.quote(0, outside - 1) == []  # once
    assert world.ask(1, 10)[1].reason == name  # type: ignore[union-attr]
    approved_exit, refused_exit = world.ask(0, 0)
    assert refused_exit is None
    assert approved_exit is not None
    assert approved_exit.reduce_only


def test_a_step_is_measured_too(tmp_path: Path) -> None:
    world = invested(tmp_path, limits=DRAWDOWN)
    world.ts += 60 * SECOND
    out = world.bars(91.0, 100.0, 100.0)
    assert out == []
    world.ts += 60 * SECOND
    assert split(world.bars(89.9, 100.0, 100.0))[0]


def test_one_bad_tick_trips_nothing(tmp_path: Path) -> None:
    world = invested(tmp_path, limits=DRAWDOWN)
    assert world.quote(0, 50.0) == []
    assert world.ask(0, 1_100)[1].reason == "unconfirmed"  # type: ignore[union-attr]
    for _ in range(3):
        assert world.quote(0, 100.0) == []
    assert latches(world.folder) == ()
    assert world.ask(0, 1_100)[1] is None
    world.quote(0, 100.0)
    for wrong in (Quote(0, world.ts, 0.0, 1.0, 0, 1), Quote(0, world.ts, float("nan"), 1.0, 0, 1)):
        assert world.market(wrong) == []
    assert latches(world.folder) == ()


def test_a_jump_that_two_of_three_confirm_counts(tmp_path: Path) -> None:
    world = invested(tmp_path, limits=DRAWDOWN)
    assert world.quote(0, 50.0) == []
    assert world.quote(0, 100.0) == []
    assert split(world.quote(0, 50.1))[0]


def test_a_gain_moves_the_peak(tmp_path: Path) -> None:
    world = invested(tmp_path, limits=DRAWDOWN)
    world.quote(0, 105.0)
    world.quote(0, 110.0)
    assert world.quote(0, 99.01) == []
    assert split(world.quote(0, 99.0))[0]


def test_a_new_day_measures_from_its_start(tmp_path: Path) -> None:
    world = invested(tmp_path, limits=DAILY)
    world.quote(0, 96.0)
    world.bars(96.0, 100.0, 100.0, ts=OPEN + 7 * HOUR)
    world.ts = OPEN + DAY
    assert world.quote(0, 92.0) == []
    assert world.quote(0, 91.21) == []
    assert split(world.quote(0, 91.2))[0]  # 5 % of 96,000


def test_a_split_over_night_is_no_loss(tmp_path: Path) -> None:
    """The price is halved before the broker tells of twice the shares, or after."""
    for price_first in (True, False):
        world = invested(tmp_path / str(price_first), limits=DRAWDOWN)
        world.bars(100.0, 100.0, 100.0, ts=OPEN + 7 * HOUR)
        world.ts = OPEN + DAY
        if price_first:
            for _ in range(4):
                assert world.quote(0, 50.0) == []
            assert world.ask(1, 10)[1].reason == "unconfirmed"  # type: ignore[union-attr]
        assert world.account(0, (2_000, 0, 0), equity=CASH) == []
        for _ in range(4):
            assert world.quote(0, 50.0) == []
        assert latches(world.folder) == ()
        world.quote(1, 100.0)
        assert world.ask(1, 10)[1] is None
        assert split([out for _ in range(3) for out in world.quote(0, 44.9)])[0]


def test_a_true_loss_over_night_counts_once_positions_are_known(tmp_path: Path) -> None:
    world = invested(tmp_path, limits=DRAWDOWN)
    world.bars(100.0, 100.0, 100.0, ts=OPEN + 7 * HOUR)
    world.ts = OPEN + DAY
    for _ in range(4):
        assert world.quote(0, 80.0) == []
    world.prices[0] = 80.0
    assert split(world.account(0, (1_000, 0, 0)))[0]


def test_a_true_loss_over_night_counts_after_a_while(tmp_path: Path) -> None:
    world = invested(tmp_path, limits=DRAWDOWN)
    world.bars(100.0, 100.0, 100.0, ts=OPEN + 7 * HOUR)
    world.ts = OPEN + DAY
    for _ in range(4):
        assert world.quote(0, 80.0) == []
    world.ts += 61 * SECOND
    world.quote(1, 100.0)
    assert split(list(world.risk.tick(world.now)))[0] or latches(world.folder)


def test_a_restart_is_never_looser(tmp_path: Path) -> None:
    world = invested(tmp_path, limits=DRAWDOWN | DAILY)
    world.quote(0, 109.0)
    world.quote(0, 115.0)
    world.risk.close()
    world.again()
    world.numbers.clear()
    world.prices = [109.5, 100.0, 100.0]
    world.market(Quote(0, world.ts, 109.49, 109.51, 1, 1))
    world.account(0, (1_000, 0, 0))
    gauges = world.risk.statistics().gauges
    assert gauges["peak"] == pytest.approx(115_000)
    assert gauges["day_start"] == pytest.approx(100_000)
    world.quote(0, 103.6)
    assert latches(world.folder) == ()
    world.quote(0, 103.5)
    assert [latch.name for latch in latches(world.folder)] == ["max_drawdown"]
    out = split(list(world.risk.arm(2, world.now)))  # it was not armed: now they go
    assert [(each.goal, each.epoch) for each in out[0]] == [(0, 2)]


def test_a_state_that_cannot_be_read_latches(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.risk.close()
    (world.folder.snapshots / "risk.json").write_bytes(b"{")
    world.again()
    assert [latch.name for latch in latches(world.folder)] == ["risk_state"]
    assert world.risk.statistics().gauges["latch"] == "risk_state"


def test_after_a_reset_losses_are_measured_anew(tmp_path: Path) -> None:
    world = invested(tmp_path, limits=DRAWDOWN)
    world.quote(0, 90.0)
    code = ask_reset(world.folder, "max_drawdown", NOW)
    reset(world.folder, "max_drawdown", code, "me", NOW)
    assert world.risk.tick(world.now) == []
    assert world.ask(1, 10)[1] is None
    assert world.quote(0, 81.1) == []
    assert split(world.quote(0, 81.0))[0]


def test_under_a_kill_nothing_leaves(tmp_path: Path) -> None:
    world = invested(tmp_path, limits=DRAWDOWN)
    set_latch(world.folder, Latch(name="kill", reason="", by="me", at=1))
    approved, refused = world.ask(0, 0)
    assert approved is None
    assert refused is not None
    assert (refused.reason, refused.allowed) == ("kill", 1_000)
    assert world.quote(0, 90.0) == []
    assert {latch.name for latch in latches(world.folder)} == {"kill", "max_drawdown"}


def test_an_account_that_its_fills_do_not_explain_latches(tmp_path: Path) -> None:
    world = invested(tmp_path)
    world.account(-3 * CASH // 100, (1_000, 0, 0))
    assert latches(world.folder) == ()  # a fill came a moment ago
    world.now += 10 * SECOND
    world.quote(0, 100.0)
    world.account(0, (1_000, 0, 0))
    (latch,) = latches(world.folder)
    assert latch.name == "account"
    assert world.ask(1, 10)[1].reason == "account"  # type: ignore[union-attr]
    assert world.ask(0, 0)[1] is None


def test_equity_that_quotes_do_not_explain_latches(tmp_path: Path) -> None:
    world = invested(tmp_path)
    world.now += 10 * SECOND
    world.account(0, (1_000, 0, 0), equity=CASH * 106 // 100)
    assert [latch.name for latch in latches(world.folder)] == ["account"]


def test_ruin_latches_without_any_limit(tmp_path: Path) -> None:
    world = invested(tmp_path)
    world.order(0, 0, state="filled")
    for price in (92.0, 85.0):
        world.quote(0, price)
    assert latches(world.folder) == ()
    world.fill(0, 4_000, 5_000, price=100.0)
    for price in range(84, 70, -2):
        world.quote(0, float(price))
    assert [latch.name for latch in latches(world.folder)] == ["ruined"]


CHILD = """
import sys
from pathlib import Path
from tests.fakes.live_risk import World
world = World(Path(sys.argv[1]), account={"leverage": 2.0}, limits={"max_drawdown": 0.10})
world.ask(0, 1_000)
world.fill(0, 1_000, 1_000)
world.quote(0, 105.0)
world.risk.tick(world.now)
world.quote(0, 98.0)
world.quote(0, 94.0)
print("done", flush=True)
sys.stdin.readline()
"""


def test_a_breaker_outlasts_kill_9(tmp_path: Path) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(tmp_path / "d")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path.cwd(),
    )  # fmt: skip
    assert child.stdout is not None
    assert child.stdin is not None
    try:
        assert child.stdout.readline().strip() == "done"
        child.send_signal(signal.SIGKILL)
    finally:
        child.wait(10)
        child.stdin.close()
        child.stdout.close()
    world = World(tmp_path / "d", limits=DRAWDOWN, ready=False)
    world.intents = 10
    world.make_ready()
    assert world.ask(1, 1)[1].reason == "max_drawdown"  # type: ignore[union-attr]
    kept = world.folder.snapshots / "risk.json"
    if kept.exists():
        assert json.loads(kept.read_bytes())["peak"] >= CASH
