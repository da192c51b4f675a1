from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.venue_faults import faults_of
from tests.fakes.venue_journal import an_order

from fanfold.venue.faults import Faults

SHARES = an_order("1", "one")
COINS = an_order("2", "two", symbol="BTC/USD", asset_class="crypto", side="sell")


def test_nothing_goes_otherwise_by_default() -> None:
    mischief = Faults(0).mischief
    assert mischief.partly(SHARES, Decimal(10)) == 10
    assert not mischief.fills_late(SHARES)
    assert not mischief.cancel_fails(SHARES)
    assert mischief.acceptance_ns(SHARES) == mischief.cancel_ns(SHARES) == 0
    assert mischief.replace_ns(SHARES) == 0


def test_shares_fill_in_whole_parts_and_coins_in_any() -> None:
    mischief = faults_of({"kind": "partial_fill", "fraction": 0.39}).mischief
    assert mischief.partly(SHARES, Decimal(10)) == 3
    assert mischief.partly(SHARES, Decimal(1)) == 1
    assert mischief.partly(SHARES, Decimal("1.5")) == Decimal("0.585")
    assert mischief.partly(COINS, Decimal(1)) == Decimal("0.39")
    assert mischief.partly(COINS, Decimal("1e-9")) == Decimal("1e-9")


@given(
    qty=st.decimals(Decimal("1e-9"), 10**9, places=9), seed=st.integers(0, 9), coins=st.booleans()
)
def test_a_part_is_at_least_the_smallest_and_at_most_all(
    qty: Decimal, seed: int, *, coins: bool
) -> None:
    mischief = faults_of({"kind": "partial_fill"}, seed=seed).mischief
    part = mischief.partly(COINS if coins else SHARES, qty)
    assert Decimal("1e-9") <= part <= qty
    assert part == part.quantize(Decimal("1e-9"))


@pytest.mark.parametrize("kind", ["late_fill_after_cancel", "cancel_rejected"])
def test_a_cancellation_ends_otherwise_once(kind: str) -> None:
    mischief = faults_of({"kind": kind, "count": 1, "after": 1}).mischief
    ask = mischief.fills_late if kind == "late_fill_after_cancel" else mischief.cancel_fails
    assert [ask(SHARES) for _ in range(3)] == [False, True, False]


@pytest.mark.parametrize(
    ("kind", "what"),
    [
        ("slow_acceptance", "acceptance_ns"),
        ("slow_cancel", "cancel_ns"),
        ("slow_replace", "replace_ns"),
    ],
)
def test_what_is_slow_is_pending_so_long(kind: str, what: str) -> None:
    mischief = faults_of({"kind": kind, "delay_s": 0.25}, {"kind": kind}).mischief
    every = ("acceptance_ns", "cancel_ns", "replace_ns")
    waits = {name: getattr(mischief, name)(SHARES) for name in every}
    assert waits == {**dict.fromkeys(every, 0), what: 1_250_000_000}


@pytest.mark.parametrize(
    ("where", "strikes"),
    [
        ({"symbol": "BTCUSD"}, [False, True]),
        ({"symbol": "BTC/USD"}, [False, True]),
        ({"side": "buy"}, [True, False]),
        ({"account": SHARES.account}, [True, True]),
        ({"account": "other"}, [False, False]),
    ],
)
def test_only_orders_that_are_meant_are_struck(where: dict[str, Any], strikes: list[bool]) -> None:
    mischief = faults_of({"kind": "cancel_rejected", **where}).mischief
    assert [mischief.cancel_fails(order) for order in (SHARES, COINS)] == strikes


def test_faults_that_are_added_later_count_too() -> None:
    faults = Faults(0)
    mischief = faults.mischief
    added = faults.add({"kind": "cancel_rejected"})
    assert mischief.cancel_fails(SHARES)
    faults.remove(added["id"])
    assert not mischief.cancel_fails(SHARES)
