"""Gates: what a strategy version must have shown before it may trade real money.

A gate compares figures that were measured with bounds that are configured, and says of each
how far it is from passing. Nothing here can be typed by a person but the bounds.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from fanfold.errors import ConfigError

DATA: Final = "data"
LOOKAHEAD: Final = "lookahead"
WALK_FORWARD: Final = "walk_forward"
OVERFITTING: Final = "overfitting"
MONTE_CARLO: Final = "monte_carlo"
PAPER: Final = "paper"

GATES: Final = (DATA, LOOKAHEAD, WALK_FORWARD, OVERFITTING, MONTE_CARLO, PAPER)
"""All of them, in the order in which they are gone through."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """What one figure must be.

    Attributes:
        figure: Its name.
        least: It must not be below; None for no bound.
        most: It must not be above; None for no bound.
        unit: Of figure, bounds and distance, for people: "1", "bars", "sessions" …
    """

    figure: str
    least: float | None = None
    most: float | None = None
    unit: str = "1"

    def __post_init__(self) -> None:
        """Refuse a bound that bounds nothing, or both sides."""
        if (self.least is None) == (self.most is None):
            raise ConfigError(f"a bound must have least or most, {self.figure} had both or none")

    @property
    def wanted(self) -> str:
        """The bound in words."""
        side, bound = ("at least", self.least) if self.most is None else ("at most", self.most)
        return f"{side} {number(bound)}"

    def distance(self, value: float) -> float:
        """How far a figure is from passing, 0 if it passes; infinite if it is not known."""
        if math.isnan(value):
            return math.inf
        short = self.least - value if self.least is not None else value - (self.most or 0.0)
        return max(short, 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One figure beside its bound.

    Attributes:
        bound: What it must be.
        value: What it is; NaN where it is not known.
    """

    bound: Bound
    value: float

    @property
    def distance(self) -> float:
        """How far it is from passing; infinite where it is not known."""
        return self.bound.distance(self.value)

    @property
    def passed(self) -> bool:
        """Whether it is what it must be."""
        return self.distance == 0.0

    @property
    def text(self) -> str:
        """The check in words: what it is, what it must be, and how far it is from that."""
        unit = "" if self.bound.unit == "1" else f" {self.bound.unit}"
        name = self.bound.figure.replace("_", " ")
        if math.isnan(self.value):
            return f"{name} must be {self.bound.wanted}{unit}, is not known"
        told = f"{name} must be {self.bound.wanted}{unit}, is {number(self.value)}"
        return told if self.passed else f"{told}: off by {number(self.distance)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """A gate's verdict on a version.

    Attributes:
        name: One of `GATES`.
        checks: Its figures beside their bounds; none where there is no evidence.
        missing: Why there is no evidence, "" where there is some.
        notes: What a person should know beside it.
    """

    name: str
    checks: tuple[Check, ...] = ()
    missing: str = ""
    notes: tuple[str, ...] = field(default=())

    @property
    def passed(self) -> bool:
        """Whether there is evidence, and every figure of it is what it must be."""
        return not self.missing and bool(self.checks) and all(one.passed for one in self.checks)

    @property
    def failed(self) -> tuple[Check, ...]:
        """The checks that refuse."""
        return tuple(one for one in self.checks if not one.passed)

    @property
    def refusal(self) -> str:
        """Why it does not let through, in one line; "" where it does."""
        if self.missing:
            return f"{self.name}: {self.missing}"
        told = "; ".join(one.text for one in self.failed) or ("" if self.checks else "no figure")
        return f"{self.name}: {told}" if told else ""


def gate_of(
    name: str,
    figures: Mapping[str, float | None] | None,
    bounds: Sequence[Bound],
    *,
    missing: str = "",
    notes: Sequence[str] = (),
) -> Gate:
    """Compare a gate's figures with its bounds.

    Args:
        name: One of `GATES`.
        figures: What was measured, by name; None where nothing was.
        bounds: What it must be. A figure that is not there fails.
        missing: Why nothing was measured.
        notes: What a person should know beside it.

    Raises:
        ConfigError: There is no such gate, or it has no bound: it would let everything through.
    """
    if name not in GATES:
        raise ConfigError(f"a gate must be one of {', '.join(GATES)}, was {name!r}")
    if not bounds:
        raise ConfigError(f"gate {name} must have a bound, had none")
    if figures is None:
        return Gate(name=name, missing=missing or "there is no evidence", notes=tuple(notes))
    checks = tuple(Check(bound=bound, value=_known(figures.get(bound.figure))) for bound in bounds)
    return Gate(name=name, checks=checks, notes=tuple(notes))


def number(value: float | None) -> str:
    """A figure as people read it: whole ones whole, others to three digits that count."""
    if value is None or math.isnan(value):
        return "unknown"
    if math.isinf(value):
        return "infinite" if value > 0 else "minus infinite"
    if value == int(value):
        return f"{int(value):,}"
    return f"{value:,.3f}" if abs(value) >= 1.0 else f"{value:.3g}"


def _known(value: float | None) -> float:
    return math.nan if value is None else float(value)
