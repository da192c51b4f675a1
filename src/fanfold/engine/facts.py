"""What the step has to know of each asset in each bar beside prices.

Made once for a chunk of runs, and only where a run needs any of it: most runs have no
facts, and read none.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from fanfold.domain.bars import Bars
from fanfold.domain.panel import CLOSE, VOLUME
from fanfold.engine.spec import Terms
from fanfold.engine.step.state import (
    AVERAGE_VOLUME,
    CLOSES_OWN,
    DAILY_VOLUME,
    DIVIDEND,
    FACT_ROWS,
    FORWARD,
    JUMP,
    MEMBER,
    REAL,
    SCALE,
    SPLIT,
    VOLATILITY,
)
from fanfold.engine.timeline import filled
from fanfold.errors import ConfigError
from fanfold.risk.collar import BELIEVED, RECENT, unconfirmed_jump
from fanfold.risk.limits import Limits
from fanfold.strategies.sizing import scale_of

WINDOW = 20
"""Bars over which volatility and volume are usual [bars]; of daily volume, sessions."""


def needs_facts(bars: Bars, terms: Terms, *, prices: bool) -> bool:
    """Whether runs on these terms need facts at all.

    Args:
        bars: The market.
        terms: Costs, limits, sizing and options.
        prices: Whether the decision writes prices.
    """
    marked = any(each is not None for each in (bars.splits, bars.dividends, bars.members))
    marked = marked or len(set(bars.calendars)) > 1
    looks = needs_history(terms) or terms.participates
    return marked or looks or needs_real_prices(bars, terms, prices=prices)


def needs_history(terms: Terms) -> bool:
    """Whether costs, limits or sizing look at past returns or volumes."""
    costs, limits = terms.costs, terms.limits
    bounds = limits.max_volume_share, limits.max_daily_volume_share, limits.outlier
    looks_back = costs.slippage_varies or any(each is not None for each in bounds)
    return looks_back or terms.scales


def needs_real_prices(bars: Bars, terms: Terms, *, prices: bool) -> bool:
    """Whether adjusted bars must know what was traded: shares, prices, volumes."""
    if bars.basis == "raw":
        return False
    ticks = prices and any(terms.ticks(each)[0] > 0 for each in bars.calendars)
    return ticks or terms.needs_real_units


def facts_of(bars: Bars, terms: Terms, *, prices: bool) -> NDArray[np.float64]:
    """The facts, shape [row, bar, asset]; without bars where none are needed.

    Raises:
        ConfigError: Something needs real prices or volumes that the bars do not have.
    """
    if needs_real_prices(bars, terms, prices=prices) and bars.real_factor is None:
        raise ConfigError(_no_real_prices(bars, terms))
    if terms.needs_volume and not _has_volume(bars):
        raise ConfigError(
            "participation, impact and limits on volume need the volume of every bar, "
            "some of these are unknown"
        )
    if not needs_facts(bars, terms, prices=prices):
        return np.zeros((FACT_ROWS, 0, bars.asset_count))
    facts = np.ones((FACT_ROWS, bars.bar_count, bars.asset_count))
    facts[FORWARD] = bars.forward
    facts[REAL] = 1.0 if bars.real_factor is None else bars.real_factor
    facts[SPLIT] = 1.0 if bars.splits is None else bars.splits
    facts[DIVIDEND] = 0.0 if bars.dividends is None else bars.dividends
    facts[MEMBER] = 1.0 if bars.members is None else bars.members
    own = bars.own_session_day
    facts[CLOSES_OWN, :-1] = own[1:] != own[:-1]
    if needs_history(terms):
        _look_back(bars, terms, facts)
    return facts


def _look_back(bars: Bars, terms: Terms, facts: NDArray[np.float64]) -> None:
    """Fill the rows that are made from past bars; each value ends with its own bar."""
    close = np.where(bars.volume != 0.0, bars.seen[CLOSE], np.nan)
    scale = scale_of(terms.sizing, close, bars_per_year(bars))
    facts[SCALE] = np.nan if scale is None else scale
    facts[VOLATILITY] = _volatility(close)
    facts[AVERAGE_VOLUME] = _average_volume(bars)
    if terms.limits.max_daily_volume_share is not None:
        facts[DAILY_VOLUME] = _daily_volume(bars)
    if terms.limits.outlier is not None:
        facts[JUMP] = _jumps(close, terms.limits, terms.limits.outlier)


def session_returns(bars: Bars) -> NDArray[np.float64]:
    """Return of each asset from session close to session close [1]; shape [session, asset].

    NaN in the first session and before an asset's first bar.
    """
    ends = np.flatnonzero(bars.closes_session)
    marks = filled(np.where(bars.volume != 0.0, bars.seen[CLOSE], np.nan))[ends]
    returns = np.full(marks.shape, np.nan)
    returns[1:] = marks[1:] / marks[:-1] - 1.0
    return returns


def _volatility(close: NDArray[np.float64]) -> NDArray[np.float64]:
    """Deviation of each asset's last `WINDOW` bar returns [1], 0 until there are two."""
    volatility = np.zeros(close.shape)
    for asset in range(close.shape[1]):
        own = np.flatnonzero(~np.isnan(close[:, asset]))
        prices = close[own, asset]
        returns = prices[1:] / prices[:-1] - 1.0
        volatility[own[1:], asset] = _deviations(returns)
        _carry(volatility[:, asset], own)
    return volatility


def _deviations(returns: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sample deviation of the up to `WINDOW` values that end with each one."""
    deviations = np.zeros(len(returns))
    for place in range(1, min(WINDOW - 1, len(returns))):
        deviations[place] = returns[: place + 1].std(ddof=1)
    if len(returns) >= WINDOW:
        windows = sliding_window_view(returns, WINDOW)
        deviations[WINDOW - 1 :] = windows.std(axis=1, ddof=1)
    return deviations


def bars_per_year(bars: Bars) -> int:
    """Bars in a year, from those of the first two sessions: later bars change nothing."""
    _, counts = np.unique(bars.session_day, return_counts=True)
    return bars.periods_per_year * int(counts[:2].max())


def _average_volume(bars: Bars) -> NDArray[np.float64]:
    """Mean of each asset's last `WINDOW` volumes, in units as they trade at that bar."""
    volume = bars.seen[VOLUME]
    average = np.zeros(volume.shape)
    for asset in range(volume.shape[1]):
        own = np.flatnonzero(volume[:, asset] > 0.0)
        units = volume[own, asset]
        sums = np.concatenate([[0.0], np.cumsum(units)])
        ends = np.arange(1, len(own) + 1)
        starts = np.maximum(ends - WINDOW, 0)
        average[own, asset] = (sums[ends] - sums[starts]) / (ends - starts)
        _carry(average[:, asset], own)
    return average * bars.forward


def _daily_volume(bars: Bars) -> NDArray[np.float64]:
    """Mean volume of each asset's last `WINDOW` sessions with trades, in units as they trade.

    NaN until one has ended; a session counts from its last bar on.
    """
    ends = np.flatnonzero(bars.closes_session)
    average = np.full(bars.volume.shape, np.nan)
    for asset in range(bars.asset_count):
        volume = bars.seen[VOLUME][:, asset]
        totals = np.cumsum(np.where(volume > 0.0, volume, 0.0))[ends]
        traded = np.flatnonzero(np.diff(totals, prepend=0.0) > 0.0)
        sums = np.concatenate([[0.0], totals[traded]])
        last = np.arange(1, len(sums))
        first = np.maximum(last - WINDOW, 0)
        own = ends[traded]
        average[own, asset] = (sums[last] - sums[first]) / (last - first)
        _carry(average[:, asset], own)
    return average * bars.forward


def _jumps(close: NDArray[np.float64], limits: Limits, outlier: float) -> NDArray[np.float64]:
    """Jump of each asset's last close while it is not confirmed [1]; NaN where it is believed."""
    jumps = np.full(close.shape, np.nan)
    for asset in range(close.shape[1]):
        own = np.flatnonzero(~np.isnan(close[:, asset]))
        prices = close[own, asset]
        far = np.flatnonzero(~(np.abs(np.diff(prices)) <= outlier * prices[:-1])) + 1
        believed_from = 0
        for place in map(int, far):
            if place < believed_from:
                continue  # within a jump that waited
            belief = np.zeros(RECENT + limits.confirm_of)
            belief[BELIEVED] = prices[place - 1]
            for now in range(place, len(own)):
                believed_from = now + 1
                jump = unconfirmed_jump(belief, prices[now], outlier, limits.confirm)
                if np.isnan(jump):
                    break
                jumps[own[now], asset] = jump
        _carry(jumps[:, asset], own)
    return jumps


def _carry(values: NDArray[np.float64], own: NDArray[np.int64]) -> None:
    """Let each value stand until the asset's next bar, in place."""
    known = np.zeros(len(values), np.int64)
    known[own] = own
    values[:] = values[np.maximum.accumulate(known)]


def _has_volume(bars: Bars) -> bool:
    return not bool((np.isnan(bars.volume) & ~np.isnan(bars.close)).any())


def _no_real_prices(bars: Bars, terms: Terms) -> str:
    what = "order prices on the ticks of venue "
    what += f"{terms.venue.name!r} (venue 'ideal' has none)"
    if terms.needs_real_units:
        what = "costs a share, a schedule of fees, impact and participation"
    return f"{what} need prices as they were traded; these bars are {bars.basis} without raw ones"
