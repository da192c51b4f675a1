"""The loops over lanes, plain and compiled."""

from typing import Any

import numpy as np

from fanfold.measures import lanes


def returns() -> np.ndarray:
    drawn = np.random.default_rng(4).normal(0.0, 0.02, (37, 19))
    drawn[3], drawn[5, 2] = 0.0, -1.0
    return drawn


def both(function: Any, *arguments: Any, written: int) -> list[np.ndarray]:
    """What a loop writes, plain and compiled."""
    found = []
    for run in (function, function.machine):
        own = [each.copy() if isinstance(each, np.ndarray) else each for each in arguments]
        run(*own)
        found.append(own[written])
    return found


def test_all_loops_give_the_same_bits_plain_and_compiled() -> None:
    values, first, width = returns(), 3, 11
    sums = np.ones((lanes.ROW_COUNT, width))
    mean, scale = np.linspace(-0.1, 0.1, width), np.linspace(1.0, 40.0, width)
    limits, counts = np.linspace(-0.05, 0.05, width), np.zeros(width, dtype=np.int64)
    kept, totals = np.zeros((width, 9)), np.zeros(width)
    for plain, compiled in [
        both(lanes.add_up, values, first, 1, 1, sums, written=4),
        both(lanes.add_powers, values, first, 0, mean, scale, sums, written=5),
        both(lanes.add_powers, values, first, 1, mean, scale, sums, written=5),
        both(lanes.collect, values, first, -1.0, limits, counts, kept, written=4),
        both(lanes.collect, values, first, -1.0, limits, counts, kept, written=5),
        both(lanes.add_collected, values, counts + 5, mean, totals, counts, written=3),
        both(lanes.turn, values, first, np.zeros((13, len(values))), written=2),
    ]:
        assert np.any(plain != 0.0)
        np.testing.assert_array_equal(plain, compiled)


def test_a_copy_with_bars_in_rows_is_the_transposed() -> None:
    values = returns()
    turned = np.zeros((13, len(values)))
    lanes.turn(values, 3, turned)
    np.testing.assert_array_equal(turned, values.T[3:16])


def test_what_finds_no_room_is_counted() -> None:
    counts, kept = np.zeros(2, dtype=np.int64), np.zeros((2, 3))
    lanes.collect(np.arange(12.0).reshape(6, 2), 0, 1.0, np.array([8.0, 3.0]), counts, kept)
    assert counts.tolist() == [5, 2]
    assert kept.tolist() == [[0.0, 2.0, 4.0], [1.0, 3.0, 0.0]]
