"""The market and the account as risk sees them: one state, moved by what it is told.

Two valuations stand side by side. Limits value positions where the engine's step does, at
the last bar's close (at the last quote where quotes are the clock), so that both allow the
same lots. Breakers value them at every believed quote.
"""

import math
from bisect import bisect_left
from typing import Final

from fanfold.domain.money import MICRO
from fanfold.domain.sessions import DAY_NS
from fanfold.live.messages import (
    AccountState,
    Feed,
    Fill,
    OrderChange,
    Prior,
    Quote,
    Split,
    Step,
)
from fanfold.live.risk.book import PROTECTIVE, Book, OpenOrder, Sums, refresh, share, split_order
from fanfold.live.risk.rules import SECOND_NS, RiskRules
from fanfold.risk.collar import RECENT
from fanfold.risk.collar import agreeing as _agreeing
from fanfold.risk.collar import is_outlier as _is_outlier
from fanfold.risk.collar import unconfirmed_jump as _unconfirmed_jump

NIGHT_WAIT_NS: Final = 60 * SECOND_NS
"""How long a jump over a night waits to be told apart from a split, on the stream's clock."""

SPLIT_CASH_SHARE: Final = 0.01
"""Cash that may move with a split [share of the position]: fractions are paid out."""

ROUNDED: Final = 2e-6
"""What rounding of two marks may make of their difference, twice as prices are kept [currency]."""

ROUNDINGS: Final = 8.0
"""And rounding of a book's parts in a sum [micro-units]."""

PRICE_MAX: Final = 1e9
"""Largest price that can be meant [currency]."""

_ENDED_UNFILLED: Final = frozenset(
    {"canceled", "expired", "rejected", "denied", "lost", "done_for_day"}
)

_UNSURE: Final = frozenset({"unknown", "sending"})
"""States in which nobody knows whether the broker has an order: it frees no room."""

_outlier_of: Final = _is_outlier.function
_agreeing_of: Final = _agreeing.function
_jump_of: Final = _unconfirmed_jump.function


class Mirror:
    """All books, the sums over them, and the stream's clock.

    Args:
        rules: Of the deployment.
        closes: Ends of the sessions that days are counted by, in order [ns UTC]; none for
            days that end at midnight.
        days: Their dates [days since 1970-01-01].

    Attributes:
        newest: Newest instant of the stream [ns UTC].
        day: Date of the session that it lies in; -1 beyond the last one.
        rolled: Whether a session has ended since somebody last looked.
        feed_up: Whether the stream can be trusted.
        account: What the broker said last.
        power: Buying power that the broker has left, fills since then counted; `spent` is
            what was approved since and has not filled.
        live_equity: Cash and positions at believed quotes [micro-units].
        swayed: What any of the sums may be off by since all was marked, where quotes are the
            clock; infinite where nobody can say [micro-units].
        order_count: Orders that were approved in this session; `open_count` are open now.
        live: Numbers of the books that hold, or may come to hold, anything.
    """

    def __init__(self, rules: RiskRules, closes: tuple[int, ...], days: tuple[int, ...]) -> None:
        self.rules = rules
        self._confirms = rules.bar_outlier < math.inf and not rules.by_quotes
        self.books = {number: Book(number, own) for number, own in enumerate(rules.assets)}
        self.sums = Sums(rules.sector_count)
        self.newest = 0
        self.feed_up = True
        self.account: AccountState | None = None
        self.power = 0
        self.spent = 0
        self.live_equity = 0.0
        self.live: set[int] = set()
        self.swayed = math.inf
        self.order_count = 0
        self.open_count = 0
        self.day = -1
        self.rolled = False
        self.deferring = 0
        self._closes = closes
        self._days = days
        self._began = 0
        self.ends = 0

    def doubt(self, book: Book, quote: Quote) -> None:
        """A quote that is not as usual: one-sided, wide, or far from the last price."""
        last, book.quote = book.quote, quote
        bid, ask = quote.bid, quote.ask
        usable = 0.0 < bid <= PRICE_MAX and 0.0 < ask <= PRICE_MAX
        if usable and ask - bid <= self.rules.spread_max * 0.5 * (bid + ask):
            self._believe_or_doubt(book, bid + ask, quote.ts, last.ts if last else book.price_ts)

    def _believe_or_doubt(self, book: Book, middle: float, ts: int, last_ts: int) -> None:
        rules = self.rules
        known = book.middle or (2.0 * book.close if math.isfinite(book.close) else 0.0)
        doubts = book.doubts
        if not doubts:
            if not _outlier_of(middle, known, rules.outlier):
                self._believe(book, middle, ts, over_night=False)
                return
            book.over_night = last_ts <= self._began
        doubts.append(middle)
        del doubts[: -rules.confirm_of]
        if not _outlier_of(middle, known, rules.outlier):
            if len(doubts) == rules.confirm_of and all(
                not _outlier_of(each, known, rules.outlier) for each in doubts
            ):
                doubts.clear()
            self._move(book, middle, ts, over_night=False)
        elif _agreeing_of(doubts, middle, rules.outlier) >= rules.confirm:
            self._believe(book, middle, ts, over_night=book.over_night)

    def _believe(self, book: Book, middle: float, ts: int, *, over_night: bool) -> None:
        book.doubts.clear()
        self._move(book, middle, ts, over_night=over_night)

    def _move(self, book: Book, middle: float, ts: int, *, over_night: bool) -> None:
        gain = book.worth * (middle - book.middle)
        self.swayed += book.sway * abs(middle - book.middle)
        book.middle = middle
        book.price_ts = ts
        if over_night and book.worth:
            self.deferring += 1 if book.deferred_ts == 0 else 0
            book.deferred += gain
            book.deferred_ts = ts
        else:
            self.live_equity += gain

    def take_step(self, step: Step) -> None:
        """A panel's bars: marks of limits, volumes, and prices where quotes are missing."""
        self.pass_time(step.ts)
        for row in step.rows:
            book = self.books.get(row.asset)
            if book is None or not 0.0 < row.close <= PRICE_MAX:
                continue
            book.close = row.close
            if self._confirms and row.volume != 0.0:
                self._confirm(book, row.close)
            if row.volume > 0.0:
                book.volumes.append(row.volume)
            if book.quote is None or step.ts - book.quote.ts > self.rules.quote_age:
                last = book.price_ts
                self._believe_or_doubt(book, 2.0 * row.close, step.ts, last)
            if not self.rules.by_quotes:
                self._set_mark(book, round(row.close * 1e6))

    def _confirm(self, book: Book, close: float) -> None:
        """Believe a bar's close, or wait for others that agree with it."""
        rules = self.rules
        if not book.belief:
            book.belief = [0.0] * (RECENT + rules.bar_confirm_of)
        book.jump = _jump_of(book.belief, close, rules.bar_outlier, rules.bar_confirm)

    def take_prior(self, prior: Prior) -> None:
        """Usual volume and last close; those of a day before a split are restated."""
        book = self.books.get(prior.asset)
        if book is None:
            return
        ratio = book.split_ratio if prior.ts <= book.split_ts else 1.0
        book.daily_volume = prior.daily_volume * ratio
        close = prior.close / ratio
        if book.close == 0.0 and 0.0 < close <= PRICE_MAX:
            book.close = close
            if book.mark == 0:
                self._set_mark(book, round(close * 1e6))

    def take_feed(self, feed: Feed) -> None:
        """Whether the stream, and each asset in it, can be trusted."""
        self.feed_up = feed.up
        stale = set(feed.stale)
        for book in self.books.values():
            book.stale = book.number in stale

    def pass_time(self, ts: int) -> None:
        """The stream has come to an instant."""
        if ts <= self.newest:
            return
        self.newest = ts
        if ts > self.ends:
            self._begin_session(ts)
        if self.deferring:
            self._count_deferred(ts)

    def _begin_session(self, ts: int) -> None:
        before = self.day
        self._began = self.ends
        if not self._closes:
            self.day = (ts - 1) // DAY_NS
            self.ends = (self.day + 1) * DAY_NS
        else:
            place = bisect_left(self._closes, ts)
            beyond = place == len(self._closes)
            self.day = -1 if beyond else self._days[place]
            self.ends = ts + DAY_NS if beyond else self._closes[place]
        self.rolled = self.rolled or -1 != before != self.day

    def _count_deferred(self, ts: int) -> None:
        for book in self.books.values():
            if book.deferred_ts and ts - book.deferred_ts > NIGHT_WAIT_NS:
                self.live_equity += book.deferred
                book.deferred = 0.0
                book.deferred_ts = 0
                self.deferring -= 1

    def take_fill(self, fill: Fill) -> None:
        """A part of an order was executed: cash and position move."""
        book = self.books.get(fill.asset)
        if book is None:
            return
        paid = share(fill.lots, fill.price, book.rules.parts) + fill.fee
        self.sums.cash -= paid
        self.live_equity -= paid
        self._spend(book, fill)
        if book.mark == 0:
            book.mark = fill.price
        if book.middle == 0.0:
            book.middle = 2.0 * fill.price / MICRO
            self.swayed = math.inf
        book.held = fill.held
        self.settle(book)

    def _spend(self, book: Book, fill: Fill) -> None:
        """What a fill took of the broker's buying power is spent, and no longer approved."""
        closed, opened = split_order(book.held, fill.lots)
        parts = book.rules.parts
        taken = share(abs(opened), fill.price, parts) - share(abs(closed), fill.price, parts)
        self.power -= taken
        if book.spent:
            self.set_spent(book, book.spent - taken)

    def set_spent(self, book: Book, spent: int) -> None:
        """What the approval of a book will still take of buying power; negative frees some."""
        self.spent += spent - book.spent
        book.spent = spent

    def take_order(self, change: OrderChange) -> None:
        """One of our orders is in another state."""
        book = self.books.get(change.asset)
        if book is None:
            return
        before = len(book.orders)
        if change.left != 0:
            is_unsure = change.state in _UNSURE and change.role not in PROTECTIVE
            book.orders[change.client_order_id] = OpenOrder(
                change.role, change.left, change.limit, change.stop, is_unsure
            )
        else:
            book.orders.pop(change.client_order_id, None)
        self.open_count += len(book.orders) - before
        if change.number >= book.approval and change.role not in PROTECTIVE:
            book.pending = False
            works = any(each.role not in PROTECTIVE for each in book.orders.values())
            if change.left == 0 and change.state in _ENDED_UNFILLED and not works:
                book.stands = False
                self.set_spent(book, 0)
        self.settle(book)

    def take_account(self, state: AccountState) -> None:
        """Positions and money as the broker has them, whatever was thought."""
        moved = state.cash - self.sums.cash
        self.swayed = math.inf
        for number, held in enumerate(state.held[: len(self.books)]):
            book = self.books[number]
            if held != book.held:
                if self.account is not None and held * book.held > 0:
                    self._rescale(book, held, moved)
                book.held = held
                book.stands = book.pending = False
            if not book.pending:
                self.set_spent(book, 0)
            self._find_mark(book)
            self.settle(book)
        self.sums.cash = state.cash
        self.account = state
        self.power = state.buying_power
        self.revalue()

    def _rescale(self, book: Book, held: int, moved: int) -> None:
        """More or fewer units for no money were a split: prices go the other way."""
        if abs(moved) <= SPLIT_CASH_SHARE * abs(book.value):
            ratio = book.held / held
            book.middle *= ratio if book.deferred_ts == 0 else 1.0
            book.close = _nearest(0.5 * book.middle, book.close, book.close * ratio)
            mark = _nearest(book.middle * 5e5, float(book.mark), book.mark * ratio)
            book.mark = round(mark)
            book.doubts.clear()
            book.belief.clear()
            book.jump = math.nan

    def take_split(self, split: Split) -> bool:
        """One unit became `ratio`: nothing has changed in value. False if it was known."""
        book = self.books.get(split.asset)
        if book is None or split.ts <= book.split_ts or not 0.0 < split.ratio < math.inf:
            return False
        book.split_ts, book.split_ratio = split.ts, split.ratio
        book.restate(split.ratio)
        book.held = split.held
        self.settle(book)
        if self.account is not None:
            self.revalue()
        return True

    @property
    def is_blind(self) -> bool:
        """Whether something is held of which no price is known: what it is worth is not known."""
        return any(book.held and book.middle == 0.0 for book in self.books.values())

    def revalue(self) -> None:
        """Value all positions anew at believed quotes."""
        self.live_equity = float(self.sums.cash)
        for book in self.books.values():
            book.deferred = 0.0
            book.deferred_ts = 0
            self.live_equity += book.worth * book.middle
        self.deferring = 0

    def exact_equity(self) -> int:
        """Cash and positions at believed quotes, as integers [micro-units]."""
        return self.sums.cash + sum(
            share(book.held, round(book.middle * 5e5), book.rules.parts) - round(book.deferred)
            for book in self.books.values()
            if book.held
        )

    def settle(self, book: Book) -> None:
        """A book's position or orders have changed."""
        worth = book.held / book.rules.parts * 5e5
        self.live_equity += (worth - book.worth) * book.middle
        book.worth = worth
        # What opens costs its value and a fee, which is less than as much again.
        sway = abs(worth) + abs(book.remainder()) / book.rules.parts * 1e6
        if sway > book.sway:
            away = abs(book.middle - book.mark / 5e5) + ROUNDED
            self.swayed += (sway - book.sway) * away + ROUNDINGS
        book.sway = sway
        if book.is_live:
            self.live.add(book.number)
        else:
            self.live.discard(book.number)
        refresh(book, self.sums, self.rules)

    def mark_live(self, asked: Book) -> None:
        """Where quotes are the clock, mark what is held or asked at the last believed ones."""
        if self.rules.by_quotes:
            self.mark_all()
            self._set_mark(asked, round(asked.middle * 5e5))
        elif asked.mark == 0:
            self._find_mark(asked)

    def mark_all(self) -> None:
        """Where quotes are the clock, mark what is held or asked for at the last believed ones."""
        rounded = 0.0
        if self.rules.by_quotes:
            for number in self.live:
                book = self.books[number]
                self._set_mark(book, round(book.middle * 5e5))
                rounded += book.sway * ROUNDED + ROUNDINGS
        self.swayed = rounded

    def _find_mark(self, book: Book) -> None:
        if book.mark == 0:
            self._set_mark(book, round((book.close or 0.5 * book.middle) * 1e6))
        if book.middle == 0.0:
            book.middle = 2.0 * book.close

    def _set_mark(self, book: Book, mark: int) -> None:
        if mark != book.mark and mark > 0:
            book.mark = mark
            if book.is_live:
                refresh(book, self.sums, self.rules)


def _nearest(price: float, first: float, second: float) -> float:
    return first if abs(first - price) <= abs(second - price) else second
