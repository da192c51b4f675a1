"""Many runs in one compiled call: reset, ask ahead where that is possible, loop.

A decision that looks at the market and at its own memory only, and not at the
account, cannot be changed by what its orders did. It is asked for all bars first,
inlined into a tight loop; one that looks at positions or money is asked inside the
step, bar by bar. Both give the same bits.
"""

import math
from functools import cache
from typing import Any

from fanfold.domain.compiled import Compiled, compiled, compiled_as
from fanfold.domain.decision import Asset, Portfolio, decision_type
from fanfold.domain.language import attributes_read, attributes_written
from fanfold.domain.panel import read_only
from fanfold.engine.step.begin import begin_run
from fanfold.engine.step.loop import loop_type, many
from fanfold.engine.step.show import PRICE_BITS, show_bar, show_clock, show_members
from fanfold.engine.step.state import (
    LIMIT,
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
from fanfold.engine.step.trigger import is_set

ACCOUNT_FIELDS = frozenset(
    {
        "units",
        "weight",
        "entry_price",
        "bars_held",
        "realised_pnl",
        "open_order_units",
        "equity",
        "cash",
    }
)
"""What a decision sees of its own orders' consequences."""

CLOCK_FIELDS = frozenset({"ts", "session_day", "minutes_to_close", "is_month_end"})
ORDER_FIELDS = {
    "limit": LIMIT,
    "stop": STOP,
    "stop_loss": STOP_LOSS,
    "take_profit": TAKE_PROFIT,
    "trailing_stop": TRAILING_STOP,
}
"""What a decision may write beside targets, and where it stands among its wishes."""


@cache
def can_ask_ahead(decide: Compiled[..., None]) -> bool:
    """Whether the decision looks at nothing that its orders change."""
    return not attributes_read(decide.function) & ACCOUNT_FIELDS


@cache
def prices_written(decide: Compiled[..., None]) -> frozenset[str]:
    """The prices that the decision may write."""
    return frozenset(attributes_written(decide.function) & ORDER_FIELDS.keys())


@cache
def wish_count(decide: Compiled[..., None]) -> int:
    """Columns of wishes that the decision may change."""
    return WISHES if prices_written(decide) else 1


@compiled
def note_targets(t: int, count: int, assets: Any, desks: Any, changed: Any, wished: Any) -> int:
    """Note bar t if the decision changed a target there; returns the changes so far."""
    is_new = False
    for i in range(len(assets)):
        if assets[i].target != desks[i].target:
            desks[i].target = assets[i].target
            is_new = True
    if is_new:
        changed[count] = t
        for i in range(len(assets)):
            wished[count, i, TARGET] = assets[i].target
        count += 1
    return count


@compiled
def _differs(one: float, other: float) -> bool:
    """Whether two prices are not the same; NaN is the same as NaN."""
    return one != other and (is_set(one) or is_set(other))


@compiled
def _is_new(writes: int, wish: int, one: float, other: float) -> bool:
    """Whether a wish that the decision may write is not what it was."""
    return (writes >> wish) & 1 == 1 and _differs(one, other)


@compiled
def note_wishes(
    t: int, count: int, writes: int, assets: Any, wishes: Any, changed: Any, wished: Any
) -> int:
    """Note bar t if the decision changed anything that it writes.

    `writes` has a bit for each wish that it may write: the rest need no look.
    """
    is_new = False
    for i in range(len(assets)):
        asset = assets[i]
        if (
            asset.target != wishes[i, TARGET]
            or _is_new(writes, LIMIT, asset.limit, wishes[i, LIMIT])
            or _is_new(writes, STOP, asset.stop, wishes[i, STOP])
            or _is_new(writes, STOP_LOSS, asset.stop_loss, wishes[i, STOP_LOSS])
            or _is_new(writes, TAKE_PROFIT, asset.take_profit, wishes[i, TAKE_PROFIT])
            or _is_new(writes, TRAILING_STOP, asset.trailing_stop, wishes[i, TRAILING_STOP])
        ):
            is_new = True
    if not is_new:
        return count
    changed[count] = t
    for i in range(len(assets)):
        asset = assets[i]
        wishes[i, TARGET] = wished[count, i, TARGET] = asset.target
        wishes[i, LIMIT] = wished[count, i, LIMIT] = asset.limit
        wishes[i, STOP] = wished[count, i, STOP] = asset.stop
        wishes[i, STOP_LOSS] = wished[count, i, STOP_LOSS] = asset.stop_loss
        wishes[i, TAKE_PROFIT] = wished[count, i, TAKE_PROFIT] = asset.take_profit
        wishes[i, TRAILING_STOP] = wished[count, i, TRAILING_STOP] = asset.trailing_stop
    return count + 1


@compiled
def end_changes(last: int, count: int, desks: Any, wishes: Any, changed: Any) -> None:
    """Close the list of changes and put back what noted them."""
    changed[count] = last
    for i in range(len(desks)):
        desks[i].target = 0.0
        wishes[i, TARGET] = 0.0
        for wish in range(LIMIT, WISHES):
            wishes[i, wish] = math.nan


_runners: dict[tuple[str, int], Compiled[..., None]] = {}


def runner_of(decide: Compiled[..., None], values: int) -> Compiled[..., None]:
    """The chunk of runs of one decision that has so many feature values, made once."""
    key = decide.content_hash, values
    if key not in _runners:
        _runners[key] = _make_runner(decide, values)
    return _runners[key]


def _make_runner(decide: Compiled[..., None], values: int) -> Compiled[..., None]:
    """Compile a chunk of runs with the decision that they share.

    Its arguments are those of `run_bars`, which is passed as `loop` (linked in, it
    would be optimised again for each strategy), for many runs: one row of `columns`,
    `params` and `accounts` each. `done[0]` is the run in progress, for the caller
    to see which one raised; `ahead` 0 forces the bar-by-bar way.
    """
    looks_at = attributes_read(decide.function)
    prices = sum(bit for name, bit in PRICE_BITS.items() if name in looks_at)
    tells_time = bool(looks_at & CLOCK_FIELDS)
    sees_members = "member" in looks_at
    writes = sum(1 << ORDER_FIELDS[name] for name in prices_written(decide))
    ask = compiled(decide.function)  # of no fixed type, so it is inlined here

    @compiled_as(_type_of_runner)
    def run_chunk(
        first: int, last: int, ahead: int, cash: int, traits: Any, done: Any, params: Any,
        columns: Any, panel: Any, seen: Any, marks: Any, facts: Any, bank: Any, clock: Any,
        pulse: Any, loop: Any, decide_value: Any, changed: Any, wished: Any, assets: Any,
        assets_raw: Any, desks: Any, desks_raw: Any, portfolio: Any, memory: Any, wishes: Any,
        delayed: Any, scratch: Any, accounts: Any, rules: Any, curve: Any, fills: Any,
        orders: Any, bookings: Any, cuts: Any, blocks: Any,
    ) -> None:  # fmt: skip
        for k in range(done[0], len(params)):
            done[0] = k
            begin_run(
                first, last, params[k], cash, traits, clock, assets, assets_raw, desks,
                desks_raw, portfolio[0], memory, wishes, delayed, accounts[k], rules[0],
            )  # fmt: skip
            if ahead == 1:
                own = columns[k]
                count = 0
                for t in range(first, last):
                    show_bar(t, marks, seen, bank, own, values, prices, assets)
                    if sees_members:
                        show_members(t, facts, rules[0], assets)
                    if tells_time:
                        show_clock(t, clock, pulse, portfolio[0])
                    ask(assets, portfolio[0], memory)
                    if writes != 0:
                        count = note_wishes(t, count, writes, assets, wishes, changed, wished)
                    else:
                        count = note_targets(t, count, assets, desks, changed, wished)
                end_changes(last, count, desks, wishes, changed)
            loop(
                first, last, panel, seen, marks, facts, bank, columns[k], clock, pulse,
                decide_value, changed, wished, assets, desks, portfolio, memory, wishes, delayed,
                scratch, accounts[k : k + 1], rules, curve, fills, orders, bookings, cuts,
                blocks[k],
            )  # fmt: skip
        done[0] = len(params)

    run_chunk.__name__ = f"run_{decide.__name__}"
    return run_chunk


def _type_of_runner() -> Any:
    from numba import float64, int64, types

    return types.void(
        int64,
        int64,
        int64,
        int64,
        read_only("int64", 2),
        int64[::1],
        read_only("float64", 2),
        read_only("int64", 2),
        read_only("float64", 3),
        read_only("float64", 3),
        read_only("float64", 2),
        read_only("float64", 3),
        read_only("float64", 3),
        read_only("int64", 2),
        read_only("float64", 2),
        types.FunctionType(loop_type()),
        types.FunctionType(decision_type()),
        int64[::1],
        float64[:, :, ::1],
        many(Asset),
        float64[::1],
        many(Desk),
        float64[::1],
        many(Portfolio),
        float64[::1],
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
        float64[:, :, ::1],
    )
