"""Orders are found by the prices that concern them, and nothing is missed: all else is plain."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import ROUND_CEILING, Decimal
from random import Random
from typing import Any, cast

import pytest
from tests.fakes.venue_bars import play
from tests.fakes.venue_desk import ACCOUNT, KeptBook, MemoryArchive, make_desk

from fanfold.alpaca.wire.refusals import Refusal
from fanfold.venue.market.values import QuoteTick, StatusTick, TradeTick
from fanfold.venue.trading.exchange import Exchange
from fanfold.venue.trading.states import works
from fanfold.venue.trading.terms import Mischief, Terms
from fanfold.venue.trading.values import Account, Order, Position
from fanfold.venue.trading.waiting import Waiting

SECOND_NS = 10**9
ACCOUNTS = {ACCOUNT: Decimal(0), "seller": Decimal(1_000), "short": Decimal(-1_000)}
"""What each account holds of the asset at first."""


class Everything(Waiting):
    """Has every order that works looked at by every price, as if nothing were filed."""

    def __init__(self, book: "PlainBook", symbol: str) -> None:
        super().__init__()
        self._book, self._symbol = book, symbol

    def by_quote(self, bid: float, ask: float) -> list[str]:  # noqa: ARG002  (any)
        return [order.id for order in self._book.open_orders_of(self._symbol) if works(order)]

    def by_trade(self, low: float, high: float, *, path: bool) -> list[str]:  # noqa: ARG002
        return self.by_quote(low, high)


class PlainBook(KeptBook):
    """A book in which no order is found by its price."""

    def waiting(self, symbol: str) -> Waiting | None:
        return Everything(self, symbol)


def number_of(order: Order) -> int:
    """A number that follows from an order's name."""
    return sum(order.client_order_id.encode())


def _half(order: Order, qty: Decimal) -> Decimal:
    """All of the orders whose number is even, half of the others."""
    if order.filled_qty or number_of(order) % 2 == 0:
        return qty
    return (qty / 2).to_integral_value(ROUND_CEILING)


def _later(order: Order) -> int:
    return number_of(order) % 3 * SECOND_NS


MISCHIEF = Mischief(
    partly=_half,
    acceptance_ns=_later,
    cancel_ns=_later,
    replace_ns=_later,
    fills_late=lambda order: number_of(order) % 5 == 0,
    cancel_fails=lambda order: number_of(order) % 7 == 0,
)


def exchange_with(book_type: type[KeptBook], terms: Terms | None = None) -> Exchange:
    """An exchange at which AAPL is at 100."""
    desk = make_desk(quotes={"AAPL": (99.99, 100.01)}, terms=terms)
    book = book_type(MemoryArchive())
    for name, qty in ACCOUNTS.items():
        cash, since = Decimal(1_000_000), desk.market.now
        book.put_account(
            Account(id=name, number=name, cash=cash, last_equity=cash, created_at=since)
        )
        if qty:
            book.put_position(
                Position(account=name, symbol="AAPL", qty=qty, cost=100 * qty, intraday_qty=qty)
            )
    book.take()
    return Exchange(replace(desk, book=book))


def order_of(exchange: Exchange, **body: Any) -> Order:
    account = body.pop("account", ACCOUNT)
    asked = {"symbol": "AAPL", "qty": 1, "side": "buy", "time_in_force": "gtc", **body}
    taken = exchange.submit(account, asked)
    assert not isinstance(taken, Refusal), taken
    return taken


def concerned(exchange: Exchange, tick: QuoteTick | TradeTick) -> list[str]:
    waiting = exchange.desk.book.waiting(tick.symbol)
    if waiting is None:
        return []
    if isinstance(tick, QuoteTick):
        return waiting.by_quote(tick.bid, tick.ask)
    return waiting.by_trade(tick.low, tick.high, path=tick.path)


def a_quote(bid: float, ask: float) -> QuoteTick:
    return QuoteTick(0, "AAPL", bid, 1.0, ask, 1.0)


def a_trade(low: float, high: float, *, path: bool = True) -> TradeTick:
    return TradeTick(0, "AAPL", low, 1.0, 1, low, high, path=path)


# What a price concerns


def test_a_price_that_reaches_no_order_has_none_looked_at() -> None:
    exchange = exchange_with(KeptBook)
    for cents in range(200):
        order_of(exchange, type="limit", limit_price=90 - cents / 100)
        order_of(exchange, account="seller", side="sell", type="stop", stop_price=89 - cents / 100)
    assert concerned(exchange, a_quote(99.0, 90.01)) == []
    assert concerned(exchange, a_trade(90.01, 120.0)) == []


def test_only_the_orders_that_a_price_reaches_are_looked_at_oldest_first() -> None:
    exchange = exchange_with(KeptBook)
    named = [order_of(exchange, type="limit", limit_price=at).id for at in (90, 95, 91, 94)]
    assert concerned(exchange, a_quote(93.0, 94.0)) == [named[1], named[3]]
    assert concerned(exchange, a_trade(91.0, 96.0)) == [named[1], named[2], named[3]]


@pytest.mark.parametrize("path", [True, False])
def test_a_stop_is_found_by_trades_alone(*, path: bool) -> None:
    exchange = exchange_with(KeptBook)
    buy = order_of(exchange, type="stop", stop_price=105).id
    assert concerned(exchange, a_quote(200.0, 1.0)) == []
    assert concerned(exchange, a_trade(100.0, 104.99, path=path)) == []
    assert concerned(exchange, a_trade(100.0, 105.0, path=path)) == [buy]


def test_a_trailing_stop_is_found_by_a_new_extreme_and_by_its_stop() -> None:
    exchange = exchange_with(KeptBook)
    body = {"side": "sell", "type": "trailing_stop", "trail_price": 5}
    order = order_of(exchange, account="seller", **body)
    assert order.hwm is not None
    assert order.stop_price is not None
    extreme, stop = float(order.hwm), float(order.stop_price)
    assert concerned(exchange, a_trade(stop + 0.01, extreme - 0.01)) == []
    assert concerned(exchange, a_trade(extreme + 1, extreme + 1)) == [order.id]
    assert concerned(exchange, a_trade(stop, stop)) == [order.id]


def test_what_is_cancelled_or_replaced_is_found_at_its_old_price_no_more() -> None:
    exchange = exchange_with(KeptBook)
    gone, moved = (order_of(exchange, type="limit", limit_price=95).id for _ in range(2))
    exchange.cancel(ACCOUNT, gone)
    successor = exchange.replace(ACCOUNT, moved, {"limit_price": 90})
    assert isinstance(successor, Order)
    exchange.take()
    assert concerned(exchange, a_quote(94.0, 95.0)) == []
    assert concerned(exchange, a_quote(89.0, 90.0)) == [successor.id]
    exchange.cancel(ACCOUNT, successor.id)
    assert exchange.desk.book.waiting("AAPL") is None


def test_legs_that_begin_with_a_fill_meet_only_what_is_left_of_the_way() -> None:
    exchange = exchange_with(KeptBook)
    legs = {"take_profit": {"limit_price": 98}, "stop_loss": {"stop_price": 110}}
    body = {"side": "sell", "type": "limit", "limit_price": 101, "order_class": "bracket", **legs}
    entry = order_of(exchange, time_in_force="day", **body)
    market = cast("Any", exchange.desk.market)
    ts = market.now + SECOND_NS
    # From 97.5 up to 102: the entry is filled at 101, its target lies before that.
    play(exchange, TradeTick(ts, "AAPL", 102.0, 1.0, 1, 97.5, 102.0, path=True))
    book = exchange.desk.book
    states = [cast("Order", book.order(name)).status for name in (entry.id, *entry.legs)]
    assert states == ["filled", "new", "new"]


# The same as the plain way

STEPS = 150
WEIGHTS = {"submit": 6, "quote": 6, "path": 6, "trade": 2, "cancel": 1, "replace": 1, "act": 0.3}
TRADERS = ((ACCOUNT, "buy"), ("seller", "sell"), ("short", "buy"), ("short", "sell"))
KINDS = ("market", "limit", "limit", "limit", "stop", "stop_limit", "trailing_stop")
TIMES = ("gtc",) * 6 + ("day",) * 4 + ("ioc", "fok", "opg", "cls")
PHASES = ("pre", "regular", "after", "closed", "regular", "regular")


def steps(draw: Random) -> Iterator[tuple[Any, ...]]:
    """What may happen, on few prices so that orders are often just reached."""
    for number in range(STEPS):
        if number % 30 == 29:
            yield "phase", draw.choice(PHASES)
        if number % 20 in {10, 12}:
            yield "halt", number % 20 == 10
        what = draw.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
        price, other = (round(100 + draw.randint(-12, 12) / 10, 2) for _ in range(2))
        beyond, some = draw.randint(1, 12) / 10, draw.randrange(20)
        how: dict[str, tuple[Any, ...]] = {
            "submit": (draw.choice(TRADERS), terms_of(draw, price, beyond)),
            "quote": (price, draw.choice((0.1, 0.1, 0.2, math.nan))),
            "path": (price, other, draw.random() < 0.5),
            "trade": (price, draw.choice(("", "", "", "open", "close"))),
            "cancel": (some,),
            "replace": (some, price),
            "act": (some, draw.choice(("suspended", "new", "stopped"))),
        }
        yield what, *how[what]


def terms_of(draw: Random, price: float, beyond: float) -> dict[str, Any]:
    """An order's terms, for either side: "beyond" is where a stop lies, "before" a target."""
    kind, time = draw.choice(KINDS), draw.choice(TIMES)
    terms: dict[str, Any] = {"type": kind, "time_in_force": time}
    if kind in {"limit", "stop_limit"}:
        terms["limit_price"] = price
    if kind == "limit" and draw.random() < 0.3:
        return terms | {"extended_hours": True}
    if kind in {"market", "limit"} and time in {"day", "gtc"} and draw.random() < 0.4:
        return terms | {"order_class": draw.choice(("bracket", "oto", "oco")), "beyond": beyond}
    if kind == "trailing_stop":
        return terms | {"trail_price": beyond}
    return terms if kind in {"market", "limit"} else terms | {"beyond": beyond}


class Play:
    """One exchange that is taken through steps."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.market = cast("Any", exchange.desk.market)
        self.book = cast("KeptBook", exchange.desk.book)
        self.count = 0

    def step(self, what: str, *how: Any) -> Any:
        """Take a step; what came of it."""
        self.market.now += SECOND_NS
        due = self.exchange.next_due
        if due is not None and due <= self.market.now:
            self.exchange.on_clock(self.market.now)
        came = getattr(self, what)(*how)
        self.exchange.take()
        return came

    def submit(self, trader: tuple[str, str], terms: dict[str, Any]) -> Any:
        self.count += 1
        account, side = trader
        body = {"symbol": "AAPL", "qty": 4, "side": side, "client_order_id": str(self.count)}
        body |= terms
        beyond = body.pop("beyond", 0.0) * (1 if side == "buy" else -1)
        stop, before = round(100 + beyond, 2), round(100 - beyond, 2)
        match body.get("order_class"):
            case "bracket":
                body["stop_loss"] = {"stop_price": before}
                body["take_profit"] = {"limit_price": stop}
            case "oto":
                body["stop_loss"] = {"stop_price": before}
            case "oco":
                body |= {"type": "limit", "stop_loss": {"stop_price": stop}}
                body["take_profit"] = {"limit_price": before}
            case _ if beyond:
                body["stop_price"] = stop
        return self.exchange.submit(account, body)

    def quote(self, bid: float, spread: float) -> None:
        tick = QuoteTick(self.market.now, "AAPL", bid, 1.0, round(bid + spread, 2), 1.0)
        play(self.exchange, tick)

    def path(self, price: float, other: float, up: bool) -> None:  # noqa: FBT001  (a step's)
        low, high = sorted((price, other))
        at = high if up else low
        play(
            self.exchange, TradeTick(self.market.now, "AAPL", at, 1.0, 1, low, high, "", path=True)
        )

    def trade(self, price: float, auction: str) -> None:
        tick = TradeTick(self.market.now, "AAPL", price, 1.0, 1, price, price, auction)
        play(self.exchange, tick)

    def cancel(self, number: int) -> Any:
        order = self._one(number)
        return order and self.exchange.cancel(order.account, order.id)

    def replace(self, number: int, price: float) -> Any:
        order = self._one(number)
        if order is None:
            return None
        name = "stop_price" if order.kind == "stop" else "limit_price"
        asked = {name: price, "client_order_id": f"{self.count + 1}"}
        self.count += 1
        return self.exchange.replace(order.account, order.id, asked)

    def act(self, number: int, event: str) -> Any:
        order = self._one(number)
        return order and self.exchange.act(order.id, event)

    def halt(self, on: bool) -> None:  # noqa: FBT001  (a step's)
        self.market.halt("AAPL", on=on)
        play(self.exchange, StatusTick(self.market.now, "AAPL", "H" if on else "T", "", "", ""))

    def phase(self, phase: str) -> None:
        self.market.phase = phase

    def _one(self, number: int) -> Order | None:
        orders = list(self.book.all_open_orders())
        return orders[number % len(orders)] if orders else None


def ends(found: Play) -> Sequence[Any]:
    """All that became of it."""
    archive = found.book.archive
    return archive.changes, list(archive.orders.values()), list(found.book.all_open_orders())


@pytest.mark.parametrize("seed", range(15))
@pytest.mark.parametrize("terms", [Terms(), Terms(mischief=MISCHIEF)], ids=["plain", "mischief"])
def test_orders_that_are_found_by_price_fare_as_if_all_were_looked_at(
    terms: Terms, seed: int
) -> None:
    found = Play(exchange_with(KeptBook, terms))
    plain = Play(exchange_with(PlainBook, terms))
    for step in steps(Random(seed)):  # noqa: S311  (no secret)
        assert found.step(*step) == plain.step(*step)
    assert ends(found) == ends(plain)
