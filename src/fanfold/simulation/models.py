"""All path models by name, for configurations and for comparing them on one history."""

from collections.abc import Callable
from typing import Literal, TypeAlias

from numpy.typing import ArrayLike

from fanfold.errors import ConfigError
from fanfold.simulation.bootstrap import BlockBootstrap
from fanfold.simulation.garch import GARCH
from fanfold.simulation.gbm import GBM
from fanfold.simulation.heston import Heston
from fanfold.simulation.merton import MertonJump
from fanfold.simulation.model import PathModel
from fanfold.simulation.regimes import RegimeSwitching
from fanfold.simulation.student import StudentT

ModelName: TypeAlias = Literal[
    "bootstrap", "gbm", "student", "merton", "heston", "garch", "gjr", "regimes"
]

BarsName: TypeAlias = Literal[
    "blocks", "gbm", "student", "merton", "heston", "garch", "gjr", "regimes"
]
"""What whole bars may be made of: real ones in blocks, or a model. A bootstrap of returns is
missing, for its bars would have no shape."""


def _garch(returns: ArrayLike) -> GARCH:
    return GARCH.fit(returns, innovations="student")


def _gjr(returns: ArrayLike) -> GARCH:
    return GARCH.fit(returns, asymmetric=True, innovations="student")


def _bootstrap(returns: ArrayLike) -> BlockBootstrap:
    # What makes drawdowns deep is that wild bars come together: blocks must keep that.
    return BlockBootstrap.fit(returns, of="absolute")


MODELS: dict[str, tuple[str, Callable[[ArrayLike], PathModel]]] = {
    "bootstrap": ("block bootstrap", _bootstrap),
    "gbm": ("geometric Brownian motion", GBM.fit),
    "student": ("Student t", StudentT.fit),
    "merton": ("Merton jump diffusion", MertonJump.fit),
    "heston": ("Heston", Heston.fit),
    "garch": ("GARCH, t innovations", _garch),
    "gjr": ("GJR-GARCH, t innovations", _gjr),
    "regimes": ("regime switching", RegimeSwitching.fit),
}
"""What each model is called, and how it is fitted to simple returns, `[bar, asset]`."""


RESTING = ("bootstrap", "gbm", "regimes")
"""Models that can be fitted to returns which are often 0: the others take rest for tiny moves,
and then make tails of what is none."""


def fit_model(name: str, returns: ArrayLike) -> PathModel:
    """Fit a model by its name.

    Raises:
        ConfigError: There is no such model.
        DataError: The returns are not what it can be fitted to.
    """
    if name not in MODELS:
        raise ConfigError(f"model must be one of {', '.join(MODELS)}, was {name!r}")
    return MODELS[name][1](returns)
