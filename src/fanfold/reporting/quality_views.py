"""What a page on the quality of data shows, as plain values."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.timeframe import SESSION, WEEK
from fanfold.market.quality.finding import SEVERITIES, Finding, instant_text

WORST_FIRST = tuple(reversed(SEVERITIES))
"""Severities as people read them."""


@dataclass(frozen=True, kw_only=True, eq=False)
class QualityView:
    """What was found in the stored rows of one symbol.

    Attributes:
        symbol: Whose.
        kind: What the rows are.
        timeframe: Of bars, else "".
        row_count: Stored rows.
        quarantined: Rows that were set aside when they came in.
        ts: Ends of bars, or instants of events [ns UTC]; shape [row].
        price: Closes, trades or the middle of quotes [currency]; shape [row].
        findings: All that was found.
        reach: Lowest and highest price of bars with a finding, by their ends [ns UTC]: what
            closes alone would not show.
    """

    symbol: str
    kind: str
    timeframe: str
    row_count: int
    quarantined: int
    ts: NDArray[np.int64]
    price: NDArray[np.float64]
    findings: tuple[Finding, ...]
    reach: Mapping[int, tuple[float, float]] = field(default_factory=dict[int, tuple[float, float]])

    @property
    def name(self) -> str:
        """Symbol and what of it."""
        return f"{self.symbol} {self.timeframe or self.kind}"

    @cached_property
    def counts(self) -> dict[str, int]:
        """Findings by severity, the worst first."""
        found = Counter(finding.severity for finding in self.findings)
        return {severity: found[severity] for severity in WORST_FIRST}

    @property
    def period(self) -> str:
        """From the first row to the last."""
        if not len(self.ts):
            return "no rows"
        return f"{self.when(int(self.ts[0]))} to {self.when(int(self.ts[-1]))}"

    def when(self, ts: int | None) -> str:
        """An instant as it matters here: the date where a bar is a session."""
        if ts is None:
            return ""
        text = instant_text(ts)
        return text.partition("T")[0] if self.timeframe in (SESSION, WEEK) else text


def worst_first(findings: tuple[Finding, ...]) -> list[Finding]:
    """Findings by severity, and within one by time; those without a time come first."""
    return sorted(
        findings, key=lambda one: (WORST_FIRST.index(one.severity), one.ts or 0, one.kind)
    )
