"""A bar's close: mark, show the decision what is known, measure, break."""

import math
from typing import Any

from fanfold.domain.compiled import compiled, compiled_apart
from fanfold.domain.money import share, to_micro
from fanfold.domain.panel import HIGH, LOW, OPEN, VOLUME
from fanfold.engine.open import may_overflow
from fanfold.engine.state import (
    BENCHMARK_RETURN,
    EQUITY_SUM_SHIFT,
    IS_MONTH_END,
    MINUTES_TO_CLOSE,
    RUINED,
    SESSION_DAY,
    TS,
)
from fanfold.risk.limits import drawdown_breached


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


@compiled
def show_bar(
    t: int,
    marks: Any,
    panel: Any,
    bank: Any,
    columns: Any,
    values: int,
    prices: int,
    assets: Any,
) -> None:
    """Show the decision bar t of every asset; without a bar its last stands.

    There are `values` features. With `prices` 0 open to volume and `fresh` are left
    out, for a decision that reads none of them.
    """
    for i in range(len(assets)):
        asset = assets[i]
        close = marks[t, i]
        if close == close:  # noqa: PLR0124  (false for NaN: the asset does not trade)
            if prices == 1:
                asset.fresh = 1
                asset.open = panel[OPEN, t, i]
                asset.high = panel[HIGH, t, i]
                asset.low = panel[LOW, t, i]
                asset.close = close
                asset.volume = panel[VOLUME, t, i]
            for place in range(values):
                asset.features[place] = bank[columns[place], t, i]
        elif prices == 1:
            asset.fresh = 0


@compiled
def show_clock(t: int, clock: Any, pulse: Any, portfolio: Any) -> None:
    """Show the decision what time it is."""
    portfolio.ts = clock[TS, t]
    portfolio.session_day = clock[SESSION_DAY, t]
    portfolio.minutes_to_close = pulse[MINUTES_TO_CLOSE, t]
    portfolio.is_month_end = clock[IS_MONTH_END, t]


@compiled
def show_account(assets: Any, desks: Any, portfolio: Any, account: Any) -> None:
    """Show the decision its positions and its money."""
    portfolio.equity = account.equity / 1e6
    portfolio.cash = account.cash / 1e6
    if account.touched == 1 or account.working != 0:
        account.touched = 0
        _show_positions(assets, desks)
    if account.gross != 0:
        for i in range(len(desks)):
            asset = assets[i]
            asset.bars_held += asset.fresh if asset.units != 0.0 else 0
            asset.weight = desks[i].value / account.equity if account.equity != 0 else 0.0


@compiled_apart
def _show_positions(assets: Any, desks: Any) -> None:
    """Show the decision what fills changed; between fills it stays as it is."""
    for i in range(len(desks)):
        asset = assets[i]
        desk = desks[i]
        units = desk.units / desk.parts
        if units == 0.0 or units * asset.units < 0.0:
            asset.bars_held = 0
            asset.weight = 0.0
        asset.units = units
        asset.entry_price = (
            desk.entry_amount / 1e6 * desk.parts / desk.entry_lots if desk.entry_lots != 0 else 0.0
        )
        asset.realised_pnl = desk.realised / 1e6
        asset.open_order_units = (desk.close_order + desk.open_order) / desk.parts


@compiled
def measure(t: int, clock: Any, pulse: Any, account: Any) -> None:
    """Add one bar to the measures: returns at session ends, drawdown at every bar."""
    equity = account.equity
    account.bar_count += 1
    account.equity_sum += equity >> EQUITY_SUM_SHIFT
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
            loss = change if change < 0.0 else 0.0
            account.return_sum += change
            account.square_sum += change * change
            account.downside_sum += loss * loss
            account.cross_sum += change * benchmark
            account.close_equity = equity


@compiled
def is_deeper(equity: int, peak: int, worst_equity: int, worst_peak: int) -> bool:
    """Whether equity / peak is below worst_equity / worst_peak, without dividing."""
    return float(equity) * worst_peak < float(worst_equity) * peak


@compiled
def break_at_limits(account: Any, rules: Any, desks: Any) -> None:
    """Ruin ends the run; a breached drawdown limit closes everything and latches."""
    if account.equity <= 0:
        account.status = RUINED
    elif account.halted == 0 and drawdown_breached(
        account.equity, account.peak, rules.max_drawdown
    ):
        account.halted = 1
    if account.halted == 1:
        for i in range(len(desks)):
            desks[i].goal = 0
