"""What holds in every run, whatever is wished: read from its fills, orders and flows alone."""

from collections import defaultdict
from fractions import Fraction
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.decisions import GuardTheAccount, MindTheAccount, Wander, WanderWithPrices
from tests.fakes.runs import Case, cases, run, tape_of

from fanfold.domain.money import share
from fanfold.domain.orders import (
    AT_CLOSE,
    AT_OPEN,
    BEFORE_OPEN,
    CANCELLED,
    CLOSE,
    CLS,
    EXPIRED,
    FILLED,
    INSIDE,
    OPEN,
    REFUSED,
    REGULATORY,
    SPLIT,
    STOP_EXIT,
    TARGET_EXIT,
    TIMES_IN_FORCE,
    TRAILING_EXIT,
)
from fanfold.domain.panel import CLOSE as PRICE_CLOSE
from fanfold.domain.panel import HIGH, LOW, trades_in
from fanfold.domain.panel import OPEN as PRICE_OPEN
from fanfold.engine.result import Result

EXITS = {STOP_EXIT, TARGET_EXIT, TRAILING_EXIT}
STRATEGIES = st.sampled_from([Wander, MindTheAccount, WanderWithPrices, GuardTheAccount]).flatmap(
    lambda kind: st.builds(kind, seed=st.integers(0, 99), pace=st.sampled_from([0.2, 0.5]))
)
WITH_PRICES = st.sampled_from([WanderWithPrices, GuardTheAccount]).flatmap(
    lambda kind: st.builds(kind, seed=st.integers(0, 99), pace=st.sampled_from([0.2, 0.5]))
)


class Books:
    """Cash, units and marks of a run, from its tape and its bars alone."""

    def __init__(self, result: Result) -> None:
        self.result, self.bars = result, result.bars
        self.tape = tape_of(result)
        self.parts = result.terms.parts(result.bars).tolist()
        self.cash = result.terms.cash
        self.units = [0] * result.bars.asset_count
        self.marks = [0] * result.bars.asset_count

    def days(self) -> Any:
        """Each bar with its bookings and fills, in the order in which they are booked."""
        fills, bookings = defaultdict(list), defaultdict(list)
        for fill in self.tape["fills"]:
            fills[fill.bar].append(fill)
        for booking in self.tape["bookings"]:
            bookings[booking.bar].append(booking)
        stop = self.result.first + len(self.tape["equity"])
        for t in range(self.result.first, stop):
            yield t, bookings[t], fills[t]

    def book(self, booking: Any) -> None:
        self.cash += booking.amount
        if booking.asset >= 0 and booking.lots != 0:
            self.units[booking.asset] += booking.lots

    def take(self, fill: Any) -> None:
        self.cash -= fill.fee + (fill.amount if fill.lots > 0 else -fill.amount)
        self.units[fill.asset] += fill.lots

    def mark(self, t: int, field: int = PRICE_CLOSE) -> None:
        for asset in range(self.bars.asset_count):
            if self.trades(t, asset):
                self.marks[asset] = round(float(self.bars.panel[field, t, asset]) * 1e6)

    def trades(self, t: int, asset: int) -> bool:
        return trades_in(self.bars.close[t, asset], self.bars.volume[t, asset])

    def split(self, t: int) -> None:
        """A split changes what the last mark is worth for one unit."""
        if self.bars.splits is not None:
            for asset, ratio in enumerate(self.bars.splits[t].tolist()):
                if ratio != 1.0:
                    self.marks[asset] = round(self.marks[asset] / ratio)

    def begin(self, t: int, bookings: list[Any], closing: list[Any]) -> None:
        """Bring the books to the moment at which opening orders meet the open."""
        self.split(t)
        for booking in bookings:
            if booking.kind != REGULATORY:
                self.book(booking)
        self.mark(t, PRICE_OPEN)
        for fill in closing:
            self.take(fill)

    def end(self, t: int, bookings: list[Any], fills: list[Any]) -> None:
        """Book the rest of a bar; a day's regulatory fees are charged at its close."""
        for fill in fills:
            self.take(fill)
        for booking in bookings:
            if booking.kind == REGULATORY:
                self.book(booking)
        self.mark(t)

    @property
    def values(self) -> list[int]:
        held = zip(self.units, self.marks, self.parts, strict=True)
        return [share(units, mark, parts) for units, mark, parts in held]


@given(strategy=STRATEGIES, case=cases())
def test_equity_is_cash_and_marked_positions_at_every_bar(strategy: Wander, case: Case) -> None:
    books = Books(run(strategy, *case))
    for t, bookings, fills in books.days():
        books.split(t)
        for booking in bookings:
            books.book(booking)
        for fill in fills:
            books.take(fill)
        books.mark(t)
        place = t - books.result.first
        ended = t == books.bars.bar_count - 1 and books.result.terms.options.close_at_end
        if not ended:
            assert books.tape["cash"][place] == books.cash
            assert books.tape["equity"][place] == books.cash + sum(books.values)
            assert books.tape["gross"][place] == sum(abs(value) for value in books.values)


@given(strategy=WITH_PRICES, case=cases())
def test_no_fill_is_better_than_its_bar_allows(strategy: Wander, case: Case) -> None:
    result = run(strategy, *case)
    for fill in tape_of(result)["fills"]:
        trades = trades_in(*result.bars.panel[PRICE_CLOSE:, fill.bar, fill.asset].tolist())
        if fill.phase == BEFORE_OPEN or not trades:
            continue  # paid out, or closed at the end at its last mark
        side = 1 if fill.lots > 0 else -1
        open_, high, low, close = (
            float(result.bars.panel[field, fill.bar, fill.asset]) * 1e6
            for field in (PRICE_OPEN, HIGH, LOW, PRICE_CLOSE)
        )
        if fill.phase == AT_OPEN:
            assert (fill.price - open_) * side >= -1.0
        elif fill.phase == AT_CLOSE:
            assert (fill.price - close) * side >= -1.0
        else:
            # Slippage is against the order: a buy may cost more than the high, never
            # less than the low.
            assert (fill.price - (low if side > 0 else high)) * side >= -1.0


@given(strategy=WITH_PRICES, case=cases())
def test_limits_are_kept_and_stops_are_not_bettered(strategy: Wander, case: Case) -> None:
    result = run(strategy, *case)
    tape = tape_of(result)
    splits = {(booking.asset, booking.bar) for booking in tape["bookings"] if booking.kind == SPLIT}
    orders = {(order.asset, order.bar, order.role): order for order in tape["orders"]}
    for fill in tape["fills"]:
        order = orders.get((fill.asset, fill.order_bar, fill.role))
        span = range(fill.order_bar + 1, fill.bar + 1)
        rescaled = result.bars.splits is not None and any(
            result.bars.splits[t, fill.asset] != 1.0 for t in span
        )
        if order is None or rescaled or (fill.asset, fill.bar) in splits:
            continue
        side = 1 if fill.lots > 0 else -1
        forced = fill.role == CLOSE and fill.phase == AT_OPEN
        if order.limit is not None and not forced:
            assert (order.limit * 1e6 - fill.price) * side >= -1.0
        if order.stop is not None and order.limit is None and fill.phase == INSIDE:
            start = float(result.bars.open[fill.bar, fill.asset])
            least = order.stop
            if fill.role in EXITS:
                least = max(least, start) if side > 0 else min(least, start)
                entered = [
                    f.price / 1e6
                    for f in tape["fills"]
                    if f.bar == fill.bar and f.asset == fill.asset and f.role == OPEN
                ]
                if entered:
                    continue
            assert (fill.price / 1e6 - least) * side >= -2e-6


@given(strategy=STRATEGIES, case=cases())
def test_no_fill_comes_before_its_order_or_where_nothing_trades(
    strategy: Wander, case: Case
) -> None:
    books = Books(run(strategy, *case))
    for fill in books.tape["fills"]:
        at_the_end = fill.bar == books.bars.bar_count - 1 and fill.order_bar == fill.bar
        if fill.role in EXITS or fill.phase == BEFORE_OPEN:
            assert fill.bar >= fill.order_bar
        else:
            assert fill.bar > fill.order_bar or (at_the_end and fill.role == CLOSE)
        if fill.phase != BEFORE_OPEN and not at_the_end:
            assert books.trades(fill.bar, fill.asset)


@given(strategy=STRATEGIES, case=cases(events=False))
def test_orders_are_what_was_asked_approved_and_filled(strategy: Wander, case: Case) -> None:
    tape = tape_of(run(strategy, *case))
    last = case[0].bar_count - 1
    filled: dict[Any, int] = defaultdict(int)
    for fill in tape["fills"]:
        if not (fill.order_bar == fill.bar == last and fill.role == CLOSE):
            filled[fill.asset, fill.order_bar, fill.role] += abs(fill.lots)
    said: dict[Any, int] = defaultdict(int)
    for order in tape["orders"]:
        said[order.asset, order.bar, order.role] += order.filled
        assert_sensible(order)
    assert {key: lots for key, lots in said.items() if lots != 0} == filled


def assert_sensible(order: Any) -> None:
    """Approved within what was asked, filled within what was approved, and a reason for less."""
    assert 0 <= order.filled <= abs(order.approved) <= abs(order.asked)
    assert order.asked * order.approved >= 0
    cut = abs(order.approved) < abs(order.asked)
    if cut or order.status in {CANCELLED, EXPIRED, REFUSED}:
        assert order.reason != 0
    assert order.status != REFUSED or order.filled == 0
    assert order.status != FILLED or order.filled > 0


@given(strategy=STRATEGIES, case=cases(events=False))
def test_participation_is_never_exceeded(strategy: Wander, case: Case) -> None:
    bars, terms = case
    part = terms.options.participation
    if part is None:
        return
    parts = terms.parts(bars)
    taken: dict[Any, int] = defaultdict(int)
    for fill in tape_of(run(strategy, *case))["fills"]:
        at_the_end = fill.bar == fill.order_bar == bars.bar_count - 1
        if fill.phase != BEFORE_OPEN and not (at_the_end and fill.role == CLOSE):
            taken[fill.bar, fill.asset] += abs(fill.lots)
    for (t, asset), lots in taken.items():
        assert lots <= part * bars.volume[t, asset] * parts[asset] * (1.0 + 1e-12)


@given(strategy=WITH_PRICES, case=cases())
def test_an_exit_disarms_until_something_else_is_wished(strategy: Wander, case: Case) -> None:
    """Between an exit and the end of its position nothing opens; never, where that is asked."""
    never = case[1].options.rearm == "never"
    books = Books(run(strategy, *case))
    leaving: set[int] = set()
    exited: set[int] = set()
    for _, bookings, fills in books.days():
        seen: dict[int, int] = defaultdict(int)
        for booking in bookings:
            books.book(booking)
        for fill in fills:
            if fill.role == OPEN:
                assert fill.asset not in leaving
                assert not (never and fill.asset in exited)
            if fill.role in EXITS:
                seen[fill.asset] += 1
                assert fill.asset not in leaving  # one exit a position
                assert books.units[fill.asset] * fill.lots < 0
                assert abs(fill.lots) <= abs(books.units[fill.asset])
                leaving.add(fill.asset)
                exited.add(fill.asset)
            books.take(fill)
        leaving = {asset for asset in leaving if books.units[asset] != 0}
        assert all(count == 1 for count in seen.values())


@given(strategy=STRATEGIES, case=cases())
def test_a_close_never_turns_a_position_around(strategy: Wander, case: Case) -> None:
    books = Books(run(strategy, *case))
    for _, bookings, fills in books.days():
        for booking in bookings:
            books.book(booking)
        for fill in fills:
            held = books.units[fill.asset]
            books.take(fill)
            if fill.role == OPEN:
                assert held * fill.lots >= 0
            else:
                assert held * fill.lots < 0
                assert held * books.units[fill.asset] >= 0


@given(strategy=STRATEGIES, case=cases())
def test_openings_at_the_open_stay_within_leverage_and_the_gross_limit(
    strategy: Wander, case: Case
) -> None:
    terms = case[1]
    books = Books(run(strategy, *case))
    most = Fraction(min(terms.leverage, terms.limits.max_gross or terms.leverage))
    for t, bookings, fills in books.days():
        early = [fill for fill in fills if fill.phase in {BEFORE_OPEN, AT_OPEN}]
        opening = [fill for fill in early if fill.role == OPEN]
        books.begin(t, bookings, [fill for fill in early if fill.role != OPEN])
        if opening:
            gross = sum(abs(value) for value in books.values)
            claimed = sum(fill.amount + fill.fee for fill in opening)
            # Impact falls with what is left of an order that was trimmed, so a short of
            # it sells for a little more than it claimed.
            spare = claimed // 100 if terms.costs.slippage_varies else 1
            assert gross + claimed <= (books.cash + sum(books.values)) * most + spare
        books.end(t, bookings, opening + fills[len(early) :])


@given(strategy=STRATEGIES, case=cases())
def test_orders_end_with_their_time_in_force(strategy: Wander, case: Case) -> None:
    bars, terms = case
    time = TIMES_IN_FORCE.index(terms.time_in_force(bars.calendars))
    if time in {0, 1}:
        return
    result = run(strategy, *case)
    for fill in tape_of(result)["fills"]:
        asset = fill.asset
        between = range(fill.order_bar + 1, fill.bar)
        if fill.role == OPEN:
            assert not any(trades_in(bars.close[t, asset], bars.volume[t, asset]) for t in between)
            assert fill.phase == (AT_CLOSE if time == CLS else AT_OPEN)
