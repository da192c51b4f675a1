"""A running venue whose prices and accounts are made for tests of trading.

Prices repeat every session, so that a test knows what comes wherever the clock is. Each test
trades for an account of its own, and leads the clock on by itself; it never goes back.
"""

import contextlib
import json
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import pytest
from tests.fakes.venue_process import KEY, SECRET, Venue, eventually, library, running

NEW_YORK: Final = ZoneInfo("America/New_York")
FIRST: Final = date(2024, 7, 8)
DAYS: Final = 40
RICH, POOR = "PKRICH", "PKPOOR"
ACCOUNTS: Final = 150
POOR_ACCOUNTS: Final = 5
SHARES: Final = {"AAPL": 100.0, "MSFT": 200.0, "PNNY": 0.5}
COIN, COIN_PRICE = "BTC/USD", 50_000.0

# Of each session: its first minutes, some around noon, its last, and both extended hours.
MINUTES: Final = (
    *range(5 * 60, 5 * 60 + 6),
    *range(9 * 60 + 30, 10 * 60 + 12),
    *range(12 * 60 + 55, 13 * 60),
    *range(15 * 60 + 55, 16 * 60),
    *range(17 * 60, 17 * 60 + 6),
)
WAVE: Final = (0.0, 0.01, 0.02, 0.01, 0.0, -0.01, -0.02, -0.01)
AGREE_S_MAX: Final = 5.0
GAP: Final = 1.2
"""From each session's close to the next session's open prices of MSFT rise by this, and fall
back within its first minutes."""


def price_at(symbol: str, minute: int) -> float:
    """Price at a minute of the day in New York: a wave, and in MSFT a gap at the open."""
    base = SHARES.get(symbol, COIN_PRICE)
    if symbol == "MSFT" and minute == 9 * 60 + 30:
        return base * GAP
    return round(base * (1.0 + WAVE[minute % len(WAVE)]), 4)


def sessions() -> Iterator[date]:
    """Days on which the exchange trades."""
    for offset in range(DAYS):
        day = FIRST + timedelta(days=offset)
        if day.weekday() < 5:
            yield day


def write_bars(path: Path) -> None:
    """All minute bars, stamped by their starts."""
    lines = ["timestamp,symbol,open,high,low,close,volume"]
    for day in sessions():
        for symbol in (*SHARES, COIN):
            for minute in MINUTES:
                local = datetime.combine(day, time(minute // 60, minute % 60), NEW_YORK)
                price = price_at(symbol, minute)
                stamp = local.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
                lines.append(f"{stamp},{symbol},{price},{price},{price},{price},1000")
    path.write_text("\n".join(lines) + "\n")


def settings(folder: Path) -> dict[str, Any]:
    """Settings of the venue."""
    calendars = {**dict.fromkeys(SHARES, "XNYS"), COIN: "24/7"}
    keys = [(KEY, 100_000)]
    keys += [(f"{RICH}{number}", 100_000) for number in range(ACCOUNTS)]
    keys += [(f"{POOR}{number}", 1_500) for number in range(POOR_ACCOUNTS)]
    return {
        "accounts": [{"key": key, "secret": SECRET, "cash": cash} for key, cash in keys],
        "replay": {
            "source": str(folder / "bars.csv"),
            "begin": "2024-07-08T12:00:00Z",
            "calendar": calendars,
            "stamp": "start",
        },
        "speed": 0,
        "port": 0,
        "requests_per_minute": 1_000_000,
        "journal": str(folder / "venue.db"),
    }


@dataclass
class Trader:
    """An account of its own at the venue, and alpaca-py's client for it."""

    venue: Venue
    key: str
    client: Any = field(init=False)

    def __post_init__(self) -> None:
        self.client = library("alpaca.trading.client").TradingClient(
            self.key, SECRET, url_override=self.venue.rest_url
        )
        self.client._retry = 0
        self.client._session.trust_env = False

    def raw(self, method: str, path: str, body: Any = None, **query: Any) -> tuple[int, Any]:
        """One request without the library: status and body."""
        answer = self.client._session.request(
            method,
            f"{self.venue.rest_url}/v2{path}",
            json=body,
            params=query,
            headers={"APCA-API-KEY-ID": self.key, "APCA-API-SECRET-KEY": SECRET},
            timeout=30,
        )
        return answer.status_code, answer.json() if answer.content else None

    def submit(self, kind: str = "market", **fields: Any) -> Any:
        """Send an order by the library's own request; the order as answered."""
        return self.client.submit_order(request(kind, **fields))

    def order(self, order: Any) -> Any:
        """An order as it is now, its legs with it."""
        nested = library("alpaca.trading.requests").GetOrderByIdRequest(nested=True)
        return self.client.get_order_by_id(order.id, nested)

    def status(self, order: Any) -> str:
        """An order's status now."""
        return self.order(order).status.value

    def act(self, order: Any, event: str) -> Any:
        """What the venue's own people do to an order."""
        return self.venue.control(f"orders/{order.id}", {"event": event})

    @property
    def account(self) -> Any:
        return self.client.get_account()


def request(kind: str = "market", **fields: Any) -> Any:
    """A request of the library's for an order."""
    requests = library("alpaca.trading.requests")
    made = {
        "market": requests.MarketOrderRequest,
        "limit": requests.LimitOrderRequest,
        "stop": requests.StopOrderRequest,
        "stop_limit": requests.StopLimitOrderRequest,
        "trailing_stop": requests.TrailingStopOrderRequest,
    }[kind]
    usual: dict[str, Any] = {"symbol": "AAPL", "side": "buy", "time_in_force": "day"}
    if "notional" not in fields:
        usual["qty"] = 10
    return made(**{**usual, **fields})


def target(price: float) -> Any:
    """A take-profit."""
    return library("alpaca.trading.requests").TakeProfitRequest(limit_price=price)


def loss(price: float, limit: float | None = None) -> Any:
    """A stop-loss."""
    return library("alpaca.trading.requests").StopLossRequest(stop_price=price, limit_price=limit)


def refused(call: Any, *arguments: Any, **fields: Any) -> tuple[int, int, dict[str, Any]]:
    """Status, code and whole body of the library's error."""
    errors = library("alpaca.common.exceptions")
    with pytest.raises(errors.APIError) as caught:
        call(*arguments, **fields)
    return caught.value.status_code, caught.value.code, json.loads(str(caught.value))


@contextmanager
def world(folder: Path) -> Generator[Venue]:
    """The venue, running."""
    write_bars(folder / "bars.csv")
    config = folder / "venue.json"
    config.write_text(json.dumps(settings(folder)))
    with running(folder, "--config", str(config)) as venue:
        yield venue


def go(venue: Venue, clock: str) -> None:
    """Lead the clock to the next time of day in New York on a day with a session.

    Args:
        venue: Whose clock.
        clock: Such as "09:31"; where the clock is already past it, that of a following day.
    """
    now = datetime.fromtimestamp(venue.control("clock")["now_ns"] / 1e9, NEW_YORK)
    hour, minute = map(int, clock.split(":"))
    for day in sessions():
        wanted = datetime.combine(day, time(hour, minute), NEW_YORK)
        if wanted >= now:
            venue.until(wanted.astimezone(UTC).isoformat())
            return
    raise AssertionError(f"no session is left for {clock}")


def in_session(venue: Venue) -> None:
    """Lead the clock to a minute of a session after which its wave goes on for long enough."""
    now = datetime.fromtimestamp(venue.control("clock")["now_ns"] / 1e9, NEW_YORK)
    if not (time(9, 32) <= now.time() <= time(9, 50) and now.date() in set(sessions())):
        go(venue, "09:32")


class Updates:
    """The library's stream of trade updates in a thread of its own, and what it was given."""

    def __init__(self, trader: Trader) -> None:
        self.trader = trader
        self.seen: list[Any] = []
        self.agreed: dict[str, Any] = {}
        self.stream = library("alpaca.trading.stream").TradingStream(
            trader.key, SECRET, url_override=trader.venue.trade_updates_url
        )
        self.stream.subscribe_trade_updates(self._take)
        self.thread = threading.Thread(target=self.stream.run, daemon=True)

    async def _take(self, update: Any) -> None:
        self.seen.append(update)

    def __enter__(self) -> "Updates":
        self.thread.start()
        eventually(self._is_listening)
        return self

    def _is_listening(self) -> bool:
        clients = self.trader.venue.control("status")["clients"]
        account = str(self.trader.account.id)
        return any(
            one["endpoint"] == "trading" and one["account"] == account and one["subscriptions"]
            for one in clients
        )

    def __exit__(self, *_: object) -> None:
        self.stream.stop()
        # It looks for its end only when something comes.
        self.trader.client.cancel_order_by_id(self.trader.submit("limit", limit_price=1).id)
        self.thread.join(10)

    def of(self, order: Any) -> list[Any]:
        """Updates of an order, in their order."""
        return [one for one in self.seen if one.order.id == order.id]

    def events(self, order: Any) -> list[str]:
        """Their names."""
        return [str(getattr(one.event, "value", one.event)) for one in self.of(order)]

    def agree(self) -> None:
        """Wait until the last update of every order shows it as REST does."""
        code, listed = self.trader.raw("GET", "/orders", status="all", limit=500)
        assert code == 200
        model = library("alpaca.trading.models").Order
        changed = [one for one in listed if self.agreed.get(one["id"]) != one]
        shown = {order.id: order for order in (model(**one) for one in changed)}

        def as_shown() -> bool:
            last = {one.order.id: one.order for one in list(self.seen)}
            return all(last.get(name) == order for name, order in shown.items())

        with contextlib.suppress(AssertionError):
            eventually(as_shown, AGREE_S_MAX)
        last = {one.order.id: one.order for one in self.seen}
        for name, order in shown.items():
            assert last[name].model_dump() == order.model_dump()
        self.agreed.update((one["id"], one) for one in changed)
