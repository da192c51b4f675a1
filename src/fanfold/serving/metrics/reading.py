"""A state of the API with its surroundings, as measuring and alarms read it."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from fanfold.serving.state import ComponentRow, StageTimes, State

THERE: Final = frozenset({"starting", "armed", "halted", "recording"})
"""States of a component that is there and answers; it may read a day's tape to start."""

_NS: Final = 1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a state does not say of a deployment.

    Attributes:
        bounds: Its limits by name, such as max_drawdown [1].
        band: What the backtest expects of the equity now: median, lower, upper [currency].
        is_inside: Whether the equity has stayed within it; None without a band.
        facts: Single numbers: listeners, free bytes of the disk, undelivered alerts.
    """

    bounds: Mapping[str, float] = field(default_factory=dict[str, float])
    band: Mapping[str, float] = field(default_factory=dict[str, float])
    is_inside: bool | None = None
    facts: Mapping[str, float] = field(default_factory=dict[str, float])


class Reading:
    """A state and its surroundings.

    Args:
        state: As the API shows it.
        around: What it does not say.
        latches: Names of latches that were ever seen: one that was reset is shown as 0.

    Attributes:
        state: The same.
        around: The same.
        latches: Whether each of them is set now.
    """

    def __init__(self, state: State, around: Surroundings, latches: Sequence[str] = ()) -> None:
        self.state, self.around = state, around
        self._by_name = {one.name: one for one in state.components}
        set_ = {one.name for one in state.latches}
        self.latches = {name: name in set_ for name in sorted({*latches, *set_})}

    @property
    def components(self) -> Sequence[ComponentRow]:
        """All components that there should be."""
        return self.state.components

    @property
    def at_s(self) -> float:
        """When it was looked at [s UTC]."""
        return self.state.at / _NS

    @property
    def net(self) -> float | None:
        """Signed value of all positions [currency]; None where one is not known."""
        total = 0.0
        for one in self.state.positions:
            if one.value is None:
                return None
            total += one.value
        return total

    @property
    def is_inside(self) -> float | None:
        """1 where equity is within the band, 0 where it is not, None without one."""
        return None if self.around.is_inside is None else float(self.around.is_inside)

    def fact(self, name: str) -> float | None:
        """One of the surroundings' numbers."""
        return self.around.facts.get(name)

    def one(self, component: str) -> ComponentRow | None:
        """A component by its name."""
        return self._by_name.get(component)

    def counts(self, component: str) -> Mapping[str, int]:
        """What a component has counted since its start."""
        found = self._by_name.get(component)
        return {} if found is None else found.counts

    def incarnation(self, component: str) -> int:
        """Which start of a component it is."""
        found = self._by_name.get(component)
        return 0 if found is None else found.incarnation

    def gauge(self, component: str, name: str) -> float | None:
        """A component's gauge as a finite number; None for a text, or where there is none."""
        found = self._by_name.get(component)
        value = None if found is None else found.gauges.get(name)
        if not isinstance(value, int | float):
            return None
        return float(value) if math.isfinite(value) else None

    def word(self, component: str, name: str) -> str:
        """A component's gauge as a text, "" where there is none."""
        found = self._by_name.get(component)
        value = None if found is None else found.gauges.get(name)
        return value if isinstance(value, str) else ""

    def latencies(self) -> Iterator[tuple[ComponentRow, str, StageTimes]]:
        """Each component's stages."""
        for one in self.components:
            for stage, times in one.latency.items():
                yield one, stage, times
