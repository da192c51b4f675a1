"""Minutes of a few months, one session each, as a service has them."""

from typing import Any

import numpy as np
import pandas as pd

MONTHS = 4
"""Months from January 2024 on."""


def minutes(seed: int) -> Any:
    """Bars of the first Tuesday's session of each month, in the form of a fake server's frames."""
    days = [f"2024-{month:02}-{day:02}" for month, day in ((1, 2), (2, 6), (3, 5), (4, 2))]
    starts = [
        pd.date_range(f"{day} 09:30", periods=390, freq="min", tz="America/New_York")
        for day in days[:MONTHS]
    ]
    start = pd.DatetimeIndex(np.concatenate([one.tz_convert("UTC") for one in starts]))
    rng = np.random.default_rng(seed)
    close = np.round(50 * np.exp(np.cumsum(rng.normal(0, 0.0005, len(start)))), 2)
    opens = np.round(close * np.exp(rng.normal(0, 0.0002, len(start))), 2)
    frame = pd.DataFrame({"start": pd.Series(start).astype("datetime64[ns, UTC]")})
    return frame.assign(
        open=opens,
        high=np.maximum(opens, close) + 0.02,
        low=np.minimum(opens, close) - 0.02,
        close=close,
        volume=rng.integers(100, 9_000, len(start)).astype(float),
        vwap=(opens + close) / 2,
        trade_count=rng.integers(1, 90, len(start)).astype(float),
    )
