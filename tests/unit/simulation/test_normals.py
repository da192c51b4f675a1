"""Normals and uniforms of lanes, against their distributions and their formula."""

import numpy as np
import pytest
from scipy import stats

from fanfold.simulation.elementary import WORK_ROWS, lane_masks
from fanfold.simulation.normals import draw_normals, draw_uniforms
from fanfold.simulation.randomness import new_streams, next_words

LANES = 128
ROWS = 512


@pytest.fixture(scope="module")
def normals() -> np.ndarray:
    """`[row, lane]`."""
    work = np.zeros((WORK_ROWS, LANES))
    drawn = np.zeros((ROWS, LANES))
    draw_normals.machine(
        new_streams(11, 0, 1, LANES)[0], lane_masks(), np.zeros(LANES, np.uint64), work,
        work.view(np.uint64), drawn,
    )  # fmt: skip
    return drawn


def test_normals_are_normal(normals: np.ndarray) -> None:
    assert stats.kstest(normals.ravel(), "norm").pvalue > 0.001
    count = normals.size
    for power, moment, variance in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96), (6, 15, 10170)):
        error = np.mean(normals**power) - moment
        assert abs(error) < 4 * np.sqrt(variance / count), power


def test_both_normals_of_a_pair_are_independent(normals: np.ndarray) -> None:
    across, along = normals[0::2].ravel(), normals[1::2].ravel()
    bound = 4 / np.sqrt(len(across))
    assert abs(np.corrcoef(across, along)[0, 1]) < bound
    assert abs(np.corrcoef(across**2, along**2)[0, 1]) < bound
    assert abs(np.corrcoef(np.abs(across), along)[0, 1]) < bound


def test_lanes_and_rows_are_independent(normals: np.ndarray) -> None:
    bound = 5 / np.sqrt(ROWS)
    between = np.corrcoef(normals.T) - np.eye(LANES)
    assert np.abs(between).max() < bound
    following = normals[:-1] * normals[1:]
    assert abs(following.mean()) < 4 / np.sqrt(following.size)


def test_a_pair_is_a_radius_and_a_direction() -> None:
    stream = new_streams(2, 7, 1, LANES)[0]
    words = np.zeros(LANES, np.uint64)
    twin = stream.copy()
    next_words.machine(twin, lane_masks(), words)
    radius = np.sqrt(-2.0 * np.log(((words >> np.uint64(11)).astype(float) + 0.5) * 2.0**-53))
    work, pair = np.zeros((WORK_ROWS, LANES)), np.zeros((2, LANES))
    draw_normals.machine(stream, lane_masks(), words, work, work.view(np.uint64), pair)
    assert np.allclose(np.hypot(*pair), radius, rtol=1e-9, atol=0.0)
    angles = np.arctan2(pair[1], pair[0]) / (2 * np.pi) % 1.0
    assert stats.kstest(angles, "uniform").pvalue > 0.001


def test_plain_python_draws_the_same_bits() -> None:
    plain, machine = new_streams(4, 1, 1, 3)[0], new_streams(4, 1, 1, 3)[0]
    drawn = []
    with np.errstate(over="ignore"):
        for function, stream in ((draw_normals, plain), (draw_normals.machine, machine)):
            work, rows = np.zeros((WORK_ROWS, 3)), np.zeros((4, 3))
            function(stream, lane_masks(), np.zeros(3, np.uint64), work, work.view(np.uint64), rows)
            drawn.append(rows)
    assert (drawn[0] == drawn[1]).all()


def test_uniforms_are_uniform() -> None:
    drawn = np.zeros((ROWS, LANES))
    stream = new_streams(1, 0, 1, LANES)[0]
    draw_uniforms.machine(stream, lane_masks(), np.zeros(LANES, np.uint64), drawn)
    assert 0.0 <= drawn.min() < drawn.max() < 1.0
    assert stats.kstest(drawn.ravel(), "uniform").pvalue > 0.001
