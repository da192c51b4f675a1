"""Paths made of whole bars of a history, in blocks.

Every bar keeps its shape: how it gapped from the close before, how far it reached up and
down, where it closed, and how its volume compared with that of the weeks before. So stops
meet the gaps and ranges that markets had, and assets meet their shocks together.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.adjustment import carried
from fanfold.domain.bars import Bars
from fanfold.domain.compiled import compiled_as
from fanfold.domain.panel import CLOSE, FIELDS, HIGH, LOW, OPEN, VOLUME, read_only
from fanfold.domain.prices import PRICE_MAX, PRICE_MIN
from fanfold.errors import DataError
from fanfold.simulation.bars import (
    DRAWN_BYTES_MAX,
    DRAWN_PATHS_MAX,
    as_simulated,
    at_first_bar,
    comparable_volume,
    price_fault,
)
from fanfold.simulation.bootstrap import BlockBootstrap, Blocks, Dependence
from fanfold.simulation.history import Floats

HISTORY_BARS_MIN: Final = 20
"""Bars in which all assets must have lived; fewer hold too few shapes [bars]."""

VOLUME_BARS: Final = 63
"""Bars of an asset over whose median its volume is relative, a quarter of a year [bars]."""


@dataclass(frozen=True, kw_only=True, eq=False)
class WholeBars:
    """A block bootstrap of whole bars, the same blocks for all assets.

    The history is the common life of all assets: the bars after the first bar of the
    youngest, until the last bar of the first to end. A bar that an asset lacks within it is
    carried as a missing bar, and its next one keeps the gap since its own last close.

    A path begins, for each asset, with the asset's first bar as it was, and ends with its
    last; every bar between is one of the history, whole. Volume is that bar's share of the
    median of its asset's last `VOLUME_BARS` bars then, times that median now. Dividends
    count as part of the gap that they made. A benchmark and further columns are those of
    the bars drawn, as long as the history knows the benchmark throughout.

    Attributes:
        template: The bars that it was fitted to.
        bootstrap: Draws positions in the history.
        first_history_bar: Bar of the template that is position 0.
        shapes: Open / close before, high / open, low / open, close / open, and relative
            volume of each bar of the history, NaN where an asset lacks it;
            `[position, field, asset]`.
        volume_level: Median volume of each asset's last bars, in units of its first bar;
            `[bar, asset]`.
    """

    template: Bars
    bootstrap: BlockBootstrap
    first_history_bar: int
    shapes: Floats
    volume_level: Floats

    @classmethod
    def fit(
        cls,
        bars: Bars,
        *,
        kind: Blocks = "stationary",
        block_bars: float | None = None,
        of: Dependence = "returns",
    ) -> Self:
        """Take bars as history; see `BlockBootstrap.fit` for the blocks.

        Args:
            bars: The history, and the template of all paths.
            kind: How long blocks are, and where they may begin.
            block_bars: States the length instead of choosing it [bars].
            of: What an automatic length is best for.

        Raises:
            ConfigError: A setting is not what it must be.
            DataError: All assets together lived for fewer than `HISTORY_BARS_MIN` bars, or the
                prices of one never moved.
        """
        first, stop = _common_life(bars)
        if stop - first < HISTORY_BARS_MIN:
            raise DataError(
                f"all assets must have bars in at least {HISTORY_BARS_MIN} bars after the first "
                f"of the youngest, had {max(stop - first, 0)}; fewer symbols may have more"
            )
        volume = comparable_volume(bars)
        level = _volume_level(volume)
        shapes = _shapes(bars, volume / level)[first:stop]
        moves = shapes[:, OPEN] * shapes[:, CLOSE] - 1.0
        returns = np.where(np.isnan(moves), 0.0, moves)
        return cls(
            template=bars,
            bootstrap=BlockBootstrap.fit(returns, kind=kind, block_bars=block_bars, of=of),
            first_history_bar=first,
            shapes=np.ascontiguousarray(shapes),
            volume_level=level,
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
        bar_count = self.template.bar_count - 1
        step = min(max(DRAWN_BYTES_MAX // (bar_count * 8), 1), DRAWN_PATHS_MAX)
        for start in range(0, len(paths), step):
            some = paths[start : start + step]
            drawn = self.bootstrap.draw_bars(
                bar_count=bar_count, path_count=len(some), seed=seed, first_path=some.start
            )
            for path, positions in zip(some, drawn, strict=True):
                yield self._bars(positions, seed, path)

    def _bars(self, positions: NDArray[np.int64], seed: int, path: int) -> Bars:
        template = self.template
        panel = np.full(template.panel.shape, np.nan)
        fault = lay_shapes.machine(
            positions, self.shapes, self.volume_level, self._first_fields, self._life, panel
        )
        if fault >= 0:
            raise DataError(price_fault(template, fault, path))
        label = f"whole bars in {self.bootstrap.kind} blocks, seed {seed}, path {path}"
        return as_simulated(template, panel, label, **self._beside(positions))

    def _beside(self, positions: NDArray[np.int64]) -> dict[str, Any]:
        template = self.template
        drawn = np.append(0, self.first_history_bar + positions)
        beside: dict[str, Any] = {
            "extra": {name: each[drawn] for name, each in template.extra.items()}
        }
        levels, first = template.benchmark, self.first_history_bar
        if levels is not None:
            steps = levels[first:] / levels[first - 1 : -1]
            if not np.isnan(steps[: len(self.shapes)]).any():
                begins = levels[~np.isnan(levels)][0]
                beside["benchmark"] = begins * np.cumprod(np.append(1.0, steps[positions]))
                beside["benchmark_name"] = template.benchmark_name
        return beside

    @cached_property
    def _life(self) -> NDArray[np.int64]:
        """First and last bar of each asset; shape [asset, 2]."""
        there = ~np.isnan(self.template.close)
        last = len(there) - 1 - np.argmax(there[::-1], axis=0)
        return np.column_stack([np.argmax(there, axis=0), last]).astype(np.int64)

    @cached_property
    def _first_fields(self) -> Floats:
        """Open, high, low, close, volume of each asset's first bar; shape [field, asset]."""
        seen = self.template.seen
        prices = [at_first_bar(self.template, seen[field]) for field in range(VOLUME)]
        return np.stack([*prices, at_first_bar(self.template, comparable_volume(self.template))])


def _common_life(bars: Bars) -> tuple[int, int]:
    """First bar after the first of the youngest asset, and the bar after the last of any."""
    there = ~np.isnan(bars.close)
    if not there.any(axis=0).all():
        return 0, 0
    first = int(np.argmax(there, axis=0).max()) + 1
    return first, len(there) - int(np.argmax(there[::-1], axis=0).max())


def _shapes(bars: Bars, relative_volume: Floats) -> Floats:
    """What each bar is to the close before and to its open; shape [bar, field, asset]."""
    open_, close = bars.seen[OPEN], bars.seen[CLOSE]
    before = _last_before(close)
    if bars.dividends is not None:
        paid = np.cumsum(bars.dividends * bars.forward, axis=0)
        known = np.where(np.isnan(close), np.nan, paid)
        before = before - (paid - _last_before(known))
        if (before <= 0.0).any():
            raise DataError("dividends must be below the close before them, one was not")
    shapes = np.empty((len(close), len(FIELDS), bars.asset_count))
    shapes[:, OPEN] = open_ / before
    for field in (HIGH, LOW, CLOSE):
        shapes[:, field] = bars.seen[field] / open_
    shapes[:, VOLUME] = relative_volume
    return shapes


def _last_before(values: Floats) -> Floats:
    """The value last known before each bar, NaN before the first; shape [bar, asset]."""
    return np.vstack([np.full((1, values.shape[1]), np.nan), carried(values, before=np.nan)[:-1]])


def _volume_level(volume: Floats) -> Floats:
    """Median of the last volumes above 0, the bar's own included; 1 where none is known."""
    import pandas as pd

    level = np.full(volume.shape, np.nan)
    begins = np.ones(volume.shape[1])
    for asset in range(volume.shape[1]):
        own = np.flatnonzero(volume[:, asset] > 0.0)
        if len(own) > 0:
            medians = pd.Series(volume[own, asset]).rolling(VOLUME_BARS, min_periods=1).median()
            level[own, asset] = medians.to_numpy()
            begins[asset] = level[own[0], asset]
    known = carried(level, before=np.nan)
    return np.where(np.isnan(known), begins, known)


def _type_of_lay_shapes() -> Any:
    from numba import float64, int64

    return int64(
        read_only("int64", 1), read_only("float64", 3), read_only("float64", 2),
        read_only("float64", 2), read_only("int64", 2), float64[:, :, ::1],
    )  # fmt: skip


@compiled_as(_type_of_lay_shapes)
def lay_shapes(
    positions: Any, shapes: Any, volume_level: Any, first_fields: Any, life: Any, panel: Any
) -> int:
    """Write the bars of one path.

    Args:
        positions: Which bars of the history follow the first, `[bar - 1]`.
        shapes: The history, `[position, field, asset]`.
        volume_level: What relative volumes are multiplied by, `[bar, asset]`.
        first_fields: The first bar of each asset, `[field, asset]`.
        life: First and last bar of each asset, `[asset, 2]`.
        panel: Filled, `[field, bar, asset]`, where there are bars.

    Returns:
        Cell (bar · assets + asset) of the first price of an asset that is none, or -1.
    """
    assets = len(life)
    for a in range(assets):
        first = life[a, 0]
        for field in range(VOLUME + 1):
            panel[field, first, a] = first_fields[field, a]
        close = first_fields[CLOSE, a]
        for bar in range(first + 1, life[a, 1] + 1):
            at = positions[bar - 1]
            start = close * shapes[at, OPEN, a]
            if start != start:  # noqa: PLR0124  (NaN: the history lacks this bar)
                continue
            high = start * shapes[at, HIGH, a]
            low = start * shapes[at, LOW, a]
            close = start * shapes[at, CLOSE, a]
            if not (low >= PRICE_MIN and high <= PRICE_MAX):
                return bar * assets + a
            panel[OPEN, bar, a] = start
            panel[HIGH, bar, a] = high
            panel[LOW, bar, a] = low
            panel[CLOSE, bar, a] = close
            panel[VOLUME, bar, a] = volume_level[bar, a] * shapes[at, VOLUME, a]
    return -1
