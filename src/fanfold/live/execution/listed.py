"""The broker's list of splits, which its data side has: asked once for each of its days."""

from datetime import date
from typing import Final

from msgspec import Struct

from fanfold.alpaca.wire.assets import ClockMessage
from fanfold.live.execution.answers import rows_of
from fanfold.live.execution.line import Answer
from fanfold.live.execution.requests import Writer
from fanfold.live.execution.rest import Lines

LOOK_BACK_DAYS: Final = 10
"""How far back the list is read: a deployment that was down has missed that much [days]."""

TYPES: Final = "forward_split,reverse_split"

DEFINITE: Final = (400, 401, 403, 404, 422)
"""Answers that say that there is no list for this account: nothing is asked again that day."""


class Action(Struct, frozen=True, kw_only=True):
    """A split: `old_rate` units became `new_rate` on a day."""

    symbol: str
    ex_date: str
    new_rate: float
    old_rate: float


class Actions(Struct, frozen=True, kw_only=True):
    """Splits by their kinds."""

    forward_splits: tuple[Action, ...] = ()
    reverse_splits: tuple[Action, ...] = ()


class Listing(Struct, frozen=True, kw_only=True):
    """What the list answers."""

    corporate_actions: Actions


class Listed:
    """What was listed.

    Args:
        lines: To the broker's data side.
        writer: Writes requests to it.
        symbols: Of the plan.

    Attributes:
        actions: What the list had last.
        is_refused: Whether there is none for this account.
    """

    def __init__(self, lines: Lines, writer: Writer, symbols: tuple[str, ...]) -> None:
        self.lines, self.writer = lines, writer
        self._symbols = ",".join(one for one in symbols if "/" not in one)
        self._day = ""
        self.actions: tuple[Action, ...] = ()
        self.is_refused = False

    def query(self, clock: ClockMessage) -> dict[str, str] | None:
        """What to ask, None where the list of the day is known."""
        today = clock.timestamp[:10]
        if today == self._day or not self._symbols:
            return None
        first = date.fromisoformat(today).toordinal() - LOOK_BACK_DAYS
        return {
            "symbols": self._symbols, "types": TYPES, "limit": "1000",
            "start": date.fromordinal(first).isoformat(), "end": today,
        }  # fmt: skip

    def came(self, answer: Answer, clock: ClockMessage) -> bool:
        """Take an answer; whether it was one."""
        found = rows_of(answer, Listing)
        self.is_refused = not answer.trouble and answer.status in DEFINITE
        if found is None and not self.is_refused:
            return False
        self._day = clock.timestamp[:10]
        if found is not None:
            listed = found.corporate_actions
            self.actions = listed.forward_splits + listed.reverse_splits
        return True
