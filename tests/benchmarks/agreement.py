"""Do the engines trade alike? A ratio between two that do not would say nothing."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

UNIT_TOLERANCE = 1e-6
"""fanfold rounds prices of fills to this; cash may differ by as much for each unit [currency]."""

PRICE_TOLERANCE = 1e-6
"""Largest difference of a fill's price [currency]."""

MEASURE_TOLERANCE = {"trade_count": 0.0, "total_return": 1e-3, "max_drawdown": 1e-3, "sharpe": 5e-3}
"""Largest differences in a sweep's rows [1]. Where cash buys one unit more only just, a
rounded price decides about it, and later sizes follow; Sharpe ratios also differ in
whether the first bar is a return."""

SAME = 1e-6
"""Difference of returns below which two rows are called equal [1]."""

SHOWN_MAX = 3
"""Findings that are told of one comparison."""


@dataclass(frozen=True)
class Agreement:
    """What a comparison with one peer has shown.

    Attributes:
        findings: Where the engines differ; empty if they agree.
    """

    peer: str
    what: str
    findings: list[str]

    @property
    def line(self) -> str:
        """For people."""
        if not self.findings:
            return f"  agree     {self.peer}: {self.what}"
        return f"  DISAGREE  {self.peer}: {self.what}: {'; '.join(self.findings[:SHOWN_MAX])}"


@dataclass(frozen=True)
class Difference:
    """Where a peer has another rule, so that only the work is the same.

    Attributes:
        why: What its rule is.
        measured: By how much the rows differ.
    """

    peer: str
    what: str
    why: str
    measured: str

    @property
    def line(self) -> str:
        """For people."""
        return f"  differ    {self.peer}: {self.what}: {self.measured} ({self.why})"


def compare_trades(ours: dict[str, Any], theirs: dict[str, Any]) -> list[str]:
    """Differences in bars, sides, quantities, prices and final equity."""
    pairs = list(zip(sorted(ours["fills"]), sorted(theirs["fills"]), strict=False))
    findings = [
        f"fill {place}: ours {our}, theirs {their}"
        for place, (our, their) in enumerate(pairs)
        if our[:3] != their[:3] or abs(our[3] - their[3]) > PRICE_TOLERANCE
    ]
    if len(ours["fills"]) != len(theirs["fills"]):
        findings.append(f"fills: ours {len(ours['fills'])}, theirs {len(theirs['fills'])}")
    tolerance = UNIT_TOLERANCE * sum(fill[2] for fill in ours["fills"])
    if abs(ours["final_equity"] - theirs["final_equity"]) > tolerance:
        findings.append(
            f"final equity: ours {ours['final_equity']:.6f}, theirs {theirs['final_equity']:.6f}"
        )
    return findings


def compare_rows(our_file: Path, their_file: Path) -> tuple[list[str], str]:
    """Differences in the rows of two sweeps, and what was compared."""
    findings: list[str] = []
    with np.load(our_file) as ours, np.load(their_file) as theirs:
        if ours["trade_count"].shape != theirs["trade_count"].shape:
            return [f"{len(ours['sharpe'])} rows, theirs {len(theirs['sharpe'])}"], "a sweep"
        for name, tolerance in MEASURE_TOLERANCE.items():
            apart = _apart(name, ours, theirs)
            beyond = ~(apart <= tolerance)
            if beyond.any():
                worst = int(np.argmax(np.where(np.isnan(apart), np.inf, apart)))
                findings.append(
                    f"{name} in {beyond.sum()} of {len(apart)} rows, most in row {worst}: "
                    f"ours {ours[name][worst]:.9g}, theirs {theirs[name][worst]:.9g}"
                )
        equal = float((_apart("total_return", ours, theirs) <= SAME).mean())
    return findings, f"{len(apart)} rows of a sweep, {equal:.1%} of returns within {SAME:g}"


def difference_of(our_file: Path, their_file: Path) -> str:
    """By how much the rows of two sweeps differ that trade by different rules."""
    with np.load(our_file) as ours, np.load(their_file) as theirs:
        apart = np.abs(ours["total_return"] - theirs["total_return"])
        grown = float(np.median(ours["total_return"])), float(np.median(theirs["total_return"]))
        traded = int(ours["trade_count"].sum()), int(theirs["trade_count"].sum())
    return (
        f"{len(apart)} rows, median return ours {grown[0]:.4f}, theirs {grown[1]:.4f}, "
        f"median difference {np.median(apart):.2g}, trades ours {traded[0]:,}, theirs {traded[1]:,}"
    )


def _apart(name: str, ours: Any, theirs: Any) -> Any:
    apart = np.abs(ours[name] - theirs[name])
    # A ratio without trades is unknown to one and zero to another.
    apart[(ours["trade_count"] == 0) & (theirs["trade_count"] == 0)] = 0.0
    return apart
