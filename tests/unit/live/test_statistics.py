"""Latencies are counts in buckets; what a summary says of them is exact at its bounds."""

import bisect

from hypothesis import given
from hypothesis import strategies as st

from fanfold.live.statistics import BOUNDS_NS, Latency


def summary_of(times: list[int]) -> dict[str, int]:
    latency = Latency()
    for ns in times:
        latency.record(ns)
    return latency.summary()


@given(st.lists(st.integers(0, 1 << 33), min_size=1, max_size=40))
def test_each_bound_has_as_many_times_as_are_below_it(times: list[int]) -> None:
    summary = summary_of(times)
    ordered = sorted(times)
    known = 0
    for bound in BOUNDS_NS:
        known = summary.get(f"le_{bound}", known)
        assert known == bisect.bisect_left(ordered, bound)


@given(st.lists(st.integers(0, 1 << 33), min_size=1, max_size=40))
def test_the_sum_is_that_of_the_times_within_a_bucket(times: list[int]) -> None:
    # A bucket is 1/32 of its times wide, and its upper end stands for all of it.
    assert sum(times) <= summary_of(times)["sum"] <= sum(times) * (1 + 1 / 32)


def test_bounds_that_say_nothing_new_are_left_out() -> None:
    summary = summary_of([3_000, 5_000])
    assert [name for name in summary if name.startswith("le_")] == ["le_4096", "le_8192"]


def test_no_time_has_no_bounds() -> None:
    assert summary_of([]) == {"count": 0, "p50": 0, "p99": 0, "p999": 0, "max": 0, "sum": 0}
