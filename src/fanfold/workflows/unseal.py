"""The one look at a sealed holdout: what the study chose, on bars that nobody has seen."""

from datetime import UTC, datetime
from typing import Any

import numpy as np

from fanfold.domain.period import day_text
from fanfold.engine.backtest import run_backtest
from fanfold.engine.metrics import METRICS
from fanfold.errors import ConfigError, JobError
from fanfold.research.trials import CLOSED_AT_END
from fanfold.settings import Settings, StrategySettings, check_settings
from fanfold.tracking.seals import Seal
from fanfold.workflows.fleet import Fleet
from fanfold.workflows.folders import job_folder
from fanfold.workflows.holdout import keep_back
from fanfold.workflows.inputs import bars_for, terms_for
from fanfold.workflows.parts import run_walk
from fanfold.workflows.terminal import metric_lines
from fanfold.workflows.walked import WalkForwardResult


def unseal_job(study: str) -> tuple[list[str], dict[str, Any]]:
    """Open a holdout and run on it what the study's latest window chose.

    The choice is made first, from bars before the holdout; then the seal is opened, once and
    for all; then the choice is run, and what came of it is kept beside the seal.

    Args:
        study: Name of the study, or the start of it.

    Returns:
        What a person reads, and the same as plain values.

    Raises:
        ConfigError: There is no such seal, or it was opened before.
    """
    from fanfold.tracking import open_seal, record_look
    from fanfold.tracking.seals import seals

    found = [one for one in seals() if study and one.study.startswith(study)]
    if len(found) != 1:
        known = ", ".join(one.study for one in (found or seals())) or "none"
        raise ConfigError(f"study must name one sealed holdout, was {study!r}; known are {known}")
    _check_unseen(found[0])
    settings = check_settings(found[0].details["settings"], f"seal of {found[0].study}")
    walks = [(asked, _walked(settings, asked)) for asked in settings.all_strategies]
    # One that was opened and never looked at, since it was stopped in between, goes on.
    opened = found[0] if found[0].is_open else open_seal(found[0].study)
    results = {asked.name: _looked(settings, walk) for asked, walk in walks}
    record_look(opened.study, {name: _finite(one["metrics"]) for name, one in results.items()})
    period = f"{day_text(opened.first_day)} to {day_text(opened.last_day)}"
    lines = [f"{opened.study}: holdout {period}, opened {datetime.now(UTC):%Y-%m-%d %H:%M} UTC"]
    for name, one in results.items():
        chosen = ", ".join(f"{k}={v}" for k, v in one["params"].items())
        lines += ["", f"{name}({chosen})", *metric_lines(one["metrics"])]
    told = {name: {**one, "metrics": _finite(one["metrics"])} for name, one in results.items()}
    return lines, {"status": "ok", "study": opened.study, "period": period, "results": told}


def _finite(metrics: dict[str, float]) -> dict[str, float | None]:
    return {name: value if np.isfinite(value) else None for name, value in metrics.items()}


def _check_unseen(seal: Seal) -> None:
    """Refuse a second look: at the same seal, or at its days by another study of a strategy."""
    from fanfold.tracking.seals import seals

    for one in seals():
        shares = set(one.symbols) & set(seal.symbols) and _names(one) & _names(seal)
        overlaps = one.first_day <= seal.last_day and one.last_day >= seal.first_day
        if shares and overlaps and one.look_count:
            raise ConfigError(
                f"a holdout must be opened once, {', '.join(seal.symbols)} from "
                f"{day_text(one.first_day)} to {day_text(one.last_day)} were opened by study "
                f"{one.study}"
            )


def _names(seal: Seal) -> set[str]:
    settings = check_settings(seal.details["settings"], f"seal of {seal.study}")
    return {asked.name for asked in settings.all_strategies}


def _walked(settings: Settings, asked: StrategySettings) -> WalkForwardResult:
    """The walk-forward once more: from its folder, or run again with equal results."""
    kept = keep_back(bars_for(settings), _holdout(settings))
    with Fleet(settings.run.workers, settings.run.address) as fleet:
        market = kept.bars, terms_for(settings)
        return run_walk(settings, asked, market, fleet, job_folder(settings))


def _holdout(settings: Settings) -> Any:
    stated = settings.walk_forward.holdout
    if stated is None:
        raise JobError("a sealed study must state a holdout, stated none")
    return stated


def _looked(settings: Settings, walk: WalkForwardResult) -> dict[str, Any]:
    from dataclasses import replace

    params, strategy = walk.next_params, walk.strategy
    if params is None or strategy is None:
        return {"params": {}, "metrics": dict.fromkeys(METRICS, np.nan)}
    bars, spec = bars_for(settings), walk.studied.spec
    first = spec.bars.bar_count - 1
    options = spec.terms.options.model_copy(update=CLOSED_AT_END)
    terms = replace(spec.terms, start_bar=first, options=options)
    return {"params": params, "metrics": run_backtest(strategy, bars, terms).metrics}
