"""A store of market data that many machines read and several may write.

Files are never changed. A writer adds a file with the rows of its span, old and new
together, and then removes those it has read; the state of a span is the union of its
files, rows of later generations standing over earlier ones. So a reader sees rows before
a write or after it, a writer killed in between leaves more files and no other rows, and
of two writers that know nothing of each other neither loses what the other wrote.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from fanfold.domain.names import nearest_hint
from fanfold.errors import DataError
from fanfold.market.columns import arrow
from fanfold.market.kinds import FORMS, schema_of
from fanfold.market.store.files import FORMAT, encoded, read_footer, read_rows
from fanfold.market.store.place import Place
from fanfold.market.store.rows import Change, checked, digest_of, merged, numbers
from fanfold.market.store.series import FileRef, Series, cut

PAGE: Final = "store.json"
"""The file that makes a folder a store."""

T = TypeVar("T")

_READS_MAX: Final = 20
"""Times that a reader lists a series again after a writer replaced its files [times]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesInfo:
    """What a store holds of a series.

    Attributes:
        series: Which.
        row_count: Rows.
        first: Least `ts` [ns UTC]; None for kinds without.
        last: Greatest `ts`.
        labels: What its rows are: source, feed, basis, calendar.
        fingerprint: SHA-256 over its content, the same whoever wrote it in whatever order.
        bytes: Size of its files.
    """

    series: Series
    row_count: int
    first: int | None
    last: int | None
    labels: dict[str, str]
    fingerprint: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Store:
    """Series of rows in a folder, locally or in an object store.

    Attributes:
        place: Where it is.
    """

    place: Place

    @classmethod
    def at(cls, where: "str | Path | Place") -> "Store":
        """The store in a folder, or at a URL such as s3://bucket/folder.

        Nothing is made before the first write.

        Raises:
            ConfigError: The URL cannot be understood.
        """
        return cls(Place.of(where))

    @property
    def name(self) -> str:
        """What it is called in messages."""
        return self.place.text

    @property
    def exists(self) -> bool:
        """Whether there is a store.

        Raises:
            DataError: There is one of another format, or it cannot be read.
        """
        try:
            with self.place.open(PAGE) as file:
                content = file.read()
        except FileNotFoundError:
            return False
        try:
            found = json.loads(bytes(content)).get("format")
        except (ValueError, AttributeError) as error:
            raise DataError(f"{self.place.named(PAGE)} must be a store's page: {error}") from error
        if found != FORMAT:
            raise DataError(
                f"{self.place.named(PAGE)} must say format {FORMAT}, was {found}: "
                "ingest into a new folder"
            )
        return True

    def upsert(
        self,
        series: Series,
        table: Any,
        *,
        labels: Mapping[str, str] | None = None,
        replace: bool = False,
    ) -> Change:
        """Add rows, and replace those of the same key. Doing it again changes no byte.

        Args:
            series: Whose rows.
            table: Arrow table in the form of the series' kind, in any order.
            labels: What the rows are; all rows of a series share them.
            replace: Whether to forget what is there.

        Raises:
            DataError: The rows have another form, a key twice, or other labels than those
                stored; or the store cannot be written to.
        """
        table = checked(series.kind, table, f"{series} for {self.name}")
        labels = dict(labels or {})
        if not table.num_rows and not replace:
            return Change()
        if not self.exists:
            self.place.write(PAGE, json.dumps({"format": FORMAT}).encode())
        ts = numbers(table, "ts") if series.span_unit else None
        change = Change()
        with self.place.writing(series.folder):
            stored = self._files(series)
            if stored and not replace:
                self._check_labels(series, stored[-1], labels)
            parts = cut(series, table, ts)
            for span, part in parts.items():
                there = [one for one in stored if one.span == span]
                change += self._upsert_span(series, span, there, part, labels, replace=replace)
            if replace:
                for one in stored:
                    if one.span not in parts:
                        self.place.remove(one.name)
        return change

    def read(
        self,
        series: Series,
        start: int | None = None,
        end: int | None = None,
        columns: list[str] | None = None,
    ) -> Any:
        """Rows of a series within ``[start, end)``, sorted by key.

        Args:
            series: Whose.
            start: Least `ts`, included [ns UTC].
            end: Greatest `ts`, excluded [ns UTC].
            columns: Which, as far as they are there; all if left out.

        Returns:
            Arrow table; without a row if there is none in the range.

        Raises:
            DataError: The series is not there, or a file is damaged.
        """
        return self._steadily(series, lambda refs: self._read(series, refs, start, end, columns))

    def labels(self, series: Series) -> dict[str, str]:
        """What the rows of a series are.

        Raises:
            DataError: The series is not there, or a file is damaged.
        """
        return self._steadily(series, lambda refs: read_footer(self.place, refs[-1].name).labels)

    def has(self, series: Series) -> bool:
        """Whether there are rows of a series."""
        return bool(self._files(series))

    def symbols(self, kind: str, timeframe: str = "") -> tuple[str, ...]:
        """Symbols of a kind and timeframe, sorted."""
        return tuple(
            sorted(
                one.symbol
                for one in self._grouped(kind)
                if one.timeframe == timeframe or not timeframe
            )
        )

    def series(self, kind: str | None = None) -> tuple[Series, ...]:
        """Which series there are, sorted; their files are not opened."""
        return tuple(sorted(self._grouped(kind)))

    def info(self, series: Series) -> SeriesInfo:
        """What there is of a series; its rows are not read.

        Raises:
            DataError: The series is not there, or a file is damaged.
        """
        return self._steadily(series, lambda refs: self._info(series, refs))

    def list(self, kind: str | None = None) -> tuple[SeriesInfo, ...]:
        """What there is, by kind, symbol and timeframe.

        Args:
            kind: Only this one.

        Raises:
            DataError: A file is damaged.
        """
        found: list[SeriesInfo] = []
        for series in self.series(kind):
            try:
                found.append(self.info(series))
            except DataError:
                if self.has(series):  # else somebody removed it meanwhile
                    raise
        return tuple(found)

    def remove(self, series: Series) -> None:
        """Forget a series."""
        with self.place.writing(series.folder):
            for one in self._files(series):
                self.place.remove(one.name)

    def missing(self, series: Series) -> DataError:
        """The error that says that a series is not there, and what may have been meant."""
        if not self.exists:
            return DataError(f"{self.name} must be a store, there is no {PAGE} in it")
        same = list(self.series(series.kind))
        names = sorted({one.symbol for one in same if one.timeframe == series.timeframe})
        if series.symbol in {one.symbol for one in same}:
            frames = ", ".join(one.timeframe for one in same if one.symbol == series.symbol)
            return DataError(f"{self.name} must hold {series}, of {series.symbol} it has {frames}")
        hint = nearest_hint(series.symbol, names)
        return DataError(f"{self.name} must hold {series}; it has {len(names)} such symbols{hint}")

    def _files(self, series: Series) -> "list[FileRef]":
        return self._refs(self.place.files(series.folder))

    def _refs(self, names: "list[str]") -> "list[FileRef]":
        """Files of one series, by span and generation."""
        refs: list[FileRef] = []
        for name in names:
            ref = FileRef.of(name)
            if ref is None:
                raise DataError(
                    f"{self.place.named(name)} must be a file that this store wrote; move what is "
                    "not out of it"
                )
            refs.append(ref)
        return sorted(refs)

    def _grouped(self, kind: str | None) -> "dict[Series, list[str]]":
        found: dict[Series, list[str]] = {}
        for one in FORMS if kind is None else [kind]:
            for name in self.place.files(one, deep=True):
                series = Series.of(name.rpartition("/")[0])
                if series is not None:
                    found.setdefault(series, []).append(name)
        return found

    def _upsert_span(
        self,
        series: Series,
        span: str,
        there: "list[FileRef]",
        part: Any,
        labels: dict[str, str],
        *,
        replace: bool,
    ) -> Change:
        if replace or not there:
            table, change = part, Change(added=part.num_rows)
        elif len(there) == 1 and there[0].digest == digest_of(part):
            return Change(unchanged=part.num_rows)
        else:
            table, change = merged(series.kind, self._union(series, there, None, None, None), part)
        digest = digest_of(table)
        made = FileRef.made(
            series, span, max((one.generation for one in there), default=0) + 1, digest
        )
        same = [one for one in there if one.digest == digest]
        if same and not replace:
            made = same[-1]
        else:
            self.place.write(made.name, encoded(table, labels))
        for one in there:
            if one != made:
                self.place.remove(one.name)
        return change

    def _read(
        self,
        series: Series,
        refs: "list[FileRef]",
        start: int | None,
        end: int | None,
        columns: "list[str] | None",
    ) -> Any:
        pa = arrow()
        spans: dict[str, list[FileRef]] = {}
        for one in refs:
            if one.within(start, end):
                spans.setdefault(one.span, []).append(one)
        tables = [self._union(series, there, start, end, columns) for there in spans.values()]
        if not tables:
            schema = schema_of(series.kind)
            if columns is not None:
                schema = pa.schema([schema.field(name) for name in columns if name in schema.names])
            return schema.empty_table()
        if len(tables) == 1:
            return tables[0]
        return pa.concat_tables(tables, promote_options="default")

    def _union(
        self,
        series: Series,
        refs: "list[FileRef]",
        start: int | None,
        end: int | None,
        columns: "list[str] | None",
    ) -> Any:
        """Rows of a span; of several files the later generation stands."""
        if len(refs) == 1:
            return read_rows(self.place, refs[0].name, start=start, end=end, columns=columns)
        key = FORMS[series.kind].key
        wanted = None if columns is None else list(dict.fromkeys((*key, *columns)))
        ordered = sorted(refs, key=lambda one: (one.generation, one.digest))
        tables = [
            read_rows(self.place, one.name, start=start, end=end, columns=wanted) for one in ordered
        ]
        union = tables[0]
        for newer in tables[1:]:
            union, _ = merged(series.kind, union, newer)
        if columns is None:
            return union
        # As of one file: what no file has is left out.
        return union.select([name for name in columns if name in union.column_names])

    def _info(self, series: Series, refs: "list[FileRef]") -> SeriesInfo:
        footers = {one: read_footer(self.place, one.name) for one in refs}
        spans: dict[str, list[FileRef]] = {}
        for one in refs:
            spans.setdefault(one.span, []).append(one)
        digest, row_count = hashlib.sha256(str(series).encode()), 0
        for span, there in spans.items():
            if len(there) == 1:
                content, count = there[0].digest, footers[there[0]].row_count
            else:
                union = self._union(series, there, None, None, None)
                content, count = digest_of(union), union.num_rows
            digest.update(f"{span}:{content};".encode())
            row_count += count
        known = [one for one in footers.values() if one.first is not None and one.last is not None]
        return SeriesInfo(
            series=series,
            row_count=row_count,
            first=min((one.first for one in known if one.first is not None), default=None),
            last=max((one.last for one in known if one.last is not None), default=None),
            labels=footers[refs[-1]].labels,
            fingerprint=digest.hexdigest(),
            bytes=sum(self.place.size(one.name) for one in refs),
        )

    def _check_labels(self, series: Series, stored: FileRef, labels: dict[str, str]) -> None:
        known = read_footer(self.place, stored.name).labels
        for name in sorted({*known, *labels}):
            was, now = known.get(name, ""), labels.get(name, "")
            if was != now:
                raise DataError(
                    f"{name} of {series} in {self.name} must be {was!r} as stored, was {now!r}; "
                    "ingest with --replace to keep only the new, or into another store"
                )

    def _steadily(self, series: Series, act: Callable[["list[FileRef]"], T]) -> T:
        """Act on a series' files, again where a writer replaced them meanwhile."""
        for _ in range(_READS_MAX):
            refs = self._files(series)
            if not refs:
                raise self.missing(series)
            try:
                return act(refs)
            except FileNotFoundError:
                continue
        raise DataError(
            f"{self.name} must hold still for a moment, files of {series} were replaced "
            f"{_READS_MAX} times while they were read"
        )
