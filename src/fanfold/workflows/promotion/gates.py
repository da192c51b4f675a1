"""Whether a strategy version may go live, as a job: `fanfold audit gates`."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from fanfold.errors import DataError, FanfoldError, InputError
from fanfold.live.folder import Folder
from fanfold.research.gates import (
    DATA,
    GATES,
    LOOKAHEAD,
    MONTE_CARLO,
    OVERFITTING,
    PAPER,
    WALK_FORWARD,
    Gate,
)
from fanfold.workflows.live.expectation import forget_expected
from fanfold.workflows.versions.store import (
    Evidence,
    Record,
    read_record,
    write_record,
    write_returns,
)
from fanfold.workflows.versions.thresholds import gates_of, plain_gates

if TYPE_CHECKING:
    from fanfold.settings.live import LiveJob
    from fanfold.workflows.promotion.measure import Walked
    from fanfold.workflows.promotion.subject import Subject

PASSED: Final = "passed"
REFUSED: Final = "refused"

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class GatesClosed:
    """All gates of a version, for a person and for `--json`.

    Attributes:
        status: "passed", or "refused" where a gate does not let through.
        lines: What a person reads.
        content: The same as plain values.
        problems: What could not be done beside it.
    """

    status: str
    lines: list[str]
    content: dict[str, Any]
    problems: list[str]


def gates_job(job: "LiveJob", say: Say, *, track: bool = True) -> GatesClosed:
    """Measure what is missing of a version's evidence, and weigh all of it.

    What was measured before with equal settings is taken as it is; the rehearsals are always
    looked up anew.

    Args:
        job: The live job of the version.
        say: Told what takes long.
        track: Whether MLflow keeps what was measured.

    Raises:
        InputError: Bars are not named or not there, or a setting is at fault.
        RunError: The strategy or the cluster failed.
    """
    from fanfold.workflows.promotion.subject import subject_of

    began = time.perf_counter()
    subject = subject_of(job)
    record, fresh = _measured(subject, _before(subject), say)
    if WALK_FORWARD in fresh:
        forget_expected(Folder.of(job.deployment))  # one that runs expects something else now
    say(f"{PAPER}: looking up the rehearsals")
    record = with_paper(record, job)
    gates = gates_of(job.gates, record.evidence)
    problems: list[str] = []
    warnings = warnings_of(job)
    content: dict[str, Any] = {
        **content_of(record, gates),
        "warnings": warnings,
        "measured": fresh,
        "mlflow_run_id": None,
    }
    if track and fresh and job.track.enabled:
        try:
            content["mlflow_run_id"] = _track(job, record, gates)
        except FanfoldError as error:
            problems.append(str(error))
    content["seconds"] = round(time.perf_counter() - began, 3)
    return GatesClosed(
        status=content["status"],
        lines=[*lines_of(content), "", end_line(content)],
        content=content | {"problems": problems},
        problems=problems,
    )


def with_paper(record: Record, job: "LiveJob") -> Record:
    """The record with what its rehearsals have shown by now, kept."""
    from fanfold.workflows.promotion.paper import paper_evidence

    found = paper_evidence(record.version.line, job.gates.paper.at)
    record = replace(record, job=plain_job(job), evidence={**record.evidence, PAPER: found})
    write_record(record)
    return record


def plain_job(job: "LiveJob") -> dict[str, Any]:
    """A job as plain values, without a venue's made-up keys."""
    return job.model_dump(mode="json", exclude={"venue": {"accounts"}})


def content_of(record: Record, gates: tuple[Gate, ...]) -> dict[str, Any]:
    """A version with its gates, as plain values."""
    passed = all(one.passed for one in gates)
    return {
        "status": PASSED if passed else REFUSED,
        "version": record.version.id,
        "line": record.version.line,
        "strategy": record.version.strategy,
        "params": dict(record.version.params),
        "data": record.version.data,
        "seed": record.version.seed,
        "deployment": record.job.get("deployment", ""),
        "gates": plain_gates(gates),
    }


def lines_of(content: Mapping[str, Any]) -> list[str]:
    """What a person reads of `content_of`, with its warnings."""
    params = ", ".join(f"{name}={value}" for name, value in content["params"].items())
    lines = [f"version {content['version']}: {content['strategy']}({params})", ""]
    for gate in content["gates"]:
        verdict = "passed" if gate["passed"] else "REFUSED"
        lines.append(f"{verdict:<9}{_words(gate['name'])}")
        lines += [f"         ! {gate['missing']}"] if gate["missing"] else []
        lines += [
            f"         {' ' if check['passed'] else '!'} {check['text']}"
            for check in gate["checks"]
        ]
        lines += [f"           note: {note}" for note in gate["notes"]]
    return lines + [f"warning: {warning}" for warning in content["warnings"]]


def end_line(content: Mapping[str, Any]) -> str:
    """What it comes to."""
    refused = [_words(one["name"]) for one in content["gates"] if not one["passed"]]
    told = (
        f"may not trade real money: refused by {', '.join(refused)}"
        if refused
        else "has passed its gates: fanfold live promote"
    )
    return f"version {content['version']} {told}"


def warnings_of(job: "LiveJob") -> list[str]:
    """What does not refuse a version, and should be known where it goes live."""
    from fanfold.workflows.promotion.feeds import feed_warning

    found = feed_warning(job)
    return [found] if found else []


def _before(subject: "Subject") -> Record:
    """What is known of the version; nothing where its record is damaged: it is measured anew."""
    try:
        found = read_record(subject.version.id)
    except DataError:
        found = None
    if found is not None:
        return found
    return Record(version=subject.version, job=plain_job(subject.job), at=time.time_ns())


def _measured(subject: "Subject", record: Record, say: Say) -> tuple[Record, list[str]]:
    """The record with all evidence of research, and the gates that were measured just now."""
    from fanfold.workflows.promotion import measure

    keys = measure.keys_of(subject)
    stale = [
        name
        for name in measure.RESEARCH
        if name not in record.evidence or record.evidence[name].key != keys[name]
    ]
    if DATA in stale:
        record = _with(record, DATA, measure.data_evidence(subject))
    if LOOKAHEAD in stale:
        say(f"{LOOKAHEAD}: changing the future {subject.job.gates.lookahead.cuts} times")
        record = _with(record, LOOKAHEAD, measure.lookahead_evidence(subject))
    walks = {WALK_FORWARD, OVERFITTING, MONTE_CARLO} & {*stale}
    if walks:
        say(f"{WALK_FORWARD}: {_plan_of(subject)}")
        found = measure.walked(subject)
        record = _with_walk(subject, record, found)
    return record, [name for name in GATES if name in stale]


def _with_walk(subject: "Subject", record: Record, found: "Walked") -> Record:
    from fanfold.domain.period import ts_text
    from fanfold.workflows.promotion import measure
    from fanfold.workflows.promotion.subject import bar_seconds_of

    returns = {
        "digest": write_returns(record.version.id, found.returns),
        "bar_seconds": bar_seconds_of(subject.bars),
        "first_ts": found.first_ts,
        "last_ts": found.last_ts,
        "source": f"{len(found.returns):,} bars out of sample, {ts_text(found.first_ts)[:10]} to "
        f"{ts_text(found.last_ts)[:10]}",
    }
    record = replace(record, returns=returns)
    record = _with(record, WALK_FORWARD, measure.walk_evidence(subject, found))
    record = _with(record, OVERFITTING, measure.overfitting_evidence(subject, found))
    try:
        ahead = measure.monte_carlo_evidence(subject, found)
    except InputError as error:  # too few sessions, or none that differ: the gate refuses
        key = measure.keys_of(subject)[MONTE_CARLO]
        ahead = Evidence(key=key, figures={}, notes=(str(error),), at=time.time_ns())
    return _with(record, MONTE_CARLO, ahead)


def _with(record: Record, gate: str, found: Evidence) -> Record:
    """Kept at once: what was measured is not lost with what comes after it."""
    record = replace(record, evidence={**record.evidence, gate: found})
    write_record(record)
    return record


def _words(name: str) -> str:
    return name.replace("_", " ")


def _plan_of(subject: "Subject") -> str:
    walk = subject.settings.walk_forward
    folds = max((subject.bars.bar_count - walk.train) // walk.test, 0)
    if not subject.space:
        return f"testing it as it is on all but the first {walk.train:,} bars"
    return f"{subject.settings.search.trials} trials on each of about {folds} training windows"


def _track(job: "LiveJob", record: Record, gates: tuple[Gate, ...]) -> str:
    from fanfold.tracking import JobRecord, record_job

    version = record.version
    return record_job(
        JobRecord(
            job="gates",
            experiment="gates",
            name=f"gates of {version.strategy} {version.id}",
            params={"strategy": version.strategy, "params": dict(version.params)},
            metrics={
                f"{gate.name}_{check.bound.figure}": check.value
                for gate in gates
                for check in gate.checks
            },
            tags={
                "version": version.id,
                "deployment": job.deployment,
                "data_fingerprint": version.data,
                "code_hash": version.code,
                "costs": version.costs,
                "seed": version.seed,
                **{f"gate.{one.name}": PASSED if one.passed else REFUSED for one in gates},
            },
        )
    )
