"""What goes wrong in a chaos run, and when: drawn from a seed, every kind at least once.

Faults of the venue are posted to its control endpoint; faults of processes are signals to
the deployment's own. Counts and lengths are bounded, so that a run always comes to rest.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from fanfold.live.messages import COMPONENTS, RECORDER
from fanfold.live.supervision import SUPERVISOR

VENUE: Final = "venue"
PROCESS: Final = "process"

Draw = Callable[[np.random.Generator], dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChaosFault:
    """One fault.

    Attributes:
        minute: Of the run's minutes, before which it happens.
        where: "venue" or "process".
        kind: Of the venue's kinds; of a process "kill" or "pause".
        target: The component, for a process.
        parameters: Of the venue's kind; `pause_s` of a pause.
    """

    minute: int
    where: str
    kind: str
    target: str
    parameters: Mapping[str, Any]

    @property
    def name(self) -> str:
        """What it is counted under."""
        return f"{self.kind}.{self.target}" if self.target else self.kind


def _few(rng: np.random.Generator) -> dict[str, Any]:
    return {"count": int(rng.integers(1, 4))}


def _stream(rng: np.random.Generator) -> dict[str, Any]:
    return _few(rng) | {"endpoint": ["stocks", "trading"][int(rng.integers(2))]}


def _orders(rng: np.random.Generator) -> dict[str, Any]:
    paths: tuple[dict[str, Any], ...] = (
        {},
        {"path": "/v2/orders", "method": "POST"},
        {"path": "/v2/orders"},
    )
    return _few(rng) | paths[int(rng.integers(len(paths)))]


def _with(draw: Draw, name: str, low: float, high: float) -> Draw:
    def drawn(rng: np.random.Generator) -> dict[str, Any]:
        return draw(rng) | {name: round(float(rng.uniform(low, high)), 3)}

    return drawn


VENUE_KINDS: Final[dict[str, Draw]] = {
    "disconnect": _stream,
    "silent": _with(_stream, "mute_s", 0.2, 2.0),
    "lose": _stream,
    "repeat": lambda rng: _stream(rng) | {"times": int(rng.integers(1, 4))},
    "reorder": _stream,
    "delay": _with(_stream, "delay_s", 0.05, 0.5),
    "refuse_upgrade": lambda rng: (
        {"count": 1, "lasts_s": 0.5, "status": [406, 429, 503][int(rng.integers(3))]}
    ),
    "rest_delay": _with(_orders, "delay_s", 0.05, 0.5),
    "rest_timeout_before": _orders,
    "rest_timeout_after": _orders,
    "rest_drop_before": _orders,
    "rest_drop_after": _orders,
    "rest_error": lambda rng: _orders(rng) | {"status": [500, 502, 503][int(rng.integers(3))]},
    "rest_504_after": _orders,
    "rate_limit": lambda rng: _orders(rng) | {"headers": bool(rng.integers(2)), "retry_s": 1},
    "html": lambda rng: _orders(rng) | {"status": [502, 504][int(rng.integers(2))]},
    "partial_fill": _with(_few, "fraction", 0.1, 0.9),
    "late_fill_after_cancel": _few,
    "slow_acceptance": _with(_few, "delay_s", 0.1, 1.0),
    "slow_cancel": _with(_few, "delay_s", 0.1, 1.0),
    "cancel_rejected": _few,
    "slow_replace": _with(_few, "delay_s", 0.1, 1.0),
    "clock_skew": lambda rng: {"for_s": 2.0, "skew_s": round(float(rng.uniform(-5, 5)), 2)},
    "halt": lambda rng: {"for_s": float(rng.integers(60, 900))},
}
"""All kinds of the venue, with how their parameters are drawn."""

PROCESS_KINDS: Final = ("kill", "pause")
TARGETS: Final = (*COMPONENTS, RECORDER, SUPERVISOR)

PAUSE_S: Final = (0.5, 6.0)
"""Shortest and longest time that a process is stopped [s]: some shorter, some longer than
the supervisor waits."""

PROCESS_SHARE: Final = 0.25
"""Share of the faults that are of processes, beyond one of each."""


def draw_faults(seed: int, count: int, minutes: int, symbols: tuple[str, ...]) -> list[ChaosFault]:
    """Faults of a run, by minute.

    Args:
        seed: All follows from it.
        count: How many; the first of them are one of each kind.
        minutes: Of the run; the last few are left in peace.
        symbols: For faults of one asset.
    """
    rng = np.random.default_rng(seed)
    every = [(VENUE, kind, "") for kind in VENUE_KINDS]
    every += [(PROCESS, kind, target) for kind in PROCESS_KINDS for target in TARGETS]
    order = [every[int(place)] for place in rng.permutation(len(every))]
    while len(order) < count:
        if rng.random() < PROCESS_SHARE:
            target = TARGETS[int(rng.integers(len(TARGETS)))]
            order.append((PROCESS, PROCESS_KINDS[int(rng.integers(2))], target))
        else:
            kinds = tuple(VENUE_KINDS)
            order.append((VENUE, kinds[int(rng.integers(len(kinds)))], ""))
    last = max(minutes - 10, 1)
    at = np.sort(rng.integers(0, last, count))
    return [
        ChaosFault(
            minute=int(minute),
            where=where,
            kind=kind,
            target=target,
            parameters=_parameters(rng, where, kind, symbols),
        )
        for minute, (where, kind, target) in zip(at, order[:count], strict=True)
    ]


def _parameters(
    rng: np.random.Generator, where: str, kind: str, symbols: tuple[str, ...]
) -> dict[str, Any]:
    if where == PROCESS:
        return {"pause_s": round(float(rng.uniform(*PAUSE_S)), 2)} if kind == "pause" else {}
    parameters = VENUE_KINDS[kind](rng)
    if kind == "halt":
        parameters["symbol"] = symbols[int(rng.integers(len(symbols)))]
    return parameters
