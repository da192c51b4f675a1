"""Paths by number: whatever is drawn with one, it is the same."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.both_ways import few

from fanfold.errors import ConfigError
from fanfold.simulation.elementary import LANES
from fanfold.simulation.follow import LEVEL
from fanfold.simulation.gbm import GBM
from fanfold.simulation.paths import drawn_moves, drawn_returns, followed

ONE = GBM(drift=0.0004, volatility=0.012)
THREE = GBM(drift=[0.001, 0.0, -0.002], volatility=[0.01, 0.02, 0.03], correlation=0.4)


@few
@given(
    first=st.integers(0, 3 * LANES), count=st.integers(1, LANES + 3), seed=st.integers(0, 2**63 - 1)
)
def test_a_path_is_the_same_whichever_others_are_drawn(first: int, count: int, seed: int) -> None:
    for model in (ONE, THREE):
        alone = drawn_returns(model, bar_count=3, path_count=count, seed=seed, first_path=first)
        among = drawn_returns(model, bar_count=3, path_count=first + count, seed=seed)
        assert (alone == among[first:]).all()


@few
@given(bars=st.integers(1, 9), more=st.integers(1, 9))
def test_a_longer_path_begins_as_the_shorter_one(bars: int, more: int) -> None:
    for model in (ONE, THREE):
        short = model.draw(bar_count=bars, path_count=5, seed=4)
        long = model.draw(bar_count=bars + more, path_count=5, seed=4)
        assert (long[:, :bars] == short).all()


def test_chunks_of_kept_paths_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = THREE.draw(bar_count=4, path_count=3 * LANES + 1, seed=2)
    monkeypatch.setattr("fanfold.simulation.paths.KEPT_CHUNK_BYTES", 1)
    assert (THREE.draw(bar_count=4, path_count=3 * LANES + 1, seed=2) == whole).all()


def test_seeds_give_other_paths() -> None:
    one, other = (ONE.draw(bar_count=50, path_count=200, seed=seed) for seed in (0, 1))
    assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 4 / np.sqrt(one.size)


def test_moves_are_the_logarithms_of_the_returns() -> None:
    moves = drawn_moves(THREE, bar_count=6, path_count=40, seed=8)
    returns = drawn_returns(THREE, bar_count=6, path_count=40, seed=8)
    assert moves.shape == (40, 6, 9)
    assert np.allclose(np.expm1(moves[:, :, :3]), returns, rtol=0.0, atol=1e-15)
    assert (moves[:, :, 3:6] == 0.0).all()
    assert np.allclose(moves[:, :, 6:], [1e-4, 4e-4, 9e-4], rtol=1e-12)


def test_paths_that_are_followed_are_those_that_are_drawn() -> None:
    logs = np.log1p(ONE.draw(bar_count=30, path_count=140, seed=6)[:, :, 0])
    found = followed(ONE, None, bar_count=30, first_path=0, path_count=140, seed=6)
    assert np.allclose(found[LEVEL], logs.sum(axis=1), rtol=0.0, atol=1e-14)
    late = followed(ONE, None, bar_count=30, first_path=100, path_count=40, seed=6)
    assert (late == found[:, 100:]).all()


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"path_count": 0}, "path_count must be a whole number from 1 to 1,000,000,000, was 0"),
        ({"path_count": 10**12}, "path_count must be a whole number from 1 to"),
        ({"path_count": 2.5}, "path_count must be a whole number from 1 to .*, was 2.5"),
        ({"bar_count": -3}, "bar_count must be a whole number from 1 to 1,000,000, was -3"),
        ({"bar_count": True}, "bar_count must be a whole number"),
        ({"seed": -1}, "seed must be a whole number from 0 to"),
        ({"seed": "x"}, "seed must be a whole number from 0 to .*, was 'x'"),
        ({"path_count": 10**8}, "paths that are kept must fit 4 GiB, these take 7.5"),
    ],
)
def test_counts_that_cannot_be_are_refused(asked: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        ONE.draw(**{"bar_count": 10, "path_count": 10, "seed": 0, **asked})
