"""The market of a chaos run: real days with what calendars and companies do to live systems.

Days of the packaged sample, raw, written to one file that the venue unfolds into minutes. The
days are chosen so that a half day lies among them, with room for two weeks also a change of
the clocks; in one asset a split is put overnight.
"""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np

from fanfold.domain.panel import FIELDS, VOLUME
from fanfold.domain.period import day_text
from fanfold.domain.sessions import sessions_between
from fanfold.errors import ConfigError

SYMBOLS: Final = ("AAPL", "IBM", "MSFT")
PAST_SESSIONS: Final = 30
"""Sessions before the first live one: history of the venue, and warm-up."""

SPLIT_RATIO: Final = 2.0
SPLIT_SESSION: Final = 2
"""Live session before which an asset is split, the first being 0; needs so many and one."""

SHORT_START: Final = date(2012, 11, 21)
"""Its next session, the day after Thanksgiving, is half a day."""

LONG_START: Final = date(2012, 11, 2)
"""A Friday: over the weekend the clocks change; the half day is its fifteenth session."""

LONG_DAYS: Final = 15
DAYS_MAX: Final = 80
"""What the sample has left from the first start on [sessions]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChaosMarket:
    """What a run is on.

    Attributes:
        file: Daily bars, raw, with the split.
        symbols: Its assets.
        first: The session before the first live one, and further back, are history.
        days: Dates of the live sessions.
        split: Symbol that is split, and before which session; None where there is no room.
    """

    file: Path
    symbols: tuple[str, ...]
    first: str
    days: tuple[str, ...]
    split: tuple[str, str] | None


def make_market(folder: Path, days: int, seed: int) -> ChaosMarket:
    """Write the market of a run of so many sessions.

    Raises:
        ConfigError: There are not so many sessions in the sample.
    """
    if not 1 <= days <= DAYS_MAX:
        raise ConfigError(f"days must be 1 to {DAYS_MAX}, was {days}")
    import pandas as pd

    from fanfold.market import load_bars

    start = LONG_START if days >= LONG_DAYS else SHORT_START
    before = np.datetime64(start, "D").astype(int)
    live = sessions_between(before, before + 2 * days + 20, "XNYS")[:days]
    past = sessions_between(before - 2 * PAST_SESSIONS - 20, before - 1, "XNYS")[-PAST_SESSIONS:]
    bars: Any = load_bars(
        "sample", symbols=SYMBOLS, start=day_text(past[0]), end=day_text(live[-1]), basis="raw"
    )
    split: tuple[str, str] | None = None
    ratios = np.ones((bars.bar_count, len(SYMBOLS)))
    if days > SPLIT_SESSION:
        asset = int(np.random.default_rng(seed).integers(len(SYMBOLS)))
        at = int(np.searchsorted(bars.session_day, int(live[SPLIT_SESSION])))
        ratios[at, asset] = SPLIT_RATIO
        split = SYMBOLS[asset], day_text(live[SPLIT_SESSION])
    factors = np.cumprod(ratios, axis=0)
    frames: list[Any] = []
    for asset, symbol in enumerate(SYMBOLS):
        scale = factors[:, asset]
        columns: dict[str, Any] = {"symbol": symbol, "ts": bars.session_day.astype("M8[D]")}
        for field, name in enumerate(FIELDS[:4]):
            columns[name] = np.round(bars.panel[field, :, asset] / scale, 4)
        columns |= {"volume": bars.panel[VOLUME, :, asset] * scale, "splits": ratios[:, asset]}
        frame: Any = pd.DataFrame(columns)
        frames.append(frame)
    file = folder / "days.parquet"
    together: Any = pd.concat(frames)
    together.to_parquet(file, index=False)
    return ChaosMarket(
        file=file,
        symbols=SYMBOLS,
        first=day_text(past[0]),
        days=tuple(day_text(day) for day in live),
        split=split,
    )
