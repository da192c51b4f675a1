"""Do the engines trade alike? A ratio between two that do not would say nothing."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

UNIT_TOLERANCE = 1e-6
"""fanfold rounds prices of fills to this; cash may differ by as much for each unit [currency]."""

PRICE_TOLERANCE = 1e-6
"""Largest difference of a fill's price [currency]."""

MEASURE_TOLERANCE = {"total_return": 1e-6, "max_drawdown": 1e-6, "trade_count": 0.0, "sharpe": 1e-3}
"""Largest differences in a sweep's rows [1]. Sharpe: engines count the first bar or do not."""

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


def compare_rows(our_file: Path, their_file: Path) -> list[str]:
    """Differences in the rows of two sweeps: each measure of each combination."""
    findings: list[str] = []
    with np.load(our_file) as ours, np.load(their_file) as theirs:
        for name, tolerance in MEASURE_TOLERANCE.items():
            our, their = ours[name], theirs[name]
            if our.shape != their.shape:
                findings.append(f"{name}: ours {len(our)} rows, theirs {len(their)}")
                continue
            apart = np.abs(our - their)
            # A ratio without trades is unknown to one and zero to another.
            apart[(theirs["trade_count"] == 0) & (ours["trade_count"] == 0)] = 0.0
            if not (apart <= tolerance).all():
                worst = int(np.nanargmax(apart))
                findings.append(
                    f"{name} in {int((~(apart <= tolerance)).sum())} of {len(our)} rows, "
                    f"most in row {worst}: ours {our[worst]:.9g}, theirs {their[worst]:.9g}"
                )
    return findings
