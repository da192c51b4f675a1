"""Returns of trials side by side are those that each has when it is run in full."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.fakes.decisions import RAISE, FailOnOrder, MindTheAccount, Wander, WanderPlainly
from tests.fakes.panels import flat_bars, wild_bars

from fanfold.engine.backtest import run_backtest, terms_of
from fanfold.engine.run import Mode
from fanfold.engine.windows import Window
from fanfold.execution.costs import Costs
from fanfold.research import series as series_module
from fanfold.research.plan import Params
from fanfold.research.series import (
    Series,
    SeriesInputs,
    buy_and_hold,
    run_series_chunk,
    sampled,
    series_of,
)
from fanfold.research.trials import Slot
from fanfold.strategies import SmaCross
from fanfold.strategies.strategy import Strategy

BARS = wild_bars(8, 120, 2, absent_share=0.05, session_bars=2, unknown_volume=False)
WINDOW = Window(15, 111)
TERMS = terms_of(costs=Costs(commission_bps=10))


def inputs(strategy: type[Strategy] = Wander, mode: Mode = "machine") -> SeriesInputs:
    return SeriesInputs(
        strategy=strategy,
        fixed={"pace": 0.4} if strategy is not SmaCross else {},
        bars=BARS,
        terms=TERMS,
        slot=Slot(window=WINDOW),
        mode=mode,
    )


def series(asked: SeriesInputs, params: list[Params], size: int = 4) -> Series:
    chunks = [tuple(params[at : at + size]) for at in range(0, len(params), size)]
    return series_of(params, iter([run_series_chunk(asked, chunk) for chunk in chunks]))


@pytest.mark.parametrize("strategy", [Wander, MindTheAccount, WanderPlainly])
def test_returns_are_those_of_the_run_in_full(strategy: type[Strategy]) -> None:
    params: list[Params] = [{"seed": seed} for seed in range(5)]
    found = series(inputs(strategy), params)
    terms = replace(TERMS, start_bar=WINDOW.first, end_bar=WINDOW.last)
    assert found.returns.shape == (inputs().return_count, 5)
    for place, one in enumerate(params):
        result = run_backtest(strategy(pace=0.4, **one), BARS, terms)
        # A return is the difference of two running sums.
        np.testing.assert_allclose(found.returns[:, place], result.returns, atol=1e-12)
        assert found.exposures[place] == pytest.approx(result.metrics["net_exposure"], abs=1e-12)


def test_sums_of_blocks_are_those_of_the_returns() -> None:
    found = series(inputs(), [{"seed": seed} for seed in range(3)])
    parts = np.split(found.returns, np.cumsum(found.counts)[:-1])
    assert len(parts) == found.sums.shape[1] == 16
    assert found.counts.max() - found.counts.min() <= 1
    for power in range(4):
        expected = np.array([(part ** (power + 1)).sum(axis=0) for part in parts]).T
        np.testing.assert_allclose(found.sums[:, :, power], expected, rtol=1e-12, atol=1e-18)


@pytest.mark.parametrize("size", [1, 2, 7])
def test_series_do_not_hang_on_the_size_of_chunks(size: int) -> None:
    params: list[Params] = [{"seed": seed} for seed in range(7)]
    whole, cut = series(inputs(), params, 7), series(inputs(), params, size)
    assert whole.returns.tobytes() == cut.returns.tobytes()
    assert whole.sums.tobytes() == cut.sums.tobytes()


def test_trials_without_a_result_are_left_out() -> None:
    asked = SeriesInputs(
        strategy=FailOnOrder,
        fixed={},
        bars=BARS,
        terms=TERMS,
        slot=Slot(window=WINDOW),
        mode="machine",
    )
    params: list[Params] = [
        {"fault": 0, "at": 3},
        {"fault": RAISE, "at": 3},
        {"fault": 9, "at": 3},
        {"fault": 0, "at": 9},
    ]
    found = series(asked, params, 2)
    assert found.params == [params[0], params[3]]
    assert found.returns.shape[1] == len(found.exposures) == len(found.sums) == 2


def test_equal_weights_are_what_they_would_have_earned() -> None:
    bars = flat_bars(np.array([[10.0, 40.0], [11.0, 40.0], [11.0, 30.0], [22.0, 30.0]]))
    held = buy_and_hold(bars, Window(0, 4))
    assert held.tolist() == pytest.approx([0.05, -0.125, 0.5])
    assert buy_and_hold(bars, Window(1, 4)).tolist() == pytest.approx([-0.125, 0.5])


def test_an_asset_that_has_not_begun_takes_no_part_in_equal_weights() -> None:
    bars = flat_bars(np.array([[10.0, np.nan], [11.0, np.nan], [12.1, 50.0], [12.1, 75.0]]))
    assert buy_and_hold(bars, Window(0, 4)).tolist() == pytest.approx([0.1, 0.1, 0.25])
    panel = bars.panel.copy()
    panel[:, 3, 0] = np.nan  # a bar that is missing changes nothing
    gone = replace(bars, panel=panel)
    assert buy_and_hold(gone, Window(0, 4)).tolist() == pytest.approx([0.1, 0.1, 0.25])


def test_what_is_looked_at_holds_the_choice_first_and_nothing_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keep: Params = {"seed": 7}
    params: list[Params] = [{"seed": seed % 10} for seed in range(40)]

    def drawn(seed: int = 1, return_count: int = 100) -> list[Params]:
        return sampled(params, keep, Wander, return_count=return_count, seed=seed)

    assert drawn() == [keep, *({"seed": k} for k in range(10) if k != 7)]
    monkeypatch.setattr(series_module, "SAMPLE_MAX", 4)
    assert drawn()[0] == keep
    assert len({repr(one) for one in drawn()}) == len(drawn()) == 4
    assert drawn() == drawn()
    assert len({repr(drawn(seed)) for seed in range(20)}) > 5
    monkeypatch.setattr(series_module, "SAMPLE_NUMBERS_MAX", 350)
    assert len(drawn()) == 3  # of so many returns no more have room
    assert drawn(return_count=9_000) == [keep]


def test_a_chunk_has_room_for_its_sums(monkeypatch: pytest.MonkeyPatch) -> None:
    each = inputs().return_count * 4 * 8
    monkeypatch.setattr(series_module, "CHUNK_BYTES", 10 * each + 1)
    assert inputs().chunk_size == 10
    monkeypatch.setattr(series_module, "CHUNK_BYTES", 1)
    assert inputs().chunk_size == 1


def test_returns_are_counted_by_the_sessions_that_close() -> None:
    closes: Any = BARS.closes_session[WINDOW.first + 1 : WINDOW.last]
    assert inputs().return_count == int(closes.sum())
