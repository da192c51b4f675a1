"""Equity as it was seen, kept in the deployment's folder: a page that is opened late sees all.

A point is taken with each look and appended to a file. When there are too many, of each two
neighbours the deeper drawdown stays, so the worst that was seen is never thinned away.
"""

import logging
import os
from itertools import pairwise
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from fanfold.live.folder import write_durably
from fanfold.live.messages import UNREADABLE
from fanfold.serving.state import EquityCurve, State

FILE: Final = "equity.jsonl"
"""Name of the file in a deployment's folder."""

POINTS_MAX: Final = 8_192
"""Points that are kept; beyond it half of them go."""

FILE_BYTES_MAX: Final = 2 * POINTS_MAX * 80
"""Most of the file that is read again [bytes]."""

_log = logging.getLogger(__name__)


class Point(Struct, frozen=True, array_like=True):
    """Equity and drawdown at one instant of the venue's clock."""

    ts: int
    equity: float
    drawdown: float


_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(Point).decode


class Samples:
    """The series of one deployment.

    Args:
        place: Its folder.
    """

    def __init__(self, place: Path) -> None:
        self._file = place / FILE
        self._points = _read(self._file)
        self._is_whole = True

    @property
    def first(self) -> Point | None:
        """The oldest point."""
        return self._points[0] if self._points else None

    def note(self, state: State) -> None:
        """Take a point, where the equity is known and the market's clock has gone on."""
        money = state.money
        if money.equity is None or money.drawdown is None or state.clock <= 0:
            return
        if self._points and state.clock <= self._points[-1].ts:
            return
        point = Point(state.clock, money.equity, money.drawdown)
        self._points.append(point)
        try:
            if len(self._points) > POINTS_MAX:
                self._points = thinned(self._points, POINTS_MAX // 2)
                self._is_whole = False
            if self._is_whole:
                self._append(point)
            else:
                write_durably(self._file, b"".join(_encode(one) + b"\n" for one in self._points))
                self._is_whole = True
        except OSError as error:  # it is shown all the same, and written whole the next time
            self._is_whole = False
            _log.warning("the equity's samples could not be written: %s", error.strerror)

    def curve(self, points: int) -> EquityCurve:
        """The series in at most so many points."""
        shown = thinned(self._points, points)
        return EquityCurve(
            ts=[one.ts for one in shown],
            equity=[one.equity for one in shown],
            drawdown=[one.drawdown for one in shown],
        )

    def _append(self, point: Point) -> None:
        opened = os.open(self._file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(opened, _encode(point) + b"\n")
        finally:
            os.close(opened)


def thinned(points: list[Point], count: int) -> list[Point]:
    """At most so many of them: first and last, and of each stretch between the deepest."""
    if len(points) <= count:
        return list(points)
    if count <= 2:  # noqa: PLR2004  (first and last)
        return [points[0], points[-1]][-count:]
    inner, stretches = points[1:-1], count - 2
    edges = [place * len(inner) // stretches for place in range(stretches + 1)]
    deepest = [
        max(inner[begin:end], key=lambda one: one.drawdown)
        for begin, end in pairwise(edges)
        if end > begin
    ]
    return [points[0], *deepest, points[-1]]


def _read(file: Path) -> list[Point]:
    """What was kept, by rising instants; a line that was cut by a crash is left out."""
    try:
        with file.open("rb") as opened:
            opened.seek(max(opened.seek(0, os.SEEK_END) - FILE_BYTES_MAX, 0))
            lines = opened.read().split(b"\n")
    except OSError:
        return []
    by_ts: dict[int, Point] = {}
    for line in lines:
        try:
            point = _decode(line)
        except UNREADABLE:
            continue
        by_ts[point.ts] = point
    return [by_ts[ts] for ts in sorted(by_ts)]
