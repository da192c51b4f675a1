"""A chunk is its combinations one by one, and one that fails is a row with its reason."""

import json
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Field
from tests.fakes.decisions import FailOnOrder, MindTheAccount, Wander
from tests.fakes.panels import wild_bars, wild_markets
from tests.fakes.runs import any_terms

import fanfold as ff
from fanfold.domain.bars import Bars
from fanfold.engine import run as engine_run
from fanfold.engine.backtest import run_backtest, terms_of
from fanfold.engine.metrics import METRICS
from fanfold.engine.spec import Terms
from fanfold.research import chunks
from fanfold.research.chunks import cut, map_here
from fanfold.research.plan import Grid, Sample, axes_of
from fanfold.research.sweep import Sweep, run_sweep_chunk
from fanfold.research.table import SweepTable, stated_in
from fanfold.strategies import SMA, Indicator, SmaCross, Strategy, decision
from fanfold.workflows.fleet import Fleet
from fanfold.workflows.sweep import SweepRun, run_sweep

BARS = wild_bars(3, 60, 2)
CROSSES = {"fast": [2, 3, 8], "slow": [5, 8, 13]}
ERRATIC = {"seed": [4, 0, 9], "pace": [0.2, 0.7]}


def inputs(
    strategy: type[Strategy], space: dict[str, Any], bars: Bars = BARS, terms: Terms | None = None
) -> Sweep:
    plan = Grid(axes_of(strategy, space))
    return Sweep(
        strategy=strategy,
        fixed={},
        plan=plan,
        bars=bars,
        terms=terms or terms_of(start_bar=20),
        first=20,
    )


def rows(batches: Any) -> list[str]:
    """Rows as texts, in which a NaN is as good as another."""
    return [repr(row) for batch in batches for row in batch.to_pylist()]


@pytest.mark.parametrize("strategy", [Wander, MindTheAccount])
@given(bars=wild_markets(bars=(24, 60)), terms=any_terms(start_bar=None))
@settings(max_examples=10)
def test_a_chunk_equals_its_combinations_one_by_one(
    strategy: type[Strategy], bars: Bars, terms: Terms
) -> None:
    sweep = inputs(strategy, ERRATIC, bars, terms)
    together = rows([run_sweep_chunk(sweep, (0, 6))])
    alone = rows(run_sweep_chunk(sweep, (k, k + 1)) for k in range(6))
    assert together == alone


@given(size=st.integers(1, 9))
@settings(max_examples=9)
def test_rows_do_not_hang_on_the_size_of_chunks(size: int) -> None:
    sweep = inputs(SmaCross, CROSSES)
    batches = map_here(run_sweep_chunk, cut(0, 9, size), shared=sweep, inflight_max=1)
    assert rows(batches) == rows([run_sweep_chunk(sweep, (0, 9))])


def test_rows_do_not_hang_on_how_many_features_fit_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sweep = inputs(SmaCross, CROSSES)
    roomy = rows([run_sweep_chunk(sweep, (0, 9))])
    monkeypatch.setattr(engine_run, "BANK_BYTES_MAX", 3 * 60 * 2 * 8)
    assert rows([run_sweep_chunk(sweep, (0, 9))]) == roomy


def test_a_row_has_the_metrics_of_a_backtest_on_the_same_window() -> None:
    sweep = inputs(SmaCross, {"fast": [2, 3], "slow": [5, 8]})
    table = run_sweep_chunk(sweep, (0, 4)).to_pylist()
    for row, params in zip(table, (sweep.plan[k] for k in range(4)), strict=True):
        result = run_backtest(SmaCross(**params), BARS, terms_of(start_bar=20))
        metrics = {name: row[name] for name in METRICS}
        assert repr(metrics) == repr(result.metrics)
        assert row["status"] == result.status == "ok"


def test_all_combinations_are_scored_from_the_largest_warm_up_on(tmp_path: Path) -> None:
    done = swept(SmaCross, {"fast": [2], "slow": [5, 30]}, tmp_path)
    assert done.sweep.first == 29


def test_an_infeasible_combination_is_a_row_with_its_reason() -> None:
    table = run_sweep_chunk(inputs(SmaCross, CROSSES), (0, 9)).to_pylist()
    status = {(row["fast"], row["slow"]): (row["status"], row["reason"]) for row in table}
    assert status[8, 5] == ("infeasible", "fast must be below slow, was fast=8 slow=5")
    assert status[8, 8][0] == "infeasible"
    assert status[2, 5] == ("ok", "")
    assert all(row["sharpe"] is None for row in table if row["status"] == "infeasible")


def test_a_combination_out_of_bounds_is_a_row_that_names_field_and_value() -> None:
    table = run_sweep_chunk(inputs(SmaCross, {"fast": [2, 61], "slow": [50]}), (0, 2)).to_pylist()
    assert table[0]["status"] == "ok"
    assert table[1]["status"] == "infeasible"
    assert table[1]["reason"].startswith("fast: ")
    assert table[1]["reason"].endswith("was 61")


def test_a_combination_that_fails_is_a_row_and_the_others_go_on() -> None:
    sweep = inputs(FailOnOrder, {"fault": [0, 1, 2, 3, 4, 0], "at": [5]})
    table = run_sweep_chunk(sweep, (0, 6)).to_pylist()
    assert [row["status"] for row in table] == ["ok", *["failed"] * 4, "ok"]
    assert [row["reason"] for row in table[1:5]] == [
        "the decision raised ValueError: told to fail",
        "target must be a finite number, was nan for A0",
        "target must be a finite number, was inf for A0",
        "target must be a finite number, was -inf for A0",
    ]
    assert repr(table[0]) == repr(table[5])
    assert table[1]["final_equity"] is None


class Uneven(SmaCross):
    """Names one feature more for one of its parameters, which no chunk can have."""

    def features(self) -> Any:
        return super().features() * (2 if self.fast == 3 else 1)


def test_a_combination_that_is_not_well_formed_does_not_take_the_others_with_it() -> None:
    table = run_sweep_chunk(inputs(Uneven, {"fast": [2, 3, 4], "slow": [9]}), (0, 3)).to_pylist()
    assert [row["status"] for row in table] == ["ok", "ok", "ok"]


def swept(strategy: type[Strategy], space: dict[str, Any], folder: Path) -> SweepRun:
    plan, here = Grid(axes_of(strategy, space)), Fleet(0, None)
    return run_sweep(
        strategy, {}, plan, BARS, terms_of(), fleet=here, folder=folder, progress=False
    )


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "CHUNK_SECONDS", 0.0)


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("lost", [slice(0, None), slice(4, None), slice(8, None)])
def test_a_stopped_sweep_goes_on_where_it_was(tmp_path: Path, lost: slice) -> None:
    whole = swept(SmaCross, CROSSES, tmp_path / "whole")
    assert len(whole.table.parts()) == 9
    stopped = swept(SmaCross, CROSSES, tmp_path / "stopped")
    for part in stopped.table.parts()[lost]:
        part.unlink()
    kept = {part.name: part.stat().st_mtime_ns for part in stopped.table.parts()}
    again = swept(SmaCross, CROSSES, tmp_path / "stopped")
    assert again.hash == whole.hash
    parts = {part.name: part.stat().st_mtime_ns for part in again.table.parts()}
    assert kept.items() <= parts.items()


def test_a_part_lost_from_the_middle_is_run_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks, "CHUNK_SECONDS", 0.0)
    whole = swept(SmaCross, CROSSES, tmp_path)
    expected = whole.hash
    whole.table.parts()[3].unlink()
    # The rest is cut otherwise, on a machine that has grown faster.
    monkeypatch.setattr(chunks, "CHUNK_SECONDS", 1e6)
    again = swept(SmaCross, CROSSES, tmp_path)
    assert len(again.table) == 9
    assert again.table.to_arrow().num_rows == 9
    assert again.hash == expected


def test_a_folder_of_other_inputs_is_not_gone_on_with(tmp_path: Path) -> None:
    swept(SmaCross, CROSSES, tmp_path)
    other = swept(SmaCross, {"fast": [2], "slow": [5, 8]}, tmp_path)
    assert other.table.to_arrow().num_rows == 2
    alone = swept(SmaCross, {"fast": [2], "slow": [5, 8]}, tmp_path / "alone")
    assert other.hash == alone.hash


def test_a_finished_sweep_is_not_run_again(tmp_path: Path) -> None:
    first = swept(SmaCross, CROSSES, tmp_path)
    written = {part: part.stat().st_mtime_ns for part in first.table.parts()}
    again = swept(SmaCross, CROSSES, tmp_path)
    assert {part: part.stat().st_mtime_ns for part in again.table.parts()} == written
    assert again.hash == first.hash


def test_the_public_sweep_gives_one_row_a_combination_in_plan_order() -> None:
    table = ff.sweep(SmaCross, {"fast": range(2, 4), "slow": [8, 5]}, BARS, workers=0)
    assert table[["fast", "slow"]].to_numpy().tolist() == [[2, 8], [2, 5], [3, 8], [3, 5]]
    assert list(table.columns) == ["fast", "slow", *METRICS, "status", "reason"]


def test_the_public_sweep_keeps_a_large_table_on_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fanfold.workflows import sweep as workflow

    monkeypatch.setattr(workflow, "TABLE_ROWS_MAX", 5)
    table = ff.sweep(SmaCross, CROSSES, BARS, workers=0, folder=tmp_path)
    assert isinstance(table, SweepTable)
    assert len(table) == 9
    frame = table.to_pandas()
    best = table.best("sharpe", 2)
    assert best["sharpe"].tolist() == frame["sharpe"].sort_values(ascending=False).tolist()[:2]
    assert table["fast"].tolist() == frame["fast"].tolist()


def test_fixed_parameters_are_shared_and_no_columns() -> None:
    table = ff.sweep(SmaCross, {"fast": [2, 3]}, BARS, fixed={"slow": 7}, workers=0)
    alone = ff.sweep(SmaCross, {"fast": [2, 3], "slow": 7}, BARS, workers=0)
    assert "slow" not in table.columns
    assert table["final_equity"].tolist() == alone["final_equity"].tolist()


@given(seed=st.integers(0, 2**31), index=st.integers(0, 49))
def test_a_drawn_combination_hangs_on_seed_and_index_alone(seed: int, index: int) -> None:
    axes = axes_of(SmaCross, {"fast": range(2, 60), "slow": range(5, 250)})
    short = Sample(axes=axes, count=index + 1, seed=seed)
    long = Sample(axes=axes, count=1_000_000, seed=seed)
    assert short[index] == long[index]
    assert long[index]["fast"] in range(2, 60)


def test_a_grid_has_every_combination_once_the_last_axis_fastest() -> None:
    grid = Grid(axes_of(SmaCross, {"fast": [2, 3], "slow": [5, 8, 9]}))
    combinations = [tuple(grid[k].values()) for k in range(len(grid))]
    assert combinations == [(2, 5), (2, 8), (2, 9), (3, 5), (3, 8), (3, 9)]


def test_a_grid_of_millions_is_its_axes() -> None:
    grid = Grid(
        axes_of(Wander, {"seed": range(10_000), "pace": [k / 1_000 for k in range(1, 1_000)]})
    )
    assert len(grid) == 9_990_000
    assert grid[9_989_999] == {"seed": 9_999, "pace": 0.999}


@decision
def hold_always(assets: Any, portfolio: Any, memory: Any) -> None:
    """Hold an equal share of everything."""
    for asset in assets:
        asset.target = 1.0 / len(assets)


class WarmsUpInTheMiddle(Strategy):
    """Its longest warm-up is at no corner of its space, nor among the first combinations."""

    place: int = Field(0, ge=0)
    decide: ClassVar[Any] = hold_always

    def features(self) -> tuple[Indicator, ...]:
        return (SMA(5 if self.place == 30 else 3),)


def test_a_warm_up_that_was_not_foreseen_begins_the_study_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fanfold.research import sweep as research
    from fanfold.workflows import sweep as workflow

    monkeypatch.setattr(research, "CORNERS_MAX", 8)
    monkeypatch.setattr(workflow, "TABLE_ROWS_MAX", 4)
    table = ff.sweep(
        WarmsUpInTheMiddle, {"place": range(40)}, BARS, workers=0, folder=tmp_path / "table"
    )
    assert len(table) == 40
    assert json.loads((tmp_path / "table" / "sweep.json").read_text())["first"] == 4
    again = ff.sweep(
        WarmsUpInTheMiddle, {"place": range(40)}, BARS, workers=0, folder=tmp_path / "table"
    )
    assert again.to_pandas().equals(table.to_pandas())


def test_forgetting_rows_leaves_what_is_not_theirs(tmp_path: Path) -> None:
    table = SweepTable(tmp_path)
    (tmp_path / "part-0000000000-0000000003.parquet").write_bytes(b"rows")
    (tmp_path / ".part-0000000003-0000000006.parquet.77").write_bytes(b"unfinished")
    (tmp_path / "thesis.docx").write_text("years of work")
    table.clear()
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.docx"]


def test_a_half_written_statement_states_nothing(tmp_path: Path) -> None:
    file = tmp_path / "sweep.json"
    assert stated_in(file) == {}
    file.write_text('{"plan": "abc')
    assert stated_in(file) == {}
    file.write_text('{"plan": "abc"}')
    assert stated_in(file) == {"plan": "abc"}
