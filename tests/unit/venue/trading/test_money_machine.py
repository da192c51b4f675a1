"""Anything in any order, and after each step the books add up: an independent ledger says so."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from tests.fakes.venue_bars import play
from tests.fakes.venue_desk import ACCOUNT, EPOCH, NEW_YORK, make_desk
from tests.fakes.venue_ledger import CENT, ZERO, Ledger, rounded, told

from fanfold.alpaca.wire.refusals import Refusal
from fanfold.venue.market.values import ActionTick, PhaseTick, QuoteTick, StatusTick, TradeTick
from fanfold.venue.trading import money
from fanfold.venue.trading.exchange import Exchange
from fanfold.venue.trading.terms import Mischief, Terms
from fanfold.venue.trading.values import Event, Order

CASH = Decimal(20_000)
SECOND_NS = 10**9
DAY_NS = 86_400 * SECOND_NS
SHARES = ("AAPL", "NOFRAC")
SYMBOLS = (*SHARES, "BTC/USD")
PHASES = {(4, 0): "day", (9, 30): "open", (16, 0): "close", (20, 0): "end"}
EVENTS = ("suspended", "new", "stopped", "done_for_day", "expired", "canceled", "rejected")


def half(qty: Decimal) -> Decimal:
    return round(qty / 2, 9)


def optional(values: Any) -> Any:
    return st.none() | values


SIDES = st.sampled_from(["buy", "sell"])
OFFSETS = st.sampled_from([-0.08, -0.03, -0.01, -0.002, 0.002, 0.01, 0.03, 0.08])
SIZES = st.sampled_from([1, 3, 10, 0.5, 0.123456789])


class Venue(RuleBasedStateMachine):
    """One account that does anything, at a venue that does anything."""

    @initialize(
        fees=st.sampled_from(["paper", "live"]),
        halves=st.booleans(),
        pending_s=st.sampled_from([0, 0, 2]),
        late=st.booleans(),
    )
    def begin(self, *, fees: Any, halves: bool, pending_s: int, late: bool) -> None:
        mischief = Mischief(
            partly=lambda order, qty: half(qty) if halves and not order.filled_qty else qty,
            fills_late=lambda order: late and order.resting_since is not None,
            acceptance_ns=lambda _order: pending_s * SECOND_NS,
            cancel_ns=lambda _order: pending_s * SECOND_NS,
            replace_ns=lambda _order: pending_s * SECOND_NS,
            cancel_fails=lambda order: pending_s > 0 and order.kind == "limit",
        )
        desk = make_desk(cash=CASH, terms=Terms(fees=fees, mischief=mischief))
        self.market: Any = desk.market
        self.exchange = Exchange(desk)
        self.ledger = Ledger()

    # What a client may ask for

    @rule(
        symbol=st.sampled_from(SYMBOLS),
        side=SIDES,
        kind=st.sampled_from(["market", "limit", "stop", "stop_limit", "trailing_stop"]),
        time=st.sampled_from(["day", "gtc", "ioc", "fok", "opg", "cls"]),
        size=SIZES,
        near=OFFSETS,
        far=OFFSETS,
        extended=st.sampled_from([False, False, True]),
        by_money=st.sampled_from([False, False, False, True]),
    )
    def submit(self, **drawn: Any) -> None:
        price = self.market.last(drawn["symbol"])
        kind, time, size, by_money = (drawn[name] for name in ("kind", "time", "size", "by_money"))
        coin = "/" in drawn["symbol"]
        # Mostly what the venue takes; what it refuses is not what is looked at here.
        if "stop" in kind:
            time = {"opg": "day", "ioc": "day", "cls": "gtc", "fok": "gtc"}.get(time, time)
        if coin:
            time = time if time == "ioc" else "gtc"
            kind = {"stop": "stop_limit", "trailing_stop": "limit"}.get(kind, kind)
        elif time != "day" or kind == "trailing_stop":
            size, by_money = max(int(size), 1), False
        side = 1 if drawn["side"] == "buy" else -1
        stop = price * (1 + side * abs(drawn["far"]))
        limit = (stop if kind == "stop_limit" else price) * (1 + drawn["near"])
        self._send(
            symbol=drawn["symbol"],
            side=drawn["side"],
            type=kind,
            time_in_force=time,
            qty=None if by_money else round(size * (0.05 if coin else 1), 9),
            notional=250 if by_money else None,
            limit_price=round(limit, 2) if kind in {"limit", "stop_limit"} else None,
            stop_price=round(stop, 2) if kind in {"stop", "stop_limit"} else None,
            trail_percent=2 if kind == "trailing_stop" else None,
            extended_hours=drawn["extended"] and kind == "limit" and time in {"day", "gtc"},
        )

    @rule(
        symbol=st.sampled_from(SHARES),
        side=SIDES,
        kind=st.sampled_from(["market", "limit"]),
        order_class=st.sampled_from(["bracket", "oto", "oco"]),
        near=st.sampled_from([0.005, 0.02]),
        size=st.sampled_from([1, 10]),
    )
    def submit_group(self, **drawn: Any) -> None:
        price = self.market.last(drawn["symbol"])
        held = self.exchange.desk.book.position(ACCOUNT, drawn["symbol"]).qty
        order_class = "oco" if held else drawn["order_class"].replace("oco", "bracket")
        side = 1 if drawn["side"] == "buy" else -1
        if held:
            side = -1 if held > 0 else 1
        exits = -side if held else side
        profit = {"limit_price": round(price * (1 + exits * drawn["near"]), 2)}
        loss = {"stop_price": round(price * (1 - exits * 2 * drawn["near"]), 2)}
        limit = profit["limit_price"] if held else price
        kind = "limit" if held else drawn["kind"]
        self._send(
            symbol=drawn["symbol"],
            side="buy" if side > 0 else "sell",
            type=kind,
            time_in_force="gtc",
            order_class=order_class,
            qty=drawn["size"],
            limit_price=round(limit, 2) if kind == "limit" else None,
            take_profit=None if order_class == "oto" else profit,
            stop_loss=loss,
        )

    def _send(self, **body: Any) -> None:
        desk = self.exchange.desk
        before = money.figures(desk, ACCOUNT)
        asked = {name: value for name, value in body.items() if value is not None}
        taken = self.exchange.submit(ACCOUNT, asked)
        if not isinstance(taken, Refusal):
            coin = taken.asset_class == "crypto"
            power = before.non_marginable_buying_power if coin else before.buying_power
            assert taken.reserved <= power

    @rule(pick=st.integers(0, 99))
    def cancel(self, pick: int) -> None:
        order = self._picked(pick)
        if order is not None:
            self.exchange.cancel(ACCOUNT, order.id)

    @rule(pick=st.integers(0, 99), size=optional(SIZES), offset=optional(OFFSETS))
    def replace(self, pick: int, size: float | None, offset: float | None) -> None:
        order = self._picked(pick)
        if order is not None:
            price = None if offset is None else self.market.last(order.symbol) * (1 + offset)
            name = "stop_price" if order.kind == "stop" else "limit_price"
            body = {"qty": size, name: None if price is None else round(price, 2)}
            asked = {key: value for key, value in body.items() if value is not None}
            self.exchange.replace(ACCOUNT, order.id, asked)

    @rule(everything=st.booleans(), cancel=st.booleans(), symbol=st.sampled_from(SYMBOLS))
    def close(self, *, everything: bool, cancel: bool, symbol: str) -> None:
        if everything:
            self.exchange.close_all(ACCOUNT, cancel_orders=cancel)
        else:
            self.exchange.close_position(ACCOUNT, symbol, percentage=Decimal(50))

    @rule(pick=st.integers(0, 99), event=st.sampled_from(EVENTS))
    def act(self, pick: int, event: str) -> None:
        order = self._picked(pick)
        if order is not None:
            self.exchange.act(order.id, event)

    def _picked(self, pick: int) -> Order | None:
        orders = self.exchange.desk.book.open_orders(ACCOUNT)
        return orders[pick % len(orders)] if orders else None

    # What the market may do

    @rule(
        symbol=st.sampled_from(SYMBOLS),
        moves=st.lists(OFFSETS, min_size=1, max_size=4),
        path=st.booleans(),
        spread=OFFSETS,
    )
    def go(self, *, symbol: str, moves: list[float], path: bool, spread: float) -> None:
        for move in moves:
            self._go(symbol, move, path=path, spread=spread)

    def _go(self, symbol: str, move: float, *, path: bool, spread: float) -> None:
        self._pass(3 * SECOND_NS)
        last = self.market.last(symbol)
        price = round(last * (1 + move), 2)
        low, high = (min(last, price), max(last, price)) if path else (price, price)
        play(
            self.exchange,
            TradeTick(self.market.now, symbol, price, 1.0, 1, low, high, path=path),
        )
        self._pass(1_000)
        self._quote(symbol, abs(spread) / 10)

    @rule(count=st.sampled_from([1, 1, 2, 4]))
    def end_phase(self, count: int) -> None:
        for _ in range(count):
            before = self.market.now
            ts, phase = following(before)
            for day in range(before // DAY_NS + 1, ts // DAY_NS + 1):
                for coin_phase in ("close", "end", "day", "open"):
                    self._phase(day * DAY_NS, "24/7", coin_phase)
            if phase == "close":
                self._pass(ts - SECOND_NS - self.market.now)
                self._auction(phase)
            self._phase(ts, "XNYS", phase)
            for symbol in SYMBOLS:
                self._quote(symbol, 0.0005)
            if phase == "open":
                self._auction(phase)

    def _phase(self, ts: int, calendar: str, phase: str) -> None:
        self._pass(ts - self.market.now)
        days = ts // DAY_NS - (1 if calendar == "24/7" and phase in {"close", "end"} else 0)
        local = datetime.fromtimestamp(ts // SECOND_NS, NEW_YORK).date()
        session = days if calendar == "24/7" else (local - EPOCH).days
        play(self.exchange, PhaseTick(ts, calendar, phase, session))

    def _auction(self, name: str) -> None:
        for symbol in SHARES:
            price, now = self.market.last(symbol), self.market.now
            play(self.exchange, TradeTick(now, symbol, price, 1.0, 1, price, price, name))

    def _quote(self, symbol: str, spread: float) -> None:
        price = self.market.last(symbol)
        bid, ask = price * (1 - spread), price * (1 + spread)
        play(self.exchange, QuoteTick(self.market.now, symbol, bid, 100.0, ask, 100.0))

    def _pass(self, ns: int) -> None:
        self.market.now += ns
        due = self.exchange.next_due
        if due is not None and due <= self.market.now:
            self.exchange.on_clock(self.market.now)

    @rule(
        symbol=st.sampled_from(SHARES),
        split=st.sampled_from([1.0, 2.0, 1.5, 0.1, 1 / 3]),
        dividend=st.sampled_from([0.0, 0.25]),
    )
    def pay(self, symbol: str, split: float, dividend: float) -> None:
        self.market.set_last(symbol, max(round(self.market.last(symbol) / split, 2), 0.01))
        self.market.set_previous_close(symbol, self.market.last(symbol))
        play(self.exchange, ActionTick(self.market.now, symbol, split, dividend))
        self._quote(symbol, 0.0005)

    @rule(symbol=st.sampled_from(SYMBOLS))
    def halt(self, symbol: str) -> None:
        on = not self.market.is_halted(symbol)
        self.market.halt(symbol, on=on)
        code = "H" if on else "T"
        play(self.exchange, StatusTick(self.market.now, symbol, code, "", "", ""))

    # What must hold

    @invariant()
    def books_add_up(self) -> None:
        if not hasattr(self, "ledger"):
            return
        desk, ledger = self.exchange.desk, self.ledger
        changes = self.exchange.take()
        for one in sorted([*changes.events, *changes.bookings], key=lambda one: one.seq):
            ledger.hear(one) if isinstance(one, Event) else ledger.book(one)
        assert ledger.seq == desk.book.seq
        account, positions = desk.book.account(ACCOUNT), desk.book.positions(ACCOUNT)
        all_positions = [desk.book.position(ACCOUNT, symbol) for symbol in SYMBOLS]
        charged = ledger.listed + account.accrued_fees
        assert account.cash == CASH - ledger.traded + ledger.moved + ledger.fractions - charged
        # Listing rounds up, by less than a cent for each kind.
        assert ZERO <= charged - ledger.fill_fees <= CENT * ledger.listed_count
        at_cost = sum((one.cost - one.realised for one in all_positions), ZERO)
        assert at_cost == ledger.traded - ledger.coin_fees - ledger.fractions
        for one in all_positions:
            assert one.qty == ledger.units[one.symbol]
            assert (one.cost > 0) == (one.qty > 0) or rounded(one.cost) == 0
            assert one.qty or one.cost == 0
        assert {one.symbol for one in positions} == {k for k, v in ledger.units.items() if v}

    @invariant()
    def messages_rebuild_the_orders(self) -> None:
        if not hasattr(self, "ledger"):
            return
        book = self.exchange.desk.book
        for name, order in self.ledger.orders.items():
            kept = book.order(name)
            assert kept is not None
            assert told(kept) == told(order)
        still_open = {name for name, order in self.ledger.orders.items() if order.is_open}
        assert still_open == {order.id for order in book.open_orders(ACCOUNT)}
        assert still_open == {o.id for s in SYMBOLS for o in book.open_orders_of(s)}
        assert not book.fresh

    @invariant()
    def nothing_is_promised_twice(self) -> None:
        if not hasattr(self, "ledger"):
            return
        desk = self.exchange.desk
        orders = [desk.book.order(name) for name in self.ledger.orders]
        assert all(order.reserved >= 0 for order in orders if order)
        assert all(order.reserved == 0 for order in orders if order and not order.is_open)
        figures = money.figures(desk, ACCOUNT)
        reserved = sum((one.reserved for one in desk.book.open_orders(ACCOUNT)), ZERO)
        assert figures.reserved == reserved
        assert figures.buying_power >= 0
        for symbol in SYMBOLS:
            units = abs(desk.book.position(ACCOUNT, symbol).qty)
            assert ZERO <= money.available_qty(desk, ACCOUNT, symbol) <= units
        assert desk.book.position(ACCOUNT, "BTC/USD").qty >= 0


def following(now: int) -> tuple[int, str]:
    """The next phase of the exchange after an instant, weekends left out."""
    day = datetime.fromtimestamp(now // SECOND_NS, NEW_YORK).replace(second=0, microsecond=0)
    for ahead in range(5):
        for (hour, minute), phase in PHASES.items():
            then = (day + timedelta(days=ahead)).replace(hour=hour, minute=minute)
            ts = int(then.timestamp()) * SECOND_NS
            if ts > now and then.weekday() < 5:
                return ts, phase
    raise AssertionError("a week has sessions")


TestVenue = Venue.TestCase
