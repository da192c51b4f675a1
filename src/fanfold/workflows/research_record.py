"""What MLflow keeps of the jobs that tune, walk forward and cross-validate."""

import shutil
from pathlib import Path
from typing import Any, cast

from fanfold.domain.bars import Bars
from fanfold.errors import ConfigError
from fanfold.reporting import write_explorer
from fanfold.research.identity import trial_code
from fanfold.settings import Settings
from fanfold.strategies.learning import LearningStrategy
from fanfold.tracking import ChildRecord, JobRecord, model_tag, save_model
from fanfold.workflows.cross_validate import CrossValidationResult
from fanfold.workflows.facts import tags_of, title_of
from fanfold.workflows.parts import Part, part_metrics
from fanfold.workflows.study_views import views_of
from fanfold.workflows.tune import Study


def record_of(
    settings: Settings,
    parts: list[Part],
    bars: Bars,
    artifacts: tuple[Path, ...],
    folder: Path,
) -> JobRecord:
    """What MLflow keeps of a job: one run, the best and the folds under it, and its files.

    Args:
        settings: The job.
        parts: What it found.
        bars: The market.
        artifacts: Files written so far.
        folder: Where further ones go: models that were fitted, and a page of all trials.
    """
    models = _models(parts, folder)
    explored = [_explorer(settings, parts, folder)] if settings.report.html else []
    codes = sorted({trial_code(_any_strategy(part)) for part in parts if part.evidence is not None})
    return JobRecord(
        job=settings.job,
        experiment=settings.track.experiment,
        name=title_of(settings),
        params={
            "strategies": [asked.model_dump() for asked in settings.all_strategies],
            "search": settings.search.model_dump(mode="json", exclude={"storage"}),
            "walk_forward": settings.walk_forward.model_dump(mode="json"),
            "cross_validation": settings.cross_validation.model_dump(mode="json"),
            "terms": parts[0].studied.spec.terms.as_dict(),
            "data": settings.data.model_dump(mode="json"),
        },
        metrics=part_metrics(parts[0]),
        tags=tags_of(settings, bars, " ".join(codes))
        | {tag: digest for model in models for tag, digest in model_tag(model).items()},
        artifacts=(*artifacts, *models, *explored),
        children=tuple(child for part in parts for child in _children(settings, part)),
    )


def _any_strategy(part: Part) -> Any:
    spec = part.studied.spec
    for tuned in part.studied.tuned:
        number = tuned.best(spec.goal)
        if number is not None:
            return spec.strategy(**spec.fixed, **tuned.params[number])
    raise ConfigError(f"{part.name} must have a trial with a result, had none")


def _explorer(settings: Settings, parts: list[Part], folder: Path) -> Path:
    """All trials as a page to look around in."""
    studies, folds = views_of(parts)
    return write_explorer(
        folder / "explorer.html", title=title_of(settings), studies=studies, folds=folds
    )


def _models(parts: list[Part], folder: Path) -> list[Path]:
    """Fitted strategies that learn, as MLflow models: what each part would trade next."""
    saved: list[Path] = []
    for part in parts:
        if not issubclass(part.studied.spec.strategy, LearningStrategy):
            continue
        if isinstance(part.outcome, CrossValidationResult):  # it chooses nothing to trade
            continue
        fitted = part.outcome.strategy
        if fitted is not None:
            place = folder / f"model-{part.kind}-{type(fitted).__name__}"
            shutil.rmtree(place, ignore_errors=True)
            save_model(cast("LearningStrategy", fitted), place)
            saved.append(place)
    return saved


def _children(settings: Settings, part: Part) -> list[ChildRecord]:
    """What people compare: the best trials of a tuning, the folds of the others."""
    spec = part.studied.spec
    own = ChildRecord(
        name=part.name,
        params={"strategy": part.asked.name, "part": part.kind},
        metrics=part_metrics(part),
        tags={"result_hash": part.outcome.hash},
    )
    if not isinstance(part.outcome, Study):
        folds = part.outcome.folds.head(settings.top * 10)
        names = [one.name for one in spec.space]
        return [own] + [
            ChildRecord(
                name=f"{part.name}, fold {row['fold']}",
                params={"strategy": part.asked.name, **{name: row[name] for name in names}},
                metrics={name: float(row[name]) for name in ("in_sample", "out_of_sample")},
                tags={"test": f"{row['test_start']} to {row['test_end']}"},
            )
            for _, row in folds.iterrows()
        ]
    tuned = part.outcome.tuned
    sign = -1.0 if spec.goal.directions[0] == "minimize" else 1.0
    name = spec.goal.objectives[0]
    kept = [k for k, keeps in enumerate(tuned.kept) if keeps]
    best = sorted(kept, key=lambda k: (-sign * tuned.metrics[k][name], k))[: settings.top]
    failed = [k for k, status in enumerate(tuned.statuses) if status == "failed"][: settings.top]
    return [own] + [
        ChildRecord(
            name=f"{part.name} #{rank}" if tuned.kept[k] else f"{part.name}, trial {k} failed",
            params={"strategy": part.asked.name, "params": {**spec.fixed, **tuned.params[k]}},
            metrics={key: float(value) for key, value in tuned.metrics[k].items()},
            tags={"rank": rank, "trial": k, "reason": tuned.reasons[k]},
        )
        for rank, k in enumerate([*best, *failed], start=1)
    ]
