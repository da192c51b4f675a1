"""Who did what: a line of JSON each, in files of bounded size.

Strangers have a file of their own, so that whoever knocks again and again pushes nothing out
of what people with a token did.
"""

import json
import logging
import os
from pathlib import Path
from typing import Any, Final, cast

from fanfold.errors import DataError
from fanfold.live.messages import UNREADABLE
from fanfold.serving.state import AuditRow

FILE_BYTES: Final = 2_000_000
"""Size at which a file is put aside [bytes]."""

FILES: Final = 4
"""Files that are kept beside the current one."""

ACTS: Final = "audit.jsonl"
STRANGERS: Final = "strangers.jsonl"
"""Names of the current files."""

TEXT_CHARACTERS_MAX: Final = 400
"""Longest text that is kept of an argument."""

NAME_CHARACTERS_MAX: Final = 40
"""Longest name of an argument that is kept."""

ARGUMENTS_MAX: Final = 16
"""Arguments of one request that are kept."""

HIDDEN: Final = frozenset(("code", "codes", "token"))
"""Arguments of which only is kept that they were there."""

_TAIL_BYTES: Final = 400_000

_log = logging.getLogger(__name__)


class Audit:
    """The log of one deployment.

    Args:
        place: Its folder.
    """

    def __init__(self, place: Path) -> None:
        self._place = place

    def note(self, row: AuditRow) -> None:
        """Write a line; where the disk takes none, the deed goes on all the same."""
        file = self._place / (ACTS if row.who else STRANGERS)
        try:
            _append(file, row.model_dump_json().encode() + b"\n")
        except OSError as error:
            _log.error("not in the audit log: %s of %s: %s", row.what, row.who, error.strerror)

    def newest(self, limit: int) -> list[AuditRow]:
        """The newest lines of all, the newest first.

        Raises:
            DataError: A file is there and cannot be read.
        """
        rows = [row for name in (ACTS, STRANGERS) for row in _tail(self._place / name, limit)]
        return sorted(rows, key=lambda row: row.at, reverse=True)[:limit]


def shown_arguments(body: bytes) -> dict[str, Any]:
    """A body's arguments as they may be kept: bounded, and without codes."""
    try:
        found: Any = json.loads(body) if body else {}
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        return {"unreadable": f"{len(body)} bytes"}
    items = list(cast("dict[str, Any]", found).items())[:ARGUMENTS_MAX]
    return {name[:NAME_CHARACTERS_MAX]: _shown(name, value) for name, value in items}


def _shown(name: str, value: Any) -> Any:
    if name in HIDDEN:
        return "(hidden)"
    if value is None or isinstance(value, bool | int | float):
        return value
    return str(value)[:TEXT_CHARACTERS_MAX]


def _append(file: Path, line: bytes) -> None:
    if file.exists() and file.stat().st_size + len(line) > FILE_BYTES:
        for number in range(FILES, 0, -1):
            older = file if number == 1 else file.with_name(f"{file.name}.{number - 1}")
            if older.exists():
                older.replace(file.with_name(f"{file.name}.{number}"))
    opened = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(opened, line)  # one write: lines of two processes do not mix
    finally:
        os.close(opened)


def _tail(file: Path, limit: int) -> list[AuditRow]:
    """The last lines, of the file before too where the current one has just begun."""
    rows: list[AuditRow] = []
    for each in (file.with_name(f"{file.name}.1"), file):
        try:
            with each.open("rb") as opened:
                opened.seek(max(opened.seek(0, os.SEEK_END) - _TAIL_BYTES, 0))
                lines = opened.read().split(b"\n")
        except FileNotFoundError:
            continue
        except OSError as error:
            raise DataError(f"{each} must be readable, was not: {error.strerror}") from None
        rows += [row for line in lines if (row := _row_of(line)) is not None]
    return rows[-limit:]


def _row_of(line: bytes) -> AuditRow | None:
    try:
        return AuditRow.model_validate_json(line)
    except (ValueError, *UNREADABLE):  # the first line of a tail is cut
        return None
