"""Strategies that look ahead, each in one way, and honest ones that could be taken for them."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import PrivateAttr

from fanfold.domain.bars import Bars
from fanfold.domain.decision import decision
from fanfold.strategies.indicators import Column, Indicator
from fanfold.strategies.strategy import Span, Strategy

Cells = NDArray[np.float64]


@decision
def hold_if_positive(assets: Any, portfolio: Any, memory: Any) -> None:
    """Hold an equal share of each asset whose column is above zero."""
    for asset in assets:
        asset.target = 1.0 / len(assets) if asset.features[0] > 0.0 else 0.0


class OfColumn(Strategy):
    """Holds what its own column says; the column looks one bar back, as it may."""

    decide: ClassVar[Any] = hold_if_positive

    def features(self) -> tuple[Indicator, ...]:
        return (Column("own"),)

    def columns(self, bars: Bars) -> Mapping[str, Cells]:
        return {"own": shifted(bars.close, 1)}


def shifted(close: Cells, by: int) -> Cells:
    """Change over so many bars back, or to so many ahead if negative; shape [bar, asset]."""
    change = np.full(close.shape, np.nan)
    if len(close) > abs(by):
        steps = close[abs(by) :] - close[: -abs(by)]
        change[slice(by, None) if by > 0 else slice(None, by)] = steps
    return change


class ShiftedBack(OfColumn):
    """Its column holds the change to a later bar."""

    by: int = 1

    def columns(self, bars: Bars) -> Mapping[str, Cells]:
        return {"own": shifted(bars.close, -self.by)}


class Normalised(OfColumn):
    """Its column is measured against mean and deviation of the whole sample."""

    def columns(self, bars: Bars) -> Mapping[str, Cells]:
        change = shifted(bars.close, 1)
        return {"own": (change - _mean(change)) / np.sqrt(_mean(change * change))}


def _mean(values: Cells) -> Cells:
    known = np.isfinite(values)
    return np.where(known, values, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)


class Filled(OfColumn):
    """Its column is the change of the next bar that there is, seen from a missing one."""

    def columns(self, bars: Bars) -> Mapping[str, Cells]:
        own = shifted(bars.close, 1)
        for t in range(len(own) - 2, -1, -1):
            own[t] = np.where(np.isnan(own[t]), own[t + 1], own[t])
        return {"own": own}


class PeekingAtDelistings(OfColumn):
    """Its column knows which assets will once be delisted."""

    def columns(self, bars: Bars) -> Mapping[str, Cells]:
        own = np.ones(bars.close.shape)
        if bars.delisted_day is not None:
            own *= np.where(bars.delisted_day < 2**62, -1.0, 1.0)
        return {"own": own}


class Learned(Strategy):
    """Holds an asset after a gain above the mean gain that it has learned from its spans."""

    _mean: float = PrivateAttr(default=0.0)

    def decide(self, assets: Any, portfolio: Any, memory: Any) -> None:  # noqa: ARG002
        """Hold what has gained more than usual."""
        for asset in assets:
            asset.target = 0.1 if asset.features[0] > self._mean else 0.0

    def features(self) -> tuple[Indicator, ...]:
        return (Column("own"),)

    def columns(self, bars: Bars) -> Mapping[str, Cells]:
        return {"own": shifted(bars.close, 1)}

    def fit(self, bars: Bars, spans: Sequence[Span]) -> Self:
        gains = [shifted(bars.close[slice(*span)], 1) for span in spans]
        return self.with_mean(float(np.nanmean(np.concatenate(gains))))

    def with_mean(self, mean: float) -> Self:
        """Another one that has learned this."""
        other = self.model_copy()
        other._mean = mean
        return other

    def learned(self) -> str:
        return repr(self._mean)


class LearnedFromAll(Learned):
    """Ignores its spans and learns from all bars that there are."""

    def fit(self, bars: Bars, spans: Sequence[Span]) -> Self:  # noqa: ARG002
        return self.with_mean(float(np.nanmean(shifted(bars.close, 1))))


class LearnedUnseen(LearnedFromAll):
    """Learns from all bars, and does not act on it."""

    def decide(self, assets: Any, portfolio: Any, memory: Any) -> None:  # noqa: ARG002
        """Hold the first asset on even days and after a gain."""
        assets[0].target = 0.1 if assets[0].features[0] > 0.0 else 0.0


class LearnedFromLabels(Learned):
    """Its labels reach one bar beyond its spans."""

    def fit(self, bars: Bars, spans: Sequence[Span]) -> Self:
        gains = shifted(bars.close, -1)
        return self.with_mean(float(np.nanmean(np.concatenate([gains[slice(*s)] for s in spans]))))


class LearnedFromBetween(Learned):
    """Learns from all bars of its first span to its last."""

    def fit(self, bars: Bars, spans: Sequence[Span]) -> Self:
        return super().fit(bars, [(spans[0][0], spans[-1][1])])


@cache
def _counted() -> list[int]:
    return [0]


def turn_at_random(assets: Any, portfolio: Any, memory: Any) -> None:
    """Change with every call ever made."""
    _counted()[0] += 1
    for asset in assets:
        asset.target = (_counted()[0] % 997) / 10_000


class NeverTwice(Strategy):
    """Keeps state of its own between runs."""

    decide: ClassVar[Any] = turn_at_random


def follow_the_calendar(assets: Any, portfolio: Any, memory: Any) -> None:
    """Hold on even days."""
    for asset in assets:
        asset.target = 0.1 * (portfolio.session_day % 2)


class Calendar(Strategy):
    """Honest, and looks at no price at all."""

    decide: ClassVar[Any] = follow_the_calendar


class FilledLate(OfColumn):
    """Its column begins after many bars, and was filled backwards from there."""

    bars_late: int = 100

    def columns(self, bars: Bars) -> Mapping[str, Cells]:
        own = shifted(bars.close, self.bars_late)
        if len(own) > self.bars_late:
            own[: self.bars_late] = own[self.bars_late]
        return {"own": own}


class NeedsTen(OfColumn):
    """Honest, and its column cannot be computed on less than ten bars."""

    def columns(self, bars: Bars) -> Mapping[str, Cells]:
        if bars.bar_count < 10:
            raise ValueError("too short")
        return super().columns(bars)
