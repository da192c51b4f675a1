"""The rest of a step for the assets that a quote's news concern.

Where every other asset holds its goal or has it on its way, the step does nothing to it: so
only those are handed to it that the news are of, and those whose orders claim a part of what
may be opened. The step itself is the one that all others run.
"""

import math
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, Final

import numpy as np

from fanfold.domain.record import view
from fanfold.engine.books import Books
from fanfold.engine.light import copied, linked
from fanfold.engine.shown import OF_TARGET, Shown
from fanfold.engine.step.state import TARGET, WISHES, Account, Desk
from fanfold.engine.step.wish import close_bar

_close_bar: Final = linked(close_bar)


def may_hear_some(books: Books) -> bool:
    """Whether the step takes some of the desks for all, as the rules are now.

    Not where prices are written or facts are read, which it finds by an asset's number.
    """
    rules = books.rules
    return books.is_light and rules.prices == 0 and rules.facts == 0


def concerned(books: Books) -> tuple[int, ...]:
    """Assets that every step has to be handed, whatever the news are of."""
    rules = books.rules
    if min(rules.max_net, rules.max_sector, rules.max_deviation) < math.inf:
        return tuple(range(len(books.desks)))
    return tuple(
        desk.index for desk in books.desks if desk.open_order != 0 or desk.close_order != 0
    )


def hear_some(
    t: int, assets: Sequence[int], shown: Shown, books: Books, market: tuple[Any, Any]
) -> list[Any]:
    """Take the wishes of bar t of some assets; the desks that the step may have moved.

    Args:
        t: Number of the bar.
        assets: Those that were asked, and `concerned`; in order.
        shown: Where the decision wrote its wishes.
        books: The account, marked at bar t, in which nothing else waits to be asked for.
        market: Facts and clock of the window.
    """
    desks: list[Any] = []
    targets: dict[tuple[int, int], float] = {}
    for place, asset in enumerate(assets):
        shown.heard[asset][:] = shown.wishes[asset]
        targets[place, TARGET] = shown.floats[asset][OF_TARGET]
        desks.append(books.desks[asset])
    _close_bar(t, targets, books.scratch, *market, desks, books.account, books.rules, ())
    return desks


class Rehearsal:
    """The rest of a step for nothing, on copies that are thrown away.

    What is done a few times a second has left the processor's caches each time, and takes
    three times as long as it computes. Done for nothing in between, it is there when it counts.

    Args:
        books: Of the run, whose account and first desk are copied each time.
        shown: Where its decision writes.
    """

    def __init__(self, books: Books, shown: Shown) -> None:
        self._books = books
        self._heard: Any = [view(np.zeros(WISHES))]
        self._shown: Any = SimpleNamespace(
            heard=self._heard, wishes=shown.wishes[:1], floats=[view(np.zeros(OF_TARGET + 1))]
        )

    def run(self, t: int, market: tuple[Any, Any]) -> list[Any]:
        """As `hear_some`, of another target of the first asset."""
        books = self._books
        stage: Any = SimpleNamespace(
            desks=[copied(Desk, books.desks[0])],
            account=copied(Account, books.account),
            rules=books.rules,
            scratch=books.scratch,
        )
        self._shown.floats[0][OF_TARGET] = stage.desks[0].target / 2.0
        return hear_some(t, (0,), self._shown, stage, market)
