"""Computing what a deployment's equity is expected to be: a process of its own.

``python -m fanfold.workflows.live.expected FOLDER``; `fanfold.workflows.live.expectation`
starts it. The answer is a file in the folder, or the reason why there is none.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from fanfold.errors import DataError, FanfoldError
from fanfold.live.folder import Folder
from fanfold.live.plan import Plan, read_plan
from fanfold.live.registry import Lock
from fanfold.workflows.live.bar_clock import DAY_S
from fanfold.workflows.live.expectation import Expected, key_of, write_expected

if TYPE_CHECKING:
    from fanfold.measures.series import Floats
    from fanfold.settings.gates import ExpectationSettings

SESSIONS_AHEAD: Final = 63
"""Sessions that a band of daily bars covers unless stated: about a quarter."""

SHORT_SESSIONS_AHEAD: Final = 10
"""Sessions that a band of shorter bars covers unless stated."""

BARS_AHEAD_MAX: Final = 10_000
"""Longest band unless stated [bars]."""

NICE: Final = 10
"""How far it stands back behind what trades."""

SEED: Final = 0


def expected_of(folder: Folder) -> Expected:
    """The band of what a deployment runs.

    Of a version that was measured it is that of its out-of-sample returns, else that of a
    backtest over the warm-up, which the parameters may have been chosen on: it is shown, and
    demotes nobody.

    Raises:
        DataError: The plan cannot be read.
    """
    from fanfold.research.band_paths import simultaneous_band
    from fanfold.workflows.versions.version import job_of

    plan = read_plan(folder)
    key = key_of(plan)
    try:
        settings = job_of(plan).gates.expectation
        returns, source, version = returns_of(folder, plan)
        band = simultaneous_band(
            returns,
            bar_count=ahead_of(plan, settings, len(returns)),
            level=settings.level,
            seed=SEED,
        )
    except FanfoldError as error:
        return Expected(key=key, problem=str(error))
    return Expected(
        key=key,
        source=source,
        version=version,
        bar_seconds=plan.settings.market.bar_seconds,
        level=band.level,
        demotes=settings.demote and bool(version),
        bars=band.bars,
        median=band.median,
        lower=band.lower,
        upper=band.upper,
    )


def returns_of(folder: Folder, plan: Plan) -> "tuple[Floats, str, str]":
    """Returns that equity is expected to have, what they come from, and of which version.

    Raises:
        FanfoldError: It decides on quotes, or there is nothing to expect anything from.
    """
    from fanfold.workflows.versions.standing import version_running
    from fanfold.workflows.versions.store import read_returns

    market = plan.settings.market
    if market.clock == "quotes":
        raise DataError("a band is one of bars, this deployment decides on quotes")
    record = version_running(plan)
    if record is not None and record.returns.get("bar_seconds") == market.bar_seconds:
        told = f"version {record.version.id}: {record.returns['source']}"
        return read_returns(record), told, record.version.id
    returns = _of_warm_up(folder, plan)
    return returns, f"a backtest over {len(returns):,} bars of the warm-up, in sample", ""


def ahead_of(plan: Plan, settings: "ExpectationSettings", known: int) -> int:
    """Bars that a band covers: as stated, or about as far as it says anything.

    Args:
        plan: Its clock and sessions.
        settings: What is stated.
        known: Returns that it is made of; no more bars than these are looked ahead.
    """
    if settings.bars is not None:
        return settings.bars
    length = plan.settings.market.bar_seconds
    if length >= DAY_S:
        return min(SESSIONS_AHEAD, known)
    sessions = next(iter(plan.sessions.values()), ())
    lasts_s = max(((one.close_ts - one.open_ts) // 10**9 for one in sessions), default=DAY_S)
    return max(min(SHORT_SESSIONS_AHEAD * -(-lasts_s // length), BARS_AHEAD_MAX, known), 1)


def _of_warm_up(folder: Folder, plan: Plan) -> "Floats":
    from fanfold.engine.backtest import run_backtest
    from fanfold.live.signal.making import strategy_from, terms_from
    from fanfold.workflows.live.recorded import Recorded, bars_of

    bars = bars_of(Recorded(folder=folder, plan=plan))
    result = run_backtest(strategy_from(plan, folder), bars, terms_from(plan))
    equity: Any = result.equity
    values = equity.to_numpy(np.float64)
    return values[1:] / values[:-1] - 1.0


def main(words: Sequence[str]) -> int:
    """The command; 0 where the file is there."""
    if len(words) != 2 or not Path(words[1]).is_dir():  # noqa: PLR2004
        sys.stderr.write(f"usage: python -m {__spec__.name} FOLDER\n")
        return 2
    folder = Folder(Path(words[1]))
    os.nice(NICE)
    lock = Lock(folder.path / ".band.lock")
    if not lock.take():  # another one is at it
        return 0
    try:
        write_expected(folder, expected_of(folder))
    except FanfoldError as error:
        sys.stderr.write(f"fanfold: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
