"""Where an order with a price meets a bar."""

import math
from typing import Any

from fanfold.domain.compiled import compiled, compiled_apart
from fanfold.domain.money import MICRO, to_micro
from fanfold.engine.step.state import REAL
from fanfold.execution.venue_rules import to_tick

PRICE_UNIT = 1e-6
"""Smallest step of a price where the venue has none [currency]."""

WORST = 0
PATH = 1
BEST = 2
"""What is assumed of the order of prices inside a bar (`FillOptions.intrabar`)."""


@compiled
def is_set(level: float) -> bool:
    """Whether there is a level: NaN is none."""
    return level == level  # noqa: PLR0124


@compiled
def stop_reached(price: float, side: int, stop: float) -> bool:
    """Whether a stop order's price has come: from below for a buy, from above for a sell."""
    return price >= stop if side > 0 else price <= stop


@compiled
def limit_reached(price: float, side: int, limit: float, beyond: float) -> bool:
    """Whether a price is at the limit, or better by `beyond` [currency]."""
    return price <= limit - beyond if side > 0 else price >= limit + beyond


@compiled_apart
def beyond_of(t: int, limit: float, desk: Any, facts: Any, rules: Any) -> float:
    """How far beyond its limit the market must trade [currency]: nothing, or a tick."""
    if rules.through == 0:
        return 0.0
    real = facts[REAL, t, desk.index] if rules.facts == 1 else 1.0
    tick = desk.tick_coarse if limit >= real else desk.tick_fine
    return max(tick / MICRO * real, PRICE_UNIT)


@compiled_apart
def on_tick(t: int, price: float, direction: int, desk: Any, facts: Any, rules: Any) -> float:
    """A price as the venue takes it: on its tick, in real prices; NaN stays NaN.

    Without ticks it is on whole micro-units, as fills are.

    Args:
        t: Bar whose adjustment applies.
        price: In the bars' prices [currency].
        direction: 1 rounds up, -1 down.
        desk: The asset.
        facts: See `fanfold.engine.step.state`.
        rules: Those of the run.
    """
    if not is_set(price) or price <= 0.0:
        return price
    if desk.tick_coarse == 0:
        return to_micro(price) / 1e6
    real = facts[REAL, t, desk.index] if rules.facts == 1 else 1.0
    micro = to_tick(to_micro(price / real), direction, desk.tick_coarse, desk.tick_fine)
    return micro / 1e6 * real


@compiled
def open_reference(price: float, side: int, limit: float, stop: float, beyond: float) -> float:
    """Price at which an order meets one instant, the open or the close; NaN if it does not.

    Args:
        price: The market's [currency].
        side: 1 for a buy, -1 for a sell.
        limit: NaN for none.
        stop: NaN for none, or if it was triggered before.
        beyond: From `beyond_of`.
    """
    if is_set(stop) and not stop_reached(price, side, stop):
        return math.nan
    if is_set(limit) and not limit_reached(price, side, limit, beyond):
        return math.nan
    return price


@compiled_apart
def inside_reference(
    high: float, low: float, close: float, side: int, limit: float, stop: float, beyond: float
) -> float:
    """Price at which an order that did not meet the open meets the rest of the bar, or NaN.

    A stop-limit whose limit lies on the near side of its stop fills only where the
    close proves that the price came back to the limit after the stop.
    """
    best = low if side > 0 else high
    worst = high if side > 0 else low
    if is_set(stop):
        if not stop_reached(worst, side, stop):
            return math.nan
        if not is_set(limit) or limit_reached(stop, side, limit, 0.0):
            return stop
        return limit if limit_reached(close, side, limit, beyond) else math.nan
    if is_set(limit) and limit_reached(best, side, limit, beyond):
        return limit
    return math.nan


@compiled_apart
def reached_after(
    level: float, start: float, first: float, second: float, close: float, after: float
) -> float:
    """How far along a bar's path a level is first touched after a point; infinite if never.

    The path goes from the open to its nearer extreme, to the other, to the close; its
    length so far is what is returned [currency].

    Args:
        level: Price to be touched.
        start: The open.
        first: The extreme that comes first.
        second: The other.
        close: The close.
        after: Length of the path before which touches do not count.
    """
    passed = 0.0
    here = start
    for leg in range(3):
        there = first if leg == 0 else (second if leg == 1 else close)
        length = abs(there - here)
        if min(here, there) <= level <= max(here, there):
            at = passed + abs(level - here)
            if at >= after:
                return at
        passed += length
        here = there
    return math.inf
