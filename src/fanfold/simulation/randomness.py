"""Random words for paths, one stream each, which depend on (seed, path) alone.

Each path has a small fast generator of its own, SFC64, whose state is hashed from the
seed and the number of the path. So path 7 is the same in a run of ten paths and of ten
million, on any worker, whatever was drawn before it.

Source: Doty-Humphrey, PractRand (SFC64, the generator that NumPy ships under this name);
    Steele, Lea & Flood (2014), Fast Splittable Pseudorandom Number Generators, OOPSLA, for
    the hash.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.compiled import compiled

Words = NDArray[np.uint64]

STREAM_WORDS = 4
"""Words of a stream's state."""

WARM_UP_WORDS = 12
"""Words that a new stream throws away, until every bit of its start has spread."""

HASHED_WORDS = 3
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)


def new_streams(seed: int, first_path: int, groups: int, lanes: int) -> Words:
    """States of the streams of consecutive paths, not yet warmed up.

    Args:
        seed: Any whole number that is not negative.
        first_path: Number of the first path.
        groups: Groups of paths.
        lanes: Paths of a group.

    Returns:
        `[group, word, lane]`.
    """
    keys = np.random.SeedSequence(seed).generate_state(2, np.uint64)
    path = np.arange(first_path, first_path + groups * lanes, dtype=np.uint64)
    streams = np.empty((groups, STREAM_WORDS, lanes), np.uint64)
    for word in range(HASHED_WORDS):
        words = path * np.uint64(HASHED_WORDS) + np.uint64(word)
        words *= _GOLDEN
        words += keys[0]
        _scramble(words)
        words ^= keys[1]
        _scramble(words)
        streams[:, word] = words.reshape(groups, lanes)
    streams[:, HASHED_WORDS] = 1
    return streams


def _scramble(words: Words) -> None:
    shifted = words >> np.uint64(30)
    words ^= shifted
    words *= _MIX_1
    words ^= np.right_shift(words, np.uint64(27), out=shifted)
    words *= _MIX_2
    words ^= np.right_shift(words, np.uint64(31), out=shifted)


@compiled
def next_words(stream: Any, masks: Any, words: Any) -> None:
    """The next word of every lane's stream."""
    first, second, third, counts = stream[0], stream[1], stream[2], stream[3]
    for lane in range(len(words)):
        a = first[lane]
        b = second[lane]
        c = third[lane]
        count = counts[lane]
        word = a + b + count
        counts[lane] = count + masks[3]
        first[lane] = b ^ (b >> 11)
        second[lane] = c + (c << 3)
        third[lane] = ((c << 24) | (c >> 40)) + word
        words[lane] = word


@compiled
def warm_up(stream: Any, masks: Any, words: Any) -> None:
    """Start every lane's stream."""
    for _ in range(WARM_UP_WORDS):
        next_words(stream, masks, words)
