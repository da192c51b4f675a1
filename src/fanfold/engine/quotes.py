"""Quotes that change no wish: the least work now, the rest once it matters.

A decision that looks at the market alone is asked at every quote, with one asset's new
features. While it wishes what it wished and nothing waits, the account is only marked and
measured: in numbers of this module, which the records get before anything looks at them.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

from fanfold.domain.language import attributes_read
from fanfold.domain.prices import PRICE_MAX, PRICE_MIN
from fanfold.engine.apart import Chosen, decides_apart
from fanfold.engine.bounds import Bounds, function_of, looks_at_market_only, may_rest, quiet_bounds
from fanfold.engine.hearing import Rehearsal, concerned, hear_some, may_hear_some
from fanfold.engine.light import linked
from fanfold.engine.market import KNOWN_BARS, Market
from fanfold.engine.measured import Measured
from fanfold.engine.outcomes import reason_of
from fanfold.engine.shown import OF_FRESH, OF_TARGET, Shown
from fanfold.engine.step.runner import ORDER_FIELDS
from fanfold.engine.step.show import show_positions
from fanfold.engine.step.state import SESSIONS_CLOSED, Rules
from fanfold.engine.step.watch import look_ahead
from fanfold.engine.universe import Moment

_show_positions = linked(show_positions)
_look_ahead = linked(look_ahead)

UNSPLIT: Final = Rules.views(Rules.zeros(1))[0]
"""Rules of a run without facts: quotes go by only while nothing was split."""


class Quoted(Protocol):
    """The best bid and ask of an asset, by its number, from an instant on."""

    @property
    def asset(self) -> int:
        """The asset's number."""
        ...

    @property
    def ts(self) -> int:
        """The instant [ns UTC]."""
        ...

    @property
    def bid(self) -> float:
        """Best price that is paid [currency]."""
        ...

    @property
    def ask(self) -> float:
        """Best price that is asked [currency]."""
        ...


_WISHES: Final = frozenset({"target", *ORDER_FIELDS})

_OF_BARS: Final = frozenset({"open", "high", "low", "volume", "fresh"})
"""What a quote shows of an asset beside its close and features."""

_NEVER: Final = -1.0
"""A price that no quote has."""

_NAN: Final = math.nan


class Quotes:
    """The quotes of a run that have changed nothing but marks, and whether the next one may.

    Attributes:
        bounds: From `quiet_bounds`; None is not known.
        ts: Instant of the last quote that was taken [ns UTC].
        passed_ts: The same, without one that is news.
        is_news: Whether the last one made the decision write something else, or raise.
        raised: What it raised, or "".
    """

    def __init__(self, market: Market, ask: Callable[..., None], records: Any) -> None:
        """Begin without a quote.

        Args:
            market: Of the run.
            ask: The decision, to be asked about all assets.
            records: What it is asked with.
        """
        books, decide = market.books, market.books.decide
        self.bounds: Bounds | None = None
        self.ts = self.passed_ts = 0
        self.is_news, self.raised = False, ""
        self._market, self._books = market, books
        self._ask, self._records = ask, records
        self._shown = Shown(books, market.value_count)
        self._may_rest = (
            may_rest(books)
            and looks_at_market_only(decide)
            and not market.feeds.need_context
            and not market.scales
        )
        self._is_apart = self._may_rest and decides_apart(decide)
        read = attributes_read(function_of(decide)) if self._is_apart else {"fresh"}
        self._reads_fresh = "fresh" in read
        # Whether one asset's close and features are all that a quote shows anew, and a target
        # all that comes of it: then the decision is asked with light objects. It is not asked
        # again at all while it can see nothing but a close that is what it was.
        only_targets = self._shown.only_targets and not read & _WISHES
        self._is_light = self._is_apart and only_targets and not read & _OF_BARS
        self._is_pure = self._is_light and market.value_count == 0
        self._ask_alone = function_of(decide)
        count = len(books.assets)
        self._asked_of: list[Any] = books.assets
        self._portfolio: Any = books.portfolio
        if self._is_light:
            self._asked_of = self._shown.light_assets(books)
            self._portfolio = self._shown.light_portfolio(books)
        self._alone = [Chosen([each], count) for each in self._asked_of]
        self._places = tuple(range(count))
        self._asked: tuple[int, ...] = ()
        self._prices = [_NEVER] * count
        self._known: list[Any] = []
        self._measured: Measured | None = None
        self._count = 0
        self._last = self._fresh = -1
        self._is_heard = False
        self._rehearsal = Rehearsal(books, self._shown)
        self._concerned: tuple[int, ...] = ()
        self._moment_at: Callable[[int], Moment] = _no_moment

    def find_bounds(self, *, is_told: bool) -> Bounds:
        """Find out whether quotes may go by from now on: not while a goal is to be told."""
        self.end()
        books, shown = self._books, self._shown
        may = self._may_rest and books.account.bar_count > 0 and self._market.forward is None
        self.bounds = quiet_bounds(books) if may and is_told else []
        if self.bounds:
            self._market.make_room()
            self._measured = Measured(books)
            self._concerned = concerned(books)
            self._prices = [_NEVER] * len(self._places)
            if self._is_light:
                self._known = [floats[OF_TARGET] for floats in shown.floats]
                self._show_light()
            else:
                self._known = [wished.tobytes() for wished in shown.wished]
        return self.bounds

    def pass_by(  # noqa: C901, PLR0912, PLR0915  (one loop whose values stay in locals)
        self,
        quotes: Sequence[Any],
        first: int,
        kind: type[Quoted],
        seen: list[int],
        reach: tuple[int, int],
        moment_at: Callable[[int], Moment],
    ) -> int:
        """Take quotes as long as they change nothing; the place of the first not taken.

        One at which the decision writes something else, or raises, is the last that is taken.

        Args:
            quotes: What came, other values among them.
            first: Place of the first to be taken.
            kind: The type of a quote.
            seen: Of each asset, the instant of its last quote; moved on [ns UTC].
            reach: The run's clock, which never goes back, and the last instant that it may
                come to here [ns UTC].
            moment_at: What the calendar says of such an instant.
        """
        self.is_news, self.raised = False, ""
        bounds, measured = self.bounds, self._measured
        ts, limit = reach
        self.passed_ts = ts
        if not bounds or measured is None:
            return first
        self._moment_at = moment_at
        feeds, prices, known = self._market.feeds, self._prices, self._known
        is_light, asked_of = self._is_light, self._asked_of
        updates, has_features, is_pure = feeds.updates, bool(feeds.latest.size), self._is_pure
        ask, alone, portfolio, memory = (
            self._ask_alone, self._alone, self._portfolio, self._books.memory
        )  # fmt: skip
        floats, features, counts = self._shown.floats, self._shown.features, measured.counts
        sizes, sides, parts, values = (
            measured.sizes, measured.sides, measured.parts, measured.values
        )  # fmt: skip
        equity, gross, level, run = measured.equity, measured.gross, measured.known, measured.run
        before, assets, passed, last = self.ts, len(bounds), 0, self._last
        for place in range(first, len(quotes)):
            quote = quotes[place]
            if type(quote) is not kind:
                break
            asset, at, bid, offer = quote.asset, quote.ts, quote.bid, quote.ask
            if not 0 <= asset < assets or at < seen[asset] or at > limit:
                break
            if not PRICE_MIN <= bid <= offer <= PRICE_MAX:
                break
            price = (bid + offer) / 2.0
            low, high = bounds[asset]
            if not low < price < high:
                break
            seen[asset] = at
            if at > ts:  # noqa: PLR1730  (a call of max costs more than both)
                ts = at
            if price != prices[asset] or not is_pure:
                for update, state, out in updates[asset]:
                    update(state, out, price, price, price, price, _NAN)
                if has_features:
                    features[asset][:] = feeds.values[asset]
                try:
                    if is_light:
                        one = asked_of[asset]
                        one.close = price
                        ask(alone[asset], portfolio, memory)
                        target, wish = one.target, known[asset]
                        if target != wish or (target == 0.0 and _differ(target, wish)):
                            floats[asset][OF_TARGET] = target
                            self.is_news = True
                    else:
                        self._ask_otherwise(asset, price, ts)
                        self.is_news = self._changes_wishes()
                except Exception as raised:
                    self.is_news, self.raised = True, reason_of(raised)
                    self._shown.bar(asset, price)
                    break
                if price != prices[asset]:
                    prices[asset] = price
                    if sizes[asset]:
                        # As `fanfold.domain.money.share`, of a price above 0.
                        lots = parts[asset]
                        value, rest = divmod(sizes[asset] * round(price * 1e6), lots)
                        rest += rest
                        if rest > lots or (rest == lots and value & 1):
                            value += 1
                        value *= sides[asset]
                        equity += value - values[asset]
                        gross += abs(value) - abs(values[asset])
                        values[asset] = value
            if equity != level:
                measured.measure(equity, run, ts, before)
                level, run = equity, 0
            run += 1
            if gross:
                counts[asset] += 1
            passed += 1
            last = asset
            if self.is_news:
                break
            before = ts
        measured.equity, measured.gross, measured.run = equity, gross, run
        self._count += passed
        self._last = last
        raises = bool(self.raised)
        if passed > (self.is_news and not raises):  # some that changed nothing
            self.passed_ts = self.ts = before
        if not self.is_news:
            if passed and self._books.account.touched:
                self._show_touched()
        elif not raises:
            self.ts = ts
        return first + passed + raises

    def _ask_otherwise(self, asset: int, price: float, ts: int) -> None:
        """Show all of a quote, and ask about whatever is new by it."""
        shown, before = self._shown, self._fresh
        if asset != before:
            for ints in shown.ints if before < 0 else (shown.ints[before],):
                ints[OF_FRESH] = 0
            shown.ints[asset][OF_FRESH] = 1
            self._fresh = asset
        shown.bar(asset, price)
        self._asked = (asset,)
        if self._is_apart and before >= 0:
            alone = self._alone[asset]
            if self._reads_fresh and before != asset:
                self._asked = before, asset
                alone = Chosen([self._books.assets[each] for each in self._asked], len(alone))
            self._ask_alone(alone, self._books.portfolio, self._books.memory)
            return
        self._asked = self._places
        shown.clock(self._moment_at(ts))
        self._ask(*self._records)

    def _show_light(self) -> None:
        """Let the light objects show what no quote moves."""
        portfolio, light = self._books.portfolio, self._portfolio
        light.session_day, light.is_month_end = portfolio.session_day, portfolio.is_month_end
        for one, asset, target in zip(self._asked_of, self._books.assets, self._known, strict=True):
            one.target, one.member = target, asset.member

    def _changes_wishes(self) -> bool:
        """Whether the decision has written something else than before."""
        wished, known = self._shown.wished, self._known
        return any(wished[place].tobytes() != known[place] for place in self._asked)

    def written(self) -> bytes:
        """What the decision last wrote of all assets."""
        return b"".join(self._shown.wishes)

    def hear_some(self) -> tuple[int, list[Any]] | None:
        """The rest of the step for the assets that the news concern, first of all.

        The records get what else the quotes did to them when something else happens.

        Returns:
            The last quote's number as a bar, and the desks that may have changed; None where
            the whole step is needed.
        """
        books, window, measured = self._books, self._market.window, self._measured
        t = window.count - 1 + min(self._count, KNOWN_BARS)
        if measured is None or t >= window.capacity or not may_hear_some(books):
            return None
        asked: Sequence[int] = (self._last,) if self._is_light else self._asked
        if self._concerned or len(asked) > 1:
            asked = sorted({*asked, *self._concerned})
        self._mark(measured, asked)
        facts, clock = window.views[3], window.views[5]
        clock[SESSIONS_CLOSED, t] = window.sessions
        if self._count > 1:
            clock[SESSIONS_CLOSED, t - 1] = window.sessions
        self.bounds, self._is_heard = None, True
        return t, hear_some(t, asked, self._shown, books, (facts, clock))

    def rehearse(self) -> tuple[int, list[Any]] | None:
        """`hear_some` for nothing, where the next news would need it."""
        window, books = self._market.window, self._books
        # The limit of deviation works in rows that are part of the state.
        if not self.bounds or not may_hear_some(books) or books.rules.max_deviation < math.inf:
            return None
        t = window.count - 1
        return t, self._rehearsal.run(t, (window.views[3], window.views[5]))

    def end(self) -> None:
        """Something else happens now: let the records know of the quotes that went by."""
        self.bounds = None
        self._fresh = -1
        if self._count and self._measured is not None:
            count, self._count = self._count, 0
            self._write(count, self._measured)

    def _show_touched(self) -> None:
        """Show what fills and orders have changed, as the step does at its next bar."""
        self._books.account.touched = 0
        _show_positions(0, (), UNSPLIT, self._books.assets, self._books.desks)

    def _mark(self, measured: Measured, assets: Sequence[int]) -> None:
        """Mark desks and the account at the last quotes, as the step does before it decides."""
        account, desks = self._books.account, self._books.desks
        if account.touched:
            self._show_touched()
        for asset in assets:
            price = self._prices[asset]
            if price != _NEVER:
                desks[asset].mark, desks[asset].value = round(price * 1e6), measured.values[asset]
        account.equity, account.gross = measured.equity, measured.gross

    def _write(self, count: int, measured: Measured) -> None:
        books, shown, market = self._books, self._shown, self._market
        account, desks, assets, last = books.account, books.desks, books.assets, self._last
        if self._is_heard:
            self._is_heard = False
            _look_ahead(desks, account, books.rules)  # of all, where only some were heard
        elif account.touched:
            self._show_touched()
        measured.write(count, self.ts, account)
        equity, gross = account.equity, account.gross
        books.portfolio.equity, books.portfolio.cash = equity / 1e6, account.cash / 1e6
        for i, (price, desk) in enumerate(zip(self._prices, desks, strict=True)):
            if price != _NEVER:
                desk.mark, desk.value = round(price * 1e6), measured.values[i]
                shown.bar(i, price)
                market.history.note_close(i, price)
            desk.traded = 0
            shown.ints[i][OF_FRESH] = 0
            if measured.counts[i] and desk.units != 0:
                assets[i].bars_held += measured.counts[i]
            if gross != 0:
                assets[i].weight = desk.value / equity
        desks[last].traded = 1
        shown.ints[last][OF_FRESH] = 1
        market.last = self._moment_at(self.ts)
        shown.clock(market.last)
        market.pass_quotes(count, last, self._prices[last])

    def forget(self) -> None:
        """Another state takes over."""
        self._count, self._is_heard = 0, False
        self.end()


def _differ(one: float, other: float) -> bool:
    """Whether two zeros have not the same sign."""
    return math.copysign(1.0, one) != math.copysign(1.0, other)


def _no_moment(ts: int) -> Moment:
    raise AssertionError(f"no quote has come, asked for {ts}")
