"""From settings to the engine's values: bars and terms."""

from fanfold.domain.bars import Bars
from fanfold.engine.backtest import terms_of
from fanfold.engine.metrics import METRICS
from fanfold.engine.spec import Terms
from fanfold.errors import ConfigError
from fanfold.market.load import load_bars
from fanfold.settings import Settings


def bars_for(settings: Settings) -> Bars:
    """The bars that a job names.

    Raises:
        InputError: They are not there, or cannot be read.
    """
    data = settings.data
    return load_bars(
        data.source,
        symbols=data.symbols,
        start=data.start,
        end=data.end,
        basis=data.basis,
        stamp=data.stamp,
        calendar=data.calendar,
        timeframe=data.timeframe,
        universe=data.universe,
        actions=data.actions,
        delisted_at=data.delisted_at,
        delisting_return=data.delisting_return,
        members=data.members,
        columns=data.columns,
    )


def checked_bars(settings: Settings) -> Bars:
    """The bars that a job names, none of which a study has sealed.

    Raises:
        InputError: They are not there, cannot be read, or belong to a sealed holdout.
    """
    from fanfold.tracking import check_unsealed

    bars = bars_for(settings)
    check_unsealed(bars.symbols, int(bars.session_day[0]), int(bars.session_day[-1]))
    return bars


def terms_for(settings: Settings) -> Terms:
    """The terms that a job names."""
    return terms_of(
        cash=settings.account.cash,
        costs=settings.costs,
        limits=settings.limits,
        sizing=settings.sizing,
        venue=settings.account.venue,
        options=settings.options,
        leverage=settings.account.leverage,
    )


def checked_objective(settings: Settings) -> str:
    """The metric that ranks combinations.

    Raises:
        ConfigError: There is no such metric.
    """
    if settings.objective not in METRICS:
        raise ConfigError(
            f"objective must be one of {', '.join(METRICS)}, was {settings.objective!r}"
        )
    return settings.objective
