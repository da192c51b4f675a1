"""Rows as sorted Arrow tables: merging two by their key, comparing, and a digest.

Pure functions. NaN equals NaN here: it says that there is no number, twice.
"""

import hashlib
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fanfold.errors import DataError
from fanfold.market.columns import arrow
from fanfold.market.kinds import FORMS, schema_of

EXAMPLES_MAX: Final = 10
"""Revised rows that a change tells of."""

_DIGEST_CHARACTERS: Final = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What an upsert did.

    Attributes:
        added: Rows that were not there.
        revised: Rows that had another value.
        unchanged: Rows that were there already.
        examples: Some of the revised ones: column, key, before and after.
    """

    added: int = 0
    revised: int = 0
    unchanged: int = 0
    examples: tuple[str, ...] = ()

    def __add__(self, other: "Change") -> "Change":
        """Both together."""
        return Change(
            added=self.added + other.added,
            revised=self.revised + other.revised,
            unchanged=self.unchanged + other.unchanged,
            examples=(self.examples + other.examples)[:EXAMPLES_MAX],
        )


def checked(kind: str, table: Any, name: str) -> Any:
    """A table in the form of its kind, sorted by key.

    Args:
        kind: A key of `FORMS`.
        table: Arrow table with the required and any optional columns.
        name: Of the rows, for errors.

    Raises:
        DataError: A column is missing or of another type, or a key stands twice.
    """
    form = FORMS[kind]
    missing = [column for column in form.required if column not in table.column_names]
    if missing:
        there = ", ".join(table.column_names)
        raise DataError(f"{name} must have a column {missing[0]}, its columns are {there}")
    schema = schema_of(kind, table.column_names)
    try:
        table = table.select(schema.names)
        if table.schema != schema:
            table = table.cast(schema)
        table = table.combine_chunks()
    except (arrow().ArrowException, ValueError) as error:
        raise DataError(f"{name} must have columns {schema.names}: {error}") from error
    if _increases(form.key, table):
        return table
    table = in_order(kind, table)
    twice = np.flatnonzero(_same_as_before(table, form.key))
    if len(twice):
        key = {column: table[column][int(twice[0])].as_py() for column in form.key[1:]}
        raise DataError(f"{name} must hold each key once, row {int(twice[0])} is twice {key or ''}")
    return table


def in_order(kind: str, table: Any) -> Any:
    """A table sorted by its key; itself if it is sorted already."""
    key = FORMS[kind].key
    if _increases(key, table):
        return table
    return table.sort_by([(column, "ascending") for column in key]).combine_chunks()


def _increases(key: tuple[str, ...], table: Any) -> bool:
    """Whether rows are in the order of a key of instants, each key once."""
    if key not in (("ts",), ("ts", "seq")) or table["ts"].null_count:
        return False
    ts = numbers(table, "ts")
    if (ts[1:] > ts[:-1]).all():
        return True
    if key != ("ts", "seq") or not (ts[1:] >= ts[:-1]).all():
        return False
    seq = numbers(table, "seq")
    return bool(((ts[1:] > ts[:-1]) | (seq[1:] > seq[:-1])).all())


def merged(kind: str, old: Any, new: Any) -> tuple[Any, Change]:
    """Two tables of a kind, sorted by key, as one; where both have a key the new row stands.

    A column that the new rows lack keeps its old values.
    """
    pa = arrow()
    key = FORMS[kind].key
    if key[0] == "ts" and old.num_rows and new.num_rows:
        before, after = numbers(old, "ts"), numbers(new, "ts")
        if before[-1] < after[0] or after[-1] < before[0]:
            parts = [old, new] if before[-1] < after[0] else [new, old]
            return _stacked(kind, parts), Change(added=new.num_rows)
    both = _stacked(kind, [old, new])
    is_new = np.zeros(both.num_rows, bool)
    is_new[old.num_rows :] = True
    marked = both.append_column("__new", pa.array(is_new.astype(np.int8)))
    order = _sort_indices(marked, [*key, "__new"])
    both, is_new = both.take(pa.array(order)).combine_chunks(), is_new[order]
    replaces = _same_as_before(both, key)  # always a new row after the old one
    place = np.flatnonzero(replaces)
    changed = np.zeros(len(place), bool)
    examples: list[str] = []
    columns: dict[str, Any] = {}
    for column in both.column_names:
        columns[column] = both[column]
        if column in key:
            continue
        if column not in new.column_names:
            source = np.arange(both.num_rows, dtype=np.int64)
            source[place] = place - 1
            columns[column] = both[column].take(pa.array(source))
            continue
        differs = _differs(both[column], place)
        changed |= differs
        for at in place[differs][: EXAMPLES_MAX - len(examples)].tolist():
            was, now = (both[column][row].as_py() for row in (at - 1, at))
            examples.append(f"{column} {_key_text(both, key, at)} was {was}, is {now}")
    kept = np.ones(both.num_rows, bool)
    kept[place - 1] = False
    table = pa.table(columns, schema=both.schema).filter(pa.array(kept)).combine_chunks()
    change = Change(
        added=int(is_new.sum()) - len(place),
        revised=int(changed.sum()),
        unchanged=len(place) - int(changed.sum()),
        examples=tuple(examples),
    )
    return table, change


def digest_of(table: Any) -> str:
    """SHA-256 over the columns' names, types and values, shortened."""
    import pyarrow.compute as untyped

    pc: Any = untyped
    pa = arrow()
    digest = hashlib.sha256()
    for name in table.column_names:
        chunks = table[name].chunks or [pa.array([], table[name].type)]
        column = chunks[0] if len(chunks) == 1 else pa.concat_arrays(chunks)
        digest.update(f"{name}:{column.type}:{len(column)};".encode())
        if column.null_count:
            digest.update(_bytes(pc.is_valid(column).cast(pa.uint8()), 1))
        if pa.types.is_string(column.type):
            filled = pc.fill_null(column, "") if column.null_count else column
            digest.update(_bytes(pc.binary_length(filled), 4))
            digest.update("".join(filled.to_pylist()).encode())
        elif pa.types.is_boolean(column.type):
            digest.update(_bytes(column.cast(pa.uint8()), 1))
        else:
            filled = column.fill_null(0) if column.null_count else column
            digest.update(_bytes(filled, column.type.bit_width // 8))
    return digest.hexdigest()[:_DIGEST_CHARACTERS]


def numbers(table: Any, name: str) -> NDArray[Any]:
    """A column of numbers, dates or instants as an array, without pandas.

    Instants are int64 [ns UTC], dates int32 [days since 1970-01-01]; where there is a null
    the value means nothing.
    """
    column = table[name]
    kind = _numpy_kinds().get(column.type, np.int64)
    size = np.dtype(kind).itemsize
    parts = [
        np.frombuffer(chunk.buffers()[1], kind, len(chunk), chunk.offset * size)
        for chunk in column.chunks
        if len(chunk)
    ]
    if len(parts) == 1:
        return parts[0]
    return np.concatenate([np.empty(0, kind), *parts])


@cache
def _numpy_kinds() -> dict[Any, Any]:
    pa = arrow()
    return {pa.float64(): np.float64, pa.date32(): np.int32, pa.int64(): np.int64}


def truths(table: Any, name: str) -> NDArray[np.bool_]:
    """A column of booleans, which Arrow packs into bits, as an array."""
    parts: list[NDArray[np.uint8]] = []
    for chunk in table[name].chunks:
        if len(chunk):
            packed = np.frombuffer(chunk.buffers()[1], np.uint8)
            bits = np.unpackbits(packed, count=chunk.offset + len(chunk), bitorder="little")
            parts.append(bits[chunk.offset :])
    return np.concatenate([np.empty(0, np.uint8), *parts]).astype(np.bool_)


def _stacked(kind: str, parts: list[Any]) -> Any:
    """One under the other; an optional column is filled where a part lacks it."""
    pa = arrow()
    there = {name for part in parts for name in part.column_names}
    schema = schema_of(kind, there)
    filled: list[Any] = []
    for part in parts:
        for name in schema.names:
            if name not in part.column_names:
                blank = float("nan") if schema.field(name).type == pa.float64() else None
                values = pa.array([blank], schema.field(name).type)
                take = pa.array(np.zeros(part.num_rows, np.int64))
                part = part.append_column(schema.field(name), values.take(take))  # noqa: PLW2901
        filled.append(part.select(schema.names).cast(schema))
    return pa.concat_tables(filled).combine_chunks()


def _sort_indices(table: Any, names: list[str]) -> NDArray[np.int64]:
    import pyarrow.compute as untyped

    pc: Any = untyped
    order = pc.sort_indices(table, sort_keys=[(name, "ascending") for name in names])
    return np.frombuffer(order.buffers()[1], np.uint64, len(order)).astype(np.int64)


def _same_as_before(table: Any, key: tuple[str, ...]) -> NDArray[np.bool_]:
    """Whether a row of a sorted table has the key of the one before it; shape [row]."""
    same = np.ones(table.num_rows, bool)
    if table.num_rows:
        same[0] = False
    rows = np.arange(1, max(table.num_rows, 1), dtype=np.int64)
    for name in key:
        same[1:] &= ~_differs(table[name], rows)
    return same


def _differs(column: Any, at: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether a row's value is another than the one before it; shape as `at`."""
    import pyarrow.compute as untyped

    pc: Any = untyped
    pa = arrow()
    now, before = column.take(pa.array(at)), column.take(pa.array(at - 1))
    false = pa.scalar(value=False)
    other = pc.fill_null(pc.not_equal(now, before), false)
    if column.null_count:
        other = pc.or_(other, pc.not_equal(pc.is_null(now), pc.is_null(before)))
    if pa.types.is_floating(column.type):
        nan = [pc.fill_null(pc.is_nan(one), false) for one in (now, before)]
        other = pc.and_(other, pc.invert(pc.and_(*nan)))
    return truths(pa.table({"differs": other}), "differs")


def _key_text(table: Any, key: tuple[str, ...], row: int) -> str:
    if key[0] == "ts":
        ts = int(numbers(table.slice(row, 1), "ts")[0])
        return "at " + str(np.datetime64(ts, "ns")).rstrip("0").rstrip(".") + "Z"
    return "of " + " ".join(str(table[name][row].as_py()) for name in key)


def _bytes(array: Any, size: int) -> memoryview:
    """The values of an array without nulls, as bytes."""
    values = array.buffers()[1]
    if values is None:
        return memoryview(b"")
    return memoryview(values)[array.offset * size : (array.offset + len(array)) * size]
