"""Whatever a run is told, in whatever order: it books it or refuses it by name."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fakes.decisions import GuardTheAccount, MindTheAccount, WanderWithPrices
from tests.unit.engine.test_stepper_state import Quick, coins

from fanfold.engine.backtest import terms_of
from fanfold.engine.options import FillOptions
from fanfold.engine.stepper import Moment, Stepper
from fanfold.errors import FanfoldError
from fanfold.risk.limits import Limits
from fanfold.strategies import SmaCross

UNIT = 10**9
KINDS = [
    SmaCross(fast=2, slow=5), Quick(), WanderWithPrices(seed=1), GuardTheAccount(seed=2),
    MindTheAccount(seed=3),
]  # fmt: skip
TERMS = [
    terms_of(venue="ideal"),
    terms_of(venue="ideal", options=FillOptions(rearm="next_bar"), cash=50.0),
    terms_of(venue="ideal", limits=Limits(max_drawdown=0.1, outlier=0.1)),
]
LOTS = st.sampled_from([1, -1, UNIT, -UNIT, UNIT // 2, 0, 1_000 * UNIT])
PRICES = st.sampled_from([1.0, 9.0, 10.0, 11.0])
ROLES = st.sampled_from(["entry", "exit", "stop", "target", "flatten"])
ASSETS = st.integers(0, 1)
EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("warm"), ASSETS, PRICES),
        st.tuples(st.just("begin")),
        st.tuples(st.just("step"), ASSETS, PRICES),
        st.tuples(st.just("quote"), ASSETS, PRICES),
        st.tuples(st.just("fill"), ASSETS, ROLES, LOTS, PRICES),
        st.tuples(st.just("ended"), ASSETS, ROLES),
        st.tuples(st.just("refused"), ASSETS, LOTS),
        st.tuples(st.just("settle"), LOTS, st.sampled_from([10**11, 0, -5])),
        st.tuples(st.just("split"), ASSETS, st.sampled_from([2.0, 0.5])),
        st.tuples(st.just("look")),
    ),
    min_size=4,
    max_size=24,
)


def moment(k: int) -> Moment:
    return Moment(
        ts=k * 10**9,
        session_day=20_000 + k // 7,
        minutes_to_close=5.0,
        is_month_end=False,
        closes_session=k % 7 == 6,
        nights=int(k % 7 == 0),
    )


def tell(run: Stepper, k: int, event: tuple[Any, ...]) -> None:
    match event:
        case "warm", asset, price:
            run.warm(moment(k), [(asset, price, price, price, price, 1.0)])
        case ("begin",):
            run.begin(adopt=True)
        case "step", asset, price:
            run.step(moment(k), [(asset, price, price, price, price, 1.0)])
        case "quote", asset, price:
            run.quote(moment(k), asset, price, price)
        case "fill", asset, role, lots, price:
            run.fill(asset, role, lots, round(price * 1e6), 5, k * 10**9)
        case "ended", asset, role:
            run.ended(asset, role, 0, "over")
        case "refused", asset, lots:
            run.refused(asset, lots, "no")
        case "settle", lots, cash:
            run.settle([lots, 0], cash)
        case "split", asset, ratio:
            run.split(asset, ratio)
        case _:
            assert run.view() is not None
            assert run.goals() is not None
            run.changed()


@given(kind=st.sampled_from(KINDS), terms=st.sampled_from(TERMS), events=EVENTS)
@settings(max_examples=60)
def test_only_named_errors_come_of_it(kind: Any, terms: Any, events: list[Any]) -> None:
    run = Stepper(kind, coins(2), terms)
    for k, event in enumerate(events, 1):
        with suppress(FanfoldError):
            tell(run, k, event)


@pytest.mark.parametrize("kind", KINDS)
def test_a_fill_that_no_goal_asked_for_is_booked_as_the_accounts_truth(kind: Any) -> None:
    run = Stepper(kind, coins(2), terms_of(venue="ideal"))
    run.fill(1, "entry", 3 * UNIT, 10_000_000, 2_000_000, 1)
    seen = run.view()
    assert seen["cash"] == 100_000.0 - 32.0
    assert seen["assets"][1]["held"] == 3 * UNIT
    run.fill(1, "exit", -3 * UNIT, 11_000_000, 0, 2)
    run.begin(adopt=True)
    run.step(moment(1), [(1, 11.0, 11.0, 11.0, 11.0, 1.0)])
    seen = run.view()
    assert seen["equity"] == 100_000.0 + 1.0
    assert seen["assets"][1]["realised_pnl"] == 1.0


def test_a_holding_without_a_price_arms_nothing() -> None:
    run = Stepper(Quick(), coins(2), terms_of(venue="ideal"))
    run.begin(adopt=True)
    run.step(moment(1), [(1, 9.0, 9.0, 9.0, 9.0, 1.0)])
    run.refused(0, UNIT, "no")
    run.settle([UNIT, 0], 10**11)
    (first, _) = run.view()["assets"]
    assert (first["held"], first["stop_loss"], first["take_profit"]) == (UNIT, None, None)
