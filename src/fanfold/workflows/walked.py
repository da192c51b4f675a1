"""What a walk-forward leaves behind."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from fanfold.engine.metrics import measured, metrics_of
from fanfold.engine.result import Result
from fanfold.engine.windows import Window, merged
from fanfold.measures import max_drawdown, max_drawdown_days
from fanfold.research.folds import Fold, WalkForward
from fanfold.research.plan import Params
from fanfold.research.study import studies_hash
from fanfold.research.trials import Slot
from fanfold.strategies.strategy import Strategy
from fanfold.workflows.evidence import Question, question_of, weighed_alone
from fanfold.workflows.fold_tables import fold_row, trials_of_folds
from fanfold.workflows.studies import Studied

if TYPE_CHECKING:
    import pandas as pd

    from fanfold.research.evidence import Evidence


@dataclass(frozen=True, slots=True, kw_only=True)
class Tested:
    """One fold's choice on its test window.

    Attributes:
        fold: The fold.
        params: What was chosen; None if no trial had a result.
        in_sample: The objective on the training windows; NaN if nothing was chosen.
        run: The account on the test window; nothing is held where nothing was chosen or
            the choice failed. None once no money is left.
        reason: Why nothing is held, or "".
    """

    fold: Fold
    params: Params | None
    in_sample: float
    run: Result | None
    reason: str = ""

    @property
    def result(self) -> Result | None:
        """The choice's own run; None where there is none."""
        return None if self.reason else self.run


@dataclass(frozen=True, kw_only=True, eq=False)
class WalkForwardResult:
    """A finished walk-forward.

    Attributes:
        plan: How it went forward.
        studied: The search of every fold; the last one chose for bars to come.
        tested: Each fold's choice on its test window, in time.
        matrix: Objective of each fold's choice (columns) on each fold's test window (rows);
            None where there are too many folds.
        carried: One account through all test windows, where positions are carried over.
    """

    plan: WalkForward
    studied: Studied
    tested: tuple[Tested, ...]
    matrix: "pd.DataFrame | None"
    carried: Result | None = None

    @property
    def runs(self) -> list[Result]:
        """The runs that the out-of-sample account is made of, in time."""
        if self.carried is not None:
            return [self.carried]
        return [one.run for one in self.tested if one.run is not None]

    @property
    def objective(self) -> str:
        """The metric that chose."""
        return self.studied.spec.goal.objectives[0]

    @cached_property
    def equity(self) -> "pd.Series[float]":
        """Out-of-sample equity, one account through all test windows [currency].

        Each window starts flat with what the one before left, and closes with costs, unless
        positions are carried over.
        """
        import pandas as pd

        pieces = [run.equity for run in self.runs]
        if not pieces:
            return pd.Series(dtype=float, name="equity")
        return pd.concat([pieces[0], *(piece.iloc[1:] for piece in pieces[1:])])

    @cached_property
    def returns(self) -> "pd.Series[float]":
        """Out-of-sample returns from one session's close to the next [1]."""
        import pandas as pd

        pieces = [run.returns for run in self.runs]
        return pd.concat(pieces) if pieces else pd.Series(dtype=float, name="returns")

    @cached_property
    def folds(self) -> "pd.DataFrame":
        """One row a fold: its windows, what was chosen, and how it did in and out of sample."""
        import pandas as pd

        return pd.DataFrame([self._row(one) for one in self.tested])

    @cached_property
    def trials(self) -> "pd.DataFrame":
        """All trials of all folds, a row each."""
        return trials_of_folds(self.studied)

    @cached_property
    def metrics(self) -> dict[str, float]:
        """Metrics of the out-of-sample account, with `efficiency`: out over in sample."""
        runs = self.runs
        if not runs:
            return {}
        inputs = self.studied.inputs
        together = merged(
            [measured(run.outcome.accounts, run.bars, run.first) for run in runs],
            [run.terms.cash for run in runs],
        )
        columns = metrics_of(
            together,
            cash=runs[0].terms.cash,
            periods_per_year=inputs.bars.periods_per_year,
            risk_free=inputs.terms.risk_free,
        )
        found = {name: column[0].item() for name, column in columns.items()}
        equity, index = self.equity.to_numpy(), cast("pd.DatetimeIndex", self.equity.index)
        found["max_drawdown"] = float(cast("float", max_drawdown(equity[1:] / equity[:-1] - 1.0)))
        days = max_drawdown_days(equity, index.as_unit("ns").asi8)
        found["max_drawdown_days"] = float(cast("float", days))
        found["calmar"] = found["cagr"] / found["max_drawdown"] if found["max_drawdown"] else np.nan
        found["efficiency"] = self.efficiency
        return found

    @property
    def efficiency(self) -> float:
        """Mean objective out of sample over mean objective in sample [1]."""
        return float(self.folds["out_of_sample"].mean() / self.folds["in_sample"].mean())

    @property
    def next_params(self) -> Params | None:
        """What the latest training window chooses: for the bars after all of these."""
        tuned = self.studied.tuned[-1]
        number = tuned.best(self.studied.spec.goal)
        return None if number is None else {**self.studied.spec.fixed, **tuned.params[number]}

    @cached_property
    def strategy(self) -> Strategy | None:
        """What to trade next: `next_params`, fitted on the latest window if it learns."""
        spec, params = self.studied.spec, self.next_params
        if params is None:
            return None
        latest = self.plan.latest(self.studied.window)
        return spec.strategy(**params).fit(spec.bars, Slot(window=latest[0], fit=latest).spans)

    def question(self) -> Question | None:
        """What is to be asked of the out-of-sample account; None if nothing was chosen."""
        tests = [window for one in self.tested for window in one.fold.test]
        window = Window(tests[0].first, tests[-1].last)
        returns = np.asarray(self.returns, np.float64)
        return question_of(self.studied, window, fit=self.tested[0].fold.train, returns=returns)

    @cached_property
    def evidence(self) -> "Evidence | None":
        """How much of the out-of-sample account may be luck, by its own trials."""
        return weighed_alone(self.question())

    @cached_property
    def hash(self) -> str:
        """Hash of all trials, choices and results; independent of workers and chunks."""
        digest = hashlib.sha256(studies_hash(self.studied.tuned).encode())
        for one in self.tested:
            came_out = None if one.result is None else sorted(one.result.metrics.items())
            digest.update(repr((one.params, one.in_sample, came_out)).encode())
        digest.update(np.ascontiguousarray(self.equity.to_numpy()).tobytes())
        return digest.hexdigest()

    def _row(self, one: Tested) -> dict[str, Any]:
        out = np.nan if one.result is None else one.result.metrics[self.objective]
        row = fold_row(self.studied, one.fold, one.params, one.in_sample, out)
        return {**row, "reason": one.reason}
