"""Messages of the stream against what is known: what is news, as values.

Instants that go back, repeats and numbers that are none are counted and told to nobody, so
a receiver sees each asset's quotes in their order. Quotes are most of what comes: they are
worked off in one loop, since a call a message would cost more than the work itself.
"""

from collections.abc import Iterable, Sequence
from math import inf
from struct import Struct, error
from typing import Final

from fanfold.alpaca.wire import messages as wire
from fanfold.alpaca.wire.instants import TIMESTAMP_CODE
from fanfold.domain.sessions import DAY_NS, MINUTE_NS
from fanfold.live.market_data.bars.hours import SECOND_NS
from fanfold.live.market_data.bars.minutes import Minutes
from fanfold.live.market_data.bars.ticks import Ticks, effect_of
from fanfold.live.market_data.books import Book
from fanfold.live.market_data.feed import FeedState
from fanfold.live.market_data.rest.past import Minute
from fanfold.live.market_data.stream.decode import Message
from fanfold.live.market_data.watch import Watch
from fanfold.live.messages import Depth, Quote, Row, Trade, Trading, Value
from fanfold.market.resample.conditions import ALWAYS

JUMP_NS: Final = 10 * DAY_NS
"""Farthest that an instant may lie ahead of the clock of a replay, which leaps over closed
hours: a holiday, not damage [ns]."""

AHEAD_NS: Final = MINUTE_NS
"""The same of a broker whose clock goes as ours does: two clocks that differ, not damage [ns].
Whatever is beyond would make all that is true old, so it is dropped and counted."""

INSTANT_MAX: Final = 2**62
"""Latest instant of all, the year 2116 [ns UTC]."""

PRICE_MAX: Final = 1e15
SIZE_MAX: Final = 1e18
"""Greatest price and size that are believed."""

HALTS: Final = frozenset(("2", "F", "H", "P"))
"""Codes of statuses: trading has stopped, or pauses at its bounds."""

RESUMES: Final = frozenset(("3", "T"))
"""Codes of statuses: trading goes on."""

REASON_LENGTH_MAX: Final = 200
"""Longest reason of a halt [characters]."""

_NANOSECONDS_SHIFT: Final = 34
_SECONDS: Final = (1 << _NANOSECONDS_SHIFT) - 1
_WORD_MAX: Final = SECOND_NS << _NANOSECONDS_SHIFT
_U64: Final = Struct(">Q")


class Reading:
    """What the stream has said last of each asset.

    Args:
        symbols: Of the assets.
        bars: What makes steps, None where quotes are decided on.
        from_quotes: Whether bars are those of the quotes' middle.
        watch: Who is told what was heard.
        feed: Who knows of halts.

    Attributes:
        clock: Greatest instant that was told [ns UTC].
        horizon: Greatest that is believed [ns UTC].
        quotes: Last quote of each asset.
        said: What the broker said of the connection.
        torn: Assets whose order books must come whole again.
        counts: What came, and what of it was no news.
    """

    def __init__(
        self,
        symbols: Sequence[str],
        bars: Minutes | Ticks | None,
        *,
        from_quotes: bool,
        watch: Watch,
        feed: FeedState,
    ) -> None:
        self.clock = 0
        self.horizon = INSTANT_MAX
        self.quotes: list[Quote | None] = [None] * len(symbols)
        self.said: list[wire.Control] = []
        self.torn: set[int] = set()
        self.watch = watch
        self.counts: dict[str, int] = dict.fromkeys(
            (
                "messages", "unknown", "strangers", "invalid", "old", "repeated", "unpriced",
                "corrections", "late", "torn", "ahead",
            ),
            0,
        )  # fmt: skip
        self._places = {symbol: place for place, symbol in enumerate(symbols)}
        self._bars = bars
        self._minutes = bars if isinstance(bars, Minutes) else None
        self._ticks = bars if isinstance(bars, Ticks) and not from_quotes else None
        self._middles = bars if isinstance(bars, Ticks) and from_quotes else None
        self._feed = feed
        self._trades: list[tuple[int, int, float, float]] = [(0, 0, 0.0, 0.0)] * len(symbols)
        self._books = [Book() for _ in symbols]

    def take(  # noqa: C901, PLR0912, PLR0915  (see above)
        self, messages: Sequence[Message], received_at: int
    ) -> list[Value]:
        """What messages of one frame say; `received_at` is ours [ns UTC]."""
        values: list[Value] = []
        places, quotes, add, unpack = self._places, self.quotes, values.append, _U64.unpack
        middles, clock, horizon = self._middles, self.clock, self.horizon
        strangers = invalid = old = repeated = 0
        value: Quote | None = None
        for message in messages:
            if type(message) is not wire.Quote:
                self.clock = clock
                self._other(message, received_at, values)
                clock = self.clock
                continue
            asset = places.get(message.symbol)
            if asset is None:
                strangers += 1
                continue
            instant = message.instant
            try:  # the form of eight bytes, which all instants with nanoseconds have
                word: int = unpack(instant.data)[0]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownArgumentType]
                ts = (word & _SECONDS) * SECOND_NS + (word >> _NANOSECONDS_SHIFT)
                if instant.code != TIMESTAMP_CODE or word >= _WORD_MAX:  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
                    ts = 0
            except (AttributeError, error):
                ts = _ts(instant)
            bid, ask = message.bid, message.ask
            bid_size, ask_size = message.bid_size, message.ask_size
            if not (  # also refuses NaN
                0 < ts <= horizon
                and bid >= 0.0
                and ask >= 0.0
                and bid_size >= 0.0
                and ask_size >= 0.0
                and bid + ask < PRICE_MAX
                and bid_size + ask_size < SIZE_MAX
            ):
                if ts > horizon:
                    self.counts["ahead"] += 1
                else:
                    invalid += 1
                continue
            value = Quote(asset, ts, bid, ask, bid_size, ask_size)
            before = quotes[asset]
            if before is not None and ts <= before.ts:
                if ts < before.ts:
                    old += 1
                    continue
                if value == before:
                    repeated += 1
                    continue
            quotes[asset] = value
            if ts > clock:  # noqa: PLR1730  (`max` costs more than all of the arithmetic)
                clock = ts
            add(value)
            if middles is not None and bid > 0.0 and ask > 0.0:
                middles.middle(asset, ts, (bid + ask) / 2.0)
        self.clock = clock
        if value is not None:
            self.watch.hear("quotes", received_at, clock)
        counts = self.counts
        counts["messages"] += len(messages)
        if strangers or invalid or old or repeated:
            counts["strangers"] += strangers
            counts["invalid"] += invalid
            counts["old"] += old
            counts["repeated"] += repeated
        return values

    @property
    def heard(self) -> list[int]:
        """Instant of each asset's last quote or trade, 0 for none [ns UTC]."""
        pairs = zip(self.quotes, self._trades, strict=True)
        return [max(0 if quote is None else quote.ts, trade[0]) for quote, trade in pairs]

    def forget_books(self) -> None:
        """A new connection tells order books whole first."""
        for book in self._books:
            book.forget()
        self.torn.clear()

    def take_quotes(self, found: Iterable[Quote]) -> list[Value]:
        """Latest quotes that were asked for; those that are news."""
        values: list[Value] = []
        for quote in found:
            before = self.quotes[quote.asset]
            prices = quote.bid, quote.ask
            if quote.ts > self.horizon:
                self.counts["ahead"] += 1
            elif not all(0.0 <= one < PRICE_MAX for one in prices) or quote.ts <= 0:
                self.counts["invalid"] += 1
            elif before is None or quote.ts > before.ts:
                self.quotes[quote.asset] = quote
                values.append(quote)
        return values

    def take_minutes(self, minutes: Iterable[Minute]) -> list[Value]:
        """Minutes that were fetched; those that come after their steps are late."""
        values: list[Value] = []
        if self._minutes is None:
            return values
        for end, row in minutes:
            if not _is_minute(end, row):
                self.counts["invalid"] += 1
                continue
            late = self._minutes.take(row, end)
            if late is not None:
                self.counts["late"] += 1
                values.append(late)
        return values

    def _other(self, message: Message, received_at: int, values: list[Value]) -> None:
        """A message that is no quote."""
        if isinstance(message, wire.Success | wire.Failure | wire.Subscription):
            self.said.append(message)
            return
        asset = self._places.get(message.symbol)
        if asset is None:
            self.counts["strangers"] += 1
            return
        ts = _ts(message.instant)
        if ts > self.horizon:
            self.counts["ahead"] += 1
        elif ts <= 0:
            self.counts["invalid"] += 1
        elif isinstance(message, wire.Trade):
            self._take_trade(asset, ts, message, values)
        elif isinstance(message, wire.MinuteBar | wire.UpdatedBar):
            self.watch.hear("bars", received_at, self.clock)
            self._take_bar(asset, ts, message, values)
        elif isinstance(message, wire.OrderBook):
            self._take_book(asset, ts, message, values)
        elif isinstance(message, wire.Status):
            self._take_status(asset, ts, message, values)
        elif isinstance(message, wire.Correction | wire.CancelError):
            self.counts["corrections"] += 1

    def _take_trade(self, asset: int, ts: int, message: wire.Trade, values: list[Value]) -> None:
        price, size = message.price, message.size
        if not (0.0 < price < PRICE_MAX and 0.0 <= size < SIZE_MAX):
            self.counts["invalid"] += 1
            return
        self.clock = max(ts, self.clock)
        conditions = message.conditions
        if self._ticks is not None:
            late = self._ticks.trade(asset, ts, price, size, message.number, conditions)
            if late is not None:
                self.counts["late"] += 1
                values.append(late)
        told = (ts, message.number, price, size)
        if ts < self._trades[asset][0]:
            self.counts["old"] += 1
        elif told == self._trades[asset]:
            self.counts["repeated"] += 1
        elif conditions and effect_of(conditions)[0] < ALWAYS:
            self.counts["unpriced"] += 1  # told late, or of other terms: no price of now
        else:
            self._trades[asset] = told
            values.append(Trade(asset, ts, price, size))

    def _take_bar(
        self, asset: int, ts: int, bar: wire.MinuteBar | wire.UpdatedBar, values: list[Value]
    ) -> None:
        if self._minutes is None:
            return
        end = ts + MINUTE_NS
        row = Row(asset, bar.open, bar.high, bar.low, bar.close, bar.volume)
        if not _is_minute(end, row) or end > self.horizon:
            self.counts["invalid"] += 1
            return
        self.clock = max(end, self.clock)
        late = self._minutes.take(row, end, is_update=isinstance(bar, wire.UpdatedBar))
        if late is not None:
            self.counts["late"] += 1
            values.append(late)

    def _take_book(self, asset: int, ts: int, message: wire.OrderBook, values: list[Value]) -> None:
        book = self._books[asset]
        was_sound = book.is_sound
        self.clock = max(ts, self.clock)
        if book.apply(ts, message.bids, message.asks, is_whole=message.reset):
            values.append(Depth(asset, ts, book.bids, book.asks))
        elif was_sound or message.reset:
            self.counts["torn"] += 1
            self.torn.add(asset)

    def _take_status(self, asset: int, ts: int, said: wire.Status, values: list[Value]) -> None:
        if said.code not in HALTS | RESUMES:
            return
        reason = said.reason or said.message
        change = Trading(
            asset, ts, said.code in HALTS, f"{said.code}: {reason}"[:REASON_LENGTH_MAX]
        )
        if self._feed.halt(change):
            values.append(change)
        else:
            self.counts["old"] += 1


def _ts(instant: wire.Instant) -> int:
    """An instant [ns UTC], 0 for one that is none."""
    try:
        return wire.ts_of(instant)
    except (ValueError, OverflowError):
        return 0


def _is_minute(end: int, row: Row) -> bool:
    """Whether these are a minute's prices."""
    low, high = min(row.open, row.close), max(row.open, row.close)
    return (
        end % MINUTE_NS == 0
        and 0.0 < row.low <= low
        and high <= row.high < PRICE_MAX
        and 0.0 <= row.volume < inf
    )
