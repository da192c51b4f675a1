"""From settings to the bounds of each gate, and from evidence to verdicts."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fanfold.research.gates import (
    DATA,
    GATES,
    LOOKAHEAD,
    MONTE_CARLO,
    OVERFITTING,
    PAPER,
    WALK_FORWARD,
    Bound,
    Check,
    Gate,
    gate_of,
)
from fanfold.workflows.versions.store import Evidence

if TYPE_CHECKING:
    from fanfold.settings.gates import GatesSettings

NEVER: str = "it was not measured: fanfold audit gates measures it"
"""Said of a gate without evidence."""


def bounds_of(settings: "GatesSettings") -> dict[str, tuple[Bound, ...]]:
    """What every figure of every gate must be."""
    walk, luck, paths = settings.walk_forward, settings.overfitting, settings.monte_carlo
    paper = settings.paper
    return {
        DATA: (
            Bound(figure="bar_length_difference", most=0.0, unit="s"),
            Bound(figure="bars", least=float(walk.train + walk.test), unit="bars"),
        ),
        LOOKAHEAD: (
            Bound(figure="findings", most=0.0),
            Bound(figure="decisions", least=1.0),
        ),
        WALK_FORWARD: (
            Bound(figure="sharpe", least=walk.sharpe_min),
            Bound(figure="total_return", least=walk.return_min),
            Bound(figure="bars", least=float(walk.bars_min), unit="bars"),
        ),
        OVERFITTING: (
            Bound(figure="deflated_sharpe", least=luck.deflated_sharpe_min),
            Bound(figure="overfitting_probability", most=luck.overfitting_max),
            Bound(figure="superiority_p_value", most=luck.superiority_max),
        ),
        MONTE_CARLO: (
            Bound(figure="max_drawdown", most=paths.drawdown_max),
            Bound(figure="expected_shortfall", most=paths.shortfall_max),
            Bound(figure="shock_drawdown", most=paths.shock_drawdown_max),
        ),
        PAPER: (
            Bound(figure="sessions", least=float(paper.sessions_min), unit="sessions"),
            Bound(figure="fills", least=float(paper.fills_min), unit="fills"),
            Bound(figure="different_decisions", most=0.0, unit="decisions"),
            Bound(figure="latches", most=0.0),
        ),
    }


def gates_of(settings: "GatesSettings", evidence: Mapping[str, Evidence]) -> tuple[Gate, ...]:
    """The verdict of every gate on what was measured, in their order."""
    bounds = bounds_of(settings)
    return tuple(_gate(name, bounds[name], evidence.get(name)) for name in GATES)


def plain_gates(gates: tuple[Gate, ...]) -> list[dict[str, Any]]:
    """Gates as JSON has them."""
    return [
        {
            "name": one.name,
            "passed": one.passed,
            "missing": one.missing,
            "reason": one.refusal,
            "refusal": one.refusal,
            "checks": [_plain_check(check) for check in one.checks],
            "notes": list(one.notes),
        }
        for one in gates
    ]


def refusal_of(gates: tuple[Gate, ...]) -> str:
    """All refusals in one line, "" where every gate lets through."""
    return " | ".join(one.refusal for one in gates if not one.passed)


def _gate(name: str, bounds: tuple[Bound, ...], found: Evidence | None) -> Gate:
    if found is None:
        return gate_of(name, None, bounds, missing=NEVER)
    return gate_of(name, found.figures, bounds, notes=found.notes)


def _plain_check(check: Check) -> dict[str, Any]:
    return {
        "figure": check.bound.figure,
        "value": _finite(check.value),
        "least": check.bound.least,
        "most": check.bound.most,
        "unit": check.bound.unit,
        "distance": _finite(check.distance),
        "passed": check.passed,
        "text": check.text,
    }


def _finite(value: float) -> float | None:
    return value if abs(value) < float("inf") else None
