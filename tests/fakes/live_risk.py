"""A deployment's risk with everything well: armed, fed, funded, its gate open."""

import math
from pathlib import Path
from typing import Any

from fanfold.live.folder import Folder
from fanfold.live.messages import (
    EXECUTION,
    MARKET_DATA,
    SIGNAL,
    AccountState,
    ApprovedOrder,
    Envelope,
    Fill,
    Gate,
    Intent,
    OrderChange,
    Prior,
    Quote,
    Refusal,
    Row,
    Step,
    Value,
)
from fanfold.live.plan import Addresses, AssetPlan, Plan, Session
from fanfold.live.risk import Risk
from fanfold.live.settings import LiveSettings

SECOND = 1_000_000_000
HOUR = 3_600 * SECOND
DAY = 24 * HOUR
FIRST_DAY = 20_000
OPEN = FIRST_DAY * DAY + 14 * HOUR
NOON = OPEN + 2 * HOUR
NOW = 1_700_000_000 * SECOND
CASH = 100_000_000_000
NAN = math.nan
SHORTABLE = AssetPlan(
    symbol="A0", asset_class="us_equity", calendar="XNYS", parts=1, tick_coarse=10_000,
    tick_fine=100, shortable=True,
)  # fmt: skip


def sessions(count: int = 30) -> tuple[Session, ...]:
    """One session a day, seven hours long."""
    return tuple(
        Session(
            day=FIRST_DAY + place,
            open_ts=OPEN + place * DAY,
            close_ts=OPEN + place * DAY + 7 * HOUR,
            is_month_end=False,
            nights=1,
        )
        for place in range(count)
    )


def plan_of(asset_count: int = 3, **changes: Any) -> Plan:
    """A plan of some shares.

    `limits`, `account`, `costs` and `options` go into its job, `risk`, `market` and
    `execution` into its settings, the rest into its assets.
    """
    job = {
        name: changes.pop(name)
        for name in ("limits", "account", "costs", "options")
        if name in changes
    }
    live = {name: changes.pop(name) for name in ("risk", "market", "execution") if name in changes}
    asset = SHORTABLE.model_copy(update=changes)
    return Plan(
        deployment="trial",
        assets=tuple(asset.model_copy(update={"symbol": f"A{i}"}) for i in range(asset_count)),
        strategy="SmaCross",
        params={},
        job=job,
        addresses=Addresses(rest_url="", data_url="", market_stream_url="", trade_stream_url=""),
        sessions={"XNYS": sessions()},
        warm_up_bars=0,
        data_fingerprint="",
        spec_hash="",
        code_hash="",
        made_at=0,
        settings=LiveSettings.model_validate(live),
    )


class World:
    """Risk and whoever talks to it.

    Args:
        path: Where its folder is made.
        changes: As in `plan_of`; `price` of all assets.
    """

    def __init__(
        self,
        path: Path,
        *,
        price: float = 100.0,
        cash: int = CASH,
        ready: bool = True,
        **changes: Any,
    ) -> None:
        self.folder = Folder(path)
        self.folder.make()
        self.plan = plan_of(**changes)
        self.now = NOW
        self.ts = NOON
        self.count = len(self.plan.assets)
        self.numbers: dict[str, int] = {}
        self.intents = 0
        self.cash = cash
        self.prices = [price] * self.count
        self.risk = Risk(self.plan, self.folder, 1, self.now)
        if ready:
            self.make_ready()

    def make_ready(self) -> None:
        """Say all that risk waits for, and arm it."""
        for asset, price in enumerate(self.prices):
            self.market(Prior(asset, 1e9, price, 1))
            self.quote(asset, price)
        self.bars()
        self.execution(Gate(self.ts, open=True, reason=""))
        self.account(self.cash)
        self.risk.arm(1, self.now)

    def again(self, incarnation: int = 2) -> None:
        """Start risk anew, as after its process was killed."""
        self.risk = Risk(self.plan, self.folder, incarnation, self.now)

    def send(self, sender: str, *values: Value) -> list[tuple[str, Value]]:
        """One envelope; what comes back."""
        number = self.numbers[sender] = self.numbers.get(sender, 0) + 1
        return list(self.risk.take(Envelope(sender, 1, number, self.now, values), b"", self.now))

    def market(self, *values: Value) -> list[tuple[str, Value]]:
        """Of market data."""
        return self.send(MARKET_DATA, *values)

    def execution(self, *values: Value) -> list[tuple[str, Value]]:
        """Of execution."""
        return self.send(EXECUTION, *values)

    def quote(self, asset: int, price: float, spread: float = 2e-4) -> list[tuple[str, Value]]:
        """A quote around a price."""
        self.ts += 1_000
        half = 0.5 * spread * price
        return self.market(Quote(asset, self.ts, price - half, price + half, 100.0, 100.0))

    def bars(self, *prices: float, ts: int = 0) -> list[tuple[str, Value]]:
        """A step of all assets."""
        self.prices = list(prices) or self.prices
        self.ts = ts or self.ts + 1_000
        rows = tuple(Row(i, p, p, p, p, 1e6) for i, p in enumerate(self.prices))
        return self.market(Step(self.ts, rows))

    def account(
        self, cash: int = CASH, held: tuple[int, ...] = (), power: int = 4 * CASH, **rest: Any
    ) -> list[tuple[str, Value]]:
        """The broker's word."""
        held = held or (0,) * self.count
        value = sum(
            round(lots * price * 1e6) for lots, price in zip(held, self.prices, strict=True)
        )
        return self.execution(
            AccountState(
                self.ts, held, (0,) * self.count, cash, rest.get("equity", cash + value), power
            )
        )

    def intent(self, asset: int, goal: int, **changes: Any) -> Intent:
        """The next intent, at market unless told otherwise."""
        self.intents += 1
        mark = self.prices[asset] if 0 <= asset < self.count else 100.0
        usual: dict[str, Any] = {
            "number": self.intents, "event_ts": self.ts, "asset": asset, "goal": goal,
            "limit": NAN, "stop": NAN, "stop_loss": NAN, "take_profit": NAN,
            "mark": mark, "forced": False,
        }  # fmt: skip
        return Intent(**(usual | changes))

    def ask(
        self, asset: int, goal: int, **changes: Any
    ) -> tuple[ApprovedOrder | None, Refusal | None]:
        """Send an intent; what was approved, and what was refused."""
        out = self.send(SIGNAL, self.intent(asset, goal, **changes))
        approved = [value for _, value in out if isinstance(value, ApprovedOrder)]
        refused = [value for _, value in out if isinstance(value, Refusal)]
        assert len(approved) <= 1 >= len(refused)
        return (approved or [None])[0], (refused or [None])[0]

    def fill(
        self, asset: int, lots: int, held: int, price: float = 0.0, role: str = "entry"
    ) -> list[tuple[str, Value]]:
        """An execution of one of our orders."""
        self.numbers["fill"] = name = self.numbers.get("fill", 0) + 1
        micro = round((price or self.prices[asset]) * 1e6)
        return self.execution(
            Fill(f"e{name}", f"c{name}", asset, role, self.ts, lots, micro, 0, held)
        )

    def order(
        self, asset: int, left: int, *, name: str = "o1", number: int = 0, **changes: Any
    ) -> list[tuple[str, Value]]:
        """One of our orders is in another state."""
        usual: dict[str, Any] = {
            "client_order_id": name, "number": number or self.intents, "asset": asset,
            "role": "entry", "state": "accepted", "left": left, "limit": NAN, "stop": NAN,
            "ts": self.ts, "reason": "",
        }  # fmt: skip
        return self.execution(OrderChange(**(usual | changes)))
