"""Integer money against exact fractions, in plain Python and in machine code."""

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from fanfold.domain.compiled import compiled_as
from fanfold.domain.money import MONEY_MAX, pro_rata, share, to_micro


def three_integers() -> Any:
    from numba import int64

    return int64(int64, int64, int64)


def one_float() -> Any:
    from numba import float64, int64

    return int64(float64)


@compiled_as(three_integers)
def shared(quantity: int, price: int, parts: int) -> int:
    return share(quantity, price, parts)


@compiled_as(three_integers)
def rated(room: int, claim: int, claims: int) -> int:
    return pro_rata(room, claim, claims)


@compiled_as(one_float)
def micro(value: float) -> int:
    return to_micro(value)


PARTS = st.sampled_from([1, 2, 3, 10, 1_000, 999_999_937, 1_000_000_000])


@given(quantity=st.integers(-(2**62), 2**62), price=st.integers(0, 10**15), parts=st.one_of(PARTS))
@example(quantity=5, price=1, parts=10)
@example(quantity=15, price=1, parts=10)
@example(quantity=-25, price=1, parts=10)
def test_share_is_the_exact_product_rounded_half_to_even(
    quantity: int, price: int, parts: int
) -> None:
    exact = round(Fraction(quantity * price, parts))  # Python rounds fractions half to even
    assume(abs(exact) < MONEY_MAX)
    assert share(quantity, price, parts) == exact
    assert shared.machine(quantity, price, parts) == exact


@given(quantity=st.integers(0, 10**6), half=st.integers(0, 10**6))
def test_share_breaks_ties_towards_even(quantity: int, half: int) -> None:
    odd = 2 * half + 1
    result = share(odd, 5, 10)  # odd / 2: always a tie
    assert result % 2 == 0
    assert abs(Fraction(result) - Fraction(odd, 2)) == Fraction(1, 2)
    assert shared.machine(odd, 5, 10) == result
    assert share(-quantity, 5, 10) == -share(quantity, 5, 10)


@given(st.integers(1, 2**62 - 1), st.data())
def test_pro_rata_is_the_exact_quotient_rounded_down(claims: int, data: st.DataObject) -> None:
    room = data.draw(st.integers(0, claims - 1))
    claim = data.draw(st.integers(0, claims))
    exact = room * claim // claims
    assert pro_rata(room, claim, claims) == exact
    assert rated.machine(room, claim, claims) == exact


@given(
    claim=st.lists(st.integers(1, 2**59), min_size=2, max_size=4),
    share_of_claims=st.fractions(0, 1),
)
def test_shares_of_one_room_never_exceed_it(claim: list[int], share_of_claims: Fraction) -> None:
    claims = sum(claim)
    room = min(int(claims * share_of_claims), claims - 1)
    assert sum(pro_rata(room, one, claims) for one in claim) <= room


@given(st.floats(-1e12, 1e12))
@example(0.0000005)
@example(0.0000015)
@example(-0.0000025)
def test_a_price_in_millionths_is_the_same_both_ways(value: float) -> None:
    assert to_micro(value) == micro.machine(value) == round(value * 1e6)


@pytest.mark.parametrize(("halves", "even"), [(0.5, 0), (1.5, 2), (2.5, 2), (-0.5, 0), (-1.5, -2)])
def test_half_a_millionth_goes_to_the_even_one(halves: float, even: int) -> None:
    assert to_micro(halves / 1e6) == even
    assert micro.machine(halves / 1e6) == even
