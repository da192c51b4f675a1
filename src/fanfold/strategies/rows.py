"""The rows that a model is fitted on.

A fit goes wrong by knowing too much. So rows are gathered here, once for all models:
features see the past only, labels are made from the prices of one span alone, and nothing
reaches over the gap between two spans.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.bars import Bars
from fanfold.domain.panel import CLOSE, OPEN, VOLUME
from fanfold.errors import ConfigError
from fanfold.strategies.indicators import Context, batch_all
from fanfold.strategies.strategy import Span, Strategy, features_of

ROWS_MAX: Final = 100_000
"""Bars that a fit looks at, of all assets; of more, some at even distances [asset-bars]."""

INPUT_MAX: Final = 1e30
"""A feature beyond it is as good as missing: models compute in 32 bits."""

Labels = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""From the prices of a span [field, bar, asset] to labels [bar, asset]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """What a model is fitted on: one row for an asset at a bar, spans and bars in order.

    Attributes:
        bar: Which bar; shape [row].
        asset: Which asset; shape [row].
        inputs: The features as its decision would have seen them; shape [row, feature].
        labels: What was to be forecast; shape [row].
    """

    bar: NDArray[np.int64]
    asset: NDArray[np.int64]
    inputs: NDArray[np.float64]
    labels: NDArray[np.float64]


def forward_return(prices: NDArray[np.float64], horizon: int) -> NDArray[np.float64]:
    """Return from the next bar's open to the open `horizon` bars later [1]; shape [bar, asset].

    What a decision asks for at a bar's end is bought at the next open, and what it asks
    for `horizon` bars later is sold at the open after that. NaN for the last `horizon + 1`
    bars, and where one of the two opens is missing.

    Args:
        prices: Of shape [field, bar, asset].
        horizon: From purchase to sale [bars].
    """
    opens = prices[OPEN]
    made = np.full(opens.shape, np.nan)
    if len(opens) > horizon + 1:
        with np.errstate(divide="ignore", invalid="ignore"):
            made[: -horizon - 1] = opens[horizon + 1 :] / opens[1:-horizon] - 1.0
    return made


def rows_of(strategy: Strategy, bars: Bars, spans: Sequence[Span], labels: Labels) -> Rows:
    """The rows that a strategy learns from.

    A row is an asset at a bar at which it trades and belongs to the universe, has every
    feature and a label.

    Args:
        strategy: Whose features.
        bars: The market.
        spans: Bars to learn from, in order and apart.
        labels: Makes the labels of one span from its prices, NaN where an asset did not
            trade.

    Raises:
        ConfigError: The spans are not within the bars, or not in order; there are no
            features, or labels of another shape than the bars'.
    """
    _check_spans(spans, bars.bar_count)
    if not features_of(strategy):
        raise ConfigError(f"{type(strategy).__name__} must have features to learn from, had none")
    looked_at = sum(stop - first for first, stop in spans) * bars.asset_count
    step = -(-looked_at // ROWS_MAX)
    parts = [
        # Features of the first span see all bars before it; those of others begin with them.
        _rows_within(strategy, bars, labels, (0 if place == 0 else span[0], *span), step)
        for place, span in enumerate(spans)
    ]
    return Rows(
        bar=np.concatenate([part.bar for part in parts]),
        asset=np.concatenate([part.asset for part in parts]),
        inputs=np.concatenate([part.inputs for part in parts]),
        labels=np.concatenate([part.labels for part in parts]),
    )


def _rows_within(
    strategy: Strategy, bars: Bars, labels: Labels, span: tuple[int, int, int], step: int
) -> Rows:
    begin, first, stop = span
    inputs = inputs_of(strategy, bars, begin, stop)[:, first - begin :]
    prices = bars.seen[:, first:stop]
    fresh = traded(prices)
    made = np.asarray(labels(np.where(fresh, prices, np.nan)), np.float64)
    if made.shape != fresh.shape:
        raise ConfigError(
            f"{type(strategy).__name__}.labels must give shape {fresh.shape}, was {made.shape}"
        )
    chosen = fresh & np.isfinite(made) & are_known(np.moveaxis(inputs, 0, -1))
    if bars.members is not None:
        chosen &= bars.members[first:stop]
    chosen[np.arange(stop - first) % step != 0] = False
    bar, asset = np.nonzero(chosen)
    return Rows(
        bar=bar + first,
        asset=asset,
        inputs=np.ascontiguousarray(inputs[:, chosen].T),
        labels=made[chosen],
    )


def inputs_of(strategy: Strategy, bars: Bars, begin: int, stop: int) -> NDArray[np.float64]:
    """Features of the bars from one to another, begun with them; shape [feature, bar, asset].

    Args:
        strategy: Whose features.
        bars: The market.
        begin: The first bar that they see.
        stop: The bar after the last.
    """
    extra = {**strategy.columns(bars), **bars.extra}
    context = Context(
        symbols=bars.symbols,
        ts=bars.ts[begin:stop],
        session_day=bars.session_day[begin:stop],
        minutes_to_close=bars.minutes_to_close[begin:stop],
        calendar=bars.calendar,
        extra={name: values[begin:stop] for name, values in extra.items()},
    )
    return batch_all(features_of(strategy), bars.seen[:, begin:stop], context)


def traded(prices: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Where an asset has a bar and volume, as a decision's `fresh`; shape [bar, asset]."""
    return ~np.isnan(prices[CLOSE]) & (prices[VOLUME] != 0.0)


def are_known(inputs: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Where no feature of the last axis is missing; the shape of the others."""
    return np.asarray((np.abs(inputs) < INPUT_MAX).all(axis=-1))  # false for NaN


def _check_spans(spans: Sequence[Span], bar_count: int) -> None:
    before = 0
    for first, stop in spans:
        if not before <= first < stop <= bar_count:
            break
        before = stop
    else:
        if spans:
            return
    raise ConfigError(
        f"spans must be (first, stop), in order and within {bar_count} bars, was {list(spans)}"
    )
