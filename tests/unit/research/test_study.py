"""A study's trials: proposed, run, told and kept, each with how it ended and why."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.fakes.decisions import FailOnOrder, Wander
from tests.fakes.panels import wild_bars

from fanfold.engine.backtest import run_backtest, terms_of
from fanfold.engine.metrics import METRICS
from fanfold.engine.windows import Window
from fanfold.errors import ConfigError
from fanfold.research.made import FAILED, INFEASIBLE
from fanfold.research.search import Pruner, Sampler, Store
from fanfold.research.space import space_of
from fanfold.research.spec import (
    Layout,
    StudySpec,
    inputs_of,
    layout_of,
    split_for_fit,
    tasks_of,
)
from fanfold.research.study import PRUNED, Goal, Tuned, run_studies, studies_hash
from fanfold.research.table import arrow
from fanfold.research.trials import (
    Runs,
    Slot,
    TrialChunk,
    TrialInputs,
    Unit,
    run_trial_chunk,
    runs_of,
)
from fanfold.strategies import SmaCross

BARS = wild_bars(8, 140, 2, absent_share=0.0, unknown_volume=False)
CROSS = {"fast": (2, 8), "slow": (5, 20)}
SIZE = 6


def spec(**changed: Any) -> StudySpec:
    stated: dict[str, Any] = {
        "strategy": SmaCross,
        "fixed": {},
        "bars": BARS,
        "terms": terms_of(),
        "sampler": "tpe",
        "trial_count": 3 * SIZE,
        "generation_size": SIZE,
        "seed": 4,
    }
    stated |= changed
    if "space" not in changed:
        stated["space"] = space_of(stated["strategy"], CROSS)
    return StudySpec(**stated)


class Asked:
    """Runs units here, and keeps what it was asked for."""

    def __init__(self, inputs: TrialInputs, stop: int | None = None) -> None:
        self.inputs = inputs
        self.units: list[Unit] = []
        self.stop = stop

    def __call__(self, units: Sequence[Unit]) -> Runs:
        self.units += units
        if self.stop is not None and len(self.units) > self.stop:
            raise KeyboardInterrupt
        rows = [
            run_trial_chunk(self.inputs, TrialChunk(unit.slot, (unit.params,))) for unit in units
        ]
        return runs_of(arrow().Table.from_batches(rows))


def study(
    asked: StudySpec,
    trains: Sequence[tuple[Window, ...]] | None = None,
    *,
    store: Store | None = None,
    stop: int | None = None,
) -> tuple[list[Tuned], Asked, Layout]:
    first = asked.first()
    layout = layout_of(asked, trains or [(Window(first, asked.bars.bar_count),)])
    evaluate = Asked(inputs_of(asked, layout.slots, first), stop)
    tuned = run_studies(
        tasks_of(asked, layout, asked.identity(layout.slots)),
        asked.goal,
        evaluate.inputs,
        evaluate,
        trial_count=asked.trial_count,
        store=store,
    )
    return tuned, evaluate, layout


def as_numbers(metrics: Mapping[str, float]) -> dict[str, str]:
    """Values as texts that tell every bit, in which a NaN is as good as another."""
    return {name: float(value).hex() for name, value in metrics.items()}


def test_a_trial_has_the_metrics_of_a_backtest_on_its_window() -> None:
    (tuned,), asked, _ = study(spec())
    for params, metrics in zip(tuned.params, tuned.metrics, strict=True):
        terms = asked.inputs.terms_of(asked.inputs.slots[0])
        assert (terms.start_bar, terms.end_bar) == (asked.inputs.slots[0].window.first, 140)
        assert terms.options.close_at_end
        if params["fast"] < params["slow"]:
            result = run_backtest(SmaCross(**params), BARS, terms)
            assert as_numbers(metrics) == as_numbers(result.metrics)


def test_all_trials_begin_after_the_largest_warm_up_of_the_space() -> None:
    asked = spec(space=space_of(SmaCross, {"fast": (2, 8), "slow": [5, 31, 7]}))
    assert asked.first() == 30
    (tuned,), evaluate, _ = study(asked)
    assert {unit.slot for unit in evaluate.units} == {0}
    assert evaluate.inputs.slots[0].window == Window(30, 140)
    assert {m["return_count"] for m in tuned.metrics if m["return_count"] > 0} == {109}


def test_a_combination_that_warms_up_for_longer_than_all_that_were_seen_is_infeasible() -> None:
    _, evaluate, _ = study(spec(trial_count=1))
    late = replace(evaluate.inputs, warm_up_first=10)
    (row,) = run_trial_chunk(late, TrialChunk(0, ({"fast": 3, "slow": 20},))).to_pylist()
    assert row["ended"] == INFEASIBLE
    assert row["reason"] == "warms up for 20 bars, the study begins after 11"


def test_over_several_stretches_a_trial_is_one_account() -> None:
    (tuned,), asked, layout = study(spec(score_folds=3))
    windows = [slot.window for slot in asked.inputs.slots]
    assert layout.steps == (((0, 1, 2),),)
    assert [a.last - 1 for a in windows[:-1]] == [b.first for b in windows[1:]]
    for params, metrics in zip(tuned.params, tuned.metrics, strict=True):
        if params["fast"] >= params["slow"]:
            continue
        runs = [
            run_backtest(SmaCross(**params), BARS, asked.inputs.terms_of(slot))
            for slot in asked.inputs.slots
        ]
        growth = math.prod(1.0 + run.metrics["total_return"] for run in runs)
        assert metrics["total_return"] == pytest.approx(growth - 1.0, abs=1e-9)
        assert metrics["fees"] == sum(run.metrics["fees"] for run in runs)
        assert metrics["return_count"] == sum(run.metrics["return_count"] for run in runs)


def test_studies_side_by_side_are_each_as_if_alone() -> None:
    trains = [(Window(20, 70),), (Window(50, 100),), (Window(20, 60), Window(90, 140))]
    together, evaluate, layout = study(spec(), trains)
    assert [len(slots) for (slots,) in layout.steps] == [1, 1, 2]
    assert len(evaluate.units) == 3 * SIZE * 4
    for fold, train in enumerate(trains):
        asked = spec()
        own = layout_of(asked, [train])
        inputs = inputs_of(asked, own.slots, asked.first())
        (task,) = tasks_of(asked, own, "alone")
        (alone,) = run_studies(
            [replace(task, search=asked.search(fold))],
            asked.goal,
            inputs,
            Asked(inputs),
            trial_count=asked.trial_count,
        )
        assert list(alone.rows()) == list(together[fold].rows())
    assert len({repr(one.params) for one in together}) == 3  # each has a seed of its own


@pytest.mark.parametrize("sampler", ["tpe", "cmaes", "qmc", "random", "nsga2", "nsga3"])
def test_a_study_that_was_stopped_goes_on_as_if_it_had_not_been(
    sampler: Sampler, tmp_path: Path
) -> None:
    (whole,), *_ = study(spec(sampler=sampler))
    with pytest.raises(KeyboardInterrupt):
        study(spec(sampler=sampler), store=Store(tmp_path / "optuna.log"), stop=SIZE + 3)
    (again,), *_ = study(spec(sampler=sampler), store=Store(tmp_path / "optuna.log"))
    assert studies_hash([again]) == studies_hash([whole])
    assert again.front == whole.front


@pytest.mark.parametrize("pruner", ["wilcoxon", "median", "halving"])
def test_pruning_gives_trials_up_and_goes_on_after_a_stop(pruner: Pruner, tmp_path: Path) -> None:
    asked = spec(pruner=pruner, score_folds=5, trial_count=4 * SIZE, sampler="random")
    (whole,), evaluate, layout = study(asked)
    assert layout.steps == (((0,), (1,), (2,), (3,), (4,)),)
    given_up = [k for k, status in enumerate(whole.statuses) if status == PRUNED]
    infeasible = [k for k, status in enumerate(whole.statuses) if status == INFEASIBLE]
    assert given_up
    assert len(evaluate.units) < 5 * (len(whole.params) - len(infeasible))
    for k in given_up:
        ran = [unit for unit in evaluate.units if unit.params == whole.params[k]]
        assert whole.reasons[k].startswith("given up after step ")
        assert whole.reasons[k].endswith(" of 5")
        assert not whole.kept[k]
        assert whole.blocks[k] is None
        if whole.params.count(whole.params[k]) == 1:
            assert whole.reasons[k] == f"given up after step {len(ran)} of 5"
    assert set(given_up).isdisjoint(whole.front)
    with pytest.raises(KeyboardInterrupt):
        study(asked, store=Store(tmp_path / "optuna.log"), stop=len(evaluate.units) * 2 // 3)
    (again,), *_ = study(asked, store=Store(tmp_path / "optuna.log"))
    assert studies_hash([again]) == studies_hash([whole])


def still(bar_count: int, moving: tuple[int, int]) -> Any:
    """Prices that stand still but for a while: a cross of averages trades only then."""
    rng = np.random.default_rng(3)
    panel = wild_bars(8, bar_count, 1, absent_share=0.0, unknown_volume=False).panel.copy()
    steps = np.where(
        (np.arange(bar_count) >= moving[0]) & (np.arange(bar_count) < moving[1]),
        rng.normal(0.0, 0.03, bar_count),
        0.0,
    )
    panel[:4] = (100.0 * np.exp(np.cumsum(steps)))[:, np.newaxis]
    return replace(wild_bars(8, bar_count, 1, absent_share=0.0, unknown_volume=False), panel=panel)


@pytest.mark.parametrize("pruner", ["wilcoxon", "halving"])
def test_pruning_goes_on_after_a_stop_where_stretches_have_no_value(
    pruner: Pruner, tmp_path: Path
) -> None:
    # In the middle nothing is traded, so the objective of those stretches is no number.
    asked = spec(
        bars=still(160, (20, 80)),
        pruner=pruner,
        score_folds=6,
        trial_count=4 * SIZE,
        sampler="random",
    )
    (whole,), evaluate, _ = study(asked)
    with pytest.raises(KeyboardInterrupt):
        study(asked, store=Store(tmp_path / "optuna.log"), stop=len(evaluate.units) - 5)
    (again,), *_ = study(asked, store=Store(tmp_path / "optuna.log"))
    assert list(again.rows()) == list(whole.rows())


def failing(fault: int, **changed: Any) -> Tuned:
    asked = spec(
        strategy=FailOnOrder,
        space=space_of(FailOnOrder, {"fault": [0, fault], "at": (2, 30)}),
        **changed,
    )
    (tuned,), *_ = study(asked)
    return tuned


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (1, "the decision raised ValueError: told to fail"),
        (2, "target must be a finite number, was nan for A0"),
        (3, "target must be a finite number, was inf for A0"),
    ],
)
def test_a_trial_that_fails_is_a_row_with_its_reason_and_the_study_goes_on(
    fault: int, reason: str
) -> None:
    tuned = failing(fault)
    assert len(tuned.params) == 3 * SIZE
    for k, params in enumerate(tuned.params):
        failed = params["fault"] == fault
        assert tuned.statuses[k] == (FAILED if failed else "ok")
        assert tuned.reasons[k] == (reason if failed else "")
        assert tuned.kept[k] != failed
        assert all(np.isnan(tuned.metrics[k][name]) for name in METRICS) == failed
    (best,) = tuned.front
    assert tuned.params[best]["fault"] == 0


def test_a_trial_that_fails_on_one_stretch_fails() -> None:
    tuned = failing(1, score_folds=3)
    failed = [p["fault"] == 1 for p in tuned.params]
    assert [status == FAILED for status in tuned.statuses] == failed


def test_infeasible_trials_are_rows_with_what_does_not_go_together() -> None:
    (tuned,), *_ = study(spec(sampler="random"))
    infeasible = [k for k, params in enumerate(tuned.params) if params["fast"] >= params["slow"]]
    assert infeasible
    for k, params in enumerate(tuned.params):
        if k in infeasible:
            fast, slow = params["fast"], params["slow"]
            reason = f"fast must be below slow, was fast={fast} slow={slow}"
            assert (tuned.statuses[k], tuned.reasons[k]) == (INFEASIBLE, reason)
            assert np.isnan(tuned.metrics[k]["sharpe"])
            assert not tuned.kept[k]
        else:
            assert tuned.statuses[k] == "ok"


def test_a_trial_without_a_value_is_a_row_that_is_not_kept() -> None:
    (tuned,), *_ = study(spec(bars=still(60, (0, 0))))
    ran = [k for k, status in enumerate(tuned.statuses) if status == "ok"]
    assert ran
    assert all(np.isnan(tuned.metrics[k]["sharpe"]) for k in ran)
    assert not any(tuned.kept)
    assert tuned.front == []
    assert tuned.best(Goal()) is None


def test_a_trial_that_is_ruined_is_a_row_that_is_not_kept() -> None:
    bars = wild_bars(12, 140, 1, absent_share=0.0, unknown_volume=False)
    panel = bars.panel.copy()
    panel[:4, 90:] *= 0.01
    asked = spec(
        strategy=Wander,
        bars=replace(bars, panel=panel),
        terms=terms_of(venue="ideal", leverage=3.0),
        space=space_of(Wander, {"seed": (0, 30), "pace": (0.2, 1.0), "short": [False]}),
        sampler="random",
    )
    (tuned,), *_ = study(asked)
    assert {"ok", "ruined"} == set(tuned.statuses)
    for status, kept, reason in zip(tuned.statuses, tuned.kept, tuned.reasons, strict=True):
        assert (status == "ok") == kept
        assert reason == ""


def test_of_several_objectives_the_first_chooses_from_the_front() -> None:
    goal = Goal(objectives=("sharpe", "max_drawdown", "turnover"))
    assert goal.directions == ("maximize", "minimize", "minimize")
    (tuned,), *_ = study(spec(goal=goal, sampler="nsga2"))
    values = [[m[name] for name in goal.objectives] for m in tuned.metrics]
    signs = np.array([1.0, -1.0, -1.0])
    points = {k: np.array(v) * signs for k, v in enumerate(values) if tuned.kept[k]}
    brute = [
        k
        for k, own in points.items()
        if not any((other >= own).all() and (other > own).any() for other in points.values())
    ]
    assert tuned.front == brute
    assert len(brute) > 1
    assert tuned.best(goal) == max(brute, key=lambda k: (values[k][0], -k))


def test_constraints_are_kept_by_what_is_chosen() -> None:
    free = Goal()
    (first,), *_ = study(spec(goal=free, sampler="random"))
    best = first.best(free)
    assert best is not None
    bound = first.metrics[best]["turnover"] * 0.999
    goal = Goal(constraints=(("turnover", bound), ("exposure", 0.01)))
    (tuned,), *_ = study(spec(goal=goal, sampler="random"))
    assert tuned.params == first.params
    for metrics, kept, status in zip(tuned.metrics, tuned.kept, tuned.statuses, strict=True):
        keeps = status == "ok" and metrics["turnover"] <= bound and metrics["exposure"] >= 0.01
        assert kept == keeps
    chosen = tuned.best(goal)
    assert chosen is not None
    assert tuned.kept[chosen]
    assert chosen == max(
        (k for k in range(len(tuned.params)) if tuned.kept[k]),
        key=lambda k: (tuned.metrics[k]["sharpe"], -k),
    )


def test_what_is_made_small_is_chosen_small() -> None:
    goal = Goal(objectives=("max_drawdown",))
    (tuned,), *_ = study(spec(goal=goal))
    chosen = tuned.best(goal)
    assert chosen is not None
    kept = [m["max_drawdown"] for m, keeps in zip(tuned.metrics, tuned.kept, strict=True) if keeps]
    assert tuned.metrics[chosen]["max_drawdown"] == min(kept)


def test_how_far_a_constraint_is_broken_has_the_sign_of_its_metric() -> None:
    goal = Goal(constraints=(("max_drawdown", 0.2), ("sharpe", 1.0)))
    assert goal.broken({"max_drawdown": 0.3, "sharpe": 0.5}) == {
        "max_drawdown": pytest.approx(0.1),
        "sharpe": 0.5,
    }
    kept = goal.broken({"max_drawdown": 0.2, "sharpe": 1.0})
    assert all(value <= 0.0 for value in kept.values())
    assert goal.broken({"max_drawdown": math.nan, "sharpe": 2.0})["max_drawdown"] == math.inf


def test_the_hash_tells_studies_apart_and_equal_ones_not() -> None:
    (one,), *_ = study(spec())
    (again,), *_ = study(spec())
    (other,), *_ = study(spec(seed=5))
    assert studies_hash([one]) == studies_hash([again])
    assert len({studies_hash([one]), studies_hash([other]), studies_hash([one, other])}) == 3


def test_more_trials_do_not_change_the_first_ones() -> None:
    (short,), *_ = study(spec(trial_count=2 * SIZE))
    (long,), *_ = study(spec(trial_count=3 * SIZE))
    assert list(long.rows())[: 2 * SIZE] == list(short.rows())
    assert spec(trial_count=9).identity([]) == spec(trial_count=99).identity([])


@pytest.mark.parametrize(
    "changed",
    [
        {"seed": 5},
        {"sampler": "random"},
        {"generation_size": 9},
        {"bars": wild_bars(9, 140, 2, absent_share=0.0, unknown_volume=False)},
        {"terms": terms_of(cash=50_000)},
        {"goal": Goal(objectives=("sortino",))},
        {"space": space_of(SmaCross, {"fast": (2, 8), "slow": (5, 21)})},
    ],
)
def test_whatever_decides_a_study_is_in_its_identity(changed: dict[str, Any]) -> None:
    slots = [Slot(window=Window(20, 140))]
    assert spec(**changed).identity(slots) != spec().identity(slots)
    assert spec().identity(slots) != spec().identity([Slot(window=Window(21, 140))])


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"generation_size": 0}, "generation must be 1 to 10,000, was 0"),
        ({"score_folds": 0}, "folds must be 1 to 100, was 0"),
        ({"score_folds": 101}, "folds must be 1 to 100, was 101"),
        ({"pruner": "median"}, "pruner median works between folds, folds was 1"),
        (
            {"sampler": "cmaes", "goal": Goal(constraints=(("sharpe", 0.0),))},
            "sampler cmaes knows no constraints",
        ),
        ({"seed": -1}, "seed must not be negative, was -1"),
    ],
)
def test_a_study_that_cannot_be_is_refused(changed: dict[str, Any], text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        spec(**changed)


@pytest.mark.parametrize(
    ("objectives", "text"),
    [
        ((), "objectives must be 1 to 6, were 0"),
        (("sharpe",) * 7, "objectives must be 1 to 6, were 7"),
        (("sharp",), "objective must be one of total_return, .*, was 'sharp'"),
    ],
)
def test_objectives_that_nobody_measures_are_refused(
    objectives: tuple[str, ...], text: str
) -> None:
    with pytest.raises(ConfigError, match=text):
        Goal(objectives=objectives)


def test_stretches_that_are_too_short_are_refused() -> None:
    with pytest.raises(ConfigError, match="80 folds must have 160 bars or more, had 120"):
        study(spec(score_folds=80))


def test_a_number_of_trials_that_cannot_be_meant_is_refused() -> None:
    for count in (0, 1_000_001):
        with pytest.raises(ConfigError, match=f"trials must be 1 to 1,000,000, was {count}"):
            study(spec(trial_count=count))


DAYS = wild_bars(5, 140, 1)


def test_what_learns_is_fitted_on_the_earlier_bars_and_scored_on_the_later() -> None:
    learned, scored = split_for_fit(DAYS, (Window(10, 61), Window(80, 131)))
    assert learned == (Window(10, 61), Window(80, 101))
    assert scored == (Window(100, 131),)
    total = sum(one.bar_count for one in (*learned, *scored))
    assert total == 100
    assert sum(one.bar_count for one in learned) == 70
    (learned_alone,), (scored_alone,) = split_for_fit(DAYS, (Window(0, 12),))
    assert learned_alone == Window(0, 9)
    assert scored_alone == Window(8, 12)
    with pytest.raises(ConfigError, match="must have bars to learn from and bars to score on"):
        split_for_fit(DAYS, (Window(0, 3),))
