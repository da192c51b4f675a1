"""Returns of many trials side by side, on bars that all of them share.

What is told of a choice (how many independent trials it is the best of, whether it beats
all that were tried) needs returns, not metrics. A window cut into blocks of one return
each gives them from the same loop, without recording a run.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.bars import Bars
from fanfold.engine.blocks import BLOCK_COUNT
from fanfold.engine.metrics import POWER_SUMS
from fanfold.engine.run import Mode
from fanfold.engine.spec import Terms
from fanfold.engine.step.state import SESSIONS_CLOSED
from fanfold.engine.timeline import timeline_of
from fanfold.engine.windows import Window
from fanfold.research.chunks import uncollected
from fanfold.research.made import FAILED, INFEASIBLE, fitted, make, run_made
from fanfold.research.plan import Params
from fanfold.research.trials import Slot
from fanfold.strategies.strategy import Strategy, learns

SAMPLE_MAX = 2_000
"""Trials whose returns are looked at [trials]."""

SAMPLE_NUMBERS_MAX = 4_000_000
"""Returns of all of them together; of long windows, fewer trials are looked at."""

LEARNING_SAMPLE_MAX = 64
"""The same of a strategy that is fitted for each of them [trials]."""

CHUNK_BYTES = 32 * 2**20
"""Sums that a chunk holds while it runs [bytes]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesInputs:
    """The shared inputs of all chunks.

    Attributes:
        strategy: Class of the trials.
        fixed: Parameters that all share.
        bars: The market.
        terms: Money, costs, limits and options.
        slot: Bars that all are run on.
        mode: How they run; the same bits either way.
    """

    strategy: type[Strategy]
    fixed: Params
    bars: Bars
    terms: Terms
    slot: Slot
    mode: Mode

    @property
    def return_count(self) -> int:
        """Returns of the window."""
        closed = timeline_of(self.bars).clock[SESSIONS_CLOSED]
        window = self.slot.window
        return int(closed[window.last - 1] - closed[window.first])

    @property
    def chunk_size(self) -> int:
        """Trials of a chunk whose sums have room."""
        return max(CHUNK_BYTES // (self.return_count * len(POWER_SUMS) * 8 or 1), 1)


@dataclass(frozen=True, slots=True)
class Series:
    """Trials side by side; those without a result are left out.

    Attributes:
        params: Parameters of each trial.
        returns: From one session's close to the next, shape [period, trial].
        exposures: Mean net exposure, shape [trial].
        sums: Power sums of consecutive blocks, shape [trial, block, sum].
        counts: Returns of each block, shape [block].
    """

    params: list[Params]
    returns: NDArray[np.float64]
    exposures: NDArray[np.float64]
    sums: NDArray[np.float64]
    counts: NDArray[np.int64]


def sampled(
    params: Sequence[Params],
    keep: Params,
    strategy: type[Strategy],
    *,
    return_count: int,
    seed: int,
) -> list[Params]:
    """Distinct parameters, the kept ones first, at most as many as can be looked at.

    Args:
        params: Parameters of all trials.
        keep: Those that must be among them.
        strategy: Class of the trials.
        return_count: Returns of the window that they are looked at on.
        seed: Of the draw.
    """
    distinct = list({_known_by(one): one for one in (*params, keep)}.values())
    kept = _known_by(keep)
    distinct.sort(key=lambda one: _known_by(one) != kept)  # the kept ones first, the rest as is
    room = max(SAMPLE_NUMBERS_MAX // max(return_count, 1), 1)
    most = min(LEARNING_SAMPLE_MAX if learns(strategy) else SAMPLE_MAX, room)
    if len(distinct) <= most:
        return distinct
    rng = np.random.default_rng([seed, len(distinct)])
    chosen = np.sort(rng.choice(len(distinct) - 1, most - 1, replace=False)) + 1
    return [distinct[0], *(distinct[int(k)] for k in chosen)]


def _known_by(params: Params) -> str:
    """Equal for equal parameters, whether a whole number is written with a point or not."""
    return repr(
        {
            name: float(value) if type(value) is int else value
            for name, value in sorted(params.items())
        }
    )


def run_series_chunk(inputs: SeriesInputs, params: tuple[Params, ...]) -> Any:
    """Run some trials.

    Returns:
        Which of them have a result, their returns [trial, period] and net exposures.
    """
    window = inputs.slot.window
    with uncollected():
        made = [make(inputs.strategy, inputs.fixed, one) for one in params]
        ready = [fitted(one, inputs.bars, inputs.slot.spans) for one in made]
        terms = replace(inputs.terms, start_bar=window.first, end_bar=window.last)
        ended = run_made(
            ready,
            inputs.bars,
            terms,
            window.first,
            mode=inputs.mode,
            block_count=inputs.return_count,
        )
        accounts = ended.outcomes.accounts
        there = ~np.isin(ended.statuses, (FAILED, INFEASIBLE))
        net = accounts["net_sum"] / np.where(accounts["equity_sum"] == 0, 1, accounts["equity_sum"])
        return there, np.ascontiguousarray(ended.outcomes.blocks[there, :, 0]), net[there]


def series_of(params: Sequence[Params], pieces: Iterator[Any]) -> Series:
    """What the chunks of all trials came to, in the trials' order."""
    there, returns, exposures = zip(*pieces, strict=True)
    runs = np.concatenate(there)
    table = np.concatenate(returns)
    blocks = max(min(BLOCK_COUNT, table.shape[1]) // 2 * 2, 1)
    edges = np.arange(blocks + 1) * table.shape[1] // blocks
    sums = np.empty((len(table), blocks, len(POWER_SUMS)))
    for block, (start, stop) in enumerate(pairwise(edges)):
        for place in range(len(POWER_SUMS)):
            sums[:, block, place] = (table[:, start:stop] ** (place + 1)).sum(axis=1)
    kept = [one for one, has in zip(params, runs, strict=True) if has]
    return Series(kept, table.T, np.concatenate(exposures), sums, np.diff(edges))


def buy_and_hold(bars: Bars, window: Window) -> NDArray[np.float64]:
    """Returns of equal weights of all assets over a window's sessions; shape [period]."""
    closes = bars.closes_session[window.first : window.last].copy()
    closes[0] = True
    levels = _last_known(bars.close)[window.first : window.last][closes]
    changes = levels[1:] / levels[:-1] - 1.0
    known = np.isfinite(changes)
    return np.where(known, changes, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)


def _last_known(prices: NDArray[np.float64]) -> NDArray[np.float64]:
    places = np.where(np.isfinite(prices), np.arange(len(prices))[:, np.newaxis], 0)
    return np.take_along_axis(prices, np.maximum.accumulate(places, axis=0), axis=0)
