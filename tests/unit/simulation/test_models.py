"""Every model that a configuration can name can be fitted, drawn from and told apart."""

from typing import get_args

import numpy as np
import pytest

from fanfold.errors import ConfigError, DataError
from fanfold.simulation.bootstrap import BlockBootstrap
from fanfold.simulation.garch import GARCH
from fanfold.simulation.gbm import GBM
from fanfold.simulation.models import MODELS, RESTING, ModelName, fit_model
from fanfold.simulation.student import StudentT

RETURNS = StudentT(location=2e-4, volatility=0.01, degrees=5.0).draw(
    bar_count=400, path_count=1, seed=8
)[0]


def test_names_of_configurations_are_those_of_the_table() -> None:
    assert get_args(ModelName) == tuple(MODELS)
    assert set(RESTING) < set(MODELS)
    assert len({title for title, _ in MODELS.values()}) == len(MODELS)


@pytest.mark.parametrize("name", MODELS)
def test_a_model_fitted_by_its_name_is_about_as_wild_as_its_history(name: str) -> None:
    model = fit_model(name, RETURNS)
    assert model.asset_count == 1
    drawn = model.draw(bar_count=200, path_count=256, seed=1)
    assert drawn.std() == pytest.approx(RETURNS.std(), rel=0.25)


def test_names_stand_for_the_variants_that_they_say() -> None:
    plain, skewed = fit_model("garch", RETURNS), fit_model("gjr", RETURNS)
    assert isinstance(plain, GARCH)
    assert isinstance(skewed, GARCH)
    assert plain.gamma == (0.0,) != skewed.gamma
    assert fit_model("gbm", RETURNS) == GBM.fit(RETURNS)
    blocks = fit_model("bootstrap", RETURNS)
    assert isinstance(blocks, BlockBootstrap)
    assert blocks.block_bars == BlockBootstrap.fit(RETURNS, of="absolute").block_bars


@pytest.mark.parametrize("name", RESTING)
def test_rest_stays_rest_where_a_model_knows_it(name: str) -> None:
    often = RETURNS * (np.arange(400)[:, None] % 4 < 2)
    drawn = fit_model(name, often).draw(bar_count=200, path_count=256, seed=1)
    assert drawn.std() == pytest.approx(often.std(), rel=0.25)


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"model must be one of bootstrap, gbm, .*, was 'gmb'"):
        fit_model("gmb", RETURNS)


@pytest.mark.parametrize("name", MODELS)
def test_no_model_is_fitted_to_a_price_that_was_lost(name: str) -> None:
    with pytest.raises(DataError, match="above -1, or prices are not above 0, was -1"):
        fit_model(name, np.append(RETURNS, -1.0))
