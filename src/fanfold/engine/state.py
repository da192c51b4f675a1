"""The state of one run, as records: all of it, so that a run is its arguments.

Money is in micro-units, quantities in lots (`fanfold.domain.money`).
"""

from typing import Final

from fanfold.domain.record import Record

TS: Final = 0
SESSION_DAY: Final = 1
IS_MONTH_END: Final = 2
CLOSES_SESSION: Final = 3
SESSIONS_CLOSED: Final = 4
CLOCK_ROWS: Final = 5
"""Rows of `clock`, int64 of shape [row, bar]: bar's end [ns UTC], session's date
[days since 1970-01-01], whether it is the last of its month, whether the bar is the
session's last (where returns are measured), how many such bars so far."""

EQUITY_SUM_SHIFT: Final = 20
"""Equity is added up in units of 2**20 micro-units: exact, and no sum of bars overflows."""

MINUTES_TO_CLOSE: Final = 0
BENCHMARK_RETURN: Final = 1
PULSE_ROWS: Final = 2
"""Rows of `pulse`, float64 of shape [row, bar]: time to the session's end [min], the
benchmark's return over the session [1] on the session's last bar, else NaN."""


class Rules(Record):
    """Costs, limits, sizing and options of one run, as numbers."""

    slippage: float
    commission_rate: int
    leverage: int
    max_position: float
    max_gross: float
    max_drawdown: float
    sizing_kind: int
    sizing_value: float
    size_at_fill: int
    rebalance_band: float
    min_trade_weight: float
    min_trade_notional: float
    close_at_end: int
    recording: int


class Desk(Record):
    """One asset's book: position, goal, working orders, open round trip.

    Of the two working orders the close goes before the open. `unsized` is 1 while
    the open order waits for the fill to be sized (`size_at = "fill"`).
    """

    index: int
    parts: int
    mark: int
    value: int
    units: int
    goal: int
    target: float
    close_order: int
    open_order: int
    unsized: int
    close_row: int
    open_row: int
    order_bar: int
    asked: int
    reason: int
    entry_lots: int
    entry_amount: int
    exit_lots: int
    exit_amount: int
    trip_pnl: int
    realised: int


class Account(Record):
    """Money, measures so far and the state of the loop."""

    cash: int
    equity: int
    gross: int
    working: int
    touched: int
    halted: int
    status: int
    fault_asset: int
    fault_value: float
    peak: int
    peak_ts: int
    worst_equity: int
    worst_peak: int
    underwater: int
    underwater_max: int
    close_equity: int
    return_sum: float
    square_sum: float
    downside_sum: float
    cross_sum: float
    return_count: int
    bar_count: int
    held_bar_count: int
    equity_sum: int
    fees: int
    traded: int
    fill_count: int
    trip_count: int
    win_count: int
    win_sum: int
    loss_count: int
    loss_sum: int
    recording: int
    closing_bar: int
    order_rows: int


class FillRow(Record):
    """One fill; `lots` is signed, `amount` is price × quantity, not negative."""

    bar: int
    asset: int
    lots: int
    price: int
    amount: int
    fee: int
    role: int
    order_bar: int


class OrderRow(Record):
    """One order, from the decision that asked for it to its end."""

    bar: int
    asset: int
    role: int
    asked: int
    approved: int
    filled: int
    status: int
    reason: int
    done_bar: int


OK = 0
RUINED = 1
TARGET_NOT_FINITE = 2
OVERFLOW = 3
STATUSES = ("ok", "ruined", "target_not_finite", "overflow")
