"""Trades and quotes: what single events must obey, and prices far from those around them."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.prices import PRICE_MAX, PRICE_MIN
from fanfold.market.quality.about import About, Bad, runs_of
from fanfold.market.quality.checks.scale import MAD_TO_DEVIATION, around, block_medians
from fanfold.market.quality.checks.values import column
from fanfold.market.quality.finding import Finding, instant_text

_BLOCK: Final = 200
"""Trades of a block whose median price is the level around them."""

_SPIKE: Final = 30.0
"""Deviations of the block from which a trade's price is told [1]."""

_SPIKE_MIN: Final = 0.03
"""And at least so much [log]."""

_SIDES: Final = (("bid", "bid_size"), ("ask", "ask_size"))


def bad_trades(rows: Mapping[str, Any], length: int) -> Iterator[Bad]:
    """Trades without a price or with one that cannot be, or with a negative size."""
    price, size = column(rows, "price", length), column(rows, "size", length)
    with np.errstate(invalid="ignore"):
        outside = (price < PRICE_MIN) | (price > PRICE_MAX)
        negative = (size < 0) | np.isinf(size)
    for row in np.flatnonzero(np.isnan(price) | outside | negative).tolist():
        if np.isnan(price[row]):
            yield row, "missing_value", "a trade must have a price, was nan"
        elif outside[row]:
            yield row, "nonpositive_price", _price_text("price", price[row])
        else:
            yield row, "negative_volume", _size_text("size", size[row])


def bad_quotes(rows: Mapping[str, Any], length: int) -> Iterator[Bad]:
    """Quotes without any side, with a price that cannot be, or with a negative size.

    An absent side is nan, or zero in price and size, as some vendors have it.
    """
    absent, told = np.ones(length, bool), dict[int, Bad]()
    for name, size_name in _SIDES:
        price, size = column(rows, name, length), column(rows, size_name, length)
        with np.errstate(invalid="ignore"):
            none = np.isnan(price) | ((price == 0) & ~(size > 0))
            outside = ~none & ((price < PRICE_MIN) | (price > PRICE_MAX))
            negative = (size < 0) | np.isinf(size)
        absent &= none
        for row in np.flatnonzero(outside).tolist():
            told.setdefault(row, (row, "nonpositive_price", _price_text(name, price[row])))
        for row in np.flatnonzero(negative).tolist():
            told.setdefault(row, (row, "negative_volume", _size_text(size_name, size[row])))
    for row in np.flatnonzero(absent).tolist():
        told.setdefault(row, (row, "missing_value", "a quote must have a bid or an ask, had none"))
    yield from (told[row] for row in sorted(told))


def crossed_quotes(
    ts: NDArray[np.int64],
    bid: NDArray[np.float64],
    ask: NDArray[np.float64],
    about: About,
) -> Iterator[Finding]:
    """Quotes whose bid is above their ask, those in a row together.

    Args:
        ts: Instants in order [ns UTC]; shape [quote].
        bid: Nan where absent, or zero [currency]; shape [quote].
        ask: The same.
        about: Whose.
    """
    for first, after in runs_of((bid > ask) & (ask > 0)):
        quotes = "" if after - first == 1 else f" in {after - first} quotes until "
        until = "" if after - first == 1 else instant_text(int(ts[after - 1]))
        yield about.found(
            int(ts[first]),
            "crossed_quote",
            f"bid must not be above ask, was {bid[first]:g} above {ask[first]:g}{quotes}{until}",
        )


def far_trades(
    ts: NDArray[np.int64], price: NDArray[np.float64], about: About
) -> Iterator[Finding]:
    """Trades far from the median price around them.

    Args:
        ts: Instants in order [ns UTC]; shape [trade].
        price: Sound ones [currency]; shape [trade].
        about: Whose.
    """
    if len(price) <= 1:
        return
    level = np.log(price)
    medians = np.repeat(block_medians(level, _BLOCK), _BLOCK)[: len(level)]
    off = level - medians
    spread = MAD_TO_DEVIATION * around(off, _BLOCK) + 0.01 / price + 1e-4
    told = (np.abs(off) > _SPIKE * spread) & (np.abs(off) > _SPIKE_MIN)
    for place in np.flatnonzero(told).tolist():
        yield about.found(
            int(ts[place]),
            "outlier",
            f"price must be near those around, was {price[place]:g} with a median of "
            f"{np.exp(medians[place]):g}, {100 * np.expm1(off[place]):+.1f} % off",
        )


def _price_text(name: str, price: float) -> str:
    return f"{name} must be a price from {PRICE_MIN:g} to {PRICE_MAX:g}, was {price}"


def _size_text(name: str, size: float) -> str:
    return f"{name} must be finite and not negative, or nan if unknown, was {size}"
