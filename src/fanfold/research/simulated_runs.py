"""Where a real result stands among those on simulated prices."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fanfold.engine.metrics import METRICS, SMALLER_IS_BETTER
from fanfold.errors import ConfigError, DataError
from fanfold.research.plan import Params
from fanfold.research.round_trips import percentile_of
from fanfold.research.simulated import Simulation, run_real
from fanfold.research.table import ArrowBatch, arrow, rows_hash
from fanfold.simulation.distribution import Estimate, share
from fanfold.simulation.history import Floats

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One metric of the real result beside the same of the paths.

    Attributes:
        real: On the real prices.
        percentile: Share of the paths that are known below it, those equal by half; NaN
            where nothing can be compared [1].
        p_value: Chance that prices of the model do at least as well, (1 + k) / (1 + n):
            small is good [1].
        exceedance: Share of the paths that do at least as well, k / n, with intervals for
            what it would be over ever more of them [1].
        known_count: Paths on which the metric is known.
        unknown_count: Paths that failed, or on which it has no value. They count in k, as
            if they had done better: what is unknown must not make a result look good.
        selection: "selection ignored", or how each path was searched.
    """

    real: float
    percentile: float
    p_value: float
    exceedance: Estimate
    known_count: int
    unknown_count: int
    selection: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SimulatedRuns:
    """Backtests on simulated prices, and the one on the real ones.

    Attributes:
        strategy: Name of the strategy's class.
        selection: "selection ignored", or how each path was searched.
        seed: Equal seeds give equal paths.
        trials: Parameters of each trial.
        real: Metrics on the real prices.
        real_trial: The trial that was chosen there.
        drawn: Metrics by name, NaN where a path failed or one has no value; shape [path].
        chosen: The trial that was chosen on each path, -1 where it failed; shape [path].
        statuses: `ok`, `ruined` or `failed`; shape [path].
        reasons: Why a path failed, or "".
        hash: Over all rows, the real one too; equal whatever the chunks and workers.
    """

    strategy: str
    selection: str
    seed: int
    trials: tuple[Params, ...]
    real: Mapping[str, float]
    real_trial: int
    drawn: Mapping[str, Floats]
    chosen: NDArray[np.int64]
    statuses: NDArray[Any]
    reasons: tuple[str, ...]
    hash: str

    @property
    def path_count(self) -> int:
        """Paths, those that failed too."""
        return len(self.statuses)

    @property
    def counts(self) -> dict[str, int]:
        """Paths by status."""
        return dict(sorted(Counter(map(str, self.statuses)).items()))

    @property
    def real_params(self) -> Params:
        """Parameters of the real result."""
        return self.trials[self.real_trial]

    def standing(self, metric: str) -> Standing:
        """Where the real result stands by one metric.

        To do well is a small value where a search would make it small, such as for
        `max_drawdown`, else a large one.

        Raises:
            ConfigError: There is no such metric.
        """
        if metric not in self.drawn:
            raise ConfigError(f"metric must be one of {', '.join(METRICS)}, was {metric!r}")
        real, values = float(self.real[metric]), self.drawn[metric]
        known = values[np.isfinite(values)]
        unknown_count = len(values) - len(known)
        percentile, p_value, extreme = math.nan, math.nan, len(values)
        if math.isfinite(real):
            extreme = unknown_count
            if len(known) > 0:
                rank = percentile_of(real, known, lower=metric in SMALLER_IS_BETTER)
                percentile = rank.percentile
                extreme += round(rank.p_value * (1 + len(known))) - 1
            p_value = (1 + extreme) / (1 + len(values))
        return Standing(
            real=real,
            percentile=percentile,
            p_value=p_value,
            exceedance=share(extreme, len(values)),
            known_count=len(known),
            unknown_count=unknown_count,
            selection=self.selection,
        )

    def percentile(self, metric: str) -> float:
        """Share of the paths below the real result, those equal to it by half [1]."""
        return self.standing(metric).percentile

    def p_value(self, metric: str) -> float:
        """Chance that prices of the model do at least as well [1]."""
        return self.standing(metric).p_value

    def to_frame(self) -> "pd.DataFrame":
        """One row a path: its number, parameters, metrics, status, reason."""
        import pandas as pd

        nothing: Params = dict.fromkeys(self.trials[0])
        columns: dict[str, Any] = {"path": np.arange(self.path_count)}
        chosen = [self.trials[k] if k >= 0 else nothing for k in map(int, self.chosen)]
        columns |= {name: [params[name] for params in chosen] for name in nothing}
        columns |= {**self.drawn, "status": self.statuses, "reason": self.reasons}
        return pd.DataFrame(columns)


def simulated_runs(simulation: Simulation, batches: Iterable[ArrowBatch]) -> SimulatedRuns:
    """Put chunks together and rank the real result, which is run here.

    Args:
        simulation: The shared inputs.
        batches: What `run_simulated` gave for all paths from 0 on, in order.

    Raises:
        DataError: There is no path, or they are not all paths in order.
        StrategyError: The run on the real prices failed.
    """
    pa = arrow()
    real, parts = run_real(simulation), list(batches)
    rows = pa.Table.from_batches([real, *parts])
    paths = rows.column("path").to_numpy()[1:]
    if len(paths) == 0 or (paths != np.arange(len(paths))).any():
        raise DataError(f"rows must be of all paths from 0 on, in order, were {paths.tolist()[:9]}")
    metrics = {name: _floats(rows, name) for name in METRICS}
    trials = rows.column("trial").fill_null(-1).to_numpy()
    return SimulatedRuns(
        strategy=type(simulation.strategy).__name__,
        selection=simulation.selection,
        seed=simulation.seed,
        trials=simulation.trials,
        real={name: float(column[0]) for name, column in metrics.items()},
        real_trial=int(trials[0]),
        drawn={name: column[1:] for name, column in metrics.items()},
        chosen=trials[1:],
        statuses=np.array(rows.column("status").to_pylist()[1:], object),
        reasons=tuple(rows.column("reason").to_pylist()[1:]),
        hash=rows_hash([rows]),
    )


def _floats(rows: Any, name: str) -> Floats:
    column = rows.column(name).to_numpy(zero_copy_only=False)
    return np.asarray(column, np.float64)
