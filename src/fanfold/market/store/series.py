"""The rows of one kind and symbol: their folder, and how their files are cut and named.

    bars/timeframe=1D/symbol=AAPL/all-000001-<digest>.parquet
    bars/timeframe=1min/symbol=AAPL/2023-000004-<digest>.parquet
    trades/symbol=IBM/2013-10-07-000001-<digest>.parquet

Folders are named as Hive does, so other tools find symbol and timeframe in them. A file
holds a span of time, so that adding a day rewrites a year of minutes and not all of them.
"""

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final
from urllib.parse import quote, unquote

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.timeframe import SESSION, WEEK
from fanfold.market.kinds import FORMS, TICKS

ALL: Final = "all"
"""The span of series that are one file."""

_FILE: Final = re.compile(r"(all|\d{4}(?:-\d\d){0,2})-(\d{6})-([0-9a-f]{24})\.parquet")
_DAY_NS: Final = 86_400_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Series:
    """Rows of one kind of one symbol.

    Attributes:
        kind: A key of `fanfold.market.kinds.FORMS`.
        symbol: Whose; of members the universe, of listings "".
        timeframe: Of bars; of quarantine and coverage what they belong to: a timeframe
            or the kind of the ticks.
    """

    kind: str
    symbol: str = ""
    timeframe: str = ""

    @property
    def folder(self) -> str:
        """Where its files are, relative to the store."""
        parts = [self.kind]
        if self.timeframe:
            parts.append(f"timeframe={quote(self.timeframe, safe='')}")
        if self.symbol:
            parts.append(f"symbol={quote(self.symbol, safe='')}")
        return "/".join(parts)

    def __str__(self) -> str:
        """For messages."""
        return " ".join(part for part in (self.kind, self.timeframe, self.symbol) if part)

    @classmethod
    def of(cls, folder: str) -> "Series | None":
        """The series of a folder; None if it is no such folder."""
        kind, *parts = folder.split("/")
        named: dict[str, str] = {}
        for part in parts:
            name, _, value = part.partition("=")
            named[name] = value
        if kind not in FORMS or not set(named) <= {"timeframe", "symbol"}:
            return None
        return cls(
            kind=kind,
            symbol=unquote(named.get("symbol", "")),
            timeframe=unquote(named.get("timeframe", "")),
        )

    @property
    def span_unit(self) -> str:
        """NumPy's unit of the time that one file holds: "Y", "M", "D", or "" for all."""
        if self.kind in TICKS:
            return "D"
        if self.kind != "bars" or self.timeframe in (SESSION, WEEK):
            return ""
        return "M" if self.timeframe.endswith("s") else "Y"

    def spans(self, low: int, high: int) -> list[tuple[int, int]]:
        """A period [ns UTC] in the parts that files hold."""
        unit = self.span_unit
        if not unit:
            return [(low, high)]
        first, last = (
            int(np.datetime64(one, "ns").astype(f"datetime64[{unit}]").astype(np.int64))
            for one in (low, high - 1)
        )
        later = np.arange(first + 1, last + 1).astype(f"datetime64[{unit}]")
        cuts: list[int] = later.astype("datetime64[ns]").astype(np.int64).tolist()
        return list(pairwise([low, *cuts, high]))


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class FileRef:
    """A file of a series.

    Attributes:
        span: What time it holds: "all", a year, a month or a day.
        generation: Rows of a later one stand over those of an earlier one.
        digest: Of its content.
        name: Relative to the store.
    """

    span: str
    generation: int
    digest: str
    name: str

    @classmethod
    def made(cls, series: Series, span: str, generation: int, digest: str) -> "FileRef":
        """The file that content of a digest goes to."""
        name = f"{series.folder}/{span}-{generation:06d}-{digest}.parquet"
        return cls(span=span, generation=generation, digest=digest, name=name)

    @classmethod
    def of(cls, name: str) -> "FileRef | None":
        """A file by its name; None if it is none of the store's."""
        found = _FILE.fullmatch(name.rpartition("/")[2])
        if found is None:
            return None
        return cls(span=found[1], generation=int(found[2]), digest=found[3], name=name)

    def within(self, start: int | None, end: int | None) -> bool:
        """Whether its span reaches into ``[start, end)`` [ns UTC]."""
        if self.span == ALL:
            return True
        first = np.datetime64(self.span)
        low, high = (
            int(day.astype("datetime64[D]").astype(np.int64)) for day in (first, first + 1)
        )
        return (end is None or low * _DAY_NS < end) and (start is None or high * _DAY_NS > start)


def cut(series: Series, table: Any, ts: NDArray[np.int64] | None) -> dict[str, Any]:
    """A sorted table by the spans of its files.

    Args:
        series: Whose.
        table: Arrow table, sorted by `ts`.
        ts: Its instants [ns UTC]; None where it has none.
    """
    unit = series.span_unit
    if not unit or ts is None:
        return {ALL: table}
    spans = ts.view("datetime64[ns]").astype(f"datetime64[{unit}]")
    named, first = np.unique(spans, return_index=True)
    ends = [*first[1:].tolist(), len(ts)][: len(named)]
    return {
        str(span): table.slice(start, end - start)
        for span, start, end in zip(named, first.tolist(), ends, strict=True)
    }
