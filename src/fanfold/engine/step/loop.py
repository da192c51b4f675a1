"""One run: the step, bar after bar.

The step is two halves around the decision. A backtest is the loop over them; a
decision that is not compiled is called between the compiled halves; live trading
calls the same halves once an event.
"""

from typing import Any

from fanfold.domain.compiled import compiled, compiled_as
from fanfold.domain.decision import Asset, Portfolio, decision_type
from fanfold.domain.orders import AT_CLOSE, AT_OPEN, CLS, GTC
from fanfold.domain.panel import read_only
from fanfold.domain.record import Record
from fanfold.engine.step.close import (
    break_at_limits,
    charge_day,
    close_positions,
    mark,
    measure,
    note_block,
)
from fanfold.engine.step.inside import meet_inside
from fanfold.engine.step.meet import begin_bar, meet
from fanfold.engine.step.overnight import pass_night
from fanfold.engine.step.quiet import is_quiet, pass_quietly
from fanfold.engine.step.show import ALL_PRICES, show_account, show_bar, show_clock, show_members
from fanfold.engine.step.state import (
    CASH_ROW,
    EQUITY_ROW,
    GROSS_ROW,
    LIMIT,
    NEXT_EVENT,
    OK,
    STOP,
    STOP_LOSS,
    TAKE_PROFIT,
    TARGET,
    TRAILING_STOP,
    WISHES,
    Account,
    BookingRow,
    Desk,
    FillRow,
    OrderRow,
    Rules,
)
from fanfold.engine.step.watch import lapse
from fanfold.engine.step.wish import close_bar


@compiled
def before_decision(  # noqa: C901  (the bar, phase by phase)
    t: int, panel: Any, marks: Any, facts: Any, clock: Any, pulse: Any, desks: Any,
    account: Any, rules: Any, curve: Any, fills: Any, orders: Any, bookings: Any, cuts: Any,
    blocks: Any,
) -> None:  # fmt: skip
    """Night, open, inside and close of bar t, up to where the strategy is asked."""
    if rules.nights == 1:
        pass_night(t, facts, clock, desks, account, rules, fills, orders, bookings)
    if account.working != 0 or account.watching != 0:
        begin_bar(t, panel, facts, desks, account, rules)
        if account.status != OK:
            return
        meet(t, AT_OPEN, panel, facts, clock, desks, account, rules, fills, orders)
        if rules.prices == 1:
            meet_inside(t, panel, facts, clock, desks, account, rules, fills, orders)
        if rules.time_in_force == CLS:
            meet(t, AT_CLOSE, panel, facts, clock, desks, account, rules, fills, orders)
        if rules.time_in_force != GTC:
            lapse(t, facts, clock, desks, account, rules, orders)
        if account.status != OK:
            return
    mark(t, marks, desks, account)
    if account.status != OK:
        return
    if t == account.closing_bar:
        close_positions(t, clock, facts, desks, account, rules, fills, orders)
    if rules.regulatory == 1:
        charge_day(t, clock, account, bookings)
    measure(t, clock, pulse, account)
    note_block(t, cuts, blocks, account)
    break_at_limits(account, rules, desks)
    if account.recording == 1:
        curve[EQUITY_ROW, t] = account.equity
        curve[CASH_ROW, t] = account.cash
        curve[GROSS_ROW, t] = account.gross


@compiled
def show(
    t: int, marks: Any, seen: Any, facts: Any, bank: Any, columns: Any, clock: Any, pulse: Any,
    assets: Any, desks: Any, portfolio: Any, account: Any, rules: Any,
) -> None:  # fmt: skip
    """Show the decision all that is known at bar t's end."""
    show_bar(t, marks, seen, bank, columns, len(columns), ALL_PRICES, assets)
    show_members(t, facts, rules, assets)
    show_clock(t, clock, pulse, portfolio)
    show_account(t, facts, rules, assets, desks, portfolio, account)


@compiled
def take_wishes(t: int, assets: Any, wishes: Any, delayed: Any) -> None:
    """Copy what the decision wrote; delayed orders hear what it wrote some bars ago."""
    lag = len(delayed)
    for i in range(len(assets)):
        asset = assets[i]
        if lag == 0:
            wishes[i, TARGET] = asset.target
            wishes[i, LIMIT] = asset.limit
            wishes[i, STOP] = asset.stop
            wishes[i, STOP_LOSS] = asset.stop_loss
            wishes[i, TAKE_PROFIT] = asset.take_profit
            wishes[i, TRAILING_STOP] = asset.trailing_stop
        else:
            slot = t % lag
            for wish in range(WISHES):
                wishes[i, wish] = delayed[slot, i, wish]
            delayed[slot, i, TARGET] = asset.target
            delayed[slot, i, LIMIT] = asset.limit
            delayed[slot, i, STOP] = asset.stop
            delayed[slot, i, STOP_LOSS] = asset.stop_loss
            delayed[slot, i, TAKE_PROFIT] = asset.take_profit
            delayed[slot, i, TRAILING_STOP] = asset.trailing_stop


def many(record: type[Record]) -> Any:
    """numba's type of an array of records."""
    from numba import from_dtype

    return from_dtype(record.dtype)[::1]


def _market_types() -> tuple[Any, ...]:
    """Types of the arguments from `panel` to `pulse`."""
    return (
        read_only("float64", 3),
        read_only("float64", 3),
        read_only("float64", 2),
        read_only("float64", 3),
        read_only("float64", 3),
        read_only("int64", 1),
        read_only("int64", 2),
        read_only("float64", 2),
    )


def _state_types() -> tuple[Any, ...]:
    """Types of the arguments from `wishes` to `blocks`."""
    from numba import float64, int64

    return (
        float64[:, ::1],
        float64[:, :, ::1],
        float64[:, ::1],
        many(Account),
        many(Rules),
        int64[:, ::1],
        many(FillRow),
        many(OrderRow),
        many(BookingRow),
        read_only("int64", 1),
        float64[:, ::1],
    )


def loop_type() -> Any:
    """numba's type of `run_bars`."""
    from numba import float64, int64, types

    return types.void(
        int64,
        int64,
        *_market_types(),
        types.FunctionType(decision_type()),
        int64[::1],
        float64[:, :, ::1],
        many(Asset),
        many(Desk),
        many(Portfolio),
        float64[::1],
        *_state_types(),
    )


@compiled_as(loop_type)
def run_bars(  # noqa: C901, PLR0912  (the loop itself)
    first: int, last: int, panel: Any, seen: Any, marks: Any, facts: Any, bank: Any,
    columns: Any, clock: Any, pulse: Any, decide: Any, changed: Any, wished: Any, assets: Any,
    desks: Any, portfolio: Any, memory: Any, wishes: Any, delayed: Any, scratch: Any,
    account: Any, rules: Any, curve: Any, fills: Any, orders: Any, bookings: Any, cuts: Any,
    blocks: Any,
) -> None:  # fmt: skip
    """Run bars first to last - 1, or until the run has ended (`account.status`).

    If the decision was asked ahead, `changed` are the bars on which it changed a
    wish, closed by `last`, and `wished` what it wrote there, of shape
    [change, asset, wish]. If they are empty it is asked here, bar by bar.
    """
    ahead = len(changed) != 0
    change = 0
    lag = rules[0].delay - 1
    passes = ahead and rules[0].every_bar == 0
    t = first
    while t < last:
        if passes and is_quiet(account[0], desks, wishes):
            until = min(changed[change] + lag, last, clock[NEXT_EVENT, t])
            if account[0].closing_bar >= 0:
                until = min(until, account[0].closing_bar)
            if len(cuts) != 0:
                until = min(until, cuts[account[0].block])
            if until > t:
                t = pass_quietly(
                    t, until, panel, marks, clock, pulse, desks, account[0], rules[0], curve
                )
                note_block(t - 1, cuts, blocks, account[0])
                if t == last:
                    return
        before_decision(
            t, panel, marks, facts, clock, pulse, desks, account[0], rules[0], curve, fills,
            orders, bookings, cuts, blocks,
        )  # fmt: skip
        if account[0].status != OK:
            return
        if ahead:
            if changed[change] + lag == t:
                for i in range(len(assets)):
                    for wish in range(wished.shape[2]):
                        wishes[i, wish] = wished[change, i, wish]
                change += 1
        else:
            show(
                t, marks, seen, facts, bank, columns, clock, pulse, assets, desks,
                portfolio[0], account[0], rules[0],
            )  # fmt: skip
            decide(assets, portfolio[0], memory)
            take_wishes(t, assets, wishes, delayed)
        close_bar(t, wishes, scratch, facts, clock, desks, account[0], rules[0], orders)
        if account[0].status != OK:
            return
        t += 1


def _type_of_advance() -> Any:
    from numba import int64

    return int64(
        int64, int64, *_market_types(), many(Asset), many(Desk), many(Portfolio), *_state_types()
    )


@compiled_as(_type_of_advance)
def advance(
    t: int, last: int, panel: Any, seen: Any, marks: Any, facts: Any, bank: Any, columns: Any,
    clock: Any, pulse: Any, assets: Any, desks: Any, portfolio: Any, wishes: Any, delayed: Any,
    scratch: Any, account: Any, rules: Any, curve: Any, fills: Any, orders: Any, bookings: Any,
    cuts: Any, blocks: Any,
) -> int:  # fmt: skip
    """From the decision of the bar before to the decision of bar t; the status.

    Both halves in one call, for a decision that is called from Python between
    them. At the first bar nothing was decided yet (`account.bar_count` is 0), at
    `last` there is no bar any more.
    """
    if account[0].bar_count != 0:
        take_wishes(t - 1, assets, wishes, delayed)
        close_bar(t - 1, wishes, scratch, facts, clock, desks, account[0], rules[0], orders)
    if account[0].status == OK and t < last:
        before_decision(
            t, panel, marks, facts, clock, pulse, desks, account[0], rules[0], curve, fills,
            orders, bookings, cuts, blocks,
        )  # fmt: skip
        show(
            t, marks, seen, facts, bank, columns, clock, pulse, assets, desks, portfolio[0],
            account[0], rules[0],
        )  # fmt: skip
    return account[0].status
