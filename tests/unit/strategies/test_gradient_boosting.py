"""Boosted trees forecast alike in batch and stream, and are held when they promise enough."""

import math
import pickle
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from tests.fakes.panels import wild_bars
from tests.unit.strategies.conftest import Decided

from fanfold.domain.bars import Bars
from fanfold.domain.decision import Asset
from fanfold.engine.backtest import backtest
from fanfold.errors import StrategyError
from fanfold.strategies import GradientBoosting, forward_return, stream
from fanfold.strategies.learning import Fitted
from fanfold.strategies.strategy import params_of

QUICK = GradientBoosting(horizon=2, lookback=5, rounds=20, threshold_bps=30)

IN_ANOTHER_PROCESS = """
import pickle, sys
from tests.fakes.panels import wild_bars
from fanfold.strategies import GradientBoosting
strategy = GradientBoosting(horizon=2, lookback=5, rounds=20, threshold_bps=30)
fitted = strategy.fit(wild_bars(3, 400, 3), [(0, 320)])
sent = pickle.loads(sys.stdin.buffer.read())
print(fitted.learned(), sent.learned(), sent.forecasts(wild_bars(3, 400, 3)).tobytes().hex())
"""


class Told:
    """Forecasts what its first feature says."""

    def predict(self, inputs: Any) -> Any:
        return inputs[:, 0]


@pytest.fixture(scope="module")
def bars() -> Bars:
    return wild_bars(3, 400, 3)


@pytest.fixture(scope="module")
def fitted(bars: Bars) -> GradientBoosting:
    return QUICK.fit(bars, [(0, 320)])


def told(strategy: GradientBoosting = QUICK) -> GradientBoosting:
    return strategy.with_model(
        Fitted(estimator=Told(), identity="told", row_count=0, example=np.zeros((1, 5)))
    )


def features(*forecasts: float) -> Sequence[Sequence[float]]:
    return [[forecast, 0.0, 0.0, 0.0, 0.0] for forecast in forecasts]


def test_assets_forecast_above_the_threshold_are_held_in_equal_shares(decided: Decided) -> None:
    assert decided(told(), features(0.0031, 0.0029, -0.1, 0.5)) == [0.25, 0.0, 0.0, 0.25]


def test_what_was_held_is_sold_when_the_forecast_falls(decided: Decided) -> None:
    assert decided(told(), features(0.5, 0.001), targets=[0.5, 0.5]) == [0.5, 0.0]


def test_an_asset_that_lacks_a_feature_stays_flat(decided: Decided) -> None:
    missing = [[0.5, math.nan, 0.0, 0.0, 0.0], [0.5, 0.0, 0.0, 0.0, math.inf]]
    assert decided(told(), missing, targets=[0.5, 0.0]) == [0.0, 0.0]


def test_an_asset_without_a_bar_is_left_as_it_is(decided: Decided) -> None:
    targets = decided(told(), features(-0.5, 0.5), fresh=[0, 0], targets=[0.5, 0.0])
    assert targets == [0.5, 0.0]


def test_what_left_the_universe_is_not_held(decided: Decided) -> None:
    assert decided(told(), features(0.5, 0.5), member=[0, 1]) == [0.0, 0.5]


def test_one_that_has_learned_nothing_cannot_decide(decided: Decided) -> None:
    with pytest.raises(StrategyError, match=r"must learn before it decides: call strategy\.fit"):
        decided(QUICK, features(0.5))


def test_many_rows_and_each_by_itself_are_forecast_in_the_same_bits(
    fitted: GradientBoosting,
) -> None:
    seen = fitted.fitted.example
    inputs = np.random.default_rng(1).uniform(seen.min(0), seen.max(0), (300, 5))
    together = fitted.fitted.forecasts(inputs)
    alone = [fitted.fitted.forecasts(inputs[row : row + 1])[0] for row in range(300)]
    assert together.tobytes() == np.array(alone).tobytes()
    assert len(set(alone)) > 20


def test_forecasts_of_a_stream_are_those_of_the_batch(fitted: GradientBoosting, bars: Bars) -> None:
    streams = [[stream(feature) for feature in fitted.features()] for _ in bars.symbols]
    records = Asset.zeros(bars.asset_count)
    streamed: list[list[float]] = []
    for prices in np.moveaxis(bars.seen, 1, 0):
        for record, own, bar in zip(records, streams, prices.T.tolist(), strict=True):
            record["fresh"] = bar[3] == bar[3] and bar[4] != 0.0
            record["features"][:5] = [value for one in own for value in one.push(*bar)]
        streamed.append(fitted.forecasts_for(Asset.views(records)))
    batch = fitted.forecasts(bars)
    assert np.array(streamed).tobytes() == batch.tobytes()
    assert np.isfinite(batch).sum() > 200


def test_a_backtest_holds_what_the_forecasts_say(fitted: GradientBoosting, bars: Bars) -> None:
    forecasts = fitted.forecasts(bars)
    result = backtest(fitted, bars, cash=1e7, start_bar=100)
    bought = result.fills[result.fills["side"] == "buy"]
    ts = bars.ts.astype("datetime64[ns]")
    rows = zip(bought["ts"].dt.tz_localize(None).to_numpy(), bought["symbol"], strict=True)
    for at, symbol in rows:
        own = forecasts[: np.searchsorted(ts, at), bars.symbols.index(symbol)]
        assert own[np.isfinite(own)][-1] > 0.003
    assert len(bought) > 3


def test_equal_fits_are_equal_in_every_process(fitted: GradientBoosting, bars: Bars) -> None:
    done = subprocess.run(
        [sys.executable, "-c", IN_ANOTHER_PROCESS],
        input=pickle.dumps(fitted),
        capture_output=True,
        check=True,
    )
    there, sent, forecasts = done.stdout.decode().split()
    assert there == sent == fitted.learned()
    assert forecasts == fitted.forecasts(bars).tobytes().hex()


def test_every_parameter_of_the_model_matters(fitted: GradientBoosting, bars: Bars) -> None:
    own = fitted.forecasts(bars).tobytes()
    for other in ({"horizon": 3}, {"lookback": 6}, {"depth": 2}, {"rounds": 21}, {"rate": 0.06}):
        changed = QUICK.model_copy(update=other).fit(bars, [(0, 320)])
        assert changed.forecasts(bars).tobytes() != own
        assert changed.learned() != fitted.learned()


def test_its_labels_are_returns_over_the_horizon(bars: Bars) -> None:
    expected = forward_return(bars.seen, 2)
    np.testing.assert_array_equal(QUICK.labels(bars.seen), expected)


def test_its_model_grows_in_one_thread_from_a_fixed_seed() -> None:
    model = GradientBoosting(rounds=30, depth=4, rate=0.1).estimator()
    chosen = {"n_estimators": 30, "max_depth": 4, "learning_rate": 0.1}
    assert chosen.items() <= model.get_params().items()
    assert isinstance(model.random_state, int)


def test_the_decision_sees_the_fields_in_their_order() -> None:
    assert params_of(QUICK) == [2.0, 5.0, 3.0, 20.0, 0.05, 30.0]
