"""Quotes that change no wish: the least work now, the rest once it matters.

A decision that looks at the market alone is asked at every quote, with one asset's new
features. While it wishes what it wished and nothing waits, the account is only marked and
measured: that is made up for, quote by quote, before anything looks at it.
"""

import math
from typing import Any, Final

from fanfold.domain.compiled import Compiled
from fanfold.domain.decision import Asset, Portfolio
from fanfold.domain.language import attributes_read, content_hash
from fanfold.domain.money import MICRO, MONEY_MAX, share, to_micro
from fanfold.domain.record import view
from fanfold.engine.apart import Chosen, decides_apart
from fanfold.engine.books import Books
from fanfold.engine.market import Market
from fanfold.engine.step.close import is_deeper
from fanfold.engine.step.runner import ACCOUNT_FIELDS
from fanfold.engine.step.show import show_positions
from fanfold.engine.step.state import EQUITY_SUM_SHIFT, TARGET, Rules
from fanfold.engine.step.watch import look_ahead
from fanfold.engine.step.wish import NEXT_BAR
from fanfold.engine.universe import Moment
from fanfold.errors import LanguageError

_share = share.function
_to_micro = to_micro.function
_is_deeper = is_deeper.function
_look_ahead = look_ahead.function
_show_positions = show_positions.function

PENDING_MAX: Final = 64
"""Quotes that wait to be made up for at most [quotes]."""

SWING: Final = 1.25
"""By what a price of a borrowed or lent asset may rise or fall until the step looks [1]."""

ROUNDING: Final = 1e-6
"""What floats may be off by, and more [share of what is held]."""

UNSPLIT: Final = Rules.views(Rules.zeros(1))[0]
"""Rules of a run without facts: quotes go by only while nothing was split."""

Pending = tuple[int, int, float]
"""A quote's instant [ns UTC], its asset and its middle [currency]."""


Bounds = list[tuple[float, float]]
"""Prices between which a quote of each asset changes nothing but marks; none may go by."""


def looks_at_market_only(decide: Any) -> bool:
    """Whether it is certain that a decision sees nothing that its orders change.

    Python outside the compiled subset may reach anything, so of it nothing is certain.
    """
    function = _function_of(decide)
    try:
        content_hash(function)
    except (LanguageError, AttributeError):
        return False
    return not attributes_read(function) & ACCOUNT_FIELDS


def _function_of(decide: Any) -> Any:
    return decide.function if isinstance(decide, Compiled) else decide


class Shown:
    """What of the decision's records a quote changes, as places in their memory.

    Attributes:
        floats, ints: One view of each asset's record.
        features: The features of each.
        wished: What the decision writes of each.
    """

    def __init__(self, books: Books, value_count: int) -> None:
        """Look at the records of books."""
        assets = books.arrays["assets"]
        size = Asset.dtype.itemsize // 8
        floats, ints = view(assets.view("f8")), view(assets.view("i8"))
        starts = range(0, len(assets) * size, size)
        self.floats = [floats[at : at + size] for at in starts]
        self.ints = [ints[at : at + size] for at in starts]
        first = place_of(Asset, "features")
        self.features = [each[first : first + value_count] for each in self.floats]
        last = size if books.written is None or books.written else OF_TARGET + 1
        self.wished = [each[OF_TARGET:last] for each in self.floats]
        self.portfolio_floats = view(books.arrays["portfolio"].view("f8"))
        self.portfolio_ints = view(books.arrays["portfolio"].view("i8"))


def place_of(record: Any, name: str) -> int:
    """Place of a field in a record's memory [values]."""
    return record.dtype.fields[name][1] // 8


OF_OPEN: Final = place_of(Asset, "open")
OF_HIGH: Final = place_of(Asset, "high")
OF_LOW: Final = place_of(Asset, "low")
OF_CLOSE: Final = place_of(Asset, "close")
OF_VOLUME: Final = place_of(Asset, "volume")
OF_FRESH: Final = place_of(Asset, "fresh")
OF_TARGET: Final = place_of(Asset, "target")
OF_TS: Final = place_of(Portfolio, "ts")
OF_MINUTES: Final = place_of(Portfolio, "minutes_to_close")


def may_rest(books: Books) -> bool:
    """Whether terms let quotes go by that change no wish: no limit looks at every mark."""
    rules = books.rules
    losses = rules.max_drawdown < math.inf or rules.max_daily_loss < math.inf
    drifts = rules.rebalance_band < math.inf
    return not losses and not drifts and len(books.arrays["delayed"]) == 0


def quiet_bounds(books: Books) -> Bounds:
    """Prices between which a quote of each asset changes nothing but marks; [] if any may.

    Every goal is held or on its way, no level is reached and no margin is called.
    """
    if books.account.margin_called:
        return []
    for desk, wish in zip(books.desks, books.arrays["wishes"], strict=True):
        rearms = desk.disarmed == 1 and books.rules.rearm == NEXT_BAR
        asks = desk.goal != desk.units + desk.close_order + desk.open_order
        if asks or rearms or desk.unsized == 1 or desk.target != wish[TARGET]:
            return []
    if books.account.stirred:
        _look_ahead(books.desks, books.account, books.rules)
    swing = math.inf if not _borrows(books) else SWING
    if swing < math.inf and _may_be_called(books):
        return []
    return [_bounds_of(desk, swing) for desk in books.desks]


def _bounds_of(desk: Any, swing: float) -> tuple[float, float]:
    low, high = desk.low_watch, desk.high_watch
    if desk.units != 0:
        # Half of what integers hold: from there on the step itself looks at it.
        high = min(high, MONEY_MAX / 2.0 / MICRO * desk.parts / abs(desk.units))
        low = max(low, desk.mark / MICRO / swing)
        high = min(high, desk.mark / MICRO * swing)
    return low, high


def _borrows(books: Books) -> bool:
    """Whether anything is held with money or assets of others; else no margin is called."""
    return books.account.cash < 0 or any(desk.units < 0 for desk in books.desks)


def _may_be_called(books: Books) -> bool:
    """Whether a margin call is near: equity less maintenance, after the worst swing."""
    values = [desk.value for desk in books.desks]
    longs = sum(value for value in values if value > 0) / SWING
    shorts = -sum(value for value in values if value < 0) * SWING
    margin = books.rules.maintenance
    left = books.account.cash + longs * (1.0 - margin) - shorts * (1.0 + margin)
    return left <= ROUNDING * (longs + shorts)


def make_up(  # noqa: C901, PLR0915  (one loop whose sums stay in locals)
    pending: list[Pending], books: Books
) -> None:
    """Mark and measure as the step would have done at each of these quotes."""
    desks, assets, account = books.desks, books.assets, books.account
    if account.touched:
        account.touched = 0
        _show_positions(0, (), UNSPLIT, assets, desks)
    units = [desk.units for desk in desks]
    parts = [desk.parts for desk in desks]
    values = [desk.value for desk in desks]
    quoted: dict[int, float] = {}
    counts = [0] * len(desks)
    cash = account.cash
    equity, gross = cash + sum(values), sum(map(abs, values))
    equity_sum, held = 0, 0
    peak, peak_ts = account.peak, account.peak_ts
    worst_equity, worst_peak = account.worst_equity, account.worst_peak
    underwater, underwater_max = account.underwater, account.underwater_max
    for ts, i, price in pending:
        quoted[i] = price
        if units[i] != 0:
            value = _share(units[i], _to_micro(price), parts[i])
            equity += value - values[i]
            gross += abs(value) - abs(values[i])
            values[i] = value
        equity_sum += equity >> EQUITY_SUM_SHIFT
        if gross != 0:
            held += 1
            counts[i] += 1
        if equity >= peak:
            if underwater == 1:
                underwater_max = max(underwater_max, ts - peak_ts)
            peak, peak_ts, underwater = equity, ts, 0
        else:
            underwater = 1
            if _is_deeper(equity, peak, worst_equity, worst_peak):
                worst_equity, worst_peak = equity, peak
    account.bar_count += len(pending)
    account.equity_sum += equity_sum
    account.net_sum += equity_sum - (cash >> EQUITY_SUM_SHIFT) * len(pending)
    account.held_bar_count += held
    account.peak, account.peak_ts = peak, peak_ts
    account.worst_equity, account.worst_peak = worst_equity, worst_peak
    account.underwater, account.underwater_max = underwater, underwater_max
    account.equity, account.gross = equity, gross
    books.portfolio.equity, books.portfolio.cash = equity / 1e6, cash / 1e6
    for i, price in quoted.items():
        desks[i].mark = _to_micro(price)
        desks[i].value = values[i]
    last = pending[-1][1]
    for i, desk in enumerate(desks):
        desk.traded = 1 if i == last else 0
        asset = assets[i]
        if units[i] != 0:
            asset.bars_held += counts[i]
        if gross != 0:
            asset.weight = desk.value / equity


class Quotes:
    """The quotes of a run that have changed nothing but marks, and whether the next one may.

    Attributes:
        bounds: From `quiet_bounds`; None is not known.
    """

    def __init__(self, market: Market) -> None:
        """Begin without a quote."""
        books = market.books
        self.bounds: Bounds | None = None
        self._market = market
        self._books = books
        self._shown = Shown(books, market.value_count)
        self._pending: list[Pending] = []
        self._fresh = -1
        self._may_rest = (
            may_rest(books)
            and looks_at_market_only(books.decide)
            and not market.feeds.need_context
            and not market.scales
        )
        self._wished: list[bytes] = []
        self._is_apart = self._may_rest and decides_apart(books.decide)
        self._reads_fresh = self._is_apart and "fresh" in attributes_read(
            _function_of(books.decide)
        )
        self._asked: tuple[int, ...] = ()
        every = range(len(books.assets))
        self._all = tuple(every), books.assets
        self._alone = [((n,), Chosen([books.assets[n]], len(every))) for n in every]

    def find_bounds(self, *, is_told: bool) -> Bounds:
        """Find out whether quotes may go by from now on: not while a goal is to be told."""
        market = self._market
        rests = self._may_rest and self._books.account.bar_count > 0 and market.forward is None
        self.bounds = quiet_bounds(self._books) if rests and is_told else []
        self._wished = [wished.tobytes() for wished in self._shown.wished]
        return self.bounds

    def show(self, moment: Moment, asset: int, price: float) -> Any:
        """Move an asset's features and show the decision, as the step would.

        Returns:
            The assets that it must be asked about: those of which anything is new, where
            it looks at each alone. The others keep their wishes, since it has left them
            as they are when it was asked about the same before.
        """
        feeds, shown, before = self._market.feeds, self._shown, self._fresh
        for update, state, out in feeds.updates[asset]:
            update(state, out, price, price, price, price, math.nan)
        if asset != before:
            for ints in shown.ints if before < 0 else (shown.ints[before],):
                ints[OF_FRESH] = 0
            shown.ints[asset][OF_FRESH] = 1
            self._fresh = asset
        floats = shown.floats[asset]
        floats[OF_OPEN] = floats[OF_HIGH] = floats[OF_LOW] = floats[OF_CLOSE] = price
        floats[OF_VOLUME] = math.nan
        if self._market.value_count:
            shown.features[asset][:] = feeds.values[asset]
        shown.portfolio_ints[OF_TS] = moment.ts
        shown.portfolio_floats[OF_MINUTES] = moment.minutes_to_close
        self._asked, assets = self._new_to_decision(before, asset)
        return assets

    def _new_to_decision(self, before: int, asset: int) -> tuple[tuple[int, ...], Any]:
        if not self._is_apart or before < 0:
            return self._all
        if not self._reads_fresh or before == asset:
            return self._alone[asset]
        assets = self._books.assets
        return (before, asset), Chosen([assets[before], assets[asset]], len(assets))

    def changes_wishes(self) -> bool:
        """Whether the decision has written something else than before."""
        wished, known = self._shown.wished, self._wished
        return any(wished[place].tobytes() != known[place] for place in self._asked)

    def go_by(self, moment: Moment, asset: int, price: float) -> None:
        """A quote changed nothing: it is made up for later, at `PENDING_MAX` of them."""
        self._market.last = moment
        self._pending.append((moment.ts, asset, price))
        if len(self._pending) == PENDING_MAX:
            self._make_up()

    def end(self) -> None:
        """Something else happens now: make up for the quotes that went by."""
        self.bounds = None
        self._fresh = -1
        if self._pending:
            self._make_up()

    def _make_up(self) -> None:
        pending, self._pending = self._pending, []
        make_up(pending, self._books)
        for _, asset, price in pending:
            self._market.history.note_close(asset, price)
        self._market.pass_quotes(len(pending), *pending[-1][1:])

    def forget(self) -> None:
        """Another state takes over."""
        self._pending = []
        self.end()
