"""Live checks and the engine's approval of the same state: the same lots, the same reason."""

import math
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fakes.live_risk import NAN, NOON, NOW, plan_of

from fanfold.domain.orders import REASONS
from fanfold.engine.facts import _jumps
from fanfold.engine.rules import _costs, _limits, _venue
from fanfold.engine.spec import Terms
from fanfold.engine.step.approve import SCRATCH_ROWS, approve
from fanfold.engine.step.state import (
    AVERAGE_VOLUME,
    CLOCK_ROWS,
    DAILY_VOLUME,
    FACT_ROWS,
    JUMP,
    REAL,
    Account,
    Desk,
    OrderRow,
    Rules,
)
from fanfold.execution.costs import Costs
from fanfold.live.messages import AccountState, Intent, Quote, Row, Step
from fanfold.live.risk.ask import Ask, Post, Rooms
from fanfold.live.risk.book import split_order
from fanfold.live.risk.checks import judge, openings_for
from fanfold.live.risk.mirror import Mirror
from fanfold.live.risk.rules import rules_from
from fanfold.risk.limits import Limits

COUNT = 3
SECTORS = {"A0": "one", "A1": "one", "A2": "two"}
SHARES = st.floats(0.05, 1.5)
EACH: dict[str, Any] = {
    "max_position": SHARES,
    "max_gross": SHARES,
    "max_net": SHARES,
    "max_sector": SHARES,
    "max_order_notional": st.floats(100.0, 100_000.0),
    "max_volume_share": st.floats(1e-4, 0.1),
    "max_orders": st.integers(1, 4),
    "max_daily_volume_share": st.floats(1e-4, 0.1),
    "max_price_distance": st.floats(0.01, 0.2),
    "outlier": st.floats(0.05, 0.2),
}
ALWAYS: dict[str, Any] = {
    "max_sector": st.just(100.0),
    "max_drawdown": st.just(0.2),
    "max_daily_loss": st.just(0.1),
}
LIMITS = st.one_of(
    st.fixed_dictionaries(ALWAYS),
    *(st.fixed_dictionaries(ALWAYS | {name: value}) for name, value in EACH.items()),
    st.fixed_dictionaries(ALWAYS | EACH),
)
COSTS = st.fixed_dictionaries(
    {
        "commission_bps": st.sampled_from([0.0, 1.0, 25.0]),
        "commission_per_trade": st.sampled_from([0.0, 1.0]),
        "commission_min": st.sampled_from([0.0, 2.5]),
    }
)
STATE = st.fixed_dictionaries(
    {
        "held": st.lists(st.integers(-500, 500), min_size=COUNT, max_size=COUNT),
        "waiting": st.lists(st.integers(-300, 300), min_size=COUNT, max_size=COUNT),
        "marks": st.lists(st.integers(20_000_000, 200_000_000), min_size=COUNT, max_size=COUNT),
        "cash": st.integers(20_000_000_000, 300_000_000_000),
        "goal": st.integers(-2_000, 2_000),
        "parts": st.sampled_from([1, 1_000]),
        "leverage": st.sampled_from([1.0, 2.0]),
        "orders": st.integers(0, 2),
        "volume": st.floats(100.0, 1e6),
        "daily_volume": st.floats(100.0, 1e7),
        "limit": st.sampled_from([NAN, NAN, 0.95, 1.01, 1.15]),
        "stop": st.sampled_from([NAN, NAN, 0.99, 1.1]),
        "closes": st.lists(st.sampled_from([1.0, 1.0, 1.02, 1.1, 1.3]), min_size=1, max_size=5),
        "shortable": st.sampled_from([True, True, True, False]),
        "beside": st.booleans(),
        "halted": st.sampled_from([*[""] * 8, "max_drawdown", "max_daily_loss"]),
    }
)


def waits(asset: int, state: dict[str, Any]) -> int:
    """Units that another asset still orders; beside the first it only closes."""
    held, waiting = state["held"][asset], state["waiting"][asset]
    if asset == 1 and state["beside"]:
        return -held if abs(waiting) > abs(held) else -abs(waiting) * ((held > 0) - (held < 0))
    return waiting


def price_of(state: dict[str, Any], name: str) -> float:
    """The first asset's limit or stop price, on whole cents."""
    return round(state["marks"][0] / 1e6 * state[name], 2)


def by_engine(state: dict[str, Any], terms: Terms) -> tuple[int, str]:
    """Lots that the engine's approval lets open for the first asset, and why not all."""
    facts = np.ones((FACT_ROWS, 2, COUNT))
    facts[AVERAGE_VOLUME] = state["volume"]
    facts[DAILY_VOLUME] = state["daily_volume"]
    facts[REAL] = 1.0
    facts[JUMP] = math.nan
    if terms.limits.outlier is not None:
        mark = state["marks"][0] / 1e6
        closes = np.array([mark * each for each in (*state["closes"], 1.0)])
        facts[JUMP, 1, 0] = _jumps(closes[:, np.newaxis], terms.limits, terms.limits.outlier)[-1, 0]
    rules = Rules.zeros(1)
    for name, number in (_costs(terms) | _limits(terms) | _venue(terms)).items():
        rules[name] = number
    rules["prices"] = 1
    (rule,) = Rules.views(rules)
    (account,) = Account.views(Account.zeros(1))
    desks = Desk.views(Desk.zeros(COUNT))
    held, marks, parts = state["held"], state["marks"], state["parts"]
    account.cash = state["cash"]
    account.order_count = state["orders"]
    equity, gross = state["cash"], 0
    for i, desk in enumerate(desks):
        desk.index, desk.parts, desk.mark = i, parts, marks[i]
        desk.shortable = int(state["shortable"])
        desk.sector = [0, 0, 1][i]
        desk.units = held[i] * parts
        desk.value = held[i] * marks[i]
        desk.order_bar = 1 if i == 0 or (i == 1 and state["beside"]) else 0
        wanted = (state["goal"] - held[0] if i == 0 else waits(i, state)) * parts
        desk.close_order, desk.open_order = split_order(desk.units, wanted)
        desk.limit = price_of(state, "limit") if i == 0 else NAN
        desk.stop = price_of(state, "stop") if i == 0 else NAN
        equity += desk.value
        gross += abs(desk.value)
    account.equity, account.gross = equity, gross
    account.peak = account.session_equity = max(equity, 1)
    account.halted = int(state["halted"] == "max_drawdown")
    account.day_halted = int(state["halted"] == "max_daily_loss")
    clock = np.zeros((CLOCK_ROWS, 2), np.int64)
    approve(
        1, np.zeros((SCRATCH_ROWS, COUNT)), facts, clock, desks, account, rule,
        OrderRow.views(OrderRow.zeros(1)),
    )  # fmt: skip
    return desks[0].open_order, REASONS[desks[0].reason]


def by_risk(
    state: dict[str, Any], limits: dict[str, Any], costs: dict[str, Any]
) -> tuple[int, str]:
    """The same by live risk."""
    plan = plan_of(
        COUNT,
        limits=limits | {"sectors": SECTORS},
        costs=costs,
        account={"leverage": state["leverage"]},
        options={"min_trade_notional": 0.0},
        risk={"daily_volume_share": 1.0, "spread_max": 1.0, "price_collar": 1.0},
        parts=state["parts"],
        shortable=state["shortable"],
    )
    rules = rules_from(plan)
    sessions = plan.sessions["XNYS"]
    closes = tuple(each.close_ts for each in sessions)
    mirror = Mirror(rules, closes, tuple(each.day for each in sessions))
    post = Post(rules.orders_per_second)
    post.armed = post.gate_open = True
    post.latch, post.fed_at, post.now = state["halted"], NOW, NOW
    if "outlier" in limits:
        mark = state["marks"][0] / 1e6
        for each in (*state["closes"], 1.0):
            close = mark * each
            mirror.take_step(Step(NOON, (Row(0, close, close, close, close, 1.0),)))
        mirror.books[0].doubts.clear()  # of quotes, which the engine has none of
        mirror.books[0].volumes.clear()
    mirror.pass_time(NOON)
    mirror.sums.cash = state["cash"]
    parts = state["parts"]
    for i, book in mirror.books.items():
        book.mark = state["marks"][i]
        price = state["marks"][i] / 1e6
        book.middle = 2 * price
        book.quote = Quote(i, NOON, price, price, 1.0, 1.0)
        book.daily_volume = state["daily_volume"] if "max_daily_volume_share" in limits else 1e12
        book.volumes.append(state["volume"])
        book.held = state["held"][i] * parts
        if i:
            book.goal = book.held + waits(i, state) * parts
            book.stands = True
            book.approved_ts = NOON if i == 1 and state["beside"] else NOON - 1
        mirror.settle(book)
    mirror.account = AccountState(NOON, (0,) * COUNT, (0,) * COUNT, 0, 0, 0)
    mirror.power = 10**18
    mirror.order_count = state["orders"] + int(state["beside"] and waits(1, state) != 0)
    goal = state["goal"] * parts
    prices = price_of(state, "limit"), price_of(state, "stop")
    intent = Intent(1, NOON, 0, goal, *prices, NAN, NAN, state["marks"][0] / 1e6, forced=False)
    equity = mirror.sums.equity
    ask = Ask(intent, mirror.books[0], mirror, post, Rooms(equity, rules))
    verdict = judge(ask, openings_for(rules))
    reason = post.latch if verdict.reason == "halted" else verdict.reason
    return verdict.opens, reason


@settings(max_examples=200)
@given(state=STATE, limits=LIMITS, costs=COSTS)
def test_the_same_lots_and_the_same_reason(
    state: dict[str, Any], limits: dict[str, Any], costs: dict[str, Any]
) -> None:
    equity = state["cash"] + sum(map(math.prod, zip(state["held"], state["marks"], strict=True)))
    if equity <= 0:
        return  # a ruined run approves nothing: `no_equity`
    terms = Terms(
        limits=Limits(**limits, sectors=SECTORS), costs=Costs(**costs), leverage=state["leverage"]
    )
    assert by_risk(state, limits, costs) == by_engine(state, terms)
