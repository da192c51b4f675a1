"""From finished studies to what reports show."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fanfold.engine.windows import Window
from fanfold.reporting import FoldsView, StudyView
from fanfold.research.folds import Fold
from fanfold.research.spec import StudySpec
from fanfold.research.study import direction_of
from fanfold.workflows.cross_validate import CrossValidationResult
from fanfold.workflows.parts import Part
from fanfold.workflows.tune import Study
from fanfold.workflows.views import shown_params
from fanfold.workflows.walked import WalkForwardResult

if TYPE_CHECKING:
    from pandas import DataFrame


def views_of(parts: Sequence[Part]) -> tuple[list[StudyView], list[FoldsView]]:
    """What a report shows of each part: tunings, then what was folded."""
    studies: list[StudyView] = []
    folds: list[FoldsView] = []
    for part in parts:
        if isinstance(part.outcome, Study):
            studies.append(study_view(part, part.outcome))
        elif isinstance(part.outcome, WalkForwardResult):
            folds.append(walk_view(part, part.outcome))
        else:
            folds.append(cross_view(part, part.outcome))
    return studies, folds


def study_view(part: Part, study: Study) -> StudyView:
    """A tuned strategy as a report shows it."""
    spec = study.studied.spec
    number = study.best_number
    table = study.trials
    return StudyView(
        name=part.name,
        strategy=spec.strategy.__name__,
        table=table,
        params=[one.name for one in spec.space],
        objectives=[(name, direction_of(name)) for name in spec.goal.objectives],
        best={} if number is None else shown_params(study.best),
        front=study.tuned.front,
        importance=study.importance,
        sampler=spec.sampler,
        evidence=part.evidence,
    )


def walk_view(part: Part, walk: WalkForwardResult) -> FoldsView:
    """A walk-forward as a report shows it."""
    spec = walk.studied.spec
    return FoldsView(
        name=spec.strategy.__name__,
        kind=walk.plan.kind,
        objective=walk.objective,
        params=[one.name for one in spec.space],
        folds=walk.folds,
        equity=walk.equity if len(walk.equity) else None,
        matrix=walk.matrix,
        stability=stability(spec, walk.folds),
        windows=[_spans(spec, one.fold) for one in walk.tested],
        evidence=part.evidence,
    )


def cross_view(part: Part, cross: CrossValidationResult) -> FoldsView:
    """A cross-validation as a report shows it."""
    spec = cross.studied.spec
    return FoldsView(
        name=spec.strategy.__name__,
        kind=cross.plan.kind,
        objective=cross.objective,
        params=[one.name for one in spec.space],
        folds=cross.folds,
        paths=cross.paths if len(cross.paths) else None,
        path_sharpes=cross.sharpes,
        stability=stability(spec, cross.folds),
        windows=[_spans(spec, split) for split in cross.splits],
        evidence=part.evidence,
    )


def stability(spec: StudySpec, folds: "DataFrame") -> dict[str, str]:
    """How far each parameter's choices lie apart, in words."""
    told: dict[str, str] = {}
    for dimension in spec.space:
        chosen = folds[dimension.name].dropna()
        if chosen.empty:
            continue
        distinct = chosen.nunique()
        text = f"{distinct} values in {len(chosen)} folds"
        if dimension.kind != "choice" and dimension.high > dimension.low:
            values = np.asarray(chosen, np.float64)
            spread = float(np.std(values)) / (dimension.high - dimension.low)
            text += f", deviation {spread:.0%} of its range"
        told[dimension.name] = text
    return told


def _spans(spec: StudySpec, fold: Fold) -> tuple[list[Any], list[Any]]:
    def days(windows: tuple[Window, ...]) -> list[Any]:
        return [window.days(spec.bars) for window in windows]

    return days(fold.train), days(fold.test)
