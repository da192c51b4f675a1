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
def next_moves(
    bar: int, advance: Any, numbers: Any, table: Any, stream: Any, masks: Any, words: Any,
    work: Any, bits: Any, state: Any, normals: Any, uniforms: Any, moves: Any, turns: int,
) -> None:  # fmt: skip
    """One bar of the model for all lanes; normals are drawn for `turns` bars at a time."""
    count = len(normals) // turns
    turn = bar % turns
    if turn == 0:
        draw_normals(stream, masks, words, work, bits, normals)
    draw_uniforms(stream, masks, words, uniforms)
    own = normals[turn * count : (turn + 1) * count]
    advance(bar, numbers, table, state, own, uniforms, moves)


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
        int64, read_only("float64", 1), read_only("float64", 2), rows, rows, rows, rows
    )


@cache
def advance_value(advance: Compiled[..., None]) -> Any:
    """A model's bar as an argument for the loops, compiled once."""
    return compiled_as(_advance_type)(advance.function).value


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
    """Keep every move, `[group, bar, row, lane]`, as simple returns if `simple` is 1."""
    for group in range(len(streams)):
        stream = streams[group]
        warm_up(stream, masks, words)
        clear(state)
        for bar in range(bar_count):
            next_moves(
                bar, advance, numbers, table, stream, masks, words, work, bits, state,
                normals, uniforms, moves, turns,
            )  # fmt: skip
            for row in range(len(moves)):
                own = kept[group, bar, row]
                move = moves[row]
                if simple == 1:
                    exp_lanes(move, work, bits, own)
                    for lane in range(len(own)):
                        own[lane] -= 1.0
                else:
                    for lane in range(len(own)):
                        own[lane] = move[lane]


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
        for bar in range(bar_count):
            next_moves(
                bar, advance, numbers, table, stream, masks, words, work, bits, state,
                normals, uniforms, moves, turns,
            )  # fmt: skip
            if len(held) == 0:
                follow(moves[0], outcome)
            else:
                grow(moves, holding, work, bits, masks, held)
                follow(held[0], outcome)
