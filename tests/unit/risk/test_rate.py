"""Orders that come too fast, or twice."""

import math

import pytest

from fanfold.risk.rate import is_duplicate, is_too_fast

NAN = math.nan


@pytest.mark.parametrize(
    ("oldest", "now", "fast"), [(0, 5, False), (1, 10, True), (1, 11, False), (11, 10, True)]
)
def test_a_window_holds_so_many_orders(oldest: int, now: int, *, fast: bool) -> None:
    assert is_too_fast(oldest, now, 10) == fast


@pytest.mark.parametrize(
    ("goal", "limit", "stop", "age", "duplicate"),
    [
        (5, NAN, NAN, 9, True),
        (5, NAN, NAN, 10, False),
        (6, NAN, NAN, 9, False),
        (5, 1.0, NAN, 9, False),
        (5, NAN, 1.0, 9, False),
        (5, NAN, NAN, -3, True),
    ],
)
def test_a_duplicate_says_the_same_too_soon(
    goal: int, limit: float, stop: float, age: int, *, duplicate: bool
) -> None:
    assert is_duplicate(goal, limit, stop, 5, NAN, NAN, age, 10) == duplicate


def test_equal_prices_are_equal() -> None:
    assert is_duplicate(5, 1.0, 2.0, 5, 1.0, 2.0, 0, 10)
    assert not is_duplicate(5, 1.0, 2.0, 5, 1.5, 2.0, 0, 10)


def test_all_are_of_the_compiled_subset() -> None:
    assert is_too_fast.content_hash != is_duplicate.content_hash
