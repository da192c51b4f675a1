"""Paths in groups of lanes: drawn and kept, or followed and let go."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fanfold.errors import ConfigError
from fanfold.simulation.elementary import LANES, WORK_ROWS, lane_masks
from fanfold.simulation.follow import HELD_ROWS, OUTCOMES
from fanfold.simulation.history import Floats
from fanfold.simulation.march import advance_value, follow_paths, keep_paths
from fanfold.simulation.randomness import new_streams

if TYPE_CHECKING:  # a model draws by what stands here
    from fanfold.simulation.model import Packed, PathModel

BARS_MAX = 1_000_000
"""Bars of one path."""

PATHS_MAX = 1_000_000_000
"""Paths of one run."""

SEED_MAX = 2**63 - 1

KEPT_BYTES_MAX = 4 * 2**30
"""Memory that drawn paths may take [bytes]."""

TURN_ROWS = 4
"""Normals of a path that are drawn at one time, or those of two bars where they are more."""

KEPT_CHUNK_BYTES = 32 * 2**20
"""Memory of the paths that are drawn at one time, before they are put in order [bytes]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scratch:
    """Arrays that one march of paths works in, for `turns` bars at a time; one for each thread."""

    masks: NDArray[np.uint64]
    words: NDArray[np.uint64]
    work: Floats
    bits: NDArray[np.uint64]
    state: Floats
    normals: Floats
    uniforms: Floats
    moves: Floats
    turns: int


def scratch_for(packed: "Packed", move_rows: int) -> Scratch:
    """Arrays for a model whose bar writes so many rows."""
    # Normals come in pairs, so an odd number of them is drawn for two bars at a time at least.
    turns = max(TURN_ROWS // max(packed.normal_count, packed.uniform_count), 2) // 2 * 2
    work = np.zeros((WORK_ROWS, LANES))
    return Scratch(
        masks=lane_masks(),
        words=np.zeros(LANES, np.uint64),
        work=work,
        bits=work.view(np.uint64),
        state=np.zeros((packed.state_count, LANES)),
        normals=np.zeros((packed.normal_count * turns, LANES)),
        uniforms=np.zeros((packed.uniform_count * turns, LANES)),
        moves=np.zeros((move_rows * turns, LANES)),
        turns=turns,
    )


def drawn_returns(
    model: "PathModel", *, bar_count: int, path_count: int, seed: int, first_path: int = 0
) -> Floats:
    """Simple returns of drawn paths, `[path, bar, asset]`; see `PathModel.draw`."""
    return _drawn(model, (bar_count, path_count, seed, first_path), model.asset_count, simple=1)


def drawn_moves(
    model: "PathModel", *, bar_count: int, path_count: int, seed: int, first_path: int = 0
) -> Floats:
    """Log returns, gaps and inner variances of drawn paths, `[path, bar, 3 * asset]`.

    The log returns are those of the same paths in `drawn_returns`.

    Raises:
        ConfigError: A count is not what it must be, or what would be kept is too large.
    """
    return _drawn(model, (bar_count, path_count, seed, first_path), 3 * model.asset_count, simple=0)


def check_counts(bar_count: object, path_count: object, seed: object, first_path: object) -> None:
    """Refuse what no run of paths can have.

    Raises:
        ConfigError: A count is no whole number, or not within its bounds.
    """
    _check("bar_count", bar_count, 1, BARS_MAX)
    _check("path_count", path_count, 1, PATHS_MAX)
    _check("seed", seed, 0, SEED_MAX)
    _check("first_path", first_path, 0, PATHS_MAX)


def _check(name: str, value: object, least: int, most: int) -> None:
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not whole or not least <= int(value) <= most:  # pyright: ignore[reportArgumentType]
        raise ConfigError(f"{name} must be a whole number from {least} to {most:,}, was {value!r}")


def _drawn(model: "PathModel", counts: tuple[int, int, int, int], rows: int, simple: int) -> Floats:
    check_counts(*counts)
    bar_count, path_count, seed, first_path = counts
    kept_bytes = path_count * bar_count * rows * 8
    if kept_bytes > KEPT_BYTES_MAX:
        raise ConfigError(
            f"paths that are kept must fit {KEPT_BYTES_MAX / 2**30:.0f} GiB, these take "
            f"{kept_bytes / 2**30:,.1f}; path_risk keeps none"
        )
    packed = model.packed()
    scratch = scratch_for(packed, rows)
    paths = np.empty((path_count, bar_count, rows))
    lanes = min(path_count, LANES)
    groups_each = max(KEPT_CHUNK_BYTES // (lanes * bar_count * rows * 8), 1)
    for start in range(0, path_count, groups_each * LANES):
        stop = min(start + groups_each * LANES, path_count)
        groups = -(-(stop - start) // LANES)
        kept = np.empty((groups, bar_count, rows, lanes))
        streams = new_streams(seed, first_path + start, groups, LANES)
        march: Any = keep_paths.machine
        march(bar_count, *_inputs(model, packed, streams, scratch), scratch.turns, simple, kept)
        in_order = np.moveaxis(kept, 3, 1).reshape(groups * lanes, bar_count, rows)
        paths[start:stop] = in_order[: stop - start]
    return paths


def followed(
    model: "PathModel",
    holding: Floats | None,
    *,
    bar_count: int,
    first_path: int,
    path_count: int,
    seed: int,
) -> Floats:
    """What became of consecutive paths, `[outcome, path]`; see `fanfold.simulation.follow`.

    Args:
        model: Where prices come from.
        holding: How the portfolio is held, or None for one asset, held.
        bar_count: Bars of a path.
        first_path: Number of the first path.
        path_count: Paths to follow.
        seed: Of the streams.
    """
    packed = model.packed()
    scratch = scratch_for(packed, model.asset_count)
    groups = -(-path_count // LANES)
    streams = new_streams(seed, first_path, groups, LANES)
    outcomes = np.empty((groups, OUTCOMES, LANES))
    held = np.empty((0 if holding is None else HELD_ROWS, LANES))
    march: Any = follow_paths.machine
    march(
        bar_count,
        *_inputs(model, packed, streams, scratch),
        scratch.turns,
        np.zeros(1) if holding is None else holding,
        held,
        outcomes,
    )
    return np.moveaxis(outcomes, 1, 0).reshape(OUTCOMES, groups * LANES)[:, :path_count]


def _inputs(
    model: "PathModel", packed: "Packed", streams: Any, scratch: Scratch
) -> tuple[Any, ...]:
    return (
        advance_value(type(model).advance),
        packed.numbers,
        packed.table,
        streams,
        scratch.masks,
        scratch.words,
        scratch.work,
        scratch.bits,
        scratch.state,
        scratch.normals,
        scratch.uniforms,
        scratch.moves,
    )
