"""Blocks of a history: where they begin, how long they are, what they keep."""

import math
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from fanfold.errors import ConfigError, DataError
from fanfold.simulation import bootstrap
from fanfold.simulation.bootstrap import BlockBootstrap, Blocks, advance_bootstrap
from fanfold.simulation.paths import drawn_moves, drawn_returns

KINDS: tuple[Blocks, ...] = ("stationary", "circular", "moving")
HISTORY = np.random.default_rng(1).normal(0.0, 0.01, (50, 2))


def returns_of(folder: Path, symbol: str) -> NDArray[np.float64]:
    return pd.read_parquet(folder / "oracles_data" / f"returns_{symbol}.parquet")["ret"].to_numpy()


@pytest.mark.parametrize("symbol", ["SPY", "IBM", "archsp500"])
def test_automatic_lengths_are_those_of_politis_and_white(
    symbol: str, oracle: Callable[[str], Any], reference_data: Path
) -> None:
    expected = oracle(f"politis_white_{symbol}")
    if symbol == "archsp500":
        from arch.data import sp500

        returns = sp500.load()["Adj Close"].pct_change().dropna().to_numpy()
    else:
        returns = returns_of(reference_data, symbol)
    of_returns = BlockBootstrap.fit(returns)
    assert of_returns.block_bars == pytest.approx(expected["r"]["stationary"], abs=1e-8)
    of_absolute = BlockBootstrap.fit(returns, of="absolute")
    assert of_absolute.block_bars == pytest.approx(expected["abs"]["stationary"], abs=1e-8)
    for kind in ("circular", "moving"):
        whole = BlockBootstrap.fit(returns, kind=kind).block_bars
        assert whole == round(expected["r"]["circular"])


@pytest.mark.parametrize("block_bars", [1, 5, 20, 60])
@pytest.mark.parametrize("kind", KINDS)
def test_clusters_are_kept_as_by_arch(
    kind: Blocks, block_bars: int, oracle: Callable[[str], Any], reference_data: Path
) -> None:
    name = {"circular": "CircularBlock", "moving": "MovingBlock"}.get(kind, "Stationary")
    expected = oracle("block_bootstrap_acf_SPY")[f"{name}Bootstrap_{block_bars}"]
    returns = returns_of(reference_data, "SPY")
    model = BlockBootstrap(history=returns, kind=kind, block_bars=block_bars)
    sizes = np.abs(model.draw(bar_count=len(returns), path_count=300, seed=2)[:, :, 0])
    apart = sizes - sizes.mean(axis=1, keepdims=True)
    for lag in (1, 5, 10):
        found = (apart[:, lag:] * apart[:, :-lag]).sum(axis=1) / (apart**2).sum(axis=1)
        joint = math.hypot(expected["se"][str(lag)], found.std() / math.sqrt(300))
        assert abs(found.mean() - expected["mean"][str(lag)]) < 4 * joint


@given(st.sampled_from(KINDS), st.integers(2, 40), st.data())
def test_paths_are_blocks_of_the_history(kind: Blocks, bars: int, data: st.DataObject) -> None:
    block = data.draw(st.integers(1, bars))
    history = np.random.default_rng(bars).normal(size=(bars, 2)) * 0.01
    model = BlockBootstrap(history=history, kind=kind, block_bars=block)
    drawn = {"bar_count": 60, "path_count": 3, "seed": data.draw(st.integers(0, 2**63 - 1))}
    positions = model.draw_bars(**drawn)
    assert positions.min() >= 0
    assert positions.max() < bars
    assert np.array_equal(model.draw(**drawn), history[positions])
    after = (positions[:, :-1] + 1) % bars
    goes_on = positions[:, 1:] == after
    if kind != "stationary":
        inside = np.arange(1, 60) % block != 0
        assert goes_on[:, inside].all()
    if kind == "moving":
        assert positions[:, ::block].max() <= bars - block


def test_returns_that_are_kept_are_those_that_are_followed() -> None:
    model = BlockBootstrap(history=HISTORY, block_bars=4)
    counts = {"bar_count": 40, "path_count": 9, "seed": 3}
    drawn = model.draw(**counts)
    assert np.allclose(drawn_returns(model, **counts), drawn, rtol=0, atol=1e-15)
    moves = drawn_moves(model, **counts)
    assert np.array_equal(moves[:, :, :2], np.log1p(HISTORY)[model.draw_bars(**counts)])
    assert not moves[:, :, 2:].any()


@pytest.mark.parametrize("kind", ["stationary", "circular"])
def test_blocks_that_wrap_draw_every_bar_as_often(kind: Blocks) -> None:
    model = BlockBootstrap(history=HISTORY, kind=kind, block_bars=7)
    for bar in (0, 6, 7, 30):  # bars of one path depend on each other, those of many do not
        positions = model.draw_bars(bar_count=31, path_count=20_000, seed=4)[:, bar]
        assert stats.chisquare(np.bincount(positions, minlength=50)).pvalue > 1e-4


def test_moving_blocks_draw_the_ends_less_often() -> None:
    block, bars, paths = 7, 50, 20_000
    model = BlockBootstrap(history=HISTORY, kind="moving", block_bars=block)
    positions = model.draw_bars(bar_count=block, path_count=paths, seed=5)
    for bar in range(block):
        inside = np.bincount(positions[:, bar], minlength=bars)[bar : bars - block + 1 + bar]
        assert inside.sum() == paths
        assert stats.chisquare(inside).pvalue > 1e-4
    ends = np.minimum(np.arange(1, bars + 1), np.arange(bars, 0, -1))
    share = np.minimum(ends, block) / (block * (bars - block + 1))
    found = np.bincount(positions.ravel(), minlength=bars) / positions.size
    # Positions of one block are one draw, so the error is at most that of `paths` draws.
    assert np.all(np.abs(found - share) < 4 * np.sqrt(share / paths))


@pytest.mark.parametrize("block_bars", [1.0, 1.5, 6.0, 40.0])
def test_stationary_blocks_have_geometric_lengths(block_bars: float) -> None:
    bars = 5_000
    history = np.random.default_rng(2).normal(size=bars) * 0.01
    model = BlockBootstrap(history=history, block_bars=block_bars)
    positions = model.draw_bars(bar_count=2_000, path_count=50, seed=6)
    ends = np.diff(positions, axis=1) % bars != 1
    share = (1.0 / block_bars) * (1.0 - 1.0 / bars)  # a new block may happen to go on
    assert abs(ends.mean() - share) < 4 * math.sqrt(share * (1.0 - share) / ends.size) + 1e-12
    if block_bars == 6.0:
        lengths = np.concatenate([np.diff(np.flatnonzero(path)) for path in ends])
        counts = np.bincount(np.minimum(lengths, 20), minlength=21)[1:]
        expected = share * (1.0 - share) ** np.arange(20)
        expected[-1] = (1.0 - share) ** 19
        assert stats.chisquare(counts, expected * counts.sum()).pvalue > 1e-4


def test_assets_keep_their_joint_bars_and_so_their_correlation() -> None:
    rng = np.random.default_rng(7)
    first = rng.normal(size=300) * 0.01
    history = np.column_stack([first, 0.7 * first + 0.01 * rng.normal(size=300)])
    model = BlockBootstrap(history=history, block_bars=10)
    paths = model.draw(bar_count=50, path_count=2_000, seed=8)
    products = np.prod(paths - history.mean(axis=0), axis=2).mean(axis=1)
    expected = np.cov(history.T, ddof=0)[0, 1]
    assert abs(products.mean() - expected) < 4 * products.std() / math.sqrt(len(products))
    assert np.isin(paths[:, :, 0], first).all()


@pytest.mark.parametrize("kind", KINDS)
def test_a_bar_is_what_a_plain_reading_of_it_says(kind: Blocks) -> None:
    model = BlockBootstrap(history=HISTORY, kind=kind, block_bars=4)
    packed, lanes = model.packed(), 8
    rng = np.random.default_rng(9)
    state, compiled_state = np.zeros((1, lanes)), np.zeros((1, lanes))
    starts = 47 if kind == "moving" else 50
    position = np.zeros(lanes, int)
    for bar in range(12):
        uniforms = rng.random((1, lanes))
        uniforms[0, :2] = 0.0, 1.0 - 2.0**-53
        chance = (1.0 if bar == 0 else 0.25) if kind == "stationary" else float(bar % 4 == 0)
        for lane, u in enumerate(uniforms[0]):
            again = u < chance
            position[lane] = int(u / chance * starts) if again else (position[lane] + 1) % 50
        moves, compiled_moves = np.empty((6, lanes)), np.empty((6, lanes))
        given_ = (bar, packed.numbers, packed.table)
        none = np.empty((0, lanes))
        advance_bootstrap(*given_, state, none, uniforms, moves)
        advance_bootstrap.machine(*given_, compiled_state, none, uniforms, compiled_moves)
        assert np.array_equal(state[0], position)
        assert np.array_equal(moves[:2], np.log1p(HISTORY)[position].T)
        assert not moves[2:].any()
        assert np.array_equal(moves, compiled_moves)
        assert np.array_equal(state, compiled_state)


def test_a_path_is_the_same_whatever_is_drawn_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    model = BlockBootstrap(history=HISTORY, block_bars=4)
    whole = model.draw_bars(bar_count=20, path_count=300, seed=1)
    assert np.array_equal(
        model.draw_bars(bar_count=20, path_count=1, seed=1, first_path=299)[0], whole[-1]
    )
    monkeypatch.setattr(bootstrap, "KEPT_CHUNK_BYTES", 1)
    assert np.array_equal(model.draw_bars(bar_count=20, path_count=300, seed=1), whole)
    assert not np.array_equal(model.draw_bars(bar_count=20, path_count=300, seed=2), whole)


def test_models_of_equal_histories_are_equal() -> None:
    model = BlockBootstrap(history=HISTORY, block_bars=4)
    same = BlockBootstrap(history=HISTORY.tolist(), block_bars=4.0)
    assert model == same
    assert hash(model) == hash(same)
    moved = HISTORY.copy()
    moved[3, 1] = np.nextafter(moved[3, 1], 1.0)
    assert model != BlockBootstrap(history=moved, block_bars=4)
    assert model != BlockBootstrap(history=HISTORY.reshape(100, 1), block_bars=4)
    assert model != replace(model, block_bars=5)
    assert replace(model, kind="moving") == BlockBootstrap(
        history=HISTORY, kind="moving", block_bars=4
    )


def test_a_history_cannot_be_written_to_and_travels_so() -> None:
    own = HISTORY.copy()
    model = BlockBootstrap(history=own, block_bars=4)
    own[:] = 0.5  # the caller's array stays the caller's
    assert np.array_equal(model.history, HISTORY)
    arrived = pickle.loads(pickle.dumps(model))  # noqa: S301  (its own)
    assert arrived == model
    for one in (model, arrived):
        with pytest.raises(ValueError, match="read-only"):
            one.history[0, 0] = 0.0


def test_of_several_assets_the_longest_length_counts() -> None:
    rng = np.random.default_rng(3)
    slow = np.convolve(rng.normal(size=1_020), np.ones(20), "full")[20:1_020] * 0.001
    fast = rng.normal(size=1_000) * 0.01
    together = BlockBootstrap.fit(np.column_stack([fast, slow])).block_bars
    assert together == BlockBootstrap.fit(slow).block_bars
    assert together > 3 * BlockBootstrap.fit(fast).block_bars


def test_equal_sizes_have_a_length_all_the_same() -> None:
    toggled = np.where(np.random.default_rng(0).random(100) < 0.5, 0.25, -0.25)
    assert 1.0 <= BlockBootstrap.fit(toggled, of="absolute").block_bars <= 100.0


def test_one_block_as_long_as_the_history_is_the_history() -> None:
    model = BlockBootstrap(history=[0.01, 0.02], kind="moving", block_bars=2)
    assert model.draw_bars(bar_count=5, path_count=2).tolist() == [[0, 1, 0, 1, 0]] * 2


@pytest.mark.parametrize(
    "block_bars", [0, 0.99, -1, 51, 1e300, 10**400, math.nan, math.inf, "long", None]
)
@pytest.mark.parametrize("kind", KINDS)
def test_lengths_that_no_block_can_have_are_refused(kind: Blocks, block_bars: Any) -> None:
    with pytest.raises(ConfigError, match="block_bars must be 1 to 50, the bars of the history"):
        BlockBootstrap(history=HISTORY, kind=kind, block_bars=block_bars)


def test_bad_input_is_named() -> None:
    kind: Any = "statoinary"
    with pytest.raises(ConfigError, match="kind must be one of stationary, circular, moving, was"):
        BlockBootstrap(history=HISTORY, kind=kind, block_bars=4)
    with pytest.raises(ConfigError, match="kind must be one of"):
        BlockBootstrap.fit(HISTORY, kind=kind)
    of: Any = "squares"
    with pytest.raises(ConfigError, match="of must be one of returns, absolute, was 'squares'"):
        BlockBootstrap.fit(HISTORY, of=of)
    with pytest.raises(ConfigError, match=r"moving blocks must be whole, was 1\.5"):
        BlockBootstrap(history=HISTORY, kind="moving", block_bars=1.5)
    with pytest.raises(DataError, match="at least 30 bars for an automatic block length, had 29"):
        BlockBootstrap.fit(HISTORY[:29])
    with pytest.raises(DataError, match="returns must vary"):
        BlockBootstrap.fit(np.full(50, 0.01))
    with pytest.raises(DataError, match="at most 500 assets, had 501"):
        BlockBootstrap(history=HISTORY.repeat(251, axis=1)[:, :501], block_bars=4)


def test_what_does_not_fit_memory_is_refused() -> None:
    model = BlockBootstrap(history=HISTORY, block_bars=4)
    with pytest.raises(ConfigError, match="path_count must be a whole number"):
        model.draw(bar_count=5, path_count=0)
    with pytest.raises(ConfigError, match="must fit 4 GiB"):
        model.draw_bars(bar_count=1_000_000, path_count=1_000)
    with pytest.raises(ConfigError, match="must fit 4 GiB"):
        model.draw(bar_count=1_000_000, path_count=300)
