"""What a decision wrote at each bar, asked by the step that backtests use.

An audit compares decisions and not results: a wish that no fill followed tells as much.
"""

from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.bars import Bars
from fanfold.engine.between import run_between
from fanfold.engine.outcomes import FAULTS
from fanfold.engine.spec import Terms
from fanfold.errors import ConfigError
from fanfold.strategies.strategy import Strategy

WISH_NAMES: Final = ("target", "limit", "stop", "stop_loss", "take_profit", "trailing_stop")
"""What a decision writes for an asset, in the order of `Decisions.wishes`."""

WISH_BYTES_MAX: Final = 512 * 2**20
"""Largest array of decisions [bytes]."""

_wishes_of: Any = attrgetter(*WISH_NAMES)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Decisions:
    """What a run's decision wrote, until the run ended.

    Attributes:
        first: Bar of the first decision.
        wishes: As they stood after each decision, in the order of `WISH_NAMES`; shape
            [bar, asset, wish], its first bar being `first`.
        raised: What the decision raised at the bar after the last of `wishes`, or "".
    """

    first: int
    wishes: NDArray[np.float64]
    raised: str


def decisions_of(
    strategy: Strategy, bars: Bars, terms: Terms, first: int, last: int | None = None
) -> Decisions:
    """Run a strategy and keep what its decision wrote; a compiled one is called plain.

    Args:
        strategy: What to run.
        bars: The market, with the strategy's own columns.
        terms: Money, costs, limits and options.
        first: Bar of the first decision.
        last: The bar after that of the last decision; by default as the terms say.

    Raises:
        ConfigError: The strategy is not well formed, or there would be too many wishes.
    """
    if last is not None:
        terms = replace(terms, start_bar=None, end_bar=last)
    shape = terms.last(bars) - first, bars.asset_count, len(WISH_NAMES)
    byte_count = 8 * np.prod(shape, dtype=np.int64)
    if byte_count > WISH_BYTES_MAX:
        raise ConfigError(
            f"decisions must take at most {WISH_BYTES_MAX:,} bytes, were {byte_count:,}: "
            "take fewer assets or a shorter period"
        )
    wishes = np.empty(shape)
    decided = [0]

    def note(t: int, assets: Any) -> None:
        wishes[t - first] = [_wishes_of(asset) for asset in assets]
        decided[0] = t - first + 1

    outcome = run_between(strategy, bars, terms, first, watch=note)
    # A target that cannot be traded ends a run too, but it stands among the wishes.
    at_fault = int(outcome.accounts[0]["status"]) in FAULTS
    return Decisions(
        first=first,
        wishes=wishes[: decided[0]],
        raised="" if at_fault else outcome.errors[0],
    )
