"""Bars as they would have been after a shock.

Prices are multiplied, never replaced, so what is missing stays missing, adjusted and raw
prices keep their ratio, and dividends keep their share of the price before. Returns are
changed in logarithms: no price can fall to zero, and a bar's low stays its lowest.
"""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.adjustment import carried
from fanfold.domain.bars import Bars
from fanfold.domain.panel import CLOSE, VOLUME
from fanfold.engine.result import Result
from fanfold.engine.timeline import filled
from fanfold.errors import ConfigError, DataError
from fanfold.measures.series import Floats
from fanfold.research.scenarios import day_bar, holding_growth, ratio_of_growth
from fanfold.research.shocks import (
    CorrelationToOne,
    Gap,
    LiquidityGone,
    Shock,
    VolatilityTimes,
    shocked_places,
)

_EPOCH_ORDINAL = 719_163
"""Proleptic ordinal of 1970-01-01."""

LOT_ROUNDING = 1e-12
"""Relative difference that a ratio's rounding makes to a count of lots [1]."""

FLAT = 1e-14
"""Deviation of log returns below which they are all the same but for rounding [1]."""


def shocked(bars: Bars, shock: Shock, *, at: int | None = None) -> Bars:
    """The bars after a shock; the very same where it changes none.

    - A gap multiplies all prices from a bar's open on by 1 + size.
    - Volatility × k moves each log return r of an asset's own bars to m + k (r - m), m
      being their mean: every price of a bar is moved that way, seen from the close
      before. An asset ends where it ended.
    - Correlation to one gives each asset its own mean and deviation of log returns, times
      one common series: the mean of all assets' standardised returns. A bar keeps its
      shape around its close; the difference comes before the open.
    - Liquidity gone makes volumes zero for some bars, so that nothing fills.
    - A spread changes costs, not bars.

    The clock, further columns and membership stay as they are. So does a benchmark, but
    for a gap of everything.

    Args:
        bars: The market.
        shock: What happens to it.
        at: Bar of a gap, or first one without liquidity; at least 1. None takes the day
            that the shock states.

    Raises:
        ConfigError: A moment is needed and none was said.
        DataError: The moment or an asset is not in the bars, or prices would leave the
            range of prices.
    """
    if isinstance(shock, Gap):
        return _gapped(bars, shock, _moment(bars, shock, at))
    if isinstance(shock, LiquidityGone):
        return _illiquid(bars, shock, _moment(bars, shock, at))
    if isinstance(shock, VolatilityTimes):
        return _moved(bars, _wilder(bars, shock.factor))
    if isinstance(shock, CorrelationToOne):
        return _moved(bars, _together(bars))
    return bars


def worst_moment(shock: Gap | LiquidityGone, result: Result) -> int:
    """The bar at which a shock would have cost a run most, by what it held then.

    A gap at the next open costs each position its size. While there is no liquidity, what
    is held at the close before earns whatever the bars brought. Both as a share of the
    equity at that close; where neither ever cost anything, the bar with the largest
    effect is taken.

    Raises:
        DataError: The run held nothing, is shorter than the shock, or an asset is not there.
    """
    bars = result.bars
    places = shocked_places(shock, bars.symbols)
    held = _held_shares(result)[:, places]
    stuck = shock.bars if isinstance(shock, LiquidityGone) else 1
    last = result.first + len(result.equity) - 1 - stuck
    if last < result.first:
        raise DataError(f"a run must be longer than the shock, {stuck} bars, it was not")
    closes = slice(result.first, last + 1)
    if isinstance(shock, Gap):
        effect = held[closes].sum(axis=1) * shock.size
    else:
        growth = holding_growth(bars)[:, places]
        later = growth[closes.start + stuck : closes.stop + stuck]
        moves = np.nan_to_num(ratio_of_growth(later, growth[closes]) - 1.0)
        effect = (held[closes] * moves).sum(axis=1)
    if not held[closes].any():
        raise DataError("a run must hold something that the shock can hit, it held nothing")
    place = np.argmin(effect) if effect.min() < 0.0 else np.argmax(np.abs(effect))
    return result.first + int(place) + 1


def ending_weights(result: Result) -> dict[str, float]:
    """What a run holds at its end: share of equity by symbol, negative for a short [1]."""
    shares = _held_shares(result)[result.first + len(result.equity) - 1]
    held = zip(result.bars.symbols, shares.tolist(), strict=True)
    return {symbol: share for symbol, share in held if abs(share) > FLAT}


def _moment(bars: Bars, shock: Gap | LiquidityGone, at: int | None) -> int:
    if at is None:
        if shock.at is None:
            raise ConfigError(f"{shock.label} must say when, it has no day")
        at = day_bar(bars, shock.at.toordinal() - _EPOCH_ORDINAL)
    if not 1 <= at < bars.bar_count:
        raise DataError(
            f"{shock.label} must come after the first of {bars.bar_count} bars, was at bar {at}"
        )
    return at


def _gapped(bars: Bars, shock: Gap, at: int) -> Bars:
    places = shocked_places(shock, bars.symbols)
    factor = np.ones((VOLUME, bars.bar_count, bars.asset_count))
    factor[:, at:, places] = 1.0 + shock.size
    moved = _moved(bars, factor)
    if bars.benchmark is None or len(places) < bars.asset_count:
        return moved
    benchmark = bars.benchmark.copy()
    benchmark[at:] *= 1.0 + shock.size
    return replace(moved, benchmark=benchmark)


def _illiquid(bars: Bars, shock: LiquidityGone, at: int) -> Bars:
    places = shocked_places(shock, bars.symbols)
    silent = np.zeros((bars.bar_count, bars.asset_count), np.bool_)
    silent[at : at + shock.bars, places] = True
    silent &= np.isfinite(bars.close)
    changed: dict[str, NDArray[np.float64]] = {}
    for name in ("panel", "raw"):
        panel = getattr(bars, name)
        if panel is not None:
            changed[name] = panel.copy()
            changed[name][VOLUME][silent] = 0.0
    return replace(bars, **changed)


def _moved(bars: Bars, factor: Floats) -> Bars:
    """The bars with prices times a factor, [price, bar, asset], and dividends to match."""
    changed: dict[str, Any] = {}
    for name in ("panel", "raw"):
        panel = getattr(bars, name)
        if panel is not None:
            changed[name] = panel.copy()
            changed[name][:VOLUME] *= factor
    if bars.dividends is not None:
        own = np.where(np.isnan(bars.close), np.nan, factor[CLOSE])
        before = np.ones_like(own)
        before[1:] = carried(own, before=1.0)[:-1]
        changed["dividends"] = bars.dividends * before
    return replace(bars, **changed)


def _wilder(bars: Bars, times: float) -> Floats:
    factor = np.ones((VOLUME, bars.bar_count, bars.asset_count))
    for asset in range(bars.asset_count):
        own, moves = _own_moves(bars, asset)
        if len(own) < 2:  # noqa: PLR2004  (one bar has no return)
            continue
        apart: Floats = moves - _mean(moves[CLOSE])
        # What a wider spread of logarithms adds to the mean of simple returns is taken away.
        less = 0.5 * (times * times - 1.0) * float(np.var(moves[CLOSE]))
        begun = np.zeros(len(own) - 1)
        begun[1:] = np.cumsum((times - 1.0) * apart[CLOSE, :-1] - less)
        with np.errstate(over="ignore"):
            factor[:, own[1:], asset] = np.exp(begun + (times - 1.0) * apart - less)
    return factor


def _together(bars: Bars) -> Floats:
    factor = np.ones((VOLUME, bars.bar_count, bars.asset_count))
    common = _common(bars)
    for asset in range(bars.asset_count):
        own, moves = _own_moves(bars, asset)
        if len(own) < 2:  # noqa: PLR2004  (one bar has no return)
            continue
        returns = moves[CLOSE]
        spread = float(np.std(returns))
        alike: Floats = _mean(returns) + spread * _standardised(common[own[1:]])
        with np.errstate(over="ignore"):
            factor[:, own[1:], asset] = np.exp(np.cumsum(alike - returns))
    return factor


def _common(bars: Bars) -> Floats:
    """Mean of the standardised log returns of all assets that have one; shape [bar]."""
    total, count = np.zeros(bars.bar_count), np.zeros(bars.bar_count)
    for asset in range(bars.asset_count):
        own, moves = _own_moves(bars, asset)
        if len(own) > 1:
            total[own[1:]] += _standardised(moves[CLOSE])
            count[own[1:]] += 1.0
    return total / np.maximum(count, 1.0)


def _own_moves(bars: Bars, asset: int) -> tuple[NDArray[np.intp], Floats]:
    """The bars that an asset has, and log prices of each but the first, seen from the close before.

    Shapes [own bar] and [price, own bar - 1].
    """
    own = np.flatnonzero(np.isfinite(bars.close[:, asset]))
    logs = np.log(bars.seen[:VOLUME, own, asset])
    return own, logs[:, 1:] - logs[CLOSE, :-1]


def _mean(values: Floats) -> float:
    return float(np.sum(values)) / len(values)


def _standardised(values: Floats) -> Floats:
    spread = float(np.std(values))
    return np.zeros(len(values)) if spread <= FLAT else (values - _mean(values)) / spread


def _held_shares(result: Result) -> Floats:
    """Value of each position at each close as a share of equity, [bar, asset] [1]."""
    bars, equity = result.bars, np.asarray(result.equity, np.float64)
    # Marked as the run marks: at the last close in which something was traded.
    marks = filled(np.where(bars.volume != 0.0, bars.seen[CLOSE], np.nan)) / bars.forward
    values = np.nan_to_num(_units_held(result) * marks)
    whole = np.full(bars.bar_count, np.inf)
    whole[result.first : result.first + len(equity)] = np.where(equity > 0.0, equity, np.inf)
    return values / whole[:, None]


def _units_held(result: Result) -> Floats:
    """Units held after each bar, shape [bar, asset]; a split leaves whole lots."""
    import pandas as pd

    bars, fills = result.bars, result.fills
    stamps: Any = pd.DatetimeIndex(fills["ts"]).as_unit("ns")
    filled_at: NDArray[np.int64] = stamps.asi8
    at = np.searchsorted(bars.ts, filled_at)
    places = {symbol: place for place, symbol in enumerate(bars.symbols)}
    assets = np.array([places[str(symbol)] for symbol in fills["symbol"]], np.intp)
    signs = np.where(fills["side"].to_numpy() == "buy", 1.0, -1.0)
    units = np.zeros((bars.bar_count, bars.asset_count))
    np.add.at(units, (at, assets), signs * fills["quantity"].to_numpy(np.float64))
    units = np.cumsum(units, axis=0)
    if bars.splits is not None:
        parts = result.terms.parts(bars)
        for t, asset in np.argwhere(bars.splits[1:] != 1.0).tolist():
            before = units[t, asset]
            lots = before * bars.splits[t + 1, asset] * parts[asset]
            units[t + 1 :, asset] += np.trunc(lots * (1.0 + LOT_ROUNDING)) / parts[asset] - before
    return units
