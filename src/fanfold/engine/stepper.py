"""One run fed from outside: bars or quotes as they come, fills as a broker tells them.

The halves of the step that a backtest loops over, called once an event: what a backtest
finds out by meeting its orders with the next bar is handed in here, as fills, ends and
refusals. The same inputs in the same order give the same bits, so a state is reached again
by a snapshot and what came after it.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from fanfold.domain.compiled import Compiled
from fanfold.domain.prices import PRICE_MAX, PRICE_MIN
from fanfold.engine import told
from fanfold.engine.books import check_outside
from fanfold.engine.goals import Goals
from fanfold.engine.light import linked
from fanfold.engine.market import Market
from fanfold.engine.outcomes import fault_of, reason_of
from fanfold.engine.quotes import Quoted, Quotes
from fanfold.engine.shown import OF_TARGET
from fanfold.engine.snapshots import Flags, packed, unpacked
from fanfold.engine.spec import Terms, spec_hash
from fanfold.engine.step.outside import close_step, open_step
from fanfold.engine.step.state import OK, RUINED
from fanfold.engine.universe import Goal, Moment, Rows, StepRow, Universe
from fanfold.engine.views import seen_by_people
from fanfold.engine.window import BARS
from fanfold.errors import ConfigError, DataError, StrategyError
from fanfold.strategies.strategy import Strategy

__all__ = ["Goal", "Moment", "StepRow", "Stepper", "Universe"]


class _Middle(NamedTuple):
    """A quote whose two sides are one price."""

    asset: int
    ts: int
    bid: float
    ask: float


class Stepper:
    """A strategy with its account, one event after the other.

    Args:
        strategy: What decides.
        universe: The assets.
        terms: Money, costs, limits, sizing and options.
        machine: Machine code instead of plain Python: the same bits, faster, and the
            compiler's memory.
        resting_exits: Whether stops and targets rest at the venue. Else a bar that reaches
            a level makes the step ask for the exit at that bar's end.
        window_bars: Bars that are kept before the oldest are dropped [bars].

    Raises:
        ConfigError: The strategy or its terms cannot be run from outside: it computes
            columns, sizes at the fill, or the venue takes no such orders.
    """

    def __init__(
        self,
        strategy: Strategy,
        universe: Universe,
        terms: Terms,
        *,
        machine: bool = False,
        resting_exits: bool = True,
        window_bars: int = BARS,
    ) -> None:
        check_outside(type(strategy), terms)
        self._strategy = strategy
        self._universe = universe
        self._resting = int(resting_exits)
        self._identity = spec_hash(strategy, terms, repr((universe, resting_exits)))
        self._market = market = Market(strategy, universe, terms, window_bars, machine=machine)
        self._books = books = market.books
        self._goals = Goals(books.desks, books.rules)
        self._begun = False
        self._is_told = False  # whether no goal has changed since they were last given
        self._unheard = 0
        self._error = ""
        self._bind(machine=machine)
        self._quotes = Quotes(market, self._decide, self._asked)
        records = books.arrays["assets"]
        self._written = records.view("f8").reshape(len(records), -1)[:, OF_TARGET:]

    def _bind(self, *, machine: bool) -> None:
        """Settle what is called, and with which arrays."""
        books, window = self._books, self._market.window
        columns: Any = np.arange(self._market.value_count)
        decide = books.decide
        self._asked: tuple[Any, ...] = books.assets, books.portfolio, books.memory
        self._decide: Any = decide
        if machine:
            arrays = window.arrays()
            opening, written, closing = books.machine()
            self._open: Any = open_step.machine
            self._close: Any = close_step.machine
            if isinstance(decide, Compiled):
                records = books.arrays
                self._decide = decide.machine
                self._asked = records["assets"], records["portfolio"][0], records["memory"]
        else:
            arrays, columns = window.views, columns.tolist()
            opening, written, closing = books.plain()
            self._open, self._close = linked(open_step), linked(close_step)
            if isinstance(decide, Compiled):
                self._decide = decide.function
        *market, clock, pulse = arrays
        self._opening = *market, columns, clock, pulse, *opening
        self._closing = *written, market[3], clock, *closing
        self._facts: Any = window.views[3]

    def warm(self, moment: Moment, rows: Rows) -> None:
        """Take a bar of the past: features learn of it, nothing is decided.

        As in a backtest before its first decision, prices are not marked: an asset that has
        no bar at the first decision is not shown until it has one.

        Raises:
            ConfigError: The past is over.
            DataError: A bar is none.
        """
        if self._begun:
            raise ConfigError("bars of the past must come before the run begins, came after")
        self._market.check(rows)
        self._market.append(moment, rows)

    def begin(self, *, adopt: bool) -> None:
        """The past is over: from the next bar on the strategy decides.

        Args:
            adopt: Whether the first decision's targets are traded. Else they count as heard,
                and an asset is traded once its target changes.
        """
        self._begun = True
        self._unheard = 0 if adopt else 1 + self._books.lag

    def step(self, moment: Moment, rows: Rows) -> list[Goal]:
        """Take a bar and decide; the goals that are new or changed, or asked for again.

        Raises:
            StrategyError: The decision raised, or wrote a target that is not finite, or
                nothing is left to trade with. The run is over: `error` says why.
            DataError: A bar is none; nothing has happened.
            ConfigError: The run has not begun.
        """
        self._check_begun()
        self._market.check(rows)
        self._quotes.end()
        return self._go_on(self._market.append(moment, rows))

    def quote(self, moment: Moment, asset: int, bid: float, ask: float) -> list[Goal]:
        """Take a quote as a bar of its middle, of one asset, and decide; as `step`.

        Where the decision looks at nothing that orders change, only the one asset's features
        and the decision are worked through, and the rest of the step once it changes a wish:
        the same bits, in a few microseconds. A quote without both sides changes nothing.
        """
        middle = (bid + ask) / 2.0
        if not (bid >= PRICE_MIN and PRICE_MIN <= ask <= PRICE_MAX):
            return []
        last, ts = self._market.last, moment.ts
        stays = moment.session_day == last.session_day and not moment.closes_session
        one, seen = _Middle(asset, ts, middle, middle), [0] * len(self._universe.symbols)
        if stays and self.pass_by((one,), 0, _Middle, seen, (ts, ts), lambda _: moment):
            return self.hear() if self._quotes.is_news else []
        return self.step(moment, [(asset, middle, middle, middle, middle, math.nan)])

    def pass_by(
        self,
        quotes: Sequence[Any],
        first: int,
        kind: type[Quoted],
        seen: list[int],
        reach: tuple[int, int],
        moment_at: Callable[[int], Moment],
    ) -> int:
        """Take quotes within the session of the last event as long as they change nothing.

        The same as `quote` with each, where it has little to do: the first that is not taken
        is to be given to it, and after one that changed something `hear` says what is wanted.
        Arguments as in `fanfold.engine.quotes.Quotes.pass_by`.

        Returns:
            The place of the first that was not taken.
        """
        quotes_by = self._quotes
        if quotes_by.bounds is None:
            quotes_by.find_bounds(is_told=self._is_told and self._unheard == 0)
        if not quotes_by.bounds or self._error or self._market.last.closes_session:
            return first
        return quotes_by.pass_by(quotes, first, kind, seen, reach, moment_at)

    @property
    def passed(self) -> tuple[int, int | None]:
        """Instants of the last quote that changed nothing, and of one after it that did."""
        quotes = self._quotes
        return quotes.passed_ts, quotes.ts if quotes.is_news else None

    def hear(self) -> list[Goal]:
        """The rest of the step, after a quote at which the decision wrote something else.

        Raises:
            StrategyError: As `step`.
        """
        if self._quotes.raised:
            self._fail(self._quotes.raised)
        some = self._quotes.hear_some()
        if some is None:
            self._quotes.end()
            return self._hear(self._market.t)
        t, desks = some
        if self._books.account.status != OK:
            self._quotes.end()
            self._fail("")
        self._is_told = True
        return self._goals.news(t, self._facts, asked=True, desks=desks)

    def rehearse(self) -> list[Goal]:
        """`hear` for nothing, so that it is quick when it counts; nothing changes by it."""
        some = self._quotes.rehearse()
        return [] if some is None else self._goals.of(some[0], self._facts, some[1])

    def _go_on(self, t: int) -> list[Goal]:
        """The step at a bar that is written."""
        if self._open(t, self._resting, *self._opening) != OK:
            self._fail("")
        try:
            self._decide(*self._asked)
        except Exception as raised:
            self._fail(reason_of(raised))
        return self._hear(t)

    def _hear(self, t: int) -> list[Goal]:
        """The rest of the step at bar t, once the decision has written."""
        only_heard = int(self._unheard > 0)
        self._unheard -= only_heard
        if self._close(t, only_heard, *self._closing) != OK:
            self._fail("")
        self._is_told = True
        return self._goals.news(t, self._facts, asked=True)

    def _fail(self, reason: str) -> None:
        """End the run.

        Raises:
            StrategyError: Always.
        """
        account = self._books.arrays["account"][0]
        if not reason and account["status"] == RUINED:
            reason = "equity must stay above 0, was gone"
        symbols: Any = self._universe  # all that is read of bars
        self._error = reason or fault_of(account, symbols)
        self._check_begun()

    def _check_begun(self) -> None:
        if self._error:
            raise StrategyError(f"{type(self._strategy).__name__}: {self._error}")
        if not self._begun:
            raise ConfigError("a run must begin before it decides, did not")

    def _disturb(self) -> None:
        """Goals may change by what comes now."""
        self._quotes.end()
        self._is_told = False

    def fill(self, asset: int, role: str, lots: int, price: int, fee: int, ts: int) -> None:
        """A part of an order was executed.

        Args:
            asset: Its number.
            role: "entry", "exit", "stop", "target" or "flatten".
            lots: Signed.
            price: [micro-units]
            fee: [micro-units]
            ts: When [ns UTC].

        Raises:
            DataError: There is no such role, or the price is none.
        """
        told.check_fill(role, price)
        self._disturb()
        told.fill(self._market, asset, role, lots, price, fee, ts)

    def ended(self, asset: int, role: str, left: int, reason: str) -> None:  # noqa: ARG002
        """An order is over with `left` signed lots unfilled: they stay in the goal.

        They are asked for again at the next step while the goal stands.
        """
        if role in told.WORKING:
            self._disturb()
            told.ended(self._market, asset, role)

    def refused(self, asset: int, allowed: int, reason: str) -> None:
        """What a limit took away leaves the goal, which becomes `allowed` lots."""
        self._disturb()
        told.refused(self._market, asset, allowed)
        self._goals.reasons[asset] = reason

    def settle(self, held: Sequence[int], cash: int) -> None:
        """Positions and cash as the broker has them, where they are not as thought.

        Args:
            held: Signed lots of each asset.
            cash: [micro-units]
        """
        self._disturb()
        told.settle(self._market, held, cash)

    def split(self, asset: int, ratio: float) -> None:
        """An asset was split before the next bar's open: `ratio` units for one.

        What is held, ordered and heard is rescaled as in a backtest on raw prices, and the
        decision goes on seeing prices without the jump. Fractions of a lot are paid at the
        last mark, as there; what the broker pays instead comes with `settle`.

        Raises:
            DataError: The ratio is none.
        """
        if not 0.0 < ratio < math.inf:
            raise DataError(f"the ratio of a split must be above 0 and finite, was {ratio}")
        self._disturb()
        self._market.split(asset, ratio)

    def goals(self) -> list[Goal]:
        """What is wanted of every asset now: to be sent again after an arming."""
        self._quotes.end()
        return self._goals.all(self._market.t, self._facts)

    def changed(self) -> list[Goal]:
        """Goals that fills, ends or refusals have changed since they were last given.

        A fill arms stop and target: a caller that waits for the next step protects late.
        """
        if self._error or self._is_told:
            return []
        self._quotes.end()
        self._is_told = True
        return self._goals.news(self._market.t, self._facts, asked=False)

    @property
    def error(self) -> str:
        """Why the run is over, or ""."""
        return self._error

    def written(self) -> Any:
        """What the decision last wrote, until the next one: float64 of shape [asset, wish]."""
        return self._written

    def written_bytes(self) -> bytes:
        """The same as bytes."""
        return self._quotes.written()

    def view(self) -> dict[str, Any]:
        """The state as a person would look at it: features, positions, goals, money."""
        self._quotes.end()
        return seen_by_people(self._market, self._goals)

    def snapshot(self) -> bytes:
        """All state, so that `restore` goes on with the same bits.

        What a plain decision keeps in objects of its own is no part of it.
        """
        self._quotes.end()
        flags = Flags(
            begun=self._begun,
            unheard=self._unheard,
            error=self._error,
            reasons=self._goals.reasons,
            said=self._goals.said,
        )
        return packed(self._identity, self._market, flags)

    def restore(self, content: bytes) -> None:
        """Take a snapshot's state over.

        Raises:
            DataError: It is of another strategy, other parameters, terms or assets.
        """
        flags = unpacked(content, self._identity, self._market)
        self._quotes.forget()
        self._is_told = False
        self._begun, self._unheard, self._error = flags.begun, flags.unheard, flags.error
        self._goals.put_back(flags.said, flags.reasons)
