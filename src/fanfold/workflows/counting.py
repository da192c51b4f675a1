"""Every trial of a job into the ledger, and the count of all that ever were.

Nobody states how many trials there were: what a job ran is added here, and what is told
of its result counts all trials of the same code or family on overlapping data.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.bars import Bars
from fanfold.engine.spec import Terms, code_hash
from fanfold.engine.windows import Window
from fanfold.research.identity import trial_code, trial_keys
from fanfold.research.made import INFEASIBLE
from fanfold.research.plan import Params
from fanfold.strategies.strategy import Strategy

BATCH_ROWS = 10_000
"""Trials of one file of the ledger [rows]."""

SCORES = ("sharpe_per_period", "return_count", "skewness", "kurtosis")
"""Measures that the ledger keeps of a trial."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """How many trials there were, and how they did.

    Attributes:
        count: Trials, each once.
        sharpes: Their Sharpe ratios, of those that have one [1 per period].
        snapshot: State of the ledger that was read; "" where none was.
    """

    count: int
    sharpes: NDArray[np.float64]
    snapshot: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """Trials of one strategy that a job ran.

    Attributes:
        strategy: Any one of them, for its code.
        bars: The market.
        terms: Money, costs, limits and options.
        window: Bars that they were scored on.
        params: Parameters of each trial, fixed ones too.
        scores: Measures named in `SCORES`, of each trial.
        statuses: `ok`, `ruined`, `failed`, `pruned` or `infeasible` of each.
    """

    strategy: Strategy
    bars: Bars
    terms: Terms
    window: Window
    params: Sequence[Params]
    scores: Mapping[str, Sequence[float]]
    statuses: Sequence[str]


def enter(tried: Tried, *, job: str, study: str) -> None:
    """Add a job's trials to the ledger; infeasible combinations were never run.

    Args:
        tried: The trials.
        job: Kind of job.
        study: Hash of the study that they belong to.

    Raises:
        JobError: The ledger cannot be written.
    """
    from fanfold.tracking import append_trials

    days = tried.bars.session_day
    code = code_hash(tried.strategy)
    ran = [k for k, status in enumerate(tried.statuses) if status != INFEASIBLE]
    chosen = [tried.params[k] for k in ran]
    kind = type(tried.strategy)
    keys = list(trial_keys(kind, trial_code(tried.strategy), tried.terms, chosen))
    for start in range(0, len(ran), BATCH_ROWS):
        part = slice(start, start + BATCH_ROWS)
        rows: dict[str, Any] = {
            "key": keys[part],
            "params": [json.dumps(one, default=str) for one in chosen[part]],
            "status": [tried.statuses[k] for k in ran[part]],
            **{name: [tried.scores[name][k] for k in ran[part]] for name in SCORES},
        }
        shared = {
            "code": code,
            "family": kind.family,
            "strategy": kind.__name__,
            "symbols": list(tried.bars.symbols),
            "first_day": int(days[tried.window.first]),
            "last_day": int(days[tried.window.last - 1]),
            "fingerprint": tried.bars.fingerprint,
            "job": job,
            "study": study,
        }
        count = len(rows["key"])
        append_trials({**rows, **{name: [value] * count for name, value in shared.items()}})


def count_all(strategy: Strategy, bars: Bars, window: Window) -> Counted:
    """All trials of a strategy's code or family on overlapping data, ever.

    Raises:
        JobError: The ledger cannot be read.
    """
    from fanfold.tracking import counted_trials

    days, family = bars.session_day, type(strategy).family
    found = counted_trials(
        codes=[code_hash(strategy)],
        families=[family] if family else [],
        symbols=bars.symbols,
        first_day=int(days[window.first]),
        last_day=int(days[window.last - 1]),
    )
    return Counted(count=found.count, sharpes=found.sharpes, snapshot=found.snapshot)
