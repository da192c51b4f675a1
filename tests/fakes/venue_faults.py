"""Faults under a clock that a test sets."""

from typing import Any

from fanfold.venue.faults import Faults

NOW = 1_767_364_200_000_000_000


class Clock:
    """A clock that stands until it is set."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> int:
        return self.now


def faults_of(*written: dict[str, Any], seed: int = 7, clock: Clock | None = None) -> Faults:
    """These faults, on since now."""
    return Faults.from_config(written, seed, clock=clock or Clock())
