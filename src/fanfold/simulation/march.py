"""Many paths, bar by bar: the loops behind what is drawn and what is only followed.

Both take their moves from one function, so a path that is kept and a path that is only
measured are the same path.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

from fanfold.domain.compiled import Compiled, compiled, compiled_as
from fanfold.domain.panel import read_only
from fanfold.simulation.elementary import exp_lanes
from fanfold.simulation.follow import begin_following, follow, grow
from fanfold.simulation.normals import draw_normals, draw_uniforms
from fanfold.simulation.randomness import warm_up

Advance = Callable[..., None]


@compiled
def next_bars(
    bar: int, bars: int, advance: Any, numbers: Any, table: Any, stream: Any, masks: Any,
    words: Any, work: Any, bits: Any, state: Any, normals: Any, uniforms: Any, moves: Any,
) -> None:  # fmt: skip
    """A few bars of the model for all lanes, one below the other in `moves`."""
    draw_normals(stream, masks, words, work, bits, normals)
    draw_uniforms(stream, masks, words, uniforms)
    advance(bar, bars, numbers, table, state, normals, uniforms, moves)


@compiled
def clear(rows: Any) -> None:
    """Set all rows to 0."""
    for row in range(len(rows)):
        own = rows[row]
        for lane in range(len(own)):
            own[lane] = 0.0


def _advance_type() -> Any:
    from numba import float64, int64, types

    rows = float64[:, ::1]
    return types.void(
        int64, int64, read_only("float64", 1), read_only("float64", 2), rows, rows, rows, rows
    )


@cache
def advance_value(advance: Compiled[..., None]) -> Any:
    """A few bars of a model as an argument for the loops, compiled once.

    A call through a value costs as much as a fifth of a bar, hence several bars at a time.
    """

    @compiled_as(_advance_type)
    def advance_bars(
        bar: int, bars: int, numbers: Any, table: Any, state: Any, normals: Any, uniforms: Any,
        moves: Any,
    ) -> None:  # fmt: skip
        n = len(normals) // bars
        u = len(uniforms) // bars
        m = len(moves) // bars
        for k in range(bars):
            advance(
                bar + k, numbers, table, state, normals[k * n : (k + 1) * n],
                uniforms[k * u : (k + 1) * u], moves[k * m : (k + 1) * m],
            )  # fmt: skip

    return advance_bars.value


@compiled
def keep(turn: int, moves: Any, work: Any, bits: Any, simple: int, kept: Any) -> None:
    """Keep the moves of one of the bars; there are as many rows of it as in `kept`."""
    for row in range(len(kept)):
        own = kept[row]
        move = moves[turn * len(kept) + row]
        less = 0.0
        if simple == 1:
            exp_lanes(move, work, bits, move)
            less = 1.0
        for lane in range(len(own)):
            own[lane] = move[lane] - less


def _type_of_keep() -> Any:
    from numba import float64, int64, types, uint64

    return types.void(
        int64, types.FunctionType(_advance_type()), read_only("float64", 1),
        read_only("float64", 2), uint64[:, :, ::1], read_only("uint64", 1), uint64[::1],
        float64[:, ::1], uint64[:, ::1], float64[:, ::1], float64[:, ::1], float64[:, ::1],
        float64[:, ::1], int64, int64, float64[:, :, :, ::1],
    )  # fmt: skip


@compiled_as(_type_of_keep)
def keep_paths(
    bar_count: int, advance: Any, numbers: Any, table: Any, streams: Any, masks: Any,
    words: Any, work: Any, bits: Any, state: Any, normals: Any, uniforms: Any, moves: Any,
    turns: int, simple: int, kept: Any,
) -> None:  # fmt: skip
    """Keep every move, `[group, bar, row, lane]`, as simple returns if `simple` is 1.

    `kept` may have fewer lanes than are computed: the others are let go.
    """
    for group in range(len(streams)):
        stream = streams[group]
        warm_up(stream, masks, words)
        clear(state)
        for first in range(0, bar_count, turns):
            next_bars(
                first, turns, advance, numbers, table, stream, masks, words, work, bits, state,
                normals, uniforms, moves,
            )  # fmt: skip
            for bar in range(first, min(first + turns, bar_count)):
                keep(bar - first, moves, work, bits, simple, kept[group, bar])


def _type_of_follow() -> Any:
    from numba import float64, int64, types, uint64

    return types.void(
        int64, types.FunctionType(_advance_type()), read_only("float64", 1),
        read_only("float64", 2), uint64[:, :, ::1], read_only("uint64", 1), uint64[::1],
        float64[:, ::1], uint64[:, ::1], float64[:, ::1], float64[:, ::1], float64[:, ::1],
        float64[:, ::1], int64, read_only("float64", 1), float64[:, ::1], float64[:, :, ::1],
    )  # fmt: skip


@compiled_as(_type_of_follow)
def follow_paths(
    bar_count: int, advance: Any, numbers: Any, table: Any, streams: Any, masks: Any,
    words: Any, work: Any, bits: Any, state: Any, normals: Any, uniforms: Any, moves: Any,
    turns: int, holding: Any, held: Any, outcomes: Any,
) -> None:  # fmt: skip
    """Follow what a portfolio becomes on every path; `outcomes` is `[group, outcome, lane]`."""
    for group in range(len(streams)):
        stream = streams[group]
        warm_up(stream, masks, words)
        clear(state)
        outcome = outcomes[group]
        begin_following(holding, held, outcome)
        for first in range(0, bar_count, turns):
            next_bars(
                first, turns, advance, numbers, table, stream, masks, words, work, bits, state,
                normals, uniforms, moves,
            )  # fmt: skip
            assets = len(moves) // turns
            for turn in range(min(turns, bar_count - first)):
                if len(held) == 0:
                    follow(moves[turn], outcome)
                else:
                    own = moves[turn * assets : (turn + 1) * assets]
                    grow(own, holding, work, bits, masks, held)
                    follow(held[0], outcome)
