"""What a run wants of its assets, as those outside are told it."""

import math
from typing import Any, Final

from fanfold.engine.step.exits import stop_level
from fanfold.engine.step.outside import stop_before_entry
from fanfold.engine.step.state import FORWARD, Desk
from fanfold.engine.step.trigger import on_tick
from fanfold.engine.universe import Goal

Said = tuple[int, float | None, float | None, float | None, float | None, bool]
"""A goal's lots, prices, levels and whether it is forced; None where there is none."""

_LOOKED_AT: Final = Desk.dtype.fields["units"][1] if Desk.dtype.fields else 0
"""Where the part of a desk begins that decides a goal [bytes]: its mark lies before it."""


class Goals:
    """The goals of all assets, and which of them are news.

    Attributes:
        said: What was last told of each asset.
        reasons: Why a limit outside has last taken from each asset's goal, or "".
    """

    def __init__(self, desks: list[Any], records: Any, rules: Any) -> None:
        """Begin with nothing wanted and nothing told."""
        self._desks = desks
        self._rules = rules
        bytes_of = records.view("u1").reshape(len(desks), -1)
        self._parts = bytes_of[:, _LOOKED_AT:]
        self._before = b""
        self.said: list[Said] = [(0, None, None, None, None, False)] * len(desks)
        self.reasons: list[str] = [""] * len(desks)

    def put_back(self, said: list[Said], reasons: list[str]) -> None:
        """Go on with what was told before."""
        self.said = list(said)
        self.reasons = list(reasons)
        self._before = b""

    def news(self, t: int, facts: Any, *, asked: bool) -> list[Goal]:
        """Goals that are not as told last; with `asked` also those asked for at bar t."""
        parts = self._parts.tobytes()
        if parts == self._before:
            return []
        self._before = parts
        found: list[Goal] = []
        for i, desk in enumerate(self._desks):
            said = self._now(t, desk, facts)
            if said != self.said[i] or (asked and desk.order_bar == t):
                self.said[i] = said
                found.append(_goal(i, said, desk))
        return found

    def all(self, t: int, facts: Any) -> list[Goal]:
        """The goals of all assets."""
        return [_goal(i, self._now(t, desk, facts), desk) for i, desk in enumerate(self._desks)]

    def _now(self, t: int, desk: Any, facts: Any) -> Said:
        limit = stop = stop_loss = take_profit = math.nan
        if self._rules.prices == 1:
            if desk.close_order != 0 or desk.open_order != 0:
                limit, stop = desk.limit, desk.stop
            if desk.units * desk.goal > 0:
                stop_loss, take_profit = stop_level(desk), desk.take_profit
            elif desk.goal != 0:
                stop_loss, take_profit = self._before_entry(t, desk, facts)
        levels = _or_none(limit), _or_none(stop), _or_none(stop_loss), _or_none(take_profit)
        return desk.goal, *levels, desk.forced == 1

    def _before_entry(self, t: int, desk: Any, facts: Any) -> tuple[float, float]:
        """Levels that the entry will arm, if it fills at the decision's close."""
        forward = facts[FORWARD, t, desk.index] if self._rules.facts == 1 else 1.0
        side = 1 if desk.goal > 0 else -1
        stop = stop_before_entry(desk, forward, side)
        target = desk.heard_take_profit / forward
        return (
            on_tick(t, stop, -side, desk, facts, self._rules),
            on_tick(t, target, side, desk, facts, self._rules),
        )


def _or_none(price: float) -> float | None:
    return price if price == price else None  # noqa: PLR0124  (false for NaN)


def _or_nan(price: float | None) -> float:
    return math.nan if price is None else price


def _goal(asset: int, said: Said, desk: Any) -> Goal:
    lots, limit, stop, stop_loss, take_profit, forced = said
    return Goal(
        asset=asset,
        lots=lots,
        limit=_or_nan(limit),
        stop=_or_nan(stop),
        stop_loss=_or_nan(stop_loss),
        take_profit=_or_nan(take_profit),
        mark=desk.mark / 1e6,
        forced=forced,
    )
