"""Whether a strategy can be run on bars from outside, found out before anything is started."""

from collections.abc import Sequence
from typing import Final

from fanfold.domain.bars import Bars
from fanfold.domain.money import MICRO
from fanfold.engine.books import check_outside
from fanfold.engine.options import FRACTION_PARTS
from fanfold.engine.spec import Terms
from fanfold.engine.stepper import Stepper
from fanfold.engine.universe import Universe
from fanfold.errors import ConfigError
from fanfold.strategies.learning import LearningStrategy
from fanfold.strategies.strategy import Strategy

RETURNS_MIN: Final = 2
"""Returns that a deviation needs [sessions]."""


def check_steps(strategy: Strategy, terms: Terms, symbols: Sequence[str], calendar: str) -> None:
    """Refuse what the signal process would refuse as it opens.

    Of a strategy that learns, all but the decision and its features: its model is not at
    hand yet.

    Args:
        strategy: What decides.
        terms: Of its account.
        symbols: Of its assets.
        calendar: Of all of them.

    Raises:
        ConfigError: It computes columns, reads columns, sizes at the fill, names a symbol
            that is no asset, or the venue takes no such orders.
    """
    check_outside(type(strategy), terms)
    if isinstance(strategy, LearningStrategy):
        return
    count = len(symbols)
    universe = Universe(
        symbols=tuple(symbols),
        calendars=(calendar,) * count,
        parts=(FRACTION_PARTS if terms.fractional(calendar) else 1,) * count,
        shortable=(terms.is_shortable(calendar),) * count,
        ticks=(terms.ticks(calendar),) * count,
        least_notional=(round(terms.least_notional(calendar) * MICRO),) * count,
        calendar=calendar,
    )
    Stepper(strategy, universe, terms)


def check_reach(terms: Terms, bars: Bars) -> None:
    """Refuse a past in which limits on sessions find none, so that nothing would be opened.

    Raises:
        ConfigError: It holds too few sessions that have ended.
    """
    limits = terms.limits
    ended = int(bars.closes_session.sum()) - 1  # the last may go on
    needs = {
        "max_daily_volume_share": (limits.max_daily_volume_share, 1),
        "max_var": (limits.max_var, RETURNS_MIN + 1),
    }
    for name, (limit, least) in needs.items():
        if limit is not None and ended < least:
            raise ConfigError(
                f"data.warm_up_bars must reach back {least} whole sessions for limits.{name}, "
                f"{bars.bar_count} bars hold {ended}"
            )
