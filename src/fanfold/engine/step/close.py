"""A bar's close: mark, charge what is due, measure, break."""

import math
from typing import Any

from fanfold.domain.compiled import compiled, compiled_apart
from fanfold.domain.money import MICRO, share, to_micro
from fanfold.domain.orders import AT_CLOSE, CANCELLED, CLOSE, REGULATORY, REPLACED
from fanfold.engine.step.book import (
    begin_order,
    book,
    end_order,
    may_overflow,
    move,
    slipped_price,
)
from fanfold.engine.step.state import (
    BENCHMARK_RETURN,
    CLOSES_SESSION,
    EQUITY_SUM_SHIFT,
    RUINED,
    TS,
)
from fanfold.execution.costs import ceil_cent
from fanfold.risk.limits import drawdown_breached
from fanfold.risk.room import daily_loss_breached, margin_breached


@compiled
def mark(t: int, marks: Any, desks: Any, account: Any) -> None:
    """Mark every asset at bar t's close; without a bar its last mark stands."""
    equity = account.cash
    gross = 0
    for i in range(len(desks)):
        desk = desks[i]
        close = marks[t, i]
        if not math.isnan(close):
            desk.mark = to_micro(close)
            if may_overflow(desk.units, float(desk.mark), desk, account):
                return
            desk.value = share(desk.units, desk.mark, desk.parts)
        equity += desk.value
        gross += abs(desk.value)
    account.equity = equity
    account.gross = gross


@compiled_apart
def charge_day(t: int, clock: Any, account: Any, bookings: Any) -> None:
    """Charge the session's regulatory fees at its end, each kind rounded up to the cent."""
    if clock[CLOSES_SESSION, t] == 0 or (
        account.sec_due == 0 and account.taf_due == 0 and account.cat_due == 0
    ):
        return
    due = ceil_cent(account.sec_due) + ceil_cent(account.taf_due) + ceil_cent(account.cat_due)
    account.sec_due = 0
    account.taf_due = 0
    account.cat_due = 0
    account.fees += due
    move(t, -1, REGULATORY, -due, 0, account, bookings)
    account.equity -= due


@compiled
def measure(t: int, clock: Any, pulse: Any, account: Any) -> None:
    """Add one bar to the measures: returns at session ends, drawdown at every bar."""
    equity = account.equity
    account.bar_count += 1
    account.equity_sum += equity >> EQUITY_SUM_SHIFT
    account.net_sum += (equity >> EQUITY_SUM_SHIFT) - (account.cash >> EQUITY_SUM_SHIFT)
    account.held_bar_count += 1 if account.gross != 0 else 0
    if equity >= account.peak:
        if account.underwater == 1:
            account.underwater_max = max(account.underwater_max, clock[TS, t] - account.peak_ts)
        account.peak = equity
        account.peak_ts = clock[TS, t]
        account.underwater = 0
    else:
        account.underwater = 1
        if is_deeper(equity, account.peak, account.worst_equity, account.worst_peak):
            account.worst_equity = equity
            account.worst_peak = account.peak
    benchmark = pulse[BENCHMARK_RETURN, t]
    if benchmark == benchmark:  # noqa: PLR0124  (false for NaN: the session goes on)
        account.return_count += 1
        if equity != account.close_equity:
            change = equity / account.close_equity - 1.0
            square = change * change
            loss = change if change < 0.0 else 0.0
            account.return_sum += change
            account.square_sum += square
            account.cube_sum += square * change
            account.fourth_sum += square * square
            account.downside_sum += loss * loss
            account.cross_sum += change * benchmark
            account.close_equity = equity


@compiled
def note_block(t: int, cuts: Any, blocks: Any, account: Any) -> None:
    """Keep the sums so far where bar t is the last of a block.

    `cuts` are the bars after each block's last, and `blocks` what is kept, of shape
    [block, sum]; empty ones keep nothing.
    """
    if len(cuts) != 0 and t + 1 == cuts[account.block]:
        row = account.block
        blocks[row, 0] = account.return_sum
        blocks[row, 1] = account.square_sum
        blocks[row, 2] = account.cube_sum
        blocks[row, 3] = account.fourth_sum
        account.block = row + 1


@compiled
def is_deeper(equity: int, peak: int, worst_equity: int, worst_peak: int) -> bool:
    """Whether equity / peak is below worst_equity / worst_peak, without dividing."""
    return float(equity) * worst_peak < float(worst_equity) * peak


@compiled
def break_at_limits(account: Any, rules: Any, desks: Any) -> None:
    """Ruin ends the run; a breached loss limit closes everything.

    A drawdown latches for good, a daily loss until the next session. Too little equity
    for what is held calls for margin.
    """
    if account.equity <= 0:
        account.status = RUINED
        return
    if account.halted == 0 and drawdown_breached(account.equity, account.peak, rules.max_drawdown):
        account.halted = 1
        _flatten(desks, account)
    if account.day_halted == 0 and daily_loss_breached(
        account.equity, account.session_equity, rules.max_daily_loss
    ):
        account.day_halted = 1
        _flatten(desks, account)
    if margin_breached(account.equity, account.gross, rules.maintenance):
        account.margin_called = 1


@compiled_apart
def _flatten(desks: Any, account: Any) -> None:
    """A breaker sets all goals to zero and disarms what they belonged to."""
    account.stirred = 1
    for i in range(len(desks)):
        desk = desks[i]
        if desk.goal != 0 or desk.units != 0 or desk.open_order != 0 or desk.unsized == 1:
            desk.goal = 0
            desk.disarmed = 1
            desk.forced = 1


@compiled_apart
def close_positions(
    t: int,
    clock: Any,
    facts: Any,
    desks: Any,
    account: Any,
    rules: Any,
    fills: Any,
    orders: Any,
) -> None:
    """Close every position at the close of the last bar, with costs."""
    for side in (-1, 1):
        for i in range(len(desks)):
            desk = desks[i]
            if desk.units * side < 0:
                if desk.close_order != 0:
                    done = desk.close_lots
                    desk.close_order = 0
                    end_order(t, desk.close_row, done, CANCELLED, REPLACED, account, orders)
                desk.order_bar = t
                begin_order(CLOSE, desk)
                price = slipped_price(t, desk.mark / MICRO, -desk.units, desk, facts, rules)
                book(
                    t, AT_CLOSE, -desk.units, price, CLOSE, desk, clock, facts, account, rules,
                    fills,
                )  # fmt: skip
                desk.value = 0
    account.equity = account.cash
