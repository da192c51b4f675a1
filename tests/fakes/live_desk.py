"""Execution against a real venue, driven by its methods, and what each of them says.

Every test has an account and a folder of its own; the venue's clock stands until it is led.
"""

import dataclasses
import itertools
import math
import select
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.venue_process import SECRET, Venue
from tests.fakes.venue_world import RICH, Trader

from fanfold.live.component import Outgoing
from fanfold.live.execution import sending
from fanfold.live.execution.execution import Execution
from fanfold.live.folder import Folder
from fanfold.live.messages import (
    EXECUTION,
    RISK,
    SIGNAL,
    AccountState,
    ApprovedOrder,
    Envelope,
    Fill,
    Gate,
    OrderChange,
)
from fanfold.live.plan import Addresses, AssetPlan, Plan, write_plan
from fanfold.live.settings import LiveSettings

NAN = math.nan
NUMBERS: Iterator[int] = itertools.count()
PATIENCE_S = 10.0
QUICK = {
    "broker": {"connect_timeout_s": 0.5, "read_timeout_s": 0.5, "connections": 2,
               "requests_per_minute": 100_000, "reserve": 100},
    "execution": {"unknown_waits_s": [0.05, 0.1, 0.2], "account_poll_s": 0.3,
                  "orders_poll_s": 0.5, "lease_s": 1.0},
    "market": {"backoff_s": 0.05, "backoff_max_s": 0.2},
}  # fmt: skip
PRICES = {"AAPL": 100.0, "MSFT": 200.0, "BTC/USD": 50_000.0}
SYMBOLS = tuple(PRICES)


def plan_of(venue: Venue, name: str, settings: dict[str, Any]) -> Plan:
    """A deployment at the venue: two shares and a coin."""
    merged = {
        part: {**QUICK.get(part, {}), **settings.get(part, {})} for part in {*QUICK, *settings}
    }
    assets = [
        AssetPlan(
            symbol=symbol,
            asset_class="crypto" if "/" in symbol else "us_equity",
            calendar="24/7" if "/" in symbol else "XNYS",
            parts=10**9 if "/" in symbol else 1,
            tick_coarse=10_000,
            tick_fine=100,
            shortable="/" not in symbol,
        )
        for symbol in SYMBOLS
    ]
    return Plan(
        deployment=name, assets=tuple(assets), strategy="none", params={}, job={},
        addresses=Addresses(
            rest_url=venue.rest_url, data_url=venue.rest_url,
            market_stream_url=venue.market_data_url, trade_stream_url=venue.trade_updates_url,
        ),
        sessions={}, warm_up_bars=0, data_fingerprint="", spec_hash="", code_hash="", made_at=0,
        settings=LiveSettings.model_validate(merged),
    )  # fmt: skip


@dataclasses.dataclass
class Desk:
    """Execution, an account, and everything that was said to signal."""

    venue: Venue
    trader: Trader
    folder: Folder
    plan: Plan
    made: Execution
    said: list[Any] = dataclasses.field(default_factory=list[Any])
    numbers: Iterator[int] = dataclasses.field(default_factory=lambda: itertools.count(1))
    incarnation: int = 1

    def hear(self, outgoing: Sequence[Outgoing]) -> None:
        """Keep what signal is told; risk must be told the same."""
        told = list(outgoing)
        heard = {name: [value for to, value in told if to == name] for name in (SIGNAL, RISK)}
        assert repr(heard[SIGNAL]) == repr(heard[RISK])  # as text, since prices may be NaN
        self.said += [value for receiver, value in told if receiver == SIGNAL]

    def turn(self) -> None:
        """One turn of a loop."""
        sources = list(self.made.pollables())
        ready, _, _ = select.select(sources, [], [], 0.005)
        for source in ready:
            self.hear(source.ready(time.time_ns()))
        self.hear(self.made.tick(time.time_ns()))

    def until(self, holds: Callable[[], Any], seconds: float = PATIENCE_S) -> None:
        """Turn until something holds; it must."""
        end = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < end, (self.made.statistics(), self.said[-10:])
            self.turn()

    def run(self, seconds: float) -> None:
        """Turn for a while."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.turn()

    def armed(self) -> "Desk":
        """Armed, and the gate open."""
        self.hear(self.made.arm(1, time.time_ns()))
        self.until(lambda: self.gate)
        return self

    @property
    def gate(self) -> bool:
        gates = self.of(Gate)
        return bool(gates) and gates[-1].open

    @property
    def reason(self) -> str:
        """Why the gate is closed."""
        gates = self.of(Gate)
        return gates[-1].reason if gates else ""

    def of(self, kind: type) -> list[Any]:
        """What was said of one kind."""
        return [value for value in self.said if isinstance(value, kind)]

    def approve(self, goal: int, asset: int = 0, **fields: Any) -> ApprovedOrder:
        """Approve a goal, and hand it over."""
        now = time.time_ns()
        number = next(self.numbers)
        usual: dict[str, Any] = {
            "number": number, "event_ts": number, "asset": asset, "goal": goal,
            "most": 10**12, "limit": NAN, "stop": NAN, "stop_loss": NAN, "take_profit": NAN,
            "reference": PRICES[SYMBOLS[asset]], "reduce_only": False, "approved_at": now,
            "epoch": 1,
        }  # fmt: skip
        value = ApprovedOrder(**{**usual, **fields})
        self.hear(self.made.take(Envelope(RISK, 1, number, now, (value,)), b"", now))
        return value

    def states(self) -> list[str]:
        """States that orders came to, in order."""
        return [change.state for change in self.of(OrderChange)]

    def held(self) -> list[int]:
        """Lots that execution says are held."""
        return list(self.of(AccountState)[-1].held)

    def position(self, symbol: str = "AAPL") -> float:
        """Units that the account holds."""
        code, found = self.trader.raw("GET", f"/positions/{symbol}")
        return float(found["qty"]) if code == 200 else 0.0

    def orders(self) -> list[dict[str, Any]]:
        """The venue's orders of the account, the newest first."""
        code, found = self.trader.raw("GET", "/orders", status="all", limit=500)
        assert code == 200
        return found

    def fault(self, kind: str, **fields: Any) -> dict[str, Any]:
        """Let something go wrong for this account."""
        account = str(self.trader.account.id)
        return self.venue.control("faults", {"kind": kind, "account": account, **fields})

    def quiet(self) -> None:
        """Wait until what is said to be held is what the venue has, and nothing is asked about."""
        self.venue.control("faults", method="DELETE")

        def agrees() -> bool:
            fills = [0] * len(SYMBOLS)
            for fill in self.of(Fill):
                fills[fill.asset] += fill.lots
            gauges = self.made.statistics().gauges
            shares = [self.position(symbol) for symbol in SYMBOLS[:2]]
            return self.gate and not gauges["asked_about"] and fills[:2] == shares

        self.until(agrees, 20.0)
        names = [order["client_order_id"] for order in self.orders()]
        assert len(names) == len(set(names))

    def restart(self) -> None:
        """End the process's part without its goodbyes, and begin anew."""
        self.made._stream.close()
        self.made._lines.close()
        self.made._agreement.close()
        self.made._book.journal.close()
        self.incarnation += 1
        self.made = Execution.opened(self.folder, self.incarnation, time.time_ns())

    def close(self) -> None:
        """Let go of everything."""
        self.made.close()
        self.trader.client._session.close()


@contextmanager
def desk_at(
    venue: Venue, path: Path, monkeypatch: pytest.MonkeyPatch, **settings: Any
) -> Generator[Desk]:
    """Execution of a new deployment on an account of its own."""
    number = next(NUMBERS)
    trader = Trader(venue, f"{RICH}{number}")
    monkeypatch.setenv("APCA_API_KEY_ID", trader.key)
    monkeypatch.setenv("APCA_API_SECRET_KEY", SECRET)
    # The least time of not finding an order: seconds for people, too long for tests.
    monkeypatch.setattr(sending, "LOST_AFTER_S", 0.3)
    monkeypatch.setenv("FANFOLD_HOME", str(path / "home"))
    folder = Folder(path / f"desk-{number}")
    folder.make()
    plan = plan_of(venue, folder.name, settings)
    write_plan(folder, plan)
    desk = Desk(venue, trader, folder, plan, Execution.opened(folder, 1, time.time_ns()))
    try:
        yield desk
    finally:
        venue.control("faults", method="DELETE")
        desk.close()


__all__ = ["EXECUTION", "Desk", "desk_at"]
