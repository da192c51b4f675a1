"""Positions and strategies under stress, against sums written out and runs made by hand."""

import math
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.decisions import Wander
from tests.fakes.panels import flat_bars, wild_bars

from fanfold.domain.adjustment import NEVER
from fanfold.domain.bars import Bars
from fanfold.domain.panel import VOLUME
from fanfold.engine.backtest import run_backtest, terms_of
from fanfold.errors import ConfigError, DataError
from fanfold.execution.costs import Costs
from fanfold.research.scenarios import HistoricalWindow, worst_windows
from fanfold.research.shocked_bars import shocked, worst_moment
from fanfold.research.shocks import (
    CorrelationToOne,
    Gap,
    LiquidityGone,
    SpreadTimes,
    VolatilityTimes,
)
from fanfold.research.stress import (
    StressRow,
    StressTable,
    stress_positions,
    stress_strategy,
    units_of,
)
from fanfold.strategies import BuyAndHold, Strategy

COSTS = Costs(commission_bps=2.0, slippage_bps=5.0)
SHOCKS = (
    Gap(-0.2),
    VolatilityTimes(2.0),
    CorrelationToOne(),
    LiquidityGone(5),
    SpreadTimes(2.0),
)


def window(first: int, last: int, **other: Any) -> HistoricalWindow:
    named = {"name": "then", "what": "", "first_day": 0, "last_day": 0} | other
    return HistoricalWindow(first=first, last=last, **named)


def only(table: StressTable) -> StressRow:
    (row,) = table.rows
    return row


def held(bars: Bars, positions: dict[str, float], what: Any, **how: Any) -> StressRow:
    kind = "windows" if isinstance(what, HistoricalWindow) else "shocks"
    return only(stress_positions(bars, positions, **{kind: [what]}, **how))


@pytest.fixture(scope="module")
def bars() -> Bars:
    return wild_bars(8, 120, 3, absent_share=0.0)


def test_a_window_is_lost_by_todays_exposure_times_its_returns() -> None:
    closes = [[10.0, 40.0], [8.0, 40.0], [12.0, 50.0], [20.0, 30.0]]
    row = held(flat_bars(closes), {"A0": 100.0, "A1": -10.0}, window(1, 2), cash=500.0)
    # Today 2,000 of A0, which gained 20 % then, and -300 of A1, which gained 25 %.
    assert row.contributions == pytest.approx({"A0": 400.0, "A1": -75.0})
    assert row.figures["pnl_currency"] == pytest.approx(325.0)
    assert row.figures["pnl_share"] == pytest.approx(325.0 / 2_200.0)
    # At first A0 lost 20 %, 400 of an equity of 2,200.
    assert row.figures["max_drawdown"] == pytest.approx(400.0 / 2_200.0)
    assert row.figures["max_drawdown_currency"] == pytest.approx(400.0)
    assert (row.status, row.note, row.kind) == ("ok", "", "window")


@given(
    seed=st.integers(0, 2**32 - 1),
    units=st.lists(st.floats(-100, 100), min_size=2, max_size=2),
    times=st.floats(-3, 3),
)
def test_what_is_lost_is_linear_in_what_is_held(
    seed: int, units: list[float], times: float
) -> None:
    market = wild_bars(seed, 30, 2, absent_share=0.0)
    one = dict(zip(market.symbols, units, strict=True))
    more = {symbol: times * held_units for symbol, held_units in one.items()}
    for what in (window(5, 20), Gap(-0.3, symbols=("A1",))):
        pnl = [held(market, each, what).figures["pnl_currency"] for each in (one, more)]
        exposure = sum(abs(u) * p for u, p in zip(units, market.close[-1].tolist(), strict=True))
        assert pnl[1] == pytest.approx(times * pnl[0], rel=1e-9, abs=1e-9 * (exposure + 1.0))


def test_prices_are_the_real_ones_and_returns_those_of_a_holder() -> None:
    raw = flat_bars([100.0, 50.0, 55.0, 60.0])
    splits = np.array([[1.0], [2.0], [1.0], [1.0]])
    dividends = np.array([[0.0], [0.0], [5.0], [0.0]])
    row = held(replace(raw, splits=splits, dividends=dividends), {"A0": 10.0}, window(1, 2))
    # 600 today; a split that earned nothing, then 10 % and a dividend of 10 %.
    assert row.figures["pnl_currency"] == pytest.approx(600.0 * 0.2)
    panel = raw.panel * 0.5
    adjusted = replace(raw, panel=panel, raw=raw.panel, basis="total_return")
    assert stress_positions(adjusted, {"A0": 10.0}).base["equity_currency"] == 600.0


def test_an_asset_without_a_price_then_is_left_out_and_named() -> None:
    closes = [[10.0, np.nan], [9.0, np.nan], [10.0, 5.0]]
    row = held(flat_bars(closes), {"A0": 1.0, "A1": 1.0}, window(1, 1))
    assert row.contributions == pytest.approx({"A0": -1.0})
    assert row.figures["pnl_currency"] == pytest.approx(-1.0)
    assert row.note == "without A1, which had no price"
    alone = held(flat_bars(closes), {"A1": 1.0}, window(1, 1))
    assert (alone.status, alone.figures) == ("failed", {})
    assert alone.reason == "A1 must have a price by then to be held, had none"


def test_a_window_in_part_says_so() -> None:
    row = held(flat_bars([10.0, 9.0]), {"A0": 1.0}, window(1, 1, covered=0.4))
    assert row.note == "the bars hold a part of it"
    assert row.figures["covered"] == 0.4


def test_a_book_that_is_lost_is_ruined_and_says_when() -> None:
    market = flat_bars([10.0, 4.0, 10.0])
    row = held(market, {"A0": 100.0}, window(1, 2), cash=-500.0)
    assert (row.status, row.reason) == ("ruined", "all equity was lost by 2022-01-10")
    assert row.figures["pnl_currency"] == pytest.approx(0.0)
    gap = held(market, {"A0": 100.0}, Gap(-0.5), cash=-500.0)
    assert (gap.status, gap.figures["pnl_share"]) == ("ruined", -1.0)


def test_a_gap_hits_whom_it_names_and_shorts_gain_by_it() -> None:
    market = flat_bars([[10.0, 20.0], [10.0, 20.0]])
    positions = {"A0": 10.0, "A1": -5.0}
    assert held(market, positions, Gap(-0.2)).contributions == {"A0": -20.0, "A1": 20.0}
    one = held(market, positions, Gap(-0.2, symbols=("A1",)), cash=100.0)
    assert one.contributions == {"A0": 0.0, "A1": 20.0}
    assert one.figures["pnl_share"] == 0.2
    unknown = held(market, positions, Gap(-0.2, symbols=("B",)))
    assert (unknown.status, unknown.reason[:26]) == ("failed", "symbol must be one of A0, ")


def test_without_equity_a_share_of_it_is_not_known() -> None:
    market = flat_bars([[10.0, 20.0], [10.0, 20.0]])
    row = held(market, {"A0": 2.0, "A1": -1.0}, Gap(-0.2, symbols=("A0",)))
    assert row.figures["pnl_currency"] == -4.0
    assert math.isnan(row.figures["pnl_share"])
    assert math.isnan(held(market, {"A0": 2.0, "A1": -1.0}, window(1, 1)).figures["max_drawdown"])


def test_volatility_and_correlation_raise_the_value_at_risk_of_a_bar(bars: Bars) -> None:
    positions = {"A0": 3.0, "A2": 7.0}
    exposure = np.array([3.0, 7.0]) * bars.close[-1, [0, 2]]
    returns = bars.close[1:, [0, 2]] / bars.close[:-1, [0, 2]] - 1.0
    covariance = np.cov(returns, rowvar=False)
    before = 2.3263479 * math.sqrt(exposure @ covariance @ exposure)
    wild = held(bars, positions, VolatilityTimes(2.0))
    assert wild.beside["value_at_risk_currency"] == pytest.approx(before, rel=1e-6)
    assert wild.figures["value_at_risk_currency"] == pytest.approx(2.0 * before, rel=1e-6)
    one = held(bars, positions, CorrelationToOne())
    together = 2.3263479 * float(exposure @ returns.std(axis=0, ddof=1))
    assert one.figures["value_at_risk_currency"] == pytest.approx(together, rel=1e-6)
    assert sum(one.contributions.values()) == pytest.approx(together, rel=1e-6)
    assert one.note == "from 119 bars"
    same = held(bars, positions, VolatilityTimes(1.0))
    assert same.figures == same.beside == wild.beside


def test_one_asset_is_correlated_with_itself(bars: Bars) -> None:
    row = held(bars, {"A1": -4.0}, CorrelationToOne())
    assert row.figures == pytest.approx(row.beside)


def test_assets_that_hardly_traded_together_have_no_covariance() -> None:
    closes = np.full((60, 2), 10.0)
    closes[::2, 1] = np.nan
    row = held(flat_bars(closes), {"A0": 1.0, "A1": 1.0}, CorrelationToOne())
    assert (row.status, row.reason) == (
        "failed",
        "A0, A1 must have returns in 20 common bars or more, had 0",
    )


def test_being_stuck_costs_what_as_many_bars_of_the_past_did(bars: Bars) -> None:
    row = held(bars, {"A0": 2.0, "A1": -1.0}, LiquidityGone(5), level=0.9)
    exposure = np.array([2.0, -1.0]) * bars.close[-1, :2]
    moves = bars.close[5:, :2] / bars.close[:-5, :2] - 1.0
    earned = moves @ exposure
    quantile = np.quantile(earned, 0.1)
    assert row.figures["value_at_risk_currency"] == pytest.approx(-quantile)
    assert row.figures["expected_shortfall_currency"] == pytest.approx(
        -earned[earned <= quantile + 1e-9].mean()
    )
    assert row.figures["worst_loss_currency"] == pytest.approx(-earned.min())
    assert (row.figures["stretch_count"], row.beside["stuck_bars"]) == (115.0, 1.0)
    only_one = held(bars, {"A0": 2.0, "A1": -1.0}, LiquidityGone(5, symbols=("A0",)))
    assert only_one.figures["worst_loss_currency"] == pytest.approx(
        -(moves[:, 0] * exposure[0]).min()
    )


def test_a_past_too_short_to_be_stuck_in_says_so(bars: Bars) -> None:
    row = held(bars, {"A0": 1.0}, LiquidityGone(101))
    assert row.reason == "positions must have a past of 20 stretches of 101 bars, had 19"
    assert held(bars, {"A0": 1.0}, LiquidityGone(500)).status == "failed"


def test_a_position_is_sold_at_a_part_of_the_usual_turnover() -> None:
    market = flat_bars(np.full(42, 10.0), session_bars=2)  # 2,000 units a session
    table = stress_positions(market, {"A0": -800.0}, participation=0.1)
    (line,) = table.positions
    assert line.liquidation_sessions == pytest.approx(4.0)
    assert (line.units, line.price, line.exposure_currency) == (-800.0, 10.0, -8_000.0)
    short = stress_positions(flat_bars(np.full(8, 10.0), session_bars=2), {"A0": 800.0})
    assert short.positions[0].liquidation_sessions == pytest.approx(4.0)
    panel = market.panel.copy()
    panel[VOLUME] = np.nan
    unknown = stress_positions(replace(market, panel=panel), {"A0": 1.0})
    assert math.isnan(unknown.positions[0].liquidation_sessions)
    panel[VOLUME] = 0.0
    never = stress_positions(replace(market, panel=panel), {"A0": 1.0})
    assert never.positions[0].liquidation_sessions == math.inf
    adjusted = stress_positions(replace(market, basis="total_return"), {"A0": 1.0})
    assert math.isnan(adjusted.positions[0].liquidation_sessions)


def test_leaving_through_twice_the_spread_costs_twice_the_slippage() -> None:
    market = flat_bars(np.full(30, 10.0))
    costs = Costs(commission_bps=10.0, slippage_bps=20.0, half_spread=0.01)
    row = held(market, {"A0": -500.0}, SpreadTimes(2.0), costs=costs, cash=10_000.0)
    # 5,000 at 20 bps and a tenth of a percent; commission stays.
    assert row.beside["slippage_currency"] == pytest.approx(15.0)
    assert row.figures["slippage_currency"] == pytest.approx(30.0)
    assert row.figures["commission_currency"] == row.beside["commission_currency"] == 5.0
    assert row.figures["pnl_currency"] == pytest.approx(-35.0)
    assert row.figures["pnl_share"] == pytest.approx(-0.007)
    free = held(market, {"A0": 1.0}, SpreadTimes(2.0))
    assert (free.figures["cost_currency"], free.note) == (0.0, "the costs state no spread")


def test_costs_by_unit_need_real_prices() -> None:
    market = replace(flat_bars(np.full(30, 10.0)), basis="total_return")
    row = held(market, {"A0": 1.0}, SpreadTimes(2.0), costs=Costs(half_spread=0.01))
    assert row.reason == "costs by unit must have real prices, these bars are adjusted without them"
    share = held(market, {"A0": 1.0}, SpreadTimes(2.0), costs=Costs(slippage_bps=1.0))
    assert share.status == "ok"


def test_weights_become_units_at_real_prices() -> None:
    market = flat_bars([[10.0, 20.0], [10.0, 40.0]])
    assert units_of(market, {"A1": -0.5, "A0": 1.0}, 1_000.0) == {"A1": -12.5, "A0": 100.0}


@pytest.mark.parametrize(
    ("positions", "how", "error", "message"),
    [
        ({"B": 1.0}, {}, DataError, "symbol must be one of A0, A1; was 'B'"),
        ({}, {}, ConfigError, "at least one asset"),
        ({"A0": math.nan}, {}, ConfigError, "position in A0 must be a finite number"),
        ({"A1": 1.0}, {}, DataError, "A1 must have a price to be held"),
        ({"A0": 1.0}, {"cash": math.inf}, ConfigError, "cash must be a finite number"),
        ({"A0": 1.0}, {"level": 1.0}, ConfigError, "level must be between 0 and 1"),
        ({"A0": 1.0}, {"participation": 0.0}, ConfigError, "participation must be above 0"),
        (["A0"], {}, ConfigError, "positions must be units by symbol, was list"),
        ({"A0": 1.0}, {"windows": "Covid 2020"}, ConfigError, "windows must be several"),
        ({"A0": 1.0}, {"windows": ["nope"]}, ConfigError, "window must be one of"),
        ({"A0": 1.0}, {"windows": None}, ConfigError, "windows must be several, was None"),
        ({"A0": 1.0}, {"shocks": [-0.2]}, ConfigError, "shocks must be shocks such as"),
        ({"A0": 1.0}, {"shocks": None}, ConfigError, "shocks must be several, was None"),
    ],
)
def test_what_nobody_can_hold_is_refused(
    positions: dict[str, float], how: Any, error: type[Exception], message: str
) -> None:
    market = flat_bars([[10.0, np.nan], [10.0, np.nan]])
    with pytest.raises(error, match=message):
        stress_positions(market, positions, **how)


def test_what_is_no_longer_listed_cannot_be_held() -> None:
    market = flat_bars([[10.0, 10.0], [10.0, np.nan]])
    gone = replace(market, delisted_day=np.array([NEVER, market.session_day[1]]))
    with pytest.raises(DataError, match="A1 must be listed to be held, it was delisted on 2022"):
        stress_positions(gone, {"A1": 1.0})


def test_a_strategy_is_run_again_on_the_shocked_market(bars: Bars) -> None:
    strategy, terms = Wander(seed=3, pace=0.9), terms_of(costs=COSTS)
    base = run_backtest(strategy, bars, terms)
    table = stress_strategy(strategy, bars, terms, shocks=SHOCKS, result=base)
    assert [row.status for row in table.rows] == ["ok"] * 5
    steady = replace(terms, start_bar=base.first)
    for row, shock in zip(table.rows, SHOCKS, strict=True):
        timed = isinstance(shock, Gap | LiquidityGone)
        at = worst_moment(shock, base) if timed else None
        costs = (
            Costs(commission_bps=2.0, slippage_bps=10.0) if row.kind == "spread_times" else COSTS
        )
        again = run_backtest(strategy, shocked(bars, shock, at=at), replace(steady, costs=costs))
        for name in ("total_return", "max_drawdown", "sharpe", "fees", "fill_count"):
            assert row.figures[name] == again.metrics[name]
            assert row.beside[name] == table.base[name] == base.metrics[name]
        refused = int((again.orders["status"] == "refused").sum())
        assert row.figures["refusal_count"] == refused
        assert row.figures != row.beside
        assert ("when it hurts most" in row.note) == timed


def test_all_runs_decide_from_the_bar_from_which_the_result_did(bars: Bars) -> None:
    strategy, terms = Wander(seed=3, pace=0.9), terms_of()
    late = run_backtest(strategy, bars, replace(terms, start_bar=40))
    row = only(stress_strategy(strategy, bars, terms, shocks=[VolatilityTimes(1.0)], result=late))
    assert row.figures == row.beside
    assert row.beside["total_return"] == late.metrics["total_return"]


def test_a_shock_comes_on_the_day_that_it_states(bars: Bars) -> None:
    strategy, terms = Wander(seed=3, pace=0.9), terms_of()
    gap = Gap(-0.3, at=date(1970, 1, 1) + timedelta(int(bars.session_day[70])))
    row = only(stress_strategy(strategy, bars, terms, shocks=[gap]))
    by_hand = run_backtest(strategy, shocked(bars, gap, at=70), terms)
    assert row.figures["total_return"] == by_hand.metrics["total_return"]
    assert row.note == ""


def test_twice_the_spread_moves_each_fill_twice_as_far() -> None:
    market = flat_bars(np.full(30, 10.0))
    prices = []
    for factor in (1.0, 2.0):
        row = only(
            stress_strategy(
                BuyAndHold(), market, terms_of(costs=COSTS), shocks=[SpreadTimes(factor)]
            )
        )
        prices.append(row.figures["total_return"])
    # 5 and 10 bps of what was bought, as many shares each time.
    assert prices[1] + 0.0002 == pytest.approx(2.0 * (prices[0] + 0.0002), rel=5e-3)


def test_volatility_times_one_is_the_run_as_it_was(bars: Bars) -> None:
    row = only(
        stress_strategy(Wander(seed=3, pace=0.9), bars, terms_of(), shocks=[VolatilityTimes(1.0)])
    )
    assert row.figures == row.beside


def test_a_window_shows_the_run_beside_holding() -> None:
    opens = [10.0] * 5 + [8.0, 6.0, 9.0] + [9.0] * 5
    market = flat_bars(np.column_stack([opens, np.full(13, 20.0)]))
    terms = terms_of(start_bar=1)
    half = BuyAndHold(invested=0.5)
    row = only(stress_strategy(half, market, terms, windows=[window(5, 7)]))
    equity = run_backtest(half, market, terms).equity
    assert row.figures["total_return"] == equity.iloc[6] / equity.iloc[3] - 1.0
    assert row.figures["max_drawdown"] == pytest.approx(1.0 - equity.iloc[5] / equity.iloc[3])
    # Equal amounts of one that lost a tenth, and 40 % on the way, and one that stood still.
    assert row.beside == pytest.approx({"total_return": -0.05, "max_drawdown": 0.2})


def test_a_window_before_the_run_has_nothing_to_show(bars: Bars) -> None:
    terms = terms_of(start_bar=50)
    rows = stress_strategy(
        Wander(seed=3),
        bars,
        terms,
        windows=[window(2, 9), window(2, 50), window(40, 60), window(118, 119)],
    ).rows
    reason = "the run must have a return in the window, it had none"
    assert [row.reason for row in rows] == [reason, reason, "", ""]
    assert [row.note for row in rows[2:]] == ["the run began within it", ""]


def test_a_window_of_other_bars_is_a_row_that_says_so(bars: Bars) -> None:
    elsewhere = [window(110, 120), window(0, 5)]
    tables = [
        stress_strategy(BuyAndHold(), bars, terms_of(), windows=elsewhere),
        stress_positions(bars, {"A0": 1.0}, windows=elsewhere),
    ]
    for row in [row for table in tables for row in table.rows]:
        assert row.status == "failed"
        assert "must be of these 120 bars, from the second on" in row.reason


def test_an_asset_that_never_traded_stands_in_nobodys_way() -> None:
    market = flat_bars(np.column_stack([np.geomspace(10, 20, 40), np.full(40, np.nan)]))
    table = stress_strategy(
        BuyAndHold(), market, terms_of(), windows=worst_windows(market), shocks=SHOCKS
    )
    assert [row.status for row in table.rows] == ["ok"] * 8


def test_a_single_bar_is_too_short_for_everything_but_a_gap() -> None:
    market = flat_bars([10.0])
    assert worst_windows(market) == ()
    rows = stress_positions(market, {"A0": 1.0}, shocks=SHOCKS).rows
    assert [row.status for row in rows] == ["ok", "failed", "failed", "failed", "ok"]


def test_a_window_after_the_end_of_a_run_is_no_ruin(bars: Bars) -> None:
    terms = replace(terms_of(start_bar=5), end_bar=60)
    rows = stress_strategy(
        Wander(seed=3), bars, terms, windows=[window(50, 80), window(70, 80)]
    ).rows
    assert [row.status for row in rows] == ["ok", "failed"]
    assert rows[0].note == "the run ended within it"


def test_a_run_that_is_ruined_is_a_row_with_its_reason() -> None:
    market = flat_bars(np.full(30, 10.0))
    terms = terms_of(leverage=2.0, venue="ideal")
    table = stress_strategy(BuyAndHold(invested=2.0), market, terms, shocks=[Gap(-0.6), Gap(-0.1)])
    assert [row.status for row in table.rows] == ["ruined", "ok"]
    assert table.rows[0].reason == "all equity was lost"
    assert table.rows[0].figures["total_return"] < -0.9


def _raising(assets: Any, portfolio: Any, memory: Any) -> None:
    for asset in assets:
        if asset.close < 9.0:
            raise KeyError("low")
        asset.target = 1.0


class Afraid(Strategy):
    """Fails when prices fall."""

    decide: ClassVar[Any] = _raising


class AfraidOfColumns(Strategy):
    """Fails to compute its columns when prices fall."""

    decide: ClassVar[Any] = _raising

    def columns(self, bars: Bars) -> dict[str, Any]:
        if bars.close.min() < 9.0:
            raise KeyError("low")
        return {}


@pytest.mark.parametrize("strategy", [Afraid(), AfraidOfColumns()])
def test_a_strategy_that_fails_is_a_row_with_its_reason(strategy: Strategy) -> None:
    table = stress_strategy(
        strategy, flat_bars(np.full(30, 10.0)), terms_of(), shocks=[Gap(-0.5), Gap(-0.05)]
    )
    failed, fine = table.rows
    assert (failed.status, fine.status) == ("failed", "ok")
    assert "KeyError" in failed.reason
    assert failed.figures == {}


def test_a_shock_that_cannot_be_is_a_row_with_its_reason(bars: Bars) -> None:
    table = stress_strategy(
        Wander(seed=3, pace=0.9),
        bars,
        terms_of(costs=Costs(slippage_bps=100.0)),
        shocks=[Gap(-0.1, symbols=("B",)), SpreadTimes(100.0), LiquidityGone(119)],
    )
    assert [row.status for row in table.rows] == ["failed"] * 3
    assert "symbol must be one of" in table.rows[0].reason
    assert "slippage_bps at most 5000" in table.rows[1].reason
    assert "longer than the shock" in table.rows[2].reason


def test_raw_intraday_bars_with_events_and_holes_take_every_shock() -> None:
    market = wild_bars(6, 210, 3, session_bars=7, events=True)
    table = stress_strategy(
        Wander(seed=1, pace=0.5),
        market,
        terms_of(costs=COSTS, start_bar=10),
        windows=worst_windows(market),
        shocks=SHOCKS,
    )
    assert [row.status for row in table.rows] == ["ok"] * 9
    listed = {"A0": 5.0, "A1": -3.0}
    book = stress_positions(market, listed, windows=worst_windows(market, listed), shocks=SHOCKS)
    assert [row.status for row in book.rows] == ["ok"] * 9


def test_runs_without_any_scenario_are_an_empty_table(bars: Bars) -> None:
    assert stress_strategy(BuyAndHold(), bars, terms_of()).rows == ()
    assert stress_positions(bars, {"A0": 1.0}).rows == ()
