"""Minute bars as ticks: four quotes and trades along each minute's path, then the bars.

At a minute's start come a quote and a trade at its open, a third and two thirds later the
nearer extreme and the other, and just before the end the close. The open is an instant, so
its quote comes before its trade. From there on a trade carries the path since the one
before, along which a resting order fills at its own price; the quote around it follows
right after, for a quote alone would offer the order a better price than the path did.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import repeat
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.sessions import MINUTE_NS
from fanfold.domain.timeframe import SECOND_NS
from fanfold.venue.market.spread import (
    Spread,
    book_side,
    book_step,
    hashed,
    level_changes,
    quote_sizes,
)
from fanfold.venue.market.tapes.order import RANKS, Strand
from fanfold.venue.market.tapes.rows import CLOSING, OPENING, TRADES_A_MINUTE, Rows
from fanfold.venue.market.values import BarTick, BookTick, QuoteTick, TradeTick

FIRST_AFTER_NS: Final = 20 * SECOND_NS
"""When a minute comes to its first extreme [ns]."""

SECOND_AFTER_NS: Final = 40 * SECOND_NS
"""When it comes to the other [ns]."""

CLOSE_BEFORE_NS: Final = 1_000_000
"""How long before its end a minute comes to its close [ns]."""

QUOTE_AFTER_NS: Final = 1_000
"""How long after a trade on the path the quote around it comes [ns]."""

LATE_AFTER_NS: Final = 30 * SECOND_NS
"""How long after a minute's end late trades change it [ns]."""

LATE_VOLUME: Final = 0.02
"""What late trades are of a minute's volume [1]."""

ROW_SPAN_NS: Final = MINUTE_NS + LATE_AFTER_NS
"""All that a minute brings comes before so long after its start, or then [ns]."""

_LATE: Final = 1 << 20
_SIZES: Final = 1 << 21
_LEVELS: Final = 1 << 22

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Manner:
    """How bars of some assets are told as ticks.

    Attributes:
        symbols: Names by code.
        whole: Whether sizes are whole, by code.
        coins: Whether there are order books, by code.
        salts: What tells the assets' hashes apart, by code.
        spread: How quotes are made.
        late_share: Share of the minutes that late trades change [1].
    """

    symbols: tuple[str, ...]
    whole: NDArray[np.bool_]
    coins: NDArray[np.bool_]
    salts: NDArray[np.uint64]
    spread: Spread
    late_share: float = 0.0


def unrolled(rows: Rows, manner: Manner) -> list[Strand]:
    """All ticks of some minutes, as strands.

    Args:
        rows: The minutes.
        manner: How they are told.
    """
    if not len(rows):
        return []
    names = list(map(manner.symbols.__getitem__, rows.code.tolist()))
    points = _points(rows)
    quotes = [_quotes(point, rows, names, manner, place) for place, point in enumerate(points)]
    strands = [_trades(point, rows, names, manner, place) for place, point in enumerate(points)]
    strands += quotes
    if manner.spread.depth and manner.coins[rows.code].any():
        strands += _books(rows, quotes, manner)
    return strands + _bars(rows, names, manner)


@dataclass(frozen=True, slots=True, eq=False)
class _Point:
    """A point of all minutes' paths: when the trade and the quote are, and at what price."""

    traded: Ints
    quoted: Ints
    price: Floats
    before: Floats
    size: Floats
    auction: Iterable[str]


def _points(rows: Rows) -> tuple[_Point, ...]:
    nothing = repeat("")
    opening = np.where(rows.auction & OPENING, "open", "").tolist()
    closing = np.where(rows.auction & CLOSING, "close", "").tolist()
    begin, end = rows.start, rows.start + MINUTE_NS - CLOSE_BEFORE_NS
    one, other = begin + FIRST_AFTER_NS, begin + SECOND_AFTER_NS
    rest = rows.volume - 3.0 * rows.size
    return (
        _Point(begin, begin, rows.open, rows.open, rows.size, opening),
        _Point(one, one + QUOTE_AFTER_NS, rows.first, rows.open, rows.size, nothing),
        _Point(other, other + QUOTE_AFTER_NS, rows.second, rows.first, rows.size, nothing),
        _Point(end, end + QUOTE_AFTER_NS, rows.close, rows.second, rest, closing),
    )


def _trades(point: _Point, rows: Rows, names: list[str], manner: Manner, place: int) -> Strand:
    taker = np.where(point.price >= point.before, "B", "S")
    ticks = map(
        TradeTick,
        point.traded.tolist(),
        names,
        point.price.tolist(),
        point.size.tolist(),
        (rows.start // MINUTE_NS * TRADES_A_MINUTE + place).tolist(),
        np.minimum(point.price, point.before).tolist(),
        np.maximum(point.price, point.before).tolist(),
        point.auction,
        np.where(manner.coins[rows.code], taker, "").tolist(),
        repeat(True),  # noqa: FBT003  (a column of the ticks)
    )
    return Strand(RANKS["trade"], point.traded, list(ticks))


def _quotes(point: _Point, rows: Rows, names: list[str], manner: Manner, place: int) -> Strand:
    bid, ask = manner.spread.around(point.price)
    salts, whole = manner.salts[rows.code], manner.whole[rows.code]
    sizes = (
        quote_sizes(rows.volume, hashed(salts, rows.start, _SIZES + 2 * place + side), whole)
        for side in (0, 1)
    )
    bid_size, ask_size = (one.tolist() for one in sizes)
    ticks = map(
        QuoteTick, point.quoted.tolist(), names, bid.tolist(), bid_size, ask.tolist(), ask_size
    )
    return Strand(RANKS["quote"], point.quoted, list(ticks))


def _books(rows: Rows, quotes: list[Strand], manner: Manner) -> list[Strand]:
    """Order books of coins: whole at each minute's start, changed with each further quote."""
    places = np.flatnonzero(manner.coins[rows.code])
    depth = manner.spread.depth
    salts, start = manner.salts[rows.code[places]], rows.start[places]
    held: list[tuple[Any, Any]] = [((), ())] * len(places)
    strands: list[Strand] = []
    for point, strand in enumerate(quotes):
        uniforms = np.stack(
            [
                hashed(salts, start, _LEVELS + point * 1_024 + level)
                for level in range(2 * (depth - 1))
            ]
            or [np.zeros(len(places))],
            axis=1,
        ).tolist()
        ticks: list[Any] = []
        for number, place in enumerate(places.tolist()):
            quote: Any = strand.ticks[place]
            step = book_step(quote.bid, quote.ask)
            drawn = uniforms[number]
            bids = book_side(quote.bid, quote.bid_size, -step, drawn[: depth - 1])
            asks = book_side(quote.ask, quote.ask_size, step, drawn[depth - 1 : 2 * depth - 2])
            had_bids, had_asks = held[number]
            held[number] = bids, asks
            ticks.append(
                BookTick(
                    quote.ts,
                    quote.symbol,
                    level_changes(had_bids, bids),
                    level_changes(had_asks, asks),
                    point == 0,
                )
            )
        strands.append(Strand(RANKS["book"], strand.ts[places], ticks))
    return strands


def _bars(rows: Rows, names: list[str], manner: Manner) -> list[Strand]:
    """The minute at its end, the session so far, and minutes that late trades changed."""
    end = rows.start + MINUTE_NS
    late = rows.volume * LATE_VOLUME
    late = np.where(manner.whole[rows.code], np.floor(late), late)
    changed = (late > 0.0) & (
        hashed(manner.salts[rows.code], rows.start, _LATE) < manner.late_share
    )
    known = rows.volume - np.where(changed, late, 0.0)
    strands = [Strand(RANKS["minute"], end, _minutes(rows, names, "b", end, known))]
    if changed.any():
        places = np.flatnonzero(changed)
        some, ts = rows.take(places), end[places] + LATE_AFTER_NS
        named = list(map(names.__getitem__, places.tolist()))
        ticks = _minutes(some, named, "u", ts, some.volume)
        strands.append(Strand(RANKS["late"], ts, ticks))
    places = np.flatnonzero(rows.regular)
    some, ts = rows.take(places), end[places]
    ticks = map(
        BarTick,
        ts.tolist(),
        map(names.__getitem__, places.tolist()),
        repeat("d"),
        some.day_start.tolist(),
        some.day_open.tolist(),
        some.day_high.tolist(),
        some.day_low.tolist(),
        some.close.tolist(),
        some.day_volume.tolist(),
        (some.day_count * TRADES_A_MINUTE).tolist(),
        some.day_vwap.tolist(),
    )
    strands.append(Strand(RANKS["day"], ts, list(ticks)))
    return strands


def _minutes(rows: Rows, names: list[str], kind: str, ts: Ints, volume: Floats) -> list[Any]:
    return list(
        map(
            BarTick,
            ts.tolist(),
            names,
            repeat(kind),
            rows.start.tolist(),
            rows.open.tolist(),
            rows.high.tolist(),
            rows.low.tolist(),
            rows.close.tolist(),
            volume.tolist(),
            repeat(TRADES_A_MINUTE),
            rows.vwap.tolist(),
        )
    )
