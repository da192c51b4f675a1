"""Rows that cannot be bars, set apart and listed.

A frame handed in by a user is refused at its first such row; a vendor's file is read
in spite of them. Nothing is dropped without being named.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from fanfold.domain.panel import FIELDS
from fanfold.domain.prices import fault, faulty


@dataclass(frozen=True, slots=True, kw_only=True)
class BadRow:
    """A row that was set apart.

    Attributes:
        symbol: Its symbol.
        ts: Its timestamp, as the source has it.
        reason: What must hold, then what it was.
    """

    symbol: str
    ts: str
    reason: str


def quarantine(frame: Any) -> tuple[Any, tuple[BadRow, ...]]:
    """Part sound rows from those that cannot be bars.

    Args:
        frame: pandas DataFrame with columns symbol, ts, open, high, low, close, volume and others.

    Returns:
        The sound rows, and what is wrong with each other one, in the frame's order. A row
        with a split or a dividend stays, without its prices.
    """
    values = frame[list(FIELDS)].to_numpy(dtype=np.float64).T
    bad = faulty(values)
    twice = frame.duplicated(["symbol", "ts"]).to_numpy()
    rows = [
        BadRow(
            symbol=str(frame["symbol"].iloc[row]),
            ts=str(frame["ts"].iloc[row]),
            reason=fault(values[:, row].tolist())
            if bad[row]
            else "a bar must be there once, was twice",
        )
        for row in np.flatnonzero(bad | twice)
    ]
    acts = np.zeros(len(frame), bool)
    for name, neutral in (("splits", 1.0), ("dividends", 0.0)):
        if name in frame:
            acts |= ~frame[name].isin([0.0, neutral]).to_numpy() & frame[name].notna().to_numpy()
    sound = frame[~twice & (~bad | acts)].copy()
    sound.loc[(bad & acts)[~twice & (~bad | acts)], list(FIELDS)] = np.nan
    return sound, tuple(rows)
