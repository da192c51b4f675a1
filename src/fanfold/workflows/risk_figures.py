"""What was found about a run's risk as plain numbers: for files, hashes and tracking."""

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, cast

import numpy as np

from fanfold.engine.result import Result
from fanfold.research.round_trips import TripTest
from fanfold.research.sizing_risk import SizedRisk
from fanfold.research.stress import StressTable
from fanfold.simulation.bootstrap import BlockBootstrap
from fanfold.simulation.distribution import Distribution, Estimate
from fanfold.simulation.model import PathModel
from fanfold.simulation.path_risk import PathRisk
from fanfold.workflows.histories import Histories
from fanfold.workflows.horizons import Horizon
from fanfold.workflows.risk import Forecasts, RiskFound

STANDING_METRICS = ("sharpe", "total_return", "cagr", "max_drawdown", "calmar", "profit_factor")
"""Metrics whose place among simulated histories is told."""

Figures = dict[str, Any]


def figures_of(found: RiskFound) -> Figures:
    """Everything that was found, as numbers and text that JSON can hold; NaN is null."""
    figures: Figures = {
        "strategy": found.name,
        "models": {one.name: _horizon(one) for one in found.horizons},
        "not_fitted": dict(found.refused),
        "histories": None if found.histories is None else _histories(found.histories),
        "sizing": [] if found.sizing is None else [_sized(row) for row in found.sizing.rows],
        "value_at_risk": [_forecasts(one) for one in found.forecasts],
        "round_trips": [_trips(one) for one in found.trips],
        "stress": [_stress(table) for table in found.stress],
    }
    return plain({name: value for name, value in figures.items() if value})


def metrics_of_risk(figures: Figures, result: Result) -> dict[str, float]:
    """The few figures by which jobs are compared, beside the metrics of the run itself."""
    metrics = dict(result.metrics)
    for name, model in figures.get("models", {}).items():
        for kind in ("value_at_risk", "expected_shortfall", "max_drawdown"):
            metrics |= {
                f"{name}_{kind}_{float(level) * 100:g}": estimate["value"]
                for level, estimate in model[kind].items()
                if level != "mean"
            }
        for kind in ("probability_of_ruin", "probability_of_goal"):
            metrics[f"{name}_{kind}"] = model[kind]["value"]
    for metric, standing in figures.get("histories", {}).get("standings", {}).items():
        if standing["p_value"] is not None:
            metrics[f"simulated_{metric}_p_value"] = standing["p_value"]
    return metrics


def parameters_of(model: PathModel) -> dict[str, Any]:
    """The parameters of a model by name; a history by its length."""
    if isinstance(model, BlockBootstrap):
        return {
            "kind": model.kind,
            "block_bars": round(model.block_bars, 3),
            "history_bars": len(model.history),
        }
    return asdict(cast("Any", model))


def plain(value: Any) -> Any:
    """Only what JSON knows: names as text, arrays as lists, NaN and infinity as null."""
    if isinstance(value, Mapping):
        held = cast("Mapping[Any, Any]", value)
        return {str(key): plain(inner) for key, inner in held.items()}
    if isinstance(value, (tuple, list)):
        return [plain(inner) for inner in cast("list[Any]", value)]
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _horizon(horizon: Horizon) -> Figures:
    return {
        "title": horizon.title,
        "parameters": parameters_of(horizon.model),
        **_path_risk(horizon.risk),
    }


def _path_risk(risk: PathRisk) -> Figures:
    return {
        "bar_count": risk.bar_count,
        "path_count": risk.path_count,
        "terminal_value": _distribution(risk.terminal_value),
        "value_at_risk": {level: _estimate(one) for level, one in risk.value_at_risk.items()},
        "expected_shortfall": {
            level: _estimate(one) for level, one in risk.expected_shortfall.items()
        },
        "max_drawdown": _distribution(risk.max_drawdown),
        "drawdown_bars": _distribution(risk.drawdown_bars),
        "bars_under_water": _distribution(risk.bars_under_water),
        "ruin": risk.ruin,
        "probability_of_ruin": _estimate(risk.probability_of_ruin),
        "goal": risk.goal,
        "probability_of_goal": _estimate(risk.probability_of_goal),
    }


def _distribution(found: Distribution) -> Figures:
    return {
        "mean": _estimate(found.mean),
        **{str(level): _estimate(estimate) for level, estimate in found.items()},
    }


def _estimate(estimate: Estimate) -> Figures:
    return {
        "value": estimate.value,
        "standard_error": estimate.standard_error,
        "intervals": estimate.intervals,
    }


def _histories(histories: Histories) -> Figures:
    runs = histories.runs
    return {
        "prices": histories.prices,
        "selection": runs.selection,
        "path_count": runs.path_count,
        "statuses": runs.counts,
        "params": runs.real_params,
        "hash": runs.hash,
        "standings": {name: asdict(runs.standing(name)) for name in STANDING_METRICS},
    }


def _sized(row: SizedRisk) -> Figures:
    return {
        "rule": row.rule,
        "size": row.size,
        "weights": row.weights,
        "growth_mean": _estimate(row.growth_mean),
        "growth_median": row.growth_median,
        "ruin_continuous": row.ruin_continuous,
        **_path_risk(row.risk),
    }


def _forecasts(forecasts: Forecasts) -> Figures:
    tested = forecasts.backtest
    return {
        "method": forecasts.method,
        "level": forecasts.level,
        "bar_count": tested.kupiec.bar_count,
        "exception_count": tested.kupiec.exception_count,
        "expected_count": tested.kupiec.expected_count,
        "kupiec_p_value": tested.kupiec.p_value,
        "christoffersen_p_value": tested.christoffersen.p_value,
        "independence_p_value": tested.christoffersen.independence_p_value,
        "traffic_light": str(tested.traffic_light.zone),
        "mean_loss_beyond": tested.mean_loss_beyond,
        "passes": bool(tested.christoffersen.passes()),
    }


def _trips(test: TripTest) -> Figures:
    return asdict(test)


def _stress(table: StressTable) -> Figures:
    return asdict(table)
