"""Machine code, snapshots and quotes reach the state that plain bars reach, bit for bit."""

import math
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fakes.decisions import (
    GuardTheAccount,
    MindTheAccount,
    Wander,
    WanderPlainly,
    WanderWithPrices,
)
from tests.fakes.panels import wild_bars
from tests.fakes.stepping import Broker, moment_of, rows_of, universe_of

from fanfold.domain.decision import decision
from fanfold.engine.backtest import run_backtest, terms_of
from fanfold.engine.options import FillOptions
from fanfold.engine.spec import Terms
from fanfold.engine.stepper import Goal, Moment, Stepper, Universe
from fanfold.errors import DataError
from fanfold.risk.limits import Limits
from fanfold.strategies import RsiBracket, SmaCross, Strategy
from fanfold.strategies.indicators import SMA, Indicator, On
from fanfold.strategies.sizing import FixedUnits, VolatilityTarget

TERMS = [
    terms_of(venue="ideal"),
    terms_of(limits=Limits(max_drawdown=0.2, max_volume_share=0.5), leverage=2.5),
    terms_of(venue="ideal", limits=Limits(max_daily_loss=0.02, max_var=0.02, var_window=3)),
    terms_of(
        venue="ideal", sizing=VolatilityTarget(0.4, window=3), options=FillOptions(delay_bars=3)
    ),
]
Event = Callable[[Stepper], list[Goal]]


class WanderOn(Wander):
    """With a feature on a larger timeframe, so that its unfinished bar is state too."""

    def features(self) -> tuple[Indicator, ...]:
        return On("1D", SMA(2)), SMA(3)


KINDS = [Wander, WanderOn, WanderPlainly, WanderWithPrices, GuardTheAccount, MindTheAccount]


def events_of(
    strategy: Strategy, seed: int, terms: Terms, bars: int = 24
) -> tuple[Any, list[Event]]:
    """The universe, and what happens to a run one after the other: bars, fills, ends."""
    market = wild_bars(seed, bars, 1 + seed % 3, session_bars=3, unknown_volume=False)
    result = run_backtest(strategy, market, terms, mode="plain")
    broker = Broker(result)
    events: list[Event] = []

    def warm(t: int) -> Event:
        return lambda run: run.warm(moment_of(market, t), rows_of(market, t)) or []

    def told(t: int) -> Event:
        return lambda run: broker.tell(run, t) or run.changed()

    def bar(t: int) -> Event:
        return lambda run: run.step(moment_of(market, t), rows_of(market, t))

    events += [warm(t) for t in range(result.first)]
    events.append(lambda run: run.begin(adopt=bool(seed % 2)) or [])
    last = result.first + int(result.outcome.accounts[0]["bar_count"]) - 1
    for t in range(result.first, last):
        events += [told(t), bar(t)]
    return universe_of(market, terms), events


@pytest.mark.parametrize("kind", KINDS)
@given(seed=st.integers(0, 99), terms=st.sampled_from(TERMS))
@settings(max_examples=4)
def test_machine_code_reaches_the_same_state(kind: type[Strategy], seed: int, terms: Terms) -> None:
    strategy = kind(seed=seed)
    universe, events = events_of(strategy, seed, terms)
    plain = Stepper(strategy, universe, terms)
    fast = Stepper(strategy, universe, terms, machine=True, window_bars=7)
    for event in events:
        assert repr(event(plain)) == repr(event(fast))
    assert plain.snapshot() == fast.snapshot()


@pytest.mark.parametrize("kind", KINDS)
@given(seed=st.integers(0, 99), terms=st.sampled_from(TERMS), data=st.data())
@settings(max_examples=3)
def test_a_snapshot_goes_on_with_the_same_bits_from_every_cut(
    kind: type[Strategy], seed: int, terms: Terms, data: st.DataObject
) -> None:
    strategy, machine = kind(seed=seed), data.draw(st.booleans())
    universe, events = events_of(strategy, seed, terms, bars=10)
    whole = Stepper(strategy, universe, terms)
    heirs: list[Stepper] = []
    for event in events:
        heir = Stepper(strategy, universe, terms, machine=machine, window_bars=5)
        heir.restore(whole.snapshot())
        heirs.append(heir)
        expected = repr(event(whole))
        assert {repr(event(each)) for each in heirs} == {expected}
    assert {each.snapshot() for each in heirs} == {whole.snapshot()}


def test_a_snapshot_of_another_run_is_refused() -> None:
    universe, _ = events_of(Wander(), 1, TERMS[0])
    content = Stepper(Wander(), universe, TERMS[0]).snapshot()
    for other in (
        Stepper(Wander(seed=1), universe, TERMS[0]),
        Stepper(Wander(), universe, TERMS[1]),
        Stepper(WanderWithPrices(), universe, TERMS[0]),
        Stepper(Wander(), universe, TERMS[0], resting_exits=False),
    ):
        with pytest.raises(DataError, match="must be of the same"):
            other.restore(content)
    same = Stepper(Wander(), universe, TERMS[0])
    for broken in (b"", content[:-7], content + b"x", b"\xc1" * 40):
        with pytest.raises(DataError, match="snapshot"):
            same.restore(broken)
    assert same.snapshot() == content


@decision
def cross_with_bracket(assets: Any, portfolio: Any, memory: Any) -> None:
    """Often another target, with exits, from the market alone."""
    for asset in assets:
        if asset.fresh == 1:
            memory[0] += 1.0
            asset.target = 0.4 / len(assets) if asset.features[0] > asset.features[1] else 0.0
            if portfolio.minutes_to_close % 7.0 < 2.0:
                asset.stop_loss = asset.close * 0.97
                asset.take_profit = asset.close * 1.03
                asset.trailing_stop = asset.close * 0.02


class Quick(Strategy):
    decide: ClassVar[Any] = cross_with_bracket

    def features(self) -> tuple[Indicator, ...]:
        return SMA(3), SMA(9)

    def memory_size(self, asset_count: int) -> int:  # noqa: ARG002
        return 1


@decision
def hold_what_is_dear(assets: Any, portfolio: Any, memory: Any) -> None:
    """Without a feature, each asset alone."""
    for asset in assets:
        asset.target = 0.4 / len(assets) if asset.close > 105.0 else 0.1


class Dear(Strategy):
    decide: ClassVar[Any] = hold_what_is_dear


@decision
def turn_with_the_news(assets: Any, portfolio: Any, memory: Any) -> None:
    """Another wish for what has a bar than for what has none."""
    for asset in assets:
        above = asset.features[0] > asset.close
        if asset.fresh == 1 and above:
            asset.target = 0.3
        elif asset.fresh == 0 and asset.target == 0.3:
            asset.target = 0.1


class News(Strategy):
    decide: ClassVar[Any] = turn_with_the_news

    def features(self) -> tuple[Indicator, ...]:
        return (SMA(4),)


def coins(count: int) -> Universe:
    return Universe(
        symbols=tuple(f"C{i}" for i in range(count)),
        calendars=("24/7",) * count,
        parts=(1_000_000_000,) * count,
        shortable=(False,) * count,
        ticks=((0, 0),) * count,
        least_notional=(0,) * count,
    )


QUOTED = [
    terms_of(venue="ideal"),
    terms_of(venue="ideal", sizing=FixedUnits(0.5), cash=50.0),
    terms_of(venue="ideal", limits=Limits(max_drawdown=0.1)),
    terms_of(venue="ideal", options=FillOptions(rearm="next_bar")),
    terms_of(venue="ideal", leverage=2.5, sizing=FixedUnits(3.0), cash=500.0),
]


@pytest.mark.parametrize(
    "strategy", [Quick(), SmaCross(fast=3, slow=9), RsiBracket(period=4), Dear(), News()]
)
@given(
    seed=st.integers(0, 999),
    count=st.integers(1, 3),
    terms=st.sampled_from(QUOTED),
    resting=st.booleans(),
    rough=st.sampled_from([0.0005, 0.01, 0.08]),
)
@settings(max_examples=3)
def test_a_quote_is_a_step_with_a_bar_of_its_middle(
    strategy: Strategy, seed: int, count: int, terms: Terms, *, resting: bool, rough: float
) -> None:
    rng = np.random.default_rng(seed)
    how = {"resting_exits": resting}
    slow = Stepper(strategy, coins(count), terms, **how)
    fast = Stepper(strategy, coins(count), terms, **how, window_bars=4)
    twin = Stepper(strategy, coins(count), terms, **how, machine=bool(seed % 2))
    runs = [slow, fast, twin]
    for run in runs:
        run.begin(adopt=True)
    prices, held = [100.0 + 10.0 * i for i in range(count)], [0] * count
    for k in range(90):
        asset = int(rng.integers(count))
        prices[asset] *= math.exp(rng.normal(0.0, rough))
        bid, ask = prices[asset] * 0.9999, prices[asset] * 1.0001
        middle = (bid + ask) / 2.0
        moment = Moment(
            ts=k * 10**9,
            session_day=20_000 + k // 60,
            minutes_to_close=float(59 - k % 60),
            is_month_end=False,
            closes_session=k % 60 == 59,
            nights=int(k % 60 == 0),
        )
        bar = asset, middle, middle, middle, middle, math.nan
        goals = slow.step(moment, [bar])
        assert repr(fast.quote(moment, asset, bid, ask)) == repr(goals)
        assert repr(twin.quote(moment, asset, bid, ask)) == repr(goals)
        if k % 17 == 0:
            assert fast.snapshot() == slow.snapshot()
        if rng.random() < 0.7:
            for goal in slow.goals():
                lots = goal.lots - held[goal.asset]
                if lots and goal.mark:
                    role = "stop" if goal.forced else "entry" if goal.lots else "exit"
                    held[goal.asset] += lots
                    for run in runs:
                        run.fill(goal.asset, role, lots, round(goal.mark * 1e6), 7, moment.ts + 1)
    assert fast.snapshot() == slow.snapshot() == twin.snapshot()
