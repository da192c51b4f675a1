"""What comes of sequences: limits are never passed, exits always go, equal in gives equal out."""

import math
import tempfile
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fakes.live_risk import NAN, SECOND, World

from fanfold.live.messages import (
    AccountState,
    ApprovedOrder,
    Arming,
    Depth,
    Envelope,
    Fill,
    Gate,
    Late,
    OrderChange,
    Quote,
    Row,
    Trade,
)
from fanfold.live.plan import write_plan
from fanfold.live.risk import Risk

SECTORS = {"A0": "one", "A1": "one", "A2": "two"}
LIMITS = {
    "max_position": 0.4, "max_gross": 0.9, "max_net": 0.6, "max_sector": 0.5,
    "sectors": SECTORS, "max_order_notional": 30_000.0,
}  # fmt: skip
QUIET_RATE = {"orders_per_second": 1_000, "duplicate_s": 0}
ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["ask", "ask", "ask", "fill", "end", "quote", "account"]),
        st.integers(0, 2),
        st.integers(-900, 900),
    ),
    max_size=40,
)


def exposures(world: World) -> tuple[list[int], list[int]]:
    """Signed lots that each asset holds, and that it may come to hold."""
    books = world.risk._mirror.books.values()
    return [book.held for book in books], [book.held + book.remainder() for book in books]


@settings(max_examples=60)
@given(actions=ACTIONS)
def test_no_sequence_passes_a_limit(actions: list[tuple[str, int, int]]) -> None:
    """Prices stand still, so that what was allowed stays allowed."""
    with tempfile.TemporaryDirectory() as path:
        world = World(Path(path), limits=LIMITS, risk=QUIET_RATE)
        goals = [0, 0, 0]
        cash, equity = 100_000.0, 100_000.0
        for what, asset, lots in actions:
            held, _ = exposures(world)
            if what == "ask":
                approved, refused = world.ask(asset, lots)
                if approved is not None:
                    goals[asset] = approved.goal
                    wanted, allowed = lots - held[asset], approved.goal - held[asset]
                    assert abs(allowed) <= abs(wanted)
                    assert allowed * wanted >= 0
                    assert (refused is None) == (approved.goal == lots)
                else:
                    assert refused is not None
                if abs(lots) <= abs(held[asset]) and lots * held[asset] >= 0:
                    assert refused is None  # an exit
            elif what == "fill" and goals[asset] != held[asset]:
                left = goals[asset] - held[asset]
                part = max(1, abs(lots) % (abs(left) + 1)) * (1 if left > 0 else -1)
                cash -= part * 100.0
                world.fill(asset, part, held[asset] + part)
            elif what == "end":
                world.order(asset, 0, state="canceled")
                goals[asset] = held[asset]
            elif what == "quote":
                world.quote(asset, 100.0)
            elif what == "account":
                world.account(round(cash * 1e6), tuple(held))
            held, after = exposures(world)
            values = [max(abs(a), abs(b)) * 100.0 for a, b in zip(held, after, strict=True)]
            assert max(values) <= 0.4 * equity + 1e-6
            assert sum(values) <= 0.9 * equity + 1e-6
            assert values[0] + values[1] <= 0.5 * equity + 1e-6
            assert values[2] <= 0.5 * equity + 1e-6
            assert abs(sum(after)) * 100.0 <= 0.6 * equity + 1e-6
        sums, books = world.risk._mirror.sums, world.risk._mirror.books.values()
        assert sums.gross == sum(abs(book.value) for book in books)
        assert sums.equity == sums.cash + sum(book.held * book.mark for book in books)
        assert world.risk._mirror.spent == sum(book.spent for book in books)
        assert world.risk._mirror.live_equity == pytest.approx(sums.equity)


WILD = st.one_of(
    st.floats(), st.sampled_from([NAN, math.inf, -math.inf, 0.0, -1.0, 1e300, 100.0, 1e-300])
)


@settings(max_examples=150)
@given(
    asset=st.integers(-2, 5), goal=st.integers(-(2**63), 2**63 - 1), number=st.integers(-5, 2**62),
    prices=st.tuples(WILD, WILD, WILD, WILD, WILD), ts=st.integers(-(2**63), 2**63 - 1),
    forced=st.booleans(), held=st.integers(-500, 500),
)  # fmt: skip
def test_no_intent_raises(  # noqa: PLR0917 - what an intent is made of
    asset: int,
    goal: int,
    number: int,
    prices: tuple[float, ...],
    ts: int,
    forced: bool,  # noqa: FBT001
    held: int,
) -> None:
    world = SHARED.world()
    world.fill(0, held - exposures(world)[0][0], held)
    names = ("limit", "stop", "stop_loss", "take_profit", "mark")
    rest: dict[str, Any] = dict(zip(names, prices, strict=True))
    approved, refused = world.ask(asset, goal, number=number, event_ts=ts, forced=forced, **rest)
    for each in (approved, refused):
        if each is not None:
            msgspec.msgpack.encode(each)
    assert approved is not None or refused is not None or exposures(world)[0][0] == goal


@settings(max_examples=100)
@given(bid=WILD, ask=WILD, close=WILD, lots=st.integers(-(10**9), 10**9))
def test_no_market_raises(bid: float, ask: float, close: float, lots: int) -> None:
    world = SHARED.world()
    world.market(
        Quote(0, world.ts, bid, ask, bid, ask), Quote(7, world.ts, bid, ask, bid, ask),
        Trade(0, world.ts, bid, ask), Depth(1, world.ts, ((bid, ask),), ((ask, bid),)),
        Depth(1, world.ts, (), ()), Late(world.ts, Row(0, bid, bid, bid, bid, bid)),
    )  # fmt: skip
    world.bars(close, bid, ask)
    world.market(Quote(-1, 2**62, bid, ask, bid, ask))
    world.prices = [100.0] * 3
    world.execution(Fill("e", "c", 9, "entry", 0, lots, 1, 0, lots))
    world.execution(OrderChange("c", 1, -1, "entry", "new", lots, bid, ask, 0, ""))
    world.execution(
        AccountState(0, (1,), (1,), 0, 0, 0), Arming(armed=True, epoch=1, at=1, reason="")
    )
    assert math.isfinite(world.risk._mirror.live_equity)


class _Shared:
    """A world that stays, and is made anew when it has latched: making one writes files."""

    def __init__(self) -> None:
        self._path = Path(tempfile.mkdtemp())
        self._count = 0
        self._world: World | None = None

    def world(self) -> World:
        world = self._world
        if world is None or world.risk._post.latch or world.risk._mirror.newest > 2**61:
            self._count += 1
            world = self._world = World(self._path / str(self._count), risk=QUIET_RATE)
        return world


SHARED = _Shared()


@settings(max_examples=15)
@given(actions=ACTIONS)
def test_equal_inputs_give_equal_outputs(actions: list[tuple[str, int, int]]) -> None:
    with tempfile.TemporaryDirectory() as path:
        outs: list[list[object]] = []
        for place in range(2):
            world = World(Path(path) / str(place), limits=LIMITS)
            out: list[object] = []
            for what, asset, lots in actions:
                if what == "quote":
                    out.append(world.quote(asset, 100.0 + lots / 90.0))
                elif what == "fill":
                    out.append(world.fill(asset, lots, lots))
                else:
                    out.append(world.ask(asset, lots))
            outs.append(out)
        assert repr(outs[0]) == repr(outs[1])


def test_an_exit_passes_whatever_refuses_openings(tmp_path: Path) -> None:
    world = World(tmp_path, limits=LIMITS | {"max_orders": 1}, shortable=False)
    world.fill(0, 100, 100)
    world.order(0, -100, role="target", limit=99.0)
    world.execution(Gate(world.ts, open=False, reason="reconciling"))
    world.ts += 1_000 * SECOND
    world.now += 1_000 * SECOND
    world.quote(1, 300.0)
    for number, goal in enumerate((60, 60, 30, 0)):
        approved, refused = world.ask(0, goal, mark=NAN if number else 1.0, forced=number > 1)
        assert refused is None
        assert approved is not None
        assert (approved.goal, approved.reduce_only) == (goal, True)


def test_a_reversal_that_may_not_open_still_closes(tmp_path: Path) -> None:
    world = World(tmp_path, shortable=False)
    world.fill(0, 100, 100)
    approved, refused = world.ask(0, -50)
    assert approved is not None
    assert refused is not None
    assert (approved.goal, approved.reduce_only, approved.most) == (0, True, 100)
    assert (refused.reason, refused.allowed) == ("not_shortable", 0)


def test_a_reversal_is_approved_as_two_orders(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.fill(0, 100, 100)
    approved, refused = world.ask(0, -50)
    assert refused is None
    assert approved is not None
    assert (approved.goal, approved.reduce_only, approved.most) == (-50, False, 100)


def test_a_refused_goal_takes_back_what_still_works(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.ask(0, 100)
    world.order(0, 100)
    approved, refused = world.ask(0, 200, mark=80.0)
    assert refused is not None
    assert approved is not None
    assert (refused.reason, refused.allowed) == ("price_collar", 0)
    assert (approved.goal, approved.reduce_only) == (0, True)


def test_a_lost_envelope_of_execution_waits_for_the_account(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.numbers["execution"] += 3
    world.execution(Gate(world.ts, open=True, reason=""))
    assert world.ask(0, 10)[1].reason == "no_account"  # type: ignore[union-attr]
    counts = world.risk.statistics().counts
    assert (counts["gaps"], counts["lost"]) == (1, 3)
    world.account()
    assert world.ask(0, 10)[1] is None
    world.numbers["signal"] += 5
    assert world.ask(1, 10)[1] is None


def test_what_was_approved_counts_after_a_restart(tmp_path: Path) -> None:
    world = World(tmp_path, limits={"max_gross": 0.5})
    world.ask(0, 400)
    world.risk.close()
    world.again()
    world.numbers.clear()
    world.make_ready()
    assert world.ask(0, 1, number=1)[1].reason == "bad_number"  # type: ignore[union-attr]
    approved, refused = world.ask(1, 200)
    assert approved is not None
    assert refused is not None
    assert (approved.goal, refused.reason) == (100, "max_gross")


def test_a_rotation_is_paid_by_what_it_sells(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.fill(0, 900, 900)
    world.account(10_000_000_000, (900, 0, 0), power=10_000_000_000)
    buy, sell = world.intent(1, 950), world.intent(0, 0)
    assert [(to, value.asset) for to, value in world.send("signal", buy, sell)] == [  # type: ignore[union-attr]
        ("execution", 0),
        ("execution", 1),
    ]
    assert world.ask(2, 10, number=2)[1].reason == "bad_number"  # type: ignore[union-attr]
    world.ts += 1
    world.intents = 9
    assert world.ask(2, 10)[1].reason == "buying_power"  # type: ignore[union-attr]


@pytest.mark.parametrize(("state", "most"), [("accepted", 900), ("sending", 100), ("unknown", 100)])
def test_a_sale_that_may_never_have_arrived_makes_no_room(
    tmp_path: Path, state: str, most: int
) -> None:
    world = World(tmp_path)
    world.fill(0, 900, 900)
    world.account(10_000_000_000, (900, 0, 0))
    world.ask(0, 0)
    world.order(0, -900, role="exit", state=state)
    world.ts += 1
    sell, buy = world.intent(0, 0), world.intent(1, 900)
    approved = [value for _, value in world.send("signal", sell, buy)]
    goals = {value.asset: value.goal for value in approved if isinstance(value, ApprovedOrder)}
    assert goals == {0: 0, 1: most}


def test_opened_reads_the_plan_of_its_folder(tmp_path: Path) -> None:
    world = World(tmp_path)
    write_plan(world.folder, world.plan)
    risk = Risk.opened(world.folder, 3, world.now)
    said = risk.statistics()
    assert (said.component, said.incarnation, said.state) == ("risk", 3, "halted")
    assert risk.pollables() == ()
    assert risk.take(Envelope("nobody", 1, 1, 1, ()), b"", world.now) == []
    risk.close()
    risk.close()
    assert risk.statistics().state == "stopped"
