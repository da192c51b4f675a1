"""Several measures of the same returns, in one go.

Each measure alone reads all returns again. Where there are many series, reading them
is most of the work, so here they are read once for everything that is asked for.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from fanfold.errors import ConfigError
from fanfold.measures import wide
from fanfold.measures.drawdowns import (
    SESSIONS_PER_YEAR,
    cagr,
    calmar_ratio,
    growth_of_a_year,
    max_drawdown,
    total_return,
)
from fanfold.measures.moments import (
    SKEWNESS_ORDER,
    downside_deviation,
    kurtosis,
    skewness,
    volatility,
)
from fanfold.measures.ratios import omega_ratio, sharpe_ratio, sortino_ratio
from fanfold.measures.series import (
    DEVIATION_RETURNS_MIN,
    Floats,
    Values,
    as_count,
    as_level,
    as_periods,
    as_series,
    ratio,
)
from fanfold.measures.tail_risk import expected_shortfall, tail_ratio, value_at_risk
from fanfold.measures.wide import Followed, Parts

THREADS_MAX = 256
"""More than that is a mistake [threads]."""

USUAL_NAMES = (
    "sharpe_ratio",
    "sortino_ratio",
    "volatility",
    "max_drawdown",
    "value_at_risk",
    "expected_shortfall",
)
"""What `summary` gives unless asked."""


@dataclass(frozen=True, slots=True)
class _Terms:
    level: float
    periods_per_year: float | None

    @property
    def root(self) -> float:
        return math.sqrt(as_periods(self.periods_per_year))

    @property
    def year(self) -> float:
        return SESSIONS_PER_YEAR if self.periods_per_year is None else self.periods_per_year


@dataclass(frozen=True, slots=True)
class _Measure:
    """How a measure is taken of one series, and how of what many add up to."""

    alone: Callable[[Floats, _Terms], Values]
    parts: Parts
    together: Callable[[Followed, _Terms], Values]


def summary(
    returns: ArrayLike,
    names: Iterable[str] = USUAL_NAMES,
    *,
    level: float = 0.95,
    periods_per_year: float | None = None,
    thread_count: int = 1,
) -> dict[str, Values]:
    """Several measures at once; each is the function of its name, called with its defaults.

    From `fanfold.measures.wide.WIDE_VALUES_MIN` returns on the sums are added up in
    another order, by compiled code that the first call loads: up to rounding the values
    are those of the single functions, and the same for any number of threads.

    Args:
        returns: `[bar]` or `[bar, series]`, no NaN [1 per bar].
        names: Which measures: any of the six usual ones, `cagr`, `calmar_ratio`,
            `downside_deviation`, `kurtosis`, `omega_ratio`, `skewness`, `tail_ratio`,
            `total_return`.
        level: Of value at risk, expected shortfall and tail ratio [1].
        periods_per_year: Annualises what can be; None leaves ratios per bar and takes
            252 for `cagr` and `calmar_ratio`.
        thread_count: How many threads share wide returns, at most 256.

    Returns:
        Each measure per series, in the order of `names`.

    Raises:
        ConfigError: An unknown name, or a number is not what it must be.
        DataError: `returns` are empty or hold NaN or infinity, or for what compounds
            are below -1.
    """
    asked = _asked(names)
    series = as_series(returns, "returns")
    as_periods(periods_per_year)
    terms = _Terms(as_level(level), periods_per_year)
    threads = as_count(thread_count, "thread_count", least=1)
    if threads > THREADS_MAX:
        raise ConfigError(f"thread_count must be at most {THREADS_MAX}, was {threads}")
    if not asked or not wide.is_wide(series):
        return {name: measure.alone(series, terms) for name, measure in asked.items()}
    parts = Parts(*(any(of) for of in zip(*(each.parts for each in asked.values()), strict=True)))
    followed = wide.follow(series, parts, level=terms.level, thread_count=threads)
    return {name: measure.together(followed, terms) for name, measure in asked.items()}


def _asked(names: Iterable[str]) -> dict[str, _Measure]:
    wanted = [names] if isinstance(names, str) else list(names)
    for name in wanted:
        if name not in _MEASURES:
            raise ConfigError(f"names must be of {', '.join(sorted(_MEASURES))}, was {name!r}")
    return {name: _MEASURES[name] for name in wanted}


def _sortino(followed: Followed, terms: _Terms) -> Values:
    if followed.bar_count < DEVIATION_RETURNS_MIN:
        return np.full_like(followed.mean, np.nan)
    return ratio(followed.mean, followed.downside) * terms.root


def _cagr(followed: Followed, terms: _Terms) -> Floats:
    return growth_of_a_year(followed.equity, followed.bar_count, terms.year)


_MEASURES = {
    "sharpe_ratio": _Measure(
        lambda r, t: sharpe_ratio(r, periods_per_year=t.periods_per_year),
        Parts(spread=True),
        lambda f, t: ratio(f.mean, f.deviation) * t.root,
    ),
    "sortino_ratio": _Measure(
        lambda r, t: sortino_ratio(r, periods_per_year=t.periods_per_year),
        Parts(falls=True),
        _sortino,
    ),
    "volatility": _Measure(
        lambda r, t: volatility(r, t.periods_per_year),
        Parts(spread=True),
        lambda f, t: f.deviation * t.root,
    ),
    "max_drawdown": _Measure(
        lambda r, _: max_drawdown(r), Parts(growth=True), lambda f, _: f.depth
    ),
    "value_at_risk": _Measure(
        lambda r, t: value_at_risk(r, t.level), Parts(low_tail=True), lambda f, _: -f.low[0]
    ),
    "expected_shortfall": _Measure(
        lambda r, t: expected_shortfall(r, t.level), Parts(low_tail=True), lambda f, _: -f.low[1]
    ),
    "downside_deviation": _Measure(
        lambda r, t: downside_deviation(r, periods_per_year=t.periods_per_year),
        Parts(falls=True),
        lambda f, t: f.downside * t.root,
    ),
    "omega_ratio": _Measure(
        lambda r, _: omega_ratio(r), Parts(falls=True), lambda f, _: f.gains_per_shortfall
    ),
    "total_return": _Measure(
        lambda r, _: total_return(r), Parts(growth=True), lambda f, _: f.equity - 1.0
    ),
    "cagr": _Measure(lambda r, t: cagr(r, t.year), Parts(growth=True), _cagr),
    "calmar_ratio": _Measure(
        lambda r, t: calmar_ratio(r, t.year),
        Parts(growth=True),
        lambda f, t: ratio(_cagr(f, t), f.depth),
    ),
    "tail_ratio": _Measure(
        lambda r, t: tail_ratio(r, t.level),
        Parts(low_tail=True, high_tail=True),
        lambda f, _: f.high_per_low,
    ),
    "skewness": _Measure(
        lambda r, _: skewness(r),
        Parts(shape=True),
        lambda f, _: f.score_moment(SKEWNESS_ORDER),
    ),
    "kurtosis": _Measure(
        lambda r, _: kurtosis(r), Parts(shape=True), lambda f, _: f.score_moment(4)
    ),
}
