"""The state of a run fed from outside as bytes, and back.

Raw bytes of arrays, so that a restored run goes on with the same bits; and who they belong
to, so that no other run takes them over. Numbers of bars are counted from the first bar that
still matters: a snapshot does not tell how long the window was.
"""

from typing import Any, Final

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from fanfold.engine.books import renumbered
from fanfold.engine.goals import Said
from fanfold.engine.market import Market
from fanfold.engine.universe import Moment
from fanfold.errors import DataError

FORM: Final = 1
"""How a snapshot is written; another form is refused."""


class Flags(Struct, frozen=True):
    """What a run knows beside arrays.

    Attributes:
        begun: Whether the past is over.
        unheard: Decisions that are still only heard.
        error: Why it is over, or "".
        reasons: Why a limit outside has last taken from each asset's goal, or "".
        said: What was last told of each asset's goal.
    """

    begun: bool
    unheard: int
    error: str
    reasons: list[str]
    said: list[Said]


class _Snapshot(Struct, frozen=True):
    form: int
    identity: str
    flags: Flags
    last: tuple[int, int, float, bool, bool, int]
    sessions: int
    bar_count: int
    bars: list[bytes]
    arrays: list[bytes]


def packed(identity: str, market: Market, flags: Flags) -> bytes:
    """All state of a run, of which nothing is left to be made up for."""
    first, bars = market.window.kept()
    last, desks = market.last, market.books.arrays["desks"]
    arrays = [
        (renumbered(array, first) if array is desks else array).tobytes()
        for array in _arrays(market)
    ]
    return msgspec.msgpack.encode(
        _Snapshot(
            form=FORM,
            identity=identity,
            flags=flags,
            last=(
                last.ts,
                last.session_day,
                last.minutes_to_close,
                last.is_month_end,
                last.closes_session,
                last.nights,
            ),
            sessions=market.window.sessions,
            bar_count=market.window.count - first,
            bars=bars,
            arrays=arrays,
        )
    )


def unpacked(content: bytes, identity: str, market: Market) -> Flags:
    """Take a snapshot's state over; its flags.

    Raises:
        DataError: It is no snapshot, or of another strategy, other parameters, terms or
            assets. Nothing has changed then.
    """
    try:
        found = msgspec.msgpack.decode(content, type=_Snapshot)
    except msgspec.DecodeError as error:
        raise DataError(f"a snapshot must be whole, was not: {error}") from error
    if found.form != FORM or found.identity != identity:
        raise DataError(
            "a snapshot must be of the same strategy, parameters, terms and assets, was of others"
        )
    arrays, window = _arrays(market), market.window
    sizes = [array.nbytes for array in arrays]
    if [len(part) for part in found.arrays] != sizes or not window.fits(
        found.bars, found.bar_count
    ):
        raise DataError("a snapshot must be of the same features and memory, was of others")
    market.window.put_back(found.bars, found.bar_count)
    for array, part in zip(arrays, found.arrays, strict=True):
        array[...] = np.frombuffer(part, array.dtype).reshape(array.shape)
    market.books.take_over()
    market.window.sessions = found.sessions
    ts, session_day, minutes, month_end, closes, nights = found.last
    market.last = Moment(
        ts=ts,
        session_day=session_day,
        minutes_to_close=minutes,
        is_month_end=month_end,
        closes_session=closes,
        nights=nights,
    )
    market.feeds.show_streams()
    market.history.show_streams()
    market.use_forward()
    return found.flags


def _arrays(market: Market) -> list[NDArray[Any]]:
    """All arrays that change but those of the window, in one order."""
    books = market.books
    own = [array for name, array in books.arrays.items() if name != "scratch"]
    return [
        *own,
        books.rules_array,
        market.feeds.latest,
        *market.feeds.states,
        *(market.history.states),
    ]
