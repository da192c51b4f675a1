"""A fault that is on: how often it was asked, and whether it strikes."""

from random import Random
from typing import Any, Final

from fanfold.venue.faults.kinds import Asked, Fault
from fanfold.venue.faults.reading import parameters, until_ns

SECOND_NS: Final = 1_000_000_000


class Standing:
    """A fault that is on.

    Attributes:
        name: Its id.
        fault: What goes wrong.
        since: When it began [ns UTC]; None if it has not yet.
        asked: Questions that it could have struck at.
        struck: How often it did.
    """

    def __init__(self, name: str, fault: Fault, *, seed: int, since: int | None) -> None:
        self.name = name
        self.fault = fault
        self.since = since
        self.asked = 0
        self.struck = 0
        self._seed = seed
        self._until = until_ns(fault)

    def is_on(self, now: int) -> bool:
        """Whether it is on at an instant of its clock, and may still strike."""
        fault = self.fault
        if self._until is not None and now >= self._until:
            return False
        lasts = None if fault.for_s is None else fault.for_s * SECOND_NS
        if lasts is not None and self.since is not None and now - self.since >= lasts:
            return False
        return not (
            isinstance(fault, Asked) and fault.count is not None and self.struck >= fault.count
        )

    def strike(self, now: int) -> Random | None:
        """Whether it strikes now: if so, what its details are drawn from.

        The answer follows from the seed, its id and the number of the question alone.
        """
        fault = self.fault
        if not isinstance(fault, Asked) or not self.is_on(now):
            return None
        number = self.asked
        self.asked += 1
        if number < fault.after:
            return None
        drawn = Random(f"{self._seed} {self.name} {number}")  # noqa: S311  (no secret is drawn)
        if drawn.random() >= fault.probability:
            return None
        self.struck += 1
        return drawn

    def shown(self, now: int) -> dict[str, Any]:
        """It as a value of JSON, with what it has done."""
        return {
            "id": self.name,
            **parameters(self.fault),
            "on": self.is_on(now),
            "asked": self.asked,
            "struck": self.struck,
        }
