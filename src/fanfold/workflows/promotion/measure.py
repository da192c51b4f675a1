"""Measuring what each gate of research asks for; nothing here knows a bound."""

import shutil
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np

from fanfold.engine.backtest import run_backtest
from fanfold.engine.windows import Window
from fanfold.errors import ConfigError
from fanfold.measures.series import Floats
from fanfold.research.gates import DATA, LOOKAHEAD, MONTE_CARLO, OVERFITTING, WALK_FORWARD
from fanfold.research.lookahead import audit_lookahead
from fanfold.research.stress import stress_strategy
from fanfold.settings import StressSettings
from fanfold.simulation.bootstrap import BlockBootstrap
from fanfold.simulation.path_risk import path_risk
from fanfold.strategies.strategy import Strategy, learns
from fanfold.workflows.audit import imported_anew
from fanfold.workflows.counting import Counted, count_all
from fanfold.workflows.evidence import Question, weigh
from fanfold.workflows.fleet import Fleet
from fanfold.workflows.parts import run_part, weighed
from fanfold.workflows.promotion.subject import DAY_S, Subject, bar_seconds_of
from fanfold.workflows.strategies import find_strategy, made
from fanfold.workflows.versions.store import Evidence, folder_of
from fanfold.workflows.versions.version import short_hash

if TYPE_CHECKING:
    from fanfold.research.evidence import Evidence as Weighed
    from fanfold.workflows.walked import WalkForwardResult

Say = Callable[[str], None]

RESEARCH: Final = (DATA, LOOKAHEAD, WALK_FORWARD, OVERFITTING, MONTE_CARLO)
"""Gates that need no deployment; once measured they hold for the version."""

NOTES_MAX: Final = 12
"""Notes of one gate that are kept."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Walked:
    """What a version earned out of sample.

    Attributes:
        returns: From bar to bar, `[bar]` [1 per bar].
        session_returns: From one session's close to the next, `[session]` [1].
        first_ts, last_ts: Instants of the first and last [ns UTC].
        figures: Metrics by name.
        weighed: What speaks for it and against it; None where nothing was chosen.
        ready: What would trade next, fitted if it learns.
        notes: What a person should know.
    """

    returns: Floats
    session_returns: Floats
    first_ts: int
    last_ts: int
    figures: Mapping[str, float]
    weighed: "Weighed | None"
    ready: Strategy | None
    notes: tuple[str, ...]


def keys_of(subject: Subject) -> dict[str, str]:
    """What the evidence of each gate depends on, as hashes: with others it is measured anew."""
    gates = subject.job.gates
    walk = subject.settings.model_dump(mode="json", exclude={"run", "track", "report", "folder"})
    paths = gates.monte_carlo
    own: dict[str, Any] = {
        DATA: subject.job.live.market.bar_seconds,
        LOOKAHEAD: gates.lookahead.cuts,
        WALK_FORWARD: walk,
        OVERFITTING: walk,
        MONTE_CARLO: [walk, paths.paths, paths.sessions, paths.level],
    }
    return {name: short_hash([subject.version.id, own[name]]) for name in RESEARCH}


def data_evidence(subject: Subject) -> Evidence:
    """Whether the bars are of the length that is traded on, and how many there are."""
    market, bars = subject.job.live.market, subject.bars
    tested, notes = bar_seconds_of(bars), list[str]()
    difference = abs(tested - market.bar_seconds)
    if market.clock == "quotes":
        difference = 0
        notes.append("live it decides on every quote, for which bars stand in")
    if difference:
        told = "sessions" if tested == DAY_S else f"{tested:,} s"
        notes.append(f"tested on bars of {told}, live it decides on {market.bar_seconds:,} s")
    figures = {"bar_length_difference": float(difference), "bars": float(bars.bar_count)}
    return _evidence(subject, DATA, figures, notes)


def lookahead_evidence(subject: Subject) -> Evidence:
    """Decisions that depend on bars which were not there yet.

    Raises:
        StrategyError: The strategy does not run on the bars as they are.
    """
    name = subject.job.strategy.name
    place, colon, _ = name.rpartition(":")
    own, end = subject.strategy, int(subject.bars.ts[-1])

    def make(bars: Any) -> Strategy:
        shipped = not colon or place.partition(".")[0] == "fanfold"
        whole = shipped or int(bars.ts[-1]) == end
        with nullcontext() if whole else imported_anew(place):
            return own if whole else made(find_strategy(name), subject.job.strategy.params)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the strategy's own would come once a cut
        audit = audit_lookahead(
            make,
            subject.bars,
            subject.terms,
            cuts=subject.job.gates.lookahead.cuts,
            seed=subject.version.seed,
        )
    figures = {
        "findings": float(len(audit.findings)),
        "decisions": float(audit.decision_count),
        "cuts": float(len(audit.cut_bars)),
    }
    told = [f"{one.test}: {one.kind} {one.origin}".strip() for one in audit.findings]
    return _evidence(subject, LOOKAHEAD, figures, [*told, *audit.warnings])


def walked(subject: Subject) -> Walked:
    """Walk forward and weigh what came of it.

    Parameters are chosen on each training window and tested on the bars after it; where there
    is nothing to choose, the version itself is tested on all bars after the first window.

    Raises:
        FanfoldError: The input is at fault, or the cluster failed.
    """
    with Fleet(subject.settings.run.workers, None) as fleet:
        if not subject.space:
            return _walked_alone(subject, fleet)
        place = study_folder(subject)
        place.mkdir(parents=True, exist_ok=True)
        (asked,) = subject.settings.all_strategies
        market = subject.bars, subject.terms
        part = weighed(
            run_part(subject.settings, asked, "walk_forward", market, fleet, place), fleet
        )
        outcome = cast("WalkForwardResult", part.outcome)
        found = _walked(subject, outcome, part.evidence, part.problem)
        shutil.rmtree(place, ignore_errors=True)  # what was found is in the record
        return found


def walk_evidence(subject: Subject, found: Walked) -> Evidence:
    """What the walk-forward came to out of sample."""
    names = ("sharpe", "total_return", "max_drawdown", "efficiency", "fill_count")
    figures = {name: found.figures.get(name) for name in names}
    figures["bars"] = float(len(found.returns))
    return _evidence(subject, WALK_FORWARD, figures, found.notes)


def overfitting_evidence(subject: Subject, found: Walked) -> Evidence:
    """How much of it luck may explain, by all trials that were ever counted."""
    weighed_ = found.weighed
    if weighed_ is None:
        return _evidence(subject, OVERFITTING, {}, ["no trial had a result to be weighed"])
    notes = list(weighed_.notes)
    overfitting = weighed_.overfitting_probability
    if weighed_.sampled_trial_count == 1:
        overfitting = 0.0
        notes.append("one set of parameters: nothing was chosen that could be overfitted")
    figures = {
        "deflated_sharpe": weighed_.deflated_sharpe,
        "overfitting_probability": overfitting,
        "superiority_p_value": weighed_.superiority_matched,
        "probabilistic_sharpe": weighed_.probabilistic_sharpe,
        "trials": float(weighed_.trial_count),
        "effective_trials": weighed_.effective_trial_count,
    }
    return _evidence(subject, OVERFITTING, figures, notes)


def monte_carlo_evidence(subject: Subject, found: Walked) -> Evidence:
    """What may come of such returns, and of the version under stated shocks.

    Raises:
        DataError: There are too few sessions out of sample.
    """
    own = subject.job.gates.monte_carlo
    model = BlockBootstrap.fit(found.session_returns)
    risk = path_risk(
        model,
        bar_count=own.sessions,
        path_count=own.paths,
        seed=subject.version.seed,
        levels=(own.level,),
    )
    shocked, notes = _shocked(subject, found.ready)
    figures = {
        "max_drawdown": float(risk.max_drawdown[own.level].value),
        "expected_shortfall": float(risk.expected_shortfall[own.level].value),
        "probability_of_ruin": float(risk.probability_of_ruin.value),
        "shock_drawdown": shocked,
    }
    return _evidence(subject, MONTE_CARLO, figures, notes)


def _shocked(subject: Subject, ready: Strategy | None) -> tuple[float | None, list[str]]:
    """The deepest drawdown under the usual shocks, 1 where all was lost; None if not known."""
    strategy = ready if learns(type(subject.strategy)) else subject.strategy
    if strategy is None:
        return None, ["nothing was fitted that could be run under shocks"]
    table = stress_strategy(
        strategy, subject.bars, subject.terms, windows=(), shocks=StressSettings().shocks
    )
    failed = [f"{row.scenario}: {row.reason}" for row in table.rows if row.status == "failed"]
    if failed:
        return None, failed
    depths = [
        1.0 if row.status == "ruined" else float(row.figures["max_drawdown"]) for row in table.rows
    ]
    worst = int(np.argmax(depths))
    return depths[worst], [f"the deepest under {table.rows[worst].scenario}"]


def _walked(
    subject: Subject, found: "WalkForwardResult", weighed_: "Weighed | None", problem: str
) -> Walked:
    equity: Any = found.equity
    if len(equity) < 2:  # noqa: PLR2004  (a return takes two)
        raise ConfigError("the walk-forward must have a fold with a result, had none")
    held = [one.reason for one in found.tested if one.reason]
    latest = found.next_params or {}
    own = subject.strategy.model_dump()
    differ = {name: value for name, value in latest.items() if own.get(name) != value}
    notes = [f"{len(held)} of {len(found.tested)} folds held nothing: {held[0]}"] if held else []
    if differ:
        told = ", ".join(f"{name}={_short(value)}" for name, value in differ.items())
        notes.append(f"the latest training window would choose {told}")
    if problem:
        notes.append(problem)
    values = equity.to_numpy(np.float64)
    return Walked(
        returns=_returns(values),
        session_returns=np.asarray(found.returns, np.float64),
        first_ts=int(equity.index[0].value),
        last_ts=int(equity.index[-1].value),
        figures=found.metrics,
        weighed=weighed_,
        ready=found.strategy if learns(type(subject.strategy)) else subject.strategy,
        notes=tuple(notes),
    )


def _walked_alone(subject: Subject, fleet: Fleet) -> Walked:
    """A version without anything to choose, on all bars after the first training window."""
    if learns(type(subject.strategy)):
        raise ConfigError(
            "a strategy that learns must have a parameter that a walk-forward can search; "
            "gates.walk_forward.space states one"
        )
    start = max(subject.settings.walk_forward.train, 1)
    result = run_backtest(subject.strategy, subject.bars, replace(subject.terms, start_bar=start))
    equity: Any = result.equity
    params = subject.strategy.model_dump()
    window = Window(start, subject.bars.bar_count)
    question = Question(
        strategy=type(subject.strategy),
        fixed=params,
        bars=subject.bars,
        terms=subject.terms,
        window=window,
        chosen={},
        params=[{}],
        counted=_counted(subject, window, result.metrics["sharpe_per_period"]),
        seed=subject.version.seed,
    )
    return Walked(
        returns=_returns(equity.to_numpy(np.float64)),
        session_returns=np.asarray(result.returns, np.float64),
        first_ts=int(equity.index[0].value),
        last_ts=int(equity.index[-1].value),
        figures=result.metrics,
        weighed=weigh(question, fleet),
        ready=subject.strategy,
        notes=("it has no parameter to choose: it was tested as it is",),
    )


def _counted(subject: Subject, window: Window, sharpe: float) -> Counted:
    """All trials of this code or family that were ever counted, and this one at least."""
    found = count_all(subject.strategy, subject.bars, window)
    if found.count:
        return found
    return replace(found, count=1, sharpes=np.array([sharpe]))


def _returns(equity: Floats) -> Floats:
    return equity[1:] / equity[:-1] - 1.0


def _evidence(
    subject: Subject, gate: str, figures: Mapping[str, float | None], notes: Sequence[str]
) -> Evidence:
    known = {
        name: float(value) if value is not None and np.isfinite(value) else None
        for name, value in figures.items()
    }
    return Evidence(
        key=keys_of(subject)[gate],
        figures=known,
        notes=tuple(dict.fromkeys(notes))[:NOTES_MAX],
        at=time.time_ns(),
    )


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def study_folder(subject: Subject) -> Path:
    """Where trials of an unfinished walk-forward are kept: the same command goes on there."""
    return folder_of(subject.version.id) / "study"
