"""Bars before the first live one, kept in a deployment's folder as arrays and nothing else.

Live bars go on where they end, so they are kept in the units of the last one: a strategy
that was warmed on them sees no jump where it goes live.
"""

import io
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.bars import Bars
from fanfold.domain.panel import CLOSE, FIELDS, VOLUME
from fanfold.engine.universe import Moment, StepRow
from fanfold.errors import DataError
from fanfold.live.folder import Folder, write_durably

_NAMES: Final = (
    "symbols",
    "fingerprint",
    "ts",
    "panel",
    "session_day",
    "minutes_to_close",
    "is_month_end",
    "closes_session",
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WarmUp:
    """Bars of the past, with what the calendar says of them.

    Attributes:
        symbols: In the order of the panel's last axis.
        fingerprint: Of the bars that it was made from.
        ts: Each bar's end [ns UTC]; shape [bar].
        panel: Open, high, low, close, volume, NaN where an asset has no bar; shape
            [field, bar, asset].
        session_day, minutes_to_close, is_month_end, closes_session: As in `Bars`; the
            last bar closes its session only if it ends as the session does.
    """

    symbols: tuple[str, ...]
    fingerprint: str
    ts: NDArray[np.int64]
    panel: NDArray[np.float64]
    session_day: NDArray[np.int64]
    minutes_to_close: NDArray[np.float64]
    is_month_end: NDArray[np.bool_]
    closes_session: NDArray[np.bool_]

    def steps(self) -> Iterator[tuple[Moment, Sequence[StepRow]]]:
        """The bars, one after the other, as the step takes them."""
        before = None
        for bar in range(len(self.ts)):
            day = int(self.session_day[bar])
            moment = Moment(
                ts=int(self.ts[bar]),
                session_day=day,
                minutes_to_close=float(self.minutes_to_close[bar]),
                is_month_end=bool(self.is_month_end[bar]),
                closes_session=bool(self.closes_session[bar]),
                nights=0 if before is None else day - before,
            )
            prices = self.panel[:, bar]
            traded = np.flatnonzero(~np.isnan(prices[CLOSE])).tolist()
            yield moment, [(asset, *prices[:, asset].tolist()) for asset in traded]
            before = day


def write_warm_up(folder: Folder, bars: Bars) -> None:
    """Keep the bars that a deployment begins with.

    Args:
        folder: The deployment's.
        bars: Its symbols in their order, up to the last finished bar.

    Raises:
        OSError: The disk is full, or worse.
    """
    closes = bars.closes_session.copy()
    closes[-1] = bars.minutes_to_close[-1] == 0.0
    scale = bars.forward[-1]
    panel = bars.seen / scale
    panel[VOLUME] = bars.seen[VOLUME] * scale
    packed = io.BytesIO()
    np.savez(
        packed,
        symbols=np.array(bars.symbols),
        fingerprint=np.array(bars.fingerprint),
        ts=bars.ts,
        panel=panel,
        session_day=bars.session_day,
        minutes_to_close=bars.minutes_to_close,
        is_month_end=bars.is_month_end,
        closes_session=closes,
    )
    write_durably(folder.warm_up, packed.getvalue())


def read_warm_up(folder: Folder) -> WarmUp:
    """The bars that a deployment begins with.

    Raises:
        DataError: There are none, or the file is damaged.
    """
    try:
        found = _arrays(folder.warm_up.read_bytes())
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(
            f"{folder.warm_up} must hold the warm-up's arrays, does not: {error}"
        ) from None
    symbols = tuple(str(name) for name in found.pop("symbols").tolist())
    warm_up = WarmUp(symbols=symbols, fingerprint=str(found.pop("fingerprint")), **found)
    _check(warm_up)
    return warm_up


def _arrays(content: bytes) -> dict[str, Any]:
    with zipfile.ZipFile(io.BytesIO(content)):  # what is none, numpy would take for others
        pass
    with np.load(io.BytesIO(content), allow_pickle=False) as packed:
        return {name: packed[name] for name in _NAMES}


def _check(warm_up: WarmUp) -> None:
    bars, assets = len(warm_up.ts), len(warm_up.symbols)
    if warm_up.panel.shape != (len(FIELDS), bars, assets) or warm_up.panel.dtype != np.float64:
        raise DataError(
            f"the warm-up's panel must be {len(FIELDS)} fields of {bars} bars of {assets} assets, "
            f"was {warm_up.panel.shape} of {warm_up.panel.dtype}"
        )
    columns = warm_up.session_day, warm_up.minutes_to_close, warm_up.is_month_end
    if any(column.shape != (bars,) for column in (*columns, warm_up.closes_session)):
        raise DataError(f"the warm-up's columns must have {bars} bars each, one has not")
    if not (np.diff(warm_up.ts) > 0).all():
        raise DataError("the warm-up's bars must be in the order of their ends, are not")
