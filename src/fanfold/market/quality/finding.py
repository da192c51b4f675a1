"""What is wrong, or may be, with market data: one value for every check."""

from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np

Severity = Literal["info", "warning", "error"]
"""An error cannot be true of a market; a warning seldom is; an info is worth knowing."""

SEVERITIES: Final = ("info", "warning", "error")
"""From the least to the worst."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing found.

    Attributes:
        symbol: Whose data.
        ts: The bar's end, or the event's instant [ns UTC]; None if it has none.
        kind: Which check found it, a key of `fanfold.market.quality.KINDS`.
        severity: How bad it is.
        detail: What must hold, then what it was.
        timeframe: Of the bars; "" for other kinds of rows.
    """

    symbol: str
    ts: int | None
    kind: str
    severity: Severity
    detail: str
    timeframe: str = ""

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "symbol": self.symbol,
            "ts": None if self.ts is None else instant_text(self.ts),
            "kind": self.kind,
            "severity": self.severity,
            "detail": self.detail,
            "timeframe": self.timeframe,
        }


def instant_text(ts: int) -> str:
    """An instant [ns UTC] in ISO form, to the second at least."""
    return str(np.datetime64(ts, "ns")).rstrip("0").rstrip(".") + "Z"
