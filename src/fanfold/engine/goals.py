"""What a run wants of its assets, as those outside are told it."""

import math
from collections.abc import Sequence
from typing import Any

from fanfold.engine.light import linked
from fanfold.engine.step.exits import stop_level
from fanfold.engine.step.outside import stop_before_entry
from fanfold.engine.step.state import FORWARD
from fanfold.engine.step.trigger import on_tick
from fanfold.engine.universe import Goal

_stop_level = linked(stop_level)
_stop_before_entry = linked(stop_before_entry)
_on_tick = linked(on_tick)

Said = tuple[int, float | None, float | None, float | None, float | None, bool]
"""A goal's lots, prices, levels and whether it is forced; None where there is none."""


class Goals:
    """The goals of all assets, and which of them are news.

    Attributes:
        said: What was last told of each asset.
        reasons: Why a limit outside has last taken from each asset's goal, or "".
    """

    def __init__(self, desks: list[Any], rules: Any) -> None:
        """Begin with nothing wanted and nothing told."""
        self._desks = desks
        self._rules = rules
        self.said: list[Said] = [(0, None, None, None, None, False)] * len(desks)
        self.reasons: list[str] = [""] * len(desks)

    def put_back(self, said: list[Said], reasons: list[str]) -> None:
        """Go on with what was told before."""
        self.said = list(said)
        self.reasons = list(reasons)

    def news(
        self, t: int, facts: Any, *, asked: bool, desks: Sequence[Any] | None = None
    ) -> list[Goal]:
        """Goals that are not as told last; with `asked` also those asked for at bar t.

        Args:
            t: The newest bar.
            facts: See `fanfold.engine.step.state`.
            asked: Whether what was asked for again is news.
            desks: Those that may have changed; all if left out.
        """
        found: list[Goal] = []
        for desk in self._desks if desks is None else desks:
            i, said = desk.index, self._now(t, desk, facts)
            if said != self.said[i] or (asked and desk.order_bar == t):
                self.said[i] = said
                found.append(_goal(i, said, desk))
        return found

    def of(self, t: int, facts: Any, desks: Sequence[Any]) -> list[Goal]:
        """What some desks want, whatever was told."""
        return [_goal(desk.index, self._now(t, desk, facts), desk) for desk in desks]

    def all(self, t: int, facts: Any) -> list[Goal]:
        """The goals of all assets."""
        return self.of(t, facts, self._desks)

    def _now(self, t: int, desk: Any, facts: Any) -> Said:
        limit = stop = stop_loss = take_profit = math.nan
        if self._rules.prices == 1:
            if desk.close_order != 0 or desk.open_order != 0:
                limit, stop = desk.limit, desk.stop
            if desk.units * desk.goal > 0:
                stop_loss, take_profit = _stop_level(desk), desk.take_profit
            elif desk.goal != 0:
                stop_loss, take_profit = self._before_entry(t, desk, facts)
        levels = _or_none(limit), _or_none(stop), _or_none(stop_loss), _or_none(take_profit)
        return desk.goal, *levels, desk.forced == 1

    def _before_entry(self, t: int, desk: Any, facts: Any) -> tuple[float, float]:
        """Levels that the entry will arm, if it fills at the decision's close."""
        forward = facts[FORWARD, t, desk.index] if self._rules.facts == 1 else 1.0
        side = 1 if desk.goal > 0 else -1
        stop = _stop_before_entry(desk, forward, side)
        target = desk.heard_take_profit / forward
        return (
            _on_tick(t, stop, -side, desk, facts, self._rules),
            _on_tick(t, target, side, desk, facts, self._rules),
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
