"""Walk-forward: chosen on the past alone, tested in one account, whatever comes later."""

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
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
from fanfold.engine.options import FillOptions
from fanfold.errors import ConfigError
from fanfold.execution.costs import Costs
from fanfold.research.folds import WalkForward
from fanfold.strategies import (
    ROC,
    Indicator,
    LearningStrategy,
    SmaCross,
    Strategy,
    decision,
    forward_return,
)
from fanfold.workflows.fleet import Fleet

BARS = wild_bars(21, 170, 2, absent_share=0.0, unknown_volume=False)
CROSS = {"fast": (2, 6), "slow": (7, 15)}
CLOSED = FillOptions(close_at_end=True)
COSTS = Costs(commission_bps=10, slippage_bps=5)


def walked(bars: Bars = BARS, strategy: type[Strategy] = SmaCross, **changed: Any) -> Any:
    stated: dict[str, Any] = {
        "train": 60,
        "test": 25,
        "purge": 3,
        "trials": 10,
        "generation": 5,
        "seed": 2,
        "space": CROSS,
        "costs": COSTS,
        "workers": 0,
    }
    return ff.walk_forward(strategy, bars, **stated | changed)


@pytest.fixture(scope="module")
def walk() -> Any:
    return walked()


def cut(bars: Bars, bar_count: int) -> Bars:
    """The first of the bars."""
    return bars.select(end=str(np.datetime64(int(bars.session_day[bar_count - 1]), "D")))


def changed_from(bars: Bars, first: int, last: int | None = None) -> Bars:
    """The same bars, but some with other prices."""
    panel = bars.panel.copy()
    count = panel[:, first:last].shape[1]
    wave = 1.5 + np.sin(np.arange(count))[:, np.newaxis] * 0.4
    panel[:VOLUME, first:last] *= wave
    return replace(bars, panel=panel)


def plain(tested: Any) -> str:
    """A fold's choice and all that came of it, as text."""
    return repr(
        (
            tested.fold,
            tested.params,
            tested.in_sample,
            tested.result.metrics,
            tested.result.equity.to_list(),
        )
    )


def test_folds_are_those_of_the_plan(walk: Any) -> None:
    folds = WalkForward(train=60, test=25, purge=3).folds(BARS, walk.studied.window)
    assert walk.studied.window.first == 14
    assert tuple(one.fold for one in walk.tested) == folds
    assert len(folds) == 3
    frame = walk.folds
    assert frame["fold"].tolist() == [0, 1, 2]
    days = BARS.session_day.astype("datetime64[D]").astype(str)
    assert frame["train_start"].tolist() == [days[15], days[40], days[65]]
    assert frame["train_end"].tolist() == [days[74], days[99], days[124]]
    assert frame["test_start"].tolist() == [days[78], days[103], days[128]]
    assert frame["test_end"].tolist() == [days[102], days[127], days[152]]
    assert len(walk.trials) == 4 * 10  # and a study of the latest window
    assert walk.trials["fold"].value_counts().to_dict() == dict.fromkeys(range(4), 10)


def test_each_fold_takes_the_best_of_its_own_trials(walk: Any) -> None:
    for fold, row in walk.folds.iterrows():
        own = walk.trials[(walk.trials["fold"] == fold) & walk.trials["kept"]]
        best = own.loc[own["sharpe"].idxmax()]
        assert (row["fast"], row["slow"]) == (best["fast"], best["slow"])
        assert row["in_sample"] == best["sharpe"]
        assert row["trials"] == 10
        assert row["kept"] == len(own)


def test_a_trial_is_scored_on_its_training_window_alone(walk: Any) -> None:
    for one, tuned in zip(walk.tested, walk.studied.tuned, strict=False):
        (window,) = one.fold.train
        number = tuned.best(walk.studied.spec.goal)
        alone = ff.backtest(
            SmaCross(**one.params),
            cut(BARS, window.last),
            start_bar=window.first,
            options=CLOSED,
            costs=COSTS,
        )
        assert tuned.metrics[number]["sharpe"] == alone.metrics["sharpe"]
        assert tuned.metrics[number]["final_equity"] == alone.metrics["final_equity"]


def test_equity_is_that_of_single_backtests_one_after_the_other(walk: Any) -> None:
    cash: Any = 100_000
    pieces: list[Any] = []
    for one in walk.tested:
        (window,) = one.fold.test
        alone = ff.backtest(
            SmaCross(**one.params),
            cut(BARS, window.last),
            cash=cash,
            start_bar=window.first,
            options=CLOSED,
            costs=COSTS,
        )
        assert one.result.equity.equals(alone.equity)
        assert one.result.metrics["sharpe"] == alone.metrics["sharpe"]
        pieces.append(alone.equity if not pieces else alone.equity.iloc[1:])
        cash = alone.final_cash
    assert walk.equity.to_list() == [value for piece in pieces for value in piece.to_list()]
    assert float(cash) == walk.equity.iloc[-1]


def test_no_bar_is_there_twice_and_none_is_missing(walk: Any) -> None:
    import pandas as pd

    expected = pd.DatetimeIndex(BARS.ts[77:153], tz="UTC")
    assert walk.equity.index.tolist() == expected.tolist()
    assert walk.returns.index.tolist() == expected[1:].tolist()


def test_metrics_are_those_of_the_equity(walk: Any) -> None:
    equity = walk.equity.to_numpy()
    returns = equity[1:] / equity[:-1] - 1.0
    np.testing.assert_allclose(walk.returns, returns, atol=1e-12)
    expected = {
        "total_return": equity[-1] / 100_000 - 1.0,
        "sharpe": m.sharpe_ratio(returns, periods_per_year=252),
        "sortino": m.sortino_ratio(returns, periods_per_year=252),
        "cagr": m.cagr(returns, 252),
        "calmar": m.calmar_ratio(returns, 252),
        "max_drawdown": m.max_drawdown(returns),
        "max_drawdown_days": m.max_drawdown_days(equity, BARS.ts[77:153]),
        "volatility": m.volatility(returns, 252),
        "return_count": 75,
        "final_equity": equity[-1],
        "fees": sum(one.result.metrics["fees"] for one in walk.tested),
        "round_trip_count": sum(one.result.metrics["round_trip_count"] for one in walk.tested),
        "efficiency": walk.folds["out_of_sample"].mean() / walk.folds["in_sample"].mean(),
    }
    found = {name: walk.metrics[name] for name in expected}
    assert found == pytest.approx(expected, rel=1e-9)


def test_each_choice_is_tested_on_each_window(walk: Any) -> None:
    matrix = walk.matrix
    assert matrix.shape == (3, 3)
    own = [one.result.metrics["sharpe"] for one in walk.tested]
    # The account starts with what was left, here all start with the same.
    assert np.diag(matrix) == pytest.approx(own, abs=0.05)
    other = ff.backtest(
        SmaCross(**walk.tested[0].params),
        cut(BARS, walk.tested[2].fold.test[0].last),
        start_bar=walk.tested[2].fold.test[0].first,
        options=CLOSED,
        costs=COSTS,
    )
    assert matrix.loc[2, 0] == other.metrics["sharpe"]


def test_the_latest_window_chooses_for_what_is_to_come(walk: Any) -> None:
    (window,) = walk.plan.latest(walk.studied.window)
    assert (window.bar_count, window.last) == (60, 170)
    own = walk.trials[(walk.trials["fold"] == 3) & walk.trials["kept"]]
    best = own.loc[own["sharpe"].idxmax()]
    assert walk.next_params == {"fast": best["fast"], "slow": best["slow"]}
    assert walk.strategy == SmaCross(**walk.next_params)


def test_bars_after_a_test_window_change_nothing_before(walk: Any) -> None:
    for fold in (0, 1):
        after = walked(changed_from(BARS, walk.tested[fold].fold.test[0].last))
        for k in range(fold + 1):
            assert plain(after.tested[k]) == plain(walk.tested[k])
        assert plain(after.tested[-1]) != plain(walk.tested[-1])


def test_what_is_tested_on_is_never_seen_in_training(walk: Any) -> None:
    for one in walk.tested:
        # All bars from the purge on: of the trials of this fold none may notice.
        after = walked(changed_from(BARS, one.fold.train[0].last))
        before, now = (each.studied.tuned[one.fold.number] for each in (walk, after))
        assert list(now.rows()) == list(before.rows())
        assert after.tested[one.fold.number].params == one.params
        assert after.tested[one.fold.number].result.metrics != one.result.metrics


def test_more_bars_change_no_fold_that_was_there(walk: Any) -> None:
    shorter = walked(cut(BARS, 130))
    assert len(shorter.tested) == 2
    for before, after in zip(shorter.tested, walk.tested, strict=False):
        assert plain(before) == plain(after)


def test_an_anchored_one_trains_from_the_first_bar() -> None:
    anchored = walked(anchored=True)
    assert {one.fold.train[0].first for one in anchored.tested} == {14}
    assert [one.fold.train[0].bar_count for one in anchored.tested] == [60, 85, 110]


def test_a_gap_of_time_is_a_gap_of_bars_here() -> None:
    in_days = walked(purge=timedelta(days=30), train=40)
    for one in in_days.tested:
        left = BARS.ts[one.fold.test[0].first] - BARS.ts[one.fold.train[0].last - 1]
        assert left >= 30 * 86_400 * 10**9


@pytest.mark.parametrize("size", [1, 4])
def test_the_hash_does_not_hang_on_the_size_of_chunks(
    size: int, walk: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(Fleet, "chunk_size", lambda *_: size)
    assert walked(folder=tmp_path).hash == walk.hash
    assert walked(folder=tmp_path).hash == walk.hash  # from what the folder holds


def test_another_seed_or_another_cost_is_another_hash(walk: Any) -> None:
    others = {walked(seed=3).hash, walked(costs=Costs()).hash, walked(embargo=1).hash}
    assert len({walk.hash, *others}) == 4


def test_positions_can_be_carried_over_the_seams(walk: Any) -> None:
    carried = walked(carry_positions=True)
    assert [plain(one) for one in carried.tested] == [plain(one) for one in walk.tested]
    assert carried.equity.index.equals(walk.equity.index)
    first, last = BARS.ts[77], BARS.ts[152]
    fills = carried.carried.fills
    assert fills["ts"].min().value > first
    assert fills["ts"].max().value <= last
    assert float(carried.carried.replayed_cash()) == carried.equity.iloc[-1]
    assert carried.metrics["total_return"] == pytest.approx(carried.equity.iloc[-1] / 1e5 - 1.0)


def test_one_choice_that_is_carried_is_one_backtest() -> None:
    fixed = walked(carry_positions=True, space={"fast": [3]}, fixed={"slow": 9})
    alone = ff.backtest(
        SmaCross(fast=3, slow=9),
        cut(BARS, fixed.tested[-1].fold.test[0].last),
        start_bar=fixed.tested[0].fold.test[0].first,
        options=CLOSED,
        costs=COSTS,
    )
    assert fixed.equity.to_list() == alone.equity.to_list()


def still_in(bars: Bars, first: int, last: int) -> Bars:
    """Whole prices that do not move for a while, in which averages never cross."""
    panel = bars.panel.copy()
    panel[:VOLUME] = np.round(panel[:VOLUME] * 1_000.0 / panel[3].mean(axis=0))
    panel[:VOLUME, first:last] = panel[3, first - 1]
    return replace(bars, panel=panel)


def test_a_fold_without_a_choice_holds_nothing() -> None:
    walk = walked(still_in(BARS, 25, 100))
    first = walk.tested[1]
    assert (first.params, first.result) == (None, None)
    assert math.isnan(first.in_sample)
    assert walk.tested[2].result is not None
    before, after = walk.tested[0].result, walk.tested[2].result
    assert after.terms.cash == int(before.final_cash * 1_000_000)
    assert walk.folds["fast"].isna().tolist() == [False, True, False]


def test_a_fold_in_which_nothing_is_held_is_flat_and_counts() -> None:
    walk = walked(still_in(BARS, 25, 100))
    assert walk.tested[1].result is None
    assert len(walk.equity) == 76
    assert len(walk.returns) == 75
    assert walk.metrics["return_count"] == 75


@decision
def fear_heights(assets: Any, portfolio: Any, memory: Any) -> None:
    """Hold a share while prices are low, raise at the first that is not."""
    for asset in assets:
        if asset.close > 1_000.0:
            raise ValueError("too high")
        asset.target = portfolio.params[0] if asset.close < asset.features[0] * 1.001 else 0.0


class Acrophobic(Strategy):
    """Fails where prices are high."""

    share: float = Field(0.5, ge=0.1, le=0.5)
    decide: ClassVar[Any] = fear_heights

    def features(self) -> tuple[Indicator, ...]:
        return (ff.strategies.SMA(3),)


def test_a_choice_that_fails_on_its_test_window_is_a_fold_with_a_reason() -> None:
    panel = BARS.panel.copy()
    panel[:VOLUME] *= 100.0 / panel[3].mean()
    panel[:VOLUME, 110:] *= 1_000.0
    walk = walked(replace(BARS, panel=panel), Acrophobic, space=None)
    assert [one.result is None for one in walk.tested] == [False, True, True, True]
    assert "too high" in walk.tested[1].reason


def test_folds_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ConfigError, match="must have 103 bars after the warm-up or more, had 85"):
        walked(cut(BARS, 100), train=75)


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"train": 1}, "train must be 2 bars or more, was 1"),
        ({"test": 0}, "test must be 2 bars or more, was 0"),
        ({"purge": -1}, "purge must not be negative, was -1"),
        ({"embargo": timedelta(days=-1)}, "embargo must not be negative"),
        ({"objective": "sharp"}, "objective must be one of .*, was 'sharp'"),
        ({"trials": 0}, "trials must be 1 to"),
        ({"score_folds": 40}, "40 folds must have 80 bars or more, had 60"),
        ({"pruner": "median"}, "pruner median works between folds"),
        ({"bars": "sample"}, "bars must be Bars"),
        ({"storage": "postgresql://me:secret@host/name"}, "storage must carry no password"),
    ],
)
def test_bad_input_is_refused(changed: dict[str, Any], text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        walked(**changed)


class Mean:
    """Forecasts the mean label, tilted by the first feature."""

    def fit(self, inputs: NDArray[np.float64], labels: NDArray[np.float64]) -> None:  # noqa: ARG002
        self.mean = float(labels.mean())

    def predict(self, inputs: NDArray[np.float64]) -> NDArray[np.float64]:
        return self.mean + inputs[:, 0]


class Learner(LearningStrategy):
    """Holds what is forecast to rise by more than a threshold."""

    horizon: int = Field(2, ge=1, le=4)
    least: float = Field(0.0, ge=-0.01, le=0.01)

    def features(self) -> tuple[Indicator, ...]:
        return (ROC(2),)

    def estimator(self) -> Any:
        return Mean()

    def labels(self, prices: NDArray[np.float64]) -> NDArray[np.float64]:
        return forward_return(prices, self.horizon)

    def decide(self, assets: Sequence[Any], portfolio: Any, memory: Any) -> None:  # noqa: ARG002
        for asset, forecast in zip(assets, self.forecasts_for(assets), strict=True):
            asset.target = 0.5 if forecast > self.least else 0.0


LEARNED = {"space": None, "trials": 4, "generation": 4, "train": 90, "test": 30}


def test_what_learns_is_fitted_on_each_fold_and_tested_on_the_next_bars() -> None:
    walk = walked(strategy=Learner, **LEARNED)
    assert len(walk.tested) == 2
    for one in walk.tested:
        (train,), (test,) = one.fold.train, one.fold.test
        fitted = Learner(**one.params).fit(BARS, [(train.first + 1, train.last)])
        assert one.result.strategy.learned() == fitted.learned() != ""
        assert one.result.strategy.fitted.row_count <= 2 * 91
        alone = ff.backtest(
            fitted,
            cut(BARS, test.last),
            cash=one.result.terms.cash / 1e6,
            start_bar=test.first,
            options=CLOSED,
            costs=COSTS,
        )
        assert one.result.equity.to_list() == alone.equity.to_list()
    assert walk.strategy.learned() != ""
    assert walked(strategy=Learner, **LEARNED).hash == walk.hash


def test_a_trial_that_learns_is_scored_on_bars_that_it_has_not_learned_from() -> None:
    walk = walked(strategy=Learner, **LEARNED)
    for one, slots in zip(walk.tested, walk.studied.layout.steps, strict=False):
        ((number,),) = slots
        slot = walk.studied.inputs.slots[number]
        (fit,) = slot.fit
        assert fit.first == one.fold.train[0].first
        assert fit.last == slot.window.first + 1
        assert slot.window.last == one.fold.train[0].last
        assert fit.bar_count == pytest.approx(0.7 * 90, abs=1.0)


def test_bars_that_come_later_change_nothing_that_was_learned() -> None:
    walk = walked(strategy=Learner, **LEARNED)
    (first, _) = walk.tested
    after = walked(changed_from(BARS, first.fold.test[0].last), Learner, **LEARNED)
    assert plain(after.tested[0]) == plain(first)
    perturbed = walked(changed_from(BARS, first.fold.train[0].last), Learner, **LEARNED)
    assert list(perturbed.studied.tuned[0].rows()) == list(walk.studied.tuned[0].rows())
    assert perturbed.tested[0].result.strategy.learned() == first.result.strategy.learned()


def test_what_learns_is_tuned_on_the_later_part_of_the_bars() -> None:
    study = ff.tune(Learner, BARS, trials=4, generation=4, seed=1, workers=0)
    (slot,) = study.studied.inputs.slots
    best = study.trials.iloc[study.best_number]
    fitted = Learner(**study.best).fit(BARS, slot.spans)
    alone = ff.backtest(fitted, BARS, start_bar=slot.window.first, options=CLOSED)
    assert best["sharpe"] == alone.metrics["sharpe"]
    assert study.strategy.learned() == fitted.learned()
    assert study.result.metrics["sharpe"] == best["sharpe"]


def test_too_few_rows_to_learn_from_are_a_reason_of_each_trial() -> None:
    study = ff.tune(Learner, cut(BARS, 60), trials=3, generation=3, workers=0)
    assert set(study.trials["status"]) == {"failed"}
    assert (
        study.trials["reason"]
        .str.startswith("fit raised DataError: Learner must have 100 rows or more")
        .all()
    )
