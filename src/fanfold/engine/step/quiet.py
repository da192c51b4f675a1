"""Stretches of bars on which nothing is asked and nothing waits.

A decision that was asked ahead changes its targets rarely. Between two changes a
bar only has to be marked and measured, with the same arithmetic as the step, but
with the sums in registers; an account without positions is not even marked.
"""

import math
from typing import Any

from fanfold.domain.compiled import compiled, compiled_apart
from fanfold.domain.money import is_too_large, share, to_micro
from fanfold.domain.panel import HIGH, LOW
from fanfold.engine.step.close import is_deeper
from fanfold.engine.step.state import (
    BENCHMARK_RETURN,
    CASH_ROW,
    CLOSES_SESSION,
    EQUITY_ROW,
    EQUITY_SUM_SHIFT,
    GROSS_ROW,
    SESSIONS_CLOSED,
    TARGET,
    TS,
)
from fanfold.risk.limits import drawdown_breached
from fanfold.risk.room import margin_breached


@compiled
def is_quiet(account: Any, desks: Any, wishes: Any) -> bool:
    """Whether nothing needs the step but a level that a bar reaches.

    Every asset holds its goal or has it working, and the goal is its last target's.
    """
    if account.working != 0 or account.stirred == 1:
        return False
    for i in range(len(desks)):
        desk = desks[i]
        target = wishes[i, TARGET]
        if desk.goal != desk.units + desk.close_order + desk.open_order:
            return False
        if desk.target != target and desk.barred != target:
            return False
    return True


@compiled_apart
def pass_quietly(
    first: int,
    last: int,
    panel: Any,
    marks: Any,
    clock: Any,
    pulse: Any,
    desks: Any,
    account: Any,
    rules: Any,
    curve: Any,
) -> int:
    """Mark and measure bars first to last - 1 with unchanged positions.

    Returns:
        The first bar that was not run: `last`, or the bar that reaches a watched
        level, or at whose close the account is ruined, called for margin or stopped
        by a breaker: the step has to run it.
    """
    t = first
    if account.close_equity == account.cash and account.watching == 0 and not _holds(desks):
        _rest(first, last, clock, account, curve)
        t = last
    else:
        t = _hold(first, last, panel, marks, clock, pulse, desks, account, rules, curve)
    _mark_last(first, t, marks, desks, account)
    return t


@compiled
def _holds(desks: Any) -> bool:
    for i in range(len(desks)):
        if desks[i].units != 0:
            return True
    return False


@compiled
def _rest(first: int, last: int, clock: Any, account: Any, curve: Any) -> None:
    """Without positions equity stands still: count the bars."""
    account.bar_count += last - first
    account.return_count += clock[SESSIONS_CLOSED, last - 1] - clock[SESSIONS_CLOSED, first]
    account.return_count += clock[CLOSES_SESSION, first]
    account.equity_sum += (account.cash >> EQUITY_SUM_SHIFT) * (last - first)
    if account.cash >= account.peak:
        account.peak_ts = clock[TS, last - 1]
    if account.recording == 1:
        for t in range(first, last):
            curve[EQUITY_ROW, t] = account.cash
            curve[CASH_ROW, t] = account.cash
            curve[GROSS_ROW, t] = 0


@compiled
def _mark_last(first: int, last: int, marks: Any, desks: Any, account: Any) -> None:
    """Leave desks and account as the step would have after bar last - 1."""
    equity = account.cash
    gross = 0
    for i in range(len(desks)):
        desk = desks[i]
        t = last - 1
        while t >= first and math.isnan(marks[t, i]):
            t -= 1
        if t >= first:
            desk.mark = to_micro(marks[t, i])
            desk.value = share(desk.units, desk.mark, desk.parts)
        equity += desk.value
        gross += abs(desk.value)
    account.equity = equity
    account.gross = gross


@compiled
def _hold(  # noqa: C901, PLR0912, PLR0915  (one loop whose sums stay in registers)
    first: int,
    last: int,
    panel: Any,
    marks: Any,
    clock: Any,
    pulse: Any,
    desks: Any,
    account: Any,
    rules: Any,
    curve: Any,
) -> int:
    """The measures of `fanfold.engine.close.measure`, summed in registers."""
    assets = len(desks)
    cash = account.cash
    peak, peak_ts = account.peak, account.peak_ts
    worst_equity, worst_peak = account.worst_equity, account.worst_peak
    underwater, underwater_max = account.underwater, account.underwater_max
    close_equity = account.close_equity
    return_sum, square_sum = account.return_sum, account.square_sum
    downside_sum, cross_sum = account.downside_sum, account.cross_sum
    cube_sum, fourth_sum = account.cube_sum, account.fourth_sum
    equity_sum, returns, held = account.equity_sum, 0, 0
    units, parts, value = desks[0].units, desks[0].parts, desks[0].value
    limited = rules.max_drawdown < math.inf
    recording = account.recording == 1
    watching = account.watching == 1
    low_watch, high_watch = desks[0].low_watch, desks[0].high_watch
    borrows = _borrows(desks, account)
    t = first
    while t < last:
        if watching:
            if assets == 1:
                if panel[LOW, t, 0] <= low_watch or panel[HIGH, t, 0] >= high_watch:
                    break
            elif _reaches_level(t, panel, desks):
                break
        if assets == 1:
            close = marks[t, 0]
            if close == close:  # noqa: PLR0124  (false for NaN: the asset does not trade)
                if is_too_large(units, close * 1e6, parts):
                    break
                value = share(units, to_micro(close), parts)
            equity = cash + value
            gross = abs(value)
        else:
            equity, gross = _marked(t, marks, desks, cash)
            if gross < 0:
                break
        if equity <= 0 or (
            limited and drawdown_breached(equity, max(peak, equity), rules.max_drawdown)
        ):
            break
        if borrows and margin_breached(equity, gross, rules.maintenance):
            break
        equity_sum += equity >> EQUITY_SUM_SHIFT
        held += 1 if gross != 0 else 0
        if equity >= peak:
            if underwater == 1:
                underwater_max = max(underwater_max, clock[TS, t] - peak_ts)
            peak = equity
            peak_ts = clock[TS, t]
            underwater = 0
        else:
            underwater = 1
            if is_deeper(equity, peak, worst_equity, worst_peak):
                worst_equity = equity
                worst_peak = peak
        benchmark = pulse[BENCHMARK_RETURN, t]
        if benchmark == benchmark:  # noqa: PLR0124  (false for NaN: the session goes on)
            returns += 1
            if equity != close_equity:
                change = equity / close_equity - 1.0
                square = change * change
                loss = change if change < 0.0 else 0.0
                return_sum += change
                square_sum += square
                cube_sum += square * change
                fourth_sum += square * square
                downside_sum += loss * loss
                cross_sum += change * benchmark
                close_equity = equity
        if recording:
            curve[EQUITY_ROW, t] = equity
            curve[CASH_ROW, t] = cash
            curve[GROSS_ROW, t] = gross
        t += 1
    account.peak, account.peak_ts = peak, peak_ts
    account.worst_equity, account.worst_peak = worst_equity, worst_peak
    account.underwater, account.underwater_max = underwater, underwater_max
    account.close_equity = close_equity
    account.return_sum, account.square_sum = return_sum, square_sum
    account.downside_sum, account.cross_sum = downside_sum, cross_sum
    account.cube_sum, account.fourth_sum = cube_sum, fourth_sum
    account.net_sum += equity_sum - account.equity_sum - (cash >> EQUITY_SUM_SHIFT) * (t - first)
    account.equity_sum = equity_sum
    account.bar_count += t - first
    account.return_count += returns
    account.held_bar_count += held
    return t


@compiled
def _marked(t: int, marks: Any, desks: Any, cash: int) -> Any:
    """Equity and gross exposure at bar t's close; marks are kept on the desks.

    Gross is -1 where a position is beyond integers, which the step has to find.
    """
    equity = cash
    gross = 0
    for i in range(len(desks)):
        desk = desks[i]
        if desk.units != 0:
            close = marks[t, i]
            if not math.isnan(close):
                if is_too_large(desk.units, close * 1e6, desk.parts):
                    return equity, -1
                desk.value = share(desk.units, to_micro(close), desk.parts)
            equity += desk.value
            gross += abs(desk.value)
    return equity, gross


@compiled
def _reaches_level(t: int, panel: Any, desks: Any) -> bool:
    """Whether bar t reaches a level that any asset's orders or exits wait for."""
    for i in range(len(desks)):
        if panel[LOW, t, i] <= desks[i].low_watch or panel[HIGH, t, i] >= desks[i].high_watch:
            return True
    return False


@compiled
def _borrows(desks: Any, account: Any) -> bool:
    """Whether anything is held with money or assets of others; else no margin is called."""
    if account.cash < 0:
        return True
    for i in range(len(desks)):
        if desks[i].units < 0:
            return True
    return False
