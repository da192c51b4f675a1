"""A history is run once, and the same rows come of it whatever was run before."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.fakes.leaks import Learned
from tests.fakes.panels import flat_bars, wild_bars

import fanfold as ff
from fanfold.engine.backtest import terms_of
from fanfold.errors import ConfigError, DataError
from fanfold.research.retuned import Retune
from fanfold.research.simulated import run_simulated, simulation_of
from fanfold.research.simulated_runs import SimulatedRuns, simulated_runs
from fanfold.research.space import space_of
from fanfold.research.table import SweepTable
from fanfold.settings import MonteCarloSettings
from fanfold.simulation.bars import ModelBars
from fanfold.simulation.gbm import GBM
from fanfold.simulation.whole_bars import WholeBars
from fanfold.strategies import SmaCross
from fanfold.workflows import histories as histories_module
from fanfold.workflows.fleet import Fleet
from fanfold.workflows.histories import (
    histories_of,
    joint_returns,
    retune_of,
    run_histories,
    source_of,
)

BARS = wild_bars(8, 120, 2, absent_share=0.0, unknown_volume=False)
CROSS = SmaCross(fast=3, slow=8)
COUNT = 12

Chunk = tuple[int, int]


class Chunked(Fleet):
    """This process, with chunks of a stated size; it may be stopped before one of them."""

    def __init__(self, size: int = 5, stop: int | None = None) -> None:
        super().__init__(0, None)
        self.size = size
        self.stop = stop
        self.chunks: list[Chunk] = []

    def cut(self, pace: Any, start: int, stop: int, *, size_max: int) -> Iterator[Chunk]:  # noqa: ARG002
        for at in range(start, stop, self.size):
            yield at, min(at + self.size, stop)

    def map(self, run: Any, chunks: Any, *, shared: Any) -> Iterator[Any]:
        for chunk in chunks:
            if len(self.chunks) == self.stop:
                raise KeyboardInterrupt
            self.chunks.append(chunk)
            yield run(shared, chunk)


def ran(
    count: int = COUNT, folder: Path | None = None, fleet: Fleet | None = None, **how: Any
) -> SimulatedRuns:
    terms = terms_of(costs=how.pop("costs", None))
    simulation = simulation_of(how.pop("strategy", CROSS), WholeBars.fit(BARS), terms, **how)
    return run_histories(simulation, count, fleet=fleet or Chunked(), folder=folder, shown=False)


def parts_in(folder: Path) -> dict[str, int]:
    """When each part was written, by its name."""
    return {part.name: part.stat().st_mtime_ns for part in SweepTable(folder).parts()}


@pytest.fixture(scope="module")
def undisturbed() -> SimulatedRuns:
    simulation = simulation_of(CROSS, WholeBars.fit(BARS), terms_of())
    return simulated_runs(simulation, [run_simulated(simulation, (0, COUNT))])


@pytest.mark.parametrize("size", [1, 5, 100])
def test_chunks_change_no_hash(size: int, undisturbed: SimulatedRuns) -> None:
    assert ran(fleet=Chunked(size)).hash == undisturbed.hash


def test_a_second_call_runs_nothing_again(
    undisturbed: SimulatedRuns, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ran(folder=tmp_path).hash == undisturbed.hash
    before = parts_in(tmp_path)
    assert list(before) == [
        "part-0000000000-0000000005.parquet",
        "part-0000000005-0000000010.parquet",
        "part-0000000010-0000000012.parquet",
    ]

    def never(*_: Any) -> Any:
        raise AssertionError

    monkeypatch.setattr(histories_module, "run_simulated", never)
    again = ran(folder=tmp_path)
    assert again.hash == undisturbed.hash
    assert again.drawn["sharpe"].tolist() == undisturbed.drawn["sharpe"].tolist()
    assert parts_in(tmp_path) == before


def test_more_histories_go_on_from_the_old_ones(undisturbed: SimulatedRuns, tmp_path: Path) -> None:
    ran(5, tmp_path)
    before = parts_in(tmp_path)
    fleet = Chunked(4)
    assert ran(COUNT, tmp_path, fleet).hash == undisturbed.hash
    assert fleet.chunks == [(5, 9), (9, 12)]
    assert parts_in(tmp_path).items() > before.items()


@pytest.mark.parametrize("count", [1, 5, 7])
def test_fewer_histories_take_the_first_and_lose_none(
    count: int, undisturbed: SimulatedRuns, tmp_path: Path
) -> None:
    ran(COUNT, tmp_path)
    fleet = Chunked()
    fewer = ran(count, tmp_path, fleet)
    assert fleet.chunks == []
    assert fewer.hash == ran(count).hash != undisturbed.hash
    assert len(SweepTable(tmp_path)) == COUNT


def test_what_was_committed_before_a_stop_is_not_run_again(
    undisturbed: SimulatedRuns, tmp_path: Path
) -> None:
    with pytest.raises(KeyboardInterrupt):
        ran(folder=tmp_path, fleet=Chunked(size=2, stop=3))
    before = parts_in(tmp_path)
    assert len(before) == 3
    fleet = Chunked()
    assert ran(folder=tmp_path, fleet=fleet).hash == undisturbed.hash
    assert fleet.chunks == [(6, 11), (11, 12)]
    assert parts_in(tmp_path).items() > before.items()


@pytest.mark.parametrize("lost", [0, 1, 2])
def test_what_lies_behind_a_lost_part_is_run_again(
    lost: int, undisturbed: SimulatedRuns, tmp_path: Path
) -> None:
    ran(folder=tmp_path)
    SweepTable(tmp_path).parts()[lost].unlink()
    fleet = Chunked()
    assert ran(folder=tmp_path, fleet=fleet).hash == undisturbed.hash
    assert fleet.chunks[0] == (5 * lost, min(5 * lost + 5, COUNT))


@pytest.mark.parametrize(
    "other",
    [
        {"seed": 1},
        {"strategy": SmaCross(fast=4, slow=8)},
        {"costs": ff.Costs(slippage_bps=5.0)},
        {"retune": Retune(trial_count=3, space=space_of(SmaCross, {"fast": (2, 6)}, {"slow": 8}))},
    ],
    ids=["seed", "parameters", "costs", "search"],
)
def test_another_simulation_empties_the_folder(other: dict[str, Any], tmp_path: Path) -> None:
    ran(folder=tmp_path)
    fleet = Chunked()
    assert ran(3, tmp_path, fleet, **other).hash == ran(3, **other).hash
    assert fleet.chunks == [(0, 3)]
    assert len(SweepTable(tmp_path)) == 3


def test_a_folder_that_is_emptied_keeps_what_is_not_of_a_simulation(tmp_path: Path) -> None:
    mine = tmp_path / "mine" / "notes.txt"
    mine.parent.mkdir()
    mine.write_text("not to be lost")
    ran(3, tmp_path)
    ran(3, tmp_path, seed=1)
    assert mine.read_text() == "not to be lost"


@pytest.mark.parametrize("left", [b"", b'{"identity": "ab', b"\xff\xfe", b"[]"])
def test_a_name_that_was_being_written_is_nobodys(
    left: bytes, undisturbed: SimulatedRuns, tmp_path: Path
) -> None:
    ran(5, tmp_path)
    (tmp_path / histories_module.IDENTITY_FILE).write_bytes(left)
    fleet = Chunked(100)
    assert ran(folder=tmp_path, fleet=fleet).hash == undisturbed.hash
    assert fleet.chunks == [(0, COUNT)]


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    place = tmp_path / "taken"
    place.write_text("in the way")
    for folder in (place, place / "deeper"):
        with pytest.raises(ConfigError, match=r"folder must be a folder, .*taken is a file"):
            ran(folder=folder)


@pytest.mark.parametrize("count", [0, -1, 1_000_001, 2.5, True, "many"])
def test_a_number_of_histories_that_cannot_be_is_refused(count: Any, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="histories must be 1 to 1,000,000, was"):
        ff.monte_carlo(CROSS, BARS, histories=count, workers=0, folder=tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_one_call_is_the_simulation_of_its_arguments(
    undisturbed: SimulatedRuns, tmp_path: Path
) -> None:
    runs = ff.monte_carlo(CROSS, BARS, histories=COUNT, workers=0, folder=str(tmp_path))
    assert runs.hash == undisturbed.hash
    assert runs.path_count == COUNT
    assert runs.selection == "selection ignored"
    assert len(SweepTable(tmp_path)) == COUNT
    cheap = ff.monte_carlo(CROSS, BARS, histories=3, workers=0, cash=5_000, venue="ideal")
    assert cheap.hash != ran(3).hash


def test_a_number_of_trials_is_a_search_over_the_strategys_own_bounds() -> None:
    bars = wild_bars(8, 300, 2, absent_share=0.0, unknown_volume=False)
    whole = Retune(trial_count=4, space=space_of(SmaCross))
    runs, stated = (
        ff.monte_carlo(CROSS, bars, histories=3, retune=retune, seed=2, workers=0)
        for retune in (4, whole)
    )
    assert runs.hash == stated.hash
    assert runs.selection == "re-tuned on every path, 4 trials by sharpe"


def test_prices_are_blocks_a_fitted_model_or_what_makes_bars() -> None:
    model = GBM.fit(joint_returns(BARS))
    named = ff.monte_carlo(CROSS, BARS, histories=3, prices="gbm", workers=0)
    for prices in (model, ModelBars(model=model, template=BARS)):
        own = ff.monte_carlo(CROSS, BARS, histories=3, prices=prices, workers=0)
        assert own.hash == named.hash != ran(3).hash
    assert source_of(BARS, "blocks")[1] == "whole bars in blocks"
    assert source_of(BARS, "gbm")[1] == "geometric Brownian motion"


def test_prices_of_no_known_kind_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"prices must be one of blocks, gbm, .*'block'"):
        ff.monte_carlo(CROSS, BARS, histories=3, prices="block", workers=0)


def test_a_strategy_that_learns_is_refused() -> None:
    with pytest.raises(ConfigError, match="must not learn"):
        ff.monte_carlo(Learned(), BARS, histories=3, workers=0)


def test_returns_are_joint_where_all_assets_had_a_price() -> None:
    nan = np.nan
    bars = flat_bars([[10.0, nan], [11.0, 5.0], [12.1, 6.0], [12.1, nan], [24.2, 9.0]])
    # Of a bar that an asset has not, it earns nothing; before its first there is no return.
    np.testing.assert_allclose(joint_returns(bars), [[0.1, 0.2], [0.0, 0.0], [1.0, 0.5]])


def test_assets_that_never_met_are_nothing_to_fit_a_model_to() -> None:
    nan = np.nan
    bars = flat_bars([[10.0, nan], [11.0, nan], [12.0, 5.0]])
    assert joint_returns(bars).shape == (0, 2)
    with pytest.raises(DataError, match="at least 2 bars, had 0"):
        source_of(bars, "gbm")


def settings_of(**stated: Any) -> MonteCarloSettings:
    return MonteCarloSettings.model_validate(stated)


def test_settings_state_histories_and_their_prices(tmp_path: Path) -> None:
    with Fleet(0, None) as fleet:
        found = histories_of(
            CROSS,
            BARS,
            terms_of(),
            settings_of(histories=3, prices="gbm"),
            retune=None,
            seed=4,
            fleet=fleet,
            folder=tmp_path,
        )
    assert found.prices == "geometric Brownian motion"
    assert found.workers == 0
    assert (
        found.runs.hash
        == ff.monte_carlo(CROSS, BARS, histories=3, prices="gbm", seed=4, workers=0).hash
    )


def test_without_a_search_nothing_is_retuned() -> None:
    assert retune_of(CROSS, settings_of(), "sharpe") is None


def test_a_search_without_a_space_is_over_all_of_a_strategys_bounds() -> None:
    found = retune_of(CROSS, settings_of(retune=9), "calmar")
    assert found == Retune(trial_count=9, objective="calmar", space=space_of(SmaCross))


@pytest.mark.parametrize(
    ("stated", "values"),
    [
        ({"range": [2, 8, 3]}, range(2, 8, 3)),
        ({"values": [2, 5]}, [2, 5]),
        ({"between": [2, 6]}, (2, 6)),
    ],
    ids=["range", "values", "between"],
)
def test_a_stated_space_is_searched_and_the_rest_stays(stated: Any, values: Any) -> None:
    found = retune_of(CROSS, settings_of(retune=9, space={"fast": stated}), "sharpe")
    assert found is not None
    assert found.space == space_of(SmaCross, {"fast": values}, {"slow": 8})
    simulation = simulation_of(CROSS, WholeBars.fit(BARS), terms_of(), retune=found)
    strategies: list[Any] = [one.strategy for one in simulation.made]
    assert {one.slow for one in strategies} == {8}
    assert {one.fast for one in strategies} <= {2, 3, 4, 5, 6}


@pytest.mark.parametrize(
    ("stated", "message"),
    [
        ({"space": {"fast": {"range": [2, 8]}}}, "is what `retune` searches, and that was 0"),
        ({"retune": 4, "space": {"fsat": {"range": [2, 8]}}}, "'fsat', did you mean 'fast'"),
        ({"retune": 4, "space": {"fast": 5}}, "must state ranges, .* did not for fast"),
        ({"retune": 4, "space": {"fast": {"range": []}}}, "fast must be a value"),
        ({"retune": 4, "space": {"fast": {"between": [8, 2]}}}, "fast must go from a number"),
        (
            {"retune": 4, "space": {"fast": {"values": [1.5]}, "slow": {"values": [9]}}},
            "fast: .* was 1.5",
        ),
    ],
)
def test_a_space_that_cannot_be_searched_is_refused(stated: Any, message: str) -> None:
    def search() -> Any:
        retune = retune_of(CROSS, settings_of(**stated), "sharpe")
        return simulation_of(CROSS, WholeBars.fit(BARS), terms_of(), retune=retune)

    with pytest.raises(ConfigError, match=message):
        search()
