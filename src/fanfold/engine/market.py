"""What a run fed from outside knows of the market: its last bars, features, and history."""

import math
from typing import Any, Final

import numpy as np

from fanfold.domain.panel import CLOSE, VOLUME
from fanfold.domain.prices import PRICE_MAX, PRICE_MIN
from fanfold.domain.record import view
from fanfold.engine.books import Books
from fanfold.engine.feeds import Feeds
from fanfold.engine.history import History
from fanfold.engine.light import linked
from fanfold.engine.spec import Terms
from fanfold.engine.step.overnight import pass_night
from fanfold.engine.step.state import CLOCK_ROWS, FORWARD, SESSIONS_CLOSED, SPLIT
from fanfold.engine.universe import Moment, Rows, Universe
from fanfold.engine.window import Window
from fanfold.errors import DataError
from fanfold.strategies.sizing import warm_up
from fanfold.strategies.strategy import Strategy, features_of

_pass_night = linked(pass_night)

KNOWN_BARS: Final = 2
"""Bars that the step tells apart: the newest, and the one before."""

START = Moment(
    ts=0,
    session_day=0,
    minutes_to_close=0.0,
    is_month_end=False,
    closes_session=False,
    nights=0,
)
"""Before the first bar."""


def calendar_of(universe: Universe) -> str:
    """The calendar of the moments: the assets' own, or the first exchange's by name."""
    return universe.calendar or min(set(universe.calendars) - {"24/7"}, default="24/7")


class Market:
    """Bars as they come.

    Attributes:
        window: The last of them.
        feeds: Features.
        history: What limits and sizings look back at.
        books: The account whose bars' numbers go with the window's.
        forward: What a unit of each asset has become; None while nothing was split.
        last: The newest bar's end, or quote's instant.
        scales: Whether every bar, a quote too, moves what sizing or limits look back at.
    """

    def __init__(
        self,
        strategy: Strategy,
        universe: Universe,
        terms: Terms,
        bars: int,
        *,
        machine: bool = False,
    ) -> None:
        """Begin before the first bar, with room for so many bars; see `Books`."""
        features, calendar = features_of(strategy), calendar_of(universe)
        self.symbols = universe.symbols
        self.value_count = sum(feature.output_count for feature in features)
        self.feeds = Feeds(features, universe.symbols, calendar, universe.session_days)
        self.history = History(terms, len(universe.symbols), calendar)
        self.books = Books(
            strategy,
            universe,
            terms,
            self.history.scratch,
            facts=self.history.reads_facts,
            machine=machine,
        )
        self.window = Window(len(universe.symbols), self.value_count, self.books.lag, bars)
        self.forward: Any = None
        self.last = START
        self.scales = warm_up(terms.sizing) > 1 or terms.limits.outlier is not None

    @property
    def t(self) -> int:
        """Number of the newest bar; 0 before the first."""
        return max(self.window.count - 1, 0)

    def check(self, rows: Rows) -> None:
        """Refuse bars that money cannot hold, before anything learns of them.

        Raises:
            DataError: A bar is of no asset, or has a price or a volume that is none.
        """
        for asset, *prices in rows:
            if not 0 <= asset < len(self.symbols):
                raise DataError(f"a bar must be of one of the assets, was of number {asset}")
            close, volume = prices[CLOSE], prices[VOLUME]
            if close != close:  # noqa: PLR0124  (true for NaN: no bar)
                continue
            for price in prices[:VOLUME]:
                if not PRICE_MIN <= price <= PRICE_MAX:
                    raise DataError(
                        f"{self.symbols[asset]}: a price must be {PRICE_MIN:g} to "
                        f"{PRICE_MAX:g}, was {price}"
                    )
            if volume < 0.0 or volume == math.inf:
                raise DataError(
                    f"{self.symbols[asset]}: a volume must not be negative, was {volume}"
                )

    def append(self, moment: Moment, rows: Rows) -> int:
        """Write the next bar, and let features learn of it; its number."""
        window, history = self.window, self.history
        if window.ends_unclosed(moment.session_day):
            window.close_last()
            self._close_session()
        self.feeds.push(moment, rows, self.forward)
        history.take(moment, rows, self.forward)
        t = self._write(1, moment, rows)
        if moment.closes_session:
            self._close_session()
        return t

    def pass_quotes(self, count: int, asset: int, price: float) -> None:
        """Go on by so many quotes, of which the last was this, at the last moment.

        Of bars before the one before the last only is known that they were: two numbers are
        enough for all.
        """
        bar = asset, price, price, price, price, math.nan
        t = self._write(min(count, KNOWN_BARS), self.last, [bar])
        if count > 1:  # of the one before the last, all that is ever looked at
            self.window.clock[SESSIONS_CLOSED, t - 1] = self.window.sessions

    def make_room(self) -> None:
        """Let the window slide now where quotes would make it slide later."""
        window = self.window
        if window.count + KNOWN_BARS > window.capacity:
            self.books.renumber(window.slide())

    def _write(self, count: int, moment: Moment, rows: Rows) -> int:
        window, latest = self.window, self.feeds.latest
        t, shift = window.room(count)
        if shift:
            self.books.renumber(shift)
        facts = self.history.now if self.books.rules.facts == 1 else None
        window.write(t, moment, rows, facts, self.forward)
        window.bank[:, t] = latest.T
        self.last = moment
        return t

    def _close_session(self) -> None:
        """Keep what a session has returned; sessions that are forgotten by it do not count."""
        forgotten = self.history.close_session(self.window.sessions)
        if forgotten:
            self.window.forget_sessions(forgotten)
            self.books.account.order_session -= forgotten

    def split(self, asset: int, ratio: float) -> None:
        """Rescale all that counts an asset's units or prices."""
        books, now = self.books, self.history.now
        books.rules.facts = 1
        happens = now[:, np.newaxis].copy()
        happens[SPLIT, 0, asset] = ratio
        clock = view(np.zeros((CLOCK_ROWS, 1), np.int64))
        _pass_night(0, view(happens), clock, books.desks, books.account, books.rules, (), (), ())
        now[FORWARD, asset] *= ratio
        self.window.facts[:] = now[:, np.newaxis]
        self.use_forward()

    def use_forward(self) -> None:
        """Let prices be adjusted from now on, where anything was split."""
        now = self.history.now[FORWARD]
        self.forward = view(now) if (now != 1.0).any() else None
