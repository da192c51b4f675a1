"""Strategies that learn: a model of any make, fitted on rows of features, and its forecasts."""

import hashlib
import json
import math
import sys
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Self, final

import numpy as np
from numpy.typing import NDArray
from pydantic import PrivateAttr

from fanfold.domain.bars import Bars
from fanfold.errors import DataError, StrategyError
from fanfold.strategies.rows import Rows, are_known, inputs_of, rows_of, traded
from fanfold.strategies.strategy import Span, Strategy

ROWS_MIN: Final = 100
"""Rows that a model is fitted on at least [rows]."""

ROWS_PER_CALL: Final = 100_000
"""Rows that a model is asked for at a time [rows]."""

EXAMPLE_ROWS: Final = 32
"""Rows kept with a fitted model, by which a stored one is known again [rows]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """A fitted model, and what it is known by.

    Attributes:
        estimator: The model; anything with `predict`.
        identity: Hash of what it was fitted on and what it makes of it.
        row_count: Rows that it was fitted on.
        example: Some of their inputs; shape [row, feature].
    """

    estimator: Any = field(compare=False, repr=False)
    identity: str
    row_count: int
    example: NDArray[np.float64] = field(compare=False, repr=False)

    def forecasts(self, inputs: NDArray[np.float64]) -> NDArray[np.float64]:
        """One forecast a row, NaN where a feature is missing; shape [row].

        Args:
            inputs: The features; shape [row, feature].
        """
        made = np.full(len(inputs), np.nan)
        rows = np.flatnonzero(are_known(inputs))
        for start in range(0, len(rows), ROWS_PER_CALL):
            some = rows[start : start + ROWS_PER_CALL]
            made[some] = _predicted(self.estimator, inputs[some])
        return made


class LearningStrategy(Strategy, ABC):
    """Base of strategies that are fitted before they decide.

    A new one has learned nothing. `fit` gives a copy that has; a walk-forward fits one in
    every fold. Any model with `fit(inputs, labels)` and `predict(inputs)` will do; its
    seed has to be fixed if equal fits are to be equal. Ten lines make an own strategy::

        class Ridgeline(LearningStrategy):
            horizon: int = Field(5, ge=1, le=60)

            def features(self):
                return ROC(5), ROC(20), RSI(14)

            def estimator(self):
                return sklearn.linear_model.Ridge()

            def labels(self, prices):
                return forward_return(prices, self.horizon)

            def decide(self, assets, portfolio, memory):
                for asset, forecast in zip(assets, self.forecasts_for(assets)):
                    asset.target = 1 / len(assets) if forecast > 0 else 0
    """

    _fitted: Fitted | None = PrivateAttr(None)

    @abstractmethod
    def estimator(self) -> Any:
        """A new model, not fitted yet, with its seed."""

    @abstractmethod
    def labels(self, prices: NDArray[np.float64]) -> NDArray[np.float64]:
        """What is to be forecast at each bar's end, NaN where it is not known.

        Args:
            prices: Those of one span and no others, so that no label can reach beyond it;
                NaN where an asset did not trade; shape [field, bar, asset].

        Returns:
            Labels of shape [bar, asset].
        """

    @property
    @final
    def fitted(self) -> Fitted:
        """The fitted model.

        Raises:
            StrategyError: It has learned nothing yet.
        """
        if self._fitted is None:
            raise StrategyError(
                "it must learn before it decides: call strategy.fit(bars, spans), or run a "
                "walk-forward, which fits one in every fold"
            )
        return self._fitted

    @final
    def with_model(self, fitted: Fitted) -> Self:
        """The same strategy with that model."""
        copy = self.model_copy()
        copy._fitted = fitted  # noqa: SLF001  (a new one, not yet in anybody's hands)
        return copy

    @final
    def fit(self, bars: Bars, spans: Sequence[Span]) -> Self:
        """A copy that has learned from these spans.

        Args:
            bars: The market.
            spans: Bars to learn from, in order and apart. Features of the first span see
                all bars before it; those of a later one begin anew with it, so that
                nothing of the gap between them is learned.

        Raises:
            ConfigError: The spans are not within the bars, or not in order.
            DataError: They hold fewer than `ROWS_MIN` rows.
        """
        rows = rows_of(self, bars, spans, self.labels)
        if len(rows.labels) < ROWS_MIN:
            raise DataError(
                f"{type(self).__name__} must have {ROWS_MIN} rows or more to learn from, "
                f"had {len(rows.labels)}: a row needs every feature and a label within its span"
            )
        estimator = self.estimator()
        estimator.fit(rows.inputs, rows.labels)
        places = np.linspace(0, len(rows.labels) - 1, EXAMPLE_ROWS).astype(np.int64)
        fitted = Fitted(
            estimator=estimator,
            identity=_identity(self, rows, estimator),
            row_count=len(rows.labels),
            example=rows.inputs[places],
        )
        return self.with_model(fitted)

    @final
    def learned(self) -> str:
        """Hash of the rows, of what the model makes of them, of parameters and library.

        The arrays of trees would do for trees alone, and pickles of one model differ from
        process to process. Equal rows come from any bars and spans that say the same.
        """
        return "" if self._fitted is None else self._fitted.identity

    @final
    def forecasts(self, bars: Bars) -> NDArray[np.float64]:
        """Forecasts at each bar's end, NaN where an asset does not trade; shape [bar, asset].

        Raises:
            StrategyError: It has learned nothing yet.
        """
        fitted = self.fitted
        made = np.full((bars.bar_count, bars.asset_count), np.nan)
        fresh = traded(bars.seen)
        inputs = inputs_of(self, bars, 0, bars.bar_count)
        made[fresh] = fitted.forecasts(inputs[:, fresh].T)
        return made

    @final
    def forecasts_for(self, assets: Sequence[Any]) -> list[float]:
        """Forecasts at the moment of a decision, in the order of the assets.

        NaN for an asset that has no bar now, or lacks a feature. The model is asked once
        for all.

        Raises:
            StrategyError: It has learned nothing yet.
        """
        fitted = self.fitted
        count = fitted.example.shape[1]
        inputs = [
            asset.features[:count].tolist() if asset.fresh == 1 else [math.nan] * count
            for asset in assets
        ]
        return fitted.forecasts(np.array(inputs)).tolist()


def _predicted(estimator: Any, inputs: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(estimator.predict(np.ascontiguousarray(inputs)), np.float64).reshape(-1)


def _identity(strategy: LearningStrategy, rows: Rows, estimator: Any) -> str:
    library = sys.modules.get(type(estimator).__module__.partition(".")[0])
    content = {
        "strategy": type(strategy).__qualname__,
        "params": strategy.model_dump(mode="json"),
        "features": [repr(feature) for feature in strategy.features()],
        "model": f"{type(estimator).__module__}.{type(estimator).__qualname__}",
        "version": str(getattr(library, "__version__", "")),
    }
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode())
    for array in (rows.inputs, rows.labels, _predicted(estimator, rows.inputs)):
        digest.update(repr(array.shape).encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
