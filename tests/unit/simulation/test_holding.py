"""How a portfolio is held: what may be stated, and how compiled code takes it."""

from typing import Any

import numpy as np
import pytest

from fanfold.errors import ConfigError
from fanfold.simulation.follow import CAP, START, TARGET, WEIGHTS
from fanfold.simulation.holding import Holding, equal_weights


def test_one_asset_held_is_plain_and_needs_no_numbers() -> None:
    assert Holding(weights=1.0).is_plain
    assert Holding(weights=[1.0]).packed() is None


@pytest.mark.parametrize(
    "held",
    [{"weights": 0.5}, {"weights": [1.0, 0.0]}, {"weights": 1.0, "volatility_target": 0.01}],
)
def test_anything_else_is_followed_by_its_numbers(held: dict[str, Any]) -> None:
    packed = Holding(**held).packed()
    assert packed is not None
    assert packed[WEIGHTS:].tolist() == np.atleast_1d(held["weights"]).tolist()


def test_a_volatility_is_assumed_to_be_as_aimed_at_unless_stated() -> None:
    packed = Holding(weights=0.5, volatility_target=0.02, leverage_max=3.0).packed()
    assert packed is not None
    assert packed[[TARGET, CAP, START]].tolist() == [0.02, 3.0, 0.02 * 0.02]
    stated = Holding(weights=0.5, volatility_target=0.02, start_volatility=0.03).packed()
    assert stated is not None
    assert stated[[CAP, START]].tolist() == [1.0, 0.03 * 0.03]


def test_equal_weights_share_all_of_equity() -> None:
    assert equal_weights(1).is_plain
    assert equal_weights(4).weights == (0.25,) * 4


@pytest.mark.parametrize(
    ("stated", "message"),
    [
        ({"weights": []}, "weights must hold 1 to 500 numbers"),
        ({"weights": np.nan}, "weights must be finite"),
        ({"weights": [60.0, -60.0]}, "at most 100 times equity, were 120"),
        ({"weights": 1.0, "volatility_target": 0.0}, "volatility_target must be above 0"),
        ({"weights": 1.0, "start_volatility": -1.0}, "start_volatility must be above 0"),
        ({"weights": 1.0, "leverage_max": np.inf}, "leverage_max must be above 0"),
    ],
)
def test_what_cannot_be_held_is_refused(stated: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Holding(**stated)
