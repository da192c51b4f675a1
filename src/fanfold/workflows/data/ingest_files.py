"""Which files are worked on together: those that have a symbol in common, in their order.

Two files may say different things of the same bar, and the later one shall stand however
many processes there are. So files that share a symbol are one unit, the others are each
their own.
"""

from dataclasses import replace
from pathlib import Path

from fanfold.domain.names import nearest_hint
from fanfold.errors import ConfigError, DataError
from fanfold.market.sources.source import Request
from fanfold.workflows.data.ingest_plan import SAMPLE, SERVICES, Asked, Part, Unit
from fanfold.workflows.data.ingest_sources import file_source


def file_units(asked: Asked, request: Request) -> tuple[tuple[Unit, ...], tuple[str, ...]]:
    """Units of an ingest from files, and the symbols that no file has.

    Args:
        asked: The ingest.
        request: All that is asked of the files.

    Raises:
        ConfigError: An argument does not go with files.
        DataError: A file is not there.
    """
    files = _files(asked)
    if len(files) == 1 and request.symbols is None:
        return (Unit(parts=(_part(asked, files[0], request, None),)),), ()
    wanted = None if request.symbols is None else frozenset(request.symbols)
    parts: list[Part] = []
    names: list[frozenset[str]] = []
    for file in files:
        try:
            there = symbols_in(asked, file)
        except DataError:  # said again, as a failure of this file, when it is its turn
            there = None
        if there is not None and wanted is not None:
            there &= wanted
            if not there:
                continue
        chosen = None if wanted is None or there is None else there
        parts.append(_part(asked, file, request, chosen))
        names.append(frozenset() if there is None else there)
    found = frozenset[str]().union(*names)
    missing = tuple(one for one in request.symbols or () if one not in found)
    return tuple(Unit(parts=tuple(group)) for group in _sharing(parts, names)), missing


def symbols_in(asked: Asked, file: Path) -> frozenset[str]:
    """Symbols that a file has rows of; "" for rows that are of none, such as listings.

    Raises:
        DataError: The file cannot be read, or it cannot be told what its rows are.
    """
    from fanfold.market.sources.file_columns import found_columns, told_form
    from fanfold.market.sources.file_rows import symbol_text
    from fanfold.market.sources.tables import column_names, read_columns, symbol_of

    if file_source(asked, file).told_kind() in ("listings", "members"):
        return frozenset({""})
    names = column_names(file, asked.delimiter)
    form = told_form(names, asked.columns, asked.kind, file)
    column = found_columns(names, asked.columns, form, file).get("symbol")
    if column is None:
        return frozenset({asked.symbol or symbol_of(file)})
    table = read_columns(file, {column: "raw"}, delimiter=asked.delimiter).table
    return frozenset(
        symbol_text(one) for one in table.column(0).unique().to_pylist() if one is not None
    )


def _files(asked: Asked) -> tuple[Path, ...]:
    from fanfold.market.sources.tables import table_files

    try:
        return tuple(file.absolute() for file in table_files(asked.source))
    except DataError as error:
        hint = nearest_hint(asked.source[0], (*SERVICES, SAMPLE)) if len(asked.source) == 1 else ""
        if not hint:
            raise
        known = ", ".join((*SERVICES, SAMPLE))
        raise ConfigError(
            f"source must be files, or one of {known}, was {asked.source[0]!r}{hint}"
        ) from error


def _part(asked: Asked, file: Path, request: Request, symbols: frozenset[str] | None) -> Part:
    chosen = request.symbols
    if symbols is not None:
        chosen = tuple(one for one in request.symbols or () if one in symbols)
    try:
        kind = file_source(asked, file).told_kind()
    except DataError:
        kind = request.kind
    return Part(source=str(file), request=replace(request, kind=kind, symbols=chosen))


def _sharing(parts: list[Part], names: list[frozenset[str]]) -> list[list[Part]]:
    """Parts in groups without a name in common, each and all in their order."""
    group_of: dict[str, list[int]] = {}
    groups: list[list[int]] = []
    for place, shared in enumerate(names):
        joined = [place]
        met = {id(group_of[one]): group_of[one] for one in shared if one in group_of}
        for other in met.values():
            joined = sorted(joined + other)
            groups = [group for group in groups if group is not other]
        groups.append(joined)
        for member in joined:
            group_of.update(dict.fromkeys(names[member], joined))
    return [[parts[place] for place in group] for group in sorted(groups)]
