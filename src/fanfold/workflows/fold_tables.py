"""What walk-forward and cross-validation tell alike of their folds and trials, as tables."""

from typing import TYPE_CHECKING, Any

import numpy as np

from fanfold.research.folds import Fold
from fanfold.research.plan import Params
from fanfold.workflows.studies import Studied
from fanfold.workflows.tune import trials_frame

if TYPE_CHECKING:
    import pandas as pd


def trials_of_folds(studied: Studied) -> "pd.DataFrame":
    """All trials of all folds, a row each."""
    import pandas as pd

    frames = [trials_frame(studied.spec, tuned) for tuned in studied.tuned]
    for fold, frame in enumerate(frames):
        frame.insert(0, "fold", fold)
    return pd.concat(frames, ignore_index=True)


def fold_row(
    studied: Studied, fold: Fold, params: Params | None, in_sample: float, out_of_sample: float
) -> dict[str, Any]:
    """One fold: its windows as dates, what was chosen, and how it did in and out of sample.

    Args:
        studied: The search of all folds.
        fold: Which one.
        params: What it chose; None if nothing.
        in_sample: The objective on the training windows.
        out_of_sample: The objective on the test windows.
    """
    spec, tuned = studied.spec, studied.tuned[fold.number]
    chosen = params or {}
    return {
        "fold": fold.number,
        "train_start": fold.train[0].days(spec.bars)[0],
        "train_end": fold.train[-1].days(spec.bars)[1],
        "test_start": fold.test[0].days(spec.bars)[0],
        "test_end": fold.test[-1].days(spec.bars)[1],
        **{each.name: chosen.get(each.name) for each in spec.space},
        "in_sample": in_sample,
        "out_of_sample": out_of_sample,
        "efficiency": out_of_sample / in_sample if in_sample else np.nan,
        "trials": len(tuned.params),
        "kept": sum(tuned.kept),
    }
