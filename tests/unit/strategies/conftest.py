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
Written = Callable[..., NDArray[Any]]


@pytest.fixture(scope="session")
def written() -> Written:
    """Assets after one decision; plain and machine code must agree on every byte.

    Each asset has one list of features. `targets` are those before, `memory` is
    changed in place. Assets are called A0, A1 and so on; they trade
    at a close of 100 and are members unless told otherwise.
    """

    def write(
        strategy: Strategy,
        features: Sequence[Sequence[float]],
        *,
        targets: Sequence[float] | None = None,
        close: Sequence[float] | float = 100.0,
        fresh: Sequence[int] | int = 1,
        member: Sequence[int] | int = 1,
        memory: NDArray[np.float64] | None = None,
        session_day: int = 0,
        is_month_end: int = 0,
    ) -> NDArray[Any]:
        assets, portfolio = Asset.zeros(len(features)), Portfolio.zeros(1)
        for asset, values in zip(assets, features, strict=True):
            asset["features"][: len(values)] = values
        assets["index"] = np.arange(len(features))
        assets["close"], assets["fresh"], assets["member"] = close, fresh, member
        assets["target"] = 0.0 if targets is None else targets
        for price in ("limit", "stop", "stop_loss", "take_profit", "trailing_stop"):
            assets[price] = np.nan
        symbols = [f"A{place}" for place in range(len(features))]
        params = params_of(strategy, symbols)
        portfolio[0]["params"][: len(params)] = params
        portfolio["session_day"], portfolio["is_month_end"] = session_day, is_month_end
        if memory is None:
            memory = np.zeros(strategy.memory_size(len(features)))
        _both(decision_of(strategy), assets, portfolio, memory)
        return assets

    return write


@pytest.fixture(scope="session")
def decided(written: Written) -> Decided:
    """Targets after one decision, from the same arguments as `written`."""

    def decide(*case: Any, **more: Any) -> list[float]:
        return [float(target) for target in written(*case, **more)["target"]]

    return decide


def _both(
    function: Any, assets: NDArray[Any], portfolio: NDArray[Any], memory: NDArray[np.float64]
) -> None:
    before, scratch = assets.copy(), memory.copy()
    function(Asset.views(assets), Portfolio.views(portfolio)[0], memoryview(memory))
    if isinstance(function, Compiled):
        function.machine(before, portfolio[0], scratch)
        assert before.tobytes() == assets.tobytes()
        assert scratch.tobytes() == memory.tobytes()
