"""Tuning finds what was planted, loses no trial, and is the same however it is run."""

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from pydantic import Field
from tests.fakes.panels import bars_of, wild_bars

import fanfold as ff
from fanfold.domain.bars import Bars
from fanfold.engine.metrics import METRICS
from fanfold.engine.options import FillOptions
from fanfold.errors import ConfigError, JobError
from fanfold.research.search import SAMPLERS
from fanfold.research.table import SweepTable
from fanfold.strategies import SmaCross, Strategy, decision
from fanfold.workflows.fleet import Fleet

BARS = wild_bars(8, 140, 2, absent_share=0.0, unknown_volume=False)
CROSS = {"fast": (2, 8), "slow": (5, 20)}
CLOSED = FillOptions(close_at_end=True)


def tuned(**changed: Any) -> Any:
    stated: dict[str, Any] = {
        "space": CROSS,
        "trials": 20,
        "generation": 8,
        "seed": 3,
        "workers": 0,
    }
    return ff.tune(changed.pop("strategy", SmaCross), changed.pop("bars", BARS), **stated | changed)


CYCLE = 12
PLANTED = 7


@decision
def hold_part_of_the_cycle(assets: Any, portfolio: Any, memory: Any) -> None:
    """Hold for so many days of each cycle."""
    phase = portfolio.session_day - math.floor(portfolio.session_day / 12) * 12
    for asset in assets:
        asset.target = 1.0 if phase < portfolio.params[0] else 0.0


class Cycle(Strategy):
    """Hold for so many days of each cycle."""

    days: int = Field(1, ge=1, le=11)
    decide: ClassVar[Any] = hold_part_of_the_cycle


def cycling() -> Bars:
    """Prices that rise on the days after the first seven of each cycle, and fall on the others."""
    rng = np.random.default_rng(2)
    bars = bars_of(np.ones((5, 360, 1)))
    # What is decided on a day is held from the next one on.
    rises = np.roll(bars.session_day % CYCLE < PLANTED, 1)
    steps = np.where(rises, 0.01, -0.012) + rng.normal(0.0, 0.002, 360)
    close = 100.0 * np.exp(np.cumsum(steps))
    before = np.concatenate([[100.0], close[:-1]])
    panel = np.stack([before, np.maximum(before, close), np.minimum(before, close), close, close])
    panel[4] = 1e6
    return replace(bars, panel=panel[:, :, np.newaxis])


@pytest.mark.parametrize("sampler", ["tpe", "cmaes", "qmc", "random", "nsga2"])
def test_a_planted_best_is_found(sampler: Any) -> None:
    bars = cycling()
    study = ff.tune(Cycle, bars, trials=48, generation=12, sampler=sampler, seed=1, workers=0)
    by_days = {
        days: ff.backtest(Cycle(days=days), bars, start_bar=0, options=CLOSED).metrics["sharpe"]
        for days in range(1, CYCLE)
    }
    assert max(by_days, key=lambda days: by_days[days]) == PLANTED
    assert study.best == {"days": PLANTED}
    assert study.result.metrics["sharpe"] == by_days[PLANTED]
    assert study.strategy == Cycle(days=PLANTED)


def test_each_trial_is_a_row_with_the_metrics_of_a_backtest() -> None:
    study = tuned()
    frame = study.trials
    assert len(frame) == 20
    assert frame["number"].tolist() == list(range(20))
    assert frame["generation"].tolist() == [0] * 8 + [1] * 8 + [2] * 4
    assert {"fast", "slow", "kept", "status", "reason", *METRICS} <= set(frame.columns)
    for row in frame[frame["status"] == "ok"].to_dict("records"):
        strategy = SmaCross(fast=row["fast"], slow=row["slow"])
        metrics = ff.backtest(strategy, BARS, start_bar=19, options=CLOSED).metrics
        for name in METRICS:
            assert row[name] == pytest.approx(metrics[name], rel=0, abs=0, nan_ok=True), name
    best = study.trials.iloc[study.best_number]
    assert best["sharpe"] == frame["sharpe"].max()
    assert study.best == {"fast": best["fast"], "slow": best["slow"]}
    assert study.result.metrics["sharpe"] == best["sharpe"]
    assert study.front["number"].tolist() == [study.best_number]


def test_fixed_parameters_are_in_the_best_and_in_no_column() -> None:
    study = tuned(space={"slow": (5, 20)}, fixed={"fast": 4})
    assert study.best["fast"] == 4
    assert "fast" not in study.trials.columns
    assert study.strategy == SmaCross(**study.best)


@pytest.mark.parametrize("size", [1, 3, 1_000])
def test_the_hash_does_not_hang_on_the_size_of_chunks(
    size: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    own = tuned().hash
    monkeypatch.setattr(Fleet, "chunk_size", lambda *_: size)
    assert tuned().hash == own
    assert tuned(folder=tmp_path).hash == own


def stop_after(monkeypatch: pytest.MonkeyPatch, chunks: int) -> None:
    """Interrupt the work after so many chunks, one unit each."""
    run = Fleet.map

    def stopping(self: Fleet, *arguments: Any, **named: Any) -> Iterator[Any]:
        nonlocal chunks
        for batch in run(self, *arguments, **named):
            if chunks == 0:
                raise KeyboardInterrupt
            chunks -= 1
            yield batch

    monkeypatch.setattr(Fleet, "map", stopping)
    monkeypatch.setattr(Fleet, "chunk_size", lambda *_: 1)


@pytest.mark.parametrize(("chunks", "stored"), [(0, "journal"), (13, "journal"), (5, "sqlite")])
def test_a_study_that_was_stopped_goes_on(
    chunks: int, stored: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    own = tuned()
    where: dict[str, Any] = {"folder": tmp_path / "study"}
    if stored == "sqlite":
        where["storage"] = f"sqlite:///{tmp_path}/optuna.db"
    with monkeypatch.context() as patch:
        stop_after(patch, chunks)
        with pytest.raises(KeyboardInterrupt):
            tuned(**where)
    kept = len(SweepTable(tmp_path / "study" / "units"))
    assert kept == chunks
    study = tuned(**where)
    assert study.hash == own.hash
    assert study.best == own.best
    assert study.front.index.tolist() == own.front.index.tolist()


def test_a_study_that_lost_some_parts_is_the_same(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    own = tuned().hash
    monkeypatch.setattr(Fleet, "chunk_size", lambda *_: 2)
    tuned(folder=tmp_path)
    parts = SweepTable(tmp_path / "units").parts()
    for part in (parts[1], parts[-1]):
        part.unlink()
    assert tuned(folder=tmp_path).hash == own
    (tmp_path / "optuna.log").unlink()  # rows without the journal, too
    assert tuned(folder=tmp_path).hash == own


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_study_with_more_trials_begins_with_the_same(sampler: Any, tmp_path: Path) -> None:
    short = tuned(sampler=sampler, trials=12, folder=tmp_path)
    long, alone = (tuned(sampler=sampler, trials=28, folder=f) for f in (tmp_path, None))
    assert list(long.tuned.rows())[:12] == list(short.tuned.rows())
    assert long.hash == alone.hash


def test_another_study_in_the_same_folder_is_its_own(tmp_path: Path) -> None:
    first = tuned(folder=tmp_path).hash
    assert tuned(folder=tmp_path, seed=4).hash == tuned(seed=4).hash != first
    assert tuned(folder=tmp_path).hash == first


def test_several_objectives_leave_a_front() -> None:
    study = tuned(objectives=("sharpe", "max_drawdown"), sampler="nsga2", trials=32)
    front, frame = study.front, study.trials
    ok = frame[frame["kept"]]
    for row in ok.to_dict("records"):
        beaten = (
            (ok["sharpe"] >= row["sharpe"])
            & (ok["max_drawdown"] <= row["max_drawdown"])
            & ((ok["sharpe"] > row["sharpe"]) | (ok["max_drawdown"] < row["max_drawdown"]))
        ).any()
        assert beaten != (row["number"] in front["number"].tolist())
    assert frame.loc[study.best_number, "sharpe"] == front["sharpe"].max()


def test_a_study_without_a_result_says_why() -> None:
    study = tuned(constraints={"sharpe": 1e9}, trials=4)
    assert study.best_number is None
    assert study.front.empty
    assert len(study.trials) == 4
    with pytest.raises(ConfigError, match="a study must have a trial with a result, had none"):
        _ = study.best


def test_the_importance_of_parameters_is_told() -> None:
    study = tuned(sampler="random", trials=40)
    assert set(study.importance) == {"fast", "slow"}
    assert sum(study.importance.values()) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"trials": 0}, "trials must be 1 to 1,000,000, was 0"),
        ({"seed": -1}, "seed must not be negative, was -1"),
        ({"generation": 0}, "generation must be 1 to"),
        ({"folds": 0}, "folds must be 1 to 100, was 0"),
        ({"folds": 99}, "99 folds must have 198 bars or more, had 120"),
        ({"pruner": "median"}, "pruner median works between folds, folds was 1"),
        ({"objectives": ("sharp",)}, "objective must be one of .*, was 'sharp'"),
        ({"objectives": ()}, "objectives must be 1 to 6, were 0"),
        ({"constraints": {"drawdown": 0.2}}, "objective must be one of .*, was 'drawdown'"),
        ({"sampler": "cmaes", "constraints": {"sharpe": 0}}, "cmaes knows no constraints"),
        ({"sampler": "cmaes", "objectives": ("sharpe", "cagr")}, "cmaes takes one objective"),
        ({"space": {"fats": (2, 5)}}, "not 'fats', did you mean 'fast'"),
        ({"fixed": {"slow": 9_000}, "space": None}, "must hold a combination that can be run"),
        ({"bars": "sample"}, "bars must be Bars"),
        ({"cash": 0}, "cash must be above 0"),
        ({"leverage": 0.5}, "leverage must be 1 to"),
        ({"storage": "postgresql://me:secret@host/name"}, "storage must carry no password"),
        ({"space": {"fast": (2, 8), "slow": [200]}}, "needs 201 bars or more, there were 140"),
    ],
)
def test_bad_input_is_refused(changed: dict[str, Any], text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        tuned(**changed)


def test_a_storage_that_cannot_be_reached_is_an_error_of_the_job() -> None:
    with pytest.raises(JobError, match="the study's storage at nonsense must work"):
        tuned(storage="nonsense")


@pytest.mark.parametrize("changed", [{"sampler": "tep"}, {"pruner": "medain", "folds": 2}])
def test_an_unknown_sampler_or_pruner_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="must be one of"):
        tuned(**changed)


@pytest.mark.parametrize(
    "changed",
    [
        {"strategy": SmaCross()},
        {"strategy": dict},
        {"trials": 4.0},
        {"seed": 1.5},
        {"constraints": {"sharpe": "high"}},
    ],
)
def test_what_is_not_of_the_kind_asked_for_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        tuned(**changed)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_values_from_numpy_can_be_searched_and_kept(tmp_path: Path) -> None:
    stated = {"fast": np.arange(2, 5), "slow": (6, 20)}
    assert tuned(space=stated, folder=tmp_path).hash == tuned(space=stated).hash
