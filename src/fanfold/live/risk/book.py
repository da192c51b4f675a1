"""One asset as risk sees it: its market, what is held, what is approved, what that takes."""

import math
from collections import deque
from typing import Any, Final

from msgspec import Struct

from fanfold.execution.costs import order_fee as _order_fee
from fanfold.execution.venue_rules import collared as _collared
from fanfold.live.messages import Depth, Quote
from fanfold.live.risk.rules import AssetRules, RiskRules

order_fee: Final = _order_fee.function
"""The plain function: this is called for each intent."""

_collared_of: Final = _collared.function

VOLUME_BARS: Final = 20
"""Bars over which volume is usual, as in backtests [bars]."""

PROTECTIVE: Final = frozenset({"stop", "target"})
"""Roles of orders that end a position by themselves: they open nothing."""


class OpenOrder(Struct, frozen=True):
    """What may still fill of one of our orders: signed lots, and its prices.

    Attributes:
        is_unsure: Whether the broker may never have got it.
    """

    role: str
    left: int
    limit: float
    stop: float
    is_unsure: bool


class Book:
    """State of one asset; money in micro-units, quantities in lots.

    Attributes:
        middle: Twice the last believed price [currency]: bid + ask.
        worth: Micro-units that the position gains as `middle` rises by one.
        doubts: Prices since the last believed one, while a jump is not confirmed.
        belief: Closes of bars as limits believe them (`fanfold.risk.collar`).
        jump: Of the last bar's close [1], NaN once it is believed.
        deferred: Gain of a jump over a night, counted once positions are known anew.
        mark: Price that limits value at, as the engine's, 0 for none.
        goal: Signed lots that are approved to be held, while `stands`; `pending` until
            execution has told of an order for them.
        split_ts: Day of the last split that was heard of [ns UTC], and `split_ratio` what one
            unit became.
        spent: Buying power that the approval will still take [micro-units].
        ceiling: Highest price of a buy at market while the mark is `ceiling_of`.
        sway: Micro-units that what all books hold together may be off by as `middle` moves by
            one, while `mark` stays.
        value, kept, kept_net, opening, opening_net: Signed value of the position, absolute
            and signed value of what it keeps, cost and signed value of what still opens.
    """

    __slots__ = (
        "approval", "approved_ts", "belief", "ceiling", "ceiling_of", "close", "daily_volume",
        "deferred", "deferred_ts", "doubts", "goal", "halted", "held", "jump", "kept",
        "kept_net", "limit", "mark", "middle", "number", "opening", "opening_net", "orders",
        "over_night", "pending", "price_ts", "quote", "rules", "spent", "split_ratio", "split_ts",
        "stale", "stands", "stop", "sway", "unmarked", "value", "volumes", "worth",
    )  # fmt: skip

    def __init__(self, number: int, rules: AssetRules) -> None:
        self.number = number
        self.rules = rules
        self.quote: Quote | None = None
        self.middle = 0.0
        self.worth = self.sway = 0.0
        self.doubts: list[float] = []
        self.belief: list[float] = []
        self.jump = math.nan
        self.over_night = False
        self.split_ts, self.split_ratio = 0, 1.0
        self.deferred = 0.0
        self.deferred_ts = 0
        self.price_ts = 0
        self.mark = 0
        self.close = 0.0
        self.daily_volume = 0.0
        self.volumes: deque[float] = deque(maxlen=VOLUME_BARS)
        self.halted = False
        self.stale = False
        self.held = 0
        self.orders: dict[str, OpenOrder] = {}
        self.goal = 0
        self.stands = False
        self.approval = 0
        self.pending = False
        self.spent = 0
        self.unmarked = False
        self.ceiling = self.ceiling_of = 0
        self.approved_ts = 0
        self.limit = self.stop = float("nan")
        self.value = self.kept = self.kept_net = self.opening = self.opening_net = 0

    def restate(self, ratio: float) -> None:
        """One unit became `ratio`: prices and quantities mean the same as before."""
        if self.deferred_ts == 0:  # else the price has jumped already
            self.middle /= ratio
        self.quote = None
        self.doubts.clear()
        self.belief = [each / ratio for each in self.belief]
        self.close /= ratio
        self.mark = round(self.mark / ratio)
        self.ceiling = self.ceiling_of = 0
        self.daily_volume *= ratio
        self.volumes = deque((each * ratio for each in self.volumes), maxlen=VOLUME_BARS)
        self.goal = round(self.goal * ratio)
        self.limit, self.stop = self.limit / ratio, self.stop / ratio
        self.orders = {
            name: OpenOrder(
                each.role,
                round(each.left * ratio),
                each.limit / ratio,
                each.stop / ratio,
                each.is_unsure,
            )
            for name, each in self.orders.items()
        }

    def remainder(self) -> int:
        """Signed lots that are approved or open and not yet filled: the larger of the two."""
        approved = self.goal - self.held if self.stands else 0
        if not self.orders:
            return approved
        working = sum(each.left for each in self.orders.values() if each.role not in PROTECTIVE)
        return approved if abs(approved) >= abs(working) else working

    @property
    def is_unsure(self) -> bool:
        """Whether what it is to close may stay: an order may never have arrived."""
        return any(each.is_unsure for each in self.orders.values())

    @property
    def is_live(self) -> bool:
        """Whether anything is held, approved or open."""
        return self.held != 0 or self.stands or bool(self.orders)

    def average_volume(self) -> float:
        """Usual volume of a bar [units]; NaN until there was one."""
        volumes = self.volumes
        return sum(volumes) / len(volumes) if volumes else float("nan")


class Sums:
    """What all books hold together, kept up as they change [micro-units].

    Attributes:
        cash: Of the account.
        held: Sum of the positions' values, so equity is cash + held.
        gross: Sum of their absolute values.
        net: Signed value of what stays and opens.
        reserved: Cost of what still opens.
        sectors: Absolute value of what stays, and cost of what opens, by sector.
        unmarked: Positions whose price is not known.
    """

    __slots__ = ("cash", "gross", "held", "net", "reserved", "sectors", "unmarked")

    def __init__(self, sector_count: int) -> None:
        self.cash = self.held = self.gross = self.net = self.reserved = 0
        self.sectors = [0] * sector_count
        self.unmarked = 0

    @property
    def equity(self) -> int:
        """Cash and marked positions."""
        return self.cash + self.held


def best_of(depth: Depth) -> Quote | None:
    """The best levels as a quote, None without both sides."""
    if not depth.bids or not depth.asks:
        return None
    (bid, bid_size), (ask, ask_size) = depth.bids[0], depth.asks[0]
    return Quote(depth.asset, depth.ts, bid, ask, bid_size, ask_size)


def share(quantity: int, price: int, parts: int) -> int:
    """quantity × price / parts, half to even: `fanfold.domain.money.share`, quick uncompiled."""
    if parts == 1:
        return quantity * price
    found, rest = divmod(abs(quantity) * price, parts)
    rest += rest
    if rest > parts or (rest == parts and found & 1):
        found += 1
    return found if quantity >= 0 else -found


def split_order(held: int, wanted: int) -> tuple[int, int]:
    """What of an order closes and what opens, as the engine splits it [lots]."""
    if wanted == 0 or held == 0 or (wanted < 0) == (held < 0):
        return 0, wanted
    close = max(wanted, -held) if wanted < 0 else min(wanted, -held)
    return close, wanted - close


def opening_cost(lots: int, mark: int, parts: int, rules: RiskRules) -> int:
    """What an opening order would take at its mark, fees included [micro-units]."""
    if lots == 0:
        return 0
    size = abs(lots)
    amount = share(size, mark, parts)
    if not rules.has_fees:
        return amount
    return amount + order_fee(
        amount,
        size / parts,
        rules.commission_rate,
        rules.commission_per_unit,
        rules.commission_per_trade,
        rules.commission_min,
    )


def ceiling_of(book: Book, mark: int, rules: RiskRules) -> int:
    """The highest price of a purchase at market, as the broker reserves for it [micro-units]."""
    if not rules.collar_low:
        return mark
    if book.ceiling_of != mark:
        book.ceiling_of = mark
        book.ceiling = _collared_of(mark, rules.collar_low, rules.collar_high)
    return book.ceiling


def refresh(book: Book, sums: Sums, rules: RiskRules) -> None:
    """Value a book anew, and the sums with it."""
    own: Any = book.rules
    mark, parts, held = book.mark, own.parts, book.held
    if not book.orders and (not book.stands or book.goal == held):
        _refresh_held(book, sums, share(held, mark, parts), own.sector)
        return
    close, opens = split_order(held, book.remainder())
    value = share(held, mark, parts)
    stays = close == 0 or book.is_unsure
    kept_net = value if stays else share(held + close, mark, parts)
    kept = abs(kept_net)
    opening = opening_cost(opens, mark, parts, rules)
    opening_net = share(opens, mark, parts) if opens else 0
    unmarked = held != 0 and mark == 0
    sums.unmarked += unmarked - book.unmarked
    book.unmarked = unmarked
    sums.held += value - book.value
    sums.gross += abs(value) - abs(book.value)
    sums.net += kept_net + opening_net - book.kept_net - book.opening_net
    sums.reserved += opening - book.opening
    sums.sectors[own.sector] += kept + opening - book.kept - book.opening
    book.value, book.kept, book.kept_net = value, kept, kept_net
    book.opening, book.opening_net = opening, opening_net


def _refresh_held(book: Book, sums: Sums, value: int, sector: int) -> None:
    """As `refresh`, of a book that only holds: most are such at any time."""
    kept = abs(value)
    unmarked = book.held != 0 and book.mark == 0
    sums.unmarked += unmarked - book.unmarked
    book.unmarked = unmarked
    sums.held += value - book.value
    sums.gross += kept - abs(book.value)
    sums.net += value - book.kept_net - book.opening_net
    sums.reserved -= book.opening
    sums.sectors[sector] += kept - book.kept - book.opening
    book.value = book.kept_net = value
    book.kept = kept
    book.opening = book.opening_net = 0
