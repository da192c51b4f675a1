"""Runs for tests: all kinds of terms, and what a run left behind as plain values."""

from typing import Any

from hypothesis import strategies as st

from fanfold.domain.bars import Bars
from fanfold.engine.arena import Tape
from fanfold.engine.backtest import run_backtest, terms_of
from fanfold.engine.options import FillOptions
from fanfold.engine.result import Result
from fanfold.engine.run import Mode, Outcomes, _Compiled, first_bar, run_chunk
from fanfold.engine.spec import Terms
from fanfold.execution.costs import Costs
from fanfold.risk.limits import Limits
from fanfold.strategies.sizing import Exposure, FixedUnits
from fanfold.strategies.strategy import Strategy, decision_of


def maybe(values: list[Any]) -> st.SearchStrategy[Any]:
    """None, or one of the values."""
    return st.sampled_from([None, *values])


def any_terms(**fixed: Any) -> st.SearchStrategy[Terms]:
    """Terms of every kind; what is given stays as it is."""
    options = st.builds(
        FillOptions,
        size_at=st.sampled_from(["decision", "fill"]),
        fractional=maybe([True, False]),
        close_at_end=st.booleans(),
        rebalance_band=maybe([0.02, 0.2]),
        min_trade_weight=st.sampled_from([0.0, 0.05]),
        min_trade_notional=maybe([0.0, 500.0]),
    )
    free = {
        "cash": st.sampled_from([100_000, 1_000, 12_345.678901, 3e7]),
        "costs": st.builds(
            Costs,
            commission_bps=st.sampled_from([0.0, 10.0, 3.33333, 0.01, 250.0]),
            slippage_bps=st.sampled_from([0.0, 5.0, 7.77]),
        ),
        "limits": st.builds(
            Limits,
            max_position=maybe([0.3, 1.0]),
            max_gross=maybe([0.5, 1.2]),
            max_drawdown=maybe([0.05, 0.3]),
        ),
        "sizing": st.one_of(
            st.just(Exposure()), st.sampled_from([1.0, 7.0, 0.25, 1_000.0]).map(FixedUnits)
        ),
        "venue": st.sampled_from(["alpaca", "ideal"]),
        "options": options,
        "leverage": st.sampled_from([1.0, 1.0, 2.5]),
        "start_bar": maybe([0, 4]),
    }
    given = {name: st.just(value) for name, value in fixed.items()}
    return st.builds(terms_of, **(free | given))


def run(strategy: Strategy, bars: Bars, terms: Terms, *, mode: Mode = "plain") -> Result:
    """One run, recorded when it is looked at."""
    return run_backtest(strategy, bars, terms, mode=mode)


def account_of(result: Result) -> dict[str, Any]:
    """The account's last state by field; whether it was recorded is no part of it."""
    return fields_of(result.outcome)


def fields_of(outcome: Outcomes) -> dict[str, Any]:
    """An outcome as plain values that can be compared and printed.

    Two flags are left out: they say how the run was made, not how it ended.
    """
    (row,) = outcome.accounts
    names = set(row.dtype.names) - {"recording", "touched"}
    state = {name: row[name].tobytes().hex() for name in sorted(names)}
    return state | {"error": outcome.errors[0]}


def tape_of(result: Result) -> dict[str, list[Any]]:
    """All that a run recorded, as plain values in the order of the loop."""
    row, tape = result.outcome.accounts[0], result._tape
    stop = result.first + int(row["bar_count"])
    return {
        "curve": tape.curve[result.first : stop].tolist(),
        "fills": tape.fills[: int(row["fill_count"])].tolist(),
        "orders": tape.orders[: int(row["order_rows"])].tolist(),
    }


def run_bar_by_bar(strategy: Strategy, bars: Bars, terms: Terms, *, plain: bool = True) -> Result:
    """A recorded run of a compiled decision that is not asked ahead."""
    tape = Tape.sized(bars.bar_count, 4 * bars.bar_count * bars.asset_count, 8 * bars.ts.size * 9)
    first = first_bar(strategy, bars, terms)
    chunk = _Compiled([strategy], bars, terms, tape, decision_of(strategy), plain=plain)
    return Result(
        strategy=strategy,
        bars=bars,
        terms=terms,
        first=first,
        outcome=chunk.run(first, ahead=False),
        tape=tape,
    )


def unrecorded(strategy: Strategy, bars: Bars, terms: Terms, *, mode: Mode = "plain") -> Outcomes:
    """The outcome of a run of which nothing per bar is kept."""
    return run_chunk([strategy], bars, terms, first_bar(strategy, bars, terms), mode=mode)
