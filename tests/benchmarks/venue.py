"""How much a venue bears: messages out, orders in, both at once, its journal, its memory.

    python -m tests.benchmarks.venue

The real command runs in a process of its own with its journal on disk, clients in others.
Prints a table, and as its last line one JSON object. Takes about a minute, and wants two
cores for itself. "venue_us" is the venue's processor time a request or message, "venue_cpu"
its share of one core.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from tests.fakes.venue_process import Venue, running

from fanfold.venue.journal import Journal
from fanfold.venue.trading.book import Book
from fanfold.venue.trading.values import Account, Order

SECONDS: Final = 4.0
"""How long each case is measured for [s]."""

CONNECTIONS: Final = 8
"""Connections that send orders, each after its answer [connections]."""

RATE: Final = 500.0
"""Orders that are sent, and cancelled, beside the messages [orders/s]."""

COMMITS: Final = 3_000
KEYS: Final = tuple(f"PKBENCH{number}:made-up-secret-{number}" for number in range(4))
FOLLOWERS: Final = ((1, "msgpack"), (2, "msgpack"), (4, "msgpack"), (1, "json"), (4, "json"))
GOALS: Final = {"messages_per_s": 50_000, "orders_per_s": 1_000}
"""What a live test must be able to get and to send."""


def config(folder: Path) -> Path:
    """Settings of a venue with an account for each client; it never waits for anybody."""
    accounts = [dict(zip(("key", "secret"), pair.split(":"), strict=True)) for pair in KEYS]
    settings = {
        "port": 0,
        "accounts": [{**account, "cash": 1_000_000} for account in accounts],
        "speed": "max",
        "order_pause_s": 0,
        "requests_per_minute": 10_000_000,
        "journal": str(folder / "venue.db"),
    }
    path = folder / "venue.yaml"
    path.write_text(json.dumps(settings))
    return path


def client(name: str, *arguments: str) -> "subprocess.Popen[str]":
    """A client in a process of its own."""
    command = (sys.executable, "-m", f"tests.benchmarks.{name}", *arguments)
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def told(process: "subprocess.Popen[str]") -> dict[str, Any]:
    """What a client says in the end."""
    out, _ = process.communicate(timeout=60)
    if process.returncode:
        raise SystemExit(f"every client must end well, one ended with {process.returncode}")
    return json.loads(out)


def follower(venue: Venue, clients: int, codec: str, seconds: float) -> "subprocess.Popen[str]":
    """So many clients of all quotes, trades and bars."""
    asked = (venue.market_data_url, str(seconds), codec, *KEYS[:clients])
    return client("venue_follower", *asked)


def trader(
    venue: Venue, kind: str, connections: int, *, seconds: float = SECONDS, rate: float = 0.0
) -> "subprocess.Popen[str]":
    """One client that trades, as fast as it is answered or at a rate [orders/s]."""
    how = (seconds, connections, rate)
    asked = (venue.rest_url, venue.trade_updates_url, KEYS[0], kind, *map(str, how))
    return client("venue_trader", *asked)


def at_once(venue: Venue, clients: int) -> dict[str, Any]:
    """Orders in while messages go out: orders begin before and end after the messages.

    Each order is cancelled too, so requests are twice as many.
    """
    sending = trader(venue, "limit", CONNECTIONS, seconds=2 * SECONDS, rate=RATE)
    time.sleep(1.0)  # until it sends
    following = told(follower(venue, clients, "msgpack", SECONDS))
    both = {**told(sending), **following}
    del both["count"]  # of two kinds of things
    return both


def processor_s(pid: int) -> float:
    """Processor time of a process so far [s]."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def private_mb(pid: int) -> float:
    """Memory that a process shares with nobody [MB]."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    kept = [line.split()[1] for line in lines if line.startswith("Private_")]
    return round(sum(map(int, kept)) / 1024, 1)


def commits(folder: Path) -> dict[str, float]:
    """What it takes to journal an order that was taken: two events, on disk [µs]."""
    journal = Journal.open(folder / "commits.db", terms="benchmark")
    book, took, now = Book(journal), list[float](), 10**18
    account = Account(id="bench", number="PA1", cash=Decimal(1))
    book.put_account(account)
    journal.commit(book.take(), now)
    for number in range(COMMITS):
        now += 1_000
        order = Order(
            id=book.new_id(),
            client_order_id=f"order-{number}",
            account=account.id,
            symbol="AAPL",
            asset_class="us_equity",
            side="buy",
            kind="limit",
            time_in_force="gtc",
            qty=Decimal(10),
            limit_price=Decimal("1.5"),
            **dict.fromkeys(("created_at", "updated_at", "submitted_at"), now),
        )
        order = book.tell("new", book.tell("pending_new", order, now), now, status="new")
        changes = book.take()
        began = time.perf_counter()
        journal.commit(changes, now)
        took.append(1e6 * (time.perf_counter() - began))
    journal.close()
    ordered = sorted(took)
    return {
        "mean_us": round(statistics.mean(took), 1),
        "p50_us": round(ordered[COMMITS // 2], 1),
        "p99_us": round(ordered[COMMITS * 99 // 100], 1),
    }


def measured(venue: Venue) -> dict[str, dict[str, Any]]:
    """All rows of a running venue; orders come first, while its clock stands in a session."""
    rows: dict[str, dict[str, Any]] = {}

    def note(name: str, result: Any) -> None:
        used, began = processor_s(venue.pid), time.perf_counter()
        found = result()
        used, took = processor_s(venue.pid) - used, time.perf_counter() - began
        if "count" in found:
            found["venue_us"] = round(1e6 * used / found.pop("count"), 1)
        rows[name] = {**found, "venue_cpu": round(used / took, 2)}
        print(f"{name:<28}", "  ".join(f"{key} {value:,}" for key, value in rows[name].items()))

    for kind in ("market", "limit"):
        for connections in (1, CONNECTIONS):
            note(
                f"orders, {kind}, {connections} at once",
                lambda kind=kind, connections=connections: told(trader(venue, kind, connections)),
            )
    for clients, codec in FOLLOWERS:
        note(
            f"stream, {clients} of {codec}",
            lambda clients=clients, codec=codec: told(follower(venue, clients, codec, SECONDS)),
        )
    for clients in (1, 4):
        note(f"orders and {clients} of msgpack", lambda clients=clients: at_once(venue, clients))
    return rows


def main() -> None:
    """Measure, print a table and one line of JSON."""
    print(f"{os.cpu_count()} cores, {SECONDS} s a case")
    with tempfile.TemporaryDirectory() as named:
        folder = Path(named)
        with running(folder, "--config", str(config(folder))) as venue:
            before = private_mb(venue.pid)
            rows = measured(venue)
            rows["memory"] = {"start_mb": before, "end_mb": private_mb(venue.pid)}
        rows["journal, one order"] = commits(folder)
    for name in ("memory", "journal, one order"):
        print(f"{name:<28}", "  ".join(f"{key} {value:,}" for key, value in rows[name].items()))
    print(json.dumps({"benchmark": "venue", "goals": GOALS, "rows": rows}))


if __name__ == "__main__":
    main()
