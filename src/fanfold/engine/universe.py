"""What a run fed from outside is told, and what it says: moments, assets, goals."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from msgspec import Struct

StepRow = tuple[int, float, float, float, float, float]
"""An asset's number, and open, high, low, close, volume of its bar."""

Rows = Sequence[StepRow]
"""Bars of some assets with the same end, each asset once at most."""


class Moment(Struct, frozen=True, kw_only=True, gc=False):
    """A bar's end, as the calendar sees it.

    Attributes:
        ts: Its end [ns UTC].
        session_day: The session's date [days since 1970-01-01].
        minutes_to_close: [min]
        is_month_end: Whether the session is the last of its month.
        closes_session: Whether the bar is the session's last.
        nights: Calendar nights since the session before; 0 within a session.
    """

    ts: int
    session_day: int
    minutes_to_close: float
    is_month_end: bool
    closes_session: bool
    nights: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Universe:
    """The assets of a run: names, calendars, and traits as the engine's arena has them.

    Attributes:
        symbols: One name an asset.
        calendars: Of each asset.
        parts: Lots in one unit of each.
        shortable: Whether each can be sold short.
        ticks: Steps of order prices from one unit of currency on, and below [micro-units];
            0 is none.
        least_notional: Smallest order in each [micro-units].
        calendar: That of the moments. "" takes the assets' own where they share one, else
            the first exchange's by name.
        session_days: Dates of its sessions, in order [days since 1970-01-01], from which
            features of weeks know the last of one; where they do not reach the library of
            calendars is asked. No part of what a run is.
    """

    symbols: tuple[str, ...]
    calendars: tuple[str, ...]
    parts: tuple[int, ...]
    shortable: tuple[bool, ...]
    ticks: tuple[tuple[int, int], ...]
    least_notional: tuple[int, ...]
    calendar: str = ""
    session_days: tuple[int, ...] = field(default=(), repr=False)


class Goal(Struct, frozen=True, kw_only=True, gc=False):
    """What the run wants of one asset after a step.

    Attributes:
        asset: Its number.
        lots: Signed lots to hold, approved by the engine's own limits.
        limit, stop: Prices of the order that leads there, NaN for none [currency].
        stop_loss, take_profit: Levels that end the position, NaN for none; a trailing stop
            moves the first. Before the entry has filled they refer to the decision's close,
            after it to the fill.
        mark: Last price [currency].
        forced: Whether it is an exit, a breaker or a margin call.
    """

    asset: int
    lots: int
    limit: float
    stop: float
    stop_loss: float
    take_profit: float
    mark: float
    forced: bool
