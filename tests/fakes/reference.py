"""A second engine, small and slow, written from the rules alone to check the fast one.

One asset in whole units at a venue without ticks; exact fractions instead of floats;
one order object instead of arrays; no cleverness. It covers orders at a price, exits
and their options, and knows no limits: cases in which money runs out are not for it.
"""

from dataclasses import dataclass, field
from fractions import Fraction

from fanfold.engine.options import FillOptions

MICRO = 10**6
TICK = Fraction(1, MICRO)


@dataclass(frozen=True)
class Row:
    """One bar as fractions [currency], its volume in units, and whether its session ends."""

    open: Fraction
    high: Fraction
    low: Fraction
    close: Fraction
    volume: int
    ends_session: bool


@dataclass(frozen=True)
class Wishes:
    """What a decision wrote; None is no price."""

    target: float = 0.0
    limit: Fraction | None = None
    stop: Fraction | None = None
    stop_loss: Fraction | None = None
    take_profit: Fraction | None = None
    trailing_stop: Fraction | None = None


@dataclass(frozen=True)
class Fill:
    """A fill: signed units, price in micro-units, the role of its order."""

    bar: int
    units: int
    price: int
    role: str


@dataclass
class Order:
    """A working order of signed units; a forced one is at market whatever the options say."""

    role: str
    units: int
    bar: int
    limit: Fraction | None = None
    stop: Fraction | None = None
    triggered: bool = False
    inside_bar: int = -1
    forced: bool = False

    @property
    def side(self) -> int:
        return 1 if self.units > 0 else -1


def _to_micro(price: Fraction) -> Fraction:
    """The nearest price that a fill can have."""
    return Fraction(round(price * MICRO), MICRO)


@dataclass
class ReferenceEngine:
    """The account and the orders of one asset."""

    rows: list[Row]
    wishes: list[Wishes]
    options: FillOptions
    cash: int
    slippage: Fraction
    commission: Fraction
    fixed_units: int | None = None

    fills: list[Fill] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)
    units: int = 0
    goal: int = 0
    heard: Wishes = field(default_factory=Wishes)
    armed: bool = True
    stop_level: Fraction | None = None
    target_level: Fraction | None = None
    extreme: Fraction | None = None
    distance: Fraction | None = None
    entry: str = ""
    entry_order: Order | None = None
    entry_price: Fraction = Fraction(0)
    room: int | None = None
    t: int = 0

    def run(self) -> list[Fill]:
        """All fills in order."""
        for t in range(len(self.rows)):
            self.t = t
            if t > 0:
                self._meet()
            self._decide()
        return self.fills

    @property
    def row(self) -> Row:
        return self.rows[self.t]

    @property
    def side(self) -> int:
        return 1 if self.units > 0 else -1

    @property
    def _gap(self) -> Fraction:
        """How far beyond a limit the market must be."""
        return TICK if self.options.limit_fill == "through" else Fraction(0)

    def _meet(self) -> None:
        share = self.options.participation
        self.room = None if share is None else int(Fraction(share) * self.row.volume)
        self.entry = ""
        self._meet_open()
        self._meet_inside()
        self._meet_close()
        self._lapse()
        if self.units != 0 and self.extreme is not None:
            best = self.row.high if self.units > 0 else self.row.low
            if self.entry in {"inside", "close"}:
                best = self.row.close
            self.extreme = self._better(self.extreme, best)

    def _better(self, one: Fraction, other: Fraction) -> Fraction:
        return max(one, other) if self.units > 0 else min(one, other)

    def _meet_open(self) -> None:
        for order in self._of("close"):
            self._fill(order, self._price_at(order, self.row.open), "open")
        self._exit_at_open()
        for order in self._of("open"):
            if not self._of("close", closing=True):
                self._fill(order, self._price_at(order, self.row.open), "open")

    def _meet_inside(self) -> None:
        lasting = self.options.time_in_force in {None, "gtc", "day"}
        for order in self._of("open"):
            if lasting and not self._of("close", closing=True):
                self._fill(order, self._price_inside(order), "inside")
        self._exit_inside()
        for order in self._of("close"):
            if lasting and not order.forced:
                self._fill(order, self._price_inside(order), "inside")

    def _meet_close(self) -> None:
        if self.options.time_in_force != "cls":
            return
        for order in self._of("close", closing=True):
            if not order.forced:
                self._fill(order, self._price_at(order, self.row.close), "close")
        for order in self._of("open", closing=True):
            if not self._of("close", closing=True):
                self._fill(order, self._price_at(order, self.row.close), "close")

    def _of(self, role: str, *, closing: bool = False) -> list[Order]:
        """Working orders of a role, those for the close only on request."""
        waits = self.options.time_in_force == "cls" and not closing
        return [o for o in self.orders if o.role == role and (o.forced or not waits)]

    def _lapse(self) -> None:
        time = self.options.time_in_force
        if time in {"ioc", "fok", "opg", "cls"} or (time == "day" and self.row.ends_session):
            self.orders = [order for order in self.orders if order.forced]

    def _slipped(self, reference: Fraction, side: int, limit: Fraction | None = None) -> int:
        price = round(reference * (1 + side * self.slippage) * MICRO)
        if limit is None:
            return price
        most = round(limit * MICRO)
        return min(price, most) if side > 0 else max(price, most)

    def _price_at(self, order: Order, price: Fraction) -> int | None:
        """At an auction: what the price has passed fills at it, slipped."""
        side = order.side
        if order.stop is not None and not order.triggered:
            if side * price < side * order.stop:
                return None
            self._trigger()
        if order.limit is not None and side * price > side * order.limit - self._gap:
            return None
        return self._slipped(price, side, order.limit)

    def _price_inside(self, order: Order) -> int | None:
        side, row = order.side, self.row
        ahead, behind = (row.high, row.low) if side > 0 else (row.low, row.high)
        if order.stop is not None and not order.triggered:
            if side * ahead < side * order.stop:
                return None
            self._trigger(self.t)
            if order.limit is None or side * order.limit >= side * order.stop:
                return self._slipped(order.stop, side, order.limit)
            back = side * row.close <= side * order.limit - self._gap
            return round(order.limit * MICRO) if back else None
        if order.limit is None:
            return None
        reached = side * behind <= side * order.limit - self._gap
        return round(order.limit * MICRO) if reached else None

    def _trigger(self, inside_bar: int = -1) -> None:
        """A stop that is reached is so for both orders of a reversal."""
        for order in self.orders:
            if not order.triggered:
                order.triggered, order.inside_bar = True, inside_bar

    def _fill(self, order: Order, price: int | None, phase: str) -> None:
        if price is None:
            return
        units = self._allowed(order.units)
        all_or_none = self.options.time_in_force == "fok" and not order.forced
        if units == 0 or (all_or_none and units != order.units):
            return
        was = self.units
        self._book(units, price, order.role)
        order.units -= units
        self.orders = [one for one in self.orders if one.units != 0]
        if was == 0:
            self._arm_exits(order, Fraction(price, MICRO), phase)

    def _allowed(self, units: int) -> int:
        if self.room is None:
            return units
        return max(min(units, self.room), -self.room)

    def _book(self, units: int, price: int, role: str) -> None:
        amount = abs(units) * price
        fee = round(amount * self.commission)
        self.cash -= units * price + fee
        self.units += units
        if self.room is not None:
            self.room -= abs(units)
        self.fills.append(Fill(self.t, units, price, role))
        if self.units == 0:
            self.stop_level = self.target_level = self.extreme = None

    def _arm_exits(self, order: Order, price: Fraction, phase: str) -> None:
        self.entry, self.entry_order, self.entry_price = phase, order, price
        moved = Fraction(1)
        if self.options.exit_reference == "fill":
            moved = price / self.rows[order.bar].close
        loss, profit = self.heard.stop_loss, self.heard.take_profit
        self.stop_level = None if loss is None else _to_micro(loss * moved)
        self.target_level = None if profit is None else _to_micro(profit * moved)
        self.distance = self.heard.trailing_stop
        self.extreme = price if self.distance is not None else None

    def _stop(self) -> tuple[Fraction, str] | None:
        """The nearer of stop and trailing stop, and its role."""
        found = [] if self.stop_level is None else [(self.stop_level, "stop")]
        distance = self.distance
        if self.extreme is not None and distance is not None:
            found.append((self.extreme - self.side * distance, "trailing_stop"))
        return max(found, key=lambda one: self.side * one[0], default=None)

    def _exit_at_open(self) -> None:
        if self.units == 0:
            return
        side, stop, target = self.side, self._stop(), self.target_level
        if stop is not None and side * self.row.open <= side * stop[0]:
            self._exit(self._slipped(self.row.open, -side), stop[1])
        elif target is not None and side * self.row.open >= side * target + self._gap:
            self._exit(self._slipped(self.row.open, -side, target), "target")

    def _exit_inside(self) -> None:
        later = self.entry != "" and self.options.exit_arming == "next_bar"
        if self.units == 0 or not self.armed or later:
            return
        side, stop, target = self.side, self._stop(), self.target_level
        worst, best = (self.row.low, self.row.high) if side > 0 else (self.row.high, self.row.low)
        stops = stop is not None and side * worst <= side * stop[0]
        inside = self.entry == "inside"
        if stop is not None and inside and stops:
            stops = self._stopped_after_entry(stop[0])
        takes = target is not None and side * best >= side * target + self._gap and not inside
        if stops and takes and stop is not None and target is not None:
            stops = self._stop_comes_first(stop[0], target)
        if stops and stop is not None:
            start = self.entry_price if inside else self.row.open
            reference = min(side * stop[0], side * start) * side
            self._exit(self._slipped(reference, -side), stop[1])
        elif takes and target is not None:
            reference = max(side * target, side * self.row.open) * side
            self._exit(self._slipped(reference, -side, target), "target")

    def _path(self) -> list[Fraction]:
        """From the open by the nearer extreme to the other and the close, low first on a tie."""
        row = self.row
        ends = [row.low, row.high]
        if row.high - row.open < row.open - row.low:
            ends.reverse()
        return [row.open, *ends, row.close]

    def _stop_comes_first(self, stop: Fraction, target: Fraction) -> bool:
        if self.options.intrabar != "ohlc":
            return self.options.intrabar == "worst"
        side = self.side
        for price in self._path():
            if side * price <= side * stop:
                return True
            if side * price >= side * target:
                return False
        return True

    def _stopped_after_entry(self, stop: Fraction) -> bool:
        """Whether the stop of a position entered inside the bar was hit after the entry."""
        side, order, row = self.side, self.entry_order, self.row
        assert order is not None
        # The price has to pass the entry on its way from the open to the stop.
        fell = order.inside_bar != self.t or side * row.open >= side * self.entry_price
        if self.options.intrabar == "worst":
            return True
        if self.options.intrabar == "best":
            return fell or side * row.close <= side * stop
        if fell:
            return True
        entered = False
        for price in self._path():
            if entered and side * price <= side * stop:
                return True
            entered = entered or side * price >= side * (order.stop or 0)
        return False

    def _exit(self, price: int, role: str) -> None:
        units = self._allowed(-self.units)
        if units == 0 and role == "target":
            return  # a limit order waits for room; a stop that was reached does not
        if units != 0:
            self._book(units, price, role)
        self.orders = []
        self.goal, self.armed = 0, False
        if self.units != 0:
            self.stop_level = self.target_level = self.extreme = None
            self.orders = [Order("close", -self.units, self.t, forced=True)]

    def _decide(self) -> None:
        said = self.t - (self.options.delay_bars - 1)
        if said < 0 or (not self.armed and self.units != 0):
            return  # what an exit ends is heard of again once it is gone
        before, self.heard = self.heard, self.wishes[said]
        changed = self.heard.target != before.target
        if not self.armed:
            rearms = {"on_change": changed, "next_bar": True, "never": False}
            changed = self.armed = rearms[self.options.rearm]
        if changed and self.armed:
            self.goal = self._sized(self.heard.target)
        self._move_exits(before)
        self._ask()

    def _move_exits(self, before: Wishes) -> None:
        if self.units * self.goal <= 0:
            return  # what is written is for the next position, not for the one to be closed
        now = self.heard
        if now.stop_loss != before.stop_loss:
            self.stop_level = now.stop_loss
        if now.take_profit != before.take_profit:
            self.target_level = now.take_profit
        if now.trailing_stop != before.trailing_stop:
            if now.trailing_stop is None:
                self.extreme = None
            elif self.extreme is None:
                self.extreme = self.row.close
            self.distance = now.trailing_stop

    def _sized(self, target: float) -> int:
        side = 1 if target > 0 else -1
        if target == 0.0:
            return 0
        if self.fixed_units is not None:
            return side * self.fixed_units
        equity = Fraction(self.cash, MICRO) + self.units * self.row.close
        units = abs(Fraction(target)) * max(equity, Fraction(0)) / self.row.close
        return side * int(units + Fraction(1, 10**9))

    def _ask(self) -> None:
        missing = self.goal - self.units
        prices = self.heard.limit, self.heard.stop
        same = all((order.limit, order.stop) == prices for order in self.orders)
        if same and sum(order.units for order in self.orders) == missing:
            return
        closes = missing if abs(self.goal) < abs(self.units) else 0
        if self.units * self.goal < 0:
            closes = -self.units
        parts = ("close", closes), ("open", missing - closes)
        self.orders = [Order(role, units, self.t, *prices) for role, units in parts if units != 0]
