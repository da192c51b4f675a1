"""What a report shows, as plain values.

A page knows nothing of the engine or of a sweep: whoever asks for one hands over
tables and series, so a page can be drawn from a stored run as well.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fanfold.errors import DataError

if TYPE_CHECKING:
    from pandas import DataFrame, Series

    from fanfold.reporting.risk_views import RiskView
    from fanfold.research.evidence import Evidence
    from fanfold.research.robustness import Robustness

Value = float | int | str
"""A parameter or a measure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunView:
    """One backtest.

    Attributes:
        name: What it is called.
        params: Parameters of its strategy.
        metrics: Measures by the names that results use.
        equity: `[bar]` on a UTC index, oldest first [currency].
        benchmark: `[bar]` on the same index, at any level: it is drawn from the
            first equity on; NaN where it has no bar.
        benchmark_name: What the benchmark is called.
        fills: One row a fill: `symbol`, `amount`, `fee`, and more; with `ts` and
            `slippage` (estimated [currency]) where costs are to be drawn over time.
        round_trips: One row a round trip: `symbol`, `entry_ts`, `exit_ts`, `pnl`,
            `return`, and more; with prices and `quantity` where they are to be drawn.
        orders: One row an order: `status`, `reason`, and more; with `asked` and
            `approved` where trims are to be told by their size, and with
            `bound` (a limit) and `reached` (what it would have been) where known.
        notes: Sentences that a reader must know, such as options that were set.
        findings: Sentences on what went wrong or was unusual in the run.
        stale_equity: Part of the final equity whose price is too old [currency].
        exposure: Columns `gross` and `net` on the equity's index [share of equity].
        cash_flows: One row a booking beside the fills: `ts`, `symbol`, `kind`
            ("dividend", "borrow", "interest", "regulatory", "cash_in_lieu") and
            `amount` as cash moved, negative for what was paid [currency].
        prices: Close of each asset on the equity's index [currency].
        session_days: `[bar]` date of each bar's session [days since 1970-01-01];
            days of UTC by default.
        robustness: What worse terms would have left of the result.
        evidence: How much of the result luck alone could explain.
        risk: What may come of it, and what would have hurt it.
    """

    name: str
    params: Mapping[str, Value]
    metrics: Mapping[str, float | int]
    equity: "Series[float]"
    benchmark: "Series[float] | None" = None
    benchmark_name: str = "Benchmark"
    fills: "DataFrame"
    round_trips: "DataFrame"
    orders: "DataFrame"
    notes: Sequence[str] = ()
    findings: Sequence[str] = ()
    stale_equity: float = 0.0
    exposure: "DataFrame | None" = None
    cash_flows: "DataFrame | None" = None
    prices: "Mapping[str, Series[float]]" = field(default_factory=dict[str, "Series[float]"])
    session_days: NDArray[np.int64] | None = None
    robustness: "Robustness | None" = None
    evidence: "Evidence | None" = None
    risk: "RiskView | None" = None

    def __post_init__(self) -> None:
        from pandas import DatetimeIndex

        index = self.equity.index
        if not isinstance(index, DatetimeIndex) or index.tz is None or len(index) == 0:
            raise DataError(
                f"equity of {self.name!r} must hold values on a UTC index,"
                f" held {len(index)} on {type(index).__name__}"
            )
        beside = {"benchmark": self.benchmark, "exposure": self.exposure}
        beside |= {f"prices[{symbol!r}]": price for symbol, price in self.prices.items()}
        for name, values in beside.items():
            if values is not None and not values.index.equals(index):
                raise DataError(
                    f"{name} of {self.name!r} must be on the index of equity ({len(index)} bars),"
                    f" was on another of {len(values)}"
                )
        if self.session_days is not None and len(self.session_days) != len(index):
            raise DataError(
                f"session_days of {self.name!r} must be as many as equity has bars, {len(index)},"
                f" were {len(self.session_days)}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepView:
    """One strategy run over many parameters.

    Attributes:
        name: What it is called.
        strategy: Strategy that was run.
        table: One row a combination: a column a parameter and a column a measure,
            and `status` and `reason`. A combination without a result has NaN for
            its measures.
        params: Columns of the table that are parameters.
        objective: Column that ranks the combinations; larger is better.
        best: Parameters, and what else is known, of the best.
        evidence: How much of the best result luck alone could explain.
    """

    name: str
    strategy: str
    table: "DataFrame"
    params: Sequence[str]
    objective: str
    best: Mapping[str, Value] = field(default_factory=dict[str, Value])
    evidence: "Evidence | None" = None

    def __post_init__(self) -> None:
        wanted = [*self.params, self.objective, "status", "reason"]
        missing = [column for column in wanted if column not in self.table.columns]
        if missing:
            raise DataError(
                f"table of sweep {self.name!r} must have the columns {', '.join(wanted)};"
                f" it lacks {', '.join(missing)}"
            )
