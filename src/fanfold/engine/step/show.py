"""What a decision sees at a bar's end."""

from typing import Any

from fanfold.domain.compiled import compiled, compiled_apart
from fanfold.domain.panel import CLOSE, HIGH, LOW, OPEN, VOLUME
from fanfold.engine.step.state import (
    FORWARD,
    IS_MONTH_END,
    MEMBER,
    MINUTES_TO_CLOSE,
    SESSION_DAY,
    TS,
)

PRICE_BITS = {"fresh": 1, "open": 2, "high": 4, "low": 8, "close": 16, "volume": 32}
"""A bit for each field that `show_bar` shows beside features."""

ALL_PRICES = sum(PRICE_BITS.values())

_FRESH, _OPEN, _HIGH, _LOW, _CLOSE, _VOLUME = PRICE_BITS.values()


@compiled
def show_bar(  # noqa: C901  (a field at a time)
    t: int,
    marks: Any,
    seen: Any,
    bank: Any,
    columns: Any,
    values: int,
    prices: int,
    assets: Any,
) -> None:
    """Show the decision bar t of every asset; without a bar its last stands.

    There are `values` features; `prices` are the bits of the fields that the decision
    reads, the others are left out.
    """
    for i in range(len(assets)):
        asset = assets[i]
        close = marks[t, i]
        if close == close:  # noqa: PLR0124  (false for NaN: the asset does not trade)
            if prices & _FRESH != 0:
                asset.fresh = 1
            if prices & _OPEN != 0:
                asset.open = seen[OPEN, t, i]
            if prices & _HIGH != 0:
                asset.high = seen[HIGH, t, i]
            if prices & _LOW != 0:
                asset.low = seen[LOW, t, i]
            if prices & _CLOSE != 0:
                asset.close = seen[CLOSE, t, i]
            if prices & _VOLUME != 0:
                asset.volume = seen[VOLUME, t, i]
            for place in range(values):
                asset.features[place] = bank[columns[place], t, i]
        elif prices & _FRESH != 0:
            asset.fresh = 0


@compiled
def show_members(t: int, facts: Any, rules: Any, assets: Any) -> None:
    """Show the decision which assets belong to its universe at bar t."""
    if rules.facts == 1:
        for i in range(len(assets)):
            assets[i].member = int(facts[MEMBER, t, i])


@compiled
def show_clock(t: int, clock: Any, pulse: Any, portfolio: Any) -> None:
    """Show the decision what time it is."""
    portfolio.ts = clock[TS, t]
    portfolio.session_day = clock[SESSION_DAY, t]
    portfolio.minutes_to_close = pulse[MINUTES_TO_CLOSE, t]
    portfolio.is_month_end = clock[IS_MONTH_END, t]


@compiled
def show_account(
    t: int, facts: Any, rules: Any, assets: Any, desks: Any, portfolio: Any, account: Any
) -> None:
    """Show the decision its positions and its money."""
    portfolio.equity = account.equity / 1e6
    portfolio.cash = account.cash / 1e6
    if account.touched == 1:
        account.touched = 0
        show_positions(t, facts, rules, assets, desks)
    if account.gross != 0:
        for i in range(len(desks)):
            asset = assets[i]
            asset.bars_held += asset.fresh if asset.units != 0.0 else 0
            asset.weight = desks[i].value / account.equity if account.equity != 0 else 0.0


@compiled_apart
def show_positions(t: int, facts: Any, rules: Any, assets: Any, desks: Any) -> None:
    """Show the decision what fills and orders changed; between them it stays as it is."""
    for i in range(len(desks)):
        asset = assets[i]
        desk = desks[i]
        units = desk.units / desk.parts
        if units == 0.0 or units * asset.units < 0.0:
            asset.bars_held = 0
            asset.weight = 0.0
        asset.units = units
        forward = facts[FORWARD, t, i] if rules.facts == 1 else 1.0
        asset.entry_price = (
            desk.entry_amount / 1e6 * desk.parts / desk.entry_lots * forward
            if desk.entry_lots != 0
            else 0.0
        )
        asset.realised_pnl = desk.realised / 1e6
        asset.open_order_units = (desk.close_order + desk.open_order) / desk.parts
