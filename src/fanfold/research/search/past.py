"""What a search has done so far, as a value."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

History = list[Any]
"""Finished trials in their order: Optuna's frozen trials."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """All that a search has done.

    Attributes:
        history: Finished trials, in their order.
        attributes: What a sampler noted beside them.
        study: The study that holds them already, until it is asked for more; None where it
            has to be built, which makes no difference but time.
        notes: What was noted anew after so many trials, for each generation that is whole.
    """

    history: History
    attributes: Mapping[str, Any]
    study: Any = None
    notes: Mapping[int, Mapping[str, Any]] = field(default_factory=dict[int, Any])

    def upto(self, count: int) -> "Past":
        """The past as it was after so many trials.

        Raises:
            KeyError: A generation did not end there.
        """
        _ = self.notes[count]
        return Past(
            history=self.history[:count], attributes=noted(self.notes, count), notes=self.notes
        )


NOTHING = Past(history=[], attributes={})


def noted(notes: Mapping[int, Mapping[str, Any]], count: int) -> dict[str, Any]:
    """All that was noted up to so many trials."""
    known: dict[str, Any] = {}
    for after in sorted(notes):
        if after <= count:
            known |= notes[after]
    return known
