"""Rows of tables of trials that a query asks for.

A table is one Parquet file or many, of any length: it goes by in batches, and of
what is sorted only the rows that are still among the first are kept.
"""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from fanfold.errors import ConfigError, DataError
from fanfold.tracking.filters import checked_column, filter_of

LIMIT = 20
"""Rows that are answered where no other number is asked for [rows]."""

BATCH_ROWS = 65_536
"""Rows that are looked at together [rows]."""

BATCHES_AHEAD = 4
FILES_AHEAD = 2
"""What Arrow may read before it is asked for [batches], [files]."""

ArrowTable = Any
Dataset = Any
Schema = Any
"""pyarrow states no types."""


def query_table(
    files: Sequence[Path] | Path,
    where: str = "",
    *,
    columns: Sequence[str] | None = None,
    sort: str | None = None,
    limit: int | None = LIMIT,
    schema: Schema | None = None,
) -> ArrowTable:
    """The rows that a query asks for.

    Equal values of the sorted column stand in the order of files and rows.

    Args:
        files: Parquet files, or a folder of them; a column that one of them lacks is
            missing in its rows.
        where: The query; see `filter_of`. Empty for all rows.
        columns: Which columns are answered; all by default.
        sort: A column, the lowest first; with `-` before it, the highest first. Missing
            values come last.
        limit: Rows that are answered; None for all.
        schema: Columns of the files where they are known, and where there may be none.

    Raises:
        ConfigError: A column is unknown, or a piece of the query is not of its language.
        DataError: A file is not there, or is no table.
    """
    if limit is not None and limit < 1:
        raise ConfigError(f"limit must be at least 1, was {limit}")
    paths = table_files(files)
    with _reading(paths):
        opened = _opened(paths, schema)
        asked = opened.schema.names if columns is None else list(dict.fromkeys(columns))
        for name in asked:
            checked_column(name, opened.schema)
        order = None if sort is None else _order(sort, opened.schema)
        read = list(dict.fromkeys([*asked, *(() if order is None else (order[0],))]))
        batches = opened.to_batches(
            columns=read,
            filter=filter_of(where, opened.schema),
            batch_size=BATCH_ROWS,
            batch_readahead=BATCHES_AHEAD,
            fragment_readahead=FILES_AHEAD,
        )
        return _first_rows(batches, opened.schema, read, order, limit).select(asked)


def count_matching(
    files: Sequence[Path] | Path, where: str = "", *, schema: Schema | None = None
) -> int:
    """How many rows a query asks for.

    Args:
        files: As `query_table`.
        where: The query; empty for all rows.
        schema: As `query_table`.

    Raises:
        ConfigError: A column is unknown, or a piece of the query is not of its language.
        DataError: A file is not there, or is no table.
    """
    paths = table_files(files)
    with _reading(paths):
        opened = _opened(paths, schema)
        return opened.count_rows(filter=filter_of(where, opened.schema))


def table_files(files: Sequence[Path] | Path) -> list[Path]:
    """The Parquet files that are meant: those stated, or all of a folder, by name.

    Raises:
        DataError: A file is not there, or a folder has none.
    """
    if not isinstance(files, Path):
        paths = list(files)
    elif files.is_dir():
        paths = sorted(one for one in files.glob("*.parquet") if not one.name.startswith("."))
        if not paths:
            raise DataError(f"a folder of a table must hold .parquet files, {files} holds none")
    else:
        paths = [files]
    for path in paths:
        if not path.is_file():
            raise DataError(f"a file of a table must be there, {path} is not")
    return paths


def _opened(paths: Sequence[Path], schema: Schema | None) -> Dataset:
    ds = import_module("pyarrow.dataset")
    common = _common_schema(paths) if schema is None else schema
    if not paths:
        return ds.dataset(common.empty_table())
    return ds.dataset([str(path) for path in paths], schema=common, format="parquet")


def _common_schema(paths: Sequence[Path]) -> Schema:
    pa, pq = import_module("pyarrow"), import_module("pyarrow.parquet")
    if not paths:
        raise DataError("a table must be of at least one file, was of none")
    schemas = [pq.read_schema(path) for path in paths]
    # Numbered texts of one file are not those of the next: read them as what they stand for.
    plain = [
        pa.schema(
            field.with_type(field.type.value_type) if pa.types.is_dictionary(field.type) else field
            for field in one
        )
        for one in schemas
    ]
    return pa.unify_schemas(plain, promote_options="permissive")


@contextmanager
def _reading(paths: Sequence[Path]) -> Generator[None]:
    """What Arrow says of files and values, as one line that tells where."""
    pa = import_module("pyarrow")
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        line = str(error).split("\n", 1)[0]
        named = "" if any(str(path) in line for path in paths) else f" of {_shown(paths)}"
        raise DataError(f"the table{named} must be readable, was not: {line}") from None


def _shown(paths: Sequence[Path]) -> str:
    return f"{paths[0]}" + (f" and {len(paths) - 1:,} more" if len(paths) > 1 else "")


def _order(sort: str, schema: Schema) -> tuple[str, str]:
    pa = import_module("pyarrow")
    name = checked_column(sort.removeprefix("-"), schema)
    if pa.types.is_nested(schema.field(name).type):
        raise ConfigError(f"a column to sort by must hold one value a row, {name} holds lists")
    return name, "descending" if sort.startswith("-") else "ascending"


def _first_rows(
    batches: Any, schema: Schema, names: list[str], order: tuple[str, str] | None, limit: int | None
) -> ArrowTable:
    """The first rows of an order; what can no longer be among them is let go."""
    pa = import_module("pyarrow")
    kept = [pa.schema([schema.field(name) for name in names]).empty_table()]
    row_count = 0
    # Sorting pays when there is at least as much to drop as to keep.
    bound = float("inf") if limit is None else 2 * max(limit, BATCH_ROWS)
    for batch in batches:
        kept.append(pa.Table.from_batches([batch]))
        row_count += batch.num_rows
        if order is None and limit is not None and row_count >= limit:
            break
        if order is not None and row_count >= bound:
            kept = [_cut(pa.concat_tables(kept), order, limit)]
            row_count = kept[0].num_rows
    return _cut(pa.concat_tables(kept), order, limit)


def _cut(table: ArrowTable, order: tuple[str, str] | None, limit: int | None) -> ArrowTable:
    pc = import_module("pyarrow.compute")
    if order is None:
        return table.slice(0, limit)
    places = pc.sort_indices(table, sort_keys=[order])  # a stable sort
    return table.take(places if limit is None else places.slice(0, limit))
