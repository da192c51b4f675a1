"""Units of studies run once each: here or on a cluster, committed as they come.

A unit that was run before, in this process or by one that was stopped, is not run again:
its row is found by its slot and parameters.
"""

from collections.abc import Iterator, Sequence
from dataclasses import fields
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from fanfold.engine.metrics import Measured
from fanfold.engine.step.state import SUMS, Account
from fanfold.research.chunks import Pace, probe
from fanfold.research.table import ArrowTable, arrow
from fanfold.research.trials import (
    Runs,
    TrialChunk,
    TrialInputs,
    Unit,
    run_trial_chunk,
    runs_of,
)
from fanfold.workflows.fleet import Fleet
from fanfold.workflows.folders import opened_rows
from fanfold.workflows.progress import Progress, announce

POOL_ROWS_START = 1_024
"""First size of the pool of finished units [rows]."""

_Key = tuple[int, str]


class Units:
    """All units of a job.

    Args:
        inputs: What they share.
        fleet: Where they run.
        folder: Where rows are kept; None keeps them in memory only.
        identity: What the rows belong to; a folder of another identity is emptied.
        state: Hears how far the work has come.
    """

    def __init__(
        self,
        inputs: TrialInputs,
        fleet: Fleet,
        *,
        folder: Path | None,
        identity: str,
        state: Progress,
    ) -> None:
        self.inputs = inputs
        self._fleet = fleet
        self._state = state
        self._pace: Pace | None = None
        self._place_of: dict[_Key, int] = {}
        self._pool = _Pool(inputs.block_count)
        self._table = None if folder is None else opened_rows(folder, "study.json", identity)
        if self._table is not None and self._table.resume():
            for part in self._table.whole_batches():
                self._keep(part)

    @property
    def found_count(self) -> int:
        """Units whose rows are there."""
        return len(self._place_of)

    def prepare(self, first: Sequence[Unit], unit_count: int, *, shown: bool) -> None:
        """Learn how long a unit takes and get processors for all of them.

        Args:
            first: Some of the units.
            unit_count: Units that there will be.
            shown: Whether to say what is to be expected.
        """
        slot = first[0].slot
        params = [unit.params for unit in first if unit.slot == slot]
        self._pace = probe(
            lambda count: run_trial_chunk(self.inputs, TrialChunk(slot, tuple(params[:count]))),
            len(params),
        )
        strategy = self.inputs.strategy
        left = max(unit_count - self.found_count, 0)
        processors = self._fleet.gather(self._pace.seconds(left), strategy)
        announce(strategy.__name__, left, self._pace, processors, self.inputs, shown=shown)

    def __call__(self, units: Sequence[Unit]) -> Runs:
        """Run what has not been run; the results of all, in their order."""
        keys = [_key(unit.slot, repr(unit.params)) for unit in units]
        new: dict[_Key, Unit] = {
            key: unit for key, unit in zip(keys, units, strict=True) if key not in self._place_of
        }
        if new:
            ordered = sorted(new.values(), key=lambda unit: unit.slot)
            for batch in self._fleet.map(
                run_trial_chunk, self._chunks(ordered), shared=self.inputs
            ):
                if self._table is not None:
                    self._table.write(self.found_count, batch)
                self._keep(arrow().Table.from_batches([batch]))
        self._state.advance(len(units))
        return self._pool.take([self._place_of[key] for key in keys])

    def _chunks(self, units: Sequence[Unit]) -> Iterator[TrialChunk]:
        size = self._fleet.chunk_size(self._pace or Pace(1.0), len(units))
        for slot, members in groupby(units, key=lambda unit: unit.slot):
            params = [unit.params for unit in members]
            for at in range(0, len(params), size):
                yield TrialChunk(slot, tuple(params[at : at + size]))

    def _keep(self, rows: ArrowTable) -> None:
        start = self.found_count
        slots, params = rows.column("slot").to_pylist(), rows.column("params").to_pylist()
        for place, key in enumerate(zip(slots, params, strict=True)):
            self._place_of[_key(*key)] = start + place
        self._pool.add(runs_of(rows))


def _key(slot: int, params: str) -> _Key:
    return slot, params


class _Pool:
    """Finished units in arrays that grow by doubling."""

    def __init__(self, block_count: int) -> None:
        self._count = 0
        self._names = [one.name for one in fields(Measured) if one.name != "accounts"]
        self._arrays: dict[str, Any] = {
            "accounts": Account.zeros(POOL_ROWS_START),
            "statuses": np.empty(POOL_ROWS_START, object),
            "reasons": np.empty(POOL_ROWS_START, object),
            "blocks": np.zeros((POOL_ROWS_START, block_count, SUMS)),
        }

    def add(self, runs: Runs) -> None:
        """Put runs behind the others."""
        new = self._parts(runs)
        stop = self._count + len(new["statuses"])
        for name, values in new.items():
            array = self._arrays.get(name)
            if array is None:
                array = np.zeros((POOL_ROWS_START, *values.shape[1:]), values.dtype)
            while len(array) < stop:
                array = np.concatenate([array, np.zeros_like(array)])
            array[self._count : stop] = values
            self._arrays[name] = array
        self._count = stop

    def take(self, places: Sequence[int]) -> Runs:
        """Some of them, in this order."""
        chosen = np.asarray(places, np.int64)
        own = {name: array[chosen] for name, array in self._arrays.items()}
        beside = [own[name] for name in self._names]
        reasons = list(own["reasons"])
        return Runs(Measured(own["accounts"], *beside), own["statuses"], reasons, own["blocks"])

    def _parts(self, runs: Runs) -> dict[str, Any]:
        beside = {name: getattr(runs.measured, name) for name in self._names}
        return {
            "accounts": runs.measured.accounts,
            **beside,
            "statuses": runs.statuses,
            "reasons": np.array(runs.reasons, object),
            "blocks": runs.blocks,
        }
