"""What may come is what `path_risk` says of each model, wherever its paths are followed."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from fanfold.research.chunks import map_here
from fanfold.settings import MonteCarloSettings
from fanfold.simulation.gbm import GBM
from fanfold.simulation.models import MODELS, RESTING, fit_model
from fanfold.simulation.path_risk import PathRisk, path_risk
from fanfold.strategies import BuyAndHold
from fanfold.workflows import horizons as horizons_module
from fanfold.workflows.fleet import Fleet
from fanfold.workflows.horizons import FAN_LEVELS, Horizon, horizons_of

SEED = 3
RETURNS = GBM(drift=5e-4, volatility=0.01).draw(bar_count=200, path_count=1, seed=8)[0, :, 0]
PAIR = GBM(drift=[5e-4, -2e-4], volatility=[0.01, 0.03]).draw(bar_count=200, path_count=1)[0]
SMALL: dict[str, Any] = {"models": ["bootstrap", "gbm"], "paths": 500, "bars": 20}


class Cutting(Fleet):
    """Three processors that are really this process, and a list of the chunks they were given."""

    def __init__(self) -> None:
        super().__init__(3, None)
        self.chunks: list[tuple[int, int]] = []

    def gather(self, seconds: float, strategy: Any) -> int:  # noqa: ARG002
        self.processors = 3
        return 3

    def map(self, run: Any, chunks: Any, *, shared: Any) -> Iterator[Any]:
        self.chunks = list(chunks)
        return map_here(run, self.chunks, shared=shared, inflight_max=1)


def ahead(
    returns: Any = RETURNS, *, seed: int = SEED, fleet: Fleet | None = None, **changed: Any
) -> tuple[dict[str, Horizon], dict[str, str]]:
    """Horizons and refusals by the names of their models."""
    found, refused = horizons_of(
        np.asarray(returns),
        MonteCarloSettings(**SMALL | changed),
        seed=seed,
        fleet=fleet or Fleet(0, None),
        strategy=BuyAndHold,
        shown=False,
    )
    return {one.name: one for one in found}, refused


def bits(risk: PathRisk) -> list[Any]:
    """All that was counted, and all that is told of it."""
    counted = (risk.log_growth, risk.max_drawdown, risk.drawdown_bars, risk.bars_under_water)
    return [risk, *((one.points.tolist(), one.counts.tolist()) for one in counted)]


def rests(share: float) -> np.ndarray:
    """A hundred returns of which a share is nothing."""
    returns = RETURNS[:100].copy()
    returns[: round(share * 100)] = 0.0
    return returns


@pytest.mark.parametrize("returns", [RETURNS, PAIR], ids=["strategy", "assets"])
def test_a_horizon_is_the_path_risk_of_the_fitted_model_bit_for_bit(returns: np.ndarray) -> None:
    stated: dict[str, Any] = {"levels": (0.8, 0.975), "ruin": 0.97, "goal": 1.03}
    found, refused = ahead(returns, **stated)
    assert list(found) == SMALL["models"]
    assert refused == {}
    for name, horizon in found.items():
        model = fit_model(name, returns)
        alone = path_risk(model, bar_count=20, path_count=500, seed=SEED, **stated)
        assert bits(horizon.risk) == bits(alone)
        assert 0.0 < horizon.risk.probability_of_ruin.value < 1.0
        assert horizon.title == MODELS[name][0]


@pytest.mark.parametrize("steps", [1, 20 * 64, 10**9])
def test_chunks_on_processors_change_no_bit(steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(horizons_module, "TASK_STEPS", steps)
    monkeypatch.setattr(horizons_module, "CHUNK_PATHS", 64)
    fleet = Cutting()
    there, here = ahead(fleet=fleet)[0], ahead()[0]
    assert [path for chunk in fleet.chunks for path in range(*chunk)] == list(range(500))
    assert len(fleet.chunks) >= fleet.processors
    assert {name: bits(one.risk) for name, one in there.items()} == {
        name: bits(one.risk) for name, one in here.items()
    }


def test_a_model_that_cannot_be_fitted_is_told_and_costs_the_others_nothing() -> None:
    few = RETURNS[:20]
    found, refused = ahead(few)
    assert refused == {
        "bootstrap": "returns must have at least 30 bars for an automatic block length, had 20; "
        "block_bars states one"
    }
    assert bits(found["gbm"].risk) == bits(ahead(few, models=["gbm"])[0]["gbm"].risk)


def test_where_nothing_varies_every_model_says_so() -> None:
    found, refused = ahead(np.full(300, 0.01), models=list(MODELS))
    assert found == {}
    assert refused.keys() == MODELS.keys()
    assert all("returns must vary" in reason for reason in refused.values())


@pytest.mark.parametrize("shape", [(0,), (0, 2)])
def test_without_any_return_every_model_says_so(shape: tuple[int, ...]) -> None:
    found, refused = ahead(np.empty(shape))
    assert found == {}
    assert all(", had 0" in reason for reason in refused.values())


def test_models_that_know_no_rest_are_left_out_where_much_is_nothing() -> None:
    found, refused = ahead(rests(0.06), models=list(MODELS), paths=10)
    assert set(found) == set(RESTING)
    assert set(refused) == set(MODELS) - set(RESTING)
    assert set(refused.values()) == {"6% of the returns are 0, and it knows no rest"}


def test_a_little_rest_leaves_no_model_out() -> None:
    found, refused = ahead(rests(0.05), models=["student"], paths=10)
    assert set(found) == {"student"}
    assert refused == {}


def test_a_model_that_is_named_twice_is_followed_once() -> None:
    assert list(ahead(models=["gbm", "bootstrap", "gbm"], paths=10)[0]) == ["gbm", "bootstrap"]


@pytest.mark.parametrize("returns", [RETURNS, PAIR], ids=["strategy", "assets"])
def test_a_fan_holds_quantiles_of_drawn_paths(returns: np.ndarray) -> None:
    horizon = ahead(returns)[0]["bootstrap"]
    drawn = horizon.model.draw(bar_count=20, path_count=500, seed=SEED).mean(axis=2)
    values = np.cumprod(np.hstack([np.ones((500, 1)), 1.0 + drawn]), axis=1)
    assert horizon.fan_bars == tuple(range(21))
    assert horizon.fan_paths == 500
    assert list(horizon.fan) == list(FAN_LEVELS)
    for level, band in horizon.fan.items():
        np.testing.assert_array_equal(band, np.quantile(values, level, axis=0))
    np.testing.assert_array_equal(horizon.samples, values[:6])
    # The fan and the risk beside it are of the very same paths.
    assert horizon.risk.terminal_value.mean.value == pytest.approx(values[:, -1].mean(), rel=1e-8)


def test_what_is_drawn_at_one_time_changes_no_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = ahead(PAIR)[0]["gbm"]
    monkeypatch.setattr(horizons_module, "FAN_DRAWN_BYTES_MAX", 7 * 20 * 2 * 8)
    parts = ahead(PAIR)[0]["gbm"]
    np.testing.assert_array_equal(parts.samples, whole.samples)
    for level in FAN_LEVELS:
        np.testing.assert_array_equal(parts.fan[level], whole.fan[level])


def test_a_fan_of_long_paths_has_fewer_of_them_and_a_hundred_bars(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(horizons_module, "FAN_PATHS", 400)
    horizon = ahead(models=["gbm"], bars=1_008, paths=300)[0]["gbm"]
    assert horizon.fan_paths == 400 * 252 // 1_008
    assert horizon.fan_bars[0] == 0
    assert horizon.fan_bars[-1] == 1_008
    assert len(horizon.fan_bars) == 101
    assert horizon.risk.path_count == 300


def test_one_path_of_one_bar_is_a_horizon_too() -> None:
    horizon = ahead(models=["gbm"], bars=1, paths=1)[0]["gbm"]
    assert horizon.fan_bars == (0, 1)
    assert horizon.samples.shape == (1, 2)
    assert all(band[1] == horizon.samples[0, 1] for band in horizon.fan.values())


def test_another_seed_is_another_set_of_paths() -> None:
    one, other = ahead()[0]["gbm"], ahead(seed=4)[0]["gbm"]
    assert one.model == other.model
    assert bits(one.risk) != bits(other.risk)
