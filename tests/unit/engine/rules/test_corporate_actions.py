"""Splits and dividends on raw bars: money, positions, orders, exits, and what is seen."""

from typing import Any, ClassVar

import pytest
from tests.unit.engine.rules.conftest import Ran, fills, flat, flows, market, orders, terms_for

import fanfold as ff
from fanfold.engine.backtest import run_backtest
from fanfold.risk.limits import Limits
from fanfold.strategies import Strategy
from fanfold.strategies.indicators import SMA
from fanfold.strategies.sizing import Exposure, FixedUnits

LONG, SHORT, FLAT = {"target": 1.0}, {"target": -1.0}, {"target": 0.0}


@pytest.mark.parametrize("ratio", [3.0, 7.0, 1.5])
def test_a_split_multiplies_units_and_leaves_the_equity(run: Ran, ratio: float) -> None:
    after = flat(42.0 / ratio)
    bars = market([flat(42.0), flat(42.0), after, after, after], splits={(2, 0): ratio})
    result = run(bars, {0: LONG, 3: FLAT})
    assert fills(result) == [
        (1, "buy", 100.0, 42.0),
        (4, "sell", 100.0 * ratio, 42.0 / ratio),
    ]
    assert result.equity.tolist() == [10_000.0] * 5
    assert flows(result) == []


def test_a_fraction_left_by_a_reverse_split_is_paid_in_cash(run: Ran) -> None:
    bars = market([flat(5.0), flat(5.0), flat(40.0), flat(40.0)], splits={(2, 0): 0.125})
    result = run(bars, {0: LONG})
    # 100 / 8 are 12 and a half, at 5 × 8.
    assert flows(result) == [(2, "A", "cash_in_lieu", 20.0)]
    assert result.final_cash == 10_000 - 500 + 20
    assert result.equity.tolist() == [10_000.0] * 4


def test_a_short_pays_for_its_fraction(run: Ran) -> None:
    bars = market([flat(5.0), flat(5.0), flat(40.0), flat(40.0)], splits={(2, 0): 0.125})
    result = run(bars, {0: SHORT})
    assert flows(result) == [(2, "A", "cash_in_lieu", -20.0)]
    assert result.equity.tolist() == [10_000.0] * 4


def test_a_position_that_a_reverse_split_leaves_less_than_a_lot_of_ends(run: Ran) -> None:
    bars = market([flat(5.0), flat(5.0), flat(1_000.0), flat(1_000.0)], splits={(2, 0): 0.005})
    result = run(bars, {0: LONG | {"stop_loss": 1.0}})
    assert flows(result) == [(2, "A", "cash_in_lieu", 500.0)]
    assert result.final_cash == 10_000


def test_fractions_of_a_share_stay_where_they_trade(run: Ran) -> None:
    bars = market(
        [flat(5.0), flat(5.0), flat(40.0), flat(40.0), flat(40.0)], splits={(2, 0): 0.125}
    )
    result = run(bars, {0: LONG, 3: FLAT}, options={"fractional": True})
    assert fills(result)[1] == (4, "sell", 12.5, 40.0)
    assert flows(result) == []


def test_a_round_trip_over_a_split_earns_what_its_fills_did(run: Ran) -> None:
    bars = market(
        [flat(30.0), flat(30.0), flat(10.0), flat(11.0), flat(11.0)], splits={(2, 0): 3.0}
    )
    result = run(bars, {0: LONG, 2: FLAT})
    trips = result.round_trips
    assert trips["pnl"].tolist() == [300.0]
    assert trips["return"].tolist() == [pytest.approx(0.1, abs=1e-12)]


def test_a_queued_market_order_means_as_many_new_units(run: Ran) -> None:
    bars = market([flat(30.0), flat(30.0), flat(10.0), flat(10.0)], splits={(2, 0): 3.0})
    result = run(bars, {1: LONG})
    assert fills(result) == [(2, "buy", 300.0, 10.0)]
    closes = run(bars, {0: LONG, 1: FLAT})
    assert fills(closes)[1:] == [(2, "sell", 300.0, 10.0)]


def test_a_resting_limit_is_rescaled_in_price_and_quantity(run: Ran) -> None:
    bars = market(
        [flat(30.0), flat(30.0), flat(10.0), (10.0, 10.0, 9.0, 9.5), flat(10.0)],
        splits={(2, 0): 3.0},
    )
    result = run(bars, {0: LONG | {"limit": 27.0}})
    assert fills(result, "order_id") == [(3, "buy", 300.0, 9.0, "A-0-open")]


def test_a_resting_stop_and_target_are_rescaled(run: Ran) -> None:
    down = [flat(30.0), flat(30.0), flat(10.0), (10.0, 10.0, 8.9, 9.5), flat(10.0)]
    bars = market(down, splits={(2, 0): 3.0})
    result = run(bars, {0: LONG | {"stop_loss": 27.0}})
    assert fills(result, "order_id")[1:] == [(3, "sell", 300.0, 9.0, "A-3-stop")]
    up = [flat(30.0), flat(30.0), flat(10.0), (10.0, 11.0, 10.0, 10.0), flat(10.0)]
    result = run(market(up, splits={(2, 0): 3.0}), {0: LONG | {"take_profit": 33.0}})
    assert fills(result, "order_id")[1:] == [(3, "sell", 300.0, 11.0, "A-3-target")]


def test_a_trailing_stop_s_extreme_and_distance_are_rescaled(run: Ran) -> None:
    rows = [flat(30.0), (30.0, 36.0, 30.0, 30.0), flat(11.5), (11.5, 11.5, 10.9, 11.0), flat(11.0)]
    bars = market(rows, splits={(2, 0): 3.0})
    result = run(bars, {0: LONG | {"trailing_stop": 3.0}})
    # 36 - 3 is 33, so 11 after the split.
    assert fills(result, "order_id")[1:] == [(3, "sell", 300.0, 11.0, "A-3-trailing_stop")]


def test_an_exit_written_after_a_split_is_in_the_prices_that_the_decision_sees(run: Ran) -> None:
    rows = [flat(30.0), flat(30.0), flat(10.0), flat(10.0), (10.0, 10.0, 8.0, 9.0), flat(9.0)]
    bars = market(rows, splits={(2, 0): 3.0})
    moved = run(bars, {0: LONG, 3: {"stop_loss": 27.0}})
    assert fills(moved)[1:] == [(4, "sell", 300.0, 9.0)]
    entered = run(bars, {2: LONG | {"limit": 30.0}, 3: {"stop_loss": 27.0}})
    assert fills(entered)[1:] == [(4, "sell", 100.0, 9.0)]


def test_a_trailing_distance_written_after_a_split_is_in_the_prices_that_are_seen(
    run: Ran,
) -> None:
    rows = [flat(30.0), flat(30.0), flat(10.0), flat(10.0), (10.0, 10.0, 8.0, 9.0), flat(9.0)]
    bars = market(rows, splits={(2, 0): 3.0})
    entered = run(bars, {2: LONG | {"trailing_stop": 3.0}})
    assert fills(entered)[1:] == [(4, "sell", 100.0, 9.0)]
    moved = run(bars, {2: LONG, 3: {"trailing_stop": 3.0}})
    assert fills(moved)[1:] == [(4, "sell", 100.0, 9.0)]


def test_the_usual_volume_is_in_the_units_that_trade_after_a_split(run: Ran) -> None:
    rows = [flat(30.0), flat(30.0), flat(10.0, 3_000.0), flat(10.0, 3_000.0)]
    bars = market(rows, splits={(2, 0): 3.0})
    limits = Limits(max_volume_share=0.05)
    result = run(bars, {2: LONG}, limits=limits, sizing=FixedUnits(200))
    # 1,000 old shares a bar are 3,000 new ones, and 5 % of them 150.
    assert orders(result, "asked", "approved", "reason") == [(200.0, 150.0, "max_volume_share")]


def test_a_limit_written_after_a_split_is_in_the_prices_that_the_decision_sees(run: Ran) -> None:
    rows = [flat(30.0), flat(30.0), flat(10.0), (10.0, 10.0, 8.0, 9.0), flat(9.0)]
    result = run(market(rows, splits={(2, 0): 3.0}), {2: LONG | {"limit": 28.5}})
    assert fills(result) == [(3, "buy", 100.0, 9.5)]


def test_a_partly_filled_order_s_rest_is_rescaled(run: Ran) -> None:
    rows = [flat(30.0), flat(30.0), flat(10.0, 100_000.0), flat(10.0)]
    bars = market(rows, splits={(2, 0): 3.0})
    result = run(bars, {0: LONG}, options={"participation": 0.06})
    assert fills(result, "order_id") == [
        (1, "buy", 60.0, 30.0, "A-0-open"),
        (2, "buy", 120.0, 10.0, "A-0-open"),
    ]
    assert result.equity.tolist() == [10_000.0] * 4


def test_a_dividend_is_credited_to_longs_and_debited_to_shorts(run: Ran) -> None:
    rows = [flat(10.0), flat(10.0), flat(9.5), flat(9.5)]
    bars = market(rows, rows, dividends={(2, 0): 0.5, (2, 1): 0.25})
    result = run(bars, {0: [LONG, SHORT]})
    assert flows(result) == [(2, "A", "dividend", 50.0), (2, "B", "dividend", -25.0)]
    assert result.final_cash == 10_025


def test_a_dividend_goes_to_who_held_at_the_close_before(run: Ran) -> None:
    rows = [flat(10.0), flat(10.0), flat(9.5), flat(9.5)]
    bars = market(rows, dividends={(2, 0): 0.5})
    assert flows(run(bars, {1: LONG})) == []  # bought at the open of the ex-date
    assert flows(run(bars, {0: LONG, 1: FLAT})) == [(2, "A", "dividend", 50.0)]  # sold at it


def test_a_dividend_of_a_split_s_day_is_on_the_new_units(run: Ran) -> None:
    rows = [flat(30.0), flat(30.0), flat(9.5), flat(9.5)]
    bars = market(rows, splits={(2, 0): 3.0}, dividends={(2, 0): 0.5})
    assert flows(run(bars, {0: LONG})) == [(2, "A", "dividend", 150.0)]


def test_a_dividend_is_part_of_its_round_trip(run: Ran) -> None:
    rows = [flat(10.0), flat(10.0), flat(9.5), flat(9.5)]
    bars = market(rows, dividends={(2, 0): 0.5})
    result = run(bars, {0: LONG, 2: FLAT})
    assert result.round_trips["pnl"].tolist() == [0.0]


def test_orders_keep_their_prices_over_a_dividend(run: Ran) -> None:
    rows = [flat(10.0), flat(10.0), (9.4, 9.4, 9.0, 9.0), flat(9.0)]
    bars = market(rows, dividends={(2, 0): 0.5})
    result = run(bars, {0: LONG | {"stop_loss": 9.5}})
    assert fills(result)[1:] == [(2, "sell", 100.0, 9.4)]
    assert flows(result) == [(2, "A", "dividend", 50.0)]


def test_a_drop_by_a_split_is_no_loss_to_a_breaker(run: Ran) -> None:
    bars = market([flat(30.0), flat(30.0), flat(10.0), flat(10.0)], splits={(2, 0): 3.0})
    result = run(bars, {0: LONG}, sizing=Exposure(), limits=Limits(max_drawdown=0.1))
    assert len(result.fills) == 1


def test_a_disarmed_asset_stays_disarmed_over_a_split(run: Ran) -> None:
    rows = [flat(30.0), (30.0, 30.0, 26.0, 30.0), flat(10.0), flat(10.0), flat(10.0)]
    bars = market(rows, splits={(2, 0): 3.0})
    result = run(bars, {0: LONG | {"stop_loss": 27.0}})
    assert [each[:2] for each in fills(result)] == [(1, "buy"), (1, "sell")]


def test_an_asset_absent_on_its_ex_date_is_marked_after_it(run: Ran) -> None:
    absent = (float("nan"),) * 5
    bars = market([flat(30.0), flat(30.0), absent, flat(10.0), flat(10.0)], splits={(2, 0): 3.0})
    result = run(bars, {0: LONG, 3: FLAT})
    assert result.equity.tolist() == [10_000.0] * 5
    assert fills(result)[1] == (4, "sell", 300.0, 10.0)


def test_a_decision_sees_prices_without_the_jump_of_a_split() -> None:
    seen: list[tuple[float, ...]] = []

    def look(assets: Any, portfolio: Any, memory: Any) -> None:
        (asset,) = assets
        asset.target = 1.0
        seen.append(
            (asset.open, asset.high, asset.low, asset.close, asset.volume, asset.features[0],
             asset.units, asset.entry_price)
        )  # fmt: skip

    class Looking(Strategy):
        decide: ClassVar[Any] = staticmethod(look)

        def features(self) -> Any:
            return (SMA(2),)

    rows = [flat(30.0), flat(30.0), (10.0, 11.0, 9.0, 10.0, 3_000.0), flat(12.0, 3_000.0)]
    bars = market(rows, splits={(2, 0): 3.0})
    run_backtest(Looking(), bars, terms_for({}))
    assert seen == [  # decisions start at the second bar, with the average
        (30.0, 30.0, 30.0, 30.0, 1_000.0, 30.0, 0.0, 0.0),
        (30.0, 33.0, 27.0, 30.0, 1_000.0, 30.0, 300.0, 30.0),
        (36.0, 36.0, 36.0, 36.0, 1_000.0, 33.0, 300.0, 30.0),
    ]


def test_adjusted_bars_book_nothing_twice() -> None:
    rows = [flat(10.0), flat(10.0), flat(9.5), flat(9.5)]
    with pytest.raises(ff.errors.DataError, match="dividends must go with prices of basis"):
        market(rows, basis="total_return", dividends={(2, 0): 0.5})
    with pytest.raises(ff.errors.DataError, match="splits must go with prices of basis raw"):
        market(rows, basis="split", splits={(2, 0): 2.0})


def test_dividends_are_booked_on_split_adjusted_bars_too(run: Ran) -> None:
    rows = [flat(10.0), flat(10.0), flat(9.5), flat(9.5)]
    bars = market(rows, basis="split", dividends={(2, 0): 0.5})
    assert flows(run(bars, {0: LONG})) == [(2, "A", "dividend", 50.0)]


def test_orders_show_the_quantity_after_a_split(run: Ran) -> None:
    bars = market([flat(30.0), flat(30.0), flat(10.0), flat(10.0)], splits={(2, 0): 3.0})
    result = run(bars, {1: LONG})
    assert orders(result, "asked", "approved", "filled", "status") == [
        (100.0, 300.0, 300.0, "filled")
    ]
