"""A strategy as live starts it: no asset is traded before its target changes.

What live does at its first arming a backtest knows nothing of, so here the decision is asked
as it is, and a target that stands since the first bar is held back.
"""

from collections.abc import Callable
from typing import Any, cast

from fanfold.strategies.strategy import Strategy, decision_of


def started_flat(strategy: Strategy) -> Strategy:
    """The same strategy, flat in each asset until the asset's target changes.

    The decision is called in plain Python; where it reads no positions, what it writes is
    what it would have written.
    """
    inner = cast("Callable[..., None]", decision_of(strategy))
    kind = type(strategy)
    first: dict[int, float] = {}
    changed: set[int] = set()

    def decide(assets: Any, portfolio: Any, memory: Any) -> None:
        for place, asset in enumerate(assets):
            if place in first and place not in changed:
                asset.target = first[place]
        inner(assets, portfolio, memory)
        for place, asset in enumerate(assets):
            if asset.target != first.setdefault(place, asset.target):
                changed.add(place)
            if place not in changed:
                asset.target = 0.0

    made = type(kind.__name__, (kind,), {"decide": staticmethod(decide), "__module__": __name__})
    return cast("Strategy", made(**dict(strategy)))
