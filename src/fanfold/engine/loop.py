"""One run: the step, bar after bar.

The step is two halves around the decision. A backtest is the loop over them; a
decision that is not compiled is called between the compiled halves; live trading
calls the same halves once an event.
"""

import math
from typing import Any

from fanfold.domain.compiled import compiled, compiled_as
from fanfold.domain.decision import Asset, Portfolio, decision_type
from fanfold.domain.panel import read_only
from fanfold.domain.record import Record
from fanfold.engine.approve import close_bar
from fanfold.engine.close import break_at_limits, mark, measure, show_account, show_bar, show_clock
from fanfold.engine.hold import is_quiet, pass_quietly
from fanfold.engine.open import close_positions, meet_open
from fanfold.engine.state import OK, Account, Desk, FillRow, OrderRow, Rules


@compiled
def before_decision(
    t: int,
    panel: Any,
    marks: Any,
    clock: Any,
    pulse: Any,
    desks: Any,
    account: Any,
    rules: Any,
    equity_curve: Any,
    fills: Any,
    orders: Any,
) -> None:
    """Open and close of bar t, up to where the strategy is asked."""
    if account.working != 0:
        meet_open(t, panel, desks, account, rules, fills, orders)
        if account.status != OK:
            return
    mark(t, marks, desks, account)
    if account.status != OK:
        return
    if t == account.closing_bar:
        close_positions(t, desks, account, rules, fills)
    measure(t, clock, pulse, account)
    break_at_limits(account, rules, desks)
    if account.recording == 1:
        equity_curve[t] = account.equity


def _many(record: type[Record]) -> Any:
    from numba import from_dtype

    return from_dtype(record.dtype)[::1]


def loop_type() -> Any:
    """numba's type of `run_bars`."""
    from numba import float64, int64, types

    return types.void(
        int64,
        int64,
        read_only("float64", 3),
        read_only("float64", 2),
        read_only("float64", 3),
        read_only("int64", 1),
        read_only("int64", 2),
        read_only("float64", 2),
        types.FunctionType(decision_type()),
        int64[::1],
        float64[:, ::1],
        _many(Asset),
        _many(Desk),
        _many(Portfolio),
        float64[::1],
        _many(Account),
        _many(Rules),
        int64[::1],
        _many(FillRow),
        _many(OrderRow),
    )


@compiled_as(loop_type)
def run_bars(  # noqa: C901  (the loop itself)
    first: int,
    last: int,
    panel: Any,
    marks: Any,
    bank: Any,
    columns: Any,
    clock: Any,
    pulse: Any,
    decide: Any,
    changed: Any,
    targets: Any,
    assets: Any,
    desks: Any,
    portfolio: Any,
    memory: Any,
    account: Any,
    rules: Any,
    equity_curve: Any,
    fills: Any,
    orders: Any,
) -> None:
    """Run bars first to last - 1, or until the run has ended (`account.status`).

    If the decision was asked ahead, `changed` are the bars on which it changed a
    target, closed by `last`, and `targets` what it wrote there, of shape
    [change, asset]. If they are empty it is asked here, bar by bar.
    """
    ahead = len(changed) != 0
    change = 0
    passes = ahead and rules[0].rebalance_band == math.inf  # a drift may be traded at any bar
    t = first
    while t < last:
        if passes and is_quiet(account[0], desks, assets):
            until = changed[change]
            if account[0].closing_bar >= 0:
                until = min(until, account[0].closing_bar)
            if until > t:
                t = pass_quietly(
                    t, until, marks, clock, pulse, desks, account[0], rules[0], equity_curve
                )
                if t == last:
                    return
        before_decision(
            t, panel, marks, clock, pulse, desks, account[0], rules[0], equity_curve, fills, orders
        )
        if account[0].status != OK:
            return
        if ahead:
            if changed[change] == t:
                for i in range(len(assets)):
                    assets[i].target = targets[change, i]
                change += 1
        else:
            show_bar(t, marks, panel, bank, columns, len(columns), 1, assets)
            show_clock(t, clock, pulse, portfolio[0])
            show_account(assets, desks, portfolio[0], account[0])
            decide(assets, portfolio[0], memory)
        close_bar(t, assets, desks, account[0], rules[0], orders)
        if account[0].status != OK:
            return
        t += 1


def _type_of_advance() -> Any:
    from numba import int64

    return int64(
        int64,
        int64,
        read_only("float64", 3),
        read_only("float64", 2),
        read_only("float64", 3),
        read_only("int64", 1),
        read_only("int64", 2),
        read_only("float64", 2),
        _many(Asset),
        _many(Desk),
        _many(Portfolio),
        _many(Account),
        _many(Rules),
        int64[::1],
        _many(FillRow),
        _many(OrderRow),
    )


@compiled_as(_type_of_advance)
def advance(
    t: int,
    last: int,
    panel: Any,
    marks: Any,
    bank: Any,
    columns: Any,
    clock: Any,
    pulse: Any,
    assets: Any,
    desks: Any,
    portfolio: Any,
    account: Any,
    rules: Any,
    equity_curve: Any,
    fills: Any,
    orders: Any,
) -> int:
    """From the decision of the bar before to the decision of bar t; the status.

    Both halves in one call, for a decision that is called from Python between
    them. At the first bar nothing was decided yet (`account.bar_count` is 0), at
    `last` there is no bar any more.
    """
    if account[0].bar_count != 0:
        close_bar(t - 1, assets, desks, account[0], rules[0], orders)
    if account[0].status == OK and t < last:
        before_decision(
            t, panel, marks, clock, pulse, desks, account[0], rules[0], equity_curve, fills, orders
        )
        show_bar(t, marks, panel, bank, columns, len(columns), 1, assets)
        show_clock(t, clock, pulse, portfolio[0])
        show_account(assets, desks, portfolio[0], account[0])
    return account[0].status
