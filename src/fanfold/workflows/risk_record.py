"""A run's risk as a report shows it, and as MLflow keeps it."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fanfold.settings import Settings
from fanfold.workflows.facts import facts_of, notes_of, tags_of, title_of
from fanfold.workflows.inputs import terms_for
from fanfold.workflows.risk import RiskFound, session_returns
from fanfold.workflows.risk_figures import Figures, metrics_of_risk, parameters_of

if TYPE_CHECKING:
    from fanfold.reporting import RiskView
    from fanfold.tracking import JobRecord


def draw_risk(settings: Settings, found: RiskFound, folder: Path) -> Path:
    """The report of a job: its risk, then the run that it is about."""
    from fanfold.reporting import write_report
    from fanfold.workflows.views import run_view

    result = found.result
    return write_report(
        folder / "report.html",
        title=title_of(settings),
        runs=[run_view(found.name, result, notes_of(settings))],
        sweeps=[],
        risks=[view_of(found)],
        facts=facts_of(settings, result.bars, terms_for(settings)),
    )


def view_of(found: RiskFound) -> "RiskView":
    """What was found, as a report shows it."""
    from fanfold.reporting import ForecastView, HorizonView, RiskView

    sessions: Any = found.result.returns.index
    return RiskView(
        title=found.name,
        horizons=[
            HorizonView(
                name=one.name,
                title=one.title,
                risk=one.risk,
                fan_bars=one.fan_bars,
                fan=one.fan,
                samples=one.samples,
                fan_paths=one.fan_paths,
                parameters=list(_parameter_lines(parameters_of(one.model))),
            )
            for one in found.horizons
        ],
        refused=found.refused,
        fitted_to=found.fitted_to,
        bar_name="session" if found.of_sessions else "bar",
        forecasts=[
            ForecastView(method=one.method, level=one.level, backtest=one.backtest)
            for one in found.forecasts
        ],
        dates=sessions,
        returns=session_returns(found.result),
        stress=found.stress,
        simulated=None if found.histories is None else found.histories.runs,
        simulated_prices="" if found.histories is None else found.histories.prices,
        trips=found.trips,
        sizing=found.sizing,
        sizing_model=found.horizons[0].title if found.sizing and found.horizons else "",
        notes=found.notes,
    )


def _parameter_lines(parameters: dict[str, Any]) -> Iterator[str]:
    for name, value in parameters.items():
        yield f"{name.replace('_', ' ')} {_short(value)}"


def _short(value: Any) -> str:
    if isinstance(value, (tuple, list)):
        inner = [_short(each) for each in value]  # pyright: ignore[reportUnknownVariableType]
        return inner[0] if len(inner) == 1 else f"({', '.join(inner)})"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def record_risk(
    settings: Settings, found: RiskFound, artifacts: tuple[Path, ...], figures: Figures
) -> "JobRecord":
    """What MLflow keeps: one run for the job, one for each model that was followed."""
    from fanfold.tracking import ChildRecord, JobRecord

    result = found.result
    return JobRecord(
        job=settings.job,
        experiment=settings.track.experiment,
        name=title_of(settings),
        params={
            "strategy": settings.all_strategies[0].model_dump(),
            "monte_carlo": settings.monte_carlo.model_dump(mode="json"),
            "value_at_risk": settings.value_at_risk.model_dump(mode="json"),
            "stress": settings.stress.model_dump(mode="json"),
            "terms": result.terms.as_dict(),
            "data": settings.data.model_dump(mode="json"),
        },
        metrics=metrics_of_risk(figures, result),
        tags=tags_of(settings, result.bars, result.code_hash),
        artifacts=artifacts,
        children=tuple(
            ChildRecord(
                name=one.title,
                params={"model": one.name, **figures["models"][one.name]["parameters"]},
                metrics={
                    f"{kind}_{level}": estimate["value"]
                    for kind in ("value_at_risk", "expected_shortfall", "max_drawdown")
                    for level, estimate in figures["models"][one.name][kind].items()
                },
                tags={"paths": str(one.risk.path_count), "seconds": f"{one.seconds:.3f}"},
            )
            for one in found.horizons
        ),
    )
