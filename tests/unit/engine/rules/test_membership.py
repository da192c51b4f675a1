"""Only members of the universe are held, at every point in time."""

from typing import Any, ClassVar

from tests.unit.engine.rules.conftest import Ran, fills, flat, market, orders, terms_for

from fanfold.engine.backtest import run_backtest
from fanfold.strategies import Strategy

CALM = flat(10.0)
LONG, SHORT, FLAT = {"target": 1.0}, {"target": -1.0}, {"target": 0.0}
LEAVES = [True, True, True, False, False, False, True, True]


def test_an_asset_that_leaves_is_closed_and_bought_again_when_it_joins(run: Ran) -> None:
    bars = market([CALM] * 8, members=LEAVES)
    result = run(bars, {0: LONG})
    assert fills(result) == [
        (1, "buy", 100.0, 10.0),
        (4, "sell", 100.0, 10.0),
        (7, "buy", 100.0, 10.0),
    ]


def test_stating_a_target_is_refused_by_name_once(run: Ran) -> None:
    bars = market([CALM] * 8, members=[False] * 8)
    result = run(bars, {1: LONG})
    assert orders(result, "order_id", "status", "reason") == [("A-1-open", "refused", "not_member")]


def test_another_target_is_refused_again(run: Ran) -> None:
    bars = market([CALM] * 8, members=[False] * 8)
    result = run(bars, {1: LONG, 3: SHORT, 5: FLAT})
    assert orders(result, "order_id") == [("A-1-open",), ("A-3-open",)]


def test_a_target_stated_before_joining_is_heard_on_joining(run: Ran) -> None:
    members = [False, False, False, True, True, True, True, True]
    result = run(market([CALM] * 8, members=members), {1: LONG})
    assert fills(result) == [(4, "buy", 100.0, 10.0)]


def test_the_closing_waits_for_no_price(run: Ran) -> None:
    bars = market([CALM] * 8, members=LEAVES)
    result = run(bars, {0: LONG, 2: {"limit": 50.0}})
    assert fills(result)[1] == (4, "sell", 100.0, 10.0)


def test_a_resting_order_of_an_asset_that_leaves_is_cancelled(run: Ran) -> None:
    dip = (10.0, 10.0, 9.0, 10.0)
    bars = market([CALM, CALM, CALM, CALM, dip, CALM, CALM, CALM], members=LEAVES)
    result = run(bars, {0: LONG | {"limit": 9.5}})
    assert len(result.fills) == 0
    assert orders(result, "order_id", "status")[0] == ("A-0-open", "cancelled")


def test_members_are_nothing_to_the_others(run: Ran) -> None:
    members = [[inside, True] for inside in LEAVES]
    bars = market([CALM] * 8, [CALM] * 8, members=members)
    result = run(bars, {0: [LONG, LONG]})
    assert [each[:2] for each in fills(result, "symbol") if each[-1] == "B"] == [(1, "buy")]


def test_a_decision_sees_who_is_a_member() -> None:
    seen: list[int] = []

    def look(assets: Any, portfolio: Any, memory: Any) -> None:
        seen.append(assets[0].member)

    class Looking(Strategy):
        decide: ClassVar[Any] = staticmethod(look)

    run_backtest(Looking(), market([CALM] * 8, members=LEAVES), terms_for({}))
    assert seen == [int(each) for each in LEAVES]
