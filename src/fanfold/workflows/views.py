"""From results to what reports show."""

from collections.abc import Sequence
from typing import Any

from fanfold.engine.result import Result
from fanfold.reporting import RunView, SweepView
from fanfold.research.sweep import Sweep
from fanfold.research.table import SweepTable


def run_view(name: str, result: Result, notes: Sequence[str]) -> RunView:
    """One backtest as a report shows it."""
    benchmark = result.benchmark
    return RunView(
        name=name,
        params=shown_params(result.strategy.model_dump()),
        metrics=result.metrics,
        equity=result.equity,
        benchmark=benchmark,
        benchmark_name=str(benchmark.name),
        fills=result.fills,
        round_trips=result.round_trips,
        orders=result.orders,
        notes=notes,
    )


def sweep_view(sweep: Sweep, table: SweepTable, objective: str, best: dict[str, Any]) -> SweepView:
    """One sweep as a report shows it."""
    name = sweep.strategy.__name__
    return SweepView(
        name=name,
        strategy=name,
        table=table.to_pandas(),
        params=[axis for axis, _ in sweep.plan.axes],
        objective=objective,
        best=shown_params(best),
    )


def shown_params(params: dict[str, Any]) -> dict[str, float | int | str]:
    """Parameters as numbers or text."""
    return {
        name: value if isinstance(value, (int, float, str)) else str(value)
        for name, value in params.items()
    }
