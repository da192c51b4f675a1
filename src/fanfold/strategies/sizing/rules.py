"""The sizings that users choose from."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from fanfold.strategies.sizing.lots import (
    EXPOSURE,
    FIXED_NOTIONAL,
    FIXED_UNITS,
    KELLY,
    RISK_FRACTION,
    VOLATILITY_TARGET,
)

WINDOW_MAX = 10_000
"""Longest window that a sizing looks back over [bars]."""

SCALE_MAX = 100.0
"""Largest cap of a sizing that can be meant [share of equity]."""


class _Rule(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Exposure(_Rule):
    """A target is a share of equity: 1 is all of it, -0.5 is half of it short."""

    kind: Literal["exposure"] = "exposure"

    @property
    def rule(self) -> tuple[int, float]:
        """Number of the rule and its parameter, for compiled code."""
        return EXPOSURE, 0.0


class FixedUnits(_Rule):
    """Any target but zero is the same quantity, in the target's direction.

    Attributes:
        units: Shares or coins.
    """

    kind: Literal["fixed_units"] = "fixed_units"
    units: float = Field(gt=0.0)

    def __init__(self, units: float, **fields: Any) -> None:
        super().__init__(units=units, **fields)  # pyright: ignore[reportCallIssue]

    @property
    def rule(self) -> tuple[int, float]:
        """Number of the rule and its parameter, for compiled code."""
        return FIXED_UNITS, self.units


class FixedNotional(_Rule):
    """Any target but zero is the same amount of money, in the target's direction.

    Attributes:
        notional: Value of the position when it is sized [currency].
    """

    kind: Literal["fixed_notional"] = "fixed_notional"
    notional: float = Field(gt=0.0)

    def __init__(self, notional: float, **fields: Any) -> None:
        super().__init__(notional=notional, **fields)  # pyright: ignore[reportCallIssue]

    @property
    def rule(self) -> tuple[int, float]:
        """Number of the rule and its parameter, for compiled code."""
        return FIXED_NOTIONAL, self.notional


class RiskFraction(_Rule):
    """A position loses a fixed share of equity if its stop is hit at its price.

    Units are |target| × equity × risk / |price - stop|; slippage and gaps beyond the
    stop come on top. A target without a protective stop has no size.

    Attributes:
        risk: What a target of 1 or -1 stakes [share of equity].

    Source: Vince (1990), Portfolio Management Formulas (fixed fractional trading).
    """

    kind: Literal["risk_fraction"] = "risk_fraction"
    risk: float = Field(default=0.01, gt=0.0, le=1.0)

    def __init__(self, risk: float = 0.01, **fields: Any) -> None:
        super().__init__(risk=risk, **fields)  # pyright: ignore[reportCallIssue]

    @property
    def rule(self) -> tuple[int, float]:
        """Number of the rule and its parameter, for compiled code."""
        return RISK_FRACTION, self.risk


class Kelly(_Rule):
    """A target is multiplied by the share of equity that grew fastest in the past.

    Over continuous returns that share is their mean over their variance, the same at
    any bar size; `fraction` of it is held, because an estimate that is too large costs
    more than one that is too small. A target against the past mean (long where it is
    negative, short where it is positive) has no edge and no size.

    Attributes:
        fraction: Part of the full share; 1 is full Kelly [1].
        window: Past returns of the asset's own bars [bars].
        cap: Most that a target of 1 or -1 holds [share of equity].

    Source: Kelly (1956), A New Interpretation of Information Rate; Thorp (2006), The
    Kelly Criterion in Blackjack, Sports Betting and the Stock Market, section 7.
    """

    kind: Literal["kelly"] = "kelly"
    fraction: float = Field(default=0.5, gt=0.0, le=1.0)
    window: int = Field(default=252, ge=2, le=WINDOW_MAX)
    cap: float = Field(default=1.0, gt=0.0, le=SCALE_MAX)

    def __init__(self, fraction: float = 0.5, **fields: Any) -> None:
        super().__init__(fraction=fraction, **fields)  # pyright: ignore[reportCallIssue]

    @property
    def rule(self) -> tuple[int, float]:
        """Number of the rule and its parameter, for compiled code."""
        return KELLY, self.fraction


class VolatilityTarget(_Rule):
    """A target is multiplied so that the position swings as much as is wanted.

    The multiple is `volatility` over what the asset's returns realised, per year.

    Attributes:
        volatility: Wanted yearly deviation of a position of target 1 or -1 [1].
        window: Past returns of the asset's own bars [bars].
        cap: Most that a target of 1 or -1 holds [share of equity].

    Source: Moreira & Muir (2017), Volatility-Managed Portfolios, Journal of Finance 72.
    """

    kind: Literal["volatility_target"] = "volatility_target"
    volatility: float = Field(default=0.15, gt=0.0, le=10.0)
    window: int = Field(default=20, ge=2, le=WINDOW_MAX)
    cap: float = Field(default=1.0, gt=0.0, le=SCALE_MAX)

    def __init__(self, volatility: float = 0.15, **fields: Any) -> None:
        super().__init__(volatility=volatility, **fields)  # pyright: ignore[reportCallIssue]

    @property
    def rule(self) -> tuple[int, float]:
        """Number of the rule and its parameter, for compiled code."""
        return VOLATILITY_TARGET, self.volatility


Sizing = Annotated[
    Exposure | FixedUnits | FixedNotional | RiskFraction | Kelly | VolatilityTarget,
    Field(discriminator="kind"),
]
