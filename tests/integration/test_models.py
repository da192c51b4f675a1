"""Fitted strategies kept as MLflow models and read back, whole or not at all."""

import json
import pickle
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.fakes.panels import wild_bars

from fanfold.domain.bars import Bars
from fanfold.domain.decision import Asset
from fanfold.engine.backtest import backtest
from fanfold.errors import ConfigError, DataError, JobError, StrategyError
from fanfold.strategies import (
    ROC,
    GradientBoosting,
    Indicator,
    LearningStrategy,
    forward_return,
    stream,
)
from fanfold.tracking import JobRecord, find_run, record_job
from fanfold.tracking.estimators import read_estimator
from fanfold.tracking.models import load_model, log_model, model_tag, save_model

LOAD_AND_FORECAST = """
import sys
from pathlib import Path
from tests.fakes.panels import wild_bars
from fanfold.tracking.models import load_model
print(load_model(Path(sys.argv[1])).forecasts(wild_bars(3, 400, 3)).tobytes().hex())
"""


class Ridgeline(LearningStrategy):
    """Somebody's own strategy."""

    def features(self) -> tuple[Indicator, ...]:
        return ROC(3), ROC(10)

    def estimator(self) -> Any:
        from sklearn.linear_model import Ridge

        return Ridge()

    def labels(self, prices: NDArray[np.float64]) -> NDArray[np.float64]:
        return forward_return(prices, 2)

    def decide(self, assets: Sequence[Any], portfolio: Any, memory: Any) -> None:  # noqa: ARG002
        for asset, forecast in zip(assets, self.forecasts_for(assets), strict=True):
            asset.target = 1 / len(assets) if forecast > 0 else 0.0


class Ours:
    """A model of nobody's library."""

    def fit(self, inputs: NDArray[np.float64], labels: NDArray[np.float64]) -> None:
        self.mean = float(labels.mean()) + 0.0 * len(inputs)

    def predict(self, inputs: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.full(len(inputs), self.mean)


class Foreign(Ridgeline):
    """Learns with a type that skops does not know."""

    def estimator(self) -> Any:
        return Ours()


@pytest.fixture(scope="module")
def bars() -> Bars:
    return wild_bars(3, 400, 3)


@pytest.fixture(scope="module")
def fitted(bars: Bars) -> GradientBoosting:
    return GradientBoosting(horizon=2, lookback=5, rounds=20, rate=0.1).fit(bars, [(0, 320)])


@pytest.fixture(scope="module")
def kept(fitted: GradientBoosting, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model's folder, which tests copy before they change it."""
    folder = tmp_path_factory.mktemp("models") / "kept"
    save_model(fitted, folder)
    return folder


@pytest.fixture
def copy(kept: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(kept, tmp_path / "copy"))


@pytest.fixture(scope="module")
def store(empty_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("store")
    shutil.copy(empty_store, folder)
    return folder


def a_run(store: Path, **values: Any) -> str:
    record = JobRecord(job="walk_forward", experiment="boosted", name="a fold", **values)
    return record_job(record, folder=store)


def with_state(folder: Path, change: Any) -> None:
    """Save the model's estimator again after a change, as somebody might who means harm."""
    import skops.io

    estimator: Any = skops.io.load(folder / "model.skops", trusted=["sklearn.tree._tree.Tree"])
    change(estimator)
    skops.io.dump(estimator, folder / "model.skops")


def grafted(name: str, value: int) -> Any:
    """A change: the first tree's root says something else."""

    def change(estimator: Any) -> None:
        tree = estimator.estimators_[0, 0].tree_
        state = tree.__getstate__()
        state["nodes"] = state["nodes"].copy()
        state["nodes"][name][0] = value
        tree.__setstate__(state)

    return change


def test_a_loaded_model_forecasts_whole_bars_in_the_same_bits(
    fitted: GradientBoosting, kept: Path, bars: Bars
) -> None:
    loaded = load_model(kept)
    assert type(loaded) is GradientBoosting
    assert loaded == fitted
    assert loaded.learned() == fitted.learned()
    assert loaded.forecasts(bars).tobytes() == fitted.forecasts(bars).tobytes()


def test_a_loaded_model_forecasts_a_stream_in_the_same_bits(
    fitted: GradientBoosting, kept: Path, bars: Bars
) -> None:
    loaded = load_model(kept)
    streams = [[stream(feature) for feature in loaded.features()] for _ in bars.symbols]
    records = Asset.zeros(bars.asset_count)
    streamed: list[list[float]] = []
    for prices in np.moveaxis(bars.seen, 1, 0):
        for record, own, bar in zip(records, streams, prices.T.tolist(), strict=True):
            record["fresh"] = bar[3] == bar[3] and bar[4] != 0.0
            record["features"][:5] = [value for one in own for value in one.push(*bar)]
        # One asset at a time, as they come in.
        views = Asset.views(records)
        streamed.append([loaded.forecasts_for([asset])[0] for asset in views])
    assert np.array(streamed).tobytes() == fitted.forecasts(bars).tobytes()


def test_a_loaded_model_trades_as_the_one_that_was_saved(
    fitted: GradientBoosting, kept: Path, bars: Bars
) -> None:
    own, other = (
        backtest(one, bars, cash=1e7, start_bar=100) for one in (fitted, load_model(kept))
    )
    assert own.metrics["fill_count"] > 10
    assert own.equity.equals(other.equity)
    assert own.fills.equals(other.fills)


def test_another_process_forecasts_the_same_bits(
    fitted: GradientBoosting, kept: Path, bars: Bars
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOAD_AND_FORECAST, str(kept)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == fitted.forecasts(bars).tobytes().hex()
    assert done.stderr == ""


@pytest.mark.filterwarnings("ignore")
def test_mlflow_itself_reads_the_model(fitted: GradientBoosting, kept: Path) -> None:
    import mlflow.pyfunc

    model = mlflow.pyfunc.load_model(str(kept))
    example = fitted.fitted.example
    assert model.predict(example).tobytes() == fitted.fitted.forecasts(example).tobytes()
    assert model.metadata.signature.inputs.to_dict()[0]["tensor-spec"]["shape"] == (-1, 5)
    assert model.metadata.metadata["fanfold"]["learned"] == fitted.learned()


def test_a_model_goes_into_a_run_and_comes_back(
    fitted: GradientBoosting, store: Path, bars: Bars
) -> None:
    run_id = a_run(store)
    uri = log_model(fitted, run_id, name="fold-1", folder=store)
    assert uri == f"runs:/{run_id}/fold-1"
    loaded = load_model(uri, folder=store)
    assert loaded.forecasts(bars).tobytes() == fitted.forecasts(bars).tobytes()


def test_a_job_may_keep_a_saved_model_among_its_files(
    fitted: GradientBoosting, kept: Path, store: Path
) -> None:
    run_id = a_run(store, artifacts=(kept,), tags=model_tag(kept))
    assert load_model(f"runs:/{run_id}/kept", folder=store) == fitted


def test_a_model_that_was_changed_in_the_store_is_refused(
    fitted: GradientBoosting, store: Path
) -> None:
    run_id = a_run(store)
    uri = log_model(fitted, run_id, folder=store)
    (file,) = store.glob(f"artifacts/{run_id}/**/MLmodel")
    file.write_text(file.read_text().replace("threshold_bps: 20.0", "threshold_bps: 10.0"))
    with pytest.raises(DataError, match=r"must have the SHA-256 that its run states, [0-9a-f]{64}"):
        load_model(uri, folder=store)


def test_a_model_whose_run_vouches_for_none_is_refused(kept: Path, store: Path) -> None:
    run_id = a_run(store, artifacts=(kept,))
    assert not [tag for tag in find_run(run_id, folder=store).tags if "sha256" in tag]
    with pytest.raises(DataError, match="must have the SHA-256 that its run states, none"):
        load_model(f"runs:/{run_id}/kept", folder=store)


def test_an_own_strategy_is_named_by_who_loads_it(bars: Bars, tmp_path: Path) -> None:
    own = Ridgeline().fit(bars, [(0, 320)])
    uri = save_model(own, tmp_path / "own")
    with pytest.raises(ConfigError, match="Ridgeline is no strategy of fanfold: give its class"):
        load_model(uri)
    with pytest.raises(ConfigError, match="must be Ridgeline, which was saved, was Foreign"):
        load_model(uri, Foreign)
    loaded = load_model(uri, Ridgeline)
    assert loaded.forecasts(bars).tobytes() == own.forecasts(bars).tobytes()


def test_types_that_nobody_vouches_for_are_neither_kept_nor_read(
    bars: Bars, tmp_path: Path
) -> None:
    foreign = Foreign().fit(bars, [(0, 320)])
    with pytest.raises(DataError, match=r"name other types .*test_models\.Ours"):
        save_model(foreign, tmp_path / "foreign")
    assert list(tmp_path.iterdir()) == []
    ours = f"{Ours.__module__}.{Ours.__qualname__}"
    uri = save_model(foreign, tmp_path / "foreign", trusted=[ours])
    # The model says itself that its types may be trusted; that counts for nothing.
    assert ours in (tmp_path / "foreign" / "MLmodel").read_text()
    with pytest.raises(DataError, match=r"name other types .*test_models\.Ours"):
        load_model(uri, Foreign)
    assert load_model(uri, Foreign, trusted=[ours]).learned() == foreign.learned()


def test_a_pickle_in_the_estimators_place_is_not_touched(copy: Path, tmp_path: Path) -> None:
    class Harm:
        def __reduce__(self) -> Any:
            return Path.touch, (tmp_path / "harmed",)

    (copy / "model.skops").write_bytes(pickle.dumps(Harm()))
    with pytest.raises(DataError, match="must be kept by skops"):
        load_model(copy)
    assert not (tmp_path / "harmed").exists()


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("left_child", 1_000_000, "branches must lead on to its own nodes"),
        ("right_child", 0, "branches must lead on to its own nodes"),
        ("feature", 5, "must ask for one of 5 features"),
        ("feature", -3, "must ask for one of 5 features"),
    ],
)
def test_trees_that_lead_nowhere_are_refused(copy: Path, name: str, value: int, said: str) -> None:
    with_state(copy, grafted(name, value))
    with pytest.raises(DataError, match=said):
        read_estimator(copy, [], 5)
    with pytest.raises(DataError, match=said):
        load_model(copy)


def test_a_model_that_forecasts_other_bits_is_refused(copy: Path) -> None:
    def change(estimator: Any) -> None:
        estimator.learning_rate = np.nextafter(estimator.learning_rate, 1.0)

    with_state(copy, change)
    with pytest.raises(DataError, match="must forecast the same bits as when it was saved"):
        load_model(copy)


def test_other_features_than_those_of_the_fit_are_refused(copy: Path) -> None:
    file = copy / "MLmodel"
    file.write_text(file.read_text().replace("- RSI(period=5)", "- RSI(period=6)"))
    with pytest.raises(
        DataError, match=r"fitted on, ROC.*RSI\(period=6\).*, has .*RSI\(period=5\)"
    ):
        load_model(copy)


def test_parameters_out_of_bounds_are_refused(copy: Path) -> None:
    file = copy / "MLmodel"
    file.write_text(file.read_text().replace("horizon: 2", "horizon: 0"))
    with pytest.raises(DataError, match="GradientBoosting must have the parameters of the model"):
        load_model(copy)


def test_a_model_of_other_origin_is_refused(copy: Path) -> None:
    file = copy / "MLmodel"
    file.write_text(file.read_text().replace("  fanfold:", "  others:"))
    with pytest.raises(DataError, match="must be one that save_model wrote"):
        load_model(copy)


def test_an_estimator_of_unheard_of_size_is_refused(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fanfold.tracking.estimators.BYTES_MAX", 1_000)
    with pytest.raises(DataError, match="must have at most 1000 bytes"):
        load_model(copy)


def test_a_damaged_file_is_told_in_one_line(copy: Path) -> None:
    with zipfile.ZipFile(copy / "model.skops", "w") as packed:
        packed.writestr("schema.json", json.dumps({"half": "a model"}))
    with pytest.raises(JobError, match=r"loading the model in .* must work, was stopped by"):
        load_model(copy)


def test_what_is_no_folder_of_a_model_is_refused(tmp_path: Path) -> None:
    for uri in (tmp_path, "models:/champion/1", "runs:/abc/model"):
        with pytest.raises(DataError, match="must be a folder with a file MLmodel, or runs:/ID"):
            load_model(uri)


def test_nothing_is_overwritten_and_nothing_half_learned_is_saved(
    fitted: GradientBoosting, kept: Path, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="a model's folder must be new"):
        save_model(fitted, kept)
    with pytest.raises(StrategyError, match="must learn before it decides"):
        save_model(GradientBoosting(), tmp_path / "new")
    with pytest.raises(ConfigError, match="with a plain name"):
        log_model(fitted, "0" * 32, name="../out")


def test_saving_says_nothing_and_leaves_nothing_else(
    fitted: GradientBoosting,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    uri = save_model(fitted, Path("model"))
    assert load_model(uri) == fitted
    assert [one.name for one in tmp_path.iterdir()] == ["model"]
    assert capfd.readouterr() == ("", "")
