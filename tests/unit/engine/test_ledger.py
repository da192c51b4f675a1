"""The loop's integers and the ledger's decimals are the same money."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.decisions import (
    GuardTheAccount,
    MindTheAccount,
    Wander,
    WanderPlainly,
    WanderWithPrices,
)
from tests.fakes.panels import wild_markets
from tests.fakes.runs import Case, cases, run

from fanfold.domain.bars import Bars
from fanfold.engine.ledger import LedgerFill, amount_of, commission_of, replay_cash
from fanfold.engine.options import FillOptions
from fanfold.engine.result import Result
from fanfold.engine.spec import Terms
from fanfold.execution.costs import Costs

MICRO = 1_000_000


@pytest.mark.parametrize(
    "kind", [Wander, MindTheAccount, WanderPlainly, WanderWithPrices, GuardTheAccount]
)
@given(seed=st.integers(0, 99), case=cases())
def test_replaying_the_fills_gives_the_cash_of_the_loop_to_the_last_unit(
    kind: type[Wander], seed: int, case: Case
) -> None:
    result = run(kind(seed=seed, pace=0.5), *case)
    assert result.replayed_cash() == result.final_cash


@given(
    seed=st.integers(0, 99),
    bars=wild_markets(),
    rate=st.floats(0.0, 5_000.0),
    fractional=st.booleans(),
)
def test_every_amount_and_fee_is_what_the_ledger_computes(
    seed: int, bars: Bars, rate: float, fractional: Any
) -> None:
    rate = round(rate, 5)  # what a schedule is exact to
    terms = Terms(
        costs=Costs(commission_bps=rate, slippage_bps=3.3),
        options=FillOptions(fractional=fractional, close_at_end=True),
    )
    result = run(Wander(seed=seed, pace=0.6), bars, terms)
    for amount, fee, fill in stated_fills(result):
        assert amount == amount_of(fill)
        assert fee == commission_of(amount, rate)


def stated_fills(result: Result) -> list[tuple[Decimal, Decimal, LedgerFill]]:
    """Amount and fee of each fill as the loop booked them, and the fill as anybody states it."""
    parts = result.terms.parts(result.bars).tolist()
    rows = result._tape.fills[: int(result.outcome.accounts[0]["fill_count"])]
    return [
        (
            Decimal(int(row["amount"])) / MICRO,
            Decimal(int(row["fee"])) / MICRO,
            LedgerFill(
                side="buy" if row["lots"] > 0 else "sell",
                quantity=Decimal(abs(int(row["lots"]))) / parts[row["asset"]],
                price=Decimal(int(row["price"])) / MICRO,
                fee=Decimal(int(row["fee"])) / MICRO,
            ),
        )
        for row in rows
    ]


def test_an_amount_between_two_units_goes_to_the_even_one() -> None:
    half = LedgerFill(
        side="buy", quantity=Decimal("0.5"), price=Decimal("0.000001"), fee=Decimal(0)
    )
    assert amount_of(half) == Decimal("0.000000")
    more = LedgerFill(
        side="buy", quantity=Decimal("0.5"), price=Decimal("0.000003"), fee=Decimal(0)
    )
    assert amount_of(more) == Decimal("0.000002")


def test_a_sale_adds_and_a_purchase_takes_and_both_pay_their_fee() -> None:
    bought = LedgerFill(side="buy", quantity=Decimal(3), price=Decimal("9.5"), fee=Decimal("0.1"))
    sold = LedgerFill(side="sell", quantity=Decimal(2), price=Decimal(11), fee=Decimal("0.2"))
    assert replay_cash(Decimal(100), [bought, sold]) == Decimal("93.2")
