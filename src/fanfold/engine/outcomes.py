"""How runs end: their accounts, what their blocks added up to, and why one failed."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.bars import Bars
from fanfold.engine.step.state import OVERFLOW, SUMS, TARGET_NOT_FINITE
from fanfold.errors import FanfoldError

FAULTS = (TARGET_NOT_FINITE, OVERFLOW)
"""Statuses that are errors."""


def _no_blocks() -> NDArray[np.float64]:
    return np.zeros((0, 0, SUMS))


@dataclass(frozen=True, slots=True)
class Outcomes:
    """How runs ended, in their order.

    Attributes:
        accounts: The accounts' last states, records of `Account`; shape [run].
        errors: Why each run failed, or "" if it did not.
        blocks: Power sums of the returns of each block of bars, shape [run, block, sum];
            without blocks where none were asked for.
    """

    accounts: NDArray[Any]
    errors: list[str]
    blocks: NDArray[np.float64] = field(default_factory=_no_blocks)


def fault_of(account: Any, bars: Bars) -> str:
    """Why a run's status is an error, or "" if it is none."""
    status = int(account["status"])
    if status not in FAULTS:
        return ""
    symbol = bars.symbols[int(account["fault_asset"])]
    if status == OVERFLOW:
        return f"a position must stay below the money there can be, was above it for {symbol}"
    return f"target must be a finite number, was {account['fault_value']} for {symbol}"


def reason_of(raised: Exception) -> str:
    """What a decision raised, in one line."""
    if isinstance(raised, FanfoldError):
        return str(raised)
    return f"the decision raised {type(raised).__name__}: {raised}"


def together(outcomes: "list[Outcomes]") -> Outcomes:
    """Outcomes of several calls as those of one."""
    return Outcomes(
        np.concatenate([one.accounts for one in outcomes]),
        [error for one in outcomes for error in one.errors],
        np.concatenate([one.blocks for one in outcomes]),
    )
