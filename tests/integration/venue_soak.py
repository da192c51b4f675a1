"""A venue that is killed again and again under traffic, and what must be left of it each time.

Whatever was answered or told must be there as it was; what was sent and not answered may be
there wholly, or not at all.
"""

import json
import shutil
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import msgspec
from tests.fakes.venue_process import KEY, SECRET, Venue, command, eventually, start
from tests.integration.venue_traffic import ANSWER_S_MAX, Client, Hand, Listener, Sent

from fanfold.venue.journal import ActivityQuery, Journal, OrderQuery
from fanfold.venue.journal.restored import Restored
from fanfold.venue.server.event_feed import event_id
from fanfold.venue.server.trading.forms import order_form, update_form
from fanfold.venue.trading.values import Account, Booking, Event

CLIENTS = 3
KEYS = ((KEY, SECRET), ("PKSECOND", "another-secret"))
"""Accounts: clients have them by turns."""

LIFE_S = (0.05, 0.8)
"""A venue lives so long after its first answer before it is killed [s]."""

START_S = (0.3, 1.5)
"""One that is killed as it starts is left so long [s]."""

STOP_S = (0.0, 0.2)
"""One that is killed as it stops is left so long [s]."""

FIXED = ("id", "client_order_id", "submitted_at", "symbol", "qty", "side", "type", "limit_price")
"""What of an order nothing changes any more."""

TOLD = ("status", "qty", "filled_qty", "filled_value", "limit_price", "replaced_by", "replaces")
"""What of an order never changes without an event."""

CASH = Decimal(100_000)


@dataclass
class Soak:
    """Kills of one venue, with the clients that outlive it."""

    folder: Path
    seed: int
    kills: int = 0
    updates: int = 0
    clients: list[Client] = field(default_factory=list)
    left: Restored | None = None
    accounts: list[str] = field(default_factory=list)
    heard: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.rng = Random(self.seed)  # noqa: S311
        self.clients = [
            Client(f"client{n}", *KEYS[n % 2], Random(f"{self.seed} {n}"))  # noqa: S311
            for n in range(CLIENTS)
        ]
        self.listeners = [Listener(*keys) for keys in KEYS]
        self.hand = Hand(Client("hand", *KEYS[0], Random(f"{self.seed} hand")))  # noqa: S311
        accounts = [{"key": key, "secret": secret} for key, secret in KEYS]
        self.config.write_text(json.dumps({"accounts": accounts, "skip_nights": True}))

    @property
    def journal(self) -> Path:
        return self.folder / "venue.db"

    @property
    def config(self) -> Path:
        return self.folder / "venue.yaml"

    def run(self, kills: int) -> None:
        """Start, look, let clients work, kill; and look once more at the last that was started."""
        for number in range(kills + 1):
            if self.rng.random() < 0.2:
                self._kill_at_start()
            venue = self._start()
            try:
                self._look(venue)
                if number < kills:
                    self._work(venue)
            finally:
                venue.kill()
            self._look_into_the_journal()
        self.kills += kills

    def _kill_at_start(self) -> None:
        """Kill one before it can be reached."""
        with subprocess.Popen(
            command(*self._options), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as process:
            time.sleep(self.rng.uniform(*START_S))
            process.kill()

    def _start(self) -> Venue:
        return start(self.folder, *self._options)

    @property
    def _options(self) -> tuple[str, ...]:
        return (
            *("--config", str(self.config), "--journal", str(self.journal)),
            *("--replay", "sample", "--port", "0", "--speed", "0", "--seed", "3"),
            *("--set", "requests_per_minute=10000000"),
        )

    def _work(self, venue: Venue) -> None:
        stop, url = threading.Event(), venue.rest_url
        listens = [(one.listen, venue.trade_updates_url) for one in self.listeners]
        works = [(one.work, url) for one in self.clients]
        threads = [
            threading.Thread(target=target, args=(place, stop))
            for target, place in (*listens, *works, (self.hand.lead, url))
        ]
        before = self._answered
        for thread in threads:
            thread.start()
        eventually(lambda: self._answered > before, ANSWER_S_MAX)
        time.sleep(self.rng.uniform(*LIFE_S))
        assert venue.process.poll() is None, venue.log.read_text()
        if self.rng.random() < 0.2:  # in the middle of its end
            venue.process.terminate()
            time.sleep(self.rng.uniform(*STOP_S))
        venue.kill()
        stop.set()
        for thread in threads:
            thread.join(ANSWER_S_MAX)
            assert not thread.is_alive()
        failures = [failure for client in self.clients for failure in client.failures]
        assert not failures, failures

    @property
    def _answered(self) -> int:
        return sum(note.status is not None for note in self.sent)

    @property
    def sent(self) -> Iterator[Sent]:
        return (note for client in self.clients for note in client.sent)

    # What must be there

    def _look(self, venue: Venue) -> None:
        """Compare a venue that was started again, and stands, with what clients know."""
        clock = venue.control("clock")["now_ns"]
        assert clock >= max(self.hand.clocks, default=0), "the clock went back"
        status = venue.control("status")
        self.accounts.clear()
        for number, (key, secret) in enumerate(KEYS):
            venue.session.headers.update({"APCA-API-KEY-ID": key, "APCA-API-SECRET-KEY": secret})
            account = venue.ask("GET", "/v2/account")[1]["id"]
            self.accounts.append(account)
            orders = all_orders(venue)
            sent = [note for client in self.clients[number::2] for note in client.sent]
            compare(orders, sent)
            (shown,) = [one for one in status["accounts"] if one["id"] == account]
            self._compare_book(shown, orders)

    def _compare_book(self, shown: Mapping[str, Any], orders: list[Mapping[str, Any]]) -> None:
        """What the venue works with is what its journal was left with."""
        if self.left is None:
            return
        before = [order for order in self.left.orders if order.account == shown["id"]]
        assert shown["open_order_count"] == len(before), "the book has other orders"
        (account,) = [one for one in self.left.accounts if one.id == shown["id"]]
        assert Decimal(shown["cash"]) == account.cash
        by_id = {order["id"]: order for order in orders}
        for order in before:
            assert by_id[order.id] | {"legs": None} == plain(order_form(order)) | {"legs": None}
        held = {one.symbol: one.qty for one in self.left.positions if one.account == account.id}
        there = {one["symbol"]: Decimal(one["qty"]) for one in shown["positions"]}
        assert there == {symbol: qty for symbol, qty in held.items() if qty}

    def _look_into_the_journal(self) -> None:
        """Open a copy of what the killed venue left, and add it up."""
        copy = self.folder / "copy"
        shutil.rmtree(copy, ignore_errors=True)
        copy.mkdir()
        for file in self.folder.glob("venue.db*"):
            shutil.copy(file, copy)
        journal = Journal.open(copy / "venue.db", terms=terms_of(copy / "venue.db"))
        try:
            self.left = add_up(journal)
            for account, listener in zip(self.accounts, self.listeners, strict=True):
                told, listener.told = listener.told, []
                if told:
                    events = events_of(journal, account)
                    self.heard[account] = compare_told(events, told, self.heard.get(account, -1))
                self.updates += len(told)
        finally:
            journal.close()


def compare(orders: list[Mapping[str, Any]], sent: list[Sent]) -> None:
    """Compare all orders of an account with what its clients sent."""
    by_own = {order["client_order_id"]: order for order in orders}
    by_id = {order["id"]: order for order in orders}
    assert len(by_own) == len(by_id) == len(orders), "an order is there twice"
    makes = {note.own: note for note in sent if note.own}
    legs = {leg["id"] for order in orders for leg in order["legs"] or ()}
    closes = [note for note in sent if note.what == "close"]
    closing = {note.answer["id"] for note in closes if note.done}
    assert closing <= set(by_id)
    strangers = [
        order
        for own, order in by_own.items()
        if own not in makes and order["id"] not in legs | closing
    ]
    unanswered = sum(note.status is None for note in closes)
    assert len(strangers) <= unanswered, f"orders are there that nobody sent: {strangers}"
    for own, note in makes.items():
        if note.done:
            found = by_own[own]
            assert [found[name] for name in FIXED] == [note.answer[name] for name in FIXED]
            assert len(found["legs"] or ()) == len(note.answer["legs"] or ())
            _compare_trail(note.answer, found)
        elif note.status is not None:
            assert own not in by_own, f"{own} was refused and is there"
    for note in sent:
        if note.what == "cancel":
            assert not note.done or by_id[note.about]["status"] == "canceled", by_id[note.about]
        elif note.what == "replace":
            _compare_replace(note, by_id[note.about], by_own.get(note.own))
        elif note.what == "cancel_all" and note.done:
            for one in note.answer:
                assert one["status"] != 200 or by_id[one["id"]]["status"] == "canceled"


def _compare_replace(note: Sent, old: Mapping[str, Any], new: Mapping[str, Any] | None) -> None:
    """A replacement is there with both its orders, or with neither."""
    is_there = new is not None
    assert is_there or not note.done
    assert (old["status"] == "replaced") == is_there, (old, new)
    if new is not None:
        assert (old["replaced_by"], new["replaces"]) == (new["id"], old["id"])


def _compare_trail(before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """A trailing stop of a sale only rises."""
    if before["type"] == "trailing_stop" and before["hwm"] is not None:
        assert Decimal(now["hwm"]) >= Decimal(before["hwm"])
        assert Decimal(now["stop_price"]) >= Decimal(before["stop_price"])


def compare_told(events: list[Event], told: list[Mapping[str, Any]], before: int) -> int:
    """Each update that a client was told in a life of the venue is in the journal as it was told.

    They follow each other there, and those of the life before.

    Args:
        events: All of the account, as journaled.
        told: What it was told.
        before: Place among the events of the last that it was told before.

    Returns:
        The same of the last that it was told now.
    """
    places = {event_id(event): place for place, event in enumerate(events)}
    found = [places[one["event_id"]] for one in told]
    assert found == list(range(found[0], found[0] + len(found))), "an update is missing"
    assert found[0] > before, "an update was told again"
    assert [plain(update_form(events[place])) for place in found] == told
    return found[-1]


def plain(form: Any) -> dict[str, Any]:
    """A form as JSON has it."""
    return msgspec.json.decode(msgspec.json.encode(form))


def all_orders(venue: Venue) -> list[Mapping[str, Any]]:
    """All orders of the account, page by page, oldest first, and legs after their parents."""
    found: list[Mapping[str, Any]] = []
    page = "status=all&direction=asc&limit=500&nested=true"
    while True:
        after = f"&after_order_id={found[-1]['id']}" if found else ""
        code, orders = venue.ask("GET", f"/v2/orders?{page}{after}")
        assert code == 200, orders
        found += orders
        if len(orders) < 500:
            break
    return found + [leg for order in found for leg in order["legs"] or ()]


def terms_of(path: Path) -> str:
    """What a journal was begun with."""
    connection = sqlite3.connect(path)
    (terms,) = connection.execute("SELECT terms FROM terms").fetchone()
    connection.close()
    return terms


def add_up(journal: Journal) -> Restored:
    """What a journal holds must follow from its records alone."""
    restored = journal.restored()
    assert restored is not None
    records = [one for account in restored.accounts for one in records_of(journal, account.id)]
    assert sorted(one.seq for one in records) == list(range(1, restored.seq + 1))
    assert restored.clock >= max((one.ts for one in records), default=0) - 1_000_000
    fills = [one.execution.id for one in records if isinstance(one, Event) and one.execution]
    assert len(set(fills)) == len(fills), "a fill is there twice"
    for account in restored.accounts:
        add_up_account(journal, restored, account)
    return restored


def add_up_account(journal: Journal, restored: Restored, account: Account) -> None:
    """An account's money, units and orders must follow from its records."""
    cash, held, last = CASH, dict[str, Decimal](), {}
    for record in records_of(journal, account.id):
        if isinstance(record, Booking):
            cash += record.amount
            if record.kind == "SPLIT":
                held[record.symbol] += record.qty
            continue
        last[record.order.id] = record.order
        if record.execution is not None:
            symbol, sign = record.order.symbol, record.order.sign
            held[symbol] = held.get(symbol, Decimal(0)) + sign * record.execution.qty
            cash -= sign * record.execution.amount
            assert held[symbol] == record.execution.position_qty
    assert account.cash == cash
    assert {one.symbol: one.qty for one in restored.positions if one.account == account.id} == held
    is_open = {name for name, order in last.items() if order.is_open}
    assert {one.id for one in restored.orders if one.account == account.id} == is_open
    for order in last.values():
        kept = journal.order(order.id)
        assert kept is not None
        assert journal.order_by_client_id(account.id, order.client_order_id) == kept
        assert [getattr(kept, name) for name in TOLD] == [getattr(order, name) for name in TOLD]
    every = OrderQuery(status="all", limit=10_000)
    assert len(journal.orders(account.id, every)) == min(len(last), 10_000)


def records_of(journal: Journal, account: str) -> list[Event | Booking]:
    """Events and bookings of an account, by their numbers."""
    activities = journal.activities(account, ActivityQuery(page_size=10_000, ascending=True))
    bookings = [one for one in activities if isinstance(one, Booking)]
    return sorted([*events_of(journal, account), *bookings], key=lambda one: one.seq)


def events_of(journal: Journal, account: str) -> list[Event]:
    """All events of an account."""
    return _paged(lambda last: journal.events(account, after_seq=last))


def _paged(ask: Callable[[int], list[Event]]) -> list[Event]:
    found: list[Event] = []
    while page := ask(found[-1].seq if found else 0):
        found += page
    return found
