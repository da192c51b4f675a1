"""Calendars that were made before, as arrays in fanfold's home: making one takes two seconds.

A file is named by all that it follows from, the library's version included, and is made
again where it cannot be read.
"""

import contextlib
import os
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final
from zipfile import BadZipFile

import numpy as np

from fanfold.domain.place import home

_LIBRARY: Final = "exchange_calendars"
_NAMES: Final = ("zone", "days", "opens", "closes", "regular", "turnover_ns")


def kept_calendar(name: str, first_year: int, last_year: int) -> dict[str, Any] | None:
    """The arrays of a calendar over some years, None where it was not made before."""
    try:
        with _file(name, first_year, last_year).open("rb") as opened:
            found: Any = np.load(opened, allow_pickle=False)
            return {one: found[one] for one in _NAMES}
    except (OSError, ValueError, LookupError, EOFError, BadZipFile):
        return None


def keep_calendar(name: str, first_year: int, last_year: int, arrays: dict[str, Any]) -> None:
    """Keep a calendar's arrays; where they cannot be kept they are made again each time."""
    file = _file(name, first_year, last_year)
    beside = file.with_name(f".{file.name}.{os.getpid()}")
    with contextlib.suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            with beside.open("wb") as opened:
                np.savez(opened, **arrays)
            beside.replace(file)
        finally:
            beside.unlink(missing_ok=True)


def _file(name: str, first_year: int, last_year: int) -> Path:
    plain = "".join(letter if letter.isalnum() else "_" for letter in name)
    return home() / "calendars" / f"{plain}-{first_year}-{last_year}-{version(_LIBRARY)}.npz"
