"""A strategy learns from its spans, from all of them, and from nothing else."""

import pickle
import re
import textwrap
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import cloudpickle
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydantic import Field
from tests.fakes.panels import flat_bars, wild_bars

import fanfold.strategies
from fanfold.domain.bars import Bars
from fanfold.domain.panel import VOLUME
from fanfold.engine.backtest import backtest
from fanfold.errors import ConfigError, DataError, StrategyError
from fanfold.strategies import EMA, ROC, Column, Indicator, LearningStrategy, forward_return
from fanfold.strategies import rows as rows_module
from fanfold.strategies.learning import ROWS_MIN
from fanfold.strategies.rows import Rows, rows_of
from fanfold.strategies.strategy import Span, learns


class Slope:
    """Forecasts the mean label, tilted by the first feature."""

    def fit(self, inputs: NDArray[np.float64], labels: NDArray[np.float64]) -> None:
        self.mean = float(labels.mean())
        self.row_count = len(inputs)

    def predict(self, inputs: NDArray[np.float64]) -> NDArray[np.float64]:
        return self.mean + inputs[:, 0]


class Learner(LearningStrategy):
    """Learns the mean of forward returns."""

    horizon: int = Field(3, ge=1, le=60)

    def features(self) -> tuple[Indicator, ...]:
        return ROC(2), EMA(3)  # one forgets, the other never quite does

    def estimator(self) -> Any:
        return Slope()

    def labels(self, prices: NDArray[np.float64]) -> NDArray[np.float64]:
        return forward_return(prices, self.horizon)

    def decide(self, assets: Sequence[Any], portfolio: Any, memory: Any) -> None:  # noqa: ARG002
        for asset, forecast in zip(assets, self.forecasts_for(assets), strict=True):
            asset.target = 1 / len(assets) if forecast > 0 else 0.0


class Unlearned(Learner):
    """Has no features."""

    def features(self) -> tuple[Indicator, ...]:
        return ()


class Short(Learner):
    """Gives fewer labels than bars."""

    def labels(self, prices: NDArray[np.float64]) -> NDArray[np.float64]:
        return forward_return(prices, 1)[1:]


class Columnist(Learner):
    """Reads a column that it makes itself."""

    def features(self) -> tuple[Indicator, ...]:
        return (Column("bar_number"),)

    def columns(self, bars: Bars) -> dict[str, NDArray[np.float64]]:
        numbers = np.arange(bars.bar_count, dtype=float)
        return {"bar_number": np.repeat(numbers[:, None], bars.asset_count, axis=1)}


def steady(bar_count: int = 80, asset_count: int = 3) -> Bars:
    """Assets that trade in every bar."""
    return wild_bars(7, bar_count, asset_count, absent_share=0.0, unknown_volume=False)


def rows_in(bars: Bars, spans: Sequence[Span], strategy: LearningStrategy | None = None) -> Rows:
    learner = strategy or Learner()
    return rows_of(learner, bars, spans, learner.labels)


def changed(bars: Bars, where: NDArray[np.bool_]) -> Bars:
    """The same bars, but at some of them at half the price."""
    panel = bars.panel.copy()
    panel[:VOLUME, where] *= 0.5
    return replace(bars, panel=panel)


def bits(rows: Rows) -> tuple[bytes, ...]:
    return rows.bar.tobytes(), rows.asset.tobytes(), rows.inputs.tobytes(), rows.labels.tobytes()


def test_a_label_goes_from_the_next_open_to_the_one_after_the_horizon() -> None:
    opens = np.array([[9.0], [10.0], [11.0], [12.0], [15.0]])
    made = forward_return(np.stack([opens, opens, opens, opens, opens]), 2)
    assert made[:2, 0].tolist() == [12.0 / 10.0 - 1.0, 15.0 / 11.0 - 1.0]
    assert np.isnan(made[2:]).all()


def test_a_span_too_short_for_a_label_has_none() -> None:
    assert np.isnan(forward_return(np.ones((5, 3, 1)), 2)).all()


def test_the_last_label_ends_with_the_last_bar_of_its_span() -> None:
    rows = rows_in(steady(), [(10, 40), (50, 70)])
    # Horizon 3: the row at bar t is labelled with the opens of t + 1 and t + 4.
    assert rows.bar[rows.bar < 45].max() + 4 == 39
    assert rows.bar.max() + 4 == 69


def test_rows_hold_what_the_decision_would_have_seen() -> None:
    bars = steady()
    rows = rows_in(bars, [(10, 40)])
    for bar, asset, inputs in zip(rows.bar, rows.asset, rows.inputs, strict=True):
        close = bars.close[:, asset]
        assert inputs[0] == pytest.approx(close[bar] / close[bar - 2] - 1.0, abs=1e-12)
    assert rows.bar.min() == 10  # features of the first span see the bars before it


def test_features_of_a_later_span_begin_with_it() -> None:
    rows = rows_in(steady(), [(0, 20), (40, 60)])
    assert rows.bar[rows.bar >= 20].min() == 40 + 2  # ROC and EMA have their first value there


@given(
    seed=st.integers(0, 2**32 - 1),
    cuts=st.lists(st.integers(5, 99), min_size=4, max_size=4, unique=True),
    events=st.booleans(),
)
def test_nothing_after_or_between_the_spans_is_learned(
    *, seed: int, cuts: list[int], events: bool
) -> None:
    first, stop, again, last = sorted(cuts)
    bars = wild_bars(seed, 110, 3, events=events)
    at = np.arange(110)
    foreign = (at >= stop) & (at < again) | (at >= last)
    spans = [(first, stop), (again, last)]
    assert bits(rows_in(bars, spans)) == bits(rows_in(changed(bars, foreign), spans))


def test_of_what_lies_before_the_spans_features_learn_and_labels_do_not() -> None:
    bars = steady()
    before, after = (rows_in(one, [(30, 60)]) for one in (bars, changed(bars, np.arange(80) < 30)))
    assert before.labels.tobytes() == after.labels.tobytes()
    assert before.inputs.tobytes() != after.inputs.tobytes()


def test_every_bar_within_a_span_is_learned_from() -> None:
    bars = steady()
    own = bits(rows_in(bars, [(30, 60)]))
    for bar in range(30, 60):
        assert bits(rows_in(changed(bars, np.arange(80) == bar), [(30, 60)])) != own


def test_only_assets_that_trade_and_are_members_make_rows() -> None:
    bars = steady()
    panel, members = bars.panel.copy(), np.ones((80, 3), np.bool_)
    panel[:, 20, 0] = np.nan
    panel[VOLUME, 21, 1] = 0.0
    members[22, 2] = False
    rows = rows_in(replace(bars, panel=panel, members=members), [(10, 40)])
    made = set(zip(rows.bar.tolist(), rows.asset.tolist(), strict=True))
    assert {(20, 0), (21, 1), (22, 2)}.isdisjoint(made)
    # Nor those whose label would be bought or sold where nothing traded.
    assert {(19, 0), (16, 0), (20, 1), (17, 1)}.isdisjoint(made)
    assert len(made) == 3 * (40 - 4 - 10) - 7


def test_of_very_many_bars_some_at_even_distances_are_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rows_module, "ROWS_MAX", 60)
    rows = rows_in(steady(), [(10, 60)])
    assert sorted({int(bar) for bar in rows.bar}) == list(range(10, 56, 3))
    assert np.bincount(rows.asset).tolist() == [16, 16, 16]


def test_a_column_of_its_own_is_a_feature() -> None:
    rows = rows_in(steady(), [(10, 40)], Columnist())
    assert rows.inputs[:, 0].tolist() == rows.bar.tolist()


@pytest.mark.parametrize(
    "spans",
    [[], [(0, 81)], [(-1, 10)], [(5, 5)], [(10, 5)], [(0, 20), (19, 40)], [(20, 30), (0, 9)]],
)
def test_spans_out_of_order_or_out_of_the_bars_are_refused(spans: list[Span]) -> None:
    with pytest.raises(ConfigError, match=r"spans must be .* within 80 bars, was \["):
        Learner().fit(steady(), spans)


def test_too_few_rows_are_refused() -> None:
    with pytest.raises(DataError, match=f"Learner must have {ROWS_MIN} rows .* had 48"):
        Learner().fit(steady(), [(10, 30)])


def test_a_strategy_without_features_is_refused() -> None:
    with pytest.raises(ConfigError, match="Unlearned must have features to learn from"):
        Unlearned().fit(steady(), [(0, 80)])


def test_labels_of_another_shape_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"Short.labels must give shape \(80, 3\), was \(79, 3\)"):
        Short().fit(steady(), [(0, 80)])


def test_fitting_leaves_the_strategy_as_it_was() -> None:
    strategy = Learner()
    fitted = strategy.fit(steady(), [(0, 80)])
    assert learns(Learner)
    assert (strategy.learned(), strategy == fitted) == ("", False)
    assert fitted.fitted.row_count == 3 * (80 - 4 - 2)
    with pytest.raises(StrategyError, match="must learn before it decides"):
        _ = strategy.fitted


def test_a_backtest_of_what_has_learned_nothing_says_what_to_call() -> None:
    with pytest.raises(StrategyError) as caught:
        backtest(Learner(), steady())
    assert str(caught.value) == (
        "Learner: it must learn before it decides: call strategy.fit(bars, spans), "
        "or run a walk-forward, which fits one in every fold"
    )


def test_forecasts_are_those_of_the_model_where_an_asset_trades() -> None:
    bars = steady()
    fitted = Learner().fit(bars, [(0, 60)])
    panel = bars.panel.copy()
    panel[:, 70, 1] = np.nan
    made = fitted.forecasts(replace(bars, panel=panel))
    expected = fitted.fitted.estimator.mean + bars.close[70, 0] / bars.close[68, 0] - 1.0
    assert made[70, 0] == pytest.approx(expected, abs=1e-12)
    assert np.isnan(made[70, 1])
    assert np.isnan(made[:2]).all()


def test_equal_rows_and_parameters_learn_the_same() -> None:
    bars = steady()
    own = Learner().fit(bars, [(0, 60)])
    assert re.fullmatch("[0-9a-f]{64}", own.learned())
    longer = steady(80).select(symbols=bars.symbols)
    assert Learner().fit(longer, [(0, 60)]) == own
    others = [Learner().fit(bars, [(0, 61)]), Learner(horizon=4).fit(bars, [(0, 60)])]
    assert len({own.learned(), *(other.learned() for other in others)}) == 3


@pytest.mark.parametrize("way", [pickle, cloudpickle], ids=["pickle", "cloudpickle"])
def test_what_was_learned_survives_the_way_to_a_worker(way: Any) -> None:
    bars = steady()
    fitted = Learner().fit(bars, [(0, 60)])
    arrived = way.loads(way.dumps(fitted))
    assert arrived == fitted
    assert arrived.learned() == fitted.learned()
    assert arrived.forecasts(bars).tobytes() == fitted.forecasts(bars).tobytes()


def test_a_feature_beyond_any_number_is_missing() -> None:
    fitted = Learner().fit(steady(), [(0, 60)]).fitted
    made = fitted.forecasts(np.array([[0.5, 1.0], [np.inf, 1.0], [0.5, np.nan], [0.5, 1e300]]))
    assert np.isnan(made).tolist() == [False, True, True, True]


def test_the_strategy_in_the_docstring_works() -> None:
    import sklearn.linear_model

    text = (LearningStrategy.__doc__ or "").partition("::\n\n")[2]
    names: dict[str, Any] = {"sklearn": sklearn, "Field": Field, **vars(fanfold.strategies)}
    exec(textwrap.dedent(text), names)  # noqa: S102
    fitted = names["Ridgeline"](horizon=2).fit(steady(), [(0, 60)])
    assert backtest(fitted, steady(), cash=1e6, start_bar=60).metrics["fill_count"] > 0


def test_prices_that_never_move_have_a_label_of_zero() -> None:
    bars = flat_bars(np.full((60, 3), 10.0))
    assert set(rows_in(bars, [(0, 60)]).labels.tolist()) == {0.0}
