"""What was tried counts once, whatever it is called, whenever and however often it is run."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from tests.fakes.decisions import Wander, WanderPlainly, WanderWatching
from tests.fakes.panels import wild_bars

import fanfold as ff
from fanfold.domain.bars import Bars
from fanfold.engine.backtest import terms_of
from fanfold.engine.spec import Terms
from fanfold.engine.windows import Window
from fanfold.execution.costs import Costs
from fanfold.research.plan import Params
from fanfold.settings import Settings, check_settings
from fanfold.strategies.strategy import Strategy
from fanfold.workflows import counting as counting_module
from fanfold.workflows.counting import Counted, Tried, count_all, enter
from fanfold.workflows.fleet import Fleet
from fanfold.workflows.inputs import bars_for, terms_for
from fanfold.workflows.parts import run_part, weighed
from fanfold.workflows.weighing import count_backtest

BARS = wild_bars(4, 60, 2)
WINDOW = Window(5, 60)


@pytest.fixture(autouse=True)
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "ledger"
    monkeypatch.setenv("FANFOLD_LEDGER", str(folder))
    return folder


def tried(
    seeds: Sequence[int],
    strategy: type[Strategy] = Wander,
    *,
    bars: Bars = BARS,
    terms: Terms | None = None,
    window: Window = WINDOW,
    statuses: Sequence[str] | None = None,
) -> None:
    count = len(seeds)
    params: list[Params] = [{"seed": seed} for seed in seeds]
    scores = {
        "sharpe_per_period": [0.01 * seed for seed in seeds],
        "return_count": [50] * count,
        "skewness": [0.0] * count,
        "kurtosis": [3.0] * count,
    }
    one = Tried(
        strategy=strategy(),
        bars=bars,
        terms=terms or terms_of(),
        window=window,
        params=params,
        scores=scores,
        statuses=statuses or ["ok"] * count,
    )
    enter(one, job="tune", study="a study")


def counted(
    strategy: type[Strategy] = Wander, *, bars: Bars = BARS, window: Window = WINDOW
) -> Counted:
    return count_all(strategy(), bars, window)


def test_each_trial_counts_once_however_often_it_is_run() -> None:
    tried([1, 2, 3])
    assert counted().count == 3
    tried([1, 2, 3])
    assert counted().count == 3
    tried([3, 2, 4, 4])
    assert counted().count == 4
    assert sorted(counted().sharpes.tolist()) == pytest.approx([0.01, 0.02, 0.03, 0.04])


def test_a_ledger_without_trials_counts_none() -> None:
    assert counted().count == 0
    assert len(counted().sharpes) == 0


def test_one_more_day_of_data_resets_nothing() -> None:
    tried([1, 2, 3])
    longer = wild_bars(4, 61, 2)
    assert longer.fingerprint != BARS.fingerprint
    window = Window(6, 61)
    assert counted(bars=longer, window=window).count == 3
    tried([1, 2, 3, 5], bars=longer, window=window)
    assert counted(bars=longer, window=window).count == counted().count == 4


def test_other_parameters_costs_or_decisions_are_other_trials() -> None:
    tried([1, 2])
    tried([1, 2], terms=terms_of(costs=Costs(commission_bps=1)))
    assert counted().count == 4
    tried([1, 2], WanderWatching)
    assert counted().count == 4  # another code, and no family that joins them
    assert counted(WanderWatching).count == 2


def test_other_assets_and_other_times_are_not_counted_together() -> None:
    tried([1, 2])
    other = replace(BARS, symbols=("B0", "B1"))
    assert counted(bars=other).count == 0
    half = replace(BARS, symbols=("A1", "B1"))
    assert counted(bars=half).count == 2
    tried([7], window=Window(5, 20))
    assert counted(window=Window(30, 60)).count == 2
    assert counted(window=Window(19, 60)).count == 3
    assert counted(window=Window(20, 60)).count == 2


def test_what_never_ran_does_not_count_and_all_that_ran_does() -> None:
    tried([1, 2, 3, 4, 5], statuses=["ok", "infeasible", "failed", "pruned", "ruined"])
    assert counted().count == 4


class OneOfTwo(Wander):
    """A version of an idea."""

    family: ClassVar[str] = "wandering"


class TwoOfTwo(WanderPlainly):
    """Another version of it."""

    family: ClassVar[str] = "wandering"


def test_a_family_joins_its_versions() -> None:
    tried([1, 2], OneOfTwo)
    tried([1, 2, 3], TwoOfTwo)
    assert counted(OneOfTwo).count == counted(TwoOfTwo).count == 5
    tried([9], Wander)  # of the code of one of them, and of no family
    assert counted(OneOfTwo).count == 6
    assert counted(TwoOfTwo).count == 5


SOURCE = """
from typing import Any, ClassVar
from fanfold.domain.decision import decision
from fanfold.strategies import SMA, Strategy

@decision
def {decide}(assets: Any, portfolio: Any, memory: Any) -> None:
    for asset in assets:
        asset.target = {target} if asset.close > asset.features[0] else 0.0

class {name}(Strategy):
    seed: int = 9
    decide: ClassVar[Any] = {decide}

    def features(self):
        return (SMA(3),)
"""


def written(folder: Path, file: str, **changed: str) -> type[Strategy]:
    from fanfold.workflows.strategies import find_strategy

    stated = {"decide": "follow", "target": "1.0", "name": "Follow"} | changed
    place = folder / file
    place.write_text(SOURCE.format(**stated))
    return find_strategy(f"{place}:{stated['name']}")


def test_a_renamed_class_decision_or_file_is_the_same_trial(tmp_path: Path) -> None:
    own = written(tmp_path, "own.py")
    tried([1, 2], own)
    for other in (
        written(tmp_path, "renamed.py"),
        written(tmp_path, "third.py", name="Chase"),
        written(tmp_path, "fourth.py", decide="chase"),
    ):
        assert counted(other).count == 2
        tried([1, 2], other)
        assert counted(other).count == counted(own).count == 2
    changed = written(tmp_path, "changed.py", target="0.9")
    assert counted(changed).count == 0


def test_a_backtest_counts_as_the_trial_that_it_is() -> None:
    result = ff.backtest(Wander(seed=3), BARS, start_bar=5)
    for _ in range(2):
        count_backtest(result, job="backtest", study="by hand")
    assert counted().count == 1
    tried([3])  # the same parameters, tuned
    assert counted().count == 1
    (sharpe,) = counted().sharpes
    assert sharpe in (result.metrics["sharpe_per_period"], 0.03)


def test_many_trials_are_entered_by_parts(monkeypatch: pytest.MonkeyPatch, ledger: Path) -> None:
    monkeypatch.setattr(counting_module, "BATCH_ROWS", 3)
    tried(range(10))
    assert counted().count == 10
    assert len(list(ledger.glob("*.parquet"))) == 4


def job(**changed: Any) -> Settings:
    content: dict[str, Any] = {
        "job": "tune",
        "data": {"source": "sample", "symbols": ["AAPL"], "start": "2009-01-02"},
        "strategy": {
            "name": "SmaCross",
            "params": {"fast": {"between": [2, 8]}, "slow": {"between": [6, 20]}},
        },
        "search": {"sampler": "random", "trials": 12, "generation": 4},
        "walk_forward": {"train": 200, "test": 100},
        "cross_validation": {"groups": 4, "test_groups": 1},
        "run": {"workers": 0, "seed": 3},
    }
    return check_settings(content | changed, "a test")


def ran(settings: Settings, folder: Path, *, bars: Bars | None = None) -> Any:
    """One part of a job; it must have gone well."""
    market = bars or bars_for(settings), terms_for(settings)
    with Fleet(0, None) as fleet:
        (asked,) = settings.all_strategies
        folder.mkdir(parents=True, exist_ok=True)
        part = weighed(run_part(settings, asked, settings.job, market, fleet, folder), fleet)
    assert part.problem == ""
    return part


def feasible(part: Any) -> set[tuple[int, int]]:
    frame = part.trials[part.trials["status"] != "infeasible"]
    return set(zip(frame["fast"], frame["slow"], strict=True))


def test_the_trials_of_a_job_count_and_those_of_its_rerun_do_not(tmp_path: Path) -> None:
    first = ran(job(), tmp_path / "one")
    combinations = feasible(first)
    assert len(combinations) > 5
    assert first.evidence.trial_count == len(combinations)
    again = ran(job(track={"experiment": "renamed"}), tmp_path / "two")
    assert again.evidence.trial_count == len(combinations)
    shorter = ran(job(), tmp_path / "three", bars=bars_for(job()).select(end="2013-02-20"))
    assert shorter.evidence.trial_count == len(combinations)
    assert shorter.evidence.snapshot != ""
    other = ran(job(run={"workers": 0, "seed": 4}), tmp_path / "four")
    assert other.evidence.trial_count == len(combinations | feasible(other))


def test_folds_count_each_combination_once_beside_all_others(tmp_path: Path) -> None:
    bars = bars_for(job())
    found: set[tuple[int, int]] = set()
    for kind in ("tune", "walk_forward", "cross_validate"):
        part = ran(job(job=kind), tmp_path)
        found |= feasible(part)
        strategy = ff.strategies.SmaCross(fast=3, slow=9)
        assert count_all(strategy, bars, Window(20, bars.bar_count)).count == len(found)
        # What folds were put together to is looked at beside the trials.
        assert len(found) <= part.evidence.trial_count <= len(found) + 1


def test_trials_count_where_none_of_them_was_chosen(tmp_path: Path) -> None:
    nothing = ran(
        job(
            search={
                "sampler": "random",
                "trials": 12,
                "generation": 4,
                "constraints": {"sharpe": 1e6},
            }
        ),
        tmp_path,
    )
    assert nothing.evidence is None
    strategy = ff.strategies.SmaCross(fast=3, slow=9)
    bars = bars_for(job())
    found = count_all(strategy, bars, Window(20, bars.bar_count))
    assert found.count == len(feasible(nothing))


def test_numbers_that_are_none_are_kept_out_of_the_sharpes() -> None:
    tried([1, 2])
    one = Tried(
        strategy=Wander(),
        bars=BARS,
        terms=terms_of(),
        window=WINDOW,
        params=[{"seed": 9}],
        scores={
            "sharpe_per_period": [np.nan],
            "return_count": [0],
            "skewness": [np.nan],
            "kurtosis": [np.nan],
        },
        statuses=["failed"],
    )
    enter(one, job="tune", study="another")
    assert counted().count == 3
    assert len(counted().sharpes) == 2


def test_the_snapshot_tells_when_the_ledger_has_grown() -> None:
    tried([1])
    before = counted().snapshot
    assert counted().snapshot == before
    tried([1])
    assert counted().snapshot == before
    tried([2])
    assert counted().snapshot != before
