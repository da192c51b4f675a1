"""A path is one row whatever the chunk, and a real result that is luck looks like luck."""

import math
import pickle
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Field
from tests.fakes.decisions import FailOnOrder, Wander
from tests.fakes.leaks import Learned
from tests.fakes.panels import flat_bars

import fanfold as ff
from fanfold.domain.bars import Bars
from fanfold.engine.backtest import run_backtest, terms_of
from fanfold.engine.metrics import METRICS
from fanfold.errors import ConfigError, DataError, StrategyError
from fanfold.research.chunks import cut, map_here
from fanfold.research.retuned import Retune
from fanfold.research.simulated import REAL, Simulation, run_real, run_simulated, simulation_of
from fanfold.research.simulated_runs import SimulatedRuns, simulated_runs
from fanfold.research.space import space_of
from fanfold.simulation.bars import BarSource, ModelBars
from fanfold.simulation.gbm import GBM
from fanfold.strategies import ROC, BuyAndHold, Column, Indicator, SmaCross, Strategy, decision

WALK = GBM(drift=[0.0, 0.0], volatility=[0.02, 0.015])
TERMS = terms_of(venue="ideal", costs=ff.Costs(commission_bps=2))


@cache
def flat(bar_count: int) -> Bars:
    return flat_bars(np.full((bar_count, 2), 100.0))


def walk(bar_count: int = 90, *, history: int = 0) -> ModelBars:
    """Paths like a history that is itself one of the model's, of another seed."""
    real = ModelBars(model=WALK, template=flat(bar_count)).bars(path=0, seed=1_000 + history)
    return ModelBars(model=WALK, template=real)


def crosses(**how: Any) -> Retune:
    space = space_of(SmaCross, {"fast": (2, 10), "slow": (5, 40)})
    return Retune(**({"trial_count": 8, "space": space} | how))


def simulated(source: BarSource, strategy: Strategy, paths: int, **how: Any) -> SimulatedRuns:
    shared = simulation_of(strategy, source, how.pop("terms", TERMS), **how)
    return simulated_runs(shared, [run_simulated(shared, (0, paths))])


def rows(shared: Simulation, size: int, count: int = 9) -> list[str]:
    batches = map_here(run_simulated, cut(0, count, size), shared=shared, inflight_max=1)
    return [repr(row) for batch in batches for row in batch.to_pylist()]


@dataclass(frozen=True)
class Faulty:
    """Paths of a walk, of which some cannot be made."""

    walked: ModelBars
    faults: frozenset[int]

    @property
    def template(self) -> Bars:
        return self.walked.template

    def bars(self, *, path: int, seed: int = 0) -> Bars:
        return next(self.each(path_count=1, seed=seed, first_path=path))

    def each(self, *, path_count: int, seed: int = 0, first_path: int = 0) -> Iterator[Bars]:
        for path in range(first_path, first_path + path_count):
            if path in self.faults:
                raise DataError(f"prices must be sound, were not on path {path}")
            yield self.walked.bars(path=path, seed=seed)


FAULTY = Faulty(walk(), frozenset({2, 3, 8}))


@given(size=st.integers(1, 9))
@settings(max_examples=5)
@pytest.mark.parametrize("retune", [None, crosses()])
def test_rows_do_not_hang_on_the_size_of_chunks(retune: Retune | None, size: int) -> None:
    shared = simulation_of(SmaCross(fast=3, slow=8), FAULTY, TERMS, seed=5, retune=retune)
    assert rows(shared, size) == rows(shared, 9)


def test_inputs_travel_and_a_row_is_the_same_elsewhere() -> None:
    shared = simulation_of(SmaCross(fast=3, slow=8), walk(), TERMS, retune=crosses())
    elsewhere = pickle.loads(pickle.dumps(shared))  # noqa: S301  (our own)
    assert rows(elsewhere, 4) == rows(shared, 9)
    assert elsewhere.identity == shared.identity


def test_a_row_is_the_backtest_of_its_path() -> None:
    source, strategy = walk(), SmaCross(fast=3, slow=8)
    runs = simulated(source, strategy, 3, seed=7)
    for path in range(3):
        alone = run_backtest(strategy, source.bars(path=path, seed=7), TERMS).metrics
        assert {name: runs.drawn[name][path] for name in METRICS} == pytest.approx(
            dict(alone), rel=0, abs=0, nan_ok=True
        )


def test_a_searched_row_is_the_best_of_its_trials() -> None:
    source, retune = walk(), crosses(objective="total_return")
    runs = simulated(source, SmaCross(), 2, seed=7, retune=retune)
    first = simulation_of(SmaCross(), source, TERMS, seed=7, retune=retune).first
    terms = replace(TERMS, start_bar=first)
    for path, bars in [(-1, source.template), *enumerate(source.each(path_count=2, seed=7))]:
        ends = [
            run_backtest(SmaCross(**params), bars, terms).metrics["total_return"]
            for params in runs.trials
        ]
        found = runs.real["total_return"] if path < 0 else runs.drawn["total_return"][path]
        place = runs.real_trial if path < 0 else runs.chosen[path]
        assert (found, place) == (max(ends), int(np.argmax(ends)))


def test_a_path_without_bars_is_a_row_with_its_reason() -> None:
    runs = simulated(FAULTY, SmaCross(fast=3, slow=8), 9)
    assert runs.counts == {"failed": 3, "ok": 6}
    assert runs.reasons[3] == "prices must be sound, were not on path 3"
    assert np.isnan(runs.drawn["sharpe"][[2, 3, 8]]).all()
    assert runs.chosen.tolist() == [0, 0, -1, -1, 0, 0, 0, 0, -1]
    assert runs.to_frame()["fast"].isna().tolist() == [k in FAULTY.faults for k in range(9)]


def test_a_source_whose_first_path_is_none_can_be_used_all_the_same() -> None:
    runs = simulated(Faulty(walk(), frozenset({0})), BuyAndHold(), 3)
    assert runs.counts == {"failed": 1, "ok": 2}


def test_a_decision_that_fails_on_one_path_takes_no_other_with_it() -> None:
    class FailsAbove(Strategy):
        """Fails where the first close is high, which on flat bars it never is."""

        def decide(self, assets: Any, portfolio: Any, memory: Any) -> None:  # noqa: ARG002
            if assets[0].close > 110.0:
                raise ValueError("too high")

    source = ModelBars(model=WALK, template=flat(40))
    runs = simulated(source, FailsAbove(), 20, terms=terms_of(start_bar=2))
    above = [(bars.close[2:, 0] > 110.0).any() for bars in source.each(path_count=20)]
    assert (runs.statuses == "failed").tolist() == above
    assert 0 < sum(above) < 20
    assert "the decision raised ValueError: too high" in runs.reasons


def test_columns_that_cannot_be_made_on_a_path_fail_that_path_alone() -> None:
    class Divided(Strategy):
        """Its column is made on calm prices only."""

        decide: ClassVar[Any] = hold_if_rising

        def features(self) -> tuple[Indicator, ...]:
            return (Column("calm"),)

        def columns(self, bars: Bars) -> dict[str, Any]:
            if bars.close.max() > 125.0:
                raise ZeroDivisionError("not calm")
            return {"calm": bars.close - 100.0}

    runs = simulated(ModelBars(model=WALK, template=flat(60)), Divided(), 12)
    assert set(runs.reasons) == {"", "raised ZeroDivisionError: not calm"}


@decision
def hold_if_rising(assets: Any, portfolio: Any, memory: Any) -> None:
    for asset in assets:
        asset.target = 0.5 if asset.features[0] > 0.0 else 0.0


class Rising(Strategy):
    """Holds what has risen."""

    bars: int = Field(5, ge=1, le=30)
    decide: ClassVar[Any] = hold_if_rising

    def features(self) -> tuple[Indicator, ...]:
        return (ROC(self.bars),)


def distance_from_uniform(p_values: list[float]) -> float:
    """Largest distance between shares at or below a value and the value (Kolmogorov)."""
    ordered = np.sort(p_values)
    ranks = np.arange(1, len(ordered) + 1) / len(ordered)
    return float(np.max(np.abs(ranks - ordered)))


# Of 40 uniform values the distance passes this in 1 of 1,000 studies: sqrt(ln(2,000) / 80).
DISTANCE_MAX = math.sqrt(math.log(2_000) / 80)


# As many strategies as seeds, and none of them knows anything.
ERRATIC = Retune(
    trial_count=16, space=space_of(Wander, {"seed": (0, 999)}, {"pace": 0, "short": 0})
)


@pytest.mark.parametrize("retune", [None, ERRATIC])
def test_p_values_are_uniform_where_there_is_nothing_to_find(retune: Retune | None) -> None:
    p_values = [
        simulated(walk(40, history=k), Wander(), 9, seed=k, retune=retune).p_value("sharpe")
        for k in range(40)
    ]
    assert distance_from_uniform(p_values) < DISTANCE_MAX


def test_ignoring_the_selection_makes_luck_look_like_skill() -> None:
    p_values: list[float] = []
    for k in range(40):
        source = walk(40, history=k)
        shared = simulation_of(Wander(), source, TERMS, seed=k, retune=ERRATIC)
        best = run_real(shared).to_pylist()[0]["trial"]
        runs = simulated(source, Wander(**shared.trials[best]), 9, seed=k)
        assert runs.selection == "selection ignored"
        p_values.append(runs.p_value("sharpe"))
    # The very test that a re-tuned p-value passes.
    assert distance_from_uniform(p_values) > DISTANCE_MAX


def test_a_market_without_drift_leaves_minus_the_costs() -> None:
    terms = terms_of(venue="ideal", costs=ff.Costs(commission_bps=50))
    runs = simulated(walk(90), SmaCross(fast=3, slow=8), 300, terms=terms)
    costs = runs.drawn["fees"] / 100_000.0
    before_costs = runs.drawn["total_return"] + costs
    error = before_costs.std(ddof=1) / math.sqrt(300)
    assert abs(before_costs.mean()) < 4.0 * error
    assert runs.drawn["total_return"].mean() < -4.0 * error


def test_what_luck_cannot_do_stands_out() -> None:
    rising = flat_bars(100.0 * 1.01 ** np.arange(90)[:, None] * [1.0, 1.0])
    runs = simulated(ModelBars(model=WALK, template=rising), BuyAndHold(), 99)
    assert runs.percentile("total_return") > 0.97
    assert runs.p_value("max_drawdown") == 0.01
    assert runs.standing("max_drawdown").exceedance.high < 0.05


def test_parameters_outside_the_space_stay_the_strategys() -> None:
    space = space_of(SmaCross, {"fast": (2, 6)}, {"slow": 33})
    runs = simulated(walk(), SmaCross(slow=33), 2, retune=Retune(trial_count=3, space=space))
    assert runs.selection == "re-tuned on every path, 3 trials by sharpe"
    assert set(runs.real_params) == {"fast"}
    shared = simulation_of(SmaCross(slow=33), walk(), TERMS, retune=Retune(space=space))
    assert {one.strategy.slow for one in shared.made if one.strategy} == {33}


def test_all_paths_are_measured_against_the_benchmark_that_all_have() -> None:
    known = replace(walk().template, benchmark=np.linspace(1.0, 2.0, 90), benchmark_name="index")
    shared = simulation_of(SmaCross(fast=3, slow=8), ModelBars(model=WALK, template=known), TERMS)
    assert shared.real.benchmark is None


def test_equal_inputs_have_one_identity_and_others_another() -> None:
    def identity(source: BarSource, **how: Any) -> str:
        return simulation_of(SmaCross(fast=3, slow=8), source, TERMS, **how).identity

    other = ModelBars(model=GBM(drift=[0.0, 0.0], volatility=[0.02, 0.016]), template=flat(90))
    same = [identity(walk()), identity(walk())]
    others = [
        identity(walk(), seed=1),
        identity(walk(), retune=crosses()),
        identity(replace(other, template=walk().template)),
    ]
    assert same[0] == same[1]
    assert len({same[0], *others}) == 4


def test_a_hash_does_not_hang_on_chunks_and_sees_every_path() -> None:
    shared = simulation_of(SmaCross(fast=3, slow=8), FAULTY, TERMS)
    parts = [run_simulated(shared, (0, 2)), run_simulated(shared, (2, 6))]
    assert (
        simulated_runs(shared, parts).hash
        == simulated_runs(shared, [run_simulated(shared, (0, 6))]).hash
        != simulated_runs(shared, [run_simulated(shared, (0, 5))]).hash
    )


def test_runs_on_simulated_prices_leave_no_trace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FANFOLD_LEDGER", str(tmp_path / "ledger"))
    simulated(walk(), SmaCross(), 3, retune=crosses())
    assert list(tmp_path.iterdir()) == []


def test_a_failing_real_run_is_an_error() -> None:
    shared = simulation_of(FailOnOrder(fault=1), walk(), terms_of(start_bar=2))
    with pytest.raises(StrategyError, match="on real bars"):
        run_real(shared)


def test_bad_input_is_one_clear_error() -> None:
    strategy, source = SmaCross(fast=3, slow=8), walk()
    shared = simulation_of(strategy, source, TERMS)
    slow_first = space_of(SmaCross, {"fast": (20, 30), "slow": (5, 9)})
    for chunk in ((0, 0), (-1, 2), (3, 2), (0, 10**7)):
        with pytest.raises(ConfigError, match="paths must be"):
            run_simulated(shared, chunk)
    with pytest.raises(ConfigError, match="must not learn"):
        simulation_of(Learned(), source, TERMS)
    with pytest.raises(ConfigError, match="seed must be"):
        simulation_of(strategy, source, TERMS, seed=-1)
    with pytest.raises(ConfigError, match="instance of a Strategy"):
        simulation_of(SmaCross, source, TERMS)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="must hold a combination that can be run, fast must"):
        simulation_of(strategy, source, TERMS, retune=Retune(space=slow_first))
    with pytest.raises(DataError, match="all paths from 0 on"):
        simulated_runs(shared, [run_simulated(shared, (1, 3))])
    assert run_real(shared).to_pylist()[0]["path"] == REAL
