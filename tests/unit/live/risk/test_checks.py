"""Every reason at its boundary: just inside passes, just outside is refused with numbers."""

import math
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.fakes.live_risk import CASH, DAY, HOUR, NAN, NOON, OPEN, SECOND, World

from fanfold.live.halts import Latch, set_latch
from fanfold.live.messages import Envelope, Feed, Gate, Prior, Quote, Trading
from fanfold.live.risk.ask import Ask
from fanfold.live.risk.checks import OPENING, WHOLE

SECTORS = {"A0": "one", "A1": "one", "A2": "two"}


def test_all_is_well_at_first(tmp_path: Path) -> None:
    approved, refused = World(tmp_path).ask(0, 100)
    assert refused is None
    assert approved is not None
    assert (approved.goal, approved.most, approved.reduce_only) == (100, 100, False)
    assert (approved.reference, approved.epoch, approved.number) == (100.0, 1, 1)


TRIMS = [
    # limits, goal that passes, goal that does not, allowed, reason, bound, reached
    ({"max_position": 0.2}, 200, 201, 200, "max_position", 0.2, 0.201),
    ({"max_position": 0.2}, -200, -201, -200, "max_position", 0.2, 0.201),
    ({"max_gross": 0.3}, 300, 301, 300, "max_gross", 0.3, 0.301),
    ({"max_net": 0.3}, 300, 350, 300, "max_net", 0.3, 0.35),
    ({"max_net": 0.3}, -300, -350, -300, "max_net", 0.3, 0.35),
    ({"max_sector": 0.3, "sectors": SECTORS}, 300, 301, 300, "max_sector", 0.3, 0.301),
    ({"max_order_notional": 5_000.0}, 50, 51, 50, "max_order_notional", 5_000.0, 5_100.0),
    ({"max_volume_share": 0.0001}, 100, 101, 100, "max_volume_share", 0.0001, 0.000101),
    ({}, 1_000, 1_001, 1_000, "buying_power", 1.0, 1.001),
]  # fmt: skip


@pytest.mark.parametrize(
    ("limits", "inside", "outside", "allowed", "reason", "bound", "reached"), TRIMS
)
def test_a_limit_trims_what_is_beyond_it(  # noqa: PLR0917 - a row of the table
    tmp_path: Path, limits: dict[str, object], inside: int, outside: int, allowed: int,
    reason: str, bound: float, reached: float,
) -> None:  # fmt: skip
    approved, refused = World(tmp_path / "in", limits=limits).ask(0, inside)
    assert refused is None
    assert approved is not None
    assert approved.goal == inside
    approved, refused = World(tmp_path / "out", limits=limits).ask(0, outside)
    assert refused is not None
    assert approved is not None
    assert approved.goal == refused.allowed == allowed
    assert approved.most == abs(allowed)
    assert (refused.reason, refused.bound) == (reason, bound)
    assert refused.reached == pytest.approx(reached, rel=1e-9)


def test_a_days_volume_trims(tmp_path: Path) -> None:
    world = World(tmp_path, risk={"daily_volume_share": 0.01})
    world.market(Prior(0, 10_000.0, 100.0, 1))
    approved, refused = world.ask(0, 101)
    assert approved is not None
    assert refused is not None
    assert (approved.goal, refused.reason, refused.bound) == (100, "daily_volume", 0.01)
    assert refused.reached == pytest.approx(0.0101)
    world.market(Prior(1, NAN, 100.0, 1))
    assert world.ask(1, 1)[1].reason == "daily_volume"  # type: ignore[union-attr]


def test_the_brokers_buying_power_trims(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.account(power=CASH // 10)  # 100 of them at 2.5 % above the price
    approved, refused = world.ask(0, 100)
    assert approved is not None
    assert refused is not None
    assert (refused.reason, approved.goal) == ("broker_power", 97)
    assert refused.bound == 10_000.0
    assert refused.reached == pytest.approx(10_250.0)
    assert world.ask(1, 10)[1].reason == "broker_power"  # type: ignore[union-attr]


def test_the_sessions_orders_are_counted(tmp_path: Path) -> None:
    world = World(tmp_path, limits={"max_orders": 2})
    assert world.ask(0, 1)[1] is None
    assert world.ask(1, 1)[1] is None
    _, refused = world.ask(2, 1)
    assert refused is not None
    assert (refused.reason, refused.bound, refused.reached) == ("max_orders", 2, 3)


def old_quote(world: World, age: float) -> None:
    """Everything hears more, but the first asset's last quote and bar."""
    world.ts += round(age * SECOND)
    world.quote(1, 100.0)


def wide(world: World, spread: float) -> None:
    """A quote of such a spread around 100."""
    world.ts += 1_000
    world.market(Quote(0, world.ts, 100.0 - spread / 2, 100.0 + spread / 2, 1.0, 1.0))


def one_sided(world: World) -> None:
    """A quote without an ask."""
    world.market(Quote(0, world.ts, 100.0, 0.0, 1.0, 0.0))


def halt(world: World, asset: int) -> None:
    """Trading in an asset is halted."""
    world.market(Trading(asset, world.ts, halted=True, reason="news"))


def feed(world: World, *stale: int, up: bool = True) -> None:
    """What market data says of itself."""
    world.market(Feed(world.ts, up=up, stale=stale, reason=""))


def silence(world: World, seconds: float) -> None:
    """Our own time passes and nothing comes."""
    world.now += round(seconds * SECOND)


def gate(world: World, *, is_open: bool) -> None:
    """What execution says of its gate."""
    world.execution(Gate(world.ts, open=is_open, reason="lease"))


def latch(world: World, name: str) -> None:
    """Somebody else sets a latch."""
    set_latch(world.folder, Latch(name=name, reason="", by="test", at=1))


def lose(world: World, incarnation: int, number: int) -> None:
    """Execution's envelopes do not follow each other."""
    world.risk.take(Envelope("execution", incarnation, number, 1, ()), b"", world.now)


def rest(world: World, count: int) -> None:
    """So many orders are open."""
    for place in range(count):
        world.order(1, 1, name=f"o{place}", number=1)


def nothing(_world: World) -> None:
    """All stays well."""


REFUSALS: list[tuple[str, Callable[[World], object], Callable[[World], object]]] = [
    # reason, what is just inside, what is just outside
    ("asset_halted", lambda w: halt(w, 1), lambda w: halt(w, 0)),
    ("spread", lambda w: wide(w, 1.99), lambda w: wide(w, 2.02)),
    ("spread", nothing, one_sided),
    ("unconfirmed", lambda w: w.quote(0, 104.9), lambda w: w.quote(0, 111.0)),
    ("stale_price", lambda w: old_quote(w, 29.9), lambda w: old_quote(w, 91.0)),
    ("feed_down", feed, lambda w: feed(w, up=False)),
    ("feed_down", lambda w: silence(w, 30.0), lambda w: silence(w, 30.001)),
    ("asset_stale", lambda w: feed(w, 1), lambda w: feed(w, 0)),
    ("gate_closed", lambda w: gate(w, is_open=True), lambda w: gate(w, is_open=False)),
    ("parity", nothing, lambda w: latch(w, "parity")),
    ("kill", nothing, lambda w: latch(w, "kill")),
    ("not_armed", lambda w: w.risk.arm(2, w.now), lambda w: w.risk.disarm("", w.now)),
    ("no_account", nothing, lambda w: lose(w, 1, 99)),
    ("no_account", World.account, lambda w: lose(w, 2, 1)),
    ("account", lambda w: w.account(CASH - CASH // 51), lambda w: w.account(CASH - CASH // 49)),
    (
        "session_closed",
        lambda w: w.bars(ts=OPEN + 7 * HOUR),
        lambda w: w.bars(ts=OPEN + 1000 * DAY),
    ),
    ("open_orders", lambda w: rest(w, 199), lambda w: rest(w, 200)),
]


@pytest.mark.parametrize(("reason", "inside", "outside"), REFUSALS)
def test_a_state_refuses_openings_by_name(
    tmp_path: Path,
    reason: str,
    inside: Callable[[World], object],
    outside: Callable[[World], object],
) -> None:
    world = World(tmp_path / "in")
    inside(world)
    approved, refused = world.ask(0, 10)
    assert refused is None
    assert approved is not None
    world = World(tmp_path / "out")
    outside(world)
    approved, refused = world.ask(0, 10)
    assert refused is not None
    assert approved is None
    assert (refused.reason, refused.allowed) == (reason, 0)


INTENTS = [
    ("price_collar", {"mark": 95.01}, {"mark": 94.99}),
    ("price_collar", {"limit": 104.99}, {"limit": 105.01}),
    ("price_collar", {"limit": 95.01}, {"limit": 94.99}),
    ("price_collar", {"stop": 104.99}, {"stop": 105.02}),
    ("off_tick", {"limit": 100.01}, {"limit": 100.011}),
    ("off_tick", {"stop": 100.02}, {"stop": 100.0201}),
    ("bad_price", {"limit": 100.0}, {"limit": math.inf}),
    ("bad_price", {"limit": 100.0}, {"limit": 0.0}),
    ("bad_price", {"stop": 100.0}, {"stop": -1.0}),
    ("bad_price", {"stop_loss": 1e-9}, {"stop_loss": 0.0}),
    ("bad_price", {"take_profit": 1e9}, {"take_profit": 1.1e9}),
    ("bad_mark", {"mark": 100.0}, {"mark": NAN}),
    ("bad_mark", {"mark": 100.0}, {"mark": math.inf}),
    ("bad_mark", {"mark": 100.0}, {"mark": 0.0}),
    ("bad_goal", {"event_ts": OPEN + 2 * HOUR}, {"event_ts": 0}),
    ("bad_goal", {"event_ts": OPEN + 2 * HOUR}, {"event_ts": -5}),
    ("bad_goal", {"goal": 10}, {"goal": 4 * 10**18 + 1}),
    ("bad_goal", {"goal": 10}, {"goal": -(2**63)}),
    ("too_large", {"goal": 10}, {"goal": 4 * 10**18}),
    ("bad_number", {"number": 1}, {"number": 0}),
    ("bad_number", {"number": 2**62}, {"number": -3}),
    ("old_event", {"event_ts": NOON - 80 * SECOND}, {"event_ts": NOON - 100 * SECOND}),
]  # fmt: skip


@pytest.mark.parametrize(("reason", "inside", "outside"), INTENTS)
def test_an_intent_is_refused_by_name(
    tmp_path: Path, reason: str, inside: dict[str, float], outside: dict[str, float]
) -> None:
    approved, refused = World(tmp_path / "in").ask(0, **({"goal": 10} | inside))
    assert refused is None
    assert approved is not None
    approved, refused = World(tmp_path / "out").ask(0, **({"goal": 10} | outside))
    assert refused is not None
    assert approved is None
    assert (refused.reason, refused.allowed) == (reason, 0)


def test_an_unknown_asset_is_refused(tmp_path: Path) -> None:
    world = World(tmp_path)
    for asset in (3, -1, 10**9):
        assert world.ask(asset, 1)[1].reason == "unknown_asset"  # type: ignore[union-attr]


def test_what_the_venue_does_not_lend_is_refused(tmp_path: Path) -> None:
    assert World(tmp_path / "a", shortable=False).ask(0, -1)[1].reason == "not_shortable"  # type: ignore[union-attr]
    poor = World(tmp_path / "b", cash=1_999_999_999)
    _, refused = poor.ask(0, -1)
    assert refused is not None
    assert (refused.reason, refused.bound, refused.reached) == (
        "not_shortable",
        2_000.0,
        1999.999999,
    )
    assert World(tmp_path / "c", cash=2_000_000_000).ask(0, -1)[1] is None


def test_an_order_that_the_venue_does_not_take_is_refused(tmp_path: Path) -> None:
    coin = {"asset_class": "crypto", "parts": 10**9, "tick_coarse": 0, "tick_fine": 0}
    world = World(tmp_path, **coin)
    assert world.ask(0, 10**9, stop=101.0)[1].reason == "order_type"  # type: ignore[union-attr]
    assert world.ask(0, 10**9, stop=101.0, limit=102.0)[1] is None


def test_an_order_below_the_venues_least_is_refused(tmp_path: Path) -> None:
    world = World(tmp_path, price=0.5)
    _, refused = world.ask(0, 1)
    assert refused is not None
    assert (refused.reason, refused.bound, refused.reached) == ("min_notional", 1.0, 0.5)
    assert world.ask(0, 2)[1] is None


def test_the_rate_of_orders_is_bounded(tmp_path: Path) -> None:
    world = World(tmp_path, risk={"orders_per_second": 3, "duplicate_s": 0})
    for goal in (1, 2, 3):
        assert world.ask(0, goal)[1] is None
    _, refused = world.ask(0, 4)
    assert refused is not None
    assert (refused.reason, refused.bound, refused.reached) == ("order_rate", 3, 4)
    world.now += SECOND
    assert world.ask(0, 5)[1] is None


def test_an_equal_order_too_soon_is_a_duplicate_and_its_goal_stands(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.ask(0, 10)
    approved, refused = world.ask(0, 10)
    assert approved is None
    assert refused is not None
    assert (refused.reason, refused.allowed) == ("duplicate", 10)
    assert world.ask(0, 10, limit=100.0)[1] is None
    world.ts += SECOND
    assert world.ask(0, 10, limit=100.0)[1] is None


def test_an_order_does_not_meet_our_own_exit(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.fill(0, 10, 10)
    world.order(0, -10, role="target", limit=100.0)
    _, refused = world.ask(0, 20)
    assert refused is not None
    assert (refused.reason, refused.bound, refused.reached) == ("self_trade", 100.0, 100.0)
    world.order(0, -10, role="target", limit=101.0)
    assert world.ask(0, 20)[1] is None
    world.order(0, -10, role="stop", stop=99.0, name="o2")
    assert world.ask(0, 21, limit=99.0)[1].reason == "self_trade"  # type: ignore[union-attr]
    assert world.ask(0, 21, limit=99.01)[1] is None


def test_without_a_price_nothing_is_opened(tmp_path: Path) -> None:
    world = World(tmp_path, ready=False)
    world.execution(Gate(world.ts, open=True, reason=""))
    world.account()
    world.risk.arm(1, world.now)
    world.market(Prior(0, 1e9, 100.0, 1), Feed(world.ts, up=True, stale=(), reason=""))
    world.quote(1, 100.0)
    assert world.ask(0, 1)[1].reason in {"stale_price", "no_price"}  # type: ignore[union-attr]
    assert world.ask(2, 1)[1].reason == "bad_mark"  # type: ignore[union-attr]


def test_with_no_equity_nothing_is_opened(tmp_path: Path) -> None:
    world = World(tmp_path, cash=0)
    found = dict(OPENING)["no_equity"]
    risk = world.risk
    desk, mirror, post = risk._desk, risk._mirror, risk._post
    ask = Ask(world.intent(0, 1), mirror.books[0], mirror, post, desk._rooms)
    assert found(ask) == (0, 0.0, 0.0)
    assert world.ask(0, 1)[0] is None


def test_every_reason_has_a_test() -> None:
    text = Path(__file__).read_text()
    checks = [(name, check) for name, check in (*WHOLE, *OPENING) if name != "halted"]
    assert [name for name, _ in checks if f'"{name}"' not in text] == []
    assert len({check for _, check in checks}) == len(checks)
