"""What known crises and stated shocks would do to a set of positions, or to a strategy.

Positions are held as they are through each window and shock. A strategy is run again on
bars and costs that were changed, because it would have reacted. One that fails or is
ruined is a row with its reason.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final

import numpy as np

from fanfold.domain.bars import Bars
from fanfold.domain.period import day_text
from fanfold.engine.backtest import run_backtest
from fanfold.engine.result import Result
from fanfold.engine.spec import Terms
from fanfold.errors import ConfigError, DataError, FanfoldError, StrategyError
from fanfold.execution.costs import Costs
from fanfold.measures.drawdowns import drawdowns
from fanfold.measures.series import Floats, as_level, as_number
from fanfold.research.book import (
    FAILED,
    OK,
    RUINED,
    Answer,
    Book,
    book_of,
    gapped,
    held_through,
    left,
    liquidation_sessions,
    stuck,
    varied,
)
from fanfold.research.scenarios import (
    HistoricalWindow,
    holding_growth,
    ratio_of_growth,
    windows_in,
)
from fanfold.research.shocked_bars import shocked, worst_moment
from fanfold.research.shocks import (
    SPREAD_COSTS,
    CorrelationToOne,
    Gap,
    LiquidityGone,
    Shock,
    SpreadTimes,
    VolatilityTimes,
    shocked_costs,
)
from fanfold.research.subject import text_of
from fanfold.strategies.strategy import Strategy

RUN_FIGURES: Final = ("total_return", "max_drawdown", "sharpe", "fees", "fill_count")
"""Metrics of a run that a stress shows, beside the number of refusals."""

WINDOW: Final = "window"
"""Kind of the rows that are no shock."""

_SHOCKS: Final = (Gap, VolatilityTimes, CorrelationToOne, LiquidityGone, SpreadTimes)
_LOST: Final = Answer(status=RUINED, reason="all equity was lost")


@dataclass(frozen=True, slots=True, kw_only=True)
class StressRow:
    """One window or shock.

    Attributes:
        scenario: What happened, for people.
        kind: "window", or the kind of the shock.
        status: "ok", "ruined" where all equity was lost, "failed" where it is not known.
        reason: Why it is not "ok", in words.
        note: What a reader should know of it.
        figures: What it came to, by name; the unit is in it or in `fanfold.engine.metrics`.
        beside: The same figures of what it is compared with: the run or the positions
            without the shock, or for a strategy's window what holding came to.
        contributions: Part of each position: of the profit and loss in windows and gaps, of
            the value at risk, or of the cost of leaving [currency].
    """

    scenario: str
    kind: str
    status: str = OK
    reason: str = ""
    note: str = ""
    figures: Mapping[str, float] = field(default_factory=dict[str, float])
    beside: Mapping[str, float] = field(default_factory=dict[str, float])
    contributions: Mapping[str, float] = field(default_factory=dict[str, float])


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """One position as it is now.

    Attributes:
        symbol: Of the asset.
        units: Held, negative for a short.
        price: Last one [currency].
        exposure_currency: Units × price [currency].
        liquidation_sessions: Sessions to sell it at the stated part of the usual turnover;
            NaN where that is not known.
    """

    symbol: str
    units: float
    price: float
    exposure_currency: float
    liquidation_sessions: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StressTable:
    """Rows in the order of the windows, then of the shocks.

    Attributes:
        subject: "positions" or "strategy".
        rows: One a window or shock.
        base: Figures without any: of the run, or equity, gross and net exposure.
        positions: Those that were stressed; none for a strategy.
    """

    subject: str
    rows: tuple[StressRow, ...]
    base: Mapping[str, float]
    positions: tuple[Position, ...] = ()


def stress_positions(
    bars: Bars,
    positions: Mapping[str, float],
    *,
    windows: Iterable[HistoricalWindow | str] = (),
    shocks: Iterable[Shock] = (),
    cash: float = 0.0,
    costs: Costs | None = None,
    level: float = 0.99,
    participation: float = 0.1,
) -> StressTable:
    """Hold positions as they are through windows and shocks.

    A window's returns are applied to today's exposure; an asset that had no price then is
    left out, and the note says so. A gap is lost at once. Volatility and correlation
    change the Gaussian value at risk of one bar, from the covariance of the bars in which
    all that is held traded. While liquidity is gone the positions earn what they would
    have over as many bars of the past (overlapping ones). A spread is paid by leaving
    now, without regulatory fees.

    Args:
        bars: The market; what is held is worth its last real prices.
        positions: Units by symbol as they trade, negative for a short.
        windows: Of the past, or names of known ones; those that the bars hold are taken.
        shocks: Stated ones.
        cash: Beside the positions, negative if borrowed [currency].
        costs: Of trading; none by default.
        level: Share of bars that values at risk cover [1].
        participation: Part of the usual turnover that selling may take [1].

    Raises:
        ConfigError: No position, a name of a window is not known, or a number is not what it
            must be.
        DataError: An asset is not there, has no price or is delisted.
    """
    book = book_of(bars, positions, cash)
    past, stated = _as_windows(bars, windows), _as_shocks(shocks)
    own, covered, share = costs or Costs(), as_level(level), _as_share(participation)

    def answer(shock: Shock) -> Answer:
        if isinstance(shock, Gap):
            return gapped(book, shock)
        if isinstance(shock, LiquidityGone):
            return stuck(book, shock, covered, share)
        if isinstance(shock, SpreadTimes):
            return left(book, own, shock) | Answer(note=_no_spread(shock, own))
        return varied(book, shock, covered)

    rows = [_row(each.name, WINDOW, partial(held_through, book, each)) for each in past]
    rows += [_row(each.label, each.kind, partial(answer, each)) for each in stated]
    base = {
        "equity_currency": book.equity,
        "gross_exposure_currency": float(np.abs(book.exposures).sum()),
        "net_exposure_currency": float(book.exposures.sum()),
    }
    return StressTable(
        subject="positions", rows=tuple(rows), base=base, positions=_lines(book, share)
    )


def _as_windows(
    bars: Bars, windows: Iterable[HistoricalWindow | str]
) -> tuple[HistoricalWindow, ...]:
    if isinstance(windows, str) or not isinstance(windows, Iterable):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigError(f"windows must be several, was {windows!r}")
    found: list[HistoricalWindow] = []
    for window in windows:
        if isinstance(window, HistoricalWindow):
            found.append(window)
        else:
            found.extend(windows_in(bars, names=[window]))
    return tuple(found)


def _as_shocks(shocks: Iterable[Shock]) -> tuple[Shock, ...]:
    if not isinstance(shocks, Iterable):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigError(f"shocks must be several, was {shocks!r}")
    found = tuple(shocks)
    for shock in found:
        if not isinstance(shock, _SHOCKS):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ConfigError(f"shocks must be shocks such as Gap(-0.2), one was {shock!r}")
    return found


def units_of(bars: Bars, weights: Mapping[str, float], equity: float) -> dict[str, float]:
    """Units that weights mean at the last real prices, parts of units included.

    Args:
        bars: The market.
        weights: Share of equity by symbol, negative for a short.
        equity: To be shared out [currency].

    Raises:
        ConfigError: No weight, or a number is not finite.
        DataError: An asset is not there, has no price or is delisted.
    """
    whole = as_number(equity, "equity")
    book = book_of(bars, weights)
    return {
        symbol: weight * whole / price
        for symbol, weight, price in zip(
            book.symbols, book.units.tolist(), book.prices.tolist(), strict=True
        )
    }


def stress_strategy(
    strategy: Strategy,
    bars: Bars,
    terms: Terms,
    *,
    windows: Iterable[HistoricalWindow] = (),
    shocks: Iterable[Shock] = (),
    result: Result | None = None,
) -> StressTable:
    """Run a strategy again on shocked bars or costs, and look at it in windows of the past.

    All runs decide from the same bar on. A gap, and liquidity that is gone, come on the
    day that they state, or when they would have cost the run as it was most. A window
    shows the equity of the run as it was, beside equal amounts of all assets that had a
    price, bought at the window's start and held.

    Args:
        strategy: What is run; fitted, if it learns: it does not learn anew.
        bars: What it runs on.
        terms: Under which terms.
        windows: Of the past.
        shocks: Stated ones.
        result: The run as it was, if it is there already.

    Raises:
        FanfoldError: The strategy does not run on the bars as they are.
    """
    base = run_backtest(strategy, bars, terms) if result is None else result
    steady = replace(terms, start_bar=base.first)
    before, growth = _run_figures(base), holding_growth(bars)

    def answer(shock: Shock) -> Answer:
        at, note = None, _no_spread(shock, terms.costs)
        if isinstance(shock, Gap | LiquidityGone) and shock.at is None:
            at = worst_moment(shock, base)
            note = f"on {day_text(bars.session_day[at])}, when it hurts most"
        worse = replace(steady, costs=shocked_costs(terms.costs, shock))
        ran = _run(strategy, shocked(bars, shock, at=at), worse)
        found = Answer(figures=_run_figures(ran), beside=before, note=note)
        return found | (_LOST if ran.status == RUINED else Answer())

    rows = [
        _row(each.name, WINDOW, partial(_lived_through, base, growth, each)) for each in windows
    ]
    rows += [_row(each.label, each.kind, partial(answer, each)) for each in shocks]
    return StressTable(subject="strategy", rows=tuple(rows), base=before)


def _row(scenario: str, kind: str, ask: Callable[[], Answer]) -> StressRow:
    try:
        return StressRow(scenario=scenario, kind=kind, **ask())
    except FanfoldError as error:
        return StressRow(scenario=scenario, kind=kind, status=FAILED, reason=str(error))


def _run(strategy: Strategy, bars: Bars, terms: Terms) -> Result:
    try:
        return run_backtest(strategy, bars, terms)
    except FanfoldError:
        raise
    except Exception as raised:  # the user's own code: this scenario's affair
        raise StrategyError(f"{type(strategy).__name__} {text_of(raised)}") from raised


def _run_figures(result: Result) -> dict[str, float]:
    figures = {name: float(result.metrics[name]) for name in RUN_FIGURES}
    refused: Any = result.orders["status"] == "refused"
    return figures | {"refusal_count": float(refused.sum())}


def _no_spread(shock: Shock, costs: Costs) -> str:
    has_spread = any(getattr(costs, name) > 0.0 for name in SPREAD_COSTS)
    return "the costs state no spread" if isinstance(shock, SpreadTimes) and not has_spread else ""


def _as_share(participation: float) -> float:
    share = as_number(participation, "participation")
    if not 0.0 < share <= 1.0:
        raise ConfigError(f"participation must be above 0 and at most 1, was {participation}")
    return share


def _lines(book: Book, participation: float) -> tuple[Position, ...]:
    columns = book.units, book.prices, book.exposures, liquidation_sessions(book, participation)
    rows = zip(book.symbols, *(column.tolist() for column in columns), strict=True)
    return tuple(
        Position(
            symbol=symbol,
            units=units,
            price=price,
            exposure_currency=exposure,
            liquidation_sessions=sessions,
        )
        for symbol, units, price, exposure, sessions in rows
    )


def _lived_through(result: Result, growth: Floats, window: HistoricalWindow) -> Answer:
    window.check(result.bars)
    equity: Floats = np.asarray(result.equity, np.float64)
    begins = max(window.first - 1, result.first)
    ends = min(window.last, result.terms.last(result.bars) - 1)
    curve = equity[begins - result.first : max(ends + 1 - result.first, 0)]
    if len(curve) < 2:  # noqa: PLR2004  (one bar has no return)
        raise DataError("the run must have a return in the window, it had none")
    start = growth[begins]
    held = ratio_of_growth(growth[begins : ends + 1], start)[:, start > 0.0]
    holding: Floats = np.sum(held, axis=1) / max(held.shape[1], 1)
    notes = ["the run began within it"] if begins >= window.first else []
    notes += ["the run ended within it"] if ends < window.last else []
    notes += [] if window.is_whole else ["the bars hold a part of it"]
    found = Answer(
        figures=_path_figures(curve) | {"covered": window.covered},
        beside=_path_figures(holding) if held.shape[1] else {},
        note="; ".join(notes),
    )
    return found | (_LOST if len(curve) < ends + 1 - begins else Answer())


def _path_figures(path: Floats) -> dict[str, float]:
    if not path[0] > 0.0:
        return {"total_return": math.nan, "max_drawdown": math.nan}
    depth = float(np.max(np.asarray(drawdowns(path))))
    return {"total_return": float(path[-1] / path[0]) - 1.0, "max_drawdown": depth}
