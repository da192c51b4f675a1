"""How parameters are searched, and on which windows."""

import re
from datetime import date, timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, field_validator

from fanfold.errors import ConfigError
from fanfold.research.search import Pruner, Sampler, checked_storage
from fanfold.research.spec import GENERATION_SIZE_MAX, SCORE_FOLDS_MAX
from fanfold.research.study import GENERATION_SIZE, OBJECTIVES_MAX, TRIALS_MAX
from fanfold.settings.sections import Section


class SearchSettings(Section):
    """How parameters are searched: by whom, for how long, and what makes one better.

    `objectives` are metrics, by default the job's `objective`; `constraints` are bounds of
    metrics; `folds` are stretches that a trial is scored on, between which `pruner` may give
    it up. `storage` is a database for Optuna's view of the study, without a password.
    """

    sampler: Sampler = "tpe"
    trials: int = Field(default=100, ge=1, le=TRIALS_MAX)
    generation: int = Field(default=GENERATION_SIZE, ge=1, le=GENERATION_SIZE_MAX)
    objectives: list[str] | None = Field(default=None, min_length=1, max_length=OBJECTIVES_MAX)
    constraints: dict[str, float] = Field(default_factory=dict[str, float])
    pruner: Pruner | None = None
    folds: int = Field(default=1, ge=1, le=SCORE_FOLDS_MAX)
    storage: str | None = None

    @field_validator("storage")
    @classmethod
    def _holds_no_secret(cls, address: str | None) -> str | None:
        try:
            return None if address is None else checked_storage(address)
        except ConfigError as error:
            raise ValueError(str(error)) from None


def _as_gap(value: Any) -> Any:
    """Bars as a number, time as `5d`, `12h` or `30min`."""
    if isinstance(value, float):
        value = str(value)  # a fraction of a bar is none, nor is it seconds
    if isinstance(value, str) and not value.startswith("P"):  # as a stored one is written
        found = re.fullmatch(r"(\d+) *(d|h|min)", value.strip())
        if found is None:
            raise ValueError("must be bars, or a time such as 5d, 12h or 30min")
        units = {"d": "days", "h": "hours", "min": "minutes"}
        return timedelta(**{units[found[2]]: int(found[1])})
    return value


GapSetting = Annotated[int | timedelta, BeforeValidator(_as_gap)]
"""A distance in bars, or in time."""


class WalkForwardSettings(Section):
    """Windows of a walk-forward [bars], gaps between them, and what is sealed at the end.

    `holdout` is the last bars, a share of all, or the date from which nobody looks; it is
    sealed when the job begins and `fanfold unseal` opens it once.
    """

    train: int = Field(default=504, ge=2)
    test: int = Field(default=126, ge=2)
    anchored: bool = False
    purge: GapSetting = 0
    embargo: GapSetting = 0
    carry_positions: bool = False
    holdout: int | float | date | None = None


class CrossValidationSettings(Section):
    """Groups of consecutive bars, how many are tested at a time, and the gaps beside them."""

    groups: int = Field(default=10, ge=2, le=100)
    test_groups: int = Field(default=2, ge=1)
    purge: GapSetting = 0
    embargo: GapSetting = 0
