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
from fanfold.domain.language import attributes_read
from fanfold.domain.panel import read_only
from fanfold.domain.record import Record
from fanfold.engine.close import show_bar, show_clock
from fanfold.engine.loop import loop_type
from fanfold.engine.state import (
    CLOSES_SESSION,
    TS,
    Account,
    Desk,
    FillRow,
    OrderRow,
    Rules,
)

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

PRICE_FIELDS = frozenset({"open", "high", "low", "close", "volume", "fresh"})
CLOCK_FIELDS = frozenset({"ts", "session_day", "minutes_to_close", "is_month_end"})


@cache
def can_ask_ahead(decide: Compiled[..., None]) -> bool:
    """Whether the decision looks at nothing that its orders change."""
    return not attributes_read(decide.function) & ACCOUNT_FIELDS


@compiled
def begin_run(
    first: int,
    last: int,
    params: Any,
    cash: int,
    parts: Any,
    clock: Any,
    assets: Any,
    assets_raw: Any,
    desks: Any,
    desks_raw: Any,
    portfolio: Any,
    memory: Any,
    account: Any,
    rules: Any,
) -> None:
    """Put everything that a run changes back to its start."""
    for place in range(len(assets_raw)):
        assets_raw[place] = 0.0
    for place in range(len(desks_raw)):
        desks_raw[place] = 0.0
    for place in range(len(memory)):
        memory[place] = 0.0
    for i in range(len(desks)):
        asset = assets[i]
        asset.index = i
        asset.open = asset.high = asset.low = asset.close = asset.volume = math.nan
        for place in range(len(asset.features)):
            asset.features[place] = math.nan
        asset.limit = asset.stop = asset.stop_loss = asset.take_profit = math.nan
        desks[i].index = i
        desks[i].parts = parts[i]
    for place in range(len(params)):
        portfolio.params[place] = params[place]
    account.cash = account.equity = account.close_equity = cash
    account.peak = account.worst_equity = account.worst_peak = cash
    account.peak_ts = clock[TS, first]
    account.return_count = -clock[CLOSES_SESSION, first]
    account.recording = rules.recording
    account.closing_bar = last - 1 if rules.close_at_end == 1 else -1


@compiled
def note_change(t: int, count: int, assets: Any, desks: Any, changed: Any, targets: Any) -> int:
    """Note bar t if the decision changed a target there; returns the changes so far."""
    is_new = False
    for i in range(len(assets)):
        if assets[i].target != desks[i].target:
            desks[i].target = assets[i].target
            is_new = True
    if is_new:
        changed[count] = t
        for i in range(len(assets)):
            targets[count, i] = assets[i].target
        count += 1
    return count


@compiled
def end_changes(last: int, count: int, assets: Any, desks: Any, changed: Any) -> None:
    """Close the list of changes and put the targets back to their start."""
    changed[count] = last
    for i in range(len(assets)):
        assets[i].target = 0.0
        desks[i].target = 0.0


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
    prices = int(bool(looks_at & PRICE_FIELDS))
    tells_time = bool(looks_at & CLOCK_FIELDS)
    ask = compiled(decide.function)  # of no fixed type, so it is inlined here

    @compiled_as(_type_of_runner)
    def run_chunk(
        first: int,
        last: int,
        ahead: int,
        cash: int,
        parts: Any,
        done: Any,
        params: Any,
        columns: Any,
        panel: Any,
        marks: Any,
        bank: Any,
        clock: Any,
        pulse: Any,
        loop: Any,
        decide_value: Any,
        changed: Any,
        targets: Any,
        assets: Any,
        assets_raw: Any,
        desks: Any,
        desks_raw: Any,
        portfolio: Any,
        memory: Any,
        accounts: Any,
        rules: Any,
        curve: Any,
        fills: Any,
        orders: Any,
    ) -> None:
        for k in range(done[0], len(params)):
            done[0] = k
            begin_run(
                first,
                last,
                params[k],
                cash,
                parts,
                clock,
                assets,
                assets_raw,
                desks,
                desks_raw,
                portfolio[0],
                memory,
                accounts[k],
                rules[0],
            )
            if ahead == 1:
                own = columns[k]
                count = 0
                for t in range(first, last):
                    show_bar(t, marks, panel, bank, own, values, prices, assets)
                    if tells_time:
                        show_clock(t, clock, pulse, portfolio[0])
                    ask(assets, portfolio[0], memory)
                    count = note_change(t, count, assets, desks, changed, targets)
                end_changes(last, count, assets, desks, changed)
            loop(
                first,
                last,
                panel,
                marks,
                bank,
                columns[k],
                clock,
                pulse,
                decide_value,
                changed,
                targets,
                assets,
                desks,
                portfolio,
                memory,
                accounts[k : k + 1],
                rules,
                curve,
                fills,
                orders,
            )
        done[0] = len(params)

    run_chunk.__name__ = f"run_{decide.__name__}"
    return run_chunk


def _type_of_runner() -> Any:
    from numba import float64, from_dtype, int64, types

    def many(record: type[Record]) -> Any:
        return from_dtype(record.dtype)[::1]

    return types.void(
        int64,
        int64,
        int64,
        int64,
        read_only("int64", 1),
        int64[::1],
        read_only("float64", 2),
        read_only("int64", 2),
        read_only("float64", 3),
        read_only("float64", 2),
        read_only("float64", 3),
        read_only("int64", 2),
        read_only("float64", 2),
        types.FunctionType(loop_type()),
        types.FunctionType(decision_type()),
        int64[::1],
        float64[:, ::1],
        many(Asset),
        float64[::1],
        many(Desk),
        float64[::1],
        many(Portfolio),
        float64[::1],
        many(Account),
        many(Rules),
        int64[::1],
        many(FillRow),
        many(OrderRow),
    )
