"""Cross-validation: every bar is tested on each path, by what was chosen without it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from math import comb
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import Field
from tests.fakes.panels import wild_bars

import fanfold as ff
from fanfold import measures as m
from fanfold.domain.bars import Bars
from fanfold.domain.panel import VOLUME
from fanfold.engine.backtest import run_backtest
from fanfold.engine.options import FillOptions
from fanfold.errors import ConfigError
from fanfold.execution.costs import Costs
from fanfold.research.folds import CrossValidation
from fanfold.strategies import (
    ROC,
    Indicator,
    LearningStrategy,
    SmaCross,
    Strategy,
    decision,
    forward_return,
)
from fanfold.strategies.rows import rows_of
from fanfold.workflows.fleet import Fleet
from fanfold.workflows.studies import Nothing

BARS = wild_bars(21, 166, 2, absent_share=0.0, unknown_volume=False)
CROSS = {"fast": (2, 6), "slow": (7, 15)}
CLOSED = FillOptions(close_at_end=True)
COSTS = Costs(commission_bps=10, slippage_bps=5)


def validated(bars: Bars = BARS, strategy: type[Strategy] = SmaCross, **changed: Any) -> Any:
    stated: dict[str, Any] = {
        "groups": 5,
        "test_groups": 2,
        "purge": 3,
        "embargo": 2,
        "trials": 8,
        "generation": 4,
        "seed": 2,
        "space": CROSS,
        "costs": COSTS,
        "workers": 0,
    }
    return ff.cross_validate(strategy, bars, **stated | changed)


@pytest.fixture(scope="module")
def result() -> Any:
    return validated()


def changed_at(bars: Bars, at: Sequence[int]) -> Bars:
    """The same bars, but some with other prices."""
    panel = bars.panel.copy()
    wave = 1.5 + np.sin(np.arange(len(at)))[:, np.newaxis] * 0.4
    panel[:VOLUME, at] *= wave
    return replace(bars, panel=panel)


def measured(windows: Sequence[Any]) -> list[int]:
    return [bar for one in windows for bar in range(one.first + 1, one.last)]


def rows(result: Any, split: int) -> list[str]:
    return list(result.studied.tuned[split].rows())


def test_there_are_as_many_splits_and_paths_as_there_can_be(result: Any) -> None:
    assert len(result.splits) == comb(5, 2) == result.metrics["split_count"]
    assert result.paths.shape[1] == len(result.sharpes) == 4 == result.metrics["path_count"]
    assert len(result.folds) == 10
    assert len(result.trials) == 80
    plan = CrossValidation(groups=5, test_groups=2, purge=3, embargo=2)
    assert result.splits == plan.folds(BARS, result.studied.window)
    assert result.folds["groups"].tolist()[:5] == ["0 1", "0 2", "0 3", "0 4", "1 2"]


def test_each_path_goes_through_every_bar_once(result: Any) -> None:
    import pandas as pd

    expected = pd.DatetimeIndex(BARS.ts[15:], tz="UTC")
    assert result.returns.index.tolist() == expected.tolist()
    assert not result.returns.isna().any().any()
    paths = (1.0 + result.returns).prod() * 100_000
    assert result.paths.iloc[-1].tolist() == pytest.approx(paths.tolist())


def test_paths_are_made_of_single_backtests(result: Any) -> None:
    for number, path in enumerate(result.plan.paths(result.splits)):
        pieces: list[float] = []
        for group, split in enumerate(path):
            one = result.splits[split]
            window = one.test[one.groups.index(group)]
            params = result.studied.tuned[split].params[result.choices[split]]
            end = str(np.datetime64(int(BARS.session_day[window.last - 1]), "D"))
            alone = ff.backtest(
                SmaCross(**params),
                BARS.select(end=end),
                start_bar=window.first,
                options=CLOSED,
                costs=COSTS,
            )
            pieces += alone.returns.to_list()
        assert result.returns[f"path_{number}"].to_list() == pieces


def test_the_distribution_is_that_of_the_paths(result: Any) -> None:
    returns = result.returns.to_numpy()
    expected = [m.sharpe_ratio(returns[:, k], periods_per_year=252) for k in range(4)]
    assert result.sharpes.tolist() == pytest.approx(expected, rel=1e-12)
    growth = np.prod(1.0 + returns, axis=0)
    found = {
        name: result.metrics[name]
        for name in ("sharpe", "sharpe_median", "sharpe_deviation", "loss_share", "total_return")
    }
    assert found == pytest.approx(
        {
            "sharpe": np.mean(expected),
            "sharpe_median": np.median(expected),
            "sharpe_deviation": np.std(expected, ddof=1),
            "loss_share": np.mean(growth < 1.0),
            "total_return": np.mean(growth - 1.0),
        }
    )
    assert result.metrics["sharpe_low"] <= result.metrics["sharpe_high"]


def test_each_split_takes_the_best_of_its_own_trials(result: Any) -> None:
    for split, row in result.folds.iterrows():
        own = result.trials[(result.trials["fold"] == split) & result.trials["kept"]]
        best = own.loc[own["sharpe"].idxmax()]
        assert (row["fast"], row["slow"]) == (best["fast"], best["slow"])
        assert row["in_sample"] == best["sharpe"]
        tests = [result.tests[split, group] for group in result.splits[split].groups]
        mean = np.mean([one.metrics["sharpe"] for one in tests])
        assert row["out_of_sample"] == pytest.approx(mean)


def test_what_lies_after_all_training_changes_no_choice(result: Any) -> None:
    for split in result.splits:
        train = measured(split.train)
        later = [bar for bar in range(BARS.bar_count) if bar > train[-1]]
        if not later:
            continue
        after = validated(changed_at(BARS, later))
        assert rows(after, split.number) == rows(result, split.number)
        assert after.choices[split.number] == result.choices[split.number]
        break
    else:
        pytest.fail("no split trains on the first groups alone")


@decision
def follow_the_bar(assets: Any, portfolio: Any, memory: Any) -> None:
    """Hold what has risen by more than a threshold within this bar, and remember nothing."""
    for asset in assets:
        asset.target = 0.4 if asset.close > asset.open * portfolio.params[0] else 0.0


class Forgetful(Strategy):
    """Decides by one bar alone, so that no bar before it can reach into training."""

    least: float = Field(1.0, ge=0.97, le=1.03)
    decide: ClassVar[Any] = follow_the_bar


def without_benchmark(result: Any, split: int) -> str:
    """A split's trials but for what is measured against the market.

    Its level goes through all bars, so that its last bits hang on those in between.
    """
    tuned = result.studied.tuned[split]
    metrics = [
        {name: value for name, value in one.items() if name not in ("alpha", "beta")}
        for one in tuned.metrics
    ]
    return repr((tuned.params, metrics, tuned.statuses))


def test_what_is_tested_or_purged_changes_no_choice() -> None:
    own = validated(strategy=Forgetful, space=None)
    for number in (0, 4):
        split = own.splits[number]
        # Decisions of a training window begin at the close of the bar before it.
        seen = {*measured(split.train), *(window.first for window in split.train)}
        hidden = [bar for bar in range(BARS.bar_count) if bar not in seen]
        assert len(hidden) > 60
        other = validated(changed_at(BARS, hidden), Forgetful, space=None)
        assert without_benchmark(other, number) == without_benchmark(own, number)
        assert other.choices[number] == own.choices[number]
        tests = [other.tests[number, group].metrics for group in split.groups]
        assert tests != [own.tests[number, group].metrics for group in split.groups]


def test_k_fold_is_one_path() -> None:
    result = validated(test_groups=1)
    assert len(result.splits) == 5
    assert result.sharpes.shape == (1,)
    assert np.isnan(result.metrics["sharpe_deviation"])
    assert [len(split.train) for split in result.splits] == [1, 2, 2, 2, 1]


def test_training_on_both_sides_of_a_test_is_one_account(result: Any) -> None:
    split = result.splits[4]  # groups 1 and 2 are tested
    assert len(split.train) == 2
    tuned = result.studied.tuned[4]
    number = result.choices[4]
    runs = [
        ff.backtest(
            SmaCross(**tuned.params[number]),
            BARS.select(end=str(np.datetime64(int(BARS.session_day[window.last - 1]), "D"))),
            start_bar=window.first,
            options=CLOSED,
            costs=COSTS,
        )
        for window in split.train
    ]
    returns = np.concatenate([run.returns for run in runs])
    sharpe = m.sharpe_ratio(returns, periods_per_year=252)
    assert tuned.metrics[number]["sharpe"] == pytest.approx(sharpe, rel=1e-9)


@pytest.mark.parametrize("size", [1, 5])
def test_the_hash_does_not_hang_on_the_size_of_chunks(
    size: int, result: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(Fleet, "chunk_size", lambda *_: size)
    assert validated(folder=tmp_path).hash == result.hash
    assert validated(folder=tmp_path).hash == result.hash


def test_gaps_may_be_times(result: Any) -> None:
    # Sessions are one to three days apart: what is left out are days, not bars.
    in_time = validated(purge=timedelta(days=9), embargo=timedelta(days=4))
    for split in in_time.splits:
        for test in split.test:
            for train in split.train:
                if train.last <= test.first:
                    gap = BARS.ts[test.first] - BARS.ts[train.last - 1]
                    assert gap >= 9 * 86_400 * 10**9
                else:
                    gap = BARS.ts[train.first] - BARS.ts[test.last - 1]
                    assert gap >= 13 * 86_400 * 10**9
    assert in_time.hash != result.hash


def test_a_path_through_a_split_without_a_choice_rests_there(result: Any) -> None:
    choices = (None, *result.choices[1:])
    tests = {
        key: run_backtest(Nothing(), BARS, run.terms) if key[0] == 0 else run
        for key, run in result.tests.items()
    }
    none = replace(result, choices=choices, tests=tests)
    assert none.returns.index.equals(result.returns.index)
    for number, path in enumerate(none.plan.paths(none.splits)):
        own, before = (each.returns[f"path_{number}"].to_numpy() for each in (none, result))
        at = 0
        for group, split in enumerate(path):
            one = none.splits[split]
            stop = at + one.test[one.groups.index(group)].bar_count
            assert (own[at:stop] == (0.0 if split == 0 else before[at:stop])).all()
            at = stop
    assert np.isnan(none.folds["out_of_sample"][0])
    assert none.hash != result.hash


def test_bars_that_no_split_could_choose_for_are_there_all_the_same() -> None:
    nothing = validated(constraints={"sharpe": 1e9}, trials=4)
    assert set(nothing.choices) == {None}
    assert len(nothing.returns) == len(BARS.ts) - 15


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"groups": 1}, "test_groups must be 1 to groups - 1 = 0, was 2"),
        ({"test_groups": 5}, "test_groups must be 1 to groups - 1 = 4, was 5"),
        ({"test_groups": 0}, "test_groups must be 1 to groups - 1 = 4, was 0"),
        (
            {"groups": 90, "test_groups": 1},
            "90 groups must have 180 bars after the warm-up or more, had 151",
        ),
        ({"groups": 30, "test_groups": 10}, "splits or fewer, made 30,045,015"),
        ({"purge": 90}, "purge and embargo must leave bars to train on, left none"),
        ({"purge": -1}, "purge must not be negative, was -1"),
        ({"objective": "sharp"}, "objective must be one of .*, was 'sharp'"),
        ({"trials": 0}, "trials must be 1 to"),
        ({"bars": "sample"}, "bars must be Bars"),
    ],
)
def test_bad_input_is_refused(changed: dict[str, Any], text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        validated(**changed)


class Mean:
    """Forecasts the mean label, tilted by the first feature."""

    def fit(self, inputs: NDArray[np.float64], labels: NDArray[np.float64]) -> None:  # noqa: ARG002
        self.mean = float(labels.mean())

    def predict(self, inputs: NDArray[np.float64]) -> NDArray[np.float64]:
        return self.mean + inputs[:, 0]


class Learner(LearningStrategy):
    """Holds what is forecast to rise by more than a threshold."""

    least: float = Field(0.0, ge=-0.01, le=0.01)

    def features(self) -> tuple[Indicator, ...]:
        return (ROC(1),)

    def estimator(self) -> Any:
        return Mean()

    def labels(self, prices: NDArray[np.float64]) -> NDArray[np.float64]:
        return forward_return(prices, 2)

    def decide(self, assets: Sequence[Any], portfolio: Any, memory: Any) -> None:  # noqa: ARG002
        for asset, forecast in zip(assets, self.forecasts_for(assets), strict=True):
            asset.target = 0.4 if forecast > self.least else 0.0


LEARNED: dict[str, Any] = {"strategy": Learner, "space": None, "trials": 3, "generation": 3}


def test_what_learns_is_fitted_on_the_training_groups_of_each_split() -> None:
    result = validated(groups=4, **LEARNED)
    for split, number in zip(result.splits, result.choices, strict=True):
        if number is None:
            continue
        params = result.studied.tuned[split.number].params[number]
        spans = [(window.first + 1, window.last) for window in split.train]
        fitted = Learner(**params).fit(BARS, spans)
        for group in split.groups:
            run = result.tests[split.number, group]
            assert run.strategy.learned() == fitted.learned() != ""
    assert validated(groups=4, **LEARNED).hash == result.hash


def test_purged_and_tested_bars_are_not_learned_from() -> None:
    result = validated(groups=4, **LEARNED)
    split = result.splits[3]  # groups 1 and 2 are tested, training lies on both sides
    assert len(split.train) == 2
    learner, slot = Learner(), result.studied.inputs.slots[0]
    spans = replace(slot, fit=split.train).spans
    learned = rows_of(learner, BARS, spans, learner.labels)
    assert set(learned.bar.tolist()) <= set(measured(split.train))
