"""The frozen inputs of a run, checked once."""

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.bars import Bars
from fanfold.domain.compiled import Compiled
from fanfold.domain.language import plain_hash
from fanfold.domain.money import MICRO
from fanfold.domain.sessions import ROUND_THE_CLOCK
from fanfold.engine.options import FRACTION_PARTS, FillOptions
from fanfold.errors import ConfigError
from fanfold.execution.costs import Costs
from fanfold.execution.venue_rules import VenueRules, asset_class_of, venue_rules
from fanfold.risk.limits import Limits
from fanfold.strategies.sizing import Exposure, Sizing, scale_indicator
from fanfold.strategies.strategy import Strategy, decision_of

CASH_MAX = 1e12
"""Largest starting cash [currency]; beyond it a run could overflow."""

LEVERAGE_MAX = 100.0
"""Largest gross exposure over equity that can be meant [1]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a run is made under, whatever its strategy.

    Attributes:
        cash: Starting cash [micro-units].
        leverage: Gross exposure over equity that the account may hold [1].
        start_bar: First bar of decisions and measures; None is the strategy's own
            warm-up.
        end_bar: The bar after the last that decides and is measured; None is the end of
            the bars. The last should end a session: returns are measured there.
        risk_free: Yearly risk-free return that ratios are measured above [1].
    """

    cash: int = 100_000 * MICRO
    costs: Costs = field(default_factory=Costs)
    limits: Limits = field(default_factory=Limits)
    sizing: Sizing = field(default_factory=Exposure)
    venue: VenueRules = field(default_factory=lambda: venue_rules("alpaca"))
    options: FillOptions = field(default_factory=FillOptions)
    leverage: float = 1.0
    start_bar: int | None = None
    end_bar: int | None = None
    risk_free: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what no account can be."""
        if not 1.0 <= self.leverage <= LEVERAGE_MAX:
            raise ConfigError(f"leverage must be 1 to {LEVERAGE_MAX:g}, was {self.leverage}")
        if self.start_bar is not None and self.start_bar < 0:
            raise ConfigError(f"start_bar must not be negative, was {self.start_bar}")
        if self.end_bar is not None and self.end_bar < (self.start_bar or 0) + 2:
            raise ConfigError(f"end_bar must leave a bar to be measured, was {self.end_bar}")
        if not -1.0 < self.risk_free < 1.0:
            raise ConfigError(f"risk_free must be a yearly return, was {self.risk_free}")

    def last(self, bars: Bars) -> int:
        """The bar after the last that decides and is measured on these bars."""
        return bars.bar_count if self.end_bar is None else min(self.end_bar, bars.bar_count)

    def fractional(self, calendar: str) -> bool:
        """Whether parts of a unit trade, for assets of a calendar."""
        asked = self.options.fractional
        return calendar == ROUND_THE_CLOCK if asked is None else asked

    def parts(self, bars: Bars) -> NDArray[np.int64]:
        """Lots in one unit of each asset; shape [asset]."""
        lots = [FRACTION_PARTS if self.fractional(each) else 1 for each in bars.calendars]
        return np.array(lots, np.int64)

    def time_in_force(self, calendars: Sequence[str]) -> str:
        """How long orders work, for assets of these calendars.

        Where the venue's own choices differ among them, it is the shortest.
        """
        own = {
            self.venue.default_time_in_force(asset_class_of(each), fractional=self.fractional(each))
            for each in calendars
        }
        return self.options.time_in_force or min(own)

    def ticks(self, calendar: str) -> tuple[int, int]:
        """Steps of order prices from one unit of currency on, and below [micro-units]."""
        return self.venue.ticks(asset_class_of(calendar))

    def is_shortable(self, calendar: str) -> bool:
        """Whether the venue lends assets of a calendar to an account with enough equity."""
        refused = self.venue.check_short(
            self.venue.short_equity_min,
            asset_class_of(calendar),
            fractional=self.fractional(calendar),
        )
        return not refused

    def least_notional(self, calendar: str) -> float:
        """Smallest order in assets of a calendar [currency]."""
        own = self.options.min_trade_notional
        return self.venue.least_notional(asset_class_of(calendar)) if own is None else own

    @property
    def scales(self) -> bool:
        """Whether the sizing looks at past returns."""
        return scale_indicator(self.sizing, 1.0) is not None

    @property
    def needs_real_units(self) -> bool:
        """Whether anything counts shares or volumes as they were traded."""
        return self.costs.needs_real_units or self._counts_volume

    @property
    def needs_volume(self) -> bool:
        """Whether every bar's volume must be known."""
        return self.costs.needs_volume or self._counts_volume

    @property
    def _counts_volume(self) -> bool:
        limits = self.limits
        bounds = limits.max_volume_share, limits.max_daily_volume_share
        return self.participates or any(each is not None for each in bounds)

    @property
    def participates(self) -> bool:
        """Whether fills are capped by the bar's volume."""
        return self.options.participation is not None

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for hashes, tracking and reports."""
        return {
            "cash": str(Decimal(self.cash) / MICRO),
            "leverage": self.leverage,
            "venue": self.venue.name,
            "costs": self.costs.model_dump(),
            "limits": self.limits.as_dict(),
            "sizing": self.sizing.model_dump(),
            "options": self.options.model_dump(),
            "start_bar": self.start_bar,
            "end_bar": self.end_bar,
            "risk_free": self.risk_free,
        }


def cash_in_micro(cash: float | Decimal) -> int:
    """Starting cash in micro-units.

    Raises:
        ConfigError: It is not a positive amount up to `CASH_MAX`.
    """
    amount = float(cash)
    if not 0.0 < amount <= CASH_MAX or not math.isfinite(amount):
        raise ConfigError(f"cash must be above 0 and at most {CASH_MAX:g}, was {cash}")
    return int((Decimal(str(cash)) * MICRO).to_integral_value())


def code_hash(strategy: Strategy) -> str:
    """Hash of a strategy's decision, for versions and for counting trials.

    Raises:
        LanguageError: A compiled decision is outside the compiled subset.
    """
    decide: Any = decision_of(strategy)
    if isinstance(decide, Compiled):
        return decide.content_hash
    return plain_hash(decide.func if isinstance(decide, partial) else decide)


def spec_hash(strategy: Strategy, terms: Terms, fingerprint: str) -> str:
    """Hash of all that decides a run's result; equal hashes mean equal bits."""
    content = {
        "strategy": type(strategy).__qualname__,
        "code": code_hash(strategy),
        "features": [repr(feature) for feature in strategy.features()],
        "params": strategy.model_dump(mode="json"),
        "learned": strategy.learned(),
        "terms": terms.as_dict(),
        "data": fingerprint,
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
