"""How GARCH is fitted: `arch` for one asset after another, then what ties them together."""

import math
import warnings
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Literal, TypeAlias

import numpy as np

from fanfold.errors import DataError
from fanfold.simulation.history import Floats

Innovations: TypeAlias = Literal["normal", "student"]
"""What shocks are drawn from."""

PERSISTENCE_MAX = 1.0 - 1e-6
"""Share of a variance's distance from its long-run mean that is left a bar later [1]."""

FIT_BARS_MIN = 100
"""Fewer returns say nothing of how their variance moves [bars]."""

_PERCENT = 100.0
_EDGE = PERSISTENCE_MAX - 1e-12  # rounding does not lead over it


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetFit:
    """One asset's parameters, as `GARCH` names them.

    Attributes:
        mean: Mean log return [log return per bar].
        omega: What the variance gets in each bar [1 per bar].
        alpha: Weight of the last shock's square [1].
        gamma: Weight that it gets on top if the shock was negative [1].
        beta: Weight of the last variance [1].
        next_variance: Variance of the bar that follows the history [1 per bar].
        degrees: Degrees of freedom of t shocks, infinite for normal ones [1].
        residuals: Shocks over their deviations, `[bar]` [1].
    """

    mean: float
    omega: float
    alpha: float
    gamma: float
    beta: float
    next_variance: float
    degrees: float
    residuals: Floats


def fit_asset(logs: Floats, asset: int, *, asymmetric: bool, innovations: Innovations) -> AssetFit:
    """Find one asset's likeliest parameters.

    Args:
        logs: Log returns, `[bar]`, oldest first [1 per bar].
        asset: Its number, for messages.
        asymmetric: Whether falls weigh more than rises.
        innovations: What shocks are drawn from.

    Raises:
        DataError: The search found no end.
    """
    found, scale = _searched(logs, asset, asymmetric=asymmetric, innovations=innovations)
    stated: dict[str, float] = {name: float(found.params[name]) for name in found.params.index}
    alpha, beta = max(stated["alpha[1]"], 0.0), max(stated["beta[1]"], 0.0)
    gamma = max(stated.get("gamma[1]", 0.0), -alpha)
    persistence = alpha + 0.5 * gamma + beta
    kept = _EDGE / max(persistence, _EDGE)
    alpha, gamma, beta = (weight * kept for weight in (alpha, gamma, beta))
    omega = stated["omega"] / (scale * scale)
    shock = float(found.resid[-1]) / scale
    variance = (float(found.conditional_volatility[-1]) / scale) ** 2
    weight = alpha + gamma if shock < 0.0 else alpha
    return AssetFit(
        mean=stated["mu"] / scale,
        omega=omega,
        alpha=alpha,
        gamma=gamma,
        beta=beta,
        next_variance=omega + weight * shock * shock + beta * variance,
        degrees=stated.get("nu", math.inf),
        residuals=np.asarray(found.std_resid, dtype=np.float64),
    )


def _searched(
    logs: Floats, asset: int, *, asymmetric: bool, innovations: Innovations
) -> tuple[Any, float]:
    """What `arch` found, and what log returns were multiplied with before it looked."""
    univariate: Any = import_module("arch.univariate")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what it has to say is in its answer
        model = univariate.arch_model(
            _PERCENT * logs,
            mean="Constant",
            vol="GARCH",
            p=1,
            o=1 if asymmetric else 0,
            q=1,
            dist="t" if innovations == "student" else "normal",
            rescale=True,  # percents of minutes are small numbers
        )
        found = model.fit(disp="off", show_warning=False)
    scale = _PERCENT * float(found.scale)
    mean = float(found.params["mu"]) / scale
    # A search may call itself done far from all returns, where it could not see a slope.
    if found.convergence_flag != 0 or not logs.min() <= mean <= logs.max():
        raise DataError(
            f"returns of asset {asset} must be ones that GARCH can be fitted to, the search ended "
            f"at a mean of {mean:.3g} with: {found.optimization_result.message}"
        )
    return found, scale
