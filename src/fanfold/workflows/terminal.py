"""Results as lines of text."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fanfold.research.table import SweepTable

if TYPE_CHECKING:
    from fanfold.research.evidence import Evidence

PERCENTS = frozenset(
    {"total_return", "cagr", "volatility", "max_drawdown", "hit_rate", "exposure", "alpha"}
)
MONEY = frozenset({"average_win", "average_loss", "fees", "final_equity"})
COUNTS = frozenset({"round_trip_count", "fill_count", "periods_per_year", "max_drawdown_days"})
SHOWN_IN_TABLES = (
    "sharpe",
    "cagr",
    "volatility",
    "max_drawdown",
    "turnover",
    "round_trip_count",
)


def shown(name: str, value: float) -> str:
    """A metric as people write it; a dash where there is none."""
    if math.isnan(value):
        return "-"
    if name in PERCENTS:
        return f"{value:.2%}"
    if name in MONEY:
        return f"{value:,.2f}"
    return f"{value:,.0f}" if name in COUNTS else f"{value:.3f}"


def metric_lines(metrics: Mapping[str, float]) -> list[str]:
    """All metrics, two a line, names on the left."""
    cells = [
        f"{name.replace('_', ' '):<20}{shown(name, value):>16}" for name, value in metrics.items()
    ]
    half = (len(cells) + 1) // 2
    return [
        "  " + "    ".join(pair).rstrip()
        for pair in zip(cells[:half], [*cells[half:], ""][:half], strict=True)
    ]


def evidence_lines(evidence: "Evidence") -> list[str]:
    """What speaks for a result and against it, in two lines."""
    e = evidence
    return [
        f"  Sharpe {e.sharpe:.2f}, deflated {e.deflated_sharpe:.3f} "
        f"({e.trial_count:,} trials, worth {e.effective_trial_count:,.0f}), "
        f"overfitting {e.overfitting_probability:.2f}",
        f"  track record {e.return_count:,} of {e.minimum_track_record:,.0f} returns needed, "
        f"superiority p {e.superiority_matched:.3f} over holding, {e.superiority_zero:.3f} over 0",
    ]


def best_lines(
    table: SweepTable, params: Sequence[str], objective: str, count: int = 5
) -> list[str]:
    """The best combinations of a sweep as a small table."""
    best = table.best(objective, count)
    best = best[best["status"] == "ok"]
    columns = [*params, *dict.fromkeys((objective, *SHOWN_IN_TABLES))]
    rows = [columns] + [[_cell(name, row[name]) for name in columns] for _, row in best.iterrows()]
    widths = [max(len(row[k]) for row in rows) for k in range(len(columns))]
    return [
        "  " + "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        for row in rows
    ]


def status_line(counts: Mapping[str, int]) -> str:
    """How many combinations ended how."""
    return ", ".join(f"{count:,} {status}" for status, count in counts.items())


def _cell(name: str, value: Any) -> str:
    if name in PERCENTS | MONEY | COUNTS or name in SHOWN_IN_TABLES:
        return shown(name, float(value))
    return f"{value:g}" if isinstance(value, float) else str(value)
