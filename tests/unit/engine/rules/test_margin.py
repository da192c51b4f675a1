"""Leverage, shorts, margin calls and ruin."""

from typing import Any

import pytest
from tests.unit.engine.rules.conftest import Ran, fills, flat, market, orders

from fanfold.execution.costs import Costs
from fanfold.strategies.sizing import Exposure, FixedUnits

CALM = flat(10.0)
LONG, SHORT, FLAT = {"target": 1.0}, {"target": -1.0}, {"target": 0.0}
LEVERED: dict[str, Any] = {"cash": 1_000, "leverage": 2.0, "sizing": Exposure()}


def test_leverage_is_one_unless_it_is_given(run: Ran) -> None:
    one = run([CALM] * 3, {0: {"target": 2.0}}, cash=1_000, sizing=Exposure())
    assert fills(one) == [(1, "buy", 100.0, 10.0)]
    assert orders(one, "asked", "approved", "reason", "bound", "reached")[0] == (
        200.0, 100.0, "buying_power", 1.0, 2.0,
    )  # fmt: skip
    two = run([CALM] * 3, {0: {"target": 2.0}}, **LEVERED)
    assert fills(two) == [(1, "buy", 200.0, 10.0)]
    assert two.final_cash == -1_000


def test_exposure_is_limited_by_leverage_times_equity_at_the_open(run: Ran) -> None:
    # Sized at 10 for 2,000; at 12.5 the same money buys 160.
    result = run([CALM, flat(12.5), flat(12.5)], {0: {"target": 2.0}}, **LEVERED)
    assert fills(result)[0] == (1, "buy", 160.0, 12.5)


def test_short_proceeds_are_no_cash_to_spend(run: Ran) -> None:
    bars = market([CALM] * 5, [CALM] * 5)
    result = run(bars, {0: [SHORT, FLAT], 1: [SHORT, LONG]}, cash=1_000)
    # 1,000 short of 1,000: the 2,000 of cash buy nothing.
    assert fills(result, "symbol") == [(1, "sell", 100.0, 10.0, "A")]
    assert result.final_cash == 2_000
    assert orders(result, "symbol", "status", "reason")[1] == ("B", "refused", "buying_power")


def test_a_resting_opening_order_reserves_its_room(run: Ran) -> None:
    bars = market([CALM] * 5, [CALM] * 5)
    script = {0: [LONG | {"limit": 5.0}, FLAT], 1: [LONG, LONG]}
    result = run(bars, script, cash=1_500)
    # The order at 5 still asks for 1,000 at the last close, which leaves 50 shares.
    assert fills(result, "symbol") == [(2, "buy", 50.0, 10.0, "B")]


def test_too_little_equity_calls_for_margin_and_cuts_every_position_alike(run: Ran) -> None:
    bars = market(
        [flat(100.0), flat(100.0), flat(70.0), flat(70.0), flat(70.0)],
        [flat(100.0), flat(100.0), flat(50.0), flat(50.0), flat(50.0)],
    )
    result = run(bars, {0: [LONG, LONG]}, leverage=2.0)
    # 2,000 of equity are less than a quarter of 12,000. Twice the equity may be held:
    # 4,000 of 12,000, so two thirds go, 66.67 shares rounded up of each.
    assert fills(result, "symbol")[2:] == [
        (3, "sell", 67.0, 70.0, "A"),
        (3, "sell", 67.0, 50.0, "B"),
    ]
    assert orders(result, "order_id", "role", "reason")[2:] == [
        ("A-2-close", "close", "margin_call"),
        ("B-2-close", "close", "margin_call"),
    ]
    assert result.status == "ok"


def test_longs_and_shorts_are_cut_by_the_same_share(run: Ran) -> None:
    bars = market([flat(100.0)] * 2 + [flat(80.0)] * 3, [flat(100.0)] * 2 + [flat(160.0)] * 3)
    result = run(bars, {0: [LONG, SHORT]}, leverage=2.0)
    # 10,000 - 2,000 - 6,000 = 2,000 under a quarter of 24,000; 4,000 may stay: 5/6 go, 83.3 up.
    assert fills(result, "symbol")[2:] == [
        (3, "sell", 84.0, 80.0, "A"),
        (3, "buy", 84.0, 160.0, "B"),
    ]


def test_a_margin_call_leaves_what_stays_alone(run: Ran) -> None:
    bars = [flat(10.0), flat(10.0), flat(18.0), flat(18.0), flat(18.0), flat(18.0)]
    result = run(bars, {0: SHORT}, **LEVERED)
    # 200 of equity; 400 of 1,800 may stay: 1 - 400 / 1,800 of 100 are 77.8.
    assert fills(result)[1:] == [(3, "buy", 78.0, 18.0)]
    assert len(result.orders) == 2


def test_the_called_order_waits_for_no_price(run: Ran) -> None:
    bars = [flat(10.0), flat(10.0), flat(18.0), flat(19.0), flat(18.0), flat(18.0)]
    result = run(bars, {0: SHORT, 1: {"limit": 5.0}}, **LEVERED)
    assert fills(result)[1:2] == [(3, "buy", 78.0, 19.0)]


@pytest.mark.parametrize(
    ("maintenance", "price", "called"),
    # 100 short at 10 on 1,000 of own money: equity is 2,000 - 100 × price.
    [
        (None, 15.9, False),
        (None, 16.1, True),
        (0.5, 13.3, False),
        (0.5, 13.4, True),
        (0.0, 19.9, False),
    ],
)
def test_margin_is_called_under_the_share_that_must_be_maintained(
    run: Ran,
    maintenance: float | None,
    price: float,
    called: bool,  # noqa: FBT001
) -> None:
    bars = [CALM, CALM, flat(price), flat(price), flat(price)]
    result = run(bars, {0: SHORT}, cash=1_000, options={"maintenance_margin": maintenance})
    assert (len(result.fills) > 1) == called


def test_the_venue_says_what_must_be_maintained(run: Ran) -> None:
    bars = [CALM, CALM, flat(15.5), flat(15.5), flat(15.5)]
    # 450 of equity are 29 % of 1,550: under Alpaca's 30, above FINRA's 25.
    assert len(run(bars, {0: SHORT}, cash=1_000).fills) == 1
    shares = {"sizing": FixedUnits(1_000)}
    assert len(run(bars, {0: SHORT}, cash=10_000, **shares).fills) == 1
    assert len(run(bars, {0: SHORT}, cash=10_000, venue="alpaca", **shares).fills) == 2


def test_equity_of_nothing_ends_the_run_as_ruined(run: Ran) -> None:
    bars = [CALM, CALM, flat(20.0), flat(10.0), CALM, CALM]
    result = run(bars, {0: SHORT, 3: LONG}, cash=1_000)
    assert result.status == "ruined"
    # Nothing is computed after it: three bars of equity, the last of them nothing.
    assert result.equity.tolist() == [1_000.0, 1_000.0, 0.0]
    assert fills(result) == [(1, "sell", 100.0, 10.0)]


def test_a_gap_may_take_more_than_everything(run: Ran) -> None:
    result = run([CALM, CALM, flat(25.0), CALM], {0: SHORT}, cash=1_000)
    assert result.status == "ruined"
    assert result.equity.tolist()[-1] == -500.0


def test_an_unlevered_long_account_never_goes_below_zero(run: Ran) -> None:
    bars = [CALM, flat(10.5), flat(0.01), flat(0.01)]
    costs = Costs(commission_bps=100.0, slippage_bps=100.0)
    result = run(bars, {0: LONG}, cash=1_000, sizing=Exposure(), costs=costs)
    assert result.status == "ok"
    assert result.final_cash >= 0
    assert result.equity.min() > 0


def test_a_venue_takes_shorts_from_a_least_equity_on(run: Ran) -> None:
    poor = run([CALM] * 3, {0: SHORT}, cash=1_999, venue="alpaca")
    assert len(poor.fills) == 0
    assert orders(poor, "status", "reason", "bound", "reached")[0] == (
        "refused", "not_shortable", 2_000.0, 1_999.0,
    )  # fmt: skip
    assert len(run([CALM] * 3, {0: SHORT}, cash=2_000, venue="alpaca").fills) == 1
    parts = run([CALM] * 3, {0: SHORT}, venue="alpaca", options={"fractional": True})
    assert orders(parts, "status", "reason")[0] == ("refused", "not_shortable")


def test_exposure_is_reported_gross_and_net(run: Ran) -> None:
    bars = market([CALM] * 3, [CALM] * 3)
    result = run(bars, {0: [LONG, SHORT]})
    assert result.exposure["gross"].tolist() == [0.0, 0.2, 0.2]
    assert result.exposure["net"].tolist() == [0.0, 0.0, 0.0]
