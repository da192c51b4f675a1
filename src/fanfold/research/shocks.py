"""Stated shocks: what could happen, said as a value that settings can write down.

Each kind says what it does to the two things that a set of positions is judged by, the
covariance of returns and the costs of trading. What it does to bars is in
`fanfold.research.shocked_bars`.
"""

from collections.abc import Sequence
from datetime import date
from statistics import NormalDist
from typing import Annotated, Any, Final, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from fanfold.domain.names import chosen_places
from fanfold.errors import ConfigError
from fanfold.execution.costs import BPS_MAX, COEFFICIENT_MAX, UNIT_COST_MAX, Costs
from fanfold.measures.series import Floats, as_level

GAP_MAX: Final = 10.0
"""Largest gap upwards that can be meant: eleven times the price [1]."""

VOLATILITY_TIMES_MAX: Final = 20.0
"""Largest multiple of volatility that can be meant [1]."""

LIQUIDITY_BARS_MAX: Final = 10_000
"""Longest time without a market that can be meant [bars]."""

SPREAD_TIMES_MAX: Final = 1_000.0
"""Largest multiple of the spread that can be meant [1]."""

MOVE_DEVIATIONS: Final = 3.0
"""Size of the move whose loss is stated [deviations]."""

SPREAD_COSTS: Final = {
    "slippage_bps": BPS_MAX,
    "half_spread": UNIT_COST_MAX,
    "volatility_slippage": COEFFICIENT_MAX,
}
"""Costs that are a distance of the fill from its reference, and the most each can be.

Commissions are agreed, and impact goes by the size of the order: neither is the spread.
"""

Symbols = Annotated[tuple[str, ...], Field(min_length=1)]


class _Shock(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Gap(_Shock):
    """Prices jump before an open and stay there.

    Attributes:
        size: From the close before [1]: -0.2 is a fall by a fifth.
        symbols: Whose; None is all.
        at: Day of the open; None is the one on which it hurts most.
    """

    kind: Literal["gap"] = "gap"
    size: float = Field(gt=-1.0, le=GAP_MAX)
    symbols: Symbols | None = None
    at: date | None = None

    def __init__(self, size: float, **fields: Any) -> None:
        super().__init__(size=size, **fields)  # pyright: ignore[reportCallIssue]

    @property
    def label(self) -> str:
        """What it is, for people."""
        return f"gap of {100.0 * self.size:+g} %{_whose(self.symbols)}"


class VolatilityTimes(_Shock):
    """Returns vary so many times as much around the same mean, nearly, of simple returns.

    Attributes:
        factor: On the deviation of returns [1].
    """

    kind: Literal["volatility_times"] = "volatility_times"
    factor: float = Field(gt=0.0, le=VOLATILITY_TIMES_MAX)

    def __init__(self, factor: float, **fields: Any) -> None:
        super().__init__(factor=factor, **fields)  # pyright: ignore[reportCallIssue]

    @property
    def label(self) -> str:
        """What it is, for people."""
        return f"volatility × {self.factor:g}"


class CorrelationToOne(_Shock):
    """All assets move together, each as much as it did.

    Longs and shorts then cancel out as well as they ever can: what looks worse is a book
    that relied on spreading, not one that relied on hedging.
    """

    kind: Literal["correlation_to_one"] = "correlation_to_one"

    @property
    def label(self) -> str:
        """What it is, for people."""
        return "correlation to one"


class LiquidityGone(_Shock):
    """Nothing trades for some bars.

    Attributes:
        bars: How long [bars].
        symbols: In which assets; None is all.
        at: Its first day; None is the one from which being held hurts most.
    """

    kind: Literal["liquidity_gone"] = "liquidity_gone"
    bars: int = Field(ge=1, le=LIQUIDITY_BARS_MAX)
    symbols: Symbols | None = None
    at: date | None = None

    def __init__(self, bars: int, **fields: Any) -> None:
        super().__init__(bars=bars, **fields)  # pyright: ignore[reportCallIssue]

    @property
    def label(self) -> str:
        """What it is, for people."""
        return f"no liquidity for {self.bars} bars{_whose(self.symbols)}"


class SpreadTimes(_Shock):
    """Each fill is so many times as far from its reference price.

    Attributes:
        factor: On slippage and half spread [1].
    """

    kind: Literal["spread_times"] = "spread_times"
    factor: float = Field(gt=0.0, le=SPREAD_TIMES_MAX)

    def __init__(self, factor: float, **fields: Any) -> None:
        super().__init__(factor=factor, **fields)  # pyright: ignore[reportCallIssue]

    @property
    def label(self) -> str:
        """What it is, for people."""
        return f"spread × {self.factor:g}"


Shock = Annotated[
    Gap | VolatilityTimes | CorrelationToOne | LiquidityGone | SpreadTimes,
    Field(discriminator="kind"),
]


def shocked_places(shock: Shock, symbols: Sequence[str]) -> list[int]:
    """Places of the assets that a shock hits.

    Raises:
        ConfigError: It names an asset twice.
        DataError: It names one that is not there.
    """
    named = shock.symbols if isinstance(shock, Gap | LiquidityGone) else None
    return list(range(len(symbols))) if named is None else chosen_places(named, symbols)


def shocked_covariance(covariance: Floats, shock: Shock) -> Floats:
    """The covariance of returns after a shock; those that do not touch it leave it.

    Args:
        covariance: Of returns, [asset, asset] [1].
        shock: Of any kind.
    """
    if isinstance(shock, VolatilityTimes):
        return covariance * (shock.factor * shock.factor)
    if isinstance(shock, CorrelationToOne):
        deviation = np.sqrt(np.diag(covariance))
        return np.outer(deviation, deviation)
    return covariance


def shocked_costs(costs: Costs, shock: Shock) -> Costs:
    """The costs of trading after a shock; those that do not touch them leave them.

    Raises:
        ConfigError: A cost would be larger than can be meant.
    """
    if not isinstance(shock, SpreadTimes):
        return costs
    wider: dict[str, float] = {}
    for name, most in SPREAD_COSTS.items():
        wider[name] = getattr(costs, name) * shock.factor
        if wider[name] > most:
            raise ConfigError(
                f"{shock.label} must leave {name} at most {most:g}, was {wider[name]:g}"
            )
    return costs.model_copy(update=wider)


def gaussian_figures(exposures: Floats, covariance: Floats, level: float) -> dict[str, float]:
    """What positions can lose in one bar of normal returns with a mean of zero [currency].

    Args:
        exposures: Shape [asset], negative for a short [currency].
        covariance: Of the returns of a bar, [asset, asset] [1].
        level: Share of bars covered [1].

    Returns:
        The deviation, the value at risk, the expected shortfall, and the loss of a move of
        three deviations; positive is a loss.

    Raises:
        ConfigError: `level` is not between 0 and 1.
    """
    normal = NormalDist()
    score = normal.inv_cdf(as_level(level))
    # Rounding may leave a hedged book's variance a hair below zero.
    deviation = float(np.sqrt(max(float(exposures @ covariance @ exposures), 0.0)))
    return {
        "deviation_currency": deviation,
        "value_at_risk_currency": score * deviation,
        "expected_shortfall_currency": normal.pdf(score) / (1.0 - level) * deviation,
        "loss_of_three_deviations_currency": MOVE_DEVIATIONS * deviation,
    }


def gaussian_components(exposures: Floats, covariance: Floats, level: float) -> Floats:
    """Each position's part of the Gaussian value at risk; they add up to it [currency].

    Args:
        exposures: Shape [asset] [currency].
        covariance: Of the returns of a bar, [asset, asset] [1].
        level: Share of bars covered [1].

    Source: Garman (1996), Improving on VaR, Risk 9(5).
    """
    pull = covariance @ exposures
    deviation = float(np.sqrt(max(float(exposures @ pull), 0.0)))
    if deviation == 0.0:
        return np.zeros(len(exposures))
    return NormalDist().inv_cdf(as_level(level)) * exposures * pull / deviation


def _whose(symbols: tuple[str, ...] | None) -> str:
    return "" if symbols is None else f" in {', '.join(symbols)}"
