"""How exchanges' days go on, and what is booked before they open."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from fanfold.venue.market.history.past import Action
from fanfold.venue.market.hours import day_instants
from fanfold.venue.market.tapes.order import RANKS, Strand
from fanfold.venue.market.values import ActionTick, PhaseTick, Tick


def phase_ticks(calendar: str, first_day: int, last_day: int) -> list[PhaseTick]:
    """The phases of all sessions of a period, both dates included, in order."""
    return [
        PhaseTick(ts, calendar, phase, session.day)
        for session in day_instants(first_day, last_day, calendar)
        for phase, ts in (
            ("day", session.begin),
            ("open", session.open),
            ("close", session.close),
            ("end", session.end),
        )
    ]


def action_ticks(symbol: str, actions: Iterable[Action], begins: Mapping[int, int]) -> list[Tick]:
    """Splits and dividends of an asset as its days begin.

    Args:
        symbol: Whose.
        actions: What there is.
        begins: When the day of a session begins [ns UTC], by its date.
    """
    return [
        ActionTick(begins[one.ex_day], symbol, one.split, one.dividend)
        for one in actions
        if one.ex_day in begins
    ]


def strand_of(rank: str, ticks: Sequence[Tick]) -> Strand:
    """Ticks as a strand."""
    return Strand(RANKS[rank], np.array([tick.ts for tick in ticks], np.int64), list(ticks))
