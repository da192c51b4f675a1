"""Splits told to a run fed from outside, beside a backtest on raw bars that hold them."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.fakes.decisions import GuardTheAccount, Wander, WanderWithPrices
from tests.fakes.stepping import Broker, feed, moment_of, rows_of, universe_of

from fanfold.domain.bars import Bars
from fanfold.engine.backtest import run_backtest, terms_of
from fanfold.engine.decisions import decisions_of
from fanfold.engine.options import FillOptions
from fanfold.engine.run import _Compiled
from fanfold.engine.spec import Terms
from fanfold.engine.step.state import CASH_ROW
from fanfold.engine.stepper import Stepper
from fanfold.risk.limits import Limits
from fanfold.strategies import RsiBracket, Strategy
from fanfold.strategies.strategy import decision_of

DAYS = 24
LEVELS = (
    "units", "goal", "target", "close_order", "open_order", "limit", "stop", "stop_loss",
    "take_profit", "trailing", "extreme", "signal_close", "heard_limit", "heard_stop",
    "heard_stop_loss", "heard_take_profit", "heard_trailing", "entry_lots", "realised",
    "disarmed", "forced", "mark", "value",
)  # fmt: skip
IDEAL = terms_of(venue="ideal", options=FillOptions(time_in_force="gtc"))
ALPACA = terms_of(options=FillOptions(time_in_force="day"))
LIMITED = terms_of(
    venue="ideal",
    limits=Limits(max_daily_volume_share=0.5, max_price_distance=0.2, outlier=0.06),
)


def raw_bars(seed: int) -> Bars:
    """Two assets at prices as they were traded, each split three times."""
    rng = np.random.default_rng(seed)
    frames: list[Any] = []
    days = pd.bdate_range("2021-03-01", periods=DAYS)
    for place, symbol in enumerate(("A0", "A1")):
        splits = np.ones(DAYS)
        splits[rng.choice(np.arange(6, DAYS - 1), 3, replace=False)] = [2.0, 1.5, 0.25]
        close = 90.0 * (1 + place) * np.exp(np.cumsum(rng.normal(0.0, 0.03, DAYS)))
        open_ = close * np.exp(rng.normal(0.0, 0.01, DAYS))
        prices = {
            "open": open_,
            "high": np.maximum(open_, close) * 1.02,
            "low": np.minimum(open_, close) * 0.98,
            "close": close,
        }
        factor = np.cumprod(splits)
        frame = pd.DataFrame({name: np.round(each / factor, 2) for name, each in prices.items()})
        frame["volume"] = np.round(rng.integers(500, 5_000, DAYS) * factor)
        frames.append(frame.assign(symbol=symbol, ts=days, splits=splits))
    return Bars.from_frame(pd.concat(frames), stamp="session", basis="raw", calendar="XNYS")


def desks_of(strategy: Strategy, bars: Bars, terms: Terms, first: int, t: int) -> Any:
    """A backtest's desks after bar t."""
    ends = replace(terms, end_bar=t + 1)
    chunk = _Compiled([strategy], bars, ends, None, decision_of(strategy), plain=True)
    chunk.run(first, ahead=False)
    return chunk.arena.desks


@pytest.mark.parametrize(
    ("strategy", "terms"),
    [
        (Wander(seed=3), IDEAL),
        (WanderWithPrices(seed=5), IDEAL),
        (WanderWithPrices(seed=6), LIMITED),
        (GuardTheAccount(seed=8), ALPACA),
        (RsiBracket(period=3, stop=0.03, profit=0.04), IDEAL),
    ],
)
def test_a_split_leaves_the_state_of_a_backtest(strategy: Strategy, terms: Terms) -> None:
    bars = raw_bars(7)
    assert bars.splits is not None
    result = run_backtest(strategy, bars, terms, mode="plain")
    wishes = decisions_of(strategy, bars, terms, result.first).wishes
    broker = Broker(result)
    stepper = Stepper(strategy, universe_of(bars, terms), terms)
    feed(stepper, bars, result.first)
    for t in range(result.first, bars.bar_count):
        broker.tell(stepper, t)
        stepper.step(moment_of(bars, t), rows_of(bars, t))
        np.testing.assert_array_equal(stepper.written(), wishes[t - result.first])
        if t > result.first:
            ours = stepper._books.arrays["desks"]
            theirs = desks_of(strategy, bars, terms, result.first, t)
            for name in LEVELS:
                np.testing.assert_array_equal(ours[name], theirs[name], f"{name} after bar {t}")
        assert round(stepper.view()["cash"] * 1e6) == result._tape.curve[CASH_ROW, t]
