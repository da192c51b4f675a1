"""Bars after a shock: what must have changed by how much, and what must not."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fakes.decisions import Wander
from tests.fakes.panels import flat_bars, wild_bars, wild_markets

from fanfold.domain.bars import Bars
from fanfold.domain.layout import arrays_of
from fanfold.domain.panel import CLOSE, HIGH, LOW, OPEN, VOLUME
from fanfold.engine.backtest import run_backtest, terms_of
from fanfold.errors import ConfigError, DataError
from fanfold.execution.costs import Costs
from fanfold.research import shocked_bars
from fanfold.research.scenarios import holding_returns
from fanfold.research.shocked_bars import shocked, worst_moment
from fanfold.research.shocks import (
    CorrelationToOne,
    Gap,
    LiquidityGone,
    Shock,
    SpreadTimes,
    VolatilityTimes,
)
from fanfold.strategies import BuyAndHold

EVERY = (Gap(-0.3), VolatilityTimes(2.0), CorrelationToOne(), LiquidityGone(3), SpreadTimes(2.0))


def wild(seed: int = 5, **how: Any) -> Bars:
    return wild_bars(seed, 40, 3, **({"events": True} | how))


def with_raw(bars: Bars) -> Bars:
    """The same market adjusted by a half, with its raw prices beside."""
    panel = bars.panel.copy()
    panel[:VOLUME] *= 0.5
    return replace(
        bars, panel=panel, raw=bars.panel, basis="total_return", splits=None, dividends=None
    )


def own_returns(bars: Bars, asset: int) -> np.ndarray:
    close = bars.seen[CLOSE, :, asset]
    return np.diff(np.log(close[np.isfinite(close)]))


@pytest.mark.parametrize("shock", EVERY, ids=lambda shock: shock.kind)
@given(bars=wild_markets(bars=(8, 40)))
@settings(max_examples=15)
def test_shocked_bars_are_bars_of_the_same_shape(shock: Shock, bars: Bars) -> None:
    after = shocked(bars, shock, at=4)  # refuses highs below lows, and prices of zero
    assert (np.isnan(after.panel[:VOLUME]) == np.isnan(bars.panel[:VOLUME])).all()
    for name in ("ts", "session_day", "minutes_to_close", "is_month_end"):
        assert (getattr(after, name) == getattr(bars, name)).all()


@pytest.mark.parametrize("shock", EVERY, ids=lambda shock: shock.kind)
def test_equal_shocks_give_equal_bits(shock: Shock) -> None:
    bars = wild()
    assert shocked(bars, shock, at=7).fingerprint == shocked(bars, shock, at=7).fingerprint


def test_after_a_gap_prices_differ_by_exactly_the_factor() -> None:
    bars = wild()
    after = shocked(bars, Gap(-0.2, symbols=("A1",)), at=10)
    changed = [OPEN, HIGH, LOW, CLOSE]
    np.testing.assert_array_equal(
        after.panel[changed, 10:, 1], bars.panel[changed, 10:, 1] * (1.0 - 0.2)
    )
    np.testing.assert_array_equal(after.panel[:, :10], bars.panel[:, :10])
    np.testing.assert_array_equal(after.panel[:, :, [0, 2]], bars.panel[:, :, [0, 2]])
    np.testing.assert_array_equal(after.volume, bars.volume)


def test_a_gap_is_one_return_and_no_other_even_with_dividends() -> None:
    bars = wild()
    before = holding_returns(bars)
    after = holding_returns(shocked(bars, Gap(-0.2), at=10))
    there = np.isfinite(before)
    moved = np.full(before.shape, np.nan)
    for asset in range(3):
        own = np.flatnonzero(np.isfinite(bars.close[:, asset]))
        first = own[own >= 10][0]
        moved[first, asset] = 1.0
    quiet = there & np.isnan(moved)
    np.testing.assert_allclose(after[quiet], before[quiet], rtol=1e-9, atol=1e-12)
    for at, asset in np.argwhere(~np.isnan(moved)):
        paid = bars.dividends[at, asset] * bars.forward[at, asset]
        close = bars.seen[CLOSE, :at, asset]
        marked = close[np.isfinite(close)][-1]
        price = (1.0 + before[at, asset]) - paid / marked
        assert after[at, asset] == pytest.approx(0.8 * price + paid / marked - 1.0)


def test_dividends_keep_their_share_of_the_close_before() -> None:
    dividends = np.array([[0.0], [0.0], [1.0], [1.0], [0.0]])
    bars = replace(flat_bars([10.0] * 5), dividends=dividends)
    after = shocked(bars, Gap(-0.5), at=2)
    assert after.dividends is not None
    assert after.dividends[:, 0].tolist() == [0.0, 0.0, 1.0, 0.5, 0.0]


def test_a_gap_of_everything_takes_the_benchmark_along() -> None:
    bars = replace(wild(), benchmark=np.linspace(100.0, 139.0, 40))
    after = shocked(bars, Gap(-0.5), at=20).benchmark
    assert after is not None
    assert (after[:20] == bars.benchmark[:20]).all()
    assert (after[20:] == bars.benchmark[20:] * 0.5).all()
    some = shocked(bars, Gap(-0.5, symbols=("A0",)), at=20).benchmark
    assert (some == bars.benchmark).all()


@pytest.mark.parametrize("shock", EVERY, ids=lambda shock: shock.kind)
def test_adjusted_and_raw_prices_keep_their_ratio(shock: Shock) -> None:
    after = shocked(with_raw(wild()), shock, at=10)
    np.testing.assert_allclose(after.panel[:VOLUME], after.raw[:VOLUME] * 0.5, rtol=1e-12)
    np.testing.assert_array_equal(after.volume, after.raw[VOLUME])


@given(bars=wild_markets(bars=(8, 40)))
@settings(max_examples=15)
def test_volatility_times_one_changes_no_bit(bars: Bars) -> None:
    assert shocked(bars, VolatilityTimes(1.0)).fingerprint == bars.fingerprint
    eventful = wild()
    assert shocked(eventful, VolatilityTimes(1.0)).fingerprint == eventful.fingerprint


@given(seed=st.integers(0, 2**32 - 1), factor=st.floats(0.1, 3.0))
def test_deviations_of_returns_are_multiplied_around_the_same_mean(
    seed: int, factor: float
) -> None:
    bars = wild(seed)
    after = shocked(bars, VolatilityTimes(factor))
    for asset in range(3):
        before, now = own_returns(bars, asset), own_returns(after, asset)
        assert now.std() == pytest.approx(factor * before.std(), rel=1e-9)
        # Of simple returns, that is: of log returns it is less by half of what variance gained.
        less = 0.5 * (factor**2 - 1.0) * before.var()
        assert now.mean() == pytest.approx(before.mean() - less, abs=1e-12)


def test_volatility_alone_earns_nothing() -> None:
    logs = np.random.default_rng(5).normal(0.0005, 0.02, 6000)
    bars = flat_bars(100.0 * np.exp(np.cumsum(logs)))
    after = shocked(bars, VolatilityTimes(3.0))
    before, now = (np.expm1(own_returns(one, 0)) for one in (bars, after))
    assert now.mean() == pytest.approx(before.mean(), abs=2e-5)
    assert now.std() == pytest.approx(3.0 * before.std(), rel=0.01)


def test_the_range_of_a_bar_is_multiplied_too() -> None:
    bars = wild(absent_share=0.0, events=False)
    after = shocked(bars, VolatilityTimes(2.0))
    spans = [np.log(each.high[1:] / each.low[1:]) for each in (bars, after)]
    np.testing.assert_allclose(spans[1], 2.0 * spans[0], rtol=1e-9, atol=1e-12)


@given(seed=st.integers(0, 2**32 - 1))
def test_correlation_after_the_shock_is_one(seed: int) -> None:
    bars = wild(seed, absent_share=0.0, events=False)
    after = shocked(bars, CorrelationToOne())
    returns = np.diff(np.log(after.close), axis=0)
    np.testing.assert_allclose(np.corrcoef(returns, rowvar=False), 1.0, atol=1e-9)
    before = np.diff(np.log(bars.close), axis=0)
    np.testing.assert_allclose(returns.mean(axis=0), before.mean(axis=0), atol=1e-12)
    np.testing.assert_allclose(returns.std(axis=0), before.std(axis=0), rtol=1e-9)


def test_assets_with_missing_bars_move_together_where_both_have_returns() -> None:
    bars = wild(3, absent_share=0.2)
    after = shocked(bars, CorrelationToOne())
    rows = np.isfinite(after.close).all(axis=1)
    both = np.flatnonzero(rows[1:] & rows[:-1]) + 1
    closes = after.seen[CLOSE]
    returns = np.log(closes[both] / closes[both - 1])
    assert len(both) > 5
    np.testing.assert_allclose(np.corrcoef(returns, rowvar=False), 1.0, atol=1e-9)
    for asset in range(3):
        before, now = own_returns(bars, asset), own_returns(after, asset)
        assert now.std() == pytest.approx(before.std(), rel=1e-9)


def test_a_market_of_one_asset_is_correlated_already() -> None:
    bars = wild_bars(2, 40, 1, events=True)
    after = shocked(bars, CorrelationToOne())
    np.testing.assert_allclose(after.panel, bars.panel, rtol=1e-9)


def test_an_asset_that_never_moves_stays_where_it_is() -> None:
    bars = flat_bars(np.column_stack([np.full(30, 10.0), np.geomspace(10, 20, 30)]))
    for shock in (CorrelationToOne(), VolatilityTimes(3.0)):
        np.testing.assert_allclose(shocked(bars, shock).close[:, 0], 10.0, rtol=1e-12)


def test_intraday_bars_are_moved_bar_by_bar() -> None:
    bars = wild_bars(4, 42, 2, absent_share=0.0, session_bars=7)
    after = shocked(bars, VolatilityTimes(2.0))
    deviations = [np.diff(np.log(each.close), axis=0).std(axis=0) for each in (bars, after)]
    np.testing.assert_allclose(deviations[1], 2.0 * deviations[0], rtol=1e-9)
    at = shocked(bars, Gap(-0.1, at=date(1970, 1, 1) + timedelta(int(bars.session_day[10]))))
    assert (at.close[7:] == bars.close[7:] * 0.9).all()  # from the session's first bar on
    assert (at.close[:7] == bars.close[:7]).all()


def test_while_liquidity_is_gone_nothing_fills() -> None:
    bars = wild_bars(11, 60, 2, absent_share=0.0)
    strategy, terms = Wander(seed=3, pace=0.9), terms_of(start_bar=5)
    before = run_backtest(strategy, bars, terms).fills["ts"]
    silent = shocked(bars, LiquidityGone(10), at=20)
    after = run_backtest(strategy, silent, terms).fills["ts"]
    dead = [int(ts) for ts in bars.ts[20:30]]
    assert any(stamp.value in dead for stamp in before)
    assert not any(stamp.value in dead for stamp in after)
    assert any(stamp.value >= bars.ts[30] for stamp in after)


def test_liquidity_goes_only_where_it_was_and_while_it_is_said_to() -> None:
    bars = wild()
    after = shocked(bars, LiquidityGone(5, symbols=("A2",)), at=37)
    there = np.isfinite(bars.close[37:, 2])
    assert (after.volume[37:, 2][there] == 0.0).all()
    np.testing.assert_array_equal(after.volume[37:, 2][~there], bars.volume[37:, 2][~there])
    np.testing.assert_array_equal(after.volume[:37], bars.volume[:37])
    np.testing.assert_array_equal(after.panel[:VOLUME], bars.panel[:VOLUME])


def test_a_spread_changes_no_bar() -> None:
    bars = wild()
    assert shocked(bars, SpreadTimes(3.0)) is bars


def test_a_shock_that_comes_at_a_time_needs_one_within_the_bars() -> None:
    bars = wild()
    with pytest.raises(ConfigError, match="gap of -10 % must say when"):
        shocked(bars, Gap(-0.1))
    for at in (0, 40, -1):
        with pytest.raises(DataError, match="must come after the first of 40 bars"):
            shocked(bars, Gap(-0.1), at=at)
    with pytest.raises(DataError, match="within the bars"):
        shocked(bars, LiquidityGone(3, at=date(1999, 1, 4)))
    with pytest.raises(DataError, match="symbol must be one of A0, A1, A2"):
        shocked(bars, Gap(-0.1, symbols=("B",)), at=5)


def test_prices_beyond_prices_are_refused() -> None:
    jumpy = flat_bars(np.tile([1e-3, 1e6], 20))
    with pytest.raises(DataError, match="price from"):
        shocked(jumpy, VolatilityTimes(20.0))
    with pytest.raises(DataError, match="price from"):
        shocked(flat_bars([1e-6, 1e-6, 1e-6]), Gap(-0.5), at=1)


def test_no_other_array_is_touched() -> None:
    bars = wild().with_column("rank", _ranks())
    for shock in EVERY:
        after = arrays_of(shocked(bars, shock, at=9))
        for name, array in arrays_of(bars).items():
            if name not in ("panel", "dividends"):
                np.testing.assert_array_equal(after[name], array)


def _ranks() -> Any:
    import pandas as pd

    return pd.DataFrame({"available_at": pd.to_datetime(["2022-01-10"]), "value": [3.0]})


def test_a_gap_hurts_most_after_the_close_at_which_most_was_held() -> None:
    closes = np.full(30, 10.0)
    bars = flat_bars(np.column_stack([closes, np.where(np.arange(30) < 20, 10.0, 30.0)]))
    result = run_backtest(BuyAndHold(), bars, terms_of())
    gap = Gap(-0.2, symbols=("A1",))
    # From bar 20 on three quarters of the equity are in it; the next open is the first.
    assert worst_moment(gap, result) == 21
    # The other one is at most half of it, from its first fill on.
    first_fill = int(np.searchsorted(bars.ts, result.fills["ts"].iloc[0].value))
    assert worst_moment(Gap(-0.2, symbols=("A0",)), result) == first_fill + 1


def test_being_stuck_hurts_most_before_the_worst_stretch() -> None:
    opens = np.array([10.0] * 15 + [9.5, 8.0, 7.0, 9.0] + [10.0] * 11)
    result = run_backtest(BuyAndHold(), flat_bars(opens), terms_of())
    assert worst_moment(LiquidityGone(3), result) == 15


def test_a_split_is_no_change_of_what_is_held() -> None:
    raw = flat_bars([100.0] * 10 + [50.0] * 10 + [60.0] * 10)
    splits = np.ones((30, 1))
    splits[10] = 2.0
    # Half of the equity, so that its share rises with the price.
    result = run_backtest(BuyAndHold(invested=0.5), replace(raw, splits=splits), terms_of())
    assert worst_moment(Gap(-0.2), result) == 21


@given(seed=st.integers(0, 2**32 - 1), session_bars=st.sampled_from([1, 3]))
@settings(max_examples=10)
def test_what_is_held_is_what_the_run_marks(seed: int, session_bars: int) -> None:
    """Through splits that pay fractions in cash, delistings, silent and missing bars."""
    bars = wild_bars(seed, 80, 3, events=True, session_bars=session_bars)
    result = run_backtest(Wander(seed=3, pace=0.9), bars, terms_of(start_bar=5))
    held = shocked_bars._held_shares(result)[result.first : result.first + len(result.equity)]
    # Prices of a fraction of a cent are marked in whole millionths.
    np.testing.assert_allclose(held.sum(axis=1), result.exposure["net"].fillna(0.0), atol=5e-3)


def test_a_run_that_held_nothing_cannot_be_hurt() -> None:
    bars = flat_bars([10.0] * 20)
    expensive = terms_of(cash=5.0)
    with pytest.raises(DataError, match="hold something"):
        worst_moment(Gap(-0.2), run_backtest(BuyAndHold(), bars, expensive))
    with pytest.raises(DataError, match="longer than the shock, 50 bars"):
        worst_moment(LiquidityGone(50), run_backtest(BuyAndHold(), bars, terms_of()))


def test_costs_of_a_run_do_not_hide_its_positions() -> None:
    bars = wild_bars(11, 60, 2, absent_share=0.0)
    terms = terms_of(start_bar=5, costs=Costs(commission_bps=20.0))
    result = run_backtest(Wander(seed=3, pace=0.5, short=True), bars, terms)
    at = worst_moment(Gap(-0.3), result)
    net = result.exposure["net"]
    assert net.iloc[at - 1 - result.first] == pytest.approx(net.iloc[:-1].max())
