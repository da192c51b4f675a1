"""A set of positions at its last prices, and what it loses.

Amounts are floats: this is a report, and nothing here is booked.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final, TypedDict

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.bars import Bars
from fanfold.domain.money import MICRO, to_micro
from fanfold.domain.names import chosen_places
from fanfold.domain.panel import CLOSE, VOLUME
from fanfold.domain.period import day_text
from fanfold.engine.timeline import delisting_bars, filled
from fanfold.errors import ConfigError, DataError
from fanfold.execution.costs import Costs, order_fee, slippage_of
from fanfold.measures.drawdowns import drawdowns
from fanfold.measures.series import Floats, as_number
from fanfold.measures.tail_risk import expected_shortfall, value_at_risk
from fanfold.research.scenarios import (
    HistoricalWindow,
    holding_growth,
    holding_returns,
    ratio_of_growth,
)
from fanfold.research.shocks import (
    Gap,
    LiquidityGone,
    Shock,
    gaussian_components,
    gaussian_figures,
    shocked_costs,
    shocked_covariance,
    shocked_places,
)

RETURNS_MIN: Final = 20
"""Fewer returns give no covariance and no tail [bars]."""

LIQUIDITY_SESSIONS: Final = 20
"""Last sessions whose turnover says how fast a position can be sold [sessions]."""

LIQUIDITY_BARS: Final = 20
"""Last bars of an asset whose volume and volatility say what selling it costs [bars]."""

OK: Final = "ok"
RUINED: Final = "ruined"
FAILED: Final = "failed"


class Answer(TypedDict, total=False):
    """What a window or shock comes to; the fields are those of `StressRow`."""

    status: str
    reason: str
    note: str
    figures: Mapping[str, float]
    beside: Mapping[str, float]
    contributions: Mapping[str, float]


@dataclass(frozen=True)
class Book:
    """Positions at their last real prices; arrays have the shape [position].

    Attributes:
        bars: The market.
        symbols: What is held.
        places: Of these assets in the bars.
        units: Held, as they trade, negative for a short.
        prices: Last ones as they were traded [currency].
        cash: Beside the positions [currency].
    """

    bars: Bars
    symbols: tuple[str, ...]
    places: list[int]
    units: Floats
    prices: Floats
    cash: float

    @property
    def exposures(self) -> Floats:
        """Units × price [currency]."""
        return self.units * self.prices

    @property
    def equity(self) -> float:
        """Cash and positions [currency]."""
        return float(self.exposures.sum()) + self.cash

    @cached_property
    def growth(self) -> Floats:
        """`holding_growth` of what is held, [bar, position] [1]."""
        return holding_growth(self.bars)[:, self.places]

    def by_symbol(self, amounts: Floats) -> dict[str, float]:
        """Amounts that are known, by symbol."""
        named = zip(self.symbols, amounts.tolist(), strict=True)
        return {symbol: amount for symbol, amount in named if math.isfinite(amount)}

    def gained(self, pnl: float) -> dict[str, float]:
        """A profit, in currency and as a share of equity, NaN where there is none."""
        share = pnl / self.equity if self.equity > 0.0 else math.nan
        return {"pnl_currency": pnl, "pnl_share": share}


def book_of(bars: Bars, positions: Mapping[str, float], cash: float = 0.0) -> Book:
    """Positions at the last real prices of their assets.

    Prices of bars that are adjusted and hold no raw ones are taken as they are.

    Args:
        bars: The market.
        positions: Units by symbol as they trade, negative for a short.
        cash: Beside the positions, negative if borrowed [currency].

    Raises:
        ConfigError: No position, or a number is not finite.
        DataError: An asset is not there, has no price or is delisted.
    """
    if not isinstance(positions, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigError(f"positions must be units by symbol, was {type(positions).__name__}")
    symbols = tuple(positions)
    places = chosen_places(symbols, bars.symbols)
    units = [as_number(positions[symbol], f"position in {symbol}") for symbol in symbols]
    real = bars.panel if bars.raw is None else bars.raw
    prices = filled(real[CLOSE])[-1, places]
    gone = delisting_bars(bars)[places]
    for symbol, price, bar in zip(symbols, prices.tolist(), gone.tolist(), strict=True):
        if math.isnan(price):
            raise DataError(f"{symbol} must have a price to be held, it has no bar")
        if bar >= 0:
            day = day_text(int(bars.session_day[bar]))
            raise DataError(f"{symbol} must be listed to be held, it was delisted on {day}")
    return Book(bars, symbols, places, np.array(units), prices, as_number(cash, "cash"))


def held_through(book: Book, window: HistoricalWindow) -> Answer:
    """Hold today's exposure through the returns of a window.

    Raises:
        DataError: Nothing that is held had a price then, or it is of other bars.
    """
    window.check(book.bars)
    base = window.first - 1
    path = ratio_of_growth(book.growth[base : window.last + 1], book.growth[base])
    known = np.isfinite(path[0])
    if not known.any():
        raise DataError(f"{', '.join(book.symbols)} must have a price by then to be held, had none")
    gains = book.exposures * (path - 1.0)
    equity = book.equity + gains[:, known].sum(axis=1)
    fall = float(np.max(np.maximum.accumulate(equity) - equity))
    depth = float(np.max(np.asarray(drawdowns(equity)))) if equity[0] > 0.0 else math.nan
    missing = [symbol for symbol, there in zip(book.symbols, known, strict=True) if not there]
    notes = [f"without {', '.join(missing)}, which had no price"] if missing else []
    notes += [] if window.is_whole else ["the bars hold a part of it"]
    answer = Answer(
        figures=book.gained(float(gains[-1, known].sum()))
        | {"max_drawdown": depth, "max_drawdown_currency": fall, "covered": window.covered},
        contributions=book.by_symbol(gains[-1]),
        note="; ".join(notes),
    )
    ended = np.flatnonzero(equity <= 0.0)
    if equity[0] > 0.0 and len(ended) > 0:
        day = day_text(book.bars.session_day[base + int(ended[0])])
        answer |= Answer(status=RUINED, reason=f"all equity was lost by {day}")
    return answer


def gapped(book: Book, shock: Gap) -> Answer:
    """Lose a gap at once.

    Raises:
        DataError: It is of an asset that the bars do not hold.
    """
    hit = np.isin(book.places, shocked_places(shock, book.bars.symbols))
    losses = np.where(hit, book.exposures * shock.size, 0.0)
    answer = Answer(figures=book.gained(float(losses.sum())), contributions=book.by_symbol(losses))
    if 0.0 < book.equity <= -float(losses.sum()):
        answer |= Answer(status=RUINED, reason="all equity was lost at the open")
    return answer


def varied(book: Book, shock: Shock, level: float) -> Answer:
    """Gaussian risk of one bar, with the covariance before and after a shock.

    Raises:
        DataError: What is held traded together in too few bars.
    """
    returns = _joint_returns(book)
    before = np.atleast_2d(np.cov(returns, rowvar=False))
    after = shocked_covariance(before, shock)
    parts = gaussian_components(book.exposures, after, level)
    return Answer(
        figures=gaussian_figures(book.exposures, after, level),
        beside=gaussian_figures(book.exposures, before, level),
        contributions=book.by_symbol(parts),
        note=f"from {len(returns)} bars",
    )


def stuck(book: Book, shock: LiquidityGone, level: float, participation: float) -> Answer:
    """What positions that cannot be left earned over as many bars of the past.

    Raises:
        DataError: The past is too short, or an asset is not there.
    """
    hit = np.isin(book.places, shocked_places(shock, book.bars.symbols))
    exposures = np.where(hit, book.exposures, 0.0)
    longest = np.max(np.where(hit, liquidation_sessions(book, participation), 0.0))

    def figures(bars: int) -> dict[str, float]:
        moves = ratio_of_growth(book.growth[bars:], book.growth[:-bars]) - 1.0
        earned = moves[np.isfinite(moves).all(axis=1)] @ exposures
        if len(earned) < RETURNS_MIN:
            raise DataError(
                f"positions must have a past of {RETURNS_MIN} stretches of {bars} bars, "
                f"had {len(earned)}"
            )
        return {
            "value_at_risk_currency": float(value_at_risk(earned, level)),
            "expected_shortfall_currency": float(expected_shortfall(earned, level)),
            "worst_loss_currency": -float(earned.min()),
            "stretch_count": float(len(earned)),
            "stuck_bars": float(bars),
            "liquidation_sessions": float(longest),
        }

    return Answer(figures=figures(shock.bars), beside=figures(1))


def left(book: Book, costs: Costs, shock: Shock) -> Answer:
    """Leave all positions now and pay for it.

    Raises:
        ConfigError: A cost would be larger than can be meant.
        DataError: A cost goes by units, which adjusted bars lack.
    """
    before, after = _leaving(book, costs), _leaving(book, shocked_costs(costs, shock))

    def figures(spread: Floats, fees: Floats) -> dict[str, float]:
        cost = float(spread.sum() + fees.sum())
        return book.gained(-cost) | {
            "cost_currency": cost,
            "slippage_currency": float(spread.sum()),
            "commission_currency": float(fees.sum()),
        }

    return Answer(
        figures=figures(*after),
        beside=figures(*before),
        contributions=book.by_symbol(after[0] + after[1]),
    )


def liquidation_sessions(book: Book, participation: float) -> Floats:
    """Sessions that selling each position takes; NaN where turnover is not known.

    Args:
        book: The positions.
        participation: Part of the mean turnover of the last sessions that it takes [1].
    """
    panel = _real_panel(book.bars)
    if panel is None:
        return np.full(len(book.units), math.nan)
    days = np.unique(book.bars.session_day)[-LIQUIDITY_SESSIONS:]
    recent = panel[:, np.searchsorted(book.bars.session_day, days[0]) :, book.places]
    amounts = np.where(np.isnan(recent[CLOSE]), 0.0, recent[CLOSE] * recent[VOLUME])
    turnover = amounts.sum(axis=0) / len(days)
    with np.errstate(divide="ignore", invalid="ignore"):
        sessions = np.abs(book.exposures) / (participation * turnover)
    return np.where(book.units == 0.0, 0.0, sessions)


def _real_panel(bars: Bars) -> Floats | None:
    return bars.panel if bars.basis == "raw" else bars.raw


def _joint_returns(book: Book) -> Floats:
    """Returns of the bars in which, and before which, all that is held has a bar."""
    there: NDArray[np.bool_] = np.all(np.isfinite(book.bars.close[:, book.places]), axis=1)
    both = np.flatnonzero(there[1:] & there[:-1]) + 1
    if len(both) < RETURNS_MIN:
        raise DataError(
            f"{', '.join(book.symbols)} must have returns in {RETURNS_MIN} common bars or more, "
            f"had {len(both)}"
        )
    return holding_returns(book.bars)[both][:, book.places]


def _leaving(book: Book, costs: Costs) -> tuple[Floats, Floats]:
    """Slippage and commission of selling each position now [currency]."""
    panel = _real_panel(book.bars)
    if panel is None and costs.needs_real_units:
        raise DataError("costs by unit must have real prices, these bars are adjusted without them")
    spread, fees = np.zeros(len(book.units)), np.zeros(len(book.units))
    for k, place in enumerate(book.places):
        units, amount = abs(float(book.units[k])), abs(float(book.exposures[k]))
        slippage = slippage_of(
            costs.slippage_share,
            costs.half_spread,
            costs.volatility_slippage,
            costs.impact,
            float(book.prices[k]),
            units,
            _volatility(book.bars, place),
            math.nan if panel is None else _usual_volume(panel[:, :, place]),
        )
        rates = costs.commission_rate, costs.per_unit_rate, costs.per_trade, costs.minimum
        spread[k] = slippage * amount
        fees[k] = order_fee(to_micro(amount), units, *rates) / MICRO
    return spread, fees


def _volatility(bars: Bars, place: int) -> float:
    close = bars.seen[CLOSE, :, place]
    own = close[np.isfinite(close)][-LIQUIDITY_BARS - 1 :]
    return float(np.std(own[1:] / own[:-1], ddof=1)) if len(own) > 2 else math.nan  # noqa: PLR2004


def _usual_volume(panel: Floats) -> float:
    own: Floats = panel[VOLUME, np.isfinite(panel[CLOSE])][-LIQUIDITY_BARS:]
    return float(np.sum(own)) / len(own)
