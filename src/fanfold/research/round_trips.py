"""What luck could have made of the same round trips.

A return of a round trip is its profit as a share of the equity before its entry, and
trips are taken as if each began with what the one before left. Where trips overlap this is
not the account, whose own curve has its own drawdown; real and drawn figures here are both
of compounded trips, so they compare.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fanfold.engine.result import Result
from fanfold.errors import ConfigError, DataError
from fanfold.measures.series import Floats, as_count, as_number, as_series

TRIPS_MIN: Final = 10
"""Fewer round trips say nothing about their luck."""

TRIPS_MAX: Final = 1_000_000
"""Most round trips that a test takes."""

DRAWS_MAX: Final = 1_000_000
"""Most draws of a test."""

CELLS_MAX: Final = 1_000_000_000
"""Most trips that a test draws, in all: about a minute."""

CELLS_AT_ONCE: Final = 1_000_000
"""Trips drawn at a time, in all: a few arrays of 8 MB."""

QUANTILES: Final = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
"""Levels that a distribution is shown by [1]."""

RANK_ROUNDING: Final = 1e-12
"""Figures that differ by less, absolutely or relatively, rank equal [1]."""

NOISE_BPS_MAX: Final = 10_000.0
"""Most noise that can be meant: all of the equity [bps]."""

NOISE_SHARE_MAX: Final = 100.0
"""Most noise that can be meant, as a share of the trips' deviation [1]."""


class Rank(NamedTuple):
    """Where a figure stands among drawn ones.

    Attributes:
        percentile: Share of draws below it, those equal to it by half [1].
        p_value: Chance of a draw at least as extreme, (1 + k) / (1 + n) [1].
    """

    percentile: float
    p_value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """One figure of the real trips beside the same of drawn ones.

    Attributes:
        real: Of the trips as they were.
        mean: Of the draws.
        quantiles: Of the draws, by level.
        percentile: Share of draws below the real one, those equal by half [1].
        p_value: Chance of a draw at least as large as the real one [1].
    """

    real: float
    mean: float
    quantiles: Mapping[float, float]
    percentile: float
    p_value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TripTest:
    """A test of round trips; without draws where `reason` says why.

    Attributes:
        test: "shuffle", "block" or "noise".
        trip_count: Trips that were there.
        draw_count: Draws that were made.
        seed: Of the draws.
        total_return: What the real trips compound to [1].
        distributions: By figure: "total_return", "max_drawdown", "losing_streak".
        figures: What else there is to say, by name.
        reason: Why there are no draws, in words.
    """

    test: str
    trip_count: int
    draw_count: int
    seed: int
    total_return: float
    distributions: Mapping[str, Drawn] = field(default_factory=dict[str, Drawn])
    figures: Mapping[str, float] = field(default_factory=dict[str, float])
    reason: str = ""


def trip_returns(result: Result) -> Floats:
    """Profit of each round trip as a share of the equity before its entry.

    Returns:
        In the order of the exits; shape [trip] [1].

    Raises:
        DataError: Equity was gone before an entry.
    """
    import pandas as pd

    trips, equity = result.round_trips, result.equity
    entries: Any = pd.DatetimeIndex(trips["entry_ts"]).as_unit("ns")
    closes: Any = pd.DatetimeIndex(equity.index).as_unit("ns")
    entered: NDArray[np.int64] = entries.asi8
    known: NDArray[np.int64] = closes.asi8
    # A fill's ts is the end of its bar: what was there before it is the bar before.
    before = np.maximum(np.searchsorted(known, entered) - 1, 0)
    staked = equity.to_numpy(np.float64)[before]
    if (staked <= 0.0).any():
        raise DataError("equity must be above 0 before every entry, it was gone")
    return trips["pnl"].to_numpy(np.float64) / staked


def shuffle_test(returns: ArrayLike, *, seed: int, draw_count: int = 10_000) -> TripTest:
    """The same trips in other orders: was the way there lucky?

    What all trips compound to is the same in every order, so only the drawdown and the
    longest run of losers are drawn. A real drawdown at a low percentile was a lucky order:
    plan for the median or worse.

    Args:
        returns: Of the trips, in their order [share of equity]; shape [trip].
        seed: Of the orders.
        draw_count: How many.

    Raises:
        ConfigError: `seed` or `draw_count` is not what it must be.
        DataError: `returns` are not finite.
    """
    trips, test = _begun("shuffle", returns, seed, draw_count)
    if test.reason:
        return test
    rng = np.random.default_rng(seed)

    def drawn(count: int) -> Floats:
        return rng.permuted(np.tile(trips, (count, 1)), axis=1)

    found = _figures_of(drawn, trips, draw_count)
    del found["total_return"]
    return _ended(test, trips, found)


def block_test(
    returns: ArrayLike, *, seed: int, draw_count: int = 10_000, block_trips: int | None = None
) -> TripTest:
    """As many trips drawn from the same ones, in blocks: what else could have come?

    Blocks wrap around the end. Winners and losers that follow each other stay together, as
    far as a block reaches. Beside the distributions, "probability_of_loss" is the share of
    draws that end below what they began with.

    Args:
        returns: Of the trips, in their order [share of equity]; shape [trip].
        seed: Of the blocks.
        draw_count: How many.
        block_trips: Trips of a block; None is the cube root of their number, rounded up.

    Raises:
        ConfigError: An argument is not what it must be.
        DataError: `returns` are not finite.

    Source: Politis & Romano (1992), A Circular Block-Resampling Procedure for Stationary
        Data; Künsch (1989), The Jackknife and the Bootstrap for General Stationary
        Observations, Annals of Statistics 17(3), for lengths that grow by the cube root.
    """
    trips, test = _begun("block", returns, seed, draw_count)
    if test.reason:
        return test
    size = len(trips)
    # A hair off the root, which for 27 may be a hair above 3.
    block = math.ceil(size ** (1.0 / 3.0) - 1e-9) if block_trips is None else block_trips
    block = as_count(block, "block_trips", least=1)
    if block > size:
        raise ConfigError(f"block_trips must be at most the {size} trips, was {block}")
    rng = np.random.default_rng(seed)
    places = np.arange(block)

    def drawn(count: int) -> Floats:
        starts = rng.integers(size, size=(count, -(-size // block)))
        rows = (starts[:, :, None] + places).reshape(count, -1)[:, :size]
        return trips[rows % size]

    found = _figures_of(drawn, trips, draw_count)
    loss = float(np.mean(found["total_return"] < 0.0))
    return _ended(test, trips, found, probability_of_loss=loss, block_trips=float(block))


def noise_test(
    returns: ArrayLike,
    *,
    seed: int,
    draw_count: int = 10_000,
    noise_bps: float | None = None,
    noise_share: float | None = None,
) -> TripTest:
    """Each trip a little better or worse: how much does the profit hang on exact fills?

    Normal noise with a mean of zero on every trip. "probability_of_profit" is the share of
    draws that still end above what they began with.

    Args:
        returns: Of the trips, in their order [share of equity]; shape [trip].
        seed: Of the noise.
        draw_count: How many.
        noise_bps: Deviation of the noise [bps of equity].
        noise_share: The same as a share of the deviation of `returns` [1]; one of the two.

    Raises:
        ConfigError: An argument is not what it must be, or not one of the two is given.
        DataError: `returns` are not finite.
    """
    trips, test = _begun("noise", returns, seed, draw_count)
    deviation = _noise(trips, noise_bps, noise_share)
    if test.reason:
        return test
    rng = np.random.default_rng(seed)

    def drawn(count: int) -> Floats:
        return trips + rng.normal(0.0, deviation, (count, len(trips)))

    found = _figures_of(drawn, trips, draw_count)
    profit = float(np.mean(found["total_return"] > 0.0))
    return _ended(test, trips, found, probability_of_profit=profit, noise_bps=10_000.0 * deviation)


def percentile_of(real: float, drawn: ArrayLike, *, lower: bool = False) -> Rank:
    """Where a real figure stands among drawn ones.

    The percentile counts draws equal to the real figure by half. The p-value counts it
    among the draws, so it is never zero: of n draws k are at least as extreme.

    Args:
        real: The real figure.
        drawn: The same figure of each draw; shape [draw].
        lower: Whether small figures are the extreme ones.

    Raises:
        ConfigError: `real` is not finite.
        DataError: `drawn` are empty or not finite.

    Source: Davison & Hinkley (1997), Bootstrap Methods and Their Application, section 4.2.
    """
    figure, others = as_number(real, "real"), as_series(drawn, "drawn", axes=1)
    apart = others - figure
    equal = np.abs(apart) <= RANK_ROUNDING * max(1.0, abs(figure))
    below, ties = int(np.sum((apart < 0.0) & ~equal)), int(np.sum(equal))
    extreme = below + ties if lower else len(others) - below
    return Rank((below + 0.5 * ties) / len(others), (1 + extreme) / (1 + len(others)))


def _begun(test: str, returns: ArrayLike, seed: int, draw_count: int) -> tuple[Floats, TripTest]:
    trips = as_series(returns, "returns", axes=1, may_be_empty=True)
    if len(trips) > TRIPS_MAX:
        raise DataError(f"returns must be of at most {TRIPS_MAX:,} trips, had {len(trips):,}")
    draws = as_count(draw_count, "draw_count", least=1)
    if draws > DRAWS_MAX:
        raise ConfigError(f"draw_count must be at most {DRAWS_MAX:,}, was {draws:,}")
    if draws * len(trips) > CELLS_MAX:
        raise ConfigError(
            f"draw_count × trips must be at most {CELLS_MAX:,}, was {draws * len(trips):,}"
        )
    as_count(seed, "seed", least=0)
    few = len(trips) < TRIPS_MIN
    reason = f"fewer than {TRIPS_MIN} round trips, {len(trips)}, say nothing" if few else ""
    total = float(_wealth(trips[None, :])[0, -1]) - 1.0
    begun = TripTest(
        test=test,
        trip_count=len(trips),
        draw_count=0 if few else draws,
        seed=seed,
        total_return=total,
        reason=reason,
    )
    return trips, begun


def _noise(trips: Floats, noise_bps: float | None, noise_share: float | None) -> float:
    if (noise_bps is None) == (noise_share is None):
        raise ConfigError(
            f"one of noise_bps and noise_share must be given, was {noise_bps} and {noise_share}"
        )
    name, most = (
        ("noise_share", NOISE_SHARE_MAX) if noise_bps is None else ("noise_bps", NOISE_BPS_MAX)
    )
    size = as_number(noise_share if noise_bps is None else noise_bps, name)
    if not 0.0 <= size <= most:
        raise ConfigError(f"{name} must be 0 to {most:g}, was {size}")
    if noise_bps is not None:
        return size / 10_000.0
    return size * float(np.std(trips, ddof=1)) if len(trips) > 1 else 0.0


def _figures_of(
    drawn: Callable[[int], Floats], trips: Floats, draw_count: int
) -> dict[str, Floats]:
    """Figures of all draws, made so many at a time; each of shape [draw]."""
    parts = [_figures(drawn(count)) for count in _counts(draw_count, len(trips))]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _counts(draw_count: int, trip_count: int) -> Iterator[int]:
    at_once = max(CELLS_AT_ONCE // trip_count, 1)
    for first in range(0, draw_count, at_once):
        yield min(at_once, draw_count - first)


def _ended(
    test: TripTest, trips: Floats, found: Mapping[str, Floats], **figures: float
) -> TripTest:
    real = _figures(trips[None, :])
    shown = {name: _drawn(float(real[name][0]), draws) for name, draws in found.items()}
    return replace(test, distributions=shown, figures=figures)


def _drawn(real: float, draws: Floats) -> Drawn:
    levels = np.quantile(draws, QUANTILES)
    rank = percentile_of(real, draws)
    return Drawn(
        real=real,
        mean=float(np.mean(draws)),
        quantiles=dict(zip(QUANTILES, levels.tolist(), strict=True)),
        percentile=rank.percentile,
        p_value=rank.p_value,
    )


def _figures(trips: Floats) -> dict[str, Floats]:
    """Of trips `[draw, trip]`, one figure a draw."""
    wealth = _wealth(trips)
    peaks = np.maximum.accumulate(wealth, axis=1)
    return {
        "total_return": wealth[:, -1] - 1.0,
        "max_drawdown": np.max(1.0 - wealth / peaks, axis=1),
        "losing_streak": _longest_losses(trips).astype(np.float64),
    }


def _wealth(trips: Floats) -> Floats:
    """What 1 becomes, before and after each trip; what is lost stays lost; [draw, 1 + trip]."""
    wealth = np.ones((len(trips), trips.shape[1] + 1))
    np.cumprod(np.maximum(1.0 + trips, 0.0), axis=1, out=wealth[:, 1:])
    return wealth


def _longest_losses(trips: Floats) -> NDArray[np.int64]:
    places: NDArray[np.int64] = np.arange(1, trips.shape[1] + 1, dtype=np.int64)
    last_other = np.maximum.accumulate(np.where(trips < 0.0, 0, places), axis=1)
    return np.max(places - last_other, axis=1)
