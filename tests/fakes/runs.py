"""Runs for tests: all kinds of terms, and what a run left behind as plain values."""

import math
from collections import namedtuple
from typing import Any

from hypothesis import strategies as st
from tests.fakes.panels import wild_bars

from fanfold.domain.bars import Bars
from fanfold.domain.orders import TIMES_IN_FORCE
from fanfold.engine.arena import Tape
from fanfold.engine.backtest import run_backtest, terms_of
from fanfold.engine.between import ROWS_PER_ASSET
from fanfold.engine.options import FillOptions
from fanfold.engine.outcomes import Outcomes
from fanfold.engine.result import Result
from fanfold.engine.run import Mode, _Compiled, first_bar, run_chunk
from fanfold.engine.spec import Terms
from fanfold.engine.step.state import CASH_ROW, EQUITY_ROW, GROSS_ROW
from fanfold.execution.costs import Costs
from fanfold.execution.venue_rules import CRYPTO, asset_class_of, venue_rules
from fanfold.risk.limits import Limits
from fanfold.strategies.sizing import (
    Exposure,
    FixedNotional,
    FixedUnits,
    Kelly,
    RiskFraction,
    VolatilityTarget,
)
from fanfold.strategies.strategy import Strategy, decision_of

Case = tuple[Bars, Terms]
"""A market, and the terms of a run on it."""


LARGE = 3e7
"""A large account's cash [currency]."""

KINDS_SENT = ("market", "limit", "stop_limit")
"""Types of orders that strategies with prices send."""


def maybe(values: list[Any]) -> st.SearchStrategy[Any]:
    """None, or one of the values."""
    return st.sampled_from([None, *values])


@st.composite
def cases(
    draw: st.DrawFn,
    *,
    bars: tuple[int, int] = (8, 60),
    assets: tuple[int, int] = (1, 4),
    events: bool = True,
    **fixed: Any,
) -> Case:
    """A wild market, and terms of any kind that its venue and its data allow.

    What is given as a term stays as it is.
    """
    calendar = draw(st.sampled_from(["XNYS", "XNYS", "24/7"]))
    asset_count = draw(st.integers(*assets))
    terms = draw(any_terms(calendar=calendar, asset_count=asset_count, **fixed))
    market = wild_bars(
        draw(st.integers(0, 2**32 - 1)),
        draw(st.integers(*bars)),
        asset_count,
        absent_share=draw(st.sampled_from([0.0, 0.1, 0.4])),
        session_bars=draw(st.sampled_from([1, 1, 3])),
        calendar=calendar,
        unknown_volume=not terms.needs_volume,
        events=events and draw(st.booleans()),
    )
    return market, terms


@st.composite
def any_terms(
    draw: st.DrawFn, *, calendar: str = "XNYS", asset_count: int = 4, **fixed: Any
) -> Terms:
    """Terms of every kind that assets of a calendar may have; what is given stays as it is."""
    venue = fixed.get("venue") or draw(st.sampled_from(["alpaca", "ideal"]))
    given_options = fixed.pop("options", None)
    options = given_options or draw(any_options(venue=venue, calendar=calendar))
    free: dict[str, Any] = {
        "cash": st.sampled_from([100_000, 1_000, 12_345.678901, LARGE]),
        "costs": any_costs(),
        "limits": any_limits(asset_count),
        "sizing": ANY_SIZING,
        "leverage": st.sampled_from([1.0, 1.0, 2.5]),
        "start_bar": maybe([0, 4]),
    }
    drawn = {name: draw(kind) for name, kind in free.items() if name not in fixed}
    if isinstance(drawn.get("sizing"), RiskFraction) and drawn.get("cash") == LARGE:
        drawn["cash"] = 100_000  # a stop close to the price would ask for too many lots
    return terms_of(**(drawn | fixed | {"venue": venue, "options": options}))


@st.composite
def any_options(draw: st.DrawFn, *, venue: str, calendar: str) -> FillOptions:
    """Options of every kind that a venue takes for assets of a calendar."""
    fractional = draw(maybe([True, False]))
    kind = asset_class_of(calendar)
    parts = kind == CRYPTO if fractional is None else fractional
    rules = venue_rules(venue)
    times = [
        time
        for time in TIMES_IN_FORCE
        if not any(rules.check_order(order, time, kind, fractional=parts) for order in KINDS_SENT)
    ]
    return FillOptions(
        size_at=draw(st.sampled_from(["decision", "fill"])),
        fractional=fractional,
        time_in_force=draw(st.sampled_from([None, None, *times])),
        limit_fill=draw(st.sampled_from(["touch", "through"])),
        intrabar=draw(st.sampled_from(["worst", "ohlc", "best"])),
        exit_arming=draw(st.sampled_from(["entry_bar", "next_bar"])),
        exit_reference=draw(st.sampled_from(["fill", "signal_close"])),
        rearm=draw(st.sampled_from(["on_change", "next_bar", "never"])),
        participation=draw(maybe([None, 0.02, 0.5])),
        delay_bars=draw(st.sampled_from([1, 1, 2, 5])),
        close_at_end=draw(st.booleans()),
        rebalance_band=draw(maybe([0.02, 0.2])),
        min_trade_weight=draw(st.sampled_from([0.0, 0.05])),
        min_trade_notional=draw(maybe([0.0, 500.0])),
        maintenance_margin=draw(maybe([0.0, 0.6])),
    )


def any_costs() -> st.SearchStrategy[Costs]:
    """Costs of every kind."""
    return st.builds(
        Costs,
        commission_bps=st.sampled_from([0.0, 10.0, 3.33333, 0.01, 250.0]),
        commission_per_unit=st.sampled_from([0.0, 0.0, 0.0035]),
        commission_per_trade=st.sampled_from([0.0, 0.0, 1.25]),
        commission_min=st.sampled_from([0.0, 0.0, 0.35]),
        slippage_bps=st.sampled_from([0.0, 5.0, 7.77]),
        half_spread=st.sampled_from([0.0, 0.0, 0.013]),
        volatility_slippage=st.sampled_from([0.0, 0.0, 0.1]),
        impact=st.sampled_from([0.0, 0.0, 0.5]),
        borrow_rate=st.sampled_from([0.0, 0.031]),
        margin_rate=st.sampled_from([0.0, 0.077]),
        schedule=st.sampled_from(["none", "none", "alpaca"]),
    )


@st.composite
def any_limits(draw: st.DrawFn, asset_count: int) -> Limits:
    """Limits of every kind, mostly two or three of them."""
    free: dict[str, list[Any]] = {
        "max_position": [0.3, 1.0],
        "max_gross": [0.5, 1.2],
        "max_net": [0.2, 0.8],
        "max_sector": [0.4],
        "max_order_notional": [3_000.0, 60_000.0],
        "max_volume_share": [0.1, 3.0],
        "max_daily_volume_share": [0.1, 2.0],
        "max_price_distance": [0.02],
        "outlier": [0.03],
        "max_orders": [1, 3],
        "max_drawdown": [0.05, 0.3],
        "max_daily_loss": [0.02],
        "max_var": [0.02],
    }
    limits: dict[str, Any] = {
        name: draw(st.sampled_from([None, None, None, *values])) for name, values in free.items()
    }
    if limits["max_sector"] is not None:
        names = [f"A{place}" for place in range(asset_count)]
        limits["sectors"] = dict(zip(names, ["even", "odd"] * asset_count, strict=False))
    return Limits(**limits, var_window=draw(st.sampled_from([5, 60])))


ANY_SIZING = st.one_of(
    st.just(Exposure()),
    st.just(Exposure()),
    st.sampled_from([1.0, 7.0, 0.25, 1_000.0]).map(FixedUnits),
    st.sampled_from([50.0, 20_000.0]).map(FixedNotional),
    st.sampled_from([0.01, 0.05]).map(RiskFraction),
    st.sampled_from([3, 5]).map(lambda window: Kelly(0.5, window=window)),
    st.sampled_from([3, 5]).map(lambda window: VolatilityTarget(0.4, window=window)),
)


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
    """All that a run recorded, as plain values in the order of the loop.

    Rows are named tuples; a price that is not there is None, for NaN is unlike itself.
    """
    row, tape = result.outcome.accounts[0], result._tape
    bars = slice(result.first, result.first + int(row["bar_count"]))
    return {
        "equity": tape.curve[EQUITY_ROW, bars].tolist(),
        "cash": tape.curve[CASH_ROW, bars].tolist(),
        "gross": tape.curve[GROSS_ROW, bars].tolist(),
        "fills": _rows(tape.fills[: int(row["fill_count"])], "Fill"),
        "orders": _rows(tape.orders[: int(row["order_rows"])], "Order"),
        "bookings": _rows(tape.bookings[: int(row["booking_rows"])], "Booking"),
    }


def _rows(records: Any, name: str) -> list[Any]:
    kind = namedtuple(name, records.dtype.names)
    return [kind(*map(_said, row)) for row in records.tolist()]


def _said(value: Any) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else value


def roomy_tape(bars: Bars) -> Tape:
    """A tape with room for whatever a run may do."""
    rows = ROWS_PER_ASSET * (bars.bar_count + 1) * bars.asset_count + bars.bar_count
    return Tape.sized(bars.bar_count, rows, rows, rows)


def run_bar_by_bar(strategy: Strategy, bars: Bars, terms: Terms, *, plain: bool = True) -> Result:
    """A recorded run of a compiled decision that is not asked ahead."""
    tape = roomy_tape(bars)
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
