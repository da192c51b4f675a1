"""What is followed along a path: its value, its drawdowns, and how long they last.

All values are logarithms of what 1 has become, so a drawdown is a difference. The
portfolio is held at stated exposures: rebalanced to them at every bar, or scaled to a
volatility by what it has shown so far.
"""

import math
from typing import Any

from fanfold.domain.compiled import compiled
from fanfold.simulation.elementary import exp_lanes, log_lanes

LEVEL, PEAK, DEEPEST, LOWEST, UNDER, SINCE, LONGEST, DEPTH = 0, 1, 2, 3, 4, 5, 6, 7
OUTCOMES = 8
"""Rows that are kept for each path: log value now, at its peak and lowest; the deepest log
drawdown; bars under water, since the last peak, and the most of these; the drawdown now."""

GROWTH, EXPOSURE, VARIANCE, SIMPLE = 0, 1, 2, 3
HELD_ROWS = 4
"""Rows of a portfolio: log growth of this bar, exposure to the assets, variance shown so far,
scratch for simple returns."""

TARGET, DECAY, CAP, START, WEIGHTS = 0, 1, 2, 3, 4
"""Places of a holding: volatility target (0: none), weight of the past in the variance, largest
exposure, the variance before the first bar; then the weights of the assets."""

VALUE_MIN = 1e-12
"""What a portfolio that lost everything is still worth, so that its logarithm exists [1]."""


@compiled
def begin_following(holding: Any, held: Any, outcome: Any) -> None:
    """Start all lanes at a value of 1."""
    for row in range(len(outcome)):
        own = outcome[row]
        for lane in range(len(own)):
            own[lane] = 0.0
    if len(held) > 0:
        exposure, variance = held[EXPOSURE], held[VARIANCE]
        for lane in range(len(exposure)):
            exposure[lane] = 1.0
            variance[lane] = holding[START]
        _expose(holding, held)


@compiled
def grow(moves: Any, holding: Any, work: Any, bits: Any, masks: Any, held: Any) -> None:
    """Log growth of the portfolio in this bar, then its exposure for the next one."""
    growth, exposure, simple = held[GROWTH], held[EXPOSURE], held[SIMPLE]
    for lane in range(len(growth)):
        growth[lane] = 0.0
    for a in range(len(holding) - WEIGHTS):
        exp_lanes(moves[a], work, bits, simple)
        weight = holding[WEIGHTS + a]
        for lane in range(len(growth)):
            growth[lane] += weight * (simple[lane] - 1.0)
    if holding[TARGET] > 0.0:
        variance = held[VARIANCE]
        decay = holding[DECAY]
        for lane in range(len(growth)):
            variance[lane] = decay * variance[lane] + (1.0 - decay) * growth[lane] * growth[lane]
    for lane in range(len(growth)):
        value = 1.0 + exposure[lane] * growth[lane]
        simple[lane] = value if value > VALUE_MIN else VALUE_MIN
    log_lanes(simple, work, bits, masks, growth)
    _expose(holding, held)


@compiled
def _expose(holding: Any, held: Any) -> None:
    if holding[TARGET] > 0.0:
        exposure, variance = held[EXPOSURE], held[VARIANCE]
        target, cap = holding[TARGET], holding[CAP]
        least = target * target / (cap * cap)
        for lane in range(len(exposure)):
            shown = variance[lane] if variance[lane] > least else least
            exposure[lane] = target / math.sqrt(shown)


@compiled
def follow(growth: Any, outcome: Any) -> None:
    """Add one bar's log growth to every lane's path, and measure."""
    level, peak, depth = outcome[LEVEL], outcome[PEAK], outcome[DEPTH]
    for lane in range(len(growth)):
        value = level[lane] + growth[lane]
        top = peak[lane]
        top = value if value > top else top
        level[lane] = value
        peak[lane] = top
        depth[lane] = top - value
    deepest, lowest = outcome[DEEPEST], outcome[LOWEST]
    for lane in range(len(growth)):
        fall = depth[lane]
        value = level[lane]
        deepest[lane] = fall if fall > deepest[lane] else deepest[lane]
        lowest[lane] = value if value < lowest[lane] else lowest[lane]
    under, since, longest = outcome[UNDER], outcome[SINCE], outcome[LONGEST]
    for lane in range(len(growth)):
        is_under = 1.0 if depth[lane] > 0.0 else 0.0
        was_under = 1.0 if since[lane] > 0.0 else is_under
        count = since[lane] + 1.0
        lasted = count * was_under  # a fall lasts through the bar of its recovery
        under[lane] += is_under
        since[lane] = count * is_under
        longest[lane] = lasted if lasted > longest[lane] else longest[lane]
