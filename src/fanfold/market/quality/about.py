"""What the checks are told about a series, and what they answer."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.prices import Basis
from fanfold.domain.sessions import DAY_NS
from fanfold.domain.timeframe import SESSION, WEEK, timeframe_ns
from fanfold.market.quality.finding import Finding, Severity
from fanfold.market.quality.kinds import SEVERITY_OF

FINDINGS_MAX: Final = 1_000
"""Findings of one kind and severity that are listed for a series; the rest are counted."""

Actions = tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]
"""Ex-dates [days since 1970-01-01], splits [units per unit] and dividends [currency]."""

Bad = tuple[int, str, str]
"""Row, kind and reason."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class About:
    """What is known of a series before it is looked at.

    Attributes:
        symbol: Whose rows.
        timeframe: Of bars; "" for ticks.
        calendar: Of the asset.
        basis: What its prices are adjusted for.
        actions: What is booked on its prices; None if nothing is.
        source: Who delivered it.
    """

    symbol: str
    timeframe: str = SESSION
    calendar: str = "XNYS"
    basis: Basis = "raw"
    actions: Actions | None = None
    source: str = ""

    @property
    def is_intraday(self) -> bool:
        """Whether bars are shorter than a session."""
        return self.timeframe not in (SESSION, WEEK)

    @property
    def bar_ns(self) -> int:
        """Length of a bar [ns]; a day or a week for whole sessions."""
        return timeframe_ns(self.timeframe) or (7 if self.timeframe == WEEK else 1) * DAY_NS

    def found(
        self, ts: int | None, kind: str, detail: str, severity: Severity | None = None
    ) -> Finding:
        """A finding about this series, of its kind's own severity unless told otherwise."""
        return Finding(
            symbol=self.symbol,
            ts=None if ts is None else int(ts),
            kind=kind,
            severity=severity or SEVERITY_OF[kind],
            detail=detail,
            timeframe=self.timeframe,
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Verdict:
    """What was found, and which rows may be stored.

    Attributes:
        findings: By kind, oldest first; at most `FINDINGS_MAX` of a kind and severity.
        keep: Whether a row is sound, in the source's order; shape [row].
        bad: Rows to be set aside, with kind and reason, in the source's order. A row that
            is neither kept nor bad says what another has said.
    """

    findings: tuple[Finding, ...]
    keep: NDArray[np.bool_]
    bad: tuple[Bad, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sound:
    """The sound bars of a series, by time.

    Attributes:
        ts: Their ends [ns UTC], strictly increasing; shape [bar].
        fields: Open, high, low, close, volume; shape [field, bar].
        day: Dates of their sessions [days since 1970-01-01]; shape [bar].
    """

    ts: NDArray[np.int64]
    fields: NDArray[np.float64]
    day: NDArray[np.int64]


def capped(findings: list[Finding]) -> list[Finding]:
    """At most `FINDINGS_MAX` of each kind and severity; the last says how many more there are."""
    groups: dict[tuple[str, str], list[Finding]] = {}
    for one in findings:
        groups.setdefault((one.kind, one.severity), []).append(one)
    kept: list[Finding] = []
    for group in groups.values():
        kept += group[:FINDINGS_MAX]
        if len(group) > FINDINGS_MAX:
            rest = group[FINDINGS_MAX]
            more = f"{rest.detail}; {len(group) - FINDINGS_MAX - 1} more are not listed"
            kept[-1] = Finding(
                symbol=rest.symbol,
                ts=rest.ts,
                kind=rest.kind,
                severity=rest.severity,
                detail=more,
                timeframe=rest.timeframe,
            )
    return kept


def runs_of(mask: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Stretches of consecutive places that are true: (first, last + 1)."""
    if not mask.any():
        return []
    edges = np.flatnonzero(np.diff(np.concatenate(([False], mask, [False]))))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))
