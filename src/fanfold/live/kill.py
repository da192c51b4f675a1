"""The kill switch: it works with every component dead, by files and REST alone.

First the latch: from then on no component sends what could increase risk. Then everything
that this deployment has open is cancelled until two reads in a row show nothing, and what
it holds is sold or bought back, never more than the broker says is there and free. Names of
the orders derive from the latch's instant, so a second kill repeats the first one's.
"""

import time
from collections.abc import Callable, Iterable
from typing import Final, TypeVar

from msgspec import Struct

from fanfold.alpaca.credentials import Credentials, credentials_of_account
from fanfold.alpaca.wire.accounts import AccountMessage, PositionMessage
from fanfold.alpaca.wire.instants import instant_of, instant_text
from fanfold.alpaca.wire.orders import OrderMessage
from fanfold.errors import DataError, LiveError
from fanfold.live.execution.answers import (
    RATE_WAIT_S_MAX,
    Verdict,
    of_cancel,
    of_order,
    order_rows,
    rows_of,
)
from fanfold.live.execution.blocking import Blocking
from fanfold.live.execution.ids import client_order_id
from fanfold.live.execution.journal import Journal
from fanfold.live.execution.line import Answer
from fanfold.live.execution.records import Order
from fanfold.live.execution.requests import (
    ACCOUNT,
    CLOCK,
    ORDERS,
    ORDERS_PAGE,
    POSITIONS,
    order_body,
)
from fanfold.live.execution.starting import REFUSED
from fanfold.live.folder import Folder
from fanfold.live.halts import KILL, Latch, latches, set_latch
from fanfold.live.holdings import Owned, owned_of
from fanfold.live.plan import Plan, read_plan

KILL_S_MAX: Final = 60.0
"""Longest time until it reports, flat or not [s]."""

PAUSE_S: Final = 0.1
PAUSE_S_MAX: Final = 1.0
"""First and longest pause between two looks [s]."""

CLEAN_READS: Final = 2
"""Reads in a row that must show nothing of ours open."""

REVISIONS_MAX: Final = 16
"""Orders to flatten one symbol; each may end with a part of it filled."""

PAGES_MAX: Final = 40
"""Pages of orders of one look."""

TROUBLES_MAX: Final = 32
"""Different troubles that are reported."""

REQUEST_S: Final = 3.0
"""Longest time of one request: the next look asks again [s]."""

REFUSALS_MAX: Final = 3
"""Refusals of the keys in a row after which it is not asked again: others are needed."""

T = TypeVar("T")

ENDED: Final = frozenset(("filled", "canceled", "expired", "rejected", "replaced"))


class KillReport(Struct, frozen=True, kw_only=True):
    """What a kill has done.

    Attributes:
        flat: Whether nothing is open and nothing held any more.
        confirmed: Whether two reads in a row showed none of our orders open.
        cancelled: Names of orders that were asked to be cancelled.
        open: Names of those that are still open.
        queued: Names of orders that will flatten at the next open.
        left: Symbol and signed lots of what is still held.
        troubles: What the broker did not do, bounded.
        seconds: How long it took [s].
    """

    flat: bool
    confirmed: bool
    cancelled: tuple[str, ...]
    open: tuple[str, ...]
    queued: tuple[str, ...]
    left: tuple[tuple[str, int], ...]
    troubles: tuple[str, ...]
    seconds: float


def kill(folder: Folder, by: str, reason: str, now: int) -> KillReport:
    """Halt a deployment for good, cancel what it has open, and flatten what it holds.

    It may be repeated. The latch stays until it is reset in two steps.

    Args:
        folder: Of the deployment.
        by: Who wants it.
        reason: Why.
        now: [ns UTC]

    Raises:
        OSError: The latch could not be set; nothing else was done.
        ConfigError: There are no keys: the latch is set, nothing was cancelled.
    """
    set_latch(folder, Latch(name=KILL, reason=reason, by=by, at=now))
    at = next((latch.at for latch in latches(folder) if latch.name == KILL and latch.at), now)
    return _Kill(folder, read_plan(folder), credentials_of_account(), at).run()


class _Look(Struct, frozen=True, kw_only=True):
    """What the broker shows at about one instant."""

    orders: tuple[OrderMessage, ...]
    open: tuple[OrderMessage, ...]
    positions: tuple[PositionMessage, ...]


class _Kill:
    def __init__(self, folder: Folder, plan: Plan, keys: Credentials, at: int) -> None:
        self._plan, self._at = plan, at
        self._began = time.monotonic()
        self._rest = Blocking(plan.addresses.rest_url, keys, REQUEST_S)
        try:
            self._journal = Journal.read(folder.journal)
        except (DataError, LiveError):
            self._journal = None  # it has never traded, or the file is gone: tags remain
        self._account = self._journal.account if self._journal is not None else ""
        self._cancelled: dict[str, None] = {}
        self._troubles: dict[str, None] = {}
        self._queued: set[str] = set()
        self._revisions = [0] * len(plan.assets)
        self._names: frozenset[str] = frozenset()
        self._wait_s = 0.0
        self._refusals = 0

    def run(self) -> KillReport:
        """Look and act until it is done, or the time is over."""
        clean, pause_s = 0, PAUSE_S
        owned: Owned | None = None
        opened: list[OrderMessage] = []
        try:
            while self._left_s() > 0 and self._refusals < REFUSALS_MAX:
                look = self._look()
                if look is not None:
                    owned = owned_of(self._plan, self._journal, look.orders, look.positions)
                    opened = [o for o in look.open if self._is_to_cancel(o, owned)]
                    clean = 0 if opened else clean + 1
                    self._cancel(opened)
                    if clean >= CLEAN_READS and self._flatten(look, owned):
                        break
                time.sleep(min(max(pause_s, self._wait_s), max(self._left_s(), 0.0)))
                pause_s, self._wait_s = min(1.5 * pause_s, PAUSE_S_MAX), 0.0
        finally:
            self._rest.close()
            if self._journal is not None:
                self._journal.close()
        return self._report(clean, opened, owned)

    def _left_s(self) -> float:
        return KILL_S_MAX - (time.monotonic() - self._began)

    def _look(self) -> _Look | None:
        """Orders first, positions last; None where anything was not answered."""
        if not self._account:
            account = self._read(self._get(ACCOUNT), lambda a: rows_of(a, AccountMessage))
            if account is None:
                return None
            self._account = account.account_number
        opened = self._pages("open", "")
        since = self._journal.kept("since") if self._journal is not None else ""
        if since:
            since = instant_text(instant_of(since) - 300 * 10**9)
        listed = self._pages("all", since) if opened is not None else None
        if opened is None or listed is None:
            return None
        positions = self._read(self._get(POSITIONS), lambda a: rows_of(a, list[PositionMessage]))
        if positions is None:
            return None
        legs = [leg for order in listed for leg in order.legs or ()]
        by_id = {order.id: order for order in (*opened, *legs, *listed)}
        return _Look(orders=tuple(by_id.values()), open=tuple(opened), positions=tuple(positions))

    def _pages(self, status: str, after: str) -> list[OrderMessage] | None:
        found: dict[str, OrderMessage] = {}
        for _ in range(PAGES_MAX):
            query = {"status": status, "limit": str(ORDERS_PAGE), "direction": "asc"}
            if status == "all":
                query["nested"] = "true"
            if after:
                query["after"] = after
            rows = self._read(self._get(ORDERS, **query), order_rows)
            if rows is None:
                return None
            found.update((row.id, row) for row in rows)
            if len(rows) < ORDERS_PAGE:
                return list(found.values())
            after = instant_text(instant_of(rows[-1].submitted_at) - 1)
        self._trouble("more orders than can be read")
        return list(found.values())

    def _get(self, path: str, **query: str) -> Answer:
        return self._rest.get(path, timeout_s=max(self._left_s(), 0.1), **query)

    def _read(self, answer: Answer, reading: Callable[[Answer], T | None]) -> T | None:
        found = reading(answer)
        self._refusals = self._refusals + 1 if answer.status in REFUSED else 0
        if answer.status in REFUSED:
            self._trouble(f"status {answer.status}: the keys must be those of this account")
        elif found is None:
            meaning = of_cancel(answer)
            self._wait_s = max(self._wait_s, min(meaning.wait_s, RATE_WAIT_S_MAX))
            self._trouble(answer.trouble or f"status {answer.status}")
        return found

    def _trouble(self, text: str) -> None:
        if len(self._troubles) < TROUBLES_MAX:
            self._troubles[text] = None

    def _is_to_cancel(self, order: OrderMessage, owned: Owned) -> bool:
        return order.id in owned.broker_ids and order.client_order_id not in self._flattening()

    def _flattening(self) -> frozenset[str]:
        """Names of all orders that may flatten, of this kill and of those before it."""
        if not self._names:
            self._names = frozenset(
                self._name(asset, revision)
                for asset in range(len(self._plan.assets))
                for revision in range(REVISIONS_MAX)
            )
        return self._names

    def _name(self, asset: int, revision: int) -> str:
        plan = self._plan
        symbol = plan.assets[asset].symbol
        return client_order_id(
            self._account, plan.deployment, plan.tag, symbol, self._at, "flatten", revision
        )

    def _cancel(self, orders: Iterable[OrderMessage]) -> None:
        for order in orders:
            if self._left_s() <= 0:
                return
            if order.status == "pending_cancel":
                continue
            answer = self._rest.request("DELETE", f"{ORDERS}/{order.id}")
            meaning = of_cancel(answer)
            self._wait_s = max(self._wait_s, min(meaning.wait_s, RATE_WAIT_S_MAX))
            self._cancelled[order.client_order_id] = None
            if meaning.verdict not in {Verdict.ACCEPTED, Verdict.TOO_LATE, Verdict.NOT_FOUND}:
                self._trouble(f"cancel: {meaning.verdict} {meaning.words}"[:120])
                if meaning.verdict is Verdict.RATE_LIMITED:
                    return

    def _flatten(self, look: _Look, owned: Owned) -> bool:
        """Send what flattens and is not under way; whether there is nothing more to wait for."""
        is_open = self._is_open()
        done = True
        for asset, lots in enumerate(owned.to_flatten):
            if not lots:
                continue
            is_coin = self._plan.assets[asset].asset_class == "crypto"
            works = is_coin or is_open
            name = self._place(asset, lots, owned.free[asset], look)
            if works or name is None:
                done = False
            else:
                self._queued.add(name)
        return done

    def _is_open(self) -> bool:
        class Clock(Struct):
            is_open: bool

        found = self._read(self._get(CLOCK), lambda a: rows_of(a, Clock))
        return found is not None and found.is_open

    def _place(self, asset: int, lots: int, free: int, look: _Look) -> str | None:
        """An order that flattens, or the one that does already; its name."""
        listed = {order.client_order_id: order for order in look.orders}
        for revision in range(self._revisions[asset], REVISIONS_MAX):
            name = self._name(asset, revision)
            self._revisions[asset] = revision
            known = listed.get(name)
            if known is None:
                size = min(abs(lots), free)
                return self._post(asset, name, size if lots > 0 else -size) if size else None
            if known.status not in ENDED:
                return name
        self._trouble("too many orders to flatten one symbol")
        return None

    def _post(self, asset: int, name: str, lots: int) -> str | None:
        plan = self._plan.assets[asset]
        order = Order(
            client_order_id=name, number=0, event_ts=self._at, asset=asset, role="flatten",
            revision=self._revisions[asset], side=-1 if lots > 0 else 1, lots=abs(lots),
            parts=plan.parts, type="market",
            time_in_force="gtc" if plan.asset_class == "crypto" else "day",
        )  # fmt: skip
        answer = self._rest.request("POST", ORDERS, order_body(order, plan.symbol))
        meaning = of_order(answer, name)
        self._wait_s = max(self._wait_s, min(meaning.wait_s, RATE_WAIT_S_MAX))
        if meaning.verdict in {Verdict.ACCEPTED, Verdict.DUPLICATE}:
            return name
        self._trouble(f"{plan.symbol}: {meaning.verdict} {meaning.words}"[:120])
        return None

    def _report(self, clean: int, opened: list[OrderMessage], owned: Owned | None) -> KillReport:
        left = owned.left if owned is not None else (("unknown", 0),)
        confirmed = clean >= CLEAN_READS
        return KillReport(
            flat=confirmed and not left,
            confirmed=confirmed,
            cancelled=tuple(self._cancelled),
            open=tuple(order.client_order_id for order in opened),
            queued=tuple(sorted(self._queued)),
            left=left,
            troubles=tuple(self._troubles),
            seconds=time.monotonic() - self._began,
        )
