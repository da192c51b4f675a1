"""Losses that end trading: the peak, the day's start, and the equity at which either acts."""

import math
from typing import Final, NamedTuple

from fanfold.live.risk.rules import RiskRules
from fanfold.risk.limits import drawdown_breached as _drawdown_breached
from fanfold.risk.room import daily_loss_breached as _daily_loss_breached

MAX_DRAWDOWN: Final = "max_drawdown"
MAX_DAILY_LOSS: Final = "max_daily_loss"
RUINED: Final = "ruined"


class Breach(NamedTuple):
    """A loss that has reached its limit [shares]."""

    name: str
    bound: float
    reached: float


class Breakers:
    """What losses are measured from; money in micro-units.

    Attributes:
        peak: Highest equity so far; 0 until there was any.
        day_start: Equity as the last session closed; 0 until there was any.
        trip: Equity at which a limit may be reached: the exact question is asked then.
        tripped: Names of the breakers that have acted and were not reset.
    """

    __slots__ = ("day_start", "peak", "rules", "trip", "tripped")

    def __init__(self, rules: RiskRules) -> None:
        self.rules = rules
        self.peak = 0.0
        self.day_start = 0.0
        self.trip = -math.inf
        self.tripped: set[str] = set()

    def restore(self, peak: int, day_start: int, tripped: tuple[str, ...]) -> None:
        """Go on from what was kept."""
        self.peak, self.day_start = float(peak), float(day_start)
        self.tripped = set(tripped)
        self._place()

    def begin_day(self, equity: float) -> None:
        """A session has ended: losses of the next are measured from here."""
        self.day_start = equity
        self._place()

    def begin(self, equity: float) -> None:
        """Equity is known: what is not yet measured from anything is measured from it."""
        self.peak = max(self.peak, equity)
        self.day_start = self.day_start or equity
        self._place()

    def rise(self, equity: float) -> None:
        """Equity has passed its peak."""
        self.peak = equity
        self._place()

    def rebase(self, equity: float) -> None:
        """A person has reset what had acted: losses are measured from now."""
        self.tripped.clear()
        self.peak = self.day_start = equity
        self._place()

    def breached(self, equity: int) -> tuple[Breach, ...]:
        """The limits that an equity has reached, but those that have acted already."""
        rules = self.rules
        found: list[Breach] = []
        if equity <= 0:
            found.append(Breach(RUINED, 0.0, equity / 1e6))
        if self.peak > 0 and _drawdown_breached(equity, round(self.peak), rules.max_drawdown):
            found.append(Breach(MAX_DRAWDOWN, rules.max_drawdown, 1.0 - equity / self.peak))
        start = self.day_start
        if start > 0 and _daily_loss_breached(equity, round(start), rules.max_daily_loss):
            found.append(Breach(MAX_DAILY_LOSS, rules.max_daily_loss, 1.0 - equity / start))
        return tuple(each for each in found if each.name not in self.tripped)

    def _place(self) -> None:
        """A micro-unit early, since the running equity is a float."""
        rules = self.rules
        trips = [0.0]
        if self.peak > 0 and rules.max_drawdown < math.inf and MAX_DRAWDOWN not in self.tripped:
            trips.append(self.peak * (1.0 - rules.max_drawdown))
        if (
            self.day_start > 0
            and rules.max_daily_loss < math.inf
            and MAX_DAILY_LOSS not in self.tripped
        ):
            trips.append(self.day_start * (1.0 - rules.max_daily_loss))
        self.trip = -math.inf if RUINED in self.tripped else max(trips) + 1.0

    def act(self, name: str) -> None:
        """A breaker has acted: it does so once."""
        self.tripped.add(name)
        self._place()
