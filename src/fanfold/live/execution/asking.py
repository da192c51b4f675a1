"""The questions of a reconciliation, one after the other, without waiting for any of them.

Positions are asked for last: what they show is the latest. A question that is not answered
is asked again with a growing pause; a new beginning makes answers to old questions void.
"""

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

from fanfold.alpaca.wire.accounts import AccountMessage, PositionMessage
from fanfold.alpaca.wire.assets import ClockMessage
from fanfold.alpaca.wire.instants import instant_of, instant_text
from fanfold.alpaca.wire.orders import OrderMessage
from fanfold.live.component import Outgoing
from fanfold.live.execution.answers import of_cancel, order_rows, rows_of
from fanfold.live.execution.line import Answer
from fanfold.live.execution.listed import Listed
from fanfold.live.execution.reconcile import Activity, Snapshot
from fanfold.live.execution.requests import (
    ACCOUNT,
    ACTIVITIES,
    ACTIVITIES_PAGE,
    CLOCK,
    CORPORATE_ACTIONS,
    ORDERS,
    ORDERS_PAGE,
    POSITIONS,
    Writer,
)
from fanfold.live.execution.rest import Errand, Lines, Urgency

PAGES_MAX: Final = 400
"""Pages of one list; with more it cannot be known what is ours."""

PAUSE_S: Final = 0.25
PAUSE_S_MAX: Final = 5.0
"""First and longest pause before a question is asked again [s]."""

Whole = Callable[[Snapshot, int], Sequence[Outgoing]]


class Asking:
    """One reconciliation's questions at a time.

    Args:
        lines: To the broker.
        writer: Writes requests.
        whole: Is handed all answers.
        listed: What is asked of the list of corporate actions.

    Attributes:
        lines, writer: Where questions go.
        is_busy: Whether a reconciliation is under way.
        too_long: Whether its lists were.
    """

    def __init__(self, lines: Lines, writer: Writer, whole: Whole, listed: Listed) -> None:
        self.lines, self.writer, self._whole = lines, writer, whole
        self._listed = listed
        self._clock: ClockMessage | None = None
        self._run = 0
        self._again: tuple[float, Callable[[int], list[Outgoing]]] | None = None
        self._pause_s = PAUSE_S
        self._since = ""
        self._orders: dict[str, OrderMessage] = {}
        self._open: set[str] = set()
        self._activities: list[Activity] = []
        self._account: AccountMessage | None = None
        self._pages = 0
        self.is_busy = False
        self.too_long = False

    def begin(self, since: str, now: int) -> list[Outgoing]:
        """Ask from the beginning.

        Args:
            since: Instant on the broker's clock from which on messages may be missing, ""
                for all there are.
            now: [ns UTC]
        """
        self._run += 1
        self._orders, self._open, self._activities, self._pages = {}, set(), [], 0
        self._since, self.is_busy, self.too_long = since, True, False
        return self._ask(CLOCK, {}, self._clock_came, now)

    def stop(self) -> None:
        """Ask no more; answers that come are void."""
        self._run += 1
        self.is_busy, self._again = False, None

    def tick(self, now: int) -> list[Outgoing]:
        """Ask again what was not answered, once its pause is over."""
        if self._again is None or time.monotonic() < self._again[0]:
            return []
        act, self._again = self._again[1], None
        return act(now)

    def _ask(
        self,
        path: str,
        query: dict[str, str],
        then: Callable[..., Any],
        now: int,
        elsewhere: Listed | None = None,
    ) -> list[Outgoing]:
        at = self if elsewhere is None else elsewhere
        lines, writer = at.lines, at.writer

        def again(later: int) -> list[Outgoing]:
            return self._ask(path, query, then, later, elsewhere)

        errand = Errand(
            content=writer.get(path, **query), method="GET", urgency=Urgency.LOOK,
            done=partial(self._answered, self._run, again, then),
        )  # fmt: skip
        if not lines.send(errand):
            return self._later(again, 0.0)
        return lines.pump(now)

    def _answered(
        self,
        run: int,
        repeat: Callable[..., Any],
        then: Callable[..., Any],
        answer: Answer,
        now: int,
    ) -> list[Outgoing]:
        if run != self._run:
            return []
        told = then(answer, now)
        if told is None:
            return self._later(repeat, of_cancel(answer).wait_s)
        self._pause_s = PAUSE_S
        return told

    def _later(self, repeat: Callable[..., Any], wait_s: float) -> list[Outgoing]:
        at = time.monotonic() + max(self._pause_s, wait_s)
        self._again = (at, repeat)
        self._pause_s = min(2 * self._pause_s, PAUSE_S_MAX)
        return []

    def _clock_came(self, answer: Answer, now: int) -> list[Outgoing] | None:
        self._clock = rows_of(answer, ClockMessage)
        if self._clock is None:
            return None
        query = self._listed.query(self._clock)
        if query is None:
            return self._ask_orders("all", self._since, now)
        return self._ask(CORPORATE_ACTIONS, query, self._actions_came, now, self._listed)

    def _actions_came(self, answer: Answer, now: int) -> list[Outgoing] | None:
        if self._clock is None or not self._listed.came(answer, self._clock):
            return None
        return self._ask_orders("all", self._since, now)

    def _ask_orders(self, status: str, after: str, now: int) -> list[Outgoing]:
        query = {
            "status": status, "limit": str(ORDERS_PAGE), "direction": "asc", "nested": "true",
        }  # fmt: skip
        if after:
            query["after"] = after
        return self._ask(ORDERS, query, partial(self._orders_came, status, after), now)

    def _orders_came(
        self, status: str, after: str, answer: Answer, now: int
    ) -> list[Outgoing] | None:
        rows = order_rows(answer)
        if rows is None:
            return None
        for row in rows:
            self._orders[row.id] = row
            if status == "open":
                self._open |= {row.id, *(leg.id for leg in row.legs or ())}
        if len(rows) >= ORDERS_PAGE:
            following = _before(rows[-1].submitted_at)
            if following == after or self._is_too_long():
                self.too_long = True
            else:
                return self._ask_orders(status, following, now)
        if status == "all":
            return self._ask_orders("open", "", now)
        return self._ask_activities("", now)

    def _ask_activities(self, token: str, now: int) -> list[Outgoing]:
        query = {"direction": "asc", "page_size": str(ACTIVITIES_PAGE)}
        if self._since:
            query["after"] = self._since
        if token:
            query["page_token"] = token
        return self._ask(ACTIVITIES, query, self._activities_came, now)

    def _activities_came(self, answer: Answer, now: int) -> list[Outgoing] | None:
        rows = rows_of(answer, list[Activity])
        if rows is None:
            return None
        self._activities += rows
        if len(rows) >= ACTIVITIES_PAGE:
            if not self._is_too_long():
                return self._ask_activities(rows[-1].id, now)
            self.too_long = True
        return self._ask(ACCOUNT, {}, self._account_came, now)

    def _account_came(self, answer: Answer, now: int) -> list[Outgoing] | None:
        self._account = rows_of(answer, AccountMessage)
        if self._account is None:
            return None
        return self._ask(POSITIONS, {}, self._positions_came, now)

    def _positions_came(self, answer: Answer, now: int) -> list[Outgoing] | None:
        rows = rows_of(answer, list[PositionMessage])
        if rows is None or self._account is None:
            return None
        self.is_busy = False
        snapshot = Snapshot(
            orders=tuple(self._orders.values()),
            open_ids=frozenset(self._open),
            activities=tuple(self._activities),
            positions=tuple(rows),
            account=self._account,
            clock=self._clock,
        )
        return list(self._whole(snapshot, now))

    def _is_too_long(self) -> bool:
        self._pages += 1
        return self._pages > PAGES_MAX


def _before(text: str) -> str:
    """The instant before one, since a list begins after what it is asked for."""
    try:
        return instant_text(instant_of(text) - 1)
    except ValueError:
        return text
