"""Streams of random words: NumPy's own generator, one for each path."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.both_ways import few

from fanfold.simulation.elementary import lane_masks
from fanfold.simulation.randomness import STREAM_WORDS, new_streams, next_words, warm_up

LANES = 4


def words_of(seed: int, first_path: int, count: int) -> np.ndarray:
    """`count` words of each of a few paths, `[word, lane]`."""
    stream = new_streams(seed, first_path, 1, LANES)[0]
    words = np.zeros(LANES, np.uint64)
    drawn = []
    with np.errstate(over="ignore"):  # plain scalars of NumPy warn where words wrap around
        warm_up(stream, lane_masks(), words)
        for _ in range(count):
            next_words(stream, lane_masks(), words)
            drawn.append(words.copy())
    return np.array(drawn)


@few
@given(seed=st.integers(0, 2**63 - 1), path=st.integers(0, 10**9))
def test_a_stream_is_the_sfc64_of_numpy(seed: int, path: int) -> None:
    theirs = np.random.SFC64()
    start = new_streams(seed, path, 1, LANES)[0]
    state = theirs.state
    for lane in range(LANES):
        state["state"]["state"] = start[:, lane]
        theirs.state = state
        theirs.random_raw(12)
        assert (words_of(seed, path, 5)[:, lane] == theirs.random_raw(5)).all()


@few
@given(seed=st.integers(0, 2**63 - 1), first=st.integers(0, 1000), skipped=st.integers(0, 50))
def test_a_path_has_the_same_stream_whichever_others_are_drawn(
    seed: int, first: int, skipped: int
) -> None:
    many = new_streams(seed, first, 60, LANES)
    few_of_them = new_streams(seed, first + skipped * LANES, 1, LANES)
    assert (many[skipped] == few_of_them[0]).all()


def test_all_paths_of_all_seeds_start_apart() -> None:
    starts = np.concatenate(
        [
            new_streams(seed, 0, 250, LANES)[:, :3].swapaxes(0, 1).reshape(3, -1)
            for seed in range(8)
        ],
        axis=1,
    )
    assert len(np.unique(starts[0])) == starts.shape[1]
    assert len(np.unique(starts.reshape(-1))) == starts.size


def test_bits_of_neighbouring_paths_differ_in_half_of_all_places() -> None:
    words = words_of(seed=5, first_path=0, count=2000)
    differing = np.unpackbits((words[:, 0] ^ words[:, 1]).view(np.uint8)).mean()
    assert abs(differing - 0.5) < 4 * 0.5 / np.sqrt(2000 * 64)


def test_machine_code_draws_the_same_words() -> None:
    plain = new_streams(3, 9, 1, LANES)[0]
    machine = plain.copy()
    words, fast = np.zeros(LANES, np.uint64), np.zeros(LANES, np.uint64)
    with np.errstate(over="ignore"):
        warm_up(plain, lane_masks(), words)
    warm_up.machine(machine, lane_masks(), fast)
    assert plain.shape == (STREAM_WORDS, LANES)
    assert (plain == machine).all()
    assert (words == fast).all()
