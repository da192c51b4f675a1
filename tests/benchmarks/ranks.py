"""Which assets a rotation holds when, for engines that are told by arrays."""

from typing import Any

import numpy as np


def ranked(close: np.ndarray, lookback: int) -> np.ndarray:
    """How many assets are stronger, for each that has risen; all of them for the others."""
    rise = np.zeros_like(close)
    rise[lookback:] = close[lookback:] / close[:-lookback] - 1.0
    rise[rise <= 0.0] = 0.0
    stronger = (rise[:, None, :] > rise[:, :, None]).sum(axis=2)
    return np.where(rise > 0.0, stronger, close.shape[1])


def changes_of(
    ranks: np.ndarray, chosen: dict[str, Any]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Bars that rebalance, which assets change then, and which are held from then on."""
    due = np.arange(0, len(ranks) - 1, chosen["every"])
    held = ranks[due] < chosen["top"]
    before = np.vstack([np.zeros((1, ranks.shape[1]), bool), held[:-1]])
    return due, held != before, held
