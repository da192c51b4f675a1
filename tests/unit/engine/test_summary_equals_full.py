"""What is summed up in the loop is what the recorded run shows, computed another way."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.decisions import GuardTheAccount, MindTheAccount, Wander, WanderWithPrices
from tests.fakes.runs import Case, cases, fields_of, roomy_tape, run, unrecorded

from fanfold import measures as m
from fanfold.domain.orders import CLOSE
from fanfold.engine.result import Result
from fanfold.engine.run import run_chunk
from fanfold.engine.timeline import timeline_of

STRATEGIES = st.sampled_from([Wander, MindTheAccount, WanderWithPrices, GuardTheAccount]).flatmap(
    lambda kind: st.builds(kind, seed=st.integers(0, 99), short=st.booleans())
)


@given(strategy=STRATEGIES, case=cases())
def test_a_run_that_is_recorded_ends_as_one_that_is_not(strategy: Wander, case: Case) -> None:
    summary = unrecorded(strategy, *case)
    bars, terms = case
    tape = roomy_tape(bars)
    first = run(strategy, *case).first
    full = run_chunk([strategy], bars, terms, first, tape=tape, mode="plain")
    assert fields_of(summary) == fields_of(full)


@given(strategy=STRATEGIES, case=cases(bars=(8, 90)))
def test_ratios_are_those_of_the_equity_curve(strategy: Wander, case: Case) -> None:
    result = run(strategy, *case)
    if result.status != "ok":
        return
    returns, per_year = session_returns(result), result.bars.periods_per_year
    compare(
        result.metrics,
        {
            "total_return": m.total_return(returns),
            "cagr": m.cagr(returns, per_year),
            "volatility": m.volatility(returns, per_year),
            "sharpe": m.sharpe_ratio(returns, periods_per_year=per_year),
            "sharpe_per_period": m.sharpe_ratio(returns),
            "sortino": m.sortino_ratio(returns, periods_per_year=per_year),
            "max_drawdown": float(np.max(m.drawdowns(curve(result)))),
            "max_drawdown_days": m.max_drawdown_days(result.equity, times(result)),
            "final_equity": result.equity.iloc[-1],
            "exposure": float((held_units(result) != 0).any(axis=1).mean()),
        },
    )


@given(strategy=STRATEGIES, case=cases(bars=(20, 90)))
def test_beta_and_alpha_are_those_against_the_benchmark(strategy: Wander, case: Case) -> None:
    result = run(strategy, *case)
    bars = result.bars
    level = timeline_of(bars).benchmark[result.first :]
    if result.status != "ok" or not np.isfinite(level).all():
        return
    ends = np.flatnonzero(bars.closes_session[result.first :])
    # A first bar that does not end its session leaves a return behind it.
    whole = 1 if ends[0] == 0 else 0
    if len(ends) - whole < 5 or whole == 0:
        return
    market = level[ends][1:] / level[ends][:-1] - 1.0
    returns = session_returns(result)
    compare(
        result.metrics,
        {
            "beta": m.beta(returns, market),
            "alpha": m.alpha(returns, market, periods_per_year=bars.periods_per_year),
        },
    )


@given(strategy=STRATEGIES, case=cases(bars=(20, 90)))
def test_trip_measures_are_those_of_the_round_trips(strategy: Wander, case: Case) -> None:
    result = run(strategy, *case)
    # Amounts are sums of floats here and integers there: pnl below this is none.
    pnl = result.round_trips["pnl"].to_numpy(float)
    flows = result.cash_flows
    regulatory = flows[flows["kind"] == "regulatory"]
    pnl = np.where(np.abs(pnl) < 1e-6, 0.0, pnl)
    compare(
        result.metrics,
        {
            "round_trip_count": len(pnl),
            "hit_rate": m.hit_rate(pnl),
            "profit_factor": m.profit_factor(pnl),
            "average_win": m.average_win(pnl),
            "average_loss": m.average_loss(pnl),
            "fill_count": len(result.fills),
            "fees": result.fills["fee"].sum() - regulatory["amount"].sum(),
        },
    )


@given(strategy=STRATEGIES, case=cases())
def test_the_metrics_do_not_hang_on_what_was_looked_at_first(strategy: Wander, case: Case) -> None:
    looked_at, fresh = run(strategy, *case), run(strategy, *case)
    assert len(looked_at.equity) == looked_at.outcome.accounts[0]["bar_count"]
    assert repr(looked_at.metrics) == repr(fresh.metrics)
    assert looked_at.equity.iloc[-1] == fresh.metrics["final_equity"]


def times(result: Result) -> Any:
    return result.equity.index.as_unit("ns").asi8


def curve(result: Result) -> Any:
    """Equity from the start on, so that a loss on the first bar counts."""
    return np.concatenate([[result.terms.cash / 1e6], result.equity.to_numpy()])


def session_returns(result: Result) -> Any:
    """Returns between session closes; the first session's from the starting cash."""
    ends = result.bars.closes_session[result.first :].copy()
    ends = ends[: len(result.equity)]
    levels = result.equity.to_numpy()[ends]
    if not ends[0]:
        levels = np.concatenate([[result.terms.cash / 1e6], levels])
    return levels[1:] / levels[:-1] - 1.0


def held_units(result: Result) -> Any:
    """Position at each bar's close [lots], from the fills; those at the end come after it."""
    tape, row = result._tape, result.outcome.accounts[0]
    held = np.zeros((len(result.equity), result.bars.asset_count), np.int64)
    changes = [*tape.fills[: int(row["fill_count"])], *tape.bookings[: int(row["booking_rows"])]]
    last = result.bars.bar_count - 1
    for change in changes:
        names = change.dtype.names
        # What is closed at the end is closed after the last bar was measured.
        ends = "order_bar" in names and change["role"] == CLOSE and change["order_bar"] == last
        if change["asset"] >= 0 and not ends:
            held[max(change["bar"] - result.first, 0) :, change["asset"]] += change["lots"]
    return held


def compare(metrics: dict[str, float], expected: dict[str, Any]) -> None:
    """Within 1e-9; where equity hardly moves, its returns have fewer digits to agree in."""
    found = {name: metrics[name] for name in expected}
    digits = 1e-5 if metrics["volatility"] < 1e-3 else 1e-9
    assert found == pytest.approx(expected, rel=digits, abs=1e-11, nan_ok=True)
