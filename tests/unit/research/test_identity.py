"""A trial is what decides: names, files, windows and data make no other one."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import Field

from fanfold.engine.backtest import terms_of
from fanfold.engine.options import FillOptions
from fanfold.engine.spec import Terms
from fanfold.execution.costs import Costs
from fanfold.research.identity import trial_code, trial_keys
from fanfold.research.plan import Params
from fanfold.risk.limits import Limits
from fanfold.strategies import ROC, SMA, Indicator, LearningStrategy, Strategy, forward_return
from fanfold.strategies.sizing import FixedUnits


def keys(strategy: Strategy, *params: Params, terms: Terms | None = None) -> list[str]:
    code = trial_code(strategy)
    return list(trial_keys(type(strategy), code, terms or terms_of(), params))


SOURCE = """
from typing import Any, ClassVar
from pydantic import Field
from fanfold.domain.decision import decision
from fanfold.strategies import ROC, SMA, Strategy

@decision
def {decide}(assets: Any, portfolio: Any, memory: Any) -> None:
    for asset in assets:
        asset.target = {target} if asset.close > asset.features[0] else 0.0

class {name}(Strategy):
    {more}
    period: int = Field(20, ge=2, le=50)
    share: float = Field(1.0, ge=0.0, le=1.0)
    decide: ClassVar[Any] = {decide}

    def features(self):
        return ({feature}(self.period),)
"""


@pytest.fixture
def written(tmp_path: Any) -> Callable[..., type[Strategy]]:
    """A strategy from a file of its own."""
    from fanfold.workflows.strategies import find_strategy

    count = iter(range(99))

    def write(**changed: str) -> type[Strategy]:
        stated = {
            "decide": "follow",
            "target": "1.0",
            "name": "Follow",
            "feature": "SMA",
            "more": '"""A strategy."""',
        } | changed
        file = tmp_path / f"own{next(count)}.py"
        file.write_text(SOURCE.format(**stated))
        return find_strategy(f"{file}:{stated['name']}")

    return write


def test_a_renamed_class_function_or_file_is_the_same_trial(
    written: Callable[..., type[Strategy]],
) -> None:
    own = keys(written()(), {"period": 9})
    assert keys(written()(), {"period": 9}) == own
    assert keys(written(name="Other")(), {"period": 9}) == own
    assert keys(written(decide="chase")(), {"period": 9}) == own
    assert keys(written(more='"""Told otherwise."""')(), {"period": 9}) == own


def test_another_decision_or_feature_is_another_trial(
    written: Callable[..., type[Strategy]],
) -> None:
    own = keys(written()(), {"period": 9})
    assert keys(written(target="0.5")(), {"period": 9}) != own
    assert keys(written(feature="ROC")(), {"period": 9}) != own


class Own(Strategy):
    """A strategy in plain Python."""

    period: int = Field(20, ge=2, le=50)
    share: float = Field(1.0, ge=0.0, le=1.0)

    def features(self) -> tuple[Indicator, ...]:
        return (SMA(self.period),)

    def decide(self, assets: Any, portfolio: Any, memory: Any) -> None:  # noqa: ARG002
        for asset in assets:
            asset.target = self.share


class Windowed(Own):
    """The same with another feature."""

    def features(self) -> tuple[Indicator, ...]:
        return (ROC(self.period),)


class Columned(Own):
    """The same with a column of its own."""

    def columns(self, bars: Any) -> dict[str, NDArray[np.float64]]:
        return {"mean": bars.close}


class Remembering(Own):
    """The same with memory."""

    def memory_size(self, asset_count: int) -> int:
        return asset_count


def test_every_hook_of_a_strategy_takes_part() -> None:
    codes = {trial_code(kind()) for kind in (Own, Windowed, Columned, Remembering)}
    assert len(codes) == 4


def test_other_parameters_are_other_trials_and_left_out_ones_have_their_defaults() -> None:
    found = keys(Own(), {"period": 20, "share": 1.0}, {"period": 20}, {}, {"share": 1})
    assert len(set(found)) == 1
    assert len(set(keys(Own(), {"period": 21}, {"period": 20}, {"share": 0.5}))) == 3
    assert keys(Own(), {"share": 0.5, "period": 3}) == keys(Own(), {"period": 3, "share": 0.5})


def test_a_whole_number_written_with_a_point_is_the_same_trial() -> None:
    assert Own(period=20.0) == Own(period=20)
    assert keys(Own(), {"period": 20.0}) == keys(Own(), {"period": 20})


@pytest.mark.parametrize(
    "changed",
    [
        {"costs": Costs(commission_bps=1)},
        {"limits": Limits(max_gross=0.5)},
        {"sizing": FixedUnits(1)},
        {"venue": "ideal"},
        {"leverage": 2.0},
        {"options": FillOptions(delay_bars=2)},
        {"cash": 5_000},
    ],
)
def test_other_terms_make_other_trials(changed: dict[str, Any]) -> None:
    assert keys(Own(), {}, terms=terms_of(**changed)) != keys(Own(), {})


def test_where_a_trial_is_scored_makes_no_other_one_of_it() -> None:
    from dataclasses import replace

    own = keys(Own(), {})
    assert keys(Own(), {}, terms=replace(terms_of(start_bar=5), end_bar=50)) == own
    assert keys(Own(), {}, terms=terms_of(options=FillOptions(close_at_end=True))) == own


class Mean:
    """Forecasts the mean label."""

    def fit(self, inputs: NDArray[np.float64], labels: NDArray[np.float64]) -> None:  # noqa: ARG002
        self.mean = float(labels.mean())

    def predict(self, inputs: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.full(len(inputs), self.mean)


class Learner(LearningStrategy):
    """Holds what is forecast to rise."""

    def features(self) -> tuple[Indicator, ...]:
        return (ROC(2),)

    def estimator(self) -> Any:
        return Mean()

    def labels(self, prices: NDArray[np.float64]) -> NDArray[np.float64]:
        return forward_return(prices, 2)

    def decide(self, assets: Sequence[Any], portfolio: Any, memory: Any) -> None:  # noqa: ARG002
        for asset, forecast in zip(assets, self.forecasts_for(assets), strict=True):
            asset.target = 1.0 if forecast > 0 else 0.0


class OtherLabels(Learner):
    """Learns another thing."""

    def labels(self, prices: NDArray[np.float64]) -> NDArray[np.float64]:
        return forward_return(prices, 9)


class OtherModel(Learner):
    """Learns it another way."""

    def estimator(self) -> Any:
        from sklearn.linear_model import Ridge

        return Ridge()


@pytest.mark.parametrize("other", [OtherLabels, OtherModel])
def test_what_is_learned_and_how_takes_part(other: type[Learner]) -> None:
    assert trial_code(other()) != trial_code(Learner())


class Related(Own):
    """One of a family."""

    family: ClassVar[str] = "means"


def test_a_family_makes_no_other_trial() -> None:
    assert keys(Related(), {}) == keys(Own(), {})
