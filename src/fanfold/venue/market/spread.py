"""Quotes and order books around prices, where only prices are known: the stated model.

The half spread is a share of the price, at least half a tick; then the bid goes down and
the ask up to the next tick. Without ticks the ask is exactly what a backtest pays with half
the spread as slippage; with a spread of 0 bid, ask and price are one. Sizes follow from
the minute's volume and a hash of seed, symbol and instant, so none depends on what was
asked before.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from fanfold.errors import ConfigError

TICK: Final = 0.01
"""Step of prices from one unit of the currency on [currency]."""

FINE_TICK: Final = 0.0001
"""Step of lower prices [currency]."""

BPS_MAX: Final = 5_000.0
"""Widest spread that can be meant [bps]."""

DEPTH_MAX: Final = 50
"""Most levels of an order book's side."""

SIZE_SHARE: Final = 0.1
"""Mean size of a quote's side [share of its minute's volume]."""

ROUND_LOT: Final = 100.0
"""Step of the sizes of shares [units], where their volume allows for it."""

LEVEL_BPS: Final = 1.0
"""Least distance of an order book's levels [bps]."""

_NEAR: Final = 1e-6
"""A price so near to a tick lies on it [ticks]: rounding alone."""

Floats = NDArray[np.float64]
Levels = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """How quotes are made around prices.

    Attributes:
        bps: From bid to ask [bps of the price]; 0 quotes the price itself on both sides.
        tick: Whether bid and ask lie on ticks, and are at least one apart.
        depth: Levels of a coin's order book on each side; 0 for none.

    Raises:
        ConfigError: A number is not what it can be.
    """

    bps: float = 2.0
    tick: bool = True
    depth: int = 5

    def __post_init__(self) -> None:
        if not 0.0 <= self.bps <= BPS_MAX:
            raise ConfigError(f"spread.bps must be from 0 to {BPS_MAX:g}, was {self.bps}")
        if not 0 <= self.depth <= DEPTH_MAX:
            raise ConfigError(f"spread.depth must be from 0 to {DEPTH_MAX}, was {self.depth}")

    def around(self, price: Floats) -> tuple[Floats, Floats]:
        """Bids and asks around prices [currency]; shapes of `price`."""
        if self.bps == 0.0:
            return price, price
        share = self.bps / 2.0 / 1e4
        if not self.tick:
            # Not rounded: a fill is, once, as `costs.fill_price` does it for a backtest.
            return price * (1.0 - share), price * (1.0 + share)
        tick = np.where(price >= 1.0, TICK, FINE_TICK)
        half = np.maximum(tick / 2.0, price * share)
        per_unit = np.rint(1.0 / tick)
        bid = np.floor((price - half) / tick + _NEAR) / per_unit
        ask = np.ceil((price + half) / tick - _NEAR) / per_unit
        # Below a tick there is no bid on ticks: half the price is better than none.
        return np.where(bid > 0.0, bid, price / 2.0), ask


def salt_of(seed: int, symbol: str) -> int:
    """What tells the hashes of one seed and symbol from those of others."""
    return int(_mixed(np.array([seed & 0xFFFFFFFF], np.uint64) << np.uint64(32))[0]) ^ crc32(
        symbol.encode()
    )


def hashed(salt: NDArray[np.uint64], ts: NDArray[np.int64], what: int) -> Floats:
    """Uniforms in [0, 1) that follow from salts, instants and a number alone.

    Source: Steele, Lea & Flood (2014), Fast Splittable Pseudorandom Number Generators,
        for the mixing (SplitMix64).
    """
    seeded = salt + ts.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(what)
    return (_mixed(_mixed(seeded)) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def quote_sizes(volume: Floats, uniform: Floats, whole: NDArray[np.bool_]) -> Floats:
    """Sizes of quotes [units]: of shares whole lots, or whole units where lots are too many.

    Args:
        volume: Of the minute around [units].
        uniform: In [0, 1).
        whole: Whether sizes are whole.
    """
    size = SIZE_SHARE * volume * 2.0 * (1.0 - uniform)
    lots = np.where(size >= ROUND_LOT, np.floor(size / ROUND_LOT) * ROUND_LOT, np.ceil(size))
    return np.where(whole, lots, np.maximum(np.round(size, 6), 1e-6))


def book_side(price: float, size: float, step: float, uniforms: Sequence[float]) -> Levels:
    """Levels of an order book's side, the best first, behind a quote's price and size.

    Args:
        price: The quote's [currency].
        size: The quote's [units].
        step: From a level to the next [currency], negative for bids.
        uniforms: Of the levels behind the best, in [0, 1).
    """
    behind = (
        (round(price + step * place, 6), round(size * (1.0 + 2.0 * uniform), 6))
        for place, uniform in enumerate(uniforms, start=1)
    )
    return ((price, size), *(level for level in behind if level[0] > 0.0))


def book_step(bid: float, ask: float) -> float:
    """Distance of an order book's levels [currency]."""
    return max(TICK if bid >= 1.0 else FINE_TICK, bid * LEVEL_BPS / 1e4, (ask - bid) / 2.0)


def level_changes(before: Levels, after: Levels) -> Levels:
    """What makes one side of a book of another: changed levels, and size 0 for those gone."""
    had, has = dict(before), dict(after)
    gone = tuple((price, 0.0) for price in had if price not in has)
    return gone + tuple(level for level in after if had.get(level[0]) != level[1])


def _mixed(value: NDArray[np.uint64]) -> NDArray[np.uint64]:
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))
