"""One decision on hand-made assets, plain and as machine code."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from fanfold.domain.compiled import Compiled
from fanfold.domain.decision import Asset, Portfolio
from fanfold.strategies.strategy import Strategy, decision_of, params_of

Decided = Callable[..., list[float]]


@pytest.fixture(scope="session")
def decided() -> Decided:
    """Targets after one decision; plain and machine code must agree on every byte.

    Each asset has one list of features. `targets` are those before, `memory` is
    changed in place.
    """

    def decide(
        strategy: Strategy,
        features: Sequence[Sequence[float]],
        *,
        targets: Sequence[float] | None = None,
        fresh: Sequence[int] | None = None,
        memory: NDArray[np.float64] | None = None,
        session_day: int = 0,
        is_month_end: int = 0,
    ) -> list[float]:
        assets, portfolio = Asset.zeros(len(features)), Portfolio.zeros(1)
        for asset, values in zip(assets, features, strict=True):
            asset["features"][: len(values)] = values
        assets["index"] = np.arange(len(features))
        assets["fresh"] = 1 if fresh is None else fresh
        assets["target"] = 0.0 if targets is None else targets
        params = params_of(strategy)
        portfolio[0]["params"][: len(params)] = params
        portfolio["session_day"], portfolio["is_month_end"] = session_day, is_month_end
        if memory is None:
            memory = np.zeros(strategy.memory_size(len(features)))
        return _both(decision_of(strategy), assets, portfolio, memory)

    return decide


def _both(
    function: Any, assets: NDArray[Any], portfolio: NDArray[Any], memory: NDArray[np.float64]
) -> list[float]:
    before, scratch = assets.copy(), memory.copy()
    function(Asset.views(assets), Portfolio.views(portfolio)[0], memoryview(memory))
    if isinstance(function, Compiled):
        function.machine(before, portfolio[0], scratch)
        assert before.tobytes() == assets.tobytes()
        assert scratch.tobytes() == memory.tobytes()
    return [float(target) for target in assets["target"]]
