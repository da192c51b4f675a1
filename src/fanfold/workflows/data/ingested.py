"""What became of an ingest: counts a symbol, and what failed."""

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from fanfold.errors import FanfoldError, InputError
from fanfold.market.quality.finding import SEVERITIES

if TYPE_CHECKING:
    from fanfold.market.intake.ingest import Receipt


@dataclass(slots=True, kw_only=True)
class Tally:
    """What became of the rows of one symbol.

    Attributes:
        symbol: Whose.
        kind: What rows.
        timeframe: Of bars.
        added: Rows that were not there.
        revised: Rows that were there with other values.
        unchanged: Rows that were there.
        quarantined: Rows that were set aside.
        findings: How many, by severity.
    """

    symbol: str
    kind: str
    timeframe: str = ""
    added: int = 0
    revised: int = 0
    unchanged: int = 0
    quarantined: int = 0
    findings: Counter[str] = field(default_factory=Counter[str])

    def __iadd__(self, other: "Tally") -> "Tally":
        """Add the rows of another range."""
        for name in COUNTED:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.findings.update(other.findings)
        return self

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        counts = {name: getattr(self, name) for name in COUNTED}
        named = {"symbol": self.symbol, "timeframe": self.timeframe, "kind": self.kind}
        return named | counts | {"findings": by_severity(self.findings)}


COUNTED: Final = ("added", "revised", "unchanged", "quarantined")
"""Counts of rows in a tally."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A symbol, or a file, that could not be ingested.

    Attributes:
        symbol: Which.
        reason: Why.
        is_input: Whether the caller can mend it; else the source failed.
    """

    symbol: str
    reason: str
    is_input: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a unit.

    Attributes:
        tallies: Of each symbol that was stored.
        failures: What was not.
    """

    tallies: tuple[Tally, ...] = ()
    failures: tuple[Failure, ...] = ()


@dataclass(slots=True, kw_only=True)
class Ingested:
    """What became of an ingest.

    Attributes:
        store: Where the rows are.
        tallies: By symbol, kind and timeframe, in the order of the plan.
        failures: The first of each symbol or file.
        seconds: How long it took.
    """

    store: str
    tallies: dict[tuple[str, str, str], Tally] = field(
        default_factory=dict[tuple[str, str, str], Tally]
    )
    failures: dict[str, Failure] = field(default_factory=dict[str, Failure])
    seconds: float = 0.0

    def take(self, outcome: Outcome) -> None:
        """Add what became of a unit."""
        for one in outcome.tallies:
            key = one.symbol, one.kind, one.timeframe
            if key in self.tallies:
                self.tallies[key] += one
            else:
                self.tallies[key] = one
        for failure in outcome.failures:
            self.failures.setdefault(failure.symbol, failure)

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        total = Tally(symbol="", kind="")
        for one in self.tallies.values():
            total += one
        return {
            "status": "incomplete" if self.failures else "ok",
            "store": self.store,
            "symbols": [one.plain() for one in self.tallies.values()],
            **{name: getattr(total, name) for name in COUNTED},
            "findings": by_severity(total.findings),
            "failed": [
                {"symbol": one.symbol, "reason": one.reason} for one in self.failures.values()
            ],
            "seconds": round(self.seconds, 3),
        }


def by_severity(counts: Counter[str]) -> dict[str, int]:
    """Counts of findings, the worst first."""
    return {severity: counts[severity] for severity in reversed(SEVERITIES)}


def tally_of(receipt: "Receipt") -> Tally:
    """What of a receipt a report needs: its findings may be many, their counts are few."""
    return Tally(
        symbol=receipt.symbol,
        kind=receipt.kind,
        timeframe=receipt.timeframe,
        added=receipt.added,
        revised=receipt.revised,
        unchanged=receipt.unchanged,
        quarantined=receipt.quarantined,
        findings=Counter(finding.severity for finding in receipt.findings),
    )


def failure_of(symbol: str, error: FanfoldError) -> Failure:
    """What failed, and whether the caller can mend it."""
    reason = " ".join(str(error).split())
    return Failure(symbol=symbol, reason=reason, is_input=isinstance(error, InputError))
