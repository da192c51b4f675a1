"""Whole bars of simulated paths, for strategies that look at more than returns.

A stop inside a bar, a gap at an open and a share of the volume need open, high, low, close
and volume. What a model says is the return of each bar, its part at the open and the
variance of the rest; the extremes between are drawn from the exact bridge.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final, Protocol

import numpy as np

from fanfold.domain.bars import Bars
from fanfold.domain.compiled import compiled, compiled_as
from fanfold.domain.panel import CLOSE, HIGH, LOW, OPEN, VOLUME, read_only
from fanfold.domain.period import ts_text
from fanfold.domain.prices import PRICE_MAX, PRICE_MIN
from fanfold.errors import ConfigError, DataError
from fanfold.simulation.bridge import bridge_extremes
from fanfold.simulation.history import Floats
from fanfold.simulation.model import PathModel

LOG_MOVE_MAX: Final = 40.0
"""A larger move leads from any price out of all prices [log return]."""

DRAWN_BYTES_MAX: Final = 64 * 2**20
"""Memory of the moves that are drawn at one time [bytes]."""

DRAWN_PATHS_MAX: Final = 128
"""Paths whose moves are drawn at one time."""

BRIDGE_STREAM: Final = 1
"""Number of the stream of uniforms that bridges take, beside the streams of the models."""


class BarSource(Protocol):
    """Gives the bars of any number of paths; those of path i depend on (seed, i) alone."""

    @property
    def template(self) -> Bars:
        """The bars whose assets, clock and first prices all paths have."""
        ...

    def bars(self, *, path: int, seed: int = 0) -> Bars:
        """The bars of one path; several in a row are made faster by `each`."""
        ...

    def each(self, *, path_count: int, seed: int = 0, first_path: int = 0) -> Iterator[Bars]:
        """The bars of consecutive paths, one path at a time."""
        ...


def simulated_bars(model: PathModel, bars: Bars, *, path: int, seed: int = 0) -> Bars:
    """Whole bars of one path, as if the assets of `bars` had followed the model.

    Args:
        model: What moves prices.
        bars: Assets, clock, volumes and first prices; see `ModelBars`.
        path: Number of the path.
        seed: Equal seeds give equal paths.

    Raises:
        ConfigError: The model is not of as many assets as the bars, or a number is not what
            it must be.
        DataError: A price leaves what a price can be; says which.
    """
    return ModelBars(model=model, template=bars).bars(path=path, seed=seed)


@dataclass(frozen=True, kw_only=True, eq=False)
class ModelBars:
    """Whole bars, as if the assets of a template had followed a model.

    Each asset begins at the open of its first bar, without a gap, and has bars where the
    template has them; where it has none, its price goes on unseen, and what was missed
    comes as a gap at its next open. A bar opens a gap away from the close before, ends
    where the move ends, and its extremes are those of a Brownian bridge of the variance
    that the model states for the inside of the bar. Volume is that of the template bar by
    bar: where nothing was traded the price moves on, and nothing is traded at it. See
    `as_simulated` for the rest.

    Attributes:
        model: What moves prices.
        template: Assets, clock, volumes and first prices.

    Raises:
        ConfigError: The model is not of as many assets as the template.
    """

    model: PathModel
    template: Bars

    def __post_init__(self) -> None:
        if self.model.asset_count != self.template.asset_count:
            raise ConfigError(
                f"the model must be of the {self.template.asset_count} assets of the bars, "
                f"was of {self.model.asset_count}"
            )

    def bars(self, *, path: int, seed: int = 0) -> Bars:
        """The bars of one path; several in a row are made faster by `each`."""
        return next(self.each(path_count=1, seed=seed, first_path=path))

    def each(self, *, path_count: int, seed: int = 0, first_path: int = 0) -> Iterator[Bars]:
        """The bars of consecutive paths, one path at a time.

        Args:
            path_count: Number of paths.
            seed: Equal seeds give equal paths.
            first_path: Number of the first path.

        Raises:
            ConfigError: A count is not what it must be.
            DataError: A price leaves what a price can be; says which.
        """
        from fanfold.simulation.paths import check_counts

        check_counts(self.template.bar_count, path_count, seed, first_path)
        return self._each(range(first_path, first_path + path_count), seed)

    def _each(self, paths: range, seed: int) -> Iterator[Bars]:
        from fanfold.simulation.paths import drawn_moves

        bar_count = self.template.bar_count
        path_bytes = bar_count * 3 * self.model.asset_count * 8
        step = min(max(DRAWN_BYTES_MAX // path_bytes, 1), DRAWN_PATHS_MAX)
        for start in range(0, len(paths), step):
            some = paths[start : start + step]
            moves = drawn_moves(
                self.model,
                bar_count=bar_count,
                path_count=len(some),
                seed=seed,
                first_path=some.start,
            )
            for path, own in zip(some, moves, strict=True):
                yield self._bars(own, seed, path)

    def _bars(self, moves: Floats, seed: int, path: int) -> Bars:
        template = self.template
        uniforms = bridge_uniforms(seed, path, template.bar_count, template.asset_count)
        panel = np.full(template.panel.shape, np.nan)
        fault = lay_moves.machine(moves, uniforms, self._volume, self._first_open, panel)
        if fault >= 0:
            raise DataError(price_fault(template, fault, path))
        label = f"{type(self.model).__name__}, seed {seed}, path {path}"
        return as_simulated(template, panel, label)

    @cached_property
    def _volume(self) -> Floats:
        """Volume in units of the first bar, -1 where unknown, NaN where there is no bar."""
        there = ~np.isnan(self.template.close)
        volume = comparable_volume(self.template)
        return np.where(there & np.isnan(volume), -1.0, np.where(there, volume, np.nan))

    @cached_property
    def _first_open(self) -> Floats:
        return at_first_bar(self.template, self.template.seen[OPEN])


def bridge_uniforms(seed: int, path: int, bar_count: int, asset_count: int) -> Floats:
    """Uniforms for the extremes of a path, `[bar, asset, 2]`; later bars change no earlier."""
    sequence = np.random.SeedSequence(seed, spawn_key=(BRIDGE_STREAM, path))
    generator = np.random.Generator(np.random.SFC64(sequence))
    return generator.random((bar_count, asset_count, 2))


def at_first_bar(bars: Bars, values: Floats) -> Floats:
    """What each asset has in its first bar, of `[bar, asset]`; shape [asset]."""
    first = np.argmax(~np.isnan(bars.close), axis=0)
    return values[first, np.arange(bars.asset_count)]


def comparable_volume(bars: Bars) -> Floats:
    """Volume in units as the first bar of each asset trades them, `[bar, asset]`.

    After a split of 2 for 1 twice as many units are the same money. Simulated assets are
    never split, so their volume must not jump either.
    """
    volume = bars.seen[VOLUME]
    factor = None if bars.basis == "raw" else bars.real_factor
    if factor is None:
        return volume
    return volume * (at_first_bar(bars, factor) / factor)


def as_simulated(template: Bars, panel: Floats, label: str, **changed: Any) -> Bars:
    """Bars of another history of the template's assets.

    Symbols, clock, calendars, members, delistings and the basis stay, further columns too,
    though they say nothing of these prices. There are no splits and dividends, whatever the
    basis, so volume must come in units of the first bar. Real prices, where the template has
    them, begin at its first ones and keep their ratio to the adjusted. A benchmark would be
    that of another world, and is left out.

    Args:
        template: What stays.
        panel: Prices and volumes of the other history, `[field, bar, asset]`.
        label: Where they came from, for people.
        changed: Fields that do not stay as they were.

    Raises:
        DataError: A price is none.
    """
    raw = None
    if template.basis != "raw" and template.real_factor is not None:
        raw = panel.copy()
        raw[:VOLUME] /= at_first_bar(template, template.real_factor)
    fields: dict[str, Any] = {"benchmark": None, "benchmark_name": "", **changed}
    source = f"simulated by {label}, after {template.source or 'bars'}"
    return replace(
        template, panel=panel, raw=raw, splits=None, dividends=None, source=source, **fields
    )


def price_fault(template: Bars, cell: int, path: int) -> str:
    """What to say of a simulated price that is none, by the number of its cell."""
    bar, asset = divmod(cell, template.asset_count)
    return (
        f"simulated prices must stay from {PRICE_MIN:g} to {PRICE_MAX:g}, "
        f"{template.symbols[asset]} left them in the bar ending {ts_text(template.ts[bar])} "
        f"of path {path}"
    )


def _type_of_lay_moves() -> Any:
    from numba import float64, int64

    return int64(
        read_only("float64", 2), read_only("float64", 3), read_only("float64", 2),
        read_only("float64", 1), float64[:, :, ::1],
    )  # fmt: skip


@compiled_as(_type_of_lay_moves)
def lay_moves(moves: Any, uniforms: Any, volume: Any, first_open: Any, panel: Any) -> int:
    """Write the bars of one path.

    Args:
        moves: Log returns, gaps, inner variances, `[bar, 3 * asset]`.
        uniforms: For maximum and minimum, `[bar, asset, 2]`.
        volume: Units, -1 where unknown, NaN where there is no bar; `[bar, asset]`.
        first_open: Open of each asset's first bar, `[asset]`.
        panel: Filled, `[field, bar, asset]`, where there are bars.

    Returns:
        Cell (bar · assets + asset) of the first price of an asset that is none, or -1.
    """
    assets = len(first_open)
    for a in range(assets):
        close = first_open[a]
        begun = False
        missed = 0.0
        for bar in range(len(moves)):
            units = volume[bar, a]
            gap = moves[bar, assets + a]
            rest = moves[bar, a] - gap
            if units != units:  # noqa: PLR0124  (NaN: no bar)
                missed += gap + rest
                continue
            gap = gap + missed if begun else 0.0
            begun, missed = True, 0.0
            if not abs(gap) < LOG_MOVE_MAX:
                return bar * assets + a
            start = close * math.exp(gap)
            close = lay_bar(
                start, rest, moves[bar, 2 * assets + a], uniforms[bar, a], panel[:, bar, a]
            )
            if close == 0.0:
                return bar * assets + a
            if units >= 0.0:
                panel[VOLUME, bar, a] = units
    return -1


@compiled
def lay_bar(start: float, rest: float, variance: float, uniforms: Any, fields: Any) -> float:
    """Write the prices of one bar; returns its close, or 0 if one of them is none."""
    if not abs(rest) < LOG_MOVE_MAX:
        return 0.0
    top, bottom = bridge_extremes(rest, variance, uniforms[0], uniforms[1])
    if not (top < LOG_MOVE_MAX and bottom > -LOG_MOVE_MAX):
        return 0.0
    close = start * math.exp(rest)
    high = max(start * math.exp(top), start, close)
    low = min(start * math.exp(bottom), start, close)
    if not (low >= PRICE_MIN and high <= PRICE_MAX):
        return 0.0
    fields[OPEN] = start
    fields[HIGH] = high
    fields[LOW] = low
    fields[CLOSE] = close
    return close
