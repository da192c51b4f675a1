"""The four strategies that every engine sweeps: the worst of them is what counts.

One asset that goes in and out; a bracket in percent; a channel with a bracket in average
true ranges; ten assets that share one account. All engines read the combinations here.
"""

import itertools
from dataclasses import dataclass
from typing import Any

from served import Space


@dataclass(frozen=True)
class Case:
    """One strategy and what is swept.

    Attributes:
        title: For people.
        axes: Values of each swept parameter at most.
        counts: By the name of a size, how many values of each axis it takes.
        asset_count: Assets that share the account.
        slippage: Of every fill [1]. None with a bracket: peers slip their targets too,
            which a limit order would not allow.
    """

    title: str
    axes: Space
    counts: dict[str, tuple[int, ...]]
    asset_count: int = 1
    slippage: float = 0.0


CASES = {
    "sma": Case(
        "SMA cross",
        {"fast": list(range(2, 52)), "slow": list(range(10, 210, 2))},
        {"few": (10, 100), "thousand": (20, 50), "full": (50, 100)},
        slippage=0.0005,
    ),
    "rsi": Case(
        "RSI with bracket",
        {
            "period": list(range(5, 25)),
            "lower": [20.0, 25.0, 30.0, 35.0, 40.0],
            "upper": [55.0, 60.0, 65.0, 70.0, 75.0],
            "stop": [0.03, 0.05, 0.07, 0.09, 0.11],
            "profit": [0.06, 0.10, 0.14, 0.18],
        },
        {
            "few": (4, 5, 5, 5, 1),
            "thousand": (4, 5, 5, 5, 2),
            "full": (20, 5, 5, 5, 2),
            "many": (20, 5, 5, 5, 4),
        },
    ),
    "donchian": Case(
        "Donchian with ATR stop",
        {
            "entry_period": list(range(20, 70, 5)),
            "exit_period": list(range(2, 22, 2)),
            "atr_period": [10, 15, 20, 25, 30],
            "stop": [1.5, 2.0, 2.5, 3.0, 3.5],
            "profit": [4.0, 6.0, 8.0, 10.0],
        },
        {
            "few": (10, 5, 2, 5, 1),
            "thousand": (10, 10, 2, 5, 1),
            "full": (10, 10, 5, 5, 2),
            "many": (10, 10, 5, 5, 4),
        },
    ),
    "rotation": Case(
        "ten-asset rotation",
        {
            "lookback": list(range(20, 220, 2)),
            "top": [1, 2, 3, 4, 5],
            "every": list(range(5, 105, 5)),
        },
        {"few": (10, 5, 4), "thousand": (20, 5, 10), "full": (100, 5, 10), "many": (100, 5, 20)},
        asset_count=10,
        slippage=0.0005,
    ),
}
"""By the names that engines are asked with."""


def space_of(case: str, size: str) -> Space:
    """The grid of one size: as many values of each axis, evenly apart."""
    axes, counts = CASES[case].axes, CASES[case].counts[size]
    return {
        name: values[:: len(values) // count][:count]
        for (name, values), count in zip(axes.items(), counts, strict=True)
    }


def combinations_of(case: str, size: str) -> list[dict[str, Any]]:
    """The feasible combinations of a grid, in its order."""
    space = space_of(case, size)
    every = (dict(zip(space, values, strict=True)) for values in itertools.product(*space.values()))
    return [chosen for chosen in every if case != "sma" or chosen["fast"] < chosen["slow"]]
