"""Trials: parameters run on stretches of bars, chunk by chunk.

A unit is one combination on one slot, a window of bars. Its row holds what the run added
up to, so several windows can be put together as one account, and rows that were committed
are as good as rows that are run again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.bars import Bars
from fanfold.engine.blocks import BLOCK_COUNT
from fanfold.engine.metrics import Measured, measured
from fanfold.engine.run import Mode
from fanfold.engine.spec import Terms
from fanfold.engine.step.state import Account
from fanfold.engine.windows import Window, merged
from fanfold.research.chunks import uncollected
from fanfold.research.made import Made, fitted, largest_warm_up, make, run_made
from fanfold.research.plan import Params
from fanfold.research.table import (
    BLOCK_SUMS,
    ArrowBatch,
    ArrowTable,
    arrow,
    sums_column,
    sums_of_column,
)
from fanfold.strategies.strategy import Strategy

CLOSED_AT_END = {"close_at_end": True}
"""Every stretch of a fold starts flat and ends so, with costs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """Bars that combinations are run on.

    Attributes:
        window: First decision, and the bar after the last.
        fit: Windows that a strategy which learns is fitted on before.
    """

    window: Window
    fit: tuple[Window, ...] = ()

    @property
    def spans(self) -> list[tuple[int, int]]:
        """Bars to learn from: those whose returns are measured, not the one before them."""
        return [(window.first + 1, window.last) for window in self.fit]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialInputs:
    """The shared inputs of all chunks of a study.

    Attributes:
        strategy: Class whose parameters are searched.
        fixed: Parameters that all trials share.
        bars: The market.
        terms: Money, costs, limits and options.
        slots: Where trials are run.
        mode: How they run; the same bits either way.
        block_count: Blocks of a slot whose returns are added up apart.
        warm_up_first: Bar before which no trial decides: the largest warm-up's end.
    """

    strategy: type[Strategy]
    fixed: Params
    bars: Bars
    terms: Terms
    slots: tuple[Slot, ...]
    mode: Mode = "machine"
    block_count: int = BLOCK_COUNT
    warm_up_first: int = 0

    def terms_of(self, slot: Slot, *, cash: int | None = None) -> Terms:
        """Terms of a run on a slot: flat before and after."""
        return replace(
            self.terms,
            cash=self.terms.cash if cash is None else cash,
            start_bar=slot.window.first,
            end_bar=slot.window.last,
            options=self.terms.options.model_copy(update=CLOSED_AT_END),
        )


@dataclass(frozen=True, slots=True)
class Unit:
    """One combination on one slot.

    Attributes:
        slot: Number of the slot.
        params: Parameters that are searched.
    """

    slot: int
    params: Params


@dataclass(frozen=True, slots=True)
class TrialChunk:
    """Units of one slot that are run together."""

    slot: int
    params: tuple[Params, ...]


def run_trial_chunk(inputs: TrialInputs, chunk: TrialChunk) -> ArrowBatch:
    """Run the units of a chunk.

    Returns:
        One row a unit, in order: what its account added up to, its blocks, status, reason.
    """
    slot = inputs.slots[chunk.slot]
    with uncollected():
        made = [make(inputs.strategy, inputs.fixed, params) for params in chunk.params]
        ready = [fitted(_in_time(inputs, one), inputs.bars, slot.spans) for one in made]
        first = slot.window.first
        ended = run_made(
            ready,
            inputs.bars,
            inputs.terms_of(slot),
            first,
            mode=inputs.mode,
            block_count=inputs.block_count,
        )
        runs = measured(ended.outcomes.accounts, inputs.bars, first)
        return _batch(chunk, runs, ended.statuses, ended.outcomes.errors, ended.outcomes.blocks)


def _in_time(inputs: TrialInputs, one: Made) -> Made:
    """The combination, unless it warms up for longer than the study allows for."""
    allowed = inputs.warm_up_first + 1
    needed = largest_warm_up([one], inputs.bars, inputs.terms)
    if needed <= allowed:
        return one
    return Made(None, reason=f"warms up for {needed} bars, the study begins after {allowed}")


def _batch(
    chunk: TrialChunk,
    runs: Measured,
    statuses: NDArray[Any],
    reasons: Sequence[str],
    blocks: NDArray[np.float64],
) -> ArrowBatch:
    pa = arrow()
    columns: dict[str, Any] = {
        "slot": pa.array(np.full(len(chunk.params), chunk.slot)),
        "params": pa.array([repr(params) for params in chunk.params], pa.string()),
    }
    for name in Account.dtype.names or ():
        columns[name] = pa.array(np.ascontiguousarray(runs.accounts[name]))
    for name in _BESIDE:
        columns[name] = pa.array(getattr(runs, name))
    columns["ended"] = pa.array(statuses, pa.string())
    columns["reason"] = pa.array(reasons, pa.string())
    columns[BLOCK_SUMS] = sums_column(blocks)
    return pa.RecordBatch.from_pydict(columns)


@dataclass(frozen=True, slots=True)
class Runs:
    """Finished units, one value each.

    Attributes:
        measured: What they added up to.
        statuses: `ok`, `ruined`, `failed` or `infeasible`.
        reasons: Why a unit has no result, or "".
        blocks: Power sums of each block, shape [unit, block, sum].
    """

    measured: Measured
    statuses: NDArray[Any]
    reasons: list[str]
    blocks: NDArray[np.float64]

    def take(self, places: Sequence[int] | NDArray[np.int64]) -> "Runs":
        """Some of them, in this order."""
        chosen = np.asarray(places, np.int64)
        own = (getattr(self.measured, one.name)[chosen] for one in fields(Measured))
        reasons = [self.reasons[int(place)] for place in places]
        return Runs(Measured(*own), self.statuses[chosen], reasons, self.blocks[chosen])


def runs_of(rows: ArrowTable) -> Runs:
    """Units from the rows of their chunks."""
    accounts = Account.zeros(rows.num_rows)
    for name in Account.dtype.names or ():
        accounts[name] = rows.column(name).to_numpy()
    beside = [rows.column(name).to_numpy() for name in _BESIDE]
    return Runs(
        Measured(accounts, *beside),
        np.array(rows.column("ended").to_pylist(), object),
        rows.column("reason").to_pylist(),
        sums_of_column(rows.column(BLOCK_SUMS)),
    )


_BESIDE = tuple(one.name for one in fields(Measured) if one.name != "accounts")


def put_together(slots: Sequence[Runs], cash: int) -> Runs:
    """Trials over several slots as one run each.

    A trial that fails on one slot fails; its blocks stand one slot after the other.

    Args:
        slots: Runs of the same trials in the same order, a slot each.
        cash: Starting cash of every run [micro-units].
    """
    statuses = slots[0].statuses.copy()
    reasons: list[str] = slots[0].reasons.copy()
    for runs in slots[1:]:
        for place, status in enumerate(runs.statuses):
            if reasons[place] == "" and (runs.reasons[place] != "" or status != "ok"):
                statuses[place], reasons[place] = status, runs.reasons[place]
    return Runs(
        merged([runs.measured for runs in slots], [cash] * len(slots)),
        statuses,
        reasons,
        np.concatenate([runs.blocks for runs in slots], axis=1),
    )
