"""One intent as the checks see it, and what they find."""

import math
from typing import Final, NamedTuple

from fanfold.domain.money import RATE_ONE
from fanfold.live.messages import Intent
from fanfold.live.risk.book import Book, Sums, ceiling_of, opening_cost, share, split_order
from fanfold.live.risk.mirror import Mirror
from fanfold.live.risk.rules import RiskRules
from fanfold.risk.limits import position_room
from fanfold.risk.room import allowed_value

LOTS_MAX: Final = 4_000_000_000_000_000_000
"""Most lots that a goal may be."""


class Found(NamedTuple):
    """A limit that does not let an intent pass as it is.

    Attributes:
        opens: Signed lots that may still be opened.
        bound, reached: The limit, and what it would have been.
    """

    opens: int
    bound: float
    reached: float


class Post:
    """Where risk itself stands: armed, halted, fed, and how fast it has approved.

    Attributes:
        armed: Whether anything may leave.
        latch: Name of a latch that is set, "" for none.
        latch_bound, latch_reached: Its numbers, NaN where there are none.
        gate_open: Whether execution may send; `gate_reason` why not.
        reconciling: Whether something of execution's was lost, and no account came since.
        fed_at: When market data was heard last [ns UTC]; 0 for never.
        last_number: Of the newest intent before this envelope's; `highest` counts these too.
        now: Instant of what is judged [ns UTC].
        approved_at: When orders were approved, a ring of as many as may go in a second.
        place: Of the oldest in it.
    """

    __slots__ = (
        "approved_at", "armed", "epoch", "fed_at", "gate_open", "highest", "last_number", "latch",
        "latch_bound", "latch_reached", "now", "place", "reconciling",
    )  # fmt: skip

    def __init__(self, orders_per_second: int) -> None:
        self.armed = False
        self.epoch = 0
        self.latch = ""
        self.latch_bound = self.latch_reached = math.nan
        self.gate_open = False
        self.reconciling = False
        self.fed_at = 0
        self.last_number = self.highest = 0
        self.now = 0
        self.approved_at = [0] * orders_per_second
        self.place = 0

    def note_approved(self, now: int) -> None:
        """One more order was approved."""
        self.approved_at[self.place] = now
        self.place = (self.place + 1) % len(self.approved_at)


class Rooms:
    """What limits allow at one equity [micro-units]; kept until equity is another.

    Attributes:
        power: Gross exposure that leverage allows; the others are those of the limits.
    """

    __slots__ = ("equity", "gross", "net", "position", "power", "sector")

    def __init__(self, equity: int, rules: RiskRules) -> None:
        self.equity = equity
        self.power = share(equity, rules.leverage, RATE_ONE)
        self.gross = allowed_value(equity, rules.max_gross)
        self.net = allowed_value(equity, rules.max_net)
        self.position = position_room(equity, rules.max_position)
        self.sector = allowed_value(equity, rules.max_sector)


class Ask:
    """An intent beside everything that decides about it.

    Attributes:
        close, opens: Signed lots of it that lessen the position, and that still open one.
        asked: What it would open before any limit.
        equity: Cash and marked positions [micro-units].
        price: Live price [currency], 0 for none.
        kept: Signed value of what the position keeps [micro-units].
        closing: Value of what closes [micro-units].
    """

    __slots__ = (
        "_cost", "_cost_of", "_reserve", "_reserve_of", "asked", "book", "close", "closing",
        "equity", "intent", "kept",
        "mark", "mirror", "now", "opens", "parts", "post", "price", "rooms", "rules", "sums",
    )  # fmt: skip

    def __init__(
        self, intent: Intent, book: Book, mirror: Mirror, post: Post, rooms: Rooms
    ) -> None:
        self.intent = intent
        self.book = book
        self.mirror = mirror
        self.post = post
        self.rooms = rooms
        self.now = post.now
        self.rules: RiskRules = mirror.rules
        self.sums: Sums = mirror.sums
        self.equity = rooms.equity
        self.mark = mark = book.mark
        self.parts = parts = book.rules.parts
        self.price = 0.5 * book.middle
        held = book.held
        if held:
            self.close, self.opens = split_order(held, intent.goal - held)
            self.kept = share(held + self.close, mark, parts)
            self.closing = share(abs(self.close), mark, parts)
        else:
            self.close = self.kept = self.closing = 0
            self.opens = intent.goal
        self.asked = self.opens
        self._cost_of = self._cost = 0
        self._reserve_of = self._reserve = 0

    @property
    def cost(self) -> int:
        """What still opens would take at the mark, fees included [micro-units]."""
        if self._cost_of != self.opens:
            self._cost_of = self.opens
            self._cost = opening_cost(self.opens, self.mark, self.parts, self.rules)
        return self._cost

    @property
    def reserve(self) -> int:
        """Buying power that the broker reserves for what still opens [micro-units]."""
        if self._reserve_of != self.opens:
            self._reserve_of = self.opens
            self._reserve = self._reserve_now()
        return self._reserve

    def _reserve_now(self) -> int:
        lots, limit, rules, book = self.opens, self.intent.limit, self.rules, self.book
        price = self.mark
        if not math.isnan(limit):
            price = round(limit * 1e6)
        elif lots > 0:
            price = ceiling_of(book, price, rules)
        amount = share(abs(lots), price, self.parts)
        return share(amount, rules.short_reserve, RATE_ONE) if lots < 0 else amount
