"""A small store of bars: datasets in a folder, added to and never silently changed."""

import fcntl
import re
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fanfold.domain.bars import Bars
from fanfold.domain.names import nearest_hint
from fanfold.domain.period import Moment
from fanfold.errors import ConfigError, DataError
from fanfold.market.dataset import (
    PAGE,
    DatasetInfo,
    dataset_info,
    read_bars,
    read_page,
    write_dataset,
)
from fanfold.market.merge import merge
from fanfold.market.quality import BadRow

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_READ_SWAPS_MAX = 3
"""Swaps of a page that one read outlasts [swaps]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """Datasets of bars in one folder.

    Attributes:
        folder: The folder; made by the first write.
    """

    folder: Path

    def write(
        self, name: str, bars: Bars, *, replace: bool = False, quarantined: Sequence[BadRow] = ()
    ) -> DatasetInfo:
        """Store bars, beside those that are there.

        Writing the same again changes nothing. Newer bars and other symbols are
        added; what is stored already must be equal. Writers wait for each other.

        Args:
            name: Of the dataset, such as "us_daily": letters, digits, ``. _ -``.
            bars: What to store.
            replace: Whether to forget what is there.
            quarantined: Rows of the source that could not be bars, to be listed.

        Raises:
            ConfigError: The name is not one.
            DataError: A stored value differs, or the folder cannot be written to.
        """
        folder = self.folder / _checked_name(name)
        with _writing(folder):
            kept: list[BadRow] = []
            if (folder / PAGE).exists() and not replace:
                page = read_page(folder)
                bars = merge(read_bars(folder, page, None), bars)
                kept = [BadRow(**row) for row in page["quarantined"]]
            kept += [row for row in quarantined if row not in kept]
            page = write_dataset(folder, bars, kept)
        return dataset_info(folder, page)

    def read(
        self,
        name: str,
        *,
        symbols: Sequence[str] | str | None = None,
        start: Moment | None = None,
        end: Moment | None = None,
    ) -> Bars:
        """Read bars; as `Bars.select`, but only files of the symbols are read.

        Raises:
            ConfigError: A moment cannot be understood.
            DataError: No such dataset, symbol or period, or a file is missing or damaged.
        """
        folder = self._existing(name)
        bars = _read_steadily(folder, symbols)
        return bars.select(symbols=symbols, start=start, end=end)

    def info(self, name: str) -> DatasetInfo:
        """What a dataset is.

        Raises:
            DataError: No such dataset, or its page is damaged.
        """
        folder = self._existing(name)
        return dataset_info(folder, read_page(folder))

    def list(self) -> tuple[DatasetInfo, ...]:
        """All datasets, by name."""
        return tuple(self.info(name) for name in self._names())

    def _names(self) -> "list[str]":
        return sorted(page.parent.name for page in self.folder.glob(f"*/{PAGE}"))

    def _existing(self, name: str) -> Path:
        folder = self.folder / _checked_name(name)
        if not (folder / PAGE).exists():
            names = self._names()
            there = ", ".join(names) or "none"
            raise DataError(
                f"dataset must be one of those in {self.folder} ({there}), was {name!r}"
                f"{nearest_hint(name, names)}"
            )
        return folder


def _checked_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ConfigError(f"dataset name must be letters, digits, '.', '_' or '-', was {name!r}")
    return name


@contextmanager
def _writing(folder: Path) -> Generator[None]:
    """One writer at a time, also of several processes."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / ".lock").open("w")
    except OSError as error:
        raise DataError(f"{folder} must be writable: {error}") from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _read_steadily(folder: Path, symbols: Sequence[str] | str | None) -> Bars:
    """Read again where a writer swapped the page meanwhile: its files are others."""
    page = read_page(folder)
    for _ in range(_READ_SWAPS_MAX):
        try:
            return read_bars(folder, page, symbols)
        except DataError:
            before, page = page, read_page(folder)
            if page == before:
                raise
    return read_bars(folder, page, symbols)
