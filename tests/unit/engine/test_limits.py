"""What an account may not pass, it does not pass, and the orders say why."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.decisions import MindTheAccount, Wander, scripted
from tests.fakes.panels import flat_bars
from tests.fakes.runs import Case, cases, run, tape_of

from fanfold.domain.money import share
from fanfold.domain.orders import CLOSE, OPEN
from fanfold.domain.panel import trades_in
from fanfold.engine.backtest import terms_of
from fanfold.engine.options import FillOptions
from fanfold.engine.result import Result
from fanfold.execution.costs import Costs
from fanfold.risk.limits import Limits

STRATEGIES = st.one_of(
    st.builds(Wander, seed=st.integers(0, 99), pace=st.just(0.5)),
    st.builds(MindTheAccount, seed=st.integers(0, 99)),
)
LONG_ONLY = st.builds(
    Wander, seed=st.integers(0, 99), pace=st.just(0.5), short=st.just(value=False)
)
NAN = float("nan")


class Replay:
    """Cash and positions, fill by fill, from the tape alone."""

    def __init__(self, result: Result) -> None:
        self.result = result
        self.bars, self.cash = result.bars, result.terms.cash
        self.parts = result.terms.parts(result.bars).tolist()
        self.units = [0] * result.bars.asset_count
        self.marks = [0] * result.bars.asset_count
        self.marked = result.first

    def take(self, fill: Any) -> None:
        self.cash += (-fill.amount if fill.lots > 0 else fill.amount) - fill.fee
        self.units[fill.asset] += fill.lots

    def mark_before(self, bar: int) -> None:
        for t in range(self.marked, bar):
            self._mark(t, self.bars.close)
        self.marked = max(self.marked, bar)

    def _mark(self, t: int, prices: Any) -> None:
        for asset in range(len(self.marks)):
            if trades_in(self.bars.close[t, asset], self.bars.volume[t, asset]):
                self.marks[asset] = round(float(prices[t, asset]) * 1e6)

    @property
    def values(self) -> list[int]:
        held = zip(self.units, self.marks, self.parts, strict=True)
        return [share(units, mark, parts) for units, mark, parts in held]

    @property
    def equity(self) -> int:
        return self.cash + sum(self.values)


# Dividends, interest and a day's fees may be charged to an account without cash.
PLAIN_COSTS = st.builds(
    Costs,
    commission_bps=st.sampled_from([0.0, 10.0, 250.0]),
    slippage_bps=st.sampled_from([0.0, 7.77]),
    commission_per_trade=st.sampled_from([0.0, 1.25]),
)


@given(strategy=LONG_ONLY, costs=PLAIN_COSTS, data=st.data())
def test_an_unlevered_long_account_never_owes_cash(
    strategy: Wander, costs: Costs, data: st.DataObject
) -> None:
    bars, terms = data.draw(cases(events=False, leverage=1.0, costs=costs))
    replay = Replay(run(strategy, bars, terms))
    for fill in tape_of(replay.result)["fills"]:
        replay.take(fill)
        if fill.lots > 0:
            assert replay.cash >= 0


@given(
    strategy=STRATEGIES,
    case=cases(events=False, limits=Limits(max_position=0.3), leverage=2.5),
)
def test_no_approved_opening_takes_a_position_over_its_limit(strategy: Wander, case: Case) -> None:
    result = run(strategy, *case)
    replay, tape = Replay(result), tape_of(result)
    fills = list(tape["fills"])
    flows = list(tape["bookings"])
    closing = {
        (order.bar, order.asset): order.approved for order in tape["orders"] if order.role == CLOSE
    }
    for order in tape["orders"]:
        while fills and fills[0].bar <= order.bar:
            replay.take(fills.pop(0))
        while flows and flows[0].bar <= order.bar:
            replay.cash += flows.pop(0).amount
        replay.mark_before(order.bar + 1)
        # Sized at its fill, an order is approved at a price that is not known yet.
        if order.role == OPEN and order.approved != 0 and case[1].options.size_at == "decision":
            still = closing.get((order.bar, order.asset), 0)
            after = replay.units[order.asset] + still + order.approved
            value = abs(share(after, replay.marks[order.asset], replay.parts[order.asset]))
            assert value <= replay.equity * 0.3 + 1


def test_a_position_over_its_limit_is_trimmed_and_says_so() -> None:
    result = run(scripted(0.8), flat_bars([10.0] * 4), terms_of(limits=Limits(max_position=0.25)))
    assert result.orders[["asked", "approved", "reason"]].to_numpy().tolist() == [
        [8_000.0, 2_500.0, "max_position"]
    ]
    assert result.fills["quantity"].tolist() == [2_500.0]


def test_openings_over_the_gross_limit_are_trimmed_pro_rata_and_say_so() -> None:
    bars = flat_bars([[10.0, 20.0]] * 4)
    result = run(scripted([0.6, 0.3]), bars, terms_of(limits=Limits(max_gross=0.45)))
    assert result.orders["reason"].tolist() == ["max_gross", "max_gross"]
    # 90,000 asked, 45,000 allowed: half of 6,000 and of 1,500 shares.
    assert result.fills["quantity"].tolist() == [3_000.0, 750.0]


def test_what_a_limit_took_away_is_not_asked_for_again() -> None:
    bars = flat_bars([[10.0, 20.0]] * 9)
    result = run(scripted([0.6, 0.3]), bars, terms_of(limits=Limits(max_gross=0.45)))
    assert len(result.orders) == 2


def test_an_order_beyond_buying_power_is_trimmed_and_says_so() -> None:
    result = run(scripted(1.5), flat_bars([10.0] * 4), terms_of())
    assert result.orders[["asked", "approved", "reason"]].to_numpy().tolist() == [
        [15_000.0, 10_000.0, "buying_power"]
    ]


def test_leverage_lends_what_it_says() -> None:
    result = run(scripted(3.0), flat_bars([10.0] * 4), terms_of(leverage=2.0))
    assert result.fills["quantity"].tolist() == [20_000.0]
    assert result.final_cash == -100_000


def test_short_proceeds_are_collateral_not_cash_to_spend() -> None:
    bars = flat_bars([[10.0, 10.0]] * 6)
    result = run(scripted([-0.8, 0.0], [-0.8, 0.0], [-0.8, 0.8]), bars, terms_of())
    assert result.fills["quantity"].tolist() == [8_000.0, 2_000.0]
    assert result.orders["reason"].tolist() == ["", "buying_power"]


CRASH = [10.0, 10.0, 10.0, 7.0, 7.0, 10.0, 10.0, 10.0, 10.0]


@pytest.mark.parametrize("size_at", ["decision", "fill"])
def test_a_drawdown_breaker_closes_everything_and_latches(size_at: Any) -> None:
    bars = flat_bars(CRASH)
    terms = terms_of(limits=Limits(max_drawdown=0.2), options=FillOptions(size_at=size_at))
    result = run(scripted(0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.5, 0.8), bars, terms)
    assert result.fills["side"].tolist() == ["buy", "sell"]
    assert result.fills["ts"].tolist()[1] == result.equity.index[4]
    refused = result.orders[result.orders["status"] == "refused"]
    assert set(refused["reason"]) == {"max_drawdown"}
    assert len(refused) >= 1


@pytest.mark.parametrize("size_at", ["decision", "fill"])
def test_a_breaker_closes_a_position_whose_target_changes_at_every_bar(size_at: Any) -> None:
    bars = flat_bars(CRASH)
    terms = terms_of(limits=Limits(max_drawdown=0.2), options=FillOptions(size_at=size_at))
    result = run(scripted(*[0.9 - 0.001 * bar for bar in range(9)]), bars, terms)
    sold = result.fills[result.fills["side"] == "sell"]
    bought = result.fills[result.fills["side"] == "buy"]
    assert sold["quantity"].sum() == bought["quantity"].sum()
    assert bought["ts"].max() < result.equity.index[4]
    assert sold["ts"].max() == result.equity.index[4]


@pytest.mark.parametrize("size_at", ["decision", "fill"])
def test_an_order_that_waits_when_the_breaker_goes_is_taken_back(size_at: Any) -> None:
    second = [10.0, 10.0, NAN, NAN, NAN, 10.0, 10.0, 10.0, 10.0]
    bars = flat_bars(list(zip(CRASH, second, strict=True)))
    terms = terms_of(
        limits=Limits(max_drawdown=0.2), options=FillOptions(size_at=size_at), leverage=2.0
    )
    result = run(scripted([0.9, 0.0], [0.9, 0.5]), bars, terms)
    assert result.fills["symbol"].tolist() == ["A0", "A0"]


@given(strategy=STRATEGIES, case=cases(limits=Limits(max_drawdown=0.05)))
def test_after_a_breaker_nothing_is_opened(strategy: Wander, case: Case) -> None:
    result = run(strategy, *case)
    tape = tape_of(result)
    peak, broken = result.terms.cash, None
    for t, equity in enumerate(tape["equity"], start=result.first):
        peak = max(peak, equity)
        if equity <= peak * (1.0 - 0.05):
            broken = t
            break
    if broken is not None:
        late = [fill for fill in tape["fills"] if fill.bar > broken and fill.role == OPEN]
        assert late == []


def test_a_ruined_account_ends_the_run_and_says_so() -> None:
    bars = flat_bars([10.0, 10.0, 25.0, 10.0, 10.0])
    result = run(scripted(-1.0), bars, terms_of())
    assert result.status == "ruined"
    assert result.equity.tolist() == [100_000.0, 100_000.0, -50_000.0]
