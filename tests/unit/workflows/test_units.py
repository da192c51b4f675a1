"""A unit is run once: by this process, or by one that was stopped before."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.fakes.decisions import RAISE, FailOnOrder, Wander
from tests.fakes.panels import wild_bars

from fanfold.engine.backtest import terms_of
from fanfold.engine.windows import Window
from fanfold.research.chunks import Pace
from fanfold.research.table import SweepTable, arrow
from fanfold.research.trials import (
    Runs,
    Slot,
    TrialChunk,
    TrialInputs,
    Unit,
    run_trial_chunk,
    runs_of,
)
from fanfold.strategies.strategy import Strategy
from fanfold.workflows import units as units_module
from fanfold.workflows.fleet import Fleet
from fanfold.workflows.progress import Progress
from fanfold.workflows.units import Units

BARS = wild_bars(8, 80, 2)
SLOTS = (Slot(window=Window(5, 40)), Slot(window=Window(39, 80)))


def inputs(strategy: type[Strategy] = Wander) -> TrialInputs:
    return TrialInputs(
        strategy=strategy,
        fixed={},
        bars=BARS,
        terms=terms_of(),
        slots=SLOTS,
        block_count=6,
        warm_up_first=5,
    )


class Counting(Fleet):
    """This process, with chunks of a stated size and a list of what was run."""

    def __init__(self, size: int = 3, stop: int | None = None) -> None:
        super().__init__(0, None)
        self.size = size
        self.stop = stop
        self.ran: list[Unit] = []

    def chunk_size(self, pace: Pace, count: int) -> int:  # noqa: ARG002
        return self.size

    def map(self, run: Any, chunks: Any, *, shared: Any) -> Iterator[Any]:
        for chunk in chunks:
            if self.stop is not None and len(self.ran) >= self.stop:
                raise KeyboardInterrupt
            yield run(shared, chunk)
            self.ran += [Unit(chunk.slot, params) for params in chunk.params]


def opened(
    fleet: Counting, folder: Path | None = None, identity: str = "one", asked: Any = None
) -> Units:
    return Units(
        asked or inputs(),
        fleet,
        folder=folder,
        identity=identity,
        state=Progress("units", 0),
    )


def wanted(count: int = 10) -> list[Unit]:
    return [Unit(slot, {"seed": seed}) for seed in range(count) for slot in (1, 0)]


def alone(unit: Unit, asked: TrialInputs | None = None) -> Runs:
    batch = run_trial_chunk(asked or inputs(), TrialChunk(unit.slot, (unit.params,)))
    return runs_of(arrow().Table.from_batches([batch]))


def bits(runs: Runs) -> list[Any]:
    """Everything of each unit, as plain values."""
    measured = runs.measured
    return [
        (
            measured.accounts[k].tobytes().hex(),
            int(measured.underwater_ns[k]),
            float(measured.benchmark_sum[k]).hex(),
            float(measured.benchmark_squares[k]).hex(),
            runs.statuses[k],
            runs.reasons[k],
            runs.blocks[k].tobytes().hex(),
        )
        for k in range(len(runs.statuses))
    ]


def expected(units: Sequence[Unit], asked: TrialInputs | None = None) -> list[Any]:
    return [row for unit in units for row in bits(alone(unit, asked))]


@pytest.mark.parametrize("size", [1, 3, 100])
def test_results_come_in_the_order_of_the_units_whatever_the_chunks(size: int) -> None:
    units = opened(Counting(size))
    assert bits(units(wanted())) == expected(wanted())
    assert units.found_count == 20


def test_a_unit_that_was_run_is_not_run_again() -> None:
    fleet = Counting()
    units = opened(fleet)
    units(wanted(4))
    assert len(fleet.ran) == 8
    again = [*reversed(wanted(6)), *wanted(2)]
    assert bits(units(again)) == expected(again)
    assert len(fleet.ran) == 12
    assert len({repr(unit) for unit in fleet.ran}) == 12


def test_equal_units_of_one_call_are_run_once() -> None:
    fleet = Counting()
    same = [Unit(0, {"seed": 3})] * 5
    assert bits(opened(fleet)(same)) == expected(same)
    assert len(fleet.ran) == 1


def test_units_of_a_folder_are_found_by_the_next_process(tmp_path: Path) -> None:
    opened(Counting(), tmp_path)(wanted(5))
    fleet = Counting()
    units = opened(fleet, tmp_path)
    assert units.found_count == 10
    assert bits(units(wanted(7))) == expected(wanted(7))
    assert len(fleet.ran) == 4


def test_what_was_committed_before_a_stop_is_kept(tmp_path: Path) -> None:
    stopped = Counting(size=2, stop=7)
    with pytest.raises(KeyboardInterrupt):
        opened(stopped, tmp_path)(wanted())
    assert len(stopped.ran) == 8
    fleet = Counting(size=5)
    assert bits(opened(fleet, tmp_path)(wanted())) == expected(wanted())
    assert len(fleet.ran) == 12
    assert {repr(one) for one in fleet.ran}.isdisjoint(repr(one) for one in stopped.ran)


@pytest.mark.parametrize("lost", [0, 2, -1])
def test_parts_that_are_lost_are_run_again(lost: int, tmp_path: Path) -> None:
    opened(Counting(size=2), tmp_path)(wanted())
    parts = SweepTable(tmp_path).parts()
    assert len(parts) == 10
    parts[lost].unlink()
    fleet = Counting(size=3)
    assert bits(opened(fleet, tmp_path)(wanted())) == expected(wanted())
    # What lies behind a gap is forgotten with it.
    assert len(fleet.ran) == 2 * (10 - lost if lost >= 0 else 1)
    assert len(SweepTable(tmp_path)) == 20


def test_rows_of_another_study_are_no_rows(tmp_path: Path) -> None:
    opened(Counting(), tmp_path, "one")(wanted(3))
    fleet = Counting()
    units = opened(fleet, tmp_path, "two")
    assert units.found_count == 0
    units(wanted(2))
    assert len(SweepTable(tmp_path)) == 4
    assert opened(Counting(), tmp_path, "two").found_count == 4


def test_what_is_left_of_a_file_that_was_being_written_is_not_read(tmp_path: Path) -> None:
    opened(Counting(), tmp_path)(wanted(3))
    (tmp_path / ".part-0000000006-0000000009.parquet.123").write_bytes(b"half")
    assert opened(Counting(), tmp_path).found_count == 6


def test_units_that_fail_or_cannot_be_are_rows_too(tmp_path: Path) -> None:
    asked = inputs(FailOnOrder)
    units = [
        Unit(0, {"fault": 0, "at": 4}),
        Unit(0, {"fault": RAISE, "at": 4}),
        Unit(1, {"fault": 77, "at": 4}),
    ]
    for _ in range(2):  # run, then read
        runs = opened(Counting(), tmp_path, asked=asked)(units)
        assert list(runs.statuses) == ["ok", "failed", "infeasible"]
        assert runs.reasons[0] == ""
        assert runs.reasons[1] == "the decision raised ValueError: told to fail"
        assert runs.reasons[2] == "fault: Input should be less than or equal to 4, was 77"
        assert (runs.blocks[2] == 0.0).all()
        assert bits(runs) == expected(units, asked)


def test_the_pool_of_units_grows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(units_module, "POOL_ROWS_START", 2)
    assert bits(opened(Counting())(wanted())) == expected(wanted())


def test_progress_counts_what_was_found_as_done(tmp_path: Path) -> None:
    opened(Counting(), tmp_path)(wanted(3))
    state = Progress("units", 8)
    units = Units(inputs(), Counting(), folder=tmp_path, identity="one", state=state)
    units(wanted(4))
    assert state.done == 8


def test_a_probe_leaves_no_rows(tmp_path: Path) -> None:
    fleet = Counting()
    units = opened(fleet, tmp_path)
    units.prepare(wanted(4), 8, shown=False)
    assert units.found_count == 0
    assert SweepTable(tmp_path).parts() == []
    assert fleet.ran == []


def test_blocks_of_both_slots_stand_beside_each_other() -> None:
    runs = opened(Counting())(wanted(2))
    assert runs.blocks.shape == (4, 6, 4)
    total = runs.blocks[:, :, 0].sum(axis=1)
    np.testing.assert_allclose(total, runs.measured.accounts["return_sum"], atol=1e-12)
