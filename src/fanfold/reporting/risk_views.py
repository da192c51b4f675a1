"""What a report shows of risk: what may come, what was forecast, what would have hurt.

The results of simulation, measures and research are taken as they are; what is here says
which of them belong together, and what only a workflow knows: names, dates, fans.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fanfold.errors import DataError

if TYPE_CHECKING:
    from pandas import DatetimeIndex

    from fanfold.measures.rolling_risk import VarBacktest
    from fanfold.research.round_trips import TripTest
    from fanfold.research.simulated_runs import SimulatedRuns
    from fanfold.research.sizing_risk import SizingRisk
    from fanfold.research.stress import StressTable
    from fanfold.simulation.path_risk import PathRisk

Floats = NDArray[np.float64]

SHARED = ("bar_count", "levels", "ruin", "goal")
"""What all horizons of a view must have in common to stand in one table."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HorizonView:
    """One model's account of what may come.

    Attributes:
        name: Of the model, as configurations name it.
        title: Of the model, for people.
        risk: Of its paths.
        fan_bars: Bars ahead at which the fan is known, 0 first.
        fan: Quantiles of value by level, each `[bar]` [1 at the start].
        samples: Values of single paths at the same bars, `[path, bar]`.
        fan_paths: Paths that the fan is drawn from.
        parameters: Of the model as it was fitted, a line each.
        seconds: That following the paths took; None is not shown [s].
    """

    name: str
    title: str
    risk: "PathRisk"
    fan_bars: Sequence[int]
    fan: Mapping[float, Floats]
    samples: Floats
    fan_paths: int
    parameters: Sequence[str] = ()
    seconds: float | None = None

    def __post_init__(self) -> None:
        bars = len(self.fan_bars)
        for level, values in self.fan.items():
            if np.shape(values) != (bars,):
                raise DataError(
                    f"fan of {self.title!r} must have a value for each of its {bars} bars at"
                    f" level {level:g}, had the shape {np.shape(values)}"
                )
        if np.ndim(self.samples) != 2 or np.shape(self.samples)[1] != bars:  # noqa: PLR2004
            raise DataError(
                f"samples of {self.title!r} must be [path, bar] over {bars} bars,"
                f" had the shape {np.shape(self.samples)}"
            )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ForecastView:
    """One method's forecasts of the loss of one session, at one level, and how they held.

    Attributes:
        method: As `rolling_value_at_risk` names it.
        level: Share of sessions that are covered [1].
        backtest: Forecasts, exceptions and tests, of one series.
    """

    method: str
    level: float
    backtest: "VarBacktest"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RiskView:
    """What was found about the risk of one thing; what is missing is not shown.

    Attributes:
        title: What it is about, such as the strategy's name.
        horizons: What each path model says may come; all over as many bars, at the same
            levels and bounds.
        refused: Why other models could not be fitted, by their names.
        fitted_to: What the models were fitted to, in words that follow "fitted to".
        bar_name: What a bar of the horizons is called, in the singular.
        forecasts: Of the loss of one session, tested; each ends with the last return.
        dates: Of `returns`, `[session]`.
        returns: What the forecasts were about, `[session]` [1 per session].
        stress: In crises and under shocks: of the strategy, of positions.
        simulated: The strategy on simulated prices.
        simulated_prices: How these were made, in words.
        trips: Tests of round trips.
        sizing: What the size of the stake would make of it.
        sizing_model: Title of the model whose paths the sizes were followed on.
        notes: Sentences that a reader must know.
    """

    title: str
    horizons: Sequence[HorizonView] = ()
    refused: Mapping[str, str] = field(default_factory=dict[str, str])
    fitted_to: str = ""
    bar_name: str = "session"
    forecasts: Sequence[ForecastView] = ()
    dates: "DatetimeIndex | None" = None
    returns: Floats | None = None
    stress: "Sequence[StressTable]" = ()
    simulated: "SimulatedRuns | None" = None
    simulated_prices: str = ""
    trips: "Sequence[TripTest]" = ()
    sizing: "SizingRisk | None" = None
    sizing_model: str = ""
    notes: Sequence[str] = ()

    def __post_init__(self) -> None:
        for one in self.horizons[1:]:
            for name in SHARED:
                here, first = getattr(one.risk, name), getattr(self.horizons[0].risk, name)
                if here != first:
                    raise DataError(
                        f"{name} of all horizons of {self.title!r} must be {first},"
                        f" was {here} for {one.title!r}"
                    )
        if self.forecasts:
            self._check_forecasts()

    def _check_forecasts(self) -> None:
        if self.dates is None or self.returns is None or len(self.dates) != len(self.returns):
            lengths = [0 if each is None else len(each) for each in (self.dates, self.returns)]
            raise DataError(
                f"forecasts of {self.title!r} must come with as many dates as returns, came with"
                f" {lengths[0]} and {lengths[1]}"
            )
        for one in self.forecasts:
            found = one.backtest
            wanted = (len(self.returns) - found.first_bar,)
            if found.forecasts.shape != wanted or found.exceptions.shape != wanted:
                raise DataError(
                    f"{one.method} forecasts of {self.title!r} must be of one series and end with"
                    f" its {len(self.returns)} returns, had the shape {found.forecasts.shape}"
                    f" from return {found.first_bar} on"
                )
