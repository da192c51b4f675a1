"""What was measured, as a table for people and as JSON for comparisons over time."""

from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

HEAD = ("work", "ours", "beside", "theirs", "ratio", "floor", "goal", "")


@dataclass(frozen=True)
class Samples:
    """Repetitions of one measurement.

    Attributes:
        values: Counted repetitions, in order.
        cold: The first time in a fresh process, which is not counted.
    """

    values: list[float]
    cold: float | None = None

    @property
    def median(self) -> float:
        """The middle of the counted repetitions."""
        return median(self.values)

    def text(self, unit: str) -> str:
        """Median and range, with the cold figure where there is one."""
        low, high = min(self.values), max(self.values)
        text = f"{_figure(self.median)} {unit}"
        if len(self.values) > 1:
            text += f" [{_figure(low)}–{_figure(high)}]"
        return text if self.cold is None else f"{text} (cold {_figure(self.cold)})"


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        judged: The figure that floor and goal are about; None if there is none.
        at_most: Whether floor and goal are upper bounds.
        ratios: Ours over theirs, pair by pair.
        case: Which of the four strategies it is about, or "".
    """

    work: str
    unit: str = ""
    ours: Samples | None = None
    peer: str = ""
    theirs: Samples | None = None
    ratios: list[float] = field(default_factory=list)
    judged: float | None = None
    floor: float | None = None
    goal: float | None = None
    at_most: bool = False
    note: str = ""
    case: str = ""

    @property
    def verdict(self) -> str:
        """How the figure stands to floor and goal."""
        if self.floor is None or self.goal is None:
            return self.note
        if self.judged is None:
            return f"not available: {self.note}" if self.note else "not available"
        sign = -1 if self.at_most else 1
        if sign * self.judged >= sign * self.goal:
            met = "pass, goal met"
        else:
            met = "pass" if sign * self.judged >= sign * self.floor else "FAIL"
        return f"{met} ({self.note})" if self.note else met

    def cells(self) -> tuple[str, ...]:
        """Texts by the columns of `HEAD`."""
        bound = "≤ " if self.at_most else "≥ "
        ratio = ""
        if self.ratios:
            low, high = min(self.ratios), max(self.ratios)
            ratio = f"{_figure(median(self.ratios))}× [{_figure(low)}–{_figure(high)}]"
        return (
            self.work,
            self.ours.text(self.unit) if self.ours else "–",
            self.peer,
            self.theirs.text(self.unit) if self.theirs else "",
            ratio,
            "" if self.floor is None else bound + _figure(self.floor),
            "" if self.goal is None else bound + _figure(self.goal),
            self.verdict,
        )

    def as_json(self) -> dict[str, Any]:
        """Everything, with the verdict."""
        return {**asdict(self), "verdict": self.verdict}


def table(rows: list[Row]) -> str:
    """Aligned columns."""
    lines = [HEAD, *(row.cells() for row in rows)]
    widths = [max(len(line[place]) for line in lines) for place in range(len(HEAD))]
    texts = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]
    return "\n".join([texts[0], "─" * max(map(len, texts)), *texts[1:]])


def _figure(value: float) -> str:
    if abs(value) >= 1_000:
        return f"{value:,.0f}"
    return f"{value:.3g}"
