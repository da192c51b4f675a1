"""A fleet's chunks cover a span once, and the last ones are small."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from fanfold.research.chunks import CHUNK_SECONDS, Pace
from fanfold.workflows.fleet import CHUNK_SHRINKAGE_MAX, Fleet


def fleet_of(processors: int) -> Fleet:
    fleet = Fleet(processors, None)
    fleet.processors = processors
    return fleet


@given(
    processors=st.integers(0, 5),
    size=st.integers(1, 300),
    size_max=st.integers(1, 400),
    start=st.integers(0, 9),
    count=st.integers(0, 2_000),
)
def test_chunks_follow_each_other_and_stay_within_their_size(
    processors: int, size: int, size_max: int, start: int, count: int
) -> None:
    pace = Pace(CHUNK_SECONDS / size)
    chunks = list(fleet_of(processors).cut(pace, start, start + count, size_max=size_max))
    assert [k for chunk in chunks for k in range(*chunk)] == list(range(start, start + count))
    assert all(0 < stop - at <= min(size, size_max) for at, stop in chunks)


def test_on_a_cluster_chunks_shrink_to_a_part_of_the_usual_one() -> None:
    pace = Pace(CHUNK_SECONDS / 80)
    sizes = [stop - at for at, stop in fleet_of(2).cut(pace, 0, 1_000, size_max=1_000)]
    assert sizes[0] == 80
    assert all(after <= before for before, after in pairwise(sizes))
    assert sizes[-2] == 80 // CHUNK_SHRINKAGE_MAX
